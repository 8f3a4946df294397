"""The calculation as users of NumPy write it: matrices, whole batches, in float32 or float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bptrace.checks.arrays.figures import Figures, figures_of, matrices
from bptrace.checks.gradients import Point
from bptrace.maths.activations import ACTIVATIONS


def _sigmoid(z: Any, _: float) -> Any:
    return 1 / (1 + np.exp(-z))


def _softmax(z: Any, _: float) -> Any:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


VALUES = {
    "identity": lambda z, _: z,
    "step": lambda z, at_zero: np.where(z > 0, 1, np.where(z < 0, 0, at_zero)).astype(z.dtype),
    "bipolar-step": lambda z, o: np.where(z > 0, 1, np.where(z < 0, -1, o)).astype(z.dtype),
    "sigmoid": _sigmoid,
    "tanh": lambda z, _: np.tanh(z),
    "relu": lambda z, _: np.maximum(z, 0),
    "leaky-relu": lambda z, leak: np.maximum(z, np.asarray(leak, z.dtype) * z),
    "softplus": lambda z, _: np.logaddexp(np.zeros_like(z), z),
    "softmax": _softmax,
}
SLOPES = {
    "identity": lambda z, a, _: np.ones_like(z),
    "step": lambda z, a, _: np.zeros_like(z),
    "bipolar-step": lambda z, a, _: np.zeros_like(z),
    "sigmoid": lambda z, a, _: a * (1 - a),
    "tanh": lambda z, a, _: 1 - a * a,
    "relu": lambda z, a, _: (z > 0).astype(z.dtype),
    "leaky-relu": lambda z, a, leak: np.where(z > 0, 1, leak).astype(z.dtype),
    "softplus": lambda z, a, _: _sigmoid(z, 0.0),
}
LOSSES = {
    "half-squared": (lambda t, a: (t - a) ** 2 / 2, lambda t, a: a - t),
    "squared": (lambda t, a: (t - a) ** 2, lambda t, a: 2 * (a - t)),
    "mean-squared": (
        lambda t, a: (t - a) ** 2 / t.shape[1],
        lambda t, a: 2 * (a - t) / t.shape[1],
    ),
    "binary-cross-entropy": (
        lambda t, a: -(t * np.log(a) + (1 - t) * np.log(1 - a)),
        lambda t, a: (a - t) / (a * (1 - a)),
    ),
    "cross-entropy": (lambda t, a: -t * np.log(a), lambda t, a: -t / a),
}


class Peer:
    """E of a batch, and its gradients, calculated with NumPy in one type."""

    def __init__(self, point: Point, dtype: type[np.floating[Any]]) -> None:
        self.figures: Figures = figures_of(point)
        self.network, self.dtype = point.problem.network, dtype
        order = self.figures.order[: self.figures.samples]
        self.x, self.t = (a[order].astype(dtype) for a in (self.figures.x, self.figures.t))
        self.start = np.array(list(point.trace.log[: point.problem.layout.n_parameters]))

    def options(self, l: int) -> tuple[str, float]:
        """Return name and option of the activation of a layer."""
        layer = self.network.layers[l]
        entry = ACTIVATIONS.get(layer.activation)
        return layer.activation, entry.default if layer.option is None else layer.option

    def forward(self, numbers: NDArray[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Return weights, net inputs and outputs, layer by layer."""
        weights, biases = matrices(self.network, np.asarray(numbers).astype(self.dtype))
        nets, outs = [], [self.x]
        for l, (w, b) in enumerate(zip(weights, biases, strict=True), 1):
            nets.append(outs[-1] @ w.T + (b if len(b) else 0))
            name, option = self.options(l)
            outs.append(VALUES[name](nets[-1], option))
        return weights, nets, outs

    def error(self, numbers: NDArray[Any]) -> Any:
        """Return E for parameters in the order of the log."""
        with np.errstate(all="ignore"):
            out = self.forward(numbers)[2][-1]
            total = LOSSES[self.network.loss][0](self.t, out).sum()
        return total / self.dtype(len(self.x)) if self.figures.mean else total

    def gradients(self) -> NDArray[np.float64]:
        """Return ∂E/∂w and ∂E/∂b in the order of the log."""
        weights, nets, outs = self.forward(self.start)
        by_out = LOSSES[self.network.loss][1](self.t, outs[-1])
        by_weights: list[Any] = []
        by_biases: list[Any] = []
        for l in range(len(weights), 0, -1):
            name, option = self.options(l)
            if name == "softmax":
                a = outs[l]
                delta = a * (by_out - (by_out * a).sum(axis=1, keepdims=True))
            else:
                delta = by_out * SLOPES[name](nets[l - 1], outs[l], option)
            layer = self.network.layers[l]
            by_weights.insert(0, (delta.T @ outs[l - 1]).ravel())
            summed = delta.sum(axis=0)[: layer.biases] if layer.biases != 1 else [delta.sum()]
            by_biases.insert(0, np.asarray(summed, dtype=delta.dtype))
            by_out = delta @ weights[l - 1]
        found = np.concatenate([*by_weights, *by_biases])
        if self.figures.mean:
            found = found / self.dtype(len(self.x))
        return np.asarray(found, dtype=np.float64)
