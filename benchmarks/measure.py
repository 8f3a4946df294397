"""Interleaved measuring: what is compared runs in the same seconds, in shuffled order.

On a shared machine two measurements made one after the other compare the neighbours' work as well;
ratios within a round do so far less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from statistics import median
from time import perf_counter

Times = dict[str, list[float]]


def rounds(tasks: Mapping[str, Callable[[], object]], n: int) -> Times:
    """Run every task once per round, in another order each time; return seconds by name."""
    order, shuffle = list(tasks), Random(0).shuffle
    times: Times = {name: [] for name in tasks}
    for task in tasks.values():  # what only happens the first time is not measured
        task()
    for _ in range(n):
        shuffle(order)
        for name in order:
            begin = perf_counter()
            tasks[name]()
            times[name].append(perf_counter() - begin)
    return times


def ratios(times: Times, slow: str, fast: str) -> tuple[float, float, float]:
    """Return median, smallest and largest ratio within a round."""
    each = [a / b for a, b in zip(times[slow], times[fast], strict=True)]
    return median(each), min(each), max(each)


def typical(times: Times, name: str) -> float:
    """Return the median of the seconds."""
    return median(times[name])
