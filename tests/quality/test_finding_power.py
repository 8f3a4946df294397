"""Planted mistakes are found, located and named; correct pages are left in peace.

A short, seeded version of ``python -m benchmarks.quality``; `pytest --slow` measures more. A row
fails if it would do as badly once in a thousand draws or less, were it as good as what is demanded.
"""

from __future__ import annotations

import pytest
from effort import fewer

from bptrace.printed import Printed
from bptrace.testing.author import Style
from tests.quality.measure import false_alarms
from tests.quality.table import Row, table

ROWS = list(table())
FAST = list(
    {
        r.title: r for r in ROWS if r.digits == 4 and r.title != "two mistakes in one formula"
    }.values()
)
"""One row of each table, at four digits."""

LONG = "a mistake in an update"
"""Pages of several updates: one takes half a second."""

RARE = 1e-3
"""About 100 rows are tested, each with its seed: one accident in ten versions of the table."""


def assert_reaches(row: Row, cases: int) -> None:
    found = row.measure(cases)
    for what in (*row.least, *row.most):
        assert row.chance(found, what) > RARE, (what, found[what])


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, marks=[pytest.mark.ci] * (row.title == LONG), id=row.name) for row in FAST],
)
def test_a_few_of_every_kind(row: Row) -> None:
    assert_reaches(row, fewer(4, 10))


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_many_of_every_kind(row: Row) -> None:
    assert_reaches(row, 60)


def test_no_false_alarm() -> None:
    least = fewer(1_000, 5_000)
    pages, lines, alarms = false_alarms(least, seed=20)
    assert (pages > least // 200, lines >= least, alarms) == (True, True, [])


@pytest.mark.slow
def test_no_false_alarm_in_many_lines() -> None:
    assert not false_alarms(100_000, seed=21)[2]


@pytest.mark.parametrize(
    ("style", "value", "text"),
    [
        (Style(digits=3), 0.0818233, "0.0818"),
        (Style(digits=3, cut=True), 0.0818999, "0.0818"),
        (Style(digits=3, significant=False), -0.0186, "-0.019"),
        (Style(digits=4), 0.6, "0.6"),
        (Style(digits=4), 0.1 * 3, "0.3"),
        (Style(digits=4), 0.0, "0"),
        (Style(digits=2, significant=False), 0.001, "0.00"),
        (Style(digits=2), 123.4, "120"),
    ],
)
def test_the_author_writes_as_people_do(style: Style, value: float, text: str) -> None:
    assert style.write(value) == text
    assert abs(Printed.parse(text).value - value) <= 5 * Printed.parse(text).ulp
