"""Steps per second of every learning rule, relative to gradient descent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.measure import ratios, rounds, typical
from benchmarks.networks import build
from benchmarks.speed import bptrace_run
from bptrace.kernels import compiled
from bptrace.maths.rules import RULES

WIDTHS, STEPS = (2, 2, 2), 50_000


def table(n: int) -> Iterator[str]:
    """Yield the rows of the table; `n` rounds in which all rules take their turn."""
    problem = build(WIDTHS)
    runs = {}
    for rule in RULES:
        training = replace(problem.training, rule=rule.name, learning_rate=0.001)
        other = replace(problem, training=training)
        runs[rule.name] = bptrace_run(compiled.run_steps, other, STEPS, log=False)
    times = rounds(runs, n)
    yield "| rule | steps/s, 2-2-2 | time / gradient descent: median (min–max) |"
    yield "|---|--:|--:|"
    for name in runs:
        middle, least, most = ratios(times, name, "gradient-descent")
        rate = STEPS / typical(times, name)
        yield f"| {name} | {rate:,.0f} | {middle:.2f} ({least:.2f}–{most:.2f}) |"
