"""What a trace directory holds of a problem: which arrays, how many checkpoints, which names.

Not responsible for how it gets to the disk (`sink`).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from itertools import chain
from math import ceil, nan, prod
from operator import ne
from typing import TYPE_CHECKING, TypeAlias

from bptrace.address import Quantity
from bptrace.engine import Run, plain_seconds
from bptrace.model import Problem
from bptrace.notation import Notation
from bptrace.store.arrays import Array, rows_per_block
from bptrace.store.files import hashed
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple

Q = Quantity

Buffer: TypeAlias = bytes | bytearray | memoryview
"""Rows as they are written."""

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REPLAY_SECONDS = 0.0095
"""What recomputing from one checkpoint to the next should take: some 10 ms with all around it."""

PATIENCE = 0.04
"""What it may take in plain Python, as a reader notices more than 50 ms; above it compiled code has
to do it, which takes three quarters of a second to load."""

COMPILED_IS_FASTER = 1400
"""By this factor for 784-30-10; for the same in batches of 32 by 600 (docs/benchmarks.md)."""

MOST_SHARE, MOST_SHARE_IF_COMPILED = 0.05, 0.01
"""Checkpoints take at most this part of what the full records would."""


def interval(problem: Problem) -> int:
    """Return after how many steps there is a checkpoint: 1, 2, 5, 10, 20, … or what space demands.

    As many as plain Python recomputes in `REPLAY_SECONDS`, or in `PATIENCE` if fewer would take
    more space than `MOST_SHARE`; else as many as compiled code recomputes in the same time.
    """
    per_step = max(plain_seconds(problem, 1), 1e-9)
    share = problem.layout.n_carried / problem.layout.size
    steps = max(_round(REPLAY_SECONDS / per_step), ceil(share / MOST_SHARE))
    if is_plain(problem, steps):
        return steps
    compiled = _round(REPLAY_SECONDS / per_step * COMPILED_IS_FASTER)
    return max(compiled, ceil(share / MOST_SHARE_IF_COMPILED))


def is_plain(problem: Problem, interval: int) -> bool:
    """Return whether plain Python recomputes the steps from one checkpoint to the next."""
    return plain_seconds(problem, interval) <= PATIENCE


def _round(steps: float) -> int:
    """Return the largest of 1, 2, 5, 10, 20, … that is not above `steps`, and at least 1."""
    found = 1
    for power in range(12):
        for digit in (1, 2, 5):
            if digit * 10**power <= steps:
                found = digit * 10**power
    return found


def arrays(problem: Problem, every_checkpoint: int) -> list[Array]:
    """Return all arrays of a trace, in the order in which they are written."""
    found = [
        _array("E", ("step",), (), 1, 1, "E of the batch of each step, before its update"),
        _array("step", ("step",), (), 1, 1, "number of the step", "int64"),
        _array(
            "checkpoints/state",
            ("step", "number"),
            (problem.layout.n_carried,),
            0,
            every_checkpoint,
            "what the steps so far left: weights, biases, and what the rule remembers",
        ),
        _array("checkpoints/step", ("step",), (), 0, every_checkpoint, "steps done", "int64"),
    ]
    log = problem.log
    if log is None:
        return found
    for name in log.quantities:
        entry = LOGGED[name]
        inner = tuple(_size(problem, dim) for dim in entry.dims)
        dims = ("step", *entry.dims)
        found.append(_array(f"log/{name}", dims, inner, 1, log.every, entry.about))
    found.append(_array("log/step", ("step",), (), 1, log.every, "number of the step", "int64"))
    batch = (problem.training.batch,)
    about = "which sample of the file it is, from 1; 0: none"
    dims = ("step", "sample")
    found.append(_array("log/sample_number", dims, batch, 1, log.every, about, "int64"))
    return found


def _array(
    path: str,
    dims: tuple[str, ...],
    inner: tuple[int, ...],
    first: int,
    every: int,
    about: str,
    kind: str = "float64",
) -> Array:
    rows = rows_per_block(inner, path.startswith("log/")) if prod(inner) else 1
    return Array(path, kind, dims, inner, rows, first, every, about)


def _size(problem: Problem, dim: str) -> int:
    return {
        "sample": problem.training.batch,
        "neuron": sum(problem.network.widths[1:]),
        "parameter": problem.layout.n_parameters,
    }[dim]


# ------------------------------------------------------------------ quantities that a file asks for


class Logged(NamedTuple):
    """A quantity that a file may ask for: its dimensions without the step, and how to cut it out.

    `cut` takes a logged trace and gives an array of shape ``(steps, *dims)``.
    """

    dims: tuple[str, ...]
    cut: Callable[[Trace], NDArray[np.float64]]
    about: str


def _of_neurons(quantity: Quantity) -> Callable[[Trace], NDArray[np.float64]]:
    def cut(trace: Trace) -> NDArray[np.float64]:
        neurons = sum(trace.problem.network.widths[1:])  # the inputs are in the problem already
        return trace.array(quantity)[:, :, -neurons:]

    return cut


def _of_parameters(*quantities: Quantity) -> Callable[[Trace], NDArray[np.float64]]:
    def cut(trace: Trace) -> NDArray[np.float64]:
        import numpy as np

        return np.concatenate([trace.array(quantity) for quantity in quantities], axis=1)

    return cut


_SAMPLES = ("sample", "neuron")
LOGGED = {
    "in": Logged(_SAMPLES, _of_neurons(Q.IN), "net inputs"),
    "out": Logged(_SAMPLES, _of_neurons(Q.OUT), "outputs, without those of the input layer"),
    "delta": Logged(_SAMPLES, _of_neurons(Q.D_IN), "the derivatives of E by the net inputs"),
    "E": Logged(("sample",), lambda trace: trace.array(Q.E)[:, :, 0], "E of each sample"),
    "parameters": Logged(
        ("parameter",), _of_parameters(Q.W, Q.B), "weights and biases before the update"
    ),
    "gradients": Logged(
        ("parameter",), _of_parameters(Q.D_W, Q.D_B), "the derivatives of E of the batch"
    ),
}
"""Name under ``[log] quantities`` → what is written; the names stand in `model.LOG_QUANTITIES`."""


def rows_of(array: Array, run: Run) -> bytes:
    """Return the rows that a logged part of a run adds to one of the arrays under ``log/``."""
    import numpy as np

    begin = array.rows(run.first - 1)
    steps = [array.step(row) for row in range(begin, array.rows(run.numbers.stop - 1))]
    name = array.path.removeprefix("log/")
    if name == "step":
        return np.array(steps, dtype="<i8").tobytes()
    if name == "sample_number":
        numbers = np.zeros((len(steps), *array.inner), dtype="<i8")
        for row, step in zip(numbers, steps, strict=True):
            batch = run.samples(step)
            row[: len(batch)] = batch
        return numbers.tobytes()
    picked = LOGGED[name].cut(run)[[step - run.first for step in steps]]
    return canonical(np.ascontiguousarray(picked).ravel())


FEW = 4096
"""Numbers that are looked at one by one, in 0.1 ms: importing NumPy takes 100."""


def canonical(numbers: NDArray[np.float64] | array[float]) -> bytes:
    """Return the bits of numbers; every nan has the same ones.

    Which of its many bit patterns a nan gets is up to the processor and the compiler; all others
    are the same in every engine.
    """
    if isinstance(numbers, array) and len(numbers) <= FEW and sys.byteorder == "little":
        if any(map(ne, numbers, numbers)):
            numbers = array("d", [nan if x != x else x for x in numbers])
        return numbers.tobytes()
    import numpy as np

    found = np.asarray(numbers, dtype="<f8")
    missing = np.isnan(found)
    return (np.where(missing, np.nan, found) if missing.any() else found).tobytes()


def canonical_view(numbers: array[float]) -> Buffer:
    """Return what `canonical` does, without copying where nothing has to be changed.

    The numbers must stay what they are.
    """
    if len(numbers) <= FEW:
        return canonical(numbers)
    import numpy as np

    found = np.asarray(numbers, dtype="<f8")
    return canonical(numbers) if np.isnan(found).any() else found.data.cast("B")


def data_hash(problem: Problem) -> str:
    """Return the hash of samples that do not stand in the problem file itself; "" if all do."""
    if problem.data is None:
        return ""
    samples = (*problem.samples, *problem.data.test)
    return hashed(canonical(array("d", chain.from_iterable((*s.x, *s.t) for s in samples))))


# ------------------------------------------------------------------------------------ coordinates


def coordinates(problem: Problem) -> dict[str, tuple[str, str, Sequence[str | int]]]:
    """Return the fixed arrays beside those under ``log/``: path → kind, dimension, values.

    The coordinate of a dimension is the name in the dialect of the file; its layer stands beside.
    """
    if problem.log is None:
        return {}
    notation = Notation.of(problem)
    dims = {dim for name in problem.log.quantities for dim in LOGGED[name].dims}
    found: dict[str, tuple[str, str, Sequence[str | int]]] = {}
    if "neuron" in dims:
        widths = problem.network.widths
        places = [(l, j) for l in range(1, len(widths)) for j in range(1, widths[l] + 1)]
        names = [notation.neuron(l, j) for l, j in places]
        found["log/neuron"] = ("string", "neuron", names)
        found["log/layer"] = ("int64", "neuron", [l for l, _ in places])
    if "parameter" in dims:
        owners = list(problem.layout.parameters())
        names = [notation.name(address) for address in owners]
        found["log/parameter"] = ("string", "parameter", names)
        found["log/parameter_layer"] = ("int64", "parameter", [a.layer for a in owners])
    return found
