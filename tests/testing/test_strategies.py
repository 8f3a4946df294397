"""The public strategies: what they draw, what it shrinks to, and what they say to wrong wishes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isfinite
from typing import Any

import pytest
from effort import dear
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import bptrace
from bptrace import testing
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.losses import LOSSES, suits
from bptrace.maths.rules import RULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.testing import networks, numbers, parameters, problems, samples, trainings

QUICK = settings(
    max_examples=200, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck), phases=tuple(Phase),
)  # fmt: skip
ERRORS = tuple(name for name in LOSSES.names if name != "none")


@cache
def smallest_problem() -> Problem:
    return smallest(problems(), lambda problem: True)


def smallest(strategy: st.SearchStrategy[Any], wanted: Callable[[Any], bool]) -> Any:
    return find(strategy, wanted, settings=QUICK)


def drawn(strategy: st.SearchStrategy[Any], wanted: Callable[[Any], bool]) -> Any:
    """Any example, not shrunk; `NoSuchExample` if there is none."""
    return find(strategy, wanted, settings=settings(QUICK, phases=[Phase.generate]))


# ------------------------------------------------------------------------------------ what is drawn


@given(problems())
def test_problems_are_such_as_find_something(problem: Problem) -> None:
    network, training = problem.network, problem.training
    assert len(set(network.widths)) == len(network.widths)
    assert 2 <= len(network.widths) <= 4
    assert set(network.widths) <= {1, 2, 3, 4}
    assert all(b for row in problem.parameters.biases for b in row)
    loss, last = LOSSES.get(network.loss), ACTIVATIONS.get(network.layers[-1].activation)
    assert loss.name != "none"
    assert suits(loss, last)
    assert training.rule == "gradient-descent"
    assert (len(problem.samples), training.steps) == (training.batch, 1)
    for sample in problem.samples:
        assert all(loss.targets[0] <= t <= loss.targets[1] for t in sample.t)
    assert all(round(w, 2) == w and abs(w) <= 2.0 for w in problem.parameters)
    assert isfinite(bptrace.run(problem, engine="python").step_errors[0])


@pytest.mark.parametrize("name", ACTIVATIONS.names)
def test_every_activation_is_drawn(name: str) -> None:
    drawn(networks(), lambda net: any(layer.activation == name for layer in net.layers[1:]))


@pytest.mark.parametrize("name", ERRORS)
def test_every_loss_is_drawn(name: str) -> None:
    drawn(networks(), lambda net: net.loss == name)


@pytest.mark.parametrize("name", RULES.names)
def test_every_rule_is_drawn(name: str) -> None:
    drawn(trainings(rules=None), lambda training: training.rule == name)


@given(
    problems(
        networks(
            layers=2, widths=(2, 5), activations=["relu", "tanh"], outputs=["softmax"],
            losses=["cross-entropy"], biases=["each"],
        ),
        trainings(rules=["adam", "momentum"], batch=2, steps=(2, 3), reductions=["mean"]),
        numbers=numbers(0.1, 0.9, digits=1), classes=True, count=(3, 4),
    )
)  # fmt: skip
def test_wishes_are_met(problem: Problem) -> None:
    layers, training = problem.network.layers, problem.training
    assert len(layers) == 3
    assert all(2 <= layer.size <= 5 for layer in layers)
    assert layers[1].activation in ("relu", "tanh")
    assert (layers[2].activation, problem.network.loss) == ("softmax", "cross-entropy")
    assert all(layer.biases == layer.size for layer in layers[1:])
    assert not any(layer.mask or layer.option for layer in layers)
    assert (training.batch, training.reduction) == (2, "mean")
    assert training.rule in ("adam", "momentum")
    assert training.steps in (2, 3)
    assert len(problem.samples) in (3, 4)
    tenths = {k / 10 for k in range(1, 10)}
    assert set(problem.parameters) <= tenths
    for sample in problem.samples:
        assert set(sample.x) <= tenths
        assert sorted(sample.t) == [0.0] * (layers[2].size - 1) + [1.0]


@given(problems(Network((Layer(2), Layer(1, activation="tanh"))), Training(), count=3))
def test_a_network_and_a_training_of_ones_own(problem: Problem) -> None:
    assert problem.network.widths == (2, 1)
    assert problem.training == Training()
    assert len(problem.samples) == 3


@dear(10)
@given(networks(variations=True), trainings(rules=None, batch=(1, 3), variations=True))
def test_variations_are_valid(network: Network, training: Training) -> None:
    """What is drawn is constructed, and so checked; here only that all of it varies."""
    assert training.order
    assert network.depth


@pytest.mark.parametrize(
    "varied",
    [
        lambda net: any(layer.mask for layer in net.layers),
        lambda net: any(layer.option is not None for layer in net.layers),
        lambda net: not net.train_biases,
    ],
)
def test_networks_vary(varied: Callable[[Network], bool]) -> None:
    drawn(networks(variations=True), varied)


@pytest.mark.parametrize(
    "varied",
    [
        lambda training: training.options,
        lambda training: training.weight_decay is not None,
        lambda training: training.schedule is not None,
        lambda training: training.order == "shuffled" and training.seed,
        lambda training: isinstance(training.order, tuple),
    ],
)
def test_trainings_vary(varied: Callable[[Training], bool]) -> None:
    drawn(trainings(rules=None, variations=True), varied)


@given(numbers(-30.0, 40.0, digits=5))
def test_many_digits(x: float) -> None:
    assert round(x, 5) == x
    assert -30.0 <= x <= 40.0


def test_any_float() -> None:
    assert drawn(numbers(digits=None), lambda x: round(x, 12) != x)


# ------------------------------------------------------------------------------------- what shrinks


@pytest.mark.ci
def test_the_smallest_problem() -> None:
    assert smallest_problem() == Problem(
        Network((Layer(2), Layer(1, activation="sigmoid"))),
        Parameters((((0.5, 0.5),),), ((),)),
        (Sample((0.5, 0.5), (0.5,)),),
        Training(rule="gradient-descent", learning_rate=0.5),
    )


def test_the_smallest_network_of_two_layers() -> None:
    network = smallest(networks(), lambda net: net.depth == 2)
    assert network.widths == (3, 2, 1)
    assert {layer.activation for layer in network.layers[1:]} == {"sigmoid"}
    assert not any(layer.biases for layer in network.layers)


def test_a_weight_that_matters_is_short() -> None:
    negative = smallest(
        parameters(Network((Layer(2), Layer(1)))), lambda p: p.weights[0][0][1] < 0.0
    )
    assert negative.weights == (((0.5, -0.5),),)


def test_two_weights_that_differ_are_short() -> None:
    two = smallest(st.tuples(numbers(), numbers()), lambda pair: pair[0] != pair[1])
    assert two == (0.5, -0.5)


@pytest.mark.ci
def test_a_class_is_the_first() -> None:
    network = Network((Layer(1), Layer(3, activation="softmax")), "cross-entropy")
    assert smallest(samples(network, classes=True), lambda _: True) == Sample(
        (0.5,), (1.0, 0.0, 0.0)
    )


@pytest.mark.ci
def test_with_variations_it_shrinks_to_what_has_none() -> None:
    plain = smallest(networks(variations=True), lambda net: True)
    assert plain == Network((Layer(2), Layer(1, activation="sigmoid")))
    training = smallest(trainings(rules=["adam"], variations=True), lambda _: True)
    assert training == Training("adam", 0.5)


@pytest.mark.ci
def test_an_example_is_printed_without_its_defaults() -> None:
    """As Hypothesis prints it, and as it can be pasted into a test."""
    from hypothesis.vendor.pretty import pretty

    problem = smallest_problem()
    text = pretty(problem)
    assert " ".join(text.split()) == repr(problem)
    assert text.splitlines()[0] == "Problem(network=Network(layers=(Layer(size=2),"
    assert repr(problem) == (
        "Problem(network=Network(layers=(Layer(size=2), Layer(size=1, activation='sigmoid'))), "
        "parameters=Parameters(weights=(((0.5, 0.5),),), biases=((),)), "
        "samples=(Sample(x=(0.5, 0.5), t=(0.5,)),), "
        "training=Training(rule='gradient-descent', learning_rate=0.5))"
    )
    assert eval(repr(problem), vars(bptrace.model)) == problem


# ---------------------------------------------------------------------------------------- messages


WISHES = {
    "unknown activation 'sigmod'. Did you mean 'sigmoid'?": lambda: networks(
        activations=["sigmod"]
    ),
    "unknown loss 'crossentropy'. Did you mean 'cross-entropy'?": lambda: networks(
        losses=["crossentropy"]
    ),
    "unknown way to have biases 'own'. Known: none, each, shared.": lambda: networks(
        biases=["own"]
    ),
    "'relu': a list of names of the kind activation is expected": lambda: networks(
        activations="relu"
    ),
    "[]: a list of names of the kind loss is expected": lambda: networks(losses=[]),
    "no way to have biases is allowed. Choose from none, each, shared": lambda: networks(biases=[]),
    "no loss of binary-cross-entropy suits outputs by relu. "
    "Allow another loss or another activation": lambda: networks(
        activations=["relu"], losses=["binary-cross-entropy"]
    ),
    "4 layers with the input need as many different widths; there are 3 from 2 to 4": lambda: (
        networks(layers=3, widths=(2, 4))
    ),
    "layers = (3, 2): a number from 1 on is expected, or two of them, "
    "the smaller one first": lambda: networks(layers=(3, 2)),
    "unknown rule 'adams'. Did you mean 'adam'?": lambda: trainings(rules=["adams"]),
    "batch = 0: a number from 1 on is expected, or two of them, the smaller one first": lambda: (
        trainings(batch=0)
    ),
    "rules ['gradient-descent'] and reductions ['max']: at least one of each is expected; "
    "reductions are 'sum' and 'mean'": lambda: trainings(reductions=["max"]),
    "count = 0: a number from 1 on is expected, or two of them, the smaller one first": lambda: (
        problems(count=0)
    ),
    "no number of 1 decimals lies between 0.11 and 0.19. "
    "Allow more digits, or wider bounds": lambda: numbers(0.11, 0.19, digits=1),
}


@pytest.mark.parametrize("message", WISHES)
def test_wishes_that_cannot_be_met(message: str) -> None:
    with pytest.raises(bptrace.BptraceError) as error:
        WISHES[message]()
    assert str(error.value) == message


def test_without_hypothesis_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "bptrace.testing.strategies")
    monkeypatch.delitem(vars(testing), "networks", raising=False)
    with pytest.raises(bptrace.BptraceError) as error:
        testing.networks  # noqa: B018
    assert str(error.value) == (
        "bptrace.testing.networks needs Hypothesis, which is not installed. "
        "Install it: pip install 'bptrace[testing]'"
    )
