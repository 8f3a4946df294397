"""What recording a run costs, and what recomputing it takes beside reading a full log."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from time import thread_time

import numpy as np

from benchmarks.measure import WALL, Sheet, Task, ratios, rounds, typical
from benchmarks.networks import name_of
from bptrace import io
from bptrace.engine import go_on, start
from bptrace.model import Problem
from bptrace.store import Writer, open_trace, stored

RECORDED = {(2, 2, 2): 1_000_000, (2, 10, 10, 1): 300_000, (784, 30, 10): 20_000}
REPLAYED = {(2, 2, 2): 300_000, (784, 30, 10): 500}
"""Steps of the runs."""

COST = """What is recorded is E of every step, its number, and checkpoints: less than out, δ and E
of every step would take, and all of these follow. By the processor's clock of the thread that
calculates; hashing and writing go on beside it."""

REPLAY = """Full records of all steps: recomputed from the trace on disk, with its proofs, or read
with `numpy.memmap` from a file of full records, in pieces of 16 MiB: from the disk, as what is
worth recomputing fills more than the memory, and from memory, where the system still has it there.
Both write each piece into the memory of the one before.
By the clock on the wall."""


def costs(folder: Path, sheet: Sheet) -> Iterator[str]:
    """Yield the table of what recording costs."""
    yield COST
    yield ""
    yield "| network | steps | not recorded, steps/s | recorded, steps/s | recording costs |"
    yield "|---|--:|--:|--:|--:|"
    for widths, steps in RECORDED.items():
        yield _cost(page(widths, steps, folder), folder / "run", sheet)


def _cost(problem: Problem, folder: Path, sheet: Sheet) -> str:
    steps, writers = problem.training.steps, list[Writer]()

    def create() -> None:
        writers.append(Writer.create(problem, folder, steps, force=True))

    def record() -> None:
        with writers.pop() as writer:
            writer.advance(steps, "numba")

    tasks = {
        "run": Task(lambda: go_on(problem, start(problem), steps, "numba")),
        "recorded": Task(record, before=create),
    }
    times = rounds(tasks, sheet.rounds, thread_time)
    name = name_of(problem.network.widths)
    cost = sheet.found[f"store: recording {name}"] = ratios(times, "recorded", "run")
    rates = (f"{steps / typical(times, task):,.0f}" for task in tasks)
    return f"| {name} | {steps:,} | {' | '.join(rates)} | {cost.text()} |"


def replays(folder: Path, sheet: Sheet) -> Iterator[str]:
    """Yield the table of recomputing and reading."""
    yield REPLAY
    yield ""
    yield "| network | steps | | GB/s | time / recomputed |"
    yield "|---|--:|---|--:|--:|"
    for widths, steps in REPLAYED.items():
        yield from _replay(page(widths, steps, folder), folder, sheet)


def _replay(problem: Problem, folder: Path, sheet: Sheet) -> Iterator[str]:
    name, steps = name_of(problem.network.widths), problem.training.steps
    full = folder / "full.f8"
    with Writer.create(problem, folder / "replayed", steps) as writer:
        writer.advance(steps, "numba")
    trace = open_trace(folder / "replayed")
    with open(full, "wb") as file:
        for run in trace.parts():
            run.log[: run.steps * problem.layout.size].tofile(file)  # type: ignore[attr-defined]
    n_bytes = full.stat().st_size
    piece = np.zeros(stored.MOST_KEPT // 8)

    def recompute() -> int:
        return sum(run.steps for run in trace.parts(again=True))

    def read() -> int:
        found, total = np.memmap(full, np.float64, "r"), 0
        for k in range(0, len(found), len(piece)):
            part = piece[: len(found) - k]
            part[:] = found[k : k + len(part)]
            total += len(part)
        return total

    tasks = {"recomputed": Task(recompute), "read from memory": Task(read)}
    if sys.platform == "linux":
        tasks["read from the disk"] = Task(read, before=lambda: forget(full))
    times = rounds(tasks, sheet.rounds, WALL)
    for task in tasks:
        rate, ratio = n_bytes / typical(times, task) / 1e9, ratios(times, task, "recomputed")
        sheet.found[f"store: {task} / recomputed {name}"] = ratio
        yield f"| {name} | {steps:,} | {task} | {rate:.2f} | {ratio.text()} |"
    full.unlink()
    shutil.rmtree(trace.folder)


def forget(file: Path) -> None:
    """Have the system forget a file that it holds in memory."""
    with open(file, "rb+") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def page(widths: Sequence[int], steps: int, folder: Path) -> Problem:
    """Return a problem with drawn parameters and 8 drawn samples, from a file in `folder`.

    A trace keeps the text of its file.
    """
    draw = Random(0).random
    blocks = ['[network]\nloss = "half-squared"', f"[[network.layer]]\nsize = {widths[0]}"]
    drawn = 'init = { method = "normal", scale = 0.5, seed = 0 }'
    blocks += [
        f'[[network.layer]]\nsize = {size}\nactivation = "sigmoid"\n{drawn}' for size in widths[1:]
    ]
    for _ in range(8):
        x, t = ([draw() for _ in range(size)] for size in (widths[0], widths[-1]))
        blocks.append(f"[[sample]]\nx = {x}\nt = {t}")
    blocks.append(f"[training]\nlearning_rate = 0.1\nsteps = {steps}\n")
    file = folder / f"{name_of(tuple(widths))}-{steps}.toml"
    file.write_text("\n".join(blocks), encoding="utf-8")
    return io.load(file)
