"""How far rounding may put gradients off that somebody else has calculated, in any order of adding.

Running error analysis of forward and backward pass, for an arithmetic with the unit u: with every
number its error is carried along. A sum of n products, added up in whatever order, blocks or pairs,
is off by at most γ(n)·Σ|terms| with γ(n) = n·u/(1 − n·u); what its terms brought along comes in
addition. Activations and losses are read from their formulas; as others may use another formula of
the same function, each operation of these counts fourfold, and exp, log and tanh as right to eight
units. In float32 the inputs, targets and parameters are rounded as well.

Source: Higham, Accuracy and Stability of Numerical Algorithms (2nd ed., 2002), sections 3.1 to 3.5.
Not responsible for the values (`arrays`), nor for what is judged by the bounds (`against`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import reduce
from typing import TYPE_CHECKING, Any

from bptrace.checks.arrays.calculation import Calculation, Node
from bptrace.checks.arrays.elementwise import each
from bptrace.maths.expr import FLOATS, Num, Reading, Ref, bind, spread
from bptrace.maths.losses import LOSSES, fused
from bptrace.maths.own import activation_of
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


class Arithmetic(NamedTuple):
    """Floating-point numbers of one kind.

    Attributes
    ----------
    name : str
        As NumPy calls it.
    unit : float
        Relative rounding of one operation.
    tiny : float
        What may be lost by underflow; numbers below it may become 0.
    largest : float
    """

    name: str
    unit: float
    tiny: float
    largest: float


FLOAT64 = Arithmetic("float64", 2.0**-53, 2.0**-1022, float.fromhex("0x1.fffffffffffffp1023"))
FLOAT32 = Arithmetic("float32", 2.0**-24, 2.0**-126, float.fromhex("0x1.fffffep127"))

FORMULA, FUNCTION = 4.0, 8.0
"""Units of an operation of an activation or a loss, and of exp, log, log1p and tanh."""

SAFE = 1.0 + 2.0**-30
"""For the rounding of the bounds themselves."""


class Pair(NamedTuple):
    """Values, and how far each may be off."""

    value: Array
    error: Array


def gradient_bounds(right: Calculation, kind: Arithmetic, chained: bool = False) -> Array:
    """Return how far each gradient of the batch may be off in an arithmetic; inf: not known.

    Parameters
    ----------
    right : Calculation
        The values, without a mistake.
    kind : Arithmetic
    chained : bool
        Whether δ of the last layer is calculated by the chain rule even where the slope of the
        activation cancels, which costs digits in saturation.

    Returns
    -------
    array of float
        For ∂E/∂w and ∂E/∂b in the order of the log.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        return _Bounds(right, kind, chained).gradients()


