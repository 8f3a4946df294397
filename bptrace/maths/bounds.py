"""Formula → float64 value and a bound on its error: one more reading of the trees.

Running error analysis: with each operation the error that its arguments brought along, and its own
rounding. Source: Higham, Accuracy and Stability of Numerical Algorithms (2nd ed., 2002), section
3.3.

Not responsible for: errors of the numbers at the open places, which are taken as exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Final

from bptrace.maths.expr import FLOATS, Reading

Bounded = tuple[float, float]
"""A float64 and e: the exact value of the formula is within ±e of it."""

UNIT: Final = 2.0**-53
"""Relative rounding of + − · / and √."""

ULP: Final = 2.0**-52
"""Relative error of exp, log, log1p and tanh (see `ieee`): below one unit in the last place."""

TINY: Final = 2.0**-1074
SAFE: Final = 1.0 + 2.0**-40
"""For the rounding of the bounds, of fewer than 2¹⁰ operations."""


def _rounded(value: float, inherited: float, unit: float = UNIT) -> Bounded:
    error = (inherited + unit * abs(value) + TINY) * SAFE
    return value, error if error == error else math.inf


def _plus(a: Bounded, b: Bounded) -> Bounded:
    return _rounded(a[0] + b[0], a[1] + b[1])


def _times(a: Bounded, b: Bounded) -> Bounded:
    return _rounded(a[0] * b[0], abs(a[0]) * b[1] + abs(b[0]) * a[1] + a[1] * b[1])


def _over(a: Bounded, b: Bounded) -> Bounded:
    value = FLOATS.rules["div"](a[0], b[0])
    least = abs(b[0]) - b[1]
    if not least > 0.0:
        return value, math.inf
    return _rounded(value, (a[1] + abs(value) * (1.0 + UNIT) * b[1]) / least)


def _root(a: Bounded) -> Bounded:
    least = a[0] - a[1]
    value = FLOATS.rules["sqrt"](a[0])
    return _rounded(value, a[1] / (2.0 * math.sqrt(least))) if least > 0.0 else (value, math.inf)


def _smooth(
    name: str, steepest: Callable[[float, float], float], unit: float = ULP
) -> Callable[[Bounded], Bounded]:
    """A function whose slope within (v ± e) is at most ``steepest(v, e)``."""

    def rule(a: Bounded) -> Bounded:
        value = FLOATS.rules[name](a[0])
        return _rounded(value, a[1] * steepest(*a) * (1.0 + ULP) if a[1] else 0.0, unit)

    return rule


def _reciprocal(least: float) -> float:
    return 1.0 / least if least > 0.0 else math.inf


def _by_sign(name: str) -> Callable[..., Bounded]:
    """A choice by the sign of the first argument, which has to be certain or exact."""

    def rule(a: Bounded, *others: Bounded) -> Bounded:
        value = FLOATS.rules[name](a[0], *(v for v, _ in others))
        error = max((e for _, e in others), default=0.0)
        return value, error if abs(a[0]) > a[1] or not a[1] else math.inf

    return rule


def _unless_zero(t: Bounded, value: Bounded) -> Bounded:
    return (0.0, 0.0) if t == (0.0, 0.0) else value


BOUNDED: Final[Reading[Bounded]] = Reading(
    number=lambda value: (value, 0.0),
    rules={
        "add": lambda *terms: reduce(_plus, terms),
        "mul": lambda *factors: reduce(_times, factors),
        "sub": lambda a, b: _plus(a, (-b[0], b[1])),
        "div": _over,
        "neg": lambda a: (-a[0], a[1]),
        "square": lambda a: _times(a, a),
        "abs": lambda a: (abs(a[0]), a[1]),
        "sqrt": _root,
        "max": lambda a, b: (FLOATS.rules["max"](a[0], b[0]), max(a[1], b[1])),
        "min": lambda a, b: (FLOATS.rules["min"](a[0], b[0]), max(a[1], b[1])),
        "exp": _smooth("exp", lambda v, e: FLOATS.rules["exp"](v + e)),
        "log": _smooth("log", lambda v, e: _reciprocal(v - e)),
        "log1p": _smooth("log1p", lambda v, e: _reciprocal(1.0 + v - e)),
        "tanh": _smooth("tanh", lambda v, e: 1.0),
        "positive": _by_sign("positive"),
        "if_positive": _by_sign("if_positive"),
        "step": _by_sign("step"),
        "times_log": lambda t, x: _unless_zero(t, _times(t, BOUNDED.rules["log"](x))),
        "times_reciprocal": lambda t, x: _unless_zero(t, _over(t, x)),
    },
)
"""Value and bound; the bound is inf where nothing can be said."""
