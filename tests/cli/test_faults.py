"""What is said about wrong input of every kind: text, stream and exit code."""

from __future__ import annotations

import pytest

from bptrace.cli import faults
from bptrace.errors import EngineError

LH = "lh25-2020"
HELP = " 'bptrace {} --help' shows what is possible"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum", LH], "error: unknown command 'rum'. Did you mean 'run'? 'bptrace --help' shows"),
        (["xyz"], "error: unknown command 'xyz'. Known: run, explain, check, "),
        (["run"], "error: Missing argument 'FILE'." + HELP.format("run")),
        (["run", LH, "--dgits", "3"], "error: No such option '--dgits'."),
        (["run", LH, "--digits", "0"], "error: Invalid value for '--digits': 0 is not in the "),
        (["run", LH, "--digits", "18"], "error: Invalid value for '--digits': 18 is not in"),
        (["run", LH, "--digits", "many"], "error: Invalid value for '--digits': 'many' is not"),
        (["run", LH, "--lang", "de"], "error: Invalid value for '--lang': 'de' is not one of"),
        (["run", LH, "--steps", "-1"], "error: Invalid value for '--steps': -1 is not in the"),
        (["run", LH, "--step", "0"], "error: Invalid value for '--step': 0 is not in the range"),
        (
            ["run", LH, "--step", "2"],
            "error: there is no step 2; the run has 1 step. Use --steps 2 to calculate more\n",
        ),
        (["run", LH, "--sample", "2"], "error: there is no sample 2; the file has 1\n"),
        (
            ["run", "id-xor-ones", "--sample", "2", "--steps", "1"],
            "error: the run ends before sample 2, after 1 step. Use --steps to calculate more\n",
        ),
        (
            ["run", "id-xor-ones", "--sample", "2", "--step", "1"],
            "error: step 1 does not take sample 2; it takes sample 1\n",
        ),
        (
            ["run", LH, "--dialect", "nielson"],
            "error: unknown dialect 'nielson'. Did you mean 'nielsen'?\n",
        ),
        (["run", LH, "--engine", "nunba"], "error: unknown engine 'nunba'. Did you mean 'numba'?"),
        (["run", LH, "--only", "h1,h9"], "error: unknown neuron 'h9'. Known: "),
        (["run", LH, "--steps", "9" * 12], "error: the log of 999,999,999,999 steps would take "),
        (
            ["run", "lh25-2021"],
            "lh25-2021: there is no such file, and no example of that name. Did you mean "
            "'lh25-2020'?\n",
        ),
        (["run", "missing.toml"], "missing.toml: "),
        (["run", "."], ".: "),
        (["explain", LH], "error: Missing argument 'QUANTITY'." + HELP.format("explain")),
        (["explain", LH, "w55"], "error: unknown quantity 'w55'. Did you mean 'w5'?\n"),
        (["explain", LH, ""], "error: "),
        (["explain", LH, "w5 w6"], "error: 'w6' is more than one quantity\n"),
        (["explain", LH, "w[3,1,1]"], "error: w[3,1,1]: there is no layer 3 with this quantity "),
        (["explain", LH, "out[2,3]"], "error: out[2,3]: layer 2 has the neurons 1 to 2\n"),
        (["explain", LH, "dE/dw5", "--step", "2"], "error: there is no step 2; the run has 1 step"),
        (["explain", LH, "E", "--sample", "2"], "error: there is no sample 2; the file has 1\n"),
        (["explain", LH, "E", "--sample", "0"], "error: Invalid value for '--sample': '0' is "),
        (["explain", LH, "E", "--depth", "101"], "error: Invalid value for '--depth': 101 is "),
        (["explain", LH, "E", "--dialect", "?"], "error: unknown dialect '?'. Known: in-out, "),
        (["list", "losess"], "error: Invalid value for '[KIND]': 'losess' is not one of"),
        (["new", "mine", "--layers", "2"], "error: Invalid value for '--layers': '2' is one layer"),
        (["new", "mine", "--layers", "2,0,1"], "error: Invalid value for '--layers': '2,0,1' has "),
        (["new", "mine", "--layers", "2,x"], "error: Invalid value for '--layers': '2,x' is not a"),
        (["new", "no/such/folder/mine"], "error: no/such/folder/mine.toml: No such file or"),
        (["new", ".toml"], "error: '.toml' is not the name of a file. Try 'bptrace new mine'\n"),
    ],
)
def test_wrong_input(bptrace, tmp_path, monkeypatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = bptrace(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_all_faults_of_a_file_one_line_each(bptrace, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[network]\nloss = "half-sqared"\nlos = 1\n[[network.layer]]\nsize = 2\n'
    (tmp_path / "faulty.toml").write_text(text, encoding="utf-8")
    for command in (["run", "faulty.toml"], ["explain", "faulty.toml", "E"]):
        result = bptrace(*command, "--json")
        lines = result.stderr.splitlines()
        assert (result.exit_code, result.stdout) == (2, "")
        assert len(lines) > 1
        assert all(line.startswith("faulty.toml:") for line in lines)
        assert any(line.startswith('faulty.toml:2:8: unknown loss "half-sqared"') for line in lines)


def test_without_a_command_the_help_is_shown(bptrace) -> None:
    result = bptrace()
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: bptrace ")


def test_messages_are_labelled_in_chinese(bptrace) -> None:
    assert bptrace("run", LH, "--only", "h9", "--lang", "zh").stderr.startswith("错误：")


# -------------------------------------------------------------------------- our own bugs, and ends


def _fails_with(error: BaseException):
    def calculate(*_: object, **__: object) -> None:
        raise error

    return calculate


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            ZeroDivisionError("float division"),
            3,
            "error: this is a bug in bptrace, not in your file: ZeroDivisionError at "
            "test_faults.py:",
        ),
        (EngineError("w5+ differs"), 3, "error: w5+ differs\n"),
        (MemoryError(), 2, "error: there is not enough memory. Take fewer steps (--steps) or"),
        (PermissionError(13, "Permission denied", "x.toml"), 2, "error: x.toml: Permission denied"),
        (KeyboardInterrupt(), 130, "\n"),
        (RecursionError("deep"), 3, "error: this is a bug in bptrace, not in your file: Recursion"),
    ],
)
def test_nothing_ends_in_a_traceback(
    bptrace, monkeypatch, error: BaseException, code: int, message: str
) -> None:
    monkeypatch.setattr("bptrace.engine.run", _fails_with(error))
    result = bptrace("run", LH)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.stderr


def test_the_traceback_of_a_bug_can_be_had(bptrace, monkeypatch) -> None:
    monkeypatch.setattr("bptrace.engine.run", _fails_with(ZeroDivisionError("float division")))
    result = bptrace("run", LH, env={"BPTRACE_DEBUG": "1"})
    assert result.exit_code == 3
    assert result.stderr.splitlines()[0].endswith("BPTRACE_DEBUG=1 shows where it came from")
    assert "Traceback (most recent call last)" in result.stderr


def test_labels_are_red_on_a_terminal_only(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    faults.report(EngineError("w5+ differs"))
    assert capsys.readouterr().err == "\x1b[31m\x1b[1merror:\x1b[0m w5+ differs\n"
    monkeypatch.setenv("NO_COLOR", "1")
    faults.report(EngineError("w5+ differs"))
    assert capsys.readouterr().err == "error: w5+ differs\n"
