"""Finding power: ``python -m benchmarks.quality`` measures it and writes docs/finding-power.md.

Correct pages are checked for false alarms, pages with planted mistakes for what is found, located
and named. The tables, and the rates that must be reached, are those of tests/quality.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from pathlib import Path

from tests.quality.measure import Rates, false_alarms
from tests.quality.table import Row, table

SEED = 1986
FILE = Path(__file__).parent.parent / "docs" / "finding-power.md"
HEAD = """# Finding power

How often `bptrace check` finds a planted mistake, says where it is and names it, and how often it
says that something is wrong where nothing is. Random networks 2-2-2, 2-3-1 and 3-4-4-2 with
sigmoid, tanh and relu and parameters of two digits. An author calculates every step and prints all
of them, or what a textbook prints (in, out, E, δ, ∂E/∂w, w⁺), or little (sparse: out, E, ∂E/∂w,
w⁺), or the end only (final: out, E, w⁺); he carries on with his digits, with the unrounded numbers,
or with either.

The mistakes come from the table of mistakes itself, so these rates are about recognising what is in
the table; "a number from nowhere" and "a kind not in the table" are the answer to that. Mistakes
that change no printed digit by more than 1.9 units are drawn again ("not visible"). The rates to be
reached, in tests/quality/table.py, are those of an early prototype, measured on 60 to 500 cases; a
bold rate is poorer, and were both equally good, it would be as poor in one table of a hundred only
(Fisher's exact test, one-sided). Some 250 rates are tested, so two or three are bold by chance.
"""
RARE = 0.01


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument(
        "--lines", type=int, default=100_000, help="lines of correct pages (100000)"
    )
    parser.add_argument("--cases", type=int, default=200, help="planted mistakes per row (200)")
    chosen = parser.parse_args()
    lines = [HEAD.rstrip()]
    print(lines[0])
    for line in report(chosen.lines, chosen.cases):
        print(line, flush=True)
        lines.append(line)
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def report(lines: int, cases: int) -> Iterator[str]:
    """Yield the tables as Markdown, line by line."""
    yield ""
    yield (
        f"Python {platform.python_version()}, {platform.machine()}, one core; {cases} cases per"
        f" row; repeat with `python -m benchmarks.quality --lines {lines} --cases {cases}`."
    )
    yield from _alarms(lines)
    titles = dict.fromkeys(row.title for row in table())
    for title in titles:
        yield ""
        yield f"## {title[0].upper()}{title[1:]}"
        yield ""
        yield from _rates([row for row in table() if row.title == title], cases)


def _alarms(lines: int) -> Iterator[str]:
    pages, seen, alarms = false_alarms(lines, SEED)
    yield ""
    yield "## False alarms"
    yield ""
    yield (
        f"{pages} correct pages with {seen} lines (2 to 10 digits, fixed decimals or significant"
        " digits, rounded or cut off, unprinted steps rounded too or not, lines struck out, several"
        f" samples, batches and steps): **{len(alarms)}** lines called wrong or carried."
    )
    for style, page, verdict in alarms[:20]:
        yield f"* {style}, {page.network.widths}: {verdict.claim.quantity}"


def _rates(rows: list[Row], cases: int) -> Iterator[str]:
    names: list[str] = []
    for k, row in enumerate(rows):
        found = row.measure(cases)
        if not k:
            names = sorted(found.hits, key=list(found.hits).index)
            yield f"| printed | digits | {' | '.join(names)} | not visible | ms: half, 95 % |"
            yield "| --- " * (len(names) + 4) + "|"
        cells = [_cell(row, found, name).replace("_", " ") for name in names]
        times = f"{found.time(0.5) * 1e3:.0f}, {found.time(0.95) * 1e3:.0f}"
        yield f"| {row.printed} | {row.digits} | {' | '.join(cells)} | {found.unseen} | {times} |"


def _cell(row: Row, found: Rates, name: str) -> str:
    rate = found[name]
    return f"**{rate:.3f}**" if row.chance(found, name) < RARE else f"{rate:.3f}"


if __name__ == "__main__":
    main()
