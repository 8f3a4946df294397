"""The calculation as a NumPy user would write it, in matrix form, with care.

Nothing is allocated in the loop: all numbers of a step are views of one record, so that keeping a
step is one copy and updating all parameters two operations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.record import Array, Step, at, views
from benchmarks.work import Work


class Place(NamedTuple):
    """The views of one layer; `x` is the output of the layer before, `below` its δ."""

    w: Array
    b: Array
    d_w: Array
    d_b: Array
    x: Array
    z: Array
    a: Array
    delta: Array
    below: Array | None
    spare: Array


class Matrix:
    """One network, ready to run; a batch of one works on vectors, as that is faster."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work, self.steps = work, steps
        self.record = np.zeros(work.size)
        self.log = np.zeros((steps if keep else 0, work.size))
        now = self.now = views(work.widths, work.batch, self.record)
        n = sum(w.size + b.size for w, b in zip(now.w, now.b, strict=True))
        self.p, self.g, self.change = self.record[:n], self.record[n : 2 * n], np.zeros(n)
        one = work.batch == 1
        z, a, delta = (
            [array[0] if one else array for array in each] for each in (now.z, now.a, now.delta)
        )
        self.x, self.error = a[0], now.e
        self.batches = [work.batch_at(s) for s in range(work.batches)]
        if one:
            self.batches = [(x[0], t[0]) for x, t in self.batches]
        self.places = [
            Place(
                now.w[l], now.b[l], now.d_w[l], now.d_b[l], a[l], z[l], a[l + 1], delta[l],
                delta[l - 1] if l else None, np.zeros_like(z[l]),
            )
            for l in range(len(z))
        ]  # fmt: skip
        self.backward = self._backward_one if one else self._backward_batch

    def run(self) -> None:
        for start, now in ((self.work.weights, self.now.w), (self.work.biases, self.now.b)):
            for first, place in zip(start, now, strict=True):
                place[:] = first
        keep, eta, batches = len(self.log) > 0, self.work.eta, self.batches
        for s in range(self.steps):
            x, t = batches[s % len(batches)]
            self.x[:] = x
            self.forward()
            self.backward(t)
            if keep:
                self.log[s] = self.record
            np.multiply(self.g, eta, out=self.change)
            np.subtract(self.p, self.change, out=self.p)

    def forward(self) -> None:
        for w, b, _, _, x, z, a, *_ in self.places:
            np.dot(x, w.T, out=z)
            np.add(z, b, out=z)
            np.negative(z, out=a)
            np.exp(a, out=a)
            np.add(a, 1.0, out=a)
            np.reciprocal(a, out=a)

    def _backward_one(self, t: Array) -> None:
        last = self.places[-1]
        np.subtract(last.a, t, out=last.delta)
        self.error[0] = 0.5 * np.dot(last.delta, last.delta)
        for w, _, d_w, d_b, x, _, a, delta, below, spare in reversed(self.places):
            np.subtract(1.0, a, out=spare)
            np.multiply(spare, a, out=spare)
            np.multiply(delta, spare, out=delta)
            np.multiply(delta[:, None], x, out=d_w)
            d_b[:] = delta
            if below is not None:
                np.dot(delta, w, out=below)

    def _backward_batch(self, t: Array) -> None:
        last = self.places[-1]
        np.subtract(last.a, t, out=last.delta)
        np.einsum("sk,sk->s", last.delta, last.delta, out=self.error)
        np.multiply(self.error, 0.5, out=self.error)
        for w, _, d_w, d_b, x, _, a, delta, below, spare in reversed(self.places):
            np.subtract(1.0, a, out=spare)
            np.multiply(spare, a, out=spare)
            np.multiply(delta, spare, out=delta)
            np.dot(delta.T, x, out=d_w)
            np.sum(delta, axis=0, out=d_b)
            if below is not None:
                np.dot(delta, w, out=below)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return list(self.now.w), list(self.now.b)

    def step(self, s: int) -> Step:
        return at(views(self.work.widths, self.work.batch, self.log), s)
