"""Right gradients of hard networks are left in peace, and every bound holds.

A short version of ``python -m benchmarks.detection``.
"""

from __future__ import annotations

import pytest
from effort import fewer

from tests.quality.alarms import measure
from tests.quality.networks import REGIMES


@pytest.fixture(scope="module")
def alarms():
    return dict(measure(fewer(1_500, 8_000), seed=11))


@pytest.mark.ci
@pytest.mark.parametrize("regime", REGIMES)
def test_no_right_gradient_differs(alarms, regime: str) -> None:
    assert not alarms[regime].false


@pytest.mark.parametrize("regime", REGIMES)
def test_every_bound_holds_against_50_digits(alarms, regime: str) -> None:
    assert not alarms[regime].outside


def test_most_gradients_of_moderate_networks_are_decided(alarms) -> None:
    """A check that decides nothing would pass the tests above; so few are undecided by far."""
    found = alarms["moderate"]
    assert found.counts["agrees"] > 0.9 * found.elements
