"""Plain Python: lists of lists and loops, nothing imported but exp."""

from __future__ import annotations

from math import exp

import numpy as np

from benchmarks.record import Array, Step
from benchmarks.work import Work

Rows = list[list[float]]


class Lists:
    """One network, ready to run."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work, self.steps, self.keep = work, steps, keep
        self.x, self.t = work.x.tolist(), work.t.tolist()

    def run(self) -> None:
        work, eta = self.work, self.work.eta
        self.w = [w.tolist() for w in work.weights]
        self.b = [b.tolist() for b in work.biases]
        self.log: list[tuple[object, ...]] = []
        for s in range(self.steps):
            first = s % work.batches * work.batch
            each = [self.sample(first + k) for k in range(work.batch)]
            sums_w, sums_b = self.gradients(each[0])
            for sample in each[1:]:
                more_w, more_b = self.gradients(sample)
                for total, more in zip([*sums_w, sums_b], [*more_w, more_b], strict=True):
                    for row, add in zip(total, more, strict=True):
                        row[:] = [p + q for p, q in zip(row, add, strict=True)]
            if self.keep:
                self.log.append(
                    (
                        [[row[:] for row in w] for w in self.w],
                        [b[:] for b in self.b],
                        *(sums_w, sums_b, each),
                    )
                )
            for w, d_w in zip(self.w, sums_w, strict=True):
                for row, d_row in zip(w, d_w, strict=True):
                    for i, d in enumerate(d_row):
                        row[i] -= eta * d
            for b, d_b in zip(self.b, sums_b, strict=True):
                for j, d in enumerate(d_b):
                    b[j] -= eta * d

    def sample(self, k: int) -> tuple[Rows, Rows, Rows, float]:
        """Return z, a, δ and E of a sample."""
        a, zs, outs = self.x[k], [], [self.x[k]]
        for w, b in zip(self.w, self.b, strict=True):
            z = [sum(w_i * a_i for w_i, a_i in zip(row, a, strict=True)) for row in w]
            z = [z_j + b_j for z_j, b_j in zip(z, b, strict=True)]
            a = [1.0 / (1.0 + exp(-z_j)) for z_j in z]
            zs.append(z)
            outs.append(a)
        missed = [a_k - t_k for a_k, t_k in zip(a, self.t[k], strict=True)]
        error = 0.5 * sum(m * m for m in missed)
        deltas: Rows = []
        for l in range(len(zs) - 1, -1, -1):
            delta = [m * a_j * (1.0 - a_j) for m, a_j in zip(missed, outs[l + 1], strict=True)]
            deltas.insert(0, delta)
            if l:
                columns = zip(*self.w[l], strict=True)
                missed = [
                    sum(d * w_j for d, w_j in zip(delta, column, strict=True)) for column in columns
                ]
        return zs, outs, deltas, error

    def gradients(self, sample: tuple[Rows, Rows, Rows, float]) -> tuple[list[Rows], Rows]:
        _, outs, deltas, _ = sample
        d_w = [
            [[d * x for x in before] for d in delta]
            for delta, before in zip(deltas, outs, strict=False)
        ]
        return d_w, [delta[:] for delta in deltas]

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return [np.array(w) for w in self.w], [np.array(b) for b in self.b]

    def step(self, s: int) -> Step:
        w, b, d_w, d_b, each = self.log[s]
        z, a, delta, errors = zip(*each, strict=True)  # type: ignore[call-overload]
        layers = ([np.array(rows) for rows in zip(*part, strict=True)] for part in (z, a, delta))
        return Step(
            *([np.array(x) for x in part] for part in (w, b, d_w, d_b)), *layers, np.array(errors)
        )
