"""In which order the steps of a page are gone through, and which line sees which step.

A line sees what its formula is of, and what unprinted steps in between are of.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cached_property

from bptrace.checks.graph import Graph, Key

MOST_PLACES = 80
"""Unprinted steps before a line that are searched, the nearest first."""

MOST_SETS = 1_000
"""For so many sets of printed nodes it is kept which nodes they are."""


class Course:
    """The course of a page: what is the same however often it is gone through.

    Parameters
    ----------
    graph : Graph
        Its targets are what the page prints.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._shadows: dict[Key, tuple[frozenset[Key], frozenset[Key]]] = {}
        self._seen_bits: dict[Key, int] = {}
        self._keys: dict[int, frozenset[Key]] = {}
        self._places: dict[Key, list[Key]] = {}
        self._ways: dict[tuple[Key, Key], list[Key]] = {}
        self._beside: dict[tuple[Key, Key], dict[Key, int]] = {}

    @cached_property
    def printed(self) -> dict[Key, int]:
        """The place of each printed node among those of the page."""
        return {key: n for n, key in enumerate(dict.fromkeys(self.graph.targets))}

    @cached_property
    def _targets(self) -> list[Key]:
        return list(self.printed)

    @cached_property
    def order(self) -> list[Key]:
        """The order of calculation, with every unprinted step as soon as it can be calculated."""
        return soonest(self.graph, self.printed)

    @cached_property
    def place(self) -> dict[Key, int]:
        """The place of each node in the order in which the page is gone through."""
        return {key: n for n, key in enumerate(self.order)}

    def shadow(self, key: Key) -> tuple[frozenset[Key], frozenset[Key]]:
        """Return the unprinted nodes that see `key` through unprinted steps, and the printed."""
        if key not in self._shadows:
            hidden: set[Key] = set()
            seen: set[Key] = set()
            stack = list(self.graph.children[key])
            while stack:
                child = stack.pop()
                if child in self.printed:
                    seen.add(child)
                elif child not in hidden:
                    hidden.add(child)
                    stack.extend(self.graph.children[child])
            self._shadows[key] = frozenset(hidden), frozenset(seen)
        return self._shadows[key]

    def bits(self, printed: Iterable[Key]) -> int:
        """Return printed nodes as a set of bits."""
        found = 0
        for key in printed:
            found |= 1 << self.printed[key]
        return found

    def keys(self, bits: int) -> frozenset[Key]:
        """Return the printed nodes that stand in a set of bits."""
        known = self._keys.get(bits)
        if known is None:
            if len(self._keys) > MOST_SETS:
                self._keys.clear()
            known = self._keys[bits] = frozenset(self._in_bits(bits))
        return known

    def _in_bits(self, bits: int) -> Iterator[Key]:
        places = bin(bits)[:1:-1]  # a long number is written faster than it is taken apart
        n = places.find("1")
        while n >= 0:
            yield self._targets[n]
            n = places.find("1", n + 1)

    def seen_bits(self, key: Key) -> int:
        """Return the printed nodes that a node sees, as bits."""
        if key not in self._seen_bits:
            self._seen_bits[key] = self._bits_before(key, self.hidden_bits)
        return self._seen_bits[key]

    @cached_property
    def hidden_bits(self) -> dict[Key, int]:
        """The printed nodes that each unprinted one sees, as bits."""
        found: dict[Key, int] = {}
        for key in self.graph.order:
            if key not in self.printed:
                found[key] = self._bits_before(key, found)
        return found

    def sees(self, key: Key, printed: Key) -> bool:
        """Whether a node sees a printed one."""
        return bool(self.seen_bits(key) >> self.printed[printed] & 1)

    def _bits_before(self, key: Key, hidden: Mapping[Key, int]) -> int:
        found = 0
        for parent in self.graph.parents.get(key, ()):
            n = self.printed.get(parent)
            found |= hidden.get(parent, 0) if n is None else 1 << n
        return found

    def places(self, key: Key) -> list[Key]:
        """Return a line and the unprinted steps behind it, the nearest first."""
        if key not in self._places:
            graph = self.graph
            places, k = [key], 0
            while k < len(places) and len(places) < MOST_PLACES:
                for parent in graph.parents.get(places[k], ()):
                    hidden = parent in graph.formulas and parent not in self.printed
                    if hidden and parent not in places:
                        places.append(parent)
                k += 1
            self._places[key] = places
        return self._places[key]

    def between(self, place: Key, target: Key) -> list[Key]:
        """Return the unprinted steps that lead from one to another, and it, in order."""
        way = place, target
        if way not in self._ways:
            self._ways[way] = between(self.graph, target, self.shadow(place)[0])
        return self._ways[way]

    def beside(self, place: Key, target: Key) -> dict[Key, int]:
        """Return what else stands in the formulas of the steps from one to another, numbered."""
        way = place, target
        if way not in self._beside:
            steps = self.between(place, target)
            own = {place, *steps}
            keys = dict.fromkeys(key for step in steps for key in self.graph.parents[step])
            others = (key for key in keys if key not in own)
            self._beside[way] = {key: n for n, key in enumerate(others)}
        return self._beside[way]


def soonest(graph: Graph, printed: Container[Key]) -> list[Key]:
    """Return the order of calculation, with every unprinted step as soon as it can be calculated.

    So lines that see a hidden step can speak for or against what is tried there, even if they come
    later.
    """
    order = list[Key]()
    missing = {key: sum(p in graph.formulas for p in graph.parents[key]) for key in graph.order}
    for first in sorted(graph.order, key=lambda key: key in printed or missing[key] > 0):
        ready = [first] if first in printed or not missing[first] else []
        while ready:
            key = ready.pop()
            if missing[key] < 0:
                continue
            missing[key] = -1
            order.append(key)
            for child in reversed(graph.children[key]):
                missing[child] -= 1
                if not missing[child] and child not in printed:
                    ready.append(child)
    return order


def between(graph: Graph, target: Key, hidden: frozenset[Key]) -> list[Key]:
    """Return the steps among `hidden` that lead to `target`, and it, in order of calculation."""
    found: dict[Key, None] = {}
    stack: list[tuple[Key, bool]] = [(target, False)]
    while stack:
        key, opened = stack.pop()
        if opened:
            found.setdefault(key)
        elif key not in found and (key == target or key in hidden):
            stack.append((key, True))
            stack.extend((parent, False) for parent in graph.parents[key])
    return list(found)
