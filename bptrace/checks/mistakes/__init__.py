"""The table of mistakes: what people do wrong in a hand calculation, one entry each.

A mistake is a way of rewriting the formula of a step; the same entry finds it on a page, names it
in words, and plants it for tests. A new mistake is one entry in `formulas` (a wrong formula), in
`outputs` (the same of softmax and cross-entropy), in `updates` (of learning rules) or in `slips` (a
wrong copy of a number); `pairs` puts two formulas together. What is likely in a given place is
weighed in `search`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from bptrace.checks.mistakes.step import Step, Variant
from bptrace.maths.sums import summed
from bptrace.registry import Registry
from bptrace.tuples import NamedTuple

Text = tuple[str, str]
"""English and Chinese."""


class Mistake(NamedTuple):
    """One kind of mistake.

    Attributes
    ----------
    name : str
        As ``--json`` prints it.
    weight : float
        How often it is made, relative to the others.
    title, hint : (str, str)
        What it is in general, and what to tell the student.
    wordings : mapping
        The sentences of its variants; fields stand in braces.
    variants : function or None
        The rewritings of the formula of a step; None for slips of copying.
    """

    name: str
    weight: float
    title: Text
    hint: Text
    wordings: Mapping[str, Text]
    variants: Callable[[Step], Iterator[Variant]] | None = None


MISTAKES: Registry[Mistake] = Registry("mistake")

UNKNOWN = 0.08
"""The share of mistakes that no entry describes."""


def share(mistake: Mistake) -> float:
    """Return the probability that a mistake is of this kind, before anything is known."""
    return (1.0 - UNKNOWN) * mistake.weight / _all_weights(len(MISTAKES))


@cache
def _all_weights(entries: int) -> float:
    """The sum over the table, as long as it has so many entries."""
    return summed(entry.weight for entry in MISTAKES)


from bptrace.checks.mistakes import (  # noqa: E402  (they fill the table)
    formulas,
    outputs,
    pairs,
    slips,
    updates,
)

__all__ = [
    "MISTAKES",
    "UNKNOWN",
    "Mistake",
    "Step",
    "Variant",
    "formulas",
    "outputs",
    "pairs",
    "share",
    "slips",
    "updates",
]
