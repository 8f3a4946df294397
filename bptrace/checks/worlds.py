"""What a line would be if some numbers before it had been others.

An unprinted step is calculated anew only from those of them that it sees, and kept: other lines see
it too, and with all mistakes of a long page before them each would go through hundreds of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from math import inf

from bptrace.checks.findings import Instead
from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval, point
from bptrace.checks.numbers import Had, Numbers
from bptrace.checks.sequence import Course

_NOWHERE = Interval(inf, -inf)

MOST_RIGHTED = 64
"""For so many choices of wrong numbers it is kept what unprinted steps are if these are right."""


class Worlds:
    """Values with other numbers in the place of printed ones.

    Parameters
    ----------
    course : Course
    numbers : Had
        What the author has; where one of them changes afterwards, nothing is kept.
    """

    def __init__(self, course: Course, numbers: Had) -> None:
        self._course = course
        self._numbers = numbers
        self._anew: dict[tuple[Key, float], dict[Key, Interval]] = {}
        self._righted: dict[tuple[Key, ...], Righted] = {}
        self._righted_at = 0
        self._known: dict[tuple[Hashable, bool], dict[tuple[Key, int], Interval]] = {}
        self._here: dict[tuple[tuple[Hashable, bool], int], dict[Key, Interval]] = {}
        self._version = 0

    def value(
        self, key: Key, others: Mapping[Key, Interval], some: Collection[Key], name: Hashable
    ) -> Interval:
        """Return the range of a node's formula.

        Parameters
        ----------
        key : Key
        others : mapping
            What printed nodes would be.
        some : collection of Key
            Those of them that are so; all else is as the author has it.
        name : hashable
            The same numbers have to stand in `others` whenever this name comes with them.
        """
        return self._value(key, others, some, (name, False))

    def either(self, key: Key, others: Mapping[Key, Interval], some: Collection[Key]) -> Interval:
        """Return a range that holds the values for every part of `some`.

        `others` hold both what the author has and what he might have. An unprinted step may be
        other than its formula says (see `Judge`) as long as nothing before it has changed.
        """
        return self._value(key, others, some, ("", True))

    def anew(self, key: Key, number: float) -> dict[Key, Interval]:
        """Return what all that follows from a node would be if it were a number, from true values.

        All the rest of the page is nowhere: the interval of no number at all.
        """
        if (key, number) not in self._anew:
            numbers, graph = self._numbers, self._course.graph
            world = {k: numbers.around(v) for k, v in graph.exact.items()} | {key: point(number)}
            changed = {key}
            for node in self._course.order:
                if node != key and not changed.isdisjoint(graph.parents[node]):
                    changed.add(node)
                    world[node] = numbers.reading.read(graph.fast[node], world.__getitem__)
            self._anew[key, number] = {
                node: values if node in changed else _NOWHERE for node, values in world.items()
            }
        return self._anew[key, number]

    def righted(self, others: Mapping[Key, Interval], roots: Sequence[Key]) -> Righted:
        """Return all numbers as they would be with the `others` in the place of some wrong ones."""
        if self._righted_at != self._numbers.version or len(self._righted) > MOST_RIGHTED:
            self._righted.clear()
            self._righted_at = self._numbers.version
        known = self._righted.get(tuple(roots))
        if known is None:
            known = Righted(self._course, self._numbers, {root: others[root] for root in roots})
            self._righted[tuple(roots)] = known
        return known

    def _value(
        self,
        key: Key,
        others: Mapping[Key, Interval],
        some: Collection[Key],
        world: tuple[Hashable, bool],
    ) -> Interval:
        if self._version != self._numbers.version:
            self._known.clear()
            self._here.clear()
            self._version = self._numbers.version
        changed = self._course.bits(some)
        if len(self._here) > MOST_RIGHTED:
            self._here.clear()
        here = self._here.get((world, changed))
        if here is None:
            here = self._here[world, changed] = {k: others[k] for k in some}
        box, graph, read = self._numbers.box, self._course.graph, self._numbers.reading.read
        seen, known = self._course.hidden_bits, self._known.setdefault(world, {})

        def is_open(k: Key) -> bool:
            if k in here:
                return False
            bits = changed & seen.get(k, 0)
            if not bits:
                return False
            values = known.get((k, bits))
            if values is None:
                return True
            here[k] = values
            return False

        def look_up(k: Key) -> Interval:
            values = here.get(k)
            return box[k] if values is None else values

        stack = [parent for parent in graph.parents[key] if is_open(parent)]
        while stack:  # without recursion: pages may have many steps
            step = stack[-1]
            before = [parent for parent in graph.parents[step] if is_open(parent)]
            if before:
                stack += before
                continue
            stack.pop()
            values = read(graph.fast[step], look_up)
            if world[1]:
                values = values.hull(box[step])
            here[step] = known[step, changed & seen[step]] = values
        return read(graph.fast[key], look_up)


class Righted(Numbers):
    """All numbers as they would be if some printed ones had been others.

    Nothing is calculated before somebody reads it: behind a page with few of its steps printed are
    thousands of others, and a line reads a few dozen. It is for as long as no number that the
    author has becomes another (he may come to more of them), but for `instead`, which may be read
    later.

    Parameters
    ----------
    course : Course
    numbers : Had
        What the author has.
    others : mapping
        What printed nodes, which he has, would be.
    """

    def __init__(self, course: Course, numbers: Had, others: Mapping[Key, Interval]) -> None:
        box, near = _Lazy(self._in_box), _Lazy(self._anywhere)
        super().__init__(course.graph, numbers.reading, box, near, numbers.around)
        self._had, self._version = numbers, numbers.version
        self._place = course.place
        self._others = others
        shadows = [course.shadow(other) for other in others]
        self._hidden = frozenset().union(*(hidden for hidden, _ in shadows))
        self._lines = [lines for _, lines in shadows]
        box.update(others)

    def is_ready(self, key: Key) -> bool:
        """Whether everything before a node has been gone through."""
        return self._had.is_ready(key)

    def all_near(self, keys: Mapping[Key, int]) -> list[Interval]:
        """Return what is `near` of many, which come with their places in the list."""
        found = self._had.all_near(keys)
        for key in self._hidden.intersection(keys):
            found[keys[key]] = self.near[key]
        for key, values in self._others.items():
            if key in keys:
                found[keys[key]] = values
        return found

    def now(self, key: Key) -> Interval:
        """What a node is by the numbers so far, or by those that are printed further down."""
        if key in self._hidden or any(key in lines for lines in self._lines):
            return super().now(key)
        return self._had.now(key)

    def instead(self) -> Instead:
        """Return which of the numbers that the author has by now would be others, and these."""
        had, place = self._had.box, self._place
        lines = {key: self._others[key] for key in sorted(self._others, key=place.__getitem__)}
        end = len(had) - len(self.graph.given)
        return Instead(
            {key: values.middle for key, values in lines.items() if had[key] != values},
            lambda: self._changed(end),
        )

    def _changed(self, end: int) -> dict[Key, float]:
        """All changed numbers of the steps until one, in order."""
        place, had, box = self._place, self._had.at(self._version), self.box
        keys = (key for key in self._hidden.union(self._others) if place[key] < end)
        order = sorted(keys, key=place.__getitem__)
        return {key: box[key].middle for key in order if box[key] != had(key)}

    def _anywhere(self, key: Key) -> Interval:
        if key not in self._had.box:
            return self._had.near[key]  # not kept: the author may come to it
        value = self.near[key] = self.box[key]
        return value

    def _in_box(self, key: Key) -> Interval:
        box, hidden, parents = self.box, self._hidden, self.graph.parents
        had = self._had.at(self._version)
        if key not in hidden:
            value = box[key] = had(key)
            return value
        read, fast, stack = self.reading.read, self.graph.fast, [key]

        def look_up(k: Key) -> Interval:
            return box[k] if k in box else had(k)

        while stack:  # without recursion: pages may have many steps
            step = stack[-1]
            before = [p for p in parents[step] if p in hidden and p not in box]
            if before:
                stack += before
                continue
            stack.pop()
            if step not in box:
                old, new = had(step), read(fast[step], look_up)
                box[step] = new if new != old else old
        return box[key]


class _Lazy(dict[Key, Interval]):
    """Numbers that are looked up when they are missing; `find` keeps what may be kept."""

    def __init__(self, find: Callable[[Key], Interval]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, key: Key) -> Interval:
        return self._find(key)
