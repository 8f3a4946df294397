"""Formula → formula of its slope: one rule per operation, and the slopes of the table.

Wherever a part of the formula is an activation of the table, its slope is that of the table: 1 −
tanh², a(1 − a) with a the sigmoid. All other operations have their school rule here. The result is
simplified as on paper: 0·x and x + 0 vanish, 1·x is x, operations on constants are carried out.

At a kink there are two slopes; the one taken is the one that the written value has there:
max(a, b) is b where a = b, min(a, b) too, |a| is −a at 0 (max(a, −a)), so relu has the slope 0 at
0, as in the table.

Not responsible for the numbers: a tree is read by `FLOATS`, printed by `notation`, checked by
`bounds`. Source: any calculus textbook; Griewank & Walther, Evaluating Derivatives (2nd ed., 2008),
chapter 2, for differentiating operation by operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Final

from bptrace.maths.activations import ACTIVATIONS, IN, OUT, Activation
from bptrace.maths.expr import (
    FLOATS,
    ONE,
    TWO,
    ZERO,
    Expr,
    Num,
    Op,
    Ref,
    add,
    bind,
    call,
    mul,
    neg,
    square,
    sub,
)
from bptrace.maths.sums import summed


def derivative(expr: Expr) -> Expr:
    """Return the slope of a formula over `IN`, as a tree over `IN` and `OUT`.

    `OUT` stands for the formula itself, where the slope of the table is written with the output.
    """
    return _slope(expr, OUT)


def _slope(expr: Expr, itself: Expr) -> Expr:
    """The slope of `expr`; `itself` is how its value is written in it."""
    if isinstance(expr, Num):
        return ZERO
    if isinstance(expr, Ref):
        return ONE if expr == IN else ZERO
    if (found := _in_the_table(expr)) is not None:
        entry, inner = found
        outer = bind(entry.slope_expr, {"in": inner, "out": itself})
        return _times(outer, _slope(inner, inner))
    args = expr.args
    return _RULES[expr.name](args, tuple(_slope(arg, arg) for arg in args))


def _in_the_table(expr: Op) -> tuple[Activation, Expr] | None:
    """Return the activation that `expr` is, and what it is taken of."""
    for entry in ACTIVATIONS:
        if entry.option or not isinstance(entry.expr, Op):
            continue
        inner = _match(entry.expr, expr, None)
        if inner is not None:
            return entry, inner
    return None


def _match(pattern: Expr, expr: Expr, inner: Expr | None) -> Expr | None:
    """Return what stands in `expr` where `pattern` has its net input; None if they differ.

    `inner` is what was found before: the same has to stand everywhere. `pattern` has a net input.
    """
    found: list[Expr] = [] if inner is None else [inner]
    return found[0] if _matches(pattern, expr, found) and found else None


def _matches(pattern: Expr, expr: Expr, found: list[Expr]) -> bool:
    if pattern == IN:
        found.append(expr)
        return expr == found[0]
    if not isinstance(pattern, Op) or not isinstance(expr, Op):
        return pattern == expr
    return (
        pattern.name == expr.name
        and len(pattern.args) == len(expr.args)
        and all(_matches(p, e, found) for p, e in zip(pattern.args, expr.args, strict=True))
    )


# ------------------------------------------------------------------------- operations, simplified


def _folded(expr: Op) -> Expr:
    """The value of an operation on constants, else the operation."""
    if all(isinstance(arg, Num) for arg in expr.args):
        value = FLOATS.read(expr, lambda key: key)
        if value - value == 0.0:  # nan and inf stay operations, which are printed
            return Num(value)
    return expr


def _plus(*terms: Expr) -> Expr:
    kept = [term for term in terms if term != ZERO]
    if not kept:
        return ZERO
    total = kept[0]
    for term in kept[1:]:
        if isinstance(term, Op) and term.name == "neg":
            total = _minus(total, term.args[0])
        elif isinstance(total, Op) and total.name == "add":
            total = add(*total.args, term)
        else:
            total = _folded(Op("add", (total, term)))
    return total


def _minus(a: Expr, b: Expr) -> Expr:
    if b == ZERO:
        return a
    return _negative(b) if a == ZERO else _folded(Op("sub", (a, b)))


def _negative(a: Expr) -> Expr:
    if isinstance(a, Num):
        return Num(-a.value) if a != ZERO else ZERO
    return a.args[0] if isinstance(a, Op) and a.name == "neg" else neg(a)


def _times(*factors: Expr) -> Expr:
    """The product without its ones, the signs of its factors before it, constants first."""
    sign, constant, rest = 1.0, 1.0, list[Expr]()
    for factor in factors:
        if isinstance(factor, Op) and factor.name == "neg":
            sign, factor = -sign, factor.args[0]
        if isinstance(factor, Num):
            constant *= factor.value
        elif isinstance(factor, Op) and factor.name == "mul" and not rest:
            rest.extend(factor.args)
        else:
            rest.append(factor)
    if constant == 0.0:
        return ZERO
    constant *= sign
    if not rest:
        return Num(constant)
    if constant == 1.0:
        return mul(*rest)
    return neg(mul(*rest)) if constant == -1.0 else mul(Num(constant), *rest)


def _over(a: Expr, b: Expr) -> Expr:
    if a == ZERO:
        return ZERO
    if b == ONE:
        return a
    if isinstance(a, Op) and a.name == "neg":
        return _negative(_over(a.args[0], b))
    return _folded(Op("div", (a, b)))


def _choice(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    if then == otherwise:
        return then
    if otherwise == ZERO:
        return _times(then, call("positive", condition))
    return call("if_positive", condition, then, otherwise)


# --------------------------------------------------------------------------- the rule of each one

Args = tuple[Expr, ...]
"""The arguments of an operation, or their slopes."""


def _of_product(args: Args, slopes: Args) -> Expr:
    """(a·b·c)′ = a′·b·c + a·b′·c + a·b·c′; equal factors are taken together: (a·a)′ = 2·a·a′."""
    if len(set(args)) == 1:
        return _times(Num(float(len(args))), *args[1:], slopes[0])
    return _plus(*(_times(*args[:k], slope, *args[k + 1 :]) for k, slope in enumerate(slopes)))


def _of_quotient(args: Args, slopes: Args) -> Expr:
    """(a/b)′ = (a′·b − a·b′)/b²."""
    (a, b), (da, db) = args, slopes
    if db == ZERO:
        return _over(da, b)
    return _over(_minus(_times(da, b), _times(a, db)), square(b))


def _of_log1p(args: Args, slopes: Args) -> Expr:
    """ln(1 + a)′ = a′/(1 + a), and ln(1 + e^b)′ = b′/(1 + e^−b), which never is ∞/∞."""
    (a,) = args
    if isinstance(a, Op) and a.name == "exp":
        (b,) = a.args
        return _over(_slope(b, b), add(ONE, call("exp", _negative(b))))
    return _over(slopes[0], add(ONE, a))


def _of_abs(args: Args, slopes: Args) -> Expr:
    """|a|′ = a′ where a > 0, else −a′."""
    return _times(call("if_positive", args[0], ONE, Num(-1.0)), slopes[0])


def _of_choice(args: Args, slopes: Args) -> Expr:
    return _choice(args[0], slopes[1], slopes[2])


_RULES: Final[Mapping[str, Callable[[Args, Args], Expr]]] = {
    "add": lambda args, slopes: _plus(*slopes),
    "sub": lambda args, slopes: _minus(*slopes),
    "neg": lambda args, slopes: _negative(*slopes),
    "mul": _of_product,
    "div": _of_quotient,
    "square": lambda args, slopes: _times(TWO, args[0], slopes[0]),
    "sqrt": lambda args, slopes: _over(slopes[0], mul(TWO, call("sqrt", args[0]))),
    "exp": lambda args, slopes: _times(call("exp", args[0]), slopes[0]),
    "log": lambda args, slopes: _over(slopes[0], args[0]),
    "log1p": _of_log1p,
    "tanh": lambda args, slopes: _times(sub(ONE, square(call("tanh", args[0]))), slopes[0]),
    "abs": _of_abs,
    "max": lambda args, slopes: _choice(_minus(*args), *slopes),
    "min": lambda args, slopes: _choice(_minus(args[1], args[0]), *slopes),
    "positive": lambda args, slopes: ZERO,
    "if_positive": _of_choice,
    "step": lambda args, slopes: ZERO,
}


# ------------------------------------------------------------------------------------------ kinks

_CONDITIONS: Final[Mapping[str, Callable[[Args], Expr]]] = {
    "max": lambda args: _minus(*args),
    "min": lambda args: _minus(*args),
    "abs": lambda args: args[0],
    "positive": lambda args: args[0],
    "if_positive": lambda args: args[0],
    "step": lambda args: args[0],
}


def conditions(expr: Expr) -> tuple[Expr, ...]:
    """Return the formulas at whose zeros the slope of `expr` may jump.

    Nowhere else: between two such zeros a formula is smooth wherever it is defined. The parts of an
    activation of the table do not count, only its own kinks: softplus has none.
    """
    return tuple(dict.fromkeys(_conditions(expr)))


def _conditions(expr: Expr) -> Iterator[Expr]:
    if not isinstance(expr, Op):
        return
    if (found := _in_the_table(expr)) is not None:
        entry, inner = found
        yield from (_minus(inner, Num(kink)) for kink in entry.kinks)
        yield from _conditions(inner)
        return
    if expr.name in _CONDITIONS:
        yield _CONDITIONS[expr.name](expr.args)
    for arg in expr.args:
        yield from _conditions(arg)


Line = tuple[float, float]
"""(m, c) of m·x + c."""

_MOST_LINES: Final = 64


def kinks(expr: Expr) -> tuple[float, ...]:
    """Return, ascending, the kinks at the zeros of conditions made of straight lines.

    A line that a choice (max, min, |…|) never takes counts as well: a few of these may be none.
    Zeros of curved conditions are not looked for: see `conditions`.
    """
    lines = [line for condition in conditions(expr) for line in _lines(condition)]
    zeros = {-c / m + 0.0 for m, c in lines if m}
    return tuple(sorted(zero for zero in zeros if zero - zero == 0.0))


def _lines(expr: Expr) -> list[Line]:
    """Return the straight lines of which `expr` consists; none if parts are curved, or too many."""
    if isinstance(expr, Num):
        return [(0.0, expr.value)]
    if isinstance(expr, Ref):
        return [(1.0, 0.0)] if expr == IN else []
    parts = [_lines(arg) for arg in expr.args]
    if expr.name not in _LINES or not all(parts) or prod(map(len, parts)) > _MOST_LINES:
        return []
    combined = [_LINES[expr.name](lines) for lines in product(*parts)]
    lines = [line for some in combined for line in some]
    return lines if all(combined) else []


def _scaled(lines: Sequence[Line]) -> list[Line]:
    """A product of constants and at most one line."""
    m, c = 0.0, 1.0
    for slope, constant in lines:
        if m and slope:
            return []
        m, c = (slope * c, constant * c) if slope else (m * constant, c * constant)
    return [(m, c)]


def _divided(lines: Sequence[Line]) -> list[Line]:
    (m, c), (over, by) = lines
    return [] if over or not by else [(m / by, c / by)]


_LINES: Final[Mapping[str, Callable[[Sequence[Line]], list[Line]]]] = {
    "add": lambda lines: [(summed(m for m, _ in lines), summed(c for _, c in lines))],
    "sub": lambda lines: [(lines[0][0] - lines[1][0], lines[0][1] - lines[1][1])],
    "neg": lambda lines: [(-lines[0][0], -lines[0][1])],
    "mul": _scaled,
    "div": _divided,
    "max": list,
    "min": list,
    "abs": lambda lines: [*lines, (-lines[0][0], -lines[0][1])],
}
