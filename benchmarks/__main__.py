"""``python -m benchmarks``: all measurements, as Markdown."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib import import_module

WHAT = ["speed", "rules", "startup", "store", "gradchecks"]


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", default=WHAT, help=", ".join(WHAT))
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each (9)")
    chosen = parser.parse_args()
    unknown = set(chosen.what) - set(WHAT)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(WHAT)}")

    # One thread for everybody: bptrace uses one, and a second core may belong to a neighbour.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numba
    import numpy

    print(
        f"Python {platform.python_version()}, NumPy {numpy.__version__}, Numba {numba.__version__},"
        f" {platform.machine()}; {chosen.rounds} rounds, interleaved and shuffled; repeat with"
        f" `python -m benchmarks {' '.join(chosen.what)} --rounds {chosen.rounds}`"
    )
    for what in chosen.what:
        print()
        for line in import_module(f"benchmarks.{what}").table(chosen.rounds):
            print(line)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
