"""Own activations at the command line: printed, judged and refused like those of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

MISH = """\
[network]
[[network.layer]]
names = ["i1", "i2"]
[[network.layer]]
names = ["h1"]
activation = { formula = "x*tanh(ln(1 + exp(x)))" }
weights = [[0.3, 0.4]]
biases = [0.2]
[[network.layer]]
names = ["o1"]
activation = { formula = "max(1, x)" }
weights = [[2]]
biases = [0.5]
[[sample]]
x = [1, 2]
t = [0.3]
"""

EXPLAINED = """\
∂out_h1/∂in_h1 = tanh(ln(1 + e^(in_h1)))
│                + in_h1·((1 − tanh(ln(1 + e^(in_h1)))²)·(1/(1 + e^(−in_h1))))
│              = tanh(ln(1 + e^(1.3)))
│                + 1.3·((1 − tanh(ln(1 + e^(1.3)))²)·(1/(1 + e^(−1.3))))
│              = 1.0836377072
│                Rumelhart, Hinton & Williams (1986), eq. 5; Nielsen (2015), BP1
└╴see above: in_h1 = 1.3
"""


@pytest.fixture
def mish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mish.toml"
    file.write_text(MISH, encoding="utf-8")
    return file


def test_the_slope_is_derived_and_printed(bptrace, mish: Path) -> None:
    result = bptrace("explain", mish.name, "dout_h1/din_h1", "--depth", "0")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:5] == EXPLAINED.splitlines()[:5]


@pytest.mark.parametrize("how", [[], ["--lang", "zh"], ["--ascii"]])
def test_a_run_shows_the_formula(bptrace, mish: Path, how: list[str]) -> None:
    result = bptrace("run", mish.name, "--engine", "python", *how)
    assert (result.exit_code, "2-1-1, x*tanh(ln(1 + exp(x)))" in result.stdout) == (0, True)
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert result.stdout.isascii() == (how == ["--ascii"])


def test_numbers_are_judged_and_mistakes_found(bptrace, mish: Path) -> None:
    claims = '[[claims]]\n"out_h1" = 1.186\n"dout_h1/din_h1" = 0.9123\n"out_o1" = 2.872\n'
    mish.write_text(MISH + claims, encoding="utf-8")
    result = bptrace("check", mish.name)
    assert result.exit_code == 1
    assert "3 numbers: 2 right, 1 wrong, from 1 mistake, at ∂out_h1/∂in_h1" in result.stdout
    assert "a term is left out" in result.stdout


def test_a_formula_without_numbers_to_put_in_has_no_empty_line(bptrace, mish: Path) -> None:
    mish.write_text(MISH + '[[claims]]\n"out_h1" = 1.3000\n', encoding="utf-8")
    lines = bptrace("check", mish.name).stdout.splitlines()
    computed = next(k for k, line in enumerate(lines) if "computed    out_h1 = in_h1" in line)
    assert lines[computed + 1].strip() == "= 1.3"


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ("exp(x)", "expo(x)", "mish.toml:6:41: unknown function 'expo'. Did you mean 'exp'?"),
        ("ln(1", "2(1", "mish.toml:6:35: expected an operation before '('. For a product write *."),
        (
            '"max(1, x)"',
            '"max(1, x)", slope = "1"',
            "mish.toml:11:47: this is not the slope of the formula: at x = -7.3877 it is 1, "
            "but the formula has the slope 0 there. "
            "Leave it out: the slope is derived from the formula.",
        ),
    ],
)
def test_a_faulty_formula_is_shown_in_its_place(
    bptrace, mish: Path, old: str, new: str, answer: str
) -> None:
    mish.write_text(MISH.replace(old, new), encoding="utf-8")
    result = bptrace("run", mish.name)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", answer + "\n")
