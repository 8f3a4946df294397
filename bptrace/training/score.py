"""How good parameters are on many samples: E, and how many are put into the right class."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from math import nan

from bptrace import engine as engines
from bptrace.address import Quantity
from bptrace.engine import State
from bptrace.model import Problem, Sample, Training
from bptrace.training.classes import Classes
from bptrace.tuples import NamedTuple

MOST_AT_ONCE = 256
"""Samples whose forward pass is held in memory at the same time."""


class Score(NamedTuple):
    """What parameters are worth on some samples.

    Attributes
    ----------
    error : float
        E, mean over the samples; nan without a loss.
    samples : int
    right : int or None
        Samples put into the right class; None where there are no classes.
    table : tuple of tuples of int
        Samples by their class (row) and the class that the outputs name (column); empty without
        classes. A sample whose outputs are no numbers stands in no column.
    """

    error: float
    samples: int
    right: int | None = None
    table: tuple[tuple[int, ...], ...] = ()

    @property
    def accuracy(self) -> float | None:
        """The share of samples in the right class."""
        return None if self.right is None else self.right / self.samples


class Scorer:
    """Scores parameters on the same samples again and again.

    Parameters
    ----------
    problem : Problem
        Its network; parameters come with each question.
    samples : sequence of Sample
        At least one.
    classes : Classes, optional
    engine : str
        "python" or "numba".
    """

    def __init__(
        self, problem: Problem, samples: Sequence[Sample], classes: Classes | None, engine: str
    ) -> None:
        self.samples, self.classes, self.engine = samples, classes, engine
        self._parts = [
            Problem(problem.network, problem.parameters, tuple(part), Training(batch=len(part)))
            for part in _cut(samples)
        ]

    def score(self, numbers: Sequence[float]) -> Score:
        """Return the score of parameters, which stand first in `numbers` (those of a `State`)."""
        total, answers = -0.0, []
        for error, outputs in self._passes(numbers):
            total += error
            if self.classes is not None:
                answers.append(self.classes.of(outputs))
        n = len(self.samples)
        if self.classes is None:
            return Score(total / n, n)
        table = [[0] * len(self.classes.names) for _ in self.classes.names]
        for sample, answer in zip(self.samples, answers, strict=True):
            target = self.classes.of(sample.t)
            if answer is not None and target is not None:
                table[target][answer] += 1
        right = sum(table[c][c] for c in range(len(table)))
        return Score(total / n, n, right, tuple(map(tuple, table)))

    def _passes(self, numbers: Sequence[float]) -> Iterator[tuple[float, Sequence[float]]]:
        """Yield E and the outputs of each sample."""
        for problem in self._parts:
            layout = problem.layout
            state = State(0, array("d", numbers[: layout.n_parameters]))
            log = engines.go_on(problem, state, 1, self.engine, log=True).log
            starts, width = layout.sample_starts, problem.network.widths[-1]
            out = starts[Quantity.OUT] + layout.out_at[problem.network.depth]
            for position in range(problem.training.batch):
                part = layout.samples + position * layout.sample_size
                error = log[part + starts[Quantity.E]] if problem.has_error else nan
                yield error, log[part + out : part + out + width]


def _cut(samples: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    for start in range(0, len(samples), MOST_AT_ONCE):
        yield samples[start : start + MOST_AT_ONCE]
