"""What `bulk` does, with vectors: each lane has a sum of its own, in its own order.

A sum in strict order waits three or four cycles for each addition; so as many sums as fill the
registers go on at the same time. Each operation is rounded by itself, as everywhere. The bits do
not depend on how wide vectors are.

`neuron_sums` takes the neurons of a layer side by side. Their weights stand row by row, as they are
printed; a square block of them is loaded and transposed in registers, and then serves all samples
of a tile. `product_sums` needs no transposing, as its rows are added to each other as they stand.
Large records are written past the caches: plain stores would first read the memory that they are
going to overwrite.

Numba's own loops would look before each short run whether numbers overlap, and load and store the
sums for every term. Not responsible for other loops: those vectorise by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bptrace.kernels.cast import LINE, STREAMED
from bptrace.kernels.kinds import kind

WORD, INDEX, NUMBER = ir.IntType(64), ir.IntType(32), ir.DoubleType()


class Tiles(NamedTuple):
    """How many sums fill the registers.

    Attributes
    ----------
    lanes : int
        Numbers of a vector.
    samples : int
        Of `neuron_sums`: so many vectors of sums, beside `lanes` of weights.
    rows, vectors : int
        Of `product_sums`: so many rows with so many vectors of sums each, beside one row of terms.
    """

    lanes: int
    samples: int
    rows: int
    vectors: int


LARGE, SMALL = Tiles(8, 16, 4, 4), Tiles(4, 8, 4, 2)
"""For 32 registers of eight numbers (AVX-512), and for 16 of four or fewer."""


class Code:
    """Writes vector code: an LLVM builder, and the words that the functions below have in common.

    Every count and offset is a word of 64 bits; a place is a pointer to a number.
    """

    def __init__(self, context: Any, builder: Any) -> None:
        features = context.codegen().magic_tuple()[2].split(",")
        self.context, self.builder = context, builder
        self.tiles = LARGE if "+avx512f" in features else SMALL
        self.lanes = self.tiles.lanes
        self.vector = ir.VectorType(NUMBER, self.lanes)

    def numbers(self, kind: Any, value: Any) -> Any:
        """Return the place of the first number of an array."""
        return self.context.make_array(kind)(self.context, self.builder, value).data

    def at(self, place: Any, *offsets: Any) -> Any:
        """Return the place so many numbers further on."""
        for offset in offsets:
            place = self.builder.gep(place, [self.word(offset)])
        return place

    def word(self, value: Any) -> Any:
        """Return a count as a word; one that is known now may be an int."""
        return WORD(value) if isinstance(value, int) else value

    def times(self, a: Any, b: Any) -> Any:
        """Return the product of two counts."""
        return self.builder.mul(self.word(a), self.word(b))

    def plus(self, a: Any, b: Any) -> Any:
        """Return the sum of two counts."""
        return self.builder.add(self.word(a), self.word(b))

    def load(self, place: Any, kind: Any = None) -> Any:
        """Return the vector at a place, or what else of this kind stands there."""
        place = self.builder.bitcast(place, (kind or self.vector).as_pointer())
        return self.builder.load(place, align=8)

    def store(self, value: Any, place: Any) -> None:
        """Store a vector or a number."""
        place = self.builder.bitcast(place, value.type.as_pointer())
        self.builder.store(value, place, align=8)

    def spread(self, number: Any, kind: Any) -> Any:
        """Return a number in all lanes of a vector."""
        if kind is NUMBER:
            return number
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), number, INDEX(0))
        return self.shuffled(one, one, [0] * kind.count)

    def shuffled(self, a: Any, b: Any, lanes: Sequence[int]) -> Any:
        """Return a vector of lanes of two others; those of the second count on from the first."""
        return self.builder.shuffle_vector(
            a, b, ir.Constant(ir.VectorType(INDEX, len(lanes)), lanes)
        )

    def sums(self, count: int, kind: Any) -> list[Any]:
        """Return variables that are −0.0: what is added to it stays what it is."""
        nothing = NUMBER(-0.0) if kind is NUMBER else kind([-0.0] * self.lanes)
        found = [cgutils.alloca_once(self.builder, kind) for _ in range(count)]
        for total in found:
            self.builder.store(nothing, total)
        return found

    def add_product(self, total: Any, a: Any, b: Any) -> None:
        """Add a·b to a variable; two operations, two roundings."""
        product = self.builder.fmul(a, b)
        self.builder.store(self.builder.fadd(self.builder.load(total), product), total)

    @contextmanager
    def every(self, count: Any) -> Iterator[Any]:
        """Repeat what follows; the index counts from 0."""
        with cgutils.for_range(self.builder, self.word(count), intp=WORD) as loop:
            yield loop.index

    def portions(self, total: Any, sizes: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """Divide 0 … total into portions of these sizes, large ones first: yield size and begin.

        What follows is written once for each size, in a loop.
        """
        done, left = WORD(0), total
        for size in sizes:
            count = self.builder.udiv(left, WORD(size))
            with self.every(count) as k:
                yield size, self.plus(done, self.times(k, size))
            covered = self.times(count, size)
            done, left = self.plus(done, covered), self.builder.sub(left, covered)

    def transposed(self, rows: Sequence[Any]) -> list[Any]:
        """Return the columns of a square block: halves of pairs are exchanged, 1, 2, 4 … apart."""
        rows, step = list(rows), 1
        while step < self.lanes:
            for k in range(self.lanes):
                if not k & step:
                    a, b = rows[k], rows[k + step]
                    rows[k] = self.shuffled(a, b, self._exchange(step, 0))
                    rows[k + step] = self.shuffled(a, b, self._exchange(step, step))
            step *= 2
        return rows

    def _exchange(self, step: int, shift: int) -> list[int]:
        other = self.lanes - step
        return [k + shift + (other if k & step else 0) for k in range(self.lanes)]


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _neuron_sums(
    context: Any, record: Any, w: Any, m: Any, n: Any, x: Any, z: Any, count: Any, part: Any
) -> tuple[Any, Callable[..., Any]]:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        record, w, m, n, x, z, count, part = args
        code = Code(context, builder)
        tile = code.tiles
        weights, sources, sums = (
            code.at(code.numbers(signature.args[0], record), place) for place in (w, x, z)
        )
        groups = builder.udiv(code.plus(n, tile.lanes - 1), WORD(tile.lanes))
        with code.every(groups) as group:
            j = code.times(group, tile.lanes)
            rows = _rows(code, weights, j, n, m)
            for together, s in code.portions(count, (tile.samples, 1)):
                first = code.times(s, part)
                inputs = [code.at(sources, first, code.times(part, t)) for t in range(together)]
                totals = _sums_of_rows(code, rows, inputs, m)
                for t, total in enumerate(totals):
                    to = code.at(sums, first, code.times(part, t), j)
                    _store_some(code, builder.load(total), to, builder.sub(n, j))
        return context.get_dummy_value()

    return types.void(record, w, m, n, x, z, count, part), write


def _rows(code: Code, weights: Any, j: Any, n: Any, m: Any) -> list[Any]:
    """Return the places of the rows from `j` on; behind the last row it is taken again."""
    last, rows = code.builder.sub(n, WORD(1)), []
    for k in range(code.lanes):
        row = code.plus(j, k)
        row = code.builder.select(code.builder.icmp_unsigned("<", row, last), row, last)
        rows.append(code.at(weights, code.times(row, m)))
    return rows


def _sums_of_rows(code: Code, rows: list[Any], inputs: list[Any], m: Any) -> list[Any]:
    """Return variables with a vector for each sample: in each lane the sum of a row.

    Behind the last whole block one more ends with the row; of its columns those count that are new.
    """
    builder, totals = code.builder, code.sums(len(inputs), code.vector)

    def add(column: Any, i: Any) -> None:
        for total, x in zip(totals, inputs, strict=True):
            source = builder.load(code.at(x, i))
            code.add_product(total, column, code.spread(source, code.vector))

    def block(i: Any) -> list[Any]:
        return code.transposed([code.load(code.at(row, i)) for row in rows])

    blocks, left = builder.udiv(m, WORD(code.lanes)), builder.urem(m, WORD(code.lanes))
    with code.every(blocks) as k:
        i = code.times(k, code.lanes)
        for k, column in enumerate(block(i)):
            add(column, code.plus(i, k))
    with builder.if_then(builder.icmp_unsigned("!=", left, WORD(0))):
        i = builder.sub(m, WORD(code.lanes))
        for k, column in enumerate(block(i)):
            if k:
                with builder.if_then(builder.icmp_unsigned(">=", left, WORD(code.lanes - k))):
                    add(column, code.plus(i, k))
    return totals


def _store_some(code: Code, vector: Any, place: Any, left: Any) -> None:
    """Store a vector, or of the last one only the lanes that are `left`."""
    builder = code.builder
    with builder.if_else(builder.icmp_unsigned(">=", left, WORD(code.lanes))) as (all_of, some):
        with all_of:
            code.store(vector, place)
        with some, code.every(left) as k:
            lane = builder.extract_element(vector, builder.trunc(k, INDEX))
            builder.store(lane, code.at(place, k))


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _product_sums(
    context: Any, record: Any, to: Any, left: Any, right: Any
) -> tuple[Any, Callable[..., Any]]:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _products(Code(context, builder), signature, args, lambda code, total, place: total)
        return context.get_dummy_value()

    return types.void(record, to, left, right), write


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _descend_products(
    context: Any, record: Any, to: Any, left: Any, right: Any, divisor: Any, eta: Any
) -> tuple[Any, Callable[..., Any]]:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *matrices, divisor, eta = args
        divided = builder.fcmp_ordered("!=", divisor, NUMBER(1.0))

        def descended(code: Code, total: Any, place: Any) -> Any:
            kind = total.type
            gradient = cgutils.alloca_once_value(builder, total)
            with builder.if_then(divided):
                builder.store(builder.fdiv(total, code.spread(divisor, kind)), gradient)
            change = builder.fmul(code.spread(eta, kind), builder.load(gradient))
            return builder.fsub(code.load(place, kind), change)

        _products(Code(context, builder), signature, matrices, descended)
        return context.get_dummy_value()

    return types.void(record, to, left, right, divisor, eta), write


def _products(
    code: Code, signature: Any, args: Sequence[Any], finish: Callable[[Code, Any, Any], Any]
) -> None:
    """Write the product of two matrices; `finish` makes of each sum what is stored at its place."""
    builder, tile = code.builder, code.tiles
    numbers = code.numbers(signature.args[0], args[0])
    to, left, right = (_Matrix(*cgutils.unpack_tuple(builder, arg)) for arg in args[1:])
    for width, column in code.portions(to.columns, (tile.lanes * tile.vectors, tile.lanes, 1)):
        kind = NUMBER if width == 1 else code.vector
        terms = code.at(numbers, right.at, column)
        for rows, row in code.portions(to.rows, (tile.rows, 1)):
            place = code.at(numbers, left.at, code.times(row, left.down))
            factors = [code.at(place, code.times(r, left.down)) for r in range(rows)]
            totals = _sums_of_products(
                code, factors, left.across, terms, right, -(-width // tile.lanes), kind
            )
            place = code.at(numbers, to.at, code.times(row, to.down), column)
            for r, line in enumerate(totals):
                for v, total in enumerate(line):
                    target = code.at(place, code.times(r, to.down), v * tile.lanes)
                    code.store(finish(code, builder.load(total), target), target)


class _Matrix(NamedTuple):
    at: Any
    rows: Any
    down: Any
    columns: Any
    across: Any


def _sums_of_products(
    code: Code, factors: list[Any], step: Any, terms: Any, right: _Matrix, vectors: int, kind: Any
) -> list[list[Any]]:
    """Return variables: for each row of factors the sums over rows of terms."""
    builder, totals = code.builder, [code.sums(vectors, kind) for _ in factors]
    with code.every(right.rows) as k:
        place = code.at(terms, code.times(k, right.down))
        row = [code.load(code.at(place, v * code.lanes), kind) for v in range(vectors)]
        for line, factor in zip(totals, factors, strict=True):
            spread = code.spread(builder.load(code.at(factor, code.times(k, step))), kind)
            for total, term in zip(line, row, strict=True):
                code.add_product(total, spread, term)
    return totals


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _column_sums(
    context: Any, columns: Any, n: Any, m: Any, totals: Any, x: Any, x_at: Any
) -> tuple[Any, Callable[..., Any]]:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder)
        columns, totals, x = (code.numbers(signature.args[k], args[k]) for k in (0, 3, 4))
        n, m, x = args[1], args[2], code.at(x, args[5])
        for vectors, j in _vectors(code, n):
            sums = code.sums(vectors, code.vector)
            with code.every(m) as i:
                source = code.spread(builder.load(code.at(x, i)), code.vector)
                column = code.at(columns, code.times(i, n), j)
                for v, total in enumerate(sums):
                    code.add_product(total, code.load(code.at(column, v * code.lanes)), source)
            _store_sums(code, sums, code.at(totals, j))
        return context.get_dummy_value()

    return types.void(columns, n, m, totals, x, x_at), write


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _descend_columns(
    context: Any, columns: Any, n: Any, m: Any, totals: Any, before: Any, before_at: Any, eta: Any,
    x: Any, x_at: Any,
) -> tuple[Any, Callable[..., Any]]:  # fmt: skip
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder)
        columns, totals, before, x = (
            code.numbers(signature.args[k], args[k]) for k in (0, 3, 4, 7)
        )
        n, m, before, x = args[1], args[2], code.at(before, args[5]), code.at(x, args[8])
        eta = code.spread(args[6], code.vector)
        for vectors, j in _vectors(code, n):
            place, sums = code.at(totals, j), code.sums(vectors, code.vector)
            deltas = [code.load(code.at(place, v * code.lanes)) for v in range(vectors)]
            with code.every(m) as i:
                old, new = (
                    code.spread(builder.load(code.at(source, i)), code.vector)
                    for source in (before, x)
                )
                column = code.at(columns, code.times(i, n), j)
                for v, (total, delta) in enumerate(zip(sums, deltas, strict=True)):
                    at = code.at(column, v * code.lanes)
                    change = builder.fmul(eta, builder.fmul(delta, old))
                    weight = builder.fsub(code.load(at), change)
                    code.store(weight, at)
                    code.add_product(total, weight, new)
            _store_sums(code, sums, place)
        return context.get_dummy_value()

    return types.void(columns, n, m, totals, before, before_at, eta, x, x_at), write


def _vectors(code: Code, n: Any) -> Iterator[tuple[int, Any]]:
    """Divide a column into runs of vectors: yield how many there are, and where they begin."""
    for size, j in code.portions(n, (code.lanes * code.tiles.vectors, code.lanes)):
        yield size // code.lanes, j


def _store_sums(code: Code, sums: list[Any], place: Any) -> None:
    for v, total in enumerate(sums):
        code.store(code.builder.load(total), code.at(place, v * code.lanes))


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _stream_numbers(
    context: Any, record: Any, at: Any, log: Any, to: Any, n: Any
) -> tuple[Any, Callable[..., Any]]:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(context, builder)
        source = code.at(code.numbers(signature.args[0], args[0]), args[1])
        target = code.at(code.numbers(signature.args[2], args[2]), args[3])
        _stream(code, target, args[4], lambda k, kind: code.load(code.at(source, k), kind))
        return context.get_dummy_value()

    return types.void(record, at, log, to, n), write


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _stream_products(
    context: Any, record: Any, deltas: Any, n: Any, x: Any, m: Any, log: Any, to: Any
) -> tuple[Any, Callable[..., Any]]:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        record, deltas, n, x, m, log, to = args
        code = Code(context, builder)
        numbers = code.numbers(signature.args[0], record)
        sources, target = code.at(numbers, x), code.at(code.numbers(signature.args[5], log), to)
        with code.every(n) as j:
            delta = builder.load(code.at(numbers, deltas, j))

            def product(k: Any, kind: Any) -> Any:
                return builder.fmul(code.spread(delta, kind), code.load(code.at(sources, k), kind))

            _stream(code, code.at(target, code.times(j, m)), m, product)
        return context.get_dummy_value()

    return types.void(record, deltas, n, x, m, log, to), write


def _stream(code: Code, target: Any, n: Any, value: Callable[[Any, Any], Any]) -> None:
    """Write `n` values past the caches; a vector that goes there has to fill a line of memory.

    ``value(k, kind)`` gives the values from k on, one or a vector of them.
    """
    builder, line = code.builder, ir.VectorType(NUMBER, LINE)
    before = builder.lshr(builder.ptrtoint(target, WORD), WORD(3))
    head = builder.and_(builder.neg(before), WORD(LINE - 1))
    head = builder.select(builder.icmp_unsigned("<", head, n), head, n)
    with code.every(head) as k:
        code.store(value(k, NUMBER), code.at(target, k))
    lines = builder.udiv(builder.sub(n, head), WORD(LINE))
    past = builder.module.add_metadata([INDEX(1)])
    with code.every(lines) as number:
        k = code.plus(head, code.times(number, LINE))
        place = builder.bitcast(code.at(target, k), line.as_pointer())
        stored = builder.store(value(k, line), place, align=8 * LINE)
        stored.set_metadata("nontemporal", past)
    done = code.plus(head, code.times(lines, LINE))
    with code.every(builder.sub(n, done)) as rest:
        k = code.plus(done, rest)
        code.store(value(k, NUMBER), code.at(target, k))


# What Numba compiles where `bulk` is called


def neuron_sums(
    record: Any, w: Any, m: Any, n: Any, x: Any, z: Any, count: Any, part: Any
) -> Callable[..., None]:
    """Return what stands for `bulk.neuron_sums` in compiled code."""

    def compiled(
        record: Any, w: Any, m: Any, n: Any, x: Any, z: Any, count: Any, part: Any
    ) -> None:
        _neuron_sums(record, w, m, n, x, z, count, part)

    return compiled


def product_sums(record: Any, to: Any, left: Any, right: Any) -> Callable[..., None]:
    """Return what stands for `bulk.product_sums` in compiled code."""

    def compiled(record: Any, to: Any, left: Any, right: Any) -> None:
        _product_sums(record, to, left, right)

    return compiled


def descend_products(
    record: Any, to: Any, left: Any, right: Any, divisor: Any, eta: Any
) -> Callable[..., None]:
    """Return what stands for `bulk.descend_products` in compiled code."""

    def compiled(record: Any, to: Any, left: Any, right: Any, divisor: Any, eta: Any) -> None:
        _descend_products(record, to, left, right, divisor, eta)

    return compiled


def column_sums(
    columns: Any, n: Any, m: Any, totals: Any, x: Any, x_at: Any
) -> Callable[..., None]:
    """Return what stands for `bulk.column_sums` in compiled code."""

    def compiled(columns: Any, n: Any, m: Any, totals: Any, x: Any, x_at: Any) -> None:
        _column_sums(columns, n, m, totals, x, x_at)

    return compiled


def descend_columns(
    columns: Any, n: Any, m: Any, totals: Any, before: Any, before_at: Any, eta: Any, x: Any,
    x_at: Any,
) -> Callable[..., None]:  # fmt: skip
    """Return what stands for `bulk.descend_columns` in compiled code."""

    def compiled(
        columns: Any, n: Any, m: Any, totals: Any, before: Any, before_at: Any, eta: Any, x: Any,
        x_at: Any,
    ) -> None:  # fmt: skip
        _descend_columns(columns, n, m, totals, before, before_at, eta, x, x_at)

    return compiled


def copy_numbers(
    net: Any, record: Any, at: Any, log: Any, to: Any, n: Any
) -> Callable[..., None]:
    """Return what stands for `bulk.copy_numbers` in compiled code."""

    def one_by_one(net: Any, record: Any, at: Any, log: Any, to: Any, n: Any) -> None:
        for k in range(n):
            log[to + k] = record[at + k]

    def compiled(net: Any, record: Any, at: Any, log: Any, to: Any, n: Any) -> None:
        if n < STREAMED:
            for k in range(n):
                log[to + k] = record[at + k]
        else:
            _stream_numbers(record, at, log, to, n)

    return compiled if kind(net).lanes else one_by_one


def copy_products(
    record: Any, deltas: Any, n: Any, x: Any, m: Any, log: Any, to: Any
) -> Callable[..., None]:
    """Return what stands for `bulk.copy_products` in compiled code."""

    def compiled(record: Any, deltas: Any, n: Any, x: Any, m: Any, log: Any, to: Any) -> None:
        _stream_products(record, deltas, n, x, m, log, to)

    return compiled
