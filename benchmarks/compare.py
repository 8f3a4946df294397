"""``python -m benchmarks compare REV [REV2]``: whether a commit of ours is slower than another.

Both are checked out into temporary worktrees, which are removed in the end, also after Ctrl-C.
Their tasks take turns. What is compared is the number of instructions, where something can count
them (see `counts`): it is nearly the same in every run. Elsewhere it is processor time, and of
several measurements the least, as neighbours only ever add to it; what looks like a loss is
measured once more before it counts.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.counts import Counter, counter
from benchmarks.probe import TASKS

PROBE = Path(__file__).parent / "probe.py"
MOST = 0.20
"""The loss that is still allowed."""

COMMANDS = {
    "bptrace --help": ["--help"],
    "bptrace run lh25-2020": ["run", "lh25-2020"],
    "bptrace check lh25-2020": ["check", "lh25-2020"],
}


class Place(NamedTuple):
    """A commit, checked out: its name, its folder, and where its byte and machine code is kept.

    `probe` is a copy of the probe, which stays what it is while somebody edits the original.
    """

    name: str
    folder: Path
    cache: Path
    probe: Path

    def environment(self) -> dict[str, str]:
        """Return the environment in which its Python runs."""
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return inherited | {
            "PYTHONPATH": str(self.folder),
            "PYTHONPYCACHEPREFIX": str(self.cache),
            "NUMBA_CACHE_DIR": str(self.cache),
            "NUMBA_NUM_THREADS": "1",
            "PYTHONHASHSEED": "0",  # sets in another order take other instructions
        }


class Cost(NamedTuple):
    """What a task costs before and after: instructions, or seconds of processor time."""

    before: float
    after: float

    @property
    def loss(self) -> float:
        """0.2 if it costs 20 % more now."""
        return self.after / self.before - 1.0


Measure = Callable[[Place, str], float]


def main(arguments: Sequence[str]) -> int:
    """Compare, print, and return 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks compare", description=__doc__)
    parser.add_argument("before", metavar="REV", help="the commit to compare with")
    parser.add_argument("after", metavar="REV2", nargs="?", default="HEAD", help="default: HEAD")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (5)")
    parser.add_argument("--only", metavar="TEXT", default="", help="tasks with this in their name")
    chosen = parser.parse_args(arguments)
    names = [name for name in (*TASKS, *COMMANDS) if chosen.only in name]
    if not names or chosen.rounds < 1:
        parser.error(f"nothing to measure; tasks: {', '.join((*TASKS, *COMMANDS))}")

    with stopped_by_sigterm(), worktrees(chosen.before, chosen.after) as places:
        counting = counter()
        counted = [name for name in names if counting and (counting.is_fast or name in COMMANDS)]
        timed = [name for name in names if name not in counted]
        for line in explained(counting, counted, timed):
            print(line)
        for place in places:
            if took := first_run(place, names):
                print(f"{place.name}: first run, compiling: {took:.1f} s processor time")
        costs = compared(timed, places, seconds, chosen.rounds)
        again = [name for name in timed if costs[name].loss > MOST]
        costs |= confirmed(costs, compared(again, places, seconds, 2 * chosen.rounds))
        if counting is not None:
            costs |= compared(counted, places, partial(instructions, counting), 1)
        for line in report({name: costs[name] for name in names}, places):
            print(line)
    lost = [name for name in names if costs[name].loss > MOST]
    print(f"lost more than {MOST:.0%}: {', '.join(lost)}" if lost else "nothing lost")
    return 1 if lost else 0


def explained(
    counting: Counter | None, counted: Sequence[str], timed: Sequence[str]
) -> Iterator[str]:
    """Yield what is measured how."""
    if counting is not None and counted:
        yield f"instructions, counted by {counting.name}: {'; '.join(counted)}"
    if timed:
        why = "nothing counts instructions here"
        why = f"{counting.name} is too slow for kernels" if counting else why
        yield f"processor time, as {why}: {'; '.join(timed)}"


