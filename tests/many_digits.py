"""Every formula with as many digits as wanted: the judge of derivatives and bounds."""

from __future__ import annotations

from functools import reduce
from typing import Any

from mpmath import MPContext

from bptrace.maths.expr import Reading


def in_many_digits(mp: MPContext) -> Reading[Any]:
    """Return the reading of formulas in the precision of an mpmath context."""
    return Reading(
        number=mp.mpf,
        rules={
            "add": lambda *terms: reduce(lambda a, b: a + b, terms),
            "mul": lambda *factors: reduce(lambda a, b: a * b, factors),
            "sub": lambda a, b: a - b,
            "div": lambda a, b: a / b,
            "neg": lambda a: -a,
            "square": lambda a: a * a,
            "abs": abs,
            "sqrt": mp.sqrt,
            "max": max,
            "min": min,
            "exp": mp.exp,
            "log": mp.log,
            "log1p": lambda a: mp.log(1 + a),
            "tanh": mp.tanh,
            "times_log": lambda t, a: mp.mpf(0) if t == 0 else t * mp.log(a),
            "times_reciprocal": lambda t, a: mp.mpf(0) if t == 0 else t / a,
            "positive": lambda a: mp.mpf(a > 0),
            "if_positive": lambda a, then, otherwise: then if a > 0 else otherwise,
            "step": lambda a, low, at_zero: mp.mpf(1) if a > 0 else (low if a < 0 else at_zero),
        },
    )
