"""Better numbers for an example: each given number is changed a little, and it is judged again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from math import floor, log10

from bptrace.address import Address
from bptrace.checks.columns import Columns, printed
from bptrace.checks.lint.coincidences import (
    ASLEEP,
    SATURATED,
    Change,
    Coincidence,
    Remedy,
    _is_free,
    _without_repeats,
)
from bptrace.checks.lint.example import Example, Q, Score, Slip, Table
from bptrace.maths.expr import refs
from bptrace.maths.sums import summed
from bptrace.tuples import NamedTuple

MOST_WORK = 12_000_000
"""Numbers to be rounded in the search for better givens: about a second and a half."""

MOST_CHANGES = 4

NEAREST = 12
"""How many two-digit numbers are tried on either side of a given one."""

PROMISING = 4
"""How many of them are tried again, together with other changes."""

MOST_ASLEEP = 8
"""Neurons that it is tried to wake."""


class Trial(NamedTuple):
    """Other numbers for some givens, and how the example scores with them."""

    changes: tuple[Change, ...]
    score: Score
    column: int

    @property
    def rank(self) -> tuple[int, float]:
        """Fewest bad mistakes first, then the smallest change."""
        return self.score.bad, summed(abs(change.new - change.old) for change in self.changes)


class Options(NamedTuple):
    """What is tried: one number for another, and what could wake the neurons that are asleep."""

    single: list[Change]
    waking: dict[Address, list[tuple[Change, ...]]]


class Search:
    """Tries other numbers near the given ones, one at a time.

    The amount of work is fixed, not the time, so that the answer is the same on every machine.
    """

    def __init__(self, example: Example, slips: Sequence[Slip], before: Score) -> None:
        self.example, self.slips, self.before = example, slips, before
        self.givens = example.givens
        rows = sum(1 + len(example.later(slip.place)) for slip in slips)
        self.columns = MOST_WORK // max(rows, 1)

    def run(
        self, found: Sequence[Coincidence]
    ) -> tuple[tuple[Coincidence, ...], Remedy | None, bool]:
        """Return coincidences with remedies, the best changes together, and whether it searched.

        Of coincidences that are not of a neuron asleep, only those are kept that have a remedy.
        """
        asleep = tuple(c for c in found if c.kind in ASLEEP)
        options = self._options(asleep)
        tried = [(change,) for change in options.single]
        waking = [changes for sets in options.waking.values() for changes in sets]
        if not tried and not waking:
            return asleep, None, False
        trials, table = self._try((), [*tried, *waking])
        single, rest = trials[: len(tried)], trials[len(tried) :]
        healed = [
            replace(c, remedy=self._remedy(c, rest if c in asleep else single, table))
            for c in found
        ]
        kept = _without_repeats(c for c in healed if c.remedy or c.kind in ASLEEP)
        return tuple(kept), self._together(single, self.columns - len(trials)), bool(tried)

    def _options(self, asleep: Sequence[Coincidence]) -> Options:
        """What half of the work can be spent on; nothing if that is too little."""
        waking = {c.keys[0]: list(self._wake(c.keys[0])) for c in asleep[:MOST_ASLEEP]}
        left = self.columns // 2 - sum(map(len, waking.values()))
        keys = [key for key in self.givens if _is_free(self.givens, key)]
        each = min(left // max(len(keys), 1), 2 * NEAREST)
        if each < 2:
            return Options([], waking if left > 0 else {})
        taken = {abs(value) for value in self.givens.values()}
        single = [
            Change(key, self.givens[key], new)
            for key in keys
            for new in islice(nearby(self.givens[key], taken.__contains__), each)
        ]
        return Options(single, waking)

    def _wake(self, out: Address) -> Iterator[tuple[Change, ...]]:
        """Yield smaller parameters for a neuron, then other biases."""
        net = self.example.graph.formulas[out._replace(quantity=Q.IN)]
        own = [k for k in dict.fromkeys(refs(net)) if k in self.givens and k.quantity is not Q.OUT]
        for factor in (0.5, 0.2, 0.1, 0.05, 0.02):
            yield tuple(
                Change(k, v, float(f"{v * factor:.1e}")) for k in own if (v := self.givens[k])
            )
        for bias in (k for k in own if k.quantity is Q.B):
            rest = self.example.graph.exact[out._replace(quantity=Q.IN)] - self.givens[bias]
            for wanted in (0.5, -0.5, 1.0):
                yield (Change(bias, self.givens[bias], float(f"{wanted - rest:.1e}")),)

    def _try(
        self, made: tuple[Change, ...], tried: Sequence[tuple[Change, ...]]
    ) -> tuple[list[Trial], Table]:
        """Judge the example with each set of changes, on top of those already made."""
        sets = [(*made, *changes) for changes in tried]
        table = self.example.table(
            [{c.key: c.new for c in changes} for changes in sets], self.slips
        )
        return [Trial(changes, table.score(k), k) for k, changes in enumerate(sets)], table

    def _remedy(self, found: Coincidence, trials: Sequence[Trial], table: Table) -> Remedy | None:
        """Return the best trial that ends a coincidence and makes the example better."""
        ended = _ends(found, table.columns, self.example)
        better = [t for t in trials if t.score.bad < self.before.bad and ended(t)]
        if not better:
            return None
        best = min(better, key=lambda trial: trial.rank)
        return Remedy(best.changes, best.score)

    def _together(self, trials: Sequence[Trial], left: int) -> Remedy | None:
        """Take the best change, then the best on top of it, while that helps and work is left."""
        best = Trial((), self.before, 0)
        promising = _promising(trials)
        while trials:
            found = min(trials, key=lambda trial: trial.rank)
            if found.score.bad >= best.score.bad:
                break
            best = found
            keys, numbers = {c.key for c in best.changes}, {abs(c.new) for c in best.changes}
            rest = [(c,) for c in promising if c.key not in keys and abs(c.new) not in numbers]
            left -= len(rest)
            if left < 0 or not rest or len(keys) == MOST_CHANGES:
                break
            trials, _ = self._try(best.changes, rest)
        return Remedy(best.changes, best.score) if best.changes else None


def _promising(trials: Sequence[Trial]) -> list[Change]:
    """The few best numbers of each given: later rounds try only these."""
    found: dict[Address, list[Change]] = {}
    for trial in sorted(trials, key=lambda trial: trial.rank):
        (change,) = trial.changes
        changes = found.setdefault(change.key, [])
        if len(changes) < PROMISING:
            changes.append(change)
    return [change for changes in found.values() for change in changes]


def _ends(found: Coincidence, columns: Columns, example: Example) -> Callable[[Trial], bool]:
    """Return whether a trial ends a coincidence."""
    if found.kind in ASLEEP:
        slope = columns(example.slope(found.keys[0]))
        return lambda trial: bool(abs(slope[trial.column]) >= SATURATED)
    if found.kind == "same digits":
        rows = [printed(columns(key), example.digits) for key in found.keys]
        return lambda trial: len({float(row[trial.column]) for row in rows}) == len(rows)
    return lambda trial: trial.changes[0].key in found.keys


def nearby(value: float, taken: Callable[[float], bool]) -> Iterator[float]:
    """Yield two-digit numbers near a given one, of its sign and size, that no other given has.

    A zero gets small ones. Neither round ones, which make trouble, nor those with two equal digits,
    which can be interchanged unseen.
    """
    unit = max(10.0 ** (floor(log10(abs(value))) - 1), 0.01) if value else 0.01
    middle = round(value / unit)
    for k in range(1, 2 * NEAREST):
        for whole in (middle - k, middle + k):
            new = round(whole * unit, 10)
            same_side = new * value > 0.0 and (abs(new) < 1.0) == (abs(value) < 1.0)
            fits = same_side or (not value and new > 0.1)
            if fits and whole % 10 and whole % 11 and not taken(abs(new)):
                yield new
