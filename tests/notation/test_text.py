"""Formulas as text: what is written means what is computed, and is read again as the same tree."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from effort import dear
from hypothesis import assume, given
from hypothesis import strategies as st
from named import named
from strategies import problems
from trees import canonical

from bptrace.address import Address, Quantity
from bptrace.engine import run
from bptrace.maths.expr import FLOATS, Expr, Num, Ref, add, call, div, mul, neg, square, sub
from bptrace.model import Layer, Network, Problem
from bptrace.notation import Notation, abbreviated, dialect_names, value_of
from bptrace.notation.text import write
from bptrace.trace import Trace

Q = Quantity
A, B, C = Ref("a"), Ref("b"), Ref("c")


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (add(A, B, C), "a + b + c"),
        (add(A, add(B, C)), "a + (b + c)"),
        (add(A, neg(B)), "a − b"),
        (add(A, neg(add(B, C))), "a − (b + c)"),
        (add(A, mul(neg(B), C)), "a − b·c"),
        (sub(A, add(B, C)), "a − (b + c)"),
        (sub(A, neg(B)), "a − (−b)"),
        (sub(sub(A, B), C), "a − b − c"),
        (sub(A, sub(B, C)), "a − (b − c)"),
        (sub(neg(A), B), "−a − b"),
        (mul(A, B, C), "a·b·c"),
        (mul(A, B, role="chain"), "a · b"),
        (mul(A, mul(B, C)), "a·(b·c)"),
        (mul(A, neg(B)), "a·(−b)"),
        (mul(neg(A), B), "−a·b"),
        (mul(A, add(B, C)), "a·(b + c)"),
        (div(A, mul(B, C)), "a/(b·c)"),
        (div(mul(A, B), C), "(a·b)/c"),
        (div(A, div(B, C)), "a/(b/c)"),
        (div(div(A, B), C), "(a/b)/c"),
        (mul(A, div(B, C)), "a·(b/c)"),
        (neg(neg(A)), "−(−a)"),
        (neg(mul(A, B)), "−a·b"),
        (neg(add(A, B)), "−(a + b)"),
        (square(A), "a²"),
        (square(square(A)), "(a²)²"),
        (square(neg(A)), "(−a)²"),
        (neg(square(A)), "−a²"),
        (square(mul(A, B)), "(a·b)²"),
        (square(sub(A, B)), "(a − b)²"),
        (call("exp", neg(A)), "e^(−a)"),
        (square(call("exp", A)), "(e^(a))²"),
        (call("log", A), "ln(a)"),
        (call("log1p", A), "ln(1 + a)"),
        (call("log1p", neg(A)), "ln(1 − a)"),
        (call("abs", neg(A)), "|−a|"),
        (call("max", A, Num(0.0)), "max(a, 0)"),
        (call("tanh", A), "tanh(a)"),
        (call("sqrt", add(A, B)), "√(a + b)"),
        (call("min", A, B), "min(a, b)"),
        (call("positive", A), "[a > 0]"),
        (call("if_positive", A, Num(1.0), Num(0.01)), "(1 if a > 0 else 0.01)"),
        (call("step", A, Num(0.0), Num(1.0)), "step(a)"),
        (call("step", A, Num(-1.0), Num(1.0)), "bipolar_step(a)"),
        (mul(Num(0.5), A), "½·a"),
        (mul(A, Num(-2.0)), "a·(−2)"),
        (div(Num(1.0), A), "1/a"),
        (Num(-0.0), "0"),
    ],
)  # fmt: skip
def test_brackets_stand_where_they_must(expr: Expr, text: str) -> None:
    assert write(expr, str) == text


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (square(A), "(5·10⁻⁸)²"),
        (mul(B, A), "3·5·10⁻⁸"),
        (div(B, A), "3/(5·10⁻⁸)"),
        (div(A, B), "5·10⁻⁸/3"),
        (add(B, C), "3 − 2·10⁻⁹"),
        (mul(B, C), "3·(−2·10⁻⁹)"),
        (square(C), "(−2·10⁻⁹)²"),
        (neg(C), "−(−2·10⁻⁹)"),
    ],
)
def test_numbers_with_powers_of_ten(expr: Expr, text: str) -> None:
    numbers = {"a": "5·10⁻⁸", "b": "3", "c": "−2·10⁻⁹"}
    assert write(expr, lambda key: numbers[str(key)]) == text
    network = Network((Layer(1), Layer(2)))
    values = {"a": 5e-8, "b": 3.0, "c": -2e-9}
    expected = FLOATS.read(expr, lambda key: values[str(key)])
    assert FLOATS.read(Notation(network).read(text), _unknown) == expected


def _unknown(key: object) -> float:
    raise AssertionError(f"{key} is no number")


# Formulas over the quantities of a network.


@st.composite
def formulas(draw: st.DrawFn, places: list[Address]) -> Expr:
    """Draw a tree of everything that can be written and read."""
    leaves: st.SearchStrategy[Expr] = st.sampled_from(places).map(Ref)
    leaves |= st.floats(0.0, 1e6).map(Num)
    functions = st.sampled_from(["exp", "log", "log1p", "tanh", "abs"])

    def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        several = st.lists(inner, min_size=2, max_size=4)
        return st.one_of(
            several.map(lambda terms: add(*terms)),
            several.map(lambda factors: mul(*factors)),
            st.builds(sub, inner, inner),
            st.builds(div, inner, inner),
            st.builds(neg, inner),
            st.builds(square, inner),
            st.builds(call, functions, inner),
            st.builds(lambda a, b: call("max", a, b), inner, inner),
        )

    return draw(st.recursive(leaves, grown, max_leaves=12))


@pytest.mark.parametrize("dialect", dialect_names())
@dear(8)
@given(problem=named(problems(always_learns=True)), ascii=st.booleans(), data=st.data())
def test_what_is_written_is_read_as_the_same_formula(
    dialect: str, problem: Problem, ascii: bool, data: st.DataObject
) -> None:
    notation = Notation.of(problem, dialect, ascii=ascii)
    network = problem.network
    places = [Address(Q.OUT, network.depth, j) for j in range(1, network.widths[-1] + 1)]
    places += [Address(q, 1, 1, 1) for q in (Q.W, Q.W_NEW, Q.D_W)] + [Address(Q.E)]
    expr = data.draw(formulas(places))
    again = notation.read(notation.formula(expr))
    assert canonical(again) == canonical(expr)


# The lines of a calculation, with so many digits that the numbers are exact.

EXACT = 40
"""So many decimals write every float64 so that it is read again as itself, see `format_number`.

