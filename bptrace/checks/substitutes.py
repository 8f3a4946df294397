"""Other numbers in the place of an operand: which of many can have led to the digits of a line.

They are not tried one by one. A range that holds several of them and does not lead to the digits
rules all of them out (`views.narrowed`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import islice
from math import isfinite

from bptrace.address import Address
from bptrace.checks.claims import Judge
from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval
from bptrace.checks.lines import Statement
from bptrace.checks.mistakes import Step, Variant, formulas
from bptrace.checks.views import Try, narrowed
from bptrace.maths.expr import Expr, Ref, refs
from bptrace.tuples import NamedTuple

MOST_FOREIGN = 200
"""Other quantities of a page that are tried in the place of each operand."""

_OPEN = "open"
"""The place of an operand into which other quantities are put."""


class Tries(NamedTuple):
    """Mistakes at a step that may have led to a line, and how many were looked into."""

    tries: list[Try]
    looked_into: int


def misread(
    judge: Judge, statement: Statement, parent: Key, values: Sequence[Interval]
) -> list[int]:
    """Return the places of those values of an operand from which the line's digits may come."""
    return _leading_to(judge, statement, judge.graph.fast[statement.key], parent, values)


def foreign(judge: Judge, statement: Statement, step: Step, most: int) -> Tries:
    """Return the quantities of the page that may stand in the place of an operand of a line.

    At most `most` are looked into.
    """
    graph, near = judge.graph, judge.numbers.near
    later, own = graph.after(statement.key), set(refs(step.expr))
    before = (key for key in judge.by_key if isinstance(key, Address) and key not in later)
    others = list(islice(before, MOST_FOREIGN))
    values = [near[key] for key in others]
    # Where other parts of the formula may change with it, ranges say nothing: x·(1 − x) is one
    # operation for intervals, and what the author prints is no longer calculated.
    apart = set[int]()
    if not graph.has_expressions:
        apart = {k for k, o in enumerate(others) if o not in own and isfinite(values[k].width)}
    found: list[Variant] = []
    count = 0
    for address, rebuild in formulas.operands(step):
        possible = [k for k, o in enumerate(others) if o not in (address, step.key)]
        possible = possible[: most - count]
        count += len(possible)
        ruled = [k for k in possible if k in apart]
        fast = graph.link(rebuild(Ref(_OPEN)))
        fitting = _leading_to(judge, statement, fast, _OPEN, [values[k] for k in ruled])
        kept = set(possible).difference(ruled) | {ruled[k] for k in fitting}
        found += [formulas.foreign(address, rebuild, others[k]) for k in sorted(kept)]
    read = judge.reading.read
    tries = [Try(read(graph.link(v.expr), near.__getitem__), "foreign", v, count) for v in found]
    return Tries(tries, count)


def _leading_to(
    judge: Judge, statement: Statement, fast: Expr, place: Hashable, values: Sequence[Interval]
) -> list[int]:
    """Return the indices of those values at a place of a formula that lead to a line's digits."""
    order = sorted(range(len(values)), key=values.__getitem__)
    near = judge.numbers.near

    def may_fit(value: Interval) -> bool:
        result = judge.reading.read(fast, lambda key: value if key == place else near[key])
        return judge.fit(result, statement) is not None

    return sorted(order[k] for k in narrowed([values[k] for k in order], may_fit))


def replaced(box: Mapping[Key, Interval], key: Key, value: Interval) -> Callable[[Key], Interval]:
    """Look numbers up, with one of them replaced."""
    return lambda k: value if k == key else box[k]
