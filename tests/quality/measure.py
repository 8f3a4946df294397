"""Rates of finding: pages with planted mistakes are checked, and what is said is counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import perf_counter

from bptrace import engine
from bptrace.checks.findings import Candidate, Finding
from bptrace.checks.page import Page, check
from bptrace.checks.report import ACCEPTED, Report, Verdict, verdict_of
from bptrace.maths.expr import Ref
from bptrace.model import Problem
from bptrace.testing.author import Style
from bptrace.testing.planting import Planted
from tests.quality.pages import correct_pages
from tests.quality.plant import is_same, until_visible


@dataclass
class Rates:
    """How often each thing happened among `cases`."""

    cases: int = 0
    unseen: int = 0
    hits: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    seconds: list[float] = field(default_factory=list)

    def __getitem__(self, what: str) -> float:
        return self.hits[what] / max(self.cases, 1)

    def count(self, **found: float) -> None:
        """Add what was found in one case."""
        self.cases += 1
        for what, n in found.items():
            self.hits[what] += n

    def time(self, share: float) -> float:
        """The seconds that a share of the cases stay below."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def judged(page: Problem) -> tuple[Report, float]:
    """Check a page; return the seconds that it took."""
    trace = engine.run(page, engine="python")
    start = perf_counter()
    report = check(trace)
    return report, perf_counter() - start


def judged_without(page: Problem, kind: str) -> Report:
    """Check a page with a table of mistakes that lacks one kind."""
    whole = Page(engine.run(page, engine="python"), without=frozenset({kind}))
    lines = whole.judged().lines
    return Report(page, tuple(verdict_of(line, ()) for line in lines), ())


def false_alarms(lines: int, seed: int) -> tuple[int, int, list[tuple[Style, Problem, Verdict]]]:
    """Check correct pages with at least so many lines; return pages, lines and all false alarms."""
    pages = seen = 0
    alarms = []
    for style, page in correct_pages(seed):
        report, _ = judged(page)
        pages, seen = pages + 1, seen + len(report.verdicts)
        alarms += [(style, page, v) for v in report.verdicts if v.verdict in ("carried", "wrong")]
        if seen >= lines:
            break
    return pages, seen, alarms


Draw = Callable[[Random], Planted | None]
Count = Callable[[Rates, Planted, Report], None]


def rates(cases: int, seed: int, draw: Draw, count: Count) -> Rates:
    """Draw so many pages with visible mistakes, check each, and count."""
    rng, found = Random(seed), Rates()
    for _ in range(cases):
        planted, unseen = until_visible(lambda: draw(rng))
        report, seconds = judged(planted.page)
        found.unseen += unseen
        found.seconds.append(seconds)
        count(found, planted, report)
    return found


# ------------------------------------------------------------------------------- what is counted


def one_mistake(found: Rates, planted: Planted, report: Report) -> None:
    """One wrong formula: is its first line found, nothing else, and its cause named?"""
    first = report.first_mistake
    wrong = [v for v in report.verdicts if v.verdict == "wrong"]
    located = first is not None and first.key in planted.seen[0]
    finding = first.finding if first is not None and located else None
    ranks = groups(finding)
    right = [any(is_planted(planted, c, 0) for c in group) for group in ranks[:3]]
    accepted = finding is not None and finding.bits > ACCEPTED
    found.count(
        located=located,
        one_root=located and len(wrong) == 1,
        spurious=sum(not any(v.key in seen for seen in planted.seen) for v in wrong),
        top1=any(right[:1]),
        leading=finding is not None and is_planted(planted, finding.best, 0),
        top3=any(right),
        kept=any(right[:1]) and accepted,
        everywhere=report.reading is not None,
    )


def groups(finding: Finding | None) -> list[list[Candidate]]:
    """The candidates, those together between which nothing on the page can decide.

    They give the same number at the same place, or at two steps of a chain the same number where it
    is seen, and are as likely: "a wrong sign" may be made at ∂E/∂out or at δ.
    """
    ranks: list[list[Candidate]] = []
    for candidate in () if finding is None else finding.candidates[:40]:
        group = next((g for g in ranks if _are_one(g[0], candidate)), None)
        if group is None:
            ranks.append([candidate])
        else:
            group.append(candidate)
    return ranks


def _are_one(a: Candidate, b: Candidate) -> bool:
    return a.equals(b) or (a.value, a.score) == (b.value, b.score)


