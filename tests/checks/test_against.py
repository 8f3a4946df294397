"""Somebody else's gradients: no false alarm in float64 or float32, and no wrong one that passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from effort import dear
from elsewhere import Elsewhere, Pairs, altered, right, some
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import MOSTLY_HUGE, problems, with_formulas

from bptrace.checks.arrays.figures import matrices
from bptrace.checks.arrays.mistaken import mistaken_gradients
from bptrace.checks.foreign.against import Against, judge
from bptrace.checks.foreign.causes import causes
from bptrace.checks.foreign.patterns import Compared, Pattern
from bptrace.checks.gradients import point_of
from bptrace.maths.losses import LOSSES
from bptrace.maths.rules import RULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

BY_GRADIENT = tuple(rule.name for rule in RULES if rule.local is None)
WITH_ERROR = tuple(name for name in LOSSES.names if name != "none")


def with_error(numbers: st.SearchStrategy[float] | None = None) -> st.SearchStrategy[Problem]:
    if numbers is None:
        return problems(losses=WITH_ERROR, rules=BY_GRADIENT, always_learns=True)
    return problems(numbers, losses=WITH_ERROR, rules=BY_GRADIENT, always_learns=True)


SATURATED = st.floats(1.0, 40.0).flatmap(lambda scale: with_error(st.floats(-scale, scale)))


@dear(10)
@given(with_error() | SATURATED, st.booleans(), st.integers(0, 2**32))
def test_no_false_alarm(problem: Problem, single: bool, seed: int) -> None:
    """Another program, other sums: what is right agrees or is undecided, in both types."""
    point = point_of(problem)
    dtype = np.float32 if single else np.float64
    theirs = Elsewhere(problem, dtype, np.random.default_rng(seed)).gradients(point.shown)
    found = judge(point, theirs)
    for element in found:
        if np.isfinite(element.theirs):
            assert element.verdict != "differs", element
    assert found.arithmetic.name == dtype.__name__


@dear(10)
@given(with_error(MOSTLY_HUGE) | with_formulas())
def test_our_own_gradients_never_differ(problem: Problem) -> None:
    """Huge numbers and own formulas, where NumPy would calculate something else."""
    assume(problem.has_error)
    problem = replace(problem, training=Training(batch=len(problem.samples)))
    point = point_of(problem)
    layout = point.problem.layout
    logged = np.array(point.trace.log[layout.gradients : layout.samples])
    for element in judge(point, as_pairs(problem, logged)):
        assert element.verdict != "differs" or not np.isfinite(element.right), element


def judged(problem: Problem, theirs: Any) -> Against:
    return judge(point_of(problem), theirs)


@dear(10)
@given(with_error(), st.booleans(), st.data())
def test_a_wrong_one_never_passes(problem: Problem, single: bool, data: st.DataObject) -> None:
    """One off by more than its bound differs, and nothing else does."""
    point = point_of(problem)
    dtype = np.float32 if single else np.float64
    theirs = Elsewhere(problem, dtype, np.random.default_rng(5)).gradients(point.shown)
    found = judge(point, theirs)
    clear = found.bounds <= 0.25 * np.abs(found.right)  # not what agrees in every bit alone
    sure = [k for k, v in enumerate(found.verdicts) if v == 0 and found.given[k] and clear[k]]
    assume(sure and np.isfinite(found.theirs).all())
    k = data.draw(st.sampled_from(sure))
    element = found.element(k)
    wrong = data.draw(st.sampled_from((0.0, 2.0 * element.right, -element.right, np.nan, np.inf)))
    flat = found.theirs.copy()
    flat[k] = wrong
    again = judge(point, as_pairs(problem, flat.astype(dtype)), explain=False)
    assert again.element(k).verdict == "differs", (wrong, element)
    assert again.counts["differs"] == 1
    assert not again.ok


def test_what_is_the_same_in_every_bit_agrees_whatever_rounding_may_do() -> None:
    """A gradient that is a small rest of large terms, calculated in the same order."""
    problem = Problem(
        Network((Layer(1), Layer(1))),
        Parameters((((1e9,),),), ((),)),
        (Sample((1.0,), (1e9 - 2.0**-23,)),),
    )
    point = point_of(problem)
    logged = point.trace.log[point.problem.layout.gradients]
    assert logged
    same, zero = (judge(point, [np.array([[g]])]) for g in (logged, 0.0))
    assert same.counts["agrees"] == 1
    assert zero.counts["undecided"] == 1


def as_pairs(problem: Problem, flat: Any) -> Pairs:
    return list(zip(*matrices(problem.network, flat), strict=True))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_bound_is_tight_enough_to_be_of_use(dtype: Any) -> None:
    """In 64-30-10 most gradients can be compared to 11 digits, or to 2 in float32."""
    problem = some((64, 30, 10), ("tanh", "sigmoid"), samples=2)
    found = judged(problem, right(problem, dtype))
    assert found.ok
    relative = np.median(found.bounds / np.abs(found.right))
    assert relative < (1e-11 if dtype is np.float64 else 1e-2)


def test_float32_in_float64_is_told() -> None:
    problem = some()
    stored = [(w.astype(float), b.astype(float)) for w, b in right(problem, np.float32)]
    found = judged(problem, stored)
    assert found.ok
    assert found.arithmetic.name == "float32"
    assert [note.name for note in found.notes] == ["like float32"]


def test_float64_of_float32_accuracy_differs_and_is_told() -> None:
    problem = some()
    theirs = [(w * (1 + 1e-7), b) for w, b in right(problem)]
    found = judged(problem, theirs)
    assert not found.ok
    assert found.arithmetic.name == "float64"
    assert [note.name for note in found.notes] == ["within float32"]


Change = Callable[[Pairs], Any]


def row(w: Any, b: Any, factor: float) -> tuple[Any, Any]:
    w[2] *= factor
    b[2] *= factor
    return w, b


def column(w: Any, b: Any) -> tuple[Any, Any]:
    w[:, 1] *= 0.3
    return w, b


def one(w: Any, b: Any) -> tuple[Any, Any]:
    w[2, 1] *= 1.001
    return w, b


PATTERNS: dict[str, tuple[Change, list[tuple[str, str, int, float | None]]]] = {
    "twice": (lambda p: [(2 * w, 2 * b) for w, b in p], [("factor", "all", 0, 2.0)]),
    "sign": (lambda p: [(-w, -b) for w, b in p], [("sign", "all", 0, -1.0)]),
    "nothing": (lambda p: [(0 * w, 0 * b) for w, b in p], [("zero", "all", 0, None)]),
    "a layer": (
        lambda p: altered(p, 1, lambda w, b: (w / 2, b / 2)), [("factor", "layer", 1, 0.5)]
    ),
    "weights": (lambda p: altered(p, 2, lambda w, b: (3 * w, b)), [("factor", "weights", 2, 3.0)]),
    "biases": (lambda p: altered(p, 2, lambda w, b: (w, 0 * b)), [("zero", "biases", 2, None)]),
    "a neuron": (
        lambda p: altered(p, 2, lambda w, b: row(w, b, 0.3)), [("factor", "rows", 2, 0.3)]
    ),
    "a dead neuron": (
        lambda p: altered(p, 2, lambda w, b: row(w, b, 0.0)), [("zero", "rows", 2, None)]
    ),
    "a source": (lambda p: altered(p, 2, column), [("factor", "columns", 2, 0.3)]),
    "each row": (
        lambda p: altered(p, 2, lambda w, b: ((w.T * range(2, 7)).T, b * range(2, 7))),
        [("own factors", "rows", 2, None)],
    ),
    "neurons permuted": (
        lambda p: altered(p, 2, lambda w, b: (w[[1, 0, 2, 4, 3]], b[[1, 0, 2, 4, 3]])),
        [("order", "rows", 2, None)],
    ),
    "read in the wrong order": (
        lambda p: altered(p, 2, lambda w, b: (w.T.reshape(w.shape), b)),
        [("transposed", "weights", 2, None)],
    ),
    "one number": (lambda p: altered(p, 2, one), [("single", "weights", 2, None)]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.ci)])
@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_are_found(name: str, dtype: Any) -> None:
    change, expected = PATTERNS[name]
    problem = some()
    theirs = [(w.astype(dtype), b.astype(dtype)) for w, b in change(right(problem, dtype))]
    found = judged(problem, theirs)
    assert [(p.name, p.what, p.layer) for p in found.patterns] == [e[:3] for e in expected]
    for pattern, (*_, factor) in zip(found.patterns, expected, strict=True):
        if factor is not None:
            assert pattern.factor is not None
            assert abs(pattern.factor - factor) < 1e-4 * abs(factor)  # float32, with its bound
    assert not found.ok


def test_a_neuron_is_named_by_its_number() -> None:
    problem = some()
    found = judged(problem, altered(right(problem), 2, lambda w, b: row(w, b, 0.3)))
    assert found.patterns[0].places == (3,)
    assert found.patterns[0].number == 4


def test_no_number_is_a_pattern() -> None:
    problem = some()
    found = judged(problem, altered(right(problem), 1, lambda w, b: (w * np.nan, b)))
    assert found.patterns == (Pattern("not finite", "all", number=12),)
    assert found.counts["differs"] == 12


# -------------------------------------------------------------------------------- causes


@pytest.mark.ci
def test_every_mistake_explains_its_own_gradients() -> None:
    """Those of the table made everywhere: each is found, or another with the same numbers."""
    problem = some((2, 4, 3), ("softplus", "sigmoid"), samples=2)
    point = point_of(problem)
    first = judge(point, right(problem))
    made = list(mistaken_gradients(point))
    assert len(made) > 300
    for one_of_them in made[::50]:
        theirs = one_of_them.gradients
        compared = Compared(first.right, theirs, first.bounds, first.given, first.given)
        found = causes(point, compared, first.arithmetic.unit)
        names = {cause.mistake for cause in found}
        assert one_of_them.mistake in names or len(names) == 4, one_of_them


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("mistake", "wording"),
    [("drop-factor", "slope"), ("derivative", "formula"), ("updated-weight", "all"),
     ("drop-term", "bias"), ("sign", "whole")],
)  # fmt: skip
def test_a_planted_mistake_is_named_first_or_equalled(
    mistake: str, wording: str, dtype: Any
) -> None:
    problem = some()
    point = point_of(problem)
    planted = next(
        m for m in mistaken_gradients(point) if (m.mistake, m.wording) == (mistake, wording)
    )
    found = judge(point, as_pairs(problem, planted.gradients.astype(dtype)))
    assert mistake in {cause.mistake for cause in found.causes}


def test_mean_for_sum() -> None:
    problem = some()
    found = judged(problem, [(w / 3, b / 3) for w, b in right(problem)])
    assert found.causes[0].mistake == "other-reduction"
    found = judged(replace(problem, training=replace(problem.training, reduction="mean")),
                   [(w, b) for w, b in right(problem)])  # fmt: skip
    assert found.causes[0].mistake == "other-reduction"


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_batch_that_is_overwritten_or_short_of_a_sample(reduction: str) -> None:
    problem = some(reduction=reduction)
    sums = replace(problem, training=replace(problem.training, reduction="sum"))
    other = Elsewhere(sums, np.float64, np.random.default_rng(1))
    last = judged(problem, other.gradients((3,)))
    assert [c.mistake for c in last.causes] == ["one-sample"]
    assert last.causes[0].title[0] == "only sample 3 of the batch is counted"
    short = judged(problem, other.gradients((1, 3)))
    assert short.causes[0].mistake == "sample-left-out"
    assert short.causes[0].title[1] == "批内漏了样本 2"


def test_the_slope_at_the_input_of_a_layer() -> None:
    """As wide as its input, a layer can take its slope there, and all shapes are right."""
    problem = some((3, 3, 2), ("softplus", "sigmoid"))

    class Wrong(Elsewhere):
        def through(self, layer: Layer, by_out: Any, z: Any, a: Any) -> Any:
            if layer.activation == "softplus":
                z = np.array([s.x for s in self.problem.samples])
            return super().through(layer, by_out, z, a)

    theirs = Wrong(problem, np.float64, np.random.default_rng(1)).gradients(problem.batch(1))
    found = judged(problem, theirs)
    assert {e.address.layer for e in found if e.verdict == "differs"} == {1}
    assert [(c.mistake, c.wording, c.layers) for c in found.causes] == [
        ("derivative", "input", (1,))
    ]


def test_where_shapes_do_not_decide_a_cause_does() -> None:
    """A square network by columns, with a mistake: read by rows nothing explains it."""
    problem = some((3, 3), ("sigmoid",))
    point = point_of(problem)
    made = next(
        m for m in mistaken_gradients(point)
        if (m.mistake, m.wording) == ("drop-factor", "slope")
    )  # fmt: skip
    ((w, b),) = as_pairs(problem, made.gradients)
    for matrix in (w, w.T):
        found = judge(point, [(matrix, b)])
        assert "drop-factor" in {cause.mistake for cause in found.causes}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_slope_that_is_left_out_of_dead_neurons(dtype: Any) -> None:
    """The right gradients of a dead relu are exactly 0; what stands there instead is rounded."""
    problem = some((9, 7, 3), ("relu", "sigmoid"), samples=1)
    assert (right(problem)[0][1] == 0.0).any()

    class Wrong(Elsewhere):
        def through(self, layer: Layer, by_out: Any, z: Any, a: Any) -> Any:
            is_relu = layer.activation == "relu"
            return by_out if is_relu else super().through(layer, by_out, z, a)

    theirs = Wrong(problem, dtype, np.random.default_rng(1)).gradients(problem.batch(1))
    found = judged(problem, theirs)
    assert ("drop-factor", "slope", (1,)) in [
        (c.mistake, c.wording, c.layers) for c in found.causes
    ]
