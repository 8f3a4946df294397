"""The numbers of a step in the order in which the peers keep them: each quantity in one piece.

bptrace's own log sorts them otherwise (`bptrace.address.Layout`); `in_our_order` translates, so
that all numbers of a step can be compared with ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Step(NamedTuple):
    """All numbers of a step, or of many steps: then each array has a first axis for them.

    By layer (0 is the first behind the input, but for `a`, which begins with the input): parameters
    `w` (n_out, n_in) and `b` (n_out), before the update, their gradients `d_w` and `d_b`, and of
    each sample of the batch `z` (net inputs), `a` (outputs) and `delta` (∂E/∂z), (batch, n_out);
    `e` is the error of each sample, (batch).
    """

    w: Sequence[Array]
    b: Sequence[Array]
    d_w: Sequence[Array]
    d_b: Sequence[Array]
    z: Sequence[Array]
    a: Sequence[Array]
    delta: Sequence[Array]
    e: Array


def shapes(widths: Sequence[int], batch: int) -> Step:
    """Return the shape of each array in place of the array."""
    weights = [(n, m) for m, n in pairwise(widths)]
    rows, columns = [(n,) for n in widths[1:]], [(batch, n) for n in widths]
    return Step(
        weights,
        rows,
        weights,
        rows,
        columns[1:],
        columns,
        columns[1:],
        (batch,),  # type: ignore[arg-type]
    )


def size(widths: Sequence[int], batch: int) -> int:
    """Return how many numbers a step has."""
    *lists, e = shapes(widths, batch)
    return sum(prod(shape) for each in lists for shape in each) + e[0]


def views(widths: Sequence[int], batch: int, memory: Array) -> Step:
    """Return the step, or the steps, that lie in `memory`, (…, size)."""
    at = 0

    def cut(shape: tuple[int, ...]) -> Array:
        nonlocal at
        at += prod(shape)
        return memory[..., at - prod(shape) : at].reshape(*memory.shape[:-1], *shape)

    *lists, e = shapes(widths, batch)
    return Step(*([cut(shape) for shape in each] for each in lists), cut(e))


def at(steps: Step, s: int) -> Step:
    """Return step `s` of many."""
    *lists, e = steps
    return Step(*([array[s] for array in each] for each in lists), e[s])


def in_our_order(step: Step) -> Array:
    """Return the numbers as bptrace's log has them."""
    parameters = [step.w, step.b, step.d_w, step.d_b]
    samples = [
        np.asarray(part).ravel()
        for s in range(len(step.e))
        for each in (step.z, step.a, step.delta)
        for part in (layer[s] for layer in each)
    ]
    n = len(samples) // len(step.e)
    with_errors = []
    for s, error in enumerate(step.e):
        with_errors += [*samples[s * n : (s + 1) * n], np.atleast_1d(error)]
    return np.concatenate(
        [*(np.asarray(array).ravel() for each in parameters for array in each), *with_errors]
    )
