"""The last layer, the loss and the targets: whether they fit one another.

Not responsible for the number of targets, nor for whether there must be some: see `problem`.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from bptrace.io.faults import Faults
from bptrace.io.layers import Part
from bptrace.io.tables import View
from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.losses import LOSSES, Loss, suits


def check_outputs(
    loss: str, parts: Iterable[Part], samples: Iterable[View], faults: Faults
) -> None:
    """Check that no layer is a softmax of one, and that the loss suits outputs and targets."""
    *_, last = [_checked(part, faults) for part in parts]
    if loss not in LOSSES:
        return
    entry = LOSSES.get(loss)
    if last is not None and not suits(entry, last):
        good = " or ".join(a.name for a in ACTIVATIONS if suits(entry, a))
        low, high = entry.outputs
        message = (
            f"{loss} needs outputs from {low:g} to {high:g}, but the last layer is {last.name}"
        )
        hint = f"Make the last layer {good}, or choose another loss: see `bptrace list`."
        faults.add(message, ("network", "loss"), hint=hint)
    for table in samples:
        if table.t is not None:
            _check_targets(table.t, int(table.path[-1]), entry, faults)
        if faults.is_full:
            return


def _checked(part: Part, faults: Faults) -> Activation | None:
    """Return the activation of a layer, None if there is none of the table."""
    value = part.table.activation
    name = value.name if isinstance(value, View) else value
    if name not in ACTIVATIONS:
        return None
    entry = ACTIVATIONS.get(name)
    if entry.is_of_layer and part.size == 1:
        message = f"a {name} of one neuron is always 1: there is nothing to learn"
        hint = "Take sigmoid for one output, or give the layer an output for each class."
        faults.add(message, part.path("activation"), hint=hint)
    return entry


def _check_targets(targets: list[float], s: int, loss: Loss, faults: Faults) -> None:
    """Check that each target is one for which the loss means something, and that not all are 0."""
    low, high = loss.targets
    for k, t in enumerate(targets):
        if not low <= t <= high:
            bounds = f"from {low:g} to {high:g}" if isfinite(high) else f"of at least {low:g}"
            message = f"sample {s + 1}, target {k + 1}: {loss.name} needs a number {bounds}"
            hint = "Targets are probabilities, 0 or 1 mostly; other losses take any number."
            faults.add(f"{message}, found {t:g}", ("sample", s, "t", k), hint=hint)
            return
    if low == 0.0 and not isfinite(high) and targets and sum(targets) == 0.0:
        message = f"sample {s + 1}: all targets are 0, so that {loss.name} is 0 for any output"
        faults.add(message, ("sample", s, "t"), hint="Write 1 for the class of the sample.")
