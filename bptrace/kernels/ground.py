"""What differences need beyond network and plan, cast once: kinks, roundings, slopes of the trees.

All of it is read off the formulas: where a slope jumps, whether a formula rounds at all, how far
the value of an own formula may be off, and slopes by dual numbers, which owe nothing to the slopes
that backpropagation uses.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate

from bptrace.kernels.cast import Net
from bptrace.kernels.differences import SHIFTS, STEPS
from bptrace.kernels.disturbed import NOISE, SMALLEST, UNIT
from bptrace.kernels.duals import LANES
from bptrace.kernels.tape import Tape
from bptrace.maths.activations import OUT, Activation
from bptrace.maths.bounds import BOUNDED, Bounded
from bptrace.maths.derivative import conditions
from bptrace.maths.dual import DUAL
from bptrace.maths.expr import Expr, Op, Ref, refs, spread
from bptrace.maths.losses import LOSSES, fused
from bptrace.maths.own import activation_of
from bptrace.maths.sums import summed
from bptrace.model import Layer, Problem
from bptrace.tuples import NamedTuple

EXACT = frozenset({"abs", "max", "min", "neg", "positive", "if_positive", "step"})
"""Operations whose results are no new numbers, or the same with another sign."""

LOGARITHMS = frozenset({"log", "log1p", "times_log"})

PATH_UNIT = 64.0 * UNIT
"""What a factor of a path may be off is added to it in so large units: the sum of the products of
such factors, times this, is more than what all of them together put a gradient off."""

REACH = 2.0**-7
"""A moved net input is this near, where its own formula's rounding is looked at as well."""


class Ground(NamedTuple):
    """What differences need beyond network and plan.

    Attributes
    ----------
    kinks, kink_at : array
        The kinks of all layers; where those of a layer begin, and where the last one's end.
    conditions, condition_at : array
        The same for own formulas: `tape` places of formulas at whose zeros the slope jumps.
    exact : array of flags
        Of each layer whether its activation does not round.
    noise : array of float
        For each sample and net input the rounding of its own formula; 0 for the table's.
    slopes, top_slopes : array of float
        By dual numbers: ∂out/∂in for each sample and net input (of a softmax that of the table);
        for each sample and output ∂E/∂out or, with a fused loss, ∂E/∂in.
    slope_sizes, out_sizes, top_sizes : array of float
        |∂out/∂in|, |out| and |∂E/∂out| with what these may be off, in units of `PATH_UNIT`.
    inputs : int
        1 if the inputs x are moved, too.
    logs : int
        How many logarithms the loss has: of a, or of a and 1 − a.
    now, error, change : array of float
        Room for a layer: z and a, bounds of their errors, and a minus what it was.
    steps, changes, errors, branches, crossed : array
        The steps of an attempt; by how much E changes with each, how far that may be off, the
        branches of all kinks, and how many kinks are crossed (2 for one on which z was not).
    tangents : array of float
        Room for the slopes of a layer's net inputs and outputs (`duals.block`).
    places : array of int
        The samples of the batch, from 0.
    width, n_in : int
        The widest layer, and net inputs of a sample.
    """

    kinks: array[float]
    kink_at: array[int]
    conditions: array[int]
    condition_at: array[int]
    exact: array[int]
    noise: array[float]
    slopes: array[float]
    top_slopes: array[float]
    slope_sizes: array[float]
    out_sizes: array[float]
    top_sizes: array[float]
    inputs: int
    logs: int
    now: array[float]
    error: array[float]
    change: array[float]
    steps: array[float]
    changes: array[float]
    errors: array[float]
    branches: array[int]
    tangents: array[float]
    crossed: array[int]
    places: array[int]
    width: int
    n_in: int


