"""Is every gradient the slope of E? Each against central differences, with a bound for each.

Checked are ∂E/∂w and ∂E/∂b of the batch of a step, and δ and ∂E/∂x of each of its samples. How the
differences are made, and where their bounds are from, says `kernels.differences`; the verdict is:

agrees
    The gradient lies within the bound, and the bound leaves at least a digit to be compared; or all
    is exactly 0.
differs
    It lies outside, and dual numbers do not have it either.
undecided
    Here nothing can be said: E has kinks or jumps, bends too sharply, is not finite, or changes so
    little that rounding hides it (saturation, underflow). Never a pass.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from bptrace import engine as engines
from bptrace.address import Address, Quantity
from bptrace.errors import BptraceError
from bptrace.kernels import differences as d
from bptrace.kernels import judging
from bptrace.kernels.cast import cast_net, cast_plan
from bptrace.kernels.duals import dual_gradients
from bptrace.kernels.ground import cast_ground
from bptrace.kernels.ways import choose as choose_way
from bptrace.model import Problem, Training
from bptrace.tuples import NamedTuple

Q = Quantity

VERDICTS = ("agrees", "differs", "undecided")
HOW = ("central", "one-sided", "kink", "kinks", "jump", "bent", "not finite")

KINKS = ("kink", "kinks")
"""Where there are two slopes."""

SECONDS_PER_NEURON, SECONDS_PER_WEIGHT, TRIES = 12e-6, 0.4e-6, 18
"""Plain Python, on a 2-GHz server core: one disturbance takes so much per neuron and weight above
it, and about 18 of them are needed for a slope."""


BREAK_EVEN = 5.0
"""From so many seconds of plain Python on the compiled kernel is worth its first compilation."""


class Element(NamedTuple):
    """One gradient, and what was found about it.

    Attributes
    ----------
    address : Address
        Of the partial derivative.
    gradient : float
    numeric, high : float
        What differences give; two slopes at a kink, else the same.
    bound : float
        They are right up to this; it contains the rounding of the gradient itself.
    step : float
        By which the parameter, the net input or the input was moved (of a batch the largest).
    truncation, rounding : float
        The parts of the bound.
    dual : float
        The slope without differences, by dual numbers.
    how : str
        One of `HOW`.
    verdict : str
        One of `VERDICTS`.
    place : int
        Its place among the gradients of the check.
    """

    address: Address
    gradient: float
    numeric: float
    high: float
    bound: float
    step: float
    truncation: float
    rounding: float
    dual: float
    how: str
    verdict: str
    place: int

    @property
    def reason(self) -> str:
        """Why nothing can be decided, or "".

        One of kink, kinks (several), jump, bent, not finite, narrow (differences miss what dual
        numbers see), denied (by dual numbers, within what differences may be off), underflow or
        too small.
        """
        if self.verdict != "undecided":
            return ""
        if self.how in HOW[3:] or (self.how == "kink" and self.numeric != self.high):
            return self.how
        if not math.isfinite(self.bound):
            return "not finite"
        if not self.numeric - self.bound <= self.gradient <= self.high + self.bound:
            return "narrow"
        size = max(abs(self.gradient), abs(self.numeric))
        if 0.0 < size < 2.3e-308:
            return "underflow"
        return "denied" if self.bound <= judging.ONE_DIGIT * size else "too small"

    @property
    def possible(self) -> int:
        """To how many digits the two can be compared."""
        size = max(abs(self.numeric), abs(self.high))
        if not size or not math.isfinite(self.bound):
            return 0
        return 17 if not self.bound else max(0, min(17, int(-math.log10(self.bound / size))))

    @property
    def uncertainty(self) -> float:
        """The bound, in relation to what it bounds; 0 where all is exact."""
        size = max(abs(self.numeric), abs(self.high))
        return self.bound / size if self.bound and size else self.bound

    @property
    def digits(self) -> int:
        """To how many of these they agree."""
        size, off = abs(self.numeric), abs(self.gradient - self.numeric)
        if not size or not math.isfinite(off):
            return 0
        return (
            self.possible if not off else max(0, min(self.possible, int(-math.log10(off / size))))
        )

    @property
    def factor(self) -> float | None:
        """The gradient is so many times the slope; None if that says nothing."""
        if self.verdict != "differs" or abs(self.numeric) <= self.bound:
            return None
        return self.gradient / self.numeric


@dataclass(frozen=True)
class Point:
    """Where gradients are judged: a problem at one step, with the log of that step.

    Attributes
    ----------
    problem : Problem
    step : int
    samples : tuple of int
        Those of the step's batch, as the file counts them.
    shown : tuple of int
        The same as the log counts them (it may hold one sample alone).
    trace : Run
        The step, forward and backward.
    """

    problem: Problem
    step: int
    samples: tuple[int, ...]
    shown: tuple[int, ...]
    trace: engines.Run


@dataclass(frozen=True)
class GradientCheck:
    """All gradients of one step, judged.

    Attributes
    ----------
    point : Point
    gradients : array of float
        ∂E/∂w and ∂E/∂b in the order of the log, then the δ of each sample, then its ∂E/∂x.
    found : array of float
        The fields of `kernels.differences` for each of them.
    roundings : array of float
        How far rounding may put each gradient off.
    verdicts : array of int
        Places in `VERDICTS`.
    engine, remark : str
        Who computed, and what the user should know about it.
    """

    point: Point
    gradients: array[float]
    found: array[float]
    roundings: array[float]
    verdicts: array[int]
    engine: str
    remark: str = ""

    @property
    def ok(self) -> bool:
        """Whether no gradient differs."""
        return judging.DIFFERS not in self.verdicts

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many gradients have each verdict; those of missing connections are not counted."""
        counts = [0, 0, 0]
        for k, _ in self._present():
            counts[self.verdicts[k]] += 1
        return dict(zip(VERDICTS, counts, strict=True))

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """What each of `gradients` is."""
        return tuple(_addresses(self.point))

    def __iter__(self) -> Iterator[Element]:
        return (self.element(k) for k, _ in self._present())

    def of_neurons(self, only: Collection[tuple[int, int]] = ()) -> list[Element]:
        """Return what belongs to some neurons, as (layer, neuron); without any, everything."""
        return [
            self.element(k)
            for k, address in self._present()
            if not only or (address.layer, address.neuron) in only
        ]

    def _present(self) -> Iterator[tuple[int, Address]]:
        network = self.point.problem.network
        masked = [bool(layer.mask) for layer in network.layers]
        for k, address in enumerate(self.addresses):
            l, j, i = address.layer, address.neuron, address.source
            if not masked[l] or address.quantity is not Q.D_W or network.connected(l, j, i):
                yield k, address

    def element(self, k: int) -> Element:
        """Return what was found about gradient k."""
        low, high, bound, step, truncation, rounding, status, dual = self.found[
            k * d.FIELDS : (k + 1) * d.FIELDS
        ]
        return Element(
            self.addresses[k],
            self.gradients[k],
            low,
            high,
            bound + self.roundings[k],
            step,
            truncation,
            rounding + self.roundings[k],
            dual,
            HOW[int(status)],
            VERDICTS[self.verdicts[k]],
            k,
        )


