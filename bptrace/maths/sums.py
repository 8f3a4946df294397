"""Sums in the order in which their terms come, the same bits in every Python."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add


def summed(terms: Iterable[float]) -> float:
    """Return the sum, rounded term by term from the first to the last; −0.0 of no terms.

    Python's own `sum` carries the rounding errors along from 3.12 on: another number.
    """
    return reduce(add, terms, -0.0)
