"""The error along one weight: curve, slope, update and run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pictures_of import network

from bptrace import engine
from bptrace.errors import BptraceError
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.pictures import error_along
from bptrace.pictures.along import MOST_DOTS, POINTS


@pytest.mark.parametrize("name", ["w[1,2,1]", "w[2,1,3]", "b[1,3]", "w3"])
def test_the_picture_is_that_of_the_first_step(name: str) -> None:
    problem = network()
    trace = engine.run(problem)
    along = error_along(problem, name)
    assert along.value == trace.at(name)
    assert along.error == trace.step_errors[0]
    assert along.slope == trace.at(f"dE/d{name}")
    assert along.value + along.step == trace.at(f"{name}+")
    assert along.errors[POINTS // 2] == along.error
    assert along.values[POINTS // 2] == along.value
    assert [w for w, _ in along.path] == [trace.at(name, s) for s in range(1, MOST_DOTS + 2)]


def test_the_curve_moves_this_weight_only() -> None:
    """E = ½(t − w·x)² at both ends; all numbers are short sums of powers of two, so exact."""
    problem = Problem(
        Network((Layer(2), Layer(1, activation="identity"))),
        Parameters((((0.5, 0.25),),), ((),)),
        (Sample((2.0, 4.0), (1.5,)),),
        Training("gradient-descent", 0.0625, steps=1),
    )
    along = error_along(problem, "w2")
    # slope −(t − out)·x = 0.5·4, step −0.125; the curve reaches 6 steps to both sides: 0.75
    assert (along.slope, along.step) == (2.0, -0.125)
    assert (along.values[0], along.values[-1]) == (-0.5, 1.0)
    assert (along.errors[0], along.errors[-1]) == (0.5 * 2.5**2, 0.5 * 3.5**2)
    # afterwards: w1 = 0.5 − 0.0625·0.5·2 = 0.4375, w2 = 0.125, out = 1.375
    assert along.path == ((0.25, 0.125), (0.125, 0.5 * 0.125**2))


def test_a_shared_bias_has_any_neuron_s_name() -> None:
    problem = network()
    layers = (problem.network.layers[0], replace(problem.network.layers[1], biases=1))
    shared = replace(
        problem,
        network=replace(problem.network, layers=(*layers, problem.network.layers[2])),
        parameters=replace(problem.parameters, biases=((0.5,), problem.parameters.biases[1])),
    )
    assert replace(error_along(shared, "b[1,3]"), name="") == replace(
        error_along(shared, "b[1,1]"), name=""
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out[1,1]", "out.1,1. is neither a weight nor a bias"),
        ("w1+b1", "is neither a weight nor a bias"),
        ("w[9,1,1]", "there is no layer 9"),
        ("w[1,1,2]", "the mask removes this connection"),
    ],
)
def test_what_is_no_weight_is_refused(name: str, message: str) -> None:
    problem = network()
    mask = ((True, False), (True, True), (True, True))
    layers = list(problem.network.layers)
    layers[1] = replace(layers[1], mask=mask)
    first = ((problem.parameters.weights[0][0][0], 0.0), *problem.parameters.weights[0][1:])
    masked = replace(
        problem,
        network=replace(problem.network, layers=tuple(layers)),
        parameters=replace(problem.parameters, weights=(first, *problem.parameters.weights[1:])),
    )
    with pytest.raises(BptraceError, match=message):
        error_along(masked, name)


def test_without_an_error_there_is_no_picture() -> None:
    problem = network()
    blind = replace(problem, samples=tuple(Sample(s.x) for s in problem.samples))
    with pytest.raises(BptraceError, match="w1: there is no error along it"):
        error_along(blind, "w1")


def test_without_a_rule_there_is_no_update() -> None:
    problem = network()
    still = replace(problem, training=replace(problem.training, rule=""))
    along = error_along(still, "w1")
    assert along.step is None
    assert len({w for w, _ in along.path}) == 1
