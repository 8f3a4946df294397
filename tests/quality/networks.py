"""Random networks that are hard for whoever judges gradients: tiny, huge and saturated numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.losses import LOSSES, suits
from bptrace.maths.own import activation_of
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

Draw = Callable[[Random], float]


def _between(scale: float) -> Draw:
    return lambda rng: rng.uniform(-scale, scale)


def _powers(least: float, most: float) -> Draw:
    """Numbers of every size from 10^least to 10^most, of both signs."""
    return lambda rng: rng.choice((-1.0, 1.0)) * 10.0 ** rng.uniform(least, most)


REGIMES: dict[str, Draw] = {
    "moderate": _between(1.5),
    "saturated": _between(30.0),
    "tiny": _powers(-12.0, -2.0),
    "huge": _powers(1.0, 7.0),
    "all sizes": _powers(-8.0, 4.0),
    "quarters": lambda rng: rng.randint(-6, 6) / 4.0,  # net inputs come to lie on kinks
    "limits of float64": _powers(-320.0, 300.0),
}
"""How weights, biases and inputs are drawn."""

OWN = ("x*x*x - x", "max(x, 1)*abs(x + 0.5)", "x/(1 + abs(x))", "exp(-x*x)", "sqrt(1 + x*x)")
"""Own formulas; the second has two kinks, the third a slope that has none at its |x|."""


def layer(rng: Random, size: int, own: bool) -> Layer:
    """Draw activation, option and biases of a layer; with own formulas or without."""
    biases = rng.choice((0, 1, size, size))
    if own and rng.random() < 0.15:
        return Layer(size, formula=rng.choice(OWN), activation="", biases=biases)
    entry = rng.choice(tuple(ACTIVATIONS))
    option = None
    if entry.option and rng.random() < 0.5:
        option = rng.uniform(max(entry.limits[0], -2.0), entry.limits[1])
    return Layer(size, activation=entry.name, option=option, biases=biases)


def network(rng: Random, most: int = 6, own: bool = True, square: bool = False) -> Network:
    """Draw layers of different widths, or two of one width, and a loss that suits the outputs."""
    widths = rng.sample(range(1, most + 1), rng.randint(2, 4))
    if square:
        widths = [most, most, *widths[1:]]
    layers = (Layer(widths[0]), *(layer(rng, size, own) for size in widths[1:]))
    last = activation_of(layers[-1])
    losses = [e.name for e in LOSSES if e.name != "none" and suits(e, last)]
    if widths[-1] == 1 and last.is_of_layer:  # its output is 1, of which no ln(1 - a) can be taken
        losses.remove("binary-cross-entropy")
    return Network(layers, rng.choice(losses), train_biases=rng.random() < 0.9)


def problem(
    rng: Random, regime: str, most: int = 6, own: bool = True, square: bool = False
) -> Problem:
    """Draw a network with samples, for one step over a batch."""
    number, shape = REGIMES[regime], network(rng, most, own, square)
    low, high = LOSSES.get(shape.loss).targets
    samples = tuple(
        Sample(
            tuple(number(rng) for _ in range(shape.widths[0])),
            tuple(
                rng.choice((0.0, 1.0, rng.uniform(max(low, -1.0), min(high, 1.0))))
                for _ in range(shape.widths[-1])
            ),
        )
        for _ in range(rng.randint(1, 3))
    )
    parameters = Parameters(
        tuple(
            tuple(tuple(number(rng) for _ in range(m)) for _ in range(n))
            for m, n in pairwise(shape.widths)
        ),
        tuple(tuple(number(rng) or 0.25 for _ in range(l.biases)) for l in shape.layers[1:]),
    )
    batch, reduction = rng.randint(1, len(samples)), rng.choice(("sum", "mean"))
    training = Training("gradient-descent", 0.1, batch=batch, reduction=reduction, steps=1)
    return Problem(shape, parameters, samples, training)
