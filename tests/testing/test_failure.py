"""Failures put themselves into words only when they are read."""

from __future__ import annotations

import pickle

import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st

import bptrace
from bptrace.checks.foreign import against
from bptrace.checks.gradients import point_of
from bptrace.model import Layer, Network, Parameters, Problem, Sample
from bptrace.testing import assert_gradients, gradients_of, networks, numbers, problems
from bptrace.testing.failure import Wrong


def test_the_report_is_made_once_and_only_if_it_is_read() -> None:
    made: list[int] = []

    def report() -> str:
        made.append(1)
        return "the report"

    failure = Wrong(report)
    assert made == []
    assert (str(failure), str(failure)) == ("the report", "the report")
    assert made == [1]
    again = pickle.loads(pickle.dumps(failure))
    assert (type(again), str(again)) == (AssertionError, "the report")


def test_nothing_is_explained_while_a_smaller_example_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[int] = []
    causes = against.causes
    monkeypatch.setattr(against, "causes", lambda *a: looked.append(1) or causes(*a))
    problem = bptrace.load("lh25-2020")
    doubled = [(2.0 * dW, 2.0 * db) for dW, db in gradients_of(problem)]
    with pytest.raises(Wrong) as failed:
        assert_gradients(problem, doubled)
    assert looked == []
    assert "All gradients are 2 times what is right" in str(failed.value)
    assert looked


def test_explained_or_not_the_verdicts_are_the_same() -> None:
    problem = bptrace.load("lh25-2020")
    turned = [(dW.T, db) for dW, db in gradients_of(problem)]
    short, full = (
        against.judge(point_of(problem), turned, explain=explain) for explain in (False, True)
    )
    assert not short.patterns
    assert short.ok == full.ok
    assert (short.theirs == full.theirs).all()


# Equal weights and targets: a softmax has nothing to learn, all gradients are 0 by cancellation.
BALANCED = Problem(
    Network((Layer(1), Layer(2, activation="softmax")), "binary-cross-entropy"),
    Parameters((((0.5,), (0.5,)),), ((),)),
    (Sample((0.5,), (0.5, 0.5)),),
)


def test_where_nothing_can_be_decided_nothing_passes() -> None:
    with pytest.raises(Wrong, match="nothing could be decided"):
        assert_gradients(BALANCED, gradients_of(BALANCED))


@given(st.booleans())
def test_hypothesis_draws_another_example_instead(balanced: bool) -> None:
    problem = BALANCED if balanced else bptrace.load("lh25-2020")
    assert_gradients(problem, gradients_of(problem))
    assert not balanced


@dear(20)
@given(problems(networks(variations=True), numbers=numbers(-40.0, 40.0)))
def test_correct_gradients_are_never_blamed_however_saturated(problem: Problem) -> None:
    assert_gradients(problem, gradients_of(problem))
