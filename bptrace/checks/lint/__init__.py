"""How telling a worked example is: which mistakes leave no trace on its page, which look alike.

Every mistake of the table is made at every step and carried through to the end. A mistake is lost
if no printed digit changes, and two are confused if they give the same page. What would be so in
any example of this network (a quantity that is not printed, two ways to say the same) is found out
with random examples and is not held against the numbers of this one.

Better numbers are tried, not guessed: each given number is changed by a little, one after the
other, and the example is judged again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bptrace.address import Address
from bptrace.checks.lint.coincidences import Coincidence, Coincidences, Remedy
from bptrace.checks.lint.example import PRINTINGS, Example, Score, Slip, Table
from bptrace.checks.lint.lister import Lister
from bptrace.checks.lint.remedies import Search
from bptrace.errors import UnknownName
from bptrace.model import Problem
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple


class StepScore(NamedTuple):
    """The mistakes of one step: how many there are, are lost, are confused."""

    place: Address
    total: int
    lost: int
    confused: int


@dataclass(frozen=True)
class Lint:
    """How telling an example is.

    Attributes
    ----------
    problem : Problem
    digits : int
        Significant digits of the page.
    printing : str
        "all" steps, or as a "textbook" has them.
    instances : int
        Sentences of the table, over all steps; several may say the same.
    unprinted : int
        Mistakes that concern nothing printed, whatever the numbers are; not part of the score.
    looked_at : (int, int)
        At how many steps mistakes were made, of how many there are.
    score : Score
    lost : tuple of Slip
        Mistakes that change no printed digit.
    confused : tuple of tuples of Slip
        Mistakes that give the same page, largest groups first.
    misread : tuple of Slip
        Mistakes that look as if one digit of the right number had been misread.
    steps : tuple of StepScore
        The steps, worst first; those where nothing is lost or confused are left out.
    coincidences : tuple of Coincidence
    remedy : Remedy or None
        The best few changes together.
    searched : bool
        Whether better numbers were tried (not for large networks).
    """

    problem: Problem
    digits: int
    printing: str
    instances: int
    unprinted: int
    looked_at: tuple[int, int]
    score: Score
    lost: tuple[Slip, ...]
    confused: tuple[tuple[Slip, ...], ...]
    misread: tuple[Slip, ...]
    steps: tuple[StepScore, ...]
    coincidences: tuple[Coincidence, ...]
    remedy: Remedy | None
    searched: bool


def lint(trace: Trace, digits: int = 4, printing: str = "all") -> Lint:
    """Judge the example of a trace: its first step, with all samples of the batch.

    Parameters
    ----------
    trace : Trace
    digits : int
        Significant digits that the page prints.
    printing : str
        One of `PRINTINGS`.

    Raises
    ------
    BptraceError
        If the network is too large (see `check_size`), or there is no such printing.
    """
    if printing not in PRINTINGS:
        raise UnknownName("printing", printing, PRINTINGS)
    example = Example(trace, digits, printing)
    lister = Lister(example)
    found = lister.run()
    table = example.table([{}], found.slips)
    search = Search(example, found.slips, table.score(0))
    return Lint(
        trace.problem,
        digits,
        printing,
        found.instances,
        found.unprinted,
        (found.places, len(example.graph.order)),
        table.score(0),
        tuple(table.slips(table.lost)),
        tuple(_groups(table)),
        tuple(table.slips(table.misread & ~table.lost & ~table.confused)),
        tuple(_worst(table)),
        *search.run(Coincidences(example, table, lister.random).run()),
    )


def _groups(table: Table) -> Iterator[tuple[Slip, ...]]:
    """Yield the mistakes that give the same page, the largest groups first."""
    groups: dict[int, list[Slip]] = {}
    for slip, page, _, confused in table.rows():
        if confused:
            groups.setdefault(page, []).append(slip)
    return (tuple(group) for group in sorted(groups.values(), key=lambda group: -len(group)))


def _worst(table: Table) -> Iterator[StepScore]:
    counts: dict[Address, list[int]] = {}
    for slip, _, lost, confused in table.rows():
        count = counts.setdefault(slip.place, [0, 0, 0])
        for k, flag in enumerate((True, lost, confused)):
            count[k] += flag
    worst = sorted(counts.items(), key=lambda item: -(item[1][1] + item[1][2]))
    return (StepScore(place, *count) for place, count in worst if count[1] + count[2])
