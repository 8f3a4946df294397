"""Patterns of names, read backwards: what stands in the fields of ``in_{n}`` if a name is in_h1.

Which quantity has which pattern is the business of `names`, what fields mean that of `lookup`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from bptrace.notation.names import to_ascii
from bptrace.notation.parse import folded
from bptrace.tuples import NamedTuple

_NUMBERS = frozenset({"l", "j", "g", "i", "w number", "b number"})
"""Fields in which there is a number."""
_JOINED = {"ji": ("j", "i"), "nm": ("n", "m")}
"""Fields in which there are two others, side by side or with a comma between."""


class Pattern(NamedTuple):
    """A pattern in one spelling: what stands before, between and behind its fields."""

    literals: tuple[str, ...]
    fields: tuple[str, ...]

    def readings(self, text: str) -> list[dict[str, str]]:
        """Return what may stand in the fields of `text`; nothing if it is not written like this."""
        literals, fields = self
        if len(fields) != 1:
            cuts = _cuts(literals, fields, text)
            return [dict(zip(fields, pieces, strict=True)) for pieces in cuts]
        head, tail = literals  # as most are, and as quickly as it goes
        piece = text[len(head) : len(text) - len(tail)]
        fits = piece and text == head + piece + tail and _may_be(piece, fields[0])
        return [{fields[0]: piece}] if fits else []


@cache
def patterns(text: str) -> tuple[Pattern, ...]:
    """Take a pattern of a dialect apart, in all its spellings."""
    parts = [spelling.replace("}", "{").split("{") for spelling in spellings(text)]
    return tuple(Pattern(tuple(each[::2]), tuple(each[1::2])) for each in parts)


def spellings(name: str) -> Sequence[str]:
    """Return in how many ways a name may be written, beginning with itself."""
    if name.isascii():
        return (name,)
    plain = to_ascii(name)
    return tuple(dict.fromkeys((name, plain, folded(name), folded(plain))))


def separated(fields: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Yield `fields` with the two indices of a weight apart, in each way that is possible."""
    for pair, (to, source) in _JOINED.items():
        if pair in fields:
            text = fields[pair]
            for k in range(1, len(text)):
                for rest in {k, k + (text[k] == ",")}:
                    one, other = text[:k], text[rest:]
                    if other and _may_be(one, to) and _may_be(other, source):
                        yield {**fields, to: one, source: other}
            return
    yield fields


def _may_be(text: str, field: str) -> bool:
    return field not in _NUMBERS or (text.isascii() and text.isdecimal())


def _cuts(literals: Sequence[str], fields: Sequence[str], text: str) -> Iterator[tuple[str, ...]]:
    """Yield the ways to cut `text` so that only the fields remain, which are not empty."""
    if not text.startswith(literals[0]):
        return
    text = text[len(literals[0]) :]
    if not fields:
        if not text:
            yield ()
        return
    is_last = len(fields) == 1
    ends = (len(text) - len(literals[1]),) if is_last else range(1, len(text) + 1)
    for end in ends:
        piece = text[:end]
        if end > 0 and _may_be(piece, fields[0]):
            yield from ((piece, *rest) for rest in _cuts(literals[1:], fields[1:], text[end:]))
