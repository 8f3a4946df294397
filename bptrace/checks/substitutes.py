"""Other numbers in the place of an operand: which of many can have led to the digits of a line.

They are not tried one by one. A range that holds several of them and does not lead to the digits
rules all of them out (`views.Ordered`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import islice
from math import isfinite
from operator import itemgetter

from bptrace.address import Address
from bptrace.checks.claims import Judge
from bptrace.checks.graph import Graph, Key
from bptrace.checks.interval import Interval, point
from bptrace.checks.lines import Statement
from bptrace.checks.mistakes import Step, Variant, formulas
from bptrace.checks.mistakes.slips import misreadings
from bptrace.checks.mistakes.step import Rebuild
from bptrace.checks.together import Together
from bptrace.checks.views import Match, Ordered, View
from bptrace.maths.expr import Expr, Reading, Ref, refs
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

MOST_FOREIGN = 200
"""Other quantities of a page that are tried in the place of each operand."""

_OPEN = Ref("open")
"""The place of an operand into which other quantities are put."""

_ANY = point(1.0)
"""Stands there until one of them does."""

_NUMBER = itemgetter(0)

MOST_ANSWERS = 10
"""For so many states of a page it is kept what was found at a line: as it is, and with one or the
other wrong number before it put right."""

Question = Callable[[Interval], bool]


class Operands:
    """A formula as a function of each of its operands.

    Parameters
    ----------
    reading : Reading
    formula : Expr
    """

    def __init__(self, reading: Reading[Interval], formula: Expr) -> None:
        self._formulas = Together(reading)
        self._place = self._formulas.add(formula)
        self._at: dict[Key, Callable[[Interval], Interval]] = {}

    def put_in(self, judge: Judge, operand: Key) -> Callable[[Interval], Interval]:
        """Return what a value of an operand gives, with the others as the author has them."""
        self._formulas.read([judge.box[key] for key in self._formulas.keys])
        if operand not in self._at:
            self._at[operand] = self._formulas.at(operand, self._place)
        return self._at[operand]


class _Spot(NamedTuple):
    """An operand for which other quantities are tried.

    `possible` are their numbers; of those that stand elsewhere in the formula `tried` has the
    mistake and its place, and `value_at` is the formula as a function of all others.
    """

    address: Address
    rebuild: Rebuild
    possible: set[int]
    tried: dict[int, tuple[Variant, int]]
    value_at: Callable[[Interval], Interval]


_Found = dict[int, tuple[Variant, Interval]]
"""The quantities that may stand at a spot, by their numbers: the mistake, and what it gives."""


class _Answer(NamedTuple):
    """What was found, and with which numbers: those of the formulas, and those of the others."""

    numbers: list[Interval]
    values: list[Interval]
    found: list[_Found]


class Foreign:
    """Other quantities of the page in the places of the operands of one step.

    Parameters
    ----------
    graph : Graph
    reading : Reading
    printed : iterable of Key
        What the page prints, in its order.
    step : Step
    most : int
        So many are looked into at most.
    """

    def __init__(
        self,
        graph: Graph,
        reading: Reading[Interval],
        printed: Iterable[Key],
        step: Step,
        most: int,
    ) -> None:
        self._graph = graph
        self._formulas = Together(reading)
        later, own = graph.after(step.key), set(refs(step.expr))
        before = (key for key in printed if isinstance(key, Address) and key not in later)
        self._others = list(islice(before, MOST_FOREIGN))
        # Where other parts of the formula may change with it, ranges say nothing: x·(1 − x) is one
        # operation for intervals, and what the author prints is no longer calculated.
        number: dict[Key, int] = {other: k for k, other in enumerate(self._others)}
        self._number = number
        every = range(len(self._others))
        self._alone = {number[key] for key in own if key in number}
        if graph.has_expressions:
            self._alone = set(every)
        here = number.get(step.key)
        self._rest = [k for k in every if k != here and k not in self._alone]
        self._known: dict[Hashable, list[_Answer]] = {}
        self._values: list[Interval] = []
        self._finite: list[int] = []
        self._ordered = Ordered([])
        self._endless: list[int] = []
        self.count = 0
        self._spots: list[_Spot] = []
        for address, rebuild in formulas.operands(step):
            possible = set(every).difference((here, number.get(address)))
            if len(possible) > most - self.count:
                possible = set(sorted(possible)[: most - self.count])
            self.count += len(possible)
            self._spots.append(self._spot(address, rebuild, possible))
        keys = self._formulas.keys
        self._opened = [k for key, k in keys.items() if key == _OPEN.key]
        self._keys = {key: k for k, key in enumerate(k for k in keys if k != _OPEN.key)}

    def _spot(self, address: Address, rebuild: Rebuild, possible: set[int]) -> _Spot:
        tried: dict[int, tuple[Variant, int]] = {}
        for k in sorted(possible & self._alone):
            variant = formulas.foreign(address, rebuild, self._others[k])
            tried[k] = variant, self._formulas.add(self._graph.with_prints(variant.expr))
        opened = self._formulas.add(self._graph.with_prints(rebuild(_OPEN)))
        value_at = self._formulas.at(_OPEN.key, opened)  # type: ignore[arg-type]  # no node
        return _Spot(address, rebuild, possible, tried, value_at)

    def matches(self, view: View) -> list[Match]:
        """Return those that may have led to a line.

        If the formula has the same numbers as the last time, only those quantities are looked into
        that have others.
        """
        near = view.judge.numbers.all_near
        numbers, values = near(self._keys), near(self._number)
        for k in self._opened:
            numbers.insert(k, _ANY)
        may_follow = view.judge.may_follow(view.statement)
        known = self._known.setdefault(view.question, [])
        for answer in reversed(known):
            if answer.numbers == numbers:
                found = self._found_anew(answer, values, may_follow)
                break
        else:
            found = self._found(numbers, values, may_follow)
        known.append(_Answer(numbers, values, found))
        del known[:-MOST_ANSWERS]
        return [
            Match(value, "foreign", variant, self.count, value)
            for spot in found
            for _, (variant, value) in sorted(spot.items(), key=_NUMBER)
        ]

    def _found(
        self, numbers: list[Interval], values: list[Interval], may_follow: Question
    ) -> list[_Found]:
        """For each spot, the quantities that may stand there."""
        parts = self._formulas.read(numbers)
        self._sort(values)
        found: list[_Found] = []
        for spot in self._spots:
            here = {
                k: (variant, parts[place])
                for k, (variant, place) in spot.tried.items()
                if may_follow(parts[place])
            }
            for k in self._fitting(spot, may_follow):
                here[k] = self._at(spot, k, values[k])
            found.append(here)
        return found

    def _found_anew(
        self, before: _Answer, values: list[Interval], may_follow: Question
    ) -> list[_Found]:
        """The same, where the formula is as it was before."""
        changed = [
            k
            for k, (old, new) in enumerate(zip(before.values, values, strict=True))
            if old is not new and old != new
        ]
        if not changed:
            return before.found
        self._formulas.read(before.numbers)
        found: list[_Found] = []
        for spot, old_here in zip(self._spots, before.found, strict=True):
            here = dict(old_here)
            for k in changed:
                here.pop(k, None)
                if k in spot.possible and may_follow(spot.value_at(values[k])):
                    here[k] = self._at(spot, k, values[k])
            found.append(here)
        return found

    def _at(self, spot: _Spot, k: int, value: Interval) -> tuple[Variant, Interval]:
        variant = formulas.foreign(spot.address, spot.rebuild, self._others[k])
        return variant, spot.value_at(value)

    def _sort(self, values: list[Interval]) -> None:
        """Sort the other quantities by their values, if these have changed."""
        if values != self._values:
            self._values = values
            self._finite = [k for k in self._rest if isfinite(values[k].width)]
            self._ordered = Ordered([values[k] for k in self._finite])
            self._endless = [k for k in self._rest if not isfinite(values[k].width)]

    def _fitting(self, spot: _Spot, may_follow: Question) -> list[int]:
        """The quantities that may stand at a spot, but for those that are `tried` there."""
        finite, ordered = self._finite, self._ordered
        if not spot.possible.issuperset(finite):
            finite = [k for k in finite if k in spot.possible]
            ordered = Ordered([self._values[k] for k in finite])
        fitting = ordered.fitting(lambda value: may_follow(spot.value_at(value)))
        endless = [k for k in self._endless if k in spot.possible]
        return [
            *(finite[k] for k in fitting),
            *(k for k in endless if may_follow(spot.value_at(self._values[k]))),
        ]


class Misread:
    """What a printed number may be misread as.

    Attributes
    ----------
    ways : list of (str, float, int)
        Kind, value and number of ways of each (see `slips.misreadings`).
    """

    def __init__(self, printed: Printed) -> None:
        # 0 is a term left out
        self.ways = [way for way in misreadings(printed) if way[1] != 0.0]
        self._ordered = Ordered([point(value) for _, value, _ in self.ways])

    def leading_to(
        self, judge: Judge, statement: Statement, value_at: Callable[[Interval], Interval]
    ) -> list[int]:
        """Return the places of those from which a line's digits may come."""
        may_follow = judge.may_follow(statement)
        return sorted(self._ordered.fitting(lambda value: may_follow(value_at(value))))
