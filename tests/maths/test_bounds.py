"""The bound for another program: whatever it rounds, within its format, it stays inside."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import pytest
from formulas import formulas
from hypothesis import given
from hypothesis import strategies as st

from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.bounds import EXACT, FLOAT32, FLOAT64, OWN_ROUNDINGS, Format, any_order
from bptrace.maths.expr import FLOATS, Expr, Reading

JUST_BELOW = 0.99
"""Leaves room for the rounding of the disturbances themselves, which are made in float64."""


def rough(rng: Random, theirs: Format) -> tuple[Reading[float], Callable[[float], float]]:
    """A program that rounds every operation as badly as it may, and sums in any order.

    Returned beside it is what becomes of a number that it is given.
    """

    def off(value: float, units: float = OWN_ROUNDINGS) -> float:
        return value * (1.0 + rng.choice((-1.0, 1.0)) * JUST_BELOW * units * theirs.unit)

    def given_to(value: float) -> float:
        return value if theirs is FLOAT64 else off(value, 1.0)

    def operation(name: str) -> Callable[..., float]:
        rule = FLOATS.rules[name]

        def read(*args: float) -> float:
            if name in EXACT:
                return rule(*args)
            if name == "add":
                return rule(*(off(x) for x in rng.sample(args, len(args))))
            return off(rule(*args))

        return read

    return Reading(
        number=given_to, rules={name: operation(name) for name in FLOATS.rules}
    ), given_to


def assert_inside(expr: Expr, z: float, theirs: Format, rng: Random) -> None:
    value, bound = any_order(theirs).read(expr, lambda _: theirs.given(z))
    assert value == FLOATS.read(expr, lambda _: z) or value != value
    if math.isfinite(bound):
        reading, given_to = rough(rng, theirs)
        theirs_z = given_to(z)
        assert abs(reading.read(expr, lambda _: theirs_z) - value) <= bound


FORMATS = pytest.mark.parametrize("theirs", [FLOAT64, FLOAT32], ids=["float64", "float32"])


@FORMATS
@given(formulas(), st.floats(-4.0, 4.0), st.randoms(use_true_random=False))
def test_any_formula_stays_inside(theirs: Format, expr: Expr, z: float, rng: Random) -> None:
    assert_inside(expr, z, theirs, rng)


@FORMATS
@pytest.mark.parametrize("entry", [e for e in ACTIVATIONS if not e.is_of_layer and not e.option])
@given(z=st.floats(-30.0, 30.0), rng=st.randoms(use_true_random=False))
def test_every_activation_stays_inside(
    theirs: Format, entry: object, z: float, rng: Random
) -> None:
    assert_inside(entry.expr, z, theirs, rng)  # type: ignore[attr-defined]


def test_bounds_are_no_wider_than_the_roundings_ask_for() -> None:
    """A sigmoid: three operations behind exp, none of which makes a relative error larger here."""
    for theirs in (FLOAT64, FLOAT32):
        value, bound = any_order(theirs).read(
            ACTIVATIONS.get("sigmoid").expr, lambda _, f=theirs: f.given(0.5)
        )
        assert bound < 64.0 * theirs.unit * value


def test_what_overflows_or_underflows_there_is_granted() -> None:
    assert FLOAT32.given(1e39) == (1e39, math.inf)
    assert FLOAT32.given(1e-300)[1] >= 1e-300
    assert FLOAT64.given(1e300) == (1e300, 0.0)
    assert FLOAT32.given(0.0) == (0.0, 0.0)
