"""The sums of `source.column_sums` with vectors of eight numbers, one lane for each neuron.

The loop as it stands there compiles, too, but each short run over the neurons begins with looking
whether the sums overlap with the weights, and loads and stores all sums: 3.0 µs for 784-30, where
it takes 0.7 to keep the sums of 32 neurons in registers. Nothing else is different: each lane
multiplies and adds in the same order, each operation rounded by itself.

Not responsible for other loops: those vectorise by themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
TOGETHER = 4
"""Vectors at a time: as many additions go on while each waits for the one before."""

WORD = ir.IntType(64)
NUMBER = ir.DoubleType()
VECTOR = ir.VectorType(NUMBER, LANES)


def column_sums(total: Any, n: Any, log: Any, w: Any, x: Any, m: Any) -> Callable[..., None]:
    """Return what stands for `source.column_sums` in compiled code."""

    def compiled(total: Any, n: Any, log: Any, w: Any, x: Any, m: Any) -> None:
        _column_sums(total, n, log, w, x, m)

    return compiled


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _column_sums(
    context: Any, total: Any, n: Any, log: Any, w: Any, x: Any, m: Any
) -> tuple[Any, Callable[..., Any]]:
    """Write the code: groups of `TOGETHER` vectors first, then what is left, one by one."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        total, n, log, w, x, m = args
        into, numbers = (
            context.make_array(kind)(context, builder, value).data
            for kind, value in ((signature.args[0], total), (signature.args[2], log))
        )
        weights, sources = builder.gep(numbers, [w]), builder.gep(numbers, [x])
        wide = builder.udiv(n, WORD(LANES * TOGETHER))
        left = builder.udiv(builder.urem(n, WORD(LANES * TOGETHER)), WORD(LANES))
        begin = builder.mul(wide, WORD(LANES * TOGETHER))
        for count, first, vectors in ((wide, WORD(0), TOGETHER), (left, begin, 1)):
            with cgutils.for_range(builder, count, intp=WORD) as group:
                j = builder.add(first, builder.mul(group.index, WORD(LANES * vectors)))
                sums = [cgutils.alloca_once(builder, VECTOR) for _ in range(vectors)]
                _add_up(builder, sums, builder.gep(weights, [j]), sources, n, m)
                for k, each in enumerate(sums):
                    place = builder.gep(into, [builder.add(j, WORD(LANES * k))])
                    builder.store(builder.load(each), _vector_at(builder, place), align=8)
        return context.get_dummy_value()

    return types.void(total, n, log, w, x, m), write


def _add_up(builder: Any, sums: list[Any], weights: Any, sources: Any, n: Any, m: Any) -> None:
    """Sum up over `m` sources, in ascending order from −0.0; `n` numbers from one to the next."""
    for each in sums:
        builder.store(VECTOR([-0.0] * LANES), each)
    with cgutils.for_range(builder, m, intp=WORD) as source:
        x_i = builder.load(builder.gep(sources, [source.index]))
        one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), x_i, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        spread = builder.shuffle_vector(one, one, mask)
        column = builder.gep(weights, [builder.mul(source.index, n)])
        for k, each in enumerate(sums):
            place = builder.gep(column, [WORD(LANES * k)])
            weight = builder.load(_vector_at(builder, place), align=8)
            builder.store(builder.fadd(builder.load(each), builder.fmul(weight, spread)), each)


def _vector_at(builder: Any, place: Any) -> Any:
    return builder.bitcast(place, VECTOR.as_pointer())
