"""Traces on disk: bytes per second against a plain memmap, random access; and `recording`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks import recording
from benchmarks.measure import WALL, Sheet, Spread, Task, ratios, rounds, spread, typical
from benchmarks.networks import name_of
from bptrace.model import Problem
from bptrace.store import Writer, arrays, files, sink

PORTION = 2**20
PORTIONS = 64
WIDTH = 4096  # numbers in a row
ACCESSED = {(2, 2, 2): 1_000_000, (784, 30, 10): 2_000}
"""Steps of a run of which any one is asked for."""
TEXT = """Both write the same bytes and end when these are on the disk: the memmap is flushed
(msync); the store writes blocks, hashes each, flushes them (fsync) and renames its record into
place. Before each measurement what the last one wrote is removed and everything is flushed. By the
clock on the wall, as the disk is part of it; two threads calculate the hashes, while the memmap
keeps one busy: without a second core to spare the memmap is faster."""


def table(sheet: Sheet) -> Iterator[str]:
    """Yield the rows of the tables."""
    yield TEXT
    yield ""
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as place:
        folder = Path(place)
        yield from _throughput(folder, sheet)
        yield ""
        yield from recording.costs(folder, sheet)
        yield ""
        yield from recording.replays(folder, sheet)
        yield ""
        yield from _access(folder, sheet)


def _throughput(folder: Path, sheet: Sheet) -> Iterator[str]:
    raw = np.random.default_rng(0).random(PORTION // 8).tobytes()
    place = folder / "written"

    def clear() -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        os.sync()

    writers = {"store": _stored(place, raw), "memmap": _mapped(place, raw)}
    tasks = {name: Task(write, before=clear) for name, write in writers.items()}
    times = rounds(tasks, sheet.rounds, WALL)
    shutil.rmtree(place)
    rate = {name: PORTION * PORTIONS / typical(times, name) / 1e6 for name in times}
    share = sheet.found["store: append"] = ratios(times, "memmap", "store")
    yield "| 64 MiB in portions of 1 MiB, on the disk at the end | MB/s | of the memmap's rate |"
    yield "|---|--:|--:|"
    yield f"| `numpy.memmap`, flushed | {rate['memmap']:,.0f} | 1 |"
    ours = f"{rate['store']:,.0f} | {share.text()}"
    yield f"| store: blocks, each with its hash, committed | {ours} |"


def _stored(place: Path, raw: bytes) -> Callable[[], object]:
    rows = arrays.rows_per_block((WIDTH,), in_full=True)
    array = arrays.Array("log/x", "float64", ("step", "n"), (WIDTH,), rows, 1, 1, "")
    info = files.Info("", "", files.ARITHMETIC, "", "", 1, [array], {})

    def write() -> None:
        target = sink.Sink(place, info, "", {})
        for _ in range(PORTIONS):
            target.append({"log/x": raw})
        target.commit(PORTIONS * len(raw) // array.row_bytes, 0, b"")
        target.close()

    return write


def _mapped(place: Path, raw: bytes) -> Callable[[], object]:
    values = np.frombuffer(raw)

    def write() -> None:
        target = np.memmap(place / "map", np.float64, "w+", shape=(PORTIONS, len(values)))
        for row in target:
            row[:] = values
        target.flush()

    return write


def _access(folder: Path, sheet: Sheet) -> Iterator[str]:
    yield (
        "Each opened in a process of its own; opening loads what recomputes single steps:\n"
        "compiled code for wide networks, for small ones plain Python will do."
    )
    yield ""
    yield (
        "| network | steps | opening, ms | the first step, recomputed and proved, ms "
        "| any other, ms | bytes of the full records |"
    )
    yield "|---|--:|--:|--:|--:|--:|"
    for widths, steps in ACCESSED.items():
        name = name_of(widths)
        problem = recording.page(widths, steps, folder)
        yield _accessed(problem, folder / name, sheet)


def _accessed(problem: Problem, folder: Path, sheet: Sheet) -> str:
    steps = problem.training.steps
    with Writer.create(problem, folder, steps) as writer:
        writer.advance(steps, "numba")
    command = [sys.executable, "-m", "benchmarks.opening", str(folder)]
    runs = [
        json.loads(subprocess.run([*command, str(n)], capture_output=True, check=True).stdout)
        for n in range(sheet.rounds + 1)
    ][1:]  # the first may have had to read the compiler from the disk
    opening, first = (spread([run[k] for run in runs]) for k in (0, 1))
    others = spread([time for run in runs for time in run[2:]])
    size = sum(512 * place.stat().st_blocks for place in folder.rglob("*"))
    share = size / (8 * problem.layout.size * steps)
    sheet.found[f"store: any step {folder.name}, ms"] = spread([t for run in runs for t in run[1:]])
    sheet.found[f"store: bytes {folder.name}"] = Spread(share, share, share)
    cells = (opening.text(0), first.text(1), others.text(1), f"{100 * share:.2f} %")
    return f"| {folder.name} | {steps:,} | {' | '.join(cells)} |"
