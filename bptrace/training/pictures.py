"""A training run as pictures see it."""

from __future__ import annotations

from bisect import bisect_right
from math import nan

from bptrace.errors import ModelError
from bptrace.pictures.gallery import Shown
from bptrace.pictures.history import History
from bptrace.training.loop import test_samples
from bptrace.training.records import Outcome, Scores


def history(outcome: Outcome, name: str = "") -> History:
    """Return how a run went: E of a sample, and the scores at the points where they were taken."""
    unit = outcome.unit
    columns = list(zip(*(_known(scores) for scores in _placed(outcome)), strict=True))
    test_errors, accuracy, test_accuracy = columns or ((), (), ())
    return History(
        steps=[step // unit for step in outcome.steps],
        errors=outcome.errors,
        test_errors=_unless_unknown(test_errors),
        accuracy=_unless_unknown(accuracy),
        test_accuracy=_unless_unknown(test_accuracy),
        gradient_sizes=[sizes for _, sizes in outcome.gradients] or None,
        gradient_steps=[step for step, _ in outcome.gradients],
        name=name,
        unit="step" if unit == 1 else "epoch",
    )


def shown(outcome: Outcome, title: str = "") -> Shown:
    """Return a trained network for pictures."""
    try:
        trained = outcome.trained
    except ModelError:
        trained = None
    problem = outcome.problem
    return Shown(problem, history(outcome), trained, test_samples(problem), title)


def _placed(outcome: Outcome) -> list[Scores]:
    """Return for each point of the curve the scores taken since the one before it."""
    placed = [Scores()] * len(outcome.steps)
    for step, scores in outcome.accuracies:
        k = bisect_right(outcome.steps, step) - 1
        if k >= 0:
            placed[k] = scores
    return placed


def _known(scores: Scores) -> tuple[float, float, float]:
    train, test = scores.train, scores.test
    return (
        test.error if test else nan,
        nan if train is None or train.accuracy is None else train.accuracy,
        nan if test is None or test.accuracy is None else test.accuracy,
    )


def _unless_unknown(values: tuple[float, ...]) -> tuple[float, ...] | None:
    return values if any(value == value for value in values) else None
