"""What gradient checks find: ``python -m benchmarks.detection`` writes docs/detection.md.

``alarms`` judges right gradients of hard networks, ``matrix`` plants the mistakes of the table into
gradients and asks our checks and those of others. Each rewrites its own section.
"""

from __future__ import annotations

import argparse
import platform
import re
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import wrap

from bptrace.checks.mistakes import MISTAKES
from tests.quality.alarms import measure
from tests.quality.detection import KINDS, RIGHT, Matrix, Patient, Row, matrix, patients

SEED = 1986
FILE = Path(__file__).parent.parent / "docs" / "detection.md"
HEAD = """# What a gradient check finds

How often `bptrace gradcheck` says that a right gradient differs, whether its bounds hold, and which
wrong gradients it and other checks let pass. The method is that of
[Is every gradient right?](gradcheck.md).
"""
ALARMS = """Random networks with all activations and losses of the table, and own formulas; widths
all different, batches of one to three samples. The parameters and inputs of a row are as its name
says: up to 1.5, up to 30 (saturated), 10⁻¹² to 10⁻², 10 to 10⁷, 10⁻⁸ to 10⁴, multiples of a quarter
(net inputs lie on kinks), and 10⁻³²⁰ to 10³⁰⁰. "Outside" are gradients or differences that are
farther than the bound from the slope that the formulas have, with 50 digits, at the net inputs of
the log. Gradients that are not finite are not counted."""
MATRIX = """Every entry of the table of mistakes that changes gradients, and the conventions beside
it, is made at every neuron at once or in one layer, as a program makes it: at most three variants
of each in every network. E stays right for all checks, which is generous: with a mistake of the
forward pass in E as well, as in one's own program, only `bptrace` could notice it, as it has an E
of its own. Networks with all activations and losses of the table; gradients in float32 have besides
the rounding of a calculation in float32 with NumPy.

| column | what it is |
|---|---|
| planted | wrong gradients: beyond what rounding may do, in any order of adding |
| nothing | mistakes that change less than that; they are in no other column |
| gradcheck | `bptrace gradcheck`: differences of E with bounds; + those it calls undecided |
| against | what `--against` does: our gradients with just these bounds, so 0 by definition |
| torch | `torch.autograd.gradcheck` with its defaults, of a function with this gradient |
| scipy | `scipy.optimize.check_grad` below 10⁻⁶, which is what many ask for |
| allclose | `np.allclose` with its defaults, and central differences for the step 10⁻⁶ |
| 1e-2 | the same with rtol = atol = 10⁻², as minitorch has it |

The numbers are those that **pass unnoticed**; 0 is best."""
OTHERS = "They are mistakes in updates, in E alone, in own formulas or of copying by hand."
KINDS_TEXT = """Networks with numbers up to 1.5 ("moderate"); the same with inputs of 10⁻⁴, with
targets within 10⁻⁴ of the outputs, with weights up to 7.5, with inputs from 0 to 255, like pixels,
and with two layers of one width, which can be transposed. Unnoticed of those planted, all mistakes
together; and right gradients that are called wrong, without which a check could find everything.

What gradcheck leaves undecided are slopes of 10⁻¹⁵ and less behind saturated neurons, where E does
not change in its last digit, and what changes a gradient by less than the ± of the differences but
is denied by dual numbers: mostly the weight of after the update where that is nearly the same. What
it lets pass changes one gradient among others, which are undecided, by no more than rounding may.
In float32 such small mistakes are less than rounding ("nothing")."""
COLUMNS = ("differences", "against", "torch", "scipy", "np.allclose", "1e-2")
HEADS = ("gradcheck", "against", "torch", "scipy", "allclose", "1e-2")
CASES = (("float64", "float64"), ("float32", "float64"), ("float32", "float32"))
"""Types of the gradients, and of the E of which others take differences."""


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("what", nargs="*", default=["alarms", "matrix"], help="alarms, matrix")
    parser.add_argument("--elements", type=int, default=210_000, help="right gradients (210000)")
    parser.add_argument("--networks", type=int, default=20, help="networks of each kind (20)")
    chosen = parser.parse_args()
    if "alarms" in chosen.what:
        _write("False alarms", _alarms(chosen.elements))
    if "matrix" in chosen.what:
        _write("Wrong gradients", _matrix(chosen.networks))


