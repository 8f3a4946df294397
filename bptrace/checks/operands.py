"""The numbers that an author substituted: which of them do not belong into the formula."""

from __future__ import annotations

from dataclasses import dataclass

from bptrace.address import Address
from bptrace.checks.claims import Statement
from bptrace.checks.fit import fit
from bptrace.checks.graph import Graph, Key
from bptrace.checks.interval import Interval, point
from bptrace.maths.expr import Expr, Num, Op, Ref
from bptrace.printed import Printed

DEEPEST = 3
"""How many unprinted steps an author writes out in one formula (∂E/∂out · ∂out/∂in · out)."""


@dataclass(frozen=True)
class Operand:
    """A substituted number that is none of the formula's operands.

    `belongs` is the operand that no number was given for, if there is just one; `is_value_of` a
    quantity of the page whose value it is.
    """

    printed: Printed
    belongs: Key | None
    is_value_of: Key | None


def check_operands(
    graph: Graph, boxes: dict[Key, Interval], statement: Statement, all_statements: list[Statement]
) -> tuple[Operand, ...]:
    """Return the substituted numbers of a claim that do not fit any operand of its formula."""
    numbers = statement.claim.operands
    if not numbers:
        return ()
    candidates = list(_operands(graph, statement.key, DEEPEST))
    left = [*candidates]
    strange: list[Printed] = []
    for number in numbers:
        match = next((c for c in left if _fits(number, c, graph, boxes)), None)
        if match is not None:
            left.remove(match)
        elif not any(_fits(number, c, graph, boxes) for c in candidates):
            strange.append(number)
    direct = [c for c in left if c in graph.parents[statement.key]]
    belongs = direct[0] if len(direct) == 1 and len(strange) == 1 else None
    return tuple(
        Operand(number, _address(belongs), _owner(number, graph, statement, all_statements))
        for number in strange
    )


def _operands(graph: Graph, key: Key, deep: int) -> list[Key | Num]:
    """All operands of a formula, each as often as it stands there, and those of steps inside."""
    found: list[Key | Num] = []
    formula = graph.formulas.get(key)
    if formula is None:
        return found
    for part in _leaves(formula):
        found.append(part)
        if deep > 1 and not isinstance(part, Num):
            found.extend(_operands(graph, part, deep - 1))
    return found


def _leaves(expr: Expr) -> list[Key | Num]:
    if isinstance(expr, Num):
        return [expr]
    if isinstance(expr, Ref):
        return [expr.key]  # type: ignore[list-item]
    assert isinstance(expr, Op)
    return [leaf for arg in expr.args for leaf in _leaves(arg)]


def _fits(number: Printed, leaf: Key | Num, graph: Graph, boxes: dict[Key, Interval]) -> bool:
    value = point(leaf.value) if isinstance(leaf, Num) else boxes.get(leaf)
    if value is None:
        value = point(graph.exact[leaf])
    return fit(value, number) is not None or fit(-value, number) is not None


def _owner(
    number: Printed, graph: Graph, statement: Statement, others: list[Statement]
) -> Key | None:
    """A quantity whose value the strange number is: given ones first, then printed ones."""
    for key, value in graph.given.items():
        if value == number.value:
            return key
    for other in others:
        if other.key != statement.key and other.printed.value == number.value:
            return other.key
    return None


def _address(key: Key | Num | None) -> Key | None:
    return None if isinstance(key, Num) else key if isinstance(key, Address | Op) else None
