"""A trace on disk as pictures see it: E of every step, and gradients at some checkpoints."""

from __future__ import annotations

from bptrace import engine as engines
from bptrace.errors import BptraceError, ModelError
from bptrace.pictures.gallery import Shown
from bptrace.pictures.history import MOST_STEPS, History, gradient_sizes
from bptrace.store.stored import StoredTrace

MOST_MARKS = 200
"""Checkpoints from which a step is recomputed to see its gradients."""


def shown(trace: StoredTrace) -> Shown:
    """Return a run on disk for pictures.

    E is stored of every step; gradients are those of the steps after at most `MOST_MARKS`
    checkpoints, spread evenly.

    Raises
    ------
    BptraceError
        If there is no step yet, or more than `MOST_STEPS`; a `StoreError` if the trace is damaged.
    """
    steps = trace.steps
    if not 0 < steps <= MOST_STEPS:
        few, has = f"pictures show 1 to {MOST_STEPS:,} steps", f"{steps:,}" if steps else "none yet"
        raise BptraceError(f"{trace.folder}: {few}, and the trace has {has}")
    problem = trace.problem
    history = History(range(1, steps + 1), trace.stored_errors(0, steps))
    if problem.has_backward:
        marks = _marks(steps, trace.info.interval)
        sizes = [sizes for mark in marks for sizes in _sizes(trace, mark)]
        history = History(history.steps, history.errors, gradient_sizes=sizes, gradient_steps=marks)
    try:
        trained = engines.with_parameters(problem, trace.state_at(steps))
    except ModelError:  # they are no finite numbers any more
        trained = None
    test = problem.data.test if problem.data else ()
    return Shown(problem, history.by_epoch_if_long(problem), trained, test)


def _marks(steps: int, interval: int) -> list[int]:
    """The steps (from 1) just after some of the checkpoints, the first and the last among them."""
    checkpoints = range(0, steps, interval)
    every = -(-len(checkpoints) // MOST_MARKS)
    return [begin + 1 for begin in checkpoints[::every]]


def _sizes(trace: StoredTrace, step: int) -> list[tuple[float, ...]]:
    state = trace.state_at(step - 1)
    return list(gradient_sizes(engines.go_on(trace.problem, state, 1, "python", log=True)))
