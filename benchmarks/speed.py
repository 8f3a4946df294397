"""Steps per second, with and without the log, against NumPy in matrix form and plain Python."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.measure import ratios, rounds, typical
from benchmarks.networks import STEPS, build
from benchmarks.numpy_peer import Peer
from bptrace.engine import start
from bptrace.kernels import cast, compiled, source
from bptrace.model import Problem

Kernel = Callable[[cast.Net, cast.Plan, "array[float]", "array[float]"], object]
PLAIN_IS_SLOWER = 100  # by about this factor, so it gets fewer steps


def bptrace_run(kernel: Kernel, problem: Problem, steps: int, log: bool) -> Callable[[], object]:
    """Return a run of the kernel into a log whose memory is there, because it was written to."""
    net, plan = cast.cast_net(problem), cast.cast_plan(problem, 0, steps, log)
    first = start(problem).numbers
    numbers = cast.new_log(problem.layout, first, steps, log)
    errors = cast.new_errors(steps)

    def run() -> array[float]:
        numbers[: len(first)] = first
        kernel(net, plan, numbers, errors)
        return numbers

    return run


def check_same_work(problem: Problem, steps: int, peer: Peer) -> None:
    """Make sure that both calculate the same, so that the comparison means something.

    NumPy adds in another order and has another exp: parameters agree to some 10⁻¹⁵ after a few
    steps. 10⁻⁹ shows a different formula and nothing finer; the tests show that.
    """
    numbers = bptrace_run(compiled.run_steps, problem, steps, log=True)()
    peer.run(keep=True)
    ours = np.asarray(numbers)[: peer.log.size].reshape(peer.log.shape)[:20]
    if not np.allclose(ours, peer.log[:20], rtol=1e-9, atol=1e-12):
        raise SystemExit("NumPy's steps are not bptrace's: the comparison is void")


def table(n: int) -> Iterator[str]:
    """Yield the rows of the table; `n` rounds for each network."""
    yield (
        "| network | log | bptrace, steps/s | NumPy, steps/s | NumPy / bptrace: median (min–max) "
        "| plain Python / bptrace |"
    )
    yield "|---|---|--:|--:|--:|--:|"
    for widths, steps in STEPS.items():
        problem = build(widths)
        fewer, few = max(1, steps // 10), max(1, steps // PLAIN_IS_SLOWER)
        peer = Peer(problem, fewer)
        check_same_work(problem, fewer, peer)
        for log in (False, True):
            times = rounds(
                {
                    "bptrace": bptrace_run(compiled.run_steps, problem, steps, log),
                    "numpy": partial(peer.run, keep=log),
                    "plain": bptrace_run(source.run_steps, problem, few, log),
                },
                n,
            )
            per_step = {"bptrace": steps, "numpy": fewer, "plain": few}
            times = {name: [t / per_step[name] for t in each] for name, each in times.items()}
            middle, least, most = ratios(times, "numpy", "bptrace")
            plain, _, _ = ratios(times, "plain", "bptrace")
            name = "-".join(map(str, widths))
            yield (
                f"| {name} | {'yes' if log else 'no'} | {1 / typical(times, 'bptrace'):,.0f} "
                f"| {1 / typical(times, 'numpy'):,.0f} "
                f"| {middle:,.1f} ({least:,.1f}–{most:,.1f}) | {plain:,.0f} |"
            )
