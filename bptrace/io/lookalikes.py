"""Characters that look like those of TOML's own: － for -, “ for ", a space that is none.

They come with copying from a book, a web page or a Chinese keyboard, and look faultless to the
one who looks for the fault; so they are named.

Not responsible for numbers in quotes, which may be printed so: see `bptrace.printed`.
"""

from __future__ import annotations

import re
from typing import Final

from bptrace.io.positions import STRING
from bptrace.printed import LOOKALIKES as PRINTED_LOOKALIKES
from bptrace.printed import named

LOOKALIKES: Final[dict[str, str]] = {
    **PRINTED_LOOKALIKES,
    **dict.fromkeys("“”„‟″「」『』", '"'),
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("\u00a0\u202f\u205f\u3000", " "),
    **{chr(code): " " for code in range(0x2000, 0x200B)},
    **dict.fromkeys("\u200b\u2060\ufeff", ""),
    **{"、": ",", "。": ".", "【": "[", "】": "]", "〔": "[", "〕": "]", "＝": "="},
}
"""Characters that look like those of TOML's own, or like nothing, and what to write instead."""

_ALIKE = "".join(map(re.escape, LOOKALIKES))
_NEXT_LOOKALIKE = (
    rf"(?s:{STRING}|#[^\n]*+|[“„‟”][^“”„‟\"\n]*+[”“\"]|[‘‚‛][^’‘'\n]*+[’']|([{_ALIKE}]+)|.)"
)


def find_lookalikes(text: str, at: int) -> tuple[list[tuple[str, str, int]], str]:
    """Find the lookalikes from an offset to the end of its line, outside strings and comments.

    Returns
    -------
    found : list of (str, str, int)
        Of each: what it is, what to write instead, and its offset.
    repaired : str
        The text with what was meant in their places.
    """
    line_end = text.find("\n", at)
    stop = min(len(text) if line_end < 0 else line_end, at + 10_000)
    found, repaired = [], text[:at]
    for match in re.compile(_NEXT_LOOKALIKE).finditer(text, at, stop):
        piece = match[0]
        if match.lastindex:
            found.append(_lookalike(match.start(), piece))
            piece = "".join(LOOKALIKES[c] or " " for c in piece)
        elif len(piece) > 1 and piece[0] in LOOKALIKES:  # “text in the wrong quotes”
            found.append(_lookalike(match.start(), piece[0], piece[1:-1]))
            quote = LOOKALIKES[piece[0]]
            piece = quote + "".join("_" if c in "\\\"'" else c for c in piece[1:-1]) + quote
        repaired += piece
    return found, repaired + text[stop:]


def _lookalike(at: int, piece: str, quoted: str | None = None) -> tuple[str, str, int]:
    """Return the name and code point of lookalikes, what to write instead, and the offset."""
    import unicodedata  # only for a faulty file

    names = [f"{named(c)}, {unicodedata.name(c, 'unnamed').lower()}" for c in dict.fromkeys(piece)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    plain = "".join(LOOKALIKES[c] for c in piece)
    if quoted is not None:
        hint = f"Write {plain}{quoted}{plain} with the straight quote {plain}"
    elif plain.strip():
        hint = f"Write {plain} instead"
    else:
        hint = "Write an ordinary space" if plain else "Delete it"
    message = f"{'; '.join(names[:3])}{more}: not a character that TOML knows here"
    return message, hint, at
