"""``python -m benchmarks growth``: how time and memory grow with width, depth, batch and steps.

Each point is measured in a process of its own, whose peak of memory is its alone. Over the upper
half of an axis a straight line is fitted to the logarithms: its slope is the power with which time
or memory grows, beside the power that the formulas have.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

MIB = 2**20
SECONDS = 0.1
"""Of one measurement; the least of `REPEATS` counts."""

REPEATS = 3
NEAR = 0.25
"""How far a fitted power may be from the expected one: caches add to it, overheads take away."""


BOUNDED = 16 * MIB
"""What a training may take, however long it is: E of a million steps, twice."""


class Point(NamedTuple):
    """What one process found: seconds and bytes of peak memory, and the bytes of the log."""

    value: int
    seconds: float
    peak: int
    log: int


class Axis(NamedTuple):
    """What grows, over which values, and with which powers time and memory are to grow.

    Attributes
    ----------
    name, what : str
        What grows; of which network, and what is measured.
    values : tuple of int
    measure : function
        Measures one value.
    time, memory : float
        The expected powers; 0: memory stays below `BOUNDED`.
    """

    name: str
    what: str
    values: tuple[int, ...]
    measure: Callable[[int], Point]
    time: float
    memory: float


def powers(base: int, last: int) -> tuple[int, ...]:
    """Return 1, base, base² … up to `last`."""
    return tuple(base**k for k in range(round(math.log(last, base)) + 1))


def _network(widths: tuple[int, ...], batch: int, value: int, kept: int = 64) -> Point:
    """Measure a step without the log, and the memory of so many steps with it."""
    from benchmarks.measure import PROCESSOR
    from benchmarks.ours import of
    from benchmarks.work import Work
    from bptrace import engine
    from bptrace.kernels import ways

    of(Work((2, 3, 1)), 2, keep=True).run()  # loads the kernels
    work = Work(widths, batch, batches=1)
    bare = of(work, 1)
    bare.run()
    begin = PROCESSOR()
    bare.run()
    steps = max(ways.FEWEST_TURNED, int(SECONDS / max(PROCESSOR() - begin, 1e-6)))
    several, taken = of(work, steps), []
    for _ in range(REPEATS):
        begin = PROCESSOR()
        several.run()
        taken.append((PROCESSOR() - begin) / several.steps)
    check_finite(several.parameters())
    before = peak()
    trace = engine.go_on(work.problem, engine.start(work.problem), kept, "numba", log=True)
    after = peak()
    depth = len(widths) - 1
    for name in (f"dE/dw[{depth},1,1]", f"dout[{depth},1]/dout[{max(1, depth - 1)},1]"):
        check_finite([trace.at(name)])
    if depth > 2:  # through all layers at once: nothing may be too deep for Python
        check_finite([trace.at(f"dout[{depth},1]/dout[1,1]")])
    return Point(value, min(taken), after - before, 8 * len(trace.log))


def _steps(value: int) -> Point:
    """Measure a training of so many steps of 2-2-2, which keeps no log."""
    from benchmarks.measure import PROCESSOR
    from benchmarks.networks import build
    from bptrace.training.loop import Loop
    from bptrace.training.wish import Wish

    problem = build((2, 2, 2))

    def train(steps: int) -> float:
        loop = Loop(problem, Wish(steps=steps, engine="numba"))
        begin = PROCESSOR()
        for _ in loop.parts():
            pass
        taken = PROCESSOR() - begin
        check_finite(loop.outcome().state.numbers)
        return taken

    train(100)
    before = peak()
    seconds = train(value)
    return Point(value, seconds, peak() - before, 0)


def check_finite(numbers: Sequence[float]) -> None:
    """Stop where something overflowed."""
    if not all(map(math.isfinite, numbers)):
        raise SystemExit("a number is not finite")


def peak() -> int:
    """Return the most bytes that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


