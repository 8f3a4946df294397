"""Hand calculations in users' tests: right ones pass, wrong ones fail with the whole report."""

from __future__ import annotations

import pytest

import bptrace
from bptrace.testing import assert_right


def test_a_right_page_passes_and_is_returned() -> None:
    report = assert_right("mihir")
    assert report.ok
    assert report.verdicts == bptrace.check("mihir").verdicts


def test_a_wrong_page_fails_with_its_report() -> None:
    with pytest.raises(AssertionError) as failed:
        assert_right(bptrace.load("lh25-2020"))
    text = str(failed.value)
    assert text.startswith("23 numbers: 6 right, 12 carried, 5 wrong, from 3 mistakes")
    assert text == bptrace.check("lh25-2020")._repr_mimebundle_()["text/plain"]


def test_a_page_without_numbers_proves_nothing() -> None:
    with pytest.raises(bptrace.BptraceError, match="no number under"):
        assert_right("circle")


def test_unknown_names_are_told() -> None:
    import bptrace.testing

    with pytest.raises(AttributeError, match=r"'bptrace.testing' has no attribute 'asert'"):
        bptrace.testing.asert  # noqa: B018
    assert bptrace.testing.__dir__() == sorted(bptrace.testing.__all__)
