"""What must hold on every page, whatever its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from effort import dear
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bptrace import engine
from bptrace.address import Quantity
from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval, intervals, point
from bptrace.checks.page import check
from bptrace.checks.report import Report
from bptrace.maths.expr import FLOATS
from bptrace.model import Claim, Layer, Network, Problem
from bptrace.testing.author import Author, Style, shown, steps
from bptrace.testing.planting import Planted
from tests.quality.pages import any_style, problem
from tests.quality.plant import every_variant, sheet, single, until_visible

SEEDS = st.integers(0, 10**6)
GOOD = {"right", "rounding"}


def judged(page: Problem) -> Report:
    return check(engine.run(page, engine="python"))


def verdicts(report: Report) -> list[str]:
    return [verdict.verdict for verdict in report.verdicts]


def planted(seed: int) -> Planted:
    rng = Random(seed)
    printed = rng.choice(("all steps", "textbook"))
    return until_visible(lambda: single(rng, Style(printed, rng.choice((3, 4, 6)))))[0]


@dear(10)
@given(SEEDS)
def test_a_correct_page_is_never_wrong(seed: int) -> None:
    rng = Random(seed)
    given_, style = problem(rng, several=True), any_style(rng)
    page = Author(given_, style, rng, shown(rng, given_, style)).page(steps(given_))
    assert set(verdicts(judged(page))) <= GOOD


@dear(10)
@given(SEEDS)
def test_a_true_number_more_makes_no_other_wrong(seed: int) -> None:
    """A hidden step that is printed after all, with all its digits, only narrows what is open."""
    rng = Random(seed)
    style = Style(rng.choice(("textbook", "sparse")), rng.randint(3, 8), carried="unrounded")
    page = sheet(rng, style)
    author = page.author()
    hidden = rng.choice([key for key in page.order if key not in page.shown])
    more = replace(page, shown=page.shown | {hidden})
    assert author.page(page.order).claims
    assert set(verdicts(judged(more.author().page(page.order)))) <= GOOD


@dear(5)
@given(SEEDS)
def test_names_change_no_verdict(seed: int) -> None:
    page = planted(seed).page
    renamed = replace(page, network=_renamed(page.network))
    assert verdicts(judged(page)) == verdicts(judged(renamed))


def _renamed(network: Network) -> Network:
    def other(l: int, layer: Layer) -> Layer:
        return replace(layer, names=tuple(f"unit{l}_{j}" for j in range(layer.size)))

    return replace(network, layers=tuple(other(l, x) for l, x in enumerate(network.layers)))


@dear(5)
@given(SEEDS)
def test_the_dialect_changes_no_verdict(seed: int) -> None:
    page = planted(seed).page
    assert verdicts(judged(page)) == verdicts(judged(replace(page, dialect="nielsen")))


@dear(5)
@given(SEEDS)
def test_the_order_of_independent_claims_changes_no_verdict(seed: int) -> None:
    """All claims about one kind of quantity of one layer are turned round."""
    page = planted(seed).page
    kind = Random(seed).choice(page.claims).quantity.split("[")[0]
    same = [k for k, claim in enumerate(page.claims) if _kind(claim) == kind]
    order = list(range(len(page.claims)))
    for k, other in zip(same, reversed(same), strict=True):
        order[k] = other
    turned = replace(page, claims=tuple(page.claims[k] for k in order))
    before = judged(page)
    after = {v.claim: v.verdict for v in judged(turned).verdicts}
    assert all(after[v.claim] == v.verdict for v in before.verdicts)


def _kind(claim: Claim) -> str:
    return claim.quantity.split("[")[0]


@settings(max_examples=3)  # some 500 mistakes each
@given(SEEDS)
def test_every_mistake_is_accepted_by_its_own_formula(seed: int) -> None:
    """The interval of a mutated formula holds the number that it gives."""
    reading = intervals()
    author = None
    for page, _, mistake, variant in every_variant(Random(seed)):
        author = author or page.author()
        value = FLOATS.read(variant.expr, author.number)
        found = reading.read(variant.expr, _points(author))
        assert found.lo <= value <= found.hi or value != value, (mistake.name, variant)


def _points(author: Author) -> Callable[[Key], Interval]:
    return lambda key: point(author.number(key))


@dear(5)
@given(SEEDS)
def test_a_planted_mistake_is_seen_where_it_was_made(seed: int) -> None:
    page = planted(seed)
    first = judged(page.page).first_mistake
    assume(first is not None)  # few digits may hide it: how often is measured in tests/quality
    assert first is not None
    assert first.key in page.seen[0]
    assert isinstance(first.key.quantity, Quantity)  # type: ignore[union-attr]
