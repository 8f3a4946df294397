"""The mistakes that can be made at each step of a page, and what each of them gives there.

A step has a table of single mistakes and one of pairs. They are made when somebody asks for them,
kept as long as the page is, and read again only as far as numbers have changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import islice

from bptrace.address import Address, Quantity
from bptrace.checks.claims import Judge
from bptrace.checks.graph import Graph, Key
from bptrace.checks.interval import Interval
from bptrace.checks.mistakes import MISTAKES, Step, Variant, pairs
from bptrace.checks.substitutes import MOST_ANSWERS, Foreign, Misread, Operands
from bptrace.checks.together import Together
from bptrace.checks.views import Entry, Match, View
from bptrace.maths.expr import Expr, Op, Reading, Ref, inline, refs
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

MOST_PAIRS = 5_000
"""Pairs of mistakes tried at one step: some 20 µs each."""

WORK = 20_000
"""Operands that are read for one entry of the table at one step; in the sum over 784 inputs this is
a dozen ways to make each mistake, in a formula of ten operands no limit at all."""

LONG = 30
"""Operands of a long formula: no pairs are tried in it, and few misread operands."""


class _Answer(NamedTuple):
    """What was found, and with which numbers: those of the formulas, and those beside the way."""

    numbers: list[Interval]
    beside: list[Interval]
    matches: list[Match]


class Table:
    """The mistakes at one step, with the values that they give as long as nothing changes.

    Parameters
    ----------
    graph : Graph
    reading : Reading
    entries : iterable of Entry
    """

    def __init__(self, graph: Graph, reading: Reading[Interval], entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._formulas = Together(reading)
        add, with_prints = self._formulas.add, graph.with_prints
        self._places = [add(with_prints(entry.variant.expr)) for entry in self.entries]
        self._numbers: list[Interval] | None = None
        self._ranges: list[Interval] = []
        self._known: dict[Hashable, list[_Answer]] = {}

    def matches(self, view: View) -> list[Match]:
        """Return the mistakes that may have led to a line, by what the author had by then.

        What was found is kept for when the same is asked with the same numbers again.
        """
        numbers, beside = view.judge.numbers.all_near(self._formulas.keys), view.beside()
        known = self._known.setdefault(view.question, [])
        for answer in reversed(known):
            if answer.numbers == numbers and answer.beside == beside:
                return answer.matches
        found = view.matches(self.entries, self._read(numbers))
        known.append(_Answer(numbers, beside, found))
        del known[:-MOST_ANSWERS]
        return found

    def _read(self, numbers: list[Interval]) -> list[Interval]:
        """Return the value that each mistake gives."""
        if numbers != self._numbers:
            values = self._formulas.read(numbers)
            self._numbers = numbers
            self._ranges = [values[place] for place in self._places]
        return self._ranges


class Place(NamedTuple):
    """A step that may be wrong, and how many operands its formula has."""

    step: Step
    operands: int


class Tables:
    """The mistakes at the steps of one page, under all its readings.

    Parameters
    ----------
    without : frozenset of str
        Mistakes that are left out.
    """

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self.without = without
        self._places: dict[tuple[Graph, Key], Place] = {}
        self._tables: dict[Hashable, Table] = {}
        self._foreign: dict[tuple[Graph, Key], Foreign] = {}
        self._operands: dict[tuple[Graph, Key], Operands] = {}
        self._misread: dict[Printed, Misread] = {}

    def place(self, judge: Judge, key: Key) -> Place:
        """Return a step as its author may have seen it: with the unprinted paths written out."""
        graph = judge.graph
        if (graph, key) not in self._places:
            expr = inline(graph.formulas[key], lambda k: _path_written_out(judge, key, k))
            step = Step(graph.problem, key, expr, graph.canon)
            self._places[graph, key] = Place(step, sum(1 for _ in refs(expr)))
        return self._places[graph, key]

    def single(self, judge: Judge, key: Key) -> Table:
        """Return all mistakes at a step, but for those that other lines suggest."""
        return self._table(judge, key, 1)

    def pairs(self, judge: Judge, key: Key) -> Table | None:
        """Return two mistakes in one step; None if its formula is long."""
        return None if self.place(judge, key).operands > LONG else self._table(judge, key, 2)

    def foreign(self, judge: Judge, key: Key) -> Foreign | None:
        """Return other quantities of the page as operands of a line; None if they are left out."""
        graph = judge.graph
        if "foreign" in self.without:
            return None
        known = self._foreign.get((graph, key))
        if known is None:
            place = self.place(judge, key)
            printed = judge.course.printed
            known = Foreign(graph, judge.reading, printed, place.step, most_ways(place))
            if place.operands <= LONG and not graph.has_expressions:  # it would fill the memory
                self._foreign[graph, key] = known
        return known

    def operands(self, judge: Judge, key: Key) -> Operands:
        """Return the formula of a line as a function of each operand."""
        graph = judge.graph
        if (graph, key) not in self._operands:
            self._operands[graph, key] = Operands(judge.reading, graph.fast[key])
        return self._operands[graph, key]

    def misread(self, printed: Printed) -> Misread:
        """Return what a number of the page may be misread as."""
        if printed not in self._misread:
            self._misread[printed] = Misread(printed)
        return self._misread[printed]

    def _table(self, judge: Judge, key: Key, mistakes: int) -> Table:
        graph = judge.graph
        known = self._tables.get((graph, key, mistakes))
        if known is None:
            place = self.place(judge, key)
            # other readings of the page have most formulas in common
            same = key, place.step.expr, mistakes
            known = self._tables.get(same)
            if known is None:
                entries = self._single(graph, place) if mistakes == 1 else self._two(graph, place)
                known = self._tables[same] = Table(graph, judge.reading, entries)
            self._tables[graph, key, mistakes] = known
        return known

    def _single(self, graph: Graph, place: Place) -> Iterator[Entry]:
        most = most_ways(place)
        for mistake in MISTAKES:
            if mistake.variants is not None and mistake.name not in self.without:
                possible = _possible(graph, place.step.key, mistake.variants(place.step))
                variants = list(islice(possible, most))
                yield from (Entry(mistake.name, variant, len(variants)) for variant in variants)

    def _two(self, graph: Graph, place: Place) -> Iterator[Entry]:
        possible = _possible(graph, place.step.key, pairs.pairs(place.step, self.without))
        variants = list(islice(possible, MOST_PAIRS))
        return (Entry("pair", variant, len(variants)) for variant in variants)


def most_ways(place: Place) -> int:
    """Return in how many ways each mistake is tried at a step."""
    return max(8, WORK // (1 + place.operands))


def _possible(graph: Graph, place: Key, variants: Iterable[Variant]) -> Iterator[Variant]:
    """Leave out formulas that use what follows from the step itself.

    Further down a page stand numbers that carry the wrong one on; where a slope is 1, δ is the very
    number of ∂E/∂out, and would explain every mistake in it.
    """
    is_before = _Before(graph, place)
    return (v for v in variants if is_before(v.expr))


class _Before:
    """Whether formulas use nothing that is a step or follows from it.

    They have most parts in common, and as the same objects: such a part is looked into once.
    """

    def __init__(self, graph: Graph, place: Key) -> None:
        self._later = graph.after(place)
        self._keys: dict[Key, bool] = {place: False}
        self._parts: dict[int, tuple[bool, Expr]] = {}

    def __call__(self, expr: Expr) -> bool:
        if type(expr) is Op:
            known = self._parts.get(id(expr))  # kept, so that no other object gets its id
            if known is None:
                known = self._parts[id(expr)] = all(map(self, expr.args)), expr
            return known[0]
        if type(expr) is not Ref:
            return True
        key: Key = expr.key  # type: ignore[assignment]
        if key not in self._keys:
            self._keys[key] = key not in self._later
        return self._keys[key]


def _path_written_out(judge: Judge, place: Key, key: Hashable) -> Expr | None:
    """Write the unprinted paths of a hidden error sum out, so that one mistake can be in all."""
    if key == place or not isinstance(key, Address) or key in judge.by_key:
        return None
    is_path = key.quantity is Quantity.D_OUT and key.of is not None
    is_path = is_path and key.of.quantity is Quantity.E_K  # type: ignore[union-attr]
    return judge.graph.formulas.get(key) if is_path else None
