"""autograd: NumPy code, differentiated by `grad`; ∂E/∂z by zeros that are added to z."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad
from autograd.tracer import getval

from benchmarks.record import Array, Step, at, views
from benchmarks.work import Work


class Grad:
    """One network, ready to run."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work, self.steps, self.keep = work, steps, keep
        self.log = views(work.widths, work.batch, np.zeros((steps if keep else 0, work.size)))
        self.zeros = [np.zeros((work.batch, n)) for n in work.widths[1:]]
        self.gradient = grad(self.error, (0, 1) if keep else 0)

    def error(self, parameters: Any, zeros: Any, x: Array, t: Array) -> Any:
        a, self.zs, self.outs = x, [], [x]
        for w, b, zero in zip(*parameters, zeros, strict=True):
            z = anp.dot(a, w.T) + b + zero
            a = 1.0 / (1.0 + anp.exp(-z))
            self.zs.append(z)
            self.outs.append(a)
        self.errors = 0.5 * anp.sum((a - t) ** 2, axis=1)
        return anp.sum(self.errors)

    def run(self) -> None:
        work = self.work
        self.w, self.b = list(work.weights), list(work.biases)
        for s in range(self.steps):
            x, t = work.batch_at(s)
            found = self.gradient((self.w, self.b), self.zeros, x, t)
            (d_w, d_b), deltas = found if self.keep else (found, None)
            if self.keep:
                zs, outs = ([getval(x) for x in each] for each in (self.zs, self.outs))
                for places, values in zip(
                    self.log[:-1], (self.w, self.b, d_w, d_b, zs, outs, deltas), strict=True
                ):
                    for place, value in zip(places, values, strict=True):
                        place[s] = value
                self.log.e[s] = getval(self.errors)
            self.w = [w - work.eta * d for w, d in zip(self.w, d_w, strict=True)]
            self.b = [b - work.eta * d for b, d in zip(self.b, d_b, strict=True)]

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return self.w, self.b

    def step(self, s: int) -> Step:
        return at(self.log, s)
