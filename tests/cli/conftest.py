from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from bptrace.cli.program import program

Run = Callable[..., Result]


@pytest.fixture
def bptrace(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process: 80 columns, a pipe, English."""
    for name in ("NO_COLOR", "FORCE_COLOR", "LC_ALL", "LC_MESSAGES", "BPTRACE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str, stdin: str | None = None, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(program, list(arguments), input=stdin, env=env)

    return run


TINY = """\
title = "tiny"
[network]
[[network.layer]]
names = ["i1"]
[[network.layer]]
names = ["h1"]
activation = "sigmoid"
weights = [[0.4]]
biases = [0.1]
[[network.layer]]
names = ["o1"]
activation = "tanh"
weights = [[-0.7]]
[[sample]]
x = [0.5]
t = [0.25]
[[sample]]
x = [-1.5]
t = [0.75]
[training]
rule = "gradient-descent"
learning_rate = 0.5
steps = 4
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A 1-1-1 network with two samples, four updates, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    return "tiny.toml"
