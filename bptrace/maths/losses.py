"""The error E of the outputs: one entry per loss, as function and as formula.

Every loss here is a sum of shares, one per output: E = Σ_k E_k(t_k, out_k). A new one is one entry.
Where a loss undoes the activation before it (cross-entropy a softmax), the two together have
formulas over the net inputs, in which nothing overflows and the slope of the activation is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf as INF

from bptrace.maths import ieee
from bptrace.maths.activations import EACH, IN, LARGEST, Activation
from bptrace.maths.expr import (
    HALF,
    ONE,
    TWO,
    ZERO,
    Expr,
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

T, OUT, N, EACH_T = Ref("t"), Ref("out"), Ref("n"), Ref("each t")


class Fused(NamedTuple):
    """A loss together with the activation of the last layer that it undoes.

    Attributes
    ----------
    partner : str
        Name of the activation.
    common : function
        What the shares of all outputs have in common, ``common(numbers, z, n)``, from the n net
        inputs that stand from place z on.
    f, slope : function
        The share as ``f(t, z, common)``, and δ = ∂E/∂z as ``slope(t, a, total)`` with the sum of
        the targets, ascending.
    expr : Expr
        The share over `T` and `IN`, and ``sum_each`` and ``max_each`` of `EACH`.
    slope_expr, unit_slope_expr : Expr
        δ over `T`, `OUT` and ``sum_each`` of `EACH_T`, and what it is, bit for bit, where the
        targets sum to 1.
    own_expr, cross_expr : Expr
        ∂E_k/∂z_k, and ∂E_k/∂z_j of another neuron, over t_k and out_j (`T`, `OUT`).
    """

    partner: str
    common: Callable[[Sequence[float], int, int], float]
    f: Callable[[float, float, float], float]
    slope: Callable[[float, float, float], float]
    expr: Expr
    slope_expr: Expr
    unit_slope_expr: Expr
    own_expr: Expr
    cross_expr: Expr


class Loss(NamedTuple):
    """One loss: the share of one output and its slope.

    Attributes
    ----------
    f, slope : function
        ``f(t, a, n)`` and ∂f/∂a as ``slope(t, a, n)``; n is the number of outputs.
    expr, slope_expr : Expr
        The same as formulas over the open places `T`, `OUT` and `N`.
    source : str
        Where the formula comes from.
    outputs, targets : (float, float)
        Closed bounds of the outputs and of the targets for which the loss means something.
    fused : Fused or None
        The same after the activation that it undoes.
    """

    name: str
    f: Callable[[float, float, float], float]
    slope: Callable[[float, float, float], float]
    expr: Expr
    slope_expr: Expr
    source: str
    outputs: tuple[float, float] = (-INF, INF)
    targets: tuple[float, float] = (-INF, INF)
    fused: Fused | None = None


LOSSES: Registry[Loss] = Registry("loss")


def none(t: float, a: float, n: float) -> float:
    """0: the rule of learning knows no error (Hebb)."""
    return 0.0


LOSSES.add(Loss("none", f=none, slope=none, expr=ZERO, slope_expr=ZERO, source="no error function"))


def half_squared(t: float, a: float, n: float) -> float:
    """½(t − a)²."""
    d = t - a
    return 0.5 * (d * d)


def half_squared_slope(t: float, a: float, n: float) -> float:
    """a − t."""
    return a - t


LOSSES.add(
    Loss(
        "half-squared",
        f=half_squared,
        slope=half_squared_slope,
        expr=mul(HALF, square(sub(T, OUT))),
        slope_expr=sub(OUT, T),
        source="Rumelhart, Hinton & Williams, Learning representations (1986), eq. 3",
    )
)


def squared(t: float, a: float, n: float) -> float:
    """(t − a)²."""
    d = t - a
    return d * d


def squared_slope(t: float, a: float, n: float) -> float:
    """2(a − t)."""
    return 2.0 * (a - t)


LOSSES.add(
    Loss(
        "squared",
        f=squared,
        slope=squared_slope,
        expr=square(sub(T, OUT)),
        slope_expr=mul(TWO, sub(OUT, T)),
        source="Widrow & Hoff, Adaptive Switching Circuits (1960): the sum of squares",
    )
)


def mean_squared(t: float, a: float, n: float) -> float:
    """(t − a)² / n."""
    d = t - a
    return d * d / n


def mean_squared_slope(t: float, a: float, n: float) -> float:
    """2(a − t) / n."""
    return 2.0 * (a - t) / n


LOSSES.add(
    Loss(
        "mean-squared",
        f=mean_squared,
        slope=mean_squared_slope,
        expr=div(square(sub(T, OUT)), N),
        slope_expr=div(mul(TWO, sub(OUT, T)), N),
        source="Goodfellow, Bengio & Courville, Deep Learning (2016), eq. 5.4",
    )
)


def suits(loss: Loss, activation: Activation) -> bool:
    """Whether the outputs of a last layer are such that the loss means something.

    A step reaches 0 and 1, but is flat: nothing could be learned.
    """
    low, high = activation.range
    if loss.outputs == (-INF, INF):
        return True
    return loss.outputs[0] <= low and high <= loss.outputs[1] and activation.slope_expr != ZERO


def fused(loss: str, activation: str) -> Fused | None:
    """Return the formulas of a loss after a last layer with `activation`, None if it has none."""
    entry = LOSSES.get(loss).fused
    return entry if entry is not None and entry.partner == activation else None


def binary_cross_entropy(t: float, a: float, n: float) -> float:
    """−(t ln a + (1 − t) ln(1 − a)), where 0·ln 0 is 0."""
    return -(ieee.times_log(t, a) + ieee.times_log(1.0 - t, 1.0 - a))


def binary_cross_entropy_slope(t: float, a: float, n: float) -> float:
    """(1 − t)/(1 − a) − t/a."""
    return ieee.times_reciprocal(1.0 - t, 1.0 - a) - ieee.times_reciprocal(t, a)


def nothing_in_common(numbers: Sequence[float], z: int, n: int) -> float:
    """0: each share needs its own net input only."""
    return 0.0


def after_sigmoid(t: float, z: float, common: float) -> float:
    """max(z, 0) − z·t + ln(1 + e^−|z|)."""
    return maximum(z, 0.0) - z * t + ieee.log1p(ieee.exp(-abs(z)))


def after_sigmoid_slope(t: float, a: float, total: float) -> float:
    """a − t."""
    return a - t


LOSSES.add(
    Loss(
        "binary-cross-entropy",
        f=binary_cross_entropy,
        slope=binary_cross_entropy_slope,
        expr=neg(
            add(call("times_log", T, OUT), call("times_log", sub(ONE, T), sub(ONE, OUT))),
        ),
        slope_expr=sub(
            call("times_reciprocal", sub(ONE, T), sub(ONE, OUT)), call("times_reciprocal", T, OUT)
        ),
        source="Nielsen, Neural Networks and Deep Learning (2015), eq. 57",
        outputs=(0.0, 1.0),
        targets=(0.0, 1.0),
        fused=Fused(
            "sigmoid",
            common=nothing_in_common,
            f=after_sigmoid,
            slope=after_sigmoid_slope,
            expr=add(
                sub(call("max", IN, ZERO), mul(IN, T)),
                call("log1p", call("exp", neg(call("abs", IN)))),
            ),
            slope_expr=sub(OUT, T),
            unit_slope_expr=sub(OUT, T),
            own_expr=sub(OUT, T),
            cross_expr=ZERO,
        ),
    )
)


def cross_entropy(t: float, a: float, n: float) -> float:
    """−t ln a, where 0·ln 0 is 0."""
    return -ieee.times_log(t, a)


def cross_entropy_slope(t: float, a: float, n: float) -> float:
    """−t/a."""
    return -ieee.times_reciprocal(t, a)


def log_sum_exp(numbers: Sequence[float], z: int, n: int) -> float:
    """m + ln Σ_k e^(z_k − m) with the largest z as m."""
    m = numbers[z]
    for k in range(1, n):
        m = maximum(m, numbers[z + k])
    total = -0.0
    for k in range(n):
        total += ieee.exp(numbers[z + k] - m)
    return m + ieee.log(total)


def after_softmax(t: float, z: float, common: float) -> float:
    """t(m + ln Σ e^(z − m) − z)."""
    return t * (common - z)


def after_softmax_slope(t: float, a: float, total: float) -> float:
    """a·Σt − t."""
    return a * total - t


LOSSES.add(
    Loss(
        "cross-entropy",
        f=cross_entropy,
        slope=cross_entropy_slope,
        expr=neg(call("times_log", T, OUT)),
        slope_expr=neg(call("times_reciprocal", T, OUT)),
        source="Bridle, Training Stochastic Model Recognition Algorithms (1990)",
        outputs=(0.0, 1.0),
        targets=(0.0, INF),
        fused=Fused(
            "softmax",
            common=log_sum_exp,
            f=after_softmax,
            slope=after_softmax_slope,
            expr=mul(
                T,
                sub(
                    add(
                        LARGEST,
                        call(
                            "log",
                            call("sum_each", call("exp", sub(EACH, LARGEST)), role="layer sum"),
                        ),
                    ),
                    IN,
                ),
            ),
            slope_expr=sub(mul(OUT, call("sum_each", EACH_T, role="target sum")), T),
            unit_slope_expr=sub(OUT, T),
            own_expr=mul(T, sub(OUT, ONE)),
            cross_expr=mul(T, OUT),
        ),
    )
)
