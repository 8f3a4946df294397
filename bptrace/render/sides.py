"""Rows of numbers side by side: names at the left, a column for each way to calculate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

_GAP = 3


def side_by_side(
    heads: Sequence[str], rows: Sequence[Sequence[str] | None], width: int
) -> Iterator[Text]:
    """Yield a table as rows of at most `width` cells; columns that do not fit follow below.

    Each row is a name and one text per head; None is an empty row.
    """
    names = [row[0] for row in rows if row is not None]
    first = max(map(cell_len, names))
    room = max(width - 2 - first, 1)
    widths = [
        max(cell_len(text) for text in (head, *(row[k] for row in rows if row is not None)))
        for k, head in enumerate(heads, 1)
    ]
    start = 0
    while start < len(heads):
        stop, used = start, 0
        while stop < len(heads) and (stop == start or used + _GAP + widths[stop] <= room):
            used += _GAP + widths[stop]
            stop += 1
        if start:
            yield Text()
        columns = slice(start, stop)
        yield _row("", heads[columns], first, widths[columns], "bptrace.layer")
        for row in rows:
            if row is None:
                yield Text()
            else:
                cells = row[1:][columns]
                yield _row(row[0], cells, first, widths[columns], "bptrace.result")
        start = stop


def _row(name: str, cells: Sequence[str], first: int, widths: Sequence[int], style: str) -> Text:
    line = Text("  ").append(name, "bptrace.quantity").append(" " * (first - cell_len(name)))
    for k, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        padding = "" if k == len(cells) - 1 else " " * (width - cell_len(cell))
        line.append(" " * _GAP).append(cell, style).append(padding)
    line.rstrip()
    return line
