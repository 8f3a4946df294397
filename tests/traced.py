"""A problem to record, and all bytes of a directory, for the tests of traces on disk."""

from __future__ import annotations

from pathlib import Path

from bptrace import io
from bptrace.model import Problem

PAGE = """\
title = "three samples"
[network]
[[network.layer]]
names = ["i1", "i2"]
[[network.layer]]
size = 3
activation = "tanh"
init = { method = "normal", seed = 1 }
[[network.layer]]
names = ["o1"]
activation = "sigmoid"
init = { method = "normal", seed = 2 }
[[sample]]
x = [0.5, 0.2]
t = [0.25]
[[sample]]
x = [-1.5, 0.1]
t = [0.75]
[[sample]]
x = [-1.0, 0.7]
t = [0.5]
[training]
rule = "gradient-descent"
learning_rate = 0.5
batch = 2
steps = 1300
"""
LOG = """\
[log]
every = 7
quantities = ["in", "out", "delta", "E", "parameters", "gradients"]
"""


def write(folder: Path, text: str = PAGE, name: str = "page.toml") -> Problem:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return io.load(path)


def content(folder: Path) -> dict[str, bytes]:
    """Every byte of a directory, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
