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
from bptrace.maths.sums import summed
from bptrace.tuples import NamedTuple

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


EXACT: Final = frozenset({"neg", "abs", "max", "min", "positive", "if_positive", "step"})
"""Operations that round nothing."""

OWN_ROUNDINGS: Final = 8.0
"""So many units an operation of another program may be off: its exp or tanh, or an activation that
is written in another way, and the product that it distributes over the terms of a sum."""

SECOND_ORDER: Final = 1.0 + 2.0**-10
"""Covers products of roundings, as long as the roundings of one sum stay below 2⁻¹¹ together."""


class Format(NamedTuple):
    """What another program calculates with.

    Attributes
    ----------
    unit : float
        Relative rounding of one operation.
    least, largest : float
        Below and above these a number may become 0 or ∞.
    """

    unit: float
    least: float
    largest: float

    def given(self, value: float) -> Bounded:
        """Return a number that it is given, with what is lost of it."""
        if self.unit <= UNIT:
            return value, 0.0
        lost = self.unit * abs(value) + (self.least if value else 0.0)
        return value, lost if abs(value) < self.largest else math.inf


FLOAT64: Final = Format(UNIT, 2.0**-1022, float.fromhex("0x1.fffffffffffffp1023"))
FLOAT32: Final = Format(2.0**-24, 2.0**-126, float.fromhex("0x1.fffffep127"))


def any_order(theirs: Format) -> Reading[Bounded]:
    """Return a reading whose bound holds for another program, too, in whatever order it sums.

    If its arguments lie within the bounds of ours, so does its result: each sum of n numbers is off
    by at most n·unit times the sum of their absolute values (Higham, section 4.2), and 8 units more
    are granted to each operation.
    """
    rules = {
        name: rule if name in EXACT else _wider(rule, name in ("add", "sub"), theirs)
        for name, rule in BOUNDED.rules.items()
    }
    return Reading(number=theirs.given, rules=rules)


def _wider(rule: Callable[..., Bounded], is_sum: bool, theirs: Format) -> Callable[..., Bounded]:
    def read(*args: Bounded) -> Bounded:
        value, error = rule(*args)
        size = summed(abs(v) + e for v, e in args) if is_sum else abs(value) + error
        roundings = len(args) + OWN_ROUNDINGS
        error = (error + roundings * (theirs.unit * size + theirs.least)) * SECOND_ORDER
        return value, error if size < theirs.largest and error == error else math.inf

    return read
