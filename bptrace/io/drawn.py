"""Many weights drawn at once, with the bits that they have when they are drawn one by one.

How they are drawn stands in `maths.initial`: here the same formulas are read with arrays in the
place of numbers. A draw takes 1.5 µs one by one, and 2048·2048 of them took 6 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bptrace.maths import ieee
from bptrace.maths.initial import Fans, Initial, Numbers, Row, draw_layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FEW = 50_000
"""So many weights are drawn one by one sooner than NumPy is imported."""

_BLOCK = 2**17
"""Points of the square that are drawn at a time: 1 MiB for each of the arrays over them."""


def drawn(
    initial: Initial, numbers: Numbers, scale: float, shape: tuple[int, int], biases: int
) -> tuple[tuple[Row, ...], Row]:
    """Return what `maths.initial.draw_layer` returns, and leave `numbers` where it leaves them."""
    n, m = shape
    if n * m < FEW:
        return draw_layer(initial, numbers, scale, shape, biases)
    import numpy as np

    many = cast(Numbers, _Many(numbers, n * m))
    weights: Any = initial.weight(many, scale, Fans(m, n))
    rows = np.broadcast_to(weights, n * m).reshape(n, m).tolist()
    row = tuple(initial.bias(numbers, scale, Fans(m, n)) for _ in range(biases))
    return tuple(map(tuple, rows)), row


class _Many:
    """Random numbers, so many at a time: arrays where `Numbers` gives numbers."""

    def __init__(self, numbers: Numbers, count: int) -> None:
        self.numbers = numbers
        self.count = count

    def uniform(self) -> Array:
        """Numbers from [−1, 1)."""
        return 2.0 * self._random(self.count) - 1.0

    def normal(self) -> Array:
        """Numbers of the normal distribution."""
        import numpy as np

        found: list[Any] = []
        missing = self.count
        if self.numbers.second is not None:
            found.append(np.array([self.numbers.normal()]))
            missing -= 1
        while missing > 0:
            pairs = self._pairs((missing + 1) // 2)
            found.append(pairs[:missing])
            if len(pairs) > missing:
                self.numbers.second = float(pairs[-1])
            missing -= len(pairs)
        return np.concatenate(found)

    def _pairs(self, most: int) -> Array:
        """Return some normal numbers, at most so many pairs, from as many points as they take."""
        import numpy as np

        before = self.numbers.source.getstate()
        points = min(_BLOCK, most + most // 3 + 8)  # π/4 of the square is the disc
        u, v = (2.0 * self._random(2 * points) - 1.0).reshape(points, 2).T
        s = u * u + v * v
        inside = np.flatnonzero((s > 0.0) & (s < 1.0))[:most]
        if len(inside) == most:  # what the last of them did not need is drawn again
            self.numbers.source.setstate(before)
            self._random(2 * (int(inside[-1]) + 1))
        s = s[inside]
        factor = np.sqrt(-2.0 * _log(s) / s)
        return np.column_stack([u[inside] * factor, v[inside] * factor]).ravel()

    def _random(self, count: int) -> Array:
        """Return the next numbers of [0, 1): NumPy's old generator is that of Python."""
        import numpy as np

        source = self.numbers.source
        version, words, last = source.getstate()
        generator = np.random.RandomState()
        generator.set_state(("MT19937", np.array(words[:-1], np.uint32), words[-1], 0, 0.0))
        found = generator.random_sample(count)
        state: Any = generator.get_state()
        source.setstate((version, (*map(int, state[1]), int(state[2])), last))
        return found


def _log(x: Array) -> Array:
    """Return `ieee.log` of finite numbers above 0: the same operations, so the same bits."""
    import numpy as np

    m, k = np.frexp(x)
    low = m < ieee.SQRT_HALF
    f = np.where(low, 2.0 * m - 1.0, m - 1.0)
    log_sum: Any = ieee.log_sum
    return cast("Array", log_sum(f, np.where(low, k - 1.0, k), 0.0))
