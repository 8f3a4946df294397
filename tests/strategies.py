"""Hypothesis strategies of our own tests: whole problems, as nasty as valid ones can be.

What they draw is drawn by the public strategies of `bptrace.testing`, with all variations and with
numbers of any size; here stands only what no user would ask for.
"""

from __future__ import annotations

from dataclasses import replace

from formulas import as_text, formulas
from hypothesis import strategies as st

from bptrace import testing
from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.losses import LOSSES
from bptrace.maths.rules import RULES
from bptrace.model import Problem, Sample, Training

MODERATE = st.floats(-2.0, 2.0, allow_subnormal=False)
ANY_FINITE = st.floats(allow_nan=False, allow_infinity=False)
MOSTLY_HUGE = st.one_of(MODERATE, ANY_FINITE, st.sampled_from([0.0, -0.0, 1e200, -1e308, 5e-324]))


@st.composite
def problems(
    draw: st.DrawFn,
    numbers: st.SearchStrategy[float] = MODERATE,
    activations: tuple[Activation, ...] = tuple(ACTIVATIONS),
    losses: tuple[str, ...] = LOSSES.names,
    rules: tuple[str, ...] = RULES.names,
    always_learns: bool = False,
    suited: bool = True,
) -> Problem:
    """Draw a network with samples and training.

    `always_learns`: targets and a rule are there. `suited`: the loss suits the outputs, and the
    targets are such as it is meant for, so that moderate numbers have finite errors and slopes.
    """
    names = [entry.name for entry in activations]
    network = draw(
        testing.networks(
            layers=(1, 4), widths=(1, 6), activations=names, losses=losses, variations=True
        )
    )
    if not suited:
        network = replace(network, loss=draw(st.sampled_from(losses)))
    training = draw(
        testing.trainings(
            rules=rules, batch=(1, 4), steps=(1, 4), reductions=("sum", "mean"),
            learning_rates=st.floats(0.01, 1.0), variations=True,
        )
    )  # fmt: skip
    targets = None if suited else numbers
    problem = draw(
        testing.problems(network, training, numbers=numbers, targets=targets, count=(1, 4))
    )
    if always_learns:
        return problem
    if not draw(st.integers(0, 9)):
        problem = replace(problem, samples=tuple(Sample(sample.x) for sample in problem.samples))
    if not draw(st.integers(0, 9)):
        problem = replace(problem, training=_without_rule(problem.training))
    return problem


def _without_rule(training: Training) -> Training:
    return replace(training, rule="", options=())


@st.composite
def with_formulas(
    draw: st.DrawFn, numbers: st.SearchStrategy[float] = MODERATE, leaves: int = 8
) -> Problem:
    """Draw a problem in which some layers, at least one, have an own formula."""
    problem = draw(problems(numbers))
    layers = list(problem.network.layers)
    for l in draw(st.sets(st.integers(1, len(layers) - 1), min_size=1)):
        text = as_text(draw(formulas(leaves)))
        layers[l] = replace(layers[l], activation="", option=None, formula=text)
    return replace(problem, network=replace(problem.network, layers=tuple(layers)))
