"""Trees of formulas: how they are built, replaced, written out, and read as float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from functools import reduce
from operator import add as plus
from operator import mul as times
from operator import ne

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.maths import ieee
from bptrace.maths.expr import (
    EMPTY,
    FLOATS,
    ONE,
    ZERO,
    Expr,
    Num,
    Op,
    Reading,
    Ref,
    add,
    bind,
    call,
    div,
    inline,
    mul,
    neg,
    refs,
    square,
    sub,
)

A, B, C, D = (Ref(k) for k in "abcd")
FLOAT = st.floats(allow_nan=True, allow_infinity=True)
INF, NAN = math.inf, math.nan


def worth(expr: Expr, **values: float) -> float:
    return FLOATS.read(expr, lambda key: values[str(key)])


def same(x: float, y: float) -> bool:
    """Equal, with the sign of zero; nan is nan."""
    return (x != x and y != y) or (x == y and math.copysign(1, x) == math.copysign(1, y))


def test_one_term_is_itself() -> None:
    assert add(A) == mul(A) == A
    assert add(A, role="sum") == A
    assert add(A, B, role="sum") == Op("add", (A, B), "sum")
    assert mul(A, B) == Op("mul", (A, B))
    assert add() == EMPTY


@given(FLOAT)
def test_the_empty_sum_changes_nothing(x: float) -> None:
    """−0.0 + x is x for every x; 0.0 + x would turn −0.0 into 0.0."""
    assert same(worth(add()), -0.0)
    assert same(worth(add(add(), A), a=x), x)
    assert same(worth(add(A, add()), a=x), x)


@given(st.lists(FLOAT, min_size=2, max_size=6))
def test_sums_and_products_are_folded_from_the_left(values: list[float]) -> None:
    terms = [Num(x) for x in values]
    assert same(worth(add(*terms)), reduce(plus, values))
    assert same(worth(mul(*terms)), reduce(times, values))


def test_the_order_of_terms_is_that_of_computing() -> None:
    assert worth(add(Num(1e16), ONE, Num(-1e16))) == 0.0
    assert worth(add(Num(1e16), Num(-1e16), ONE)) == 1.0


# Every rule of FLOATS, where IEEE-754 says something that Python refuses or does otherwise.


@pytest.mark.parametrize(
    ("a", "b", "quotient"),
    [
        (1.0, 0.0, INF), (1.0, -0.0, -INF), (-1.0, 0.0, -INF), (-1.0, -0.0, INF),
        (0.0, 0.0, NAN), (0.0, -0.0, NAN), (NAN, 0.0, NAN), (INF, 0.0, INF), (-INF, 0.0, -INF),
        (INF, INF, NAN), (1.0, INF, 0.0), (-1.0, INF, -0.0), (0.0, 5.0, 0.0), (-0.0, 5.0, -0.0),
        (1e308, 1e-308, INF), (1.0, NAN, NAN), (7.0, 2.0, 3.5),
    ],
)  # fmt: skip
def test_division(a: float, b: float, quotient: float) -> None:
    assert same(worth(div(A, B), a=a, b=b), quotient)


@pytest.mark.parametrize(
    ("a", "b", "larger"),
    [
        (1.0, 2.0, 2.0), (2.0, 1.0, 2.0), (-INF, 0.0, 0.0), (INF, 0.0, INF), (NAN, 0.0, NAN),
        (-0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, -0.0, -0.0), (-1.0, 0.0, 0.0),
    ],
)  # fmt: skip
def test_maximum(a: float, b: float, larger: float) -> None:
    """Nan of a neuron must not vanish in relu; equal numbers: the second, so max(−0, 0) is 0."""
    assert same(worth(call("max", A, B), a=a, b=b), larger)


@pytest.mark.parametrize(
    ("a", "b", "smaller"),
    [
        (1.0, 2.0, 1.0), (2.0, 1.0, 1.0), (-INF, 0.0, -INF), (INF, 0.0, 0.0), (NAN, 0.0, NAN),
        (-0.0, 0.0, 0.0), (0.0, -0.0, -0.0),
    ],
)  # fmt: skip
def test_minimum(a: float, b: float, smaller: float) -> None:
    """Like the maximum: nan of the first stays, and of equal numbers it is the second."""
    assert same(worth(call("min", A, B), a=a, b=b), smaller)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "positive",
            [
                (1.0, 1.0),
                (5e-324, 1.0),
                (INF, 1.0),
                (0.0, 0.0),
                (-0.0, 0.0),
                (-1.0, 0.0),
                (-INF, 0.0),
            ],
        ),
        ("exp", [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (710.0, INF), (-746.0, 0.0)]),
        ("log", [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (-INF, NAN)]),
        ("log1p", [(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-2.0, NAN)]),
        ("tanh", [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (400.0, 1.0)]),
        ("sqrt", [(9.0, 3.0), (2.0, 2.0**0.5), (0.0, 0.0), (-0.0, -0.0), (INF, INF), (-1.0, NAN)]),
        ("sqrt", [(5e-324, 2.0**-537), (-5e-324, NAN), (NAN, NAN), (-INF, NAN)]),
        ("abs", [(-2.0, 2.0), (-0.0, 0.0), (-INF, INF)]),
        ("neg", [(2.0, -2.0), (0.0, -0.0), (-0.0, 0.0), (INF, -INF)]),
        ("square", [(-3.0, 9.0), (-0.0, 0.0), (1e200, INF), (1e-200, 0.0), (-INF, INF)]),
    ],
)
def test_functions(name: str, values: list[tuple[float, float]]) -> None:
    for x, expected in values:
        assert same(worth(call(name, A), a=x), expected), x
    nan = worth(call(name, A), a=NAN)
    assert nan == 0.0 if name == "positive" else nan != nan


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "tanh"])
@given(x=FLOAT)
def test_functions_are_our_own(name: str, x: float) -> None:
    """Not those of the standard library, whose bits differ from machine to machine."""
    assert FLOATS.rules[name] is getattr(ieee, name)
    assert same(worth(call(name, A), a=x), getattr(ieee, name)(x))


@pytest.mark.parametrize(
    ("x", "expected"),
    [(2.0, 1.0), (-2.0, -1.0), (0.0, 0.25), (-0.0, 0.25), (NAN, 0.25), (5e-324, 1.0)],
)
def test_steps(x: float, expected: float) -> None:
    assert worth(call("step", A, Num(-1.0), Num(0.25)), a=x) == expected
    assert worth(call("if_positive", A, Num(7.0), Num(9.0)), a=x) == (7.0 if x > 0 else 9.0)


@given(FLOAT, FLOAT)
def test_differences_are_sums_with_a_sign(x: float, y: float) -> None:
    """What is printed "a − b" may be either: no bit depends on it, nor on where a sign stands."""
    a, b = Num(x), Num(y)
    assert same(worth(sub(a, b)), worth(add(a, neg(b))))
    assert same(worth(mul(neg(a), b)), worth(neg(mul(a, b))))
    assert same(worth(div(neg(a), b)), worth(neg(div(a, b))))
    assert same(worth(square(a)), worth(mul(a, a)))
    assert same(worth(mul(a, ONE)), x)


def test_trees_that_differ_in_names_of_numbers_are_equal() -> None:
    plain, named, other = (mul(A, Num(0.5, name)) for name in ("", "momentum", "decay"))
    assert plain == named == other
    assert len({plain, named, other}) == 1
    assert ne(Num(0.5, "decay"), Num(0.5)) is False
    for different in (Num(0.25), Ref(0.5), (0.5, "")):
        assert different != Num(0.5)


# Replacing, writing out, collecting

TREE = div(add(mul(A, B, role="weighted input"), A, role="weighted sum"), neg(C), role="outer")


def test_bind() -> None:
    bound = bind(TREE, {"a": D, "c": ONE, "z": ZERO})
    assert bound == div(
        add(mul(D, B, role="weighted input"), D, role="weighted sum"), neg(ONE), role="outer"
    )
    assert bind(A, {"a": TREE}) is TREE
    assert bind(ONE, {"a": TREE}) is ONE
    assert bind(TREE, {}) == TREE
    assert bind(add(A, B), {"a": B, "b": A}) == add(B, A)  # all at once, not one after another


def test_refs() -> None:
    assert list(refs(TREE)) == ["a", "b", "a", "c"]
    assert list(refs(ONE)) == []
    assert list(refs(A)) == ["a"]


def table(**formulas: Expr) -> Callable[[Hashable], Expr | None]:
    return lambda key: formulas.get(str(key))


def test_inline() -> None:
    assert inline(TREE, table()) == TREE
    assert inline(A, table(a=B, b=C)) == C
    assert inline(add(A, B), table(a=add(C, D))) == add(add(C, D), B)
    assert inline(ONE, table(a=B)) == ONE


def test_a_product_at_the_head_of_a_product_becomes_part_of_it() -> None:
    chain = mul(A, B, role="gradient")
    assert inline(chain, table(a=mul(C, D, role="chain"))) == mul(C, D, B, role="gradient")
    assert inline(chain, table(b=mul(C, D, role="chain"))) == mul(
        A, mul(C, D, role="chain"), role="gradient"
    )
    assert inline(chain, table(a=neg(mul(C, D)))) == mul(neg(mul(C, D)), B, role="gradient")


@given(*(FLOAT,) * 4)
def test_writing_out_changes_no_bit(a: float, b: float, c: float, d: float) -> None:
    formulas = {"a": mul(C, D), "b": add(C, mul(D, C))}
    for expr in (mul(A, B), add(A, B), mul(B, A), mul(mul(A, B), square(A)), div(A, B)):
        written = inline(expr, table(**formulas))
        inner = {key: worth(formula, c=c, d=d) for key, formula in formulas.items()}
        assert same(worth(written, c=c, d=d), worth(expr, **inner))
    assert same(worth(TREE, a=a, b=b, c=c), (a * b + a) / -c if c else worth(TREE, a=a, b=b, c=c))


def test_readings_are_tables() -> None:
    """Another meaning of all trees is another table, here: how many operations."""
    names = FLOATS.rules
    count: Reading[int] = Reading(
        number=lambda _: 0, rules={name: lambda *args: 1 + sum(args) for name in names}
    )
    assert count.read(TREE, lambda _: 0) == 4
    assert count.read(TREE, lambda _: 10) == 44


def test_trees_are_values() -> None:
    assert hash(TREE) == hash(bind(TREE, {}))
    assert {TREE: 1}[bind(TREE, {})] == 1
    with pytest.raises(AttributeError):
        ONE.value = 2.0  # type: ignore[misc]
