"""Slopes derived from formulas: the rules on paper, finite differences, bounds and kinks.

The judge of the numbers knows no derivatives: it disturbs x by ±h and reads the formula itself with
2000 bits. A random formula is drawn again where it is close to a kink, a pole or the end of its
domain, or where a part of it is above 10⁶; then each of its (fewer than 8) nested operations makes
a disturbance grow by less than 2⁴⁰, so that the power series of the whole converges up to 2⁻³²⁰ at
least. For h = 2⁻⁴⁰⁰ the first term of the truncation error outweighs all others by far, and
|D(2h) − D(h)|, three times this term, bounds it; the rounding of the differences is below 2⁻¹⁵⁰⁰.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from formulas import as_text, formulas
from hypothesis import assume, given
from hypothesis import strategies as st
from many_digits import in_many_digits
from mpmath import MPContext

from bptrace.maths.activations import ACTIVATIONS, IN, OUT
from bptrace.maths.bounds import BOUNDED
from bptrace.maths.derivative import _RULES, conditions, derivative, kinks
from bptrace.maths.expr import FLOATS, SCALARS, ZERO, Expr, Num, Op, bind, refs
from bptrace.maths.formula import DEEPEST, depth_of, read_formula

MP = MPContext()
MP.prec = 2000
H = MP.mpf(2) ** -400
OF_THE_DIFFERENCES = 2.0**-1000
FAR, MOST = 1e-3, 1e6

EXACT = in_many_digits(MP)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("x", "1"),
        ("2*x + 1", "2"),
        ("x^2 - 3*x", "2·x − 3"),
        ("x^3", "3·x·x"),
        ("-x", "−1"),
        ("1/x", "−1/x²"),
        ("x/2", "½"),
        ("x/(x + 1)", "(x + 1 − x)/(x + 1)²"),
        ("exp(x)", "e^(x)"),
        ("exp(-x^2)", "−e^(−x²)·(2·x)"),
        ("ln(x)", "1/x"),
        ("ln(1 + x)", "1/(1 + x)"),
        ("ln(1 + exp(x))", "1/(1 + e^(−x))"),
        ("sqrt(x)", "1/(2·√(x))"),
        ("tanh(x)", "1 − y²"),
        ("tanh(2*x)", "2·(1 − y²)"),
        ("x*tanh(x)", "tanh(x) + x·(1 − tanh(x)²)"),
        ("1/(1 + exp(-x))", "y·(1 − y)"),
        ("softplus(3*x)", "3·(1/(1 + e^(−3·x)))"),
        ("max(x, 0)", "[x > 0]"),
        ("max(x, 1)", "[x − 1 > 0]"),
        ("max(1, x)", "(0 if 1 − x > 0 else 1)"),
        ("min(x, 1)", "[1 − x > 0]"),
        ("|x|", "(1 if x > 0 else −1)"),
        ("x*step(x)", "step(x)"),
    ],
)
def test_on_paper(text: str, slope: str) -> None:
    assert as_text(derivative(read_formula(text))) == slope


def test_every_operation_has_a_rule_in_every_reading() -> None:
    of_losses = {"times_log", "times_reciprocal"}
    of_rules = {"power", "floor", "differ"}
    for rules in (_RULES, FLOATS.rules, BOUNDED.rules, EXACT.rules):
        assert set(rules) - of_losses - of_rules == set(SCALARS)


ALONE = [entry for entry in ACTIVATIONS if not entry.is_of_layer]


@pytest.mark.parametrize("entry", ALONE, ids=lambda entry: entry.name)
def test_an_activation_of_the_table_has_the_slope_of_the_table(entry: Any) -> None:
    expr = bind(entry.expr, {"option": Num(entry.default)})
    slope = bind(entry.slope_expr, {"option": Num(entry.default)})
    found = derivative(expr)
    if entry.option:  # by the rules: another tree, the same numbers
        for x in (-2.5, -0.0, 0.0, 0.5, 300.0):
            assert at(found, x, expr) == at(slope, x, expr)
    else:
        assert found == slope


def at(slope: Expr, x: float, expr: Expr) -> float:
    return FLOATS.read(slope, {"in": x, "out": FLOATS.read(expr, lambda key: x)}.__getitem__)


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("max(x, 1)", 1.0, 0.0),  # b where a = b
        ("max(1, x)", 1.0, 1.0),
        ("min(x, 1)", 1.0, 0.0),
        ("min(1, x)", 1.0, 1.0),
        ("|x|", 0.0, -1.0),  # max(x, −x)
        ("max(x, -x)", 0.0, -1.0),
        ("relu(x)", 0.0, 0.0),
        ("max(-1, min(1, x))", 1.0, 1.0),
        ("x*tanh(log(1+exp(x)))", 1000.0, 1.0),  # no ∞/∞
        ("x*tanh(log(1+exp(x)))", -700.0, 0.0),
    ],
)
def test_at_a_kink_it_is_the_slope_of_the_value_taken(text: str, x: float, slope: float) -> None:
    expr = read_formula(text)
    assert at(derivative(expr), x, expr) == pytest.approx(slope, rel=0, abs=1e-290)
    # 1e-290: e^−700 is not 0, and times 700 below this


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("x", ()),
        ("max(x, 1)", (1.0,)),
        ("|2*x - 3|", (1.5,)),
        ("max(-1, min(1, x))", (-1.0, 1.0)),
        ("max(x, x/4 + 3)", (4.0,)),
        ("max(x^2, 1)", ()),  # curved: see conditions
        ("softplus(x)", ()),
        ("relu(x - 2)*step(x + 1)", (-1.0, 2.0)),
        ("min(|x|, 1)", (-1.0, 0.0, 1.0)),
        ("exp(|x|)", (0.0,)),
        ("max(2, 3)*x", ()),
    ],
)
def test_kinks(text: str, places: tuple[float, ...]) -> None:
    assert kinks(read_formula(text)) == places


def test_conditions_have_the_curved_kinks_as_well() -> None:
    found = conditions(read_formula("max(x^2, 1) + |ln(x)|"))
    assert list(map(as_text, found)) == ["x² − 1", "ln(x)"]


def parts(expr: Expr) -> list[Expr]:
    inside = expr.args if isinstance(expr, Op) else ()
    return [expr, *(part for arg in inside for part in parts(arg))]


def is_tame(expr: Expr, x: float) -> bool:
    """Whether x is far from kinks, poles and the ends of the domain of `expr`."""
    for part in reversed(parts(expr)):
        if not isinstance(part, Op):
            continue
        args = [exact(arg, x) for arg in part.args]
        least = {"div": lambda a: abs(a[1]), "log": min, "sqrt": min, "log1p": lambda a: 1 + a[0]}
        if part.name in least and least[part.name](args) < FAR:
            return False
        if part.name == "exp" and args[0] > 100:
            return False
        if abs(exact(part, x)) > MOST:
            return False
    return all(abs(exact(c, x)) > FAR or not any(refs(c)) for c in conditions(expr) if c != ZERO)


def exact(expr: Expr, x: Any) -> Any:
    return EXACT.read(expr, lambda key: MP.mpf(x))


POINTS = st.floats(-5.0, 5.0)


@given(formulas(), POINTS)
def test_against_finite_differences(expr: Expr, x: float) -> None:
    assume(is_tame(expr, x))
    a = BOUNDED.read(expr, lambda key: (x, 0.0))
    value, rounding = BOUNDED.read(derivative(expr), {"in": (x, 0.0), "out": a}.__getitem__)
    fine, coarse = (
        (exact(expr, x + h) - exact(expr, x - h)) / (2 * h) for h in (MP.mpf(H), MP.mpf(2 * H))
    )
    assume(rounding < math.inf)  # an intermediate of the slope may overflow, or lose its sign
    missed = abs(MP.mpf(value) - fine)
    assert missed <= rounding + abs(coarse - fine) + OF_THE_DIFFERENCES, as_text(derivative(expr))


@given(formulas(), POINTS)
def test_bounds_hold(expr: Expr, x: float) -> None:
    assume(is_tame(expr, x))
    value, error = BOUNDED.read(expr, lambda key: (x, 0.0))
    assert value == FLOATS.read(expr, lambda key: x)
    assert abs(MP.mpf(value) - exact(expr, x)) <= error < math.inf


def test_slopes_are_not_too_deep_to_be_read() -> None:
    text = "x"
    while depth_of(read_formula(f"1/({text} - x)")) < DEEPEST - 1 and text.count("(") < 19:
        text = f"1/({text} - x)"
    slope = derivative(read_formula(text))
    assert depth_of(slope) <= 4 * DEEPEST
    FLOATS.read(slope, lambda key: 0.5)


def test_the_output_stands_for_the_whole_formula_only() -> None:
    slope = derivative(read_formula("tanh(tanh(x))"))
    assert OUT.key in refs(slope)
    assert IN.key in refs(slope)
