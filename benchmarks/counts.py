"""How many instructions a process takes, where something can count them: perf, else valgrind.

Unlike times they are nearly the same in every run. perf needs counters of the processor, which few
virtual machines have; valgrind interprets the program, some 30 times slower, and would compile the
kernels anew for the processor that it plays: it is for what compiles nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

Run = Callable[[list[str]], object]
"""Runs a command, and ends the program if it fails."""


class Counter(NamedTuple):
    """A program that counts instructions.

    Attributes
    ----------
    name : str
    words : function
        What stands before the command, if the counts go to a file.
    read : function
        The instructions in the lines of that file; ValueError if there are none.
    is_fast : bool
        Whether it may count kernels as well.
    """

    name: str
    words: Callable[[str], list[str]]
    read: Callable[[Sequence[str]], float]
    is_fast: bool

    def count(self, run: Run, words: list[str]) -> float:
        """Return the instructions of a command; end the program if they were not counted."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "counts")
            run([*self.words(str(file)), *words])
            lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        try:
            return self.read(lines)
        except ValueError:
            found = "\n".join(lines) or "nothing"
            raise SystemExit(f"{self.name} counted no instructions; it says:\n{found}") from None

    def works(self) -> bool:
        """Whether it is here and can count."""
        if not shutil.which(self.name):
            return False
        try:
            return self.count(_quietly, ["true"]) > 0
        except SystemExit:
            return False


def counter() -> Counter | None:
    """Return the best counter that works here."""
    return next((counter for counter in COUNTERS if counter.works()), None)


def _quietly(words: list[str]) -> None:
    if subprocess.run(words, capture_output=True, check=False).returncode:
        raise SystemExit(f"{words[0]} failed")


def _perf(file: str) -> list[str]:
    return ["perf", "stat", "-x,", "-e", "instructions:u", "-o", file, "--"]


def _of_perf(lines: Sequence[str]) -> float:
    """Add up ``number,unit,event,…``: processors with two kinds of cores have a line for each.

    A kind of core on which nothing ran says "<not counted>" in the place of the number.
    """
    rows = [line.split(",") for line in lines]
    values = [row[0] for row in rows if len(row) > 2 and "instructions" in row[2]]
    numbers = [float(value) for value in values if value != "<not counted>"]
    if not numbers:
        raise ValueError("no numbers")
    return sum(numbers)


def _valgrind(file: str) -> list[str]:
    tool = ["--tool=cachegrind", "--cache-sim=no", "--branch-sim=no"]
    return ["valgrind", "--quiet", *tool, f"--cachegrind-out-file={file}"]


def _of_valgrind(lines: Sequence[str]) -> float:
    """Read the line ``summary: N``, of which the first number is that of instructions."""
    sums = [line.split()[1] for line in lines if line.startswith("summary:")]
    if not sums:
        raise ValueError("no sum")
    return float(sums[0])


COUNTERS = (
    Counter("perf", _perf, _of_perf, is_fast=True),
    Counter("valgrind", _valgrind, _of_valgrind, is_fast=False),
)
"""The faster one first."""
