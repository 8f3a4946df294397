from __future__ import annotations

from math import copysign

from bptrace.maths.sums import summed


def test_a_sum_is_rounded_term_by_term() -> None:
    """As in the kernels, whatever Python's own `sum` does."""
    assert summed([2.0**53, 1.0, -(2.0**53)]) == 0.0
    assert summed(iter([1.0, 2.0**53, -(2.0**53)])) == 0.0
    assert copysign(1.0, summed([])) == copysign(1.0, summed([-0.0])) == -1.0
