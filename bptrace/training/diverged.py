"""Where a training run left the finite numbers: the first step, and the quantity with which it did.

A parameter that is not finite stays so, and the error of a step that is not finite stays in the
list of errors: so the first bad step of a part is found by halving, and only that step is logged.
"""

from __future__ import annotations

from math import isfinite

from bptrace import engine as engines
from bptrace.address import Address, Quantity
from bptrace.engine import Run, State
from bptrace.maths.expr import refs
from bptrace.model import Problem
from bptrace.training.epochs import all_finite
from bptrace.tuples import NamedTuple


class Diverged(NamedTuple):
    """The first number of a run that is not finite.

    Attributes
    ----------
    address : Address
        All that its equation speaks of is finite.
    value : float
    trace : Run
        The step in which it stands, logged.
    """

    address: Address
    value: float
    trace: Run


def is_finite(run: Run, has_error: bool) -> bool:
    """Whether E of all steps of a run is, and what it ends with."""
    return all_finite(run.state.numbers) and not (has_error and not all_finite(run.step_errors))


def finite_steps(problem: Problem, state: State, steps: int, engine: str, has_error: bool) -> int:
    """Return how many steps from `state` on stay finite, if `steps` do not."""
    good, bad = 0, steps
    while bad - good > 1:
        middle = (good + bad) // 2
        run = engines.go_on(problem, state, middle - good, engine)
        if is_finite(run, has_error):
            good, state = middle, run.state
        else:
            bad = middle
    return good


def find(problem: Problem, state: State, engine: str, has_error: bool) -> Diverged:
    """Return the first number that is not finite of the step after `state`, in which there is one.

    It is looked for from where it does harm: from E of the batch, else from the parameter that is
    lost first, back along the formulas to the one whose numbers are all finite.
    """
    trace = engines.go_on(problem, state, 1, engine, log=True)
    values, step = trace.values(), state.steps + 1
    address = _harmed(trace, step, has_error)
    while True:
        equation = trace.chapter.equation(address)
        before = None if equation is None else _first_bad(trace, [*refs(equation.expr)])
        if before is None:
            return Diverged(address, values(address), trace)
        address = before


def _harmed(trace: Run, step: int, has_error: bool) -> Address:
    if has_error and not isfinite(trace.step_errors[0]):
        return Address(Quantity.E, sample=0, step=step)
    bad = next(k for k, number in enumerate(trace.state.numbers) if not isfinite(number))
    return trace.layout.address(bad)[0].at(0, step + 1)


def _first_bad(trace: Run, addresses: list[Address]) -> Address | None:
    values = trace.values()
    inside = (a for a in addresses if a.step >= trace.first or a.quantity is Quantity.ETA)
    return next((a for a in inside if not isfinite(values(a))), None)
