"""How causes are searched for: with the author's numbers, with right ones, once and again."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from math import isfinite
from random import Random

import pytest

import bptrace
from bptrace import engine
from bptrace.address import Address, Quantity
from bptrace.checks import readings
from bptrace.checks.conventions import conventions
from bptrace.checks.description import TooLong
from bptrace.checks.page import Page, check
from bptrace.checks.search import Memory
from bptrace.maths.expr import TWO, Op, Ref, mul
from bptrace.model import Problem
from bptrace.testing.author import Style
from tests.quality.plant import convention, everywhere, sheet, two, until_visible

Q = Quantity


def pages(draw: object, count: int, digits: int = 6) -> Iterator[Problem]:
    rng = Random(17)
    for _ in range(count):
        yield until_visible(lambda: draw(rng, Style("textbook", digits)))[0].page  # type: ignore[operator]


def behind_a_misprint() -> Problem:
    """δ of h3 is misprinted; ∂E/∂w, made with the right δ, has twice its value."""
    page = sheet(Random(6), Style("all steps", 6), (2, 3, 1))
    delta = next(k for k in page.order if k[:3] == (Q.D_IN, 1, 3) and k.of is None)
    weight = next(k for k in page.order if k[:4] == (Q.D_W, 1, 3, 2) and k.of is None)
    formula = page.author().formula(weight)
    assert formula is not None
    digits = page.right[delta].text
    slip = digits[:-3] + digits[-2] + digits[-3] + digits[-1]
    assert slip != digits
    return page.author({weight: mul(TWO, formula)}, {delta: (slip, False)}).page(page.order)


def test_a_mistake_behind_a_misprint_is_named() -> None:
    report = check(engine.run(behind_a_misprint(), engine="python"))
    first, second = report.wrong
    assert [first.mistake, second.mistake] == ["digit-swap", "constant"]
    assert first.is_misprint
    assert second.key in first.unused
    assert report.mistakes[0].is_misprint
    assert not report.mistakes[1].is_misprint
    best = second.finding.best  # type: ignore[union-attr]
    assert first.key in best.instead
    assert abs(second.expected - second.exact) <= abs(second.exact) * 1e-4


def test_what_was_found_is_found_again_without_a_search() -> None:
    for problem in pages(two, 4):
        page = Page(engine.run(problem, engine="python"))
        once = page.judged()
        again = page.judged()
        page._memory = Memory()
        anew = page.judged()
        for a, b, c in zip(once.lines, again.lines, anew.lines, strict=True):
            assert a.finding == b.finding == c.finding
            assert a.verdict == b.verdict == c.verdict


@pytest.mark.ci
@pytest.mark.parametrize("draw", [everywhere, convention, two])
def test_giving_up_loses_no_reading(draw: object) -> None:
    """The best reading is the best of all that are explained to the end, whatever they cost."""
    for problem in pages(draw, 3, 4):
        page = Page(engine.run(problem, engine="python"))
        plain = page.judged()
        wrong = [line for line in plain.lines if line.verdict == "wrong"]
        bits = {plain.bits, *(page.judged(h).bits for h in readings._promising(page, plain, wrong))}
        assert readings.best(page, plain).bits == min(bits)


def test_two_losses_are_two_readings_of_the_same_steps() -> None:
    """All losses change E and ∂E/∂out; the first one must not hide the others."""
    page = sheet(
        Random(2), Style("all steps", 6), (2, 2, 2)
    )  # sigmoid outputs, targets inside (0, 1)
    for hypothesis in conventions(page.problem):
        if not hypothesis.name.startswith("loss:") or hypothesis.rewrite is None:
            continue
        author = page.author()
        wrong = {
            key: new
            for key in page.order
            if (old := author.formula(key)) and (new := hypothesis.rewrite(key, old)) != old
        }
        author = page.author(wrong)
        if not all(isfinite(author.number(key)) for key in page.order):
            continue
        found = Page(engine.run(author.page(page.order), engine="python"))
        plain = found.judged()
        best = readings.best(found, plain)
        assert best.bits <= hypothesis.bits, hypothesis.name


def test_a_limit_is_a_limit() -> None:
    page = Page(engine.run(behind_a_misprint(), engine="python"))
    bits = page.judged().bits
    with pytest.raises(TooLong):
        page.judged(limit=3.0)
    assert page.judged(limit=bits + 1.0).bits == bits


def test_reports_can_be_sent_to_another_process() -> None:
    problem = next(pages(convention, 1))
    report = bptrace.check(problem)
    assert report.reading is not None
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert "text/html" in report._repr_mimebundle_()
    assert list(again._repr_mimebundle_()) == ["text/plain"]
    assert hash(again.verdicts[0].key) == hash(report.verdicts[0].key)


def test_addresses_are_equal_after_a_copy() -> None:
    address = Address(Q.D_OUT, 1, 2, of=Address(Q.E_K, 0, 1))
    assert {pickle.loads(pickle.dumps(address))} == {address}
    assert Op("neg", (Ref(address),)) == pickle.loads(pickle.dumps(Op("neg", (Ref(address),))))


def test_a_slip_in_a_number_without_more_digits_is_named() -> None:
    """Parameters of two digits: net inputs of h have four where the page has ten."""
    found = 0
    for seed in range(12):
        page = sheet(Random(seed), Style("all steps", 10), (2, 3, 2))
        key = next(k for k in page.order if k[:3] == (Q.IN, 1, 2))
        digits = page.right[key].text.lstrip("-")
        if not 5 <= len(digits) <= 7 or digits[2] == "0":
            continue  # zeros at the end, or in front, belong to other slips
        other = int(digits[2]) + (-3 if digits[2] > "3" else 3)
        slip = page.right[key].text.replace(f".{digits[2]}", f".{other}", 1)
        problem = page.author(slips={key: (slip, False)}).page(page.order)
        (line,) = check(engine.run(problem, engine="python")).wrong
        assert (line.key, line.mistake) == (key, "digit-wrong")
        found += 1
    assert found > 4
