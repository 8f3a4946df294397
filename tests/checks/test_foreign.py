"""Arrays of others: which layer, which rows; what names, shapes and numbers can tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from elsewhere import Pairs, altered, right, some

from bptrace.checks.foreign.against import Against, judge
from bptrace.checks.gradients import point_of
from bptrace.errors import FileError
from bptrace.model import Problem

Change = Callable[[Pairs], Any]


def judged(problem: Problem, theirs: Any) -> Against:
    return judge(point_of(problem), theirs)


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
