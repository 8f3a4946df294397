"""What a line would be if some numbers before it had been others.

An unprinted step is calculated anew only from those of them that it sees, and kept: other lines see
it too, and with all mistakes of a long page before them each would go through hundreds of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval
from bptrace.checks.numbers import Had, Numbers
from bptrace.checks.sequence import Course

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
        self._righted: dict[tuple[Key, ...], Righted] = {}
        self._righted_at = 0
        self._known: dict[tuple[tuple[Hashable, bool], Key, int], Interval] = {}
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
            self._version = self._numbers.version
        changed = self._course.bits(some)
        known, box, graph = self._known, self._numbers.box, self._course.graph
        read, seen = self._numbers.reading.read, self._course.hidden_bits

        def is_open(k: Key) -> bool:
            bits = changed & seen.get(k, 0)
            return bool(bits) and k not in some and (world, k, bits) not in known

        def look_up(k: Key) -> Interval:
            if k in some:
                return others[k]
            bits = changed & seen.get(k, 0)
            return known[world, k, bits] if bits else box[k]

        stack = [parent for parent in graph.parents[key] if is_open(parent)]
        while stack:  # without recursion: pages may have many steps
            step = stack[-1]
            before = [parent for parent in graph.parents[step] if is_open(parent)]
            if before:
                stack += before
                continue
            stack.pop()
            values = read(graph.fast[step], look_up)
            known[world, step, changed & seen[step]] = (
                values.hull(box[step]) if world[1] else values
            )
        return read(graph.fast[key], look_up)


class Righted(Numbers):
    """All numbers as they would be if some printed ones had been others.

    Nothing is calculated before somebody reads it: behind a page with few of its steps printed are
    thousands of others, and a line reads a few dozen. It holds as long as no number that the author
    has becomes another; he may come to more of them.

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
        self._had = numbers
        self._place = course.place
        self._roots = others
        shadows = [course.shadow(root) for root in others]
        self._hidden = [hidden for hidden, _ in shadows]
        self._lines = [lines for _, lines in shadows]
        box.update(others)

    def is_ready(self, key: Key) -> bool:
        """Whether everything before a node has been gone through."""
        return self._had.is_ready(key)

    def now(self, key: Key) -> Interval:
        """What a node is by the numbers so far, or by those that are printed further down."""
        if any(key in lines for lines in self._lines) or self._is_open(key):
            return super().now(key)
        return self._had.now(key)

    def changed(self) -> dict[Key, Interval]:
        """Return which of the numbers that the author has would be others, in order, and these."""
        had, box = self._had.box, self.box
        found = {key for key in frozenset().union(self._roots, *self._hidden) if key in had}
        order = sorted(found, key=self._place.__getitem__)
        return {key: box[key] for key in order if box[key] != had[key]}

    def _is_open(self, key: Key) -> bool:
        """Whether a node is an unprinted step that sees one of the others."""
        return any(key in hidden for hidden in self._hidden)

    def _anywhere(self, key: Key) -> Interval:
        if key not in self._had.box:
            return self._had.near[key]  # not kept: the author may come to it
        value = self.near[key] = self.box[key]
        return value

    def _in_box(self, key: Key) -> Interval:
        box, had, graph = self.box, self._had.box, self.graph
        if not self._is_open(key):
            box[key] = had[key]
            return had[key]
        read, stack = self.reading.read, [key]
        while stack:  # without recursion: pages may have many steps
            step = stack[-1]
            before = [p for p in graph.parents[step] if p not in box and self._is_open(p)]
            if before:
                stack += before
                continue
            stack.pop()
            if step not in box:
                old, new = had[step], read(graph.fast[step], box.__getitem__)
                box[step] = new if new != old else old
        return box[key]


class _Lazy(dict[Key, Interval]):
    """Numbers that are looked up when they are missing; `find` keeps what may be kept."""

    def __init__(self, find: Callable[[Key], Interval]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, key: Key) -> Interval:
        return self._find(key)
