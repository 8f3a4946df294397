"""What a line would be if some numbers before it had been others."""

from __future__ import annotations

import pickle
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bptrace import engine
from bptrace.checks.claims import Judge
from bptrace.checks.findings import Instead
from bptrace.checks.graph import Key
from bptrace.checks.interval import FLOAT64, Interval, intervals, point
from bptrace.checks.page import Page
from bptrace.checks.sequence import Course
from bptrace.checks.worlds import Righted
from bptrace.testing.author import Style, shown
from bptrace.testing.planting import Sheet
from tests.quality.plant import problem

READING = intervals(FLOAT64)


def sparse_page() -> Page:
    """A page with unprinted steps of several updates, gone through to its end."""
    rng, style = Random(4), Style("final", 6)
    given = problem(rng, (2, 3, 2))
    given = replace(given, training=replace(given.training, steps=3))
    page = Sheet(given, style, shown(rng, given, style), 1)
    return Page(engine.run(page.author().page(page.order), engine="python"))


PAGE = sparse_page()
JUDGE = PAGE.judged().judge
LINES = [key for key in JUDGE.course.printed if key in JUDGE.graph.fast]


def recalculated(key: Key, others: dict[Key, Interval]) -> Interval:
    """The range of a formula, with every unprinted step that sees another number made anew."""
    dirty = {hidden for other in others for hidden in JUDGE.course.shadow(other)[0]}

    def look_up(k: Key) -> Interval:
        if k in others:
            return others[k]
        return READING.read(JUDGE.graph.fast[k], look_up) if k in dirty else JUDGE.box[k]

    return READING.read(JUDGE.graph.fast[key], look_up)


@given(st.data())
def test_other_numbers_give_what_all_steps_made_anew_give(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(LINES))
    some = data.draw(st.lists(st.sampled_from(LINES), max_size=4, unique=True))
    others = {k: point(JUDGE.graph.exact[k] + 0.125) for k in LINES}
    for roots in (some, some[:1], some):
        wanted = recalculated(key, {k: others[k] for k in roots})
        value = JUDGE.worlds.value(key, others, roots, "an eighth more")
        assert repr(value) == repr(wanted)
    either = {k: others[k].hull(JUDGE.box[k]) for k in some}
    lo, hi = JUDGE.worlds.either(key, either, some)
    assert lo <= wanted.lo
    assert wanted.hi <= hi


def test_other_numbers_are_forgotten_when_what_the_author_has_changes() -> None:
    some = LINES[:2]
    others = {k: point(JUDGE.graph.exact[k] + 0.125) for k in some}
    last = LINES[-1]
    before = JUDGE.worlds.value(last, others, some, "two")
    changes = 0
    for key in JUDGE.course.order:
        kept = JUDGE.box[key]
        JUDGE.had.set(key, point(kept.middle + 0.5))
        value = JUDGE.worlds.value(last, others, some, "two")
        assert value == recalculated(last, others)
        changes += value != before
        JUDGE.had.set(key, kept)
    assert changes  # some step counts


def righted_at_once(judge: Judge, others: dict[Key, Interval]) -> dict[Key, Interval]:
    """All that the author has, with every unprinted step behind the others made anew, in order."""
    box = judge.had.box | others
    hidden = {step for other in others for step in judge.course.shadow(other)[0]}
    for key in judge.course.order:
        if key in hidden and key in box:
            values = judge.reading.read(judge.graph.fast[key], box.__getitem__)
            box[key] = values if values != box[key] else box[key]
    return box


def changed(judge: Judge, box: dict[Key, Interval]) -> list[tuple[Key, float]]:
    order = [key for key in judge.course.order if key in box]
    return [(key, box[key].middle) for key in order if box[key] != judge.had.box[key]]


@given(st.data())
def test_numbers_put_right_when_they_are_read_are_those_put_right_at_once(
    data: st.DataObject,
) -> None:
    roots = data.draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=4, unique=True))
    others = {
        k: point(JUDGE.graph.exact[k] + data.draw(st.sampled_from([0, 0.125]))) for k in roots
    }
    wanted = righted_at_once(JUDGE, others)
    found = Righted(JUDGE.course, JUDGE.had, others)
    first = data.draw(st.lists(st.sampled_from(list(wanted)), max_size=3))
    for key in (*first, *wanted):
        assert repr(found.box[key]) == repr(wanted[key])
        assert repr(found.near[key]) == repr(wanted[key])
    numbers = {key: n for n, key in enumerate(wanted)}
    assert repr(found.all_near(numbers)) == repr([*wanted.values()])
    for line in LINES:
        value = READING.read(JUDGE.graph.fast[line], wanted.__getitem__)
        assert repr(found.now(line)) == repr(value)
    assert [*found.instead().items()] == changed(JUDGE, wanted)


def test_what_was_put_right_for_a_line_stays_as_it_was_then() -> None:
    judge = Judge(Course(PAGE.plain), PAGE.statements)
    order, place = judge.course.order, judge.course.place
    half = len(order) // 2
    for key in order[:half]:
        judge.had.set(key, point(judge.graph.exact[key]))
    roots = [key for key in order[:half] if key in judge.course.printed]
    root = max(roots, key=lambda key: sum(place[k] < half for k in judge.course.shadow(key)[0]))
    others = {root: point(judge.graph.exact[root] + 0.125)}
    wanted = changed(judge, righted_at_once(judge, others))
    assert len(wanted) > 3
    instead = [judge.worlds.righted(others, [root]).instead() for _ in range(2)]
    for key in order:  # he goes on, and what he had becomes something else, twice
        judge.had.set(key, point(judge.graph.exact[key] + 0.25))
        judge.had.set(key, point(judge.graph.exact[key] + 0.5))
        if key == order[half]:
            assert [*instead[0].items()] == wanted
    assert [*instead[1].items()] == wanted
    assert [*judge.worlds.righted(others, [root]).instead().items()] != wanted


def test_right_values_are_looked_up_only_where_lines_alone_do_not_tell() -> None:
    asked: list[str] = []

    def find(name: str, *keys: Key) -> dict[Key, float]:
        asked.append(name)
        return dict.fromkeys(keys, 0.5)

    a, b, hidden = LINES[0], LINES[1], JUDGE.course.order[-1]
    one = Instead({a: 0.5}, lambda: find("one", a, hidden))
    two = Instead({b: 0.5}, lambda: find("two", b, hidden))
    same = Instead({a: 0.25}, lambda: find("same", a, hidden))
    less = Instead({a: 0.25}, lambda: find("less", a))
    assert one.has_keys_of(one)
    assert not one.has_keys_of(two)
    assert bool(one)
    assert not asked
    assert one.has_keys_of(same)
    assert not one.has_keys_of(less)
    assert sorted(asked) == ["less", "one", "same"]
    again = pickle.loads(pickle.dumps(one))
    assert (again.lines, dict(again)) == (one.lines, dict(one))
    assert not Instead({}, dict)
