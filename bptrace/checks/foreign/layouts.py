"""What rows and columns of somebody else's arrays mean, told from their shapes and numbers.

A matrix of weights may have a row for each neuron (ours) or a column, biases may be its last or
first row or column, and all may be one vector. Shapes decide; where several fit, what other layers
have decides, and where that says nothing, the numbers: the arrangement counts that is nearest in
direction to the right gradients. Not responsible for verdicts (`against`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bptrace.checks.arrays.figures import matrices
from bptrace.checks.foreign.names import Foreign
from bptrace.errors import Fault, FileError
from bptrace.model import Problem
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NEAR = 1e-6
"""Two arrangements are equally near to the right gradients if 1 − cos² differs by less."""

LIKE = 1e-9
"""1 − cos² of numbers that have the direction of the right ones."""


CLEARLY = 0.1
"""So much nearer to the right direction decides for numbers that do not have it."""


class Note(NamedTuple):
    """Something that was found out about the arrays, and about which layers (empty: all)."""

    name: str
    layers: tuple[int, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Arranged:
    """Somebody else's gradients in our order.

    Attributes
    ----------
    values : array of float
        In the order of the log; nan where nothing was given.
    given : array of bool
        What was given.
    notes : tuple of Note
        How the arrays were read.
    is_float32 : bool
        Whether they are (or some of them).
    """

    values: Array
    given: NDArray[np.bool_]
    notes: tuple[Note, ...]
    is_float32: bool


class _Way(NamedTuple):
    """One way to read the array of a layer: "rows" or "columns", and where the biases are."""

    orientation: str
    biases: str  # "", "last" or "first"
    is_flat: bool
    matrix: Any
    row: Any


def arranged(
    problem: Problem, foreign: Foreign, right: Array, file: str = "", prefer: str = "rows"
) -> Arranged:
    """Return somebody else's gradients in the order of the log.

    Parameters
    ----------
    problem : Problem
    foreign : Foreign
    right : array of float
        The right gradients, for arrays whose shapes leave a choice.
    file : str
        For messages.
    prefer : {"rows", "columns"}
        What is taken where neither shapes nor numbers decide.

    Raises
    ------
    FileError
        With all arrays that have no shape of their layer, or that are missing.
    """
    import numpy as np

    is_float32 = any(a.dtype == np.float32 for a in foreign.arrays)
    values = np.full(problem.layout.n_parameters, np.nan)
    notes = [Note("ignored", detail=name) for name in foreign.ignored]
    if foreign.elements:
        for k, value in foreign.elements.items():
            values[k] = value
        given = np.zeros(len(values), dtype=bool)
        given[list(foreign.elements)] = True
        return Arranged(values, given, tuple(notes), is_float32)
    if foreign.vector is not None:
        values, note = _of_vector(problem, foreign.vector.astype(np.float64), right)
        return Arranged(values, np.ones(len(values), dtype=bool), (*notes, note), is_float32)
    ways = _all_ways(problem, foreign, file)
    chosen, more = _choose(problem, ways, right, prefer)
    notes += more
    notes += _fill(problem, foreign, chosen, values)
    given = _given(problem, foreign, chosen)
    return Arranged(values, given, tuple(notes), is_float32)


# -------------------------------------------------------------------------------- shapes


def _all_ways(problem: Problem, foreign: Foreign, file: str) -> list[list[_Way]]:
    faults: list[Fault] = []
    found = []
    for l in range(1, problem.network.depth + 1):
        weights, biases = foreign.weights[l - 1], foreign.biases[l - 1]
        assert weights is not None
        layer = problem.network.layers[l]
        n, m = layer.size, problem.network.widths[l - 1]
        ways = [w for w in _ways(weights, n, m) if layer.biases or not w.biases]
        if biases is not None:
            ways = [way for way in ways if not way.biases]
        called = foreign.names.get(("weights", l), f"dW of layer {l}")
        if not ways:
            faults.append(Fault(_wrong_shape(called, weights, l, n, m), file, hint=_hint(weights)))
        needed = biases is None and layer.biases and problem.network.train_biases
        if ways and needed and not any(way.biases for way in ways):
            faults.append(Fault(
                f"the biases of layer {l} are missing", file,
                hint=f"Expected db{l} ({layer.biases},), or {called} with a column more.",
            ))  # fmt: skip
        if biases is not None and biases.size not in (n, layer.biases):
            called = foreign.names.get(("biases", l), f"db of layer {l}")
            faults.append(Fault(
                f"{called} has the shape {biases.shape}; layer {l} has {n} neurons", file,
                hint=f"Expected ({n},). {_hint(biases)}".rstrip(),
            ))  # fmt: skip
        found.append(ways)
    if faults:
        raise FileError(faults)
    return found


def _wrong_shape(called: str, array: Any, l: int, n: int, m: int) -> str:
    shapes = f"({n}, {m})" if n == m else f"({n}, {m}) or ({m}, {n})"
    return (
        f"{called} has the shape {array.shape}; layer {l} has {n} neuron{'s' * (n > 1)} with {m} "
        f"input{'s' * (m > 1)}, so {shapes} was expected"
    )


def _hint(array: Any, most: int = 2) -> str:
    if array.ndim <= most:
        return ""
    return "One for each sample? Add them up, or take their mean, as the problem says."


def _ways(array: Any, n: int, m: int) -> Iterator[_Way]:
    """Yield all ways in which an array can be that of n neurons with m inputs."""
    array = array.astype(float)
    if array.ndim == 1 and array.size == n * m:
        yield _Way("rows", "", True, array.reshape(n, m), None)
        if n > 1 and m > 1:
            yield _Way("columns", "", True, array.reshape(m, n).T, None)
        return
    if array.ndim != 2:
        return
    for orientation, matrix in (("rows", array), ("columns", array.T)):
        if orientation == "columns" and n == m == 1:
            return
        if matrix.shape == (n, m):
            yield _Way(orientation, "", False, matrix, None)
        if matrix.shape == (n, m + 1):
            yield _Way(orientation, "last", False, matrix[:, :-1], matrix[:, -1])
            yield _Way(orientation, "first", False, matrix[:, 1:], matrix[:, 0])


# -------------------------------------------------------------------------------- choice


def _choose(
    problem: Problem, ways: Sequence[list[_Way]], right: Array, prefer: str
) -> tuple[list[_Way], list[Note]]:
    """Choose a way for each layer, and say what was chosen."""
    offs = [_offs(problem, l, options, right) for l, options in enumerate(ways, 1)]
    votes = {w[0].orientation for w in ways if len(_orientations(w)) == 1 and not _is_line(w[0])}
    if not votes:  # where shapes say nothing, layers that are right in one way only have a voice
        votes = {
            options[near.index(min(near))].orientation
            for options, near in zip(ways, offs, strict=True)
            if min(near) <= LIKE and max(near) > NEAR
        }
    chosen, unclear = [], []
    for l, (options, near) in enumerate(zip(ways, offs, strict=True), 1):
        some = list(range(len(options)))
        if len(votes) == 1:
            some = [k for k in some if options[k].orientation in votes] or some
        best = min(some, key=lambda k: near[k] if near[k] > LIKE else 0.0)
        worst = max(near[k] for k in some)
        if near[best] > LIKE and len(_orientations([options[k] for k in some])) > 1:
            if not near[best] < CLEARLY * worst:
                best = next((k for k in some if options[k].orientation == prefer), some[0])
            unclear.append(l)
        chosen.append(options[best])
    return chosen, list(_said(chosen, unclear))


def _offs(problem: Problem, l: int, options: list[_Way], right: Array) -> list[float]:
    weights, biases = matrices(problem.network, right)
    return [_off(way, weights[l - 1], biases[l - 1]) for way in options]


def _orientations(options: Sequence[_Way]) -> set[str]:
    return {way.orientation for way in options}


def _is_line(way: _Way) -> bool:
    """Whether a matrix is so narrow that rows and columns of a flat list are the same."""
    return way.is_flat and 1 in way.matrix.shape


def _off(way: _Way, weights: Array, biases: Array) -> float:
    """1 − cos² between the numbers and the right ones; 1 where there is nothing to compare."""
    import numpy as np

    ours, theirs = [weights.ravel()], [way.matrix.ravel()]
    if way.row is not None and len(biases) == len(way.row):
        ours.append(biases)
        theirs.append(way.row)
    a, b = np.concatenate(ours), np.concatenate(theirs)
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    a, b = (x / (np.abs(x).max(initial=0.0) or 1.0) for x in (a, b))
    sizes = float(a @ a) * float(b @ b)
    return 1.0 - float(a @ b) ** 2 / sizes if sizes > 0.0 else 1.0


def _said(chosen: Sequence[_Way], unclear: list[int]) -> Iterator[Note]:
    layers = range(1, len(chosen) + 1)
    columns = [l for l in layers if chosen[l - 1].orientation == "columns" and l not in unclear]
    if columns:
        yield Note("columns", _unless_all(columns, len(chosen)))
    for where in ("last", "first"):
        some = [l for l in layers if chosen[l - 1].biases == where]
        if some:
            side = "row" if chosen[some[0] - 1].orientation == "columns" else "column"
            yield Note(f"biases {where} {side}", _unless_all(some, len(chosen)))
    flat = [l for l in layers if chosen[l - 1].is_flat and chosen[l - 1].matrix.size > 1]
    if flat:
        yield Note("flat", _unless_all(flat, len(chosen)))
    for orientation in ("rows", "columns"):
        some = [l for l in unclear if chosen[l - 1].orientation == orientation]
        if some:
            yield Note(f"ambiguous {orientation}", tuple(some))


def _unless_all(layers: list[int], n: int) -> tuple[int, ...]:
    return () if len(layers) == n else tuple(layers)


def _fill(
    problem: Problem, foreign: Foreign, chosen: Sequence[_Way], values: Array
) -> Iterator[Note]:
    """Put the chosen arrays into one."""
    weights, biases = matrices(problem.network, values)
    for l, way in enumerate(chosen, 1):
        weights[l - 1][:] = way.matrix
        row = way.row if way.row is not None else foreign.biases[l - 1]
        if row is None:
            continue
        row, size = row.astype(float).ravel(), problem.network.layers[l].biases
        if not size:
            if row.any():
                yield Note("no biases", (l,))
        elif size < len(row):
            biases[l - 1][:] = row.sum()
            yield Note("summed biases", (l,))
        else:
            biases[l - 1][:] = row


def _given(problem: Problem, foreign: Foreign, chosen: Sequence[_Way]) -> NDArray[np.bool_]:
    import numpy as np

    given = np.ones(problem.layout.n_parameters, dtype=bool)
    for l, part in enumerate(matrices(problem.network, given)[1], 1):
        part[:] = chosen[l - 1].row is not None or foreign.biases[l - 1] is not None
    return given


# -------------------------------------------------------------------------------- vector


def _of_vector(problem: Problem, vector: Array, right: Array) -> tuple[Array, Note]:
    """Cut one vector into layers: the order that is nearest to the right gradients."""
    import numpy as np

    best, name, least = vector, "vector W W b b", 2.0
    for how, found in _cuts(problem, vector):
        finite = np.isfinite(found) & np.isfinite(right)
        a, b = found[finite], right[finite]
        sizes = float(a @ a) * float(b @ b)
        off = 1.0 - float(a @ b) ** 2 / sizes if sizes > 0.0 else 1.0
        if off < least - NEAR:
            best, name, least = found, how, off
    return best, Note(name)


def _cuts(problem: Problem, vector: Array) -> Iterator[tuple[str, Array]]:
    """Yield a vector as W1 b1 W2 b2 … and as W1 W2 … b1 b2 …, each by rows and by columns."""
    import numpy as np

    network, n = problem.network, problem.network.depth
    for alternating in (True, False):
        for by_columns in (False, True):
            found = np.empty_like(vector)
            weights, biases = matrices(network, found)
            parts = [("W", l) for l in range(n)] + [("b", l) for l in range(n)]
            if alternating:
                parts = [(side, l) for l in range(n) for side in "Wb"]
            at = 0
            for side, l in parts:
                target = weights[l] if side == "W" else biases[l]
                part = vector[at : at + target.size]
                at += target.size
                if by_columns and side == "W":
                    target[:] = part.reshape(target.shape[::-1]).T
                else:
                    target[:] = part.reshape(target.shape)
            order = "W b W b" if alternating else "W W b b"
            yield f"vector {order}{' columns' if by_columns else ''}", found
