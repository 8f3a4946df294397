"""One step of a calculation as whole arrays, and a narrow twin of its network to write formulas on.

A formula of the chapter is about one neuron; read with arrays it is about all neurons of a layer at
once, for all samples of a batch. So that formulas stay short, hidden layers of the `twin` are
narrow: its last neuron there stands for all that are left out (a `block`). Not responsible for what
is calculated from the arrays (`arrays`), nor for mistakes (`mistaken`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bptrace.address import Quantity
from bptrace.checks.gradients import Point
from bptrace.model import Network, Parameters, Problem, Sample, Training

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

WIDE = 6
"""Layers wider than this are narrow in the twin; the last layer never is, as losses know its n."""

NARROW = 3
MOST_SUMMED = 8
"""Of batches up to so many samples the sum over them is a formula, too."""


@dataclass(frozen=True)
class Figures:
    """What is given in one step, as arrays.

    Attributes
    ----------
    problem, twin : Problem
        As given, without missing connections (their weight is 0); and the narrow one.
    weights, biases : list of array
        Of layer l at l − 1, (n_out, n_in) and (n_biases,).
    new_weights, new_biases : list of array
        The same after the update; empty if there is none.
    x, t : array
        Of all samples of the file, (samples, n).
    order : array of int
        Those of the batch, from 0, then all others.
    samples : int
        How many are in the batch.
    mean : bool
        Whether gradients are divided by the number of samples.
    present : array of float
        For each parameter 1, or 0 for a missing connection.
    known : dict
        From the log: "in", "out" and "delta" of every layer, (batch, n).
    """

    problem: Problem
    twin: Problem
    weights: list[Array]
    biases: list[Array]
    new_weights: list[Array]
    new_biases: list[Array]
    x: Array
    t: Array
    order: NDArray[np.int64]
    samples: int
    mean: bool
    present: Array
    known: dict[tuple[str, int], Array]

    @property
    def depth(self) -> int:
        """The number of the last layer."""
        return self.problem.network.depth

    def block(self, l: int, neuron: int) -> list[int]:
        """Return which neurons (from 0) of layer l a neuron of the twin (from 1) stands for."""
        n, narrow = self.problem.network.widths[l], self.twin.network.widths[l]
        return list(range(neuron - 1, n)) if neuron == narrow < n else [neuron - 1]


def matrices(network: Network, flat: Any) -> tuple[list[Any], list[Any]]:
    """Cut an array in the order of the log: matrices (n_out, n_in), then rows of biases."""
    found: list[Any] = []
    at = 0
    for m, n in pairwise(network.widths):
        found.append(flat[at : at + n * m].reshape(n, m))
        at += n * m
    rows = []
    for layer in network.layers[1:]:
        rows.append(flat[at : at + layer.biases])
        at += layer.biases
    return found, rows


def figures_of(point: Point) -> Figures:
    """Return the arrays of the step at `point`."""
    import numpy as np

    problem, log, layout = point.problem, point.trace.log, point.problem.layout
    numbers = np.array(log, dtype=np.float64)
    network = problem.network
    n = layout.n_parameters
    weights, biases = matrices(network, numbers[:n])
    after = numbers[len(numbers) - layout.n_carried :][:n]
    new = matrices(network, after) if problem.learns and np.isfinite(after).all() else ([], [])
    parts = numbers[layout.samples : layout.samples + len(point.shown) * layout.sample_size]
    samples = problem.samples
    return Figures(
        problem=replace(problem, network=_without_masks(network)),
        twin=_twin(point, weights, biases),
        weights=weights,
        biases=biases,
        new_weights=new[0],
        new_biases=new[1],
        x=np.array([sample.x for sample in samples]),
        t=np.array([sample.t for sample in samples]),
        order=np.array([s - 1 for s in (*point.shown, *_others(point))]),
        samples=len(point.shown),
        mean=problem.training.reduction == "mean" and len(point.shown) > 1,
        present=_present(network, n),
        known=_known(problem, parts.reshape(len(point.shown), -1)),
    )


def _known(problem: Problem, parts: Any) -> dict[tuple[str, int], Array]:
    layout = problem.layout
    found = {}
    named = (("in", Quantity.IN), ("out", Quantity.OUT), ("delta", Quantity.D_IN))
    for name, quantity in named:
        at = layout.out_at if quantity is Quantity.OUT else layout.in_at
        start = layout.sample_starts[quantity]
        for l in range(quantity is not Quantity.OUT, problem.network.depth + 1):
            found[name, l] = parts[:, start + at[l] : start + at[l + 1]]
    return found


def _present(network: Network, n: int) -> Array:
    import numpy as np

    found = np.ones(n)
    for l, matrix in enumerate(matrices(network, found)[0], 1):
        if network.layers[l].mask:
            matrix[:] = np.array(network.layers[l].mask, dtype=np.float64)
    return found


def _without_masks(network: Network) -> Network:
    return replace(network, layers=tuple(replace(layer, mask=()) for layer in network.layers))


def _others(point: Point) -> list[int]:
    """The samples that are not in the batch."""
    batch = set(point.shown)
    return [s for s in range(1, len(point.problem.samples) + 1) if s not in batch]


def _twin(point: Point, weights: list[Array], biases: list[Array]) -> Problem:
    """The network with at most `NARROW` neurons where a layer is wide; the batch stands first."""
    network, training = point.problem.network, point.problem.training
    widths = [NARROW if n > WIDE else n for n in network.widths[:-1]] + [network.widths[-1]]
    layers = [
        replace(layer, size=n, biases=min(layer.biases, n), names=(), mask=(), weight_names=(),
                bias_names=())
        for layer, n in zip(network.layers, widths, strict=True)
    ]  # fmt: skip
    first = list(point.shown[:MOST_SUMMED]) if len(point.shown) <= MOST_SUMMED else [point.shown[0]]
    others = [s for s in (*point.shown, *_others(point)) if s not in first]
    chosen = [point.problem.samples[s - 1] for s in (first + others)[: max(NARROW, len(first))]]
    return Problem(
        replace(network, layers=tuple(layers)),
        Parameters(
            tuple(
                tuple(tuple(map(float, row[:m])) for row in matrix[:n])
                for matrix, (m, n) in zip(weights, pairwise(widths), strict=True)
            ),
            tuple(
                tuple(map(float, row[: layer.biases]))
                for row, layer in zip(biases, layers[1:], strict=True)
            ),
        ),
        tuple(Sample(sample.x[: widths[0]], sample.t) for sample in chosen),
        Training(
            rule=training.rule,
            learning_rate=training.learning_rate,
            batch=len(first),
            reduction=training.reduction,
        ),
    )
