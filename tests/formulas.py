"""Random formulas of activations, as trees that can be written as text and read again."""

from __future__ import annotations

from hypothesis import strategies as st

from bptrace.maths.activations import IN
from bptrace.maths.expr import Expr, Num, Op, add, call, div, mul, neg, refs, square, sub
from bptrace.maths.formula import DEEPEST, MOST_OPERATIONS, depth_of, size_of
from bptrace.notation.text import write

CONSTANTS = st.sampled_from([0.5, 1.0, 2.0, -1.0, 0.1, 3.0, -0.25, 10.0, 1e-3]).map(Num)
UNARY = ("exp", "log", "log1p", "tanh", "sqrt", "abs")


def _larger(parts: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(parts, min_size=2, max_size=4)
    return st.one_of(
        several.map(lambda terms: add(*terms)),
        several.map(lambda factors: mul(*factors)),
        st.builds(sub, parts, parts),
        st.builds(div, parts, parts),
        parts.map(neg),
        parts.map(square),
        st.builds(call, st.sampled_from(UNARY), parts),
        st.builds(call, st.sampled_from(["max", "min"]), parts, parts),
    )


def _divides_by_zero(expr: Expr) -> bool:
    """Whether a quotient has a constant denominator, which the reader may refuse."""
    if not isinstance(expr, Op):
        return False
    constant = expr.name == "div" and not any(refs(expr.args[1]))
    return constant or any(map(_divides_by_zero, expr.args))


def formulas(leaves: int = 8) -> st.SearchStrategy[Expr]:
    """Trees over the net input, of all operations that a text can have."""
    trees = st.recursive(st.just(IN) | st.just(IN) | CONSTANTS, _larger, max_leaves=leaves)
    return trees.filter(
        lambda tree: (
            any(refs(tree))
            and not _divides_by_zero(tree)
            and depth_of(tree) < min(DEEPEST, 8)
            and size_of(tree) < MOST_OPERATIONS
        )
    )


def as_text(expr: Expr) -> str:
    """The formula as a user could write it."""
    return write(expr, lambda key: {"in": "x", "out": "y"}[str(key)])
