"""Every formula with as many digits as wanted: the judge of derivatives and bounds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from functools import reduce
from typing import Any

from mpmath import MPContext

from bptrace.address import Address, Quantity
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import Reading
from bptrace.model import Problem


def in_many_digits(mp: MPContext) -> Reading[Any]:
    """Return the reading of formulas in the precision of an mpmath context.

    Numbers are real: where a function has no value it is nan, as in float64, not a complex number.
    """

    def above(least: int, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda a: function(a) if a >= least else mp.nan  # nan for nan, too

    def divided(a: Any, b: Any) -> Any:
        if b == 0:  # which has no sign here: a limit of 1/0 is taken from above
            return mp.nan if a != a or a == 0 else mp.sign(a) * mp.inf
        return a / b

    log = above(0, mp.log)
    return Reading(
        number=mp.mpf,
        rules={
            "add": lambda *terms: reduce(lambda a, b: a + b, terms),
            "mul": lambda *factors: reduce(lambda a, b: a * b, factors),
            "sub": lambda a, b: a - b,
            "div": divided,
            "neg": lambda a: -a,
            "square": lambda a: a * a,
            "abs": abs,
            "sqrt": above(0, mp.sqrt),
            "max": max,
            "min": min,
            "exp": mp.exp,
            "log": log,
            "log1p": above(-1, mp.log1p),
            "tanh": mp.tanh,
            "times_log": lambda t, a: mp.mpf(0) if t == 0 else t * log(a),
            "times_reciprocal": lambda t, a: mp.mpf(0) if t == 0 else divided(t, a),
            "positive": lambda a: mp.mpf(a > 0),
            "if_positive": lambda a, then, otherwise: then if a > 0 else otherwise,
            "step": lambda a, low, at_zero: mp.mpf(1) if a > 0 else (low if a < 0 else at_zero),
        },
    )


class Exactly:
    """Values of addresses by the equations of the chapter, in the precision of an mpmath context.

    `known` gives the numbers that have no equation; quantities in `taken` are taken from it, too.
    """

    def __init__(
        self,
        mp: MPContext,
        problem: Problem,
        known: Callable[[Address], float],
        taken: Collection[Quantity] = (),
    ) -> None:
        self.mp, self.reading, self.known = mp, in_many_digits(mp), known
        self.chapter, self.taken = Chapter(problem), taken
        self.memo: dict[Hashable, Any] = {}

    def __call__(self, key: Address) -> Any:
        if key not in self.memo:
            equation = None if key.quantity in self.taken else self.chapter.equation(key)
            self.memo[key] = (
                self.mp.mpf(self.known(key))
                if equation is None
                else self.reading.read(equation.expr, self)
            )
        return self.memo[key]
