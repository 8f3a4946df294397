"""Many formulas over the same quantities, read as intervals at once.

What several of them have in common is read once, and again only if a number in it has changed: the
mistakes at one step are the same formula over and over, each with another part of it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import copysign

from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval, point
from bptrace.maths.expr import ONE, Expr, Num, Op, Reading
from bptrace.tuples import NamedTuple


class _Operation(NamedTuple):
    """An operation on parts before it: its place among them, and the quantities in it, as bits."""

    place: int
    rule: Callable[..., Interval]
    args: tuple[int, ...]
    keys: int


class _Part(NamedTuple):
    """What a part is made of: an operation on earlier parts, or nothing; and the quantities."""

    name: str
    args: tuple[int, ...]
    keys: int


class Together:
    """Formulas that are read together, each tightened as it comes in (`interval.tightened`).

    Parameters
    ----------
    reading : Reading
        What operations are to intervals.

    Attributes
    ----------
    keys : dict of Key to int
        The quantities in all formulas, in the order in which they came in, and their places in it.
    """

    def __init__(self, reading: Reading[Interval]) -> None:
        self._rules = reading.rules
        self.keys: dict[Key, int] = {}
        self._places: dict[Hashable, int] = {}
        self._parts: list[_Part] = []
        self._values: list[Interval] = []
        self._operations: list[_Operation] = []
        self._leaves: list[int] = []
        self._numbers: list[Interval | None] = []
        self._formulas: dict[int, tuple[int, Expr]] = {}

    def add(self, expr: Expr) -> int:
        """Take a formula in; return its place in what `read` returns."""
        if type(expr) is Op:
            # An object that was here is known by its number: it is kept, so nobody else gets that.
            known = self._formulas.get(id(expr))
            if known is None:
                known = self._operation(expr, [self.add(arg) for arg in expr.args]), expr
                self._formulas[id(expr)] = known
            return known[0]
        if type(expr) is Num:
            value = expr.value
            return self._place((value, copysign(1.0, value)), _Part("", (), 0), point(value))
        return self._quantity(expr.key)  # type: ignore[arg-type,union-attr]

    def read(self, numbers: Sequence[Interval]) -> Sequence[Interval]:
        """Return the ranges of all parts; `numbers` are those of the `keys`."""
        values, changed = self._values, 0
        for k, new in enumerate(numbers):
            old = self._numbers[k]
            if old is not new and old != new:
                changed |= 1 << k
                values[self._leaves[k]] = self._numbers[k] = new
        if changed:
            for place, rule, args, keys in self._operations:
                if keys & changed:
                    values[place] = rule(*[values[arg] for arg in args])
        return values

    def at(self, key: Key, place: int) -> Callable[[Interval], Interval]:
        """Return a part as a function of one quantity, all others as they are read at the time."""
        values, leaf = self._values, self._places[key]
        steps = self._between(leaf, place)

        def value_at(number: Interval) -> Interval:
            moved = {leaf: number}
            for step, rule, args, _ in steps:
                moved[step] = rule(*[moved[a] if a in moved else values[a] for a in args])
            return moved[place] if place in moved else values[place]

        return value_at

    def _between(self, leaf: int, place: int) -> list[_Operation]:
        """The operations on the way from a quantity to a part, in order."""
        found: list[_Operation] = []
        needed, of = {place}, self._parts[leaf].keys
        for operation in reversed(self._operations):
            if operation.place in needed and operation.keys & of:
                found.append(operation)
                needed.update(operation.args)
        return found[::-1]

    def _quantity(self, key: Key) -> int:
        if key not in self._places:
            part = _Part("", (), 1 << len(self.keys))
            self._leaves.append(self._place(key, part, _NOTHING))
            self._numbers.append(None)
            self.keys[key] = len(self.keys)
        return self._places[key]

    def _operation(self, expr: Op, args: Sequence[int]) -> int:
        name, args = self._tightened(expr.name, tuple(args))
        rule = self._rules[name]
        keys = 0
        for arg in args:
            keys |= self._parts[arg].keys
        count = len(self._parts)
        value = _NOTHING if keys else rule(*[self._values[arg] for arg in args])
        place = self._place((name, expr.role, args), _Part(name, args, keys), value)
        if keys and place == count:
            self._operations.append(_Operation(place, rule, args, keys))
        return place

    def _tightened(self, name: str, args: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """x·(1 − x) and x/(x + …) as one operation each."""
        last = self._parts[args[-1]]
        is_product = name == "mul" and len(args) == 2 and last.name == "sub"
        if is_product and last.args == (self.add(ONE), args[0]):
            return "parabola", args[:1]
        if name == "div" and last.name == "add" and args[0] in last.args:
            k = last.args.index(args[0])
            return "portion", (args[0], *last.args[:k], *last.args[k + 1 :])
        return name, args

    def _place(self, sign: Hashable, part: _Part, value: Interval) -> int:
        """Return the place of a part, a new one if it is new."""
        place = self._places.setdefault(sign, len(self._parts))
        if place == len(self._parts):
            self._parts.append(part)
            self._values.append(value)
        return place


_NOTHING = Interval(0.0, 0.0)
"""Keeps a place until there is a number."""
