"""Mistakes planted into hand calculations: by the table of mistakes, and as slips of copying.

Whatever is drawn here comes from a `random.Random`, so that Hypothesis's own, which shrinks, serves
as well as one with a seed. Not responsible for drawing problems.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import isfinite
from random import Random

from bptrace.address import Address, Quantity
from bptrace.checks.graph import Key
from bptrace.checks.mistakes import MISTAKES, Mistake, Step, Variant
from bptrace.maths.expr import Expr, inline, refs
from bptrace.model import Problem
from bptrace.printed import Printed
from bptrace.testing.author import Author, Style, steps

Q = Quantity
VISIBLE = 1.9
"""A mistake is visible if it changes a printed digit by more than so many units."""

SLIPS = (
    "digit-swap", "digit-wrong", "digit-dropped", "digit-doubled", "decimal-point", "swapped",
    "copied",
)  # fmt: skip
"""Slips of copying, by the name that the table gives them."""

Formulas = Mapping[Key, Expr]


@dataclass(frozen=True)
class Sheet:
    """A problem, how it is printed, and what of it: a hand calculation before it is made."""

    problem: Problem
    style: Style
    shown: frozenset[Address]
    seed: int

    @cached_property
    def order(self) -> list[Address]:
        """All steps, in order of calculation."""
        return steps(self.problem, self.style.deltas)

    def author(
        self, wrong: Formulas | None = None, slips: Mapping[Key, tuple[str, bool]] | None = None
    ) -> Author:
        """Return an author who makes these mistakes; equal draws for equal seeds."""
        rng = Random(self.seed)
        return Author(
            self.problem, self.style, rng, self.shown, wrong or {}, slips or {}, self.formulas
        )

    @cached_property
    def formulas(self) -> dict[Address, Expr | None]:
        """The right formulas, as far as they were looked up."""
        return {}

    @cached_property
    def reader(self) -> Author:
        """Who only looks up formulas."""
        return self.author()

    @cached_property
    def right(self) -> dict[Address, Printed]:
        """The page without mistakes."""
        author = self.author()
        return {key: Printed.parse(author.text(key)) for key in self.order if key in self.shown}

    @cached_property
    def children(self) -> dict[Key, list[Address]]:
        """What is calculated from each quantity, in one step."""
        author = self.reader
        found: dict[Key, list[Address]] = {}
        stack, done = list(self.order), set(self.order)
        while stack:
            key = stack.pop()
            for parent in _parents(author, key):
                found.setdefault(parent, []).append(key)
                if parent not in done:
                    done.add(parent)
                    stack.append(parent)
        return found

    @cached_property
    def places(self) -> list[Address]:
        """All steps, and those that no page has a line for, such as ∂in_O1/∂out_h1 = w5."""
        author = self.reader
        lineless = (key for key in self.children if isinstance(key, Address))
        return list(
            dict.fromkeys([*self.order, *(k for k in lineless if author.formula(k) is not None)])
        )

    def first_lines(self, place: Key) -> frozenset[Address]:
        """The printed lines that see a step: itself, or others through unprinted steps."""
        if isinstance(place, Address) and place in self.shown:
            return frozenset({place})
        seen: set[Address] = set()
        stack, done = [place], {place}
        while stack:
            for child in self.children.get(stack.pop(), ()):
                if child in self.shown:
                    seen.add(child)
                elif child not in done:
                    done.add(child)
                    stack.append(child)
        return frozenset(seen)

    def depend(self, one: Key, two: Key) -> bool:
        """Whether one of two steps follows from the other, directly or not."""
        return two in self._after(one) or one in self._after(two)

    def _after(self, key: Key) -> set[Key]:
        stack, found = [key], set[Key]()
        while stack:
            new = set(self.children.get(stack.pop(), ())) - found
            found |= new
            stack += new
        return found

    def changed(self, author: Author, least: float = 0.0) -> set[Address] | None:
        """The printed lines that differ by more than `least` units; None if there is no number."""
        found = set()
        for key, right in self.right.items():
            if not _sound(author.number(key)):
                return None
            now = Printed.parse(author.text(key))
            if abs(now.value - right.value) > least * max(now.ulp, right.ulp):
                found.add(key)
        return found


def _parents(author: Author, key: Address) -> Iterator[Address]:
    formula = author.formula(key)
    return iter(()) if formula is None else refs(formula)


def _sound(value: float) -> bool:
    return isfinite(value) and (value == 0.0 or 1e-12 < abs(value) < 1e12)


@dataclass(frozen=True)
class Planted:
    """A page with mistakes in it.

    `wrong` are the formulas used, `kinds` the mistakes' names, `seen` for each of them the printed
    lines in which it first shows.
    """

    sheet: Sheet
    author: Author
    kinds: tuple[str, ...]
    seen: tuple[frozenset[Address], ...]
    wrong: Formulas = field(default_factory=dict)

    @property
    def page(self) -> Problem:
        """The hand calculation."""
        return self.author.page(self.sheet.order)


def planted(page: Sheet, wrong: Formulas, kinds: tuple[str, ...]) -> Planted | None:
    """Write the page with these formulas; None if it has no sound numbers."""
    author = page.author(wrong)
    changed, visible = page.changed(author), page.changed(author, VISIBLE)
    if changed is None or visible is None or author.is_circular:
        return None
    firsts = [page.first_lines(place) for place in wrong]
    seen = tuple(lines & changed if lines & visible else frozenset() for lines in firsts)
    return Planted(page, author, kinds, seen, wrong)


def draw_variant(
    rng: Random, page: Sheet, only: str = "", quantities: Collection[Quantity] | None = None
) -> tuple[Address, str, Variant] | None:
    """Draw a mistake of the table for a step of the page; `only` one kind, if one is named."""
    order = [k for k in page.order if quantities is None or k.quantity in quantities]
    if not order:
        return None
    quantity = rng.choice(sorted({key.quantity for key in order}))
    place = rng.choice([key for key in order if key.quantity is quantity])
    table = [
        (entry.name, variants)
        for entry in MISTAKES
        if only in ("", entry.name) and (variants := variants_at(page, place, entry))
    ]
    if not table:
        return None
    name, variants = rng.choice(table)
    return place, name, rng.choice(variants)


def variants_at(page: Sheet, place: Address, entry: Mistake) -> list[Variant]:
    """All ways to make one mistake at a step; unprinted paths of a hidden sum are written out."""
    if entry.variants is None:
        return []
    author = page.reader

    def path(key: object) -> Expr | None:
        assert isinstance(key, Address)
        of = key.of
        is_path = key.quantity is Q.D_OUT and of is not None and of.quantity is Q.E_K
        return author.formula(key) if is_path and key != place and key not in page.shown else None

    formula = author.formula(place)
    if formula is None:
        return []
    step = Step(page.problem, place, inline(formula, path), author.canon)
    return list(entry.variants(step))


def slipped(rng: Random, kind: str, text: str) -> str | None:
    """Make a slip in the digits behind the leading zeros."""
    places = [k for k, c in enumerate(text) if c.isdigit()]
    first = next((n for n, k in enumerate(places) if text[k] != "0"), None)
    if first is None or len(places) - first < 3:
        return None
    places = places[first:]
    k = rng.choice(places)
    if kind == "decimal-point":
        return f"{float(text) * 10 ** rng.choice((-2, -1, 1, 2)):.12f}".rstrip("0")
    if kind == "digit-wrong":
        return text[:k] + rng.choice([d for d in "0123456789" if d != text[k]]) + text[k + 1 :]
    if kind == "digit-dropped":
        return text[:k] + text[k + 1 :]
    if kind == "digit-doubled":
        return text[:k] + text[k] + text[k:]
    neighbours = [(a, b) for a, b in pairwise(places) if text[a] != text[b]]
    if not neighbours:
        return None
    a, b = rng.choice(neighbours)
    turned = list(text)
    turned[a], turned[b] = turned[b], turned[a]
    return "".join(turned)
