"""Which pictures there are of a trained network, and what they are called.

    gallery.check_weights(problem, weights)                before the run, so that nothing
    files = plots.targets(folder, gallery.names(problem))  fails at its end
    plots.write(files, shown, weights, look)               after it

Not responsible for drawing them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bptrace.address import Address, Quantity
from bptrace.errors import BptraceError
from bptrace.model import Problem, Sample
from bptrace.notation import Notation
from bptrace.pictures.along import find_weight
from bptrace.pictures.history import History
from bptrace.tuples import NamedTuple

ERROR, GRADIENTS, BOUNDARY, WEIGHT = "error", "gradients", "boundary", "weight-"
"""The names of the pictures; that of a weight is followed by what it is called."""

MOST_INPUTS = 2
"""With more inputs no boundary can be drawn."""


class Shown(NamedTuple):
    """A trained network.

    Attributes
    ----------
    first : Problem
        As it began.
    history : History
    trained : Problem or None
        With the parameters where it ended; None if those are no finite numbers.
    test : sequence of Sample
        Samples that are kept for the test.
    title : str
        What it is called beside others.
    """

    first: Problem
    history: History
    trained: Problem | None
    test: Sequence[Sample] = ()
    title: str = ""


def names(problem: Problem, weights: Iterable[str] = ()) -> list[str]:
    """Return which pictures `problem` has: its error and gradients, its boundary, and weights.

    Raises `BptraceError` if it has none.
    """
    found = [ERROR, GRADIENTS] if problem.has_backward else []
    if problem.network.widths[0] <= MOST_INPUTS:
        found.append(BOUNDARY)
    found += dict.fromkeys(WEIGHT + file_name(weight) for weight in weights)
    if not found:
        raise BptraceError(
            "there is nothing to draw: the samples have no targets, so there is no error, and a "
            "boundary is drawn for one or two inputs only"
        )
    return found


def some_weight(problem: Problem) -> tuple[str, ...]:
    """Return the name of the first weight of the last layer, along which E is drawn unasked.

    None if there is no error.
    """
    if not problem.has_error:
        return ()
    depth = problem.network.depth
    for j in range(1, problem.network.widths[-1] + 1):
        for i in problem.network.sources(depth, j):
            return (Notation.of(problem).name(Address(Quantity.W, depth, j, i)),)
    return ()


def check_weights(problem: Problem, weights: Iterable[str]) -> None:
    """Raise `BptraceError` if one of `weights` is none, or if there is no error along it."""
    for weight in weights:
        find_weight(problem, weight)


def file_name(weight: str) -> str:
    """Return the name of a weight as a part of a file's name: w[2,1,1] becomes w-2-1-1."""
    kept = "".join(c if c.isalnum() or c in "_+" else "-" for c in weight)
    return kept.strip("-") or "w"


def texts(problem: Problem) -> list[str]:
    """Return all names of a problem that pictures may show."""
    of_data = (*problem.data.inputs, *problem.data.classes) if problem.data else ()
    return [*(name for layer in problem.network.layers for name in layer.names), *of_data]
