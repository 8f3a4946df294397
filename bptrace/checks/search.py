"""Why a line is wrong: every mistake of the table, at the line and at each hidden step before it.

Explanations are ranked by description length: the digits that one explains, less the price of the
mistake, in bits. Other lines that see the value of a hidden step are evidence for and against.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from math import log2

from bptrace.checks.claims import Judge
from bptrace.checks.findings import Candidate, Finding, likeness
from bptrace.checks.graph import Graph, Key
from bptrace.checks.interval import Interval, point
from bptrace.checks.lines import ACCEPTED, Statement
from bptrace.checks.mistakes.slips import MISREAD, slipped
from bptrace.checks.prior import UNKNOWN_BITS, Prior, ranked, repriced
from bptrace.checks.tables import LONG, Tables
from bptrace.checks.views import (
    SHORT_BITS,
    Match,
    View,
    information,
    is_short,
    plainness,
)
from bptrace.maths.expr import FLOATS
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

ALL_PAIRS = 10_000
"""Pairs of mistakes tried on a page: some 20 µs each."""

MOST_WORK = 300_000
"""Operands that are read for one wrong line, the nearest steps first: the hidden steps behind an
output of 784-30-10 would take a quarter of a minute."""

ALL_PLACES = 1_000
"""Unprinted steps that are searched on a page, a millisecond each: where dozens of lines have no
explanation, the later ones have none either, and only the lines themselves are looked into."""

LEAST_FOR_PAIRS = 9.0
"""A pair costs 16 bits and more: numbers that carry much less cannot tell which it was."""

WORST, BEHIND = -12.0, 16.0
"""A candidate that cannot reach this score, or is so far behind the best, is not looked into: what
is found at other lines makes none cheaper by so much."""

OTHER_VALUES_BITS = 1.0
"""The price of taking right values in the place of wrong ones before: authors do either."""

SHORTENING = ("digit-dropped", "decimal-point")
"""Slips after which a number has fewer digits than its page."""


class _Found(NamedTuple):
    """What was found at a line, with what it was looked for: see `Memory.state`."""

    graph: Graph
    state: int
    finding: Finding | None
    prior: Prior


class Memory:
    """What is kept of a page from one pass to the next.

    Parameters
    ----------
    without : frozenset of str
        Mistakes that are not tried.

    Attributes
    ----------
    tables : Tables
        The mistakes at each step.
    findings : dict
        What was found at each line the last time: where nothing before it has changed, only the
        prices have.
    """

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self.tables = Tables(without)
        self.findings: dict[Hashable, _Found] = {}
        self._states: dict[tuple[int, Key, Interval], int] = {}

    def state(self, before: int, carried: Sequence[tuple[Key, Interval]]) -> int:
        """Return a number for what the author went on with so far: equal ones for equal states.

        `carried` is what has come to the state `before` since (0: nothing has come yet).
        """
        for key, values in carried:
            before = self._states.setdefault((before, key, values), len(self._states) + 1)
        return before


class Search:
    """Explains wrong lines of one page, for a `Judge`.

    Parameters
    ----------
    prior : Prior, optional
        What mistakes cost.
    memory : Memory, optional
        What is kept from one pass over the page to the next.
    """

    def __init__(
        self,
        prior: Prior | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.prior = Prior() if prior is None else prior
        self.memory = Memory() if memory is None else memory
        self.tried = 0
        self.pairs_left = ALL_PAIRS
        self.places_left = ALL_PLACES
        self._state, self._seen = 0, 0

    def __call__(self, judge: Judge, statement: Statement) -> Finding | None:
        """Return the explanations of a wrong line, best first; None if there is none at all."""
        here = statement.key, statement.sign, statement.printed.text, statement.claim.exact
        self._state = self.memory.state(self._state, judge.carried[self._seen :])
        self._seen = len(judge.carried)
        known = self.memory.findings.get(here)
        if known is None or known.graph is not judge.graph or known.state != self._state:
            found = self._found(judge, statement)
            known = _Found(judge.graph, self._state, found, self.prior)
            self.memory.findings[here] = known
        elif known.finding is not None and known.prior is not self.prior:
            return repriced(known.finding, known.prior, self.prior)
        return known.finding

    def _found(self, judge: Judge, statement: Statement) -> Finding | None:
        self.tried = 0
        expected = judge.value(judge.graph.fast[statement.key])
        if statement.sign < 0:
            expected = -expected
        digits = information(statement.printed, expected.middle)
        found = [*self._formulas(judge, statement, digits, self._variants)]
        found += self._copies(judge, statement, digits, expected)
        found += self._operands(judge, statement, digits)
        if all(candidate.score <= ACCEPTED for candidate in found):
            found += self._with_right_values(judge, statement, digits)
        most = digits + (SHORT_BITS if is_short(judge, statement) else 0.0)
        if most > LEAST_FOR_PAIRS and all(candidate.score <= 0 for candidate in found):
            found += self._formulas(judge, statement, digits, self._pairs)
        if not found:
            return None
        chance = self.tried * 2.5 * 10.0 ** -max(statement.printed.significant, 1)
        return ranked(found, chance)

    def _with_right_values(
        self, judge: Judge, statement: Statement, digits: float
    ) -> Iterator[Candidate]:
        """Try the mistakes with the values that wrong lines before this one should have had."""
        worlds = judge.should_be(statement)
        price = OTHER_VALUES_BITS + log2(len(worlds)) if worlds else 0.0
        for roots in worlds:
            with judge.put_right(roots) as righted:
                found = [*self._formulas(judge, statement, digits, self._variants)]
                found += self._operands(judge, statement, digits)
                instead = righted.instead()
            yield from (c._replace(cost=c.cost + price, instead=instead) for c in found)

    # Wrong formulas

    def _formulas(
        self,
        judge: Judge,
        statement: Statement,
        digits: float,
        mistakes: Callable[[View], tuple[list[Match], int]],
    ) -> Iterator[Candidate]:
        places = judge.course.places(statement.key)
        true = judge.graph.truth.__getitem__
        best, work = 0.0, 0
        for place in places:
            if work > MOST_WORK or (self.places_left <= 0 and place != statement.key):
                break
            self.places_left -= 1
            view = View(judge, statement, place)
            matches, count = mistakes(view)
            self.tried += count
            work += count * (1 + len(judge.graph.parents[place]))
            for value, name, variant, ways, result in matches:
                fit = judge.fit(result, statement)
                assert fit is not None
                alike = likeness(name, variant.wording, place, variant.fields)
                cost = self.prior.bits(name, alike, ways) + log2(len(places)) + fit.cost
                gain = digits - log2(max(1.0, result.width / statement.printed.ulp)) + UNKNOWN_BITS
                gain += plainness(judge, statement, result)
                if gain + view.most_evidence - cost < max(best - BEHIND, WORST):
                    continue
                gain += view.evidence(value)
                best = max(best, gain - cost)
                yield Candidate(
                    name, variant.wording, variant.fields, place, variant.expr, result, gain, cost,
                    ways, value, FLOATS.read(variant.expr, true),
                )  # fmt: skip

    def _variants(self, view: View) -> tuple[list[Match], int]:
        """Return the mistakes at a step that may have led to a line, and of how many."""
        tables = self.memory.tables
        table = tables.single(view.judge, view.place)
        matches, count = table.matches(view), len(table.entries)
        foreign = tables.foreign(view.judge, view.place) if view.at_line else None
        if foreign is None:
            return matches, count
        return foreign.matches(view)[::-1] + matches, count + foreign.count

    def _pairs(self, view: View) -> tuple[list[Match], int]:
        """Return two mistakes in one step, as long as there is time for them."""
        tables = self.memory.tables
        table = tables.pairs(view.judge, view.place) if self.pairs_left > 0 else None
        if table is None:
            return [], 0
        self.pairs_left -= len(table.entries)
        return table.matches(view), len(table.entries)

    # Slips of copying

    def _copies(
        self, judge: Judge, statement: Statement, digits: float, expected: Interval
    ) -> Iterator[Candidate]:
        fields = {"x": statement.key}
        kept = plainness(judge, statement, expected, as_short=True)
        for name, ways in slipped(expected, statement.printed):
            gain = digits + (abs(kept) if name in SHORTENING else kept)
            yield self._slip(name, fields, statement, gain, ways)
        later, here = judge.graph.after(statement.key), judge.numbers.now(statement.key)
        follows = judge.fit(here, statement) is not None
        number = statement.printed.value * statement.sign
        ways = judge.prints.count(statement.key, later)
        may_follow, now = judge.may_follow(statement), judge.numbers.now
        for other in judge.prints.like(number, here):
            if other.key == statement.key:
                continue
            same = other.printed.value * other.sign == number
            if same and other.printed.significant > 1:
                if other.key not in later:
                    yield self._slip("copied", {"x": other.key}, statement, digits, ways)
                continue
            if follows or not may_follow(now(other.key)):  # nearly all
                continue
            if other.key in later or judge.fit(here, other) is None:
                continue
            extra = self._interchanged(judge, statement, other)
            if extra is not None:
                fields = {"x": statement.key, "y": other.key}
                yield self._slip("swapped", fields, statement, digits + extra, ways)

    def _interchanged(self, judge: Judge, one: Statement, two: Statement) -> float | None:
        """Bits of the other line's digits if two lines stand in each other's place.

        Each is known to be right in the place of the other.
        """
        if one.printed.value == two.printed.value:
            return None
        if judge.course.sees(one.key, two.key) or judge.course.sees(two.key, one.key):
            return None
        if judge.fit(judge.numbers.now(two.key), two) is not None:
            return None
        return information(two.printed, judge.graph.exact[two.key] * two.sign)

    def _slip(
        self, name: str, fields: Mapping[str, object], statement: Statement, gain: float, ways: int
    ) -> Candidate:
        alike = likeness(name, "slip", statement.key, fields)
        cost = self.prior.bits(name, alike, max(ways, 1))
        value = point(statement.printed.value * statement.sign)
        return Candidate(
            name, "slip", fields, statement.key, None, value, gain + UNKNOWN_BITS, cost,
            max(ways, 1),
        )  # fmt: skip

    # Operands put in wrongly

    def _operands(self, judge: Judge, statement: Statement, digits: float) -> Iterator[Candidate]:
        graph = judge.graph
        parents = graph.parents[statement.key]
        operands = self.memory.tables.operands(judge, statement.key)
        tried = parents[:20] if len(parents) < LONG else parents[:4]
        for parent in tried:
            printed = _as_printed(judge, parent)
            if printed is None:
                continue
            wrong = self.memory.tables.misread(printed)
            self.tried += len(wrong.ways)
            value_at = operands.put_in(judge, parent)
            for k in wrong.leading_to(judge, statement, value_at):
                kind, value, ways = wrong.ways[k]
                result = value_at(point(value))
                fit = judge.fit(result, statement)
                assert fit is not None
                if result.meets(value, value) and kind != "coarse-rounding":
                    continue  # the line is a copy of the operand: a slip of its own digits
                name = kind if kind == "coarse-rounding" else "operand-slip"
                fields = {"y": parent, "x": value}
                gain = digits - log2(max(1.0, result.width / statement.printed.ulp)) + UNKNOWN_BITS
                gain += plainness(judge, statement, result)
                alike = likeness(name, "slip", statement.key, fields)
                ways *= len(parents) * (1 if kind == name else MISREAD)
                cost = self.prior.bits(name, alike, ways) + fit.cost
                yield Candidate(name, "slip", fields, statement.key, None, result, gain, cost, ways)


def _as_printed(judge: Judge, key: Key) -> Printed | None:
    """The digits of an operand: as printed on the page, else of the given number."""
    if key in judge.by_key:
        return judge.by_key[key][0].printed
    if key in judge.graph.given:
        try:
            return Printed.of(judge.graph.given[key])
        except ValueError:
            return None
    return None
