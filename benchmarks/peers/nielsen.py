"""NumPy organised as in M. Nielsen, Neural Networks and Deep Learning, chapter 1: network.py.

Column vectors, one sample after the other also within a batch, a list of arrays per layer,
gradients collected in lists and summed up over the batch, new arrays in every operation.
"""

from __future__ import annotations

import numpy as np

from benchmarks.record import Array, Step
from benchmarks.work import Work


def sigmoid(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z: Array) -> Array:
    return sigmoid(z) * (1.0 - sigmoid(z))


class Nielsen:
    """One network, ready to run."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work, self.steps, self.keep = work, steps, keep
        self.samples = [(x[:, None], t[:, None]) for x, t in zip(work.x, work.t, strict=True)]

    def run(self) -> None:
        work = self.work
        self.weights, self.biases = list(work.weights), [b[:, None] for b in work.biases]
        self.log: list[tuple[list[Array], ...]] = []
        for s in range(self.steps):
            first = s % work.batches * work.batch
            self.update(self.samples[first : first + work.batch])

    def update(self, batch: list[tuple[Array, Array]]) -> None:
        sums_w = [np.zeros(w.shape) for w in self.weights]
        sums_b = [np.zeros(b.shape) for b in self.biases]
        details = []
        for x, t in batch:
            d_b, d_w, detail = self.backprop(x, t)
            sums_w = [total + d for total, d in zip(sums_w, d_w, strict=True)]
            sums_b = [total + d for total, d in zip(sums_b, d_b, strict=True)]
            if self.keep:
                details.append(detail)
        if self.keep:
            copies = [w.copy() for w in self.weights], [b.copy() for b in self.biases]
            self.log.append((*copies, sums_w, sums_b, details))
        eta = self.work.eta
        self.weights = [w - eta * d for w, d in zip(self.weights, sums_w, strict=True)]
        self.biases = [b - eta * d for b, d in zip(self.biases, sums_b, strict=True)]

    def backprop(self, x: Array, t: Array) -> tuple[list[Array], list[Array], tuple[object, ...]]:
        a, activations, zs = x, [x], []
        for w, b in zip(self.weights, self.biases, strict=True):
            z = np.dot(w, a) + b
            zs.append(z)
            a = sigmoid(z)
            activations.append(a)
        delta = (a - t) * sigmoid_prime(zs[-1])
        d_b, d_w = [delta], [np.dot(delta, activations[-2].T)]
        for l in range(len(zs) - 2, -1, -1):
            delta = np.dot(self.weights[l + 1].T, delta) * sigmoid_prime(zs[l])
            d_b.insert(0, delta)
            d_w.insert(0, np.dot(delta, activations[l].T))
        error = 0.5 * np.linalg.norm(a - t) ** 2 if self.keep else 0.0
        return d_b, d_w, (zs, activations, d_b, error)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return self.weights, [b[:, 0] for b in self.biases]

    def step(self, s: int) -> Step:
        w, b, d_w, d_b, details = self.log[s]
        z, a, delta = (
            [np.array([layer[:, 0] for layer in rows]) for rows in zip(*each, strict=True)]
            for each in list(zip(*details, strict=True))[:3]
        )
        flat_b, flat_d_b = ([x[:, 0] for x in each] for each in (b, d_b))
        return Step(w, flat_b, d_w, flat_d_b, z, a, delta, np.array([d[3] for d in details]))
