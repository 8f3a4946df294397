"""What is known of a training run while it goes on, and when it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

from bptrace import engine as engines
from bptrace.engine import State
from bptrace.model import Problem, Stop
from bptrace.training.classes import Classes
from bptrace.training.diverged import Diverged
from bptrace.training.epochs import Curve
from bptrace.training.score import Score
from bptrace.training.stop import Reason


@dataclass(frozen=True)
class Scores:
    """Scores on the training samples and on those held back for the test; either may be missing."""

    train: Score | None = None
    test: Score | None = None


@dataclass(frozen=True)
class Progress:
    """Where a training run stands after a part.

    Attributes
    ----------
    steps, planned : int
        Steps done, and to be done at most.
    error : float
        E of the last step's batch, before its update; nan without a loss.
    epoch_error : float
        E of a sample, mean over the last whole epoch; nan before its end.
    seconds, rate : float
        Time since the beginning, and steps per second of late.
    scores : Scores
        The latest; they are some time behind.
    curve : Curve
        E so far; it goes on growing.
    may_stop : bool
        Whether a rule may end the run before `planned`.
    """

    steps: int
    planned: int
    error: float
    epoch_error: float
    seconds: float
    rate: float
    scores: Scores
    curve: Curve
    may_stop: bool = False

    @property
    def seconds_left(self) -> float:
        """Time for the rest at the present rate; nan while there is none."""
        return (self.planned - self.steps) / self.rate if self.rate > 0 else nan


@dataclass(frozen=True)
class Outcome:
    """What came of a training run.

    Attributes
    ----------
    problem : Problem
        As it was given.
    state : State
        Where the run ended; if it diverged, before the step in which it did.
    reason : Reason
    planned : int
    stop : Stop
        The rules that were watched.
    before, after : Scores
        With the first parameters and with the last.
    epoch_error : float
        E of a sample, mean over the last whole epoch.
    steps, errors : tuples
        The curve: E of a sample at the end of these steps. `unit` is the number of steps of which a
        point is the mean.
    gradients : tuple of (step, sizes)
        √Σ(∂E/∂w)² of each layer at some steps, if asked for.
    accuracies : tuple of (step, Scores)
        Scores on the way; at which steps depends on the machine.
    classes : Classes or None
    diverged : Diverged or None
    seconds : float
    engine, calculated_by, remark : str
        Who computed, the same with the way a step is calculated, and what the user should know
        about it.
    """

    problem: Problem
    state: State
    reason: Reason
    planned: int
    stop: Stop
    before: Scores
    after: Scores
    epoch_error: float
    steps: tuple[int, ...]
    errors: tuple[float, ...]
    unit: int
    gradients: tuple[tuple[int, tuple[float, ...]], ...]
    accuracies: tuple[tuple[int, Scores], ...]
    classes: Classes | None
    diverged: Diverged | None
    seconds: float
    engine: str
    calculated_by: str
    remark: str

    @property
    def trained(self) -> Problem:
        """The problem with the parameters at which training ended."""
        return engines.with_parameters(self.problem, self.state)
