"""A mistake made everywhere, as arrays: against formulas read neuron by neuron, in plain Python."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from effort import dear
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import problems

from bptrace.address import Address, Quantity
from bptrace.checks.arrays import figures as shapes
from bptrace.checks.arrays import mistaken
from bptrace.checks.arrays.calculation import Calculation, Formula, Impossible, Node, node_of
from bptrace.checks.arrays.figures import Figures, figures_of
from bptrace.checks.arrays.mistaken import mistaken_gradients
from bptrace.checks.gradients import Point, point_of
from bptrace.checks.graph import Canon
from bptrace.checks.mistakes import MISTAKES
from bptrace.errors import BptraceError
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import FLOATS, Ref, bind, refs
from bptrace.maths.losses import LOSSES
from bptrace.maths.rules import RULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from tests.quality.pages import problem as page
from tests.quality.pages import twin

BY_GRADIENT = tuple(rule.name for rule in RULES if rule.local is None)
WITH_ERROR = tuple(name for name in LOSSES.names if name != "none")
ROUNDING = 2.0**-30
"""Sums of at most 6·4 terms in another order, through at most 5 layers: each of the some 50
roundings on the way is below 2⁻⁵⁰ of the sums of absolute values, which `assume` keeps below 2¹⁴
times the largest gradient."""

Q = Quantity


class ByHand:
    """Formulas neuron by neuron: those of the first one are moved to all others of the layer."""

    def __init__(self, figures: Figures, changes: dict[Node, Formula]) -> None:
        self.figures, self.changes = figures, changes
        self.chapter, self.canon = Chapter(figures.twin), Canon(figures.twin)
        self.memo: dict[Address, float] = {}
        self.largest = 0.0

    def __call__(self, key: Hashable) -> float:
        assert isinstance(key, Address)
        key = self.canon(key)  # ∂E_k/∂in_k is δ_k
        if key not in self.memo:
            self.memo[key] = self._calculated(key)
            self.largest = max(self.largest, abs(self.memo[key]))
        return self.memo[key]

    def _calculated(self, key: Address) -> float:
        given = self.figures
        if key.quantity in (Q.W, Q.W_NEW):
            matrices = given.weights if key.quantity is Q.W else given.new_weights
            return float(matrices[key.layer - 1][key.neuron - 1, key.source - 1])
        if key.quantity in (Q.B, Q.B_NEW):
            rows = given.biases if key.quantity is Q.B else given.new_biases
            row = rows[key.layer - 1]
            return float(row[0 if len(row) == 1 else key.neuron - 1])
        if key.quantity is Q.T or (key.quantity is Q.OUT and key.layer == 0):
            sample = given.twin.samples[key.sample - 1]
            return (sample.t if key.quantity is Q.T else sample.x)[key.neuron - 1]
        changed = self._changed(key)
        if changed is None:
            equation = self.chapter.equation(key)
            assert equation is not None
            chained = any(Node(k, key.layer) in self.changes for k in ("by out", "slope"))
            is_delta = key.quantity is Q.D_IN and key.of is None
            form = equation.forms[:1] if chained and is_delta else ()
            return FLOATS.read(*form or (equation.expr,), self)
        places = {ref: Ref(self._moved(ref, key, changed.key)) for ref in refs(changed.expr)}
        return FLOATS.read(bind(changed.expr, places), self)

    def _changed(self, key: Address) -> Formula | None:
        if key.quantity is Q.D_IN and key.of is not None and key.of.neuron != key.neuron:
            return None  # of a softmax the slopes by a neuron's own net input are changed
        try:
            return self.changes.get(node_of(key))
        except Impossible:
            return None

    def _moved(self, ref: Address, key: Address, origin: Address) -> Address:
        """What `ref` in the formula of `origin` is in that of `key`."""
        if ref.of is not None:
            ref = ref._replace(of=self._moved(ref.of, key, origin))
        shifts = {key.layer: key.neuron - origin.neuron}
        if key.of is not None and origin.of is not None and key.of.layer != key.layer:
            shifts[key.of.layer] = key.of.neuron - origin.of.neuron
        if key.source:
            shifts[key.layer - 1] = key.source - origin.source
        if key.is_of_bias and len(self.figures.biases[key.layer - 1]) == 1:
            shifts = {}
        samples = len(self.figures.twin.samples)
        layer = self.figures.depth if ref.quantity in (Q.T, Q.E_K) else ref.layer
        neuron = self._around(layer, ref.neuron, shifts)
        source = ref.source and self._around(layer - 1, ref.source, shifts)
        moved = (ref.sample + key.sample - origin.sample - 1) % samples + 1
        sample = moved if ref.sample and key.sample else ref.sample
        return ref._replace(neuron=neuron, source=source, sample=sample)

    def _around(self, layer: int, neuron: int, shifts: dict[int, int]) -> int:
        n = self.figures.twin.network.widths[layer]
        return (neuron - 1 + shifts.get(layer, 0)) % n + 1

    def gradients(self) -> list[float]:
        addresses = list(self.figures.problem.layout.parameters())
        partials = {Q.W: Q.D_W, Q.B: Q.D_B}
        return [
            self(a._replace(quantity=partials[a.quantity], step=1, sample=0)) for a in addresses
        ]


def a_point(problem: Problem) -> Point:
    """The first step of the whole file as one batch: its samples are then numbered as they are."""
    training = replace(problem.training, batch=len(problem.samples), order="file", schedule=None)
    return point_of(replace(problem, training=training))


def with_error() -> st.SearchStrategy[Problem]:
    return problems(losses=WITH_ERROR, rules=BY_GRADIENT, always_learns=True)


@pytest.mark.ci
@dear(4)
@given(with_error(), st.integers(0, 999))
def test_arrays_are_what_the_formulas_say_neuron_by_neuron(problem: Problem, seed: int) -> None:
    figures = figures_of(a_point(problem))
    right = Calculation(figures)
    claims = [
        claim
        for claim in mistaken._all(figures)
        if claim.factor == 1.0 and all(isinstance(c, Formula) for c in claim.changes.values())
    ]
    for claim in Random(seed).choices(claims, k=10):
        if any(n.kind == "slope" for n in claim.changes) and claim.wording == "input":
            continue  # the input of the layer is a test of its own
        hand = ByHand(figures, claim.changes)  # type: ignore[arg-type]
        try:
            found = Calculation(figures, claim.changes, right).gradients
        except Impossible:
            continue
        try:
            with np.errstate(invalid="ignore"):  # what is not finite is left out below
                expected = np.array(hand.gradients()) * figures.present
        except (RecursionError, BptraceError, OverflowError):
            continue
        if not (np.isfinite(found).all() and np.isfinite(expected).all()):
            continue
        limit = ROUNDING * max(hand.largest, hand.largest**2)
        if hand.largest < 1e6:
            assert np.abs(found - expected).max() <= limit, (
                claim.mistake,
                claim.wording,
                claim.place,
                claim.fields,
            )


@dear(10)
@given(with_error())
def test_without_a_change_the_gradients_are_those_of_the_log(problem: Problem) -> None:
    point = a_point(problem)
    figures = figures_of(point)
    layout = point.problem.layout
    logged = np.array(point.trace.log[layout.gradients : layout.samples])
    assume(np.isfinite(logged).all())
    sizes = [abs(v).max() for v in figures.known.values() if v.size]
    size = max(1.0, *sizes, *(abs(w).max() for w in figures.weights))
    assume(size < 1e6)
    found = Calculation(figures).gradients
    assert np.abs(found - logged * figures.present).max() <= ROUNDING * size * size


@pytest.mark.ci
def test_in_wide_layers_the_same_mistakes_have_the_same_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last neuron of the twin stands for all others: compared with formulas of full length."""
    point = point_of(wide())
    narrow = {_name(m): m.gradients for m in mistaken_gradients(point)}
    monkeypatch.setattr(shapes, "WIDE", 100)
    full = {_name(m): m.gradients for m in mistaken_gradients(point)}
    assert len(narrow) > 300
    missing = [name for name in narrow if name not in full]
    assert not missing
    for name, gradients in narrow.items():
        size = np.abs(full[name]).max()
        assert np.abs(gradients - full[name]).max() <= ROUNDING * max(size, 1.0), name


