"""What the command adds to explanations, whose texts are tested in tests/render."""

from __future__ import annotations

import json

import pytest

import bptrace as api


def test_prints_what_the_api_prints(bptrace) -> None:
    result = bptrace("explain", "lh25-2020", "dE/dw5")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == str(api.explain("lh25-2020", "dE/dw5")) + "\n"


@pytest.mark.parametrize(
    "quantity", ["dE/dw5", "∂E/∂w5", "dE/dw[2,1,1]", "dC/dw^3_11", "∂C/∂w^3_11"]
)
def test_quantities_are_read_in_the_dialects_of_file_and_output(bptrace, quantity: str) -> None:
    result = bptrace("explain", "lh25-2020", quantity, "--dialect", "nielsen", "--depth", "0")
    assert result.exit_code == 0
    assert result.stdout.startswith("∂C/∂w^3_11 = δ^3_1 · a^2_1\n")


def test_the_message_is_about_the_dialect_of_the_file(bptrace) -> None:
    result = bptrace("explain", "lh25-2020", "w55", "--dialect", "nielsen")
    assert result.stderr == "error: unknown quantity 'w55'. Did you mean 'w5'?\n"


@pytest.mark.parametrize("quantity", ["dE_O2/dout_h1", "dE/dw1", "w5+", "t_O1 - out_O1", "E"])
def test_every_kind_of_quantity_in_both_languages_and_in_ascii(bptrace, quantity: str) -> None:
    for how in (["--lang", "zh"], ["--ascii"]):
        result = bptrace("explain", "lh25-2020", quantity, *how)
        assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.isascii()


def test_step_sample_and_batch(bptrace, tiny: str) -> None:
    trace = api.run(tiny)
    ask = ["explain", tiny, "dE/dw1", "--json", "--depth", "0"]
    for arguments, step, sample in (
        ([], 1, 0),
        (["--step", "2"], 2, 0),
        (["--sample", "2"], 1, 2),
        (["--step", "6", "--steps", "6", "--sample", "batch"], 6, 0),
    ):
        document = json.loads(bptrace(*ask, *arguments).stdout)
        trace = api.run(tiny, steps=6)
        assert document["value"] == trace.at("dE/dw1", step, sample)
        assert document["step"] == step


def test_json_is_a_tree_of_nodes(bptrace) -> None:
    document = json.loads(bptrace("explain", "lh25-2020", "w5+", "--json").stdout)
    assert document["file"] == "lh25-2020"
    stack, states = [document], set()
    while stack:
        node = stack.pop()
        states.add(node["state"])
        assert {"quantity", "positional", "step", "sample", "value", "state"} <= set(node)
        assert ("formula" in node) == ("from" in node) == (node["state"] == "open")
        stack += node.get("from", [])
    assert states == {"open", "given", "above"}