class _Bounds:
    def __init__(self, right: Calculation, kind: Arithmetic, chained: bool) -> None:
        self.right, self.figures, self.kind, self.chained = right, right.figures, kind, chained
        self.network = self.figures.problem.network
        self.rules = bounded(kind)
        self.weights = [self._given(w) for w in self.figures.weights]
        self.biases = [self._given(b) for b in self.figures.biases]
        self.outs: list[Pair] = [self._given(self.figures.known["out", 0])]
        self.nets: list[Pair] = [self.outs[0]]
        order = self.figures.order[: self.figures.samples]
        self.targets = self._given(self.figures.t[order])

    def gradients(self) -> Array:
        import numpy as np

        for l in range(1, self.figures.depth + 1):
            self._forward(l)
        deltas = [self._last_delta()]
        for l in range(self.figures.depth - 1, 0, -1):
            deltas.insert(0, self._delta(l, self._by_out(l, deltas[0])))
        weights, biases = [], []
        for l, delta in enumerate(deltas, 1):
            ones = Pair(np.ones((len(delta.value), 1)), np.zeros((len(delta.value), 1)))
            weights.append(self._over_batch(l, delta, self.outs[l - 1]).ravel())
            layer = self.network.layers[l]
            if layer.biases:
                biases.append(self._of_biases(self._over_batch(l, delta, ones)[:, 0], l))
        return np.concatenate([*weights, *biases]) * self.figures.present

    def _given(self, values: Array) -> Pair:
        """Numbers of the problem: exact, or rounded once."""
        import numpy as np

        values = np.asarray(values, dtype=np.float64)
        if self.kind is FLOAT64:
            return Pair(values, np.zeros_like(values))
        return Pair(values, self.kind.unit * np.abs(values) + (values != 0.0) * self.kind.tiny)

    def _products(self, a: Pair, b: Pair, value: Array, further: int = 0) -> Array:
        """The error of the matrix product of a and b, whose value is known."""
        import numpy as np

        size_a, size_b = np.abs(a.value), np.abs(b.value)
        n = a.value.shape[-1] + 2 + further
        off = times(size_a, b.error) + times(a.error, size_b + b.error)
        sizes = times(size_a + a.error, size_b + b.error)
        return self._kept(value, off + self._gamma(n) * sizes + n * self.kind.tiny)

    def _gamma(self, n: int) -> float:
        part = n * self.kind.unit
        return part / (1.0 - part) if part < 0.5 else float("inf")

    def _kept(self, value: Array, error: Array) -> Array:
        """Clean an error: no nan, and nothing is known beyond the largest number."""
        import numpy as np

        error = np.where(np.isnan(error), np.inf, error * SAFE)
        return np.where(np.abs(value) + error > self.kind.largest, np.inf, error)

    def _forward(self, l: int) -> None:
        import numpy as np

        value = self.right.value(Node("in", l))
        weights, before = self.weights[l - 1], self.outs[l - 1]
        error = self._products(before, Pair(weights.value.T, weights.error.T), value, 1)
        biases = self.biases[l - 1]
        if len(biases.value):
            size = np.abs(biases.value) + biases.error
            n = before.value.shape[1] + 3
            error = self._kept(value, error + biases.error + self._gamma(n) * size)
        self.nets.append(Pair(value, error))
        self.outs.append(self._activated(l))

    def _activated(self, l: int) -> Pair:
        entry, net = activation_of(self.network.layers[l]), self.nets[l]
        if entry.is_of_layer:
            return self._of_layer(l)
        found = self.rules.read(entry.expr, self._places(l))
        value = self.right.value(Node("out", l))
        return Pair(value, spread_over(found.error, net.value))

    def _of_layer(self, l: int) -> Pair:
        """A softmax: a_k' lies between a_k·e^−d and a_k·e^d, d = d_k + the largest d_j.

        d_j is the error of z_j, with the rounding of z_j − m and of its power.
        """
        import numpy as np

        net, value = self.nets[l], self.right.value(Node("out", l))
        unit, n = self.kind.unit, value.shape[1]
        below = net.value.max(axis=1, keepdims=True) - net.value
        own = net.error + 2.0 * unit * below + (FUNCTION + 2.0) * unit
        both = own + own.max(axis=1, keepdims=True)
        grown = np.where(both < 1.0, both * (1.0 + both), each(FLOATS.rules["exp"], both))
        error = value * (grown + self._gamma(n + 4)) + self.kind.tiny
        return Pair(value, self._kept(value, error))

    def _places(self, l: int) -> Callable[[Hashable], Pair]:
        layer = self.network.layers[l]
        option = activation_of(layer).default if layer.option is None else layer.option
        places: dict[Hashable, Callable[[], Pair]] = {
            "in": lambda: self.nets[l],
            "out": lambda: self.outs[l],
            "option": lambda: self.rules.number(option),
        }
        return lambda key: places[key]()

    def _slope(self, l: int) -> Pair:
        entry = activation_of(self.network.layers[l])
        found = self.rules.read(entry.slope_expr, self._places(l))
        value = self.right.value(Node("slope", l))
        return Pair(value, spread_over(found.error, self.nets[l].value))

    def _last_delta(self) -> Pair:
        l = self.figures.depth
        entry = fused(self.network.loss, self.network.layers[l].activation)
        if entry is None or self.chained:
            return self._delta(l, self._loss_slope())
        n = self.network.widths[-1]
        expr = bind(
            spread(entry.slope_expr, [{"each t": Ref(k)} for k in range(n)]),
            {"n": Num(float(n))},
        )

        def place(key: Hashable) -> Pair:
            if isinstance(key, int):
                return Pair(self.targets.value[:, key, None], self.targets.error[:, key, None])
            return self.outs[l] if key == "out" else self.targets

        value = self.right.value(Node("by net", l))
        return Pair(value, spread_over(self.rules.read(expr, place).error, value))

    def _loss_slope(self) -> Pair:
        places = {
            "out": self.outs[-1],
            "t": self.targets,
            "n": self.rules.number(float(self.network.widths[-1])),
        }
        expr = LOSSES.get(self.network.loss).slope_expr
        value = self.right.value(Node("by out", self.figures.depth))
        found = self.rules.read(expr, places.__getitem__)
        return Pair(value, spread_over(found.error, value))

    def _by_out(self, l: int, above: Pair) -> Pair:
        value = self.right.value(Node("by out", l))
        return Pair(value, self._products(above, self.weights[l], value))

    def _delta(self, l: int, outs: Pair) -> Pair:
        """∂E/∂out·∂out/∂in, of a softmax summed over all outputs."""
        value = self.right.value(Node("by net", l))
        if activation_of(self.network.layers[l]).is_of_layer:
            return Pair(value, self._through_layer(l, outs, value))
        slope = self._slope(l)
        error = self.rules.rules["mul"](outs, slope).error
        return Pair(value, self._kept(value, error))

    def _through_layer(self, l: int, outs: Pair, value: Array) -> Array:
        """a_j·(d_j − Σ_k d_k·a_k), or the same as a sum over the Jacobian."""
        import numpy as np

        a, d = self.outs[l], outs
        size_a, size_d = np.abs(a.value) + a.error, np.abs(d.value) + d.error
        mixed = (size_d * size_a).sum(axis=1, keepdims=True)
        off = (size_d * a.error + d.error * size_a).sum(axis=1, keepdims=True)
        n = a.value.shape[1] + 6
        error = size_a * (d.error + off) + a.error * (size_d + mixed)
        error = error + self._gamma(n) * size_a * (size_d + mixed) + n * self.kind.tiny
        return self._kept(value, error)

    def _over_batch(self, l: int, delta: Pair, inputs: Pair) -> Array:
        """Σ_s δ_j·x_i, also divided by the number of samples: before, after or in between."""
        value = delta.value.T @ inputs.value
        turned = Pair(delta.value.T, delta.error.T)
        error = self._products(turned, inputs, value, 3)
        return error / self.figures.samples if self.figures.mean else error

    def _of_biases(self, errors: Array, l: int) -> Array:
        """The errors of ∂E/∂b of a layer; one that is shared is a sum over all neurons."""
        import numpy as np

        if not self.network.layers[l].shares_bias:
            return errors
        deltas = np.abs(self.right.value(Node("by net", l))).sum()
        n = len(errors) + self.figures.samples
        scale = self.figures.samples if self.figures.mean else 1
        return np.array([errors.sum() + self._gamma(n) * deltas / scale])


