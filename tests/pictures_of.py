"""Small problems whose pictures are drawn in tests."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training


def network(
    widths: tuple[int, ...] = (2, 3, 1),
    samples: tuple[Sample, ...] = (),
    batch: int = 2,
    steps: int = 7,
    reduction: str = "sum",
) -> Problem:
    """A network of tanh and sigmoid with numbers from a fixed seed, and five samples."""
    random = Random(7)
    layers = [Layer(widths[0], names=tuple("xyzuv"[: widths[0]]))]
    layers += [Layer(n, activation="tanh", biases=n) for n in widths[1:-1]]
    layers += [Layer(widths[-1], activation="sigmoid", biases=widths[-1])]
    weights = tuple(
        tuple(tuple(random.uniform(-2, 2) for _ in range(m)) for _ in range(n))
        for m, n in pairwise(widths)
    )
    biases = tuple(tuple(random.uniform(-1, 1) for _ in range(n)) for n in widths[1:])
    return Problem(
        Network(tuple(layers)),
        Parameters(weights, biases),
        samples or points(widths[0], widths[-1], 5),
        Training("gradient-descent", 0.5, batch, reduction, steps),
    )


def points(n_inputs: int, n_outputs: int, count: int, seed: int = 3) -> tuple[Sample, ...]:
    """Samples whose class depends on the first input: 0/1 of one output, one of several else."""
    random = Random(seed)
    samples = []
    for s in range(count):
        x = tuple(random.uniform(-1, 1) for _ in range(n_inputs))
        kind = s % max(2, n_outputs)
        t = (float(kind),) if n_outputs == 1 else tuple(float(k == kind) for k in range(n_outputs))
        samples.append(Sample((x[0] + 2 * kind, *x[1:]), t))
    return tuple(samples)
