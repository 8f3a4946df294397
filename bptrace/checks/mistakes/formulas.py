"""Mistakes in a formula: signs, factors, terms, indices, derivatives and what else goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from bptrace.address import Address, Quantity
from bptrace.checks.mistakes import MISTAKES, Mistake, Text
from bptrace.checks.mistakes.near import neighbours, transposed
from bptrace.checks.mistakes.step import Rebuild, Step, Variant, without
from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.expr import (
    HALF,
    ONE,
    TWO,
    Expr,
    Num,
    Op,
    Ref,
    add,
    bind,
    call,
    div,
    mul,
    neg,
    square,
    sub,
)
from bptrace.maths.own import activation_of

Q = Quantity
MOST = 64
"""In long sums only so many terms are tried: a page does not speak of the 500th input."""


def entry(
    name: str, weight: float, title: Text, hint: Text, **wordings: Text
) -> Callable[[Callable[[Step], Iterator[Variant]]], Callable[[Step], Iterator[Variant]]]:
    """Enter the decorated function into the table."""

    def enter(variants: Callable[[Step], Iterator[Variant]]) -> Callable[[Step], Iterator[Variant]]:
        MISTAKES.add(Mistake(name, weight, title, hint, wordings, variants))
        return variants

    return enter


@entry(
    "sign",
    8,
    ("a wrong sign", "符号错误"),
    (
        "Which way round is the difference? ∂E/∂out is out − target; the step goes against it.",
        "差的方向是哪一边？∂E/∂out 是 输出 − 目标；更新沿负梯度方向。",
    ),
    whole=("the whole sign is turned", "整个符号反了"),
    difference=("the difference is taken the wrong way round", "差的顺序反了"),
    term=("wrong sign at {x}", "{x} 的符号错误"),
    exponent=("the minus in the exponent is missing", "指数中漏了负号"),
)
def sign(step: Step) -> Iterator[Variant]:
    """The whole, one term, or the exponent with the opposite sign."""
    is_difference = isinstance(step.expr, Op) and step.expr.role in ("error slope", "delta")
    yield Variant(neg(step.expr), "difference" if is_difference else "whole", {})
    for part, rebuild in step.places("add"):
        for k, term in enumerate(part.args[:MOST]):
            turned = (*part.args[:k], neg(term), *part.args[k + 1 :])
            yield Variant(rebuild(Op("add", turned, part.role)), "term", {"x": term})
    for part, rebuild in step.places("sub"):
        yield Variant(rebuild(add(*part.args, role=part.role)), "term", {"x": part.args[1]})
        if part.role == "error":  # t − y inside the step of a local rule
            a, b = part.args
            yield Variant(rebuild(sub(b, a, role=part.role)), "difference", {})
    for part, rebuild in step.places("exp"):
        (inside,) = part.args
        if isinstance(inside, Op) and inside.name == "neg":
            yield Variant(rebuild(call("exp", *inside.args)), "exponent", {})


@entry(
    "drop-factor",
    10,
    ("a factor is left out", "漏乘一个因子"),
    (
        "Write the chain rule out: every arrow on the path gives one factor.",
        "把链式法则完整写出：路径上的每一段都贡献一个因子。",
    ),
    factor=("the factor {x} is left out", "漏乘 {x}"),
    slope=("the slope {x} of the activation is left out", "漏乘激活函数的导数 {x}"),
    input=("the input of the weight, {x}, is left out", "漏乘该权重的输入 {x}"),
    all=("in every term the factor after {x} is left out", "每一项都漏了 {x} 之后的因子"),
    first=("in every term the first factor, {x}, is left out", "每一项都漏了第一个因子 {x}"),
)
def drop_factor(step: Step) -> Iterator[Variant]:
    """One factor of a product is missing."""
    for part, rebuild in step.places("mul"):
        for k, factor in enumerate(part.args):
            rest = mul(*without(part.args, k), role=part.role)
            yield Variant(rebuild(rest), _factor_kind(factor), {"x": factor})
    for part, rebuild in step.places("add"):
        heads = [a.args[0] if isinstance(a, Op) and a.name == "mul" else a for a in part.args]
        if sum(head != arg for head, arg in zip(heads, part.args, strict=True)) > 1:
            yield Variant(rebuild(add(*heads, role=part.role)), "all", {"x": heads[0]})
            tails = [_tail(arg) for arg in part.args]
            yield Variant(rebuild(add(*tails, role=part.role)), "first", {"x": heads[0]})


def _tail(term: Expr) -> Expr:
    """A product without its first factor; anything else is itself."""
    if isinstance(term, Op) and term.name == "mul":
        return mul(*term.args[1:], role=term.role)
    return term


def _factor_kind(factor: Expr) -> str:
    key = factor.key if isinstance(factor, Ref) else None
    if isinstance(key, Address) and key.of is not None:
        if key.quantity is Q.D_IN and key.of.quantity is Q.OUT:
            return "slope"
        if key.quantity is Q.D_W:
            return "input"
    return "factor"


@entry(
    "drop-term",
    10,
    ("a term is left out", "漏加一项"),
    (
        "Count the terms: one for every connection, one for the bias, one for every path.",
        "数一数项数：每条连接一项，偏置一项，每条路径一项。",
    ),
    term=("the term {x} is left out", "漏了 {x} 这一项"),
    bias=("the bias {x} is left out", "漏加偏置 {x}"),
    path=("the path {x} is left out", "漏了路径 {x}"),
    target=("{x} itself is used instead of the difference", "直接用了 {x}，没有作差"),
    old=("the old value is left out: this is the step alone", "漏了旧值：这只是更新量"),
    step=("the step is left out: this is the old value", "漏了更新量：这仍是旧值"),
    memory=("what was remembered, {x}, is left out", "漏了上一步记下的 {x}"),
    decay=("the weight decay {x} is left out", "漏了权重衰减 {x}"),
)
def drop_term(step: Step) -> Iterator[Variant]:
    """One term of a sum or difference is missing."""
    for part, rebuild in step.places("add"):
        for k, term in enumerate(part.args[:MOST]):
            rest = add(*without(part.args, k), role=part.role)
            yield Variant(rebuild(rest), _term_kind(part, k), {"x": term})
    for part, rebuild in step.places("sub"):
        a, b = part.args
        if part.role == "update":
            yield Variant(rebuild(neg(b)), "old", {})
            yield Variant(rebuild(a), "step", {})
        elif step.quantity not in (Q.M_HAT, Q.S_HAT):  # see bias-correction
            yield Variant(rebuild(a), _dropped(b, "target"), {"x": b if _decays(b) else a})
            kept = neg(b)
            is_memory = _dropped(a, "") == "memory"
            x = a if is_memory else kept
            yield Variant(rebuild(kept), "memory" if is_memory else "target", {"x": x})


def _term_kind(part: Op, k: int) -> str:
    term = part.args[k]
    if isinstance(term, Ref) and isinstance(term.key, Address) and term.key.quantity is Q.B:
        return "bias"
    if part.role == "update" and len(part.args) == 2:
        return ("old", "step")[k]
    return "path" if part.role == "path sum" else _dropped(term, "term")


def _dropped(term: Expr, otherwise: str) -> str:
    """Which sentence says that a term of an update is left out."""
    factors = term.args if isinstance(term, Op) and term.name == "mul" else ()
    keys = [f.key for f in factors if isinstance(f, Ref)]
    if any(isinstance(key, Address) and key.quantity.is_memory for key in keys):
        return "memory"
    return "decay" if _decays(term) else otherwise


def _decays(term: Expr) -> bool:
    return isinstance(term, Op) and term.role == "weight decay"


@entry(
    "constant",
    5,
    ("a constant factor is wrong", "常数因子错误"),
    (
        "Is there a ½ or a 1/n in E? Its derivative brings a 2 that may cancel it.",
        "E 中有 ½ 或 1/n 吗？求导得到的 2 可能与它相消。",
    ),
    extra=("an extra factor {x}", "多乘了 {x}"),
    replaced=("{x} in the place of {y}", "把 {y} 写成了 {x}"),
)
def constant(step: Step) -> Iterator[Variant]:
    """Another constant, or an extra one."""
    share = Num(1.0 / step.outputs)
    for part, rebuild in step.places("mul", "div", "sub", "add"):
        for k, arg in enumerate(part.args):
            if not isinstance(arg, Num) or part.name in ("sub", "add"):
                continue
            for other in (TWO, ONE, HALF, Num(0.25), share):
                if other != arg:
                    args = (*part.args[:k], other, *part.args[k + 1 :])
                    yield Variant(
                        rebuild(Op(part.name, args, part.role)), "replaced", {"x": other, "y": arg}
                    )
    if step.quantity in (Q.D_OUT, Q.D_IN, Q.D_W, Q.D_B, Q.E, Q.E_K):
        for factor in dict.fromkeys((TWO, HALF, share)):
            if factor != ONE:
                yield Variant(mul(factor, step.expr), "extra", {"x": factor})


@entry(
    "square",
    4,
    ("the square is wrong", "平方错误"),
    ("E is half of the square: first square, then halve.", "E 是平方的一半：先平方，再乘 ½。"),
    forgotten=("the square is forgotten", "忘了平方"),
    absolute=("the absolute value in the place of the square", "用绝对值代替了平方"),
    whole=("the ½ is squared as well", "把 ½ 也平方了"),
)
def square_forgotten(step: Step) -> Iterator[Variant]:
    """No square, an absolute value, or the factor squared as well."""
    for part, rebuild in step.places("square"):
        yield Variant(rebuild(part.args[0]), "forgotten", {})
        yield Variant(rebuild(call("abs", *part.args)), "absolute", {})
    for part, rebuild in step.places("mul"):
        factor, rest = part.args[0], part.args[-1]
        if isinstance(factor, Num) and isinstance(rest, Op) and rest.name == "square":
            yield Variant(rebuild(square(mul(factor, rest.args[0]))), "whole", {})


@entry(
    "index",
    8,
    ("a wrong index", "下标错误"),
    (
        "Follow the connection with a finger: from which neuron, to which neuron?",
        "用手指沿连接走一遍：从哪个神经元到哪个神经元？",
    ),
    neighbour=("{x} is used instead of {y}", "用了 {x}，应为 {y}"),
    interchanged=("{x} and {y} are interchanged", "{x} 与 {y} 互换了"),
)
def index(step: Step) -> Iterator[Variant]:
    """A quantity of the same kind of another neuron."""
    network = step.problem.network
    found = list(step.addresses())[: 2 * MOST]
    for address, rebuild in found:
        if address.quantity is Q.B:
            continue  # see shared-bias
        for other in neighbours(address, network):
            other = step.canon(other)
            if other != address:
                yield Variant(rebuild(Ref(other)), "neighbour", {"x": other, "y": address})
    kinds = dict.fromkeys(address for address, _ in found)
    for a, b in combinations(list(kinds)[:MOST], 2):
        alike = a.quantity is b.quantity and a.layer == b.layer and a.of == b.of
        if alike and a.quantity is not Q.B:
            yield Variant(step.swap({a: b, b: a}), "interchanged", {"x": a, "y": b})


@entry(
    "role",
    8,
    ("another quantity of the same neuron", "用错了同一神经元的另一个量"),
    (
        "Say each factor's name aloud before putting its number in.",
        "代入数字之前，先说出每个因子的名称。",
    ),
    other=("{x} is used instead of {y}", "用了 {x}，应为 {y}"),
    all=("in every term {x} is used instead of {y}", "每一项都用了 {x} 一类的量，应为 {y}"),
)
def role(step: Step) -> Iterator[Variant]:
    """Use in for out, out for target, δ for ∂E/∂out."""
    together: dict[tuple[object, ...], dict[Address, Address]] = {}
    for address, rebuild in list(step.addresses())[: 2 * MOST]:
        for other in step.others(address):
            if other != address:
                yield Variant(rebuild(Ref(other)), "other", {"x": other, "y": address})
                kind = (address.quantity, other.quantity, address.layer, other.of is None)
                together.setdefault(kind, {})[address] = other
    for places in together.values():
        if len(places) > 1:
            y, x = next(iter(places.items()))
            yield Variant(step.swap(places), "all", {"x": x, "y": y})


@entry(
    "derivative",
    6,
    ("a wrong derivative of the activation", "激活函数求导错误"),
    (
        "For the sigmoid the slope is out·(1 − out), with the output, not with the net input.",
        "sigmoid 的导数是 out·(1 − out)，代入的是输出而不是净输入。",
    ),
    formula=("the slope is calculated as {x}", "导数按 {x} 计算"),
    other=("the slope of {x} is used", "用了 {x} 的导数"),
    input=(
        "the slope is taken at {x}, an input of the layer, and not at the net input",
        "导数取在该层的输入 {x} 处，而不是净输入处",
    ),
)
def derivative(step: Step) -> Iterator[Variant]:
    """The slope of another function, at another place, or with parts missing."""
    key = step.key
    if not isinstance(key, Address) or key.quantity is not Q.D_IN or key.of is None:
        return
    if key.of.quantity is not Q.OUT or key.of != key._replace(quantity=Q.OUT, of=None):
        return
    out, net = Ref(key.of), Ref(key._replace(of=None))
    assert isinstance(net.key, Address)
    net = Ref(net.key._replace(quantity=Q.IN))
    own = activation_of(step.problem.network.layers[key.layer])
    for entry in (*ACTIVATIONS, own) if own.name not in ACTIVATIONS else ACTIVATIONS:
        option = Num(entry.default)
        slope = bind(entry.slope_expr, {"out": out, "in": net, "option": option})
        if entry.name != own.name and not entry.is_of_layer:
            yield Variant(slope, "other", {"x": entry.name})
        for place in (net, out):
            at = bind(entry.slope_expr, {"out": place, "in": place, "option": option})
            if entry.name == own.name and at != slope:
                yield Variant(at, "formula", {"x": at})
        if entry.name == own.name and not entry.is_of_layer:
            value = bind(entry.expr, {"in": out, "option": option})
            twice = bind(entry.slope_expr, {"out": value, "in": out, "option": option})
            yield Variant(twice, "formula", {"x": twice})
            yield from _at_input(step, entry, key)
    rest = sub(ONE, out)
    for wrong in (
        rest,
        out,
        square(out),
        square(rest),
        mul(out, add(ONE, out)),
        sub(out, ONE),
        mul(out, sub(out, ONE)),
    ):
        yield Variant(wrong, "formula", {"x": wrong})


def _at_input(step: Step, entry: Activation, key: Address) -> Iterator[Variant]:
    """The slope at the input of the layer that has the neuron's number, if there is one."""
    l, j = key.layer - 1, key.neuron
    if j > step.problem.network.widths[l]:
        return
    x = step.ref(Address(Q.OUT, l, j, sample=key.sample, step=key.step))
    given = step.problem.network.layers[key.layer].option
    option = Num(entry.default if given is None else given)
    value = bind(entry.expr, {"in": x, "option": option})
    slope = bind(entry.slope_expr, {"out": value, "in": x, "option": option})
    if slope != step.expr:
        yield Variant(slope, "input", {"x": x})


