"""The exponential, the logarithm and the hyperbolic tangent, the same bits on every machine.

A libm's ``exp`` may differ in the last bit from one machine to the next; IEEE 754 prescribes
the result of ``+ - * /``, of comparisons and of scaling by powers of two. The functions here
use nothing else, each operation rounded by itself and in the order written (no fused
multiply-add, no re-association), so plain Python and compiled code give the same float64.
They never raise: overflow is inf, ``log(0.0)`` is -inf, ``log`` of a negative number is nan.

Method (Cody & Waite, "Software Manual for the Elementary Functions", 1980; Muller, "Elementary
Functions: Algorithms and Implementation", 3rd ed., chapters on range reduction and polynomial
approximation; Dekker, "A floating-point technique for extending the available precision",
1971): reduce the argument, approximate by a polynomial, and carry the rounding error of every
large term in a second, small number, so that only the last addition rounds noticeably.

The contract is an error below 1 ulp, one ulp being the distance of neighbouring floats in the
binade of the exact value. Largest errors seen against mpmath with 160 bits, over four million
arguments each, from all exponents and more densely around breakpoints, 0, 1 and both ends (the
slow test repeats a million):

    exp    0.77   (0.70 but for subnormal results, which are rounded twice)
    log    0.56
    log1p  0.56
    tanh   0.65

Polynomials are in powers whose number stands in the coefficient's name: `E7` multiplies r**7.
Each was computed by interpolation at Chebyshev nodes with 400 bits and then rounded to the
nearest float64; the tests compute them again. Terms are paired (Estrin's scheme) because a
processor works on independent pairs at once, and a loop over many arguments on many lanes.

`split` and `power_of_two` are the only operations that look at the bits of a number. `kernels`
gives compiled versions of these two and compiles everything else as it stands here.

Not responsible for: integers, arrays, complex numbers, other rounding modes than to nearest.
"""

import math
from math import copysign, frexp, inf, ldexp, nan

__all__ = [
    "divide",
    "exp",
    "floor",
    "log",
    "log1p",
    "power",
    "sqrt",
    "tanh",
    "times_log",
    "times_reciprocal",
]

# ln 2 in two parts (Cody & Waite). The first has 42 bits, so that k * LN2_HIGH is exact for
# every exponent k of a float64; their sum is ln 2 to 2**-98.
LN2_HIGH = 0.6931471805598903
LN2_LOW = 5.497923018708371e-14
ONE_OVER_LN2 = 1.4426950408889634

# Adding and subtracting 1.5 * 2**52 rounds to a whole number (to even when in the middle),
# 1.5 * 2**26 to a multiple of 2**-26.
TO_WHOLE = 6755399441055744.0
TO_26_BITS = 100663296.0
# Dekker's constant 2**27 + 1 cuts a float64 into two halves of 26 bits.
HALVING = 134217729.0

SQRT_HALF = 0.7071067811865476

# exp(r) = 1 + r + E2 r² + … on |r| <= 0.3466, a little more than ln 2 / 2.
E2, E3, E4 = 0.5, 0.1666666666666667, 0.04166666666666667
E5, E6, E7 = 0.008333333333326136, 0.001388888888888375, 0.00019841269874815834
E8, E9, E10 = 2.480158732554432e-05, 2.7557255406285044e-06, 2.7557273647451087e-07
E11, E12 = 2.5105214474751413e-08, 2.0914685161418067e-09

# 2 artanh(z/2) = z + L3 z³ + L5 z⁵ + … on |z| <= 0.3432, where z = 2 (√2 - 1)/(√2 + 1) lies.
L3, L5, L7 = 0.08333333333333333, 0.012500000000000275, 0.002232142857093938
L9, L11, L13 = 0.0004340277810935103, 8.877829888124532e-05, 1.8782032829265572e-05
L15, L17 = 4.049295208465849e-06, 9.984643234304337e-07

# tanh(x) = x + T3 x³ + T5 x⁵ + … on |x| <= 0.3.
T3, T5, T7 = -0.3333333333333333, 0.13333333333329464, -0.053968253959211114
T9, T11, T13 = 0.021869487730074903, -0.008863200177142575, 0.0035912834611108225
T15, T17 = -0.0014445898532447449, 0.0005109249704674158


def power_of_two(k: float) -> float:
    """Return 2**k exactly, for a whole number k from -1022 to 1023."""
    return ldexp(1.0, int(k))


