from __future__ import annotations

import json
from pathlib import Path

import pytest

import bptrace as api
from bptrace.io import examples
from bptrace.io.datasets import DATASETS
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.losses import LOSSES
from bptrace.maths.points import GENERATORS
from bptrace.maths.rules import RULES
from bptrace.maths.schedules import SCHEDULES
from bptrace.notation import dialect_names

KNOWN = {
    "activations": ACTIVATIONS.names,
    "losses": LOSSES.names,
    "rules": RULES.names,
    "schedules": SCHEDULES.names,
    "dialects": dialect_names(),
    "generators": GENERATORS.names,
    "datasets": DATASETS.names,
    "examples": tuple(example.name for example in examples()),
}

# ------------------------------------------------------------------------------------------- list


@pytest.mark.parametrize("kind", KNOWN)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_lists_every_entry(bptrace, kind: str, language: str) -> None:
    result = bptrace("list", kind, "--lang", language)
    assert (result.exit_code, result.stderr) == (0, "")
    starts = [line.split(" ")[0] for line in result.stdout.splitlines()]
    assert set(KNOWN[kind]) <= set(starts)
    assert all(line == line.rstrip() for line in result.stdout.splitlines())


@pytest.mark.parametrize("kind", KNOWN)
def test_json_lists_every_entry(bptrace, kind: str) -> None:
    document = json.loads(bptrace("list", kind, "--json").stdout)
    assert list(document) == [kind]
    assert tuple(row["name"] for row in document[kind]) == KNOWN[kind]


def test_all_lists(bptrace) -> None:
    document = json.loads(bptrace("list", "--json").stdout)
    assert list(document) == list(KNOWN)
    printed = bptrace("list").stdout
    order = [printed.index(f"{title}\n") for title in ("Activations", "Losses", "Dialects")]
    assert order == sorted(order)


def test_formulas_in_ascii(bptrace) -> None:
    printed = bptrace("list", "losses", "--ascii").stdout
    assert printed.isascii()
    assert printed == (
        "Losses\n"
        "name                   share of E         slope              source\n"
        "none                   0                  0                  no error function\n"
        "half-squared           0.5*(t - a)^2      a - t              Rumelhart, Hinton &\n"
        "                                                             Williams, Learning\n"
        "                                                             representations\n"
        "                                                             (1986), eq. 3\n"
        "squared                (t - a)^2          2*(a - t)          Widrow & Hoff,\n"
        "                                                             Adaptive Switching\n"
        "                                                             Circuits (1960):\n"
        "                                                             the sum of squares\n"
        "mean-squared           (t - a)^2/n        (2*(a - t))/n      Goodfellow, Bengio\n"
        "                                                             & Courville, Deep\n"
        "                                                             Learning (2016),\n"
        "                                                             eq. 5.4\n"
        "binary-cross-entropy   -(t*ln(a) + (1 -   (1 - t)/(1 - a)    Nielsen, Neural\n"
        "                       t)*ln(1 - a))      - t/a              Networks and Deep\n"
        "                                                             Learning (2015),\n"
        "                                                             eq. 57\n"
        "cross-entropy          -t*ln(a)           -t/a               Bridle, Training\n"
        "                                                             Stochastic Model\n"
        "                                                             Recognition\n"
        "                                                             Algorithms (1990)\n"
        "\n"
    )


def test_options_kinks_and_ranges(bptrace) -> None:
    rows = json.loads(bptrace("list", "activations", "--json").stdout)["activations"]
    by_name = {row["name"]: row for row in rows}
    assert by_name["leaky-relu"]["option"] == {"name": "slope", "default": 0.01}
    assert by_name["sigmoid"]["option"] is None
    assert by_name["relu"]["kinks"] == [0.0]
    assert by_name["relu"]["range"] == [0.0, "Infinity"]


# -------------------------------------------------------------------------------------------- new


@pytest.fixture
def here(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("layers", ["2,2,2", "3,1", "2-4-3-1", "5,40,3"])
def test_new_file_runs(bptrace, here: Path, layers: str, language: str) -> None:
    result = bptrace("new", "mine", "--layers", layers, "--lang", language)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.rstrip().endswith("bptrace run mine.toml")
    widths = tuple(map(int, layers.replace("-", ",").split(",")))
    assert api.load("mine.toml").network.widths == widths
    assert bptrace("run", "mine.toml").exit_code == 0


def test_new_says_what_to_try(bptrace, here: Path) -> None:
    assert bptrace("new", "mine.toml").stdout == (
        "mine.toml is written. Now try: bptrace run mine.toml\n"
    )
    document = json.loads(bptrace("new", "other", "--layers", "2,1", "--json").stdout)
    assert document == {"file": "other.toml", "layers": [2, 1]}


def test_new_never_overwrites_unless_told(bptrace, here: Path) -> None:
    (here / "mine.toml").write_text("my work", encoding="utf-8")
    result = bptrace("new", "mine")
    assert result.exit_code == 2
    assert result.stderr == ("error: mine.toml is already there. Use --force to overwrite it\n")
    assert (here / "mine.toml").read_text(encoding="utf-8") == "my work"
    assert bptrace("new", "mine", "--force").exit_code == 0
    assert api.load("mine.toml").network.widths == (2, 2, 2)


# ----------------------------------------------------------------------------------------- schema


def test_schema_is_json_with_and_without_the_option(bptrace) -> None:
    plain = bptrace("schema")
    assert plain.stdout == bptrace("schema", "--json").stdout
    schema = json.loads(plain.stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"network", "sample", "training", "claims"} <= set(schema["properties"])
