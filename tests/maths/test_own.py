"""Own activations as entries like those of the table, and slopes that are given."""

from __future__ import annotations

import pytest

from bptrace.errors import ModelError, UnknownName
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.formula import FormulaError
from bptrace.maths.own import activation_of, own_activation
from bptrace.maths.slopes import SAMPLES, difference
from bptrace.model import Layer


def test_one_place_for_both() -> None:
    assert activation_of(Layer(1, activation="tanh")) is ACTIVATIONS.get("tanh")
    entry = activation_of(Layer(1, activation="", formula="max(x, 1)"))
    assert (entry.name, entry.kinks, entry.option) == ("max(x, 1)", (1.0,), "")
    assert (entry.f(0.5), entry.f(2.0), entry.slope(0.5, 1.0), entry.slope(2.0, 2.0)) == (
        1,
        2,
        0,
        1,
    )
    with pytest.raises(UnknownName):
        activation_of(Layer(1, activation="max(x, 1)"))
    with pytest.raises(ModelError, match="a slope without a formula"):
        Layer(1, slope="1")


@pytest.mark.parametrize(
    ("formula", "slope"),
    [
        ("x*tanh(log(1+exp(x)))", "y/x + x*(1 - (y/x)^2)*sigmoid(x)"),
        ("sqrt(x)", "1/(2*y)"),
        ("tanh(x)", "1 - tanh(x)^2"),
        ("tanh(x)", "4/(e^x + e^-x)^2"),
        ("x^9", "9*x^8"),
        ("max(x, 1)", "step(x - 1)"),
        ("exp(100*x)", "100*y"),
        ("ln(x - 100)", "1/(x - 100)"),  # has no value at any of the places
    ],
)
def test_another_way_to_write_the_slope(formula: str, slope: str) -> None:
    assert difference(formula, slope) is None


@pytest.mark.parametrize(
    ("formula", "slope"),
    [
        ("max(x, 1)", "1"),
        ("sigmoid(x)", "y*(1 - x)"),
        ("sigmoid(x)", "y*(1 + y)"),
        ("tanh(x)", "1 - x^2"),
        ("x^2", "2.000000000001*x"),
        ("sqrt(x)", "1/y"),
    ],
)
def test_another_slope(formula: str, slope: str) -> None:
    found = difference(formula, slope)
    assert found is not None
    assert found.x in SAMPLES
    entry = own_activation(formula)
    assert found.derived == entry.slope(found.x, entry.f(found.x))
    assert found.given == own_activation(formula, slope).slope(found.x, entry.f(found.x))


def test_a_slope_that_is_too_long_has_to_be_given() -> None:
    text = "*".join(f"tanh(x + {k})" for k in range(50))
    with pytest.raises(FormulaError, match="the slope of this formula has"):
        own_activation(text)
    assert own_activation(text, "1").slope(1.0, 1.0) == 1.0
