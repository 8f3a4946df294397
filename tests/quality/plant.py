"""Mistakes planted into hand calculations: by the table of mistakes, and as slips of copying.

Every function here draws until the mistake changes a printed digit by more than `VISIBLE` units:
what changes less nobody can see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from math import isfinite
from random import Random

from bptrace.address import AFTER, CORRECTED, Address, Quantity
from bptrace.checks.conventions import Hypothesis, conventions
from bptrace.checks.findings import kind_of, likeness
from bptrace.checks.graph import Key
from bptrace.checks.mistakes import MISTAKES, Mistake, Step, Variant
from bptrace.maths.expr import Expr, inline, refs
from bptrace.model import Problem
from bptrace.printed import Printed
from tests.quality.pages import WIDTHS, Author, Style, any_problem, problem, shown, steps, twin

Q = Quantity
VISIBLE = 1.9
TWINS = 2
NAMES = tuple(entry.name for entry in MISTAKES if entry.variants is not None)
SLIPS = (
    "digit-swap", "digit-wrong", "digit-dropped", "digit-doubled", "decimal-point", "swapped",
    "copied",
)  # fmt: skip
"""Slips of copying, by the name that the table gives them."""

UPDATES = frozenset({*AFTER.values(), *CORRECTED.values(), Q.ETA, Q.STEP_W, Q.STEP_B})
"""What is calculated in an update."""

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
        return Author(
            self.problem, self.style, Random(self.seed), self.shown, wrong or {}, slips or {}
        )

    @cached_property
    def right(self) -> dict[Address, Printed]:
        """The page without mistakes."""
        author = self.author()
        return {key: Printed.parse(author.text(key)) for key in self.order if key in self.shown}

    @cached_property
    def twins(self) -> tuple[Problem, ...]:
        """The same network with other numbers."""
        rng = Random(self.seed + 1)
        return tuple(twin(rng, self.problem) for _ in range(TWINS))

    @cached_property
    def children(self) -> dict[Key, list[Address]]:
        """What is calculated from each quantity, in one step."""
        author = Author(self.problem, None, Random(0), self.shown)
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

    def first_lines(self, place: Key) -> frozenset[Address]:
        """The printed lines that see a step: itself, or others through unprinted steps."""
        if place in self.shown:
            return frozenset({place})  # type: ignore[arg-type]
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

    def is_same(self, wrong: Formulas, planted: Formulas) -> bool:
        """Whether two mistakes make the same page whatever the numbers of the network are."""
        return all(
            _alike(self._numbers(twin, wrong), self._numbers(twin, planted))
            for twin in self.sheet.twins
        )

    def _numbers(self, given: Problem, wrong: Formulas) -> list[float]:
        author = Author(given, None, Random(0), self.sheet.shown, wrong)
        return [author.number(key) for key in self.sheet.order if key in self.sheet.shown]


def _alike(one: list[float], two: list[float]) -> bool:
    return all(abs(a - b) <= 1e-9 * max(abs(a), abs(b)) for a, b in zip(one, two, strict=True))


# --------------------------------------------------------------------------------------- drawing

Drawing = Callable[[Random, Style], Planted | None]


def carrying(style: Style, carried: str) -> Style:
    """Return a style with another way of carrying numbers on."""
    return replace(style, carried=carried)


def sheet(rng: Random, style: Style, widths: tuple[int, ...] | None = None) -> Sheet:
    """Draw a problem to be printed in a given style."""
    given = problem(rng, widths)
    return Sheet(given, style, shown(rng, given, style), rng.getrandbits(30))


def until_visible(draw: Callable[[], Planted | None]) -> tuple[Planted, int]:
    """Draw until a mistake can be seen; return it with the number of those that could not."""
    unseen = 0
    while True:
        planted = draw()
        if planted is None:
            continue
        if all(planted.seen):
            return planted, unseen
        unseen += 1


def single(rng: Random, style: Style, only: str = "") -> Planted | None:
    """Draw one mistake: a quantity, a place, a kind (or the `only` one), an instance, uniformly."""
    page = sheet(rng, style)
    drawn = draw_variant(rng, page, only)
    if drawn is None:
        return None
    place, name, variant = drawn
    return planted(page, {place: variant.expr}, (name,))


def in_update(rng: Random, style: Style) -> Planted | None:
    """Draw one mistake in an update, by any rule, over several updates."""
    given = any_problem(rng)
    style = replace(style, deltas=rng.random() < 0.4)
    page = Sheet(given, style, shown(rng, given, style), rng.getrandbits(30))
    if not page.author().is_sound(page.order):
        return None
    drawn = draw_variant(rng, page, quantities=UPDATES)
    if drawn is None:
        return None
    place, name, variant = drawn
    made = planted(page, {place: variant.expr}, (name,))
    return made if made is not None and made.author.is_sound(page.order) else None


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
    author = Author(page.problem, None, Random(0), page.shown)

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


def two(rng: Random, style: Style) -> Planted | None:
    """Draw two mistakes in different steps, neither of which hides behind the other."""
    page = sheet(rng, style)
    drawn = [draw_variant(rng, page) for _ in range(2)]
    if None in drawn:
        return None
    (a, kind_a, x), (b, kind_b, y) = drawn  # type: ignore[misc]
    first, second = page.first_lines(a), page.first_lines(b)
    if a == b or first & second:
        return None
    return planted(page, {a: x.expr, b: y.expr}, (kind_a, kind_b))


def pair(rng: Random, style: Style) -> Planted | None:
    """Draw two mistakes in one formula."""
    page = sheet(rng, style)
    drawn = draw_variant(rng, page)
    if drawn is None:
        return None
    place, kind, variant = drawn
    author = Author(page.problem, None, Random(0))
    step = Step(page.problem, place, variant.expr, author.canon)
    entry = rng.choice([e for e in MISTAKES if e.variants is not None])
    again = list(entry.variants(step)) if entry.variants is not None else []
    if not again or entry.name == kind:
        return None
    second = rng.choice(again)
    alone = {place: author.formula(place)}
    made = planted(page, {place: second.expr}, (kind, entry.name))
    if made is None or _as_good_as_one(made, place, (variant.expr, alone[place])):
        return None
    return made


def _as_good_as_one(made: Planted, place: Address, others: tuple[Expr | None, ...]) -> bool:
    """Whether a pair is the same as one of its halves, as another single mistake, or as none."""
    candidates = [expr for expr in others if expr is not None]
    for entry in MISTAKES:
        candidates += [v.expr for v in variants_at(made.sheet, place, entry)]
    return any(made.is_same({place: expr}, made.wrong) for expr in candidates)


def everywhere(rng: Random, style: Style) -> Planted | None:
    """Draw a mistake that is made at every step of its kind, and shows at two lines at least."""
    page = sheet(rng, style)
    drawn = draw_variant(rng, page)
    if drawn is None:
        return None
    origin, name, variant = drawn
    like = likeness(name, variant.wording, origin, variant.fields)
    wrong: dict[Key, Expr] = {}
    for key in page.order:
        if kind_of(key) != kind_of(origin):
            continue
        for other in variants_at(page, key, MISTAKES.get(name)):
            if likeness(name, other.wording, key, other.fields) == like:
                wrong[key] = other.expr
                break
    made = planted(page, wrong, (name,))
    if made is None or sum(bool(seen) for seen in made.seen) < 2:
        return None
    return replace(made, seen=tuple(seen for seen in made.seen if seen))


def convention(rng: Random, style: Style) -> Planted | None:
    """Draw a page on which the author follows another convention, seen at two lines at least."""
    page = sheet(rng, style)
    hypothesis = rng.choice(list(conventions(page.problem)))
    made = _flipped(page, hypothesis) if hypothesis.flip else _rewritten(page, hypothesis)
    if made is None or len({line for seen in made.seen for line in seen}) < 2:
        return None
    return replace(made, seen=tuple(seen for seen in made.seen if seen))


def _rewritten(page: Sheet, hypothesis: Hypothesis) -> Planted | None:
    author = Author(page.problem, None, Random(0))
    assert hypothesis.rewrite is not None
    wrong = {
        key: new
        for key in page.order
        if (old := author.formula(key)) and (new := hypothesis.rewrite(key, old)) != old
    }
    return planted(page, wrong, (hypothesis.name,))


def _flipped(page: Sheet, hypothesis: Hypothesis) -> Planted | None:
    turned = [k for k in page.right if k.quantity is Q.D_IN and k.of is None]
    turned = [k for k in turned if page.right[k].value]
    slips = {k: (_negative(page.right[k].text), False) for k in turned}
    seen = tuple(frozenset({key}) for key in turned)
    return Planted(page, page.author(slips=slips), (hypothesis.name,), seen)


def _negative(text: str) -> str:
    return text[1:] if text.startswith("-") else f"-{text}"


# ------------------------------------------------------------------------------ wrong copies


def foreign(rng: Random, style: Style, near: bool) -> Planted | None:
    """Draw a number that no mistake of the table made, near the right one or far from it."""
    page = sheet(rng, style)
    key = rng.choice(list(page.right) or [None])
    if key is None or not page.right[key].value:
        return None
    factor = rng.uniform(0.7, 1.3) if near else rng.choice((-1, 1)) * 10 ** rng.uniform(-1, 1)
    text = style.write(page.right[key].value * factor * (1 + rng.random() * 1e-3))
    return _copied(page, {key: (text, True)}, "foreign")


def slip(rng: Random, style: Style, kind: str, used: bool | None = None) -> Planted | None:
    """Draw a slip of copying of a given kind; `used`: whether the author goes on with it."""
    page = sheet(rng, style)
    lines = [k for k in page.right if page.right[k].significant >= 3]
    if len(lines) < 2:
        return None
    key, other = rng.sample(lines, 2)
    goes_on = rng.random() < 0.7 if used is None else used
    if kind in ("swapped", "copied"):
        return _of_lines(page, kind, key, other, goes_on)
    text = _slipped(rng, kind, page.right[key].text)
    return None if text is None else _copied(page, {key: (text, goes_on)}, kind)


def _of_lines(page: Sheet, kind: str, one: Address, two: Address, used: bool) -> Planted | None:
    """Another line's number; lines that follow from one another are not interchanged."""
    if kind == "copied" and page.order.index(two) > page.order.index(one):
        return None  # what stands further down may not be the same any more
    texts = {one: (page.right[two].text, used)}
    if kind == "swapped":
        if one.quantity is not two.quantity or one == two or page.depend(one, two):
            return None
        if one.layer != two.layer:
            return None
        texts[two] = (page.right[one].text, used)
    return _copied(page, texts, kind)


def _copied(page: Sheet, texts: dict[Key, tuple[str, bool]], kind: str) -> Planted | None:
    author = page.author(slips=texts)
    if page.changed(author) is None:
        return None
    for key, (text, _) in texts.items():
        right, now = page.right[key], Printed.parse(text)  # type: ignore[index]
        if abs(right.value - now.value) <= VISIBLE * max(right.ulp, now.ulp):
            return None
    seen = (frozenset(texts),) if kind == "swapped" else tuple(frozenset({k}) for k in texts)
    return Planted(page, author, (kind,), seen)  # type: ignore[arg-type]


def _slipped(rng: Random, kind: str, text: str) -> str | None:
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


def every_variant(rng: Random) -> Iterator[tuple[Sheet, Address, Mistake, Variant]]:
    """Yield every mistake at every step of one small random network."""
    page = sheet(rng, Style(), rng.choice(WIDTHS[:2]))
    for place in page.order:
        for entry in MISTAKES:
            for variant in variants_at(page, place, entry):
                yield page, place, entry, variant
