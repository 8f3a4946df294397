"""Weights drawn at once are those drawn one by one, in every bit."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bptrace.io import drawn
from bptrace.maths.initial import INITIALS, Numbers, draw_layer


def bits(rows: tuple[tuple[float, ...], ...]) -> list[bytes]:
    return [array("d", row).tobytes() for row in rows]


@pytest.mark.parametrize("name", INITIALS.names)
@given(
    seed=st.integers(0, 2**40),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 60)),
    biases=st.sampled_from([0, 1, 5]),
    before=st.integers(0, 700),
    normal_before=st.booleans(),
)
@example(seed=0, shape=(1, 1), biases=1, before=0, normal_before=True)
def test_all_at_once_or_one_by_one(
    name: str, seed: int, shape: tuple[int, int], biases: int, before: int, normal_before: bool
) -> None:
    """The generator gives 312 numbers between two reckonings: `before` begins anywhere in them.

    What is drawn afterwards is the same as well: nothing is lost, and nothing comes twice.
    """
    initial, one, other = INITIALS.get(name), Numbers(seed), Numbers(seed)
    for numbers in (one, other):
        for _ in range(before):
            numbers.uniform()
        if normal_before:  # its twin is still to come
            numbers.normal()
    expected = draw_layer(initial, one, 0.3, shape, biases)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn, "FEW", 1)
        patch.setattr(drawn, "_BLOCK", 100)
        found = drawn.drawn(initial, other, 0.3, shape, biases)
    assert bits(found[0]) == bits(expected[0])
    assert bits((found[1],)) == bits((expected[1],))
    assert {type(w) for row in found[0] for w in row} == {float}
    assert [other.normal(), other.uniform()] == [one.normal(), one.uniform()]


def test_few_weights_need_no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "_Many", None)
    initial = INITIALS.get("he")
    expected = draw_layer(initial, Numbers(1), 1.0, (499, 100), 0)
    assert drawn.drawn(initial, Numbers(1), 1.0, (499, 100), 0) == expected
    with pytest.raises(TypeError):
        drawn.drawn(initial, Numbers(1), 1.0, (500, 100), 0)
