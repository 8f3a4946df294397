"""One page of a class in numbers: its mistakes and its mark.

What tables of many pages need, and nothing that cannot be sent from one process to another.
"""

from __future__ import annotations

from bptrace.tuples import NamedTuple


class Mistake(NamedTuple):
    """One mistake on a page, at the line where it is first seen.

    Attributes
    ----------
    kind : str
        Name in the table of mistakes; "" if the cause is not certain.
    title : str
        What the kind is called in the language of the output.
    misprint : bool
        Whether later lines use the right value.
    line : int
    quantity, printed, expected, verdict, explanation : str
    """

    kind: str
    title: str
    misprint: bool
    line: int
    quantity: str
    printed: str
    expected: str
    verdict: str
    explanation: str


class Missing(NamedTuple):
    """A number that is still to be found."""

    line: int
    quantity: str


class Paper(NamedTuple):
    """What one file comes to; `faults` instead of everything else if it is faulty."""

    file: str
    numbers: int = 0
    mistakes: tuple[Mistake, ...] = ()
    missing: tuple[Missing, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many numbers the page asks for."""
        return self.numbers + len(self.missing)

    @property
    def mark(self) -> int:
        """A point for every number, less one per mistake and per missing number.

        What only carries a mistake on costs nothing, nor does the second line with the same one.
        """
        return max(0, self.numbers - len(self.mistakes))
