"""The assertion that gradients from one's own implementation are right.

Not responsible for the verdicts (`checks.foreign`), nor for how they are put into words (`render`).
What judging needs is imported with this module, not by the first call, which a deadline may watch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bptrace
from bptrace.checks.foreign.against import Against, judge
from bptrace.checks.gradients import point_of
from bptrace.errors import FileError
from bptrace.io.gradients import reader_of
from bptrace.model import Problem
from bptrace.notation import Notation
from bptrace.testing.failure import Wrong, undecided

if TYPE_CHECKING:
    import os


def assert_gradients(
    problem: Problem | str | os.PathLike[str],
    gradients: Any,
    *,
    step: int = 1,
    sample: int | None = None,
    reduction: str | None = None,
) -> Against:
    """Assert that gradients of a network are right, each within what rounding can do.

    Parameters
    ----------
    problem : Problem, str or path
        A string is what `bptrace.load` takes: a file, or the name of a bundled example.
    gradients : sequence, mapping or array
        (dW, db) of each layer, first layer first; or arrays by names such as dW1, db1, or
        0.weight, 0.bias; or single gradients by their names in the problem; or one vector. Each
        array is float64 or float32, or has ``__array__``. dW is (n_out, n_in), or its transpose.
    step : int
        At which update, with the parameters and the batch that it has.
    sample : int, optional
        Of this sample (from 1) alone; default: of the batch of the step.
    reduction : {"sum", "mean"}, optional
        Over the samples of the batch; default: as the problem says.

    Returns
    -------
    Against
        The verdicts; what rounding hides is undecided.

    Raises
    ------
    AssertionError
        If a gradient differs, arrays do not fit, or nothing could be decided (a test of Hypothesis
        draws another example instead): with the report of ``bptrace gradcheck --against`` as its
        text.
    BptraceError
        For a faulty file, and where there is no gradient, no such step or sample.
    """
    __tracebackhide__ = True
    given = problem if isinstance(problem, Problem) else bptrace.load(problem)
    if reduction is not None:
        given = replace(given, training=replace(given.training, reduction=reduction))
    point = point_of(given, step, sample)
    read = reader_of(Notation.of(given))
    try:
        found = judge(point, gradients, read, explain=False)
    except FileError as error:
        raise AssertionError(str(error)) from None
    if not found.ok:
        raise Wrong(lambda: report(judge(point, gradients, read)))
    if not found.counts["agrees"]:
        undecided(lambda: f"nothing could be decided\n{report(found)}")
    return found


def report(found: Against) -> str:
    """Return what `bptrace gradcheck --against` prints, as text."""
    from bptrace.render.against import AgainstView
    from bptrace.render.console import plain_text
    from bptrace.render.words import Words

    return plain_text(AgainstView(found, Notation.of(found.point.problem), Words("en")))
