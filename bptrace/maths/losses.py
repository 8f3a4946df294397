"""The error E of the outputs: one entry per loss, as function and as formula.

Every loss here is a sum of shares, one per output: E = Σ_k E_k(t_k, out_k). A new one is one entry.
Losses that couple the outputs (cross-entropy after softmax) are not in this table yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bptrace.maths.expr import HALF, TWO, ZERO, Expr, Ref, div, mul, square, sub
from bptrace.registry import Registry

T, OUT, N = Ref("t"), Ref("out"), Ref("n")


@dataclass(frozen=True)
class Loss:
    """One loss: the share of one output and its slope.

    Attributes
    ----------
    f, slope : function
        ``f(t, a, n)`` and ∂f/∂a as ``slope(t, a, n)``; n is the number of outputs.
    expr, slope_expr : Expr
        The same as formulas over the open places `T`, `OUT` and `N`.
    source : str
        Where the formula comes from.
    """

    name: str
    f: Callable[[float, float, float], float]
    slope: Callable[[float, float, float], float]
    expr: Expr
    slope_expr: Expr
    source: str


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