def _write(title: str, lines: Iterator[str]) -> None:
    """Print a section, and put it into the file in place of the old one."""
    found = [f"## {title}", ""]
    for line in lines:
        print(line, flush=True)
        found.append(line)
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else HEAD
    parts = re.split(r"^(?=## )", text, flags=re.M)[1:]
    others = [part for part in parts if not part.startswith(f"## {title}\n")]
    sections = sorted([*others, "\n".join(found) + "\n"], key=lambda part: part.split("\n")[0])
    FILE.write_text("\n".join([HEAD, *(s.rstrip("\n") + "\n" for s in sections)]), "utf-8")


def _made(command: str) -> str:
    names = ("numpy", "torch", "scipy")
    found = (f"{name} {_version(name)}" for name in names if _version(name))
    return (
        f"Python {platform.python_version()}, {', '.join(found)}; repeat with"
        f" `python -m benchmarks.detection {command}`."
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


# ---------------------------------------------------------------------------------- false alarms


def _alarms(elements: int) -> Iterator[str]:
    yield from ALARMS.splitlines()
    yield ""
    yield _made(f"alarms --elements {elements}")
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


# ------------------------------------------------------------------------------- wrong gradients


def _matrix(networks: int) -> Iterator[str]:
    yield from MATRIX.splitlines()
    yield ""
    yield _made(f"matrix --networks {networks}")
    found = {kind: _measured(list(patients(kind, networks, SEED))) for kind in KINDS}
    planted = {name for rows in found.values() for name in rows[CASES[0]]}
    others = ", ".join(entry.name for entry in MISTAKES if entry.name not in planted)
    yield ""
    yield from wrap(
        f"Entries that change no gradient here: {others}. {OTHERS}", 100, break_on_hyphens=False
    )
    for case in CASES[:2]:
        gradients, error = case
        yield ""
        yield f"### Gradients in {gradients}, E in {error}"
        yield ""
        yield from _by_mistake([found[kind][case] for kind in KINDS])
    yield ""
    yield "### By kind of network"
    yield ""
    yield from KINDS_TEXT.splitlines()
    for case in CASES:
        yield ""
        yield from _by_kind(case, {kind: found[kind][case] for kind in KINDS})


def _measured(chosen: Sequence[Patient]) -> dict[tuple[str, str], Matrix]:
    from benchmarks.checkers import checks

    return {
        (gradients, error): matrix(chosen, gradients, partial(checks, dtype=error))
        for gradients, error in CASES
    }


def _by_mistake(matrices: Sequence[Matrix]) -> Iterator[str]:
    names = sorted({name for rows in matrices for name in rows} - {RIGHT})
    yield f"| mistake | planted | nothing | {' | '.join(HEADS)} |"
    yield "|---|--:|--:" + "|--:" * len(HEADS) + "|"
    total = Row()
    for name in names:
        row = sum((rows[name] for rows in matrices if name in rows), Row())
        total += row
        yield f"| {name} | {row.planted:,} | {row.nothing:,} | {' | '.join(_missed(row))} |"
    yield f"| all | {total.planted:,} | {total.nothing:,} | {' | '.join(_missed(total))} |"


def _by_kind(case: tuple[str, str], found: dict[str, Matrix]) -> Iterator[str]:
    gradients, error = case
    yield f"| gradients in {gradients}, E in {error} | | {' | '.join(HEADS)} |"
    yield "|---|--:" + "|--:" * len(HEADS) + "|"
    for kind, rows in found.items():
        wrong = sum((row for name, row in rows.items() if name != RIGHT), Row())
        right = rows[RIGHT]
        yield f"| {kind}: unnoticed | of {wrong.planted:,} | {' | '.join(_missed(wrong))} |"
        alarms = (
            str(right.caught[who]) if who in wrong.caught or who in right.caught else ""
            for who in COLUMNS
        )
        yield f"| {kind}: false alarms | of {right.planted:,} | {' | '.join(alarms)} |"


def _missed(row: Row) -> Iterator[str]:
    for who in COLUMNS:
        if who not in row.caught:
            yield ""  # not installed
        elif who == "differences" and row.undecided:
            yield f"{row.missed(who) - row.undecided:,} + {row.undecided:,}"
        else:
            yield f"{row.missed(who):,}"


if __name__ == "__main__":
    main()
