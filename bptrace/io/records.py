"""A CSV text → its records, each with its line; whatever is wrong with one is said at its place.

Delimiter and header are found if they are not given. Not responsible for which columns are wanted
and what their cells mean: that is `data`'s part.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from bptrace.errors import Fault, FileError
from bptrace.tuples import NamedTuple

DELIMITERS: Final = (";", "\t", "|", ",", " ")
"""Tried in this order: a decimal comma stands in the cells of a file with semicolons, too."""

LOOKED_AT: Final = 20
"""Records from which the delimiter is told."""


class Record(NamedTuple):
    """One record: its cells without blanks around them, and the line where it begins.

    `plain`: it is one line without quotes, so that the place of a cell follows from the others.
    """

    line: int
    cells: list[str]
    starts: list[int]

    def column(self, k: int) -> int:
        """Return where cell `k` begins in the line, from 1; 0 if that cannot be told."""
        return self.starts[k] if k < len(self.starts) else 0


class Records:
    """The records of a CSV text; `width` is that of the first, `header` the names or ()."""

    def __init__(self, text: str, file: str, delimiter: str = "", has_header: bool | None = None):
        self.text, self.file = text, file
        self.delimiter = delimiter or find_delimiter(text)
        first = next(self._all(), None)
        if first is None:
            hint = "Write a header and one line per sample."
            raise FileError(
                [Fault("this file is empty; expected rows of numbers", file, hint=hint)]
            )
        self.width = len(first.cells)
        if has_header is None:
            has_header = not any(map(is_number, first.cells))
        self.header: tuple[str, ...] = tuple(first.cells) if has_header else ()
        self.header_line = first.line if has_header else 0

    def __iter__(self) -> Iterator[Record]:
        """Yield all records but the header. Raises `FileError` where the text is no CSV."""
        return islice(self._all(), int(bool(self.header)), None)

    def _all(self) -> Iterator[Record]:
        return records(self.text, self.file, self.delimiter)


def records(text: str, file: str, delimiter: str) -> Iterator[Record]:
    """Yield the records that are not blank.

    Raises
    ------
    FileError
        At a quote that is never closed or text behind one that is, and at a cell of more than
        131,072 characters.
    """
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=delimiter == " ")
    while True:
        begin = reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            hint = 'A cell with quotes in it is written "like ""this""".'
            fault = Fault(f"this is no CSV ({error})", file, begin + 1, hint=hint)
            raise FileError([fault]) from None
        if cells is None:
            return
        plain = reader.line_num == begin + 1 and '"' not in lines.last and delimiter != " "
        if any(cell.strip() for cell in cells):
            starts = _starts(cells) if plain else []
            yield Record(begin + 1, [cell.strip() for cell in cells], starts)


class _Lines:
    """The lines of a text one by one; the last one is remembered."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.last = ""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        self.last = next(self._lines)
        return self.last


def _starts(cells: Sequence[str]) -> list[int]:
    starts, at = [], 1
    for cell in cells:
        starts.append(at + len(cell) - len(cell.lstrip()))
        at += len(cell) + 1
    return starts


def find_delimiter(text: str) -> str:
    """Return the delimiter that cuts most of the first records into as many cells as the first.

    A comma if none does: the file then has one column.
    """
    best, most = ",", 0
    head = text[:100_000]
    for delimiter in DELIMITERS:
        try:
            widths = [len(r.cells) for r in islice(records(head, "", delimiter), LOOKED_AT)]
        except FileError:
            continue
        agreeing = widths.count(widths[0]) if widths and widths[0] > 1 else 0
        if agreeing > most:
            best, most = delimiter, agreeing
    return best


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, be it infinite."""
    return to_number(cell) is not None


def to_number(cell: str) -> float | None:
    """Return the number in a cell, or None."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None
