"""Mistakes planted into hand calculations: by the table of mistakes, and as slips of copying.

Every function here draws until the mistake changes a printed digit by more than `VISIBLE` units:
what changes less nobody can see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random

from bptrace.address import AFTER, CORRECTED, Address, Quantity
from bptrace.checks.conventions import Hypothesis, conventions
from bptrace.checks.findings import kind_of, likeness
from bptrace.checks.graph import Key
from bptrace.checks.mistakes import MISTAKES, Mistake, Step, Variant
from bptrace.maths.expr import Expr
from bptrace.model import Problem
from bptrace.printed import Printed
from bptrace.testing.author import Author, Style
from bptrace.testing.planting import (
    VISIBLE,
    Formulas,
    Planted,
    Sheet,
    draw_variant,
    planted,
    slipped,
    variants_at,
)
from tests.quality.pages import WIDTHS, any_problem, problem, shown, twin

Q = Quantity
TWINS = 2
NAMES = tuple(entry.name for entry in MISTAKES if entry.variants is not None)
UPDATES = frozenset({*AFTER.values(), *CORRECTED.values(), Q.ETA, Q.STEP_W, Q.STEP_B})
"""What is calculated in an update."""


def is_same(made: Planted, wrong: Formulas, planted: Formulas) -> bool:
    """Whether two mistakes make the same page whatever the numbers of the network are."""
    return all(
        _alike(_numbers(made.sheet, given, wrong), _numbers(made.sheet, given, planted))
        for given in _twins(made.sheet)
    )


@lru_cache(maxsize=16)
def _twins(page: Sheet) -> tuple[Problem, ...]:
    """The same network with other numbers."""
    rng = Random(page.seed + 1)
    return tuple(twin(rng, page.problem) for _ in range(TWINS))


def _numbers(page: Sheet, given: Problem, wrong: Formulas) -> list[float]:
    author = Author(given, None, Random(0), page.shown, wrong)
    return [author.number(key) for key in page.order if key in page.shown]


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
    return any(is_same(made, {place: expr}, made.wrong) for expr in candidates)


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
    text = slipped(rng, kind, page.right[key].text)
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


def every_variant(rng: Random) -> Iterator[tuple[Sheet, Address, Mistake, Variant]]:
    """Yield every mistake at every step of one small random network."""
    page = sheet(rng, Style(), rng.choice(WIDTHS[:2]))
    for place in page.order:
        for entry in MISTAKES:
            for variant in variants_at(page, place, entry):
                yield page, place, entry, variant
