"""``python -m benchmarks``: all measurements, as Markdown.

``python -m benchmarks compare REV`` compares two commits, ``python -m benchmarks growth`` draws how
time and memory grow.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

SECTIONS = {
    "speed": "Steps",
    "rules": "Learning rules",
    "startup": "Start",
    "store": "Traces on disk",
    "gradchecks": "Checking gradients",
}


COMMANDS = ("compare", "growth")


def main() -> int:
    """Measure what is asked for and print it."""
    one_thread()
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        return int(import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2:]))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", default=list(SECTIONS), help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each (9)")
    parser.add_argument("--quick", action="store_true", help="3 rounds, no peer that compiles")
    parser.add_argument("--write", metavar="DIR", help="also write DIR/benchmarks.md and a picture")
    chosen = parser.parse_args()
    unknown = set(chosen.what) - set(SECTIONS)
    if chosen.rounds < 1:
        parser.error("--rounds: at least 1")
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(SECTIONS)}")

    from benchmarks.page import Page

    page = Page(sys.argv[1:], rounds=3 if chosen.quick else chosen.rounds, quick=chosen.quick)
    for what in chosen.what:
        page.measure(what, SECTIONS[what])
    page.goals()
    if chosen.write:
        page.write(chosen.write)
    return 0


def one_thread() -> None:
    """Give everybody one thread: bptrace uses one, and a second core may belong to a neighbour."""
    for library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


if __name__ == "__main__":
    sys.exit(main())
