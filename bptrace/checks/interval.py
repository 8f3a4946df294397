"""Intervals: what a person may have carried on with, as one more reading of the formulas.

Every rule encloses the range of its operation and widens it by the rounding of the arithmetic that
the author may have used (`epsilon`: float64, or float32 for traces of programs).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bptrace.maths import ieee
from bptrace.maths.expr import ONE, Expr, Op, Reading
from bptrace.maths.sums import summed
from bptrace.tuples import NamedTuple

FLOAT64, FLOAT32 = 1.2e-16, 6.0e-8
"""Relative rounding of one operation, a little more than half a unit in the last place."""


class Interval(NamedTuple):
    """All numbers from `lo` to `hi`."""

    lo: float
    hi: float

    @property
    def middle(self) -> float:
        """The number in the middle."""
        return 0.5 * (self.lo + self.hi) if self.lo != self.hi else self.lo

    @property
    def width(self) -> float:
        """Distance of the ends."""
        return self.hi - self.lo

    @property
    def size(self) -> float:
        """The largest absolute value."""
        return max(-self.lo, self.hi)

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo)

    def hull(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.lo, other.lo), max(self.hi, other.hi))

    def meets(self, lo: float, hi: float) -> bool:
        """Whether a number of the interval lies in [lo, hi]."""
        return self.lo <= hi and self.hi >= lo

    def within(self, lo: float, hi: float) -> Interval:
        """The part inside [lo, hi]; the nearest end where there is none."""
        return Interval(min(max(self.lo, lo), hi), max(min(self.hi, hi), lo))


def point(value: float) -> Interval:
    """The interval of one number."""
    return Interval(value, value)


_new = tuple.__new__
"""Interval(lo, hi) goes through a function of its own; this takes half the time."""


def _wider(lo: float, hi: float, slack: float) -> Interval:
    if lo <= hi and slack < math.inf:
        return _new(Interval, (lo - slack, hi + slack))
    return Interval(-math.inf, math.inf)


def _product(a: Interval, b: Interval) -> tuple[float, float]:
    (a_lo, a_hi), (b_lo, b_hi) = a, b
    one, two = a_lo * b_lo, a_hi * b_hi
    if a_lo == a_hi and b_lo == b_hi:
        return one, one
    three, four = a_lo * b_hi, a_hi * b_lo
    return min(one, two, three, four), max(one, two, three, four)


class _Rules:
    """The interval of each operation; `epsilon` widens it."""

    def __init__(self, epsilon: float) -> None:
        self.epsilon = epsilon

    def add(self, *terms: Interval) -> Interval:
        lo = hi = size = 0.0
        for below, above in terms:
            lo += below
            hi += above
            size += above if above > -below else -below
        return _wider(lo, hi, len(terms) * self.epsilon * size)

    def sub(self, a: Interval, b: Interval) -> Interval:
        (a_lo, a_hi), (b_lo, b_hi) = a, b
        size = (a_hi if a_hi > -a_lo else -a_lo) + (b_hi if b_hi > -b_lo else -b_lo)
        return _wider(a_lo - b_hi, a_hi - b_lo, 2 * self.epsilon * size)

    def mul(self, *factors: Interval) -> Interval:
        product = factors[0]
        for factor in factors[1:]:
            lo, hi = _product(product, factor)
            product = _wider(lo, hi, self.epsilon * (hi if hi > -lo else -lo))
        return product

    def div(self, a: Interval, b: Interval) -> Interval:
        if b.lo <= 0.0 <= b.hi:
            return Interval(-math.inf, math.inf)
        return self.mul(a, _wider(1.0 / b.hi, 1.0 / b.lo, self.epsilon / min(abs(b.lo), abs(b.hi))))

    def neg(self, a: Interval) -> Interval:
        return -a

    def square(self, a: Interval) -> Interval:
        ends = a.lo * a.lo, a.hi * a.hi
        lo = 0.0 if a.lo <= 0.0 <= a.hi and a.lo != a.hi else min(ends)
        return _wider(lo, max(ends), self.epsilon * max(ends))

    def parabola(self, a: Interval) -> Interval:
        """x(1 − x), tight: x stands in it twice."""
        ends = a.lo * (1.0 - a.lo), a.hi * (1.0 - a.hi)
        hi = 0.25 if a.lo < 0.5 < a.hi else max(ends)
        return _wider(min(ends), hi, 2 * self.epsilon * max(1.0, a.size) * a.size)

    def absolute(self, a: Interval) -> Interval:
        if a.lo >= 0.0:
            return a
        return -a if a.hi <= 0.0 else Interval(0.0, a.size)

    def maximum(self, *terms: Interval) -> Interval:
        return Interval(max(a.lo for a in terms), max(a.hi for a in terms))

    def portion(self, x: Interval, *others: Interval) -> Interval:
        """x/(x + …) of positive numbers, tight: it rises with x and falls with the others."""
        if any(a.lo < 0.0 for a in (x, *others)):
            return self.div(x, self.add(x, *others))
        low, high = summed(a.lo for a in others), summed(a.hi for a in others)
        lo, hi = ieee.divide(x.lo, x.lo + high), ieee.divide(x.hi, x.hi + low)
        return _wider(lo, hi, (2 + len(others)) * self.epsilon * max(lo, hi))

    def times_log(self, t: Interval, a: Interval) -> Interval:
        if t.lo == t.hi == 0.0:
            return t
        return self.mul(t, self.rising(ieee.log)(a))

    def times_reciprocal(self, t: Interval, a: Interval) -> Interval:
        return t if t.lo == t.hi == 0.0 else self.div(t, a)

    def minimum(self, a: Interval, b: Interval) -> Interval:
        return Interval(min(a.lo, b.lo), min(a.hi, b.hi))

    def square_root(self, a: Interval) -> Interval:
        """The part of `a` below 0 has no root: where there is another, it is there by rounding."""
        if a.hi < 0.0:
            return Interval(-math.inf, math.inf)
        lo, hi = math.sqrt(max(a.lo, 0.0)), math.sqrt(a.hi)
        return _wider(lo, hi, 2 * self.epsilon * hi)

    def rising(self, f: Callable[[float], float]) -> Callable[[Interval], Interval]:
        """The rule of an increasing function."""

        def rule(a: Interval) -> Interval:
            lo = f(a.lo)
            hi = lo if a.lo == a.hi else f(a.hi)
            return _wider(lo, hi, 2 * self.epsilon * max(abs(lo), abs(hi)))

        return rule

    def if_positive(self, a: Interval, then: Interval, otherwise: Interval) -> Interval:
        if a.lo > 0.0:
            return then
        return otherwise if a.hi <= 0.0 else then.hull(otherwise)

    def positive(self, a: Interval) -> Interval:
        return self.if_positive(a, point(1.0), point(0.0))

    def differ(self, a: Interval, b: Interval) -> Interval:
        if not a.meets(b.lo, b.hi):
            return point(1.0)
        return point(0.0) if a.lo == a.hi == b.lo == b.hi else Interval(0.0, 1.0)

    def power(self, a: Interval, n: Interval) -> Interval:
        """A constant to a whole power, as rules of learning have it."""
        value = ieee.power(a.lo, n.lo)
        return _wider(value, value, n.lo * self.epsilon * abs(value))

    def floor(self, a: Interval) -> Interval:
        return Interval(ieee.floor(a.lo), ieee.floor(a.hi))

    def step(self, a: Interval, low: Interval, at_zero: Interval) -> Interval:
        if a.lo > 0.0:
            return point(1.0)
        if a.hi < 0.0:
            return low
        if a.lo == a.hi == 0.0:
            return at_zero
        return low.hull(point(1.0)).hull(at_zero)


def intervals(epsilon: float = FLOAT64) -> Reading[Interval]:
    """Return the reading of formulas as intervals, for arithmetic that rounds by `epsilon`."""
    rules = _Rules(epsilon)
    return Reading(
        number=point,
        rules={
            "add": rules.add,
            "sub": rules.sub,
            "mul": rules.mul,
            "div": rules.div,
            "neg": rules.neg,
            "square": rules.square,
            "power": rules.power,
            "floor": rules.floor,
            "parabola": rules.parabola,
            "abs": rules.absolute,
            "max": rules.maximum,
            "min": rules.minimum,
            "sqrt": rules.square_root,
            "portion": rules.portion,
            "times_log": rules.times_log,
            "times_reciprocal": rules.times_reciprocal,
            "exp": rules.rising(ieee.exp),
            "log": rules.rising(ieee.log),
            "log1p": rules.rising(ieee.log1p),
            "tanh": rules.rising(ieee.tanh),
            "positive": rules.positive,
            "differ": rules.differ,
            "if_positive": rules.if_positive,
            "step": rules.step,
        },
    )


def tightened(expr: Expr) -> Expr:
    """Return `expr` with x·(1 − x) and x/(x + …) as one operation each.

    Interval rules forget that x is x.
    """
    if not isinstance(expr, Op):
        return expr
    args = tuple([tightened(arg) if type(arg) is Op else arg for arg in expr.args])
    if expr.name == "mul" and len(args) == 2:
        x, rest = args
        if isinstance(rest, Op) and rest.name == "sub" and rest.args == (ONE, x):
            return Op("parabola", (x,), expr.role)
    if expr.name == "div" and isinstance(args[1], Op) and args[1].name == "add":
        x, terms = args[0], list(args[1].args)
        if x in terms:
            terms.remove(x)
            return Op("portion", (x, *terms), expr.role)
    return Op(expr.name, args, expr.role)
