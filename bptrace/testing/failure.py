"""The failure of an assertion, which puts itself into words when somebody reads it.

Whoever looks for the smallest example that fails, as Hypothesis does, sees hundreds of failures and
reads the last one; the report on each, with its search for causes, would take most of the time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from typing import NoReturn


class Wrong(AssertionError):
    """Something is not as it should be; `str` gives the report."""

    __module__ = "bptrace.testing"

    def __init__(self, report: Callable[[], str]) -> None:
        super().__init__()
        self._report = report

    @cached_property
    def text(self) -> str:
        """The report."""
        return self._report()

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[AssertionError], tuple[str]]:
        return AssertionError, (self.text,)  # what a report is made of stays in this process


def undecided(report: Callable[[], str]) -> NoReturn:
    """Fail because nothing can be said; where Hypothesis draws, have it draw another example.

    It is no pass: Hypothesis says so if hardly any example decides anything.
    """
    __tracebackhide__ = True
    if "hypothesis" in sys.modules:  # whoever draws with it has imported it
        from hypothesis import currently_in_test_context, reject

        if currently_in_test_context():
            reject()
    raise Wrong(report)