LN10, LN2 = Num(2.302585092994046), Num(0.6931471805599453)


@entry(
    "activation",
    5,
    ("a wrong activation", "激活函数错误"),
    ("Put a simple number into the function: σ(0) is ½.", "先代入简单的数检验：σ(0) = ½。"),
    forgotten=("the activation is forgotten", "忘了激活函数"),
    other=("{x} is used as activation", "激活函数用成了 {x}"),
    mirrored=("the function is taken at {x}", "在 {x} 处取函数值"),
    base=("{x} is used as the base instead of e", "底数用了 {x} 而不是 e"),
    one=("the 1 + is forgotten", "漏了 1 +"),
    reciprocal=("the reciprocal is forgotten", "忘了取倒数"),
)
def activation(step: Step) -> Iterator[Variant]:
    """No activation, another one, or one copied wrongly."""
    key = step.key
    if not isinstance(key, Address) or key.quantity is not Q.OUT:
        return
    net = Ref(key._replace(quantity=Q.IN))
    own = activation_of(step.problem.network.layers[key.layer])
    for entry in ACTIVATIONS:
        if entry.name == own.name or entry.is_of_layer:
            continue
        other = bind(entry.expr, {"in": net, "option": Num(entry.default)})
        wording = "forgotten" if entry.name == "identity" else "other"
        yield Variant(other, wording, {"x": entry.name})
    mirrored = bind(step.expr, {net.key: neg(net)})
    yield Variant(mirrored, "mirrored", {"x": neg(net)})
    for part, rebuild in step.places("exp"):
        for base, log in (("10", LN10), ("2", LN2)):
            yield Variant(rebuild(call("exp", mul(*part.args, log))), "base", {"x": base})
    for part, rebuild in step.places("div"):
        below = part.args[1]
        yield Variant(rebuild(below), "reciprocal", {})
        if isinstance(below, Op) and below.name == "add" and below.args[0] == ONE:
            yield Variant(rebuild(div(part.args[0], add(*below.args[1:]))), "one", {})


