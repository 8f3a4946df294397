"""Own formulas as instructions: the same bits as the tree. (Whole runs: see test_agreement.)"""

from __future__ import annotations

from math import inf, nan
from struct import pack
from types import SimpleNamespace
from typing import Any

import pytest
from formulas import formulas
from hypothesis import given
from hypothesis import strategies as st

from bptrace.kernels.tape import Tape, evaluate
from bptrace.maths.activations import IN, OUT
from bptrace.maths.expr import FLOATS, SCALARS, Expr, Num, add, call, mul, sub

EDGES = st.sampled_from([0.0, -0.0, inf, -inf, nan, 5e-324, 1.0, -1.0, 1.7e308, 710.0])
NUMBERS = EDGES | st.floats()


def bits(x: float) -> bytes:
    return b"nan" if x != x else pack("d", x)


def on_tape(*exprs: Expr) -> tuple[Any, list[int]]:
    tape = Tape()
    heads = [tape.add(expr) for expr in exprs]
    return SimpleNamespace(codes=tape.codes, work=tape.work), heads


@pytest.mark.parametrize("name", SCALARS)
@given(st.data())
def test_every_operation(name: str, data: st.DataObject) -> None:
    count = SCALARS[name].__code__.co_argcount
    a, b, c = (data.draw(NUMBERS) for _ in range(3))
    expr = call(name, *(IN, OUT, Num(c))[:count])
    net, (head,) = on_tape(expr)
    expected = FLOATS.read(expr, {"in": a, "out": b}.__getitem__)
    assert bits(evaluate(net, head, a, b)) == bits(expected)


@given(formulas(), formulas(), NUMBERS)
def test_formulas_one_after_the_other(one: Expr, other: Expr, x: float) -> None:
    net, heads = on_tape(one, other, one)
    for expr, head in (*zip((one, other, one), heads, strict=True), (one, heads[0])):
        expected = FLOATS.read(expr, lambda key: x)
        assert bits(evaluate(net, head, x, x)) == bits(expected)


def test_equal_parts_are_calculated_once() -> None:
    part = call("exp", add(IN, IN, OUT))
    net, (head,) = on_tape(sub(mul(part, part), part))
    assert net.codes[head] == 5  # two additions, exp, the product, the difference


def test_zeros_of_either_sign_are_kept_apart() -> None:
    expr = add(mul(IN, Num(0.0)), mul(IN, Num(-0.0)))
    net, (head,) = on_tape(expr)
    assert net.codes[head] == 3
    assert bits(evaluate(net, head, -1.0, 0.0)) == bits(0.0)
