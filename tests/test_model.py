"""Networks, parameters, samples, training: what does not fit together cannot be constructed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from strategies import problems

from bptrace.address import Shape
from bptrace.errors import ModelError
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

MASK = ((True, False), (True, True), (False, True))
NETWORK = Network((Layer(2), Layer(3, biases=3, mask=MASK), Layer(1, biases=1)))
PARAMETERS = Parameters(
    (((0.1, 0.0), (0.3, 0.4), (0.0, 0.6)), ((0.7, 0.8, 0.9),)), ((1.0, 1.1, 1.2), (1.3,))
)
PROBLEM = Problem(
    NETWORK,
    PARAMETERS,
    tuple(Sample((0.1 * s, 0.2), (0.3,)) for s in range(1, 6)),
    Training("gradient-descent", 0.5, batch=2),
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Layer(0), "a layer has at least 1 neuron, not 0"),
        (lambda: Layer(-3), "a layer has at least 1 neuron, not -3"),
        (lambda: Layer(2, names=("a",)), "1 names for 2 neurons"),
        (lambda: Layer(3, biases=2), "2 biases for 3 neurons: 0, 1 or 3"),
        (lambda: Layer(3, biases=1, bias_names=("a", "b")), "2 bias names for 1 biases"),
        (lambda: Layer(3, biases=3, bias_names=("a",)), "1 bias names for 3 biases"),
        (lambda: Network(()), "a network has an input layer and at least one more"),
        (lambda: Network((Layer(2),)), "a network has an input layer and at least one more"),
        (lambda: Network((Layer(2, biases=2), Layer(1))), "the input layer has no biases"),
        (lambda: Network((Layer(2), Layer(3, mask=MASK[:2]))),
         "mask of layer 1 must have 3 rows of 2"),
        (lambda: Network((Layer(2), Layer(3, mask=((True,),) * 3))),
         "mask of layer 1 must have 3 rows of 2"),
        (lambda: Network((Layer(2), Layer(3, mask=(*MASK[:2], (True,))))),
         "mask of layer 1 must have 3 rows of 2"),
        (lambda: Network((Layer(2), Layer(1, weight_names=(("a",),)))),
         "weight_names of layer 1 must have 1 rows of 2"),
        (lambda: Network((Layer(2), Layer(1, mask=((False, False),)))),
         "neuron 1 of layer 1 has neither an input nor a bias"),
        (lambda: replace(PROBLEM, samples=()), "no sample: there is nothing to calculate"),
        (lambda: replace(PROBLEM, training=Training(batch=6)),
         "a batch of 6 needs as many samples; there are 5"),
        (lambda: replace(PROBLEM, training=Training(batch=0)),
         "a batch of 0 needs as many samples; there are 5"),
        (lambda: replace(PROBLEM, training=Training(steps=-1)), "-1 steps: at least 0"),
        (lambda: replace(PROBLEM, samples=(Sample((0.1,)),), training=Training()),
         "sample 1: 1 inputs and 0 targets for a network with 2 inputs and 1 outputs"),
        (lambda: replace(PROBLEM, samples=(*PROBLEM.samples, Sample((0.1, 0.2), (0.3, 0.4)))),
         "sample 6: 2 inputs and 2 targets for a network with 2 inputs and 1 outputs"),
        (lambda: replace(PROBLEM, samples=(Sample((0.1, math.nan)),), training=Training()),
         "sample 1: inputs and targets must be finite numbers"),
        (lambda: replace(PROBLEM, samples=(Sample((0.1, 0.2), (math.inf,)),),
                         training=Training()),
         "sample 1: inputs and targets must be finite numbers"),
        (lambda: Training("gradient-descent", math.nan),
         "the learning rate must be a finite number, not nan"),
        (lambda: Training("gradient-descent", math.inf),
         "the learning rate must be a finite number, not inf"),
        (lambda: Training(order="random"),
         "order 'random': 'file', 'shuffled' or a list of samples"),
        (lambda: Training(order=()), "order (): 'file', 'shuffled' or a list of samples"),
        (lambda: Training(seed=-1), "seed -1: at least 0"),
        (lambda: replace(PROBLEM, training=Training(order=(5, 6))),
         "the order names sample 6; there are the samples 1 to 5"),
        (lambda: replace(PROBLEM, training=Training(batch=3, order=(1, 2, 3, 4, 1, 4))),
         "sample 4 stands twice in a batch of 3 (place 6 of the order)"),
        (lambda: Training(reduction="avg"), "reduction 'avg': 'sum' or 'mean'"),
        (lambda: _with(weights=PARAMETERS.weights[:1]),
         "weights and biases for 2 layers are needed"),
        (lambda: _with(biases=PARAMETERS.biases[:1]),
         "weights and biases for 2 layers are needed"),
        (lambda: _with(weights=(PARAMETERS.weights[0][:2], PARAMETERS.weights[1])),
         "the weights of layer 1 must be 3 rows of 2"),
        (lambda: _with(weights=(PARAMETERS.weights[0], ((0.7, 0.8),))),
         "the weights of layer 2 must be 1 rows of 3"),
        (lambda: _with(biases=((1.0,), (1.3,))), "layer 1 needs 3 biases, not 1"),
        (lambda: _with(biases=((1.0, 1.1, 1.2), ())), "layer 2 needs 1 biases, not 0"),
        (lambda: _with(weights=(PARAMETERS.weights[0], ((0.7, math.inf, 0.9),))),
         "weights and biases must be finite numbers"),
        (lambda: _with(biases=((1.0, math.nan, 1.2), (1.3,))),
         "weights and biases must be finite numbers"),
        (lambda: _with(weights=(((0.1, 0.2), *PARAMETERS.weights[0][1:]), PARAMETERS.weights[1])),
         "w[1,1,2] is 0.2, but the mask removes this connection"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ModelError) as caught:
        make()
    assert str(caught.value) == message


def _with(**fields: object) -> Problem:
    return replace(PROBLEM, parameters=replace(PARAMETERS, **fields))  # type: ignore[arg-type]


def test_all_is_frozen() -> None:
    for thing, name in ((NETWORK, "loss"), (PROBLEM, "title"), (Layer(2), "size")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, 1)
    assert hash(NETWORK) == hash(replace(NETWORK))
    assert replace(PROBLEM, file="other.toml") == PROBLEM


def test_a_network_knows_its_connections() -> None:
    assert (NETWORK.depth, NETWORK.widths) == (2, (2, 3, 1))
    assert NETWORK.shape(4) == Shape((2, 3, 1), (0, 3, 1), 4)
    assert [list(NETWORK.sources(1, j)) for j in (1, 2, 3)] == [[1], [1, 2], [2]]
    assert [list(NETWORK.targets(0, i)) for i in (1, 2)] == [[1, 2], [2, 3]]
    assert list(NETWORK.sources(2, 1)) == [1, 2, 3]
    assert list(NETWORK.targets(1, 2)) == [1]
    assert not NETWORK.connected(1, 1, 2)
    assert NETWORK.connected(2, 1, 2)


@given(problems())
def test_parameters_are_in_the_order_of_the_log(problem: Problem) -> None:
    numbers = list(problem.parameters)
    assert len(numbers) == problem.layout.n_parameters
    for slot, (address, number) in enumerate(
        zip(problem.layout.parameters(), numbers, strict=True)
    ):
        l, j = address.layer - 1, address.neuron - 1
        nested = (
            problem.parameters.weights[l][j][address.source - 1]
            if address.source
            else problem.parameters.biases[l][j]
        )
        assert number == nested
        assert problem.layout.slot(address) == slot


def test_batches_begin_anew_with_every_epoch() -> None:
    assert [PROBLEM.batch(step) for step in range(1, 6)] == [(1, 2), (3, 4), (5,), (1, 2), (3, 4)]
    whole = replace(PROBLEM, training=replace(PROBLEM.training, batch=5))
    assert [whole.batch(step) for step in (1, 2)] == [(1, 2, 3, 4, 5)] * 2
    single = replace(PROBLEM, training=Training())
    assert [single.batch(step) for step in (1, 5, 6)] == [(1,), (5,), (1,)]


@given(problems())
def test_an_epoch_has_every_sample_once(problem: Problem) -> None:
    if not isinstance(problem.training.order, str):
        problem = replace(problem, training=replace(problem.training, order="shuffled"))
    n, size = len(problem.samples), problem.training.batch
    per_epoch = math.ceil(n / size)
    for epoch in (0, 1, 7):
        steps = range(epoch * per_epoch + 1, (epoch + 1) * per_epoch + 1)
        taken = [s for step in steps for s in problem.batch(step)]
        shuffled = problem.training.order == "shuffled"
        assert (sorted(taken) if shuffled else taken) == list(range(1, n + 1))
        assert all(0 < len(problem.batch(step)) <= size for step in steps)


def test_a_list_of_samples_is_taken_in_its_order_again_and_again() -> None:
    training = replace(PROBLEM.training, order=(4, 1, 1, 5, 2))
    problem = replace(PROBLEM, training=training)
    assert [problem.batch(step) for step in range(1, 5)] == [(4, 1), (1, 5), (2,), (4, 1)]
    assert (problem.per_epoch, problem.batches) == (5, 3)


def what_it_does(problem: Problem) -> tuple[bool, bool, bool]:
    return problem.has_error, problem.has_backward, problem.learns


def test_what_a_problem_does() -> None:
    assert what_it_does(PROBLEM) == (True, True, True)
    assert what_it_does(replace(PROBLEM, training=Training())) == (True, True, False)
    without = replace(PROBLEM, network=replace(NETWORK, loss="none"))
    assert what_it_does(without) == (False, False, False)
    hebb = replace(without, training=replace(PROBLEM.training, rule="hebb"))
    assert what_it_does(hebb) == (False, False, True)
    delta = replace(PROBLEM, training=replace(PROBLEM.training, rule="delta"))
    assert what_it_does(delta) == (True, False, True)
    some = (*PROBLEM.samples, Sample((0.1, 0.2)))
    assert not replace(PROBLEM, samples=some).has_error
