"""What `bulk` does, with vectors: each lane has a sum of its own, in its own order.

A sum in strict order waits three or four cycles for each addition; so as many sums as fill the
registers go on at the same time. Each operation is rounded by itself, as everywhere. The bits do
not depend on how wide vectors are.

`neuron_sums` takes the neurons of a layer side by side. Their weights stand row by row, as they are
printed; a square block of them is loaded and transposed in registers, and then serves all samples
of a tile. `product_sums` needs no transposing, as its rows are added to each other as they stand.
Large records are written past the caches: plain stores would first read the memory that they are
going to overwrite. As memory takes them slowly, something is calculated while it does.

Numba's own loops would look before each short run whether numbers overlap, and load and store the
sums for every term. Not responsible for other loops: those vectorise by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from bptrace.kernels import bulk, vectors
from bptrace.kernels.cast import PANEL
from bptrace.kernels.vectors import INDEX, NUMBER, WORD, Block, Code
from bptrace.kernels.ways import LINE
from bptrace.tuples import NamedTuple


def install() -> None:
    """Make the functions of `bulk` callable from compiled code."""
    for function, body in BODIES.items():
        vectors.install(function, body)


ROWS = 64
"""Rows of a product that are calculated before the next ones."""


def _neuron_sums(
    code: Code, record: Any, w: Any, m: Any, n: Any, x: Any, z: Any, count: Any, part: Any
) -> None:
    _sums(code, (record, w, m, n, x, z, count, part), lambda: None)


def _neuron_sums_kept(
    code: Code, record: Any, w: Any, m: Any, n: Any, x: Any, z: Any, count: Any, part: Any,
    log: Any, to: Any,
) -> None:  # fmt: skip
    """While a block of weights is added up, as many numbers go to the log, in their own order."""
    copy = _Copy(code, code.at(record, w), code.at(log, to), code.times(m, n))
    at_once = code.lanes * code.lanes // LINE
    _sums(code, (record, w, m, n, x, z, count, part), lambda: copy.lines(at_once))
    copy.rest()


def _sums(code: Code, arguments: Sequence[Any], meanwhile: Callable[[], None]) -> None:
    record, w, m, n, x, z, count, part = arguments
    builder, tile = code.builder, code.tiles
    weights, sources, sums = (code.at(record, place) for place in (w, x, z))
    groups = builder.udiv(code.plus(n, tile.lanes - 1), WORD(tile.lanes))
    with code.every(groups) as group:
        j = code.times(group, tile.lanes)
        rows = _rows(code, weights, j, n, m)
        for together, s in code.portions(count, (tile.samples, 1)):
            first = code.times(s, part)
            inputs = [code.at(sources, first, code.times(part, t)) for t in range(together)]
            totals = _sums_of_rows(code, rows, inputs, m, meanwhile)
            for t, total in enumerate(totals):
                to = code.at(sums, first, code.times(part, t), j)
                _store_some(code, builder.load(total), to, builder.sub(n, j))


def _rows(code: Code, weights: Any, j: Any, n: Any, m: Any) -> list[Any]:
    """Return the places of the rows from `j` on; behind the last row it is taken again."""
    last, rows = code.builder.sub(n, WORD(1)), []
    for k in range(code.lanes):
        row = code.plus(j, k)
        row = code.builder.select(code.builder.icmp_unsigned("<", row, last), row, last)
        rows.append(code.at(weights, code.times(row, m)))
    return rows


def _sums_of_rows(
    code: Code, rows: list[Any], inputs: list[Any], m: Any, meanwhile: Callable[[], None]
) -> list[Any]:
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
        meanwhile()
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


def _product_sums(code: Code, record: Any, to: Block, left: Block, right: Block) -> None:
    _Product(code, record, to, left, right, lambda total, place: total).write()


def _descend_products(
    code: Code, record: Any, to: Block, left: Block, right: Block, divisor: Any, eta: Any
) -> None:
    builder = code.builder
    divided = builder.fcmp_ordered("!=", divisor, NUMBER(1.0))

    def descended(total: Any, place: Any) -> Any:
        kind = total.type
        gradient = cgutils.alloca_once_value(builder, total)
        with builder.if_then(divided):
            builder.store(builder.fdiv(total, code.spread(divisor, kind)), gradient)
        change = builder.fmul(code.spread(eta, kind), builder.load(gradient))
        return builder.fsub(code.load(place, kind), change)

    _Product(code, record, to, left, right, descended).write()


class _Product(NamedTuple):
    """The product of two matrices; `finish` makes of each sum what is stored at its place."""

    code: Code
    record: Any
    to: Block
    left: Block
    right: Block
    finish: Callable[[Any, Any], Any]

    def write(self) -> None:
        """Write the code, for some rows at a time.

        Column by column, more of them would lie in more pages of memory than a processor knows by
        heart.
        """
        code, builder = self.code, self.code.builder
        groups = builder.udiv(code.plus(self.to.rows, ROWS - 1), WORD(ROWS))
        with code.every(groups) as number:
            first = code.times(number, ROWS)
            left = builder.sub(self.to.rows, first)
            few = builder.icmp_unsigned("<", left, WORD(ROWS))
            self._rows(first, builder.select(few, left, WORD(ROWS)))

    def _rows(self, first: Any, count: Any) -> None:
        """Go through `count` rows in strips of columns: tiles, then whole vectors and parts of one.

        Vectors never overlap: a processor waits for what has been written in other portions.
        """
        code, lanes = self.code, self.code.lanes
        halves = [lanes >> k for k in range(lanes.bit_length())]
        for width, column in code.portions(self.to.columns, (lanes * code.tiles.vectors, *halves)):
            kind = code.vector_of(min(width, lanes))
            self._strip((first, count), column, -(-width // lanes), kind)

    def _strip(self, some: tuple[Any, Any], column: Any, vectors: int, kind: Any) -> None:
        """Calculate a strip so many vectors wide."""
        code, builder, to = self.code, self.code.builder, self.to
        for rows, done in code.portions(some[1], (code.tiles.rows, 1)):
            row = code.plus(some[0], done)
            totals = self._sums(row, rows, column, vectors, kind)
            place = code.at(self.record, to.at, code.times(row, to.down), column)
            for r, line in enumerate(totals):
                for v, total in enumerate(line):
                    target = code.at(place, code.times(r, to.down), v * code.lanes)
                    code.store(self.finish(builder.load(total), target), target)

    def _sums(self, row: Any, rows: int, column: Any, vectors: int, kind: Any) -> list[list[Any]]:
        """Return variables: for each row of factors the sums over rows of terms."""
        code, builder, left, right = self.code, self.code.builder, self.left, self.right
        place = code.at(self.record, left.at, code.times(row, left.down))
        factors = [code.at(place, code.times(r, left.down)) for r in range(rows)]
        terms = code.at(self.record, right.at, column)
        totals = [code.sums(vectors, kind) for _ in factors]
        with code.every(right.rows) as k:
            place = code.at(terms, code.times(k, right.down))
            loaded = [code.load(code.at(place, v * code.lanes), kind) for v in range(vectors)]
            for line, factor in zip(totals, factors, strict=True):
                at = code.at(factor, code.times(k, left.across))
                spread = code.spread(builder.load(at), kind)
                for total, term in zip(line, loaded, strict=True):
                    code.add_product(total, spread, term)
        return totals


def _column_sums(code: Code, columns: Any, n: Any, m: Any, totals: Any, x: Any, x_at: Any) -> None:
    x = code.at(x, x_at)
    for count, j in _vectors(code, n):
        sums = code.sums(count, code.vector)
        place, width = _panel(code, columns, n, m, j)
        with code.every(m) as i:
            source = code.spread(code.builder.load(code.at(x, i)), code.vector)
            column = code.at(place, code.times(i, width))
            for v, total in enumerate(sums):
                code.add_product(total, code.load(code.at(column, v * code.lanes)), source)
        _store_sums(code, sums, code.at(totals, j))


def _descend_columns(
    code: Code, columns: Any, n: Any, m: Any, totals: Any, before: Any, before_at: Any, eta: Any,
    x: Any, x_at: Any,
) -> None:  # fmt: skip
    builder = code.builder
    before, x = code.at(before, before_at), code.at(x, x_at)
    eta = code.spread(eta, code.vector)
    for count, j in _vectors(code, n):
        place, sums = code.at(totals, j), code.sums(count, code.vector)
        deltas = [code.load(code.at(place, v * code.lanes)) for v in range(count)]
        weights, width = _panel(code, columns, n, m, j)
        with code.every(m) as i:
            old, new = (
                code.spread(builder.load(code.at(source, i)), code.vector) for source in (before, x)
            )
            column = code.at(weights, code.times(i, width))
            for v, (total, delta) in enumerate(zip(sums, deltas, strict=True)):
                at = code.at(column, v * code.lanes)
                change = builder.fmul(eta, builder.fmul(delta, old))
                weight = builder.fsub(code.load(at), change)
                code.store(weight, at)
                code.add_product(total, weight, new)
        _store_sums(code, sums, place)


def _panel(code: Code, columns: Any, n: Any, m: Any, j: Any) -> tuple[Any, Any]:
    """Return where column entries from `j` on begin, and how wide their panel is."""
    builder = code.builder
    rest = builder.and_(j, WORD(PANEL - 1))
    first = builder.sub(j, rest)
    left = builder.sub(n, first)
    width = builder.select(builder.icmp_unsigned("<", left, WORD(PANEL)), left, WORD(PANEL))
    return code.at(columns, code.times(first, m), rest), width


def _vectors(code: Code, n: Any) -> Iterator[tuple[int, Any]]:
    """Divide a column into runs of vectors: yield how many there are, and where they begin."""
    for size, j in code.portions(n, (code.lanes * code.tiles.vectors, code.lanes)):
        yield size // code.lanes, j


def _store_sums(code: Code, sums: list[Any], place: Any) -> None:
    for v, total in enumerate(sums):
        code.store(code.builder.load(total), code.at(place, v * code.lanes))


def _stream_numbers(code: Code, record: Any, at: Any, log: Any, to: Any, n: Any) -> None:
    copy = _Copy(code, code.at(record, at), code.at(log, to), n)
    copy.rest()


def _stream_descent(
    code: Code, record: Any, deltas: Any, n: Any, x: Any, m: Any, w: Any, eta: Any,
    log: Any, to: Any,
) -> None:  # fmt: skip
    """Lines of the log and of the weights begin at different sources: products are made twice."""
    sources = code.at(record, x)
    with code.every(n) as j:
        delta, row = code.builder.load(code.at(record, deltas, j)), code.times(j, m)
        _descend_row(code, sources, delta, m, code.at(record, w, row), eta, code.at(log, to, row))


def _descend_row(
    code: Code, sources: Any, delta: Any, m: Any, weights: Any, eta: Any, target: Any
) -> None:
    builder = code.builder

    def gradient(k: Any, kind: Any) -> Any:
        return builder.fmul(code.spread(delta, kind), code.load(code.at(sources, k), kind))

    def descend(k: Any, kind: Any) -> None:
        place = code.at(weights, k)
        change = builder.fmul(code.spread(eta, kind), gradient(k, kind))
        code.store(builder.fsub(code.load(place, kind), change), place)

    lines = _stream(code, target, m, gradient, lambda k: descend(k, _LINE))
    done = code.times(lines, LINE)
    with code.every(builder.sub(m, done)) as rest:
        descend(code.plus(done, rest), NUMBER)


class _Copy:
    """Copies `n` numbers past the caches, line by line, while something else is calculated."""

    def __init__(self, code: Code, source: Any, target: Any, n: Any) -> None:
        self.code, self.source, self.target, self.n = code, source, target, n
        head = _before_line(code, target, n)
        with code.every(head) as k:
            code.store(code.load(code.at(source, k), NUMBER), code.at(target, k))
        self.done = cgutils.alloca_once_value(code.builder, head)

    def lines(self, count: int) -> None:
        """Copy so many lines, if there are as many."""
        code, builder = self.code, self.code.builder
        done = builder.load(self.done)
        after = code.plus(done, count * LINE)
        with builder.if_then(builder.icmp_unsigned("<=", after, self.n)):
            for k in range(count):
                at = code.plus(done, k * LINE)
                _store_line(
                    code, code.load(code.at(self.source, at), _LINE), code.at(self.target, at)
                )
            builder.store(after, self.done)

    def rest(self) -> None:
        """Copy what is left."""
        code, done = self.code, self.code.builder.load(self.done)
        source, target = code.at(self.source, done), code.at(self.target, done)
        left = code.builder.sub(self.n, done)
        _stream(code, target, left, lambda k, kind: code.load(code.at(source, k), kind))


_LINE = ir.VectorType(NUMBER, LINE)


def _before_line(code: Code, target: Any, n: Any) -> Any:
    """Return how many of `n` numbers stand before the first line of memory that begins there."""
    builder = code.builder
    before = builder.lshr(builder.ptrtoint(target, WORD), WORD(3))
    head = builder.and_(builder.neg(before), WORD(LINE - 1))
    return builder.select(builder.icmp_unsigned("<", head, n), head, n)


def _store_line(code: Code, vector: Any, place: Any) -> None:
    """Store a whole line of memory past the caches."""
    builder = code.builder
    past = builder.module.add_metadata([INDEX(1)])
    stored = builder.store(vector, builder.bitcast(place, _LINE.as_pointer()), align=8 * LINE)
    stored.set_metadata("nontemporal", past)


def _stream(
    code: Code,
    target: Any,
    n: Any,
    value: Callable[[Any, Any], Any],
    meanwhile: Callable[[Any], None] = lambda _done: None,
) -> Any:
    """Write `n` values past the caches, and return how many lines of memory were filled.

    ``value(k, kind)`` gives the values from k on, one or a vector of them. For each line, something
    else is done ``meanwhile(k)``, k counting from 0 in whole lines.
    """
    builder = code.builder
    head = _before_line(code, target, n)
    with code.every(head) as k:
        code.store(value(k, NUMBER), code.at(target, k))
    lines = builder.udiv(builder.sub(n, head), WORD(LINE))
    with code.every(lines) as number:
        done = code.times(number, LINE)
        k = code.plus(head, done)
        _store_line(code, value(k, _LINE), code.at(target, k))
        meanwhile(done)
    done = code.plus(head, code.times(lines, LINE))
    with code.every(builder.sub(n, done)) as rest:
        k = code.plus(done, rest)
        code.store(value(k, NUMBER), code.at(target, k))
    return lines


BODIES: dict[Callable[..., None], vectors.Body] = {
    bulk.neuron_sums: _neuron_sums,
    bulk.neuron_sums_kept: _neuron_sums_kept,
    bulk.product_sums: _product_sums,
    bulk.descend_products: _descend_products,
    bulk.column_sums: _column_sums,
    bulk.descend_columns: _descend_columns,
    bulk.stream_numbers: _stream_numbers,
    bulk.stream_descent: _stream_descent,
}
"""What is written for each of the functions; `bulk` says what they do."""
