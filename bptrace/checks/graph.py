"""The quantities that a page speaks of, and those between them: what follows from what.

One node per quantity (an address, or an expression that the author printed), each with the formula
of the chapter over the nodes before it. There is no second description of the network: addresses
that are the same number by definition (w of step 2 and w⁺ of step 1, ∂E_k/∂in_k and δ_k) are one
node, and a printed subexpression stands for itself in the formulas that contain it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import isclose

from bptrace.address import AFTER, BEFORE, Address, Quantity
from bptrace.checks.interval import tightened
from bptrace.maths.equations import Chapter, Equation
from bptrace.maths.expr import FLOATS, Expr, Num, Op, Ref, add, bind, call, mul, neg, refs
from bptrace.maths.own import activation_of
from bptrace.maths.updates import step_of
from bptrace.model import Problem
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple

Q = Quantity
_UPDATES = (Q.W_NEW, Q.B_NEW, Q.STEP_W, Q.STEP_B)
Key = Address | Expr
"""A node: a quantity, or an expression over quantities (without roles)."""


def bare(expr: Expr) -> Expr:
    """Return `expr` without roles and guards, so that equal formulas are equal objects."""
    if not isinstance(expr, Op):
        return expr
    args = tuple(bare(arg) for arg in expr.args)
    if expr.name == "times_log":
        return mul(args[0], call("log", args[1]))
    return Op("div" if expr.name == "times_reciprocal" else expr.name, args)


class Canon:
    """Which addresses of a problem are one and the same number."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.network = problem.network
        self.is_of_layer = activation_of(self.network.layers[-1]).is_of_layer

    def __call__(self, address: Address) -> Address:
        """Return the one address by which a number is known."""
        quantity, depth = address.quantity, self.network.depth
        if quantity is Q.ETA:
            return address if self.problem.training.schedule else address._replace(step=0)
        if quantity is Q.T or (quantity is Q.OUT and address.layer == 0):
            return address._replace(step=0)
        if quantity in AFTER and address.step > 1:
            return self(address._replace(quantity=AFTER[quantity], step=address.step - 1))
        if quantity in BEFORE and not self.is_trained(address):
            return self(address._replace(quantity=BEFORE[quantity]))
        if self.problem.network.layers[address.layer].biases == 1 and address.is_of_bias:
            address = address._replace(neuron=1)
        of = address.of
        if address.layer == depth and of == _share_of(address):
            own = quantity is Q.D_IN and not self.is_of_layer  # else all E_k depend on each in
            if own or quantity is Q.D_OUT:
                return address._replace(of=None)
        batch_wide = quantity in (Q.D_W, Q.D_B, Q.E) and of is None and address.sample == 0
        if batch_wide and len(batch := self.problem.batch(address.step)) == 1:
            return address._replace(sample=batch[0])
        return address

    def is_trained(self, new: Address) -> bool:
        """Whether an update changes a parameter."""
        return self.problem.is_trained(new.parameter)

    def expr(self, expr: Expr) -> Expr:
        """Return `expr` with every address replaced by the one that stands for it."""
        places: dict[Hashable, Expr] = {
            key: Ref(self(key)) for key in refs(expr) if isinstance(key, Address)
        }
        return bind(expr, places)


