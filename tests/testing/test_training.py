"""Other training loops against ours: correct ones are never blamed, wrong ones are told how."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st

import bptrace
from bptrace.maths.bounds import FLOAT32, any_order
from bptrace.maths.expr import FLOATS, Ref, add, call, div, mul, sub
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.testing import assert_trains_alike, networks, problems, trainings

Array = np.ndarray[Any, Any]


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "identity": (lambda z: z, lambda z, a: np.ones_like(z)),
    "softplus": (lambda z: np.log1p(np.exp(z)), lambda z, a: sigmoid(z)),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(z.dtype)),
}


class Net:
    """A training loop as others write it: matrices, batches, sums in whatever order."""

    def __init__(self, problem: Problem, dtype: type, rng: Random) -> None:
        self.problem, self.dtype, self.rng = problem, dtype, rng
        self.W = [np.array(w, dtype=dtype) for w in problem.parameters.weights]
        self.b = [np.array(b, dtype=dtype) for b in problem.parameters.biases]
        self.v = [[np.zeros_like(w) for w in self.W], [np.zeros_like(b) for b in self.b]]

    def times(self, one: Array, two: Array) -> Array:
        """A product of matrices, summed in another order each time."""
        order = self.rng.sample(range(two.shape[0]), two.shape[0])
        return one[:, order] @ two[order]

    def gradients(self, x: Array, t: Array) -> list[tuple[Array, Array]]:
        layers = self.problem.network.layers[1:]
        outs, nets = [x], []
        for layer, w, b in zip(layers, self.W, self.b, strict=True):
            nets.append(self.times(outs[-1], w.T) + (b if layer.biases else self.dtype(0)))
            outs.append(ACTIVATIONS[layer.activation][0](nets[-1]))
        found = []
        slope = outs[-1] - t
        for l in reversed(range(len(layers))):
            delta = slope * ACTIVATIONS[layers[l].activation][1](nets[l], outs[l + 1])
            db = delta.sum(axis=0)
            if layers[l].biases < layers[l].size:
                db = db.sum(keepdims=True)[: layers[l].biases]
            found.append((self.times(delta.T, outs[l]), db))
            slope = self.times(delta, self.W[l])
        return found[::-1]

    def train(self, steps: int) -> list[tuple[Array, Array]]:
        training = self.problem.training
        eta, mu = self.dtype(training.learning_rate), self.dtype(0.9)
        for step in range(1, steps + 1):
            batch = [self.problem.samples[s - 1] for s in self.problem.batch(step)]
            n = self.dtype(len(batch) if training.reduction == "mean" else 1)
            x = np.array([s.x for s in batch], dtype=self.dtype)
            t = np.array([s.t for s in batch], dtype=self.dtype)
            for l, (dW, db) in enumerate(self.gradients(x, t)):
                if training.rule == "momentum":
                    self.v[0][l] = mu * self.v[0][l] - eta * (dW / n)
                    self.v[1][l] = mu * self.v[1][l] - eta * (db / n)
                    self.W[l], self.b[l] = self.W[l] + self.v[0][l], self.b[l] + self.v[1][l]
                else:
                    self.W[l], self.b[l] = self.W[l] - eta * dW / n, self.b[l] - eta * db / n
        return list(zip(self.W, self.b, strict=True))


ALIKE = problems(
    networks(activations=list(ACTIVATIONS), losses=["half-squared"]),
    trainings(
        rules=["gradient-descent", "momentum"], steps=(1, 4), reductions=["sum", "mean"]
    ),
    count=(1, 4),
)  # fmt: skip


@dear(20)
@given(ALIKE, st.sampled_from([np.float64, np.float32]), st.integers(0, 9))
def test_a_correct_loop_is_never_blamed(problem: Problem, dtype: type, seed: int) -> None:
    with np.errstate(over="ignore"):
        after = Net(problem, dtype, Random(seed)).train(problem.training.steps)
    found = assert_trains_alike(problem, [x for pair in after for x in pair if x.size])
    assert all(e.off <= e.bound for e in found.elements if e.verdict == "agrees")


@given(st.lists(st.floats(-3.0, 3.0), min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_the_bound_holds_for_sums_in_any_order_in_float32(xs: list[float], rng: Random) -> None:
    """Σ x·y / (1 + exp(…)), in float32 and shuffled, from rounded numbers."""
    places = {f"x{k}": FLOAT32.given(x) for k, x in enumerate(xs)}
    net = add(*(mul(Ref(name), Ref(name)) for name in places))
    expr = div(sub(net, Ref("x0")), add(Ref("one"), call("exp", sub(Ref("x1"), Ref("x0")))))
    places["one"] = (1.0, 0.0)
    value, bound = any_order(FLOAT32).read(expr, places.__getitem__)
    assert value == FLOATS.read(expr, lambda key: places[key][0])
    f = np.array(xs, dtype=np.float32)
    total = np.float32(0)
    for k in rng.sample(range(len(xs)), len(xs)):
        total += f[k] * f[k]
    theirs = (total - f[0]) / (np.float32(1) + np.exp(f[1] - f[0]))
    assert abs(float(theirs) - value) <= bound
    assert bound < 1e-3 * (sum(x * x for x in xs) + 1.0 + max(map(abs, xs)))


NET = Problem(
    Network(
        (Layer(3), Layer(2, activation="sigmoid", biases=2), Layer(1, activation="tanh", biases=1))
    ),
    Parameters((((0.3, -0.2, 0.7), (0.1, 0.9, -0.4)), ((0.5, -0.6),)), ((0.2, -0.1), (0.3,))),
    (Sample((0.4, -0.8, 0.5), (0.25,)), Sample((-0.3, 0.6, 0.9), (-0.5,))),
    Training("gradient-descent", 0.5, batch=2, steps=3),
)  # fmt: skip


def after(problem: Problem, dtype: type = np.float64) -> list[tuple[Array, Array]]:
    return Net(problem, dtype, Random(0)).train(problem.training.steps)


def test_all_forms_of_arrays_are_read() -> None:
    pairs = after(NET)
    flat = [x for pair in pairs for x in pair]
    lists = [(w.tolist(), b.tolist()) for w, b in pairs]
    state = dict(zip(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"], flat, strict=True))
    transposed = [(w.T, b) for w, b in pairs]
    for form in (pairs, flat, lists, state, transposed):
        assert assert_trains_alike(NET, form).ok


def test_float32_is_judged_by_what_float32_can_do() -> None:
    theirs = after(NET, np.float32)
    assert assert_trains_alike(NET, theirs).theirs == FLOAT32
    with pytest.raises(AssertionError, match="than float64 rounds"):
        assert_trains_alike(NET, [(w.astype(float), b.astype(float)) for w, b in theirs])


def test_a_wrong_loop_is_told_which_parameters_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    slopes = {**ACTIVATIONS, "sigmoid": (sigmoid, lambda z, a: a)}
    monkeypatch.setitem(ACTIVATIONS, "sigmoid", slopes["sigmoid"])
    with pytest.raises(AssertionError) as failed:
        assert_trains_alike(
            NET, after(replace(NET, training=replace(NET.training, steps=1))), steps=1
        )
    lines = str(failed.value).splitlines()
    assert lines[0] == "after 1 update 8 of 11 parameters differ by more than float64 rounds"
    assert lines[1].split() == ["ours", "theirs", "apart", "allowed"]
    assert {line.split()[0] for line in lines[2:]} == {*(f"w{k}" for k in range(1, 7)), "b1", "b2"}
    with pytest.raises(AssertionError, match="after 1 update: there only what is wrong itself"):
        assert_trains_alike(NET, after(NET))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reduction": "mean"}, 'Theirs are what ours would be with reduction = "mean"'),
        ({"steps": 4}, "Theirs are what ours would be with 4 updates"),
        ({"rule": "momentum"}, 'Theirs are what ours would be with rule = "momentum"'),
    ],
)
def test_another_training_is_recognised(changes: dict[str, Any], said: str) -> None:
    other = replace(NET, training=replace(NET.training, **changes))
    with pytest.raises(AssertionError) as failed:
        assert_trains_alike(NET, after(other))
    assert str(failed.value).splitlines()[-1] == said


def test_where_nothing_can_be_said_nothing_passes() -> None:
    """At a learning rate of 40 roundings grow hundredfold with each update."""
    wild = replace(NET, training=replace(NET.training, learning_rate=40.0, steps=30))
    with pytest.raises(AssertionError, match="Compare after fewer updates"):
        assert_trains_alike(wild, after(wild))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            [np.zeros((2, 2))],
            "these arrays are not those of a 3-2-1 network: the weights of layer 1 are expected as "
            r"\(2, 3\). Given were the shapes \(2, 2\); W and then b of each layer are expected",
        ),
        ([np.zeros((2, 3))], "layer 1 has 2 biases. Given were"),
        (
            [np.zeros((2, 3)), np.zeros(2), np.zeros((1, 2)), np.zeros(1), np.zeros(1)],
            "1 more than the network has",
        ),
        ([np.zeros((2, 3), dtype=np.float16)], "array of float16: float64 or float32 is expected"),
        ([], "Given were the shapes none"),
    ],
)
def test_arrays_that_do_not_fit(arrays: list[Array], message: str) -> None:
    with pytest.raises(bptrace.BptraceError, match=message):
        assert_trains_alike(NET, arrays)


def test_a_problem_that_does_not_learn() -> None:
    with pytest.raises(bptrace.BptraceError, match="no rule to learn by"):
        assert_trains_alike(replace(NET, training=Training()), [])
