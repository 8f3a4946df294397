"""Formulas of activations as text: what is read, and what is refused in which words."""

from __future__ import annotations

import math
import pickle
from struct import pack

import pytest
from formulas import as_text, formulas
from hypothesis import given
from hypothesis import strategies as st

from bptrace.errors import BptraceError
from bptrace.maths.activations import ACTIVATIONS, IN, OUT, SIGMOID
from bptrace.maths.expr import (
    FLOATS,
    HALF,
    ONE,
    TWO,
    ZERO,
    Expr,
    Num,
    add,
    bind,
    call,
    div,
    mul,
    neg,
    square,
    sub,
)
from bptrace.maths.formula import DEEPEST, FormulaError, functions, read_formula, read_slope

THREE = Num(3.0)
SOFTPLUS = ACTIVATIONS.get("softplus").expr


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("x", IN),
        ("z", IN),
        ("x+2+3", add(IN, TWO, THREE)),
        ("x-2+3", add(sub(IN, TWO), THREE)),
        ("x-(2-3)", sub(IN, sub(TWO, THREE))),
        ("2*x*3", mul(TWO, IN, THREE)),
        ("x/2*3", mul(div(IN, TWO), THREE)),
        ("-x", neg(IN)),
        ("--x", IN),
        ("-2*x", mul(Num(-2.0), IN)),
        ("-x^2", neg(square(IN))),
        ("x**2", square(IN)),
        ("x²", square(IN)),
        ("x^3", mul(IN, IN, IN)),
        ("x³", mul(IN, IN, IN)),
        ("x^1", IN),
        ("x^0*x", mul(ONE, IN)),
        ("x^2^2", mul(IN, IN, IN, IN)),
        ("x^-2", div(ONE, square(IN))),
        ("x⁻¹", div(ONE, IN)),
        ("x^0.5", call("sqrt", IN)),
        ("x^(1/2)", call("sqrt", IN)),
        ("√(x)", call("sqrt", IN)),
        ("½x".replace("x", "*x"), mul(HALF, IN)),
        ("exp(-x)", call("exp", neg(IN))),
        ("e^-x", call("exp", neg(IN))),
        ("e^(−x)", call("exp", neg(IN))),
        ("e*x", mul(Num(math.e), IN)),
        ("pi*x", mul(Num(math.pi), IN)),
        ("π·x", mul(Num(math.pi), IN)),
        ("ln(x)", call("log", IN)),
        ("log(x)", call("log", IN)),
        ("ln(1 + x)", call("log1p", IN)),
        ("log(x + 1)", call("log", add(IN, ONE))),
        ("log1p(x)", call("log1p", IN)),
        ("|x|", call("abs", IN)),
        ("|x-1|*|x|", mul(call("abs", sub(IN, ONE)), call("abs", IN))),
        ("max(x, 1)", call("max", IN, ONE)),
        ("ｍａｘ（ｘ，１）", call("max", IN, ONE)),
        ("min(1, x)", call("min", ONE, IN)),
        ("sigmoid(x)", SIGMOID),
        ("1/(1 + exp(-x))", SIGMOID),
        ("relu(x)", call("max", IN, ZERO)),
        ("leaky_relu(x)", call("max", IN, mul(Num(0.01), IN))),
        ("step(x)", call("step", IN, ZERO, ONE)),
        ("softplus(2*x)", bind(SOFTPLUS, {"in": mul(TWO, IN)})),
        ("x*tanh(log(1+exp(x)))", mul(IN, call("tanh", call("log1p", call("exp", IN))))),
        ("1.5e-3*x", mul(Num(1.5e-3), IN)),
        (".5*x", mul(HALF, IN)),
    ],
)
def test_reads(text: str, tree: Expr) -> None:
    assert read_formula(text) == tree


