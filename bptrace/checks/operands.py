"""The numbers that an author substituted: which of them do not belong into the formula."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bptrace.checks.fit import fit
from bptrace.checks.graph import Graph, Key
from bptrace.checks.interval import Interval, point
from bptrace.checks.lines import Statement
from bptrace.maths.expr import Expr, Num, Op
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

DEEPEST = 3
"""How many unprinted steps an author writes out in one formula (∂E/∂out · ∂out/∂in · out)."""

Leaf = Key | Num


class Operand(NamedTuple):
    """A substituted number that is none of the formula's operands.

    `belongs` is the operand in whose place it stands, if that is known; `is_value_of` a quantity of
    the page whose value it is.
    """

    printed: Printed
    belongs: Key | None
    is_value_of: Key | None


def check_operands(
    graph: Graph,
    boxes: Mapping[Key, Interval],
    statement: Statement,
    all_statements: Sequence[Statement],
) -> tuple[Operand, ...]:
    """Return the substituted numbers of a claim that do not fit any operand of its formula.

    Numbers in the order of the formula are compared place by place; in another order, or with steps
    inside written out, each is an operand if any operand is left that it fits.
    """
    if not statement.claim.operands or statement.key not in graph.formulas:
        return ()
    page = _Page(graph, boxes, statement, all_statements)
    return tuple(
        Operand(number, None if isinstance(leaf, Num) else leaf, page.owner(number))
        for number, leaf in page.strange()
    )


class _Page(NamedTuple):
    """One line with substituted numbers, and what is known around it."""

    graph: Graph
    boxes: Mapping[Key, Interval]
    statement: Statement
    others: Sequence[Statement]

    def strange(self) -> list[tuple[Printed, Leaf | None]]:
        """The numbers that do not belong, each with the operand in whose place it stands."""
        numbers = self.statement.claim.operands
        plain = _leaves(self.graph.formulas[self.statement.key])
        quantities: list[Leaf] = [leaf for leaf in plain if not isinstance(leaf, Num)]
        for leaves in (plain, quantities):
            if len(leaves) == len(numbers):
                return self._in_order(numbers, leaves)
        return self._in_any_order(numbers, self._written_out(self.statement.key, DEEPEST))

    def _in_order(
        self, numbers: Sequence[Printed], leaves: list[Leaf]
    ) -> list[tuple[Printed, Leaf | None]]:
        """Compare place by place, unless the numbers make more sense in another order."""
        placed: list[tuple[Printed, Leaf | None]] = [
            (number, leaf)
            for number, leaf in zip(numbers, leaves, strict=True)
            if not self._fits(number, leaf)
        ]
        mixed = self._in_any_order(numbers, leaves)
        return placed if len(placed) <= len(mixed) + 1 and mixed else mixed

    def _in_any_order(
        self, numbers: Sequence[Printed], leaves: list[Leaf]
    ) -> list[tuple[Printed, Leaf | None]]:
        left, strange = [*leaves], []
        for number in numbers:
            match = next((leaf for leaf in left if self._fits(number, leaf)), None)
            if match is not None:
                left.remove(match)
            elif not any(self._fits(number, leaf) for leaf in leaves):
                strange.append(number)
        direct = [leaf for leaf in left if leaf in self.graph.parents[self.statement.key]]
        belongs = direct[0] if len(direct) == len(strange) == 1 else None
        return [(number, belongs) for number in strange]

    def _written_out(self, key: Key, deep: int) -> list[Leaf]:
        """All operands of a formula, each as often as it stands there, and of steps inside."""
        formula = self.graph.formulas.get(key)
        found: list[Leaf] = []
        for leaf in [] if formula is None else _leaves(formula):
            found.append(leaf)
            if deep > 1 and not isinstance(leaf, Num):
                found.extend(self._written_out(leaf, deep - 1))
        return found

    def _fits(self, number: Printed, leaf: Leaf) -> bool:
        value = point(leaf.value) if isinstance(leaf, Num) else self.boxes.get(leaf)
        if value is None:
            value = point(self.graph.exact[leaf])
        return fit(value, number) is not None or fit(-value, number) is not None

    def owner(self, number: Printed) -> Key | None:
        """A quantity whose value a number is: given ones first, then printed ones."""
        return next(self._owners(number), None)

    def _owners(self, number: Printed) -> Iterator[Key]:
        for key, value in self.graph.given.items():
            if value == number.value:
                yield key
        for other in self.others:
            if other.key != self.statement.key and other.printed.value == number.value:
                yield other.key


def _leaves(expr: Expr) -> list[Leaf]:
    """The operands of a formula in printed order."""
    if isinstance(expr, Op):
        return [leaf for arg in expr.args for leaf in _leaves(arg)]
    return [expr] if isinstance(expr, Num) else [expr.key]  # type: ignore[list-item]