def _name(made: mistaken.Mistaken) -> Hashable:
    fields = tuple(map(str, made.fields.values())) if made.mistake == "average" else ()
    return made.mistake, made.wording, _fields(made), made.place, made.layers, fields


def _fields(made: mistaken.Mistaken) -> Hashable:
    return tuple(mistaken._likeness(value, made.place) for value in made.fields.values())


def wide() -> Problem:
    """A 9-8-7-2 network with numbers that have no pattern."""
    rng = np.random.default_rng(5)
    widths = (9, 8, 7, 2)
    names = ("tanh", "softplus", "sigmoid")
    layers = [Layer(9)]
    layers += [Layer(n, activation=a, biases=n) for n, a in zip(widths[1:], names, strict=True)]
    weights = [rng.normal(0, 0.5, (n, m)) for m, n in pairwise(widths)]
    return Problem(
        Network(tuple(layers), "binary-cross-entropy"),
        Parameters(
            tuple(tuple(map(tuple, w.tolist())) for w in weights),  # type: ignore[misc]
            tuple(tuple(rng.uniform(0.1, 0.9, n).tolist()) for n in widths[1:]),
        ),
        tuple(Sample(tuple(rng.uniform(0.1, 0.9, 9).tolist()), (0.25, 1.0)) for _ in range(3)),
        Training("gradient-descent", 0.5, batch=2, reduction="mean", steps=3),
    )


