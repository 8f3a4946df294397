"""Two mistakes in one formula: any two entries of the table, one after the other."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from itertools import permutations, product

from bptrace.checks.mistakes import MISTAKES, Mistake, Text
from bptrace.checks.mistakes.step import Step, Variant
from bptrace.maths.expr import Expr, Op


class _Sentences(Mapping[str, Text]):
    """The sentences of all pairs, put together when they are asked for.

    ``"sign:whole+average:mean"`` is the sentence of the one and that of the other; their fields are
    numbered ({x1}, {x2}).
    """

    def __getitem__(self, wording: str) -> Text:
        one, two = (_numbered(half, n) for n, half in enumerate(wording.split("+"), 1))
        return (f"{one[0]}; besides, {two[0]}", f"{one[1]}；此外，{two[1]}")

    def __iter__(self) -> Iterator[str]:
        halves = [
            f"{entry.name}:{wording}"
            for entry in MISTAKES
            if entry.variants is not None
            for wording in entry.wordings
        ]
        return (f"{one}+{two}" for one, two in product(halves, halves))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _numbered(half: str, n: int) -> Text:
    name, _, wording = half.partition(":")
    english, chinese = MISTAKES.get(name).wordings[wording]
    return _with_number(english, n), _with_number(chinese, n)


def _with_number(sentence: str, n: int) -> str:
    return re.sub(r"\{(\w+)\}", rf"{{\g<1>{n}}}", sentence)


def pairs(step: Step, without: frozenset[str] = frozenset()) -> Iterator[Variant]:
    """Yield the formula with two mistakes of different kinds; each result once."""
    entries = [e for e in MISTAKES if e.variants is not None and e.name not in without]
    seen = _Seen()
    wrong = {
        e.name: [(one, step.with_formula(one.expr)) for one in e.variants(step)]  # type: ignore[misc]
        for e in entries
    }
    for first, second in permutations(entries, 2):
        for one, after in wrong[first.name]:
            for two in second.variants(after):  # type: ignore[misc]
                if seen.is_new(two.expr):
                    wording = f"{first.name}:{one.wording}+{second.name}:{two.wording}"
                    yield Variant(two.expr, wording, _fields(one, 1) | _fields(two, 2))


class _Seen:
    """Formulas that were there before.

    They have most parts in common, and as the same objects: such a part is looked into once.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._formulas: dict[int, tuple[int, Expr]] = {}
        self._found: set[int] = set()

    def is_new(self, expr: Expr) -> bool:
        """Whether no equal formula has been asked about."""
        number = self._number(expr)
        is_new = number not in self._found
        self._found.add(number)
        return is_new

    def _number(self, expr: Expr) -> int:
        """Return the number that equal formulas have."""
        if not isinstance(expr, Op):
            return self._numbers.setdefault(expr, len(self._numbers))
        known = self._formulas.get(id(expr))  # kept, so that no other object gets its id
        if known is None:
            sign = expr.name, expr.role, tuple([self._number(arg) for arg in expr.args])
            known = self._numbers.setdefault(sign, len(self._numbers)), expr
            self._formulas[id(expr)] = known
        return known[0]


def _fields(variant: Variant, n: int) -> dict[str, object]:
    return {f"{name}{n}": value for name, value in variant.fields.items()}


MISTAKES.add(
    Mistake(
        "pair",
        1,
        ("two mistakes in one step", "同一步中有两处错误"),
        (
            "Do one operation at a time, and look at each result before you go on.",
            "一次只做一个运算，看清每个结果再往下算。",
        ),
        _Sentences(),
    )
)
