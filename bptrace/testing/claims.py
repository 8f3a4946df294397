"""The assertion that a hand calculation is right.

Not responsible for the verdicts (`checks`), nor for how they are put into words (`render`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bptrace
from bptrace.checks import page as _page  # noqa: F401  (now, not in a call that a deadline watches)
from bptrace.errors import BptraceError
from bptrace.testing.failure import Wrong

if TYPE_CHECKING:
    import os

    from bptrace.checks.report import Report
    from bptrace.model import Problem
    from bptrace.trace import Trace


def assert_right(
    problem: Problem | Trace | str | os.PathLike[str], float32: bool = False
) -> Report:
    """Assert that every number under ``[[claims]]`` is right, or right but for rounding.

    Parameters
    ----------
    problem : Problem, Trace, str or path
        As `bptrace.check` takes it.
    float32 : bool
        The numbers come from a program that calculates with 32-bit floats.

    Returns
    -------
    Report
        The verdicts, all of them right or rounding.

    Raises
    ------
    AssertionError
        If a number is wrong, or merely carries a wrong one on: with the report of
        ``bptrace check`` as its text.
    BptraceError
        For a faulty file, or one without a number that could be judged.
    """
    __tracebackhide__ = True
    report = bptrace.check(problem, float32=float32)
    if not report.verdicts:
        raise BptraceError(
            "there is no number under [[claims]] to be judged. Write the calculation there, "
            "one quantity and its printed value to a line"
        )
    if not report.ok:
        raise Wrong(lambda: report._repr_mimebundle_()["text/plain"])
    return report
