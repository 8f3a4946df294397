"""Words for writing vector code, and how it is called from what Numba compiles.

Every piece of vector code is a function of its own, which is written, and optimised, once for a
kernel: written where it is called, as Numba does it, the largest of them would be there five times,
and be optimised with whatever calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from bptrace.tuples import NamedTuple

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

    def __init__(self, features: Sequence[str], builder: Any) -> None:
        self.builder = builder
        self.tiles = LARGE if "+avx512f" in features else SMALL
        self.lanes = self.tiles.lanes
        self.vector = ir.VectorType(NUMBER, self.lanes)

    def vector_of(self, lanes: int) -> Any:
        """Return the type of a vector, or of a number."""
        return ir.VectorType(NUMBER, lanes) if lanes > 1 else NUMBER

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
        nothing = NUMBER(-0.0) if kind is NUMBER else kind([-0.0] * kind.count)
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


class Block(NamedTuple):
    """A `bulk.Matrix` in vector code."""

    at: Any
    rows: Any
    down: Any
    columns: Any
    across: Any


Body = Callable[..., None]
"""Writes the code of a function: ``body(code, *arguments)``, an array being the place of its first
number, and a `bulk.Matrix` a `Block`."""


class Called(NamedTuple):
    """A function that is called, and the types of its arguments in words that processors have."""

    body: Body
    words: Sequence[Sequence[Any]]

    def declare(self, module: Any, name: str) -> Any:
        """Return the function in a module, without its code."""
        kinds = [kind for each in self.words for kind in each]
        return ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)

    def define(self, module: Any, name: str, features: Sequence[str]) -> None:
        """Write the function into a module."""
        function = self.declare(module, name)
        function.attributes.add("nounwind")
        builder = ir.IRBuilder(function.append_basic_block("begin"))
        given = iter(function.args)
        parts = [[next(given) for _ in each] for each in self.words]
        arguments = (Block(*part) if part[1:] else part[0] for part in parts)
        self.body(Code(features, builder), *arguments)
        builder.ret_void()


_CALLED: dict[str, Called] = {}
"""What has been called, by its name in compiled code."""


def install(function: Callable[..., None], body: Body) -> None:
    """Make a function callable from compiled code, where it is what `body` writes."""
    name = f"bptrace.{function.__name__}"

    class Call(AbstractTemplate):  # type: ignore[misc, unused-ignore]
        key = function

        def generic(self, arguments: Sequence[Any], _named: object) -> Any:
            """Return the types of a call."""
            return signature(types.none, *arguments)

    def write(context: Any, builder: Any, typed: Any, arguments: Sequence[Any]) -> Any:
        words = [
            _words(context, builder, *each) for each in zip(typed.args, arguments, strict=True)
        ]
        called = _CALLED[name] = Called(body, [[word.type for word in each] for each in words])
        target = builder.module.globals.get(name) or called.declare(builder.module, name)
        builder.call(target, [word for each in words for word in each])
        return context.get_dummy_value()

    infer_global(function, types.Function(Call))
    lower_builtin(function, types.VarArg(types.Any))(write)


def _words(context: Any, builder: Any, kind: Any, value: Any) -> list[Any]:
    """Return an argument as words that processors have."""
    if isinstance(kind, types.Array):
        return [context.make_array(kind)(context, builder, value).data]
    return cgutils.unpack_tuple(builder, value) if isinstance(kind, types.BaseTuple) else [value]


def link(module: Any, codegen: Any) -> None:
    """Put the vector code that a finished module calls into it."""
    names = [f.name for f in module.functions if f.is_declaration and f.name in _CALLED]
    if not names:
        return
    written = codegen._create_empty_module("vectors")
    for name in names:
        _CALLED[name].define(written, name, codegen.magic_tuple()[2].split(","))
    parsed = binding.parse_assembly(str(written))
    optimise(parsed, codegen)
    module.link_in(parsed)
    for name in names:  # of each kernel its own: another one may be gone while this one is there
        module.get_function(name).linkage = "internal"


def optimise(module: Any, codegen: Any, vectors: bool = False, unrolled: bool = False) -> None:
    """Optimise a module; loops are made for several numbers at a time, and unrolled, if wanted."""
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization, options.loop_unrolling = vectors, unrolled
    options.slp_vectorization = False
    builder = binding.create_pass_builder(codegen._tm, options)
    passes = builder.getModulePassManager()
    passes.run(module, builder)
