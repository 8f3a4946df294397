"""``bptrace show`` and ``resume``: what is stored, any step, and going on."""

from __future__ import annotations

import json

import pytest
from traced import LOG, PAGE, content, write

from bptrace import engine
from bptrace.store import Writer, open_trace, record


@pytest.fixture
def trace(tmp_path, monkeypatch) -> str:
    """A trace of 620 steps of 1300, in the current folder."""
    monkeypatch.chdir(tmp_path)
    with Writer.create(write(tmp_path, PAGE + LOG), "run1", 1300) as writer:
        writer.advance(620, "python")
    return "run1"


def test_overview(bptrace, trace):
    result = bptrace("show", trace)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "three samples",
        "  steps        620 of 1,300",
        f"  E            0.218367 … {open_trace(trace).at('E', 620):.6g}",
        "  checkpoints  every 100 steps",
    ]
    assert lines[4] == "  in full      in, out, delta, E, parameters, gradients; every 7 steps"
    assert "the records of all steps would take 278 kB" in lines[5]
    assert lines[6:] == [
        "  go on        bptrace resume run1",
        "  any step     bptrace show run1 --step 620",
    ]


def test_overview_in_chinese_and_ascii(bptrace, trace):
    assert "  步数      620（共 1,300）" in bptrace("show", trace, "--lang", "zh").stdout
    assert bptrace("show", trace, "--ascii").stdout.isascii()
    narrow = bptrace("show", trace, env={"COLUMNS": "40"}).stdout
    assert max(map(len, narrow.splitlines())) <= 40


def test_overview_as_json(bptrace, trace):
    document = json.loads(bptrace("show", trace, "--json").stdout)
    assert document.pop("bytes") > 0
    assert document.pop("error")["first"] == open_trace(trace).at("E", 1)
    assert document == {
        "directory": "run1",
        "title": "three samples",
        "steps": 620,
        "goal": 1300,
        "checkpoints": 100,
        "log": {
            "every": 7,
            "quantities": ["in", "out", "delta", "E", "parameters", "gradients"],
        },
        "full_bytes": 620 * 8 * open_trace(trace).layout.size,
    }


def test_a_step_in_matrix_form_is_what_run_prints(bptrace, trace):
    shown = bptrace("show", trace, "--step", "555", "--matrix")
    assert shown.exit_code == 0, shown.output
    assert "BP2" in shown.stdout
    printed = bptrace("run", "page.toml", "--steps", "620", "--step", "555", "--matrix")
    assert shown.stdout == printed.stdout
    assert bptrace("show", trace, "--matrix", "--only", "x").exit_code == 2


def test_a_step_is_what_run_prints(bptrace, trace):
    shown = bptrace("show", trace, "--step", "555")
    assert shown.exit_code == 0, shown.output
    printed = bptrace("run", "page.toml", "--steps", "620", "--step", "555")
    assert shown.stdout == printed.stdout
    assert "Step 555 of 620" in shown.stdout
    ours = json.loads(bptrace("show", trace, "--step", "555", "--json").stdout)
    theirs = bptrace("run", "page.toml", "--steps", "620", "--step", "555", "--json").stdout
    assert ours["steps"] == json.loads(theirs)["steps"]


def test_parts_of_a_step(bptrace, trace):
    part = ("--only", "h2", "--step", "9")
    only = bptrace("show", trace, *part).stdout
    assert only == bptrace("run", "page.toml", "--steps", "620", *part).stdout
    sample = bptrace("show", trace, "--sample", "3", "--dialect", "nielsen", "--ascii")
    assert "Step 2 of 620" in sample.stdout


def test_a_step_that_is_not_there(bptrace, trace):
    result = bptrace("show", trace, "--step", "621")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: there is no step 621; the trace has 620 steps. "
        "`bptrace resume run1 --steps 621` calculates more\n"
    )


def test_verify(bptrace, trace, tmp_path):
    assert "every file is as it was written" in bptrace("show", trace, "--verify").stdout
    block = tmp_path / "run1/log/out/c.0.0.0"
    block.write_bytes(b"\1" + block.read_bytes()[1:])
    result = bptrace("show", trace, "--verify")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "log/out/c.0.0.0: this file is damaged" in result.stderr


def test_verdicts_stand_beside_the_numbers(bptrace, tmp_path, monkeypatch):
    from bptrace import load

    monkeypatch.chdir(tmp_path)
    record(load("lh25-2020"), "run1", 3, "python")
    shown = bptrace("show", "run1", "--step", "1").stdout
    printed = bptrace("run", "lh25-2020", "--steps", "3", "--step", "1").stdout
    assert shown == printed


def test_resume(bptrace, trace):
    result = bptrace("resume", trace)
    assert result.exit_code == 0, result.output
    assert "1,300 of 1,300" in result.stdout
    assert result.stderr == "680 steps were added\n"
    assert bptrace("resume", trace).stderr == "0 steps were added\n"
    more = bptrace("resume", trace, "--steps", "1310", "--json")
    assert json.loads(more.stdout)["steps"] == 1310
    problem = open_trace(trace).problem
    run = engine.run(problem, "python", 1310)
    assert open_trace(trace).at("w1", 1311) == run.at("w1", 1311)
    less = bptrace("resume", trace, "--steps", "5")
    assert less.exit_code == 2
    assert "has 1310 steps already, more than 5" in less.stderr


def test_what_train_keeps(bptrace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    problem = write(tmp_path, PAGE + LOG)
    assert bptrace("train", "page.toml", "--save", "run1", "--quiet").exit_code == 0
    record(problem, "run2", engine="python")
    assert content(tmp_path / "run1") == content(tmp_path / "run2")
    stopped = bptrace("train", "page.toml", "--save", "run3", "--until-error", "0.01", "--json")
    trace = open_trace("run3")
    assert trace.steps == trace.goal == json.loads(stopped.stdout)["steps"] < 1300
    assert trace.at("w1", trace.steps + 1) == engine.run(problem).at("w1", trace.steps + 1)


def test_resume_that_is_interrupted(bptrace, trace, monkeypatch):
    advance = Writer.advance

    def interrupted(self: Writer, steps: int, engine: str) -> object:
        if self.state.steps > 700:
            raise KeyboardInterrupt
        return advance(self, min(steps, 50), "python")

    monkeypatch.setattr(Writer, "advance", interrupted)
    result = bptrace("resume", trace)
    assert result.exit_code == 130
    steps = open_trace(trace).steps
    assert steps > 700
    assert result.stderr == f"{steps - 620} steps were added\n"


@pytest.mark.parametrize("command", ["show", "resume"])
def test_no_trace(bptrace, tmp_path, command):
    result = bptrace(command, str(tmp_path / "nothing"))
    assert result.exit_code == 2
    assert "there is no such directory" in result.stderr


def test_a_trace_of_no_steps(bptrace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record(write(tmp_path), "run1", 0, "python")
    result = bptrace("show", "run1")
    assert result.stdout.splitlines()[1] == "  steps        0 of 0"
    assert bptrace("show", "run1", "--step", "1").exit_code == 2
