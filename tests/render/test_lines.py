"""Equations as rows: where they are broken, how they are aligned, and that nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bptrace.render.lines import Block, Line, Remark, broken

BAR = ("╷", "│", "╵", "╶")


def shown(block: Block, width: int) -> list[str]:
    return [row.plain for row in block.rows(width)]


def test_stages_do_not_repeat_themselves() -> None:
    assert Line("E", "E_1", "0.3", "0.3").stages == ["E_1", "0.3"]
    assert Line("E", "0.3", "0.3", "0.3").stages == ["0.3"]
    assert Line("E", "E_1 + E_2", "0.1 + 0.2", "0.3").stages == ["E_1 + E_2", "0.1 + 0.2", "0.3"]


def test_a_block() -> None:
    block = Block(
        "h1",
        [
            Line("in_h1", "w1·i1 + b1", "0.1·0.2 + 0.3", "0.32", (Remark("the source has 0.3"),)),
            Line("out_h1", "in_h1", "0.32", "0.32"),
        ],
        mark_width=3,
        bar=BAR,
    )
    assert shown(block, 60) == [
        "  h1  ╷ in_h1  = w1·i1 + b1",
        "      │        = 0.1·0.2 + 0.3",
        "      │        = 0.32   the source has 0.3",
        "      │ out_h1 = in_h1",
        "      ╵        = 0.32",
    ]


def test_a_single_row() -> None:
    assert shown(Block("", [Line("E", "1", "1", "1")], 2, BAR), 40) == ["     ╶ E = 1"]


def test_remarks_stand_below_where_there_is_no_room() -> None:
    remarks = (Remark("the source has 0.25"), Remark("and 0.26"))
    line = Line("out_h1", "in_h1", "0.32", "0.32", remarks)
    assert shown(Block("h1", [line], 2, BAR), 42)[1:] == [
        "     │        = 0.32   the source has 0.25",
        "     ╵          and 0.26",
    ]
    assert shown(Block("h1", [line], 2, BAR), 36) == [
        "  h1 ╷ out_h1",
        "     │      = in_h1",
        "     │      = 0.32",
        "     │        the source has 0.25",
        "     ╵        and 0.26",
    ]


def test_long_names_have_rows_of_their_own() -> None:
    line = Line(
        "∂out_O1/∂in_O1", "out_O1·(1 − out_O1)", "0.7989476414·(1 − 0.7989476414)", "0.1606"
    )
    assert shown(Block("O1", [line], 2, BAR), 42) == [
        "  O1 ╷ ∂out_O1/∂in_O1",
        "     │          = out_O1·(1 − out_O1)",
        "     │          = 0.7989476414",
        "     │              ·(1 − 0.7989476414)",
        "     ╵          = 0.1606",
    ]
    long = Block("hidden_neuron_1", [Line("E", "1 + 1", "1 + 1", "2")], 8, BAR)
    assert shown(long, 42) == ["  hidden_neuron_1", "           ╷ E = 1 + 1", "           ╵   = 2"]


def test_formulas_are_broken_before_their_operators() -> None:
    text = "w1·out_h1 + w2·out_h2 − w3·out_h3 + b1"
    assert broken(text, 60) == [text]
    assert broken(text, 22) == ["w1·out_h1 + w2·out_h2", "− w3·out_h3 + b1"]
    assert broken(text, 11) == ["w1·out_h1", "+ w2·out_h2", "− w3·out_h3", "+ b1"]
    assert broken("∂E/∂out_h1 · ∂out_h1/∂in_h1", 20) == ["∂E/∂out_h1", "· ∂out_h1/∂in_h1"]
    assert broken("a - b * c", 4) == ["a", "- b", "* c"]
    assert broken("(1 if x > 0 else 0.3 + 1)", 14) == ["(1 if x > 0", "else 0.3 + 1)"]


def test_weak_operators_are_broken_first() -> None:
    text = "δ_1 · ∂in_1/∂out + δ_2 · ∂in_2/∂out"
    assert broken(text, 20) == ["δ_1 · ∂in_1/∂out", "+ δ_2 · ∂in_2/∂out"]
    text = "(0.798 − 0.01) · (0.798·(1 − 0.798))"
    assert broken(text, 24) == ["(0.798 − 0.01)", "· (0.798·(1 − 0.798))"]
    assert broken(text, 16) == ["(0.798 − 0.01)", "· (0.798", "·(1 − 0.798))"]
    assert broken("1/(1 + e^(−1.5 − 2.5))", 17) == ["1/(1", "+ e^(−1.5 − 2.5))"]
    assert broken("1/(1 + e^(−1.5 − 2.5))", 14) == ["1/(1 + e^(−1.5", "− 2.5))"]


def test_products_are_broken_only_if_they_must() -> None:
    assert broken("0.7989476414·0.5·0.25", 14) == ["0.7989476414", "·0.5·0.25"]
    assert broken("3.5·10⁻⁸·2.5·10⁻⁹", 9) == ["3.5·10⁻⁸", "·2.5·10⁻⁹"]
    assert broken("max(1.379730048, 0)", 17) == ["max(1.379730048,", "0)"]
    assert broken("1234567890", 4) == ["1234", "5678", "90"]
    assert broken("隐藏甲隐藏乙", 5) == ["隐藏", "甲隐", "藏乙"]


FORMULA = st.lists(
    st.sampled_from(["w1", "out_h1", "0.7989476414", "隐藏甲", "5.3·10⁻⁸", " + ", " − ", " · ", "·",
                     "/", "(", ")", ", ", "x" * 25]),
    min_size=1,
    max_size=20,
).map("".join).map(str.strip).filter(bool)  # fmt: skip


@given(FORMULA, st.integers(4, 80))
def test_nothing_is_lost(text: str, width: int) -> None:
    rows = broken(text, width)
    assert "".join("".join(rows).split()) == "".join(text.split())
    assert all(cell_len(row) <= width for row in rows)
    assert all(row == row.rstrip() for row in rows)


LINES = st.builds(Line, FORMULA, FORMULA, FORMULA, FORMULA, st.just(()), st.just(()))


@given(
    st.lists(LINES, min_size=1, max_size=4),
    st.integers(40, 140),
    st.integers(1, 8),
)
def test_rows_fit(lines: list[Line], width: int, mark_width: int) -> None:
    rows = shown(Block("h1"[:mark_width], lines, mark_width, BAR), width)
    assert all(cell_len(row) <= width for row in rows)
    assert all(row[mark_width + 3] in BAR for row in rows)
    assert all(row == row.rstrip() for row in rows)
