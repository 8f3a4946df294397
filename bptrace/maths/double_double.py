"""Formula → value with twice the digits of float64: pairs of floats, one more reading of the trees.

A number is the unevaluated sum of two float64 of which the second is at most half a unit in the
last place of the first: some 106 bits. Everything is made of IEEE 754's + − · / and √, so the bits
are the same on every machine; the product needs no fused multiply-add (Dekker's halves).

Relative error of a result, where nothing overflows and no second part is subnormal, with u = 2⁻⁵³:

    + −     3u²      · 5u²      / 10u²      √ 4u²
    exp, log, log1p, tanh: below 2⁻¹⁰¹ (largest seen: 2⁻¹⁰³)

Beyond 2⁹⁹⁵ halves overflow, and a result is as right as that of float64; what is not finite has 0
as its second part, and infinities, nan and domains are those of `ieee`.

Source: Dekker, "A floating-point technique for extending the available precision" (1971); Knuth,
"The Art of Computer Programming", volume 2, section 4.2.2 (the sum with its error); Hida, Li &
Bailey, "Algorithms for quad-double precision floating point arithmetic" (2001): sums, quotients and
exp by halving the argument; Joldes, Muller & Popescu, "Tight and rigorous error bounds for basic
building blocks of double-word arithmetic" (2017): the bounds of + and ·.

Not responsible for: proofs (`checks.certified` has them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import inf
from typing import Final

from bptrace.maths import ieee
from bptrace.maths.expr import Reading
from bptrace.maths.ieee import TO_WHOLE, power_of_two, split, upper_half

Pair = tuple[float, float]
"""The sum of the two is meant."""

# ln 2 in three parts: the first two are those of `ieee`, of which the first has 42 bits.
LN2_REST = 1.94704509238075e-31
LN2 = (0.6931471805599453, 2.3190468138462996e-17)

# 1/3!, 1/4! and 1/5!; from 1/6! on one float64 is enough.
THIRD = (0.16666666666666666, 9.25185853854297e-18)
FOURTH = (0.041666666666666664, 2.3129646346357427e-18)
FIFTH = (0.008333333333333333, 1.1564823173178714e-19)
SIXTH, SEVENTH, EIGHTH = 0.001388888888888889, 0.0001984126984126984, 2.48015873015873e-05
NINTH = 2.7557319223985893e-06

HALVINGS = 8
SMALL = 2.0**-HALVINGS
"""exp is calculated of an argument so much smaller, and squared as often."""
TINY = 2.0**-110


def two_sum(a: float, b: float) -> Pair:
    """Return the rounded a + b, and what rounding dropped (Knuth)."""
    s = a + b
    v = s - a
    return s, (a - (s - v)) + (b - v)


def quick_sum(a: float, b: float) -> Pair:
    """Return the same where |a| ≥ |b| (Dekker)."""
    s = a + b
    return s, b - (s - a)


def two_product(a: float, b: float) -> Pair:
    """Return the rounded a·b, and what rounding dropped, from products of halves (Dekker)."""
    p = a * b
    a1, b1 = upper_half(a), upper_half(b)
    a2, b2 = a - a1, b - b1
    return p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def rounded(high: float, low: float, plain: float) -> Pair:
    """Return high + low as a pair; where that is not finite, `plain`, which float64 has there."""
    s = high + low
    if not abs(s) < inf:
        return plain, 0.0
    return s, low - (s - high)


def plus(a: Pair, b: Pair) -> Pair:
    """Return a + b."""
    s, e = two_sum(a[0], b[0])
    t, f = two_sum(a[1], b[1])
    s, e = quick_sum(s, e + t)
    return rounded(s, e + f, a[0] + b[0])


def minus(a: Pair, b: Pair) -> Pair:
    """Return a − b."""
    return plus(a, (-b[0], -b[1]))


def times(a: Pair, b: Pair) -> Pair:
    """Return a·b."""
    p, e = two_product(a[0], b[0])
    return rounded(p, e + (a[0] * b[1] + a[1] * b[0]), p)


def over(a: Pair, b: Pair) -> Pair:
    """Return a / b by long division, with three digits of 53 bits."""
    first = ieee.divide(a[0], b[0])
    if first == 0.0 or not abs(first) < inf or not abs(b[0]) < inf:
        return first, 0.0
    rest = minus(a, times((first, 0.0), b))
    second = rest[0] / b[0]
    rest = minus(rest, times((second, 0.0), b))
    s, e = quick_sum(first, second)
    return rounded(s, e + rest[0] / b[0], first)


def negative(a: Pair) -> Pair:
    """Return −a."""
    return -a[0], -a[1]


def squared(a: Pair) -> Pair:
    """Return a·a."""
    return times(a, a)


def absolute(a: Pair) -> Pair:
    """Return |a|."""
    return (-a[0], -a[1]) if a[0] < 0.0 else a


def root(a: Pair) -> Pair:
    """Return √a: the float64, and what a step of Newton's adds to it; nan below 0."""
    x = ieee.sqrt(a[0])
    if not 0.0 < x < inf:
        return x, 0.0
    rest = minus(a, two_product(x, x))
    return rounded(x, rest[0] / (2.0 * x), x)


