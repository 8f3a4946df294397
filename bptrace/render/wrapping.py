"""Texts broken into rows, and rows without the blanks that a table leaves behind them.

Kept apart from the tables of Rich, which many views do without.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len
from rich.segment import Segment
from rich.text import Text

_CLOSING = "，。、；：）》"


def wrapped(text: Text, width: int, indent: int = 0) -> list[Text]:
    """Break a text at spaces, and beside Chinese characters, into rows of at most `width` cells.

    All rows but the first are indented. What is longer than a row keeps a row of its own.
    """
    plain = text.plain
    rows: list[Text] = []
    start, room = 0, width
    if cell_len(plain.rstrip()) > width:
        begins = (i for i in range(1, len(plain)) if _may_begin(plain[i - 1], plain[i]))
        for at, end in pairwise([0, *begins, len(plain)]):
            if at > start and cell_len(plain[start:end].rstrip()) > room:
                rows.append(text[start:at])
                start, room = at, width - indent
    rows.append(text[start:])
    for row in rows:
        row.rstrip()
    return [Text(" " * indent * (k > 0)).append_text(row) for k, row in enumerate(rows)]


def _may_begin(before: str, character: str) -> bool:
    """Whether a row may begin between two characters: closing signs stay with what they close.

    (A pattern with the range of Chinese characters takes 3 ms to compile.)
    """
    if character.isspace() or (character in _CLOSING and not before.isspace()):
        return False
    return before.isspace() or _is_chinese(character) or _is_chinese(before)


def _is_chinese(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"


def without_padding(line: Sequence[Segment]) -> list[Segment]:
    """Leave out the spaces with which a table fills its last column: they stay behind in files."""
    segments = list(line)
    while segments and not segments[-1].text.strip():
        segments.pop()
    if segments:
        last = segments[-1]
        segments[-1] = Segment(last.text.rstrip(), last.style)
    return segments
