"""Schedules: how the learning rate changes from update to update. One entry each.

Each is η = f(η₀, n, a, b) with the number n of updates (or epochs) done before; a and b are the
options of the entry. A list of rates by update is no formula: see `model.Schedule`.
"""

from __future__ import annotations

from collections.abc import Callable

from bptrace.maths import ieee
from bptrace.maths.expr import ONE, ZERO, Expr, Ref, add, call, div, mul, sub
from bptrace.registry import Registry
from bptrace.tuples import NamedTuple

RATE, N = Ref("rate"), Ref("n")


class Schedule(NamedTuple):
    """One schedule.

    Attributes
    ----------
    f : function
        The rate: ``f(rate, n, a, b)``, n from 0.
    expr : Expr
        The same over `RATE`, `N` and the names of the options.
    options : tuple of (str, float)
        Names and defaults of a and b.
    """

    name: str
    f: Callable[[float, float, float, float], float]
    expr: Expr
    options: tuple[tuple[str, float], ...]
    source: str


SCHEDULES: Registry[Schedule] = Registry("schedule")


def constant(rate: float, n: float, a: float, b: float) -> float:
    """η₀."""
    return rate


SCHEDULES.add(Schedule("constant", constant, RATE, (), "one rate for all updates"))


def exponential(rate: float, n: float, factor: float, b: float) -> float:
    """η₀·factorⁿ."""
    return rate * ieee.power(factor, n)


SCHEDULES.add(
    Schedule(
        "exponential",
        exponential,
        mul(RATE, call("power", Ref("factor"), N)),
        (("factor", 0.99),),
        "Goodfellow, Bengio & Courville, Deep Learning (2016), section 8.3",
    )
)


def in_steps(rate: float, n: float, factor: float, every: float) -> float:
    """η₀·factor^⌊n / every⌋."""
    return rate * ieee.power(factor, ieee.floor(n / every))


SCHEDULES.add(
    Schedule(
        "step",
        in_steps,
        mul(RATE, call("power", Ref("factor"), call("floor", div(N, Ref("every"))))),
        (("factor", 0.5), ("every", 100.0)),
        "He et al., Deep Residual Learning (2016), section 3.4: divided when the error plateaus",
    )
)


def inverse_time(rate: float, n: float, factor: float, b: float) -> float:
    """η₀ / (1 + factor·n)."""
    return rate / (1.0 + factor * n)


SCHEDULES.add(
    Schedule(
        "inverse-time",
        inverse_time,
        div(RATE, add(ONE, mul(Ref("factor"), N))),
        (("factor", 0.01),),
        "Robbins & Monro, A Stochastic Approximation Method (1951)",
    )
)


def linear(rate: float, n: float, end: float, over: float) -> float:
    """From η₀ to `end` over so many updates, then `end`."""
    left = 1.0 - n / over
    left = 0.0 if left <= 0.0 else left
    return end + (rate - end) * left


SCHEDULES.add(
    Schedule(
        "linear",
        linear,
        add(
            Ref("end"),
            mul(sub(RATE, Ref("end")), call("max", sub(ONE, div(N, Ref("over"))), ZERO)),
        ),
        (("end", 0.0), ("over", 1000.0)),
        "Goodfellow, Bengio & Courville, Deep Learning (2016), eq. 8.14",
    )
)
