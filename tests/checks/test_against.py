"""Somebody else's gradients: no false alarm in float64 or float32, and no wrong one that passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from effort import dear
from elsewhere import Elsewhere, Pairs
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import MOSTLY_HUGE, problems, with_formulas

from bptrace.checks.against import Against, judge
from bptrace.checks.causes import causes
from bptrace.checks.figures import matrices
from bptrace.checks.gradients import point_of
from bptrace.checks.mistaken import mistaken_gradients
from bptrace.checks.patterns import Compared, Pattern
from bptrace.errors import FileError
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


def some(
    widths: tuple[int, ...] = (4, 3, 5, 2),
    names: tuple[str, ...] = ("tanh", "softplus", "sigmoid"),
    samples: int = 3,
    **training: Any,
) -> Problem:
    """A network with numbers that have no pattern; all samples are one batch."""
    rng = np.random.default_rng(11)
    layers = [Layer(n, activation=a, biases=n) for n, a in zip(widths[1:], names, strict=True)]
    weights = [rng.normal(0.0, 1.2 / m**0.5, (n, m)) for m, n in pairwise(widths)]
    drawn = [(rng.normal(0.0, 1.0, widths[0]), rng.random(widths[-1])) for _ in range(samples)]
    return Problem(
        Network((Layer(widths[0]), *layers)),
        Parameters(
            tuple(tuple(map(tuple, w.tolist())) for w in weights),
            tuple(tuple(rng.uniform(0.1, 0.9, n).tolist()) for n in widths[1:]),
        ),
        tuple(Sample(tuple(x.tolist()), tuple(t.tolist())) for x, t in drawn),
        Training("gradient-descent", 0.5, batch=samples, **training),
    )


def right(problem: Problem, dtype: Any = np.float64) -> Pairs:
    rng = np.random.default_rng(3)
    return Elsewhere(problem, dtype, rng).gradients(problem.batch(1))


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
    again = judge(point, as_pairs(problem, flat.astype(dtype)))
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


# ------------------------------------------------------------------------------- layouts

Change = Callable[[Pairs], Any]


def augmented(pairs: Pairs) -> list[Any]:
    return [np.column_stack([w, b]) for w, b in pairs]


LAYOUTS: dict[str, tuple[Change, set[str]]] = {
    "pairs": (lambda p: p, set()),
    "columns": (lambda p: [(w.T, b) for w, b in p], {"columns"}),
    "biases as columns": (lambda p: [(w, b[:, None]) for w, b in p], set()),
    "last column": (augmented, {"biases last column"}),
    "first column": (lambda p: [np.column_stack([b, w]) for w, b in p], {"biases first column"}),
    "last row": (lambda p: [a.T for a in augmented(p)], {"columns", "biases last row"}),
    "flat": (lambda p: [(w.ravel(), b) for w, b in p], {"flat"}),
    "flat columns": (lambda p: [(w.T.ravel(), b) for w, b in p], {"columns", "flat"}),
    "vector": (
        lambda p: np.concatenate([part.ravel() for pair in p for part in pair]),
        {"vector W b W b"},
    ),
    "vector, biases behind": (
        lambda p: np.concatenate([x.ravel() for side in zip(*p, strict=True) for x in side]),
        {"vector W W b b"},
    ),
    "one by one": (lambda p: [part for pair in p for part in pair], set()),
    "all weights first": (lambda p: [*(w for w, _ in p), *(b for _, b in p)], set()),
    "dW1": (
        lambda p: {f"d{n}{l}": x for l, s in enumerate(p, 1) for n, x in zip("Wb", s, strict=True)},
        set(),
    ),
    "from 0": (
        lambda p: {f"{n}{l}": x for l, s in enumerate(p) for n, x in zip("Wb", s, strict=True)},
        set(),
    ),
    "a state": (
        lambda p: {
            f"{2 * l}.{n}": x
            for l, s in enumerate(p)
            for n, x in zip(("weight", "bias"), s, strict=True)
        },
        set(),
    ),
    "named modules": (
        lambda p: {
            f"net.{name}.{n}.grad": x
            for name, s in zip(("fc", "mid", "head"), p, strict=True)
            for n, x in zip(("weight", "bias"), s, strict=True)
        },
        set(),
    ),
    "dictionaries": (lambda p: [{"dW": w.tolist(), "db": b.tolist()} for w, b in p], set()),
    "dictionaries by name": (
        lambda p: {f"layer{l}": {"weights": w, "biases": b} for l, (w, b) in enumerate(p, 1)},
        set(),
    ),
    "archive without names": (
        lambda p: {f"arr_{k}": x for k, x in enumerate(x for s in p for x in s)},
        set(),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_recognised_and_told(name: str) -> None:
    change, notes = LAYOUTS[name]
    problem = some()
    found = judged(problem, change(right(problem)))
    assert found.ok
    assert found.counts["agrees"] == problem.layout.n_parameters
    assert {note.name for note in found.notes} == notes


def test_parameters_beside_their_gradients_are_left_alone() -> None:
    problem = some()
    theirs: dict[str, Any] = {"x": np.ones(4)}
    for l, (w, b) in enumerate(right(problem), 1):
        theirs |= {f"W{l}": 0 * w, f"dW{l}": w, f"b{l}": 0 * b, f"db{l}": b}
    found = judged(problem, theirs)
    assert found.ok
    assert {note.detail for note in found.notes} >= {"x", "W1", "b3"}


def test_in_square_layers_the_numbers_decide() -> None:
    problem = some((3, 3, 2), ("tanh", "sigmoid"))
    pairs = right(problem)
    assert not judged(problem, pairs).notes
    square = some((3, 3), ("tanh",))
    found = judged(square, [(w.T, b) for w, b in right(square)])
    assert [note.name for note in found.notes] == ["columns"]
    assert found.ok


def test_what_other_layers_decide_holds_for_square_ones() -> None:
    """Rows in one layer: then the transposed other one is a mistake and no layout."""
    problem = some((3, 3, 2), ("tanh", "sigmoid"))
    (w1, b1), second = right(problem)
    found = judged(problem, [(w1.T, b1), second])
    assert [(p.name, p.what, p.layer) for p in found.patterns] == [("transposed", "weights", 1)]


def test_one_bias_for_a_layer_is_a_sum_of_theirs() -> None:
    problem = some()
    layers = list(problem.network.layers)
    layers[1] = replace(layers[1], biases=1)
    rows = problem.parameters.biases
    parameters = replace(problem.parameters, biases=((0.3,), *rows[1:]))
    problem = replace(
        problem, network=replace(problem.network, layers=tuple(layers)), parameters=parameters
    )
    split = replace(layers[1], biases=3)
    each = replace(
        problem, network=replace(problem.network, layers=(layers[0], split, *layers[2:])),
        parameters=replace(parameters, biases=((0.3,) * 3, *rows[1:])),
    )  # fmt: skip
    found = judged(problem, right(each))
    assert found.ok
    assert [note.name for note in found.notes] == ["summed biases"]


# ------------------------------------------------------------------------------ patterns


def altered(pairs: Pairs, l: int, f: Callable[[Any, Any], tuple[Any, Any]]) -> Pairs:
    return [f(w.copy(), b.copy()) if k == l else (w, b) for k, (w, b) in enumerate(pairs, 1)]


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


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
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


# -------------------------------------------------------------------------- wrong arrays


def pairs_of(f: Callable[[Any, Any], tuple[Any, Any]]) -> Change:
    return lambda p: altered(p, 1, f)


WRONG: dict[str, tuple[Change, str]] = {
    "shape": (
        pairs_of(lambda w, b: (w[:, :-1], b)),
        "dW of layer 1 has the shape (3, 3); layer 1 has 3 neurons with 4 inputs, so (3, 4) or "
        "(4, 3) was expected",
    ),
    "samples": (pairs_of(lambda w, b: (np.array([w, w]), b)), "One for each sample? Add them up"),
    "biases": (
        pairs_of(lambda w, b: (w, b[:-1])),
        "db of layer 1 has the shape (2,); layer 1 has 3 neurons. Expected (3,).",
    ),
    "no biases": (pairs_of(lambda w, b: (w, None)), "the biases of layer 1 are missing"),
    "missing layer": (
        lambda p: {f"dW{l}": p[l - 1][0] for l in (1, 3)},
        "what belongs to which layer cannot be told; there is dW1 (3, 4), dW3 (2, 5). Expected "
        "dW1 (3, 4), db1 (3,), dW2 (5, 3), db2 (5,), dW3 (2, 5), db3 (2,).",
    ),
    "too few": (lambda p: p[:2], "2 layers were given, the network has 3. Expected dW1 (3, 4)"),
    "nothing": (lambda p: {}, "no array is in it. Expected dW1 (3, 4)"),
    "a number": (lambda p: 0.5, "there is a single number and no arrays. Expected dW1 (3, 4)"),
    "vector": (lambda p: np.zeros(9), "the array has 9 numbers; the network has 47 weights"),
    "float16": (
        pairs_of(lambda w, b: (w.astype(np.float16), b)),
        "dW of layer 1 holds float16; gradients are float64 or float32. Eleven bits are too few",
    ),
    "integers": (
        pairs_of(lambda w, b: (w.astype(int), b)),
        "dW of layer 1 holds int64; gradients are float64 or float32. Whole numbers are no",
    ),
    "complex": (pairs_of(lambda w, b: (w + 1j, b)), "dW of layer 1 holds complex128"),
    "text": (pairs_of(lambda w, b: (w.astype(str), b)), "dW of layer 1 holds no numbers"),
    "ragged": (
        lambda p: [{"dW": [[1.0, 2.0], [3.0]], "db": [1.0]}, *p[1:]],
        "dW of layer 1 is no array: its rows are of different lengths",
    ),
    "keys": (lambda p: [{"dX": [1.0]}, *p[1:]], "layer 1 has 'dX'. Expected \"dW\" and \"db\""),
    "twice": (
        lambda p: {"dW1": p[0][0], "gradW1": p[0][0]},
        "'dW1' and 'gradW1' could both be meant. Leave one of them out.",
    ),
    "element": (lambda p: {"dE/dw[1,9,1]": 0.5}, "'dE/dw[1,9,1]' is no gradient of a weight"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_told(name: str) -> None:
    change, message = WRONG[name]
    problem = some()
    with pytest.raises(FileError) as error:
        judged(problem, change(right(problem)))
    assert message in str(error.value)
