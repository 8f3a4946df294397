"""``bptrace train``: the report, the rules, JSON, exit codes, Ctrl-C."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from three_points import POINTS

import bptrace as api
from bptrace import engine
from bptrace.training.loop import Loop


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A 2-3-1 network that learns two classes of points, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.toml").write_text(POINTS, encoding="utf-8")
    return "points.toml"


def changed(points: str, **lines: str) -> str:
    """Write the file with other lines for some keys."""
    text = POINTS
    for key, line in lines.items():
        old = next(row for row in POINTS.splitlines() if row.startswith(key))
        text = text.replace(old, line)
    Path("changed.toml").write_text(text, encoding="utf-8")
    return "changed.toml"


def test_the_report(bptrace, points: str) -> None:
    result = bptrace("train", points)
    assert result.exit_code == 0
    for text in (
        "ended after  300 steps (100 epochs): all steps are done",
        "mean over 3 samples",
        "3 of 3 right (100 %)",
        "last epoch   E = ",
        "Classes (rows) and answers (columns)",
        "After training\n  layer 1  w1 = ",
        "  epochs  ",
        "[░] answer 1",
    ):
        assert text in result.stdout
    assert result.stderr.startswith("300 steps in ")
    assert result.stderr.endswith(" s, engine: python\n")
    assert "\x1b" not in result.stdout + result.stderr


def test_the_report_in_chinese_and_in_ascii(bptrace, points: str) -> None:
    assert "300 步（100 轮）：步数已全部完成" in bptrace("train", points, "--lang", "zh").stdout
    plain = bptrace("train", points, "--ascii")
    assert plain.stdout.isascii()
    assert " -> " in plain.stdout


@pytest.mark.parametrize("width", ["40", "80", "120"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_report_fits(bptrace, points: str, width: str, lang: str) -> None:
    from rich.cells import cell_len

    result = bptrace("train", points, "--lang", lang, env={"COLUMNS": width})
    assert max(cell_len(line) for line in result.stdout.splitlines()) <= int(width)


def test_the_document_is_what_the_engine_says(bptrace, points: str) -> None:
    result = bptrace("train", points, "--json", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    problem = api.load(points)
    run = engine.run(problem, "python", 300)
    assert list(found["parameters"].values()) == list(run.state.numbers)
    assert found["parameters"]["w[2,1,3]"] == run.at("w[2,1,3]+", 300)
    assert (found["reason"], found["steps"], found["epochs"]) == ("done", 300, 100.0)
    first = [run.at("E", step) for step in (1, 2, 3)]
    assert found["curve"]["errors"][0] == (first[0] + first[1] + first[2]) / 3.0
    assert found["curve"]["mean_over_steps"] == 3
    assert found["curve"]["steps"] == list(range(3, 301, 3))
    assert found["train"]["table"] == [[1, 0], [0, 2]]
    assert found["classes"] == ["0", "1"]
    assert (found["test"], found["diverged"], found["gradients"]) == (None, None, [])


@pytest.mark.parametrize(
    ("options", "reason", "text"),
    [
        (["--until-error", "0.05"], "error", "E over the last epoch is less than 0.05"),
        (["--until-error", "0.05", "--steps", "7"], "done", "7 steps (2.333 epochs): all steps"),
        (["--epochs", "5"], "done", "15 steps (5 epochs): all steps are done"),
        (["--patience", "2", "--epochs", "9"], "done", "27 steps"),
    ],
)
def test_when_it_ends(bptrace, points: str, options: list[str], reason: str, text: str) -> None:
    assert text in " ".join(bptrace("train", points, *options).stdout.split())
    document = json.loads(bptrace("train", points, *options, "--json").stdout)
    assert document["reason"] == reason
    if reason == "error":
        assert document["last_epoch_error"] < 0.05
        assert document["steps"] < 300


def test_rules_may_stand_in_the_file(bptrace, points: str) -> None:
    file = changed(points, steps="stop = { error = 0.05, patience = 500 }")
    document = json.loads(bptrace("train", file, "--json").stdout)
    assert document["stop"] == {"error": 0.05, "patience": 500}
    assert (document["reason"], document["planned"]) == ("error", 1_000_000)
    over = json.loads(bptrace("train", file, "--until-error", "0.2", "--json").stdout)
    assert over["stop"] == {"error": 0.2, "patience": 500}


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        ("{ error = 0 }", "error: expected more than 0, found 0"),
        ("{ patience = 0 }", "patience: expected at least 1, found 0"),
        ("{}", "stop has neither error nor patience. Write { error = 1e-4 }, { patience = 1000 }"),
        ("{ errror = 1 }", "unknown key \"errror\" in stop = { … }. Did you mean 'error'?"),
        ("3", "expected stop = { … }, a table, found 3"),
    ],
)
def test_rules_that_make_no_sense(bptrace, points: str, stop: str, message: str) -> None:
    result = bptrace("train", changed(points, steps=f"stop = {stop}"))
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("changed.toml:23:")


def test_one_step_and_none_say_how_to_do_more(bptrace, points: str) -> None:
    one = bptrace("train", points, "--steps", "1")
    assert "1 step (0.3333 epochs): all steps are done" in one.stdout
    assert one.stderr.endswith(
        "that was one step, as in a hand calculation; "
        "--steps 1000 or --until-error 1e-4 does more\n"
    )
    none = bptrace("train", points, "--steps", "0")
    assert none.exit_code == 0
    assert none.stderr.endswith("there are 0 steps to do; --steps 1000 does some\n")


def test_without_a_rule_nothing_is_trained(bptrace, points: str) -> None:
    text = POINTS[: POINTS.index("[training]")]
    Path("still.toml").write_text(text, encoding="utf-8")
    result = bptrace("train", "still.toml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: still.toml: nothing is trained, because there is no learning rule. "
        'Write [training] with rule = "gradient-descent" and learning_rate = 0.5\n'
    )


def test_options_that_contradict(bptrace, points: str) -> None:
    result = bptrace("train", points, "--steps", "5", "--epochs", "5")
    assert result.exit_code == 2
    assert "--steps and --epochs say the same; keep one of them" in result.stderr
    for option, value in (("--until-error", "-1"), ("--until-error", "nan"), ("--patience", "0")):
        result = bptrace("train", points, option, value)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Traceback" not in result.stderr


LINEAR = {"activation": 'activation = "identity"', "learning_rate": "learning_rate = 1e6"}


def test_a_run_that_diverges_shows_the_first_number_that_is_none(bptrace, points: str) -> None:
    file = changed(points, **LINEAR)
    Path(file).write_text(Path(file).read_text().replace('"sigmoid"', '"identity"'))
    result = bptrace("train", file)
    assert result.exit_code == 1
    text = " ".join(result.stdout.split())
    assert "leaves the finite numbers" in text
    assert "that is not finite: " in text
    assert "= ∞" in text or "= nan" in text
    assert "Try a learning rate below 1e+06." in text
    document = json.loads(bptrace("train", file, "--json").stdout)
    assert document["reason"] == "diverged"
    assert document["diverged"]["step"] == document["steps"] + 1
    trace = engine.run(api.load(file), "python", document["steps"] + 1)
    found = document["diverged"]
    value = trace.at(found["quantity"], found["step"], found["sample"])
    assert str(float(found["value"])) == str(value)


def test_several_widths_in_one_table(bptrace, points: str) -> None:
    result = bptrace("train", points, "--hidden", "1,2,5")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["hidden", "steps", "E", "before", "→", "after", "training", "ended", "after"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "5"]
    assert result.stderr.startswith("hidden neurons: 1: 300 steps in ")
    document = json.loads(bptrace("train", points, "--hidden", "1,2", "--json").stdout)
    assert [network["hidden"] for network in document["networks"]] == [1, 2]
    assert len(document["networks"][1]["parameters"]) == 2 * 2 + 2 + 2 + 1


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what draws, not of ours
def test_pictures_are_written(bptrace, points: str) -> None:
    pytest.importorskip("matplotlib")
    result = bptrace("train", points, "--hidden", "1,2", "--plot", "pictures")
    assert result.exit_code == 0
    written = sorted(path.name for path in Path("pictures").iterdir())
    assert written == [
        f"{name}.{kind}"
        for name in ("boundary", "error", "gradients", "weight-w3")
        for kind in ("png", "svg")
    ]
    again = bptrace("train", points, "--plot", "pictures")
    assert again.exit_code == 2
    assert "is already there" in again.stderr
    assert "steps in" not in again.stderr  # told before the training, not after it


def stored(folder: str) -> tuple[int, list[float], list[float]]:
    from bptrace.store import open_trace

    trace = open_trace(folder)
    end = trace.steps
    return end, [trace.at("E", step) for step in (1, 7, end)], list(trace.state_at(end).numbers)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--until-error", "0.05"],
        pytest.param(["--plot", "pictures"], marks=pytest.mark.ci),
        ["--steps", "0"],
    ],
)
def test_a_run_is_kept(bptrace, points: str, options: list[str]) -> None:
    if "--plot" in options:
        pytest.importorskip("matplotlib")
    result = bptrace("train", points, "--save", "kept", *options, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    if options == ["--steps", "0"]:
        assert Path("kept").is_dir()
        return
    steps, errors, numbers = stored("kept")
    run = engine.run(api.load(points), "python", steps)
    assert steps == document["steps"]
    assert errors == [run.at("E", step) for step in (1, 7, steps)]
    assert numbers == list(run.state.numbers) == list(document["parameters"].values())
    again = bptrace("train", points, "--save", "kept")
    assert again.exit_code == 2
    assert "kept" in again.stderr
    assert bptrace("train", points, "--save", "kept", "--force").exit_code == 0


def test_several_networks_are_not_kept(bptrace, points: str) -> None:
    result = bptrace("train", points, "--save", "kept", "--hidden", "1,2")
    assert result.exit_code == 2
    assert "--save keeps a single network; leave out --hidden" in result.stderr
    assert not Path("kept").exists()


def test_an_interrupt_leaves_what_there_is(
    bptrace, points: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Loop._part

    def part_and_ctrl_c(self: Loop) -> None:
        part(self)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Loop, "_part", part_and_ctrl_c)
    before = signal.getsignal(signal.SIGINT)
    result = bptrace("train", points, "--json", "--steps", str(10**9), "--engine", "python")
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr
    document = json.loads(result.stdout)
    assert document["reason"] == "interrupted"
    assert 0 < document["steps"] < 10**9
    assert signal.getsignal(signal.SIGINT) is before
