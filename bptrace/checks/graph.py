"""The quantities that a page speaks of, and those between them: what follows from what.

One node per quantity (an address, or an expression that the author printed), each with the formula
of the chapter over the nodes before it. There is no second description of the network: addresses
that are the same number by definition (w of step 2 and w⁺ of step 1, ∂E_k/∂in_k and δ_k) are one
node, and a printed subexpression stands for itself in the formulas that contain it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property

from bptrace.address import Address, Quantity
from bptrace.checks.interval import tightened
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import FLOATS, Expr, Num, Op, Ref, bind, neg, refs
from bptrace.model import Problem
from bptrace.trace import Trace

Q = Quantity
Key = Address | Expr
"""A node: a quantity, or an expression over quantities (without roles)."""

_PLAIN = {Q.W_NEW: Q.W, Q.B_NEW: Q.B}
_NEW = {Q.W: Q.W_NEW, Q.B: Q.B_NEW}


def bare(expr: Expr) -> Expr:
    """Return `expr` without roles, so that equal formulas are equal objects."""
    if not isinstance(expr, Op):
        return expr
    return Op(expr.name, tuple(bare(arg) for arg in expr.args))


class Canon:
    """Which addresses of a problem are one and the same number."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.network = problem.network

    def __call__(self, address: Address) -> Address:
        """Return the one address by which a number is known."""
        quantity, depth = address.quantity, self.network.depth
        if quantity in (Q.ETA, Q.T) or (quantity is Q.OUT and address.layer == 0):
            return address._replace(step=0)
        if quantity in _NEW and address.step > 1:
            return self(address._replace(quantity=_NEW[quantity], step=address.step - 1))
        if quantity in _PLAIN and not self.is_trained(address):
            return self(address._replace(quantity=_PLAIN[quantity]))
        if self.problem.network.layers[address.layer].biases == 1 and quantity.head == "b":
            address = address._replace(neuron=1)
        of = address.of
        if quantity in (Q.D_OUT, Q.D_IN) and address.layer == depth and of == _share_of(address):
            return address._replace(of=None)
        batch_wide = quantity in (Q.D_W, Q.D_B, Q.E) and of is None and address.sample == 0
        if batch_wide and len(batch := self.problem.batch(address.step)) == 1:
            return address._replace(sample=batch[0])
        return address

    def is_trained(self, new: Address) -> bool:
        """Whether an update changes a parameter."""
        if self.problem.phases < 3:
            return False
        if new.quantity is Q.B_NEW:
            return self.network.train_biases
        return self.network.connected(new.layer, new.neuron, new.source)

    def expr(self, expr: Expr) -> Expr:
        """Return `expr` with every address replaced by the one that stands for it."""
        places: dict[Hashable, Expr] = {
            key: Ref(self(key)) for key in refs(expr) if isinstance(key, Address)
        }
        return bind(expr, places)


