"""Does another training loop end where ours does? Its parameters after some updates against ours.

Two correct programs round differently, and training carries their roundings on. How far they may
be apart is followed through all formulas of the run, whatever the order of sums (`any_order`); the
bound grows with the number of updates, so that in the end nothing can be said, and that is said.

Not responsible for reading the other program's arrays, nor for words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from bptrace import engine
from bptrace.address import AFTER, Address, Quantity
from bptrace.checks.graph import Canon
from bptrace.errors import BptraceError
from bptrace.maths.bounds import FLOAT32, FLOAT64, Bounded, Format, any_order
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import Ref
from bptrace.maths.rules import RULES
from bptrace.model import Problem, Training
from bptrace.tuples import NamedTuple

Q = Quantity
DIGIT: Final = 0.1
"""The bound leaves a digit to be compared if it is at most this part of the largest change."""


class Element(NamedTuple):
    """One parameter after the updates.

    Attributes
    ----------
    address : Address
        Of the parameter.
    ours, theirs : float
    bound : float
        Two correct programs are apart by this at most.
    verdict : str
        agrees, differs, or undecided (the bound leaves nothing to compare).
    """

    address: Address
    ours: float
    theirs: float
    bound: float
    verdict: str

    @property
    def off(self) -> float:
        """How far they are apart."""
        return abs(self.ours - self.theirs)


@dataclass(frozen=True)
class Trained:
    """The verdict on another program's parameters.

    Attributes
    ----------
    problem : Problem
    steps : int
        Updates.
    theirs : Format
        With what they were calculated.
    elements : tuple of Element
        In the order of the log: all weights, then all biases.
    """

    problem: Problem
    steps: int
    theirs: Format
    elements: tuple[Element, ...]

    @cached_property
    def differing(self) -> tuple[Element, ...]:
        """Those that differ, the worst first, measured by their bounds."""
        found = (e for e in self.elements if e.verdict == "differs")
        return tuple(sorted(found, key=lambda e: -e.off / max(e.bound, 5e-324)))

    @property
    def undecided(self) -> int:
        """Of how many nothing can be said."""
        return sum(e.verdict == "undecided" for e in self.elements)

    @property
    def ok(self) -> bool:
        """Whether none differs, and not all are undecided."""
        return not self.differing and self.undecided < len(self.elements)

    def likeness(self) -> str:
        """Return which other training ends where theirs does, as the key to be changed; or ""."""
        for name, training in _others(self.problem.training):
            try:
                ours = _after(replace(self.problem, training=training), training.steps)
            except BptraceError:  # such a training is not possible here
                continue
            if all(abs(v - e.theirs) <= e.bound for v, e in zip(ours, self.elements, strict=True)):
                return name
        return ""


def judge(
    problem: Problem, theirs: Sequence[float], steps: int, is_float32: bool = False
) -> Trained:
    """Compare parameters after `steps` updates with ours.

    Parameters
    ----------
    problem : Problem
    theirs : sequence of float
        Their parameters, in the order of the log: all weights, then all biases.
    steps : int
    is_float32 : bool
        They were calculated with 32-bit floats, to which all given numbers were rounded, too.
    """
    floats = FLOAT32 if is_float32 else FLOAT64
    found = [*_enclosed(problem, steps, floats)]
    change = max(
        (
            abs(value - first)
            for (_, value, _), first in zip(found, problem.parameters, strict=True)
        ),
        default=0.0,
    )
    elements = []
    for (address, ours, bound), other in zip(found, theirs, strict=True):
        # What does not move at all is compared as well: its bound is that of its own rounding.
        decides = bound <= DIGIT * change or bound <= 64.0 * floats.unit * abs(ours)
        verdict = "undecided"
        if decides:
            verdict = "agrees" if abs(ours - other) <= bound else "differs"
        elements.append(Element(address, ours, other, bound, verdict))
    return Trained(problem, steps, floats, tuple(elements))


def _enclosed(
    problem: Problem, steps: int, theirs: Format
) -> Iterator[tuple[Address, float, float]]:
    """Yield each parameter after the updates, with our value and the bound."""
    run = _Enclosure(problem, theirs)
    for step in range(1, steps + 1):
        run.go(step)
    for parameter in problem.layout.parameters():
        value, bound = run.value(parameter.at(0, steps + 1))
        yield parameter, value, bound if math.isfinite(value) else math.inf


class _Enclosure:
    """The values of a run, each with the bound for another program."""

    def __init__(self, problem: Problem, theirs: Format) -> None:
        self.problem, self.theirs = problem, theirs
        self.chapter, self.canon = Chapter(problem), Canon(problem)
        self.reading = any_order(theirs)
        self.given = engine.run(problem, engine="python", steps=min(1, problem.training.steps))
        self._known: dict[Address, Bounded] = {}

    def go(self, step: int) -> None:
        """Calculate one update, and forget all but what it leaves."""
        for sample in self.problem.batch(step):
            for key in (*self.chapter.forward(sample, step), *self.chapter.backward(sample, step)):
                self.value(key)
        for key in self.chapter.update(step):
            self.value(key)
        left = AFTER.values()
        self._known = {key: v for key, v in self._known.items() if key.quantity in left}

    def value(self, address: Address) -> Bounded:
        """Return value and bound of a quantity."""
        key = self.canon(address)
        if key not in self._known:
            self._known[key] = self._calculated(key)
        return self._known[key]

    def _calculated(self, key: Address) -> Bounded:
        equation = self.chapter.equation(key)
        if equation is None or self.canon.expr(equation.expr) == Ref(key):
            return self.theirs.given(self.given.value(key._replace(step=key.step or 1)))
        return self.reading.read(equation.expr, self.value)


def _after(problem: Problem, steps: int) -> list[float]:
    """Return our parameters after the updates."""
    state = engine.run(problem, engine="python", steps=steps, log=False).state
    return list(state.numbers)[: problem.layout.n_parameters]


def _others(training: Training) -> Iterator[tuple[str, Training]]:
    """Yield trainings that are easily taken for this one, each with what is to be changed."""
    for reduction in ("sum", "mean"):
        if reduction != training.reduction:
            yield f'reduction = "{reduction}"', replace(training, reduction=reduction)
    for steps in (training.steps - 1, training.steps + 1):
        if steps >= 0:
            yield f"{steps} updates", replace(training, steps=steps)
    if training.order != "file":
        yield 'order = "file"', replace(training, order="file")
    if training.weight_decay is not None:
        yield "no weight_decay", replace(training, weight_decay=None)
    if training.schedule is not None:
        yield "no schedule", replace(training, schedule=None)
    if training.options:
        yield f"the default options of {training.rule}", replace(training, options=())
    for rule in RULES:
        if rule.name != training.rule and rule.local is None:
            yield f'rule = "{rule.name}"', replace(training, rule=rule.name, options=())
