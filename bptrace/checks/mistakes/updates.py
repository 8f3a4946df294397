"""Mistakes of learning rules: velocities, moments, weight decay, and which update is meant."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import TypeGuard

from bptrace.address import BEFORE, Address, Quantity, partial
from bptrace.checks.mistakes.formulas import entry
from bptrace.checks.mistakes.step import Step, Variant
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import ONE, Expr, Num, Op, Ref, add, bind, call, mul, neg, sub
from bptrace.maths.rules import Rule

Q = Quantity
NEW_PARAMETERS = (Q.W_NEW, Q.B_NEW)


@entry(
    "velocity",
    2,
    ("a wrong velocity", "动量项错误"),
    (
        "The velocity is μ times the last step, plus the new one, −η·∂E/∂w: η belongs to that one.",
        "速度 = μ·上一步的速度 − η·∂E/∂w：η 只乘梯度。",
    ),
    turned=("what is left of the last step, {x}, has the wrong sign", "上一步的余量 {x} 符号反了"),
    scaled=("{x} multiplies the last step as well", "{x} 也乘到了上一步的速度上"),
    mean=("the gradient is multiplied by {x}, as in a mean", "像取平均那样给梯度多乘了 {x}"),
    plain=(
        "the step is not taken from where the velocity leads to",
        "只加了速度，没有按前瞻位置更新",
    ),
)
def velocity(step: Step) -> Iterator[Variant]:
    """μ·v turned round or multiplied by η, 1 − μ before the gradient, no look ahead."""
    rule = step.problem.rule
    if rule is None or Q.V not in _remembered(rule):
        return
    momentum = _places(rule, step)["momentum"]
    for part, rebuild in step.places("sub") if step.quantity is Q.V_NEW else ():
        kept, new = part.args
        if not isinstance(new, Op) or new.role != "step":
            continue
        eta, *rest = new.args
        share = sub(ONE, momentum)
        yield Variant(rebuild(sub(neg(kept), new)), "turned", {"x": kept})
        yield Variant(rebuild(mul(eta, sub(kept, mul(*rest)))), "scaled", {"x": eta})
        yield Variant(rebuild(sub(kept, mul(eta, share, *rest))), "mean", {"x": share})
    if rule.name == "nesterov" and step.quantity in NEW_PARAMETERS:
        assert isinstance(step.key, Address)
        v = step.ref(step.key._replace(quantity=Q.V_NEW))
        yield Variant(add(step.ref(step.key.parameter), v), "plain", {})


@entry(
    "moments",
    2,
    ("a wrong mean of gradients", "梯度平均（矩）计算错误"),
    (
        "β₁ belongs to the mean of gradients, β₂ to that of squares; the old one is kept by β, "
        "the new one comes in by 1 − β.",
        "β₁ 用于梯度的平均，β₂ 用于平方的平均；旧值乘 β，新值乘 1 − β。",
    ),
    swapped=("{x} is used instead of {y}", "用了 {x}，应为 {y}"),
    turned=("old and new have each other's share", "新旧两项的权重互换了"),
)
def moments(step: Step) -> Iterator[Variant]:
    """β₁ for β₂, or β and 1 − β interchanged."""
    rule = step.problem.rule
    if rule is None or step.quantity not in _MEANS:
        return
    places = _places(rule, step)
    if "beta1" in places:
        own, other = places["beta1"], places["beta2"]
        if step.quantity in (Q.S_NEW, Q.S_HAT):
            own, other = other, own
        swapped = _renumbered(step.expr, own, other)
        if swapped != step.expr:
            yield Variant(swapped, "swapped", {"x": other, "y": own})
    for part, rebuild in step.places("add"):
        old, new = part.args[0], part.args[-1]
        if _is_product(old) and _is_product(new) and len(part.args) == 2:
            (keep, was), (share, now) = old.args, new.args
            yield Variant(rebuild(add(mul(share, was), mul(keep, now))), "turned", {})


_MEANS = (Q.M_NEW, Q.S_NEW, Q.M_HAT, Q.S_HAT)


def _is_product(expr: Expr) -> TypeGuard[Op]:
    """Whether this is a product of two factors."""
    return isinstance(expr, Op) and expr.name == "mul" and len(expr.args) == 2


@entry(
    "bias-correction",
    2,
    ("a wrong correction of the means", "偏差修正错误"),
    (
        "The means begin at 0: divide them by 1 − βⁿ, n being the number of the update.",
        "平均值从 0 开始：要除以 1 − βⁿ，n 为更新的次数。",
    ),
    missing=("{x} is not corrected for its beginning at 0", "{x} 没有做偏差修正"),
    both=("the means are not corrected for their beginning at 0", "两个平均都没有做偏差修正"),
    power=("the correction is taken for the update {x}", "偏差修正用成了第 {x} 次更新的"),
    times=("{x} is multiplied in instead of divided by", "乘了 {x}，应为除以"),
)
def bias_correction(step: Step) -> Iterator[Variant]:
    """m for m̂, another power of β, or · for ÷."""
    rule = step.problem.rule
    if rule is None or not rule.corrected or not isinstance(step.key, Address):
        return
    for part, rebuild in step.places("div") if step.quantity in rule.corrected else ():
        mean, fill = part.args
        yield Variant(rebuild(mean), "missing", {"x": mean})
        yield Variant(rebuild(mul(mean, fill)), "times", {"x": fill})
    n = step.key.step
    for other in sorted({1, n - 1, n + 1} - {0, n}) if step.quantity in rule.corrected else ():
        wrong = _with_power(step.expr, Num(float(other)))
        if wrong != step.expr:
            yield Variant(wrong, "power", {"x": other})
    plain: dict[Hashable, Expr] = {}
    for address, rebuild in step.addresses():
        if address.quantity in rule.corrected:
            mean = step.ref(address._replace(quantity=_UNCORRECTED[address.quantity]))
            plain[address] = mean
            yield Variant(rebuild(mean), "missing", {"x": mean})
    if len(plain) > 1:
        yield Variant(bind(step.expr, plain), "both", {})


_UNCORRECTED = {Q.M_HAT: Q.M_NEW, Q.S_HAT: Q.S_NEW}


@entry(
    "root",
    2,
    ("a wrong root", "开方错误"),
    (
        "The step is divided by the root of the mean of squares; ε is added to the root.",
        "更新量除以平方平均的平方根；ε 加在根号外。",
    ),
    forgotten=("the root of {x} is not taken", "{x} 没有开方"),
    inside=("{x} stands under the root", "{x} 放进了根号里"),
    absent=("the step is not divided by {x}", "没有除以 {x}"),
)
def root(step: Step) -> Iterator[Variant]:
    """No root, ε under it, or no division by it."""
    for part, rebuild in step.places("sqrt"):
        yield Variant(rebuild(part.args[0]), "forgotten", {"x": part.args[0]})
    for part, rebuild in step.places("add"):
        first, last = part.args[0], part.args[-1]
        if len(part.args) == 2 and isinstance(first, Op) and first.name == "sqrt":
            under = call("sqrt", add(first.args[0], last))
            yield Variant(rebuild(under), "inside", {"x": last})
    for part, rebuild in step.places("div"):
        below = part.args[1]
        if isinstance(below, Op) and any(True for _ in _roots(below)):
            yield Variant(rebuild(part.args[0]), "absent", {"x": below})


@entry(
    "weight-decay",
    2,
    ("weight decay where it does not belong", "权重衰减用错地方"),
    (
        "Weight decay is for weights: biases have none. With AdamW it stays out of the gradient.",
        "权重衰减只用于权重，偏置没有；AdamW 的衰减不进入梯度。",
    ),
    bias=("the bias decays as well, by {x}", "偏置也衰减了 {x}"),
    gradient=("{x} is added to the gradient", "把 {x} 加进了梯度"),
)
def weight_decay(step: Step) -> Iterator[Variant]:
    """λ·b for a bias, or λ·w in the gradient of AdamW."""
    rule, key = step.problem.rule, step.key
    if rule is None or not isinstance(key, Address) or key.quantity not in _UPDATES:
        return
    given = step.problem.training.weight_decay
    decay = 0.0 if rule.local is not None else rule.weight_decay if given is None else given
    p, slope = key.parameter, step.canon(partial(None, key.parameter))
    if not decay or not (p.is_of_bias or rule.decoupled):
        return
    extra = mul(Num(decay), step.ref(p), role="weight decay")
    for address, rebuild in step.addresses():
        if address == slope:
            wording = "bias" if p.is_of_bias else "gradient"
            yield Variant(rebuild(add(Ref(address), extra)), wording, {"x": extra})
    if p.is_of_bias and rule.decoupled and step.quantity is Q.B_NEW:
        shrunk = mul(step.ref(Address(Q.ETA, step=key.step)), extra)
        yield Variant(sub(step.expr, shrunk), "bias", {"x": shrunk})


_UPDATES = (Q.W_NEW, Q.B_NEW, Q.STEP_W, Q.STEP_B, Q.V_NEW, Q.M_NEW, Q.S_NEW)


@entry(
    "other-update",
    3,
    ("a number of another update", "用了其他更新步的数值"),
    (
        "Which update is this? Go on with the weights, and what is remembered, of the one before.",
        "这是第几次更新？应接着用上一次更新后的权重和记下的量。",
    ),
    single=("{x} is used instead of {y}", "用了 {x}，应为 {y}"),
    all=("the numbers before the last update are used", "用了上一次更新之前的数值"),
    rate=("the learning rate of update {x} is used", "用了第 {x} 次更新的学习率"),
)
def other_update(step: Step) -> Iterator[Variant]:
    """The old weight, velocity or mean for the new one, or the rate of another update."""
    if not isinstance(step.key, Address):
        return
    old: dict[Hashable, Expr] = {}
    for address, rebuild in list(step.addresses()):
        if address.quantity is Q.ETA and address.step:
            for n in _updates_near(step, address.step):
                yield Variant(rebuild(step.ref(address._replace(step=n))), "rate", {"x": n})
        elif address.quantity in BEFORE:
            before = step.canon(address._replace(quantity=BEFORE[address.quantity]))
            old[address] = Ref(before)
            yield Variant(rebuild(Ref(before)), "single", {"x": before, "y": address})
    if len(old) > 1:
        yield Variant(bind(step.expr, old), "all", {})
    if step.quantity is Q.ETA:
        chapter = Chapter(step.problem)
        for n in _updates_near(step, step.key.step):
            equation = chapter.equation(step.key._replace(step=n))
            if equation is not None and equation.expr != step.expr:
                yield Variant(equation.expr, "rate", {"x": n})


def _updates_near(step: Step, n: int) -> list[int]:
    return sorted({1, n - 1, n + 1} & set(range(1, step.problem.training.steps + 1)) - {n})


def _remembered(rule: Rule) -> list[Quantity]:
    return [memory.quantity for memory in rule.memory]


def _places(rule: Rule, step: Step) -> Mapping[str, Num]:
    """The constants of the rule as they stand in its formulas."""
    given = dict(step.problem.training.options)
    return {o.name: Num(rule.constant(o.name, given), o.name) for o in rule.options}


def _renumbered(expr: Expr, old: Num, new: Num) -> Expr:
    """Return a formula with one number in the place of another."""
    if expr == old:
        return new
    if not isinstance(expr, Op):
        return expr
    return Op(expr.name, tuple(_renumbered(arg, old, new) for arg in expr.args), expr.role)


def _with_power(expr: Expr, n: Num) -> Expr:
    """Return a formula with another exponent of β."""
    if not isinstance(expr, Op):
        return expr
    if expr.name == "power":
        return call("power", expr.args[0], n)
    return Op(expr.name, tuple(_with_power(arg, n) for arg in expr.args), expr.role)


def _roots(expr: Expr) -> Iterator[Op]:
    if isinstance(expr, Op):
        if expr.name == "sqrt":
            yield expr
        for arg in expr.args:
            yield from _roots(arg)
