"""Hypothesis strategies for networks, their parameters, samples, and whole problems.

Everything in the tables of `maths` takes its turn, new entries by themselves; no two layers are
equally wide and no bias is 0, as equal widths and zeros have hidden wrong gradients before. What
fails shrinks to what is easily calculated by hand: one layer, few neurons, a sigmoid, weights such
as 0.5.

Not responsible for how a network learns (`learning`), nor for what is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Final, TypeVar

from hypothesis import strategies as st

from bptrace.errors import BptraceError, UnknownName
from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.losses import LOSSES, Loss, suits
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.registry import Registry
from bptrace.testing.learning import Bounds, bounds, trainings

Numbers = st.SearchStrategy[float]
Entry = TypeVar("Entry", Activation, Loss)

BIASES: Final = ("none", "each", "shared")
"""Ways to have biases: no neuron has one, each has its own, all of a layer have one together."""

WHOLE_TABLE: Final = 10_000
"""So many decimals are drawn from a list, the nicest first; of more than that each is made."""


# --------------------------------------------------------------------------------------- numbers


def numbers(low: float = -2.0, high: float = 2.0, digits: int | None = 2) -> Numbers:
    """Draw numbers as people put them into examples; they shrink to 0.5, -0.5, 0.4 and so on.

    Parameters
    ----------
    low, high : float
        Closed bounds.
    digits : int or None
        Decimals; None: any float64, of which hardly one is short.

    Raises
    ------
    BptraceError
        If there is no such number.
    """
    coarse = _decimals(low, high, min(2, 2 if digits is None else digits))
    if digits is None:
        any_float = st.floats(low, high, allow_subnormal=False)
        return _from_list(coarse) | any_float if coarse else any_float
    if (high - low) * 10.0**digits <= WHOLE_TABLE:
        if not (table := _decimals(low, high, digits)):
            raise BptraceError(
                f"no number of {digits} decimals lies between {low:g} and {high:g}. "
                "Allow more digits, or wider bounds"
            )
        return _from_list(table)
    scale = 10**digits
    any_decimal = st.integers(ceil(low * scale), floor(high * scale)).map(lambda n: n / scale)
    return _from_list(coarse) | any_decimal if coarse else any_decimal


def _from_list(table: list[float]) -> Numbers:
    """Draw as `sampled_from` does, which would print the whole list wherever it is shown."""
    return st.integers(0, len(table) - 1).map(lambda place: table[place])


def _decimals(low: float, high: float, digits: int) -> list[float]:
    """All decimals within the bounds, those that are nice to calculate with first."""
    scale = 10**digits
    found = [n / scale for n in range(ceil(low * scale), floor(high * scale) + 1)]
    return sorted(found, key=_ugliness)


def _ugliness(x: float) -> tuple[bool, int, float, bool]:
    """0 last, as it hides what it multiplies; short ones first, near 0.5, positive."""
    return x == 0.0, len(f"{abs(x):g}".partition(".")[2]) or 1, abs(abs(x) - 0.5), x < 0.0


# -------------------------------------------------------------------------------------- networks


@dataclass(frozen=True)
class Choice:
    """What `networks` draws from: names only, as a strategy may be printed with all that it has.

    Attributes
    ----------
    layers, widths : (int, int)
        Closed bounds: layers after the input, neurons of each.
    losses, hidden : tuple of str
    outputs : tuple of tuple of str
        For each loss those of the last layer that suit it.
    biases : tuple of str
    variations : bool
    """

    layers: tuple[int, int]
    widths: tuple[int, int]
    losses: tuple[str, ...]
    hidden: tuple[str, ...]
    outputs: tuple[tuple[str, ...], ...]
    biases: tuple[str, ...]
    variations: bool


def networks(
    *,
    layers: Bounds = (1, 3),
    widths: Bounds = (1, 4),
    activations: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    losses: Sequence[str] | None = None,
    biases: Sequence[str] = BIASES,
    variations: bool = False,
) -> st.SearchStrategy[Network]:
    """Draw networks, no two layers of which are equally wide.

    Parameters
    ----------
    layers : int or (int, int)
        Layers after the input: so many, or between two numbers.
    widths : int or (int, int)
        Neurons of a layer; there have to be as many widths as layers with the input.
    activations : sequence of str, optional
        Names in the table; default: all of them.
    outputs : sequence of str, optional
        The same for the last layer; default: `activations`. Only those that suit the loss are
        drawn, so that errors and slopes are finite.
    losses : sequence of str, optional
        Default: all but "none".
    biases : sequence of str
        "none", "each" (one per neuron) or "shared" (one per layer).
    variations : bool
        Also missing connections, options of activations that are not the defaults, biases that are
        not trained, a softmax of a single neuron.

    Raises
    ------
    UnknownName
        For a name that its table does not have, with the nearest one.
    BptraceError
        If no network is like that.
    """
    for name in biases:
        if name not in BIASES:
            raise UnknownName("way to have biases", name, BIASES)
    how_many, wide = bounds("layers", layers), bounds("widths", widths, least=1)
    if wide[1] - wide[0] < how_many[1]:
        raise BptraceError(
            f"{how_many[1] + 1} layers with the input need as many different widths; "
            f"there are {wide[1] - wide[0] + 1} from {wide[0]} to {wide[1]}"
        )
    hidden = _entries(ACTIVATIONS, activations, first="sigmoid")
    last = hidden if outputs is None else _entries(ACTIVATIONS, outputs, first="sigmoid")
    asked = _entries(LOSSES, losses, first="half-squared")
    if losses is None:
        asked = tuple(loss for loss in asked if loss.name != "none")
    suited = [(loss.name, found) for loss in asked if (found := _suited(loss, last))]
    if not suited or not biases:
        raise BptraceError(
            f"no loss of {', '.join(e.name for e in asked)} suits outputs by "
            f"{', '.join(e.name for e in last)}. Allow another loss or another activation"
            if not suited
            else f"no way to have biases is allowed. Choose from {', '.join(BIASES)}"
        )
    drawn, of_loss = zip(*suited, strict=True)
    names = tuple(entry.name for entry in hidden)
    return _networks(Choice(how_many, wide, drawn, names, of_loss, tuple(biases), variations))


def _entries(table: Registry[Entry], names: Sequence[str] | None, first: str) -> tuple[Entry, ...]:
    """Return the entries of these names, or all; examples shrink to the `first` one."""
    if isinstance(names, str) or (names is not None and not names):
        raise BptraceError(f"{names!r}: a list of names of the kind {table.kind} is expected")
    if names is not None:
        return tuple(table.get(name) for name in names)
    return tuple(sorted(table, key=lambda entry: entry.name != first))


def _suited(loss: Loss, activations: Iterable[Activation]) -> tuple[str, ...]:
    return tuple(entry.name for entry in activations if suits(loss, entry))


@st.composite
def _networks(draw: st.DrawFn, choice: Choice) -> Network:
    """Draw from the outputs back to the inputs, so that what shrinks is a 2-1 network."""
    which = draw(st.integers(0, len(choice.losses) - 1))
    loss = LOSSES.get(choice.losses[which])
    free = list(range(choice.widths[0], choice.widths[1] + 1))
    drawn: list[tuple[Activation, int]] = []
    for layer in range(draw(st.integers(*choice.layers))):
        name = draw(st.sampled_from(choice.hidden if layer else choice.outputs[which]))
        entry = ACTIVATIONS.get(name)
        alone = choice.variations and (layer > 0 or loss.outputs[0] < 0.0)
        size = draw(st.sampled_from([n for n in free if n > 1 or alone or not entry.is_of_layer]))
        free.remove(size)
        drawn.append((entry, size))
    before = draw(st.sampled_from(free))
    layers = [Layer(before)]
    for entry, size in reversed(drawn):
        layers.append(draw(_layers(choice, entry, size, before)))
        before = size
    trains = draw(st.booleans().map(lambda b: not b)) if choice.variations else True
    return Network(tuple(layers), loss.name, train_biases=trains)


@st.composite
def _layers(draw: st.DrawFn, choice: Choice, entry: Activation, size: int, before: int) -> Layer:
    """Draw what a layer of one activation and size can have besides."""
    biases = {"none": 0, "shared": 1, "each": size}[draw(st.sampled_from(choice.biases))]
    if not choice.variations:
        return Layer(size, activation=entry.name, biases=biases)
    option = None
    if entry.option:
        option = draw(st.none() | st.floats(max(entry.limits[0], -2.0), entry.limits[1]))
    mask = draw(st.just(()) | masks(size, before, biases))
    return Layer(size, activation=entry.name, option=option, biases=biases, mask=mask)


@st.composite
def masks(draw: st.DrawFn, size: int, before: int, biases: int) -> tuple[tuple[bool, ...], ...]:
    """Draw which connections are there; a neuron without a bias keeps at least one.

    Parameters
    ----------
    size, before : int
        Neurons of the layer, and of the one before it.
    biases : int
        As in `Layer`.
    """
    rows = []
    for _ in range(size):
        row = draw(st.lists(st.booleans(), min_size=before, max_size=before))
        if not biases and not any(row):
            row[draw(st.integers(0, before - 1))] = True
        rows.append(tuple(row))
    return tuple(rows)


# -------------------------------------------------------------------- parameters, samples, problems


@st.composite
def parameters(draw: st.DrawFn, network: Network, numbers: Numbers | None = None) -> Parameters:
    """Draw weights (0 where there is no connection) and biases (never 0) of a network.

    Parameters
    ----------
    network : Network
    numbers : strategy of float, optional
        Default: `numbers`.
    """
    numbers = _numbers(numbers)
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


@st.composite
def samples(
    draw: st.DrawFn,
    network: Network,
    numbers: Numbers | None = None,
    targets: Numbers | None = None,
    classes: bool = False,
) -> Sample:
    """Draw one sample for a network: inputs, and targets such as its loss is meant for.

    Parameters
    ----------
    network : Network
    numbers : strategy of float, optional
        Inputs, and targets as far as the loss allows; default: `numbers`.
    targets : strategy of float, optional
        Targets, taken as they are.
    classes : bool
        Targets are 1 for one output and 0 for the others; a single output has either.
    """
    numbers = _numbers(numbers)
    n_in, n_out = network.widths[0], network.widths[-1]
    x = draw(_row(n_in, numbers))
    if classes:
        hot = draw(st.integers(0, max(1, n_out - 1)))
        return Sample(x, tuple(float(k == hot) for k in range(n_out)))
    low, high = LOSSES.get(network.loss).targets
    meant = numbers.map(lambda t: min(max(t, low), high)) if targets is None else targets
    return Sample(x, draw(_row(n_out, meant)))


def _numbers(given: Numbers | None) -> Numbers:
    return _USUAL if given is None else given


_USUAL = numbers()


def _row(n: int, numbers: Numbers) -> st.SearchStrategy[tuple[float, ...]]:
    return st.tuples(*[numbers] * n)


def problems(
    network: Network | st.SearchStrategy[Network] | None = None,
    training: Training | st.SearchStrategy[Training] | None = None,
    *,
    numbers: Numbers | None = None,
    targets: Numbers | None = None,
    classes: bool = False,
    count: Bounds | None = None,
) -> st.SearchStrategy[Problem]:
    """Draw whole problems: a network, parameters, samples and training.

    Parameters
    ----------
    network : Network or strategy, optional
        Default: `networks`.
    training : Training or strategy, optional
        Default: `trainings`, gradient descent with one update by up to three samples.
    numbers, targets, classes
        As for `parameters` and `samples`.
    count : int or (int, int), optional
        Samples; default: as many as make a batch, or as the training asks for.

    Returns
    -------
    strategy of Problem
        What `bptrace.run`, `bptrace.check` and the assertions of this package take.

    Raises
    ------
    BptraceError
        If `count` is no number of samples.
    """
    drawn = networks() if network is None else network
    how = trainings() if training is None else training
    return _problems(
        st.just(drawn) if isinstance(drawn, Network) else drawn,
        st.just(how) if isinstance(how, Training) else how,
        (numbers, targets, classes),
        None if count is None else bounds("count", count),
    )


@st.composite
def _problems(
    draw: st.DrawFn,
    network: st.SearchStrategy[Network],
    training: st.SearchStrategy[Training],
    of_samples: tuple[Numbers | None, Numbers | None, bool],
    count: tuple[int, int] | None,
) -> Problem:
    net, how = draw(network), draw(training)
    needed = max([how.batch, *(() if isinstance(how.order, str) else how.order)])
    low, high = (max(needed, n) for n in count or (needed, needed))
    rows = draw(st.lists(samples(net, *of_samples), min_size=low, max_size=high))
    return Problem(net, draw(parameters(net, of_samples[0])), tuple(rows), how)
