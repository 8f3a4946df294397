"""One task of `benchmarks.compare`, run by any commit of bptrace: ``python -P probe.py NAME
TIMES``.

Prints the least seconds of processor time that one execution took, after one that is not counted,
in which kernels are loaded. Uses of bptrace only what old commits have, too; imports nothing of the
benchmarks, which would be those of another commit.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

TASKS: dict[str, tuple[tuple[int, ...], str, int, bool]] = {
    "2-2-2": ((2, 2, 2), "gradient-descent", 300_000, False),
    "2-2-2, log": ((2, 2, 2), "gradient-descent", 50_000, True),
    "2-10-10-1": ((2, 10, 10, 1), "gradient-descent", 60_000, False),
    "2-10-10-1, momentum": ((2, 10, 10, 1), "momentum", 60_000, False),
    "2-10-10-1, adam": ((2, 10, 10, 1), "adam", 20_000, False),
    "784-30-10": ((784, 30, 10), "gradient-descent", 1_000, False),
    "784-30-10, log": ((784, 30, 10), "gradient-descent", 100, True),
}
"""Widths, rule, steps, and whether every step is kept."""


def page(widths: tuple[int, ...], rule: str) -> str:
    """Return a problem file with drawn parameters."""
    lines = ["[network]", 'loss = "half-squared"', 'init = { method = "normal", seed = 1 }']
    for l, n in enumerate(widths):
        lines += ["[[network.layer]]", f"size = {n}"]
        if l:
            lines += ['activation = "sigmoid"', f"biases = {[0.1] * n}"]
    for s in range(4):
        x = [((7 * i + 3 * s) % 11 - 5) / 10 for i in range(widths[0])]
        lines += ["[[sample]]", f"x = {x}", f"t = {[0.1 + 0.2 * s] * widths[-1]}"]
    return "\n".join([*lines, "[training]", f'rule = "{rule}"', "learning_rate = 0.1"])


def task(name: str) -> Callable[[], object]:
    """Return what is measured."""
    from bptrace import engine, io

    widths, rule, steps, log = TASKS[name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.toml"
        file.write_text(page(widths, rule), encoding="utf-8")
        problem = io.load(str(file))
    start = engine.start(problem)
    return lambda: engine.go_on(problem, start, steps, "numba", log)


def main() -> None:
    """Run a task so many times."""
    name, times = sys.argv[1], int(sys.argv[2])
    run = task(name)
    run()
    seconds = []
    for _ in range(times):
        begin = process_time()
        run()
        seconds.append(process_time() - begin)
    print(min(seconds, default=0.0))


if __name__ == "__main__":
    main()
