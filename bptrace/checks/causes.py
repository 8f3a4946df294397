"""Which mistake explains wrong gradients: the table of mistakes, made everywhere, one by one.

A mistake explains all of them or none: it counts only if its gradients agree with every number that
was given. Not responsible for what the arrays have in common (`patterns`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bptrace.checks.gradients import Point
from bptrace.checks.mistaken import Mistaken, mistaken_gradients
from bptrace.checks.mistakes import MISTAKES, share
from bptrace.checks.patterns import Compared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST = 4
"""So many explanations are named, the likeliest first."""

ROOM = 4.0
"""A wrong gradient has a bound of its own, which is not calculated: that of the right one, grown
as the numbers have grown, and so many times."""


def causes(point: Point, compared: Compared, unit: float) -> list[Mistaken]:
    """Return the mistakes that explain wrong gradients, the likeliest first; none for none.

    Parameters
    ----------
    point : Point
    compared : Compared
        All parameters.
    unit : float
        Relative rounding of the arithmetic.
    """
    fitting = [made for made in mistaken_gradients(point) if _fits(made.gradients, compared, unit)]
    return list(_likeliest(fitting))


def _likeliest(fitting: list[Mistaken]) -> Iterator[Mistaken]:
    """Yield explanations in order of how often they are made, one of each kind."""
    seen: set[str] = set()
    for made in sorted(fitting, key=_unlikely):
        if made.mistake not in seen and len(seen) < MOST:
            seen.add(made.mistake)
            yield made


def _unlikely(made: Mistaken) -> tuple[bool, float]:
    """Everywhere before somewhere; conventions and frequent mistakes before rare ones."""
    weight = share(MISTAKES.get(made.mistake)) if made.mistake in MISTAKES else 1.0
    return not made.everywhere, -weight


def _fits(wrong: Array, compared: Compared, unit: float) -> bool:
    """Whether gradients with a mistake are those that were given, within their rounding."""
    import numpy as np

    given = compared.given & np.isfinite(compared.bounds)
    theirs, wrong, right = (x[given] for x in (compared.theirs, wrong, compared.right))
    if not len(theirs):
        return False
    sizes = [np.abs(x).max(initial=0.0) for x in (wrong, right)]
    grown = max(1.0, sizes[0] / sizes[1]) if sizes[1] else 1.0
    room = ROOM * (compared.bounds[given] * grown + 8.0 * unit * np.abs(wrong))
    return bool((np.abs(theirs - wrong) <= room).all())
