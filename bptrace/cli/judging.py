"""A page judged, for the commands that say something about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptrace.cli import options

if TYPE_CHECKING:
    from bptrace.checks.report import Report
    from bptrace.model import Problem
    from bptrace.render.sentences import Sentences
    from bptrace.trace import Trace


def judged(
    file: str, out: options.Output, dialect: str = "", digits: int = 10, float32: bool = False
) -> Sentences:
    """Judge one file; return all that can be said about it."""
    from bptrace.render.sentences import Sentences

    problem = options.load(file)
    notation = out.notation(problem, dialect)
    report, trace = judge(problem, float32)
    return Sentences(report, trace, notation, out.words, digits)


def judge(
    problem: Problem, float32: bool = False, trace: Trace | None = None, readings: bool = True
) -> tuple[Report, Trace]:
    """Judge a page; `trace` saves calculating it, if it goes as far as the page."""
    from bptrace import engine
    from bptrace.checks.interval import FLOAT32, FLOAT64
    from bptrace.checks.page import check

    steps = max((claim.step for claim in problem.claims), default=0)
    if trace is None or trace.steps < steps:
        trace = engine.run(problem, engine="python", steps=steps)
    return check(trace, FLOAT32 if float32 else FLOAT64, readings), trace
