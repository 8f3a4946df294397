"""What ``bptrace lint`` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bptrace.checks import lint
from bptrace.checks.lint import Lint
from bptrace.trace import Trace

GOLDEN = Path(__file__).parent / "golden"
FOUND: dict[tuple[str, int, str], Lint] = {}


@pytest.fixture(autouse=True)
def _look_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found in an example is printed in several ways: it is looked for once."""
    look = lint.lint

    def once(trace: Trace, digits: int, printing: str) -> Lint:
        key = (trace.problem.file, digits, printing)
        if key not in FOUND:
            FOUND[key] = look(trace, digits, printing)
        return FOUND[key]

    monkeypatch.setattr(lint, "lint", once)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("lint", ["lh25-2020"]),
        ("lint-ascii", ["mazur-dkelsh", "--print", "textbook", "--ascii"]),
        pytest.param(
            "lint-chinese",
            ["lh25-2020", "--digits", "6", "--lang", "zh"],
            marks=pytest.mark.ci,
        ),
    ],
)
def test_golden(bptrace, name: str, arguments: list[str]) -> None:
    result = bptrace("lint", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    path = GOLDEN / f"{name}.txt"
    assert result.stdout == path.read_text(encoding="utf-8")
    assert "--ascii" not in arguments or result.stdout.isascii()
    assert not any(line != line.rstrip() for line in result.stdout.splitlines())


def test_lists_are_cut_and_shown_whole_on_demand(bptrace) -> None:
    short = bptrace("lint", "ru-mlp-121").stdout
    whole = bptrace("lint", "ru-mlp-121", "--all").stdout
    assert "more (--all)" in short
    assert "more (--all)" not in whole
    assert len(whole.splitlines()) > 2 * len(short.splitlines())


def test_strict(bptrace) -> None:
    assert bptrace("lint", "ru-mlp-121", "--strict").exit_code == 1
    assert bptrace("lint", "ru-mlp-121").exit_code == 0


def test_json(bptrace) -> None:
    result = bptrace("lint", "lh25-2020", "--json")
    document = json.loads(result.stdout)
    assert document["file"] == "lh25-2020"
    assert (document["step"], document["digits"], document["print"]) == (1, 4, "all")
    score = document["score"]
    assert set(score) == {"total", "lost", "confused", "misread", "bad"}
    assert len(document["lost"]) == score["lost"]
    assert sum(map(len, document["confused"])) == score["confused"]
    assert len(document["misread"]) == score["misread"]
    assert sum(step["confused"] for step in document["steps"]) == score["confused"]
    (eta,) = (c for c in document["coincidences"] if {"quantity": "eta", "sample": None} in
              c["quantities"])  # fmt: skip
    assert eta["kind"] == "equal"
    assert eta["sentence"] == "w5, η are equal (0.5)"
    assert eta["remedy"]["score"]["bad"] < score["bad"]
    (change,) = eta["remedy"]["changes"]
    assert set(change) == {"quantity", "sample", "old", "new"}


def test_a_network_with_nothing_but_a_forward_pass(bptrace, tmp_path) -> None:
    path = tmp_path / "forward.toml"
    path.write_text(
        "[network]\n[[network.layer]]\nsize = 2\n[[network.layer]]\nsize = 1\n"
        'activation = "relu"\nweights = [[0.3, -0.4]]\n[[sample]]\nx = [0.5, 0.25]\n',
        encoding="utf-8",
    )
    result = bptrace("lint", str(path))
    assert (result.exit_code, result.stderr) == (0, "")


def test_too_large(bptrace, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert bptrace("new", "wide", "--layers", "60,30,10").exit_code == 0
    result = bptrace("lint", "wide.toml")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: 60-30-10 has about ")
    assert result.stderr.endswith("Try a smaller example\n")


@pytest.mark.parametrize("digits", ["2", "13", "x"])
def test_digits(bptrace, digits: str) -> None:
    assert bptrace("lint", "lh25-2020", "--digits", digits).exit_code == 2
