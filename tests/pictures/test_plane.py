"""What a network answers between its samples, by the same bits as in any run."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan

import pytest
from pictures_of import network, points

from bptrace import engine
from bptrace.errors import BptraceError
from bptrace.model import Data, Sample
from bptrace.pictures import plane
from bptrace.pictures.plane import Line, Plane, accuracy, answers, kind_of, look_at, threshold_of


@pytest.mark.parametrize("at_once", [1, 60, 2**21])
def test_answers_are_the_outputs_of_a_run(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    problem = network((2, 4, 3))
    monkeypatch.setattr(plane, "MOST_AT_ONCE", at_once)
    asked = [(0.25, -1.0), (3.5, 0.125), (-2.0, 7.0), (0.1, 0.2), (1e9, -1e9)]
    found = answers(problem, asked)
    for s, point in enumerate(asked):
        alone = replace(
            problem, samples=(Sample(point),), training=replace(problem.training, batch=1)
        )
        trace = engine.run(alone, steps=1)
        assert [values[s] for values in found] == [trace.at(f"out[2,{k}]") for k in (1, 2, 3)]


def test_nothing_asked_nothing_answered() -> None:
    assert [len(values) for values in answers(network(), [])] == [0]


@pytest.mark.parametrize(
    ("values", "threshold", "kind"),
    [([0.5], 0.5, 1), ([0.49], 0.5, 0), ([0.51], 0.5, 1), ([nan], 0.5, None),
     ([1.0, 3.0, 3.0], 0.0, 1), ([0.1, nan], 0.5, None)],
)  # fmt: skip
def test_classes(values: list[float], threshold: float, kind: int | None) -> None:
    assert kind_of(values, threshold) == kind


def test_the_threshold_lies_halfway_between_the_targets() -> None:
    assert threshold_of([Sample((1.0,), (-1.0,)), Sample((1.0,), (1.0,))]) == 0.0
    assert threshold_of([Sample((1.0,), (3.0,))]) == 0.5
    assert threshold_of([Sample((1.0,))]) == 0.5


def test_a_plane_has_samples_grid_and_accuracy() -> None:
    problem = network()
    test = points(2, 1, 2, seed=9)
    found = look_at(problem, (7, 4), test, title="three")
    assert isinstance(found, Plane)
    assert (len(found.xs), len(found.ys), len(found.outputs[0])) == (7, 4, 28)
    assert found.xs[0] < min(s.x[0] for s in (*problem.samples, *test))
    assert found.xs[-1] > max(s.x[0] for s in (*problem.samples, *test))
    assert [dot.is_test for dot in found.dots] == [False] * 5 + [True] * 2
    assert [dot.kind for dot in found.dots] == [0, 1, 0, 1, 0, 0, 1]
    assert (found.names, found.kinds, found.title) == (("x", "y"), ("0", "1"), "three")
    corner = answers(problem, [(found.xs[6], found.ys[2])])[0][0]
    assert found.outputs[0][2 * 7 + 6] == corner
    assert found.kind_at(2, 6) == int(corner > 0.5)
    wrong = [dot for dot in found.dots[:5] if (answers(problem, [dot[:2]])[0][0] > 0.5) != dot.kind]
    assert found.accuracy == (5 - len(wrong)) / 5


@pytest.mark.parametrize(("low", "high", "kinds"), [(0.0, 1.0, "ab"), (1.0, 0.0, "ba")])
def test_names_of_the_data_are_those_of_classes_and_axes(
    low: float, high: float, kinds: str
) -> None:
    """Class a has the target `low`; kinds are in the order of the outputs, low ones first."""
    problem = network()
    layers = (replace(problem.network.layers[0], names=()), *problem.network.layers[1:])
    data = Data("somewhere", inputs=("width", "height"), classes=("a", "b"), low=low, high=high)
    named = replace(problem, network=replace(problem.network, layers=layers), data=data)
    found = look_at(named, (3, 3))
    assert isinstance(found, Plane)
    assert found.names == ("width", "height")
    assert "".join(found.kinds) == kinds
    for dot in found.dots:
        assert data.class_of([dot.target]) == "ab".index(found.kinds[dot.kind])


def test_one_input_is_a_line_with_a_point_for_each_target() -> None:
    found = look_at(network((1, 4, 2)), (9, 9))
    assert isinstance(found, Line)
    assert [len(values) for values in found.outputs] == [9, 9]
    assert [dot.kind for dot in found.dots] == [0, 1] * 5
    assert found.name == "x"


def test_more_inputs_are_refused() -> None:
    with pytest.raises(BptraceError, match="one or two inputs; this one has 3"):
        look_at(network((3, 2, 1)))


@pytest.mark.parametrize("x", [0.0, -4.0, 1e308])
def test_a_single_sample_has_room_around_it(x: float) -> None:
    found = look_at(network(samples=(Sample((x, 1.0), (1.0,)),), batch=1), (5, 5))
    assert isinstance(found, Plane)
    assert found.xs[0] < x < found.xs[-1]
    assert found.xs[2] == pytest.approx(x, abs=abs(x) * 1e-15)  # two products and a sum


def test_a_range_beyond_all_numbers_stays_finite() -> None:
    samples = (Sample((-1.7e308, 1.0), (1.0,)), Sample((1.7e308, 2.0), (0.0,)))
    found = look_at(network(samples=samples), (5, 5))
    assert found.xs == tuple(sorted(found.xs))
    assert found.xs[-1] == 1.7e308


def test_no_targets_no_accuracy() -> None:
    problem = network()
    assert isnan(accuracy(problem, [Sample((1.0, 2.0))]))
    blind = replace(problem, samples=tuple(Sample(s.x) for s in problem.samples))
    found = look_at(blind, (3, 3))
    assert isinstance(found, Plane)
    assert {dot.kind for dot in found.dots} == {-1}
