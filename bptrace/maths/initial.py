"""Ways to draw first weights: one entry each.

Only `random.Random(seed).random()` is used, whose sequence Python promises to keep, and only
operations that every machine rounds alike: the same seed gives the same bits everywhere. How many
numbers are drawn, and in which order, is `draw_layer`'s part; where they go is the caller's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bptrace.maths import ieee
from bptrace.registry import Registry
from bptrace.tuples import NamedTuple

Row = tuple[float, ...]


class Fans(NamedTuple):
    """Connections of a layer: `n_in` lead into each neuron, `n_out` out of each source."""

    n_in: int
    n_out: int


class Numbers:
    """Random numbers of one seed, one after the other.

    Attributes
    ----------
    source : random.Random
        Where they are from.
    second : float or None
        The second of two normal numbers that come together, if it has not been taken yet.
    """

    def __init__(self, seed: int) -> None:
        from random import Random  # takes 2 ms to import, and most files give their weights

        self.source = Random(seed)
        self.second: float | None = None

    def uniform(self) -> float:
        """A number from [−1, 1)."""
        return 2.0 * self.source.random() - 1.0

    def normal(self) -> float:
        """A number of the normal distribution with mean 0 and deviation 1, by the polar method.

        A point (u, v) of the unit disc with s = u² + v² gives u·f and v·f with f = √(−2 ln s / s).
        Source: Marsaglia & Bray, A Convenient Method for Generating Normal Variables (1964).
        """
        if self.second is not None:
            found, self.second = self.second, None
            return found
        while True:
            u, v = self.uniform(), self.uniform()
            s = u * u + v * v
            if 0.0 < s < 1.0:
                factor = math.sqrt(-2.0 * ieee.log(s) / s)
                self.second = v * factor
                return u * factor


class Initial(NamedTuple):
    """One way to draw.

    Attributes
    ----------
    weight, bias : function
        One number as ``f(numbers, scale, fans)``.
    source : str
        Where it comes from.
    """

    name: str
    weight: Callable[[Numbers, float, Fans], float]
    bias: Callable[[Numbers, float, Fans], float]
    source: str


INITIALS: Registry[Initial] = Registry("method")


def normal(numbers: Numbers, scale: float, fans: Fans) -> float:
    """Normal with mean 0 and deviation `scale`."""
    return scale * numbers.normal()


def uniform(numbers: Numbers, scale: float, fans: Fans) -> float:
    """Uniform from [−scale, scale)."""
    return scale * numbers.uniform()


def zeros(numbers: Numbers, scale: float, fans: Fans) -> float:
    """0."""
    return 0.0


def xavier(numbers: Numbers, scale: float, fans: Fans) -> float:
    """Uniform from [−b, b) with b = scale·√(6 / (n_in + n_out))."""
    return scale * math.sqrt(6.0 / (fans.n_in + fans.n_out)) * numbers.uniform()


def he(numbers: Numbers, scale: float, fans: Fans) -> float:
    """Normal with mean 0 and deviation scale·√(2 / n_in)."""
    return scale * math.sqrt(2.0 / fans.n_in) * numbers.normal()


INITIALS.add(
    Initial(
        "normal",
        weight=normal,
        bias=normal,
        source="Nielsen, Neural Networks and Deep Learning (2015), chapter 1: weights and biases",
    )
)
INITIALS.add(
    Initial(
        "uniform",
        weight=uniform,
        bias=uniform,
        source="Rumelhart, Hinton & Williams, Learning representations (1986): small and random",
    )
)
INITIALS.add(Initial("zeros", weight=zeros, bias=zeros, source="no symmetry is broken"))
INITIALS.add(
    Initial(
        "xavier",
        weight=xavier,
        bias=zeros,
        source="Glorot & Bengio, Understanding the difficulty of training (2010), eq. 16",
    )
)
INITIALS.add(
    Initial(
        "he",
        weight=he,
        bias=zeros,
        source="He et al., Delving Deep into Rectifiers (2015), eq. 10",
    )
)


def draw_layer(
    initial: Initial, numbers: Numbers, scale: float, shape: tuple[int, int], biases: int
) -> tuple[tuple[Row, ...], Row]:
    """Return weights of shape ``(n, m)`` and `biases` biases of one layer.

    The weights are drawn row by row, then the biases.
    """
    n, m = shape
    fans = Fans(m, n)
    weights = tuple(tuple(initial.weight(numbers, scale, fans) for _ in range(m)) for _ in range(n))
    return weights, tuple(initial.bias(numbers, scale, fans) for _ in range(biases))
