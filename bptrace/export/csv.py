"""CSV: the mistakes of a class, one row per page and mistake, for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import TextIO

from bptrace.checks.paper import Paper

COLUMNS = (
    "file",
    "line",
    "quantity",
    "printed",
    "expected",
    "verdict",
    "mistake",
    "explanation",
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_papers(papers: Iterable[Paper], file: TextIO) -> None:
    """Write the mistakes, the missing numbers and the faulty files of a class.

    Cells that a spreadsheet would take for a formula (``-dE/dout_z1``) begin with an apostrophe.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for paper in papers:
        writer.writerows([_safe(cell) for cell in row] for row in _rows(paper))


def _rows(paper: Paper) -> Iterator[tuple[str, ...]]:
    if paper.faults:
        yield (paper.file, "", "", "", "", "faulty", "", paper.faults[0])
    for m in paper.mistakes:
        yield (
            paper.file,
            str(m.line),
            m.quantity,
            m.printed,
            m.expected,
            m.verdict,
            m.kind,
            m.explanation,
        )
    for missing in paper.missing:
        yield (paper.file, str(missing.line), missing.quantity, "", "", "missing", "", "")


def _safe(cell: str) -> str:
    if not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
