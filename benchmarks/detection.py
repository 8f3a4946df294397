"""False alarms and detection: ``python -m benchmarks.detection`` writes docs/detection.md."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from pathlib import Path

from tests.quality.alarms import measure

SEED = 1986
FILE = Path(__file__).parent.parent / "docs" / "detection.md"
HEAD = """# What a gradient check finds

How often `bptrace gradcheck` says that a right gradient differs, and whether its bounds hold.
"""
ALARMS = """## False alarms

Random networks with all activations, own formulas and losses of the table, widths all different,
masks left out, batches of one to three samples. The parameters and inputs of a row are as its name
says: up to 1.5, up to 30 (saturated), 10⁻¹² to 10⁻², 10 to 10⁷, 10⁻⁸ to 10⁴, multiples of a quarter
(net inputs lie on kinks), and 10⁻³²⁰ to 10³⁰⁰. "Outside" are gradients or differences that are
farther than the printed bound from the slope that the formulas have, with 50 digits, at the net
inputs of the log. Gradients that are not finite are not counted.
"""


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument(
        "--elements", type=int, default=210_000, help="right gradients that are judged (210000)"
    )
    chosen = parser.parse_args()
    lines = []
    for line in report(chosen.elements):
        print(line, flush=True)
        lines.append(line)
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def report(elements: int) -> Iterator[str]:
    """Yield the file, line by line."""
    yield from HEAD.splitlines()
    yield ""
    yield (
        f"Python {platform.python_version()}, {platform.machine()}; repeat with"
        f" `python -m benchmarks.detection --elements {elements}`."
    )
    yield ""
    yield from _alarms(elements)


def _alarms(elements: int) -> Iterator[str]:
    yield from ALARMS.splitlines()
    yield ""
    yield "| numbers | networks | gradients | agree | undecided | false alarms | outside |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    sums = [0, 0, 0, 0, 0, 0]
    for regime, found in measure(elements, SEED):
        agrees, false = found.counts["agrees"], len(found.false)
        undecided = found.elements - agrees - false
        row = [found.networks, found.elements, agrees, undecided, false, len(found.outside)]
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        yield f"| {regime} | {' | '.join(f'{n:,}' for n in row)} |"
    yield f"| all | {' | '.join(f'**{n:,}**' for n in sums)} |"


if __name__ == "__main__":
    main()
