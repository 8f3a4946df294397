"""One example with its mistakes: which formulas it has, and what each mistake does to its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bptrace.address import Address, Quantity, partial
from bptrace.checks.columns import Array, Columns, Digest, Pages, printed
from bptrace.checks.graph import Graph, Key
from bptrace.errors import BptraceError
from bptrace.maths.expr import Expr, inline
from bptrace.model import Problem
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple

Q = Quantity


Flags = NDArray[np.bool_]

PRINTINGS = ("all", "textbook")

_TEXTBOOK = frozenset({Q.IN, Q.OUT, Q.E_K, Q.E, Q.D_IN, Q.D_W, Q.W_NEW})

MOST_EQUATIONS = 600
"""Of one update with all its samples; of larger ones too few steps could be looked at."""


@dataclass(frozen=True)
class Slip:
    """One mistake of the table at one step of this example.

    Attributes
    ----------
    place : Key
        The step where it is made.
    mistake, wording, fields
        Its name in the table, and the sentence that says what it is.
    expr : Expr
        The formula of the step as it is then computed.
    value : float
        What the step becomes.
    """

    place: Address
    mistake: str
    wording: str
    fields: Mapping[str, object]
    expr: Expr
    value: float


class Score(NamedTuple):
    """Of `total` mistakes: lost without a trace, confused with others, looking like a misreading.

    `bad` counts each once that is any of these.
    """

    total: int
    lost: int
    confused: int
    misread: int
    bad: int


class Example:
    """The steps of one example, and which of them are printed."""

    def __init__(self, trace: Trace, digits: int, printing: str) -> None:
        self.trace, self.digits = trace, digits
        self.problem = trace.problem
        targets = self._targets(trace)
        self.graph = Graph(trace, targets)
        whole = set(targets)
        self.shown: list[Key] = [
            key
            for key in self.graph.order
            if key in whole and (printing == "all" or _in_textbook(key))
        ]
        self._rank = {key: k for k, key in enumerate(self.graph.order)}
        self._later: dict[Key, list[Key]] = {}

    @staticmethod
    def _targets(trace: Trace) -> list[Key]:
        problem, canon = trace.problem, Graph(trace, ()).canon
        check_size(problem)
        chapter, batch = trace.chapter, problem.batch(1)
        found = [k for s in batch for k in (*chapter.forward(s, 1), *chapter.backward(s, 1))]
        keys = dict.fromkeys(canon(key) for key in (*found, *chapter.update(1)))
        return [key for key in keys if chapter.equation(key) is not None]

    def later(self, place: Key) -> list[Key]:
        """Return the steps that depend on one, in order of calculation."""
        if place not in self._later:
            seen: set[Key] = set()
            stack = [place]
            while stack:
                for child in self.graph.children[stack.pop()]:
                    if child not in seen:
                        seen.add(child)
                        stack.append(child)
            self._later[place] = sorted(seen, key=self._rank.__getitem__)
        return self._later[place]

    def formula(self, place: Address) -> Expr:
        """Return the formula of a step as an author has it before him: unprinted paths in place."""
        shown = set(self.shown)

        def written_out(key: object) -> Expr | None:
            if not isinstance(key, Address) or key in shown or key == place or key.of is None:
                return None
            path = key.quantity is Q.D_OUT and key.of.quantity is Q.E_K
            return self.graph.formulas.get(key) if path else None

        return inline(self.graph.formulas[place], written_out)

    @property
    def givens(self) -> dict[Address, float]:
        """The given numbers, as the formulas ask for them."""
        return {k: v for k, v in self.graph.given.items() if isinstance(k, Address)}

    def slope(self, out: Address) -> Address:
        """Return the quantity ∂out/∂in of a neuron."""
        return self.graph.canon(partial(out, out._replace(quantity=Q.IN)))

    def columns(self, changes: Sequence[Mapping[Address, float]]) -> Columns:
        """Return the example with other givens, one column per set of changes."""
        keys = dict.fromkeys(key for change in changes for key in change)
        given: dict[Key, Array] = {
            key: np.array([change.get(key, self.graph.given[key]) for change in changes])
            for key in keys
        }
        return Columns(self.graph, given, len(changes))

    def table(self, changes: Sequence[Mapping[Address, float]], slips: Sequence[Slip]) -> Table:
        """Make every mistake in every changed example."""
        columns = self.columns(changes)
        pages = Pages(columns, self.shown, self.digits)
        places: list[Array] = []

        def make() -> Iterator[dict[Key, Array]]:
            for slip in slips:
                changed = columns.mistaken(slip.place, slip.expr, self.later(slip.place))
                places.append(changed[slip.place])
                yield changed

        numbers = pages.of(make(), len(slips))
        return Table(slips, numbers, _misread(pages, slips, places), columns)


def _in_textbook(key: Key) -> bool:
    if not isinstance(key, Address) or key.quantity not in _TEXTBOOK:
        return False
    return not key.quantity.is_partial or key.of is None


def check_size(problem: Problem) -> None:
    """Raise `BptraceError` if a step has more equations than anybody calculates by hand."""
    samples, widths = len(problem.batch(1)), problem.network.widths
    equations = samples * (6 * sum(widths[1:]) + 2 * problem.layout.n_parameters)
    if equations > MOST_EQUATIONS:
        size = "-".join(map(str, widths)) + (f" with {samples} samples" if samples > 1 else "")
        raise BptraceError(
            f"{size} has about {equations:,} equations in a step; lint makes every mistake in each "
            f"of them and takes at most {MOST_EQUATIONS:,}. Try a smaller example"
        )


class Table:
    """What became of every mistake in every example: arrays of shape (mistakes, examples)."""

    def __init__(
        self, slips: Sequence[Slip], numbers: Digest, misread: Flags, columns: Columns
    ) -> None:
        self._slips, self.numbers, self.misread = slips, numbers, misread
        self.columns = columns
        self.lost: Flags = numbers == 0
        self.confused: Flags = _repeated(numbers) & ~self.lost
        self.bad: Flags = self.lost | self.confused | misread

    def score(self, column: int) -> Score:
        """Return the counts of one example."""
        flags = (self.lost, self.confused, self.misread & ~self.lost & ~self.confused, self.bad)
        return Score(len(self._slips), *(int(flag[:, column].sum()) for flag in flags))

    def slips(self, flags: Flags) -> Iterator[Slip]:
        """Yield the mistakes with a flag in the first example."""
        return (slip for slip, flag in zip(self._slips, flags[:, 0], strict=True) if flag)

    def rows(self) -> Iterator[tuple[Slip, int, bool, bool]]:
        """Yield each mistake with its page, lost, confused, in the first example."""
        columns = (self.numbers[:, 0].tolist(), self.lost[:, 0], self.confused[:, 0])
        for slip, page, lost, confused in zip(self._slips, *columns, strict=True):
            yield slip, page, bool(lost), bool(confused)


def _repeated(numbers: Digest) -> Flags:
    """Whether a number stands more than once in its column."""
    order = np.argsort(numbers, axis=0, kind="stable")
    ranked = np.take_along_axis(numbers, order, axis=0)
    same = ranked[1:] == ranked[:-1]
    flags = np.zeros(numbers.shape, dtype=np.bool_)
    flags[1:] |= same
    flags[:-1] |= same
    found = np.empty_like(flags)
    np.put_along_axis(found, order, flags, axis=0)
    return found


def _misread(pages: Pages, slips: Sequence[Slip], places: Sequence[Array]) -> Flags:
    """Whether a mistake changes just one digit of its own line, or interchanges two neighbours.

    Numbers of one or two digits are left out: there any mistake changes one digit.
    """
    flags = np.zeros((len(slips), pages.columns.count), dtype=np.bool_)
    known = [k for k, slip in enumerate(slips) if slip.place in pages.row]
    if not known:
        return flags
    wrong = printed(np.stack([places[k] for k in known]), pages.digits)
    right = pages.right[[pages.row[slips[k].place] for k in known]]
    flags[known] = _one_digit(wrong, right, pages.digits)
    return flags


def _one_digit(wrong: Array, right: Array, digits: int) -> Flags:
    usable = np.isfinite(wrong) & np.isfinite(right) & (wrong * right > 0.0)
    size = np.where(usable, np.abs(right), 1.0)
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(size)))
    a = np.rint(size * scale).astype(np.int64)
    b = np.rint(np.minimum(np.where(usable, np.abs(wrong), 0.0) * scale, 1e18)).astype(np.int64)
    usable &= (b < 10**digits) & (b >= 10 ** (digits - 1)) & (a % 10 ** (digits - 2) != 0)
    differ = np.zeros(a.shape, dtype=np.int64)
    turned = np.zeros(a.shape, dtype=np.bool_)
    for k in range(digits):
        x, y = a // 10**k % 100, b // 10**k % 100
        differ += x % 10 != y % 10
        turned |= (x // 10 == y % 10) & (x % 10 == y // 10) & (x != y) & (k < digits - 1)
    found: Flags = usable & ((differ == 1) | ((differ == 2) & turned))
    return found
