"""Why training ends: the rules that are looked at after each epoch, and the words for the rest."""

from __future__ import annotations

from array import array
from enum import Enum
from math import inf

from bptrace.model import Problem, Stop
from bptrace.training.epochs import lowest

MOST_UNTIL = 1_000_000
"""So many steps are done at most if a stop rule is given and nobody says how many."""


class Reason(Enum):
    """Why a training run ended."""

    DONE = "done"
    ERROR = "error"
    PATIENCE = "patience"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"


def planned_steps(problem: Problem, stop: Stop, asked: int | None = None) -> int:
    """Return how many steps are done at most: as asked for, else as in the file.

    A file that says one step or nothing about them is a calculation by hand; with a stop rule it
    goes on until the rule applies, for at most `MOST_UNTIL` steps.
    """
    if asked is not None:
        return asked
    return MOST_UNTIL if stop and problem.training.steps == 1 else problem.training.steps


class StopRules:
    """Watches the means of the epochs, in any number of portions."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.epochs = 0
        self._best, self._since = inf, 0

    def feed(self, means: array[float]) -> tuple[int, Reason] | None:
        """Take the means of further epochs; return after which epoch training ends, and why."""
        begun = self.epochs
        self.epochs += len(means)
        found = [self._first_below(means), self._first_without_gain(means)]
        ends = [(k, reason) for k, reason in found if k < len(means)]
        if not ends:
            return None
        k, reason = min(ends, key=lambda end: end[0])
        return begun + k + 1, reason

    def _first_below(self, means: array[float]) -> tuple[int, Reason]:
        limit = self.stop.error
        if limit is None or not lowest(means) < limit:
            return len(means), Reason.ERROR
        return next(k for k, mean in enumerate(means) if mean < limit), Reason.ERROR

    def _first_without_gain(self, means: array[float]) -> tuple[int, Reason]:
        patience = self.stop.patience
        if patience is not None:
            best, since = self._best, self._since
            for k, mean in enumerate(means):
                if mean < best:
                    best, since = mean, 0
                    continue
                since += 1
                if since == patience:
                    return k, Reason.PATIENCE
            self._best, self._since = best, since
        return len(means), Reason.PATIENCE
