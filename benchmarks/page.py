"""The report: sections as Markdown, printed as they come, and written for the documentation."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from time import perf_counter

from benchmarks import goals, peers
from benchmarks.measure import Sheet

BUSY = 2.0
"""The load, over five minutes, from which on others have disturbed; our own is 1."""

HEAD = """# How fast

Written by `{command}` on {date}; {seconds:,.0f} s.
{machine}, {system}; {versions}.{missing}

All measurements of a table are taken in one run, {rounds} rounds, interleaved, in shuffled order:
what counts are the ratios within a round, given as median (smallest–largest); absolute rates belong
to the machine{shared}. One thread for everybody, float64. Before a peer is measured, all its
numbers of some steps are compared with ours; they have to agree within a bound that follows from
the roundings.
"""


class Page:
    """What was measured so far."""

    def __init__(self, arguments: list[str], rounds: int, quick: bool) -> None:
        self.sheet = Sheet(rounds, quick)
        self.command = " ".join(["python -m benchmarks", *arguments])
        self.lines: list[str] = []
        self.begun = perf_counter()

    def measure(self, what: str, title: str) -> None:
        """Measure a section, print it and keep it."""
        self.add([f"## {title}", ""])
        self.add(import_module(f"benchmarks.{what}").table(self.sheet))
        self.add([""])

    def goals(self) -> None:
        """Compare what was measured with the goals."""
        lines = list(goals.table(self.sheet.found))
        if lines:
            self.add(["## Goals", "", *lines])

    def add(self, lines: Iterable[str]) -> None:
        """Print lines and keep them."""
        for line in lines:
            print(line)
            sys.stdout.flush()
            self.lines.append(line)

    def head(self) -> str:
        """Return what stands above the tables."""
        packages = ["numpy", "numba", *sorted({e.package for e in peers.PEERS} - {"", "numpy"})]
        found = ((name, peers.version_of(name)) for name in packages)
        versions = ", ".join(f"{name} {version}" for name, version in found if version)
        missing = peers.missing()
        return HEAD.format(
            command=self.command,
            date=datetime.now(UTC).date(),
            seconds=perf_counter() - self.begun,
            machine=processor(),
            system=f"{platform.system()}, Python {platform.python_version()}",
            versions=versions,
            missing=f" Not installed, and left out: {', '.join(missing)}." if missing else "",
            rounds=self.sheet.rounds,
            shared=neighbours(),
        )

    def write(self, folder: str) -> None:
        """Write benchmarks.md and its picture."""
        from benchmarks import picture

        place = Path(folder)
        image = picture.draw(self.sheet.found, place / "images" / "benchmarks.svg")
        text = "\n".join([self.head(), f"![{picture.ALT}](images/{image.name})", "", *self.lines])
        (place / "benchmarks.md").write_text(text.rstrip() + "\n", encoding="utf-8")


def neighbours() -> str:
    """Return what is to be said of other work on the machine; "" if there was little."""
    load = os.getloadavg()[1] if hasattr(os, "getloadavg") else 0.0
    return f", which had other work to do as well (load {load:.0f})" if load > BUSY else ""


def processor() -> str:
    """Return the processor's name and how many there are."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{name}, {os.cpu_count()} cores"
