"""Counters of instructions: what they print is understood, also that they cannot count."""

from __future__ import annotations

import pytest
from counters import PERF, UNSUPPORTED, VALGRIND, Fake

from benchmarks import counts
from benchmarks.counts import COUNTERS

PERF_TOOL, VALGRIND_TOOL = COUNTERS


def quietly(words: list[str]) -> None:
    """Run nothing."""


def test_what_perf_writes() -> None:
    text = "# started on\n\n12345,,instructions:u,1000,100.00,,\n"
    assert PERF_TOOL.read(text.splitlines()) == 12345.0


def test_two_kinds_of_cores() -> None:
    """Each has a line of its own, and one on which nothing ran has no number."""
    both = ["1000,,cpu_atom/instructions:u/,5,5.0,,", "234,,cpu_core/instructions:u/,95,95.0,,"]
    assert PERF_TOOL.read(both) == 1234.0
    one = ["<not counted>,,cpu_atom/instructions:u/,0,0.00,,", both[1]]
    assert PERF_TOOL.read(one) == 234.0


@pytest.mark.parametrize(
    "lines", [[], ["# started"], ["<not supported>,,instructions:u,0,100.00,,"], ["12,,cycles:u,"]]
)
def test_what_perf_has_not_counted(lines: list[str]) -> None:
    with pytest.raises(ValueError, match=r"number|could not convert"):
        PERF_TOOL.read(lines)


def test_what_valgrind_writes() -> None:
    assert VALGRIND_TOOL.read(["events: Ir", "summary: 123 45"]) == 123.0
    with pytest.raises(ValueError, match="no sum"):
        VALGRIND_TOOL.read(["events: Ir"])


def test_a_counter_that_counts_nothing_ends_the_program() -> None:
    with pytest.raises(SystemExit, match=r"^perf counted no instructions; it says:\nnothing$"):
        PERF_TOOL.count(quietly, ["true"])


def test_the_best_one_that_works(fake: Fake) -> None:
    assert counts.counter() is None
    fake("valgrind", VALGRIND)
    assert counts.counter() is VALGRIND_TOOL
    fake("perf", UNSUPPORTED)
    assert counts.counter() is VALGRIND_TOOL
    fake("perf", "sys.exit(255)")  # it may not count for everybody
    assert counts.counter() is VALGRIND_TOOL
    fake("perf", PERF)
    assert counts.counter() is PERF_TOOL
    assert PERF_TOOL.count(counts._quietly, ["true"]) == 1400.0
