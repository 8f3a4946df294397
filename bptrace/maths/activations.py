"""Activation functions: one entry each, with value and slope as function and as formula.

The scalar functions are what the kernels compile, the formulas what is printed; the tests hold them
together with ``==``. A new activation is one entry here. One of a whole layer (softmax) has a slope
for each pair of its neurons. Own formulas are not in this table yet.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from math import inf as INF

from bptrace.maths import ieee
from bptrace.maths.expr import (
    ONE,
    ZERO,
    Expr,
    Num,
    Ref,
    add,
    call,
    div,
    maximum,
    mul,
    neg,
    square,
    sub,
)
from bptrace.registry import Registry
from bptrace.tuples import NamedTuple

IN, OUT, OPTION = Ref("in"), Ref("out"), Ref("option")
EACH, OTHER = Ref("each"), Ref("other")


class Activation(NamedTuple):
    """One activation a = f(z), applied to each neuron alone, or to a layer as a whole.

    Attributes
    ----------
    f : function
        ``f(z)``, or ``f(z, option)`` if there is an option.
    slope : function
        da/dz as ``slope(z, a)`` or ``slope(z, a, option)``.
    expr, slope_expr : Expr
        The same as formulas over the open places `IN`, `OUT` and `OPTION`.
    kinks : tuple of float
        Net inputs at which the slope jumps.
    range : (float, float)
        Closed bounds of the values.
    source : str
        Where formula and convention come from.
    option, default : str, float
        Name and default of the one option that the entry takes; "" for none.
    limits : (float, float)
        Closed bounds of the option.
    cross, cross_expr : function, Expr
        Of an activation of a whole layer: ∂a_j/∂z_k of two neurons as ``cross(a_j, a_k)``, over
        `OUT` and `OTHER`. Then `f` is ``f(numbers, z, a, n)``, which reads n net inputs from place
        z on and writes the outputs from place a on (what it returns is not used); `slope` is
        ∂a_j/∂z_j; and `expr` may say ``sum_each`` and ``max_each`` of `EACH`, the net input of each
        neuron (`expr.spread`).
    forms : tuple of Expr
        The formula as textbooks have it, where `expr` is another one of the same value.
    """

    name: str
    f: Callable[..., float]
    slope: Callable[..., float]
    expr: Expr
    slope_expr: Expr
    range: tuple[float, float]
    source: str
    kinks: tuple[float, ...] = ()
    option: str = ""
    default: float = 0.0
    limits: tuple[float, float] = (-INF, INF)
    cross: Callable[[float, float], float] | None = None
    cross_expr: Expr = ZERO
    forms: tuple[Expr, ...] = ()

    @property
    def is_of_layer(self) -> bool:
        """Whether each output depends on all net inputs of the layer."""
        return self.cross is not None


ACTIVATIONS: Registry[Activation] = Registry("activation")


def identity(z: float) -> float:
    """a = z."""
    return z


def identity_slope(z: float, a: float) -> float:
    """1."""
    return 1.0


ACTIVATIONS.add(
    Activation(
        "identity",
        f=identity,
        slope=identity_slope,
        expr=IN,
        slope_expr=ONE,
        range=(-INF, INF),
        source="Widrow & Hoff, Adaptive Switching Circuits (1960): the linear unit",
    )
)


def step(z: float, at_zero: float) -> float:
    """0 below 0, 1 above, `at_zero` at 0."""
    if z > 0.0:
        return 1.0
    return 0.0 if z < 0.0 else at_zero


def flat_slope(z: float, a: float, option: float) -> float:
    """0: a step is flat on both sides of its jump."""
    return 0.0


ACTIVATIONS.add(
    Activation(
        "step",
        f=step,
        slope=flat_slope,
        expr=call("step", IN, ZERO, OPTION),
        slope_expr=ZERO,
        range=(0.0, 1.0),
        kinks=(0.0,),
        source="McCulloch & Pitts, A Logical Calculus (1943): the threshold unit",
        option="at_zero",
        default=1.0,
        limits=(0.0, 1.0),
    )
)


def bipolar_step(z: float, at_zero: float) -> float:
    """−1 below 0, 1 above, `at_zero` at 0."""
    if z > 0.0:
        return 1.0
    return -1.0 if z < 0.0 else at_zero


ACTIVATIONS.add(
    Activation(
        "bipolar-step",
        f=bipolar_step,
        slope=flat_slope,
        expr=call("step", IN, Num(-1.0), OPTION),
        slope_expr=ZERO,
        range=(-1.0, 1.0),
        kinks=(0.0,),
        source="Rosenblatt, The Perceptron (1958), with the outputs −1 and +1",
        option="at_zero",
        default=1.0,
        limits=(-1.0, 1.0),
    )
)


def sigmoid(z: float) -> float:
    """1 / (1 + e^−z)."""
    return 1.0 / (1.0 + ieee.exp(-z))


def sigmoid_slope(z: float, a: float) -> float:
    """a(1 − a)."""
    return a * (1.0 - a)


SIGMOID = div(ONE, add(ONE, call("exp", neg(IN))))

ACTIVATIONS.add(
    Activation(
        "sigmoid",
        f=sigmoid,
        slope=sigmoid_slope,
        expr=SIGMOID,
        slope_expr=mul(OUT, sub(ONE, OUT)),
        range=(0.0, 1.0),
        source="Rumelhart, Hinton & Williams, Learning representations (1986), eq. 2",
    )
)


def tanh(z: float) -> float:
    """The hyperbolic tangent."""
    return ieee.tanh(z)


def tanh_slope(z: float, a: float) -> float:
    """1 − a²."""
    return 1.0 - a * a


ACTIVATIONS.add(
    Activation(
        "tanh",
        f=tanh,
        slope=tanh_slope,
        expr=call("tanh", IN),
        slope_expr=sub(ONE, square(OUT)),
        range=(-1.0, 1.0),
        source="LeCun et al., Efficient BackProp (1998), section 4.4",
    )
)


def relu(z: float) -> float:
    """z above 0, else 0; nan stays nan."""
    return 0.0 if z <= 0.0 else z


def relu_slope(z: float, a: float) -> float:
    """1 above 0, else 0 (0 at the kink)."""
    return 1.0 if z > 0.0 else 0.0


ACTIVATIONS.add(
    Activation(
        "relu",
        f=relu,
        slope=relu_slope,
        expr=call("max", IN, ZERO),
        slope_expr=call("positive", IN),
        range=(0.0, INF),
        kinks=(0.0,),
        source="Nair & Hinton, Rectified Linear Units (2010); slope 0 at 0",
    )
)


def leaky_relu(z: float, leak: float) -> float:
    """z above 0, else leak·z; nan stays nan."""
    leaked = leak * z
    return leaked if z <= leaked else z


def leaky_relu_slope(z: float, a: float, leak: float) -> float:
    """1 above 0, else `leak`."""
    return 1.0 if z > 0.0 else leak


ACTIVATIONS.add(
    Activation(
        "leaky-relu",
        f=leaky_relu,
        slope=leaky_relu_slope,
        expr=call("max", IN, mul(OPTION, IN)),
        slope_expr=call("if_positive", IN, ONE, OPTION),
        range=(-INF, INF),
        kinks=(0.0,),
        source="Maas, Hannun & Ng, Rectifier Nonlinearities (2013)",
        option="slope",
        default=0.01,
        limits=(0.0, 1.0),
    )
)


def softplus(z: float) -> float:
    """ln(1 + e^z), written so that nothing overflows."""
    above = 0.0 if z <= 0.0 else z
    return above + ieee.log1p(ieee.exp(-abs(z)))


def softplus_slope(z: float, a: float) -> float:
    """1 / (1 + e^−z)."""
    return 1.0 / (1.0 + ieee.exp(-z))


ACTIVATIONS.add(
    Activation(
        "softplus",
        f=softplus,
        slope=softplus_slope,
        expr=add(
            call("max", IN, ZERO),
            call("log1p", call("exp", neg(call("abs", IN)))),
        ),
        slope_expr=SIGMOID,
        range=(0.0, INF),
        source="Dugas et al., Incorporating Second-Order Functional Knowledge (2001)",
    )
)


def softmax(numbers: MutableSequence[float], z: int, a: int, n: int) -> float:
    """a_j = e^(z_j − m) / Σ_k e^(z_k − m) with the largest z as m; returns the denominator.

    No power overflows, and the denominator is 1 at least.
    """
    m = numbers[z]
    for k in range(1, n):
        m = maximum(m, numbers[z + k])
    total = -0.0
    for k in range(n):
        power = ieee.exp(numbers[z + k] - m)
        numbers[a + k] = power
        total += power
    for k in range(n):
        numbers[a + k] = numbers[a + k] / total
    return total


def softmax_slope(z: float, a: float) -> float:
    """a(1 − a): of an output by its own net input."""
    return a * (1.0 - a)


def softmax_cross(a: float, other: float) -> float:
    """−a_j·a_k: of an output by the net input of another neuron."""
    return -(a * other)


LARGEST = call("max_each", EACH, role="largest")

ACTIVATIONS.add(
    Activation(
        "softmax",
        f=softmax,
        slope=softmax_slope,
        expr=div(
            call("exp", sub(IN, LARGEST)),
            call("sum_each", call("exp", sub(EACH, LARGEST)), role="layer sum"),
        ),
        slope_expr=mul(OUT, sub(ONE, OUT)),
        range=(0.0, 1.0),
        source="Bridle, Training Stochastic Model Recognition Algorithms (1990)",
        cross=softmax_cross,
        cross_expr=neg(mul(OUT, OTHER)),
        forms=(div(call("exp", IN), call("sum_each", call("exp", EACH), role="layer sum")),),
    )
)
