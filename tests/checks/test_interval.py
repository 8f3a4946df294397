"""Intervals enclose what float64 gives for any numbers inside, for every operation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.checks.interval import Interval, intervals
from bptrace.maths.expr import FLOATS, SCALARS

NUMBERS = st.floats(-50.0, 50.0) | st.sampled_from([0.0, -0.0, 1.0, -1.0])


@st.composite
def inside(draw: st.DrawFn) -> tuple[float, Interval]:
    """A number and an interval around it, which may be the number alone."""
    value, lo, hi = sorted(draw(st.tuples(NUMBERS, NUMBERS, NUMBERS)))[1], 0.0, 0.0
    if draw(st.booleans()):
        lo, hi = draw(st.floats(0.0, 3.0)), draw(st.floats(0.0, 3.0))
    return value, Interval(value - lo, value + hi)


@pytest.mark.parametrize("name", SCALARS)
@given(st.tuples(inside(), inside(), inside()))
def test_every_operation_is_enclosed(name: str, drawn: tuple[tuple[float, Interval], ...]) -> None:
    arguments = drawn[: SCALARS[name].__code__.co_argcount]
    value = FLOATS.rules[name](*(v for v, _ in arguments))
    lo, hi = intervals().rules[name](*(i for _, i in arguments))
    assert value != value or lo <= value <= hi


@given(inside())
def test_a_root_of_nothing_but_negative_numbers_is_anything(drawn: tuple[float, Interval]) -> None:
    root = intervals().rules["sqrt"](drawn[1])
    assert (root.hi == float("inf")) == (drawn[1].hi < 0.0)
