"""The networks that are measured: sigmoid, half-squared error, biases, drawn numbers."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from random import Random

from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

RATE = 0.1
"""Learning rate for one sample; a batch of n takes a sum over n samples, and RATE / n."""


def build(
    widths: tuple[int, ...], samples: int = 8, batch: int = 1, activation: str = "sigmoid"
) -> Problem:
    """Return a network with drawn weights, biases and samples, the same ones every time.

    Weights of many inputs are small, so that sigmoids stay where they have a slope.
    """
    draw = Random(0)

    def row(n: int, size: float = 0.5) -> tuple[float, ...]:
        return tuple(draw.uniform(-size, size) for _ in range(n))

    layers = (Layer(n, activation=activation, biases=n) for n in widths[1:])
    return Problem(
        Network((Layer(widths[0]), *layers)),
        Parameters(
            tuple(
                tuple(row(m, min(0.5, 1.0 / sqrt(m))) for _ in range(n))
                for m, n in pairwise(widths)
            ),
            tuple(row(n) for n in widths[1:]),
        ),
        tuple(Sample(row(widths[0]), row(widths[-1])) for _ in range(samples)),
        Training("gradient-descent", learning_rate=RATE / batch, batch=batch),
    )


def name_of(widths: tuple[int, ...]) -> str:
    """Return "2-10-10-1"."""
    return "-".join(map(str, widths))
