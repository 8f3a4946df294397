"""Matrices in equations as rows of text: brackets, columns, and where a row is broken.

Layout only: names and numbers come from `matrix`. A matrix that is too large is cut in the middle,
like a long sum: rows at a fixed number, columns where the room ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from bptrace.render.lines import broken
from bptrace.tuples import NamedTuple

MOST_ROWS, FIRST_ROWS, LAST_ROWS = 12, 3, 2
"""A matrix with more rows is printed with its first and last ones only."""

MOST_COLUMNS, FIRST_COLUMNS = 12, 8
"""Of more columns no more than the first few and the last two are tried."""

LEAST_ROOM = 24
"""Cells behind a name below which the name rather stands in a row of its own."""

_CUT = re.compile("(?=[ /])")
"""Where a formula may be broken between two arrays: before an operator."""


class Array(NamedTuple):
    """A matrix, a column vector ``(n, 1)``, or a number ``()``, with its name and its cells.

    `cell` gives the text at (row, column), both from 1; cells that are not shown are not asked for.
    """

    name: str
    shape: tuple[int, ...]
    cell: Callable[[int, int], str]

    @property
    def is_number(self) -> bool:
        """Whether it is one number without brackets."""
        return not self.shape

    @property
    def transposed(self) -> Array:
        """The same with rows and columns exchanged: (W^2)ᵀ."""
        n, m = self.shape
        return Array(f"({self.name})ᵀ", (m, n), lambda j, i: self.cell(i, j))


Part = str | Array
"""A piece of a formula: text, or an array in its place."""


class Signs(NamedTuple):
    """What brackets and gaps are drawn with."""

    brackets: tuple[tuple[str, str], ...]
    row_gap: str
    column_gap: str


UNICODE = Signs((("⎡", "⎤"), ("⎢", "⎥"), ("⎣", "⎦")), "⋮", "…")
ASCII = Signs((("[", "]"), ("[", "]"), ("[", "]")), ":", "...")


class Box(NamedTuple):
    """Rows of text of one width, and which of them stands on the line of the equals sign."""

    rows: tuple[str, ...]
    style: str = "bptrace.formula"

    @property
    def width(self) -> int:
        """Cells of each row."""
        return cell_len(self.rows[0])

    @property
    def above(self) -> int:
        """Rows above the line."""
        return (len(self.rows) - 1) // 2


class Equation(NamedTuple):
    """``left = stage = … = stage``; `mark` is the name of the equation, "" for none."""

    mark: str
    left: str
    stages: tuple[tuple[Part, ...], ...]


class Sheet(NamedTuple):
    """Where equations are laid out: how wide it is, the room for marks, and the signs."""

    width: int
    mark_width: int
    signs: Signs

    def rows(self, equation: Equation) -> Iterator[Text]:
        """Yield an equation as rows of at most `width` cells."""
        mark = f"  {equation.mark.ljust(self.mark_width)}" + "  " * bool(self.mark_width)
        name = equation.left
        if self.width - len(mark) - cell_len(name) - 3 < LEAST_ROOM:
            for piece in broken(name, self.width - len(mark)):
                yield Text(mark, "bptrace.highlight").append(piece, "bptrace.quantity")
                mark = " " * len(mark)
            name = ""
        indent = len(mark) + cell_len(name)
        begin = Text(mark, "bptrace.highlight").append(name, "bptrace.quantity")
        for band in self._bands(equation.stages, max(self.width - indent - 3, 12)):
            line = max(box.above for box in band)
            for k, row in enumerate(_side_by_side(band)):
                yield (begin if k == line else Text(" " * indent)).append_text(row)
            begin = Text(" " * indent)

    def _bands(self, stages: Sequence[tuple[Part, ...]], room: int) -> list[list[Box]]:
        """Set the stages of an equation below one another, each as wide as it may be.

        The last one, the result, stands behind the numbers where it fits.
        """
        bands: list[list[Box]] = []
        for n, stage in enumerate(stages):
            style = "bptrace.result" if n == len(stages) - 1 else "bptrace.formula"
            units = [*self._units(stage, room - 2, style)]
            width = sum(map(_width, units))
            fits = bands and _width(bands[-1]) + 3 + width <= room + 3
            if style == "bptrace.result" and fits and _has_arrays(stages[n - 1]):
                bands[-1].append(_EQUALS)
                for unit in units:
                    bands[-1] += unit
            else:
                bands += _filled(units, room if _has_arrays(stage) else 0)
        return bands

    def _units(self, stage: tuple[Part, ...], room: int, style: str) -> Iterator[list[Box]]:
        """Yield what must not be parted: arrays with the signs and brackets around them."""
        if not _has_arrays(stage):
            for piece in broken("".join(map(str, stage)), room):
                yield [Box((piece,), style)]
            return
        unit: list[Box] = []
        for part, after in zip(stage, [*stage[1:], ""], strict=True):
            if isinstance(part, Array):
                behind = cell_len(_CUT.split(after)[0]) if isinstance(after, str) else 0
                left = room - behind
                box = Box(self._grid(part, left - _width(unit)), style)
                if unit and _width([*unit, box]) > left:  # too wide even with one column
                    yield unit
                    unit, box = [], Box(self._grid(part, left), style)
                unit.append(box)
                continue
            end, *begin = _CUT.split(part, maxsplit=1)
            if end:
                unit.append(Box((end,), style))
            if begin:
                if unit:
                    yield unit
                *rows, last = _rows(begin[0], room)
                yield from ([Box((row,), style)] for row in rows)
                unit = [Box((last,), style)]
        if unit:
            yield unit

    def _grid(self, array: Array, room: int) -> tuple[str, ...]:
        """Return an array as rows in brackets, with as many columns as there is room for."""
        if array.is_number:
            return (array.cell(1, 1),)
        n, m = array.shape
        rows = [*range(1, n + 1)]
        if n > MOST_ROWS:
            rows = [*rows[:FIRST_ROWS], 0, *rows[-LAST_ROWS:]]
        for columns in _choices(m):
            cells = [self._column(array, rows, i) for i in columns]
            lines = ["  ".join(line) for line in zip(*cells, strict=True)]
            if cell_len(lines[0]) + 2 <= room:
                break
        first, middle, last = self.signs.brackets
        ends = [first, *[middle] * (len(lines) - 2), last] if len(lines) > 1 else [("[", "]")]
        return tuple(a + line + b for (a, b), line in zip(ends, lines, strict=True))

    def _column(self, array: Array, rows: Sequence[int], i: int) -> list[str]:
        """Return the cells of a column, with their points below one another; 0 is a gap."""
        if i == 0:
            return [self.signs.column_gap] * len(rows)
        texts = [array.cell(j, i) if j else self.signs.row_gap for j in rows]
        whole = [cell_len(text.partition(".")[0]) for text in texts]
        texts = [" " * (max(whole) - n) + text for n, text in zip(whole, texts, strict=True)]
        width = max(map(cell_len, texts))
        return [text + " " * (width - cell_len(text)) for text in texts]


_EQUALS = Box((" = ",), "bptrace.edge")


def _choices(m: int) -> Iterator[list[int]]:
    """Yield which columns may be shown, ever fewer; 0 is a gap."""
    everyone = [*range(1, m + 1)]
    if m <= MOST_COLUMNS:
        yield everyone
    for shown in range(min(m - 1, FIRST_COLUMNS + 2), 0, -1):
        last = min(2, shown // 2)
        yield [*everyone[: shown - last], 0, *everyone[m - last :]]


def _width(boxes: Sequence[Box]) -> int:
    return sum(box.width for box in boxes)


def _has_arrays(stage: Sequence[Part]) -> bool:
    return any(isinstance(part, Array) for part in stage)


def _filled(units: Sequence[list[Box]], room: int) -> Iterator[list[Box]]:
    """Yield bands of at most `room` cells behind the equals sign; further ones are indented.

    With no room at all each unit is a band: text that has been broken already.
    """
    band: list[Box] = [_EQUALS]
    empty = True
    for unit in units:
        if not empty and _width(band) - 3 + _width(unit) > room:
            yield band
            band, empty = [Box(("     ",))], True
        band += [_stripped(unit[0]), *unit[1:]] if empty else unit
        empty = False
    yield band


def _stripped(box: Box) -> Box:
    """A band does not begin with a blank."""
    return Box((box.rows[0].lstrip(),), box.style) if len(box.rows) == 1 else box


def _rows(text: str, room: int) -> list[str]:
    """Break what stands between two arrays; the blanks before the second one are kept."""
    words = text.rstrip()
    *rows, last = broken(words, room)
    return [*rows, last + text[len(words) :]]


def _side_by_side(boxes: Sequence[Box]) -> Iterator[Text]:
    """Yield boxes as rows; the line of the equals sign goes through all of them."""
    above = max(box.above for box in boxes)
    below = max(len(box.rows) - box.above for box in boxes)
    for k in range(-above, below):
        row = Text()
        for box in boxes:
            at = k + box.above
            inside = 0 <= at < len(box.rows)
            row.append(box.rows[at] if inside else " " * box.width, box.style)
        row.rstrip()
        row.no_wrap = True
        yield row
