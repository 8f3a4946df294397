"""A trace on disk opened in a process of its own: ``python -m benchmarks.opening DIR SEED``.

Prints one JSON list of milliseconds: opening, and some steps, each recomputed and proved.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from random import Random
from time import perf_counter

from bptrace.store import open_trace

ASKED = 6


def main(folder: str, seed: str) -> None:
    """Open the trace and ask for steps in random order."""
    random, times = Random(int(seed)), [perf_counter()]
    trace = open_trace(folder)
    for _ in range(ASKED):
        times.append(perf_counter())
        trace.at("dE/dw[1,1,1]", random.randint(1, trace.steps))
    times.append(perf_counter())
    print(json.dumps([1e3 * (b - a) for a, b in pairwise(times)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