def exp_less_one(r: Pair) -> Pair:
    """Return e^r − 1 for |r| < 0.36, right in relation to itself.

    With x = r/2⁸ Taylor's series to x⁹; what is left out is below 2⁻¹⁰⁹ of it. Then eight times
    s ← (1 + s)² − 1 = 2s + s². Below 2⁻¹¹⁰ the result is r itself.
    """
    if abs(r[0]) < TINY:
        return r
    x = (r[0] * SMALL, r[1] * SMALL)
    tail = SIXTH + x[0] * (SEVENTH + x[0] * (EIGHTH + x[0] * NINTH))
    p = plus(times((tail, 0.0), x), FIFTH)
    p = plus(times(p, x), FOURTH)
    p = plus(times(p, x), THIRD)
    p = plus(times(p, x), (0.5, 0.0))
    s = plus(times(times(p, x), x), x)
    for _ in range(HALVINGS):
        s = plus((2.0 * s[0], 2.0 * s[1]), times(s, s))
    return s


def exponential(a: Pair) -> Pair:
    """Return e^a = 2^k·e^r with a = k·ln 2 + r and |r| ≤ ln 2 / 2."""
    if not -746.0 < a[0] < 710.0:
        return ieee.exp_outside(a[0]), 0.0
    k = (a[0] * ieee.ONE_OVER_LN2 + TO_WHOLE) - TO_WHOLE
    first = two_sum(a[0] - k * ieee.LN2_HIGH, a[1])  # the difference is exact
    second = two_product(k, ieee.LN2_LOW)
    r = minus(minus(first, second), (k * LN2_REST, 0.0))
    y = plus(exp_less_one(r), (1.0, 0.0))
    half = (0.5 * k + TO_WHOLE) - TO_WHOLE  # 2^k itself need not be a float64
    one, other = power_of_two(half), power_of_two(k - half)
    high = y[0] * one * other
    return rounded(high, y[1] * one * other, high)


def log_near_one(f: Pair) -> Pair:
    """Return ln(1 + f) for −0.3 < f < 0.42, right in relation to itself.

    One step of Newton's from the float64 y: ln(1 + f) = y + (f − (e^y − 1))/e^y, up to the square
    of y's error.
    """
    y = ieee.log_sum(f[0], 0.0, 0.0)
    if y == 0.0:
        return f
    e = exp_less_one((y, 0.0))
    rest = minus(f, e)
    return rounded(y, rest[0] / (1.0 + e[0]), y)


