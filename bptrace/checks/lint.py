"""How telling a worked example is: which mistakes leave no trace on its page, which look alike.

Every mistake of the table is made at every step and carried through to the end. A mistake is lost
if no printed digit changes, and two are confused if they give the same page. What would be so in
any example of this network (a quantity that is not printed, two ways to say the same) is found out
with random examples and is not held against the numbers of this one.

Better numbers are tried, not guessed: each given number is changed by a little, one after the
other, and the example is judged again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import floor, log10
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bptrace.address import Address, Quantity, partial
from bptrace.checks.columns import Array, Columns, Digest, Pages, printed
from bptrace.checks.graph import Graph, Key
from bptrace.checks.mistakes import MISTAKES, Step
from bptrace.errors import BptraceError, UnknownName
from bptrace.maths.expr import Expr, Num, Ref, bind, inline, refs
from bptrace.model import Problem
from bptrace.trace import Trace

Q = Quantity
Flags = NDArray[np.bool_]

PRINTINGS = ("all", "textbook")
_TEXTBOOK = frozenset({Q.IN, Q.OUT, Q.E_K, Q.E, Q.D_IN, Q.D_W, Q.W_NEW})

RANDOM_EXAMPLES = 16
"""Examples that decide what is the same mistake; so many that a relu is on in one, off in one."""

MOST_EQUATIONS = 600
"""Of one update with all its samples; of larger ones too few steps could be looked at."""

MOST_NUMBERS = 40_000
"""Numbers of all wrong pages; a 2-2-2 network has 13,000. Of larger ones every n-th step is taken,
so that the answer comes within two or three seconds."""

PER_STEP = 27
"""Mistakes of the table at one step, on average."""

MOST_WORK = 12_000_000
"""Numbers to be rounded in the search for better givens: about a second and a half."""

MOST_CHANGES = 4
NEAREST = 12
"""How many two-digit numbers are tried on either side of a given one."""

PROMISING = 4
"""How many of them are tried again, together with other changes."""

MOST_ASLEEP = 8
"""Neurons that it is tried to wake."""

ASLEEP = ("dead", "saturated")

SATURATED = 0.01
"""A slope below this share of the steepest one; three digits of each gradient are then zeros."""


@dataclass(frozen=True)
class Slip:
    """One mistake of the table at one step of this example.

    Attributes
    ----------
    place : Key
        The step where it is made.
    mistake, wording, fields
        Its name in the table, and the sentence that says what it is.
    expr : Expr
        The formula of the step as it is then computed.
    value : float
        What the step becomes.
    """

    place: Address
    mistake: str
    wording: str
    fields: Mapping[str, object]
    expr: Expr
    value: float


class Score(NamedTuple):
    """Of `total` mistakes: lost without a trace, confused with others, looking like a misreading.

    `bad` counts each once that is any of these.
    """

    total: int
    lost: int
    confused: int
    misread: int
    bad: int


class Change(NamedTuple):
    """A given number, and a better one."""

    key: Address
    old: float
    new: float


@dataclass(frozen=True)
class Remedy:
    """Changes of the givens, and how the example scores with them."""

    changes: tuple[Change, ...]
    after: Score


@dataclass(frozen=True)
class Coincidence:
    """What in the numbers of the example hides mistakes.

    Attributes
    ----------
    kind : str
        "equal" (givens), "same digits" (of quantities), "neutral" (a given 1, 0 or −1),
        "constant" (a given equals a constant of the formulas), "round" (givens of one digit),
        "small target", "saturated" and "dead" (outputs).
    keys : tuple of Address
        Which quantities.
    value : float
        Their common number (of round ones: the first).
    remedy : Remedy or None
        The best change found, None if nothing nearby is better.
    """

    kind: str
    keys: tuple[Address, ...]
    value: float
    remedy: Remedy | None


class StepScore(NamedTuple):
    """The mistakes of one step: how many there are, are lost, are confused."""

    place: Address
    total: int
    lost: int
    confused: int


@dataclass(frozen=True)
class Lint:
    """How telling an example is.

    Attributes
    ----------
    problem : Problem
    digits : int
        Significant digits of the page.
    printing : str
        "all" steps, or as a "textbook" has them.
    instances : int
        Sentences of the table, over all steps; several may say the same.
    unprinted : int
        Mistakes that concern nothing printed, whatever the numbers are; not part of the score.
    looked_at : (int, int)
        At how many steps mistakes were made, of how many there are.
    score : Score
    lost : tuple of Slip
        Mistakes that change no printed digit.
    confused : tuple of tuples of Slip
        Mistakes that give the same page, largest groups first.
    misread : tuple of Slip
        Mistakes that look as if one digit of the right number had been misread.
    steps : tuple of StepScore
        The steps, worst first; those where nothing is lost or confused are left out.
    coincidences : tuple of Coincidence
    remedy : Remedy or None
        The best few changes together.
    searched : bool
        Whether better numbers were tried (not for large networks).
    """

    problem: Problem
    digits: int
    printing: str
    instances: int
    unprinted: int
    looked_at: tuple[int, int]
    score: Score
    lost: tuple[Slip, ...]
    confused: tuple[tuple[Slip, ...], ...]
    misread: tuple[Slip, ...]
    steps: tuple[StepScore, ...]
    coincidences: tuple[Coincidence, ...]
    remedy: Remedy | None
    searched: bool


def lint(trace: Trace, digits: int = 4, printing: str = "all") -> Lint:
    """Judge the example of a trace: its first step, with all samples of the batch.

    Parameters
    ----------
    trace : Trace
    digits : int
        Significant digits that the page prints.
    printing : str
        One of `PRINTINGS`.

    Raises
    ------
    BptraceError
        If the network is too large (see `check_size`), or there is no such printing.
    """
    if printing not in PRINTINGS:
        raise UnknownName("printing", printing, PRINTINGS)
    example = Example(trace, digits, printing)
    lister = Lister(example)
    found = lister.run()
    table = example.table([{}], found.slips)
    search = Search(example, found.slips, table.score(0))
    return Lint(
        trace.problem,
        digits,
        printing,
        found.instances,
        found.unprinted,
        (found.places, len(example.graph.order)),
        table.score(0),
        tuple(table.slips(table.lost)),
        tuple(_groups(table)),
        tuple(table.slips(table.misread & ~table.lost & ~table.confused)),
        tuple(_worst(table)),
        *search.run(Coincidences(example, table, lister.random).run()),
    )


class Example:
    """The steps of one example, and which of them are printed."""

    def __init__(self, trace: Trace, digits: int, printing: str) -> None:
        self.trace, self.digits = trace, digits
        self.problem = trace.problem
        targets = self._targets(trace)
        self.graph = Graph(trace, targets)
        whole = set(targets)
        self.shown: list[Key] = [
            key
            for key in self.graph.order
            if key in whole and (printing == "all" or _in_textbook(key))
        ]
        self._rank = {key: k for k, key in enumerate(self.graph.order)}
        self._later: dict[Key, list[Key]] = {}

    @staticmethod
    def _targets(trace: Trace) -> list[Key]:
        problem, canon = trace.problem, Graph(trace, ()).canon
        check_size(problem)
        chapter, batch = trace.chapter, problem.batch(1)
        found = [k for s in batch for k in (*chapter.forward(s, 1), *chapter.backward(s, 1))]
        keys = dict.fromkeys(canon(key) for key in (*found, *chapter.update(1)))
        return [key for key in keys if chapter.equation(key) is not None]

    def later(self, place: Key) -> list[Key]:
        """Return the steps that depend on one, in order of calculation."""
        if place not in self._later:
            seen: set[Key] = set()
            stack = [place]
            while stack:
                for child in self.graph.children[stack.pop()]:
                    if child not in seen:
                        seen.add(child)
                        stack.append(child)
            self._later[place] = sorted(seen, key=self._rank.__getitem__)
        return self._later[place]

    def formula(self, place: Address) -> Expr:
        """Return the formula of a step as an author has it before him: unprinted paths in place."""
        shown = set(self.shown)

        def written_out(key: object) -> Expr | None:
            if not isinstance(key, Address) or key in shown or key == place or key.of is None:
                return None
            path = key.quantity is Q.D_OUT and key.of.quantity is Q.E_K
            return self.graph.formulas.get(key) if path else None

        return inline(self.graph.formulas[place], written_out)

    @property
    def givens(self) -> dict[Address, float]:
        """The given numbers, as the formulas ask for them."""
        return {k: v for k, v in self.graph.given.items() if isinstance(k, Address)}

    def slope(self, out: Address) -> Address:
        """Return the quantity ∂out/∂in of a neuron."""
        return self.graph.canon(partial(out, out._replace(quantity=Q.IN)))

    def columns(self, changes: Sequence[Mapping[Address, float]]) -> Columns:
        """Return the example with other givens, one column per set of changes."""
        keys = dict.fromkeys(key for change in changes for key in change)
        given: dict[Key, Array] = {
            key: np.array([change.get(key, self.graph.given[key]) for change in changes])
            for key in keys
        }
        return Columns(self.graph, given, len(changes))

    def table(self, changes: Sequence[Mapping[Address, float]], slips: Sequence[Slip]) -> Table:
        """Make every mistake in every changed example."""
        columns = self.columns(changes)
        pages = Pages(columns, self.shown, self.digits)
        places: list[Array] = []

        def make() -> Iterator[dict[Key, Array]]:
            for slip in slips:
                changed = columns.mistaken(slip.place, slip.expr, self.later(slip.place))
                places.append(changed[slip.place])
                yield changed

        numbers = pages.of(make(), len(slips))
        return Table(slips, numbers, _misread(pages, slips, places), columns)


def _in_textbook(key: Key) -> bool:
    if not isinstance(key, Address) or key.quantity not in _TEXTBOOK:
        return False
    return not key.quantity.is_partial or key.of is None


def check_size(problem: Problem) -> None:
    """Raise `BptraceError` if a step has more equations than anybody calculates by hand."""
    samples, widths = len(problem.batch(1)), problem.network.widths
    equations = samples * (6 * sum(widths[1:]) + 2 * problem.layout.n_parameters)
    if equations > MOST_EQUATIONS:
        size = "-".join(map(str, widths)) + (f" with {samples} samples" if samples > 1 else "")
        raise BptraceError(
            f"{size} has about {equations:,} equations in a step; lint makes every mistake in each "
            f"of them and takes at most {MOST_EQUATIONS:,}. Try a smaller example"
        )


class Table:
    """What became of every mistake in every example: arrays of shape (mistakes, examples)."""

    def __init__(
        self, slips: Sequence[Slip], numbers: Digest, misread: Flags, columns: Columns
    ) -> None:
        self._slips, self.numbers, self.misread = slips, numbers, misread
        self.columns = columns
        self.lost: Flags = numbers == 0
        self.confused: Flags = _repeated(numbers) & ~self.lost
        self.bad: Flags = self.lost | self.confused | misread

    def score(self, column: int) -> Score:
        """Return the counts of one example."""
        flags = (self.lost, self.confused, self.misread & ~self.lost & ~self.confused, self.bad)
        return Score(len(self._slips), *(int(flag[:, column].sum()) for flag in flags))

    def slips(self, flags: Flags) -> Iterator[Slip]:
        """Yield the mistakes with a flag in the first example."""
        return (slip for slip, flag in zip(self._slips, flags[:, 0], strict=True) if flag)

    def rows(self) -> Iterator[tuple[Slip, int, bool, bool]]:
        """Yield each mistake with its page, lost, confused, in the first example."""
        columns = (self.numbers[:, 0].tolist(), self.lost[:, 0], self.confused[:, 0])
        for slip, page, lost, confused in zip(self._slips, *columns, strict=True):
            yield slip, page, bool(lost), bool(confused)


def _repeated(numbers: Digest) -> Flags:
    """Whether a number stands more than once in its column."""
    order = np.argsort(numbers, axis=0, kind="stable")
    ranked = np.take_along_axis(numbers, order, axis=0)
    same = ranked[1:] == ranked[:-1]
    flags = np.zeros(numbers.shape, dtype=np.bool_)
    flags[1:] |= same
    flags[:-1] |= same
    found = np.empty_like(flags)
    np.put_along_axis(found, order, flags, axis=0)
    return found


def _misread(pages: Pages, slips: Sequence[Slip], places: Sequence[Array]) -> Flags:
    """Whether a mistake changes just one digit of its own line, or interchanges two neighbours.

    Numbers of one or two digits are left out: there any mistake changes one digit.
    """
    flags = np.zeros((len(slips), pages.columns.count), dtype=np.bool_)
    known = [k for k, slip in enumerate(slips) if slip.place in pages.row]
    if not known:
        return flags
    wrong = printed(np.stack([places[k] for k in known]), pages.digits)
    right = pages.right[[pages.row[slips[k].place] for k in known]]
    flags[known] = _one_digit(wrong, right, pages.digits)
    return flags


def _one_digit(wrong: Array, right: Array, digits: int) -> Flags:
    usable = np.isfinite(wrong) & np.isfinite(right) & (wrong * right > 0.0)
    size = np.where(usable, np.abs(right), 1.0)
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(size)))
    a = np.rint(size * scale).astype(np.int64)
    b = np.rint(np.minimum(np.where(usable, np.abs(wrong), 0.0) * scale, 1e18)).astype(np.int64)
    usable &= (b < 10**digits) & (b >= 10 ** (digits - 1)) & (a % 10 ** (digits - 2) != 0)
    differ = np.zeros(a.shape, dtype=np.int64)
    turned = np.zeros(a.shape, dtype=np.bool_)
    for k in range(digits):
        x, y = a // 10**k % 100, b // 10**k % 100
        differ += x % 10 != y % 10
        turned |= (x // 10 == y % 10) & (x % 10 == y // 10) & (x != y) & (k < digits - 1)
    found: Flags = usable & ((differ == 1) | ((differ == 2) & turned))
    return found


# All mistakes of an example


class Found(NamedTuple):
    """The different mistakes, how many there were before, and at how many steps."""

    slips: list[Slip]
    instances: int
    unprinted: int
    places: int


class Lister:
    """Lists the different mistakes of an example.

    Two rewritings are the same mistake if they give the same page in all random examples; the
    first of the table stands for both. Those that give the right page are none, or not printed.
    """

    _DIGITS = 9
    """Digits by which formulas are compared: far above rounding, far below accident."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.stated = example.columns([{}])
        self.random = example.columns([*_random_examples(example)])

    def run(self) -> Found:
        """Return the mistakes, in order of calculation and of the table."""
        places = self._places()
        slips = [slip for place in places for slip in self._at(place)]
        pages = Pages(self.random, self.example.shown, self._DIGITS)
        numbers = pages.of(map(self._changed, slips), len(slips))
        different: dict[bytes, Slip] = {}
        unprinted = 0
        for slip, number in zip(slips, numbers, strict=True):
            if not number.any():
                unprinted += self._matters(slip)
            else:
                different.setdefault(number.tobytes(), slip)
        return Found(list(different.values()), len(slips), unprinted, len(places))

    def _places(self) -> list[Address]:
        places = [key for key in self.example.graph.order if isinstance(key, Address)]
        numbers = PER_STEP * sum(1 + len(self.example.later(place)) for place in places)
        return places[:: -(-numbers // MOST_NUMBERS)]

    def _at(self, place: Address) -> Iterator[Slip]:
        problem, canon = self.example.problem, self.example.graph.canon
        step = Step(problem, place, self.example.formula(place), canon)
        rate = Num(problem.training.learning_rate)
        for entry in MISTAKES:
            for variant in entry.variants(step) if entry.variants is not None else ():
                if entry.name == "learning-rate" and variant.fields["x"] == rate:
                    continue  # one of the usual rates, and the right one here
                expr = self._of_step(variant.expr, place.step)
                try:
                    value = float(self.stated.mistaken(place, expr, ())[place][0])
                except BptraceError:
                    continue  # it takes what this problem does not have, such as a target
                yield Slip(place, entry.name, variant.wording, variant.fields, expr, value)

    def _of_step(self, expr: Expr, step: int) -> Expr:
        """Give what a mistake takes its step: targets and inputs have none, outputs have."""
        canon = self.example.graph.canon
        places: dict[Hashable, Expr] = {
            key: Ref(canon(key.at(key.sample, step)))
            for key in refs(expr)
            if isinstance(key, Address) and not key.step
        }
        return bind(expr, places) if places else expr

    def _changed(self, slip: Slip) -> dict[Key, Array]:
        return self.random.mistaken(slip.place, slip.expr, self.example.later(slip.place))

    def _matters(self, slip: Slip) -> bool:
        """Whether a mistake that no printed number shows changes anything at all."""
        wrong = self.random.mistaken(slip.place, slip.expr, ())[slip.place]
        right = self.random(slip.place)
        return not np.allclose(wrong, right, rtol=10.0**-self._DIGITS, atol=0.0, equal_nan=True)


def _random_examples(example: Example) -> Iterator[dict[Address, float]]:
    """Yield the example with random givens: rates and targets in (0, 1), the rest of any sign."""
    rng = np.random.default_rng(20)
    for _ in range(RANDOM_EXAMPLES):
        yield {
            key: float(rng.uniform(0.15, 0.85))
            if key.quantity in (Q.ETA, Q.T)
            else float(rng.uniform(0.2, 1.3) * rng.choice((-1.0, 1.0)))
            for key in example.givens
        }


def _groups(table: Table) -> Iterator[tuple[Slip, ...]]:
    """Yield the mistakes that give the same page, the largest groups first."""
    groups: dict[int, list[Slip]] = {}
    for slip, page, _, confused in table.rows():
        if confused:
            groups.setdefault(page, []).append(slip)
    return (tuple(group) for group in sorted(groups.values(), key=lambda group: -len(group)))


def _worst(table: Table) -> Iterator[StepScore]:
    counts: dict[Address, list[int]] = {}
    for slip, _, lost, confused in table.rows():
        count = counts.setdefault(slip.place, [0, 0, 0])
        for k, flag in enumerate((True, lost, confused)):
            count[k] += flag
    worst = sorted(counts.items(), key=lambda item: -(item[1][1] + item[1][2]))
    return (StepScore(place, *count) for place, count in worst if count[1] + count[2])


# What in the numbers is to blame


class Coincidences:
    """Finds what hides mistakes in the numbers of an example; remedies come later."""

    _CONSTANTS = (0.5, 2.0)

    def __init__(self, example: Example, table: Table, random: Columns) -> None:
        self.example, self.values, self.random = example, table.columns, random
        self.misread = list(table.slips(table.misread))

    def run(self) -> list[Coincidence]:
        """Return what was found, without remedies."""
        found = [*self._equal(), *self._targets(), *self._slopes(), *self._same_digits()]
        blamed = {key for one in found for key in one.keys}
        found += (one for one in self._single() if one.keys[0] not in blamed)
        blamed |= {key for one in found for key in one.keys}
        return [*found, *self._round(blamed)]

    def _equal(self) -> Iterator[Coincidence]:
        """Equal givens, whatever their sign: one can be taken for the other."""
        groups: dict[float, list[Address]] = {}
        for key, value in self.example.givens.items():
            groups.setdefault(abs(value), []).append(key)
        for value, keys in groups.items():
            if len(keys) > 1:
                yield Coincidence("equal", tuple(keys), value, None)

    def _single(self) -> Iterator[Coincidence]:
        for key, value in self.example.givens.items():
            if abs(value) in (0.0, 1.0):
                yield Coincidence("neutral", (key,), value, None)
            elif abs(value) in self._CONSTANTS:
                yield Coincidence("constant", (key,), value, None)

    def _round(self, blamed: set[Address]) -> Iterator[Coincidence]:
        """Numbers of one digit, of which sums and products are easily the same."""
        rest = {k: v for k, v in self.example.givens.items() if k not in blamed and v}
        keys = tuple(key for key, value in rest.items() if value == float(f"{value:.0e}"))
        if len(keys) > 1:
            yield Coincidence("round", keys, self.example.givens[keys[0]], None)

    def _targets(self) -> Iterator[Coincidence]:
        """A target that is forgotten, and only one digit changes."""
        depth = self.example.problem.network.depth
        for slip in self.misread:
            place = slip.place
            at_output = place.quantity is Q.D_OUT and place.layer == depth and place.of is None
            if at_output and (slip.mistake, slip.wording) == ("drop-term", "target"):
                key = Address(Q.T, 0, place.neuron, sample=place.sample)
                yield Coincidence("small target", (key,), self.example.givens[key], None)

    def _slopes(self) -> Iterator[Coincidence]:
        """Neurons whose slope is next to nothing, though it need not be."""
        seen: set[tuple[int, int]] = set()
        for out in self.example.graph.order:
            if not isinstance(out, Address) or out.quantity is not Q.OUT:
                continue
            if (out.layer, out.neuron) in seen:
                continue
            slope = self.example.slope(out)
            if slope not in self.example.graph.formulas or not self.random(slope).any():
                continue
            size, value = abs(float(self.values(slope)[0])), float(self.values(out)[0])
            if size < SATURATED:
                seen.add((out.layer, out.neuron))
                yield Coincidence("saturated" if size else "dead", (out,), value, None)

    def _same_digits(self) -> Iterator[Coincidence]:
        """Printed quantities of one kind with the same digits, which others would not have."""
        pages = Pages(self.values, self.example.shown, self.example.digits)
        groups: dict[tuple[Quantity, float], dict[bytes, Address]] = {}
        for key, number in zip(self.example.shown, pages.right[:, 0].tolist(), strict=True):
            assert isinstance(key, Address)
            if number != 0.0 and key.quantity is not Q.IN:  # equal net inputs: equal outputs
                in_general = printed(self.random(key), self.example.digits).tobytes()
                groups.setdefault((key.quantity, number), {}).setdefault(in_general, key)
        for (_, number), keys in groups.items():
            if len(keys) > 1:
                yield Coincidence("same digits", tuple(keys.values()), number, None)


# Better numbers


class Trial(NamedTuple):
    """Other numbers for some givens, and how the example scores with them."""

    changes: tuple[Change, ...]
    score: Score
    column: int

    @property
    def rank(self) -> tuple[int, float]:
        """Fewest bad mistakes first, then the smallest change."""
        return self.score.bad, sum(abs(change.new - change.old) for change in self.changes)


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


def _without_repeats(found: Iterable[Coincidence]) -> Iterator[Coincidence]:
    """Leave out equal digits that only follow from others, and end with them."""
    seen: set[tuple[Change, ...]] = set()
    for one in found:
        changes = one.remedy.changes if one.remedy is not None else ()
        if one.kind != "same digits" or changes not in seen:
            yield one
        if one.kind == "same digits":
            seen.add(changes)


def _is_free(givens: Mapping[Address, float], key: Address) -> bool:
    """Whether another number would do: the 0 and 1 of a truth table are the task itself."""
    data = (Q.OUT, Q.T)
    if key.quantity not in data:
        return True
    return not all(value in (-1.0, 0.0, 1.0) for k, value in givens.items() if k.quantity in data)


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
