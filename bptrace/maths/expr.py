"""Formulas as small immutable trees, and their readings.

A primitive is a name; what it means comes from tables of rules: `FLOATS` reads a tree as float64,
`notation` reads it as text, others may read it as balls, intervals or mutated formulas. The order
of the terms is the order of printing and of computing: sums and products are folded from the left.
This module knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add as _add
from operator import mul as _mul
from typing import Any, Generic, TypeVar

from bptrace.maths import ieee
from bptrace.tuples import NamedTuple

V = TypeVar("V")


class Num(NamedTuple):
    """A constant of the formula (½, 1, the 2 of a square's derivative).

    One with a `name` is an option of the training (such as "momentum"): it has a letter in formulas
    and is a number among numbers. Trees that differ in names only are equal.
    """

    value: float
    name: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Num) and self[:1] == other[:1]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.value)


class Ref(NamedTuple):
    """A quantity: an address, or the name of an open place (`"in"`, `"out"`) of a formula."""

    key: Hashable


class Op(NamedTuple):
    """An operation `name` (of the tables of rules) on its arguments, with its role in the chapter.

    Roles say what an operation is for ("weighted sum", "error", "slope", "path sum", "step" …), so
    that a reading can tell apart two products that look alike. "" is plain arithmetic.
    """

    name: str
    args: tuple[Expr, ...]
    role: str = ""


Expr = Num | Ref | Op

ZERO, ONE, TWO, HALF = Num(0.0), Num(1.0), Num(2.0), Num(0.5)
EMPTY = Num(-0.0)
"""The sum of no terms: −0.0, because −0.0 + x is x for every x, +0.0 and −0.0 included."""


def add(*terms: Expr, role: str = "") -> Expr:
    """Return the sum from left to right; one term is itself, no term the empty sum."""
    if not terms:
        return EMPTY
    return terms[0] if len(terms) == 1 else Op("add", terms, role)


def mul(*factors: Expr, role: str = "") -> Expr:
    """Return the product from left to right; one factor is itself."""
    return factors[0] if len(factors) == 1 else Op("mul", factors, role)


def sub(a: Expr, b: Expr, role: str = "") -> Expr:
    """Return a − b."""
    return Op("sub", (a, b), role)


def div(a: Expr, b: Expr, role: str = "") -> Expr:
    """Return a / b."""
    return Op("div", (a, b), role)


def neg(a: Expr, role: str = "") -> Expr:
    """Return −a."""
    return Op("neg", (a,), role)


def square(a: Expr, role: str = "") -> Expr:
    """Return a², computed as a·a."""
    return Op("square", (a,), role)


def call(name: str, *args: Expr, role: str = "") -> Expr:
    """Return a function of the tables of rules applied to `args`."""
    return Op(name, args, role)


class Reading(NamedTuple, Generic[V]):
    """One meaning of all trees: what a constant is, and a rule per operation.

    `rules[name]` gets the readings of the arguments, in order.
    """

    number: Callable[[float], V]
    rules: Mapping[str, Callable[..., V]]

    def read(self, expr: Expr, quantity: Callable[[Any], V]) -> V:
        """Read `expr`; `quantity` gives the reading of each `Ref`'s key."""
        rules, number = self.rules, self.number

        def reading(part: Expr) -> V:
            if type(part) is Op:
                # leaves are read here and not by a call of their own: a third less time
                return rules[part.name](
                    *[quantity(arg.key) if type(arg) is Ref else reading(arg) for arg in part.args]
                )
            return quantity(part.key) if type(part) is Ref else number(part.value)  # type: ignore[union-attr]

        return reading(expr)


def _plus(a: float, b: float) -> float:
    return a + b


def _times(a: float, b: float) -> float:
    return a * b


def _minus(a: float, b: float) -> float:
    return a - b


def _negative(a: float) -> float:
    return -a


def _squared(a: float) -> float:
    return a * a


def _absolute(a: float) -> float:
    return abs(a)


def maximum(a: float, b: float) -> float:
    """Return the larger of a and b; nan if a is nan, +0.0 rather than −0.0 for relu(−0.0)."""
    return b if a <= b else a


def _minimum(a: float, b: float) -> float:
    """The smaller of a and b; nan if a is nan, the second of equal numbers."""
    return b if a >= b else a


def _positive(a: float) -> float:
    return 1.0 if a > 0.0 else 0.0


def _if_positive(a: float, then: float, otherwise: float) -> float:
    return then if a > 0.0 else otherwise


def _step(a: float, low: float, at_zero: float) -> float:
    return 1.0 if a > 0.0 else (low if a < 0.0 else at_zero)


SCALARS: Mapping[str, Callable[..., float]] = {
    "neg": _negative,
    "square": _squared,
    "abs": _absolute,
    "sqrt": ieee.sqrt,
    "exp": ieee.exp,
    "log": ieee.log,
    "log1p": ieee.log1p,
    "tanh": ieee.tanh,
    "positive": _positive,
    "add": _plus,
    "mul": _times,
    "sub": _minus,
    "div": ieee.divide,
    "max": maximum,
    "min": _minimum,
    "if_positive": _if_positive,
    "step": _step,
}
"""What each operation does to float64, as functions that compile.

Ordered by the number of arguments: one, two, three. `add`, `mul` and `max` take any number
of arguments in a tree, two here.
"""

FLOATS: Reading[float] = Reading(
    number=float,
    rules={
        **SCALARS,
        "add": lambda *terms: reduce(_add, terms),
        "mul": lambda *factors: reduce(_mul, factors),
        "max": lambda *terms: reduce(maximum, terms),
        "times_log": ieee.times_log,
        "times_reciprocal": ieee.times_reciprocal,
        "power": ieee.power,
        "floor": ieee.floor,
        "differ": lambda a, b: 1.0 if a != b else 0.0,
    },
)
"""float64 in the order of the tree, bit for bit what the kernels compute."""


def bind(expr: Expr, places: Mapping[Hashable, Expr]) -> Expr:
    """Return `expr` with every `Ref` whose key is in `places` replaced."""
    if isinstance(expr, Ref):
        return places.get(expr.key, expr)
    if isinstance(expr, Num):
        return expr
    return Op(expr.name, tuple(bind(arg, places) for arg in expr.args), expr.role)


def spread(expr: Expr, neurons: Sequence[Mapping[Hashable, Expr]]) -> Expr:
    """Return `expr` with what is said of each neuron of a layer written out.

    ``sum_each(body)`` and ``max_each(body)`` become the sum, or the largest, of `body` with the
    places of each of `neurons`, in their order.
    """
    if not isinstance(expr, Op):
        return expr
    args = [spread(arg, neurons) for arg in expr.args]
    if expr.name not in ("sum_each", "max_each"):
        return Op(expr.name, tuple(args), expr.role)
    terms = [bind(args[0], places) for places in neurons]
    if expr.name == "sum_each" or len(terms) == 1:
        return add(*terms, role=expr.role)
    return Op("max", tuple(terms), expr.role)


def inline(expr: Expr, formula: Callable[[Hashable], Expr | None]) -> Expr:
    """Return `expr` with quantities written out in place wherever `formula` gives one.

    A product inside the head of a product becomes part of it: (a·b)·c and a·b·c are computed in the
    same order, so no bit changes.
    """
    if isinstance(expr, Ref):
        written = formula(expr.key)
        return expr if written is None else inline(written, formula)
    if isinstance(expr, Num):
        return expr
    args = tuple(inline(arg, formula) for arg in expr.args)
    head = args[0]
    if expr.name == "mul" and isinstance(head, Op) and head.name == "mul":
        args = (*head.args, *args[1:])
    return Op(expr.name, args, expr.role)


def refs(expr: Expr) -> Iterator[Any]:
    """Return the keys of all quantities of `expr`, in printed order, repeats included."""
    found: list[Any] = []
    _gather(expr, found)
    return iter(found)


def _gather(expr: Expr, found: list[Any]) -> None:
    """Collect keys; generators inside generators would take four times as long."""
    if type(expr) is Op:
        for arg in expr.args:
            if type(arg) is Ref:
                found.append(arg.key)
            else:
                _gather(arg, found)
    elif type(expr) is Ref:
        found.append(expr.key)
