"""What it takes to describe a page: the price of its mistakes in bits, one after the other.

The shortest description of a page is the likeliest story of how it came about. Which stories are
compared is the business of `readings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import log2
from typing import TYPE_CHECKING

from bptrace.checks.claims import Judge
from bptrace.checks.findings import Finding
from bptrace.checks.lines import RIGHT, WRONG, Line, Statement
from bptrace.checks.prior import UNKNOWN_BITS, Prior, repriced
from bptrace.checks.views import information
from bptrace.maths.sums import summed
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.checks.conventions import Hypothesis

DOES_NOT_FOLLOW_BITS = 4.0

FIRST_BITS = 3.0
"""No single mistake is cheaper: the most usual one is a tenth of all."""


class Judged(NamedTuple):
    """One reading of a page: all its lines, and what it takes to describe it."""

    judge: Judge
    lines: tuple[Line, ...]
    bits: float
    hypothesis: Hypothesis | None
    prior: Prior


def learned(lines: Sequence[Line], before: Prior) -> tuple[Prior, bool]:
    """Weigh the explanations of all lines anew by what was found at all of them.

    Returns the prior that they speak for, by which they are priced from now on, and whether the
    first explanation of every line has stayed the first.
    """
    found = [line for line in lines if line.verdict == WRONG and line.finding is not None]
    if len(found) < 2:
        return before, True
    after = Prior()
    for line in found:
        after.learn(line.finding)
    is_settled = True
    for line in found:
        assert line.finding is not None
        best = line.finding.best
        line.finding = repriced(line.finding, before, after)
        is_settled &= line.finding.best.expr == best.expr and line.finding.best.place == best.place
    return after, is_settled


def priced(lines: Sequence[Line], used: Prior) -> Iterator[tuple[Line, float]]:
    """Yield every line with its price, coded one after the other: a mistake is cheap if repeated.

    A line that follows costs nothing, a wrong one its mistake, or its digits if there is no
    explanation. `used` is the prior by which the explanations were priced.
    """
    so_far = Prior()
    for line in lines:
        finding = line.finding
        if line.verdict == RIGHT:
            yield line, DOES_NOT_FOLLOW_BITS if line.note == "does not follow" else 0.0
        elif line.verdict != WRONG:
            yield line, 0.0
        elif finding is not None and finding.bits > 0:
            yield line, so_far.price(finding.best, used)
            so_far.learn(finding)
        else:
            yield line, _as_it_stands(line.statement, line.expected)


def total(lines: Sequence[Line], hypothesis: Hypothesis | None, used: Prior) -> float:
    """Return what a whole page costs under one reading."""
    bits = 0.0 if hypothesis is None else hypothesis.bits
    return bits + summed(bits for _, bits in priced(lines, used))


def _as_it_stands(statement: Statement, expected: float) -> float:
    """The price of a wrong number of which nothing is known: its digits."""
    return information(statement.printed, expected * statement.sign) + UNKNOWN_BITS


class TooLong(Exception):
    """A description has become longer than another one already is."""


class Limited:
    """Explains lines as another function does, until they cost too much altogether.

    Most readings of a page make more lines wrong than they set right; that is seen after a few.

    Parameters
    ----------
    explain : function, optional
        As `Judge` takes it; none: nothing is explained.
    bits, limit : float
        What the reading itself costs, and the bits with which it is given up.
    """

    def __init__(
        self,
        explain: Callable[[Judge, Statement], Finding | None] | None,
        bits: float,
        limit: float,
    ) -> None:
        self.explain = explain
        self.bits = bits
        self.limit = limit
        self.explained = 0

    def __call__(self, judge: Judge, statement: Statement) -> Finding | None:
        """Return the explanations of a wrong line; raise `TooLong` beyond the limit."""
        finding = None if self.explain is None else self.explain(judge, statement)
        if finding is None:
            expected = judge.value(judge.graph.fast[statement.key]).middle
            self.bits += _as_it_stands(statement, expected)
        elif not judge.is_coarse(finding):
            self.explained += 1  # not as it stands perhaps, but other lines may speak for it
        if self.least >= self.limit:
            raise TooLong
        return finding

    @property
    def least(self) -> float:
        """The bits that the page takes at least, by what has been seen of it.

        If all that is explained were one and the same mistake, the k-th time would cost
        log2(k / (k − 1)) bits, and all n of them together log2(n) and the price of the first.
        """
        return self.bits + (FIRST_BITS + log2(self.explained) if self.explained else 0.0)
