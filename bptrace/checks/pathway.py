"""What a value at one step makes of a later one, through the unprinted steps between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval, point
from bptrace.maths.expr import Expr, Num, Op, Ref


class Pathway:
    """The range of the last of some steps as a function of the value at a step before them.

    Most places are ruled out by a value or two. Where more are tried, everything else is put into
    the formulas once and for all.

    Parameters
    ----------
    read : function
        The interval reading: ``read(expr, quantity)``.
    box : mapping
        What the author may have had of everything else.
    place : Key
        The step whose value is tried.
    steps : sequence of (Key, Expr)
        The unprinted steps after it and the later one, with formulas, in order of calculation.
    """

    FOLD_AFTER = 4

    def __init__(
        self,
        read: Callable[[Expr, Callable[[Key | Interval], Interval]], Interval],
        box: Mapping[Key, Interval],
        place: Key,
        steps: Sequence[tuple[Key, Expr]],
    ) -> None:
        self._read = read
        self._box = box
        self._place = place
        self._moving = {place, *(key for key, _ in steps)}
        self._formulas = list(steps)
        self._count = 0

    def __call__(self, at_place: Interval) -> Interval:
        """Return the range of the last step."""
        if self._count == self.FOLD_AFTER:
            self._formulas = [(key, self._folded(expr)) for key, expr in self._formulas]
        self._count += 1
        memo: dict[Key, Interval] = {self._place: at_place}
        box, result = self._box, at_place

        def look_up(key: Key | Interval) -> Interval:
            return memo[key] if key in memo else key if type(key) is Interval else box[key]  # type: ignore[index]

        for key, expr in self._formulas:
            result = memo[key] = self._read(expr, look_up)
        return result

    def _folded(self, expr: Expr) -> Expr:
        """Put the ranges of everything that does not move into a formula."""
        if isinstance(expr, Ref):
            return expr if expr.key in self._moving else Ref(self._box[expr.key])  # type: ignore[index]
        if isinstance(expr, Num):
            return Ref(point(expr.value))
        args = tuple([self._folded(arg) for arg in expr.args])
        folded = Op(expr.name, args, expr.role)
        fixed = all(isinstance(arg, Ref) and isinstance(arg.key, Interval) for arg in args)
        return Ref(self._read(folded, _itself)) if fixed else folded


def _itself(key: Key | Interval) -> Interval:
    """What has been put into a formula stands for itself."""
    assert isinstance(key, Interval)
    return key
