"""The lines of a page: what each states, and the verdict on it."""

from __future__ import annotations

from bptrace.checks.findings import Finding
from bptrace.checks.fit import Fit
from bptrace.checks.graph import Key
from bptrace.model import Claim
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

RIGHT, ROUNDING, CARRIED, WRONG = "right", "rounding", "carried", "wrong"
GOOD = (RIGHT, ROUNDING)
ACCEPTED = 5.0
"""Bits above which an explanation is given as the cause; between 0 and this it is "possible".

At 5 bits 0–5 % of foreign numbers of 4 digits and none of 6 find a false explanation.
"""


class Statement(NamedTuple):
    """One printed number; `sign` is −1 if it claims to be the negative of its node."""

    claim: Claim
    key: Key
    sign: int
    printed: Printed


class Line:
    """The verdict on one statement, as it grows while the page is gone through.

    Attributes
    ----------
    verdict : str
    exact, expected : float
        The true value, and the one that follows from the author's own numbers.
    fit : Fit or None
        How the digits come from the one or the other.
    carries : int
        The wrong values that this one carries on, as bits (`Course.bits`).
    roots : set of Key
        The same, when the page is gone through.
    used, unused : list of Key
        For a wrong value: later lines that carry it on, and later lines that use the value that it
        should have had.
    note : str
        What else is to be said, by its name in the table of words.
    finding : Finding or None
        Why it is wrong.
    """

    def __init__(
        self,
        statement: Statement,
        verdict: str,
        exact: float,
        expected: float,
        fit: Fit | None = None,
    ) -> None:
        self.statement, self.verdict, self.fit = statement, verdict, fit
        self.exact, self.expected = exact, expected
        self.carries = 0
        self.roots: frozenset[Key] = frozenset()
        self.used: list[Key] = []
        self.unused: list[Key] = []
        self.note = ""
        self.finding: Finding | None = None