AXES = (
    Axis(
        "width", "n-n-2, a step; log of 2 steps", powers(2, 2048)[1:],
        lambda n: _network((n, n, 2), 1, n, kept=2), 2, 2,
    ),
    Axis(
        "depth", "16-…-16, a step; log of 64 steps", powers(2, 64),
        lambda n: _network((16,) * (n + 1), 1, n), 1, 1,
    ),
    Axis(
        "batch", "64-32-10, an update; log of 64", powers(2, 512),
        lambda n: _network((64, 32, 10), n, n), 1, 1,
    ),
    Axis("steps", "2-2-2, training without a log", powers(10, 10**7), _steps, 1, 0),
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 if something grows faster than it should."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__)
    parser.add_argument("what", nargs="*", help=", ".join(axis.name for axis in AXES))
    parser.add_argument("--quick", action="store_true", help="without the largest values")
    parser.add_argument("--write", metavar="DIR", help="also write DIR/growth.md and a picture")
    parser.add_argument("--point", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    axes = [axis for axis in AXES if axis.name in (chosen.what or [a.name for a in AXES])]
    if not axes:
        parser.error(f"nothing to measure: there are {', '.join(axis.name for axis in AXES)}")
    if chosen.point is not None:
        print(json.dumps(axes[0].measure(chosen.point)))
        return 0
    found = {}
    for axis in axes:
        values = axis.values[: -3 if chosen.quick else None]
        found[axis.name] = [measured(axis, value) for value in values]
    lines = [*table(axes, found), "", *details(axes, found)]
    print("\n".join(lines))
    if chosen.write:
        write(Path(chosen.write), axes, found, lines, arguments)
    return 1 if any("**" in line for line in lines) else 0


def measured(axis: Axis, value: int) -> Point:
    """Measure a value in a new process."""
    words = [sys.executable, "-m", "benchmarks", "growth", axis.name, "--point", str(value)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{axis.name} {value}: {done.stderr[-2000:]}")
    point = Point(*json.loads(done.stdout))
    print(f"{axis.name} {value}: {1e3 * point.seconds:,.3f} ms", file=sys.stderr)
    return point


def power(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the line through the logarithms, by least squares.

    Without points of more than one value nothing is known: nan.
    """
    xs, ys = ([math.log(pair[k]) for pair in points] for k in range(2))
    if len(set(xs)) < 2:
        return math.nan
    x, y = fmean(xs), fmean(ys)
    above = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    return above / sum((a - x) ** 2 for a in xs)


def upper(points: Sequence[Point]) -> list[Point]:
    """Return the upper half of an axis, where overheads are small."""
    return list(points[len(points) // 2 :])


def table(axes: Sequence[Axis], found: Mapping[str, Sequence[Point]]) -> Iterator[str]:
    """Yield the table of fitted powers."""
    yield "| | from … to | time: power | expected | memory: power | expected |"
    yield "|---|---|--:|--:|--:|--:|"
    for axis in axes:
        points = upper(found[axis.name])
        time = power([(p.value, p.seconds) for p in points])
        span = f"{points[0].value:,} … {points[-1].value:,}"
        cells = [f"{axis.name} ({axis.what})", span, *_judged(time, axis.time)]
        if axis.memory:
            memory = power([(p.value, p.peak) for p in points if p.peak > MIB])
            cells += _judged(memory, axis.memory)
        else:
            most = max(p.peak for p in points)
            text = f"at most {most / MIB:,.1f} MiB"
            cells += [f"**{text}**" if most > BOUNDED else text, f"at most {BOUNDED // MIB} MiB"]
        yield f"| {' | '.join(cells)} |"


def _judged(fitted: float, expected: float) -> list[str]:
    """Return a power and what is expected of it, in bold if it is more than that."""
    text = "below 1 MiB" if math.isnan(fitted) else f"{fitted:.2f}"
    return [f"**{text}**" if fitted > expected + NEAR else text, f"{expected:g}"]


def details(axes: Sequence[Axis], found: Mapping[str, Sequence[Point]]) -> Iterator[str]:
    """Yield every point; memory beside the bytes of the log shows that nothing is copied."""
    yield "| | value | time, µs | most memory, MiB | the log alone, MiB |"
    yield "|---|--:|--:|--:|--:|"
    for axis in axes:
        for point in found[axis.name]:
            sizes = (f"{size / MIB:,.2f}" if size else "" for size in (point.peak, point.log))
            micro = 1e6 * point.seconds
            time = f"{micro:,.{0 if micro >= 100 else 3}f}"
            yield f"| {axis.name} | {point.value:,} | {time} | {' | '.join(sizes)} |"


TEXT = """# How time and memory grow

Written by `{command}` on {date}.
{machine}, {system}.

![Time and memory against width, depth, batch and steps](images/growth.svg)

Each point is a process of its own; time is the least of {repeats} measurements of processor time,
memory how much the peak of the process rises when it calculates. The powers are fitted over the
upper half of each axis; dashed lines have the expected power. Small networks are above their lines,
because a step has costs that do not depend on its size; one that outgrows a cache grows faster.
"""


def write(
    folder: Path,
    axes: Sequence[Axis],
    found: Mapping[str, Sequence[Point]],
    lines: Sequence[str],
    arguments: Sequence[str],
) -> None:
    """Write growth.md and its picture."""
    import platform

    from benchmarks import picture
    from benchmarks.page import processor

    picture.draw_growth(axes, found, folder / "images" / "growth.svg")
    head = TEXT.format(
        command=" ".join(["python -m benchmarks growth", *arguments]),
        date=datetime.now(UTC).date(),
        machine=processor(),
        system=f"{platform.system()}, Python {platform.python_version()}",
        repeats=REPEATS,
    )
    text = head + "\n" + "\n".join(lines) + "\n"
    (folder / "growth.md").write_text(text, encoding="utf-8")