def cast_ground(
    problem: Problem, net: Net, log: array[float], samples: Sequence[int]
) -> tuple[Net, Ground]:
    """Return the network with the conditions of own formulas, and all else.

    `log` begins with the record of a step, in and out of every neuron of its `samples` (from 1).
    """
    layers = problem.network.layers
    net, heads = _with_conditions(net, layers)
    own = [[] if layer.formula else activation_of(layer).kinks for layer in layers]
    places = array("q", (sample - 1 for sample in samples))
    width = max(problem.network.widths)
    noise, slopes, top = _readings(problem, net, log, places)
    slope_sizes, out_sizes, top_sizes = factor_sizes(problem, net, log, places)
    return net, Ground(
        kinks=array("d", (kink for kinks in own for kink in kinks)),
        kink_at=_starts([len(kinks) for kinks in own]),
        conditions=array("q", (head for row in heads for head in row)),
        condition_at=_starts([len(row) for row in heads]),
        exact=array("B", (int(_is_exact(activation_of(layer).expr)) for layer in layers)),
        noise=noise,
        slopes=slopes,
        top_slopes=top,
        slope_sizes=slope_sizes,
        out_sizes=out_sizes,
        top_sizes=top_sizes,
        inputs=1,
        logs=_count(LOSSES.get(problem.network.loss).expr, LOGARITHMS),
        now=array("d", bytes(16 * width)),
        error=array("d", bytes(16 * width)),
        change=array("d", bytes(8 * width)),
        steps=array("d", STEPS),
        changes=array("d", bytes(8 * SHIFTS)),
        errors=array("d", bytes(8 * SHIFTS)),
        branches=array("q", bytes(8 * SHIFTS)),
        tangents=array("d", bytes(16 * max(problem.network.widths[1:]) * LANES)),
        crossed=array("q", bytes(8 * SHIFTS)),
        places=places,
        width=width,
        n_in=sum(problem.network.widths[1:]),
    )


def _starts(sizes: list[int]) -> array[int]:
    return array("q", accumulate(sizes, initial=0))


def _with_conditions(net: Net, layers: tuple[Layer, ...]) -> tuple[Net, list[list[int]]]:
    """Put the formulas at whose zeros own slopes jump behind the others on the tape."""
    tape = Tape()
    tape.codes, tape.work = array("Q", net.codes), array("d", net.work)
    heads = [
        [tape.add(zero) for zero in conditions(activation_of(layer).expr)] if layer.formula else []
        for layer in layers
    ]
    return net._replace(codes=tape.codes, work=tape.work), heads


def _is_exact(expr: Expr) -> bool:
    return not isinstance(expr, Op) or (expr.name in EXACT and all(map(_is_exact, expr.args)))


def _count(expr: Expr, names: frozenset[str]) -> int:
    if not isinstance(expr, Op):
        return 0
    return int(expr.name in names) + sum(_count(arg, names) for arg in expr.args)


def _readings(
    problem: Problem, net: Net, log: array[float], places: array[int]
) -> tuple[array[float], array[float], array[float]]:
    """Return roundings, slopes of activations, and slopes of the loss, sample by sample."""
    noise, slopes, top = array("d"), array("d"), array("d")
    entries = [activation_of(layer) for layer in problem.network.layers]
    for position, place in enumerate(places):
        part = net.samples + position * net.sample_size
        for layer, entry, cast in zip(problem.network.layers, entries, net.layers, strict=True):
            if cast is net.layers[0]:
                continue
            option = entry.default if layer.option is None else layer.option
            for k in range(layer.size):
                z = log[part + cast.in_at + k]
                noise.append(_noise(entry.expr, z) if layer.formula else 0.0)
                if entry.is_of_layer:
                    slopes.append(entry.slope(z, log[part + cast.out_at + k]))
                else:
                    slopes.append(_slope(entry, z, option))
        top.extend(_top(problem, net, log, part, place))
    return noise, slopes, top


def _noise(expr: Expr, z: float) -> float:
    """Twice the rounding of an own formula at a net input and beside it."""
    return 2.0 * max(
        BOUNDED.read(expr, lambda _, at=at: (at, 0.0))[1]  # type: ignore[misc]
        for at in (z, z - REACH, z + REACH)
    )


def _slope(entry: Activation, z: float, option: float) -> float:
    places = {"in": (z, 1.0), "option": (option, 0.0)}
    return DUAL.read(entry.expr, places.__getitem__)[1]


