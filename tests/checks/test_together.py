"""Formulas that are read together, and what is kept of a page: the same as read one by one."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace import engine, io
from bptrace.address import Address, Quantity
from bptrace.checks.claims import Judge
from bptrace.checks.graph import Graph, Key
from bptrace.checks.interval import Interval, intervals, point, tightened
from bptrace.checks.page import Page, check
from bptrace.checks.sequence import Course
from bptrace.checks.together import Together
from bptrace.maths.expr import HALF, ONE, SCALARS, TWO, Expr, Num, Op, Ref, add, div, mul, sub

READING = intervals()
KEYS = [Address(Quantity.OUT, 1, j) for j in (1, 2, 3)]
LEAVES = st.sampled_from([Ref(key) for key in KEYS] + [ONE, TWO, HALF, Num(0.0), Num(-0.0)])


def operations(inside: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Every operation of the table, and those that become one when they are tightened."""
    pairs = st.tuples(inside, inside)
    every = [
        st.tuples(*[inside] * f.__code__.co_argcount).map(lambda args, n=name: Op(n, args))
        for name, f in SCALARS.items()
    ]
    tight = [
        inside.map(lambda x: mul(x, sub(ONE, x))),
        inside.map(lambda x: mul(x, sub(ONE, x, role="slope"), role="slope")),
        pairs.map(lambda xy: div(xy[0], add(*xy))),
        pairs.map(lambda xy: div(xy[0], add(xy[1], xy[0], ONE), role="portion")),
    ]
    return st.one_of(*every, *tight)


FORMULAS = st.recursive(LEAVES, operations, max_leaves=8)
RANGES = st.tuples(st.floats(-9.0, 9.0), st.sampled_from([0.0, 1e-3, 2.0])).map(
    lambda drawn: Interval(drawn[0], drawn[0] + drawn[1])
)


@given(
    st.lists(FORMULAS, min_size=1, max_size=4),
    st.lists(st.tuples(RANGES, RANGES, RANGES), min_size=1, max_size=3),
    st.sampled_from(KEYS),
    RANGES,
)
def test_formulas_give_what_each_gives_alone(
    formulas: list[Expr],
    rounds: list[tuple[Interval, ...]],
    moving: Address,
    number: Interval,
) -> None:
    together = Together(READING)
    places = [together.add(formula) for formula in formulas]
    at = [together.at(moving, p) for p in places] if moving in together.keys else []
    for ranges in rounds:  # the second time, some have changed and some have not
        values = dict(zip(KEYS, ranges, strict=True))
        read = together.read([values[key] for key in together.keys])  # type: ignore[index]
        for k, (place, formula) in enumerate(zip(places, formulas, strict=True)):
            alone = tightened(formula)
            assert repr(read[place]) == repr(READING.read(alone, values.__getitem__))
            if at:
                moved = {**values, moving: number}
                assert repr(at[k](number)) == repr(READING.read(alone, moved.__getitem__))


def test_what_has_not_changed_is_not_read_again() -> None:
    count = 0

    def counted(*args: Interval) -> Interval:
        nonlocal count
        count += 1
        return READING.rules["mul"](*args)

    reading = READING._replace(rules={**READING.rules, "mul": counted})
    one, two, three = map(Ref, KEYS)
    together = Together(reading)
    for formula in (add(mul(one, two), three), add(mul(two, three), mul(one, two))):
        together.add(formula)
    numbers = [point(float(k)) for k in range(3)]
    together.read(numbers)
    assert count == 2  # one·two is there twice
    together.read([*numbers[:2], point(9.0)])
    assert count == 3
    together.read([point(0.0), numbers[1], point(9.0)])
    assert count == 3


PAGE = Page(engine.run(io.load("lh25-2020"), engine="python"))


def seen_one_by_one(graph: Graph, printed: set[Key], key: Key) -> set[Key]:
    return {
        other for other in (*graph.given, *graph.order) if key in seers(graph, printed, other, True)
    }


def seers(graph: Graph, printed: set[Key], key: Key, is_first: bool = False) -> set[Key]:
    """The nodes that see a node, itself among them but at first."""
    found = set() if is_first else {key}
    if is_first or key not in printed:
        for child in graph.children[key]:
            found |= seers(graph, printed, child)
    return found


def test_what_a_line_sees_has_it_in_its_shadow() -> None:
    course, printed = Course(PAGE.plain), set(PAGE.plain.targets)
    some = 0
    for key in PAGE.plain.order:
        lines = course.keys(course.seen_bits(key))
        assert lines == seen_one_by_one(PAGE.plain, printed, key) & printed
        assert lines == {line for line in printed if course.sees(key, line)}
        hidden, lines = course.shadow(key)
        assert hidden | lines == seers(PAGE.plain, printed, key, True)
        some += bool(hidden)
    assert some > 3  # the page leaves steps out


@pytest.mark.parametrize("name", ["lh25-2020", "mazur-dkelsh"])
def test_what_a_line_would_be_is_known_anew_when_a_number_changes(name: str) -> None:
    page = Page(engine.run(io.load(name), engine="python"))
    judge = Judge(Course(page.plain), page.statements)
    keys = [key for key in judge.course.printed if key in judge.graph.fast]
    last = keys[-1]
    ready = 0
    for key in judge.course.order:
        before = judge.numbers.now(last)
        for line in keys:
            if judge.numbers.is_ready(line):
                ready += 1
                assert judge.numbers.now(line) == judge.value(judge.graph.fast[line])
        judge.had.set(key, point(judge.graph.exact[key] + 0.25))
        if key in judge.graph.parents[last]:
            assert judge.numbers.now(last) != before
    assert ready > len(keys)


def test_the_collector_is_left_as_it_was() -> None:
    before = gc.get_threshold()
    try:
        for threshold in ((700, 10, 10), (0, 10, 10), (90_000, 5, 5)):
            gc.set_threshold(*threshold)
            check(PAGE.trace)
            assert gc.get_threshold() == threshold
    finally:
        gc.set_threshold(*before)
