"""Interleaved measuring: what is compared runs in the same seconds, in shuffled order.

On a shared machine two measurements made one after the other compare the neighbours' work as well;
ratios within a round do so far less. Calculations are timed by the processor's clock of this
process, which stands still while a neighbour has the processor; what waits for a disk or for
another process is timed by the clock on the wall.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

Times = dict[str, list[float]]


class Task(NamedTuple):
    """What is timed, and how much it does: steps, bytes, operations; times are for one of them.

    `before` is done each time before the clock starts.
    """

    run: Callable[[], object]
    amount: float = 1.0
    before: Callable[[], object] = int


class Spread(NamedTuple):
    """Median, smallest and largest of what was found round by round."""

    median: float
    least: float
    most: float

    def text(self, digits: int | None = None) -> str:
        """Return "137 (92–207)"; by default with three digits of the median or so."""
        if digits is None:
            digits = 2 if self.median < 3 else 1 if self.median < 30 else 0
        a, b, c = (f"{x:,.{digits}f}" for x in self)
        return f"{a} ({b}–{c})"

    def percent(self) -> str:
        """Return "62 % (55–64)"."""
        a, b, c = (f"{100 * x:,.0f}" for x in self)
        return f"{a} % ({b}–{c})"


@dataclass
class Sheet:
    """How to measure, and what was found, by name, for the table of goals and the picture."""

    rounds: int = 9
    quick: bool = False
    found: dict[str, Spread] = field(default_factory=dict)


WALL, PROCESSOR = perf_counter, process_time


def rounds(tasks: Mapping[str, Task], n: int, clock: Callable[[], float] = PROCESSOR) -> Times:
    """Run every task once per round, in another order each time; return seconds by name."""
    order, shuffle = list(tasks), Random(0).shuffle
    times: Times = {name: [] for name in tasks}
    for task in tasks.values():  # what only happens the first time is not measured
        task.before()
        task.run()
    for _ in range(n):
        shuffle(order)
        for name in order:
            run, amount, before = tasks[name]
            before()
            begin = clock()
            run()
            times[name].append((clock() - begin) / amount)
    return times


def ratios(times: Times, slow: str, fast: str) -> Spread:
    """Return the ratio within a round."""
    each = [a / b for a, b in zip(times[slow], times[fast], strict=True)]
    return spread(each)


def spread(values: list[float]) -> Spread:
    """Return median, least and most."""
    return Spread(median(values), min(values), max(values))


def typical(times: Times, name: str) -> float:
    """Return the median of the seconds."""
    return median(times[name])
