"""What a run leaves for pictures: E, epochs, the size of gradients."""

from __future__ import annotations

from dataclasses import replace
from math import hypot, inf, isfinite, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures_of import network

from bptrace import engine
from bptrace.address import Address, Quantity
from bptrace.errors import BptraceError, ModelError
from bptrace.pictures import history
from bptrace.pictures.history import History, first_broken, scale, thinned, watch

ANY = st.floats(allow_nan=True, allow_infinity=True)


def test_a_watched_run_has_the_error_of_every_step_and_ends_where_the_run_ends() -> None:
    problem = network()
    watched = watch(problem)
    run = engine.run(problem, log=False)
    assert list(watched.history.errors) == list(run.step_errors)
    assert list(watched.history.steps) == [1, 2, 3, 4, 5, 6, 7]
    assert watched.problem is not None
    assert watched.problem.parameters == run.problem.parameters


def test_sizes_of_gradients_are_those_of_the_log() -> None:
    problem = network((2, 4, 3, 1))
    sizes = watch(problem).history.gradient_sizes
    trace = engine.run(problem)
    assert sizes is not None
    assert len(sizes) == 7
    for step, row in enumerate(sizes, 1):
        for l, size in enumerate(row, 1):
            found = [
                trace.value(Address(Quantity.D_W, l, j, i, step=step))
                for j in range(1, problem.network.widths[l] + 1)
                for i in range(1, problem.network.widths[l - 1] + 1)
            ]
            assert size == hypot(*found) > 0.0


@pytest.mark.parametrize("most", [1, 2, 3, 6])
def test_a_long_run_is_watched_in_parts_with_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    problem = network(steps=11)
    whole = watch(problem)
    monkeypatch.setattr(history, "MOST_LOGGED", most * problem.layout.size)
    parts = watch(problem)
    assert list(parts.history.errors) == list(whole.history.errors)
    assert parts.problem == whole.problem
    marks = list(parts.history.gradient_marks)
    assert len(marks) == most
    assert marks[0] == 1
    assert most == 1 or marks[-1] == 11
    sizes, all_sizes = parts.history.gradient_sizes, whole.history.gradient_sizes
    assert sizes is not None
    assert all_sizes is not None
    assert [all_sizes[mark - 1] for mark in marks] == list(sizes)


def test_a_run_that_leaves_the_numbers_has_no_last_problem() -> None:
    problem = network()
    wild = replace(problem, training=replace(problem.training, learning_rate=1e300))
    linear = tuple(replace(layer, activation="identity") for layer in problem.network.layers)
    wild = replace(wild, network=replace(problem.network, layers=linear))
    watched = watch(wild)
    assert watched.problem is None
    assert not isfinite(watched.history.errors[-1])


def test_too_many_steps_are_refused_at_once() -> None:
    with pytest.raises(BptraceError, match="at most 2,000,000 steps, not 2,000,001"):
        watch(network(), steps=2_000_001)


def test_without_targets_there_are_no_gradients() -> None:
    problem = network()
    blind = replace(problem, samples=tuple(s._replace(t=()) for s in problem.samples))
    watched = watch(blind)
    assert watched.history.gradient_sizes is None
    assert all(map(isnan, watched.history.errors))


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_an_epoch_is_the_sum_or_the_mean_over_all_samples(reduction: str) -> None:
    problem = network(reduction=reduction)  # 5 samples, 2 at a time: 2 + 2 + 1
    e = [4.0, 8.0, 1.0, 0.5, 0.25, 0.125, 9.0]
    epochs = History(range(1, 8), e, accuracy=[k / 8 for k in range(7)]).by_epoch(problem)
    assert list(epochs.steps) == [1, 2]
    assert epochs.unit == "epoch"
    assert epochs.accuracy == [2 / 8, 5 / 8]
    if reduction == "sum":
        assert list(epochs.errors) == [13.0, 0.875]
    else:  # mean over samples: (2·4 + 2·8 + 1)/5; each of the 3 products and sums rounds once
        assert epochs.errors == pytest.approx([25 / 5, (2 * 0.5 + 2 * 0.25 + 0.125) / 5], rel=1e-15)


def test_lengths_have_to_agree() -> None:
    with pytest.raises(ModelError, match="a history of 2 steps has 3 accuracy"):
        History([1, 2], [0.5, 0.25], accuracy=[0.1, 0.2, 0.3])
    with pytest.raises(ModelError, match="1 sizes of gradients for 2 steps"):
        History([1, 2], [0.5, 0.25], gradient_sizes=[[1.0]])


@given(st.lists(ANY, max_size=200), st.integers(2, 40))
def test_a_thinned_curve_keeps_its_extremes(values: list[float], most: int) -> None:
    kept = thinned(values, most)
    assert kept == sorted(set(kept))
    assert len(kept) <= max(most, 2)
    finite = [v for v in values if isfinite(v)]
    if finite:
        shown = [values[k] for k in kept if isfinite(values[k])]
        assert (min(shown), max(shown)) == (min(finite), max(finite))


@given(st.lists(ANY, max_size=20))
def test_a_scale_holds_all_finite_values(values: list[float]) -> None:
    found = scale(values)
    for value in values:
        if isfinite(value) and not (found.is_log and value == 0.0):
            assert found.low <= value <= found.high
    assert not found.is_log or found.low > 0.0


def test_two_decades_make_a_scale_logarithmic() -> None:
    assert scale([1.0, 99.0]).is_log is False
    assert scale([1.0, 100.0]) == (1.0, 100.0, True)
    assert scale([0.0, 1.0, 100.0]) == (1.0, 100.0, True)
    assert scale([0.0, 0.0]) == (0.0, 0.0, False)
    assert scale([-1.0, 100.0]) == (-1.0, 100.0, False)
    assert scale([5e-324, 1e308]).is_log
    assert all(map(isnan, scale([nan, inf])[:2]))


def test_first_broken() -> None:
    assert first_broken([1.0, inf, nan]) == 1
    assert first_broken([1.0]) is None
