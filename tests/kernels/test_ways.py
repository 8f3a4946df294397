"""Which way a run is calculated; that all give the same bits is tested in `test_agreement`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from bptrace import engine
from bptrace.kernels import ways
from bptrace.kernels.ways import Loops, Weights
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training


def problem(widths: tuple[int, ...], layer: dict[str, Any], **training: Any) -> Problem:
    layers = (Layer(n, activation="sigmoid", biases=n, **layer) for n in widths[1:])
    weights = (((0.5,) * m,) * n for m, n in pairwise(widths))
    return Problem(
        Network((Layer(widths[0]), *layers)),
        Parameters(tuple(weights), tuple((0.1,) * n for n in widths[1:])),
        (Sample((1.0,) * widths[0], (0.5,) * widths[-1]),) * 6,
        Training(**{"rule": "gradient-descent", "learning_rate": 0.1, "steps": 7} | training),
    )


LARGE = (784, 30, 10)


@pytest.mark.parametrize(
    ("widths", "given", "steps", "log", "way"),
    [
        ((2, 2, 2), {}, 7, True, (Loops.TINY, Weights.INSIDE)),
        ((2, 2, 2), {}, 7, False, (Loops.TINY, Weights.AT_ONCE)),
        ((2, 2, 2), {"rule": "momentum"}, 7, False, (Loops.TINY, Weights.AFTER)),
        ((2, 2, 2), {"weight_decay": 0.1}, 7, False, (Loops.TINY, Weights.AFTER)),
        ((2, 2, 2), {"rule": "adamw"}, 7, False, (Loops.TINY, Weights.AFTER)),
        ((2, 2, 2), {"rule": "hebb"}, 7, False, (Loops.TINY, Weights.AFTER)),
        ((2, 2, 2), {"batch": 3}, 7, True, (Loops.BATCHES, Weights.AFTER)),
        ((2, 15, 2), {}, 7, True, (Loops.TINY, Weights.INSIDE)),
        ((2, 16, 2), {}, 7, True, (Loops.SINGLE, Weights.AFTER)),
        ((2, 10, 10, 1), {}, 7, True, (Loops.SINGLE, Weights.INSIDE)),
        ((8, 8, 1), {}, 63, False, (Loops.SINGLE, Weights.AT_ONCE)),
        ((8, 8, 1), {}, 64, False, (Loops.SINGLE, Weights.COLUMNS)),
        (LARGE, {}, 64, False, (Loops.SINGLE, Weights.COLUMNS)),
        (LARGE, {}, 64, True, (Loops.SINGLE, Weights.STREAMED)),
        (LARGE, {"rule": "adam"}, 64, True, (Loops.SINGLE, Weights.AFTER)),
        (LARGE, {"batch": 3}, 64, True, (Loops.BATCHES, Weights.AFTER)),
        (LARGE, {"batch": 3}, 64, False, (Loops.BATCHES, Weights.AT_ONCE)),
    ],
)
def test_which_way(
    widths: tuple[int, ...],
    given: dict[str, Any],
    steps: int,
    log: bool,
    way: tuple[Loops, Weights],
) -> None:
    assert ways.choose(problem(widths, {}, **given), steps, log, in_place=True) == (*way, log)


def test_networks_with_own_formulas_have_the_loops_for_all() -> None:
    own = problem((2, 2, 2), {"formula": "x/(1 + abs(x))"})
    assert ways.choose(own, 7, True).loops == Loops.BATCHES


def test_a_missing_connection_is_left_out_one_by_one() -> None:
    mask = ((True,) * 20,) * 12 + ((False,) * 20,) * 4
    layer = Layer(16, mask=mask)
    assert not ways.is_wide(layer, 20)
    assert ways.is_wide(Layer(16), 20)


def test_slices_are_copies_in_plain_python() -> None:
    assert ways.choose(problem((2, 2, 2), {}), 7, True).weights == Weights.AFTER


@pytest.mark.parametrize("loops", Loops)
def test_the_smallest_problem_of_each(loops: Loops) -> None:
    assert ways.choose(ways.smallest(loops), 1, True).loops == loops


@pytest.mark.jit
def test_a_trace_names_the_way() -> None:
    tiny = ways.smallest(Loops.TINY)
    assert engine.run(tiny, "numba").calculated_by == "numba (tiny, weights in the log)"
    assert engine.run(tiny, "python").calculated_by == "python"
    assert engine.excerpt(tiny, [1], 1, "numba").calculated_by.startswith("numba (tiny, ")
