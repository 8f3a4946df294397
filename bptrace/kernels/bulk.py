"""What is done with whole matrices and whole records.

Compiled, each function here is vector code from `lanes`; in plain Python it works with slices,
which takes half the time of an index for each number. Every sum has its own order, from −0.0 on in
ascending order, one addition after the other, in both: several sums go on side by side, but none is
divided.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from bptrace.kernels.cast import PANEL
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.kernels.source import Numbers


class Matrix(NamedTuple):
    """Where numbers stand in a record: the first one, and how many and how far apart others are."""

    at: int
    rows: int
    down: int
    columns: int
    across: int


def neuron_sums(
    record: Numbers, w: int, m: int, n: int, x: int, z: int, count: int, part: int
) -> None:
    """Write Σ_i w[j,i]·x_i, i ascending, for `n` neurons with `m` sources each to `z`.

    Weights stand row by row from `w`, sources from `x`; all that for `count` samples, whose sources
    and sums are `part` numbers apart.
    """
    rows = [record[w + j * m : w + (j + 1) * m] for j in range(n)]
    for _ in range(count):
        sources = record[x : x + m]
        for j, row in enumerate(rows):
            total = -0.0
            for weight, source in zip(row, sources, strict=True):
                total += weight * source
            record[z + j] = total
        x, z = x + part, z + part


def neuron_sums_kept(
    record: Numbers, w: int, m: int, n: int, x: int, z: int, count: int, part: int,
    log: Numbers, to: int,
) -> None:  # fmt: skip
    """Do what `neuron_sums` does, and copy the weights to `log`; compiled, past the caches."""
    neuron_sums(record, w, m, n, x, z, count, part)
    stream_numbers(record, w, log, to, n * m)


def product_sums(record: Numbers, to: Matrix, left: Matrix, right: Matrix) -> None:
    """Write the product of two matrices: Σ_k left[r,k]·right[k,c], k ascending, to ``to[r,c]``.

    Numbers in a row of `to` and `right` stand side by side (`across` is 1). Rows of `to` may not
    overlap with what is read.
    """
    for r in range(to.rows):
        at = to.at + r * to.down
        record[at : at + to.columns] = array("d", _products(record, r, left, right))


def descend_products(
    record: Numbers, to: Matrix, left: Matrix, right: Matrix, divisor: float, eta: float
) -> None:
    """Do w − η·g with all numbers of `to`, g being the product of `left` and `right` / `divisor`.

    This is the rule "gradient-descent" without decay. Sums as in `product_sums`.
    """
    for r in range(to.rows):
        at = to.at + r * to.down
        old, totals = record[at : at + to.columns], _products(record, r, left, right)
        new = (w - eta * (total / divisor) for w, total in zip(old, totals, strict=True))
        record[at : at + to.columns] = array("d", new)


def _products(record: Numbers, r: int, left: Matrix, right: Matrix) -> list[float]:
    """Return row r of the product of two matrices."""
    totals = [-0.0] * right.columns
    for k in range(right.rows):
        factor = record[left.at + r * left.down + k * left.across]
        at = right.at + k * right.down
        row = record[at : at + right.columns]
        totals = [total + factor * b for total, b in zip(totals, row, strict=True)]
    return totals


def column_sums(columns: Numbers, n: int, m: int, totals: Numbers, x: Numbers, x_at: int) -> None:
    """Write Σ_i w[i,j]·x_i, i ascending, to the first `n` of `totals`; `m` columns of n weights.

    Weights stand in panels of `cast.PANEL` neurons, the last one being narrower, and in a panel
    those of a source side by side.
    """
    for first in range(0, n, PANEL):
        width = min(PANEL, n - first)
        found = [-0.0] * width
        for i in range(m):
            source, at = x[x_at + i], first * m + i * width
            column = columns[at : at + width]
            found = [total + w * source for total, w in zip(found, column, strict=True)]
        totals[first : first + width] = array("d", found)


def descend_columns(
    columns: Numbers, n: int, m: int, totals: Numbers, before: Numbers, before_at: int, eta: float,
    x: Numbers, x_at: int,
) -> None:  # fmt: skip
    """Do w[i,j] − η·δ_j·x_i with all weights, x from `before`, and then what `column_sums` does.

    The δ stand in `totals`, and sums replace them.
    """
    for first in range(0, n, PANEL):
        width = min(PANEL, n - first)
        deltas = totals[first : first + width]
        for i in range(m):
            source, at = before[before_at + i], first * m + i * width
            column = columns[at : at + width]
            columns[at : at + width] = array(
                "d", (w - eta * (delta * source) for w, delta in zip(column, deltas, strict=True))
            )
    column_sums(columns, n, m, totals, x, x_at)


def copy_numbers(record: Numbers, at: int, log: Numbers, to: int, n: int) -> None:
    """Copy `n` numbers of `record`, from `at` on, to `to` in `log`."""
    log[to : to + n] = record[at : at + n]  # type: ignore[index, assignment, unused-ignore]


def stream_numbers(record: Numbers, at: int, log: Numbers, to: int, n: int) -> None:
    """Do what `copy_numbers` does; compiled, it writes past the caches."""
    copy_numbers(record, at, log, to, n)


def stream_descent(
    record: Numbers, deltas: int, n: int, x: int, m: int, w: int, eta: float, log: Numbers, to: int
) -> None:
    """Write δ_j·x_i of `n` deltas and `m` sources to `log`, and do w − η·δ_j·x_i with all weights.

    Compiled, it writes past the caches.
    """
    sources = record[x : x + m]
    for j in range(n):
        delta, row = record[deltas + j], w + j * m
        gradients = array("d", (delta * source for source in sources))
        log[to + j * m : to + (j + 1) * m] = gradients
        new = (w - eta * g for w, g in zip(record[row : row + m], gradients, strict=True))
        record[row : row + m] = array("d", new)
