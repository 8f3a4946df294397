"""Mistakes of the last layer: softmax, its Jacobian, and losses with a logarithm."""

from __future__ import annotations

from collections.abc import Iterator

from bptrace.address import Address, Quantity, partial
from bptrace.checks.mistakes.formulas import LN2, LN10, entry
from bptrace.checks.mistakes.step import Step, Variant
from bptrace.maths.expr import ONE, Expr, Op, Ref, add, call, div, mul, square, sub
from bptrace.maths.losses import LOSSES
from bptrace.maths.own import activation_of

Q = Quantity


@entry(
    "softmax",
    2,
    ("a wrong softmax", "softmax 计算错误"),
    (
        "All outputs of a softmax together are 1: each is its power over the sum of all powers.",
        "softmax 的全部输出之和为 1：每个输出是自己的幂除以所有幂之和。",
    ),
    alone=("the power is not divided by the sum", "没有除以各幂之和"),
    linear=(
        "the net inputs are divided by their sum, without powers of e",
        "直接用净输入除以其和，没有取 e 的幂",
    ),
    largest=("the largest power is taken for the sum", "分母只用了最大的幂，而不是和"),
)
def softmax(step: Step) -> Iterator[Variant]:
    """No sum, only its largest term, or no powers."""
    if step.quantity is not Q.OUT or not _is_of_layer(step):
        return
    for part, rebuild in step.places("div"):
        power, total = part.args
        if not isinstance(total, Op) or total.name != "add":
            continue
        yield Variant(rebuild(power), "alone", {})
        yield Variant(rebuild(div(power, call("max", *total.args))), "largest", {})
        nets = [_exponent(term) for term in total.args]
        own = _exponent(power)
        if own is not None and all(net is not None for net in nets):
            linear = div(own, add(*(net for net in nets if net is not None)))
            yield Variant(rebuild(linear), "linear", {})


def _exponent(expr: Expr) -> Expr | None:
    return expr.args[0] if isinstance(expr, Op) and expr.name == "exp" else None


@entry(
    "jacobian",
    2,
    ("a wrong slope of the softmax", "softmax 求导错误"),
    (
        "Every output of a softmax depends on every net input: ∂out_j/∂in_k = −out_j·out_k.",
        "softmax 的每个输出依赖于所有净输入：j≠k 时 ∂out_j/∂in_k = −out_j·out_k。",
    ),
    diagonal=("only the neuron's own output is differentiated", "只对自己的输出求导，漏了其他输出"),
    own=(
        "the slope is calculated as {x}, as if by its own net input",
        "按自身净输入求导，用了 {x}",
    ),
    cross=(
        "the slope is calculated as {x}, as if by another net input",
        "按其他净输入求导，用了 {x}",
    ),
)
def jacobian(step: Step) -> Iterator[Variant]:
    """Only the diagonal, or a part of the Jacobian in the place of the other."""
    key = step.key
    if not isinstance(key, Address) or key.quantity is not Q.D_IN or not _is_of_layer(step):
        return
    out = key._replace(quantity=Q.OUT, of=None)
    if key.of is not None and key.of.quantity is Q.OUT and key.of.layer == key.layer:
        a, b = Ref(key.of), Ref(out)
        if key.of != out:
            for wrong in (mul(a, sub(ONE, a)), mul(b, sub(ONE, b)), mul(a, sub(ONE, b))):
                yield Variant(wrong, "own", {"x": wrong})
        else:
            yield Variant(call("neg", square(a)), "cross", {"x": call("neg", square(a))})
        return
    slope = Ref(step.canon(partial(out, key._replace(quantity=Q.IN, of=None))))
    for part, rebuild in step.places("add"):
        for term in part.args if part.role == "layer sum" else ():
            if isinstance(term, Op) and slope in term.args:
                yield Variant(rebuild(term), "diagonal", {})


@entry(
    "slope-twice",
    3,
    ("the slope of the activation is counted twice", "激活函数的导数重复计算"),
    (
        "With cross-entropy out − target is δ already: the slope of the activation has cancelled.",
        "采用交叉熵时，输出 − 目标 已经是 δ，即 ∂E/∂in：激活函数的导数已经约去。",
    ),
    output=(
        "{x} is the slope by the net input, not by the output",
        "{x} 是对净输入的导数，而不是对输出的导数",
    ),
    again=("the slope {x} is multiplied in once more", "又多乘了一次导数 {x}"),
)
def slope_twice(step: Step) -> Iterator[Variant]:
    """Take out − t for ∂E/∂out, or multiply δ by the slope although it has cancelled."""
    key, network = step.key, step.problem.network
    if not isinstance(key, Address) or key.of is not None or key.layer != network.depth:
        return
    fused = LOSSES.get(network.loss).fused
    if fused is None or fused.partner != network.layers[-1].activation:
        return
    out = key._replace(quantity=Q.OUT, of=None)
    t = step.canon(out._replace(quantity=Q.T, layer=0))
    delta = sub(Ref(out), Ref(t))
    if key.quantity is Q.D_OUT:
        yield Variant(delta, "output", {"x": delta})
    if key.quantity is Q.D_IN:
        slope = mul(Ref(out), sub(ONE, Ref(out)))
        yield Variant(mul(delta, slope), "again", {"x": slope})


@entry(
    "logarithm",
    2,
    ("a wrong logarithm", "对数错误"),
    (
        "Cross-entropy takes the natural logarithm, of the output and not of the target.",
        "交叉熵用自然对数，取对数的是输出而不是目标。",
    ),
    base=("the logarithm to base {x} is taken instead of ln", "用了以 {x} 为底的对数，应为 ln"),
    forgotten=("the logarithm is forgotten", "忘了取对数"),
    target=("the factor {x} before the logarithm is left out", "漏了对数前的因子 {x}"),
)
def logarithm(step: Step) -> Iterator[Variant]:
    """Another base, none, or no target before it."""
    if step.quantity is not Q.E_K:
        return
    bases = (("10", LN10), ("2", LN2))
    for base, log in bases:
        if any(True for _ in step.places("times_log")):
            yield Variant(div(step.expr, log), "base", {"x": base})
    for part, rebuild in step.places("times_log"):
        t, a = part.args
        yield Variant(rebuild(mul(t, a)), "forgotten", {})
        yield Variant(rebuild(call("log", a)), "target", {"x": t})


def _is_of_layer(step: Step) -> bool:
    assert isinstance(step.key, Address)
    return activation_of(step.problem.network.layers[step.key.layer]).is_of_layer
