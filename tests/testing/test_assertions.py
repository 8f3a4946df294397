"""Gradients in users' tests: right ones pass, wrong ones fail with the whole report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from elsewhere import Elsewhere, Pairs

import bptrace
from bptrace.testing import assert_gradients


def theirs(problem: bptrace.Problem, dtype: type = np.float64) -> Pairs:
    return Elsewhere(problem, dtype, np.random.default_rng(2)).gradients(problem.batch(1))


class Tensor:
    """What another library has for an array."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.numbers


def test_right_ones_pass_and_are_returned() -> None:
    found = assert_gradients("lh25-2020", theirs(bptrace.load("lh25-2020")))
    assert found.ok
    assert found.counts == {"agrees": 12, "differs": 0, "undecided": 0}
    assert_gradients(bptrace.load("mihir"), theirs(bptrace.load("mihir"), np.float32))


def test_what_has_an_array_is_one() -> None:
    problem = bptrace.load("lh25-2020")
    pairs = [(Tensor(w), Tensor(b)) for w, b in theirs(problem)]
    assert_gradients(problem, pairs)
    assert_gradients(problem, {f"{l}.{n}": x for l, s in enumerate(pairs)
                               for n, x in zip(("weight", "bias"), s, strict=True)})  # fmt: skip


def test_wrong_ones_fail_with_the_report() -> None:
    problem = bptrace.load("lh25-2020")
    with pytest.raises(AssertionError) as failed:
        assert_gradients(problem, [(-w, -b) for w, b in theirs(problem)])
    text = str(failed.value)
    assert "All gradients have the opposite sign" in text
    assert "Cause: the difference is taken the wrong way round" in text
    assert "✗  ∂E/∂w5" in text
    assert "gradients given, float64" in text


def test_arrays_that_do_not_fit_fail() -> None:
    with pytest.raises(AssertionError, match="layer 1 has 2 neurons with 2 inputs"):
        assert_gradients("lh25-2020", [(np.ones((2, 7)), np.ones(2)), (np.ones((2, 2)), None)])


def test_the_reduction_of_a_batch() -> None:
    problem = bptrace.load("lh25-2020")
    sample = problem.samples[0]
    other = bptrace.Sample(tuple(2.0 * x for x in sample.x), sample.t)
    training = replace(problem.training, batch=2)
    problem = replace(problem, samples=(sample, other), training=training, claims=())
    total = theirs(problem)
    assert_gradients(problem, total)
    assert_gradients(problem, [(w / 2, b / 2) for w, b in total], reduction="mean")
    with pytest.raises(AssertionError, match="mean and sum over the batch are exchanged"):
        assert_gradients(problem, total, reduction="mean")
    one = replace(problem, samples=(other,), training=replace(training, batch=1))
    assert_gradients(problem, theirs(one), sample=2)


def test_where_nothing_can_be_decided_nothing_is_asserted() -> None:
    """A relu on its kink: both 0 and 1 are slopes there."""
    problem = bptrace.Problem(
        bptrace.Network((bptrace.Layer(1), bptrace.Layer(1, activation="relu"))),
        bptrace.Parameters((((0.0,),),), ((),)),
        (bptrace.Sample((1.0,), (0.5,)),),
    )
    with pytest.raises(AssertionError, match="nothing could be decided"):
        assert_gradients(problem, [np.array([[-0.5]])])


def test_faulty_questions() -> None:
    with pytest.raises(bptrace.BptraceError, match="there is no step 9"):
        assert_gradients("lh25-2020", [], step=9)
    with pytest.raises(bptrace.BptraceError, match="reduction 'max'"):
        assert_gradients("lh25-2020", [], reduction="max")
