"""Checking every gradient: against torch's gradcheck in slow mode, scipy, numdifftools and JAX.

Peers that are not installed are left out. Torch, scipy and numdifftools take differences for every
weight and bias, as "weights" does here; the whole check has every δ and ∂E/∂x besides, and the
verdicts. JAX's `check_grads` compares along one random direction only.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np

from benchmarks.measure import Sheet, Task, ratios, rounds, spread, typical
from benchmarks.networks import build, name_of
from benchmarks.ours import Ours
from bptrace.checks import gradients
from bptrace.checks.certified import certify
from bptrace.kernels import cast, compiled, compiled_gradients, ground, precise, ways
from bptrace.kernels import differences as d
from bptrace.kernels.duals import dual_gradients
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
    way = ways.choose(problem, 1, log=True)
    plan, net = cast.cast_plan(problem, 0, 1, way), cast.cast_net(problem)
    net, grounds = ground.cast_ground(problem, net, log, point.shown)
    grounds = grounds._replace(inputs=0)
    n, n_in, n_x = net.n_parameters, grounds.n_in, problem.network.widths[0]
    results = [
        array("d", bytes(8 * size))
        for size in (d.per_sample(net) * d.FIELDS, n * d.FIELDS, n_in, n + n_in + n_x)
    ]
    return lambda: compiled.check_all(net, grounds, plan, log, *results)


def duals(point: gradients.Point) -> Callable[[], object]:
    """Return the slopes by dual numbers for weights, biases, δ and ∂E/∂x: the kernel alone."""
    problem, log = point.problem, array("d", point.trace.log)
    way = ways.choose(problem, 1, log=True)
    plan, net = cast.cast_plan(problem, 0, 1, way), cast.cast_net(problem)
    net, grounds = ground.cast_ground(problem, net, log, point.shown)
    slopes = np.zeros(net.n_parameters + grounds.n_in + problem.network.widths[0])
    views = *compiled_gradients.dual_views(net, grounds, plan), np.asarray(log), slopes
    return again(compiled_gradients.kernel(dual_gradients), views)


def pairs(point: gradients.Point) -> Callable[[], object]:
    """Return all gradients in double-double, as the column "ulp" needs them: the kernel alone."""
    p, log = precise.cast_precise(point.problem, point.shown), np.asarray(point.trace.log)
    n = p.n_parameters + p.n_in + point.problem.network.widths[0]
    views = compiled.view(p), log, np.zeros(n), np.zeros(n)
    return again(compiled_gradients.kernel(precise.precise_gradients), views)


def again(run: Callable[..., object], views: tuple[object, ...]) -> Callable[[], object]:
    """Return `AGAIN` calls of a kernel, one after the other, as steps follow one another."""

    def calls() -> None:
        for _ in range(AGAIN):
            run(*views)

    return calls


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


class Flat:
    """E and its gradient as functions of one vector, with NumPy."""

    def __init__(self, problem: Problem) -> None:
        parameters, self.x, self.t = arrays(problem)
        self.shapes = [p.shape for p in parameters]
        self.cuts = np.cumsum([p.size for p in parameters])[:-1]
        self.start = np.concatenate([p.ravel() for p in parameters])

    def layers(self, numbers: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        parts = zip(np.split(numbers, self.cuts), self.shapes, strict=True)
        p = [a.reshape(s) for a, s in parts]
        outs = [self.x]
        for k in range(0, len(p), 2):
            outs.append(1.0 / (1.0 + np.exp(-(p[k] @ outs[-1] + p[k + 1]))))
        return p, outs

    def error(self, numbers: np.ndarray) -> float:
        return 0.5 * float(((self.t - self.layers(numbers)[1][-1]) ** 2).sum())

    def gradient(self, numbers: np.ndarray) -> np.ndarray:
        p, outs = self.layers(numbers)
        delta = (outs[-1] - self.t) * outs[-1] * (1.0 - outs[-1])
        found: list[np.ndarray] = []
        for k in range(len(p) - 2, -1, -2):
            before = outs[k // 2]
            found = [np.outer(delta, before).ravel(), delta, *found]
            delta = (p[k].T @ delta) * before * (1.0 - before)
        return np.concatenate(found)


def scipy_task(problem: Problem) -> Callable[[], object]:
    """Return scipy.optimize.check_grad: one-sided differences, one number as the result."""
    from scipy.optimize import check_grad

    flat = Flat(problem)
    return lambda: check_grad(flat.error, flat.gradient, flat.start)


def numdifftools_task(problem: Problem) -> Callable[[], object]:
    """Return numdifftools.Gradient, its differences with extrapolation, beside the gradient."""
    from numdifftools import Gradient

    flat = Flat(problem)
    numeric = Gradient(flat.error)
    return lambda: np.abs(numeric(flat.start) - flat.gradient(flat.start)).max()


def jax_task(problem: Problem) -> Callable[[], object]:
    """Return jax.test_util.check_grads backwards: one random direction, compiled before."""
    import jax
    from jax.test_util import check_grads

    parameters, x, t = arrays(problem)

    @jax.jit
    def error(*p: jax.Array) -> jax.Array:
        a = x
        for k in range(0, len(p), 2):
            a = jax.nn.sigmoid(p[k] @ a + p[k + 1])
        return 0.5 * ((t - a) ** 2).sum()

    def run() -> None:
        with jax.enable_x64(True):
            check_grads(error, parameters, order=1, modes=("rev",))

    return run


def proof(point: gradients.Point) -> Callable[[], object]:
    """Return the proof by balls alone: how many units in the last place each gradient is off."""
    found = gradients.check_gradients(point, "numba")
    return lambda: certify(found)


PEERS = {
    "torch": torch_task,
    "scipy": scipy_task,
    "numdifftools": numdifftools_task,
    "jax": jax_task,
}
STEPS, AGAIN = 200, 20
"""A single step would be the time of its call, a single call that of filling the caches."""

MOST_PARAMETERS = {"numdifftools": 5_000}
"""In larger networks a peer would take minutes."""

TEXT = """torch is `torch.autograd.gradcheck` in slow mode, scipy `check_grad` with one-sided
differences, numdifftools its `Gradient` with the default extrapolation (in the smaller network
only): all three go through every weight and bias, one by one. jax is `check_grads` backwards, which
compares along one random direction instead. "bptrace, weights" are the compiled
differences for the same weights and biases, and for δ, each with its bound: one slope per net input
instead of one per weight, which is most of the ratio. "whole check" adds ∂E/∂x, slopes by dual
numbers and the verdicts; "double-double" is the arithmetic of the column "ulp", "proof" that of
`--certify`, "one step" one of many training steps with its log; the kernels compared with it are
called over and over, with nothing prepared anew."""


def table(sheet: Sheet) -> Iterator[str]:
    """Yield the rows of the table."""
    yield TEXT
    yield ""
    yield "| network | | ms | / bptrace, weights: median (min–max) | / bptrace, the whole check |"
    yield "|---|---|--:|--:|--:|"
    for widths in NETWORKS[: 1 if sheet.quick else None]:
        problem = build(widths, samples=1)
        point = gradients.point_of(problem)
        runs = {"weights": kernel(point), "whole check": whole(point)}
        runs |= {"dual numbers": duals(point), "double-double": pairs(point)}
        if find_spec("flint"):
            runs["proof"] = proof(point)
        n = problem.layout.n_parameters
        runs |= {
            name: make(problem)
            for name, make in PEERS.items()
            if find_spec(name) and n <= MOST_PARAMETERS.get(name, n)
        }
        amounts = dict.fromkeys(("dual numbers", "double-double"), AGAIN)
        tasks = {name: Task(run, amounts.get(name, 1)) for name, run in runs.items()}
        tasks["one step"] = Task(Ours(problem, STEPS, keep=True, ring=True).run, STEPS)
        times = rounds(tasks, min(3, sheet.rounds))
        network = name_of(widths)
        for name in tasks:
            ratio = ratios(times, name, "weights")
            sheet.found[f"gradients {network}: {name}"] = ratio
            who = name if name in PEERS else f"bptrace, {name}"
            yield (
                f"| {network} | {who} | {1e3 * typical(times, name):,.2f} "
                f"| {ratio.text()} | {ratios(times, name, 'whole check').text()} |"
            )
        for name in ("dual numbers", "double-double"):
            step = ratios(times, name, "one step")
            sheet.found[f"gradients {network}: {name} / one step"] = step
        if "torch" in times:
            faster = ratios(times, "torch", "dual numbers")
            sheet.found[f"gradients {network}: torch / dual numbers"] = faster
        if "proof" in times:
            sheet.found[f"gradients {network}: proof, ms"] = spread(
                [1e3 * t for t in times["proof"]]
            )
