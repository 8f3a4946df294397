"""A whole page: every claim judged, the mistakes explained, and the shortest description chosen.

`check` is the entry. A page is first judged as the file states it; what else it may be is the
business of `readings`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from bptrace.address import Address, Quantity
from bptrace.checks.claims import Judge
from bptrace.checks.description import Judged, Limited, learned, total
from bptrace.checks.graph import Canon, Graph, Key, bare
from bptrace.checks.interval import FLOAT64
from bptrace.checks.lines import WRONG, Line, Statement
from bptrace.checks.operands import Operand, check_operands
from bptrace.checks.prior import Prior
from bptrace.checks.report import Report, by_name, verdict_of
from bptrace.checks.search import Memory, Search
from bptrace.checks.sequence import Course
from bptrace.maths.expr import Expr, Op, Ref
from bptrace.model import Claim
from bptrace.trace import Trace

if TYPE_CHECKING:
    from bptrace.checks.conventions import Hypothesis

PASSES = 3
"""Mistakes found at other lines make the same one cheaper; after three passes nothing changes."""


OBJECTS = 50_000
"""So many new objects are waited for before it is looked for unreachable ones."""


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
    with _few_collections():
        return _checked(Page(trace, epsilon), readings)


def _checked(page: Page, readings: bool) -> Report:
    plain = page.judged()
    best = plain
    if readings:
        from bptrace.checks import readings as other

        best = other.best(page, plain)
    roots = frozenset().union(*(line.roots for line in plain.lines))
    rank = {key: n for n, key in enumerate(sorted(roots, key=by_name))}.__getitem__
    verdicts = tuple(verdict_of(line, page.operands(plain, line), rank) for line in plain.lines)
    wrong = sum(line.verdict == WRONG for line in best.lines)
    reading = None if best.hypothesis is None else best.hypothesis.reading
    return Report(page.trace.problem, verdicts, tuple(page.missing), reading, wrong)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for unreachable objects seldom.

    What is kept of a page is no rubbish, and to look through it over and over was a quarter of the
    time for thousands of lines.
    """
    before = gc.get_threshold()
    if before[0]:  # else somebody has switched it off
        gc.set_threshold(max(before[0], OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Page:
    """The claims of one problem as statements about nodes.

    Parameters
    ----------
    trace : Trace
    epsilon : float
        Relative rounding of the arithmetic in which the author calculated.
    without : frozenset of str
        Mistakes that are not tried: to see what becomes of them.
    """

    def __init__(
        self, trace: Trace, epsilon: float = FLOAT64, without: frozenset[str] = frozenset()
    ) -> None:
        self.trace = trace
        self.epsilon = epsilon
        self.canon = Canon(trace.problem)
        self.statements: list[Statement] = []
        self.missing: list[Claim] = []
        self.rates: dict[Key, float] = {}
        self.stated: dict[Key, float] = {}
        self._memory = Memory(without)
        self._graphs: dict[Hypothesis, Graph] = {}
        self._courses: dict[Graph, Course] = {}
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
        self, hypothesis: Hypothesis | None = None, explain: bool = True, limit: float = inf
    ) -> Judged:
        """Judge the page under one reading, with explanations or (quickly) without.

        The page is gone through again as long as what is found at some lines changes what is
        likeliest at others. Raises `TooLong` if its description takes `limit` bits or more.
        """
        statements, course = self._turned(hypothesis), self._course(self.graph(hypothesis))
        price = 0.0 if hypothesis is None else hypothesis.bits
        prior = Prior()
        for _ in range(PASSES):
            search = Search(prior, self._memory) if explain else None
            if search is not None and hypothesis is not None:
                search.pairs_left = 0  # two mistakes are for the page as it is stated
            limited = Limited(search, price, limit) if limit < inf else search
            judge = Judge(course, statements, self.epsilon, limited)
            lines = judge.run()
            after, is_settled = learned(lines, prior)
            if is_settled:
                break
            prior = after
        judge.say_who_follows()
        return Judged(judge, tuple(lines), total(lines, hypothesis, after), hypothesis, after)

    @cached_property
    def plain(self) -> Graph:
        """What follows from what, as the file states it."""
        return Graph(self.trace, [s.key for s in self.statements], self.rates, self.stated)

    def graph(self, hypothesis: Hypothesis | None) -> Graph:
        """Return what follows from what under one reading."""
        if hypothesis is None or hypothesis.rewrite is None:
            return self.plain
        if hypothesis not in self._graphs:
            plain, rewrite = self.plain, hypothesis.rewrite
            self._graphs[hypothesis] = Graph(
                self.trace, plain.targets, self.rates, self.stated, rewrite, plain
            )
        return self._graphs[hypothesis]

    def _course(self, graph: Graph) -> Course:
        """Return how the page is gone through, once for each graph."""
        return self._courses.setdefault(graph, Course(graph))

    def changed(self, reading: Hypothesis) -> frozenset[Key]:
        """Return the nodes that a reading changes; none if nobody can have calculated like that."""
        if reading.flip:
            return frozenset(s.key for s in self.statements if _is_delta(s.key))
        graph = self.graph(reading)
        if graph.is_circular or (reading.candidate is not None and len(graph.rewritten) < 2):
            return frozenset()
        return graph.rewritten

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


def _is_delta(key: Key) -> bool:
    return isinstance(key, Address) and key.quantity is Quantity.D_IN and key.of is None