@entry(
    "transposed",
    4,
    ("the weight matrix is transposed", "权重矩阵转置了"),
    ("Which index comes first: to or from?", "下标的先后：先“到”还是先“从”？"),
    single=(
        "{x} is used instead of {y}: to and from are interchanged",
        "用了 {x}，应为 {y}：“到”与“从”颠倒",
    ),
    all=("the weights are taken from a column instead of a row", "权重按列取了，应按行取"),
)
def transpose(step: Step) -> Iterator[Variant]:
    """w_ij for w_ji, one or all."""
    network = step.problem.network
    swapped: dict[Address, Address] = {}
    for address, rebuild in list(step.addresses())[: 2 * MOST]:
        if address.quantity in (Q.W, Q.W_NEW) and (other := transposed(address, network)):
            other = step.canon(other)
            swapped[address] = other
            yield Variant(rebuild(Ref(other)), "single", {"x": other, "y": address})
    if len(swapped) > 1:
        yield Variant(step.swap(swapped), "all", {})


@entry(
    "updated-weight",
    5,
    ("the updated weight is used for the way back", "反向传播用了更新后的权重"),
    (
        "δ travels back over the weights of the forward pass; update all weights at the end.",
        "δ 沿前向传播时的权重返回；所有权重最后一起更新。",
    ),
    single=("{x} is used instead of {y}", "用了 {x}，应为 {y}"),
    all=("the updated weights are used", "用了更新后的权重"),
)
def updated_weight(step: Step) -> Iterator[Variant]:
    """w⁺ in the place of w, one or all."""
    if step.quantity not in (Q.D_OUT, Q.D_IN, Q.IN):
        return
    new: dict[Address, Address] = {}
    for address, rebuild in list(step.addresses())[: 2 * MOST]:
        later = _next(address, step.key)
        if later is not None and step.canon(later) != address:
            new[address] = step.canon(later)
            yield Variant(rebuild(Ref(new[address])), "single", {"x": new[address], "y": address})
    if len(new) > 1:
        yield Variant(step.swap(new), "all", {})


