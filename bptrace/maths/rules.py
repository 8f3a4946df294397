"""Learning rules: how a parameter changes. One entry per rule.

A rule follows the slope of the error (`Rule.f`, with what it remembers of each parameter), or it is
local: Hebb's rule and those after it look only at what the connection sees (`Rule.local`). Formulas
are over open places, which the chapter fills with quantities; the functions beside them are what
the kernels compile, and the tests hold the two together with ``==``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bptrace.address import Quantity
from bptrace.maths import ieee
from bptrace.maths.expr import (
    ONE,
    Expr,
    Ref,
    add,
    call,
    div,
    mul,
    neg,
    square,
    sub,
)
from bptrace.registry import Registry
from bptrace.tuples import NamedTuple

Q = Quantity

PARAMETER, GRADIENT, ETA = Ref("parameter"), Ref("gradient"), Ref("eta")
X, T, Y = Ref("x"), Ref("t"), Ref("y")
V, M, S = Ref(Q.V), Ref(Q.M), Ref(Q.S)
V_NEW, M_NEW, S_NEW, M_HAT, S_HAT = (Ref(q) for q in (Q.V_NEW, Q.M_NEW, Q.S_NEW, Q.M_HAT, Q.S_HAT))
N = Ref("n")
"""The number of the update, from 1."""


class Constants(NamedTuple):
    """What all parameters of one update have in common.

    Attributes
    ----------
    keep_first, keep_second : float
        How much of the first and the second memory is kept: μ or β₁, ρ or β₂.
    epsilon : float
        What keeps a denominator from 0.
    weight_decay : float
        λ.
    fill_first, fill_second : float
        1 − β₁ⁿ and 1 − β₂ⁿ: how full the memories are after n updates from 0.
    """

    keep_first: float
    keep_second: float
    epsilon: float
    weight_decay: float
    fill_first: float
    fill_second: float


class Option(NamedTuple):
    """A constant of a rule: its key in the file, its default, what it is, its letter in formulas.

    `place` is the field of `Constants` that it fills; it lies in [0, below), or in (0, below) if it
    `is_positive`.
    """

    name: str
    default: float
    place: str
    says: str
    letter: str
    below: float = 1.0
    is_positive: bool = False

    def takes(self, value: float) -> bool:
        """Whether a value lies within the limits."""
        return (value > 0.0 if self.is_positive else value >= 0.0) and value < self.below


class Memory(NamedTuple):
    """What a rule remembers of each parameter, 0 at first: ``f(old, gradient, eta, constants)``."""

    quantity: Quantity
    f: Callable[[float, float, float, Constants], float]
    expr: Expr


class Local(NamedTuple):
    """A rule without a gradient: the Δ that one sample adds, ``f(eta, x, t, y)``.

    x is what comes along the connection (1 for a bias), t the target and y the output of the neuron
    that it leads to. `needs_target`: t stands in it, so that only the last layer can learn.
    """

    f: Callable[[float, float, float, float], float]
    expr: Expr
    bias_expr: Expr
    needs_target: bool = True

    @property
    def needs_mistake(self) -> bool:
        """Whether nothing changes where the output is what it should be."""
        return self.f(1.0, 1.0, 1.0, 1.0) == 0.0


class Rule(NamedTuple):
    """One learning rule.

    Attributes
    ----------
    f : function
        The parameter after the update: ``f(parameter, gradient, eta, first, second, constants)``,
        with the two memories after it; unused for local rules.
    step_expr, new_expr : Expr
        The Δ that is added, and the parameter after it.
    source : str
        Where the formula comes from.
    about : (str, str)
        What it looks at, in English and Chinese.
    options : tuple of Option
    memory : tuple of Memory
        At most two, the first and the second.
    corrected : mapping of Quantity to Expr
        Means without their beginning at 0, which stand in `new_expr`.
    weight_decay : float
        The default of λ.
    decoupled : bool
        Whether λ shrinks the weight itself; otherwise λ·w is added to its gradient.
    local : Local or None
    """

    name: str
    f: Callable[[float, float, float, float, float, Constants], float]
    step_expr: Expr
    new_expr: Expr
    source: str
    about: tuple[str, str]
    options: tuple[Option, ...] = ()
    memory: tuple[Memory, ...] = ()
    corrected: Mapping[Quantity, Expr] | None = None
    weight_decay: float = 0.0
    decoupled: bool = False
    local: Local | None = None

    @property
    def keeps_step(self) -> bool:
        """Whether the rule remembers its last step: its velocity is the Δ that is added."""
        return self.step_expr == V_NEW

    def constant(self, name: str, given: Mapping[str, float]) -> float:
        """Return an option as given, or its default."""
        default = next(option.default for option in self.options if option.name == name)
        return given.get(name, default)

    def constants(self, given: Mapping[str, float], weight_decay: float | None) -> Constants:
        """Return the constants of a run; how full the memories are is told step by step."""
        places = {option.place: self.constant(option.name, given) for option in self.options}
        decay = self.weight_decay if weight_decay is None else weight_decay
        return Constants(
            keep_first=places.get("keep_first", 0.0),
            keep_second=places.get("keep_second", 0.0),
            epsilon=places.get("epsilon", 0.0),
            weight_decay=decay,
            fill_first=1.0,
            fill_second=1.0,
        )


RULES: Registry[Rule] = Registry("rule")

# --------------------------------------------------------------------------- along the slope


def gradient_descent(p: float, g: float, eta: float, m: float, s: float, c: Constants) -> float:
    """p − η·g."""
    return p - eta * g


STEP: Final = mul(ETA, GRADIENT, role="step")

RULES.add(
    Rule(
        "gradient-descent",
        f=gradient_descent,
        step_expr=neg(STEP),
        new_expr=sub(PARAMETER, STEP, role="update"),
        about=(
            "against the slope of the error, through hidden layers, too",
            "沿误差的负梯度方向；隐藏层也能学习",
        ),
        source="Rumelhart, Hinton & Williams (1986), eq. 8",
    )
)

MOMENTUM: Final = Option(
    "momentum", 0.9, "keep_first", "how much of the last step is added to the next", "μ"
)


def velocity(v: float, g: float, eta: float, c: Constants) -> float:
    """μ·v − η·g."""
    return c.keep_first * v - eta * g


def with_velocity(p: float, g: float, eta: float, v: float, s: float, c: Constants) -> float:
    """p + v⁺."""
    return p + v


VELOCITY: Final = Memory(Q.V, velocity, sub(mul(Ref("momentum"), V), STEP))

RULES.add(
    Rule(
        "momentum",
        f=with_velocity,
        step_expr=V_NEW,
        new_expr=add(PARAMETER, V_NEW, role="update"),
        about=(
            "gradient descent; a part of the last step is added to each new one",
            "梯度下降；每一步再加上前一步的一部分",
        ),
        source="Polyak (1964); Rumelhart, Hinton & Williams (1986), eq. 9: v is the last Δw",
        options=(MOMENTUM,),
        memory=(VELOCITY,),
    )
)


def looking_ahead(p: float, g: float, eta: float, v: float, s: float, c: Constants) -> float:
    """p + μ·v⁺ − η·g."""
    return p + c.keep_first * v - eta * g


RULES.add(
    Rule(
        "nesterov",
        f=looking_ahead,
        step_expr=sub(mul(Ref("momentum"), V_NEW), STEP),
        new_expr=sub(add(PARAMETER, mul(Ref("momentum"), V_NEW)), STEP, role="update"),
        about=(
            "momentum; its slope is taken where the velocity leads to",
            "动量法；梯度取在速度将到达的位置",
        ),
        source="Nesterov (1983), in the form of Sutskever et al., On the importance of "
        "initialization and momentum (2013): the parameters are those looked ahead to",
        options=(MOMENTUM,),
        memory=(VELOCITY,),
    )
)


def sum_of_squares(s: float, g: float, eta: float, c: Constants) -> float:
    """s + g²."""
    return s + g * g


def scaled_by_first(p: float, g: float, eta: float, s: float, _: float, c: Constants) -> float:
    """p − η·g / (√s⁺ + ε)."""
    return p - eta * g / (ieee.sqrt(s) + c.epsilon)


def _epsilon(default: float) -> Option:
    says = "keeps the denominator from 0"
    return Option("epsilon", default, "epsilon", says, "ε", is_positive=True)


SCALED: Final = div(STEP, add(call("sqrt", S_NEW), Ref("epsilon")))

RULES.add(
    Rule(
        "adagrad",
        f=scaled_by_first,
        step_expr=neg(SCALED),
        new_expr=sub(PARAMETER, SCALED, role="update"),
        about=(
            "gradient descent; each step is divided by the root of the sum of squares",
            "梯度下降；每一步除以历次梯度平方和的平方根",
        ),
        source="Duchi, Hazan & Singer, Adaptive Subgradient Methods (2011)",
        options=(_epsilon(1e-10),),
        memory=(Memory(Q.S, sum_of_squares, add(S, square(GRADIENT))),),
    )
)


def mean_of_squares(s: float, g: float, eta: float, c: Constants) -> float:
    """ρ·s + (1 − ρ)·g²."""
    return c.keep_first * s + (1.0 - c.keep_first) * (g * g)


def _mean(keep: str, old: Expr, new: Expr) -> Expr:
    """A moving mean: so much of the old is kept, the rest is new."""
    return add(mul(Ref(keep), old), mul(sub(ONE, Ref(keep)), new))


RULES.add(
    Rule(
        "rmsprop",
        f=scaled_by_first,
        step_expr=neg(SCALED),
        new_expr=sub(PARAMETER, SCALED, role="update"),
        about=(
            "gradient descent; each step is divided by the root of a fading mean of squares",
            "梯度下降；每一步除以梯度平方均值的平方根，旧值逐渐淡出",
        ),
        source="Hinton, Neural Networks for Machine Learning (2012), lecture 6e",
        options=(
            Option("decay", 0.9, "keep_first", "how much of the mean of squares is kept", "ρ"),
            _epsilon(1e-8),
        ),
        memory=(Memory(Q.S, mean_of_squares, _mean("decay", S, square(GRADIENT))),),
    )
)


def first_moment(m: float, g: float, eta: float, c: Constants) -> float:
    """β₁·m + (1 − β₁)·g."""
    return c.keep_first * m + (1.0 - c.keep_first) * g


def second_moment(s: float, g: float, eta: float, c: Constants) -> float:
    """β₂·s + (1 − β₂)·g²."""
    return c.keep_second * s + (1.0 - c.keep_second) * (g * g)


def adam(p: float, g: float, eta: float, m: float, s: float, c: Constants) -> float:
    """p − η·m̂ / (√ŝ + ε)."""
    return p - eta * (m / c.fill_first) / (ieee.sqrt(s / c.fill_second) + c.epsilon)


ADAM_STEP: Final = div(mul(ETA, M_HAT, role="step"), add(call("sqrt", S_HAT), Ref("epsilon")))
ADAM_OPTIONS: Final = (
    Option("beta1", 0.9, "keep_first", "how much of the mean of gradients is kept", "β₁"),
    Option("beta2", 0.999, "keep_second", "how much of the mean of squares is kept", "β₂"),
    _epsilon(1e-8),
)
MOMENTS: Final = (
    Memory(Q.M, first_moment, _mean("beta1", M, GRADIENT)),
    Memory(Q.S, second_moment, _mean("beta2", S, square(GRADIENT))),
)
CORRECTED: Final = {
    Q.M_HAT: div(M_NEW, sub(ONE, call("power", Ref("beta1"), N))),
    Q.S_HAT: div(S_NEW, sub(ONE, call("power", Ref("beta2"), N))),
}

RULES.add(
    Rule(
        "adam",
        f=adam,
        step_expr=neg(ADAM_STEP),
        new_expr=sub(PARAMETER, ADAM_STEP, role="update"),
        about=(
            "a fading mean of slopes, divided by the root of that of their squares",
            "梯度的均值，除以梯度平方均值的平方根",
        ),
        source="Kingma & Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1",
        options=ADAM_OPTIONS,
        memory=MOMENTS,
        corrected=CORRECTED,
    )
)

RULES.add(
    Rule(
        "adamw",
        f=adam,
        step_expr=neg(ADAM_STEP),
        new_expr=sub(PARAMETER, ADAM_STEP, role="update"),
        about=(
            "Adam; besides, each weight shrinks a little in every step",
            "Adam；另外每一步使每个权重略微缩小",
        ),
        source="Loshchilov & Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2",
        options=ADAM_OPTIONS,
        memory=MOMENTS,
        corrected=CORRECTED,
        weight_decay=0.01,
        decoupled=True,
    )
)

# ------------------------------------------------------------------------------------- local


def unchanged(p: float, g: float, eta: float, m: float, s: float, c: Constants) -> float:
    """p: a local rule has no gradient."""
    return p


def _local(name: str, source: str, about: tuple[str, str], local: Local) -> Rule:
    """A rule whose step is the sum of what the samples of the batch add."""
    step = Ref("step")
    new = add(PARAMETER, step, role="update")
    return Rule(
        name,
        f=unchanged,
        step_expr=step,
        new_expr=new,
        source=source,
        about=about,
        local=local,
    )


def hebb(eta: float, x: float, t: float, y: float) -> float:
    """η·x·t."""
    return eta * x * t


RULES.add(
    _local(
        "hebb",
        "Hebb, The Organization of Behavior (1949), with the target as the neuron's activity",
        ("input times target, whatever the output is", "输入乘目标，与输出无关"),
        Local(hebb, mul(ETA, X, T, role="step"), mul(ETA, T, role="step")),
    )
)


def hebb_unsupervised(eta: float, x: float, t: float, y: float) -> float:
    """η·x·y."""
    return eta * x * y


RULES.add(
    _local(
        "hebb-unsupervised",
        "Hebb, The Organization of Behavior (1949): what fires together, wires together",
        (
            "input times output, without a target: what fires together, wires together",
            "输入乘输出，没有目标：一起激活的，连接增强",
        ),
        Local(
            hebb_unsupervised,
            mul(ETA, X, Y, role="step"),
            mul(ETA, Y, role="step"),
            needs_target=False,
        ),
    )
)


def by_error(eta: float, x: float, t: float, y: float) -> float:
    """η·(t − y)·x."""
    return eta * (t - y) * x


BY_ERROR: Final = Local(
    by_error,
    mul(ETA, sub(T, Y, role="error"), X, role="step"),
    mul(ETA, sub(T, Y, role="error"), role="step"),
)

RULES.add(
    _local(
        "delta",
        "Widrow & Hoff, Adaptive Switching Circuits (1960): the δ rule",
        ("input times error (target − output)", "输入乘误差（目标 − 输出）"),
        BY_ERROR,
    )
)
RULES.add(
    _local(
        "perceptron",
        "Rosenblatt, Principles of Neurodynamics (1962)",
        (
            "input times error (target − output): nothing where the output is right",
            "输入乘误差（目标 − 输出）：输出正确时不变",
        ),
        BY_ERROR,
    )
)


def by_label(eta: float, x: float, t: float, y: float) -> float:
    """η·x·t where y is not t, else 0."""
    return eta * x * t * (1.0 if y != t else 0.0)


WRONG: Final = call("differ", Y, T)

RULES.add(
    _local(
        "perceptron-label",
        "Rosenblatt, Principles of Neurodynamics (1962), with the targets −1 and +1: "
        "the label is added where it is missed",
        ("input times target, only where the output is wrong", "输入乘目标，仅当输出错误时"),
        Local(
            by_label,
            mul(ETA, X, T, WRONG, role="step"),
            mul(ETA, T, WRONG, role="step"),
        ),
    )
)


LETTERS: Final[Mapping[str, str]] = {
    **{option.name: option.letter for rule in RULES for option in rule.options},
    "weight_decay": "λ",
}
"""The letters of all options of the table, and of the one that rules along the slope share."""


def option_names(rules: Sequence[Rule] | None = None) -> tuple[str, ...]:
    """Return the keys of all options, in order of first use."""
    entries = tuple(RULES) if rules is None else rules
    return tuple(dict.fromkeys(option.name for rule in entries for option in rule.options))