def split(x: float) -> tuple[float, float]:
    """Return (m, k) with x = m * 2**k, 0.5 <= m < 1 and k whole, for a finite x > 0."""
    m, k = frexp(x)
    return m, float(k)


def upper_half(x: float) -> float:
    """Return x rounded to its leading 26 bits, so that products of such halves are exact.

    Requires |x| < 2**995. Source: Dekker (1971).
    """
    c = HALVING * x
    return c - (c - x)


def exp_parts(x: float) -> tuple[float, float, float]:
    """Return (s, w, k) with e**x = (s + w) * 2**k, where w is small and s + w not yet rounded.

    For |x| < 750. With x = k ln 2 + r and |r| <= ln 2 / 2,

        e**x = 2**k * (1 + r + E2 r² + … + E12 r¹²),

    s is the rounded 1 + r, and w takes what the rounding dropped and the terms from r² on.
    The error of w was never seen above a fifth of the last bit of s.
    """
    k = (x * ONE_OVER_LN2 + TO_WHOLE) - TO_WHOLE
    a = x - k * LN2_HIGH  # exact: the product fits, and the difference cancels leading bits
    b = k * LN2_LOW
    r = a - b
    s = 1.0 + r
    dropped = (a - (s - 1.0)) - b
    r2 = r * r
    r4 = r2 * r2
    p = (
        ((E2 + E3 * r) + r2 * (E4 + E5 * r))
        + r4 * (((E6 + E7 * r) + r2 * (E8 + E9 * r)) + r4 * ((E10 + E11 * r) + r2 * E12))
    )  # fmt: skip
    return s, dropped + r2 * p, k


def exp(x: float) -> float:
    """Return e**x with an error below 1 ulp, through subnormal numbers down to 0.0.

    inf where the rounded result exceeds the largest float; ``exp(0.0)`` is 1 exactly.
    Source: Cody & Waite (1980), chapter on EXP; see `exp_parts`.
    """
    if not -746.0 < x < 710.0:
        return exp_outside(x)
    s, w, k = exp_parts(x)
    # Two steps, as 2**k itself need not be a float. The first is exact; the second one is too,
    # except where it overflows to inf or rounds to a subnormal number.
    half = (0.5 * k + TO_WHOLE) - TO_WHOLE
    return (s + w) * power_of_two(half) * power_of_two(k - half)


def exp_outside(x: float) -> float:
    """Return e**x where no float but 0, inf or nan can be the result."""
    if x >= 710.0:
        return inf
    if x <= -746.0:
        return 0.0
    return x


def log_parts(x: float) -> tuple[float, float]:
    """Return (f, k) with x = (1 + f) * 2**k and √½ <= 1 + f < √2, exactly, for a finite x > 0."""
    m, k = split(x)
    if m < SQRT_HALF:
        return 2.0 * m - 1.0, k - 1.0
    return m - 1.0, k


def log_sum(f: float, k: float, c: float) -> float:
    """Return k ln 2 + log(1 + f) + c, where √½ <= 1 + f < √2 and c is far smaller than the sum.

    With z = f / (1 + f/2),

        log(1 + f) = 2 artanh(z/2) = z + L3 z³ + … + L17 z¹⁷.

    The rounding of z would cost most. So the upper half of z is the head of the sum, and what
    z lacks follows from the remainder f - z1 - z1 f/2, whose products are exact in halves.
    Order of summation: terms from z³ on, rest of z, c, small part of k ln 2, dropped part, head.
    """
    inverse = 1.0 / (1.0 + 0.5 * f)
    z = f * inverse
    z1 = upper_half(z)
    f1 = upper_half(f)
    half = 0.5 * z1
    rest = (((f - z1) - half * f1) - half * (f - f1)) * inverse
    v = z * z
    v2 = v * v
    p = ((L3 + L5 * v) + v2 * (L7 + L9 * v)) + (v2 * v2) * ((L11 + L13 * v) + v2 * (L15 + L17 * v))
    small = (z * v * p + rest) + c
    whole = k * LN2_HIGH  # exact, and either 0 or larger than z1
    head = whole + z1
    dropped = z1 - (head - whole)
    return head + (dropped + (k * LN2_LOW + small))


def log(x: float) -> float:
    """Return the natural logarithm of x with an error below 1 ulp.

    -inf for zeros, nan for negative numbers; subnormal numbers are as exact as others.
    Source: Muller, chapter on range reduction; see `log_sum`.
    """
    if not 0.0 < x < inf:
        return log_outside(x)
    f, k = log_parts(x)
    return log_sum(f, k, 0.0)


