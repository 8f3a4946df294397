"""Gradients as arrays, and a kernel that is compiled before the first test asks for it.

Not responsible for judging the gradients of others (`assertions`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

import bptrace
from bptrace import engine as engines
from bptrace.address import Address, Quantity
from bptrace.checks.gradients import point_of
from bptrace.kernels.ways import Loops, smallest
from bptrace.model import Problem

if TYPE_CHECKING:
    import os

    Pairs = list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]


def gradients_of(
    problem: Problem | str | os.PathLike[str], *, step: int = 1, sample: int | None = None
) -> Pairs:
    """Return ∂E/∂W and ∂E/∂b of each layer as arrays.

    Parameters
    ----------
    problem : Problem, str or path
        A string is what `bptrace.load` takes.
    step : int
        At which update, with the parameters and the batch that it has.
    sample : int, optional
        Of this sample of the batch (from 1) alone; default: of the batch, as the rule uses it (the
        sum over its samples, or their mean).

    Returns
    -------
    list of (dW, db)
        First layer first, float64: dW (n_out, n_in), 0 where there is no connection; db (n_out,),
        or (1,) if the layer shares one bias, or (0,) without biases.

    Raises
    ------
    BptraceError
        For a faulty file, and if there is no gradient, no such step or sample.
    """
    given = problem if isinstance(problem, Problem) else bptrace.load(problem)
    trace = point_of(given, step, sample).trace

    def value(quantity: Quantity, l: int, j: int, i: int = 0) -> float:
        if i and not given.network.connected(l, j, i):
            return 0.0
        return trace.value(Address(quantity, l, j, i, step=trace.first))

    found: Pairs = []
    for l, (before, layer) in enumerate(pairwise(given.network.layers), 1):
        sources, neurons = range(1, before.size + 1), range(1, layer.size + 1)
        dW = np.array([[value(Quantity.D_W, l, j, i) for i in sources] for j in neurons])
        found.append((dW, np.array([value(Quantity.D_B, l, j) for j in neurons[: layer.biases]])))
    return found


def warm_up() -> str:
    """Compile the kernels of runs, or load them from the cache, so that no later call has to wait.

    Returns
    -------
    str
        The engine that is ready: "numba", or "python" if Numba cannot be imported.
    """
    engine = engines.by_name("auto").engine
    for loops in Loops if engine == "numba" else ():
        engines.run(smallest(loops), engine)
    return engine
