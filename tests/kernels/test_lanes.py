"""Vector code against the plain loops that it stands for: the same bits, and nothing else touched.

The tiles of processors with fewer registers are tested with whole runs (`test_targets`).
"""

from __future__ import annotations

from array import array
from random import Random
from typing import Any

import pytest

from bptrace.kernels import bulk
from bptrace.kernels.bulk import Matrix

pytestmark = pytest.mark.jit

SIZES = [1, 2, 5, 7, 8, 9, 16, 19, 33, 37]
"""Of one lane, of whole vectors and tiles, and with all kinds of rests."""


@pytest.fixture(scope="module")
def compiled() -> Any:
    """Return functions that call what is tested from compiled code."""
    numba = pytest.importorskip("numba")
    from bptrace.kernels import compiled as room
    from bptrace.kernels.whole import WholeCompiler

    room.install()
    options = {name: value for name, value in room.EXACT.items() if name != "forceinline"}
    njit = numba.njit(pipeline_class=WholeCompiler, **options)

    def neuron_sums(record, places):  # type: ignore[no-untyped-def]
        w, m, n, x, z, count, part = places
        bulk.neuron_sums(record, w, m, n, x, z, count, part)

    def neuron_sums_kept(record, w, m, n, x, z, count, part, log, to):  # type: ignore[no-untyped-def]
        bulk.neuron_sums_kept(record, w, m, n, x, z, count, part, log, to)

    def product_sums(record, to, left, right):  # type: ignore[no-untyped-def]
        bulk.product_sums(record, to, left, right)

    def descend_products(record, to, left, right, divisor, eta):  # type: ignore[no-untyped-def]
        bulk.descend_products(record, to, left, right, divisor, eta)

    def column_sums(columns, n, m, totals, x, x_at):  # type: ignore[no-untyped-def]
        bulk.column_sums(columns, n, m, totals, x, x_at)

    def descend_columns(columns, n, m, totals, x, at, eta, now, now_at):  # type: ignore[no-untyped-def]
        bulk.descend_columns(columns, n, m, totals, x, at, eta, now, now_at)

    def copy_numbers(record, at, log, to, n):  # type: ignore[no-untyped-def]
        bulk.copy_numbers(record, at, log, to, n)

    def stream_numbers(record, at, log, to, n):  # type: ignore[no-untyped-def]
        bulk.stream_numbers(record, at, log, to, n)

    def stream_descent(record, deltas, n, x, m, w, eta, log, to):  # type: ignore[no-untyped-def]
        bulk.stream_descent(record, deltas, n, x, m, w, eta, log, to)

    found = locals()
    return {name: njit(found[name]) for name in vars(bulk) if name in found}


def numbers(n: int, seed: int) -> array[float]:
    """Return numbers of all sizes; a few are what arithmetic treats in a way of its own."""
    draw = Random(seed)
    odd = (0.0, -0.0, 5e-324, -1e308, float("inf"))
    return array(
        "d",
        (draw.choice(odd) if draw.random() < 0.002 else draw.gauss(0.0, 1.0) for _ in range(n)),
    )


def both(compiled: Any, name: str, arrays: list[array[float]], *rest: Any) -> None:
    """Call the plain and the compiled function, and compare all that stands in memory afterwards.

    Integers in `rest` are counts; tuples of integers are bundles of them.
    """
    import numpy as np

    plain, vectors = ([array("d", a) for a in arrays] for _ in range(2))
    position = iter(range(len(arrays)))
    arguments = [(a, next(position)) if a is ... else (a, None) for a in rest]
    getattr(bulk, name)(*(plain[k] if k is not None else a for a, k in arguments))
    compiled[name](
        *(np.asarray(vectors[k]) if k is not None else unsigned(a) for a, k in arguments)
    )
    for a, b in zip(plain, vectors, strict=True):
        assert list(map(float.hex, a)) == list(map(float.hex, b))


def unsigned(value: Any) -> Any:
    """Return counts as the kernels have them."""
    import numpy as np

    if isinstance(value, Matrix):
        return Matrix(*map(np.uint64, value))
    return np.uint64(value) if isinstance(value, int) else value


@pytest.mark.parametrize("m", [8, 9, 15, 16, 23, 40])
@pytest.mark.parametrize("count", [1, 5, 16, 37])
def test_neuron_sums(compiled: Any, m: int, count: int) -> None:
    import numpy as np

    for n in SIZES:
        part = m + n + 3
        w, x = 5, 5 + n * m + 2
        record = numbers(x + count * part, seed=n)
        places = (w, m, n, x, x + m + 1, count, part)
        plain, vectors = array("d", record), np.array(record)
        bulk.neuron_sums(plain, *places)
        compiled["neuron_sums"](vectors, tuple(map(np.uint64, places)))
        assert list(map(float.hex, plain)) == list(map(float.hex, vectors))


@pytest.mark.parametrize("m", [8, 9, 15, 16, 23, 40])
def test_neuron_sums_that_are_kept(compiled: Any, m: int) -> None:
    for n in SIZES:
        x, part = 5 + n * m, m + n + 2
        for to in range(9):  # wherever a line of memory begins
            for count in (1, 19):
                record, log = numbers(x + count * part, seed=n), numbers(n * m + 20, seed=m)
                both(
                    compiled, "neuron_sums_kept", [record, log],
                    ..., 5, m, n, x, x + m + 1, count, part, ..., to,
                )  # fmt: skip


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("terms", [1, 3, 32])
def test_product_sums(compiled: Any, rows: int, terms: int) -> None:
    for columns in SIZES:
        to = Matrix(2, rows, columns + 1, columns, 1)
        left = Matrix(2 + rows * (columns + 1), rows, 1, terms, rows + 2)
        right = Matrix(left.at + terms * (rows + 2), terms, columns + 3, columns, 1)
        record = numbers(right.at + terms * (columns + 3), seed=columns)
        both(compiled, "product_sums", [record], ..., to, left, right)
        for divisor in (1.0, 3.0):
            both(compiled, "descend_products", [record], ..., to, left, right, divisor, 0.3)


@pytest.mark.parametrize("n", [8, 16, 32, 40, 72])
def test_columns(compiled: Any, n: int) -> None:
    for m in SIZES:
        columns, totals = numbers(n * m, seed=m), numbers(n + 2, seed=n)
        before, now = numbers(m + 3, seed=1), numbers(m + 4, seed=2)
        both(compiled, "column_sums", [columns, totals, now], ..., n, m, ..., ..., 4)
        both(
            compiled, "descend_columns", [columns, totals, before, now],
            ..., n, m, ..., ..., 3, 0.3, ..., 4,
        )  # fmt: skip


@pytest.mark.parametrize("n", [0, 1, 7, 8, 100, 16 * 1024, 16 * 1024 + 13])
def test_copies(compiled: Any, n: int) -> None:
    for to in range(9):  # wherever a line of memory begins
        record, log = numbers(n + 3, seed=n), numbers(n + 20, seed=3)
        both(compiled, "copy_numbers", [record, log], ..., 3, ..., to, n)
        both(compiled, "stream_numbers", [record, log], ..., 3, ..., to, n)


@pytest.mark.parametrize("m", [*SIZES, 64])
def test_descent_that_is_kept(compiled: Any, m: int) -> None:
    for n in SIZES:
        w = 2 + n + m
        record, log = numbers(w + n * m + 5, seed=n), numbers(n * m + 9, seed=m)
        for to in (0, 3, 7):
            both(
                compiled, "stream_descent", [record, log],
                ..., 1, n, n + 2, m, w + 1, 0.3, ..., to,
            )  # fmt: skip
