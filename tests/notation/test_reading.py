"""Reading of expressions: the grammar, the numbers, what is refused and how that is said."""

from __future__ import annotations

import math
import sys
from collections.abc import Hashable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from trees import canonical

from bptrace.address import Address, Quantity
from bptrace.maths.expr import FLOATS, Expr, Num, Op, Ref, refs
from bptrace.model import Layer, Network
from bptrace.notation import Notation, NotationError, dialect_names

Q = Quantity
NETWORK = Network(
    (
        Layer(2, names=("i1", "i2")),
        Layer(3, names=("h1", "h2", "h11"), biases=3),
        Layer(1, names=("O1",), biases=1, mask=((True, False, True),)),
    )
)
NOTATION = Notation(NETWORK)
VALUES = {
    Address(Q.OUT, 0, 1): 3.0,
    Address(Q.OUT, 0, 2): 7.0,
    Address(Q.IN, 1, 1): -5.0,
    Address(Q.OUT, 1, 1): 11.0,
    Address(Q.OUT, 1, 3): 13.0,
    Address(Q.W, 1, 3, 1): 17.0,
    Address(Q.W_NEW, 1, 3, 1): 19.0,
    Address(Q.W_NEW, 1, 1, 1): 41.0,
    Address(Q.E): 23.0,
    Address(Q.D_W, 1, 3, 1): 29.0,
    Address(Q.D_IN, 2, 1): 31.0,
    Address(Q.STEP_W, 1, 3, 1): 37.0,
}


def value(key: Hashable) -> float:
    assert isinstance(key, Address)
    return VALUES[key]


def worth(text: str) -> float:
    return FLOATS.read(NOTATION.read(text), value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2*3", 7.0),
        ("(1 + 2)*3", 9.0),
        ("1 - 2 - 3", -4.0),
        ("1 - (2 - 3)", 2.0),
        ("12/2/3", 2.0),
        ("12/(2/3)", 12.0 / (2.0 / 3.0)),
        ("12/2*3", 18.0),
        ("-2²", -4.0),
        ("(-2)²", 4.0),
        ("2^2", 4.0),
        ("2**2", 4.0),
        ("2²²", 16.0),
        ("2*-3", -6.0),
        ("- -3", 3.0),
        ("+3", 3.0),
        ("2 - -3", 5.0),
        ("2·3×4⋅5÷6", 20.0),
        ("3∕4 + 1⁄2", 1.25),
        ("½·8", 4.0),
        ("½²", 0.25),
        (".85 + 1.", 1.85),
        ("1e3 + 2.5E-1", 1000.25),
        ("5.25·10⁻³", 0.00525),
        ("4·10²", 400.0),
        ("(4·10⁻¹)²", 0.4 * 0.4),
        ("−2 – 3", -5.0),
        ("２．５＋（１－３）＊４", -5.5),
        ("1\u3000+\u00a02", 3.0),
        ("|2 - 5|·|-2|", 6.0),
        ("abs(2 - 5)", 3.0),
        ("max(2, 3) + max(-1, -2)", 2.0),
        ("exp(0) + e^0 + e^(0)", 3.0),
        ("e^-0", 1.0),
        ("e^0²", 1.0),
        ("ln(1) + log(1) + tanh(0)", 0.0),
        ("1/(1 + e^(-0))", 0.5),
        ("3²", 9.0),
        ("1/0", math.inf),
    ],
)
def test_arithmetic(text: str, expected: float) -> None:
    assert worth(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i1", 3.0),
        ("in_h1²", 25.0),
        ("in_h1^2", 25.0),
        ("E²", 529.0),
        ("E^2 - E", 506.0),
        ("in_h1*i1", -15.0),
        ("out_h1", 11.0),
        ("out_h11", 13.0),
        ("out_h1·out_h11", 143.0),
        ("w5-i1", 14.0),
        ("w5 + i1", 20.0),
        ("w5+i1", 20.0),
        ("w5+1", 18.0),
        ("w5+(1)", 18.0),
        ("w5+½", 17.5),
        ("w5+|i1|", 20.0),
        ("w5+∂E/∂w5", 46.0),
        ("w5+dE/dw5", 46.0),
        ("w5+e^0", 18.0),
        ("w5+ + i1", 22.0),
        ("w5++i1", 22.0),
        ("w5⁺+i1", 22.0),
        ("w5⁺ - w5", 2.0),
        ("w5+ - w5", 2.0),
        ("w5+", 19.0),
        ("(w5+)", 19.0),
        ("( w5+ )*2", 38.0),
        ("w5+*2", 38.0),
        ("w5+/2", 9.5),
        ("w5+²", 361.0),
        ("w5+^2", 361.0),
        ("|w5+|", 19.0),
        ("|w5+| + 1", 20.0),
        ("max(w5+, 0)", 19.0),
        ("w[1,3,1]+", 19.0),
        ("w[1,3,1]+1", 18.0),
        ("w[1,3,1]+∂E/∂w5", 46.0),
        ("w[1,3,1]+^2", 361.0),
        ("w[1,3,1]+-1", 18.0),
        ("dE/dw5", 29.0),
        ("∂E/∂w5²", 841.0),
        ("dE / dw5", 29.0),
        ("∂E/∂w[1,3,1]", 29.0),
        ("delta_O1*2", 62.0),
        ("step_w5", 37.0),
        ("Δw5", 37.0),
        ("step_w[1,3,1] + Δw[1,3,1]", 74.0),
        ("w1+", 41.0),
    ],
)  # fmt: skip
def test_quantities(text: str, expected: float) -> None:
    assert worth(text) == expected


