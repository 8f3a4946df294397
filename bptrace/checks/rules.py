"""What several learning rules make of the same numbers: one sample, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bptrace.address import Address, Quantity
from bptrace.checks.side_by_side import Row, document
from bptrace.errors import BptraceError
from bptrace.maths.rules import RULES, Rule
from bptrace.maths.updates import step_of
from bptrace.model import Problem, Training
from bptrace.trace import Trace

Q = Quantity
AGES = ("hebb", "delta", "gradient-descent")
"""The three ages: what fires together, the error, the slope."""

INSTEAD = "half-squared"
"""The error of a file that has none, so that there is a slope to go down."""


@dataclass(frozen=True)
class Comparison:
    """Several rules on one sample.

    Attributes
    ----------
    problem : Problem
    sample : int
    rules : tuple of Rule
    traces : tuple of Trace
        One per rule: the sample alone, with the parameters of the file and an empty memory.
    rows : tuple of Row
        Δ and the value after it of every parameter of the last layer; then, after the first and
        after the last update, the outputs and E.
    steps : int
        How many updates there are.
    other_loss : bool
        Whether the file has no error, so that `INSTEAD` is taken.
    """

    problem: Problem
    sample: int
    rules: tuple[Rule, ...]
    traces: tuple[Trace, ...]
    rows: tuple[Row, ...]
    steps: int
    other_loss: bool

    def document(self) -> dict[str, Any]:
        """Return ``{"file", "sample", "loss", "rules", "rows", "hidden"}``.

        ``hidden`` says of each rule how many parameters of hidden layers it changes.
        """
        return {
            "file": self.problem.file,
            "sample": self.sample,
            "loss": self.traces[0].problem.network.loss,
            "rules": [rule.name for rule in self.rules],
            "rows": document(self.rows),
            "hidden": [hidden_changes(trace) for trace in self.traces],
        }


def compare(
    problem: Problem,
    run: Callable[[Problem, int], Trace],
    rules: Sequence[str] = AGES,
    sample: int = 1,
    steps: int = 1,
) -> Comparison:
    """Calculate one sample with each of several rules, with the learning rate of the file.

    An option of a rule has the value that the file gives it, else its default; there is neither a
    schedule nor weight decay, unless the rule has some of its own.

    Parameters
    ----------
    problem : Problem
    run : function
        ``run(problem, steps)`` calculates a problem.
    rules : sequence of str
        Names in the table of rules.
    sample : int
    steps : int
        How many updates, all by this sample.

    Raises
    ------
    BptraceError
        For an unknown rule, if there is no learning rate, or if a rule needs targets and the sample
        has none.
    """
    entries = tuple(RULES.get(name) for name in rules)
    training = problem.training
    if not training.rule:
        raise BptraceError(
            f"{problem.file} has no [training], so there is no learning rate for rules; "
            "expected [training] with learning_rate = 0.5 or so"
        )
    _check_targets(problem, entries, sample)
    other_loss = problem.network.loss == "none"
    network = replace(problem.network, loss=INSTEAD) if other_loss else problem.network
    alone = replace(
        problem,
        network=network,
        samples=(problem.samples[sample - 1],),
        training=Training(),
        claims=(),
        data=None,
        log=None,
    )
    traces = tuple(
        run(replace(alone, training=_training(training, rule, steps)), steps + 1)
        for rule in entries
    )
    rows = tuple(
        Row(address, tuple(trace.value(address) for trace in traces), after)
        for address, after in _rows(traces[0].problem, steps)
    )
    return Comparison(problem, sample, entries, traces, rows, steps, other_loss)


def _training(given: Training, rule: Rule, steps: int) -> Training:
    known = {option.name for option in rule.options}
    options = tuple((name, value) for name, value in given.options if name in known)
    return Training(rule.name, given.learning_rate, steps=steps, options=options)


def _check_targets(problem: Problem, rules: Sequence[Rule], sample: int) -> None:
    if problem.samples[sample - 1].t:
        return
    for rule in rules:
        if rule.local is None or rule.local.needs_target:
            raise BptraceError(
                f"{problem.file}: sample {sample} has no targets, and {rule.name} needs them. "
                "Give it a t = […], or choose others: --rules hebb-unsupervised"
            )


def last_parameters(problem: Problem) -> list[Address]:
    """Return the weights and biases that lead into the outputs, neuron by neuron."""
    depth = problem.network.depth
    return [
        p.at(0, 1)
        for j in range(1, problem.network.widths[-1] + 1)
        for p in problem.layout.parameters()
        if p.layer == depth and p.neuron == j
    ]


def _rows(problem: Problem, steps: int) -> Iterator[tuple[Address, int]]:
    parameters = last_parameters(problem)
    for p in parameters:
        yield step_of(p), 0
    for after in dict.fromkeys((1, steps)):
        for p in parameters:
            yield p._replace(step=after + 1), after
        for k in range(1, problem.network.widths[-1] + 1):
            yield Address(Q.OUT, problem.network.depth, k, sample=1, step=after + 1), after
        if problem.has_error:
            yield Address(Q.E, sample=1, step=after + 1), after


def hidden_changes(trace: Trace) -> int:
    """Return how many parameters of hidden layers the first update changes."""
    depth = trace.problem.network.depth
    places = (p.at(0, 1) for p in trace.problem.layout.parameters() if p.layer < depth)
    return sum(trace.value(p) != trace.value(p._replace(step=2)) for p in places)
