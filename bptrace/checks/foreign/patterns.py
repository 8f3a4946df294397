"""What wrong gradients have in common: everything, a layer, a neuron off by one factor, and so on.

Looked at are arrays only; why they are wrong is the business of `causes`. The larger pattern comes
first: a factor of everything, then of whole layers, of weights or biases, of rows (neurons) and
columns (sources), then a matrix that is transposed or has its rows in another order, and at last
single numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bptrace.checks.arrays.figures import matrices
from bptrace.model import Network
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CLEAR = 8.0
"""A gradient counts for a factor if it is so many times its bound."""


class Pattern(NamedTuple):
    """One thing that wrong gradients have in common.

    Attributes
    ----------
    name : str
        "not finite", "zero", "sign", "factor", "own factors", "transposed", "order" or "single".
    what : str
        Of which: "all", "layer", "weights", "biases", "rows" or "columns".
    layer : int
        0 for all.
    places : tuple of int
        Neurons (rows) or sources (columns), from 1; for "order" where each row is from.
    factor : float or None
    number : int
        How many gradients it is.
    """

    name: str
    what: str
    layer: int = 0
    places: tuple[int, ...] = ()
    factor: float | None = None
    number: int = 0


@dataclass(frozen=True)
class Compared:
    """Right and foreign gradients, in the order of the log or as a part of it.

    Attributes
    ----------
    right, theirs, bounds : array of float
        `bounds` is how far they may be apart.
    wrong, given : array of bool
        Which are apart by more, and which were given and can be compared.
    """

    right: Array
    theirs: Array
    bounds: Array
    wrong: NDArray[np.bool_]
    given: NDArray[np.bool_]

    def part(self, index: Any) -> Compared:
        """Return some of them."""
        return Compared(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def factor(self) -> float | None:
        """Return by what factor all that are given differ; None if by no one factor.

        A factor c takes the bounds along: c·(right ± bound) ± bound.
        """
        import numpy as np

        right, theirs, bounds = (x[self.given] for x in (self.right, self.theirs, self.bounds))
        clear = (np.abs(right) > CLEAR * bounds) & (right != 0.0)
        if not clear.any():
            return None
        sure = np.where(clear, np.abs(right) / np.maximum(bounds, 1e-300), 0.0)
        best = int(sure.argmax())
        c = float(theirs[best] / right[best])
        if not np.isfinite(c):
            return None
        with np.errstate(all="ignore"):
            room = (1.0 + abs(c)) * (bounds + np.abs(right) * (bounds[best] / abs(right[best])))
            fits = np.abs(theirs - c * right) <= 1.5 * room
        return c if bool((fits | ~np.isfinite(bounds)).all()) else None

    @property
    def is_zero(self) -> bool:
        """Whether all that are given are 0, though not all should be."""
        return bool(self.wrong.any() and not self.theirs[self.given].any())


def patterns(network: Network, compared: Compared) -> list[Pattern]:
    """Return what the wrong ones of `compared` (all parameters) have in common."""
    import numpy as np

    lost = compared.given & ~np.isfinite(compared.theirs)
    found = [Pattern("not finite", "all", number=int(lost.sum()))] if lost.any() else []
    compared = Compared(
        compared.right, compared.theirs, compared.bounds, compared.wrong & ~lost,
        compared.given & ~lost,
    )  # fmt: skip
    if not compared.wrong.any():
        return found
    whole = _uniform(compared, "all", 0)
    if whole is not None and network.depth > 0:
        return [*found, whole]
    return [*found, *_by_layers(network, compared)]


def _uniform(compared: Compared, what: str, layer: int) -> Pattern | None:
    """All wrong by one factor, or all 0."""
    if not compared.wrong.any():
        return None
    count = int(compared.wrong.sum())
    if compared.is_zero:
        return Pattern("zero", what, layer, number=count)
    factor = compared.factor()
    if factor is None:
        return None
    if (compared.right[compared.given] != 0.0).sum() < 2:
        return None  # one number has always a factor
    name = "sign" if abs(factor + 1.0) < 1e-5 else "factor"
    return Pattern(name, what, layer, factor=factor, number=count)


def _by_layers(network: Network, compared: Compared) -> Iterator[Pattern]:
    import numpy as np

    n = len(compared.right)
    weights, biases = matrices(network, np.arange(n))
    for l in range(1, network.depth + 1):
        w, b = weights[l - 1], biases[l - 1]
        whole = compared.part(np.concatenate([w.ravel(), b]))
        pattern = _uniform(whole, "layer", l) if len(b) else None
        found = [pattern] if pattern is not None else list(_of_weights(compared, w, b, l))
        if [p.name for p in found] == ["single", "single"]:
            found = [Pattern("single", "layer", l, number=int(whole.wrong.sum()))]
        yield from found


def _of_weights(compared: Compared, w: Any, b: Any, l: int) -> Iterator[Pattern]:
    """Weights and biases of one layer."""
    matrix, row = compared.part(w), compared.part(b)
    pattern = _uniform(compared.part(w.ravel()), "weights", l)
    if pattern is None and matrix.wrong.any():
        pattern = _shuffled(matrix, l)
    if pattern is not None:
        yield pattern
        if pattern.what == "rows" and len(b) == len(w) and _follows(row, pattern):
            return
    elif matrix.wrong.any():
        together = len(b) == len(w)
        yield from _by_rows(compared, w, b if together else None, l)
        if together and _rows_explain(compared, w, b):
            return
    if row.wrong.any():
        yield _uniform(row, "biases", l) or Pattern(
            "single", "biases", l, number=int(row.wrong.sum())
        )


def _with_bias(compared: Compared, w: Any, b: Any, j: int) -> Compared:
    import numpy as np

    return compared.part(w[j] if b is None else np.concatenate([w[j], b[j : j + 1]]))


def _rows_explain(compared: Compared, w: Any, b: Any) -> bool:
    """Whether each row with its bias is off by one factor, so that biases need no word."""
    rows = [_with_bias(compared, w, b, j) for j in range(len(w))]
    return all(r.is_zero or r.factor() is not None for r in rows if r.wrong.any())


def _by_rows(compared: Compared, w: Any, b: Any, l: int) -> Iterator[Pattern]:
    """Rows (neurons) off by a factor each, columns (sources) likewise, else single numbers."""
    matrix = compared.part(w)
    for what, lines in (
        ("rows", [_with_bias(compared, w, b, j) for j in range(len(w))]),
        ("rows", [compared.part(w[j]) for j in range(len(w))]),
        ("columns", [compared.part(w[:, i]) for i in range(w.shape[1])]),
    ):
        found = _lines(lines, what, l)
        if found is not None:
            yield from found
            return
    yield Pattern("single", "weights", l, number=int(matrix.wrong.sum()))


def _lines(lines: Sequence[Compared], what: str, l: int) -> list[Pattern] | None:
    """Patterns of wrong rows or columns; None if not all of them have one."""
    wrong = [k for k, line in enumerate(lines) if line.wrong.any()]
    longest = max(int(line.given.sum()) for line in lines)
    few = sum(int(lines[k].wrong.sum()) == 1 for k in wrong)
    if longest < 2 or few == len(wrong):
        return None
    zero = [k for k in wrong if lines[k].is_zero]
    factors = {k: lines[k].factor() for k in wrong if k not in zero}
    if any(f is None for f in factors.values()):
        return None
    found = []
    if zero:
        count = sum(int(lines[k].wrong.sum()) for k in zero)
        found.append(Pattern("zero", what, l, tuple(k + 1 for k in zero), number=count))
    if not factors:
        return found
    places = tuple(k + 1 for k in factors)
    count = sum(int(lines[k].wrong.sum()) for k in factors)
    values = [f for f in factors.values() if f is not None]
    same = all(abs(f - values[0]) <= 1e-5 * abs(values[0]) for f in values)
    if same:
        name = "sign" if abs(values[0] + 1.0) < 1e-5 else "factor"
        return [*found, Pattern(name, what, l, places, values[0], count)]
    return [*found, Pattern("own factors", what, l, places, None, count)]


def _shuffled(matrix: Compared, l: int) -> Pattern | None:
    """A matrix that is transposed, or that has rows or columns of others."""
    n, m = matrix.right.shape
    count = int(matrix.wrong.sum())
    if n == m and n > 1 and _fits(matrix, matrix.right.T, matrix.bounds.T):
        return Pattern("transposed", "weights", l, number=count)
    if (
        n * m > 1
        and n != m
        and _fits(matrix, matrix.right.T.reshape(n, m), matrix.bounds.T.reshape(n, m))
    ):
        return Pattern("transposed", "weights", l, number=count)
    for what, one in (("rows", matrix), ("columns", _turned(matrix))):
        order = _order(one)
        if order is not None:
            return Pattern("order", what, l, tuple(k + 1 for k in order), number=count)
    return None


def _follows(row: Compared, pattern: Pattern) -> bool:
    """Whether biases are in the same wrong order as the rows."""
    import numpy as np

    order = np.array(pattern.places) - 1
    near = np.abs(row.theirs - row.right[order]) <= 2.0 * row.bounds[order]
    return bool((near | ~row.given).all())


def _turned(matrix: Compared) -> Compared:
    return Compared(*(getattr(matrix, name).T for name in matrix.__dataclass_fields__))


def _fits(matrix: Compared, right: Array, bounds: Array) -> bool:
    import numpy as np

    off = np.abs(matrix.theirs - right) <= 2.0 * bounds
    return bool((off | ~matrix.given).all())


def _order(matrix: Compared) -> list[int] | None:
    """Return which right row each row is, if they are the right rows in another order."""
    import numpy as np

    n = len(matrix.right)
    if n < 2 or not matrix.given.all():
        return None
    rest, order = list(range(n)), []
    for j in range(n):
        for k in rest:
            if (np.abs(matrix.theirs[j] - matrix.right[k]) <= 2.0 * matrix.bounds[k]).all():
                order.append(k)
                rest.remove(k)
                break
        else:
            return None
    return None if order == list(range(n)) else order