def test_ln_of_one_plus_is_one_operation() -> None:
    """It is printed for softplus; log(1 + x) would lose the digits of a small x."""
    assert worth("ln(1 + e^(-50))") == math.exp(-50)
    assert NOTATION.read("ln(2 + i1)") != NOTATION.read("ln(1 + i1)")


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "ends too soon"),
        ("   ", 3, "ends too soon"),
        ("w5 +", 4, "ends too soon"),
        ("w5 -", 4, "ends too soon"),
        ("1 - + ", 6, "ends too soon"),
        ("(w5", 3, "')' is missing"),
        ("max(1)", 5, "',' is missing"),
        ("|w5", 3, "'|' is missing"),
        ("w5 i1", 3, "'i1' is more than one quantity"),
        ("2(3)", 1, "'(3)' is more than one quantity"),
        ("w5)", 2, "')' is more than one quantity"),
        ("*3", 0, "expected a quantity, found '*'"),
        ("1 + )", 4, "expected a quantity, found ')'"),
        ("in_h4", 0, "unknown quantity 'in_h4'. Did you mean 'in_h2'?"),
        ("E_foo", 0, "unknown quantity 'E_foo'. Did you mean 'E_O1'?"),
        ("out_h1x", 0, "unknown quantity 'out_h1x'. Did you mean 'out_h1'?"),
        ("w[1,2]", 0, "'w[1,2]' is no quantity; expected numbers as in w[l,j,i]"),
        ("1 - out[h1]", 4, "'out[h1]' is no quantity; expected numbers as in out[l,j]"),
        ("E[1,1]", 0, "'E[1,1]' is no quantity; expected numbers as in E[k]"),
        ("wx[1,2,3]*2", 0, "unknown quantity 'wx[1,2,3]'. "
         "Known: E, η, i1, i2, out_h1, in_h1, δ_h1, w1, … (36 in all)."),
        ("dE/dw99", 4, "unknown quantity 'w99'. Did you mean 'w9'?"),
        ("3*dE/dfoo", 6, "unknown quantity 'foo'. "
         "Known: E, η, i1, i2, out_h1, in_h1, δ_h1, w1, … (36 in all)."),
        ("dw5/dw1", 0, "dw[1,3,1]/dw[1,1,1] is not a derivative that the chapter has: "
         "above may stand E, E[k], out or in, below out, in, w or b"),
        ("1 + dE/dE", 4, "dE/dE is not a derivative that the chapter has: "
         "above may stand E, E[k], out or in, below out, in, w or b"),
        ("dE/ddelta_O1", 0, "dE/ddelta[2,1] is not a derivative that the chapter has: "
         "above may stand E, E[k], out or in, below out, in, w or b"),
        ("i1^0.5", 2, "of powers only whole ones are understood, ² or ^3, and e^(…)"),
        ("i1^x", 2, "of powers only whole ones are understood, ² or ^3, and e^(…)"),
        ("i1**-1", 2, "of powers only whole ones are understood, ² or ^3, and e^(…)"),
        ("1e999", 0, "'1e999' is too large for a number"),
        ("2x", 0, "unknown quantity '2x'. "
         "Known: E, η, i1, i2, out_h1, in_h1, δ_h1, w1, … (36 in all)."),
        ("a" * 60, 0, "unknown quantity 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'. "
         "Known: E, η, i1, i2, out_h1, in_h1, δ_h1, w1, … (36 in all)."),
        ("(" * 10_000, 31, "more than 30 brackets or powers inside one another"),
        ("e^" * 5_000, 62, "more than 30 brackets or powers inside one another"),
        ("|" * 10_000, 31, "more than 30 brackets or powers inside one another"),
        ("exp(" * 1_000, 124, "more than 30 brackets or powers inside one another"),
        ("1" + "-1" * 101, 203, "more than 100 differences, quotients and squares"),
        ("1" + "/1" * 101, 203, "more than 100 differences, quotients and squares"),
        ("1" + "²" * 101, 102, "more than 100 differences, quotients and squares"),
        ("1" + "-1" * 100_000, 0, "200001 characters are too many, at most 10000"),
        ("w[" + "9" * 5000 + ",1,1]", 0, "'w[99999999999999999999999999999999999999…' "
         "is no quantity; expected numbers as in w[l,j,i]"),
    ],
    ids=lambda entry: entry[:12] if isinstance(entry, str) else None,
)  # fmt: skip
def test_what_cannot_be_read(text: str, offset: int, message: str) -> None:
    with pytest.raises(NotationError) as caught:
        NOTATION.read(text)
    assert (str(caught.value), caught.value.offset) == (message, offset)


