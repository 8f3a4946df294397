"""bptrace shows backpropagation number by number and proves every number right.

    problem = bptrace.load("problem.toml")      # or the name of a bundled example
    trace = bptrace.run(problem)
    trace.at("dE/dw5")
    bptrace.explain(problem, "dE/dw5")
    bptrace.check(problem).mistakes             # of the calculation by hand under [[claims]]

Everything is imported when it is first used: ``import bptrace`` alone costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    import os

    from bptrace.checks.report import Report
    from bptrace.engine import Run
    from bptrace.errors import BptraceError, FileError
    from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
    from bptrace.render.explain import Explanation
    from bptrace.trace import Trace

    Source = Problem | str | os.PathLike[str]

__all__ = [
    "load",
    "run",
    "explain",
    "check",
    "Problem",
    "Network",
    "Layer",
    "Parameters",
    "Sample",
    "Training",
    "Trace",
    "Explanation",
    "Report",
    "BptraceError",
    "FileError",
]

_HOMES = {
    "Problem": "bptrace.model",
    "Network": "bptrace.model",
    "Layer": "bptrace.model",
    "Parameters": "bptrace.model",
    "Sample": "bptrace.model",
    "Training": "bptrace.model",
    "Trace": "bptrace.trace",
    "Explanation": "bptrace.render.explain",
    "Report": "bptrace.checks.report",
    "BptraceError": "bptrace.errors",
    "FileError": "bptrace.errors",
}


def __getattr__(name: str) -> Any:
    """Import a public class when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bptrace' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    if name == "Trace":
        value.opener = staticmethod(_open)  # told here, as imports point down
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def load(source: str | os.PathLike[str]) -> Problem:
    """Read and check a problem file: a path, "-" for standard input, or a bundled example's name.

    Raises `FileError` with all faults of the file, each with its line and column.
    """
    from bptrace import io

    return io.load(source)


def run(problem: Source, engine: str = "auto", steps: int | None = None) -> Run:
    """Calculate a problem, or the problem of a file, and return its trace.

    Parameters
    ----------
    problem : Problem, str or path
        A string is what `load` takes.
    engine : {"auto", "python", "numba"}
        Who computes; the results are the same in every bit.
    steps : int, optional
        Default: as many as the problem says.

    Returns
    -------
    Trace
        ``trace["out_h1"]`` is an array over all steps, ``trace.at("dE/dw5", step=3)`` one number. A
        notebook shows it as ``bptrace run`` prints it.

    Raises
    ------
    BptraceError
        For a faulty file, an unknown engine, or a log that does not fit into memory.
    """
    from bptrace import engine as engines

    trace = engines.run(_problem(problem), engine=engine, steps=steps)
    trace.show = _show
    return trace


def explain(
    problem: Source | Trace,
    quantity: str,
    step: int = 1,
    sample: int | None = None,
    digits: int = 10,
    depth: int | None = None,
) -> Explanation:
    """Return why a quantity has its value: its chain rule down to given numbers.

    Parameters
    ----------
    problem : Problem, Trace, str or path
        What has run already is not run again.
    quantity : str
        As in the problem's dialect, positional, or an expression: ``"dE/dw5"``, ``"t_O1-out_O1"``.
    step, sample : int
        As in `Trace.at`.
    digits : int
        Decimals of long numbers in the text.
    depth : int, optional
        Levels to unfold; default: as many as make about 60 equations.

    Returns
    -------
    Explanation
        `str` gives its text, `value` the number; a notebook shows the tree.

    Raises
    ------
    BptraceError
        If the network, or the run, has no such quantity.
    """
    from bptrace.notation import Notation
    from bptrace.render.explain import Explanation
    from bptrace.render.words import Words
    from bptrace.trace import Trace

    trace = problem if isinstance(problem, Trace) else run(problem)
    notation = Notation.of(trace.problem)
    return Explanation(trace, notation, Words("en"), quantity, step, sample, digits, depth)


def check(problem: Source | Trace, float32: bool = False) -> Report:
    """Judge a calculation by hand: every number under ``[[claims]]``, and why wrong ones are wrong.

    Parameters
    ----------
    problem : Problem, Trace, str or path
        What has run already is not run again.
    float32 : bool
        The numbers come from a program that calculates with 32-bit floats.

    Returns
    -------
    Report
        ``verdicts`` in the order of the file, ``mistakes`` with their causes, ``ok``. A notebook
        shows it as ``bptrace check`` prints it.

    Raises
    ------
    BptraceError
        For a faulty file.
    """
    from dataclasses import replace
    from functools import partial

    from bptrace import engine as engines
    from bptrace.checks.interval import FLOAT32, FLOAT64
    from bptrace.checks.page import check as judged
    from bptrace.trace import Trace

    if isinstance(problem, Trace):
        trace = problem
    else:
        page = _problem(problem)
        steps = max((claim.step for claim in page.claims), default=0)  # further ones are not asked
        trace = engines.run(page, engine="python", steps=steps)
    report = judged(trace, FLOAT32 if float32 else FLOAT64)
    return replace(report, show=partial(_show_report, trace=trace))


def _open(folder: str | os.PathLike[str]) -> Trace:
    """Open a trace on disk, for `Trace.open`."""
    from bptrace.store import open_trace

    trace = open_trace(folder)
    trace.show = _show
    return trace


def _show_report(report: Report, trace: Trace) -> dict[str, str]:
    """Return a report as `bptrace check` prints it, for notebooks."""
    from bptrace.notation import Notation
    from bptrace.render.console import html, plain_text
    from bptrace.render.report import Check
    from bptrace.render.sentences import Sentences
    from bptrace.render.words import Words

    say = Sentences(report, trace, Notation.of(trace.problem), Words("en"))
    return {"text/plain": plain_text(Check(say)), "text/html": html(Check(say))}


def _show(trace: Trace) -> dict[str, str]:
    """Return a trace's first step as `bptrace run` prints it, for notebooks."""
    from bptrace.notation import Notation
    from bptrace.render.calculation import Calculation
    from bptrace.render.console import html, plain_text
    from bptrace.render.words import Words

    if not trace.steps:
        return {"text/plain": repr(trace)}
    view = Calculation(trace, Notation.of(trace.problem), Words("en"))
    return {"text/plain": plain_text(view), "text/html": html(view)}


def _problem(source: Source) -> Problem:
    from bptrace.model import Problem

    return source if isinstance(source, Problem) else load(source)
