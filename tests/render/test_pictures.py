"""Curves and boundaries made of characters."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures_of import network, points
from rich.cells import cell_len

from bptrace.errors import BptraceError
from bptrace.model import Sample
from bptrace.pictures import watch
from bptrace.pictures.history import Scale
from bptrace.render.boundary import Boundary
from bptrace.render.console import plain_text
from bptrace.render.curves import Curve
from bptrace.render.raster import Raster, row_of, stretches
from bptrace.render.words import Words

EN, ZH = Words("en"), Words("zh")


def lines(view: object, width: int = 60) -> list[str]:
    return plain_text(view, width).splitlines()  # type: ignore[arg-type]


def test_a_falling_error_is_straight_on_a_logarithmic_scale() -> None:
    assert lines(Curve([8.0 / 2**k for k in range(13)], EN, height=3), 34) == [
        "      E  logarithmic",
        "      8 │⠉⠉⠒⠒⠤⠤⣀⡀",
        "        │       ⠈⠉⠑⠒⠒⠒⠤⠤⣀⣀",
        "0.00195 │                 ⠉⠑⠒⠢⠤⢄⣀",
        "         1        steps        13",
    ]


def test_in_ascii_and_in_chinese() -> None:
    shown = lines(Curve([4.0, 2.0, 1.0], ZH, height=2, ascii=True, unit="epoch"), 30)
    assert shown == [
        "E",
        "4 |'''''''''.",
        "1 |         '''''''''........",
        "   1           轮           3",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 120])
@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("ascii", [False, True])
def test_pictures_keep_to_the_width(width: int, words: Words, ascii: bool) -> None:
    errors = [3e5 / (1 + k * k) for k in range(1000)]
    for view in (Curve(errors, words, ascii=ascii), Boundary(network(), words, ascii=ascii)):
        shown = lines(view, width)
        assert max(map(cell_len, shown)) <= width
        assert not ascii or words is ZH or all(line.isascii() for line in shown)


@given(st.lists(st.floats(), max_size=60))
def test_any_values_make_a_picture(values: list[float]) -> None:
    shown = lines(Curve(values, EN, height=3), 40)
    assert shown


def test_first_and_last_step_stand_below_the_ends() -> None:
    shown = lines(Curve([1.0, 2.0], EN, steps=[300, 900]), 50)
    assert shown[-1].split() == ["300", "steps", "900"]
    assert len(shown[-1]) == 50 - 1


@pytest.mark.parametrize(("bad", "words", "text"), [
    (nan, EN, "not a number in step 3"), (inf, ZH, "第 3 步不是有限数"),
])  # fmt: skip
def test_the_end_of_all_numbers_is_said(bad: float, words: Words, text: str) -> None:
    assert text in lines(Curve([1.0, 0.5, bad], words))[-1]


def test_nothing_to_draw() -> None:
    assert lines(Curve([], EN)) == ["E: there is nothing to draw yet"]
    assert lines(Curve([nan], ZH)) == ["E: 还没有可画的内容"]


def test_a_flat_curve_has_one_label() -> None:
    shown = lines(Curve([0.25] * 9, EN))
    assert sum("0.25" in line for line in shown) == 1


def test_dots_of_braille_and_ascii() -> None:
    field = Raster(1, 1)
    field.put(0, 3)
    field.put(1, 0)
    field.put(9, 9)
    assert field.lines() == ["⢁"]
    both = Raster(2, 1, ascii=True)
    both.bar(0, 0, 1)
    both.put(1, 0)
    assert both.lines() == [":."]


@given(st.lists(st.floats(), min_size=1, max_size=50), st.integers(1, 30))
def test_stretches_hold_every_value(values: list[float], count: int) -> None:
    found = stretches(values, count)
    assert len(found) == count
    assert all(found)
    if len(values) >= count:
        assert [repr(v) for part in found for v in part] == [repr(v) for v in values]


def test_rows_of_a_scale() -> None:
    linear, log = Scale(0.0, 10.0, False), Scale(0.01, 100.0, True)
    assert [row_of(v, linear, 11) for v in (0.0, 5.0, 10.0)] == [0, 5, 10]
    assert [row_of(v, log, 5) for v in (0.0, 0.01, 1.0, 100.0)] == [0, 0, 2, 4]
    assert row_of(3.0, Scale(3.0, 3.0, False), 6) == 3
    assert row_of(1e308, Scale(-1e308, 1e308, False), 6) == 5


# Boundaries


def test_a_boundary_shows_areas_and_samples_of_both_classes() -> None:
    problem = watch(network(samples=points(2, 1, 30), batch=1, steps=900)).problem
    assert problem is not None
    shown = lines(Boundary(problem, EN, width=30, height=8, ascii=True))
    field = [line.partition("|")[2].rpartition("|")[0] for line in shown[:8]]
    assert {len(row) for row in field} == {30}
    assert set("".join(field)) == set("ox. ")
    # Class 1 lies right of class 0, and so does its area.
    assert "".join(field).count("x") > 10 < "".join(field).count("o")
    assert max(row.rfind(" ") for row in field) < min(row.rfind(".") for row in field)
    assert " ".join(" ".join(shown[9:]).split()) == (
        "o 0 x 1 [ ] answer 0 [.] answer 1 96.7 % right"
    )


def test_several_classes_have_signs_and_shades() -> None:
    problem = watch(network((2, 6, 3), points(2, 3, 30), batch=3, steps=900)).problem
    assert problem is not None
    shown = "\n".join(lines(Boundary(problem, ZH, test=points(2, 3, 3, 8))))
    for piece in ("o 1", "x 2", "+ 3", "[▒] 判为 3"):
        assert piece in shown


def test_a_cell_with_several_samples_shows_the_commonest_class() -> None:
    here = [Sample((1.0, 1.0), (t,)) for t in (0.0, 1.0, 1.0)]
    problem = network(samples=(*here, Sample((3.0, 2.0), (0.0,))))
    shown = "\n".join(lines(Boundary(problem, EN, width=20, height=6))[:6])
    assert (shown.count("x"), shown.count("o")) == (1, 1)


def test_one_input_is_a_curve_with_its_targets() -> None:
    problem = network((1, 4, 1), points(1, 1, 6))
    shown = lines(Boundary(problem, EN, width=30, height=6, ascii=True))
    assert sum(line.count("o") for line in shown[:6]) >= 4
    assert len(shown) == 7


def test_samples_without_targets_are_dots() -> None:
    problem = network()
    blind = replace(problem, samples=tuple(Sample(s.x) for s in problem.samples))
    shown = "\n".join(lines(Boundary(blind, EN)))
    assert "·" in shown
    assert "right" not in shown


def test_more_than_two_inputs_are_refused() -> None:
    with pytest.raises(BptraceError, match="one or two inputs; this one has 3"):
        lines(Boundary(network((3, 2, 1)), EN))
