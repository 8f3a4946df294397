"""Checking every gradient: against torch's gradcheck in slow mode, and scipy's check_grad.

Peers that are not installed are left out. All of them compare every weight and bias, as "weights"
does here; the whole check has every δ and ∂E/∂x besides, and the verdicts. Not measured:
numdifftools (a dense Jacobian by extrapolation) and JAX's `check_grads` (along random directions,
not element by element).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np

from benchmarks.measure import Sheet, Task, ratios, rounds, spread, typical
from benchmarks.networks import build, name_of
from bptrace.checks import gradients
from bptrace.checks.certified import certify
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


def proof(point: gradients.Point) -> Callable[[], object]:
    """Return the proof by balls alone: how many units in the last place each gradient is off."""
    found = gradients.check_gradients(point, "numba")
    return lambda: certify(found)


PEERS = {"torch": torch_task, "scipy": scipy_task}

TEXT = """torch is `torch.autograd.gradcheck` in slow mode, scipy `check_grad` with one-sided
differences; both compare every weight and bias, one by one. "bptrace, weights" are the compiled
differences for the same weights and biases, and for δ, each with its bound: one slope per net input
instead of one per weight, which is most of the ratio. "whole check" adds ∂E/∂x, slopes by dual
numbers and the verdicts; "proof" is the arithmetic of `--certify`."""


def table(sheet: Sheet) -> Iterator[str]:
    """Yield the rows of the table."""
    yield TEXT
    yield ""
    yield "| network | | ms | / bptrace, weights: median (min–max) | / bptrace, the whole check |"
    yield "|---|---|--:|--:|--:|"
    for widths in NETWORKS:
        problem = build(widths, samples=1)
        point = gradients.point_of(problem)
        runs = {"weights": kernel(point), "whole check": whole(point)}
        if find_spec("flint"):
            runs["proof"] = proof(point)
        runs |= {name: make(problem) for name, make in PEERS.items() if find_spec(name)}
        times = rounds({name: Task(run) for name, run in runs.items()}, min(3, sheet.rounds))
        network = name_of(widths)
        for name in runs:
            ratio = ratios(times, name, "weights")
            sheet.found[f"gradients {network}: {name}"] = ratio
            who = name if name in PEERS else f"bptrace, {name}"
            yield (
                f"| {network} | {who} | {1e3 * typical(times, name):,.2f} "
                f"| {ratio.text()} | {ratios(times, name, 'whole check').text()} |"
            )
        if "proof" in times:
            sheet.found[f"gradients {network}: proof, ms"] = spread(
                [1e3 * t for t in times["proof"]]
            )