class Graph:
    """All nodes behind some targets, in an order in which each follows from those before it.

    Parameters
    ----------
    trace : Trace
        The right calculation.
    targets : sequence of Key
        What the author printed.
    rates, stated : mapping
        Learning rates of single updates, and values taken as given, where the author says so.
    rewrite : function, optional
        A convention or a systematic mistake: what every formula becomes (None: as it is).
    """

    def __init__(
        self,
        trace: Trace,
        targets: Sequence[Key],
        rates: Mapping[Key, float] | None = None,
        stated: Mapping[Key, float] | None = None,
        rewrite: Callable[[Address, Expr], Expr] | None = None,
    ) -> None:
        self.trace = trace
        self.problem = trace.problem
        self.chapter: Chapter = trace.chapter
        self.canon = Canon(trace.problem)
        self.targets = tuple(targets)
        self.rates = rates or {}
        self.stated = stated or {}
        self.rewrite = rewrite
        self._printed = frozenset(k for k in targets if not isinstance(k, Address))
        self._steps = frozenset(_steps(targets))
        self.formulas: dict[Key, Expr] = {}
        self.given: dict[Key, float] = {}
        self.order: list[Key] = []
        self._collect()

    def _collect(self) -> None:
        """Find all nodes, deepest first, without recursion (pages may have many steps)."""
        stack: list[tuple[Key, bool]] = [(key, False) for key in reversed(self.targets)]
        done: set[Key] = set()
        while stack:
            key, opened = stack.pop()
            if opened:
                self.order.append(key)
                continue
            if key in done:
                continue
            done.add(key)
            formula = self._formula(key)
            if formula is None:
                self.given[key] = self._given(key)
                continue
            self.formulas[key] = formula
            stack.append((key, True))
            stack.extend((parent, False) for parent in reversed(_keys(formula)))

    def _formula(self, key: Key) -> Expr | None:
        """The formula of a node over other nodes; None if it is given."""
        if key in self.stated:
            return None
        if not isinstance(key, Address):
            return self._linked(key, top=True)
        if key.quantity in _PLAIN and key.step not in self._steps:
            return None  # a step of which nothing is printed was not made by hand
        equation = self.chapter.equation(key)
        if equation is None:
            return None
        expr = self.canon.expr(equation.expr)
        if expr == Ref(key):
            return None
        if key in self.rates:
            expr = bind(expr, {Address(Q.ETA): Num(self.rates[key])})
        if self.rewrite is not None:
            expr = self.rewrite(key, expr)
        return self._linked(expr, top=True)

    def _linked(self, expr: Expr, top: bool = False) -> Expr:
        """Put printed subexpressions in the place of what they stand for."""
        if not isinstance(expr, Op) or not self._printed:
            return expr
        if not top:
            plain = bare(expr)
            if plain in self._printed:
                return Ref(plain)
            if plain.name == "sub":  # type: ignore[union-attr]
                turned = Op("sub", plain.args[::-1])  # type: ignore[union-attr]
                if turned in self._printed:
                    return neg(Ref(turned))
        return Op(expr.name, tuple(self._linked(arg) for arg in expr.args), expr.role)

    def link(self, expr: Expr) -> Expr:
        """Return a formula ready for the interval reading."""
        return tightened(self._linked(expr, top=True))

    def _given(self, key: Key) -> float:
        if key in self.stated:
            return self.stated[key]
        assert isinstance(key, Address)
        return self.trace.value(key._replace(step=key.step or 1))

    # Values

    @cached_property
    def fast(self) -> dict[Key, Expr]:
        """The formulas as the interval reading takes them."""
        return {key: tightened(formula) for key, formula in self.formulas.items()}

    @cached_property
    def exact(self) -> dict[Key, float]:
        """The true value of every node."""
        values = dict(self.given)
        for key in self.order:
            values[key] = FLOATS.read(self.formulas[key], values.__getitem__)
        return values

    @cached_property
    def parents(self) -> dict[Key, tuple[Key, ...]]:
        """The nodes in the formula of each node, without repeats."""
        return {key: tuple(dict.fromkeys(_keys(f))) for key, f in self.formulas.items()}

    @cached_property
    def children(self) -> dict[Key, tuple[Key, ...]]:
        """The nodes in whose formulas each node stands."""
        children: dict[Key, list[Key]] = {key: [] for key in (*self.given, *self.order)}
        for key in self.order:
            for parent in self.parents[key]:
                children[parent].append(key)
        return {key: tuple(found) for key, found in children.items()}


def _share_of(address: Address) -> Address:
    """The share of the error that belongs to an output neuron."""
    return Address(Q.E_K, 0, address.neuron, sample=address.sample, step=address.step)


def _keys(expr: Expr) -> list[Key]:
    return list(refs(expr))


def _steps(targets: Iterable[Key]) -> Iterable[int]:
    for key in targets:
        places = [key] if isinstance(key, Address) else _keys(key)
        for place in places:
            if isinstance(place, Address):
                yield place.step
