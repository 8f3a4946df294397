"""Formulas and scalar functions read with arrays, element by element.

Not responsible for what the arrays hold (`arrays`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from bptrace.maths.expr import FLOATS, Reading
from bptrace.maths.sums import summed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def each(f: Callable[..., float], *numbers: Any) -> Array:
    """Return a scalar function of arrays, element by element, in the bits of the function."""
    import numpy as np

    return np.asarray(np.frompyfunc(f, len(numbers), 1)(*numbers), dtype=np.float64)


def totals(targets: Array) -> Array:
    """Return the sum of the targets of each sample, from left to right: (samples, 1)."""
    import numpy as np

    return np.array([[summed(row)] for row in targets.tolist()])


def with_diagonal(matrix: Array, own: Array) -> Array:
    """Return matrices (samples, n, n) with another diagonal, (samples, n)."""
    import numpy as np

    found = matrix.copy()
    n = np.arange(own.shape[1])
    found[:, n, n] = own
    return found


@lru_cache(maxsize=1)
def arrays_reading() -> Reading[Any]:
    """Return the reading of formulas with arrays, the last axis of which is a block of neurons.

    A sum (or a maximum) of single terms and of a block goes over the block as well; of blocks alone
    it is taken element by element.
    """
    import numpy as np

    def over_blocks(fold: Any, total: Any) -> Callable[..., Array]:
        def rule(*terms: Array) -> Array:
            sizes = {term.shape[3] for term in terms}
            if len(sizes) > 1:
                terms = tuple(total(t) if t.shape[3] > 1 else t for t in terms)
            return reduce(fold, terms)

        return rule

    def scalar(name: str, n: int) -> Callable[..., Array]:
        ufunc = np.frompyfunc(FLOATS.rules[name], n, 1)
        return lambda *args: np.asarray(ufunc(*args), dtype=np.float64)

    numbers = {name: scalar(name, n) for name, n in _ARGUMENTS.items()}
    return Reading(
        number=lambda value: np.full((1, 1, 1, 1), value),
        rules={
            **numbers,
            "add": over_blocks(np.add, lambda t: t.sum(axis=3, keepdims=True)),
            "max": over_blocks(numbers["max"], lambda t: t.max(axis=3, keepdims=True)),
            "mul": lambda *factors: reduce(np.multiply, factors),
            "sub": np.subtract,
            "div": np.divide,
            "neg": np.negative,
            "square": lambda a: a * a,
            "abs": np.abs,
        },
    )


_ARGUMENTS = {
    "sqrt": 1, "exp": 1, "log": 1, "log1p": 1, "tanh": 1, "positive": 1, "floor": 1,
    "max": 2, "min": 2, "times_log": 2, "times_reciprocal": 2, "power": 2, "differ": 2,
    "if_positive": 3, "step": 3,
}  # fmt: skip
