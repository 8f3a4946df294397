"""All gradients by backpropagation with twice the digits: the loops, on pairs of floats.

The same chapter as `source`, read in the arithmetic of `maths.double_double`: numbers of the file
are exact, everything else is a pair. Activations and losses are the formulas of the tables, as rows
of instructions (`Programs`), so a new entry needs nothing here. Sums of products gather what
rounding drops in the second number and put it in once, at the end: as right as sums of pairs, in
half the time (Ogita, Rump & Oishi, "Accurate sum and dot product", 2005, algorithm Dot2). Their
terms are in printed order, as everywhere.

Like `source` this is plain Python that compiles, to the same bits. What overflows, or has factors
beyond 2⁹⁹⁵, is nan. Not responsible for judging float64 by it (`checks.nearness`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bptrace.kernels.cast import LayerNet, cast_net
from bptrace.kernels.dispatch import fold
from bptrace.maths.activations import OUT, Activation
from bptrace.maths.double_double import (
    PAIRS,
    over,
    plus,
    quick_sum,
    times,
    two_product,
    two_sum,
)
from bptrace.maths.expr import Expr, Num, Ref, bind, spread
from bptrace.maths.losses import LOSSES, fused
from bptrace.maths.own import activation_of
from bptrace.model import Layer, Problem
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.kernels.source import Numbers

_BY_ARITY = [
    [name for name, f in PAIRS.items() if f.__code__.co_argcount == arity] for arity in (1, 2, 3)
]
_NAMES = [name for names in _BY_ARITY for name in names]
_UNARY, _BINARY = len(_BY_ARITY[0]), len(_BY_ARITY[0]) + len(_BY_ARITY[1])

_OPERATIONS: Mapping[str, Callable[..., Any]] = PAIRS
_CHAINS: list[Callable[..., Any]] = [
    fold((_OPERATIONS[name] for name in names), first)
    for names, first in zip(_BY_ARITY, (0, _UNARY, _BINARY), strict=True)
]
_one, _two, _three = _CHAINS

INSTRUCTION = 5
"""Numbers of an instruction: operation, places of up to three arguments, and of the result."""


class Programs:
    """Formulas as instructions on a strip of pairs, each with places for what comes in and out.

    A program is known by the place of its head in `codes`: number of instructions, number of
    arguments, and then the places of arguments and results, before the instructions.
    """

    def __init__(self) -> None:
        self.codes = array("Q", [0])
        self.values = array("d", [0.0])

    def add(self, results: Sequence[Expr], arguments: Sequence[Hashable]) -> int:
        """Add formulas over `arguments`; parts that occur twice are calculated once."""
        known: dict[Hashable, int] = {Ref(key): self._place() for key in arguments}
        places = list(known.values())
        instructions: list[int] = []
        found = [self._add(expr, known, instructions) for expr in results]
        head = len(self.codes)
        self.codes.extend((len(instructions) // INSTRUCTION, len(places), len(found)))
        self.codes.extend((*places, *found, *instructions))
        return head

    def _place(self, value: float = 0.0) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def _add(self, expr: Expr, known: dict[Hashable, int], instructions: list[int]) -> int:
        if isinstance(expr, Ref):
            return known[expr]
        if isinstance(expr, Num):
            constant = ("constant", repr(expr.value))
            if constant not in known:
                known[constant] = self._place(expr.value)
            return known[constant]
        places = [self._add(arg, known, instructions) for arg in expr.args]
        most = PAIRS[expr.name].__code__.co_argcount
        result, rest = places[0], places[1:]
        while True:  # once, but for sums and products of more than two, folded from the left
            operation = (_NAMES.index(expr.name), result, *rest[: most - 1])
            rest = rest[most - 1 :]
            if operation not in known:
                known[operation] = self._place()
                unused = (0,) * (INSTRUCTION - 1 - len(operation))
                instructions.extend((*operation, *unused, known[operation]))
            result = known[operation]
            if not rest:
                return result


class Precise(NamedTuple):
    """What the loops need; few buffers, as compiling grows with their number.

    Attributes
    ----------
    layers : sequence of LayerNet
        The input layer first; `own_value` is the head of the program for outputs and slopes (of a
        neuron, or of a whole layer), `own_slope` of that for ∂out_j/∂in_k of a whole layer, or 0.
        Its places of numbers are those in `high` and `low`; the slope of an activation stands where
        its net input stood.
    connected : array of flags
        For each weight whether there is a connection.
    depth, n_parameters, n_in, samples : int
        Number of the last layer; weights and biases; net inputs of a sample; samples of the batch.
    places, x, t : array
        These samples (from 0), inputs and targets of all samples.
    mean : int
        1 if gradients of a batch are means.
    codes : array of int
        The programs.
    top, fused : int
        The head of the program for ∂E/∂out of all outputs; for ∂E/∂in if `fused`.
    high, low : array of float
        The strip of the programs, then the part of the sample that is being calculated, then room
        for a layer.
    room : int
        Where that begins.
    """

    layers: Sequence[LayerNet]
    connected: array[int]
    depth: int
    n_parameters: int
    n_in: int
    samples: int
    places: array[int]
    x: array[float]
    t: array[float]
    mean: int
    codes: array[int]
    top: int
    fused: int
    high: array[float]
    low: array[float]
    room: int


def cast_precise(problem: Problem, samples: Sequence[int]) -> Precise:
    """Return what the loops need for the samples (from 1) of a batch of `problem`."""
    net, network, programs = cast_net(problem), problem.network, Programs()
    top = _top(programs, problem)
    heads = [(0, 0), *(_programs_of(programs, layer) for layer in network.layers[1:])]
    part = len(programs.values)
    room = part + net.sample_size
    programs.values.extend([0.0] * (net.sample_size + max(network.widths)))
    return Precise(
        layers=[
            layer._replace(
                own_value=out,
                own_slope=cross,
                in_at=part + layer.in_at,
                out_at=part + layer.out_at,
                delta_at=part + layer.delta_at,
            )
            for layer, (out, cross) in zip(net.layers, heads, strict=True)
        ],
        connected=net.connected,
        depth=net.depth,
        n_parameters=net.n_parameters,
        n_in=sum(network.widths[1:]),
        places=array("Q", (sample - 1 for sample in samples)),
        samples=len(samples),
        x=problem.inputs,
        t=problem.targets,
        mean=int(problem.training.reduction == "mean"),
        codes=programs.codes,
        top=top,
        fused=int(fused(network.loss, network.layers[-1].activation) is not None),
        high=programs.values,
        low=array("d", bytes(8 * len(programs.values))),
        room=room,
    )


def _programs_of(programs: Programs, layer: Layer) -> tuple[int, int]:
    entry = activation_of(layer)
    option = Num(entry.default if layer.option is None else layer.option)
    value, slope = (bind(e, {"option": option}) for e in (entry.expr, entry.slope_expr))
    if not entry.is_of_layer:
        return programs.add((value, bind(slope, {OUT.key: value})), ("in",)), 0
    return _layer_program(programs, entry, layer.size), programs.add(
        (entry.cross_expr,), ("out", "other")
    )


def _layer_program(programs: Programs, entry: Activation, n: int) -> int:
    """Outputs of a whole layer, then their slopes."""
    keys = [("z", k) for k in range(n)]
    places: list[Mapping[Hashable, Expr]] = [{"each": Ref(key)} for key in keys]
    expr = spread(entry.expr, places)
    values = [bind(expr, {"in": Ref(key)}) for key in keys]
    slopes = [
        bind(entry.slope_expr, {"in": Ref(key), "out": value})
        for key, value in zip(keys, values, strict=True)
    ]
    return programs.add((*values, *slopes), keys)


def _top(programs: Programs, problem: Problem) -> int:
    """∂E/∂out of all outputs, or ∂E/∂in: over all outputs, then all targets."""
    n, loss = problem.network.widths[-1], LOSSES.get(problem.network.loss)
    entry = fused(problem.network.loss, problem.network.layers[-1].activation)
    outs, ts = [("out", k) for k in range(n)], [("t", k) for k in range(n)]
    expr = loss.slope_expr if entry is None else entry.slope_expr
    expr = bind(spread(expr, [{"each t": Ref(t)} for t in ts]), {"n": Num(float(n))})
    found = [bind(expr, {"out": Ref(out), "t": Ref(t)}) for out, t in zip(outs, ts, strict=True)]
    return programs.add(found, (*outs, *ts))


# The loops


def precise_gradients(p: Precise, log: Numbers, high: Numbers, low: Numbers) -> None:
    """Fill `high` and `low` with ∂E/∂w, ∂E/∂b, the δ of each sample, then its ∂E/∂x.

    `log` begins with the parameters. Sums over samples ascending.
    """
    samples, n = p.samples, p.n_parameters
    for k in range(n):
        high[k] = low[k] = 0.0
    for position in range(samples):
        first, last = p.layers[0], p.layers[p.depth]
        sample = p.places[position]
        for i in range(first.size):
            p.high[first.out_at + i] = p.x[sample * first.size + i]
            p.low[first.out_at + i] = 0.0
        for l in range(1, p.depth + 1):
            weighted_sums(p, log, l)
            outputs(p, l)
        output_deltas(p, sample * last.size)
        for l in range(p.depth, 0, -1):
            layer, below = p.layers[l], p.layers[l - 1]
            weight_gradients(p, high, low, l)
            bias_gradients(p, high, low, l)
            if l > 1:
                path_sums(p, log, p.high, p.low, l, below.delta_at)
                deltas(p, below)
            else:
                to = n + samples * p.n_in + position * layer.sources
                path_sums(p, log, high, low, l, to)
        to = n + position * p.n_in
        for l in range(1, p.depth + 1):
            layer = p.layers[l]
            for j in range(layer.size):
                high[to + j] = p.high[layer.delta_at + j]
                low[to + j] = p.low[layer.delta_at + j]
            to += layer.size
    if p.mean and samples > 1:
        share = float(samples)
        for k in range(n):
            high[k], low[k] = over((high[k], low[k]), (share, 0.0))


def weighted_sums(p: Precise, log: Numbers, l: int) -> None:
    """in[l,j] = Σ_i w[l,j,i]·out[l−1,i] + b[l,j], i ascending, the bias last.

    Source by source: the sums of the neurons do not wait for one another.
    """
    layer, high, low = p.layers[l], p.high, p.low
    m, n, masked = layer.sources, layer.size, layer.masked
    z, x = layer.in_at, p.layers[l - 1].out_at
    for j in range(n):
        high[z + j] = low[z + j] = 0.0
    for i in range(m):
        x_high, x_low, at = high[x + i], low[x + i], layer.w_at + i
        for j in range(n):
            if not masked or p.connected[at]:
                w = log[at]
                product, error = two_product(w, x_high)
                s, dropped = two_sum(high[z + j], product)
                high[z + j] = s
                low[z + j] += dropped + (error + w * x_low)
            at += m
    for j in range(layer.size):
        total, rest = high[z + j], low[z + j]
        if layer.biases:
            b = log[layer.b_at] if layer.biases == 1 else log[layer.b_at + j]
            total, dropped = two_sum(total, b)
            rest += dropped
        high[z + j], low[z + j] = quick_sum(total, rest)


def outputs(p: Precise, l: int) -> None:
    """Write out[l,j], and slopes where net inputs stood."""
    layer = p.layers[l]
    z, a, n, head = layer.in_at, layer.out_at, layer.size, layer.own_value
    result = head + 3 + p.codes[head + 1]
    if layer.of_layer:
        for k in range(n):
            copy(p, z + k, p.codes[head + 3 + k])
        carry_out(p, head)
        for k in range(n):
            copy(p, p.codes[result + k], a + k)
            copy(p, p.codes[result + n + k], z + k)
    else:
        for k in range(n):
            copy(p, z + k, p.codes[head + 3])
            carry_out(p, head)
            copy(p, p.codes[result], a + k)
            copy(p, p.codes[result + 1], z + k)


def copy(p: Precise, here: int, there: int) -> None:
    """Copy a pair."""
    p.high[there], p.low[there] = p.high[here], p.low[here]


def output_deltas(p: Precise, target: int) -> None:
    """δ in the last layer; its targets stand in `t` from `target` on."""
    layer, head = p.layers[p.depth], p.top
    n, a, delta = layer.size, layer.out_at, layer.delta_at
    for k in range(n):
        copy(p, a + k, p.codes[head + 3 + k])
        t = p.codes[head + 3 + n + k]
        p.high[t], p.low[t] = p.t[target + k], 0.0
    carry_out(p, head)
    for k in range(n):
        copy(p, p.codes[head + 3 + n + n + k], delta + k)
    if not p.fused:
        deltas(p, layer)


def carry_out(p: Precise, head: int) -> None:
    """Carry out the instructions of a program."""
    codes, high, low = p.codes, p.high, p.low
    at = head + 3 + codes[head + 1] + codes[head + 2]
    for _ in range(codes[head]):
        code, a = codes[at], (high[codes[at + 1]], low[codes[at + 1]])
        if code < _UNARY:
            found = _one(code, a)
        else:
            b = (high[codes[at + 2]], low[codes[at + 2]])
            if code < _BINARY:
                found = _two(code, a, b)
            else:
                found = _three(code, a, b, (high[codes[at + 3]], low[codes[at + 3]]))
        high[codes[at + 4]], low[codes[at + 4]] = found
        at += INSTRUCTION


def path_sums(p: Precise, log: Numbers, high: Numbers, low: Numbers, l: int, to: int) -> None:
    """∂E/∂out[l−1,i] = Σ_j δ[l,j]·w[l,j,i], j ascending, to places from `to` on."""
    layer = p.layers[l]
    m, masked, above, w = layer.sources, layer.masked, layer.delta_at, layer.w_at
    for i in range(m):
        high[to + i] = low[to + i] = 0.0
    for j in range(layer.size):
        d_high, d_low = p.high[above + j], p.low[above + j]
        for i in range(m):
            if not masked or p.connected[w + i]:
                product, error = two_product(log[w + i], d_high)
                s, dropped = two_sum(high[to + i], product)
                high[to + i] = s
                low[to + i] += dropped + (error + log[w + i] * d_low)
        w += m
    for i in range(m):
        high[to + i], low[to + i] = quick_sum(high[to + i], low[to + i])


def deltas(p: Precise, layer: LayerNet) -> None:
    """δ[l,i] = ∂E/∂out[l,i] · ∂out[l,i]/∂in[l,i], where ∂E/∂out[l,i] stands."""
    high, low = p.high, p.low
    n, z, a, delta = layer.size, layer.in_at, layer.out_at, layer.delta_at
    if not layer.of_layer:
        for i in range(n):
            slope = high[z + i], low[z + i]
            high[delta + i], low[delta + i] = times((high[delta + i], low[delta + i]), slope)
        return
    head = layer.own_slope
    out, other, found = p.codes[head + 3], p.codes[head + 4], p.codes[head + 5]
    for k in range(n):
        total = (0.0, 0.0)
        copy(p, a + k, other)
        for j in range(n):
            slope = high[z + k], low[z + k]
            if j != k:
                copy(p, a + j, out)
                carry_out(p, head)
                slope = p.high[found], p.low[found]
            total = plus(total, times((high[delta + j], low[delta + j]), slope))
        p.high[p.room + k], p.low[p.room + k] = total
    for k in range(n):
        copy(p, p.room + k, delta + k)


def weight_gradients(p: Precise, high: Numbers, low: Numbers, l: int) -> None:
    """∂E/∂w[l,j,i] = δ[l,j]·out[l−1,i], added up over the batch."""
    layer = p.layers[l]
    m, masked, g, x = layer.sources, layer.masked, layer.w_at, p.layers[l - 1].out_at
    for j in range(layer.size):
        d_high, d_low = p.high[layer.delta_at + j], p.low[layer.delta_at + j]
        for i in range(m):
            if not masked or p.connected[g + i]:
                x_high, x_low = p.high[x + i], p.low[x + i]
                product, error = two_product(x_high, d_high)
                error += x_high * d_low + x_low * d_high
                s, dropped = two_sum(high[g + i], product)
                high[g + i], low[g + i] = quick_sum(s, low[g + i] + (dropped + error))
        g += m


def bias_gradients(p: Precise, high: Numbers, low: Numbers, l: int) -> None:
    """∂E/∂b[l,j] = δ[l,j], or Σ_j δ[l,j] for a shared bias, added up over the batch."""
    layer = p.layers[l]
    if not layer.biases:
        return
    for j in range(layer.size):
        g = layer.b_at if layer.biases == 1 else layer.b_at + j
        delta = p.high[layer.delta_at + j], p.low[layer.delta_at + j]
        high[g], low[g] = plus((high[g], low[g]), delta)
