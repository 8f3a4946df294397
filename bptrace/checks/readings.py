"""Other readings of a whole page: a convention, or one mistake made everywhere.

Each is judged as if the page were meant like that, and the description that takes the fewest bits
wins. Which readings there are is the business of `conventions`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from bptrace.checks.claims import Judge
from bptrace.checks.conventions import Hypothesis, conventions, everywhere
from bptrace.checks.description import Judged, TooLong, priced
from bptrace.checks.findings import Candidate
from bptrace.checks.graph import Key
from bptrace.checks.lines import WRONG, Line
from bptrace.checks.prior import Prior
from bptrace.maths.sums import summed

if TYPE_CHECKING:
    from bptrace.checks.page import Page

FULL_READINGS = 3
"""So many readings, those with the shortest descriptions before explanation, are explained."""

MOST_LINES = 60_000
"""Readings times lines, a tenth of a millisecond each: of a page of thousands of lines only the
first few readings are tried, the conventions before mistakes made everywhere."""

TOO_MANY_WRONG = 60
"""With more wrong lines than this no readings of the whole page are tried: it is another page."""


def best(page: Page, plain: Judged) -> Judged:
    """Return the reading of a page that takes the fewest bits; `plain` is as stated."""
    wrong = [line for line in plain.lines if line.verdict == WRONG]
    if not wrong or len(wrong) > TOO_MANY_WRONG:
        return plain
    found = plain
    for reading in _shortest(page, list(_promising(page, plain, wrong))):
        found = _tried(page, reading, found.bits) or found
    return found


def _shortest(page: Page, readings: Sequence[Hypothesis]) -> list[Hypothesis]:
    """The readings that are shorter to describe than the plain page if nothing is explained."""
    if not readings:
        return []
    limit = page.judged(explain=False).bits
    quick: list[tuple[float, int]] = []
    for k, reading in enumerate(readings):
        judged = _tried(page, reading, limit, explain=False)
        if judged is not None:
            quick = sorted([*quick, (judged.bits, k)])[:FULL_READINGS]
            if len(quick) == FULL_READINGS:
                limit = quick[-1][0]
    return [readings[k] for _, k in quick]


def _tried(page: Page, reading: Hypothesis, limit: float, explain: bool = True) -> Judged | None:
    """Judge a page under a reading; None if that takes as many bits as the limit, or more."""
    if reading.bits >= limit:
        return None
    try:
        judged = page.judged(reading, explain, limit)
    except TooLong:
        return None
    return judged if judged.bits < limit else None


def _promising(page: Page, plain: Judged, wrong: Sequence[Line]) -> Iterator[Hypothesis]:
    """Yield the readings that could save more bits than they cost.

    A reading can save no more than what the wrong lines cost before which it changes a step. Of
    those that change the same formulas in the same way the first is taken.
    """
    before = [
        (bits, _steps_behind(plain.judge, line))
        for line, bits in priced(plain.lines, plain.prior)
        if bits > 0.0
    ]
    seen: set[Hashable] = set()
    problem = page.trace.problem
    every = chain(conventions(problem), everywhere(problem, _found(wrong, plain.prior)))
    for reading in islice(every, max(FULL_READINGS, MOST_LINES // len(plain.lines))):
        if reading.bits >= summed(bits for bits, _ in before):
            continue
        changed = page.changed(reading)
        saved = summed(bits for bits, steps in before if not changed.isdisjoint(steps))
        formulas = page.graph(reading).formulas
        made = frozenset((key, formulas.get(key)) for key in changed), reading.flip
        if reading.bits < saved and made not in seen:
            seen.add(made)
            yield reading


def _steps_behind(judge: Judge, line: Line) -> frozenset[Key]:
    return frozenset(judge.course.places(line.statement.key))


def _found(wrong: Sequence[Line], used: Prior) -> Iterator[Candidate]:
    """Yield the best explanations at single lines, priced as if none had been found yet."""
    for line in wrong:
        for candidate in () if line.finding is None else line.finding.candidates[:6]:
            yield candidate._replace(cost=Prior().price(candidate, used))
