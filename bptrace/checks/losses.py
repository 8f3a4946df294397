"""What two losses make of the same numbers: squared error and cross-entropy side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bptrace.address import Address, Quantity, partial
from bptrace.checks.side_by_side import Row, document
from bptrace.errors import BptraceError
from bptrace.maths.losses import LOSSES
from bptrace.model import Problem, Training
from bptrace.trace import Trace

Q = Quantity
SQUARED = "half-squared"


@dataclass(frozen=True)
class Comparison:
    """Two losses on one sample.

    Attributes
    ----------
    losses : tuple of str
    rows : tuple of Row
        Output by output: out, t, E_k, ∂E/∂out, ∂out/∂in, δ, the step of a parameter that leads into
        the neuron, and out after some updates.
    """

    problem: Problem
    losses: tuple[str, ...]
    rows: tuple[Row, ...]

    def document(self) -> dict[str, Any]:
        """Return ``{"file", "losses", "rows": [{"quantity", "after", "values"}]}``."""
        return {
            "file": self.problem.file,
            "losses": list(self.losses),
            "rows": document(self.rows),
        }


def compare(
    problem: Problem,
    run: Callable[[Problem, int], Trace],
    sample: int = 1,
    steps: int = 100,
) -> Comparison:
    """Calculate a problem with the half-squared error and with its cross-entropy.

    Both learn from `sample` alone, with the rule and the learning rate of the problem.

    Parameters
    ----------
    problem : Problem
    run : function
        ``run(problem, steps)`` calculates a problem.
    sample : int
    steps : int
        After how many updates the outputs are compared once more.

    Raises
    ------
    BptraceError
        If no loss undoes the last activation, if there are no targets, or if they are none for it.
    """
    partner = partner_of(problem)
    _check_targets(problem, partner, sample)
    losses = (SQUARED, partner)
    training = problem.training
    alone = replace(
        problem,
        samples=(problem.samples[sample - 1],),
        claims=(),
        training=Training(training.rule, training.learning_rate, steps=steps),
    )
    updates = steps if training.rule else 0
    traces = [
        run(replace(alone, network=replace(alone.network, loss=loss)), updates + 1)
        for loss in losses
    ]
    rows = tuple(
        Row(address, tuple(trace.value(address) for trace in traces), after)
        for address, after in _rows(alone, updates)
    )
    return Comparison(problem, losses, rows)


def partner_of(problem: Problem) -> str:
    """Return the loss that undoes the last activation; raises `BptraceError` if there is none."""
    last = problem.network.layers[-1].activation
    pairs = {entry.fused.partner: entry.name for entry in LOSSES if entry.fused is not None}
    if last not in pairs:
        raise BptraceError(
            f"{problem.file}: the last layer is {last}, whose slope cancels with no loss; "
            f"expected {' or '.join(pairs)}. Try `bptrace compare-losses saturated`"
        )
    return pairs[last]


def _check_targets(problem: Problem, loss: str, sample: int) -> None:
    low, high = LOSSES.get(loss).targets
    targets = problem.samples[sample - 1].t
    if not targets:
        raise BptraceError(f"{problem.file}: sample {sample} has no targets, so there is no error")
    for t in targets:
        if not low <= t <= high:
            raise BptraceError(
                f"{problem.file}: sample {sample} has the target {t:g}, and {loss} needs "
                f"{f'{low:g} to {high:g}' if high < 2 else f'at least {low:g}'}. "
                "Choose another sample or change the target"
            )


def _rows(problem: Problem, updates: int) -> Iterator[tuple[Address, int]]:
    network = problem.network
    for j in range(1, network.widths[-1] + 1):
        out = Address(Q.OUT, network.depth, j, sample=1, step=1)
        net = out._replace(quantity=Q.IN)
        yield out, 0
        yield out._replace(quantity=Q.T, layer=0), 0
        yield out._replace(quantity=Q.E_K, layer=0), 0
        yield partial(None, out), 0
        yield partial(out, net), 0
        yield partial(None, net), 0
        if updates:
            yield _step(problem, net), 0
            yield out._replace(step=updates + 1), updates


def _step(problem: Problem, net: Address) -> Address:
    """The Δ of the first parameter that leads into a neuron."""
    sources = problem.network.sources(net.layer, net.neuron)
    if sources:
        return Address(Q.STEP_W, net.layer, net.neuron, sources[0], step=1)
    return Address(Q.STEP_B, net.layer, net.neuron, step=1)