def test_a_slope_may_have_the_output_in_it() -> None:
    assert read_slope("y*(1-y)") == read_slope("a*(1-a)") == mul(OUT, sub(ONE, OUT))
    assert read_slope("1") == ONE


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, 'the formula is empty. Write one such as "x/(1 + abs(x))".'),
        (" ", 0, 'the formula is empty. Write one such as "x/(1 + abs(x))".'),
        ("3", 0, "x, the net input, is not in it. An activation is a function of x."),
        ("2x", 1, "expected an operation before 'x'. For a product write *."),
        ("x(x+1)", 0, "x is no function. For a product write x*(…)."),
        ("(x+1)(x-1)", 5, "expected an operation before '('. For a product write *."),
        ("x + sigmod(x)", 4, "unknown function 'sigmod'. Did you mean 'sigmoid'?"),
        ("sin(x)", 0, "unknown function 'sin'. Known: exp, ln, log, log1p, tanh, sqrt, √, abs, "
         "max, min, positive, identity, step, bipolar_step, sigmoid, relu, leaky_relu, softplus."),
        ("leaky-relu(x)", 0, "unknown name 'leaky-relu'. Did you mean 'leaky_relu'?"),
        ("2*tanh", 2, "tanh is a function. Write tanh(x)."),
        ("2*max", 2, "max is a function. Write max(a, b)."),
        ("max(x)", 0, "max takes 2 arguments, not 1"),
        ("exp(x, 1)", 0, "exp takes 1 argument, not 2"),
        ("exp()", 0, "exp takes 1 argument, not 0"),
        ("x + y", 4, "y is the output, which the formula gives. Write it with x; the slope may "
                     "have y in it."),
        ("x/0", 2, "division by 0"),
        ("x/(1 - 1)", 2, "division by 0"),
        ("x + 0^-1", 6, "division by 0"),
        ("(x", 2, "')' is missing. The '(' at place 1 is still open."),
        ("2*(x", 4, "')' is missing. The '(' at place 3 is still open."),
        ("1+exp(x", 7, "')' is missing. The '(' at place 6 is still open."),
        ("|x", 2, "'|' is missing. The '|' at place 1 is still open."),
        ("x)", 1, "')' without an opening bracket"),
        ("x,1", 1, "a comma outside a function"),
        ("(x,1)", 2, "a comma outside a function"),
        ("x +", 3, "the formula ends too soon"),
        ("x * / 2", 4, "expected x, a number, a function or a bracket, found '/'"),
        ("x^x", 2, "an exponent is a whole number, ½, or stands over e. "
                   "Write exp(b*ln(a)) for a^b with a above 0."),
        ("x^1.5", 2, "the exponent 1.5: expected a whole number up to 9, or ½. "
                     "Write exp(b*ln(a)) for a^b with a above 0."),
        ("x^10", 2, "the exponent 10: expected a whole number up to 9, or ½. "
                    "Write exp(b*ln(a)) for a^b with a above 0."),
        ("x*1e999", 2, "'1e999' is too large for a number"),
        ("x; import os", 1, "expected an operation before ';'"),
        ("__import__('os')", 0, "unknown function '__import__'. Known: exp, ln, log, log1p, tanh, "
                                "sqrt, √, abs, max, min, positive, identity, step, bipolar_step, "
                                "sigmoid, tanh, relu, leaky_relu, softplus."),
    ],
)  # fmt: skip
def test_refuses(text: str, offset: int, message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read_formula(text)
    if text.startswith("__import__"):
        assert str(caught.value).startswith("unknown function '__import__'. Known: exp, ln, log")
    else:
        assert str(caught.value) == message
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 1_000_000, "1000000 characters are too many, at most 1000"),
        ("(" * 1000, "more than 20 brackets or powers inside one another"),
        ("-" * 999 + "x", None),
        ("x" + "-x" * 499, f"more than {DEEPEST} operations inside one another"),
        ("x" + "/x" * 499, f"more than {DEEPEST} operations inside one another"),
        ("(" * 19 + "x" + "^9)" * 19, "more than 200 operations"),
        ("x" + "^1" * 499, "more than 20 brackets or powers inside one another"),
        ("x" + "²" * 499, "the exponent inf: expected a whole number up to 9, or ½"),
        ("softplus(" * 20 + "x" + ")" * 20, "more than 200 operations, with all functions written"),
        ("x" + "+x" * 499, "more than 200 operations, with all functions written out"),
        ("exp(" * 190 + "x" + ")" * 190, "more than 20 brackets or powers inside one another"),
        ("x" + "+tanh(x)" * 100, None),
    ],
)
def test_hostile_formulas_get_an_answer(text: str, message: str | None) -> None:
    found = answer(text)
    assert (message in str(found)) if message else not isinstance(found, FormulaError)


def answer(text: str) -> Expr | FormulaError:
    try:
        return read_formula(text)
    except FormulaError as error:
        return error


@given(st.text(st.sampled_from("xyze12.0 +-*/^²()|,√½expmaxln−·"), max_size=30) | st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    found = answer(text)
    if isinstance(found, FormulaError):
        assert 0 <= found.offset <= len(text)
    else:
        FLOATS.read(found, lambda key: 0.5)


POINTS = st.floats(-20.0, 20.0) | st.floats()


@given(formulas(), POINTS)
def test_what_is_printed_is_read_again(tree: Expr, x: float) -> None:
    again = read_formula(as_text(tree))
    assert bits(FLOATS.read(again, lambda key: x)) == bits(FLOATS.read(tree, lambda key: x))
    assert as_text(read_formula(as_text(again))) == as_text(again)


def bits(x: float) -> bytes:
    return b"nan" if x != x else pack("d", x)


def test_every_activation_is_a_function() -> None:
    for entry in (e for e in ACTIVATIONS if not e.is_of_layer):
        count, make = functions()[entry.name.replace("-", "_")]
        assert count == 1
        if entry.name != "tanh":
            assert make(IN) == bind(entry.expr, {"option": Num(entry.default)})


def test_the_error_can_be_pickled() -> None:
    error = FormulaError("division by 0", 3, "Try 1.")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, BptraceError)
    assert (str(again), again.offset) == ("division by 0. Try 1.", 3)
