"""micrograd: every number an object. It has no exp, so the sigmoid is an operation made here."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from micrograd.engine import Value

from benchmarks.record import Array, Step
from benchmarks.work import Work


def sigmoid(z: Any) -> Any:
    out = Value(1.0 / (1.0 + exp(-z.data)), (z,), "sigmoid")

    def backward() -> None:
        z.grad += out.data * (1.0 - out.data) * out.grad

    out._backward = backward
    return out


class Values:
    """One network, ready to run."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work, self.steps, self.keep = work, steps, keep
        self.x, self.t = work.x.tolist(), work.t.tolist()

    def run(self) -> None:
        work = self.work
        self.w = [[list(map(Value, row)) for row in w.tolist()] for w in work.weights]
        self.b = [list(map(Value, b.tolist())) for b in work.biases]
        leaves = [v for w in self.w for row in w for v in row] + [v for b in self.b for v in b]
        self.log: list[tuple[object, ...]] = []
        for s in range(self.steps):
            first = s % work.batches * work.batch
            each = [self.sample(first + k) for k in range(work.batch)]
            for v in leaves:
                v.grad = 0
            sum((error for *_, error in each[1:]), each[0][-1]).backward()
            if self.keep:
                self.keep_step(each)
            for v in leaves:
                v.data -= work.eta * v.grad

    def sample(self, k: int) -> tuple[Any, Any, Any]:
        a, zs, outs = self.x[k], [], [[Value(x) for x in self.x[k]]]
        for w, b in zip(self.w, self.b, strict=True):
            a = outs[-1]
            z = []
            for row, b_j in zip(w, b, strict=True):
                total = row[0] * a[0]
                for w_i, a_i in zip(row[1:], a[1:], strict=True):
                    total = total + w_i * a_i
                z.append(total + b_j)
            zs.append(z)
            outs.append([sigmoid(z_j) for z_j in z])
        error = Value(0.0)
        for a_k, t_k in zip(outs[-1], self.t[k], strict=True):
            error = error + (a_k - t_k) ** 2 * 0.5
        return zs, outs, error

    def keep_step(self, each: Any) -> None:
        self.log.append((
            [[[v.data for v in row] for row in w] for w in self.w],
            [[v.data for v in b] for b in self.b],
            [[[v.grad for v in row] for row in w] for w in self.w],
            [[v.grad for v in b] for b in self.b],
            [[[v.data for v in z] for z in zs] for zs, _, _ in each],
            [[[v.data for v in a] for a in outs] for _, outs, _ in each],
            [[[v.grad for v in z] for z in zs] for zs, _, _ in each],
            [error.data for *_, error in each],
        ))  # fmt: skip

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return (
            [np.array([[v.data for v in row] for row in w]) for w in self.w],
            [np.array([v.data for v in b]) for b in self.b],
        )

    def step(self, s: int) -> Step:
        *parameters, z, a, delta, errors = self.log[s]
        layers = ([np.array(x) for x in zip(*part, strict=True)] for part in (z, a, delta))
        lists = ([np.array(x) for x in part] for part in parameters)
        return Step(*lists, *layers, np.array(errors))
