"""How verdicts are marked, in colour and without."""

from __future__ import annotations

from rich.text import Text

from bptrace.tuples import NamedTuple


class Mark(NamedTuple):
    """How a verdict is marked: sign, the same in ASCII, style."""

    sign: str
    ascii: str
    style: str


MARKS = {
    "right": Mark("✓", "ok", "bptrace.right"),
    "rounding": Mark("≈", "~", "bptrace.rounding"),
    "carried": Mark("→", ">", "bptrace.carried"),
    "wrong": Mark("✗", "x", "bptrace.wrong"),
    "missing": Mark("…", "-", "bptrace.layer"),
}


def mark(verdict: str, ascii: bool) -> Text:
    """Return the mark of a verdict."""
    found = MARKS[verdict]
    return Text(found.ascii if ascii else found.sign, found.style)
