"""Every fault of a problem file: its place, its words, and all of them at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bptrace.errors import FileError
from bptrace.io import json_schema, toml
from bptrace.io.faults import MOST_FAULTS
from bptrace.io.network import MOST_PARAMETERS
from bptrace.io.problem import read_problem
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.initial import INITIALS
from bptrace.maths.losses import LOSSES
from bptrace.maths.rules import RULES
from bptrace.model import Problem
from bptrace.notation import dialect_names

FAULTY = sorted((Path(__file__).parent / "faulty").glob("*.toml"))

SMALL = """
[network]
[[network.layer]]
size = 2
[[network.layer]]
size = 1
activation = "sigmoid"
weights = [[0.1, 0.2]]
[[sample]]
x = [1, 2]
t = [1]
"""


def read(text: str) -> Problem:
    return read_problem(toml.parse(text, "f.toml"))


def faults(text: str) -> list[str]:
    with pytest.raises(FileError) as caught:
        read(text)
    return [str(fault) for fault in caught.value.faults]


# The golden files are written by hand or looked at line by line: they say what a user sees.
@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_faulty_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    with pytest.raises(FileError) as caught:
        read_problem(toml.parse(text, path.name))
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert str(caught.value) + "\n" == expected


@pytest.mark.parametrize("path", FAULTY, ids=lambda path: path.stem)
def test_faults_stand_in_the_order_of_the_file(path: Path) -> None:
    with pytest.raises(FileError) as caught:
        read_problem(toml.parse(path.read_text(encoding="utf-8"), path.name))
    places = [(fault.line, fault.column) for fault in caught.value.faults]
    assert places == sorted(places)
    assert all(line and column for line, column in places)


def test_the_small_file_of_these_tests_has_no_fault() -> None:
    assert read(SMALL).network.widths == (2, 1)


def test_many_faults_are_cut() -> None:
    rows = ", ".join(['["a", "b"]'] * 2000)
    found = faults(SMALL.replace("[[0.1, 0.2]]", f"[{rows}]"))
    assert len(found) == MOST_FAULTS + 1
    assert found[-1] == "f.toml: there are more faults than these"


@pytest.mark.parametrize(
    "text",
    [
        "[[sample]]\n" * 2000,
        "[training]\n" + "".join(f"k{k} = 1\n" for k in range(2000)),
        "[[claims]]\n" + "".join(f'"in_{k}" = 1\n' for k in range(2000)),
        "[[claims]]\nstep = 9\n" * 2000,
    ],
    ids=["samples", "keys", "quantities", "blocks"],
)
def test_many_faults_of_any_kind_are_cut(text: str) -> None:
    assert len(faults(SMALL + text)) == MOST_FAULTS + 1


def test_faults_that_are_left_out_are_still_faults() -> None:
    """A network whose faults found no room is not taken for a faultless one."""
    many = "".join(f"k{k} = 1\n" for k in range(MOST_FAULTS + 1))
    ragged = SMALL.replace("[[0.1, 0.2]]", "[[0.1, 0.2]]\nmask = [[1]]")
    assert len(faults(many + ragged)) == MOST_FAULTS + 1


def test_a_lookalike_of_a_table_is_said_once() -> None:
    assert faults(SMALL.replace("weights", "wieghts")) == [
        "f.toml:8:1: unknown key \"wieghts\" in [[network.layer]]. Did you mean 'weights'?"
    ]


def test_a_lookalike_of_the_network_is_said_once() -> None:
    assert faults(SMALL.replace("[network", "[netwrk").replace("[[network", "[[netwrk")) == [
        "f.toml:2:2: unknown key \"netwrk\" in the file. Did you mean 'network'?"
    ]


def test_huge_numbers_of_neurons_are_refused_before_anything_is_allocated() -> None:
    drawn = SMALL.replace("weights = [[0.1, 0.2]]", 'init = { method = "zeros" }')
    for size, memory in ((MOST_PARAMETERS, "512 MiB"), (10**9, "29.8 GiB")):
        found = faults(drawn.replace("size = 2", f"size = {size}"))
        assert found[0] == (
            f"f.toml:6:8: 1 neuron with {size} inputs each: more than 16777216 weights and "
            f"biases; they would take {memory}. Make the layers smaller."
        )


# ------------------------------------------------------------------------------------ the schema


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if "properties" in schema:
            yield path, schema
        for key, value in schema.items():
            yield from objects(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for entry in schema:
            yield from objects(entry, path)


def test_schema_is_plain_json() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["required"] == ["network"]


def test_every_key_is_explained_or_leads_to_a_table_that_is() -> None:
    defined = json_schema()["$defs"]
    for path, table in objects(json_schema()):
        for key, entry in table["properties"].items():
            said = entry.get("description") or defined[entry["$ref"].split("/")[-1]]["description"]
            assert re.match(r"^\S.+\S$", said, re.DOTALL), f"{path}: {key}"


def test_schema_follows_the_tables() -> None:
    defined = json_schema()["$defs"]
    assert defined["ActivationTable"]["properties"]["name"]["enum"] == list(ACTIVATIONS.names)
    assert defined["NetworkTable"]["properties"]["loss"]["enum"] == list(LOSSES.names)
    assert defined["TrainingTable"]["properties"]["rule"]["enum"] == list(RULES.names)
    assert defined["InitTable"]["properties"]["method"]["enum"] == list(INITIALS.names)
    assert json_schema()["properties"]["dialect"]["enum"] == list(dialect_names())
    options = {entry.option for entry in ACTIVATIONS if entry.option}
    assert options < set(defined["ActivationTable"]["properties"])


def test_schema_knows_no_null() -> None:
    """TOML has none."""
    assert '"null"' not in json.dumps(json_schema())
    assert '"title": "' not in json.dumps({k: v for k, v in json_schema().items() if k != "title"})


def test_tables_are_closed_but_for_claims() -> None:
    for path, table in objects(json_schema()):
        if path.endswith("BlockTable"):
            assert {"type": "number"} in table["additionalProperties"]["anyOf"]
        else:
            assert table["additionalProperties"] is False, path
