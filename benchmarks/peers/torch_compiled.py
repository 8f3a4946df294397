"""PyTorch, the whole step compiled: forward, gradients by `torch.func.grad`, update.

∂E/∂z is the gradient with respect to zeros that are added to z.
"""

from __future__ import annotations

from functools import cache

import torch

from benchmarks.peers.torch_eager import Lean
from benchmarks.work import Work


def forward(parameters, zeros, x, t):  # type: ignore[no-untyped-def]
    ws, bs = parameters
    a, zs, outs = x, [], []
    for w, b, zero in zip(ws, bs, zeros, strict=True):
        z = torch.addmm(b, a, w.T) + zero
        a = torch.sigmoid(z)
        zs.append(z)
        outs.append(a)
    errors = 0.5 * ((a - t) ** 2).sum(1)
    return errors.sum(), (zs, outs, errors)


def step(parameters, zeros, x, t, eta):  # type: ignore[no-untyped-def]
    """Return the parameters after the step."""
    gradient = torch.func.grad(lambda p: forward(p, zeros, x, t)[0])
    d_w, d_b = gradient(parameters)
    ws, bs = parameters
    return [w - eta * d for w, d in zip(ws, d_w, strict=True)], [
        b - eta * d for b, d in zip(bs, d_b, strict=True)
    ]


def kept_step(parameters, zeros, x, t, eta):  # type: ignore[no-untyped-def]
    """Return the parameters after the step, gradients, δ and the rest."""
    gradient = torch.func.grad(forward, argnums=(0, 1), has_aux=True)
    ((d_w, d_b), deltas), rest = gradient(parameters, zeros, x, t)
    ws, bs = parameters
    after = (
        [w - eta * d for w, d in zip(ws, d_w, strict=True)],
        [b - eta * d for b, d in zip(bs, d_b, strict=True)],
    )
    return after, d_w, d_b, deltas, rest


@cache
def compiled(widths: tuple[int, ...], batch: int, keep: bool):  # type: ignore[no-untyped-def]
    """Return the compiled step for these shapes."""
    return torch.compile(kept_step if keep else step, dynamic=False, fullgraph=True)


class Compiled(Lean):
    """One network, ready to run."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        super().__init__(work, steps, keep)
        self.zeros = [torch.zeros(work.batch, n, dtype=torch.float64) for n in work.widths[1:]]

    def run(self) -> None:
        work = self.work
        once = compiled(work.widths, work.batch, self.keep)
        now = [torch.tensor(w) for w in work.weights], [torch.tensor(b) for b in work.biases]
        for s in range(self.steps):
            x, t = self.batches[s % len(self.batches)]
            if self.keep:
                after, d_w, d_b, deltas, (zs, outs, errors) = once(now, self.zeros, x, t, work.eta)
                leaves, found = [*now[0], *now[1]], [*d_w, *d_b, *deltas]
                self.w = now[0]
                self.keep_step(s, leaves, found, (zs, [x, *outs], errors))
                now = after
            else:
                now = once(now, self.zeros, x, t, work.eta)
        self.w, self.b = now
