"""JAX: all steps in one compiled `lax.scan`; the log is what the scan stacks up."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.record import Array, Step
from benchmarks.work import Work

jax.config.update("jax_enable_x64", True)


def forward(parameters, zeros, x, t):  # type: ignore[no-untyped-def]
    a, zs, outs = x, [], [x]
    for w, b, zero in zip(*parameters, zeros, strict=True):
        z = a @ w.T + b + zero
        a = 1.0 / (1.0 + jnp.exp(-z))
        zs.append(z)
        outs.append(a)
    errors = 0.5 * ((a - t) ** 2).sum(1)
    return errors.sum(), (zs, outs, errors)


class Scan:
    """One network, ready to run."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work = work
        zeros = [jnp.zeros((work.batch, n)) for n in work.widths[1:]]
        gradient = jax.grad(forward, argnums=(0, 1) if keep else 0, has_aux=True)

        def step(carried, k):  # type: ignore[no-untyped-def]
            now, xs, ts = carried
            found, rest = gradient(now, zeros, xs[k], ts[k])
            slopes, deltas = found if keep else (found, None)
            after = jax.tree.map(lambda p, g: p - work.eta * g, now, slopes)
            return (after, xs, ts), (now, slopes, deltas, rest) if keep else None

        order = np.arange(steps) % work.batches
        self.scan = jax.jit(lambda first: jax.lax.scan(step, first, order))
        samples = (
            jnp.array(rows.reshape(work.batches, work.batch, -1)) for rows in (work.x, work.t)
        )
        parameters = [jnp.array(w) for w in work.weights], [jnp.array(b) for b in work.biases]
        self.first = (parameters, *samples)

    def run(self) -> None:
        (self.end, *_), self.log = jax.block_until_ready(self.scan(self.first))

    def parameters(self) -> tuple[list[Array], list[Array]]:
        w, b = self.end
        return list(map(np.asarray, w)), list(map(np.asarray, b))

    def step(self, s: int) -> Step:
        (w, b), (d_w, d_b), deltas, (zs, outs, errors) = self.log
        lists = ([np.asarray(x[s]) for x in each] for each in (w, b, d_w, d_b, zs, outs, deltas))
        return Step(*lists, np.asarray(errors[s]))
