"""The printed numbers of a page by their size: which ones might stand in the place of another.

Whether they do is the business of `search`; here those are found without looking at all.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

from bptrace.checks.graph import After, Graph, Key
from bptrace.checks.interval import Interval
from bptrace.checks.lines import Statement


class Prints:
    """The numbers of a page, which are the same in every pass over it.

    Parameters
    ----------
    graph : Graph
    statements : sequence of Statement
        In page order.
    """

    def __init__(self, graph: Graph, statements: Sequence[Statement]) -> None:
        self.statements = statements
        self._equal: dict[float, list[int]] = {}
        by_unit: dict[float, list[tuple[float, int]]] = {}
        for n, statement in enumerate(statements):
            number = statement.sign * statement.printed.value
            self._equal.setdefault(number, []).append(n)
            by_unit.setdefault(statement.printed.ulp, []).append((number, n))
        self._by_unit = {unit: sorted(numbers) for unit, numbers in by_unit.items()}
        self._counts = Counter(s.key for s in statements)
        # how often each node is printed, in binary: for each power of 2, the nodes that have it
        self._powers = [0] * len(statements).bit_length()
        for key, count in self._counts.items():
            for power in range(count.bit_length()):
                self._powers[power] |= (count >> power & 1) << graph.place[key]

    def like(self, number: float, values: Interval) -> list[Statement]:
        """Return the statements that print `number`, or whose digits `values` may fit.

        All that do, and perhaps some that do not, in page order; signs are those of the nodes.
        """
        found = set(self._equal.get(number, ()))
        for unit, numbers in self._by_unit.items():
            first = bisect_left(numbers, (values.lo - 2 * unit, -1))
            last = bisect_right(numbers, (values.hi + 2 * unit, len(self.statements)))
            found.update(n for _, n in numbers[first:last])
        return [self.statements[n] for n in sorted(found)]

    def count(self, key: Key, later: After) -> int:
        """Return how many statements are neither about `key` nor about what follows from it."""
        after = sum((places & later.bits).bit_count() << k for k, places in enumerate(self._powers))
        return len(self.statements) - self._counts[key] - after
