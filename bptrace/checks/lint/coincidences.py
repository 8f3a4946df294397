"""What in the numbers of an example hides mistakes: equal ones, round ones, dead neurons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bptrace.address import Address, Quantity
from bptrace.checks.columns import Columns, Pages, printed
from bptrace.checks.lint.example import Example, Q, Score, Table
from bptrace.tuples import NamedTuple

ASLEEP = ("dead", "saturated")

SATURATED = 0.01
"""A slope below this share of the steepest one; three digits of each gradient are then zeros."""


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
