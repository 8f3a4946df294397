from __future__ import annotations

import json

import pytest
from bundled import BY_HAND

import bptrace as api
from bptrace.cli.run import chosen_steps, split_names

# ------------------------------------------------------------------------------- what is printed


def test_prints_the_calculation(bptrace) -> None:
    result = bptrace("run", "lh25-2020")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "in_h1  = w1·i1 + w2·i2 + b1" in result.stdout
    assert "= 0.7889476414 · 0.1606303077 · 0.6456563062" in result.stdout
    assert "the source has 0.0818667051" in result.stdout
    assert "\x1b" not in result.stdout


def test_prints_in_chinese_and_in_ascii(bptrace) -> None:
    assert "反向传播" in bptrace("run", "lh25-2020", "--lang", "zh").stdout
    assert "反向传播" in bptrace("run", "lh25-2020", env={"LANG": "zh_CN.UTF-8"}).stdout
    plain = bptrace("run", "mazur-dkelsh", "--ascii")
    assert plain.exit_code == 0
    assert plain.stdout.isascii()


@pytest.mark.parametrize("dialect", ["in-out", "nielsen", "rojas", "xy"])
def test_prints_in_every_dialect(bptrace, dialect: str) -> None:
    result = bptrace("run", "mazur-dkelsh", "--dialect", dialect)
    assert (result.exit_code, result.stderr) == (0, "")


def test_only_some_neurons_and_digits(bptrace) -> None:
    result = bptrace("run", "lh25-2020", "--only", "h1,out[2,1]", "--digits", "4")
    assert "in_h1" in result.stdout
    assert "in_O1" in result.stdout
    assert "in_h2 " not in result.stdout
    assert "0.6457" in result.stdout
    assert "0.6456563062" not in result.stdout.replace("the source has 0.6456563062", "")


def test_matrix_form(bptrace) -> None:
    result = bptrace("run", "lh25-2020", "--matrix", "--dialect", "nielsen")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "  BP2  δ^2 = ((W^3)ᵀ δ^3) ⊙ σ′(z^2)\n" in result.stdout
    plain = bptrace("run", "mazur-dkelsh", "--matrix", "--ascii")
    assert "  BP2  delta^1 = ((W^2)^T delta^2) (*) sigma'(in^1)\n" in plain.stdout
    assert plain.stdout.isascii()


