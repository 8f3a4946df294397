"""The networks that are measured: sigmoid, half-squared error, one sample per update."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

# Steps of one measurement, so that each takes some 20 ms compiled; plain Python gets fewer.
STEPS = {(2, 2, 2): 100_000, (2, 10, 10, 1): 30_000, (784, 30, 10): 300}


def build(widths: tuple[int, ...], samples: int = 8) -> Problem:
    """Return a network with drawn weights, biases and samples, the same ones every time."""
    draw = Random(0)

    def row(n: int) -> tuple[float, ...]:
        return tuple(draw.uniform(-0.5, 0.5) for _ in range(n))

    layers = (Layer(n, activation="sigmoid", biases=n) for n in widths[1:])
    return Problem(
        Network((Layer(widths[0]), *layers)),
        Parameters(
            tuple(tuple(row(m) for _ in range(n)) for m, n in pairwise(widths)),
            tuple(row(n) for n in widths[1:]),
        ),
        tuple(Sample(row(widths[0]), row(widths[-1])) for _ in range(samples)),
        Training("gradient-descent", learning_rate=0.1),
    )
