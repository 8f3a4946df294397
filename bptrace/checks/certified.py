"""How far every float64 gradient is from the exact one: proved, with balls.

A ball is a number with a radius inside which the exact value lies; Arb (through python-flint)
rounds so that this stays true in every operation. The formulas of activations and losses are read
once more, as balls; layers are products of matrices of balls. The result is a theorem about this
network at this point: every gradient lies within k units in the last place of the exact value.

Source: Johansson, Arb: Efficient Arbitrary-Precision Midpoint-Radius Interval Arithmetic (2017).
Exact are the numbers of the file as float64 holds them. Not responsible for whether the formulas
are those of a book.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, mul
from typing import TYPE_CHECKING, Any, TypeAlias

from bptrace.checks.gradients import GradientCheck, Point
from bptrace.errors import BptraceError
from bptrace.maths.expr import Expr, Num, Reading, Ref, bind, spread
from bptrace.maths.losses import LOSSES, fused
from bptrace.maths.own import activation_of
from bptrace.model import Layer

if TYPE_CHECKING:
    Ball: TypeAlias = Any  # flint.arb, which has no types

BITS = 80
MOST_BITS = 1280
NARROW = 2.0**-4
"""A radius of so many units in the last place is small enough; else the bits are doubled."""


@dataclass(frozen=True)
class Certificate:
    """What is proved.

    Attributes
    ----------
    check : GradientCheck
        The gradients, in whose order all else stands.
    ulps : array of float
        Each gradient is at most so many units in its last place off; inf where nothing is proved.
    radii : array of float
        Radii of the balls.
    bits : int
        Bits of the balls.
    """

    check: GradientCheck
    ulps: array[float]
    radii: array[float]
    bits: int

    @property
    def worst(self) -> int:
        """The place of the gradient that is farthest off, of those about which something is proved.

        A gradient without a proof does not count: see `unproved`.
        """
        proved = [k for k, ulp in enumerate(self.ulps) if ulp < math.inf]
        return max(proved, key=self.ulps.__getitem__, default=0)

    @property
    def unproved(self) -> int:
        """Of how many gradients nothing is proved."""
        return sum(not ulp < math.inf for ulp in self.ulps)


def certify(check: GradientCheck, bits: int = BITS) -> Certificate:
    """Enclose every gradient of `check` in a ball, and measure how far its float64 is off.

    With `bits` to begin with, and more where a ball is not narrow. Raises `BptraceError` if
    python-flint is missing.
    """
    try:
        import flint
    except ImportError as error:
        raise BptraceError(
            f"python-flint cannot be imported ({error}), which does the arithmetic of --certify. "
            "Install it: pip install bptrace[certify]"
        ) from error
    before = flint.ctx.prec
    try:
        while True:
            flint.ctx.prec = bits
            balls = list(enclosures(flint, check.point))
            ulps, radii = _distances(check.gradients, balls)
            if bits >= MOST_BITS or not _is_wide(check.gradients, radii):
                return Certificate(check, ulps, radii, bits)
            bits *= 2
    finally:
        flint.ctx.prec = before


def enclosures(flint: Any, point: Point) -> Iterator[Ball]:
    """Yield a ball for each gradient, in their order, with the bits that flint is set to."""
    return _Balls(flint, point).gradients()


def _is_wide(gradients: Sequence[float], radii: Sequence[float]) -> bool:
    return any(
        not r <= NARROW * math.ulp(g) and g and math.isfinite(g)
        for g, r in zip(gradients, radii, strict=True)
    )


def _distances(
    gradients: Sequence[float], balls: Sequence[Ball]
) -> tuple[array[float], array[float]]:
    """Return how many units in the last place each is off at most, and the radii of the balls.

    One list for each operation: with tens of thousands of gradients, whatever else is done for each
    takes longer than what Arb does. A gradient that is not finite is infinitely far away.
    """
    farthest = [float((ball - g).abs_upper()) for g, ball in zip(gradients, balls, strict=True)]
    units = map(math.ulp, gradients)
    ulps = [off / u if off < math.inf else math.inf for off, u in zip(farthest, units, strict=True)]
    radii = [float(ball.rad()) for ball in balls]
    return array("d", ulps), array("d", [r if r == r else math.inf for r in radii])


def reading(arb: Callable[..., Ball]) -> Reading[Ball]:
    """Return how formulas are read as balls."""
    zero, one = arb(0), arb(1)

    def chosen(a: Ball, then: Ball, other: Ball) -> Ball:
        if a > 0:
            return then
        return other if a <= 0 else then.union(other)

    def step(a: Ball, low: Ball, at_zero: Ball) -> Ball:
        if a > 0:
            return one
        if a < 0:
            return low
        return at_zero if a.is_zero() else one.union(low).union(at_zero)

    return Reading(
        number=arb,
        rules={
            "add": lambda *terms: reduce(add, terms),
            "mul": lambda *factors: reduce(mul, factors),
            "sub": lambda a, b: a - b,
            "div": lambda a, b: a / b,
            "neg": lambda a: -a,
            "square": lambda a: a * a,
            "abs": abs,
            "sqrt": lambda a: a.sqrt(),
            "max": lambda *terms: reduce(lambda a, b: a.max(b), terms),
            "min": lambda *terms: reduce(lambda a, b: a.min(b), terms),
            "exp": lambda a: a.exp(),
            "log": lambda a: a.log(),
            "log1p": lambda a: a.log1p(),
            "tanh": lambda a: a.tanh(),
            "positive": lambda a: chosen(a, one, zero),
            "if_positive": chosen,
            "step": step,
            "times_log": lambda t, x: zero if t.is_zero() else t * x.log(),
            "times_reciprocal": lambda t, x: zero if t.is_zero() else t / x,
        },
    )


class _Balls:
    """Forward and backward pass of one point, all numbers balls."""

    def __init__(self, flint: Any, point: Point) -> None:
        self.arb, self.matrix = flint.arb, flint.arb_mat
        self.point, self.network = point, point.problem.network
        self.balls = reading(self.arb)
        log, layout = point.trace.log, point.problem.layout
        self.w: list[Any] = [self.matrix(0, 0)]
        self.b: list[list[Ball]] = [[]]
        for l, layer in enumerate(self.network.layers[1:], 1):
            n, m = layer.size, self.network.widths[l - 1]
            at = layout.w_at[l]
            self.w.append(self.matrix(n, m, list(log[at : at + n * m])))
            at = layout.n_w + layout.b_at[l]
            biases = [self.arb(b) for b in log[at : at + layer.biases]]
            self.b.append(biases * n if layer.biases == 1 else biases or [self.arb(0)] * n)

    def gradients(self) -> Iterator[Ball]:
        """Yield ∂E/∂w, ∂E/∂b, then δ and then ∂E/∂x of each sample."""
        passes = [self._pass(sample) for sample in self.point.shown]
        yield from self._over_batch([self._weights(*p) for p in passes])
        yield from self._over_batch([self._biases(d) for _, d in passes])
        for _, deltas in passes:
            for delta in deltas[1:]:
                yield from delta
        for _, deltas in passes:
            yield from self._back(1, deltas[1])

    def _over_batch(self, shares: Sequence[Iterator[Ball]]) -> Iterator[Ball]:
        """Yield sums, or means, of what each sample of the batch adds."""
        if len(shares) == 1:
            return shares[0]
        sums = (reduce(add, each) for each in zip(*shares, strict=True))
        mean = self.point.problem.training.reduction == "mean"
        return (total / len(shares) for total in sums) if mean else sums

    def _weights(self, outs: list[list[Ball]], deltas: list[list[Ball]]) -> Iterator[Ball]:
        zero = self.arb(0)
        for l, layer in enumerate(self.network.layers[1:], 1):
            for j, delta in enumerate(deltas[l]):
                if not layer.mask:
                    yield from [delta * x for x in outs[l - 1]]
                    continue
                for i, x in enumerate(outs[l - 1]):
                    yield delta * x if layer.mask[j][i] else zero

    def _biases(self, deltas: list[list[Ball]]) -> Iterator[Ball]:
        for l, layer in enumerate(self.network.layers):
            if layer.biases == 1:
                yield reduce(add, deltas[l])
            elif layer.biases:
                yield from deltas[l]

    def _pass(self, sample: int) -> tuple[list[list[Ball]], list[list[Ball]]]:
        """Return the outputs and δ of all layers; layer 0 has no δ."""
        given = self.point.problem.samples[sample - 1]
        outs, nets = [[self.arb(x) for x in given.x]], [[self.arb(0)]]
        for l, layer in enumerate(self.network.layers[1:], 1):
            sums = (self.w[l] * self.matrix(len(outs[-1]), 1, outs[-1])).entries()
            nets.append([z + b for z, b in zip(sums, self.b[l], strict=True)])
            outs.append(self._outputs(layer, nets[l]))
        t = [self.arb(value) for value in given.t]
        deltas = [self._top(nets[-1], outs[-1], t)]
        for l in range(self.network.depth, 1, -1):
            by_outs = self._back(l, deltas[0])
            layer = self.network.layers[l - 1]
            deltas.insert(0, self._through(layer, nets[l - 1], outs[l - 1], by_outs))
        return outs, [[], *deltas]

    def _back(self, l: int, deltas: list[Ball]) -> list[Ball]:
        """∂E/∂out of the layer before."""
        row = self.matrix(1, len(deltas), deltas) * self.w[l]
        return list(row.entries())

    def _read(self, expr: Expr, places: dict[Hashable, Ball]) -> Ball:
        return self.balls.read(expr, places.__getitem__)

    def _outputs(self, layer: Layer, nets: list[Ball]) -> list[Ball]:
        entry, places = activation_of(layer), self._option(layer)
        expr = entry.expr
        if entry.is_of_layer:
            places |= {("z", k): z for k, z in enumerate(nets)}
            expr = spread(expr, [{"each": Ref(("z", k))} for k in range(len(nets))])
        return [self._read(expr, {**places, "in": z}) for z in nets]

    def _option(self, layer: Layer) -> dict[Hashable, Ball]:
        default = activation_of(layer).default
        return {"option": self.arb(default if layer.option is None else layer.option)}

    def _through(
        self, layer: Layer, nets: list[Ball], outs: list[Ball], by_outs: list[Ball]
    ) -> list[Ball]:
        """δ: ∂E/∂out times the slopes of the activation."""
        entry, option = activation_of(layer), self._option(layer)
        slopes = [
            self._read(entry.slope_expr, {**option, "in": z, "out": a})
            for z, a in zip(nets, outs, strict=True)
        ]
        if not entry.is_of_layer:
            return [slope * share for slope, share in zip(slopes, by_outs, strict=True)]
        found = []
        for k, other in enumerate(outs):
            terms = [
                share * (slopes[k] if j == k else self._cross(entry.cross_expr, out, other))
                for j, (out, share) in enumerate(zip(outs, by_outs, strict=True))
            ]
            found.append(reduce(add, terms))
        return found

    def _cross(self, expr: Expr, out: Ball, other: Ball) -> Ball:
        return self._read(expr, {"out": out, "other": other})

    def _top(self, nets: list[Ball], outs: list[Ball], ts: list[Ball]) -> list[Ball]:
        """δ of the last layer."""
        layer, loss = self.network.layers[-1], LOSSES.get(self.network.loss)
        entry = fused(self.network.loss, layer.activation)
        pairs = list(zip(ts, outs, strict=True))
        if entry is not None:
            places: dict[Hashable, Ball] = {("t", k): t for k, t in enumerate(ts)}
            expr = spread(entry.slope_expr, [{"each t": Ref(key)} for key in places])
            return [self._read(expr, {**places, "t": t, "out": a}) for t, a in pairs]
        expr = bind(loss.slope_expr, {"n": Num(float(len(ts)))})
        return self._through(
            layer, nets, outs, [self._read(expr, {"t": t, "out": a}) for t, a in pairs]
        )