def _next(address: Address, key: object) -> Address | None:
    """The parameter after the update of the step in which `key` is calculated."""
    plain = {Q.W: Q.W_NEW, Q.B: Q.B_NEW, Q.W_NEW: Q.W_NEW, Q.B_NEW: Q.B_NEW}
    if address.quantity not in plain or not isinstance(key, Address):
        return None
    return address._replace(quantity=plain[address.quantity], step=key.step)


@entry(
    "learning-rate",
    5,
    ("another learning rate", "学习率不同"),
    ("Which learning rate does the text give?", "文中给出的学习率是多少？"),
    rate=("the learning rate {x} is used instead of {y}", "学习率用了 {x}，应为 {y}"),
)
def learning_rate(step: Step) -> Iterator[Variant]:
    """One of the usual learning rates, at every place where the rate stands."""
    if step.quantity not in (Q.W_NEW, Q.B_NEW, Q.STEP_W, Q.STEP_B, Q.V_NEW):
        return
    usual = (1.0, 0.5, 0.1, 0.01, 0.05, 0.2, 0.25, 0.3, 0.6, 0.9, 0.001, 2.0)
    stated = next((part.args[0] for part, _ in step.places("mul") if part.role == "step"), None)
    for rate in usual if stated is not None else ():
        other = _with_rate(step.expr, Num(rate))
        yield Variant(other, "rate", {"x": Num(rate), "y": stated})


