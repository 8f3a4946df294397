"""Gradients in double-double: against 60 digits and against balls, compiled and plain."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from effort import dear
from hypothesis import assume, given
from many_digits import Exactly
from mpmath import MPContext
from strategies import MOSTLY_HUGE, problems, with_formulas

from bptrace import io
from bptrace.checks.gradients import backpropagated, check_gradients, point_of
from bptrace.checks.nearness import in_pairs, nearness, ulps
from bptrace.maths.rules import RULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

BY_GRADIENT = tuple(rule.name for rule in RULES if rule.local is None)

MP = MPContext()
MP.dps = 60


def assert_near(problem: Problem) -> int:
    """Each pair is off by what float64 may be off, times 2⁻⁴⁸, at most.

    The bound of the check is made of units of 2⁻⁵³; an operation on pairs is right to 20 of 2⁻¹⁰⁶,
    exp and its like to 2⁻¹⁰¹ where the bound has 2⁻⁵⁰. The last term is for 60 digits, and for
    second numbers that are subnormal. Returns how many were compared.
    """
    point = point_of(problem)
    check = check_gradients(point, "python")
    value = Exactly(MP, problem, point.trace.logged)
    compared = 0
    for k, (high, low) in enumerate(zip(*in_pairs(point, "python"), strict=True)):
        element = check.element(k)
        if element.verdict != "agrees" or element.how != "central":
            continue  # at a kink the exact net input may lie on the other side of it
        off = abs(MP.mpf(high) + MP.mpf(low) - value(element.address))
        allowed = MP.mpf(2) ** -48 * MP.mpf(check.roundings[k]) + MP.mpf(10) ** -40
        assert off <= allowed, (element.address.positional, high, low)
        compared += 1
    return compared


@dear(5)
@given(problems(rules=BY_GRADIENT, always_learns=True))
def test_every_gradient_has_twice_the_digits(problem: Problem) -> None:
    assume(problem.network.loss != "none")
    assume(assert_near(problem))


@dear(5)
@given(with_formulas(leaves=4))
def test_with_own_formulas_too(problem: Problem) -> None:
    problem = replace(problem, training=Training())
    assume(problem.has_error)
    assume(assert_near(problem))


@dear(5)
@given(problems(MOSTLY_HUGE, rules=BY_GRADIENT, always_learns=True))
def test_what_overflows_is_nan(problem: Problem) -> None:
    assume(problem.network.loss != "none")
    point = point_of(problem)
    gradients = backpropagated(point, problem.layout.n_parameters, sum(problem.network.widths[1:]))
    for g, high, low in zip(gradients, *in_pairs(point, "python"), strict=True):
        ulp = ulps(g, high, low)
        assert ulp >= 0.0 or ulp != ulp
        if not math.isfinite(g):
            assert ulp != ulp


def test_as_the_balls_prove() -> None:
    pytest.importorskip("flint")
    from bptrace.checks.certified import certify

    for name in ("lh25-2020", "saturated"):
        check = check_gradients(point_of(io.load(name)), "python")
        proof = certify(check, bits=200)
        for estimated, proved in zip(nearness(check, "python"), proof.ulps, strict=True):
            # 2⁻⁴⁰ for what pairs are off in these, where nothing cancels by more than 2⁸; a ball of
            # 200 bits is narrower
            assert abs(estimated - proved) <= 2.0**-40 * max(1.0, proved)


def test_a_gradient_that_is_one_ulp_off_is_seen() -> None:
    check = check_gradients(point_of(io.load("saturated")), "python")
    before = nearness(check, "python")[0]
    assert before < 0.5
    check.gradients[0] = math.nextafter(check.gradients[0], 2.0)
    assert 0.5 < nearness(check, "python")[0] < 1.5


@pytest.mark.parametrize(
    ("g", "high", "low", "expected"),
    [
        (1.0, 1.0, 2.0**-54, 0.25),
        (1.0, 1.0 + 2.0**-52, -(2.0**-54), 0.75),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 2.0**-1070, 0.0, 16.0),
        (math.inf, 1.0, 0.0, math.nan),
        (1.0, math.nan, 0.0, math.nan),
    ],
)
def test_units_in_the_last_place(g: float, high: float, low: float, expected: float) -> None:
    found = ulps(g, high, low)
    assert found == expected or (found != found and expected != expected)


EVERYTHING = "max(exp(-abs(x)), min(log(1 + x^2), 2)) + tanh(x)/(1 + sqrt(abs(x))) + log1p(exp(x))"


def varied(hidden: dict[str, Any], loss: str, last: str) -> Problem:
    """Five inputs, a shared bias, a mask, a mean of three samples; no two layers equally wide."""
    mask = ((True, False, True), (True, True, True), (False, True, True), (True, True, False))
    layers = (
        Layer(5),
        Layer(3, biases=1, **hidden),
        Layer(4, activation=last, biases=4, mask=mask),
    )
    first = tuple(tuple(0.3 * ((5 * j + 3 * i) % 7) - 0.8 for i in range(5)) for j in range(3))
    second = tuple(
        tuple((0.2 * i - 0.15 * j + 0.1) * there for i, there in enumerate(row))
        for j, row in enumerate(mask)
    )
    samples = tuple(
        Sample(
            tuple(0.1 * (s + 1) * (i - 1.7) for i in range(5)),
            tuple(0.2 * ((s + k) % 4) for k in range(4)),
        )
        for s in range(3)
    )
    return Problem(
        Network(layers, loss),
        Parameters((first, second), ((0.25,), (0.1, -0.2, 0.3, 0.05))),
        samples,
        Training("gradient-descent", 0.1, batch=3, reduction="mean"),
    )


VARIED = (
    ({"activation": "leaky-relu"}, "half-squared", "softplus"),
    ({"activation": "softmax"}, "cross-entropy", "softmax"),
    ({"activation": "tanh"}, "binary-cross-entropy", "softmax"),
    ({"activation": "sigmoid"}, "cross-entropy", "sigmoid"),
    ({"activation": "", "formula": EVERYTHING}, "mean-squared", "sigmoid"),
)


@pytest.mark.parametrize(("hidden", "loss", "last"), VARIED)
def test_each_kind_of_network(hidden: dict[str, Any], loss: str, last: str) -> None:
    assert assert_near(varied(hidden, loss, last)) > 30


@pytest.mark.jit
@pytest.mark.parametrize(("hidden", "loss", "last"), VARIED)
def test_compiled_and_plain_are_the_same(hidden: dict[str, Any], loss: str, last: str) -> None:
    point = point_of(varied(hidden, loss, last))
    plain, compiled = (in_pairs(point, name) for name in ("python", "numba"))
    assert plain == compiled
    assert all(map(math.isfinite, plain[0]))
    assert any(plain[1])
