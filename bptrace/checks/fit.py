"""Whether a printed number can come from a range of possible values, and how."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

from bptrace.checks.interval import Interval
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple


class Fit(NamedTuple):
    """How digits fit: rounded, cut off, or wrong by one in the last place; cost in bits."""

    how: str
    cost: float


ROUND, TRUNC, LAST = Fit("round", 0.0), Fit("trunc", 3.0), Fit("last", 5.5)


def fit(values: Interval, printed: Printed, exact: bool = False) -> Fit | None:
    """Return how `printed` fits a range of values, or None.

    round: a value within half a unit of the last place; trunc: a value that becomes `printed` when
    its further digits are cut off; last: within one and a half units. `exact` allows none of it.
    """
    (lo, hi), p, u = values, printed.value, printed.ulp
    if exact:
        return ROUND if lo <= p <= hi else None
    if lo > p + 1.5 * u or hi < p - 1.5 * u:  # nearly all that is tried
        return None
    if lo <= p + u / 2 and hi >= p - u / 2:
        return ROUND
    cut = (p, p + u) if p > 0 else (p - u, p) if p < 0 else (-u, u)
    if _strictly(values, cut, printed):
        return TRUNC
    if (p > 0 and hi <= 0) or (p < 0 and lo >= 0):
        return None
    return LAST if lo < p + 1.5 * u and hi > p - 1.5 * u else None


def window(printed: Printed, exact: bool = False) -> tuple[float, float]:
    """Return between which numbers a range has to have one if it is to fit."""
    p, u = printed.value, printed.ulp
    return (p, p) if exact else (p - 1.5 * u, p + 1.5 * u)


def _strictly(values: Interval, cut: tuple[float, float], printed: Printed) -> bool:
    """Cutting digits off never crosses a whole unit, so the far end does not belong to it."""
    lo, hi = cut
    if printed.value >= 0:
        return values.lo < hi and values.hi >= lo
    return values.lo <= hi and values.hi > lo


class House(NamedTuple):
    """The style in which a page rounds: a fixed number of decimals, or of significant digits.

    Both are set where the numbers of the page could be either (all are 0.…): the wider unit counts.
    Both are None if no number of the page is long. If neither is kept, `decimals` are so many as
    nearly all numbers have, and `usual` so many as most have.
    """

    decimals: int | None
    significant: int | None
    usual: int | None = None

    def units(self, value: float) -> list[float]:
        """Return the units of the last place that the page may print of `value`."""
        units = [10.0**-n for n in (self.decimals, self.usual) if n is not None]
        if self.significant is not None and value:
            units.append(10.0 ** (floor(log10(abs(value))) + 1 - self.significant))
        return units

    def unit(self, value: float) -> float:
        """Return the widest of them, 0 if there is none."""
        return max(self.units(value), default=0.0)

    def rounded(self, values: Interval) -> Interval:
        """Return what may become of the numbers of a range: as they are, rounded, or cut off.

        Rounding keeps the order and the sign of numbers, so only the ends need a look: −0.0084 is
        −0.01 or 0.00 with two decimals, but never 0.01.
        """
        if not (abs(values.lo) < 1e300 and abs(values.hi) < 1e300):
            return values
        lo = min((_down(values.lo, unit) for unit in self.units(values.lo)), default=values.lo)
        hi = max((-_down(-values.hi, unit) for unit in self.units(values.hi)), default=values.hi)
        return Interval(min(lo, values.lo), max(hi, values.hi))


_TIE = 1e-6
"""Where in a unit rounding turns is not sharp: numbers come with the noise of their calculation."""


def _down(value: float, unit: float) -> float:
    """The least of what rounding and cutting off make of a number."""
    steps = value / unit
    if value > 0.0:
        return floor(steps - _TIE) * unit if steps > _TIE else 0.0
    return floor(steps + 0.5 - _TIE) * unit


def house(numbers: Sequence[Printed]) -> House:
    """Return the style that at least nine tenths of the long numbers of a page follow.

    Short numbers (0.6 where others have ten decimals) say nothing: they may be exact. If neither
    decimals nor significant digits are kept, the decimals that nine tenths have at least, and
    those that most have: where a page has gone astray, its short numbers cannot be told.
    """
    if not numbers:
        return House(None, None)
    decimals = _common([p.decimals for p in numbers])
    significant = _common([p.significant for p in numbers])
    if decimals is None and significant is None:
        counts = sorted(p.decimals for p in numbers)
        return House(counts[len(numbers) // 10], None, _usual(counts))
    return House(decimals, significant)


def _common(counts: Sequence[int]) -> int | None:
    """The count that nine tenths of the numbers have, if there is one."""
    usual = _usual(counts)
    return usual if counts.count(usual) >= 0.9 * len(counts) else None


def _usual(counts: Sequence[int]) -> int:
    """The count that most numbers have."""
    return max(set(counts), key=lambda count: (counts.count(count), count))
