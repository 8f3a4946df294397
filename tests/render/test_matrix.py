"""The matrix form: golden pages, and that its numbers and equations are those of the line form.

After an intended change write the pages anew by running this file, and read every one of them:
``python tests/render/test_matrix.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st
from named import named
from rich.cells import cell_len

from bptrace import io
from bptrace.address import Address, Quantity
from bptrace.engine import run
from bptrace.maths.rules import RULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.notation import Notation, dialect_names
from bptrace.render.calculation import Options
from bptrace.render.console import make_console
from bptrace.render.grid import ASCII, UNICODE, Array, Equation, Part, Sheet
from bptrace.render.matrix import MatrixForm
from bptrace.render.words import LANGUAGES, Words

Q = Quantity
GOLDEN = Path(__file__).parent / "golden"


def page(
    problem: Problem,
    width: int = 80,
    dialect: str = "",
    ascii: bool = False,
    language: str = "en",
    **options: object,
) -> str:
    """Return a calculation in matrix form as it is printed, without colour."""
    trace = run(problem, "python")
    notation = Notation.of(trace.problem, dialect, ascii=ascii)
    file = StringIO()
    console = make_console(ascii=ascii, file=file, width=width)
    console.print(MatrixForm(trace, notation, Words(language), Options(**options)))  # type: ignore[arg-type]
    return file.getvalue()


# Golden pages


def by_hand() -> Problem:
    return replace(io.load("lh25-2020"), claims=(), file="lh25-2020")


def batch() -> Problem:
    problem = io.load("schiendorfer-batch")
    return replace(problem, training=replace(problem.training, steps=1), claims=())


def everything() -> Problem:
    """A mask, a shared bias, a softmax, targets that do not sum to 1, and Adam with decay."""
    layers = (
        Layer(2),
        Layer(3, activation="tanh", biases=1, mask=((True, False), (True, True), (True, True))),
        Layer(2, activation="softmax", biases=2),
    )
    weights = (
        ((0.1, 0.0), (0.3, -0.4), (0.5, 0.25)),
        ((0.5, -0.6, 0.7), (0.8, 0.9, -1.0)),
    )
    return Problem(
        Network(layers, loss="cross-entropy"),
        Parameters(weights, ((0.2,), (0.1, 0.3))),
        (Sample((0.1, 0.2), (1.0, 0.0)), Sample((0.3, -0.2), (0.5, 0.2))),
        Training("adam", 0.1, batch=2, reduction="mean", weight_decay=0.01),
        dialect="xy",
    )


def local() -> Problem:
    """A rule that follows no error, over a batch, with a bias that two neurons share."""
    return Problem(
        Network((Layer(3), Layer(2, activation="bipolar-step", biases=1)), loss="none"),
        Parameters((((0.1, 0.0, 0.5), (0.3, -0.4, 1.0)),), ((0.2,),)),
        (Sample((0.1, 0.2, 1.0), (1.0, -1.0)), Sample((-0.1, 0.2, 1.0), (1.0, 1.0))),
        Training("perceptron-label", 0.1, batch=2, reduction="mean"),
    )


def minus() -> Problem:
    """δ is −∂E/∂in."""
    return replace(by_hand(), minus_delta=True, dialect="rojas")


class Golden(NamedTuple):
    problem: Callable[[], Problem]
    width: int = 80
    dialect: str = ""
    ascii: bool = False
    language: str = "en"
    digits: int = 10


PAGES = {
    "matrix": Golden(by_hand),
    "matrix-zh-nielsen-120": Golden(by_hand, 120, "nielsen", language="zh"),
    "matrix-ascii-50": Golden(by_hand, 50, ascii=True),
    "matrix-minus-rojas": Golden(minus),
    "matrix-batch": Golden(batch, dialect="nielsen"),
    "matrix-everything": Golden(everything, digits=5),
    "matrix-local": Golden(local),
}


def golden(name: str) -> str:
    made = PAGES[name]
    return page(
        made.problem(), made.width, made.dialect, made.ascii, made.language, digits=made.digits
    )


@pytest.mark.parametrize("name", PAGES)
def test_golden_pages(name: str) -> None:
    assert golden(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


# What is true of every page


@dear(8)
@given(named(), st.sampled_from(dialect_names()), st.data())
def test_pages_keep_to_their_width_and_alphabet(
    problem: Problem, dialect: str, data: st.DataObject
) -> None:
    """Every network, rule and loss can be printed; matrices are cut so that they fit."""
    width = data.draw(st.sampled_from((50, 80, 120)))
    ascii = data.draw(st.booleans())
    text = page(problem, width, dialect, ascii, data.draw(st.sampled_from(LANGUAGES)), digits=4)
    body = text.partition("\n\n")[2] if ascii else text
    for line in body.splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()
    assert not re.search("[\ue000-\uf8ff]", text)  # what stands for arrays is always replaced


def numbers(text: str) -> list[str]:
    return re.findall(r"−?\d+(?:\.\d+)?(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?", text)


def result(text: str, left: str) -> list[str]:
    """Return the numbers of the last matrix in the equation for `left`."""
    lines = text.splitlines()
    (start,) = (k for k, line in enumerate(lines) if line[7:].startswith(f"{left} = "))
    indent = 7 + cell_len(left)
    end = next(
        (k for k, line in enumerate(lines[start + 1 :], start + 1) if line[:indent].strip()),
        len(lines),
    )
    block = [line for line in lines[start:end] if re.search(r"[\]⎤⎥⎦]$", line)]
    top = max(k for k, line in enumerate(block) if line.endswith(("⎤", "]")))
    rows = [line for line in block[top:] if cell_len(line) == cell_len(block[top])]
    return [n for line in rows for n in numbers(re.split(r"[\[⎡⎢⎣]", line)[-1])]


WIDE = Problem(  # no two widths are equal, so that a transposed matrix shows
    Network(
        (
            Layer(4),
            Layer(3, activation="tanh", biases=3),
            Layer(2, activation="sigmoid", biases=2),
        )
    ),
    Parameters(
        (
            ((0.1, -0.2, 0.3, 0.4), (0.5, 0.6, -0.7, 0.8), (0.9, 1.0, 1.1, -1.2)),
            ((0.3, -0.1, 0.2), (0.7, 0.4, -0.5)),
        ),
        ((0.15, 0.25, 0.35), (-0.45, 0.55)),
    ),
    (Sample((0.2, -0.3, 0.5, 0.7), (0.1, 0.9)),),
    Training("gradient-descent", 0.5),
    dialect="nielsen",
)


@pytest.mark.parametrize(
    ("left", "quantity", "layer"),
    [
        ("z^2", Q.IN, 1),
        ("a^3", Q.OUT, 2),
        ("δ^3", Q.D_IN, 2),
        ("δ^2", Q.D_IN, 1),
        ("∂C/∂W^3", Q.D_W, 2),
        ("∂C/∂W^2", Q.D_W, 1),
        ("∂C/∂b^2", Q.D_B, 1),
        ("W^2⁺", Q.W_NEW, 1),
        ("b^3⁺", Q.B_NEW, 2),
    ],
)
def test_each_number_stands_in_its_row_and_column(left: str, quantity: Q, layer: int) -> None:
    text = page(WIDE, 120, digits=6)
    trace = run(WIDE, "python")
    notation = Notation.of(WIDE)
    widths = WIDE.network.widths
    columns = widths[layer - 1] if quantity in (Q.D_W, Q.W_NEW) else 0
    sample = 1 if quantity.per_sample else 0
    expected = [
        notation.number(trace.value(Address(quantity, layer, j, i).at(sample, 1)), 6)
        for j in range(1, widths[layer] + 1)
        for i in (range(1, columns + 1) if columns else (0,))
    ]
    assert result(text, left) == expected


def test_the_four_equations_are_named_in_order() -> None:
    text = page(WIDE, 120)
    assert re.findall(r"^  (BP\d)  (\S+) =", text, re.M) == [
        ("BP1", "δ^3"),
        ("BP3", "∂C/∂b^3"),
        ("BP4", "∂C/∂W^3"),
        ("BP2", "δ^2"),
        ("BP3", "∂C/∂b^2"),
        ("BP4", "∂C/∂W^2"),
    ]
    assert "δ^3 = ∇_a C ⊙ σ′(z^3)\n" in text
    assert "δ^2 = ((W^3)ᵀ δ^3) ⊙ tanh′(z^2)\n" in text
    assert "∂C/∂W^2 = δ^2 (a^1)ᵀ\n" in text


def test_a_gradient_of_one_sample_is_not_that_of_the_batch() -> None:
    text = page(batch(), dialect="nielsen")
    trace = run(batch(), "python")
    for s in (1, 2):
        value = trace.value(Address(Q.D_W, 2, 1, 2, sample=s, step=1))
        cells = result(text, f"∂C{'⁽¹⁾' if s == 1 else '⁽²⁾'}/∂W^3")
        assert cells[1] == Notation.of(batch()).number(value, 10)


@pytest.mark.parametrize("rule", RULES.names)
def test_every_rule_has_a_page(rule: str) -> None:
    """With its memory where it has one; a local rule has its step."""
    problem = replace(WIDE, training=Training(rule, 0.5))
    text = page(problem)
    entry = RULES.get(rule)
    lefts = re.findall(r"^       (\S+) =", text, re.M)
    assert "W^3⁺" in lefts
    for memory in entry.memory:
        assert f"{memory.quantity.head.upper()}_W^2⁺" in lefts
    assert ("ΔW^3" in lefts) == (entry.local is not None)


def test_a_large_batch_is_summed_up() -> None:
    samples = tuple(Sample((0.1 * s, 0.2, -0.3, 0.4), (0.1, 0.9)) for s in range(1, 11))
    problem = replace(WIDE, samples=samples, training=Training("gradient-descent", 0.5, batch=10))
    text = page(problem)
    assert "Forward, sample 1 " in text
    assert "Forward, sample 2 " not in text
    assert "… and 9 more samples of the batch; --sample S prints one of them" in text
    assert "+ … 5 … +" in text


# Layout


def sheet(width: int = 40, ascii: bool = False) -> Sheet:
    return Sheet(width, 0, ASCII if ascii else UNICODE)


def lines(*stages: tuple[Part, ...], width: int = 40, ascii: bool = False) -> list[str]:
    return [row.plain for row in sheet(width, ascii).rows(Equation("", "x", stages))]


def whole(n: int, m: int) -> Array:
    return Array("A", (n, m), lambda j, i: f"{j}.{i}")


def test_points_stand_below_one_another() -> None:
    cells = {(1, 1): "−0.5", (2, 1): "12", (3, 1): "·"}
    rows = lines((Array("A", (3, 1), lambda j, i: cells[j, i]),))
    assert rows == ["      ⎡−0.5⎤", "  x = ⎢12  ⎥", "      ⎣ ·  ⎦"]


def test_wide_matrices_are_cut_in_the_middle() -> None:
    assert lines((whole(1, 20),)) == ["  x = [1.1  1.2  1.3  …  1.19  1.20]"]
    assert lines((whole(1, 20),), ascii=True) == ["  x = [1.1  1.2  1.3  ...  1.19  1.20]"]
    assert lines((whole(1, 4),)) == ["  x = [1.1  1.2  1.3  1.4]"]


def test_high_matrices_are_cut_in_the_middle() -> None:
    rows = [line.strip(" x=") for line in lines((whole(13, 1),))]
    assert rows == ["⎡ 1.1⎤", "⎢ 2.1⎥", "⎢ 3.1⎥", "⎢ ⋮  ⎥", "⎢12.1⎥", "⎣13.1⎦"]
    assert len(lines((whole(12, 1),))) == 12


def test_cells_that_are_not_shown_are_not_asked_for() -> None:
    asked: list[tuple[int, int]] = []

    def cell(j: int, i: int) -> str:
        asked.append((j, i))
        return "0"

    lines((Array("A", (1000, 1000), cell),))
    assert {j for j, _ in asked} == {1, 2, 3, 999, 1000}
    assert {i for _, i in asked} <= {*range(1, 9), 999, 1000}


def test_a_row_is_broken_before_an_operator() -> None:
    wide = whole(2, 3)
    assert lines((wide, " ⊙ ", wide), (wide,), width=30) == [
        "  x = ⎡1.1  1.2  1.3⎤",
        "      ⎣2.1  2.2  2.3⎦",
        "        ⊙ ⎡1.1  1.2  1.3⎤",
        "          ⎣2.1  2.2  2.3⎦",
        "    = ⎡1.1  1.2  1.3⎤",
        "      ⎣2.1  2.2  2.3⎦",
    ]


def test_a_long_number_between_arrays_is_broken_too() -> None:
    wide, number = whole(2, 3), "0.39441964144107555"
    assert lines(("(1 if ", wide, f" > 0 else {number} + ", wide, ")"), width=30) == [
        "  x = (1 if ⎡1.1  1.2  1.3⎤",
        "            ⎣2.1  2.2  2.3⎦",
        "        > 0",
        "        else 0.39441964144107",
        "        555 + ⎡1.1  1.2  1.3⎤)",
        "              ⎣2.1  2.2  2.3⎦",
    ]


if __name__ == "__main__":
    for name in PAGES:
        (GOLDEN / f"{name}.txt").write_text(golden(name), encoding="utf-8")
