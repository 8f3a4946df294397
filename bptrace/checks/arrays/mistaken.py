"""The gradients of a whole network when one mistake is made everywhere.

Every entry of the table of mistakes is tried on every kind of formula: at all layers, at those that
are hidden, and at each layer alone; and every convention that a page may follow. Who writes a
program makes his mistakes like that: at every neuron at once. Of a mistake that could be made at
any one of many terms the first stands for all.

Not responsible for which of them explains given numbers (`causes`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bptrace.address import Address, Quantity, partial
from bptrace.checks.arrays.calculation import (
    FORWARD,
    Calculation,
    Change,
    Formula,
    Impossible,
    Node,
    node_of,
)
from bptrace.checks.arrays.figures import Figures, figures_of, matrices
from bptrace.checks.conventions import conventions
from bptrace.checks.findings import kind_of
from bptrace.checks.gradients import Point
from bptrace.checks.graph import Canon
from bptrace.checks.mistakes import MISTAKES, Mistake, Step, Text, Variant
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import Expr, Num, Op, Ref, div, inline, refs
from bptrace.maths.own import activation_of
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Q = Quantity

NOTHING = 2.0**-40
"""Gradients that differ by less than this, relative to the largest of their layer, are the same."""


MOST_OUTPUTS = 100_000
"""Of more outputs, of all neurons and samples, mistakes on the way forward are not tried: each of
them calculates all functions anew (2 µs an output; 1,438 samples in 64-30-10 take 10 s)."""


MOST_SINGLE = 32
"""Of batches up to so many samples each is tried alone and left out; of larger ones two."""


class Mistaken(NamedTuple):
    """One mistake made everywhere, and what the gradients are then.

    Attributes
    ----------
    mistake : str
        Name in the table of mistakes, or of a convention.
    title : (str, str)
        What it is in general, English and Chinese.
    wording, fields : str, mapping
        Which of the entry's sentences, and what stands in it; "" for a convention.
    place : Address
        The first quantity that is calculated wrongly.
    layers : tuple of int
        Where it is; all layers that have such a quantity, or some of them.
    everywhere : bool
        Whether these are all of them.
    gradients : array of float
        ∂E/∂w and ∂E/∂b in the order of the log; missing connections are 0.
    """

    mistake: str
    title: Text
    wording: str
    fields: Mapping[str, object]
    place: Address
    layers: tuple[int, ...]
    everywhere: bool
    gradients: Array


def mistaken_gradients(point: Point) -> Iterator[Mistaken]:
    """Yield the gradients at `point` (see `gradients.point_of`) with each mistake made everywhere.

    In the order of calculation and of the table, the same in every run; what changes nothing or
    gives no finite numbers is left out.
    """
    figures = figures_of(point)
    right = Calculation(figures)
    limits = _limits(figures, right.gradients)
    for claim in _all(figures):
        try:
            found = Calculation(figures, claim.changes, right).gradients * claim.factor
        except Impossible:
            continue
        if not _is_new(found, right.gradients, limits):
            continue
        place = _given(claim.place, point)
        fields = {name: _given(value, point) for name, value in claim.fields.items()}
        yield Mistaken(
            claim.mistake, claim.title, claim.wording, fields, place, claim.layers,
            claim.everywhere, found,
        )  # fmt: skip


def forward_is_tried(figures: Figures) -> bool:
    """Whether mistakes on the way forward are among those tried: see `MOST_OUTPUTS`."""
    return figures.samples * sum(figures.problem.network.widths[1:]) <= MOST_OUTPUTS


@dataclass(frozen=True)
class _Claim:
    """A mistake before its gradients are calculated."""

    mistake: str
    title: Text
    wording: str
    fields: Mapping[str, object]
    place: Address
    changes: Mapping[Node, Change]
    everywhere: bool = True
    factor: float = 1.0

    @property
    def layers(self) -> tuple[int, ...]:
        return tuple(sorted(node.layer for node in self.changes))


def _limits(figures: Figures, right: Array) -> Array:
    """How far a gradient has to be from the right one to be another number."""
    import numpy as np

    found = np.zeros(len(right))
    for parts, sizes in zip(
        matrices(figures.problem.network, found), matrices(figures.problem.network, np.abs(right)),
        strict=True,
    ):  # fmt: skip
        for part, size in zip(parts, sizes, strict=True):
            part[:] = NOTHING * size.max() if size.size else 0.0
    return found


def _is_new(found: Array, right: Array, limits: Array) -> bool:
    import numpy as np

    return bool(np.isfinite(found).all() and (np.abs(found - right) > limits).any())


def _given(value: Any, point: Point) -> Any:
    """Return an address, or a formula, of the twin as one of the problem: its sample and step."""
    if isinstance(value, Address):
        sample = point.samples[0] if value.sample else 0
        step = point.step if value.step else 0
        of = _given(value.of, point)
        return value._replace(sample=sample, step=step, of=of)
    if isinstance(value, Ref):
        return Ref(_given(value.key, point))
    if isinstance(value, Op):
        return Op(value.name, tuple(_given(arg, point) for arg in value.args), value.role)
    return value


# ----------------------------------------------------------------------------- what there is


def _all(figures: Figures) -> Iterator[_Claim]:
    written = list(_written(figures))
    yield from _conventional(figures, written)
    yield from _transposed(figures)
    for kind in dict.fromkeys(step.node.kind for step in written):
        if kind in FORWARD and not forward_is_tried(figures):
            continue
        for entry in MISTAKES:
            if entry.variants is not None and entry.name != "transposed":
                yield from _of_entry(figures, entry, [s for s in written if s.node.kind == kind])


class _Written(NamedTuple):
    """A formula of the twin, and where it belongs."""

    node: Node
    step: Step


def _written(figures: Figures) -> Iterator[_Written]:
    """Yield every kind of formula of every layer, in order of calculation."""
    twin = figures.twin
    chapter, canon = Chapter(twin), Canon(twin)

    def path(key: Hashable) -> Expr | None:
        assert isinstance(key, Address)
        is_path = key.quantity is Q.D_OUT and key.of is not None and key.of.quantity is Q.E_K
        equation = chapter.equation(key) if is_path else None
        return None if equation is None else canon.expr(equation.expr)

    for key in _keys(figures):
        equation = chapter.equation(key)
        if equation is None:
            continue
        for expr in (equation.expr, *equation.forms[:1]):
            if expr is equation.expr or key.quantity is Q.D_IN:  # δ also by the chain rule
                written = inline(canon.expr(expr), path)
                yield _Written(node_of(key), Step(twin, key, written, canon))


def _keys(figures: Figures) -> Iterator[Address]:
    """Yield what the formulas are of: the first neuron, weight and bias of each layer."""
    layers = figures.problem.network.layers
    forward = range(1, figures.depth + 1)
    for l in forward:
        net = Address(Q.IN, l, 1, sample=1, step=1)
        yield net
        yield net._replace(quantity=Q.OUT)
    for l in reversed(forward):
        net = Address(Q.IN, l, 1, sample=1, step=1)
        out = net._replace(quantity=Q.OUT)
        weight = net._replace(quantity=Q.W, source=1)
        if l < figures.depth or not activation_of(layers[l]).is_of_layer:
            yield partial(None, out)
        yield partial(out, net)
        yield partial(None, net)
        if l > 1:
            yield partial(net, out._replace(layer=l - 1))
        parameters = [weight] + [net._replace(quantity=Q.B)] * bool(layers[l].biases)
        yield partial(net, weight)
        yield from (partial(None, p) for p in parameters)
        if figures.twin.training.batch > 1 and figures.samples == figures.twin.training.batch:
            yield from (partial(None, p)._replace(sample=0) for p in parameters)


def _of_entry(figures: Figures, entry: Mistake, written: list[_Written]) -> Iterator[_Claim]:
    """Yield one entry of the table at one kind of formula: everywhere, then layer by layer."""
    found: dict[Hashable, dict[int, tuple[_Written, Variant]]] = {}
    for place in written:
        for variant in _variants(figures, entry, place.step):
            assert isinstance(place.step.key, Address)
            alike = (
                variant.wording,
                tuple(_likeness(value, place.step.key) for value in variant.fields.values()),
            )
            found.setdefault(alike, {}).setdefault(place.node.layer, (place, variant))
    everyone = {place.node.layer for place in written}
    for layers in found.values():
        for some in _scopes(sorted(layers), figures.depth):
            place, variant = layers[some[0]]
            changes: dict[Node, Change] = {}
            for l in some:
                there, changed = layers[l]
                assert isinstance(there.step.key, Address)
                changes[there.node] = Formula(there.step.key, changed.expr)
            assert isinstance(place.step.key, Address)
            yield _Claim(
                entry.name, entry.title, variant.wording, variant.fields, place.step.key, changes,
                set(some) == everyone,
            )  # fmt: skip


def _scopes(layers: list[int], depth: int) -> Iterator[tuple[int, ...]]:
    """Yield all layers, those that are hidden, and each alone; each set once."""
    hidden = [l for l in layers if l < depth]
    yield from dict.fromkeys(
        [tuple(layers), *([tuple(hidden)] if hidden else []), *((l,) for l in layers)]
    )


def _variants(figures: Figures, entry: Mistake, step: Step) -> Iterator[Variant]:
    """Yield the variants of a formula that mean the same in the whole network as in the twin."""
    assert entry.variants is not None
    has_block = _count(figures, step.expr) > 1
    for variant in entry.variants(step):
        if any(_count(figures, value) > 1 for value in variant.fields.values()):
            continue  # one neuron is meant, not all for which it stands
        if (entry.name, variant.wording) == ("operator", "times") and has_block:
            continue  # a product of hundreds of terms
        if entry.name == "average" and has_block:
            yield _true_mean(figures, variant)
        elif variant.expr != step.expr:
            yield variant


def _count(figures: Figures, value: object) -> int:
    """How many neurons the last neuron in a formula stands for; 1 if it is one."""
    if isinstance(value, Op | Ref):
        return max((_count(figures, key) for key in refs(value)), default=1)
    if not isinstance(value, Address) or value.quantity in (Q.T, Q.E_K, Q.E, Q.ETA):
        return 1
    sizes = [len(figures.block(value.layer, value.neuron))]
    if value.source:
        sizes.append(len(figures.block(value.layer - 1, value.source)))
    return max(*sizes, _count(figures, value.of), 1)


def _true_mean(figures: Figures, variant: Variant) -> Variant:
    """Divide by the number of terms that the sum has in the whole network."""
    number = Num(1.0)

    def counted(expr: Expr) -> Expr:
        nonlocal number
        if not isinstance(expr, Op):
            return expr
        head = expr.args[0]
        if expr.name == "div" and isinstance(head, Op) and head.name == "add":
            number = Num(float(sum(_count(figures, term) for term in head.args)))
            return div(head, number, role=expr.role)
        return Op(expr.name, tuple(counted(arg) for arg in expr.args), expr.role)

    expr = counted(variant.expr)
    return Variant(expr, variant.wording, {"x": number})


def _likeness(value: object, key: Address) -> Hashable:
    """Return what a field has in common with that of the same mistake at another place."""
    if isinstance(value, Address):
        return kind_of(value), value.layer - key.layer if value.layer else 0
    if isinstance(value, Ref):
        return _likeness(value.key, key)
    if isinstance(value, Op):
        return value.name, tuple(_likeness(arg, key) for arg in value.args)
    return 0 if isinstance(value, int) else value  # which other sample it is makes no difference


# ------------------------------------------------------------- what no formula of one neuron says


def _transposed(figures: Figures) -> Iterator[_Claim]:
    """Yield W read as Wᵀ between layers of equal width, on the way forth or back."""
    widths = figures.problem.network.widths
    layers = [l for l in range(1, len(widths)) if widths[l] == widths[l - 1]]
    entry = MISTAKES.get("transposed")
    back = [l for l in layers if l > 1]
    for kind, chosen, change in (("in", layers, _forth), ("connection", back, _back)):
        for some in _scopes(chosen, len(widths)) if chosen else ():
            net = Address(Q.IN, some[0], 1, sample=1, step=1)
            place = net
            if kind == "connection":
                place = partial(net, net._replace(quantity=Q.OUT, layer=some[0] - 1))
            changes: dict[Node, Change] = {Node(kind, l): change(l) for l in some}
            yield _Claim(entry.name, entry.title, "all", {}, place, changes, some == tuple(chosen))


def _forth(l: int) -> Callable[[Calculation], Array]:
    def nets(calculation: Calculation) -> Array:
        weights, biases = (x[l - 1] for x in (calculation.figures.weights,
                                              calculation.figures.biases))  # fmt: skip
        found: Array = calculation.value(Node("out", l - 1)) @ weights
        return found + biases if len(biases) else found

    return nets


def _back(l: int) -> Callable[[Calculation], Array]:
    return lambda calculation: calculation.figures.weights[l - 1].T[None]


def _conventional(figures: Figures, written: list[_Written]) -> Iterator[_Claim]:
    """Yield what a page may mean differently, if gradients depend on it."""
    first = Address(Q.D_W, 1, 1, 1, sample=0, step=1)
    for convention in conventions(figures.twin):
        changes: dict[Node, Change] = {}
        for place in written:
            key, expr = place.step.key, place.step.expr
            assert isinstance(key, Address)
            is_form = place.node in changes
            if convention.rewrite is None or is_form or place.node.kind.startswith("batch"):
                continue
            if (new := convention.rewrite(key, expr)) != expr:
                changes[place.node] = Formula(key, new)
        if changes:
            nodes = list(changes.values())
            assert isinstance(nodes[0], Formula)
            yield _Claim(convention.name, convention.title, "", {}, nodes[0].key, changes)
    if figures.samples > 1:
        n = float(figures.samples)
        title = ("mean and sum over the batch are exchanged", "批内求和与平均互换")
        factor = n if figures.mean else 1.0 / n
        yield _Claim("other-reduction", title, "", {}, first, {}, factor=factor)
        yield from _of_some_samples(figures, first)


def _of_some_samples(figures: Figures, first: Address) -> Iterator[_Claim]:
    """Yield what a sum over the batch is that is overwritten, or one sample short."""
    n = figures.samples
    chosen = range(n) if n <= MOST_SINGLE else (0, n - 1)
    for s in chosen:
        number = int(figures.order[s]) + 1
        alone = (f"only sample {number} of the batch is counted", f"批内只计入了样本 {number}")
        short = (f"sample {number} of the batch is left out", f"批内漏了样本 {number}")
        some: dict[str, tuple[Text, list[int]]] = {
            "one-sample": (alone, [s]),
            "sample-left-out": (short, [k for k in range(n) if k != s]),
        }
        for name, (title, samples) in some.items():
            changes: dict[Node, Change] = {}
            for l in range(1, figures.depth + 1):
                changes[Node("batch weight", l)] = _weights_of(l, samples)
                changes[Node("batch bias", l)] = _biases_of(l, samples)
            for factor in (1.0, 1.0 / n) if figures.mean else (1.0,):
                yield _Claim(name, title, "", {}, first, changes, factor=factor)


def _weights_of(l: int, samples: list[int]) -> Callable[[Calculation], Array]:
    def summed(calculation: Calculation) -> Array:
        deltas, inputs = calculation.value(Node("by net", l)), calculation.value(Node("out", l - 1))
        found: Array = deltas[samples].T @ inputs[samples]
        return found

    return summed


def _biases_of(l: int, samples: list[int]) -> Callable[[Calculation], Array]:
    def summed(calculation: Calculation) -> Array:
        found: Array = calculation.value(Node("by bias", l))[samples].sum(axis=0)
        return found

    return summed
