"""Slopes by dual numbers: as near to backpropagation as rounding allows, the same bits compiled."""

from __future__ import annotations

from array import array
from random import Random
from typing import NamedTuple

import pytest

from bptrace.checks.gradients import backpropagated, point_of
from bptrace.kernels import judging
from bptrace.kernels.cast import cast_net, cast_plan
from bptrace.kernels.duals import LANES, dual_gradients
from bptrace.kernels.ground import cast_ground
from bptrace.kernels.ways import choose
from bptrace.maths.rules import RULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

BY_GRADIENT = tuple(rule.name for rule in RULES if rule.local is None)


def wide(hidden: str, loss: str, last: str) -> Problem:
    """More inputs and more hidden neurons than columns, a shared bias, a mask, a mean of three."""
    draw = Random(5)

    def row(n: int) -> tuple[float, ...]:
        return tuple(draw.uniform(-0.5, 0.5) for _ in range(n))

    n_x, n, m = LANES + 3, 2 * LANES + 1, 4
    mask = tuple(tuple(draw.random() < 0.8 for _ in range(n)) for _ in range(m))
    weights = tuple(
        tuple(w if there else 0.0 for w, there in zip(row(n), flags, strict=True)) for flags in mask
    )
    layers = (
        Layer(n_x),
        Layer(n, activation=hidden, biases=1),
        Layer(m, activation=last, biases=m, mask=mask),
    )
    return Problem(
        Network(layers, loss),
        Parameters((tuple(row(n_x) for _ in range(n)), weights), ((0.25,), row(m))),
        tuple(Sample(row(n_x), tuple(abs(t) for t in row(m))) for _ in range(3)),
        Training("gradient-descent", 0.1, batch=3, reduction="mean"),
    )


WIDE = (
    ("tanh", "half-squared", "softplus"),
    ("softmax", "cross-entropy", "softmax"),
    ("sigmoid", "mean-squared", "softmax"),
)


class Calculated(NamedTuple):
    """Slopes, backpropagation's gradients, and how far rounding may put those off."""

    slopes: array[float]
    gradients: array[float]
    roundings: array[float]


def calculated(problem: Problem, engine: str) -> Calculated:
    """The parts of `check_gradients` that need no differences, which take long in wide networks."""
    point = point_of(problem)
    log, net = array("d", point.trace.log), cast_net(problem)
    plan = cast_plan(problem, 0, 1, choose(problem, 1, log=True))
    net, ground = cast_ground(problem, net, log, point.shown)
    gradients = backpropagated(point, net.n_parameters, ground.n_in)
    slopes, roundings = (array("d", bytes(8 * len(gradients))) for _ in range(2))
    sizes = array("d", bytes(8 * len(point.shown) * ground.n_in))
    judging.path_sizes(net, ground, plan, log, sizes)
    judging.gradient_roundings(net, ground, plan, log, sizes, roundings)
    if engine == "numba":
        from bptrace.kernels import compiled_gradients

        compiled_gradients.dual_gradients(net, ground, plan, log, slopes)
    else:
        dual_gradients(net, ground, plan, log, slopes)
    return Calculated(slopes, gradients, roundings)


@pytest.mark.parametrize(("hidden", "loss", "last"), WIDE)
def test_every_slope_in_columns(hidden: str, loss: str, last: str) -> None:
    """The bound is that of the rounding of all paths, from whichever end they are added up."""
    found = calculated(wide(hidden, loss, last), "python")
    for slope, gradient, bound in zip(*found, strict=True):
        assert abs(gradient - slope) <= 2.0 * bound
    assert sum(slope != 0.0 for slope in found.slopes) > 0.9 * len(found.slopes)


@pytest.mark.parametrize(("hidden", "loss", "last"), WIDE)
def test_compiled_and_plain_are_the_same(hidden: str, loss: str, last: str) -> None:
    problem = wide(hidden, loss, last)
    assert calculated(problem, "numba").slopes == calculated(problem, "python").slopes
