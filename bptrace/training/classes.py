"""Classes: where targets name one of several classes, which one the outputs name.

One output: two target values, and the middle between them decides. Several: each sample has one
high target among low ones, and the largest output decides (the first of equal ones).
"""

from __future__ import annotations

from collections.abc import Sequence

from bptrace.model import Data, Problem
from bptrace.pictures.plane import kind_of, threshold_of
from bptrace.tuples import NamedTuple

FEWEST = 3
"""Two samples with different targets say nothing of classes: any two numbers differ."""


class Classes(NamedTuple):
    """The classes of a problem.

    Attributes
    ----------
    names : tuple of str
        In order of their numbers, which count from 0.
    threshold : float
        With one output: from it on stands the second class.
    data : Data or None
        Where the samples are from, if that knows the classes better.
    """

    names: tuple[str, ...]
    threshold: float
    data: Data | None = None

    def of(self, values: Sequence[float]) -> int | None:
        """Return the class that targets or outputs stand for; None if one of them is nan."""
        if self.data is None or any(value != value for value in values):
            return kind_of(values, self.threshold)
        return self.data.class_of(values)


def classes_of(problem: Problem) -> Classes | None:
    """Return the classes of a problem, None where the targets are numbers to be met.

    Data may name them. Else there are classes where all targets of at least three samples have one
    of two values, the high one once per sample if there are several outputs, and not all samples
    are of the same class.
    """
    samples, outputs = problem.samples, problem.network.widths[-1]
    if problem.data is not None and problem.data.classes:
        return Classes(problem.data.classes, threshold_of(samples), problem.data)
    if len(samples) < FEWEST:
        return None
    values: set[float] = set()
    for sample in samples:
        values.update(sample.t)
        if not sample.t or len(values) > 2:
            return None
    if len(values) != 2:
        return None
    low, high = sorted(values)
    if outputs > 1 and any(sample.t.count(high) != 1 for sample in samples):
        return None
    classes = Classes(_names(problem, low, high), threshold_of(samples))
    return classes if len({classes.of(sample.t) for sample in samples}) > 1 else None


def _names(problem: Problem, low: float, high: float) -> tuple[str, ...]:
    last = problem.network.layers[-1]
    if last.size == 1:
        return f"{low:g}", f"{high:g}"
    return last.names or tuple(map(str, range(1, last.size + 1)))
