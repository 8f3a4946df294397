"""Balls contain the exact gradients, and float64 is as near to them as is said."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st
from many_digits import Exactly
from mpmath import MPContext, mpf
from strategies import problems

from bptrace import io
from bptrace.checks.gradients import GradientCheck, check_gradients, point_of
from bptrace.maths.rules import RULES
from bptrace.model import Problem

pytest.importorskip("flint")
import flint

from bptrace.checks import certified
from bptrace.checks.certified import certify

BY_GRADIENT = tuple(rule.name for rule in RULES if rule.local is None)

mp = MPContext()
mp.dps = 60


def balls(check: GradientCheck, bits: int) -> Iterator[tuple[mpf, mpf]]:
    """Yield middle and radius of every ball."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        found = list(certified.enclosures(flint, check.point))
    finally:
        flint.ctx.prec = before
    for ball in found:
        if not ball.is_finite():
            yield mpf(0), mp.inf
            continue
        middle, exponent = ball.mid().man_exp()
        radius, power = ball.rad().man_exp()
        yield mp.ldexp(int(middle), int(exponent)), mp.ldexp(int(radius), int(power))


@dear(5)
@given(problems(rules=BY_GRADIENT, always_learns=True))
def test_every_gradient_is_as_near_as_is_said(problem: Problem) -> None:
    if problem.network.loss == "none":
        return
    proof = certify(check_gradients(point_of(problem), "python"))
    exact = Exactly(mp, problem, proof.check.point.trace.logged)
    for address, g, ulp in zip(
        proof.check.addresses, proof.check.gradients, proof.ulps, strict=True
    ):
        if ulp < math.inf:
            off = abs(mpf(g) - exact(address))
            # 60 digits are off by less than 10^-40 in all that these networks hold
            assert off <= mpf(ulp) * mpf(math.ulp(g)) * (1 + mpf(2) ** -40) + mpf(10) ** -40


@dear(5)
@given(problems(rules=BY_GRADIENT, always_learns=True), st.sampled_from([53, 80, 200]))
def test_every_ball_contains_the_exact_gradient(problem: Problem, bits: int) -> None:
    if problem.network.loss == "none":
        return
    point = point_of(problem)
    check = check_gradients(point, "python")
    exact = Exactly(mp, problem, point.trace.logged)
    for address, (middle, radius) in zip(check.addresses, balls(check, bits), strict=True):
        if radius < math.inf:
            # as above: what 60 digits are off by
            assert abs(middle - exact(address)) <= radius + mpf(10) ** -40, address


def test_a_ball_is_not_wide() -> None:
    """A ball that contains everything would contain the exact gradient, too."""
    check = check_gradients(point_of(io.load("lh25-2020")), "python")
    for middle, radius in balls(check, 80):
        assert radius < abs(middle) * mpf(2) ** -60


def test_a_gradient_that_is_one_ulp_off_is_seen() -> None:
    check = check_gradients(point_of(io.load("saturated")), "python")
    before = certify(check).ulps[0]
    assert before < 0.5
    check.gradients[0] = math.nextafter(check.gradients[0], 2.0)
    assert 0.5 < certify(check).ulps[0] < 1.5


def test_the_bits_grow_where_a_ball_is_wide() -> None:
    check = check_gradients(point_of(io.load("lh25-2020")), "python")
    proof = certify(check, bits=53)
    assert proof.bits > 53
    assert proof.unproved == 0
    assert proof.ulps[proof.worst] == max(proof.ulps) < 16.0


def test_without_python_flint_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "flint", None)
    check = check_gradients(point_of(io.load("saturated")), "python")
    with pytest.raises(certified.BptraceError, match=r"pip install bptrace\[certify\]"):
        certify(check)