class _Node(NamedTuple):
    """How a node follows from others.

    `expr` is the formula of the chapter, `formula` the same with printed subexpressions as nodes,
    `fast` as the interval reading takes it.
    """

    expr: Expr
    formula: Expr
    fast: Expr
    parents: tuple[Key, ...]


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
    plain : Graph, optional
        The graph of the same targets without `rewrite`; what is not rewritten is taken from it.

    Attributes
    ----------
    formulas : dict
        What each node is calculated by, over other nodes.
    given : dict
        The numbers of the nodes that are not calculated.
    order : list of Key
        The calculated nodes, in an order in which each follows from those before it.
    is_circular : bool
        Whether `rewrite` lets a quantity follow from itself (δ over the weights that it updates):
        nobody can have calculated like that, and `order` is none.
    """

    def __init__(
        self,
        trace: Trace,
        targets: Sequence[Key],
        rates: Mapping[Key, float] | None = None,
        stated: Mapping[Key, float] | None = None,
        rewrite: Callable[[Address, Expr], Expr] | None = None,
        plain: Graph | None = None,
    ) -> None:
        self.trace = trace
        self.problem = trace.problem
        self.chapter: Chapter = trace.chapter
        self.canon = Canon(trace.problem)
        self.targets = tuple(targets)
        self._claimed = frozenset(targets)
        self.rates = dict(self._rates_behind(rates or {}))
        self.stated = stated or {}
        self.rewrite = rewrite
        self._plain = plain
        self._printed = frozenset(k for k in targets if not isinstance(k, Address))
        self._steps = frozenset(_steps(targets))
        self._nodes: dict[Key, _Node | None] = {}
        self._computed: dict[Key, Expr] = {}
        self.formulas: dict[Key, Expr] = {}
        self.given: dict[Key, float] = {}
        self.order: list[Key] = []
        self.is_circular = False
        self._collect()

    def _collect(self) -> None:
        """Find all nodes, deepest first, without recursion (pages may have many steps)."""
        stack: list[tuple[Key, bool]] = [(key, False) for key in reversed(self.targets)]
        done: set[Key] = set()
        under_way: set[Key] = set()
        while stack:
            key, opened = stack.pop()
            if opened:
                self.order.append(key)
                under_way.discard(key)
                continue
            if key in done:
                self.is_circular |= key in under_way
                continue
            done.add(key)
            node = self._node(key)
            if node is None:
                self.given[key] = self._given(key)
                continue
            self.formulas[key] = node.formula
            under_way.add(key)
            stack.append((key, True))
            stack.extend((parent, False) for parent in reversed(node.parents))

    def _node(self, key: Key) -> _Node | None:
        """How a node follows from others; None if it is given."""
        if key not in self._nodes:
            plain = self._plain
            node = self._new_node(key) if plain is None else plain._node(key)
            if node is not None and self.rewrite is not None and isinstance(key, Address):
                expr = self.rewrite(key, node.expr)
                if expr is not node.expr and expr != node.expr:
                    node = self._linked_node(expr)
            self._nodes[key] = node
        return self._nodes[key]

    def _new_node(self, key: Key) -> _Node | None:
        if key in self.stated:
            return None
        if not isinstance(key, Address):
            return self._linked_node(key)
        if key.quantity in BEFORE and key.step not in self._steps:
            return None  # a step of which nothing is printed was not made by hand
        equation = self.chapter.equation(key)
        if equation is None:
            return None
        expr = self._of_step(key) or self._form(key, equation)
        if expr == Ref(key):
            return None
        if key in self.rates:
            rate = Num(self.rates[key])
            expr = bind(expr, {Address(Q.ETA): rate, Address(Q.ETA, step=key.step): rate})
        return self._linked_node(expr)

    def _rates_behind(self, rates: Mapping[Key, float]) -> Iterator[tuple[Key, float]]:
        """Yield rates with those of what is only calculated for an update: its Δ, its velocity."""
        for key, rate in rates.items():
            if isinstance(key, Address) and key.quantity in _UPDATES:
                for before in (Q.V_NEW, step_of(key.parameter).quantity):
                    place = key._replace(quantity=before)
                    if place not in self._claimed and place not in rates:
                        yield place, rate
        yield from rates.items()

    def _of_step(self, key: Address) -> Expr | None:
        """w⁺ = w + Δw, if Δw is printed; None: it is not, or not with the same rate."""
        if key.quantity not in (Q.W_NEW, Q.B_NEW):
            return None
        step = self.canon(step_of(key.parameter))
        if step not in self._claimed or self.rates.get(step) != self.rates.get(key):
            return None
        equation = self.chapter.equation(key)
        if equation is not None and not (self.rates or self.stated):
            self._computed[key] = self.canon.expr(equation.expr)
        return self.canon.expr(add(Ref(key.parameter), Ref(step), role="update"))

    def _form(self, key: Address, equation: Equation) -> Expr:
        """Choose among the formulas of a quantity the one by which the author went.

        Of an error or an output it is the textbook's, of δ the chain rule if a factor of it is
        printed, as long as not something is printed that stands only in the formula that is
        computed; and never one that is far from the right value because it overflows.
        """
        expr = self.canon.expr(equation.expr)
        if not equation.forms:
            return expr
        form = self.canon.expr(equation.forms[0])
        lead = self._printed_parts(form) - self._printed_parts(expr)
        if lead < 0 or (lead == 0 and key.quantity is Q.D_IN):
            return expr
        value, right = (FLOATS.read(e, self._true) for e in (form, expr))
        if not isclose(value, right, rel_tol=1e-9, abs_tol=1e-12):
            return expr
        if not (self.rates or self.stated):
            self._computed[key] = expr
        return form

    def _printed_parts(self, expr: Expr) -> int:
        """How many derivatives and expressions of a formula are on the page."""
        if isinstance(expr, Ref):
            key = expr.key
            return isinstance(key, Address) and key.quantity.is_partial and key in self._claimed
        if not isinstance(expr, Op):
            return 0
        inside = sum(map(self._printed_parts, expr.args))
        return inside + (bool(self._printed) and bare(expr) in self._printed)

    def _true(self, key: Address) -> float:
        return self.trace.value(key._replace(step=key.step or 1))

    def _linked_node(self, expr: Expr) -> _Node:
        formula = self._linked(expr, top=True)
        return _Node(expr, formula, tightened(formula), tuple(dict.fromkeys(refs(formula))))

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

    def with_prints(self, expr: Expr) -> Expr:
        """Return a formula with printed expressions as nodes."""
        return self._linked(expr, top=True)

    @property
    def has_expressions(self) -> bool:
        """Whether the author prints expressions, which stand for parts of other formulas."""
        return bool(self._printed)

    def _given(self, key: Key) -> float:
        if self._plain is not None and key in self._plain.given:
            return self._plain.given[key]
        if key in self.stated:
            return self.stated[key]
        assert isinstance(key, Address)
        return self._true(key)

    @cached_property
    def rewritten(self) -> frozenset[Key]:
        """The nodes whose formula `rewrite` has changed."""
        if self._plain is None:
            return frozenset()
        known = self._plain._nodes
        return frozenset(key for key in self.order if self._nodes[key] is not known.get(key))

    # Values

    @cached_property
    def fast(self) -> dict[Key, Expr]:
        """The formulas as the interval reading takes them."""
        return {key: node.fast for key in self.order if (node := self._nodes[key])}

    @cached_property
    def exact(self) -> dict[Key, float]:
        """The true value of every node, in every bit that of the run where nothing is changed."""
        values = dict(self.given)

        def look_up(key: Key) -> float:
            if key not in values:
                assert isinstance(key, Address)
                return self._true(key)
            return values[key]

        for key in self.order:
            computed = self._computed.get(key) if self.rewrite is None else None
            values[key] = FLOATS.read(computed or self.formulas[key], look_up)
        return values

    @cached_property
    def truth(self) -> dict[Key, float]:
        """The true value of every quantity, those of no node looked up in the trace."""
        return _Truth(self.exact, self.trace)

    @cached_property
    def parents(self) -> dict[Key, tuple[Key, ...]]:
        """The nodes in the formula of each node, without repeats."""
        return {key: node.parents for key in self.order if (node := self._nodes[key])}

    @cached_property
    def children(self) -> dict[Key, tuple[Key, ...]]:
        """The nodes in whose formulas each node stands."""
        children: dict[Key, list[Key]] = {key: [] for key in (*self.given, *self.order)}
        for key in self.order:
            for parent in self.parents[key]:
                children[parent].append(key)
        return {key: tuple(found) for key, found in children.items()}

    @cached_property
    def place(self) -> dict[Key, int]:
        """The place of each node in the order of calculation, given ones first."""
        return {key: n for n, key in enumerate((*self.given, *self.order))}

    @cached_property
    def _after(self) -> list[int]:
        """The nodes that depend on each, as bits: a set of them for each would fill the memory."""
        after = [0] * len(self.place)
        for key, n in reversed(self.place.items()):
            for child in self.children[key]:
                k = self.place[child]
                after[n] |= after[k] | 1 << k
        return after

    def after(self, key: Key) -> After:
        """The nodes that depend on `key`: nobody can have used one of them for it."""
        bits = self._after[self.place[key]] if key in self.place else 0
        return After(bits, self.place)


class _Truth(dict[Key, float]):
    """True values of nodes; of what is no node, as the trace has it."""

    def __init__(self, exact: Mapping[Key, float], trace: Trace) -> None:
        super().__init__(exact)
        self._value = trace.values()

    def __missing__(self, key: Key) -> float:
        assert isinstance(key, Address)  # every printed expression is a node
        value = self[key] = self._value(key._replace(step=key.step or 1))
        return value


class After:
    """A set of nodes that is asked for single ones, in which there is no search.

    Parameters
    ----------
    bits : int
        Those that are in it, by their places.
    place : mapping
        The place of each node.
    """

    def __init__(self, bits: int, place: Mapping[Key, int]) -> None:
        self.bits = bits
        self._bytes = bits.to_bytes(len(place) // 8 + 1, "little")
        self._place = place

    def __contains__(self, key: object) -> bool:
        place = self._place.get(key)  # type: ignore[call-overload]  # any key may be asked for
        return place is not None and bool(self._bytes[place >> 3] >> (place & 7) & 1)


def _share_of(address: Address) -> Address:
    """The share of the error that belongs to an output neuron."""
    return Address(Q.E_K, 0, address.neuron, sample=address.sample, step=address.step)


def _steps(targets: Iterable[Key]) -> Iterable[int]:
    for key in targets:
        places = [key] if isinstance(key, Address) else list(refs(key))
        for place in places:
            if isinstance(place, Address):
                yield place.step