def point_of(problem: Problem, step: int = 1, sample: int | None = None) -> Point:
    """Return where gradients are judged: at a step, of its batch or of one sample alone.

    Raises
    ------
    BptraceError
        If there is no error to differentiate, no such step or sample, or if the problem learns by
        a rule that uses no gradient.
    """
    if not problem.has_error:
        raise BptraceError(
            f"{problem.file or 'the problem'}: there is no error to differentiate, because the "
            "file gives no loss or not every sample has a target"
        )
    if problem.rule is not None and problem.rule.local is not None:
        raise BptraceError(
            f"{problem.file or 'the problem'}: {problem.training.rule} learns without a gradient, "
            "so there is none to check; gradient-descent is a rule that has one"
        )
    if step > max(1, problem.training.steps):
        raise BptraceError(
            f"there is no step {step}; the run has {problem.training.steps}. "
            "Set steps under [training] to have more"
        )
    if sample is not None and sample > len(problem.samples):
        raise BptraceError(f"there is no sample {sample}; the file has {len(problem.samples)}")
    state = engines.start(problem)
    if step > 1:
        state = engines.go_on(problem, state, step - 1).state
    samples = problem.batch(step) if sample is None else (sample,)
    if sample is not None:
        at = engines.with_parameters(problem, state)
        problem = replace(
            at, samples=(problem.samples[sample - 1],), claims=(), training=Training()
        )
        trace = engines.go_on(problem, engines.start(problem), 1, log=True)
        return Point(problem, step, samples, (1,), trace)
    trace = engines.go_on(problem, state, 1, log=True)
    return Point(problem, step, samples, problem.batch(step), trace)


def check_gradients(point: Point, engine: str = "auto") -> GradientCheck:
    """Judge every gradient that backpropagation gave at `point`.

    Parameters
    ----------
    point : Point
        See `point_of`.
    engine : {"auto", "python", "numba"}
        Who calculates the differences; the results are the same in every bit.
    """
    problem, log = point.problem, _log(point)
    net, plan = cast_net(problem), cast_plan(problem, 0, 1, choose_way(problem, 1, log=True))
    net, ground = cast_ground(problem, net, log, point.shown)
    n, samples, n_in = net.n_parameters, len(point.shown), ground.n_in
    n_x = problem.network.widths[0]
    found = _zeros(samples * d.per_sample(net) * d.FIELDS)
    totals, sizes = _zeros(n * d.FIELDS), _zeros(samples * n_in)
    roundings = _zeros(n + samples * (n_in + n_x))
    arguments = (net, ground, plan, log, found, totals, sizes, roundings)
    chosen = _choose(engine, d.per_sample(net) * samples, n, n_in)
    gradients = backpropagated(point, n, n_in)
    slopes, verdicts = _zeros(len(gradients)), array("B", bytes(len(gradients)))
    remark = chosen.remark
    if chosen.engine == "numba":
        from bptrace.kernels import compiled, compiled_gradients  # half a second, with Numba

        remark = compiled.check_all(*arguments) or remark
        found = _in_order(totals, found, samples, n_in, n_x)
        compiled_gradients.dual_gradients(net, ground, plan, log, slopes)
        found[d.DUAL :: d.FIELDS] = slopes
        compiled_gradients.judge_all(found, gradients, roundings, verdicts)
    else:
        judging.check_all(*arguments)
        found = _in_order(totals, found, samples, n_in, n_x)
        dual_gradients(net, ground, plan, log, slopes)
        found[d.DUAL :: d.FIELDS] = slopes
        judging.judge_all(found, gradients, roundings, verdicts)
    return GradientCheck(point, gradients, found, roundings, verdicts, chosen.engine, remark)


