"""Trees of formulas that no text and no bit tells apart."""

from __future__ import annotations

from bptrace.maths.expr import Expr, Num, Op, add, call, neg, sub


def canonical(expr: Expr) -> Expr:
    """The tree without what no text shows and no bit depends on.

    (a + b) + c is a + b + c, computed from the left anyhow, and so for products; a sign may stand
    before a product or before its first factor; adding −b is subtracting b and the other way round;
    −(−a) is a.
    """
    if not isinstance(expr, Op):
        return expr
    args = [canonical(arg) for arg in expr.args]
    head = args[0]
    if expr.name in ("add", "mul") and isinstance(head, Op) and head.name == expr.name:
        args = [*head.args, *args[1:]]
    if expr.name in ("mul", "div") and (inner := _negated(args[0])) is not None:
        return canonical(neg(canonical(Op(expr.name, (inner, *args[1:])))))
    if expr.name == "neg" and (inner := _negated(args[0])) is not None:
        return inner
    if expr.name in ("add", "sub"):
        rest = args[1:] if expr.name == "add" else [_opposite(args[1])]
        return _folded_sum([args[0], *rest])
    if expr.name == "log" and isinstance(head, Op) and head.args[0] == Num(1.0):
        if head.name == "add" and len(head.args) == 2:
            return call("log1p", head.args[1])
        if head.name == "sub":  # of log1p(−x); the chapter has none
            return call("log1p", neg(head.args[1]))
    return Op(expr.name, tuple(args))


def _folded_sum(terms: list[Expr]) -> Expr:
    """The sum as differences where a term has a sign."""
    total, rest = terms[0], terms[1:]
    for term in rest:
        inner = _negated(term)
        if inner is not None:
            total = sub(total, inner)
        elif isinstance(total, Op) and total.name == "add":
            total = add(*total.args, term)
        else:
            total = add(total, term)
    return total


def _negated(expr: Expr) -> Expr | None:
    return expr.args[0] if isinstance(expr, Op) and expr.name == "neg" else None


def _opposite(expr: Expr) -> Expr:
    inner = _negated(expr)
    return neg(expr) if inner is None else inner
