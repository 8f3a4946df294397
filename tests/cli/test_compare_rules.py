"""``bptrace compare-rules``: three ages on one sample, other rules, and what cannot be compared."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
PAGES = {
    "compare-rules": ("lh25-2020",),
    "compare-rules-chinese": ("lh25-2020", "--lang", "zh", "--sample", "1", "--steps", "3"),
    "compare-rules-ascii": ("delta", "--ascii", "--sample", "2"),
    "compare-rules-many": ("adam", "--rules", "momentum,nesterov,adagrad,rmsprop,adam,adamw"),
}


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", PAGES)
def test_golden(bptrace, name: str, columns: int) -> None:
    result = bptrace("compare-rules", *PAGES[name], env={"COLUMNS": str(columns)})
    assert result.exit_code == 0
    assert result.stderr == ""
    wide = "-at-120" * (columns == 120)
    assert result.stdout == (GOLDEN / f"{name}{wide}.txt").read_text(encoding="utf-8")
    assert max(map(len, result.stdout.splitlines())) <= columns
    assert result.stdout.isascii() == (name == "compare-rules-ascii")


def rows_of(document: dict) -> dict[tuple[str, int], list[float]]:
    return {(row["quantity"], row["after"]): row["values"] for row in document["rows"]}


def test_the_numbers_of_the_three_ages(bptrace) -> None:
    """The first sample of `delta`: x = (1, 0.5), out = 0, t = 1; a step has no slope."""
    document = json.loads(bptrace("compare-rules", "delta", "--json").stdout)
    assert document["rules"] == ["hebb", "delta", "gradient-descent"]
    assert document["loss"] == "half-squared"
    rows = rows_of(document)
    assert rows["step_w[1,1,2]", 0] == [0.3 * 0.5, 0.3 * 0.5, 0.0]
    assert rows["w[1,1,2]", 1] == [-0.6 + 0.15, -0.6 + 0.15, -0.6]
    assert rows["out[1,1]", 1] == [1.0, 1.0, 0.0]
    assert rows["E", 1] == [0.0, 0.0, 0.5]


def test_hidden_layers_are_reached_by_the_slope_alone(bptrace) -> None:
    document = json.loads(bptrace("compare-rules", "lh25-2020", "--json").stdout)
    assert document["hidden"] == [0, 0, 6]


def test_rules_with_a_memory_begin_with_an_empty_one(bptrace) -> None:
    arguments = ("--rules", "momentum, gradient-descent", "--steps", "2", "--json")
    rows = rows_of(json.loads(bptrace("compare-rules", "willamette", *arguments).stdout))
    first, plain = rows["step_w[1,1,1]", 0]
    assert first == plain == -16.0
    exact = [Fraction(2), Fraction(-6) + Fraction(96, 10)]  # the second steps: 8 and 9.6
    # each is a sum of three float64 products of numbers below 16: three roundings of at most 2^-50
    for value, expected in zip(rows["w[1,1,1]", 2], exact, strict=True):
        assert abs(Fraction(value) - expected) <= Fraction(1, 2**48)


def test_a_file_without_an_error_is_given_one(bptrace) -> None:
    result = bptrace("compare-rules", "gfg-hebb", "--sample", "4")
    assert "The file has no error; here E is half-squared." in result.stdout
    assert "no error" not in bptrace("compare-rules", "delta").stdout


def test_of_many_parameters_only_the_first_are_in_the_table(bptrace) -> None:
    result = bptrace("compare-rules", "sebasbelmos-tanh", "--rules", "hebb")
    assert result.stdout.count("⋮ 8 more") == 2  # 20 parameters of the last layer, 12 shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lh25-2020", "--rules", "hebbb"), "unknown rule 'hebbb'. Did you mean 'hebb'"),
        (("lh25-2020", "--sample", "2"), "there is no sample 2; the file has 1"),
        (("geoj",), "geoj has no [training], so there is no learning rate for rules; expected"),
        (("hebb-unsupervised",), "sample 1 has no targets, and hebb needs them. Give it a t = […]"),
    ],
)
def test_what_cannot_be_compared(bptrace, arguments: tuple[str, ...], message: str) -> None:
    result = bptrace("compare-rules", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
