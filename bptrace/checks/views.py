"""What a value at one step does to the lines that see it, and what digits are worth."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from math import log, log2
from operator import itemgetter

from bptrace.checks.claims import Judge
from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval
from bptrace.checks.lines import Statement
from bptrace.checks.mistakes import Variant
from bptrace.maths.sums import summed
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

SHORT, SHORT_BITS = 10.0, 3.0
"""A number whose last place is so many units of the page's is short, and 3 bits speak for a value
that has no more digits (0.71 is 0.7100 where others have four decimals), as many against others."""

_NEAR, _FAR = 1e-4, 3.0
"""Relative deviations of wrong numbers from the right ones, equally likely in logarithm."""


def information(printed: Printed, expected: float) -> float:
    """Return the bits that the digits of a wrong number carry.

    Half of all wrong numbers are taken as spread over four decades and both signs, half as near the
    expected value, with a relative deviation from 1e-4 to 3; the bits are −log2 of the probability
    of these digits.
    """
    p, u = printed.value, printed.ulp
    size = max(abs(p), u)
    anywhere = u / (2 * 4 * log(10) * size)
    off = max(abs(p - expected), u)
    near = 0.0
    if expected and _NEAR <= off / abs(expected) <= _FAR:
        near = u / (2 * off * log(_FAR / _NEAR))
    return -log2(min(1.0, 0.5 * anywhere + 0.5 * near))


def is_short(judge: Judge, statement: Statement) -> bool:
    """Whether a number has fewer digits than the page prints."""
    unit = judge.house.unit(statement.printed.value)
    return 0.0 < SHORT * unit <= statement.printed.ulp * (1 + 1e-9)


def plainness(
    judge: Judge, statement: Statement, values: Interval, as_short: bool = False
) -> float:
    """Return the bits that a short number speaks for or against a range of its node's values.

    Where numbers have ten digits, nobody rounds one to two: it has no more. `as_short` asks whether
    the range holds any number that is as short: a slip of a digit leaves the others as they are.
    """
    if not is_short(judge, statement):
        return 0.0
    number, ulp = statement.sign * statement.printed.value, statement.printed.ulp
    if as_short:
        number = round(values.middle / ulp) * ulp
    half = judge.house.unit(number) / 2
    return SHORT_BITS if values.meets(number - half, number + half) else -SHORT_BITS


class Entry(NamedTuple):
    """A mistake at a step, and in how many ways it can be made there."""

    mistake: str
    variant: Variant
    ways: int


class Ordered:
    """Values in order, of which most can be ruled out together.

    They are tried in groups of neighbours, because a range that holds a group and does not fit
    rules out the whole of it: a tenth of the work.

    Parameters
    ----------
    values : sequence of Interval
    """

    def __init__(self, values: Sequence[Interval]) -> None:
        self._places = sorted(range(len(values)), key=values.__getitem__)
        self._values = [values[k] for k in self._places]
        self._groups: dict[tuple[int, int], Interval] = {}

    def fitting(self, may_fit: Callable[[Interval], bool]) -> Iterator[int]:
        """Yield the places of the values that may fit, in order of value."""
        groups = [(0, len(self._values))] if self._values else []
        while groups:
            start, end = groups.pop()
            if not may_fit(self._range(start, end)):
                continue
            if end - start == 1:
                yield self._places[start]
            else:
                middle = (start + end) // 2
                groups += [(middle, end), (start, middle)]

    def _range(self, start: int, end: int) -> Interval:
        """The range that holds a group; it is asked for again where the numbers stay the same."""
        if end - start == 1:
            return self._values[start]
        group = self._groups.get((start, end))
        if group is None:
            highest = max(map(_HI, self._values[start:end]))
            group = self._groups[start, end] = Interval(self._values[start].lo, highest)
        return group


class Match(NamedTuple):
    """A mistake at a step that may have led to a line: what it gives there, and at the line."""

    value: Interval
    mistake: str
    variant: Variant
    ways: int
    result: Interval


_HI = itemgetter(1)


class _Seer(NamedTuple):
    """Another line that sees a step: how, whether it fits as things stand, and its digits' bits."""

    statement: Statement
    view: Callable[[Interval], Interval]
    fits: bool
    bits: float


class View:
    """What a value at one place does to the wrong line, and to other lines that see the place."""

    def __init__(self, judge: Judge, statement: Statement, place: Key) -> None:
        self.judge = judge
        self.at_line = place == statement.key
        self._line = None if self.at_line else judge.pathway(place, statement.key)
        self.statement = statement
        self.place = place

    def result(self, value: Interval) -> Interval:
        """Return the wrong line's range for a value at the place."""
        return value if self._line is None else self._line(value)

    @cached_property
    def question(self) -> Hashable:
        """What is asked about values at the place: where they lead, and to which digits."""
        line = self.statement
        return self.judge.graph, line.key, line.sign, line.printed.text, line.claim.exact

    def beside(self) -> list[Interval]:
        """Return the numbers on which it depends where a value leads."""
        if self.at_line:
            return []
        beside = self.judge.course.beside(self.place, self.statement.key)
        return self.judge.numbers.all_near(beside)

    def matches(self, entries: Sequence[Entry], values: Sequence[Interval]) -> list[Match]:
        """Return the mistakes that the wrong line's digits may come from.

        `values` are what they give at the place. Those of hidden steps are sorted by them and
        narrowed down.
        """
        may_follow = self.judge.may_follow(self.statement)
        if self.at_line:
            low, high = self.judge.window(self.statement)
            near = [k for k, (lo, hi) in enumerate(values) if lo <= high and not hi < low]
            fitting = [k for k in near[::-1] if may_follow(values[k])]
            return [Match(values[k], *entries[k], values[k]) for k in fitting]
        numbers = [k for k, (lo, _) in enumerate(values) if lo == lo]
        ordered = Ordered([values[k] for k in numbers])
        found = [numbers[n] for n in ordered.fitting(lambda value: may_follow(self.result(value)))]
        return [Match(values[k], *entries[k], self.result(values[k])) for k in found]

    @cached_property
    def _others(self) -> list[_Seer]:
        """The other lines that see the place."""
        return [] if self.at_line else list(self._seers())

    @property
    def most_evidence(self) -> float:
        """The bits that other lines can speak for a value at best."""
        return summed(seer.bits for seer in self._others if not seer.fits)

    def evidence(self, value: Interval) -> float:
        """Return the bits that other lines speak for or against a value of a hidden step."""
        bits = 0.0
        for seer in self._others:
            fits = self.judge.fit(seer.view(value), seer.statement) is not None
            if fits != seer.fits:
                bits += seer.bits if fits else -seer.bits
        return bits

    def _seers(self) -> Iterator[_Seer]:
        judge = self.judge
        # in the order of the page: bits are added up, and sets have another order in each run
        for key in sorted(judge.course.shadow(self.place)[1], key=judge.course.printed.__getitem__):
            if key == self.statement.key or not judge.numbers.is_ready(key):
                continue
            other = judge.by_key[key][0]
            fits = judge.fit(judge.numbers.now(key), other) is not None
            bits = information(other.printed, judge.graph.exact[key] * other.sign)
            yield _Seer(other, judge.pathway(self.place, key), fits, bits)
