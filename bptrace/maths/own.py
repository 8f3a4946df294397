"""The activation of a layer: an entry of the table, or one's own formula made into such an entry.

`activation_of` is the one place that knows of both; equations, kernels, checks and output ask here.
What reads formulas is imported where there is one: most networks have none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from functools import lru_cache

from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.expr import FLOATS, Expr
from bptrace.model import Layer


def activation_of(layer: Layer) -> Activation:
    """Return the activation of a layer.

    Raises `FormulaError` for a formula that cannot be read, `UnknownName` for an unknown name.
    """
    if not layer.formula:
        return ACTIVATIONS.get(layer.activation)
    return own_activation(layer.formula, layer.slope)


@lru_cache(maxsize=256)
def own_activation(formula: str, slope: str = "") -> Activation:
    """Return the activation of a formula, with the given slope or the one derived from it.

    Its name is the formula as it was written. Raises `FormulaError`.
    """
    from bptrace.maths.derivative import kinks
    from bptrace.maths.formula import read_formula, read_slope
    from bptrace.maths.slopes import derived_slope

    expr = read_formula(formula)
    slope_expr = read_slope(slope) if slope else derived_slope(expr)
    return Activation(
        formula,
        f=_scalar(expr, "in"),
        slope=_scalar(slope_expr, "in", "out"),
        expr=expr,
        slope_expr=slope_expr,
        range=(-math.inf, math.inf),
        source="own formula",
        kinks=kinks(expr),
    )


def _scalar(expr: Expr, *names: Hashable) -> Callable[..., float]:
    """Return a formula as a function of its open places, in this order."""

    def value(*numbers: float) -> float:
        return FLOATS.read(expr, dict(zip(names, numbers, strict=True)).__getitem__)

    return value
