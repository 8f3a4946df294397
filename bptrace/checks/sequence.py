"""In which order the steps of a page are gone through."""

from __future__ import annotations

from collections.abc import Container

from bptrace.checks.graph import Graph, Key


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
