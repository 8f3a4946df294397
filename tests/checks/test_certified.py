"""Balls contain the exact gradients, and float64 is as near to them as is said."""

from __future__ import annotations

import math

import pytest
from effort import dear
from hypothesis import given
from many_digits import Exactly
from mpmath import MPContext, mpf
from strategies import problems

from bptrace import io
from bptrace.checks.gradients import check_gradients, point_of
from bptrace.maths.rules import RULES
from bptrace.model import Problem

pytest.importorskip("flint")
from bptrace.checks import certified
from bptrace.checks.certified import certify

BY_GRADIENT = tuple(rule.name for rule in RULES if rule.local is None)

mp = MPContext()
mp.dps = 60


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
