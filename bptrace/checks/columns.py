"""Many examples at once: the formulas read as arrays, with one column per example.

All examples are of one network and differ in their given numbers only. This is one more reading of
the formula tree; it is as good as float64 but not the same in every bit (NumPy's own exp), which
is enough to see what would be printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bptrace.address import Address
from bptrace.checks.graph import Graph, Key
from bptrace.maths.expr import FLOATS, Expr, Reading

Array = NDArray[np.float64]
Digest = NDArray[np.uint64]

_TIE = 1.0 + 1e-12
"""Decimal ties (0.60005) are binary numbers just above or below; pushed outwards, all go up."""

_ZERO = 1e-15
"""What is smaller is the rounding of a zero: no page prints it."""

_FAST: dict[str, Any] = {
    "add": lambda *terms: reduce(np.add, terms),
    "mul": lambda *factors: reduce(np.multiply, factors),
    "sub": np.subtract,
    "div": np.divide,
    "neg": np.negative,
    "square": np.square,
    "abs": np.abs,
    "max": lambda *terms: reduce(np.maximum, terms),
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "positive": lambda a: np.where(a > 0.0, 1.0, 0.0),
    "if_positive": lambda a, then, otherwise: np.where(a > 0.0, then, otherwise),
}


def _by_element(name: str) -> Any:
    """The rule of float64, element by element: new operations need no second rule."""
    return np.vectorize(FLOATS.rules[name], otypes=[np.float64])


ARRAYS: Reading[Array] = Reading(
    number=np.float64,  # type: ignore[arg-type]  # scalars broadcast
    rules={name: _FAST.get(name) or _by_element(name) for name in FLOATS.rules},
)
"""Formulas over arrays, one element per example."""


def printed(values: Array, digits: int) -> Array:
    """Return numbers as a page shows them, rounded to so many significant digits.

    Equal digits are equal floats. Ties go away from zero.
    """
    with np.errstate(all="ignore"):
        size = np.abs(values)
        gone = ~(size > _ZERO) | ~np.isfinite(values)
        place = digits - 1 - np.floor(np.log10(np.where(gone, 1.0, size)))
        up, down = 10.0 ** np.maximum(place, 0.0), 10.0 ** np.maximum(-place, 0.0)
        whole = np.rint(np.where(gone, 0.0, values) * _TIE * up / down)
        shown = whole / up * down + 0.0  # + 0.0: no −0
        return np.where(np.isfinite(values), shown, np.where(np.isnan(values), np.nan, values))


class Columns:
    """The values of all quantities in every example.

    Parameters
    ----------
    graph : Graph
        The formulas.
    given : mapping from Key to array, shape ``(examples,)``
        The given numbers. Those that are missing are the same in all examples, as in the graph.
    count : int
        How many examples.
    """

    def __init__(self, graph: Graph, given: Mapping[Key, Array], count: int) -> None:
        self.graph, self.count = graph, count
        self._values: dict[Key, Array] = dict(given)
        for key, value in graph.given.items():
            self._values.setdefault(key, np.full(self.count, value))
        with np.errstate(all="ignore"):
            for key in graph.order:
                self._values[key] = self._full(ARRAYS.read(graph.formulas[key], self))

    def __call__(self, key: Key) -> Array:
        """Return the right value of a quantity, shape ``(examples,)``."""
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = self._full(self._outside(key))
        return found

    def _outside(self, key: Key) -> Array:
        """A quantity on which nothing in the graph depends, but which a mistake may take."""
        assert isinstance(key, Address)
        equation = self.graph.chapter.equation(key)
        if equation is None:
            step = key.step or 1
            return np.asarray(self.graph.trace.value(key._replace(step=step)))
        return ARRAYS.read(self.graph.canon.expr(equation.expr), self)

    def mistaken(self, place: Key, wrong: Expr, later: Iterable[Key]) -> dict[Key, Array]:
        """Return what changes where the formula at `place` is `wrong`: it, and what comes of it."""
        changed: dict[Key, Array] = {}

        def now(key: Key) -> Array:
            found = changed.get(key)
            return self(key) if found is None else found

        with np.errstate(all="ignore"):
            changed[place] = self._full(ARRAYS.read(wrong, self))
            for key in later:
                changed[key] = self._full(ARRAYS.read(self.graph.formulas[key], now))
        return changed

    def _full(self, values: Array) -> Array:
        return values if np.shape(values) == (self.count,) else np.full(self.count, values)


class Pages:
    """Tells the pages of examples apart by one number each: 0 for the right page.

    The number of a page is the sum, over the printed quantities that are not as they should be, of
    the hash of what is printed less that of the right digits, modulo 2⁶⁴: different pages have the
    same number with probability 2⁻⁶⁴ or so.
    """

    _CHUNK = 4096
    """Rows that are rounded together: few calls, and the arrays still fit the cache."""

    def __init__(self, columns: Columns, shown: Iterable[Key], digits: int) -> None:
        self.columns = columns
        self.digits = digits
        self.row = {key: k for k, key in enumerate(shown)}
        salts = np.random.default_rng(1).integers(0, 2**63, len(self.row), dtype=np.uint64)
        self._salts = salts[:, None]
        right = np.stack([columns(key) for key in self.row])
        self.right = printed(right, digits)
        self._hashes = _hashed(self.right, self._salts)

    def of(self, mistaken: Iterator[Mapping[Key, Array]], count: int) -> Digest:
        """Return the numbers of `count` wrong pages in every example, shape (count, examples)."""
        numbers = np.zeros((count, self.columns.count), dtype=np.uint64)
        rows: list[Array] = []
        keys: list[int] = []
        pages: list[int] = []
        for page, changed in enumerate(mistaken):
            for key, values in changed.items():
                if key in self.row:
                    rows.append(values)
                    keys.append(self.row[key])
                    pages.append(page)
            if len(rows) >= self._CHUNK:
                self._add(numbers, rows, keys, pages)
                rows, keys, pages = [], [], []
        if rows:
            self._add(numbers, rows, keys, pages)
        return numbers

    def _add(self, numbers: Digest, rows: list[Array], keys: list[int], pages: list[int]) -> None:
        hashes = _hashed(printed(np.stack(rows), self.digits), self._salts[keys])
        parts = hashes - self._hashes[keys]
        starts = np.flatnonzero(np.diff(pages, prepend=-1))
        numbers[np.asarray(pages)[starts]] += np.add.reduceat(parts, starts, axis=0)


def _hashed(values: Array, salts: Digest) -> Digest:
    """Return a hash of each number (the last steps of SplitMix64), another one for each salt.

    Multiplying alone is not enough: the sign is the highest bit, and every sign that is turned
    would then add the same.
    """
    bits = values.view(np.uint64) ^ salts
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits ^= bits >> np.uint64(shift)
        bits *= np.uint64(factor)
    bits ^= bits >> np.uint64(31)
    return bits