def logarithm(a: Pair) -> Pair:
    """Return ln a = k·ln 2 + ln m with a = m·2^k and √½ ≤ m < √2."""
    if not 0.0 < a[0] < inf:
        return ieee.log_outside(a[0]), 0.0
    m, k = split(a[0])
    if m < ieee.SQRT_HALF:
        m, k = 2.0 * m, k - 1.0
    half = (0.5 * k + TO_WHOLE) - TO_WHOLE
    low = a[1] * power_of_two(-half) * power_of_two(half - k)
    y = log_near_one(plus((m, low), (-1.0, 0.0)))
    if k == 0.0:
        return y
    p, e = two_product(k, LN2[0])
    return plus((p, e + k * LN2[1]), y)


def logarithm_of_more(a: Pair) -> Pair:
    """Return ln(1 + a)."""
    if -0.29 < a[0] < 0.41:
        return log_near_one(a)
    return logarithm(plus((1.0, 0.0), a))


def tangent(a: Pair) -> Pair:
    """Return tanh a: (e^2a − 1)/(e^2a + 1) near 0, 1 − 2/(e^2a + 1) elsewhere; odd."""
    x = absolute(a)
    twice = (2.0 * x[0], 2.0 * x[1])
    if x[0] < 0.17:
        e = exp_less_one(twice)
        found = over(e, plus(e, (2.0, 0.0)))
    else:
        found = minus((1.0, 0.0), over((2.0, 0.0), plus(exponential(twice), (1.0, 0.0))))
    return (-found[0], -found[1]) if a[0] < 0.0 else found


def not_above(a: Pair, b: Pair) -> bool:
    """Whether a ≤ b."""
    return a[0] < b[0] or (a[0] == b[0] and a[1] <= b[1])


def larger(a: Pair, b: Pair) -> Pair:
    """Return the larger of a and b, b where they are equal; nan if a is nan."""
    return b if not_above(a, b) else a


def smaller(a: Pair, b: Pair) -> Pair:
    """Return the smaller of a and b, b where they are equal; nan if a is nan."""
    return b if not_above(b, a) else a


def positive(a: Pair) -> Pair:
    """Return 1 above 0, else 0."""
    return (1.0, 0.0) if a[0] > 0.0 else (0.0, 0.0)


def if_positive(a: Pair, then: Pair, otherwise: Pair) -> Pair:
    """Return `then` where a is above 0."""
    return then if a[0] > 0.0 else otherwise


def step(a: Pair, low: Pair, at_zero: Pair) -> Pair:
    """Return 1 above 0, `low` below, `at_zero` at 0."""
    if a[0] > 0.0:
        return 1.0, 0.0
    return low if a[0] < 0.0 else at_zero


def times_logarithm(t: Pair, x: Pair) -> Pair:
    """Return t·ln x, and 0 for t = 0."""
    return (0.0, 0.0) if t[0] == 0.0 else times(t, logarithm(x))


def times_reciprocal(t: Pair, x: Pair) -> Pair:
    """Return t/x, and 0 for t = 0."""
    return (0.0, 0.0) if t[0] == 0.0 else over(t, x)


PAIRS: Final[Mapping[str, Callable[..., Pair]]] = {
    "neg": negative,
    "square": squared,
    "abs": absolute,
    "sqrt": root,
    "exp": exponential,
    "log": logarithm,
    "log1p": logarithm_of_more,
    "tanh": tangent,
    "positive": positive,
    "add": plus,
    "mul": times,
    "sub": minus,
    "div": over,
    "max": larger,
    "min": smaller,
    "times_log": times_logarithm,
    "times_reciprocal": times_reciprocal,
    "if_positive": if_positive,
    "step": step,
}
"""What each operation does to pairs, as functions that compile; ordered by their arguments."""

DOUBLE_DOUBLE: Final[Reading[Pair]] = Reading(
    number=lambda value: (value, 0.0),
    rules={
        **PAIRS,
        "add": lambda *terms: reduce(plus, terms),
        "mul": lambda *factors: reduce(times, factors),
        "max": lambda *terms: reduce(larger, terms),
        "min": lambda *terms: reduce(smaller, terms),
    },
)
"""Two float64 for each value, in the order of the tree."""
