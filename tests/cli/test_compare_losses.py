"""``bptrace compare-losses``: the saturated neuron of the textbook, and what cannot be compared."""

from __future__ import annotations

import json

import pytest


def test_the_saturated_neuron(bptrace) -> None:
    result = bptrace("compare-losses", "saturated")
    assert result.exit_code == 0
    assert result.stderr == ""
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["half-squared", "binary-cross-entropy"] in rows
    assert ["∂out_o/∂in_o", "0.0176627062", "0.0176627062"] in rows
    assert ["δ_o", "0.0173450211", "0.9820137900"] in rows
    assert ["Δw", "−0.0026017532", "−0.1473020685"] in rows
    assert ["out_o", "after", "100", "updates", "0.9641308470", "0.0410722277"] in rows
    assert "δ_o is 56.6 times as large with binary-cross-entropy" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_in_ascii_and_in_chinese(bptrace) -> None:
    plain = bptrace("compare-losses", "saturated", "--ascii", "--digits", "4").stdout
    assert plain.isascii()
    chinese = bptrace("compare-losses", "saturated", "--lang", "zh", "--steps", "3").stdout
    assert "3 次更新后的 out_o" in chinese


def test_as_json(bptrace) -> None:
    document = json.loads(bptrace("compare-losses", "mihir", "--json", "--steps", "2").stdout)
    assert document["losses"] == ["half-squared", "cross-entropy"]
    rows = {(row["quantity"], row["after"]): row["values"] for row in document["rows"]}
    squared, crossed = rows["delta[1,2]", 0]
    assert abs(squared) < abs(crossed)
    assert rows["out[1,2]", 2][1] > rows["out[1,2]", 0][1]
    assert rows["step_w[1,1,1]", 0][1] == -0.1 * rows["delta[1,1]", 0][1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hmkcode-linear",), "hmkcode-linear: the last layer is identity, whose slope cancels"),
        (("saturated", "--sample", "2"), "there is no sample 2; the file has 1"),
        (("nothing",), "there is no such file, and no example of that name"),
    ],
)
def test_what_cannot_be_compared(bptrace, arguments: tuple[str, ...], message: str) -> None:
    result = bptrace("compare-losses", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("t = [1.5]", "sample 1 has the target 1.5, and binary-cross-entropy needs 0 to 1."),
        ("", "sample 1 has no targets, so there is no error"),
    ],
)
def test_targets_that_are_no_probabilities(bptrace, tmp_path, targets: str, message: str) -> None:
    file = tmp_path / "one.toml"
    file.write_text(
        f"""
[network]
[[network.layer]]
size = 1
[[network.layer]]
activation = "sigmoid"
weights = [[2.0]]
[[sample]]
x = [1]
{targets}
""",
        encoding="utf-8",
    )
    result = bptrace("compare-losses", str(file))
    assert result.exit_code == 2
    assert message in result.stderr
