"""The assertion that a training loop of one's own does what ours does.

Not responsible for the verdicts and their bounds (`checks.trained`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import bptrace
from bptrace.checks.trained import Trained, judge
from bptrace.errors import BptraceError
from bptrace.maths.bounds import FLOAT32
from bptrace.model import Network, Problem
from bptrace.testing.failure import Wrong, undecided

if TYPE_CHECKING:
    import os

MOST_SHOWN: Final = 8


def assert_trains_alike(
    problem: Problem | str | os.PathLike[str], after: Any, *, steps: int | None = None
) -> Trained:
    """Assert that parameters from one's own training loop are ours after as many updates.

    How far two correct programs may be apart follows from the roundings of all operations on the
    way, carried through the training; there is no tolerance to be chosen. It grows with each
    update: a few of them say most. For networks of some hundred parameters at most, as all is done
    in plain Python.

    Parameters
    ----------
    problem : Problem, str or path
        A string is what `bptrace.load` takes.
    after : sequence or mapping of arrays
        Their weights and biases, layer by layer: (W, b) pairs, a flat sequence W, b, W, b …, or a
        mapping in this order, such as a ``state_dict``. W is (n_out, n_in), or its transpose where
        only that fits; float64 or float32.
    steps : int, optional
        Updates; default: as many as the problem says.

    Returns
    -------
    Trained
        The verdict on each parameter; what the bound leaves nothing of is undecided.

    Raises
    ------
    AssertionError
        If a parameter differs: with the worst of them, and with the other training that ends where
        theirs does, if there is one. If nothing can be said of any (a test of Hypothesis draws
        another example instead).
    BptraceError
        If the problem does not learn, or the arrays do not fit its network.
    """
    __tracebackhide__ = True
    given = problem if isinstance(problem, Problem) else bptrace.load(problem)
    if steps is not None:
        given = replace(given, training=replace(given.training, steps=steps))
    if not given.learns:
        raise BptraceError("the problem has no rule to learn by. Give it one under [training]")
    arrays = list(_arrays(after))
    is_float32 = any(str(array.dtype) == "float32" for array in arrays)
    theirs = _in_order(given.network, arrays)
    found = judge(given, theirs, given.training.steps, is_float32)
    if found.differing:
        raise Wrong(lambda: text(found))
    if not found.ok:
        undecided(lambda: text(found))
    return found


def text(found: Trained) -> str:
    """Return what is wrong with another program's parameters, the worst of them first."""
    from bptrace.notation import Notation

    notation = Notation.of(found.problem)
    n, updates = len(found.elements), "1 update" if found.steps == 1 else f"{found.steps} updates"
    if not found.differing:
        return (
            f"after {updates} nothing can be said of any of the {n} parameters: roundings may have "
            "grown as large as all that was learned. Compare after fewer updates"
        )
    lines = [
        f"after {updates} {len(found.differing)} of {n} parameters differ by more than "
        f"{'float32' if found.theirs == FLOAT32 else 'float64'} rounds"
    ]
    rows = [("", "ours", "theirs", "apart", "allowed")]
    rows += [
        (
            notation.name(e.address), f"{e.ours:.10g}", f"{e.theirs:.10g}", f"{e.off:.1e}",
            f"{e.bound:.1e}",
        )
        for e in found.differing[:MOST_SHOWN]
    ]  # fmt: skip
    wide = [max(len(row[k]) for row in rows) for k in range(5)]
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], wide[1:], strict=True))
        lines.append(f"  {row[0]:{wide[0]}}  {'  '.join(cells)}")
    if len(found.differing) > MOST_SHOWN:
        lines.append(f"  … and {len(found.differing) - MOST_SHOWN} more")
    if found.undecided:
        lines.append(f"{found.undecided} are undecided")
    if like := found.likeness():
        lines.append(f"Theirs are what ours would be with {like}")
    elif found.steps > 1:
        lines.append("Compare after 1 update: there only what is wrong itself differs")
    return "\n".join(lines)


# ------------------------------------------------------------------------------------- their arrays


def _arrays(given: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield all arrays, however they are nested."""
    if isinstance(given, Mapping):
        given = given.values()
    if hasattr(given, "detach"):  # a tensor that knows where it comes from gives no array
        given = given.detach()
    if hasattr(given, "__array__") or isinstance(given, int | float):
        array = np.asarray(given)
        if array.dtype not in (np.float64, np.float32) and array.dtype.kind not in "iu":
            raise BptraceError(f"an array of {array.dtype}: float64 or float32 is expected")
        yield array
        return
    if _is_of_numbers(given):
        yield np.asarray(given, dtype=np.float64)
        return
    for part in given:
        yield from _arrays(part)


def _is_of_numbers(given: Any) -> bool:
    """Whether lists are a vector or a matrix written out."""
    if not isinstance(given, list | tuple) or not given:
        return False
    if all(isinstance(row, list | tuple) for row in given):
        return len({len(row) for row in given}) == 1 and all(map(_is_vector, given))
    return _is_vector(given)


def _is_vector(given: Any) -> bool:
    return bool(given) and all(isinstance(x, int | float) for x in given)


def _in_order(network: Network, arrays: list[np.ndarray[Any, Any]]) -> list[float]:
    """Return weights and biases in the order of the log."""
    rest = list(arrays)
    weights: list[float] = []
    biases: list[float] = []
    for l, (before, layer) in enumerate(pairwise(network.layers), 1):
        shape = (layer.size, before.size)
        matrix = rest.pop(0) if rest else None
        if matrix is None or (matrix.shape != shape and matrix.T.shape != shape):
            raise _misfit(network, arrays, f"the weights of layer {l} are expected as {shape}")
        weights += (matrix if matrix.shape == shape else matrix.T).ravel().tolist()
        if not layer.biases:
            continue
        row = rest.pop(0).ravel() if rest else None
        if row is None or row.size != layer.biases:
            raise _misfit(network, arrays, f"layer {l} has {layer.biases} biases")
        biases += row.tolist()
    if rest:
        raise _misfit(network, arrays, f"{len(rest)} more than the network has")
    return weights + biases


def _misfit(network: Network, arrays: list[np.ndarray[Any, Any]], expected: str) -> BptraceError:
    shapes = ", ".join(str(array.shape) for array in arrays) or "none"
    widths = "-".join(map(str, network.widths))
    return BptraceError(
        f"these arrays are not those of a {widths} network: {expected}. Given were the shapes "
        f"{shapes}; W and then b of each layer are expected, the first layer first"
    )
