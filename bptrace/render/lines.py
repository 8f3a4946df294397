"""One equation as lines of text: symbols, numbers, result, and beside it what the source has.

Layout only: what stands in the lines comes from `notation`, which values from the trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from rich.cells import cell_len
from rich.text import Span, Text

from bptrace.tuples import NamedTuple

Row: TypeAlias = Sequence[tuple[str, str]]
"""Texts side by side, each with its style."""

_BREAK = r" \(\*\) | else |[(\[)\]]| [+−·⊙*-] |[·*/](?!10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹])|, "
_BINDS = {
    " else ": (False, -1),
    **dict.fromkeys((" + ", " − ", " - "), (False, 0)),
    **dict.fromkeys((" · ", " * ", " ⊙ ", " (*) "), (False, 1)),
    **dict.fromkeys("·*", (False, 2)),
    **dict.fromkeys(("/", ", "), (True, 0)),
}
"""How strongly operators hold a formula together, and whether they are broken only if they must."""
_GAP = 3
_ROOM = 24
"""Cells for a formula below which names rather stand in rows of their own."""


class Remark(NamedTuple):
    """A text beside a result, such as the number that the source prints, and its style."""

    text: str
    style: str = "bptrace.claim"


class Line(NamedTuple):
    """One equation: `left` = forms = formula = numbers = result."""

    left: str
    formula: str
    numbers: str
    result: str
    remarks: tuple[Remark, ...] = ()
    forms: tuple[str, ...] = ()

    @property
    def stages(self) -> list[str]:
        """What stands behind the equals signs, without repeats and with the result last."""
        stages = [*self.forms, self.formula, self.numbers, self.result]
        return [
            text for text, after in zip(stages, [*stages[1:], ""], strict=True) if text != after
        ]


def broken(text: str, width: int) -> list[str]:
    """Break a formula before its operators, so that each line fits `width` cells.

    Sums are broken rather than products, and what stands in brackets only if it must be.
    """
    lines: list[str] = []
    for piece in _pieces(text, width):
        if lines and cell_len(lines[-1]) + cell_len(piece) <= width:
            lines[-1] += piece
        else:
            lines.append(piece.lstrip() if lines else piece)
    return [line.rstrip() for line in lines]


def _pieces(text: str, width: int) -> Iterator[str]:
    """Cut a formula that is too wide at its weakest operators, and the pieces likewise."""
    if cell_len(text.lstrip()) <= width:  # a row does not begin with a blank
        yield text
        return
    cuts = list(_cuts(text))
    if not cuts:
        yield from _chopped(text, width)
        return
    weakest = min(binds for binds, _ in cuts)
    bounds = [0, *(at for binds, at in cuts if binds == weakest), len(text)]
    for start, end in pairwise(bounds):
        yield from _pieces(text[start:end], width)


def _cuts(text: str) -> Iterator[tuple[tuple[bool, int, int], int]]:
    """Yield where a formula may be broken, and how strongly it is held together there."""
    depth = 0
    for found in re.finditer(_BREAK, text):
        sign = found.group()
        depth += (sign in "([") - (sign in ")]")
        at = found.end() if sign == ", " else found.start()
        if 0 < at < len(text) and sign in _BINDS:
            last, binds = _BINDS[sign]
            yield (last, depth, binds), at


def _chopped(text: str, width: int) -> Iterator[str]:
    """Cut a text that is wider than a row anywhere."""
    piece = ""
    for character in text:
        if piece and cell_len(piece) + cell_len(character) > width:
            yield piece
            piece = ""
        piece += character
    yield piece


class Block:
    """Equations below one another, aligned at their equals signs, behind a mark and a bar.

    Parameters
    ----------
    mark : str
        What is in hand: the name of a neuron.
    lines : iterable of Line
    mark_width : int
        Cells for the mark, the same for all blocks of a calculation.
    bar : tuple of str
        Upper end, middle and lower end of the bar, and the bar of a single line.
    """

    def __init__(
        self, mark: str, lines: Iterable[Line], mark_width: int, bar: tuple[str, str, str, str]
    ) -> None:
        self.mark = mark
        self.lines = list(lines)
        self.mark_width = mark_width
        self.bar = bar

    def rows(self, width: int) -> list[Text]:
        """Return the block as rows of at most `width` cells."""
        margin = 2 + self.mark_width + 3
        left = max(cell_len(line.left) for line in self.lines)
        left = min(left, _most_left(width - margin))
        bodies = [row for line in self.lines for row in _body(line, left, width - margin)]
        rows = [_text(self._row(k, body, len(bodies)), width) for k, body in enumerate(bodies)]
        if cell_len(self.mark) > self.mark_width:  # a long name stands above its block
            rows.insert(0, _text([("  ", ""), (self.mark, "bptrace.highlight")], width))
        return rows

    def _row(self, k: int, body: Row, count: int) -> Row:
        mark = self.mark if k == 0 and cell_len(self.mark) <= self.mark_width else ""
        first, middle, last, only = self.bar
        bar = only if count == 1 else first if k == 0 else last if k == count - 1 else middle
        padding = " " * (self.mark_width - cell_len(mark))
        head = f"{mark}{padding}", "bptrace.highlight"
        return [("  ", ""), head, (f" {bar} ", "bptrace.edge"), *body]


def _text(row: Row, width: int) -> Text:
    """Return a row as one text, put together at once: each `Text.append` takes as long as this."""
    text, spans = "", []
    for part, style in row:
        if part and style:
            spans.append(Span(len(text), len(text) + len(part), style))
        text += part
    fits = _cells(row) <= width
    return Text(text, spans=spans, no_wrap=fits)  # of what fits Rich has to do half only


def _cells(row: Row) -> int:
    return sum(cell_len(part) for part, _ in row)


def _most_left(width: int) -> int:
    """The widest name that stands before its equals sign: half a row, if enough is left over."""
    return max(4, min(width // 2, width - 3 - _ROOM))


def _body(line: Line, left: int, width: int) -> Iterator[Row]:
    """Yield the rows of one equation."""
    name = line.left
    if cell_len(name) > left:  # a long name has a row of its own
        for piece in broken(name, width):
            yield [(piece, "bptrace.quantity")]
        name = ""
    room = max(width - left - 3, 12)
    stages = line.stages
    for n, stage in enumerate(stages):
        style = "bptrace.result" if n == len(stages) - 1 else "bptrace.formula"
        for k, piece in enumerate(broken(stage, room - 2)):
            row = [
                (name + " " * (left - cell_len(name)), "bptrace.quantity"),
                (" = " if k == 0 else "   ", "bptrace.edge"),
                (piece if k == 0 else f"  {piece}", style),
            ]
            name = ""
            if n == len(stages) - 1:
                yield from _with_remarks(row, line.remarks, left + 3, width)
            else:
                yield row


def _with_remarks(row: Row, remarks: tuple[Remark, ...], indent: int, width: int) -> Iterator[Row]:
    """Put remarks behind the result where they fit, else below it."""
    for remark in remarks:
        if _cells(row) + _GAP + cell_len(remark.text) <= width:
            row = [*row, (" " * _GAP, ""), remark]
            continue
        yield row
        row = [(" " * max(0, min(indent, width - cell_len(remark.text))), ""), remark]
    yield row
