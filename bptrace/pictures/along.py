"""The error along one weight, all others held: the picture of gradient descent.

The slope is ∂E/∂w from the log of the run; the curve is calculated by the kernels, once for every
point of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite
from typing import TypeVar

from bptrace import engine as engines
from bptrace.address import Address, Quantity
from bptrace.engine import Run
from bptrace.errors import BptraceError
from bptrace.maths.expr import Ref
from bptrace.model import Parameters, Problem, Sample, Training

POINTS = 81
"""Points of the curve, an odd number: the present value is one of them."""

MOST_DOTS = 6
"""Steps of the run that are shown."""

NEAR = 0.25
"""The curve shows at least this much on both sides of the weight, as a part of it or of 1."""

REACH, STRIDES = 1.6, 6.0
"""… and at least so many times as far as the run goes, and as far as its first step."""

T = TypeVar("T")
Q = Quantity
_GRADIENT = {Q.W: Q.D_W, Q.B: Q.D_B}
_STEP = {Q.W: Q.STEP_W, Q.B: Q.STEP_B}


@dataclass(frozen=True)
class Along:
    """E of one step's samples along one weight or bias.

    Attributes
    ----------
    name : str
        What the weight was called by who asked for it.
    value, error, slope : float
        The present value w, E there and ∂E/∂w.
    step : float or None
        Δw of gradient descent (or of the problem's rule); None if nothing is updated.
    values, errors : tuple of float
        The curve; E may be nan or infinite.
    path : tuple of (float, float)
        The weight, and E of the same samples, before the first step, after it, after the next, …
        (all weights change from one to the next, so that these points leave the curve).
    """

    name: str
    value: float
    error: float
    slope: float
    step: float | None
    values: tuple[float, ...]
    errors: tuple[float, ...]
    path: tuple[tuple[float, float], ...]


def error_along(
    problem: Problem, name: str, steps: int | None = None, engine: str = "auto"
) -> Along:
    """Return E along the weight or bias called `name`, for the samples of the first step.

    Parameters
    ----------
    problem : Problem
        With the parameters to look at.
    name : str
        In the dialect of the file, or positional: ``"w5"``, ``"b[2,1]"``.
    steps : int, optional
        Steps of the run to show; default: those of the problem, at most `MOST_DOTS`.
    engine : str
        As for `engine.run`.

    Raises
    ------
    BptraceError
        If there is no such weight or bias, or no error (no targets, or no loss).
    """
    steps = min(problem.training.steps if steps is None else steps, MOST_DOTS)
    address = find_weight(problem, name)
    run = engines.run(problem, engine, max(1, steps))
    gradient = run.value(address._replace(quantity=_GRADIENT[address.quantity]))
    trained = problem.has_backward and problem.learns
    delta = run.value(address._replace(quantity=_STEP[address.quantity])) if trained else None
    still = _held(problem)
    engine = engines.choose(still, POINTS + MOST_DOTS, engine).engine

    def error(parameters: Parameters) -> float:
        return engines.run(replace(still, parameters=parameters), engine, log=False).step_errors[0]

    path = tuple(
        (_value(parameters, address), error(parameters)) for parameters in _path(run, steps)
    )
    value = path[0][0]
    far = max(REACH * abs(w - value) for w, _ in path)
    values = _values(value, max(far, STRIDES * abs(path[1][0] - value)) if path[1:] else far)
    errors = tuple(error(_moved(problem.parameters, address, w)) for w in values)
    return Along(name, value, path[0][1], gradient, delta, values, errors, path)


def find_weight(problem: Problem, name: str) -> Address:
    """Return the address of a weight or bias in the first step.

    Raises `BptraceError` if `name` is something else, or if `problem` has no error.
    """
    if not problem.has_error:
        raise BptraceError(
            f"{name}: there is no error along it, because the file gives no loss or not every "
            "sample has a target"
        )
    run = engines.run(problem, "python", steps=0)
    expr = run.read(name)
    address = expr.key if isinstance(expr, Ref) else None
    if not isinstance(address, Address) or address.quantity not in _GRADIENT:
        raise BptraceError(f"{name} is neither a weight nor a bias. Give one, such as w[1,1,1]")
    run.layout.check(address)
    network = problem.network
    weight = (address.layer, address.neuron, address.source)
    if address.quantity is Q.W and not network.connected(*weight):
        raise BptraceError(f"{name}: the mask removes this connection")
    if run.layout.shape.biases[address.layer] == 1 and address.quantity is Q.B:
        return address._replace(neuron=1)  # where a shared bias is kept
    return address


def _held(problem: Problem) -> Problem:
    """Return a problem whose only step has the samples of the first step, and no update."""
    samples: tuple[Sample, ...] = tuple(problem.samples[s - 1] for s in problem.batch(1))
    training = Training(batch=len(samples), reduction=problem.training.reduction)
    return Problem(problem.network, problem.parameters, samples, training)


def _path(run: Run, steps: int) -> Iterator[Parameters]:
    """Yield the parameters before the first step, after it, …, after `steps` of them."""
    n = run.layout.n_parameters
    for s in range(min(steps, run.steps) + 1):
        record = s * run.layout.size
        numbers = run.log[record : record + n]
        if not all(map(isfinite, numbers)):
            return
        yield engines.parameters(run.problem, numbers)


def _values(value: float, far: float) -> tuple[float, ...]:
    """Return the weights of the curve, `value` in the middle, at least `far` to both sides."""
    half = max(NEAR * max(1.0, abs(value)), far)
    middle = POINTS // 2
    return tuple(value + half * ((k - middle) / middle) for k in range(POINTS))


def _value(parameters: Parameters, address: Address) -> float:
    row = (
        parameters.weights[address.layer - 1][address.neuron - 1]
        if address.quantity is Q.W
        else parameters.biases[address.layer - 1]
    )
    return row[_column(address)]


def _moved(parameters: Parameters, address: Address, value: float) -> Parameters:
    """Return the parameters with another value of one of them."""
    l, j = address.layer - 1, address.neuron - 1
    if address.quantity is Q.B:
        row = _with(parameters.biases[l], _column(address), value)
        return replace(parameters, biases=_with(parameters.biases, l, row))
    matrix = parameters.weights[l]
    matrix = _with(matrix, j, _with(matrix[j], _column(address), value))
    return replace(parameters, weights=_with(parameters.weights, l, matrix))


def _column(address: Address) -> int:
    return (address.source if address.quantity is Q.W else address.neuron) - 1


def _with(items: tuple[T, ...], k: int, item: T) -> tuple[T, ...]:
    return (*items[:k], item, *items[k + 1 :])
