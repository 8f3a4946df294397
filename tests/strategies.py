"""Hypothesis strategies: whole problems, as nasty as valid ones can be.

No two layers are equally wide, biases are never zero, and all activations, losses and ways to have
biases take their turn: equal widths, zeros and sigmoids alone have hidden wrong gradients before.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from formulas import as_text, formulas
from hypothesis import strategies as st

from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.losses import LOSSES, Loss, suits
from bptrace.maths.rules import RULES
from bptrace.maths.schedules import SCHEDULES
from bptrace.maths.schedules import Schedule as Entry
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Schedule, Training

MODERATE = st.floats(-2.0, 2.0, allow_subnormal=False)
ANY_FINITE = st.floats(allow_nan=False, allow_infinity=False)
MOSTLY_HUGE = st.one_of(MODERATE, ANY_FINITE, st.sampled_from([0.0, -0.0, 1e200, -1e308, 5e-324]))


@st.composite
def layers(draw: st.DrawFn, activations: tuple[Activation, ...]) -> tuple[Layer, ...]:
    """Draw an input layer and one to four more."""
    widths = draw(st.lists(st.integers(1, 6), min_size=2, max_size=5, unique=True))
    drawn = [Layer(widths[0])]
    for before, size in pairwise(widths):
        entry = draw(st.sampled_from(activations))
        option = None
        if entry.option:
            option = draw(st.none() | st.floats(max(entry.limits[0], -2.0), entry.limits[1]))
        biases = draw(st.sampled_from([0, 1, size]))
        mask = draw(st.just(()) | masks(size, before, biases))
        drawn.append(Layer(size, activation=entry.name, option=option, biases=biases, mask=mask))
    return tuple(drawn)


@st.composite
def masks(draw: st.DrawFn, size: int, before: int, biases: int) -> tuple[tuple[bool, ...], ...]:
    """Draw which connections are there; a neuron without a bias keeps at least one."""
    rows = []
    for _ in range(size):
        row = draw(st.lists(st.booleans(), min_size=before, max_size=before))
        if not biases and not any(row):
            row[draw(st.integers(0, before - 1))] = True
        rows.append(tuple(row))
    return tuple(rows)


@st.composite
def parameters(draw: st.DrawFn, network: Network, numbers: st.SearchStrategy[float]) -> Parameters:
    """Draw weights (0 where there is no connection) and biases (never 0)."""
    weights, biases = [], []
    for l, layer in enumerate(network.layers[1:], 1):
        rows = []
        for j in range(1, layer.size + 1):
            row = draw(_row(network.widths[l - 1], numbers))
            rows.append(
                tuple(w if network.connected(l, j, i) else 0.0 for i, w in enumerate(row, 1))
            )
        weights.append(tuple(rows))
        biases.append(draw(_row(layer.biases, numbers.map(lambda b: b or 0.5))))
    return Parameters(tuple(weights), tuple(biases))


def _row(n: int, numbers: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[float, ...]]:
    return st.lists(numbers, min_size=n, max_size=n).map(tuple)


@st.composite
def problems(
    draw: st.DrawFn,
    numbers: st.SearchStrategy[float] = MODERATE,
    activations: tuple[Activation, ...] = tuple(ACTIVATIONS),
    losses: tuple[str, ...] = LOSSES.names,
    rules: tuple[str, ...] = RULES.names,
    always_learns: bool = False,
    suited: bool = True,
) -> Problem:
    """Draw a network with samples and training.

    `always_learns`: targets and a rule are there. `suited`: the loss suits the outputs, and the
    targets are such as it is meant for, so that moderate numbers have finite errors and slopes.
    """
    drawn = draw(layers(activations))
    entries = [LOSSES.get(name) for name in losses]
    if suited:
        entries = [entry for entry in entries if _suits(entry, drawn[-1])]
    loss = draw(st.sampled_from(entries))
    network = Network(drawn, loss.name, train_biases=draw(st.booleans()))
    has_targets = always_learns or draw(st.integers(0, 9)) > 0
    targets = numbers
    if suited:
        low, high = max(loss.targets[0], -2.0), min(loss.targets[1], 2.0)
        targets = st.floats(low, high, allow_subnormal=False) | st.sampled_from([low, 0.0, 1.0])
    sample = st.builds(
        Sample, _row(network.widths[0], numbers), _row(network.widths[-1] * has_targets, targets)
    )
    samples = draw(st.lists(sample, min_size=1, max_size=4))
    batch = draw(st.integers(1, len(samples)))
    rule = draw(st.sampled_from(rules)) if always_learns or draw(st.integers(0, 9)) else ""
    training = Training(
        rule=rule,
        learning_rate=draw(st.floats(0.01, 1.0)),
        batch=batch,
        reduction=draw(st.sampled_from(["sum", "mean"])),
        steps=draw(st.integers(1, 4)),
        order=draw(st.sampled_from(["file", "shuffled"]) | orders(len(samples), batch)),
        seed=draw(st.integers(0, 2**64 - 1)),
        options=draw(_options(rule)),
        weight_decay=draw(st.none() | st.floats(0.01, 0.5)),
        schedule=draw(st.none() | _SCHEDULES),
    )
    return Problem(network, draw(parameters(network, numbers)), tuple(samples), training)


@st.composite
def orders(draw: st.DrawFn, n: int, batch: int) -> tuple[int, ...]:
    """Draw a list of samples, none of them twice in a batch; only the last batch may be smaller."""
    sizes = [*[batch] * draw(st.integers(0, 2)), draw(st.integers(1, batch))]
    numbers = [draw(st.permutations(range(1, n + 1)))[:size] for size in sizes]
    return tuple(number for some in numbers for number in some)


@st.composite
def with_formulas(
    draw: st.DrawFn, numbers: st.SearchStrategy[float] = MODERATE, leaves: int = 8
) -> Problem:
    """Draw a problem in which some layers, at least one, have an own formula."""
    problem = draw(problems(numbers))
    layers = list(problem.network.layers)
    for l in draw(st.sets(st.integers(1, len(layers) - 1), min_size=1)):
        text = as_text(draw(formulas(leaves)))
        layers[l] = replace(layers[l], activation="", option=None, formula=text)
    return replace(problem, network=replace(problem.network, layers=tuple(layers)))


def _suits(loss: Loss, last: Layer) -> bool:
    """Whether errors are finite; a softmax of one neuron is 1, of which no 1 − a can be taken."""
    alone = last.activation == "softmax" and last.size == 1
    return suits(loss, ACTIVATIONS.get(last.activation)) and not (
        alone and loss.name == "binary-cross-entropy"
    )


def _options(rule: str) -> st.SearchStrategy[tuple[tuple[str, float], ...]]:
    """Some options of the rule, each from its range."""
    options = RULES.get(rule).options if rule else ()
    return (
        st.lists(st.sampled_from(options), unique=True).flatmap(
            lambda drawn: st.tuples(
                *(st.tuples(st.just(o.name), st.floats(0.01, 0.99)) for o in drawn)
            )
        )
        if options
        else st.just(())
    )


def _schedule(entry: Entry) -> st.SearchStrategy[Schedule]:
    numbers = {"factor": st.floats(0.25, 1.5), "end": st.floats(0.0, 0.5)}
    whole = st.integers(1, 3).map(float)
    options = st.tuples(
        *(st.tuples(st.just(name), numbers.get(name, whole)) for name, _ in entry.options)
    )
    return st.builds(Schedule, st.just(entry.name), options, st.booleans())


_SCHEDULES = st.one_of(
    st.sampled_from(tuple(SCHEDULES)).flatmap(_schedule),
    st.tuples(st.floats(0.01, 1.0), st.floats(0.01, 1.0)).map(
        lambda rates: Schedule(rates=((1, rates[0]), (3, rates[1])))
    ),
)
