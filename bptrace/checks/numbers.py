"""The numbers that an author had at one point of his page, as ranges.

Those he had calculated by then; beside them, where he may have taken a number from, those that are
printed further down, and the true ones. What follows from them is kept until one of them changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bptrace.checks.graph import Graph, Key
from bptrace.checks.interval import Interval, point
from bptrace.maths.expr import Reading


class Near(dict[Key, Interval]):
    """Values of any quantity near a page: carried on, else as `far` says, who is asked once."""

    def __init__(self, known: Mapping[Key, Interval], far: Callable[[Key], Interval]) -> None:
        super().__init__(known)
        self._far = far

    def __missing__(self, key: Key) -> Interval:
        value = self[key] = self._far(key)
        return value


class Numbers:
    """Numbers of any quantity of a page, to be read.

    Parameters
    ----------
    graph : Graph
    reading : Reading
        How formulas become ranges.
    box, near : dict
        What the author has; the same, and everything else.
    around : function
        The range of a true value, as his arithmetic may have it.
    """

    def __init__(
        self,
        graph: Graph,
        reading: Reading[Interval],
        box: dict[Key, Interval],
        near: dict[Key, Interval],
        around: Callable[[float], Interval],
    ) -> None:
        self.graph = graph
        self.reading = reading
        self.box = box
        self.near = near
        self.around = around

    def is_ready(self, key: Key) -> bool:
        """Whether everything before a node has been gone through."""
        box, parents = self.box, self.graph.parents.get(key)
        return parents is not None and all(parent in box for parent in parents)

    def all_near(self, keys: Mapping[Key, int]) -> list[Interval]:
        """Return what is `near` of many, which come with their places in the list."""
        near = self.near
        return [near[key] for key in keys]

    def now(self, key: Key) -> Interval:
        """What a node is by the numbers so far, or by those that are printed further down."""
        graph = self.graph
        if key in graph.given:
            return point(graph.given[key])
        read, formula = self.reading.read, graph.fast[key]
        if self.is_ready(key):
            return read(formula, self.box.__getitem__)
        return self.around(graph.exact[key]).hull(read(formula, self.near.__getitem__))


class Had(Numbers):
    """What the author has, and what follows from it.

    Parameters
    ----------
    graph, reading, around
        See `Numbers`.
    far : function
        The range of a quantity that he does not have yet.

    Attributes
    ----------
    version : int
        Another one whenever a number that he had has become another.
    """

    def __init__(
        self,
        graph: Graph,
        reading: Reading[Interval],
        far: Callable[[Key], Interval],
        around: Callable[[float], Interval],
    ) -> None:
        box = {key: point(value) for key, value in graph.given.items()}
        super().__init__(graph, reading, box, Near(box, far), around)
        self._next: dict[Key, Interval] = {}
        self._replaced: dict[Key, list[tuple[int, Interval]]] = {}
        self.version = 0

    def set(self, key: Key, values: Interval) -> None:
        """Give a node a value; nobody else changes `box`."""
        if key in self.box:
            self._replaced.setdefault(key, []).append((self.version, self.box[key]))
            self.version += 1
        self.box[key] = self.near[key] = values
        if self._next:
            for child in self.graph.children[key]:
                self._next.pop(child, None)

    def now(self, key: Key) -> Interval:
        """What a node is by the numbers so far, or by those that are printed further down."""
        if key not in self._next:
            self._next[key] = super().now(key)
        return self._next[key]

    def at(self, version: int) -> Callable[[Key], Interval]:
        """Return what the author had while it was that version, of what he has had since then."""
        if version == self.version:
            return self.box.__getitem__

        def value(key: Key) -> Interval:
            for until, values in self._replaced.get(key, ()):
                if until >= version:
                    return values
            return self.box[key]

        return value
