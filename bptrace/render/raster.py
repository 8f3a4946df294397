"""Curves made of characters: braille dots, or colons, dots and quotes where only ASCII is shown.

A cell of braille has 2 × 4 dots, one of ASCII 1 × 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, log10

from bptrace.pictures.history import Scale

_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot, row by row from above (Unicode, Braille Patterns, U+2800)."""

_ASCII = " '.:"
"""Neither dot, the upper one, the lower one, both."""


class Raster:
    """A field of dots, `width` × `height` in cells; dots count from the left and from below."""

    def __init__(self, width: int, height: int, ascii: bool = False) -> None:
        self.ascii = ascii
        self.width, self.height = width, height
        self.per_cell = (1, 2) if ascii else (2, 4)
        self.columns, self.rows = width * self.per_cell[0], height * self.per_cell[1]
        self._dots: set[tuple[int, int]] = set()

    def put(self, column: int, row: int) -> None:
        """Put a dot; outside the field nothing happens."""
        if 0 <= column < self.columns and 0 <= row < self.rows:
            self._dots.add((column, row))

    def bar(self, column: int, low: int, high: int) -> None:
        """Put all dots of a column from `low` to `high`."""
        for row in range(low, high + 1):
            self.put(column, row)

    def lines(self) -> list[str]:
        """Return the field as lines of text, the highest first, each `width` characters long."""
        return [
            "".join(self._cell(x, y) for x in range(self.width))
            for y in range(self.height - 1, -1, -1)
        ]

    def _cell(self, x: int, y: int) -> str:
        wide, high = self.per_cell
        found = [
            [(x * wide + i, y * high + k) in self._dots for i in range(wide)]
            for k in range(high - 1, -1, -1)
        ]
        if self.ascii:
            return _ASCII[found[0][0] + 2 * found[1][0]]
        bits = sum(
            bit
            for dots, row in zip(found, _BRAILLE, strict=True)
            for there, bit in zip(dots, row, strict=True)
            if there
        )
        return chr(0x2800 + bits) if bits else " "


def stretches(values: Sequence[float], count: int) -> list[Sequence[float]]:
    """Cut values into `count` stretches; fewer values than that are each spread over several."""
    n = len(values)
    cuts = [k * n // count for k in range(count + 1)]
    return [values[a : max(b, a + 1)] for a, b in pairwise(cuts)]


def draw(raster: Raster, values: Sequence[float], found: Scale) -> None:
    """Draw values as one curve over the whole width; nan and infinite ones are gaps."""
    last: int | None = None
    for column, stretch in enumerate(stretches(values, raster.columns)):
        rows = [row_of(value, found, raster.rows) for value in stretch if isfinite(value)]
        if not rows:
            last = None
            continue
        low, high = min(rows), max(rows)
        if last is not None:  # up to the column before, so that steep curves stay whole
            low, high = min(low, last + 1), max(high, last - 1)
        raster.bar(column, low, high)
        last = rows[-1]


def row_of(value: float, found: Scale, rows: int) -> int:
    """Return the row of a value; zeros of a logarithmic scale lie on its lower edge."""
    low, high = found.low, found.high
    if found.is_log:
        if value <= 0.0:
            return 0
        value, low, high = log10(value), log10(low), log10(high)
    if high == low:
        return rows // 2
    half = 0.5 * high - 0.5 * low  # high − low may overflow
    return min(rows - 1, max(0, round((0.5 * value - 0.5 * low) / half * (rows - 1))))
