"""Learning rules: what a gradient does to a parameter. One entry per rule.

Rules with a memory (momentum, Adam) and rules without a gradient (Hebb, perceptron) are not in this
table yet; they will bring quantities of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bptrace.maths.expr import Expr, Ref, mul, neg, sub
from bptrace.registry import Registry

PARAMETER, GRADIENT, ETA = Ref("parameter"), Ref("gradient"), Ref("eta")


@dataclass(frozen=True)
class Rule:
    """One learning rule.

    Attributes
    ----------
    f : function
        The parameter after the step: ``f(parameter, gradient, eta)``.
    step_expr, new_expr : Expr
        The Δ that is added, and the parameter after it, over `PARAMETER`, `GRADIENT` and `ETA`.
    source : str
        Where the formula comes from.
    """

    name: str
    f: Callable[[float, float, float], float]
    step_expr: Expr
    new_expr: Expr
    source: str


RULES: Registry[Rule] = Registry("rule")


def gradient_descent(p: float, g: float, eta: float) -> float:
    """p − η·g."""
    return p - eta * g


RULES.add(
    Rule(
        "gradient-descent",
        f=gradient_descent,
        step_expr=neg(mul(ETA, GRADIENT, role="step")),
        new_expr=sub(PARAMETER, mul(ETA, GRADIENT, role="step"), role="update"),
        source="Cauchy, Méthode générale (1847); Rumelhart et al. (1986), eq. 8",
    )
)
