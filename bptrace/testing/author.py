"""An author who writes a hand calculation down, with the mistakes that he is told to make.

He reads the equations of the chapter one by one and carries on with what he printed, with what he
had before rounding, or now with this and now with that. He knows nothing of `checks` but the names
of quantities (`Canon`) and, where he is told to make one, a wrong formula. What he writes is for
tests of `checks`; who draws problems and mistakes for him, say `planting` and `pages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from functools import cache, cached_property
from random import Random

from bptrace import engine
from bptrace.address import Address, Quantity
from bptrace.brief import Brief
from bptrace.checks.graph import Canon, Key
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import FLOATS, Expr, Ref, add
from bptrace.maths.updates import step_of
from bptrace.model import Claim, Problem
from bptrace.printed import Printed
from bptrace.trace import Trace

Q = Quantity

PRINTED: Mapping[str, frozenset[Quantity] | None] = {
    "all steps": None,
    "textbook": frozenset(
        {Q.IN, Q.OUT, Q.E_K, Q.E, Q.D_IN, Q.D_W, Q.STEP_W, Q.V_NEW, Q.M_NEW, Q.S_NEW, Q.W_NEW}
    ),
    "sparse": frozenset({Q.OUT, Q.E, Q.D_W, Q.W_NEW}),
    "final": frozenset({Q.OUT, Q.E, Q.W_NEW}),
}
"""Which quantities a page prints."""

CARRIED = ("printed", "unrounded", "mixed", "rounded")
"""With what an author goes on: his digits, the number behind them, either; or he rounds even the
steps that he does not print."""


@dataclass(frozen=True, repr=False)
class Style(Brief):
    """How a page is printed: which quantities, how many digits, and what is carried on.

    `deltas`: each Δw has a line of its own, from which w⁺ is calculated.
    """

    printed: str = "all steps"
    digits: int = 4
    significant: bool = True
    cut: bool = False
    carried: str = "printed"
    struck: float = 0.0
    deltas: bool = False

    def write(self, value: float) -> str:
        """Write a number; one that is short stays short (0.6, not 0.6000)."""
        number = Decimal(f"{value:.14e}")
        if not number:
            return "0"
        way = ROUND_DOWN if self.cut else ROUND_HALF_UP
        if self.significant:
            rounded = Context(prec=self.digits, rounding=way).create_decimal(number)
        else:
            rounded = number.quantize(Decimal(1).scaleb(-self.digits), rounding=way)
        return format(rounded.normalize() if rounded == number else rounded, "f")

    def keeps(self, key: Address) -> bool:
        """Whether the page prints a quantity at all."""
        wanted = PRINTED[self.printed]
        if wanted is None:
            return True
        return key.quantity in wanted and key.of is None


def steps(problem: Problem, deltas: bool = False) -> list[Address]:
    """Every quantity of a problem that a textbook would show, in order of calculation."""
    chapter, canon = Chapter(problem), Canon(problem)
    found: dict[Address, None] = {}
    for step in range(1, problem.training.steps + 1):
        for sample in problem.batch(step):
            for key in (*chapter.forward(sample, step), *chapter.backward(sample, step)):
                found[canon(key)] = None
        for key in chapter.update(step):
            if deltas and key.quantity in (Q.W_NEW, Q.B_NEW):
                found[canon(step_of(key.parameter))] = None
            found[canon(key)] = None
    return list(found)


def shown(rng: Random, problem: Problem, style: Style) -> frozenset[Address]:
    """Draw what a page prints: what its style keeps, less the lines that are struck out."""
    kept = [k for k in steps(problem, style.deltas) if style.keeps(k)]
    return frozenset(k for k in kept if rng.random() >= style.struck)


@dataclass
class Author:
    """Calculates a page, step by step, with the numbers he wrote down.

    Attributes
    ----------
    style : Style or None
        None: nothing is ever rounded.
    shown : set of Address
        What he prints.
    wrong : mapping
        Formulas that he uses in the place of the right ones.
    slips : mapping
        Text that he writes in the place of the right one, and whether he goes on with it.
    formulas : dict
        The right formulas that were looked up; authors of the same page may have one together.
    is_circular : bool
        Whether he needed a number in its own calculation: nobody can write such a page.
    """

    problem: Problem
    style: Style | None
    rng: Random
    shown: frozenset[Address] = frozenset()
    wrong: Mapping[Key, Expr] = field(default_factory=dict)
    slips: Mapping[Key, tuple[str, bool]] = field(default_factory=dict)
    formulas: dict[Address, Expr | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chapter, self.canon = Chapter(self.problem), Canon(self.problem)
        self._known: dict[Key, float] = {}
        self._open: set[Key] = set()
        self.is_circular = False

    @cached_property
    def trace(self) -> Trace:
        """The right calculation: for what is given, and for what he cannot know yet."""
        return engine.run(self.problem, engine="python")

    def number(self, key: Key) -> float:
        """What he has for a quantity before he rounds it."""
        if key not in self._known:
            self._known[key] = self._calculated(key)
        return self._known[key]

    def _calculated(self, key: Key) -> float:
        formula = self.wrong.get(key) or self.formula(key)
        self.is_circular |= key in self._open
        if formula is None or key in self._open:
            assert isinstance(key, Address)
            return self.trace.value(key._replace(step=key.step or 1))
        self._open.add(key)
        value = FLOATS.read(formula, cache(self.carried))
        self._open.discard(key)
        return value

    def formula(self, key: Key) -> Expr | None:
        """The right formula of a quantity; None if it is given."""
        assert isinstance(key, Address)
        if key not in self.formulas:
            self.formulas[key] = self._formula(key)
        return self.formulas[key]

    def _formula(self, key: Address) -> Expr | None:
        equation = self.chapter.equation(key)
        if equation is None:
            return None
        step = self.canon(step_of(key.parameter)) if key.quantity in (Q.W_NEW, Q.B_NEW) else None
        expr = add(Ref(key.parameter), Ref(step)) if step in self.shown else equation.expr
        expr = self.canon.expr(expr)
        return None if expr == Ref(key) else expr

    def is_sound(self, order: Iterable[Address]) -> bool:
        """Whether all numbers are such as people go on with, and print with all their digits.

        Nobody can tell how many digits of 1200 count.
        """
        assert self.style is not None
        most = 10.0 ** min(self.style.digits, 12) if self.style.significant else 1e12
        return all(abs(self.number(key)) < most for key in order)

    def text(self, key: Address) -> str:
        """What he prints."""
        assert self.style is not None
        right = self.style.write(self.number(key))
        return self.slips[key][0] if key in self.slips else right

    def carried(self, key: Address) -> float:
        """With what he goes on; asked anew in every formula, but once in each.

        A softmax of one number above the line and another below it is nobody's.
        """
        value = self.number(key)
        if self.style is None or self.formula(key) is None:
            return value
        how = self.style.carried
        if how == "mixed":
            how = self.rng.choice(("printed", "unrounded"))
        text, used = self.slips.get(key, ("", False))
        if used:
            return float(text)
        if how == "rounded" or (how == "printed" and key in self.shown):
            return float(self.style.write(value))
        return value

    def page(self, order: Iterable[Address]) -> Problem:
        """Return the problem with his numbers as claims."""
        claims = tuple(self._claim(k, key) for k, key in enumerate(order, 1) if key in self.shown)
        return replace(self.problem, claims=claims)

    def _claim(self, line: int, key: Address) -> Claim:
        text = self.text(key)
        return Claim(key.positional, Printed.parse(text), key.step, key.sample, line=line)
