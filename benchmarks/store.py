"""Traces on disk: bytes per second against a plain memmap, what recording costs, random access."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.measure import WALL, Sheet, Spread, Task, ratios, rounds, spread, typical
from benchmarks.networks import name_of
from bptrace import io
from bptrace.engine import go_on, start
from bptrace.model import Problem
from bptrace.store import StoredTrace, Writer, arrays, files, open_trace, sink

PORTION = 2**20
PORTIONS = 64
WIDTH = 4096  # numbers in a row
STEPS = 300_000
ACCESSED = {(2, 2, 2): 1_000_000, (784, 30, 10): 2_000}
"""Steps of a run of which any one is asked for."""
TEXT = """Both write the same bytes and end when these are on the disk: the memmap is flushed
(msync); the store writes blocks, hashes each, flushes them (fsync) and renames its record into
place. Before each measurement what the last one wrote is removed and everything is flushed. By the
clock on the wall, as the disk is part of it; two threads calculate the hashes, while the memmap
keeps one busy."""


def table(sheet: Sheet) -> Iterator[str]:
    """Yield the rows of the tables."""
    yield TEXT
    yield ""
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as place:
        folder = Path(place)
        yield from _throughput(folder, sheet)
        yield ""
        yield from _recording(folder, sheet)
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


def _recording(folder: Path, sheet: Sheet) -> Iterator[str]:
    problem = io.load("lh25-2020")
    problem = replace(problem, training=replace(problem.training, steps=STEPS))

    def recorded() -> None:
        with Writer.create(problem, folder / "run", STEPS, force=True) as writer:
            writer.advance(STEPS, "numba")

    bare = Task(lambda: go_on(problem, start(problem), STEPS, "numba"))
    times = rounds({"run": bare, "recorded": Task(recorded)}, sheet.rounds, WALL)
    cost = sheet.found["store: recording"] = ratios(times, "recorded", "run")
    yield f"| {STEPS:,} steps of a 2-2-2 network | steps/s | time / not recorded |"
    yield "|---|--:|--:|"
    yield f"| not recorded | {STEPS / typical(times, 'run'):,.0f} | 1 |"
    yield (
        f"| recorded: E of every step, checkpoints | {STEPS / typical(times, 'recorded'):,.0f} "
        f"| {cost.text()} |"
    )


def _access(folder: Path, sheet: Sheet) -> Iterator[str]:
    yield (
        "| network | steps | opening, ms | any step, recomputed and proved, ms "
        "| bytes of the full records |"
    )
    yield "|---|--:|--:|--:|--:|"
    for widths, steps in ACCESSED.items():
        name = name_of(widths)
        file = folder / f"{name}.toml"  # a trace keeps the text of its file
        file.write_text(_text(widths, steps), encoding="utf-8")
        yield _accessed(io.load(file), folder / name, sheet)


def _text(widths: Sequence[int], steps: int) -> str:
    """A problem file with drawn parameters and 8 drawn samples."""
    draw = Random(0).random
    blocks = ['[network]\nloss = "half-squared"', f"[[network.layer]]\nsize = {widths[0]}"]
    start = 'init = { method = "normal", scale = 0.5, seed = 0 }'
    blocks += [
        f'[[network.layer]]\nsize = {size}\nactivation = "sigmoid"\n{start}' for size in widths[1:]
    ]
    for _ in range(8):
        x, t = ([draw() for _ in range(size)] for size in (widths[0], widths[-1]))
        blocks.append(f"[[sample]]\nx = {x}\nt = {t}")
    blocks.append(f"[training]\nlearning_rate = 0.1\nsteps = {steps}")
    return "\n".join(blocks) + "\n"


def _accessed(problem: Problem, folder: Path, sheet: Sheet) -> str:
    steps = problem.training.steps
    with Writer.create(problem, folder, steps) as writer:
        writer.advance(steps, "numba")
    opened: list[StoredTrace] = []
    random = Random(0)
    times = rounds(
        {
            "open": Task(lambda: opened.append(open_trace(folder))),
            "step": Task(lambda: opened[-1].at("dE/dw[1,1,1]", random.randint(1, steps))),
        },
        2 * sheet.rounds + 3,
        WALL,
    )
    size = sum(512 * place.stat().st_blocks for place in folder.rglob("*"))
    share = size / (8 * problem.layout.size * steps)
    any_step = spread([1e3 * t for t in times["step"]])
    sheet.found[f"store: any step {folder.name}, ms"] = any_step
    sheet.found[f"store: bytes {folder.name}"] = Spread(share, share, share)
    return (
        f"| {folder.name} | {steps:,} | {1e3 * typical(times, 'open'):.1f} "
        f"| {any_step.text(1)} | {100 * share:.2f} % |"
    )
