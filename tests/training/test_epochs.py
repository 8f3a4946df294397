"""Means over epochs and the curve: the same in any portions, with NumPy and without."""

from __future__ import annotations

import sys
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.training import epochs
from bptrace.training.epochs import Curve, Epoch, EpochMeans, all_finite, lowest


def problem(samples: int, batch: int, reduction: str) -> Problem:
    return Problem(
        Network((Layer(1), Layer(2))),
        Parameters((((2.0,), (3.0,)),), ((),)),
        (Sample((1.0,), (5.0, 6.0)),) * samples,
        Training("gradient-descent", 0.1, batch=batch, reduction=reduction),
    )


PROBLEMS = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from(["sum", "mean"])).map(
    lambda drawn: problem(drawn[0], min(drawn[0], drawn[1]), drawn[2])
)
ERRORS = st.lists(st.floats(0.0, 1e300), max_size=60).map(lambda values: array("d", values))


def portions(errors: array[float], cuts: list[int]) -> list[array[float]]:
    places = sorted({min(cut, len(errors)) for cut in cuts} | {0, len(errors)})
    return [errors[a:b] for a, b in pairwise(places)]


def naive(p: Problem, errors: array[float], begun: int = 0) -> list[float]:
    """The mean over the samples of each whole epoch, by the definition."""
    n, batch = len(p.samples), p.training.batch
    steps = -(-n // batch)
    counts = [min(batch, n - k * batch) for k in range(steps)]
    means = []
    for start in range(-begun % steps, len(errors) - steps + 1, steps):
        total = 0.0
        for error, taken in zip(errors[start:][:steps], counts, strict=True):
            total += error if p.training.reduction == "sum" else error * (taken / batch)
        means.append(total / (n if p.training.reduction == "sum" else n / batch))
    return means


@given(PROBLEMS, ERRORS, st.lists(st.integers(0, 60), max_size=4), st.integers(0, 20))
def test_means_are_the_same_in_any_portions(
    p: Problem, errors: array[float], cuts: list[int], begun: int
) -> None:
    means = EpochMeans(Epoch.of(p), begun)
    found = [mean for part in portions(errors, cuts) for mean in means.feed(part)]
    assert found == naive(p, errors, begun)
    if found:
        assert means.latest == found[-1]


@pytest.mark.ci
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(["sum", "mean"]), st.randoms())
def test_numpy_changes_no_bit(n: int, batch: int, reduction: str, random) -> None:
    pytest.importorskip("numpy")
    epoch = Epoch.of(problem(n, min(n, batch), reduction))
    errors = array("d", (random.random() ** 9 for _ in range(epochs.MANY + 60)))
    fast = EpochMeans(epoch).feed(errors)
    monkey = pytest.MonkeyPatch()
    monkey.delitem(sys.modules, "numpy")
    try:
        slow = EpochMeans(epoch).feed(errors)
    finally:
        monkey.undo()
    assert fast == slow


@given(PROBLEMS, ERRORS, st.lists(st.integers(0, 60), max_size=4), st.sampled_from([1, 10**6]))
def test_a_curve_is_the_same_in_any_portions(
    p: Problem, errors: array[float], cuts: list[int], planned: int
) -> None:
    monkey = pytest.MonkeyPatch()
    monkey.setattr(epochs, "MOST_POINTS", 5)
    try:
        epoch = Epoch.of(p)
        means, curve = EpochMeans(epoch), Curve(epoch, p, planned)
        for part in portions(errors, cuts):
            curve.feed(part, means.feed(part))
    finally:
        monkey.undo()
    assert len(curve.values) <= 5
    every = naive(p, errors)
    if curve.unit == 1 and epoch.steps > 1:
        counts = [len(p.batch(step)) for step in range(1, len(errors) + 1)]
        is_sum = p.training.reduction == "sum"
        every = [e / c if is_sum else e for e, c in zip(errors, counts, strict=True)]
    assert list(curve.values) == every[:: curve.stride]
    assert list(curve.steps) == [(k + 1) * curve.unit for k in range(len(every))][:: curve.stride]
    assert curve.stride == 1 or len(every) > 5


def test_few_epochs_are_shown_step_by_step() -> None:
    p = problem(5, 1, "sum")
    assert Curve(Epoch.of(p), p, 5 * epochs.FEWEST_EPOCHS - 1).unit == 1
    assert Curve(Epoch.of(p), p, 5 * epochs.FEWEST_EPOCHS).unit == 5


@pytest.mark.parametrize("n", [3, 3 * epochs.MANY])
def test_what_is_finite_and_what_is_lowest(n: int) -> None:
    numbers = array("d", (1.0 + k for k in range(n)))
    assert all_finite(numbers)
    assert lowest(numbers) == 1.0
    assert lowest(array("d")) == float("inf")
    for bad in (float("nan"), float("inf"), -float("inf")):
        numbers[n // 2] = bad
        assert not all_finite(numbers)