def test_the_matrix_form_has_no_single_neurons(bptrace) -> None:
    result = bptrace("run", "lh25-2020", "--matrix", "--only", "h1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--matrix prints whole layers, --only some neurons" in result.stderr


def test_json_is_the_same_in_every_form(bptrace, tiny: str) -> None:
    assert (
        bptrace("run", tiny, "--matrix", "--json").stdout == bptrace("run", tiny, "--json").stdout
    )


def test_engines_print_the_same(bptrace, tiny: str) -> None:
    assert bptrace("run", tiny, "--engine", "python").stdout == bptrace("run", tiny).stdout


def test_says_which_engine_ran_if_asked(bptrace, tiny: str) -> None:
    assert bptrace("run", tiny, "-v").stderr == "engine: python; steps: 4\n"


def test_reads_standard_input(bptrace, tiny: str) -> None:
    with open(tiny, encoding="utf-8") as file:
        result = bptrace("run", "-", stdin=file.read())
    assert result.exit_code == 0
    assert "tiny" in result.stdout


# ------------------------------------------------------------------------------------ which steps


def test_few_steps_are_all_printed(bptrace, tiny: str) -> None:
    result = bptrace("run", tiny)
    assert all(f"Step {step} of 4" in result.stdout for step in (1, 2, 3, 4))
    assert result.stderr == ""


def test_of_many_steps_the_first_and_the_last(bptrace, tiny: str) -> None:
    result = bptrace("run", tiny, "--steps", "30")
    printed = [step for step in range(1, 31) if f"Step {step} of 30" in result.stdout]
    assert printed == [1, 30]
    assert result.stderr == (
        "of 30 steps only the first and the last are printed; --step K prints another\n"
    )


def test_one_step(bptrace, tiny: str) -> None:
    result = bptrace("run", tiny, "--step", "3")
    assert "Step 3 of 4" in result.stdout
    assert "Step 1 of 4" not in result.stdout
    assert result.stderr == ""


def test_a_part_of_a_run_is_that_part_of_the_whole(bptrace, tiny: str) -> None:
    """Only the printed steps are kept; each line of them is as if all had been."""
    whole = bptrace("run", tiny, "--steps", "9").stdout
    for step in (1, 4, 9):
        heading = f"Step {step} of 9"
        part = bptrace("run", tiny, "--steps", "9", "--step", str(step)).stdout
        body = part[part.index(heading) :]
        assert body in whole
        assert body.count("\n") > 20
    first_and_last = bptrace("run", tiny, "--steps", "30").stdout
    alone = bptrace("run", tiny, "--steps", "30", "--step", "30").stdout
    assert first_and_last.endswith(alone[alone.index("Step 30 of 30") :])


def test_one_sample_is_printed_at_its_first_step(bptrace, tiny: str) -> None:
    problem = api.load(tiny)
    assert list(chosen_steps(problem, 4, step=None, sample=2)) == [2]
    assert list(chosen_steps(problem, 4, step=4, sample=2)) == [4]
    assert "sample 2" in bptrace("run", tiny, "--sample", "2").stdout


def test_no_steps(bptrace, tiny: str) -> None:
    result = bptrace("run", tiny, "--steps", "0", "--json")
    assert json.loads(result.stdout) == {"file": tiny, "engine": "python", "steps": []}
    result = bptrace("run", tiny, "--steps", "0")
    assert (result.exit_code, result.stderr) == (
        0,
        "there are 0 steps to print; --steps 1 calculates one\n",
    )


def test_names_are_split_at_commas_outside_brackets() -> None:
    assert split_names(["h1, O1", "out[2,1],h2", ""]) == ["h1", "O1", "out[2,1]", "h2"]


# ------------------------------------------------------------------------------------------- JSON


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.ci] * (name == "schiendorfer-batch"), id=name)
        for name in BY_HAND
    ],
)
def test_json_holds_every_number_under_a_name_that_reads_back(bptrace, name: str) -> None:
    result = bptrace("run", name, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert list(document) == ["file", "engine", "steps"]
    assert document["file"] == name
    trace = api.run(name, engine=document["engine"])
    assert sorted({entry["step"] for entry in document["steps"]}) == [*range(1, trace.steps + 1)]
    for entry in document["steps"]:
        assert list(entry) == ["step", "sample", "values"]
        sample = entry["sample"] or 0
        for quantity, value in entry["values"].items():
            assert trace.at(quantity, entry["step"], sample) == value, quantity


def test_json_of_a_single_sample_is_one_entry_in_order_of_calculation(bptrace, tiny: str) -> None:
    entry = json.loads(bptrace("run", tiny, "--step", "2", "--json").stdout)["steps"]
    assert [(e["step"], e["sample"]) for e in entry] == [(2, 2)]
    assert list(entry[0]["values"]) == [
        "eta", "w[1,1,1]", "b[1,1]", "w[2,1,1]", "out[0,1]", "t[1]",
        "in[1,1]", "out[1,1]", "in[2,1]", "out[2,1]", "E[1]", "E",
        "dE/dout[2,1]", "dout[2,1]/din[2,1]", "delta[2,1]", "dE/dw[2,1,1]",
        "dE[1]/dout[1,1]", "dE/dout[1,1]", "dout[1,1]/din[1,1]", "delta[1,1]",
        "dE/dw[1,1,1]", "dE/db[1,1]",
        "step_w[1,1,1]", "w[1,1,1]+", "step_b[1,1]", "b[1,1]+", "step_w[2,1,1]", "w[2,1,1]+",
    ]  # fmt: skip


def test_json_of_a_batch_ends_with_the_batch(bptrace) -> None:
    document = json.loads(bptrace("run", "schiendorfer-batch", "--json").stdout)
    first = [e for e in document["steps"] if e["step"] == 1]
    assert [e["sample"] for e in first] == [1, 2, None]
    assert "w[1,1,1]" not in first[0]["values"]
    assert {"eta", "E", "w[1,1,1]", "dE/dw[1,1,1]", "w[1,1,1]+"} <= set(first[2]["values"])


OVERFLOW = """\
[network]
[[network.layer]]
size = 2
[[network.layer]]
size = 1
activation = "identity"
weights = [[1e308, -1e308]]
[[sample]]
x = [100, 100]
t = [0]
[[sample]]
x = [-100, 0]
t = [1]
[training]
rule = "gradient-descent"
learning_rate = 1
steps = 2
"""


def test_json_writes_what_is_no_number_as_a_string(bptrace, tmp_path) -> None:
    path = tmp_path / "overflow.toml"
    path.write_text(OVERFLOW, encoding="utf-8")
    result = bptrace("run", str(path), "--json")
    assert result.exit_code == 0

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    first = json.loads(result.stdout, parse_constant=refuse)["steps"][0]["values"]
    assert first["in[1,1]"] == "NaN"
    second = json.loads(bptrace("run", str(path), "--json", "--sample", "2").stdout)
    assert second["steps"][0]["step"] == 2


def test_explain_json_writes_what_is_no_number_as_a_string(bptrace, tmp_path) -> None:
    path = tmp_path / "overflow.toml"
    path.write_text(OVERFLOW, encoding="utf-8")
    document = json.loads(bptrace("explain", str(path), "in[1,1]", "--json").stdout)
    assert (document["file"], document["value"]) == (str(path), "NaN")


def test_json_in_pieces_is_the_document(bptrace, tiny: str) -> None:
    from bptrace.export.json import run_document

    trace = api.run(tiny)
    assert json.loads(bptrace("run", tiny, "--json").stdout) == run_document(trace)