def test_they_come_in_the_same_order_and_each_changes_something() -> None:
    point = point_of(wide(), step=2)
    layout = point.problem.layout
    logged = np.array(point.trace.log[layout.gradients : layout.samples])
    once, again = (list(mistaken_gradients(point)) for _ in range(2))
    assert [_name(m) for m in once] == [_name(m) for m in again]
    for made in once:
        assert np.isfinite(made.gradients).all()
        assert (made.gradients != logged).any()
        assert made.place.step == 2
        assert made.mistake not in MISTAKES or made.wording in MISTAKES.get(made.mistake).wordings


def test_of_huge_batches_the_way_back_is_tried_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mistaken, "MOST_OUTPUTS", 10)
    places = {m.place.quantity for m in mistaken_gradients(point_of(wide())) if m.wording}
    assert Q.D_OUT in places
    assert not places & {Q.IN, Q.OUT}


def test_every_scope_is_tried() -> None:
    scopes = {(m.layers, m.everywhere) for m in mistaken_gradients(point_of(wide()))}
    everywhere = {layers for layers, all_of_them in scopes if all_of_them}
    assert {(1, 2, 3), (1, 2), (3,)} <= {layers for layers, _ in scopes}
    assert (1, 2, 3) in everywhere


def test_transposed_weights_need_equal_widths() -> None:
    assert not any(m.mistake == "transposed" for m in mistaken_gradients(point_of(wide())))
    network = Network((Layer(2), Layer(2, activation="tanh", biases=2), Layer(2, biases=2)))
    parameters = Parameters(
        (((0.5, -0.25), (0.3, 0.4)), ((1.5, 0.7), (-0.2, 0.6))), ((0.1, 0.2), (0.3, 0.4))
    )
    point = point_of(Problem(network, parameters, (Sample((0.5, 1.0), (0.25, 0.5)),)))
    places = [m.place.positional for m in mistaken_gradients(point) if m.mistake == "transposed"]
    assert places == ["in[1,1]", "in[1,1]", "in[2,1]", "din[2,1]/dout[1,1]"]


@pytest.mark.ci
def test_small_networks_of_every_kind_have_mistakes_of_every_kind() -> None:
    """What cannot change a gradient is left to the steps of an update, to E and to the pen."""
    made = set()
    for seed in range(10):
        drawn = twin(Random(seed), page(Random(seed), several=True))
        made |= {m.mistake for m in mistaken_gradients(point_of(drawn))}
    expected = {"sign", "drop-factor", "drop-term", "constant", "index", "role", "derivative",
                "activation", "operator", "average", "updated-weight", "shared-bias",
                "other-sample"}  # fmt: skip
    assert expected <= made