def _with_rate(expr: Expr, rate: Num) -> Expr:
    """Return a formula with another learning rate in front of every step."""
    if not isinstance(expr, Op):
        return expr
    if expr.name == "mul" and expr.role == "step":
        return mul(rate, *expr.args[1:], role="step")
    return Op(expr.name, tuple(_with_rate(arg, rate) for arg in expr.args), expr.role)


@entry(
    "shared-bias",
    4,
    ("the bias of another neuron", "用了其他神经元的偏置"),
    (
        "Does every neuron have its own bias here, or the whole layer one?",
        "这里每个神经元有自己的偏置，还是整层共用一个？",
    ),
    other=("the bias {x} is used instead of {y}", "偏置用了 {x}，应为 {y}"),
)
def shared_bias(step: Step) -> Iterator[Variant]:
    """A bias of another neuron or layer."""
    network = step.problem.network
    for address, rebuild in step.addresses():
        if address.quantity not in (Q.B, Q.B_NEW):
            continue
        for l in range(1, network.depth + 1):
            layer = network.layers[l]
            for j in range(1, min(layer.biases, 2 * MOST) + 1):
                other = step.canon(address._replace(layer=l, neuron=j))
                if other != address:
                    yield Variant(rebuild(Ref(other)), "other", {"x": other, "y": address})


