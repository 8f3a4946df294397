"""Traces on disk: bytes per second against a plain memmap, what recording costs, random access."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.measure import ratios, rounds, typical
from bptrace import io
from bptrace.engine import go_on, start
from bptrace.store import StoredTrace, Writer, arrays, files, open_trace, sink

PORTION = 2**20
PORTIONS = 64
WIDTH = 4096  # numbers in a row
STEPS = 300_000
LONG = 1_000_000


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
    problem = io.load("lh25-2020")
    with Writer.create(problem, folder / "long", LONG) as writer:
        writer.advance(LONG, "numba")
    opened: list[StoredTrace] = []
    random = Random(0)
    times = rounds(
        {
            "open": lambda: opened.append(open_trace(folder / "long")),
            "step": lambda: opened[-1].at("w1+", random.randint(1, LONG)),
        },
        21,
    )
    size = sum(512 * place.stat().st_blocks for place in (folder / "long").rglob("*"))
    full = 8 * problem.layout.size * LONG
    yield f"| {LONG:,} steps of a 2-2-2 network on disk | |"
    yield "|---|--:|"
    yield f"| opening, ms | {1e3 * typical(times, 'open'):.1f} |"
    yield f"| any step, recomputed and proved, ms | {1e3 * typical(times, 'step'):.1f} |"
    yield f"| bytes of the full records | {100 * size / full:.1f} % |"
