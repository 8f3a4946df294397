"""Formula → value and slope at once: dual numbers, one more reading of the trees.

Each operation knows its own slope and the chain rule does the rest, so the slope of a formula owes
nothing to the slope that the table has beside it. Nothing is subtracted but what the formula
subtracts: there is no step, and no cancellation of neighbouring values. At a kink the slope is that
of the branch which the value takes. Source: Griewank & Walther, Evaluating Derivatives (2nd ed.,
2008), chapter 3, forward mode.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Final

from bptrace.maths import ieee
from bptrace.maths.expr import FLOATS, Reading

Dual = tuple[float, float]
"""A value, and its slope by whatever is moved."""


def _plus(a: Dual, b: Dual) -> Dual:
    return a[0] + b[0], a[1] + b[1]


def _minus(a: Dual, b: Dual) -> Dual:
    return a[0] - b[0], a[1] - b[1]


def _times(a: Dual, b: Dual) -> Dual:
    return a[0] * b[0], a[1] * b[0] + a[0] * b[1]


def _over(a: Dual, b: Dual) -> Dual:
    quotient = ieee.divide(a[0], b[0])
    return quotient, ieee.divide(a[1] - quotient * b[1], b[0])


def _chain(name: str, slope: Callable[[float, float], float]) -> Callable[[Dual], Dual]:
    """A function with the slope ``slope(argument, value)``."""

    def rule(a: Dual) -> Dual:
        value = FLOATS.rules[name](a[0])
        return value, slope(a[0], value) * a[1] if a[1] else 0.0

    return rule


def _larger(a: Dual, b: Dual) -> Dual:
    return b if a[0] <= b[0] else a


def _smaller(a: Dual, b: Dual) -> Dual:
    return b if a[0] >= b[0] else a


def _times_log(t: Dual, x: Dual) -> Dual:
    """t·ln x, t and x both with slopes; 0 where t is 0."""
    if t[0] == 0.0:
        return 0.0, 0.0
    log = ieee.log(x[0])
    return t[0] * log, (t[1] * log if t[1] else 0.0) + ieee.divide(t[0] * x[1], x[0])


def _sech_squared(x: float, value: float) -> float:
    """1 − tanh² x as 4q/(1 + q)² with q = e^−2|x|, in which nothing cancels."""
    q = ieee.exp(-2.0 * abs(x))
    return 4.0 * q / ((1.0 + q) * (1.0 + q))


DUAL: Final[Reading[Dual]] = Reading(
    number=lambda value: (value, 0.0),
    rules={
        "add": lambda *terms: reduce(_plus, terms),
        "mul": lambda *factors: reduce(_times, factors),
        "sub": _minus,
        "div": _over,
        "neg": lambda a: (-a[0], -a[1]),
        "square": lambda a: (a[0] * a[0], 2.0 * a[0] * a[1]),
        "abs": lambda a: (abs(a[0]), a[1] if a[0] > 0.0 else -a[1]),
        "sqrt": _chain("sqrt", lambda x, value: ieee.divide(0.5, value)),
        "max": lambda *terms: reduce(_larger, terms),
        "min": lambda *terms: reduce(_smaller, terms),
        "exp": _chain("exp", lambda x, value: value),
        "log": _chain("log", lambda x, value: ieee.divide(1.0, x)),
        "log1p": _chain("log1p", lambda x, value: ieee.divide(1.0, 1.0 + x)),
        "tanh": _chain("tanh", _sech_squared),
        "positive": lambda a: (FLOATS.rules["positive"](a[0]), 0.0),
        "if_positive": lambda a, then, other: then if a[0] > 0.0 else other,
        "step": lambda a, low, zero: (FLOATS.rules["step"](a[0], low[0], zero[0]), 0.0),
        "times_log": _times_log,
    },
)
"""Value and slope."""
