"""A wrong formula beside the right one: stage by stage, with what differs in colour."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from rich.text import Text

from bptrace.render.lines import broken
from bptrace.render.sentences import Worked


def stages(worked: Worked) -> list[str]:
    """Symbols, numbers, result; "" for numbers that only repeat the symbols or the result."""
    numbers = worked.numbers
    return [worked.formula, "" if numbers in (worked.formula, worked.result) else numbers,
            worked.result]  # fmt: skip


_TOKEN = re.compile(r"[ ·()/]+|[^ ·()/]+")


def differing(text: str, other: str, style: str) -> Text:
    """Return `text` with those parts in a style that the other formula does not have."""
    a, b = _TOKEN.findall(text), _TOKEN.findall(other)
    result = Text()
    for how, start, end, _, _ in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        piece = "".join(a[start:end])
        result.append(piece, "bptrace.formula" if how == "equal" else style)
    return result


def pieces(text: Text, width: int) -> list[Text]:
    """Break a formula before its operators, keeping its styles."""
    found, start = [], 0
    for piece in broken(text.plain, width):
        start = text.plain.index(piece, start)
        found.append(text[start : start + len(piece)])
        start += len(piece)
    return found