def times(a: Array, b: Array) -> Array:
    """Return the product of matrices without negative entries, where 0·∞ is 0."""
    import numpy as np

    found: Array = a @ b
    if np.isnan(found).any():  # an unknown error times an exact 0
        lost = ((a == np.inf).astype(float) @ (b > 0.0)) + ((a > 0.0).astype(float) @ (b == np.inf))
        a, b = (np.where(np.isinf(x), 0.0, x) for x in (a, b))
        found = np.where(lost > 0.0, np.inf, a @ b)
    return found


def spread_over(error: Array, like: Array) -> Array:
    """Return errors in the shape of the values: that of a constant is the same for all."""
    import numpy as np

    return np.broadcast_to(error, like.shape)


def bounded(kind: Arithmetic) -> Reading[Pair]:
    """Return the reading of formulas as values and errors; at a jump the error is its height."""
    import numpy as np

    def number(value: float) -> Pair:
        rounded = float(np.float32(value)) if kind is FLOAT32 else value
        return Pair(np.array(value), np.array(abs(value - rounded)))

    return Reading(number=number, rules=_rules(kind))


def _rules(kind: Arithmetic) -> dict[str, Callable[..., Pair]]:
    import numpy as np

    def rounded(value: Any, inherited: Any, units: float = FORMULA) -> Pair:
        error = (inherited + units * kind.unit * np.abs(value) + kind.tiny) * SAFE
        error = np.where(np.isnan(error), np.inf, error)
        return Pair(value, np.where(np.abs(value) + error > kind.largest, np.inf, error))

    def product(size: Any, error: Any) -> Any:
        return np.where((error == 0.0) | (size == 0.0), 0.0, size * error)

    def plus(a: Pair, b: Pair) -> Pair:
        return rounded(a.value + b.value, a.error + b.error)

    def mul(a: Pair, b: Pair) -> Pair:
        inherited = product(np.abs(a.value), b.error) + product(np.abs(b.value), a.error)
        return rounded(a.value * b.value, inherited + product(a.error, b.error))

    def over(a: Pair, b: Pair) -> Pair:
        value = each(FLOATS.rules["div"], a.value, b.value)
        least = np.abs(b.value) - b.error
        inherited = np.where(least > 0.0, (a.error + np.abs(value) * b.error) / least, np.inf)
        return rounded(value, inherited)

    def smooth(name: str, steepest: Callable[[Any, Any], Any]) -> Callable[[Pair], Pair]:
        def rule(a: Pair) -> Pair:
            value = each(FLOATS.rules[name], a.value)
            return rounded(value, product(steepest(a.value, a.error), a.error), FUNCTION)

        return rule

    def beyond(least: Any) -> Any:
        return np.where(least > 0.0, 1.0 / least, np.inf)

    def chosen(a: Pair, above: Pair, at: Pair, below: Pair) -> Pair:
        """One of three by the sign of a; if that is not certain, any of them."""
        value = np.where(a.value > 0.0, above.value, np.where(a.value < 0.0, below.value, at.value))
        error = reduce(np.maximum, (above.error, at.error, below.error))
        options = [x.value + 0.0 * a.value for x in (above, at, below)]
        height = reduce(np.maximum, options) - reduce(np.minimum, options)
        return Pair(value, error + np.where(np.abs(a.value) > a.error, 0.0, height))

    def either(name: str) -> Callable[..., Pair]:
        fold = np.maximum if name == "max" else np.minimum
        return lambda *terms: Pair(
            reduce(fold, [t.value for t in terms]), reduce(np.maximum, [t.error for t in terms])
        )

    def times_reciprocal(t: Pair, x: Pair) -> Pair:
        value = each(FLOATS.rules["times_reciprocal"], t.value, x.value)
        is_nothing = (t.value == 0.0) & (t.error == 0.0)
        return Pair(value, np.where(is_nothing, 0.0, over(t, x).error))

    one, zero = (Pair(np.array(v), np.array(0.0)) for v in (1.0, 0.0))
    exp = FLOATS.rules["exp"]
    return {
        "add": lambda *terms: reduce(plus, terms),
        "mul": lambda *factors: reduce(mul, factors),
        "sub": lambda a, b: plus(a, Pair(-b.value, b.error)),
        "div": over,
        "neg": lambda a: Pair(-a.value, a.error),
        "square": lambda a: mul(a, a),
        "abs": lambda a: Pair(np.abs(a.value), a.error),
        "sqrt": smooth("sqrt", lambda v, e: 0.5 * beyond(np.sqrt(np.maximum(v - e, 0.0)))),
        "max": either("max"),
        "min": either("min"),
        "exp": smooth("exp", lambda v, e: each(exp, np.minimum(v + e, 1e4))),
        "log": smooth("log", lambda v, e: beyond(v - e)),
        "log1p": smooth("log1p", lambda v, e: beyond(1.0 + v - e)),
        "tanh": smooth("tanh", lambda v, e: np.ones_like(v)),
        "positive": lambda a: chosen(a, one, zero, zero),
        "if_positive": lambda a, then, other: chosen(a, then, other, other),
        "step": lambda a, low, at: chosen(a, one, at, low),
        "times_reciprocal": times_reciprocal,
    }
