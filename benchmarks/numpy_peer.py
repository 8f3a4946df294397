"""The same calculation as a NumPy user would write it, in matrix form, with care.

Nothing is allocated in the loop: all numbers of a step are views of one record, laid out as in
bptrace's log, so that logging a step is one copy and updating all parameters two operations.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bptrace.address import Quantity
from bptrace.model import Problem

Array = NDArray[np.float64]


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


class Peer:
    """One network, ready to run."""

    def __init__(self, problem: Problem, steps: int) -> None:
        layout, widths = problem.layout, problem.network.widths
        self.steps, self.eta = steps, problem.training.learning_rate
        self.record = np.zeros(layout.size)
        self.log = np.zeros((steps, layout.size))
        self.errors = np.zeros(steps)
        n = layout.n_parameters
        self.p, self.g, self.step = self.record[:n], self.record[n : 2 * n], np.zeros(n)
        self.first = np.array(list(problem.parameters))
        self.xs = np.array([sample.x for sample in problem.samples])
        self.ts = np.array([sample.t for sample in problem.samples])
        sample = self.record[layout.samples :]
        ins, outs, deltas = (
            [sample[start + at : start + end] for at, end in pairwise(offsets)]
            for start, offsets in (
                (layout.sample_starts[Quantity.IN], layout.in_at),
                (layout.sample_starts[Quantity.OUT], layout.out_at),
                (layout.sample_starts[Quantity.D_IN], layout.in_at),
            )
        )
        self.x, self.total = outs[0], sample[layout.sample_starts[Quantity.E] :]
        self.places = []
        for l in range(1, len(widths)):
            w = slice(layout.w_at[l], layout.w_at[l + 1])
            b = slice(layout.n_w + layout.b_at[l], layout.n_w + layout.b_at[l + 1])
            shape = (widths[l], widths[l - 1])
            below = deltas[l - 1] if l > 1 else None
            self.places.append(
                Place(
                    self.p[w].reshape(shape), self.p[b], self.g[w].reshape(shape), self.g[b],
                    outs[l - 1], ins[l], outs[l], deltas[l], below, np.zeros(widths[l]),
                )
            )  # fmt: skip

    def run(self, keep: bool) -> None:
        """Run all steps from the first parameters on; `keep` logs every step."""
        self.p[:] = self.first
        samples = len(self.xs)
        for s in range(self.steps):
            self.x[:] = self.xs[s % samples]
            self.forward()
            self.errors[s] = self.backward(self.ts[s % samples])
            if keep:
                self.log[s] = self.record
            np.multiply(self.g, self.eta, out=self.step)
            np.subtract(self.p, self.step, out=self.p)

    def forward(self) -> None:
        for w, b, _, _, x, z, a, *_ in self.places:
            np.dot(w, x, out=z)
            np.add(z, b, out=z)
            np.negative(z, out=a)
            np.exp(a, out=a)
            np.add(a, 1.0, out=a)
            np.reciprocal(a, out=a)

    def backward(self, t: Array) -> float:
        last = self.places[-1]
        np.subtract(last.a, t, out=last.delta)
        error = 0.5 * float(np.dot(last.delta, last.delta))
        self.total[0] = error
        for w, _, d_w, d_b, x, _, a, delta, below, spare in reversed(self.places):
            np.subtract(1.0, a, out=spare)
            np.multiply(spare, a, out=spare)
            np.multiply(delta, spare, out=delta)
            np.multiply(delta[:, None], x, out=d_w)
            d_b[:] = delta
            if below is not None:
                np.dot(delta, w, out=below)
        return error
