"""What an explanation unfolds: the chapter's equations from a quantity down to given numbers.

Which equation a quantity has is the business of `maths.equations`, how it is written that of
`notation`; here is only what stands below what. `explain` draws it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from bptrace.address import AFTER, Address, Quantity
from bptrace.maths.expr import FLOATS, Expr, Op, Ref, bind, neg, refs
from bptrace.notation import Delta, Notation, abbreviated, value_of
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple

Q = Quantity
Key = Address | Delta

MOST_TERMS = 12
"""Longer sums are shown, and unfolded, at their first and last terms only."""

MOST_NODES = 60
"""Without a depth from the user, the tree goes as deep as this many equations allow."""

DEEPEST = 100
"""Deeper trees are not grown: they are longer than anybody reads."""

_BATCH = (Q.D_W, Q.D_B, Q.E)
_OF_STEP = (*_BATCH, Q.STEP_W, Q.STEP_B, Q.W_NEW, Q.B_NEW)


@dataclass(frozen=True)
class Node:
    """One equation of the tree, and what stands below it.

    Attributes
    ----------
    key : Address, Delta or None
        What stands left of the equals sign; None for an expression of the user.
    expr : Expr or None
        The formula, complete and unabridged; None where there is none to show.
    value : float
    source : str
        The textbook's equation.
    below : tuple of Node
        What the formula speaks of, each quantity once, in printed order.
    state : str
        "open" (worked out here), "given", "before" (left by the step before), "above" (worked out
        further up) or "deeper" (beyond the depth).
    forms : tuple of Expr
        The textbook's formulas from which `expr` is derived.
    """

    key: Key | None
    expr: Expr | None
    value: float
    source: str = ""
    below: tuple[Node, ...] = ()
    state: str = "open"
    forms: tuple[Expr, ...] = ()


class Grower:
    """Unfolds quantities by the equations of the chapter.

    A tree of depth d works out all quantities that can be reached from the first in d steps, each
    where it is met first; so a deeper tree shows all that a shallower one does.
    """

    def __init__(self, trace: Trace, notation: Notation) -> None:
        self.trace = trace
        self.notation = notation
        self.values = trace.values()
        self._lines: dict[Key, Line] = {}
        self._near: set[Key] = set()
        self._opened: set[Key] = set()

    def fitting_depth(self, asked: Expr) -> int:
        """Return the greatest depth, at least 1, that makes at most `MOST_NODES` equations."""
        depth, count = 0, 0
        for depth, level in enumerate(self._levels(asked)):
            count += len(level)
            if count > MOST_NODES or depth == DEEPEST:
                return max(1, depth - 1)
        return max(1, depth)

    def grow(self, asked: Expr, depth: int) -> Node:
        """Return the tree of a complete expression."""
        self._near = set(chain.from_iterable(islice(self._levels(asked), depth + 1)))
        self._opened = set()
        key, expr = self._root(asked)
        if expr is None:
            assert key is not None, "what has no name is an expression"
            return self._node(key)
        value = FLOATS.read(expr, lambda k: value_of(k, self.values))
        return Node(key, expr, value, below=self._below(expr))

    def _root(self, asked: Expr) -> tuple[Key | None, Expr | None]:
        """What `asked` names, and its formula if that is not one of the chapter."""
        minus = self.notation.minus_delta
        if isinstance(asked, Ref) and isinstance(asked.key, Address):
            if minus and _is_delta(asked.key):  # the file's δ has the other sign
                return asked.key, neg(Ref(Delta(asked.key)))
            return asked.key, None
        if minus and isinstance(asked, Op) and asked.name == "neg":
            inner = asked.args[0]
            if isinstance(inner, Ref) and isinstance(inner.key, Address) and _is_delta(inner.key):
                return Delta(inner.key), None
        return None, asked

    def _levels(self, asked: Expr) -> Iterator[list[Key]]:
        """Yield the quantities that have equations, by their distance from the first."""
        key, expr = self._root(asked)
        keys = self._keys(expr) if expr is not None else [key] if key is not None else []
        seen: set[Key] = set()
        while level := [k for k in dict.fromkeys(keys) if k not in seen and self._line(k).expr]:
            yield level
            seen.update(level)
            keys = [k for parent in level for k in self._keys(self._line(parent).expr)]

    def _keys(self, expr: Expr | None) -> list[Key]:
        """Return the quantities of a formula that are shown; δ with the sign of the file."""
        if expr is None:
            return []
        keys = (k for k in refs(abbreviated(expr, MOST_TERMS)) if isinstance(k, Address | Delta))
        minus = self.notation.minus_delta
        return [
            Delta(k) if minus and isinstance(k, Address) and _is_delta(k) else k
            for k in dict.fromkeys(keys)
        ]

    def _line(self, key: Key) -> Line:
        if key not in self._lines:
            self._lines[key] = self._new_line(key)
        return self._lines[key]

    def _new_line(self, key: Key) -> Line:
        address = key.gradient if isinstance(key, Delta) else key
        equation = self.trace.chapter.equation(address)
        if equation is None:
            return Line("given")
        if address.quantity in AFTER:  # a parameter, or what the rule remembers of it
            return Line("before")
        shown = self.notation.shown(equation, self.trace.chapter)
        expr = _of_single_samples(self.trace, shown.expr)
        return Line("open", expr, equation.source, shown.forms)

    def _node(self, key: Key) -> Node:
        value, line = value_of(key, self.values), self._line(key)
        if line.expr is None:
            return Node(key, None, value, state=line.state)
        if key in self._opened:
            return Node(key, None, value, state="above")
        if key not in self._near:
            return Node(key, None, value, state="deeper")
        self._opened.add(key)
        below = self._below(line.expr)
        return Node(key, line.expr, value, line.source, below, forms=line.forms)

    def _below(self, expr: Expr) -> tuple[Node, ...]:
        return tuple(self._node(key) for key in self._keys(expr))


class Line(NamedTuple):
    """The equation of a quantity as the dialect writes it, or why there is none to unfold."""

    state: str
    expr: Expr | None = None
    source: str = ""
    forms: tuple[Expr, ...] = ()


def completed(trace: Trace, expr: Expr, step: int, sample: int | None) -> Expr:
    """Give the places of an expression their step and sample."""
    places: dict[Hashable, Expr] = {
        key: Ref(trace.complete(key, step, sample))
        for key in refs(expr)
        if isinstance(key, Address)
    }
    return _of_single_samples(trace, bind(expr, places))


def _of_single_samples(trace: Trace, expr: Expr) -> Expr:
    """Write the gradient of a batch of one sample as that of the sample, which it is."""
    places: dict[Hashable, Expr] = {}
    for key in refs(expr):
        if isinstance(key, Address) and key.sample == 0 and key.quantity in _BATCH and not key.of:
            batch = trace.samples(key.step)
            if len(batch) == 1:
                places[key] = Ref(key.at(batch[0], key.step))
    return bind(expr, places) if places else expr


def speaks_of_batch(expr: Expr) -> bool:
    """Whether the tree of `expr` may hold several samples."""
    keys = (key for key in refs(expr) if isinstance(key, Address))
    return any(key.sample == 0 and key.quantity in _OF_STEP for key in keys)


def _is_delta(key: Key) -> bool:
    return isinstance(key, Address) and key.quantity is Q.D_IN and key.of is None


def nodes(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in printed order."""
    yield node
    for child in node.below:
        yield from nodes(child)
