"""Which mistake explains wrong gradients: the table of mistakes, made everywhere, one by one.

A mistake explains all of them or none: it counts only if its gradients agree with every number that
was given. Not responsible for what the arrays have in common (`patterns`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bptrace.checks.arrays.figures import matrices
from bptrace.checks.arrays.mistaken import Mistaken, mistaken_gradients
from bptrace.checks.foreign.patterns import Compared
from bptrace.checks.gradients import Point
from bptrace.checks.mistakes import MISTAKES, share
from bptrace.model import Network

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST = 4
"""So many explanations are named, the likeliest first."""

ROOM = 4.0
"""A wrong gradient has a bound of its own, which is not calculated: so many
times that of the right one and what is usual in its layer, grown as the numbers have grown."""


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
    room = _Room(point, compared, unit)
    fitting = [made for made in mistaken_gradients(point) if room.takes(made.gradients)]
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


class _Room:
    """How near a wrong gradient has to be to one that was given."""

    def __init__(self, point: Point, compared: Compared, unit: float) -> None:
        import numpy as np

        self.compared = compared
        self.given = compared.given & np.isfinite(compared.bounds)
        self.share, self.least = np.zeros((2, len(compared.right)))
        for part in _layers(point.problem.network, np.arange(len(compared.right))):
            shares, bounds = self._usual(part)
            self.share[part] = max(8.0 * unit, 4.0 * shares)
            self.least[part] = bounds

    def _usual(self, part: Any) -> tuple[float, float]:
        """What rounding usually does in a layer, relative and absolute: medians.

        Where a right gradient is 0, as a slope is, its own bound says nothing of a wrong one.
        """
        import numpy as np

        right, bounds = self.compared.right[part], self.compared.bounds[part]
        clear = self.given[part] & (np.abs(right) > bounds)
        if not clear.any():
            return 0.0, 0.0
        right, bounds = np.abs(right[clear]), bounds[clear]
        return float(np.median(bounds / right)), float(np.median(bounds))

    def takes(self, wrong: Array) -> bool:
        """Whether gradients with a mistake are those that were given, within their rounding."""
        import numpy as np

        compared, given = self.compared, self.given
        if not given.any():
            return False
        sizes = [np.abs(x[given]).max(initial=0.0) for x in (wrong, compared.right)]
        grown = max(1.0, sizes[0] / sizes[1]) if sizes[1] else 1.0
        room = (compared.bounds + self.least) * grown + self.share * np.abs(wrong)
        return bool((np.abs(compared.theirs - wrong) <= ROOM * room)[given].all())


def _layers(network: Network, places: Any) -> Iterator[Any]:
    """Yield the places of each layer's weights and biases in the log."""
    import numpy as np

    for weights, biases in zip(*matrices(network, places), strict=True):
        yield np.concatenate([weights.ravel(), biases])
