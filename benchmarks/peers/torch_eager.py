"""PyTorch as it comes: autograd and an update by hand, or modules, an optimizer and hooks."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.record import Array, Step, at, views
from benchmarks.work import Work

torch.set_num_threads(1)


class Lean:
    """Leaves, `torch.autograd.grad`, and an update in place."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work, self.steps, self.keep = work, steps, keep
        self.log = views(work.widths, work.batch, np.zeros((steps if keep else 0, work.size)))
        self.into = Step(*([torch.from_numpy(a) for a in each] for each in self.log[:-1]),
                         torch.from_numpy(self.log.e))  # fmt: skip
        self.batches = [tuple(map(torch.from_numpy, work.batch_at(s))) for s in range(work.batches)]

    def run(self) -> None:
        work = self.work
        self.w = [torch.tensor(w, requires_grad=True) for w in work.weights]
        self.b = [torch.tensor(b, requires_grad=True) for b in work.biases]
        leaves = [*self.w, *self.b]
        for s in range(self.steps):
            x, t = self.batches[s % len(self.batches)]
            a, zs, outs = x, [], [x]
            for w, b in zip(self.w, self.b, strict=True):
                z = torch.addmm(b, a, w.T)
                a = torch.sigmoid(z)
                zs.append(z)
                outs.append(a)
            errors = 0.5 * ((a - t) ** 2).sum(1)
            wanted = [*leaves, *zs] if self.keep else leaves
            found = torch.autograd.grad(errors.sum(), wanted)
            with torch.no_grad():
                if self.keep:
                    self.keep_step(s, leaves, found, (zs, outs, errors))
                for p, g in zip(leaves, found, strict=False):
                    p.sub_(g, alpha=work.eta)

    def keep_step(self, s, leaves, found, rest) -> None:  # type: ignore[no-untyped-def]
        n, depth = len(leaves), len(self.w)
        zs, outs, errors = rest
        self.into.e[s] = errors
        numbers = (
            leaves[:depth],
            leaves[depth:],
            found[:depth],
            found[depth:n],
            zs,
            outs,
            found[n:],
        )
        for places, values in zip(self.into[:-1], numbers, strict=True):
            for place, value in zip(places, values, strict=True):
                place[s].copy_(value)

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return [w.detach().numpy() for w in self.w], [b.detach().numpy() for b in self.b]

    def step(self, s: int) -> Step:
        return at(self.log, s)


class Modules(Lean):
    """``nn.Sequential``, ``optim.SGD``, ``backward``; for the log hooks and ``retain_grad``."""

    def run(self) -> None:
        work = self.work
        model, linears = self.model()
        optimizer = torch.optim.SGD(model.parameters(), lr=work.eta)
        seen: list[torch.Tensor] = []

        def hook(module, inputs, output) -> None:  # type: ignore[no-untyped-def]
            if isinstance(module, torch.nn.Linear):
                output.retain_grad()
            seen.append(output)

        if self.keep:
            for module in model:
                module.register_forward_hook(hook)
        self.w, self.b = [m.weight for m in linears], [m.bias for m in linears]
        for s in range(self.steps):
            x, t = self.batches[s % len(self.batches)]
            seen.clear()
            optimizer.zero_grad()
            errors = 0.5 * ((model(x) - t) ** 2).sum(1)
            errors.sum().backward()
            if self.keep:
                with torch.no_grad():
                    zs, outs = seen[0::2], [x, *seen[1::2]]
                    leaves = [*self.w, *self.b]
                    grads = [p.grad for p in [*leaves, *zs]]
                    self.keep_step(s, leaves, grads, (zs, outs, errors))
            optimizer.step()

    def model(self) -> tuple[torch.nn.Sequential, list[torch.nn.Linear]]:
        linears = []
        for w, b in zip(self.work.weights, self.work.biases, strict=True):
            linear = torch.nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w))
                linear.bias.copy_(torch.from_numpy(b))
            linears.append(linear)
        layers = [module for linear in linears for module in (linear, torch.nn.Sigmoid())]
        return torch.nn.Sequential(*layers), linears