def test_no_derivative_by_the_negative_of_one() -> None:
    with pytest.raises(NotationError) as caught:
        Notation(NETWORK, minus_delta=True).read("dE/ddelta_O1")
    assert str(caught.value) == "δ is a derivative itself: write E, E[k], out or in over it"


def test_a_missing_connection_has_its_name() -> None:
    """Whoever asks for it is told by those who look it up: w8 is not unknown, but masked."""
    assert NOTATION.read("w8") == Ref(Address(Q.W, 2, 1, 2))
    assert NOTATION.read("dE/dw8") == Ref(Address(Q.D_W, 2, 1, 2))


def test_an_input_that_is_called_like_a_number() -> None:
    notation = Notation(Network((Layer(2, names=("1", "2")), Layer(1, names=("3",)))))
    assert notation.read("1") == Num(1.0)
    assert notation.read("1 - out_3") == Op(
        "sub", (Num(1.0), Ref(Address(Q.OUT, 1, 1)))
    )  # fmt: skip


# What is nested as deeply as can be must still be read by all readings.

DEEP = (
    "(" * 30 + "i1" + ")" * 30,
    "1+1*-exp(" * 30 + "i1" + ")" * 30 + "-1" * 100,
    "1+1*-e^(" * 15 + "i1" + ")" * 15 + "/2" * 100,
    "-" * 9_000 + "i1",
    "1" + "+1" * 4_999,
    "1" + "*1" * 4_999,
    "i1" + "/w5" * 100,
    "i1" + "²" * 100,
)


@pytest.mark.ci
@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:9])
def test_the_deepest_formulas_are_read_by_every_reading(text: str) -> None:
    limit = sys.getrecursionlimit()
    assert limit <= 1000, "the test would prove nothing"
    expr = NOTATION.read(text)
    FLOATS.read(expr, value)
    list(refs(expr))
    assert NOTATION.formula(expr)


# No text does more than raise a NotationError.

PIECES = (
    "in_h1", "out_h11", "w5", "w5+", "w5⁺", "dE", "∂E", "/d", "/∂", "/", "step_", "Δ", "E", "E_O1",
    "delta_O1", "δ", "η", "i1", "t", "[", "]", "1,1", "w[1,1,2]", "out[2,1]", "(", ")", "|", "+",
    "-", "−", "*", "·", "²", "^2", "^", "e^", "exp(", "max(", ",", "ln(", "½", "1", ".5", "1e5",
    "e", "10⁻⁸", "·10⁻", " ", "１", "（", "隐", "\x00", "\ud800", "\n",
)  # fmt: skip


@pytest.mark.parametrize("dialect", dialect_names())
@given(text=st.text() | st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@example("1·10²²²")
@example("dd/d")
@example("∂∂E/∂w5/∂w5")
def test_any_text_is_read_or_refused(dialect: str, text: str) -> None:
    notation = Notation(NETWORK, dialect)
    expr, fault = _read(notation, text)
    if expr is None:
        assert fault is not None
        assert 0 <= fault.offset <= len(text)
        assert str(fault)
    else:
        again = notation.read(notation.formula(expr))
        assert canonical(again) == canonical(expr)


def _read(notation: Notation, text: str) -> tuple[Expr | None, NotationError | None]:
    try:
        return notation.read(text), None
    except NotationError as error:
        return None, error
