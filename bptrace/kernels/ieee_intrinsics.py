"""Compiled versions of what `maths.ieee` does with the bits of a number.

`math.ldexp` and `math.frexp` would compile as well, but into calls of libm, and a loop with such
a call is never vectorised: 11.7 ns for each exp of an array instead of 1.2, 11.3 ns for each log
instead of 2.0 (Numba 0.68, AVX-512).

Not responsible for: any formula. All of those are compiled as they stand in `maths.ieee`.
"""

from functools import cache
from types import FunctionType

import numpy as np
from numba.extending import overload, register_jitable

from bptrace.kernels.whole import PartCompiler
from bptrace.maths import ieee

# What a compiled caller may ask for (fastmath, Python's ZeroDivisionError) must not change results.
# Inlining always: LLVM finds `log` and `tanh` too long to do so by itself, and then cannot
# vectorise the loop around (17 ns instead of 2 for log, 13 instead of 2.3 for tanh).
# Nothing is called from C, and nothing is allocated: without the wrappers and the counting of
# references that Numba would add to each of nearly 200 functions, compiling takes a quarter less.
EXACT = {
    "error_model": "numpy",
    "fastmath": False,
    "forceinline": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}

# For what only compiled code calls: it has no address, and Python could not call it.
PART = EXACT | {"pipeline_class": PartCompiler}

# A float64 from 2**52 to 2**53 holds a whole number in its lowest bits. 1.5 * 2**52 leaves room
# for negative ones, and 1023 is what IEEE 754 adds to an exponent.
TO_EXPONENT_BITS = 1.5 * 2.0**52 + 1023.0
TWO_52 = 2.0**52
TWO_54 = 2.0**54
SMALLEST_NORMAL = 2.0**-1022
FRACTION_BITS = 52
FRACTION_MASK = (1 << FRACTION_BITS) - 1
BITS_OF_HALF = 1022 << FRACTION_BITS
BITS_OF_TWO_52 = (1023 + 52) << FRACTION_BITS


@register_jitable(**PART)
def bits_of(x: float) -> np.int64:
    """Return the 64 bits of x as a whole number."""
    return np.float64(x).view(np.int64)


@register_jitable(**PART)
def float_of(bits: np.int64) -> np.float64:
    """Return the float64 with these 64 bits."""
    return np.int64(bits).view(np.float64)


def power_of_two(k: float) -> np.float64:
    """Return 2**k as `ieee.power_of_two` does."""
    return float_of(bits_of(k + TO_EXPONENT_BITS) << FRACTION_BITS)


def split(x: float) -> tuple[np.float64, np.float64]:
    """Return (m, k) with x = m * 2**k as `ieee.split` does."""
    subnormal = x < SMALLEST_NORMAL
    bits = bits_of(x * TWO_54 if subnormal else x)
    m = float_of((bits & FRACTION_MASK) | BITS_OF_HALF)
    # The exponent becomes a float without a conversion, which AVX2 does not have for 64 bits.
    biased = float_of((bits >> FRACTION_BITS) | BITS_OF_TWO_52) - TWO_52
    return m, biased - (1022.0 + 54.0 if subnormal else 1022.0)


COMPILED_APART: dict[object, object] = {
    ieee.power_of_two: power_of_two,
    ieee.split: split,
}


@cache
def install() -> None:
    """Make every function of `maths.ieee` callable from compiled code; once is enough."""
    for plain, compiled in COMPILED_APART.items():
        overload(plain, jit_options=PART, strict=False)(lambda *_types, choice=compiled: choice)
    for function in vars(ieee).values():
        if isinstance(function, FunctionType) and function not in COMPILED_APART:
            register_jitable(**PART)(function)
