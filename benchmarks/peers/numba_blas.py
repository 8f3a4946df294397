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
    depth, batches = len(widths) - 1, len(xs) // batch
    n_w = n_b = 0
    for l in range(depth):
        n_w += widths[l + 1] * widths[l]
        n_b += widths[l + 1]
    n_p = n_w + n_b
    z_at = 2 * n_p
    a_at = z_at + batch * n_b
    d_at = a_at + batch * (n_b + widths[0])
    e_at = d_at + batch * n_b
    for s in range(steps):
        first = s % batches * batch
        x = xs[first : first + batch]
        t = ts[first : first + batch]
        record[a_at : a_at + x.size] = x.ravel()
        w_at, b_at, z, a = 0, n_w, z_at, a_at
        for l in range(depth):
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
        n = widths[depth]
        d = e_at - batch * n
        for k in range(batch):
            total = 0.0
            for j in range(n):
                missed = record[a + k * n + j] - t[k, j]
                total += missed * missed
                record[d + k * n + j] = missed
            record[e_at + k] = 0.5 * total
        for l in range(depth - 1, -1, -1):
            m, n = widths[l], widths[l + 1]
            for k in range(batch * n):
                out = record[a + k]
                record[d + k] *= out * (1.0 - out)
            w_at, b_at, a = w_at - n * m, b_at - n, a - batch * m
            delta = record[d : d + batch * n].reshape(batch, n)
            below = record[a : a + batch * m].reshape(batch, m)
            g = record[n_p + w_at : n_p + w_at + n * m].reshape(n, m)
            np.dot(delta.T, below, g)
            for j in range(n):
                total = 0.0
                for k in range(batch):
                    total += delta[k, j]
                record[n_p + b_at + j] = total
            if l:
                w = record[w_at : w_at + n * m].reshape(n, m)
                d -= batch * m
                np.dot(delta, w, record[d : d + batch * m].reshape(batch, m))
        if len(log):
            log[s] = record
        for k in range(n_p):
            record[k] -= eta * record[n_p + k]


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
