"""Scores and classes, against what a trace says of the same samples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bptrace import engine
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.training import score
from bptrace.training.classes import classes_of
from bptrace.training.score import Scorer

NETWORK = Network((Layer(2), Layer(3, activation="tanh", biases=3), Layer(1, biases=1)))
WEIGHTS = Parameters(
    (((0.9, -0.7), (-0.4, 0.8), (0.3, 0.6)), ((0.5, -0.9, 0.2),)), ((0.1, -0.2, 0.3), (0.4,))
)


def with_targets(*targets: tuple[float, ...]) -> Problem:
    network, weights = NETWORK, WEIGHTS
    if len(targets[0]) == 4:
        network = Network((*NETWORK.layers[:2], Layer(4, names=("a", "b", "c", "d"))))
        rows = ((0.5, -0.9, 0.2), (0.1, 0.3, -0.7), (-0.6, 0.4, 0.8), (0.2, 0.9, -0.1))
        weights = Parameters((WEIGHTS.weights[0], rows), (WEIGHTS.biases[0], ()))
    samples = (Sample((0.25 * k, 1.0 - 0.5 * k), t) for k, t in enumerate(targets))
    return Problem(network, weights, tuple(samples), Training("gradient-descent", 0.1))


@pytest.mark.parametrize("at_once", [2, 3, 256])
@pytest.mark.parametrize("several", [False, True])
def test_a_score_is_what_the_trace_says(
    monkeypatch: pytest.MonkeyPatch, at_once: int, several: bool
) -> None:
    monkeypatch.setattr(score, "MOST_AT_ONCE", at_once)
    rows = [(1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 1.0, 0.0, 0.0)]
    targets = [rows[k % 3] if several else (float(k % 2),) for k in range(7)]
    problem = with_targets(*targets)
    classes = classes_of(problem)
    assert classes is not None
    found = Scorer(problem, problem.samples, classes, "python").score(engine.start(problem).numbers)
    still = engine.run(replace(problem, training=Training(batch=7)), "python", 1)
    total, right = 0.0, 0
    table = [[0] * len(classes.names) for _ in classes.names]
    for s, sample in enumerate(problem.samples, 1):
        total += still.at("E", sample=s)
        last = [still.at(f"out[2,{k}]", sample=s) for k in range(1, len(sample.t) + 1)]
        answer = last.index(max(last)) if several else int(last[0] > 0.5)
        target = sample.t.index(1.0) if several else int(sample.t[0])
        table[target][answer] += 1
        right += answer == target
    assert found == (total / 7, 7, right, tuple(map(tuple, table)))
    assert found.accuracy == right / 7


def test_outputs_that_are_no_numbers_stand_in_no_class() -> None:
    problem = with_targets((0.0,), (1.0,), (1.0,))
    numbers = engine.start(problem).numbers
    numbers[0] = float("nan")
    found = Scorer(problem, problem.samples, classes_of(problem), "python").score(numbers)
    assert (found.right, found.table) == (0, ((0, 0), (0, 0)))


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ([(0.0,), (1.0,), (1.0,)], ("0", "1")),
        ([(-1.0,), (0.9,), (0.9,)], ("-1", "0.9")),
        ([(0.1, 0.1, 0.1, 0.9), (0.9, 0.1, 0.1, 0.1), (0.9, 0.1, 0.1, 0.1)], ("a", "b", "c", "d")),
    ],
)
def test_two_values_make_classes(targets: list[tuple[float, ...]], names: tuple[str, ...]) -> None:
    classes = classes_of(with_targets(*targets))
    assert classes is not None
    assert classes.names == names


@pytest.mark.parametrize(
    "targets",
    [
        [(0.0,), (1.0,)],  # two samples only
        [(0.0,), (1.0,), (0.5,)],
        [(1.0,), (1.0,), (1.0,)],
        [(0.0, 1.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)],
        [(0.0, 1.0, 0.0, 0.0)] * 3,
        [(), (), ()],
    ],
)
def test_other_targets_make_none(targets: list[tuple[float, ...]]) -> None:
    assert classes_of(with_targets(*targets)) is None
