"""Backpropagation as others write it: NumPy, float64 or float32, sums in any order.

Nothing of bptrace calculates here; its problems are only taken apart.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

Array = np.ndarray[Any, np.dtype[Any]]
Pairs = list[tuple[Array, Array]]


class Elsewhere:
    """The gradients of some samples in one type of number.

    `rng` chooses the order in which each sum is taken, and in which way.
    """

    def __init__(self, problem: Problem, dtype: Any, rng: np.random.Generator) -> None:
        self.problem, self.dtype, self.rng = problem, dtype, rng
        parameters = problem.parameters
        self.weights = [np.array(w, dtype=dtype) for w in parameters.weights]
        self.biases = [np.array(b, dtype=dtype) for b in parameters.biases]

    def product(self, a: Array, b: Array) -> Array:
        """a @ b, added up in a random order by one of several methods."""
        order = self.rng.permutation(a.shape[-1])
        a, b = a[..., order], b[order]
        how = self.rng.integers(3)
        if how == 0:
            return np.asarray(a @ b)
        terms = a[..., None] * b
        if how == 1:
            return np.asarray(terms.sum(axis=-2))
        total = np.zeros(terms.shape[:-2] + terms.shape[-1:], dtype=self.dtype)
        for k in range(terms.shape[-2]):
            total = total + terms[..., k, :]
        return total

    def gradients(self, samples: tuple[int, ...]) -> Pairs:
        """(dW, db) of each layer, of a batch of samples (from 1)."""
        with np.errstate(all="ignore"):
            return self._gradients(samples)

    def _gradients(self, samples: tuple[int, ...]) -> Pairs:
        layers = self.problem.network.layers
        chosen = [self.problem.samples[s - 1] for s in samples]
        outs = [np.array([s.x for s in chosen], dtype=self.dtype)]
        t = np.array([s.t for s in chosen], dtype=self.dtype)
        nets = [outs[0]]
        for l, layer in enumerate(layers[1:], 1):
            nets.append(self.product(outs[-1], self.weights[l - 1].T))
            if layer.biases:
                nets[-1] = nets[-1] + self.biases[l - 1]
            outs.append(self.act(layer, nets[-1]))
        delta = self.delta(nets[-1], outs[-1], t)
        found: Pairs = []
        for l in range(len(layers) - 1, 0, -1):
            weights = self.product(delta.T, outs[l - 1])
            biases = self.product(delta.T, np.ones((len(chosen), 1), dtype=self.dtype))[:, 0]
            if layers[l].shares_bias:
                biases = self.rng.permutation(biases).sum(keepdims=True)
            if self.problem.training.reduction == "mean" and len(chosen) > 1:
                weights, biases = weights / self.dtype(len(chosen)), biases / len(chosen)
            found.insert(0, (weights, biases[: layers[l].biases].astype(self.dtype)))
            if l > 1:
                by_out = self.product(delta, self.weights[l - 1])
                delta = self.through(layers[l - 1], by_out, nets[l - 1], outs[l - 1])
        return found

    def act(self, layer: Layer, z: Array) -> Array:
        """The activation of a layer."""
        one = self.dtype(1)
        name, option = layer.activation, layer.option
        if name == "softmax":
            powers = np.exp(z - z.max(axis=1, keepdims=True))
            return np.asarray(powers / powers.sum(axis=1, keepdims=True))
        if name in ("step", "bipolar-step", "sign"):
            low = 0 if name == "step" else -1
            at = {"step": 1, "bipolar-step": 1, "sign": 0}[name] if option is None else option
            return np.where(z > 0, one, np.where(z < 0, self.dtype(low), self.dtype(at)))
        return np.asarray({
            "identity": lambda: z,
            "sigmoid": lambda: one / (one + np.exp(-z)),
            "tanh": lambda: np.tanh(z),
            "relu": lambda: np.maximum(z, 0),
            "leaky-relu": lambda: np.where(z > 0, z, self.leak(layer) * z),
            "softplus": lambda: np.logaddexp(z, self.dtype(0)),
        }[name]())  # fmt: skip

    def leak(self, layer: Layer) -> Any:
        """The slope of a leaky relu below 0."""
        return self.dtype(0.01 if layer.option is None else layer.option)

    def through(self, layer: Layer, by_out: Array, z: Array, a: Array) -> Array:
        """∂E/∂z from ∂E/∂a."""
        one, name = self.dtype(1), layer.activation
        if name == "softmax":
            return np.asarray(a * (by_out - (by_out * a).sum(axis=1, keepdims=True)))
        slope = {
            "identity": lambda: np.ones_like(z),
            "sigmoid": lambda: a * (one - a),
            "tanh": lambda: one - a * a,
            "relu": lambda: (z > 0).astype(self.dtype),
            "leaky-relu": lambda: np.where(z > 0, one, self.leak(layer)),
            "softplus": lambda: one / (one + np.exp(-z)),
        }.get(name, lambda: np.zeros_like(z))()
        return np.asarray(by_out * slope)

    def delta(self, z: Array, a: Array, t: Array) -> Array:
        """∂E/∂z of the last layer."""
        loss, last = self.problem.network.loss, self.problem.network.layers[-1]
        one = self.dtype(1)
        is_short = bool(self.rng.integers(2))  # the slope of the activation cancels, or not
        if is_short and loss == "cross-entropy" and last.activation == "softmax":
            return a * t.sum(axis=1, keepdims=True) - t
        if is_short and loss == "binary-cross-entropy" and last.activation == "sigmoid":
            return a - t
        by_out = {
            "half-squared": lambda: a - t,
            "squared": lambda: 2 * (a - t),
            "mean-squared": lambda: 2 * (a - t) / self.dtype(a.shape[1]),
            "binary-cross-entropy": lambda: (
                np.where(t == one, 0, (one - t) / (one - a)) - np.where(t == 0, 0, t / a)
            ),
            "cross-entropy": lambda: -np.where(t == 0, 0, t / a),
        }[loss]()
        return self.through(last, np.asarray(by_out, dtype=self.dtype), z, a)


def some(
    widths: tuple[int, ...] = (4, 3, 5, 2),
    names: tuple[str, ...] = ("tanh", "softplus", "sigmoid"),
    samples: int = 3,
    **training: Any,
) -> Problem:
    """Return a network with numbers that have no pattern; all samples are one batch."""
    rng = np.random.default_rng(11)
    layers = [Layer(n, activation=a, biases=n) for n, a in zip(widths[1:], names, strict=True)]
    weights = [rng.normal(0.0, 1.2 / m**0.5, (n, m)) for m, n in pairwise(widths)]
    drawn = [(rng.normal(0.0, 1.0, widths[0]), rng.random(widths[-1])) for _ in range(samples)]
    return Problem(
        Network((Layer(widths[0]), *layers)),
        Parameters(
            tuple(tuple(map(tuple, w.tolist())) for w in weights),
            tuple(tuple(rng.uniform(0.1, 0.9, n).tolist()) for n in widths[1:]),
        ),
        tuple(Sample(tuple(x.tolist()), tuple(t.tolist())) for x, t in drawn),
        Training("gradient-descent", 0.5, batch=samples, **training),
    )


def right(problem: Problem, dtype: Any = np.float64) -> Pairs:
    """Return the gradients of its first step."""
    rng = np.random.default_rng(3)
    return Elsewhere(problem, dtype, rng).gradients(problem.batch(1))


def altered(pairs: Pairs, l: int, f: Callable[[Any, Any], tuple[Any, Any]]) -> Pairs:
    """Return gradients of which those of one layer are changed."""
    return [f(w.copy(), b.copy()) if k == l else (w, b) for k, (w, b) in enumerate(pairs, 1)]