def _top(problem: Problem, net: Net, log: array[float], part: int, place: int) -> list[float]:
    """The slopes of E by outputs, or by net inputs where the loss is calculated from these."""
    layer, targets = net.layers[-1], problem.samples[place].t
    entry = fused(problem.network.loss, problem.network.layers[-1].activation)
    if entry is not None and layer.of_layer:
        total = summed(targets)
        outs = (log[part + layer.out_at + k] for k in range(layer.size))
        return [entry.slope(t, a, total) for t, a in zip(targets, outs, strict=True)]
    expr = LOSSES.get(problem.network.loss).expr if entry is None else entry.expr
    n = (float(layer.size), 0.0)
    found = []
    for k, t in enumerate(targets):
        out, z = log[part + layer.out_at + k], log[part + layer.in_at + k]
        places = {"out": (out, 1.0), "in": (z, 1.0), "t": (t, 0.0), "n": n}
        found.append(DUAL.read(expr, places.__getitem__)[1])
    return found


# How far the factors of a path may be off


def factor_sizes(
    problem: Problem, net: Net, log: array[float], places: Sequence[int]
) -> tuple[array[float], array[float], array[float]]:
    """Return |∂out/∂in|, |out| and |∂E/∂out| of each sample, with what they may be off.

    The first is 1 for an activation of a whole layer; the last is |∂E/∂in| where the loss is
    calculated from net inputs.
    """
    slopes, outs, tops = array("d"), array("d"), array("d")
    for position, place in enumerate(places):
        part, values = net.samples + position * net.sample_size, list[Bounded]()
        for layer, cast in zip(problem.network.layers[1:], net.layers[1:], strict=True):
            at = part + cast.in_at
            zs = log[at : at + layer.size]
            at = part + cast.out_at
            values = _values(layer, zs, log[at : at + layer.size])
            outs.extend(map(_size, values))
            slopes.extend(
                _size(_bounded_slope(layer, z, value)) for z, value in zip(zs, values, strict=True)
            )
        tops.extend(map(_size, _bounded_top(problem, values, problem.samples[place].t)))
    return slopes, outs, tops


def _size(value: Bounded) -> float:
    return abs(value[0]) + value[1] / PATH_UNIT


def _values(layer: Layer, zs: Sequence[float], outs: Sequence[float]) -> list[Bounded]:
    """The outputs of a layer, each with its error."""
    entry = activation_of(layer)
    if layer.formula:
        found = (BOUNDED.read(entry.expr, lambda _, z=z: (z, 0.0)) for z in zs)  # type: ignore[misc]
        return [(a, error) for a, (_, error) in zip(outs, found, strict=True)]
    if entry.is_of_layer:
        return layer_values(zs, outs)
    exact = _is_exact(entry.expr)
    return [(a, 0.0 if exact else NOISE * abs(a) + SMALLEST) for a in outs]


def layer_values(zs: Sequence[float], outs: Sequence[float]) -> list[Bounded]:
    """As `differences.layer_errors`: the power of each neuron is off, and the sum of all."""
    off = [UNIT * (max(zs) - z) + 2.0 * NOISE for z in zs]
    mean = summed(a * e for a, e in zip(outs, off, strict=True)) + UNIT * len(outs)
    return [(a, 1.5 * a * (e + mean) + SMALLEST) for a, e in zip(outs, off, strict=True)]


def _bounded_slope(layer: Layer, z: float, out: Bounded) -> Bounded:
    entry = activation_of(layer)
    if entry.is_of_layer:
        return 1.0, 0.0
    option = entry.default if layer.option is None else layer.option
    places = {"in": (z, 0.0), "out": out, "option": (option, 0.0)}
    if layer.formula or OUT.key in refs(entry.slope_expr):
        return BOUNDED.read(entry.slope_expr, places.__getitem__)
    slope = entry.slope(z, out[0], option) if entry.option else entry.slope(z, out[0])
    return slope, 0.0 if _is_exact(entry.slope_expr) else NOISE * abs(slope) + SMALLEST


def _bounded_top(
    problem: Problem, outs: Sequence[Bounded], targets: Sequence[float]
) -> list[Bounded]:
    entry = fused(problem.network.loss, problem.network.layers[-1].activation)
    expr = LOSSES.get(problem.network.loss).slope_expr
    places: dict[object, Bounded] = {("t", k): (t, 0.0) for k, t in enumerate(targets)}
    if entry is not None:
        expr = spread(entry.slope_expr, [{"each t": Ref(key)} for key in places])
    places["n"] = (float(len(targets)), 0.0)
    return [
        BOUNDED.read(expr, {**places, "out": out, "t": (t, 0.0)}.__getitem__)
        for out, t in zip(outs, targets, strict=True)
    ]
