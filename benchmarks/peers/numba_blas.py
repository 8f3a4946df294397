"""Numba with matrix products by BLAS: what a practised user writes for batches.

A function of its own for each number of layers would be faster to call; lists of arrays are slower
for Numba, so that parameters and numbers of a step lie in one array each, as in bptrace.
"""

from __future__ import annotations

import numba
import numpy as np

from benchmarks.record import Array, Step, at, size, views
from benchmarks.work import Work


@numba.njit
def train(record, widths, batch, xs, ts, eta, log, steps):  # type: ignore[no-untyped-def]
    """Run all steps; `record` as in `benchmarks.record`, its parameters are the first."""
    at = places(widths, batch)
    batches = len(xs) // batch
    for s in range(steps):
        first = s % batches * batch
        x = xs[first : first + batch]
        record[at[3] : at[3] + x.size] = x.ravel()
        forward(record, widths, batch, at)
        errors(record, widths, batch, at, ts[first : first + batch])
        backward(record, widths, batch, at)
        if len(log):
            log[s] = record
        for k in range(at[1]):
            record[k] -= eta * record[at[1] + k]


@numba.njit
def places(widths, batch):  # type: ignore[no-untyped-def]
    """Return the number of weights and of parameters, and where z, a, δ and E begin."""
    n_w = n_b = 0
    for l in range(len(widths) - 1):
        n_w += widths[l + 1] * widths[l]
        n_b += widths[l + 1]
    z = 2 * (n_w + n_b)
    a = z + batch * n_b
    delta = a + batch * (n_b + widths[0])
    return n_w, n_w + n_b, z, a, delta, delta + batch * n_b


@numba.njit
def forward(record, widths, batch, at):  # type: ignore[no-untyped-def]
    """Calculate z and a, layer by layer."""
    n_w, _, z, a, _, _ = at
    w_at, b_at = 0, n_w
    for l in range(len(widths) - 1):
        m, n = widths[l], widths[l + 1]
        w = record[w_at : w_at + n * m].reshape(n, m)
        below = record[a : a + batch * m].reshape(batch, m)
        net = record[z : z + batch * n].reshape(batch, n)
        np.dot(below, w.T, net)
        a += batch * m
        for k in range(batch):
            for j in range(n):
                net[k, j] += record[b_at + j]
                record[a + k * n + j] = 1.0 / (1.0 + np.exp(-net[k, j]))
        w_at, b_at, z = w_at + n * m, b_at + n, z + batch * n


@numba.njit
def errors(record, widths, batch, at, t):  # type: ignore[no-untyped-def]
    """Calculate E of each sample, and put what was missed where δ of the last layer will be."""
    n, e = widths[-1], at[5]
    d, a = e - batch * n, at[4] - batch * n
    for k in range(batch):
        total = 0.0
        for j in range(n):
            missed = record[a + k * n + j] - t[k, j]
            total += missed * missed
            record[d + k * n + j] = missed
        record[e + k] = 0.5 * total


@numba.njit
def backward(record, widths, batch, at):  # type: ignore[no-untyped-def]
    """Calculate δ and the gradients, from the last layer to the first."""
    w_at, n_p, _, _, a, d = at  # each is gone through from its end
    b_at = n_p
    n = widths[-1]
    a, d = a - batch * n, d - batch * n
    for l in range(len(widths) - 2, -1, -1):
        m, n = widths[l], widths[l + 1]
        for k in range(batch * n):
            out = record[a + k]
            record[d + k] *= out * (1.0 - out)
        w_at, b_at, a = w_at - n * m, b_at - n, a - batch * m
        delta = record[d : d + batch * n].reshape(batch, n)
        below = record[a : a + batch * m].reshape(batch, m)
        np.dot(delta.T, below, record[n_p + w_at : n_p + w_at + n * m].reshape(n, m))
        for j in range(n):
            total = 0.0
            for k in range(batch):
                total += delta[k, j]
            record[n_p + b_at + j] = total
        if l:
            w = record[w_at : w_at + n * m].reshape(n, m)
            d -= batch * m
            np.dot(delta, w, record[d : d + batch * m].reshape(batch, m))


class Blas:
    """One network, ready to run."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work, self.steps = work, steps
        self.record = np.zeros(size(work.widths, work.batch))
        self.now = views(work.widths, work.batch, self.record)
        self.log = np.zeros((steps if keep else 0, work.size))
        self.widths = np.array(work.widths)

    def run(self) -> None:
        work = self.work
        for start, now in ((work.weights, self.now.w), (work.biases, self.now.b)):
            for first, place in zip(start, now, strict=True):
                place[:] = first
        train(self.record, self.widths, work.batch, work.x, work.t, work.eta, self.log, self.steps)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return list(self.now.w), list(self.now.b)

    def step(self, s: int) -> Step:
        return at(views(self.work.widths, self.work.batch, self.log), s)
