"""Every rule learns what it can, and a run gives the same bits whenever and however it is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bptrace import io
from bptrace.engine import run
from bptrace.maths.rules import RULES

RATES = {
    "gradient-descent": 2.0,
    "momentum": 0.5,
    "nesterov": 0.5,
    "adagrad": 0.5,
    "rmsprop": 0.02,
    "adam": 0.05,
    "adamw": 0.05,
}
"""Learning rates for XOR with four samples in a batch: those that come to mind first."""

LINEAR = {"delta": 0.2, "perceptron": 0.5, "perceptron-label": 0.5}
"""Rules of one layer, which learn what a line can separate."""


@pytest.mark.ci
@pytest.mark.parametrize("rule", [rule.name for rule in RULES if rule.local is None])
def test_exclusive_or_is_learned(rule: str) -> None:
    problem = io.load("xor-learns")
    training = replace(problem.training, rule=rule, learning_rate=RATES[rule], weight_decay=0.0)
    trained = run(replace(problem, training=training), "python", steps=1500, log=False)
    assert trained.step_errors[-1] < 0.02 < trained.step_errors[0]


@pytest.mark.parametrize("rule", LINEAR)
def test_or_is_learned_by_rules_of_one_layer(rule: str) -> None:
    """From −1 and +1 for the labels, 0 and 1 for the others: no error is left after ten epochs."""
    problem = io.load("cornell-or")
    layers, samples = list(problem.network.layers), problem.samples
    if rule == "perceptron-label":
        layers[-1] = replace(layers[-1], activation="bipolar-step", option=0.0)
        samples = tuple(s._replace(t=tuple(2.0 * t - 1.0 for t in s.t)) for s in samples)
    training = replace(problem.training, rule=rule, learning_rate=LINEAR[rule])
    network = replace(problem.network, layers=tuple(layers))
    page = replace(problem, network=network, samples=samples, training=training, claims=())
    trained = run(page, "python", steps=44)
    for step in range(41, 45):
        (sample,) = trained.samples(step)
        assert trained.at("out[1,1]", step) == samples[sample - 1].t[0]


SMALL = [
    "adagrad", "adam", "adamw", "cornell-or", "delta", "gfg-hebb", "hebb-unsupervised", "mihir",
    "nesterov", "nielsen", "rmsprop", "schedule", "willamette", "zh-360docs", "zh-lihang",
]  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_the_same_file_gives_the_same_bits_twice(name: str) -> None:
    first, second = (run(io.load(name), "python") for _ in range(2))
    assert first.log.tobytes() == second.log.tobytes()
    assert first.step_errors.tobytes() == second.step_errors.tobytes()


@pytest.mark.jit
@pytest.mark.parametrize("name", SMALL)
def test_the_same_file_gives_the_same_bits_compiled(name: str) -> None:
    plain, compiled = (run(io.load(name), engine) for engine in ("python", "numba"))
    assert plain.log.tobytes() == compiled.log.tobytes()
