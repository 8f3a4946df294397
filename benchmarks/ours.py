"""bptrace's own kernels, ready to be measured beside the peers."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np

from benchmarks.record import Array
from benchmarks.work import Work
from bptrace.engine import start
from bptrace.kernels import cast, compiled, ways
from bptrace.model import Problem

Kernel = Callable[[cast.Net, cast.Plan, "array[float]", "array[float]", "array[float]"], object]

RING = 2**22
"""Bytes of records that are written again and again: what a reader takes away in portions."""


class Ours:
    """A run into a log whose memory is there, because it was written to before.

    Parameters
    ----------
    problem : Problem
    steps : int
    keep : bool
        Whether the complete record of every step is kept.
    ring : bool
        Kept, but only for a while: the log is written again from its beginning when `RING` bytes
        are full.
    kernel : function
        `compiled.run_steps`, or the same in plain Python.
    """

    def __init__(
        self,
        problem: Problem,
        steps: int,
        keep: bool = False,
        ring: bool = False,
        kernel: Kernel = compiled.run_steps,
    ) -> None:
        self.problem, self.kernel = problem, kernel
        layout, epoch = problem.layout, problem.batches
        fits = max(1, RING // (8 * layout.size) // epoch) * epoch  # whole epochs: one plan for all
        block = min(steps, fits) if ring else steps
        self.times, self.block = max(1, steps // block), block
        self.steps = self.times * block
        self.first = start(problem).numbers
        way = ways.choose(problem, block, keep, in_place=kernel is compiled.run_steps)
        self.net, self.plan = cast.cast_net(problem, way), cast.cast_plan(problem, 0, block, way)
        self.record = cast.new_record(problem, self.first)
        self.log = cast.new_log(layout, block) if keep else array("d")
        self.errors = cast.new_errors(block)

    def run(self) -> None:
        self.record[: len(self.first)] = self.first
        for _ in range(self.times):
            self.kernel(self.net, self.plan, self.record, self.log, self.errors)

    def parameters(self) -> Array:
        """Return weights and biases after the last run."""
        return np.asarray(self.record)[: self.problem.layout.n_parameters].copy()

    def records(self) -> Array:
        """Return the kept records, (steps, numbers of a record)."""
        size = self.problem.layout.size
        return np.asarray(self.log)[: self.block * size].reshape(self.block, size)


def of(work: Work, steps: int, keep: bool = False, ring: bool = False) -> Ours:
    """Return a run of our compiled kernels."""
    return Ours(work.problem, steps, keep, ring)
