"""Own formulas in the kernels: trees as rows of instructions on a strip of numbers.

No code is generated: a formula becomes integers, and one small loop carries them out. An
instruction ``(operation, a, b, c, result)`` takes up to three numbers from the strip `work` and
writes one; net input, output and constants have places on it, too. Parts that occur twice are
calculated once. The operations are those of `maths.expr.SCALARS`, in the order of the tree, so that
every bit is that of `FLOATS`.

Cost: with the sigmoid as a formula, in place of the one of the table, a compiled step takes 1.4
times as long in 2-2-2 and 8-1000-4, and 1.05 times in 784-30-10 (medians of nine runs).

Not responsible for: which layer has a formula (`cast`), reading it (`maths.formula`).
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from typing import TYPE_CHECKING

from bptrace.kernels.dispatch import fold
from bptrace.maths.expr import SCALARS, Expr, Num, Ref

if TYPE_CHECKING:
    from bptrace.kernels.cast import Net

_BY_ARITY = [
    [name for name, f in SCALARS.items() if f.__code__.co_argcount == arity] for arity in (1, 2, 3)
]
_NAMES = [name for names in _BY_ARITY for name in names]
_UNARY, _BINARY = len(_BY_ARITY[0]), len(_BY_ARITY[0]) + len(_BY_ARITY[1])

_one, _two, _three = (
    fold((SCALARS[name] for name in names), first)
    for names, first in zip(_BY_ARITY, (0, _UNARY, _BINARY), strict=True)
)

HEAD, INSTRUCTION = 4, 5
"""Numbers at the beginning of a formula (instructions, places of in, out and result), and of each
instruction."""


class Tape:
    """Formulas of a network one after the other: `codes` for the kernels, and the strip `work`.

    A formula is known by the place of its head in `codes`; 0 means none.
    """

    def __init__(self) -> None:
        self.codes = array("Q", [0])
        self.work = array("d", [0.0])

    def add(self, expr: Expr) -> int:
        """Add a formula over "in" and "out" and return the place of its head."""
        x, y = self._place(), self._place()
        known: dict[Hashable, int] = {Ref("in"): x, Ref("out"): y}
        instructions: list[int] = []
        result = self._add(expr, known, instructions)
        head = len(self.codes)
        self.codes.extend((len(instructions) // INSTRUCTION, x, y, result))
        self.codes.extend(instructions)
        return head

    def _place(self, value: float = 0.0) -> int:
        self.work.append(value)
        return len(self.work) - 1

    def _add(self, expr: Expr, known: dict[Hashable, int], instructions: list[int]) -> int:
        """Add what calculates `expr`, unless it is there; return the place of its value."""
        if isinstance(expr, Ref):
            return known[expr]
        if isinstance(expr, Num):
            constant = ("constant", repr(expr.value))  # 0.0 and -0.0 are equal, but not the same
            if constant not in known:
                known[constant] = self._place(expr.value)
            return known[constant]
        places = [self._add(arg, known, instructions) for arg in expr.args]
        code, most = _NAMES.index(expr.name), SCALARS[expr.name].__code__.co_argcount
        result, rest = places[0], places[1:]
        while True:  # once, but for sums and products of more than two, folded from the left
            now, rest = (result, *rest[: most - 1]), rest[most - 1 :]
            result = self._operate((code, *now), known, instructions)
            if not rest:
                return result

    def _operate(
        self, operation: tuple[int, ...], known: dict[Hashable, int], instructions: list[int]
    ) -> int:
        """Add an instruction, unless it is there; return the place of its result."""
        if operation not in known:
            known[operation] = self._place()
            unused = (0,) * (INSTRUCTION - 1 - len(operation))
            instructions.extend((*operation, *unused, known[operation]))
        return known[operation]


def evaluate(net: Net, head: int, x: float, y: float) -> float:
    """Return the value of the formula at `head` for the net input x (and the output y)."""
    codes, work = net.codes, net.work
    work[codes[head + 1]], work[codes[head + 2]] = x, y
    at = head + HEAD
    for _ in range(codes[head]):
        code, a = codes[at], work[codes[at + 1]]
        if code < _UNARY:
            value = _one(code, a)
        elif code < _BINARY:
            value = _two(code, a, work[codes[at + 2]])
        else:
            value = _three(code, a, work[codes[at + 2]], work[codes[at + 3]])
        work[codes[at + 4]] = value
        at += INSTRUCTION
    return float(work[codes[head + 3]])
