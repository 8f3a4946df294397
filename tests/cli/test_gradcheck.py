"""``bptrace gradcheck``: the table, --json, exit codes, and what cannot be checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bundled import BY_HAND

from bptrace.cli import gradcheck

KINK = Path(__file__).resolve().parents[2] / "docs" / "kink.toml"


def test_all_agree(bptrace) -> None:
    result = bptrace("gradcheck", "lh25-2020")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert (
        "✓  ∂E/∂w5      0.081823315    0.081823315  5e-12  10 of 10  0.3  agrees" in result.stdout
    )
    assert "18 gradients: 18 agree, 0 differ, 0 undecided" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_in_ascii_and_in_chinese(bptrace) -> None:
    plain = bptrace("gradcheck", str(KINK), "--ascii").stdout
    assert plain.isascii()
    assert "undecided: a kink" in plain
    chinese = bptrace("gradcheck", str(KINK), "--lang", "zh").stdout
    assert "无法判定：折点" in chinese


def test_several_kinks_are_told(bptrace, tmp_path) -> None:
    """All three relus are on their kinks with the input 0; moved alone, each has one."""
    file = tmp_path / "kinks.toml"
    text = KINK.read_text(encoding="utf-8").replace("x = [0.5, 1.0]", "x = [0, 0]")
    file.write_text(text, encoding="utf-8")
    result = bptrace("gradcheck", str(file))
    assert result.exit_code == 0
    assert "undecided: several kinks" in result.stdout
    assert "Where several kinks meet" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    chinese = bptrace("gradcheck", str(file), "--lang", "zh").stdout
    assert "无法判定：多个折点" in chinese
    entries = json.loads(bptrace("gradcheck", str(file), "--json").stdout)
    assert {entry["reason"] for entry in entries} == {None, "kink", "kinks"}


def test_as_json(bptrace) -> None:
    document = json.loads(bptrace("gradcheck", "lh25-2020", "--json").stdout)
    assert len(document) == 18
    assert {"name", "gradient", "numeric", "bound", "verdict"} <= set(document[0])
    weight = next(entry for entry in document if entry["name"] == "dE/dw[2,1,1]")
    assert weight["verdict"] == "agrees"
    assert abs(weight["gradient"] - weight["numeric"]) <= weight["bound"]
    kink = json.loads(bptrace("gradcheck", str(KINK), "--only", "h1", "--json").stdout)
    assert kink[0]["reason"] == "kink"
    assert kink[0]["interval"][0] == 0.0


@pytest.fixture
def wrong(tmp_path) -> str:
    """An own formula with a slope that is not its slope, but only above 8: loading lets it pass."""
    file = tmp_path / "wrong.toml"
    text = KINK.read_text(encoding="utf-8")
    own = 'activation = { formula = "max(x, 8)", slope = "0" }'
    text = text.replace('activation = "relu"', own).replace("[0.3, 0.4]", "[10, 4]")
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_wrong_slope_ends_with_1(bptrace, wrong) -> None:
    result = bptrace("gradcheck", wrong)
    assert result.exit_code == gradcheck.DIFFERS
    assert "differs: 0 times the slope" in result.stdout


def test_a_wrong_slope_as_json_ends_with_1(bptrace, wrong) -> None:
    result = bptrace("gradcheck", wrong, "--json")
    assert result.exit_code == gradcheck.DIFFERS
    entries = {entry["name"]: entry for entry in json.loads(result.stdout)}
    delta = entries["delta[1,2]"]
    assert (delta["verdict"], delta["factor"], delta["gradient"]) == ("differs", 0.0, 0.0)
    assert abs(delta["numeric"]) > delta["bound"]
    assert entries["delta[2,1]"]["verdict"] == "agrees"


KEYS = {
    "name", "sample", "gradient", "numeric", "bound", "verdict", "reason", "interval", "factor",
    "dual", "step", "digits", "possible", "ulp",
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_no_gradient_of_an_example_differs(bptrace, name) -> None:
    """Those of Hebb and the perceptron have none, and that is said."""
    result = bptrace("gradcheck", name, "--json")
    if result.exit_code == 2:
        assert result.stdout == ""
        assert "no error to differentiate" in result.stderr or "without a gradient" in result.stderr
        return
    assert result.exit_code == 0
    entries = json.loads(result.stdout)
    assert sum(entry["verdict"] == "agrees" for entry in entries) > 0.8 * len(entries)
    for entry in entries:
        assert set(entry) == KEYS
        assert (entry["verdict"] == "undecided") == (entry["reason"] is not None)
        if entry["verdict"] == "agrees":
            assert abs(entry["gradient"] - entry["numeric"]) <= entry["bound"]
            assert 0 <= entry["digits"] <= entry["possible"]
            assert entry["ulp"] >= 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lh25-2020", "--step", "9"), "there is no step 9; the run has 1"),
        (("lh25-2020", "--sample", "4"), "there is no sample 4; the file has 1"),
        (("lh25-2020", "--engine", "fortran"), "fortran"),
        (("lh25-2020", "--only", "h9"), "h9"),
        (("nothing",), "there is no such file, and no example of that name"),
    ],
)
def test_what_cannot_be_checked(bptrace, arguments: tuple[str, ...], message: str) -> None:
    result = bptrace("gradcheck", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_certified(bptrace) -> None:
    pytest.importorskip("flint")
    result = bptrace("gradcheck", "saturated", "--certify")
    assert "Proved with balls of 80 bits: each of 4 float64 gradients lies within" in result.stdout
    document = json.loads(bptrace("gradcheck", "saturated", "--certify", "--json").stdout)
    assert all(0.0 <= entry["ulp"] < 16.0 for entry in document)


def test_a_narrow_terminal_has_fewer_columns(bptrace) -> None:
    result = bptrace("gradcheck", "lh25-2020", env={"COLUMNS": "50"})
    assert "✓  ∂E/∂w5      0.081823315  10 of 10  0.3  agrees" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 50


@pytest.mark.parametrize(
    ("columns", "heads"),
    [
        ("120", "gradient differences ± digits ulp verdict"),
        ("80", "gradient differences digits ulp verdict"),
        ("77", "gradient differences digits verdict"),
        ("71", "gradient digits ulp verdict"),
    ],
)
def test_as_many_columns_as_there_is_room_for(bptrace, columns: str, heads: str) -> None:
    result = bptrace("gradcheck", "nielsen", env={"COLUMNS": columns})
    assert f"quantity {heads}" in [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert max(map(len, result.stdout.splitlines())) <= int(columns)


def test_where_something_overflows_no_ulp_is_said(bptrace, tmp_path) -> None:
    """A factor beyond 2⁹⁹⁵, of which halves cannot be made."""
    file = tmp_path / "huge.toml"
    text = KINK.read_text(encoding="utf-8").replace("[0.3, 0.4]", "[1e305, 0.4]")
    file.write_text(text, encoding="utf-8")
    entries = json.loads(bptrace("gradcheck", str(file), "--json").stdout)
    ulps = [entry["ulp"] for entry in entries]
    assert None in ulps
    result = bptrace("gradcheck", str(file))
    assert "nan" not in result.stdout