def judged(gradients: array[float], found: array[float], roundings: array[float]) -> array[int]:
    """Return the verdict on each gradient, as a place in `VERDICTS`."""
    verdicts = array("B", bytes(len(gradients)))
    judging.judge_all(found, gradients, roundings, verdicts)
    return verdicts


def _choose(engine: str, slopes: int, weights: int, neurons: int) -> engines.Choice:
    seconds = slopes * TRIES * (neurons * SECONDS_PER_NEURON + weights * SECONDS_PER_WEIGHT) / 2
    if engine == "auto" and seconds < BREAK_EVEN:
        return engines.Choice("python")
    return engines.by_name(engine)


def _log(point: Point) -> array[float]:
    log = point.trace.log
    return log if isinstance(log, array) else array("d", log)


def _zeros(n: int) -> array[float]:
    return array("d", bytes(8 * n))


def _in_order(
    totals: array[float], found: array[float], samples: int, n_in: int, n_x: int
) -> array[float]:
    """Put parameters first, then the net inputs of all samples, then their inputs."""
    nets, inputs = array("d"), array("d")
    block = len(found) // samples
    for at in range(0, len(found), block):
        nets += found[at : at + n_in * d.FIELDS]
        inputs += found[at + block - n_x * d.FIELDS : at + block]
    return totals + nets + inputs


def backpropagated(point: Point, n: int, n_in: int) -> array[float]:
    """Return backpropagation's own gradients, as `GradientCheck` has them in order."""
    trace, layout = point.trace, point.problem.layout
    gradients = array("d", trace.log[layout.gradients : layout.gradients + n])
    delta = layout.sample_starts[Q.D_IN]
    for s in range(len(point.shown)):
        at = layout.samples + s * layout.sample_size + delta
        gradients.extend(trace.log[at : at + n_in])
    for s in range(len(point.shown)):
        gradients.extend(_by_inputs(point, s))
    return gradients


def _by_inputs(point: Point, s: int) -> Iterator[float]:
    """∂E/∂x of sample s (from 0): Σ_j δ[1,j]·w[1,j,i], j ascending, as the kernels add up paths."""
    log, layout = point.trace.log, point.problem.layout
    n_x, n = point.problem.network.widths[:2]
    delta = layout.samples + s * layout.sample_size + layout.sample_starts[Q.D_IN]
    deltas = log[delta : delta + n]
    for i in range(n_x):
        total = -0.0
        for j in range(n):
            total += deltas[j] * log[j * n_x + i]
        yield total


def _addresses(point: Point) -> Iterator[Address]:
    """∂E/∂w and ∂E/∂b in the order of `Layout.parameters`, then δ and then ∂E/∂x of each sample.

    Made one by one from their numbers: changing those of the layout took four times as long.
    """
    layers, step = point.problem.network.layers, point.step
    for l, (before, layer) in enumerate(pairwise(layers), 1):
        for j in range(1, layer.size + 1):
            for i in range(1, before.size + 1):
                yield Address(Q.D_W, l, j, i, step=step)
    for l, layer in enumerate(layers[1:], 1):
        for j in range(1, layer.biases + 1):
            yield Address(Q.D_B, l, j, step=step)
    widths = point.problem.network.widths
    for sample in point.samples:
        for l in range(1, len(widths)):
            for j in range(1, widths[l] + 1):
                yield Address(Q.D_IN, l, j, sample=sample, step=point.step)
    for sample in point.samples:
        for i in range(1, widths[0] + 1):
            yield Address(Q.D_OUT, 0, i, sample=sample, step=point.step)


def document(elements: Sequence[Element], ulps: Sequence[float]) -> list[dict[str, Any]]:
    """Return the list that ``gradcheck --json`` prints.

    `ulps` has for each gradient of the check by how many units in its last place it is off, nan
    where nothing can be said.
    """
    return [
        {
            "name": element.address.positional,
            "sample": element.address.sample or None,
            "gradient": element.gradient,
            "numeric": element.numeric,
            "bound": element.bound,
            "verdict": element.verdict,
            "reason": element.reason or None,
            "interval": [element.numeric, element.high] if element.reason in KINKS else None,
            "factor": element.factor,
            "dual": element.dual,
            "step": element.step,
            "digits": element.digits,
            "possible": element.possible,
            "ulp": None if math.isnan(ulps[element.place]) else ulps[element.place],
        }
        for element in elements
    ]
