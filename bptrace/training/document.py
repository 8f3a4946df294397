"""A training run as plain data, for JSON. Names are positional."""

from __future__ import annotations

from typing import Any

from bptrace.training.diverged import Diverged
from bptrace.training.epochs import Epoch
from bptrace.training.records import Outcome
from bptrace.training.score import Score


def document(outcome: Outcome) -> dict[str, Any]:
    """Return what came of a training run.

    ``{file, engine, seconds, reason, steps, planned, epochs, stop, last_epoch_error, train, test,
    classes, curve, gradients, parameters, diverged}``; E is always that of a sample: the mean over
    samples. `steps` counts from the first parameters of the file on.
    """
    problem, steps = outcome.problem, outcome.state.steps
    layout = problem.layout
    names = (address.positional for address in layout.parameters())
    return {
        "file": problem.file,
        "engine": outcome.engine,
        "seconds": outcome.seconds,
        "reason": outcome.reason.value,
        "steps": steps,
        "planned": outcome.planned,
        "epochs": steps / Epoch.of(problem).steps,
        "stop": {"error": outcome.stop.error, "patience": outcome.stop.patience},
        "last_epoch_error": outcome.epoch_error,
        "train": _scores(outcome.before.train, outcome.after.train),
        "test": _scores(outcome.before.test, outcome.after.test),
        "classes": list(outcome.classes.names) if outcome.classes else None,
        "curve": {
            "mean_over_steps": outcome.unit,
            "steps": list(outcome.steps),
            "errors": list(outcome.errors),
        },
        "gradients": [{"step": step, "sizes": list(sizes)} for step, sizes in outcome.gradients],
        "parameters": dict(zip(names, outcome.state.numbers, strict=False)),
        "diverged": _diverged(outcome.diverged),
    }


def _scores(before: Score | None, after: Score | None) -> dict[str, Any] | None:
    if before is None or after is None:
        return None
    return {
        "samples": after.samples,
        "error_before": before.error,
        "error": after.error,
        "right_before": before.right,
        "right": after.right,
        "accuracy": after.accuracy,
        "table": [list(row) for row in after.table] or None,
    }


def _diverged(found: Diverged | None) -> dict[str, Any] | None:
    if found is None:
        return None
    address = found.address
    return {
        "step": address.step,
        "sample": address.sample or None,
        "quantity": address.positional,
        "value": found.value,
    }
