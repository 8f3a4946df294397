"""A whole page: every claim judged, the mistakes explained, and the shortest description chosen.

`check` is the entry. A page is first judged as the file states it; where it has mistakes,
conventions and "one mistake everywhere" are tried as readings of the whole page, and the
description that takes the fewest bits wins.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bptrace.address import Address, Quantity
from bptrace.checks.claims import RIGHT, WRONG, Judge, Line, Statement
from bptrace.checks.conventions import Hypothesis, conventions, everywhere
from bptrace.checks.findings import Candidate
from bptrace.checks.graph import Canon, Graph, Key, bare
from bptrace.checks.interval import FLOAT64
from bptrace.checks.operands import Operand, check_operands
from bptrace.checks.report import Report, verdict_of
from bptrace.checks.search import UNKNOWN_BITS, Known, Prior, Search, repriced
from bptrace.checks.views import hidden_places, information
from bptrace.maths.expr import Expr, Op, Ref
from bptrace.model import Claim
from bptrace.trace import Trace

PASSES = 3
"""Mistakes found at other lines make the same one cheaper; after three passes nothing changes."""

DOES_NOT_FOLLOW_BITS = 4.0
FULL_READINGS = 3
"""So many readings, those with the shortest descriptions before explanation, are explained."""

TOO_MANY_WRONG = 60
"""With more wrong lines than this no readings of the whole page are tried: it is another page."""


@dataclass(frozen=True)
class Judged:
    """One reading of a page: all its lines, and what it takes to describe it."""

    judge: Judge
    lines: tuple[Line, ...]
    bits: float
    hypothesis: Hypothesis | None
    prior: Prior


def check(trace: Trace, epsilon: float = FLOAT64, readings: bool = True) -> Report:
    """Judge all claims of a trace's problem.

    Parameters
    ----------
    trace : Trace
    epsilon : float
        Relative rounding of the arithmetic in which the author calculated.
    readings : bool
        Whether other readings of the whole page are tried; no verdict depends on them.
    """
    page = Page(trace)
    plain = page.judged(None, epsilon)
    best = page.best(plain, epsilon) if readings else plain
    verdicts = tuple(verdict_of(line, page.operands(plain, line)) for line in plain.lines)
    wrong = sum(line.verdict == WRONG for line in best.lines)
    return Report(trace.problem, verdicts, tuple(page.missing), best.hypothesis, wrong)


class Page:
    """The claims of one problem as statements about nodes."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.canon = Canon(trace.problem)
        self.statements: list[Statement] = []
        self.missing: list[Claim] = []
        self.rates: dict[Key, float] = {}
        self.stated: dict[Key, float] = {}
        self._known: Known = {}
        for claim, expr in trace.claims():
            self._add(claim, expr)

    def _add(self, claim: Claim, expr: Expr) -> None:
        if claim.printed is None:
            self.missing.append(claim)
            return
        key, sign = self._key(expr)
        if claim.given:
            self.stated[key] = sign * claim.printed.value
            return
        if claim.learning_rate is not None:
            self.rates[key] = claim.learning_rate
        self.statements.append(Statement(claim, key, sign, claim.printed))

    def _key(self, expr: Expr) -> tuple[Key, int]:
        """Return the node of an expression, and −1 if the expression is its negative."""
        expr = bare(self.canon.expr(expr))
        sign = 1
        while isinstance(expr, Op) and expr.name == "neg":
            expr, sign = expr.args[0], -sign
        if isinstance(expr, Ref) and isinstance(expr.key, Address):
            return expr.key, sign
        return expr, sign

    def judged(
        self,
        hypothesis: Hypothesis | None = None,
        epsilon: float = FLOAT64,
        without: frozenset[str] = frozenset(),
        explain: bool = True,
    ) -> Judged:
        """Judge the page under one reading, with explanations or (quickly) without.

        The page is gone through again as long as what is found at some lines changes what is
        likeliest at others.
        """
        statements, graph = self._turned(hypothesis), self._graph(hypothesis)
        prior = Prior()
        for _ in range(PASSES):
            search = Search(prior, without, self._known) if explain else None
            if search is not None and hypothesis is not None:
                search.pairs_left = 0  # two mistakes are for the page as it is stated
            judge = Judge(graph, statements, epsilon, search)
            lines = judge.run()
            learned, is_settled = _learned(lines, prior)
            if is_settled:
                break
            prior = learned
        return _coded(judge, lines, hypothesis, learned)

    @cached_property
    def plain(self) -> Graph:
        """What follows from what, as the file states it."""
        return Graph(self.trace, [s.key for s in self.statements], self.rates, self.stated)

    def _graph(self, hypothesis: Hypothesis | None) -> Graph:
        """What follows from what under one reading."""
        if hypothesis is None or hypothesis.rewrite is None:
            return self.plain
        plain = self.plain
        return Graph(self.trace, plain.targets, self.rates, self.stated, hypothesis.rewrite, plain)

    def _turned(self, hypothesis: Hypothesis | None) -> list[Statement]:
        """The statements, with the sign of every δ turned if the reading says so."""
        if hypothesis is None or not hypothesis.flip:
            return self.statements
        return [
            Statement(s.claim, s.key, -s.sign, s.printed) if _is_delta(s.key) else s
            for s in self.statements
        ]

    def operands(self, judged: Judged, line: Line) -> tuple[Operand, ...]:
        """Return the substituted numbers of a line that do not belong there."""
        judge = judged.judge
        return check_operands(judge.graph, judge.box, line.statement, self.statements)

    def best(
        self, plain: Judged, epsilon: float = FLOAT64, without: frozenset[str] = frozenset()
    ) -> Judged:
        """Return the reading of the page that takes the fewest bits; `plain` is as stated."""
        wrong = [line for line in plain.lines if line.verdict == WRONG]
        if not wrong or len(wrong) > TOO_MANY_WRONG:
            return plain
        readings = list(self._promising(plain, wrong))
        if not readings:
            return plain
        quick = [(self.judged(h, epsilon, explain=False).bits, k) for k, h in enumerate(readings)]
        unexplained = self.judged(None, epsilon, explain=False).bits
        chosen = sorted(entry for entry in quick if entry[0] < unexplained)[:FULL_READINGS]
        full = [self.judged(readings[k], epsilon, without) for _, k in chosen]
        return min([plain, *full], key=lambda judged: judged.bits)

    def _promising(self, plain: Judged, wrong: Sequence[Line]) -> Iterator[Hypothesis]:
        """Yield the readings that could save more bits than they cost.

        A reading can save no more than what the wrong lines cost before which it changes a step.
        """
        before = [
            (bits, _steps_behind(plain.judge, line))
            for line, bits in _priced(plain.lines, plain.prior)
            if bits > 0.0
        ]
        seen: set[Hashable] = set()
        problem = self.trace.problem
        for reading in (*conventions(problem), *everywhere(problem, _found(wrong, plain.prior))):
            if reading.bits >= sum(bits for bits, _ in before):
                continue
            changed = self._changed(reading)
            saved = sum(bits for bits, steps in before if not changed.isdisjoint(steps))
            if reading.bits < saved and (changed, reading.candidate is None) not in seen:
                seen.add((changed, reading.candidate is None))
                yield reading

    def _changed(self, reading: Hypothesis) -> frozenset[Key]:
        """The nodes that a reading changes; none if nobody can have calculated like that."""
        if reading.flip:
            return frozenset(s.key for s in self.statements if _is_delta(s.key))
        graph = self._graph(reading)
        if graph.is_circular or (reading.candidate is not None and len(graph.rewritten) < 2):
            return frozenset()
        return graph.rewritten


