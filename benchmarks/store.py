"""Traces on disk: bytes per second against a plain memmap, what recording costs, random access."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.measure import ratios, rounds, typical
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


def table(n: int) -> Iterator[str]:
    """Yield the rows of the tables; `n` rounds."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as place:
        folder = Path(place)
        yield from _throughput(folder, n)
        yield ""
        yield from _recording(folder, n)
        yield ""
        yield from _access(folder)


def _throughput(folder: Path, n: int) -> Iterator[str]:
    raw = np.random.default_rng(0).random(PORTION // 8).tobytes()
    times = rounds({"store": _stored(folder, raw), "memmap": _mapped(folder, raw)}, n)
    rate = {name: PORTION * PORTIONS / typical(times, name) / 1e6 for name in times}
    middle, least, most = ratios(times, "memmap", "store")
    yield "| 64 MiB in portions of 1 MiB, on the disk at the end | MB/s | of the memmap's rate |"
    yield "|---|--:|--:|"
    yield f"| `numpy.memmap`, flushed | {rate['memmap']:,.0f} | 1 |"
    yield (
        f"| store: blocks, each with its hash, committed | {rate['store']:,.0f} "
        f"| {middle:.2f} ({least:.2f}–{most:.2f}) |"
    )


def _stored(folder: Path, raw: bytes) -> Callable[[], object]:
    rows = arrays.rows_per_block((WIDTH,))
    array = arrays.Array("log/x", "float64", ("step", "n"), (WIDTH,), rows, 1, 1, "")
    info = files.Info("", "", files.ARITHMETIC, "", "", 1, [array], {})

    def write() -> None:
        place = Path(tempfile.mkdtemp(dir=folder))  # removing the last one is not measured
        target = sink.Sink(place, info, "", {})
        for _ in range(PORTIONS):
            target.append({"log/x": raw})
        target.commit(PORTIONS * len(raw) // array.row_bytes, 0, b"")
        target.close()

    return write


def _mapped(folder: Path, raw: bytes) -> Callable[[], object]:
    values = np.frombuffer(raw)

    def write() -> None:
        place = Path(tempfile.mkdtemp(dir=folder))
        target = np.memmap(place / "map", np.float64, "w+", shape=(PORTIONS, len(values)))
        for row in target:
            row[:] = values
        target.flush()

    return write


def _recording(folder: Path, n: int) -> Iterator[str]:
    problem = io.load("lh25-2020")
    problem = replace(problem, training=replace(problem.training, steps=STEPS))

    def recorded() -> None:
        with Writer.create(problem, folder / "run", STEPS, force=True) as writer:
            writer.advance(STEPS, "numba")

    times = rounds(
        {"run": lambda: go_on(problem, start(problem), STEPS, "numba"), "recorded": recorded}, n
    )
    middle, least, most = ratios(times, "recorded", "run")
    yield f"| {STEPS:,} steps of a 2-2-2 network | steps/s | time / not recorded |"
    yield "|---|--:|--:|"
    yield f"| not recorded | {STEPS / typical(times, 'run'):,.0f} | 1 |"
    yield (
        f"| recorded: E of every step, checkpoints | {STEPS / typical(times, 'recorded'):,.0f} "
        f"| {middle:.1f} ({least:.1f}–{most:.1f}) |"
    )


def _access(folder: Path) -> Iterator[str]:
    yield (
        "| network | steps | opening, ms | any step, recomputed and proved, ms "
        "| bytes of the full records |"
    )
    yield "|---|--:|--:|--:|--:|"
    for widths, steps in ACCESSED.items():
        name = "-".join(map(str, widths))
        file = folder / f"{name}.toml"  # a trace keeps the text of its file
        file.write_text(_text(widths, steps), encoding="utf-8")
        yield _accessed(io.load(file), folder / name)


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


def _accessed(problem: Problem, folder: Path) -> str:
    steps = problem.training.steps
    with Writer.create(problem, folder, steps) as writer:
        writer.advance(steps, "numba")
    opened: list[StoredTrace] = []
    random = Random(0)
    times = rounds(
        {
            "open": lambda: opened.append(open_trace(folder)),
            "step": lambda: opened[-1].at("dE/dw[1,1,1]", random.randint(1, steps)),
        },
        21,
    )
    size = sum(512 * place.stat().st_blocks for place in folder.rglob("*"))
    full = 8 * problem.layout.size * steps
    return (
        f"| {folder.name} | {steps:,} | {1e3 * typical(times, 'open'):.1f} "
        f"| {1e3 * typical(times, 'step'):.1f} | {100 * size / full:.2f} % |"
    )
