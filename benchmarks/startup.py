"""How long the program takes to start, as a multiple of a bare interpreter's start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from tempfile import TemporaryDirectory

from benchmarks.compare import spent_by_children
from benchmarks.measure import WALL, Sheet, Spread, Task, ratios, rounds, typical
from bptrace.kernels.ways import Loops

PROGRAM = "import sys; from bptrace.cli import main; sys.exit(main())"
"""What the installed command does."""

COMMANDS = {
    "bptrace --help": ["-c", PROGRAM, "--help"],
    "bptrace run lh25-2020": ["-c", PROGRAM, "run", "lh25-2020"],
    "bptrace check lh25-2020": ["-c", PROGRAM, "check", "lh25-2020"],
}

NOTHING: Mapping[str, str] = {}


def start(arguments: list[str], bytecode: str, more: Mapping[str, str] = NOTHING) -> None:
    """Start Python with `arguments`; what it prints is thrown away.

    Byte code is kept in the folder `bytecode`, as an installed program has it; without it Python
    would compile bptrace's sources in each round, which takes longer than running them.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, **more}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode > 1:  # 1: the page that is checked has a mistake
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}")


KERNEL = """
import sys
from bptrace import engine
from bptrace.kernels.ways import Loops, smallest
engine.run(smallest(Loops(sys.argv[1])), "numba")
"""


def compilations() -> dict[Loops, float]:
    """Return seconds of processor time that the first compilation of each kernel takes.

    The same short run twice, with an empty folder for the machine code: the second only loads it.
    Byte code, of Numba, too, is there before.
    """
    with TemporaryDirectory() as bytecode:
        _compilation(Loops.TINY, bytecode)
        return {loops: _compilation(loops, bytecode) for loops in Loops}


def _compilation(loops: Loops, bytecode: str) -> float:
    spent = []
    with TemporaryDirectory() as cache:
        for _ in range(2):
            before = spent_by_children()
            start(["-c", KERNEL, loops], bytecode, {"NUMBA_CACHE_DIR": cache})
            spent.append(spent_by_children() - before)
    return spent[0] - spent[1]


def table(sheet: Sheet) -> Iterator[str]:
    """Yield the rows of the table."""
    commands = {"python -c pass": ["-c", "pass"], **COMMANDS}
    with TemporaryDirectory() as bytecode:
        tasks = {name: Task(partial(start, each, bytecode)) for name, each in commands.items()}
        times = rounds(tasks, sheet.rounds, WALL)
    yield "| command | ms | / bare interpreter: median (min–max) |"
    yield "|---|--:|--:|"
    for name in commands:
        ratio = ratios(times, name, "python -c pass")
        sheet.found[f"start: {name}"] = ratio
        yield f"| `{name}` | {1000 * typical(times, name):.0f} | {ratio.text(1)} |"
    if not sheet.quick:
        took = compilations()
        first = took[Loops.TINY]
        sheet.found["start: first compilation, s"] = Spread(first, first, first)
        yield ""
        yield "| kernel | seconds of processor time for compiling it, once |"
        yield "|---|--:|"
        for loops, seconds in took.items():
            yield f"| {loops} | {seconds:.1f} |"
