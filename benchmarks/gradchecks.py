"""Checking every gradient: against torch's gradcheck in slow mode, and scipy's check_grad.

Peers that are not installed are left out. All of them compare every weight and bias, as "weights"
does here; the whole check has every δ and ∂E/∂x besides, and the verdicts.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np

from benchmarks.measure import ratios, rounds, typical
from benchmarks.networks import build
from bptrace.checks import gradients
from bptrace.kernels import cast, compiled, ground
from bptrace.kernels import differences as d
from bptrace.model import Problem

NETWORKS = ((64, 32, 10), (784, 30, 10))


def whole(point: gradients.Point) -> Callable[[], object]:
    """Return the whole check, with verdicts, as the command does it."""

    def run() -> None:
        if not gradients.check_gradients(point, "numba").ok:
            raise SystemExit("bptrace: a gradient differs")

    return run


def kernel(point: gradients.Point) -> Callable[[], object]:
    """Return the differences for weights, biases and δ, with their bounds."""
    problem, log = point.problem, array("d", point.trace.log)
    plan, net = cast.cast_plan(problem, 0, 1, log=True), cast.cast_net(problem)
    net, grounds = ground.cast_ground(problem, net, log, point.shown)
    grounds = grounds._replace(inputs=0)
    n, n_in, n_x = net.n_parameters, grounds.n_in, problem.network.widths[0]
    results = [
        array("d", bytes(8 * size))
        for size in (d.per_sample(net) * d.FIELDS, n * d.FIELDS, n_in, n + n_in + n_x)
    ]
    return lambda: compiled.check_all(net, grounds, plan, log, *results)


def arrays(problem: Problem) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return weights and biases layer by layer, x and t."""
    parameters: list[np.ndarray] = []
    for w, b in zip(problem.parameters.weights, problem.parameters.biases, strict=True):
        parameters += [np.array(w), np.array(b)]
    sample = problem.samples[0]
    return parameters, np.array(sample.x), np.array(sample.t)


def torch_task(problem: Problem) -> Callable[[], object]:
    """Return torch.autograd.gradcheck of all weights and biases, every element compared."""
    import torch

    parameters, x, t = (torch.tensor(a) if not isinstance(a, list) else a for a in arrays(problem))
    leaves = [torch.tensor(p, requires_grad=True) for p in parameters]

    def error(*p: torch.Tensor) -> torch.Tensor:
        a = x
        for k in range(0, len(p), 2):
            a = torch.sigmoid(p[k] @ a + p[k + 1])
        return 0.5 * ((t - a) ** 2).sum()

    return lambda: torch.autograd.gradcheck(error, leaves, fast_mode=False)


def scipy_task(problem: Problem) -> Callable[[], object]:
    """Return scipy.optimize.check_grad: one-sided differences, one number as the result."""
    from scipy.optimize import check_grad

    parameters, x, t = arrays(problem)
    shapes = [p.shape for p in parameters]
    cuts = np.cumsum([p.size for p in parameters])[:-1]
    flat = np.concatenate([p.ravel() for p in parameters])

    def layers(numbers: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        p = [a.reshape(s) for a, s in zip(np.split(numbers, cuts), shapes, strict=True)]
        outs = [x]
        for k in range(0, len(p), 2):
            outs.append(1.0 / (1.0 + np.exp(-(p[k] @ outs[-1] + p[k + 1]))))
        return p, outs

    def error(numbers: np.ndarray) -> float:
        return 0.5 * float(((t - layers(numbers)[1][-1]) ** 2).sum())

    def gradient(numbers: np.ndarray) -> np.ndarray:
        p, outs = layers(numbers)
        delta = (outs[-1] - t) * outs[-1] * (1.0 - outs[-1])
        found: list[np.ndarray] = []
        for k in range(len(p) - 2, -1, -2):
            before = outs[k // 2]
            found = [np.outer(delta, before).ravel(), delta, *found]
            delta = (p[k].T @ delta) * before * (1.0 - before)
        return np.concatenate(found)

    return lambda: check_grad(error, gradient, flat)


PEERS = {"torch": torch_task, "scipy": scipy_task}


def table(n: int) -> Iterator[str]:
    """Yield the rows of the table; `n` rounds for each network."""
    yield "| network | | ms | / bptrace, weights: median (min–max) | / bptrace, the whole check |"
    yield "|---|---|--:|--:|--:|"
    for widths in NETWORKS:
        problem = build(widths, samples=1)
        point = gradients.point_of(problem)
        tasks = {"weights": kernel(point), "whole check": whole(point)}
        tasks |= {name: make(problem) for name, make in PEERS.items() if find_spec(name)}
        times = rounds(tasks, n)
        for name in tasks:
            middle, least, most = ratios(times, name, "weights")
            check, _, _ = ratios(times, name, "whole check")
            who = name if name in PEERS else f"bptrace, {name}"
            yield (
                f"| {'-'.join(map(str, widths))} | {who} | {1e3 * typical(times, name):,.2f} "
                f"| {middle:,.0f} ({least:,.0f}–{most:,.0f}) | {check:,.1f} |"
            )
