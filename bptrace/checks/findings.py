"""What was found out about a wrong line: the mistake, where, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cached_property

from bptrace.address import Address
from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval
from bptrace.maths.expr import Expr
from bptrace.tuples import NamedTuple


class Instead(Mapping[Key, float]):
    """The right values that somebody takes in the place of wrong ones, in order of calculation.

    What becomes of unprinted steps is found out when somebody asks: most of it nobody does.

    Parameters
    ----------
    lines : mapping of Key to float
        Of printed numbers.
    every : function
        Returns those and the unprinted steps.
    """

    def __init__(
        self, lines: Mapping[Key, float], every: Callable[[], Mapping[Key, float]]
    ) -> None:
        self.lines = lines
        self._find = every

    @cached_property
    def _every(self) -> Mapping[Key, float]:
        return self._find()

    def has_keys_of(self, other: Instead) -> bool:
        """Whether both stand in the place of the same numbers."""
        if self is other or self.lines.keys() != other.lines.keys():
            return self is other
        return self.keys() == other.keys()

    def __getitem__(self, key: Key) -> float:
        return self._every[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._every)

    def __len__(self) -> int:
        return len(self._every)

    def __bool__(self) -> bool:
        return bool(self.lines or self._every)

    def __repr__(self) -> str:
        return repr(self._every)

    def __reduce__(self) -> tuple[object, ...]:
        return _instead, (dict(self.lines), dict(self._every))


def _instead(lines: dict[Key, float], every: dict[Key, float]) -> Instead:
    """Make one of what is known already, for another process."""
    return Instead(lines, every.copy)


_NOTHING = Instead({}, dict)


class Candidate(NamedTuple):
    """One possible explanation.

    Attributes
    ----------
    mistake : str
        Name in the table of mistakes.
    wording : str
        Which of the mistake's sentences, and `fields` what stands in it: nodes, formulas, numbers.
    place : Key
        Where the mistake was made: the wrong line, or an unprinted step before it.
    expr : Expr or None
        The formula as it was evidently computed; None for slips of copying.
    value, at_place : Interval
        What the wrong line becomes by it, and what the step at `place` becomes.
    gain, cost : float
        Digits explained and price of the mistake, in bits.
    ways : int
        In how many ways this mistake can be made at `place`.
    true : float or None
        What the formula gives at `place` with the true values: two formulas that agree in it cannot
        be told apart by this example.
    instead : Instead
        Earlier lines and unprinted steps, and the right values that it takes in the place of their
        wrong ones.
    """

    mistake: str
    wording: str
    fields: Mapping[str, object]
    place: Key
    expr: Expr | None
    value: Interval
    gain: float
    cost: float
    ways: int
    at_place: Interval | None = None
    true: float | None = None
    instead: Instead = _NOTHING

    @property
    def likeness(self) -> Hashable:
        """What it has in common with the same mistake at another place."""
        return likeness(self.mistake, self.wording, self.place, self.fields)

    def equals(self, other: Candidate) -> bool:
        """Whether both give the same number at one place in this example."""
        if self.place != other.place or not self.instead.has_keys_of(other.instead):
            return False
        if self.true is None or other.true is None:
            return self.true is other.true and self.value == other.value
        return abs(self.true - other.true) <= 1e-9 * max(abs(self.true), abs(other.true))

    @property
    def score(self) -> float:
        """How much better than no explanation, in bits."""
        return self.gain - self.cost


class Finding(NamedTuple):
    """The explanations of one wrong line.

    Attributes
    ----------
    candidates : tuple of Candidate
        Best first, at least one.
    bits, posterior : float
        Score of the first, and the probability of its value among all and "something else".
    chance : float
        Expected number of accidental matches among the formulas tried.
    """

    candidates: tuple[Candidate, ...]
    bits: float
    posterior: float
    chance: float

    @property
    def best(self) -> Candidate:
        """The first candidate."""
        return self.candidates[0]

    @property
    def equal(self) -> tuple[Candidate, ...]:
        """Other wordings that give the number of the first at its place."""
        return tuple(c for c in self.candidates[1:] if c.equals(self.best))

    @property
    def rivals(self) -> tuple[Candidate, ...]:
        """Other explanations with another number or at another place."""
        return tuple(c for c in self.candidates[1:] if not c.equals(self.best))

    @property
    def value(self) -> Interval | None:
        """What the author had before rounding, if the first candidate is better than none."""
        return self.best.value if self.bits > 0 else None


def likeness(mistake: str, wording: str, place: Key, fields: Mapping[str, object]) -> Hashable:
    """Return what two mistakes have in common when they are the same one at different places.

    A slip of the pen is no habit: only the same operand misread as the same number is the same one.
    """
    if wording == "slip":
        return (mistake, *fields.values())
    kinds = tuple(
        kind_of(value) if isinstance(value, Address) else type(value).__name__
        for value in fields.values()
    )
    where = kind_of(place) if isinstance(place, Address) else None
    return (mistake, wording, where, kinds)


def kind_of(address: Address) -> Hashable:
    """Return what a quantity has in common with those that are calculated in the same way.

    ∂E/∂in, ∂in/∂out and the slope ∂out/∂in are three kinds, though each is a derivative by `in` or
    `out`.
    """
    return address.quantity, None if address.of is None else address.of.quantity