def log_outside(x: float) -> float:
    """Return log(x) where x is no positive finite number."""
    if x == 0.0:
        return -inf
    if x < 0.0:
        return nan
    return x


def log1p(x: float) -> float:
    """Return log(1 + x) with an error below 1 ulp, also where 1 + x rounds to 1.

    -inf for -1, nan below. Near 0 the reduction needs no sum: 1 + f = 1 + x. Elsewhere u is the
    rounded 1 + x and c what was dropped; log(u + c) = log(u) + c/u up to 2**-107.
    """
    if -0.29 < x < 0.41:
        if x == 0.0:
            return x  # keeps the sign of -0.0
        return log_sum(x, 0.0, 0.0)
    u = 1.0 + x
    if not 0.0 < u < inf:
        return log_outside(u)
    c = 1.0 - (u - x) if x > 1.0 else x - (u - 1.0)
    f, k = log_parts(u)
    return log_sum(f, k, c / u)


def tanh(x: float) -> float:
    """Return the hyperbolic tangent of x with an error below 1 ulp; odd, and never beyond ±1.

    Up to 0.3 by the polynomial, from there on by `tanh_from_exp`, and 1 from 22 on, where
    1 - tanh(x) < 2 e**-44 is less than half an ulp of 1.
    """
    a = abs(x)
    if a < 0.3:
        v = a * a
        v2 = v * v
        p = ((T3 + T5 * v) + v2 * (T7 + T9 * v)) + (v2 * v2) * (
            (T11 + T13 * v) + v2 * (T15 + T17 * v)
        )
        return copysign(a + a * (v * p), x)
    if a < 22.0:
        return copysign(tanh_from_exp(a), x)
    return copysign(1.0, x) if a >= 22.0 else x


def tanh_from_exp(a: float) -> float:
    """Return tanh(a) = 1 - 2 / (e**2a + 1) for 0.3 <= a < 22.

    The sum e**2a + 1 is kept as D + d. The quotient is cut to 26 bits, q1, so that 1 - q1 is
    exact; what q1 lacks follows from the remainder 2 - q1 (D + d), divided by D.
    """
    s, w, k = exp_parts(2.0 * a)
    scale = power_of_two(k)
    y = s + w
    big_y = scale * y
    big_d = big_y + 1.0
    d = (1.0 - (big_d - big_y)) + scale * (w - (y - s))
    q = 2.0 / big_d
    q1 = (q + TO_26_BITS) - TO_26_BITS
    d1 = upper_half(big_d)
    rest = ((2.0 - q1 * d1) - q1 * (big_d - d1)) - q1 * d
    return (1.0 - q1) - rest * (0.5 * q)


def divide(a: float, b: float) -> float:
    """Return a / b as IEEE 754 has it; CPython would raise for b = 0."""
    if b != 0.0:
        return a / b
    if a != a or a == 0.0:
        return nan
    return copysign(inf, a) * copysign(1.0, b)


def times_log(t: float, x: float) -> float:
    """Return t·ln x, and 0 for t = 0 whatever x is: the limit of x·ln x, and what entropy means."""
    return 0.0 if t == 0.0 else t * log(x)


def times_reciprocal(t: float, x: float) -> float:
    """Return t/x, and 0 for t = 0 whatever x is: the slope of `times_log`."""
    return 0.0 if t == 0.0 else divide(t, x)


def sqrt(x: float) -> float:
    """Return the square root, rounded as IEEE 754 prescribes; nan for numbers below 0."""
    return math.sqrt(x) if x >= 0.0 else nan


def floor(x: float) -> float:
    """Return the largest whole number that is not above x; x itself for nan and infinities."""
    return float(math.floor(x)) if -TO_WHOLE < x < TO_WHOLE else x


def power(x: float, n: float) -> float:
    """Return x to the whole power n >= 0 by squaring, each product rounded: x**13 = x·x**4·x**8.

    Knuth, "The Art of Computer Programming", volume 2, section 4.6.3. A chain of at most
    2·log2(n) products, so the relative error is at most about n·2**-53: that of n - 1 products.
    """
    result, square, left = 1.0, x, n
    while left >= 1.0:
        half = floor(left * 0.5)
        if left - half - half == 1.0:
            result = result * square
        square, left = square * square, half
    return result
