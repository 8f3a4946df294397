"""The slope of one's own formula: derived from it, or given and compared with the derived one."""

from __future__ import annotations

import math
from typing import Final

from bptrace.maths.bounds import BOUNDED
from bptrace.maths.derivative import derivative
from bptrace.maths.expr import Expr
from bptrace.maths.formula import FormulaError, read_formula, read_slope, size_of
from bptrace.tuples import NamedTuple

LONGEST_SLOPE: Final = 2000
"""Operations of a derived slope: more would be slow to calculate and of no use on paper."""

SAMPLES: Final = tuple(k * 0.37 + 0.0123 for k in range(-20, 21))
"""Net inputs at which a given slope is compared: from −7.4 to 7.4, on none of the usual kinks."""


class Difference(NamedTuple):
    """Where a given slope is not the slope of its formula: net input, given, derived."""

    x: float
    given: float
    derived: float


def derived_slope(expr: Expr) -> Expr:
    """Return the slope of a formula; raise `FormulaError` if it is too long to be of use."""
    slope = derivative(expr)
    if (size := size_of(slope)) > LONGEST_SLOPE:
        message = f"the slope of this formula has {size} operations, at most {LONGEST_SLOPE}"
        raise FormulaError(message, 0, 'Write it yourself: slope = "…".')
    return slope


def difference(formula: str, slope: str) -> Difference | None:
    """Return where a given slope differs most from the derived one; None if it does nowhere.

    Both are read with bounds on their rounding errors at `SAMPLES`; what differs by more than the
    sum of the two bounds is not the same function. Places where a formula has no value, or where
    rounding decides on which side of a kink they are, are left out.
    """
    expr = read_formula(formula)
    given, derived = read_slope(slope), derived_slope(expr)
    found = []
    for x in SAMPLES:
        z = (x, 0.0)
        a = BOUNDED.read(expr, lambda _, z=z: z)  # type: ignore[misc]
        places = {"in": z, "out": a}
        (one, e), (other, f) = (BOUNDED.read(s, places.__getitem__) for s in (given, derived))
        if math.isfinite(one) and math.isfinite(other) and abs(one - other) > e + f:
            found.append(Difference(x, one, other))
    return max(found, key=lambda at: abs(at.given - at.derived), default=None)