def compared(
    names: Sequence[str], places: Sequence[Place], measure: Measure, rounds: int
) -> dict[str, Cost]:
    """Measure every task at both places, in turns; return the least cost of each."""
    least = {(name, k): float("inf") for name in names for k in range(2)}
    order = list(least)
    shuffle = Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for name, k in order:
            least[name, k] = min(least[name, k], measure(places[k], name))
    return {name: Cost(least[name, 0], least[name, 1]) for name in names}


def confirmed(first: Mapping[str, Cost], again: Mapping[str, Cost]) -> dict[str, Cost]:
    """Return the least of both measurements."""
    return {
        name: Cost(*(min(pair) for pair in zip(first[name], cost, strict=True)))
        for name, cost in again.items()
    }


def report(costs: Mapping[str, Cost], places: Sequence[Place]) -> Iterator[str]:
    """Yield a table."""
    width = max(map(len, costs))
    yield f"{'':{width}}  {places[0].name:>14}  {places[1].name:>14}  change"
    for name, cost in costs.items():
        mark = "  LOST" if cost.loss > MOST else ""
        numbers = "  ".join(f"{_number(value):>14}" for value in cost)
        yield f"{name:{width}}  {numbers}  {cost.loss:+6.1%}{mark}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value > 1000 else f"{1e3 * value:,.1f} ms"


# Measuring


def command(place: Place, name: str, times: int) -> list[str]:
    """Return the command that runs a task so many times."""
    if name in COMMANDS:
        return [sys.executable, "-P", "-m", "bptrace", *COMMANDS[name]]
    return [sys.executable, "-P", str(place.probe), name, str(times)]


def seconds(place: Place, name: str) -> float:
    """Return the processor time of a task: of a whole process, or as the probe says."""
    before = spent_by_children()
    found = run(place, command(place, name, 3))
    return float(found) if name in TASKS else spent_by_children() - before


def spent_by_children() -> float:
    """Return the processor time of all processes that were started and have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def instructions(counting: Counter, place: Place, name: str) -> float:
    """Return the instructions of a task: of a process that runs it four times, less one of one."""

    def count(times: int) -> float:
        return counting.count(partial(run, place), command(place, name, times))

    return count(1) if name in COMMANDS else (count(4) - count(1)) / 3


def first_run(place: Place, names: Sequence[str]) -> float:
    """Run what will be measured once; return the processor time in which kernels were compiled."""
    took = 0.0
    if any(name in TASKS for name in names):
        before = spent_by_children()
        run(place, command(place, "2-2-2", 0))
        took = spent_by_children() - before
    for name in COMMANDS:
        if name in names:
            run(place, command(place, name, 0))
    return took


def run(place: Place, words: list[str]) -> str:
    """Run a command with the bptrace of a place; exit code 1 means a page with a mistake."""
    done = subprocess.run(
        words,
        cwd=place.folder,
        env=place.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise SystemExit(f"{place.name}: {' '.join(words)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


# Worktrees


@contextmanager
def worktrees(*revisions: str) -> Iterator[list[Place]]:
    """Check revisions out into a temporary folder; remove it afterwards, whatever happens."""
    scratch = Path(tempfile.mkdtemp(prefix="bptrace-compare-"))
    try:
        places, probe = [], Path(shutil.copy(PROBE, scratch))
        for k, revision in enumerate(revisions):
            commit = commit_of(revision)
            folder = scratch / f"{k}-{commit}"
            git("worktree", "add", "--quiet", "--detach", str(folder), commit)
            places.append(Place(commit, folder, scratch / f"cache-{k}", probe))
        yield places
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        git("worktree", "prune")


def commit_of(revision: str) -> str:
    """Return the short name of a commit; a revision that is none ends the program."""
    try:
        return git("rev-parse", "--short", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    except SystemExit:
        raise SystemExit(f"{revision!r} is no commit of this repository") from None


def git(*words: str) -> str:
    """Run git in our repository and return what it prints."""
    done = subprocess.run(
        ["git", "-C", str(PROBE.parent), *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Turn SIGTERM into an exception, after which everything is cleaned up."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