def _learned(lines: Sequence[Line], before: Prior) -> tuple[Prior, bool]:
    """Weigh the explanations of all lines anew by what was found at all of them.

    Returns the prior that they speak for, by which they are priced from now on, and whether the
    first explanation of every line has stayed the first.
    """
    found = [line for line in lines if line.verdict == WRONG and line.finding is not None]
    if len(found) < 2:
        return before, True
    learned = Prior()
    for line in found:
        learned.learn(line.finding)
    is_settled = True
    for line in found:
        assert line.finding is not None
        best = line.finding.best
        line.finding = repriced(line.finding, before, learned)
        is_settled &= line.finding.best.expr == best.expr and line.finding.best.place == best.place
    return learned, is_settled


def _coded(
    judge: Judge, lines: Sequence[Line], hypothesis: Hypothesis | None, prior: Prior
) -> Judged:
    bits = 0.0 if hypothesis is None else hypothesis.bits
    bits += sum(bits for _, bits in _priced(lines, prior))
    return Judged(judge, tuple(lines), bits, hypothesis, prior)


def _priced(lines: Sequence[Line], used: Prior) -> Iterator[tuple[Line, float]]:
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
            statement = line.statement
            digits = information(statement.printed, line.expected * statement.sign)
            yield line, digits + UNKNOWN_BITS


def _steps_behind(judge: Judge, line: Line) -> frozenset[Key]:
    return frozenset(hidden_places(judge, line.statement.key))


def _found(wrong: Sequence[Line], used: Prior) -> Iterator[Candidate]:
    """Yield the best explanations at single lines, priced as if none had been found yet."""
    for line in wrong:
        for candidate in () if line.finding is None else line.finding.candidates[:6]:
            yield replace(candidate, cost=Prior().price(candidate, used))


def _is_delta(key: Key) -> bool:
    return isinstance(key, Address) and key.quantity is Quantity.D_IN and key.of is None
