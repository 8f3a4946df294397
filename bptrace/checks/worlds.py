"""What a line would be if some numbers before it had been others.

An unprinted step is calculated anew only from those of them that it sees, and kept: other lines see
it too, and with all mistakes of a long page before them each would go through hundreds of steps.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping

from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval
from bptrace.checks.numbers import Numbers
from bptrace.checks.sequence import Course


class Worlds:
    """Values with other numbers in the place of printed ones.

    Parameters
    ----------
    course : Course
    numbers : Numbers
        What the author has; where one of them changes afterwards, nothing is kept.
    """

    def __init__(self, course: Course, numbers: Numbers) -> None:
        self._course = course
        self._numbers = numbers
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