Digits that nobody needs are never written, and 17 are always enough. A number of the size 10⁻ᵏ
needs k + 17 decimals at most; where k is above 21, more than half of the 40 would be zeros, and it
is written with a power of ten.
"""


def lines(trace: Trace, step: int) -> Iterator[Address]:
    """All places of the calculation of a step, in its order."""
    for sample in trace.samples(step):
        yield from trace.chapter.forward(sample, step)
        yield from trace.chapter.backward(sample, step)
    yield from trace.chapter.update(step)


@pytest.mark.ci
@dear(8)
@given(named(problems(always_learns=True)), st.sampled_from(dialect_names()), st.booleans())
def test_numbers_reproduce_the_value(problem: Problem, dialect: str, ascii: bool) -> None:
    """Symbols, numbers and result of each equation are equal in every bit, for both signs of δ."""
    trace = run(problem, "python")
    assume(all(math.isfinite(x) for x in trace.log))
    values = trace.values()
    notation = Notation.of(problem, dialect, ascii=ascii)
    for address in lines(trace, step=trace.steps):
        if not notation.is_shown(address):
            continue
        equation = trace.chapter.equation(address)
        assert equation is not None
        left, expr, _ = notation.shown(equation, trace.chapter)
        value = value_of(left, values)
        assert FLOATS.read(expr, lambda key: value_of(key, values)) == value
        text = notation.numbers(expr, values, EXACT)
        if not any(sign in text for sign in ("step(", "[", " if ", "∞", "nan", "⌊", "floor(")):
            assert FLOATS.read(notation.read(text), _unknown) == value


def test_long_sums_keep_their_ends() -> None:
    expr = add(*(Ref(k) for k in "abcdefghij"))
    assert write(abbreviated(expr, 10), str) == "a + b + c + d + e + f + g + h + i + j"
    assert write(abbreviated(expr, 9), str) == "a + b + c + … 5 … + i + j"
    assert write(abbreviated(square(expr), 9), str) == "(a + b + c + … 5 … + i + j)²"