def is_planted(planted: Planted, candidate: Candidate, which: int) -> bool:
    """Whether a candidate is the formula that was planted, or always gives the same numbers."""
    expr = candidate.expr
    if candidate.mistake == "copied":
        expr = Ref(candidate.fields["x"])  # type: ignore[arg-type]  # a formula like any other
    if expr is None:
        return False
    place = list(planted.wrong)[which]
    return is_same(planted, {candidate.place: expr}, {place: planted.wrong[place]})


def two_mistakes(found: Rates, planted: Planted, report: Report) -> None:
    """Two wrong formulas in different steps: are both found, each named, and nothing else?"""
    wrong = {v.key: v for v in report.verdicts if v.verdict == "wrong"}
    first = report.first_mistake
    roots = [next((wrong[k] for k in wrong if k in seen), None) for seen in planted.seen]
    named = [
        root is not None and any(is_planted(planted, c, k) for c in _first_group(root.finding))
        for k, root in enumerate(roots)
    ]
    everywhere = frozenset().union(*planted.seen)
    found.count(
        both=all(roots),
        first=first is not None and first.key in everywhere,
        spurious=sum(key not in everywhere for key in wrong),
        named=sum(named) / len(named),
    )


def pair_in_one(found: Rates, planted: Planted, report: Report) -> None:
    """Two mistakes in one formula: found, and named as a pair?"""
    first = report.first_mistake
    located = first is not None and first.key in planted.seen[0]
    finding = first.finding if first is not None and located else None
    found.count(
        located=located, named=any(is_planted(planted, c, 0) for c in _first_group(finding))
    )


def _first_group(finding: Finding | None) -> list[Candidate]:
    return next(iter(groups(finding)), [])


def held_out(found: Rates, planted: Planted, _: Report) -> None:
    """A mistake of a kind that the table does not have: what is said of it?"""
    report = judged_without(planted.page, planted.kinds[0])
    first = report.first_mistake
    located = first is not None and first.key in planted.seen[0]
    finding = first.finding if first is not None and located else None
    accepted = finding is not None and finding.bits > ACCEPTED
    same = accepted and any(is_planted(planted, c, 0) for c in _first_group(finding))
    slip = accepted and not same and finding is not None and finding.best.expr is None
    found.count(
        located=located, unexplained=located and not accepted, same=same, slip=slip,
        other=accepted and not same and not slip,
    )  # fmt: skip


def made_everywhere(found: Rates, planted: Planted, report: Report) -> None:
    """One mistake at many places: is it reported as one?"""
    reading = report.reading is not None
    found.count(
        one=reading or len(report.mistakes) == 1,
        reading=reading,
        clean=reading and report.reading_wrong == 0,
    )


def other_convention(found: Rates, planted: Planted, report: Report) -> None:
    """A page in another convention: recognised, and clean in it?

    Some losses are one and the same for one or two outputs.
    """
    name, reading = planted.kinds[0], report.reading
    losses = reading is not None and reading.name.startswith("loss:") and name.startswith("loss:")
    found.count(
        recognised=reading is not None and (reading.name == name or losses),
        clean=reading is not None and report.reading_wrong == 0,
    )


def foreign_number(found: Rates, planted: Planted, report: Report) -> None:
    """A number from nowhere: every explanation is a false one."""
    (line,) = planted.seen[0]
    verdict = next(v for v in report.verdicts if v.key == line)
    bits = verdict.finding.bits if verdict.finding is not None else 0.0
    found.count(located=verdict.verdict == "wrong", possible=bits > 0, accepted=bits > ACCEPTED)


def _is_slip(planted: Planted, candidate: Candidate, ranks: list[list[Candidate]]) -> bool:
    """Whether a candidate is the planted slip, or a formula that always gives the number copied.

    Who leaves the slope out of δ has the very number of ∂E/∂out; nobody can tell it from a copy.
    """
    if candidate.mistake == planted.kinds[0]:
        return True
    if planted.kinds[0] != "copied" or candidate.expr is None:
        return False
    formula = {candidate.place: candidate.expr}
    copies = [c for group in ranks for c in group if c.mistake == "copied"]
    return any(is_same(planted, formula, {c.place: Ref(c.fields["x"])}) for c in copies)  # type: ignore[arg-type]


def copying_slip(found: Rates, planted: Planted, report: Report) -> None:
    """A wrong copy: found, named, and known as a misprint if nobody went on with it."""
    first = report.first_mistake
    located = first is not None and any(first.key in seen for seen in planted.seen)
    ranks = groups(first.finding) if first is not None and located else []
    named = [any(_is_slip(planted, c, ranks) for c in group) for group in ranks[:3]]
    found.count(
        located=located,
        top1=any(named[:1]),
        top3=any(named),
        misprint=any(m.is_misprint for m in report.mistakes[:1]),
    )
