"""Which way a run is calculated: chosen once, by what was measured, and named to whoever asks.

Every way gives the same bits (`docs/kernels.md` says what each is for).
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.tuples import NamedTuple

LINE = 8
"""Numbers of a line of the cache, and of the widest registers there are."""

FEWEST_TURNED = 64
"""Steps from which on moving weights into columns and back pays."""

NARROWEST = 4
"""Neurons, and sources, from which on the sums of several neurons are made side by side."""

STREAMED = 16 * 1024
"""Numbers of a record from which on it goes past the caches: more than fit beside the network."""

GATHERED = 16
"""Neurons from which on their outputs are calculated in a room of their own."""

MANY = 16
"""Sources from which on sums are made with vectors, which take some time to begin."""


class Loops(StrEnum):
    """What is compiled; each is shorter than one for everything (`kinds`)."""

    TINY = "tiny"
    SINGLE = "single samples"
    BATCHES = "batches"


class Weights(StrEnum):
    """When weights change, and where to their gradients go."""

    AFTER = "weights after their gradients"
    AT_ONCE = "weights at once"
    COLUMNS = "weights in columns"
    STREAMED = "log past the caches"
    INSIDE = "weights in the log"


class Way(NamedTuple):
    """How a run is calculated.

    Attributes
    ----------
    loops : Loops
    weights : Weights
    log : bool
        Whether records are kept.
    """

    loops: Loops
    weights: Weights
    log: bool

    def __str__(self) -> str:
        return f"{self.loops}, {self.weights}"


def choose(
    problem: Problem, steps: int, log: bool, in_place: bool = False, checkpoints: bool = False
) -> Way:
    """Return how to run `steps` steps of `problem`, with or without records of them.

    `in_place` says that a slice of the log is the log, not a copy: so it is in compiled code.
    With `checkpoints` the weights have to stand where they belong also between the steps.
    """
    weights = _weights(problem, steps, log, in_place)
    if checkpoints and weights == Weights.COLUMNS:
        weights = Weights.AT_ONCE
    return Way(_loops(problem), weights, log)


def _loops(problem: Problem) -> Loops:
    layers = problem.network.layers
    if problem.training.batch > 1 or any(layer.formula for layer in layers):
        return Loops.BATCHES
    small = _has_small_layers(problem) and not is_large(problem)
    return Loops.SINGLE if _any_is_wide(problem) or not small else Loops.TINY


def _weights(problem: Problem, steps: int, log: bool, in_place: bool) -> Weights:
    single, at_once = problem.training.batch == 1, _can_be_at_once(problem)
    large = is_large(problem)
    if log and single and large and at_once:
        return Weights.STREAMED
    if log and single and not large and in_place and _has_small_layers(problem):
        return Weights.INSIDE
    if log or not at_once:
        return Weights.AFTER
    return Weights.COLUMNS if _can_be_turned(problem, steps) else Weights.AT_ONCE


def is_large(problem: Problem) -> bool:
    """Whether a record goes past the caches to the log."""
    return problem.layout.size >= STREAMED


def is_wide(layer: Layer, sources: int) -> bool:
    """Whether the sums of a layer are made with vectors: no small layer, no missing connection."""
    many = layer.size >= LINE or sources >= MANY
    return many and min(layer.size, sources) >= NARROWEST and not layer.mask


def _any_is_wide(problem: Problem) -> bool:
    """Whether any layer is wide."""
    layers = problem.network.layers
    return any(is_wide(layer, before.size) for before, layer in pairwise(layers))


def _has_small_layers(problem: Problem) -> bool:
    """Whether no layer needs room for its outputs, which there is not between records of a log."""
    return all(layer.size < GATHERED for layer in problem.network.layers)


def _can_be_at_once(problem: Problem) -> bool:
    """Whether the gradient of a weight is used for nothing but its update, without decay."""
    rule = problem.rule
    return (
        rule is not None
        and rule.local is None
        and problem.learns
        and not problem.layout.shape.memory
        and not _decays(problem)
        and not any(layer.mask for layer in problem.network.layers)
    )


def _decays(problem: Problem) -> bool:
    given = problem.training.weight_decay
    return (
        problem.rule is not None and (problem.rule.weight_decay if given is None else given) != 0.0
    )


def _can_be_turned(problem: Problem, steps: int) -> bool:
    """Whether the weights of the first layer go into columns for a run without a log."""
    inputs, layer = problem.network.layers[:2]
    few = steps < FEWEST_TURNED or problem.training.batch > 1
    return not few and min(layer.size, inputs.size) >= LINE


def smallest(loops: Loops, formula: str = "") -> Problem:
    """Return one step of a problem that these loops calculate; `formula` is its activation."""
    m = MANY if loops == Loops.SINGLE else 1
    n, batch = min(m, NARROWEST), 2 if loops == Loops.BATCHES else 1
    layer = Layer(n, activation="sigmoid", biases=n, formula=formula)
    return Problem(
        Network((Layer(m), layer)),
        Parameters(((((0.5,) * m,) * n),), ((0.25,) * n,)),
        (Sample((1.0,) * m, (0.5,) * n),) * batch,
        Training("gradient-descent", 0.5, batch=batch),
    )
