"""Gradients as arrays: those of the log, in the shapes of layers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from strategies import problems as any_problems

import bptrace
from bptrace.address import Address, Quantity
from bptrace.maths.rules import RULES
from bptrace.model import Problem
from bptrace.testing import gradients_of, networks, problems, trainings, warm_up

BY_GRADIENT = tuple(rule.name for rule in RULES if rule.local is None)


@given(
    any_problems(
        rules=BY_GRADIENT, losses=("half-squared", "squared", "mean-squared"), always_learns=True
    )
)
def test_they_are_those_of_the_run(problem: Problem) -> None:
    step = problem.training.steps
    trace = bptrace.run(problem, engine="python")
    network = problem.network
    for l, (dW, db) in enumerate(gradients_of(problem, step=step), 1):
        assert dW.shape == (network.widths[l], network.widths[l - 1])
        assert db.shape == (network.layers[l].biases,)
        for (j, i), found in np.ndenumerate(dW):
            there = network.connected(l, j + 1, i + 1)
            at = Address(Quantity.D_W, l, j + 1, i + 1, step=step)
            assert found == (trace.value(at) if there else 0.0) or found != found
        for j, found in enumerate(db, 1):
            value = trace.value(Address(Quantity.D_B, l, j, step=step))
            assert found == value or found != found


@given(problems(networks(biases=["each"]), trainings(batch=3)))
def test_those_of_the_samples_sum_to_the_batch(problem: Problem) -> None:
    """The sum over a batch is defined as that: ((g₁ + g₂) + g₃), bit for bit."""
    one, two, three = (gradients_of(problem, sample=s) for s in (1, 2, 3))
    for l, (dW, db) in enumerate(gradients_of(problem)):
        assert (dW == (one[l][0] + two[l][0]) + three[l][0]).all()
        assert (db == (one[l][1] + two[l][1]) + three[l][1]).all()


def test_a_name_is_loaded() -> None:
    assert gradients_of("lh25-2020")[1][0][0, 0] == bptrace.run("lh25-2020").at("dE/dw5")


@pytest.mark.parametrize(
    ("name", "step", "message"),
    [("gfg-hebb", 1, "no error to differentiate"), ("lh25-2020", 9, "there is no step 9")],
)
def test_where_there_is_no_gradient(name: str, step: int, message: str) -> None:
    with pytest.raises(bptrace.BptraceError, match=message):
        gradients_of(name, step=step)


@pytest.mark.jit
def test_warm_kernels_are_those_that_run() -> None:
    assert warm_up() == "numba"
