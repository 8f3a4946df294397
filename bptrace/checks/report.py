"""The verdict on a page: one `Verdict` per claim, the mistakes they come from, and the whole.

Everything is frozen and speaks of addresses and formulas; names and sentences are made by `render`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bptrace.brief import Brief, frozen
from bptrace.checks.findings import Finding
from bptrace.checks.graph import Key
from bptrace.checks.lines import ACCEPTED, GOOD, WRONG, Line
from bptrace.model import Claim, Problem
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.checks.conventions import Reading
    from bptrace.checks.operands import Operand

SURE = 10.0


class Verdict(NamedTuple):
    """The verdict on one claim.

    Attributes
    ----------
    claim : Claim
    key : Key
        What it speaks of, at a complete address.
    sign : int
        −1 if the claim is the negative of `key` (a δ of the other sign).
    verdict : str
        right, rounding, carried or wrong.
    exact, expected : float
        The true value, and the one that follows from the author's own numbers, as claimed (with
        the sign of the claim).
    carried_from : tuple of Key
        The wrong values that this one carries on.
    used, unused : tuple of Key
        For a wrong value: later lines that carry it on, and those that use the right one.
    note : str
        "", "right value used", "unprinted steps rounded", "does not follow", "given twice",
        "another print used" (a number was printed a second time, wrongly, and used here), "single
        precision" (a program's number), or "operand rounded" (more than it was printed; the
        operand stands in `finding`).
    finding : Finding or None
        Why it is wrong.
    operands : tuple of Operand
        Substituted numbers that do not belong there.
    """

    claim: Claim
    key: Key
    sign: int
    verdict: str
    exact: float
    expected: float
    carried_from: tuple[Key, ...]
    used: tuple[Key, ...]
    unused: tuple[Key, ...]
    note: str
    finding: Finding | None
    operands: tuple[Operand, ...]

    @property
    def certainty(self) -> str:
        """How sure the explanation is: certain, likely, possible, unexplained; "" if not wrong."""
        if self.verdict != WRONG:
            return ""
        bits = self.finding.bits if self.finding is not None else 0.0
        if self.finding is None or bits <= 0:
            return "unexplained"
        if bits <= ACCEPTED:
            return "possible"
        return "certain" if bits > SURE and self.finding.posterior >= 0.9 else "likely"

    @property
    def mistake(self) -> str | None:
        """The name of the mistake in the table, if one is accepted."""
        accepted = self.certainty in ("certain", "likely")
        return self.finding.best.mistake if accepted and self.finding is not None else None

    @property
    def is_misprint(self) -> bool:
        """Whether nothing carries a wrong number on, and later lines use the right one instead."""
        return bool(self.unused) and not self.used


class Mistaken(NamedTuple):
    """One mistake of the author: the wrong lines that come from it, first one first."""

    verdicts: tuple[Verdict, ...]

    @property
    def first(self) -> Verdict:
        """The line where it is first seen."""
        return self.verdicts[0]

    @property
    def carried_by(self) -> tuple[Key, ...]:
        """Later values that carry it on."""
        return tuple(dict.fromkeys(key for v in self.verdicts for key in v.used))

    @property
    def is_misprint(self) -> bool:
        """Whether all its lines are misprints."""
        return all(verdict.is_misprint for verdict in self.verdicts)


@frozen
class Report(Brief):
    """What is right on a page, what is wrong, why, and what merely carries it on.

    Attributes
    ----------
    problem : Problem
    verdicts : tuple of Verdict
        In the order of the file.
    missing : tuple of Claim
        Claims without a number.
    reading : Reading or None
        A convention, or one mistake made everywhere, under which the page is shorter to describe.
    reading_wrong : int
        How many lines are wrong under that reading.
    show : function, optional
        How a notebook shows the report: report → {media type: text}. Told to it, as the views stand
        above; a copy of it in another process knows none.
    """

    problem: Problem
    verdicts: tuple[Verdict, ...]
    missing: tuple[Claim, ...]
    reading: Reading | None = None
    reading_wrong: int = 0
    show: Callable[[Report], dict[str, str]] | None = field(default=None, compare=False, repr=False)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self)} if self.show is None else self.show(self)

    def __getstate__(self) -> dict[str, object]:
        """What goes to another process: all but the view."""
        return {**self.__dict__, "show": None}

    @property
    def counts(self) -> dict[str, int]:
        """Number of claims by verdict, in the order right, rounding, carried, wrong."""
        found = Counter(verdict.verdict for verdict in self.verdicts)
        return {name: found[name] for name in ("right", "rounding", "carried", "wrong")}

    @property
    def ok(self) -> bool:
        """Whether every number is right, or right but for rounding."""
        return all(verdict.verdict in GOOD for verdict in self.verdicts)

    @property
    def wrong(self) -> Iterator[Verdict]:
        """The wrong lines, in the order of the file."""
        return (verdict for verdict in self.verdicts if verdict.verdict == WRONG)

    @property
    def mistakes(self) -> tuple[Mistaken, ...]:
        """The wrong lines, those of one mistake together, in the order of the file."""
        groups: dict[object, list[Verdict]] = {}
        for verdict in self.wrong:
            groups.setdefault(_sort(verdict), []).append(verdict)
        return tuple(Mistaken(tuple(group)) for group in groups.values())

    @cached_property
    def right_after_all(self) -> frozenset[Key]:
        """The right lines that do not follow from what precedes them, but from what should."""
        unused = frozenset(key for verdict in self.wrong for key in verdict.unused)
        return frozenset(
            v.key for v in self.verdicts if v.note == "does not follow" and v.key in unused
        )

    @property
    def first_mistake(self) -> Verdict | None:
        """The first wrong line."""
        return next(self.wrong, None)


def _sort(verdict: Verdict) -> object:
    """What tells mistakes apart: the same one at several places is one mistake."""
    finding = verdict.finding
    if verdict.mistake is None or finding is None:
        return (verdict.claim.line, verdict.claim.quantity)
    best = finding.best
    if best.mistake == "swapped":
        return ("swapped", frozenset(best.fields.values()))
    return best.likeness


def by_name(key: Key) -> tuple[str, str]:
    """Return by what quantities are sorted where they have no order of their own."""
    return str(key), repr(key)


def verdict_of(
    line: Line, operands: tuple[Operand, ...], rank: Callable[[Key], Any] = by_name
) -> Verdict:
    """Freeze a line of the judge; `rank` sorts as `by_name` does, and may know the answers."""
    statement = line.statement
    return Verdict(
        claim=statement.claim,
        key=statement.key,
        sign=statement.sign,
        verdict=line.verdict,
        exact=line.exact * statement.sign,
        expected=line.expected * statement.sign,
        carried_from=tuple(sorted(line.roots, key=rank)),
        used=tuple(dict.fromkeys(line.used)),
        unused=tuple(dict.fromkeys(line.unused)),
        note=line.note,
        finding=line.finding,
        operands=operands,
    )
