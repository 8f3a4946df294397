"""Printed numbers by their size, and what follows from what: the same as if all were looked at."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bptrace import engine, io
from bptrace.checks.fit import fit
from bptrace.checks.graph import Graph, Key
from bptrace.checks.interval import Interval
from bptrace.checks.lines import Statement
from bptrace.checks.page import Page
from bptrace.checks.prints import Prints
from bptrace.printed import Printed

PAGE = Page(engine.run(io.load("lh25-2020"), engine="python"))
GRAPH = PAGE.plain
NUMBERS = ("0.4", "0.40", "0.41", "0.45", "-0.4", "-0.0", "0", "1", "0.399", "4e-1", "12")


@st.composite
def pages(draw: st.DrawFn) -> list[Statement]:
    """Draw a page of numbers that are all near one another, some about the same node."""
    found = []
    for statement in draw(st.lists(st.sampled_from(PAGE.statements), min_size=1)):
        printed = Printed.parse(draw(st.sampled_from(NUMBERS)))
        claim = replace(statement.claim, exact=draw(st.booleans()))
        sign = draw(st.sampled_from([1, -1]))
        found.append(statement._replace(claim=claim, sign=sign, printed=printed))
    return found


def descendants(graph: Graph, key: Key) -> set[Key]:
    found: set[Key] = set()
    stack = [key]
    while stack:
        new = set(graph.children[stack.pop()]) - found
        found |= new
        stack += new
    return found


def fits(values: Interval, statement: Statement) -> bool:
    turned = values if statement.sign > 0 else -values
    return fit(turned, statement.printed, statement.claim.exact) is not None


@given(page=pages(), middle=st.sampled_from([0.4, -0.4, 0.0, 0.385, 11.0]), data=st.data())
def test_no_number_that_may_stand_there_is_missing(
    page: list[Statement], middle: float, data: st.DataObject
) -> None:
    half = data.draw(st.sampled_from([0.0, 0.01, 0.5, float("inf")]))
    number = data.draw(st.sampled_from(page))
    printed = number.sign * number.printed.value
    values = Interval(middle - half, middle + half)
    found = Prints(GRAPH, page).like(printed, values)
    expected = [s for s in page if s.sign * s.printed.value == printed or fits(values, s)]
    assert [s for s in found if s in expected] == expected


@given(page=pages(), data=st.data())
def test_the_numbers_before_a_node_are_counted(page: list[Statement], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(page)).key
    later = descendants(GRAPH, key)
    expected = sum(s.key != key and s.key not in later for s in page)
    assert Prints(GRAPH, page).count(key, GRAPH.after(key)) == expected


def test_what_follows_from_each_node() -> None:
    nodes = [*GRAPH.given, *GRAPH.order]
    for key in nodes:
        after, later = GRAPH.after(key), descendants(GRAPH, key)
        assert {node for node in nodes if node in after} == later
    assert "no node" not in GRAPH.after(nodes[0])
    assert nodes[0] not in GRAPH.after("no node")  # type: ignore[arg-type]  # nothing follows