@entry(
    "other-sample",
    3,
    ("a number of another sample", "用了其他样本的数值"),
    ("Which sample is this step about?", "这一步计算的是哪个样本？"),
    single=("{y} of sample {s} is used", "用了样本 {s} 的 {y}"),
    all=("the inputs of sample {s} are used", "用了样本 {s} 的输入"),
)
def other_sample(step: Step) -> Iterator[Variant]:
    """x or t of another sample, one or all."""
    given = [
        a for a, _ in step.addresses() if a.quantity is Q.T or (a.quantity is Q.OUT and not a.layer)
    ]
    count = len(step.problem.samples)
    if not given or count == 1:
        return
    for s in range(1, min(count, MOST) + 1):
        moved = {a: a._replace(sample=s) for a in given if a.sample != s}
        for address, other in list(moved.items())[:MOST]:
            yield Variant(step.swap({address: other}), "single", {"y": address, "s": s})
        if len(moved) > 1:
            yield Variant(step.swap(dict(moved)), "all", {"s": s})


@entry(
    "operator",
    2,
    ("plus and times confused", "加号与乘号混淆"),
    ("Weights multiply, paths add.", "权重相乘，路径相加。"),
    plus=("{x} is added where it should be multiplied", "{x} 应相乘，却用了相加"),
    every=(
        "in every term {x} is added where it should be multiplied",
        "每一项中 {x} 应相乘，却用了相加",
    ),
    times=("the terms are multiplied instead of added", "各项应相加，却用了相乘"),
    apart=("weights and inputs are summed separately", "权重与输入分别求和后再相乘"),
)
def operator(step: Step) -> Iterator[Variant]:
    """+ for ·, · for +, or (Σw)(Σx)."""
    for part, rebuild in list(step.places("mul"))[:MOST]:
        yield Variant(rebuild(add(*part.args)), "plus", {"x": part.args[-1]})
    for part, rebuild in step.places("add"):
        if len(part.args) <= 6:
            yield Variant(rebuild(mul(*part.args)), "times", {})
        inside = [a for a in part.args if isinstance(a, Op) and a.name == "mul"]
        if len(inside) > 1:
            terms = [add(*a.args) if isinstance(a, Op) and a in inside else a for a in part.args]
            changed = rebuild(add(*terms, role=part.role))
            yield Variant(changed, "every", {"x": inside[0].args[-1]})
        products = [
            a for a in part.args if isinstance(a, Op) and a.name == "mul" and len(a.args) == 2
        ]
        if part.role == "weighted sum" and len(products) > 1:
            rest = [a for a in part.args if a not in products]
            sums = [add(*(p.args[k] for p in products)) for k in (0, 1)]
            yield Variant(rebuild(add(mul(*sums), *rest)), "apart", {})


@entry(
    "average",
    2,
    ("a mean in the place of a sum", "用平均代替了求和"),
    ("Does the text sum or average here?", "文中此处是求和还是取平均？"),
    mean=("the sum is divided by {x}", "和除以了 {x}"),
    total=("the sum is not divided by {x}", "和没有除以 {x}"),
)
def average(step: Step) -> Iterator[Variant]:
    """A sum divided by the number of its terms, or a mean that is not."""
    for part, rebuild in step.places("add"):
        if len(part.args) > 1 and part.role in (
            "total error",
            "path sum",
            "batch sum",
            "weighted sum",
        ):
            n = Num(float(len(part.args)))
            yield Variant(rebuild(div(part, n)), "mean", {"x": n})
    for part, rebuild in step.places("div"):
        if isinstance(part.args[1], Num):
            yield Variant(rebuild(part.args[0]), "total", {"x": part.args[1]})


def operands(step: Step) -> list[tuple[Address, Rebuild]]:
    """Return the operands in whose places other quantities of the page are tried."""
    return list(step.addresses())[:MOST]


def foreign(address: Address, rebuild: Rebuild, other: Address) -> Variant:
    """Return a formula with another quantity of the page in the place of an operand."""
    return Variant(rebuild(Ref(other)), "other", {"x": other, "y": address})


MISTAKES.add(
    Mistake(
        "foreign",
        1.5,
        ("another quantity of the page", "用了本页的其他量"),
        ("Compare each number with the line from which it was copied.", "把每个数与其来源行对照。"),
        {"other": ("{x} is used instead of {y}", "用了 {x}，应为 {y}")},
    )
)
