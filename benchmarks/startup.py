"""How long the program takes to start, as a multiple of a bare interpreter's start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from tempfile import TemporaryDirectory

from benchmarks.measure import ratios, rounds, typical

COMMANDS = {
    "bptrace --help": ["-m", "bptrace", "--help"],
    "bptrace run lh25-2020": ["-m", "bptrace", "run", "lh25-2020"],
}


def start(arguments: list[str], bytecode: str) -> None:
    """Start Python with `arguments`; what it prints is thrown away.

    Byte code is kept in the folder `bytecode`, as an installed program has it; without it Python
    would compile bptrace's sources in each round, which takes longer than running them.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True
    )


def table(n: int) -> Iterator[str]:
    """Yield the rows of the table; `n` rounds."""
    if find_spec("bptrace.__main__") is None:
        yield "(left out: there is no command line yet)"
        return
    commands = {"python -c pass": ["-c", "pass"], **COMMANDS}
    with TemporaryDirectory() as bytecode:
        tasks = {name: partial(start, each, bytecode) for name, each in commands.items()}
        times = rounds(tasks, n)
    yield "| command | ms | / bare interpreter: median (min–max) |"
    yield "|---|--:|--:|"
    for name in commands:
        middle, least, most = ratios(times, name, "python -c pass")
        ms = 1000 * typical(times, name)
        yield f"| `{name}` | {ms:.0f} | {middle:.1f} ({least:.1f}–{most:.1f}) |"
