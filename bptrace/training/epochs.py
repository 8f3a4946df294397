"""E of every step, condensed: its mean over each epoch, and a curve of some thousand points.

All results depend on the steps alone, not on the parts in which they arrive, and are the same to
the bit with NumPy and without it: sums are taken in the order of the steps.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from math import isfinite, nan

from bptrace.model import Problem
from bptrace.tuples import NamedTuple

MANY = 256
"""From so many numbers on NumPy is worth its calls, if it is there anyway: it is with Numba."""

MOST_POINTS = 4096
FEWEST_EPOCHS = 50
"""With fewer epochs to come a curve shows single steps."""


class Epoch(NamedTuple):
    """What the mean over an epoch is taken of.

    Attributes
    ----------
    steps : int
        Steps of an epoch: batches until all samples are used up.
    last : float
        What the last batch counts for, if others count 1: it may be smaller.
    divisor : float
        What the sum over the steps is divided by, so that the mean is that of a sample.
    """

    steps: int
    last: float
    divisor: float

    @classmethod
    def of(cls, problem: Problem) -> Epoch:
        """Return the epoch of a problem: E of a batch may be a sum or a mean over its samples."""
        n, batch, steps = problem.per_epoch, problem.training.batch, problem.batches
        if problem.training.reduction == "sum":
            return cls(steps, 1.0, float(n))
        return cls(steps, (n - (steps - 1) * batch) / batch, n / batch)


class EpochMeans:
    """E of a sample, mean over each whole epoch; each E is that before the update of its step.

    The first epoch is the first that begins after `begun` steps; what is before it is left out.
    """

    def __init__(self, epoch: Epoch, begun: int = 0) -> None:
        self.epoch = epoch
        self.skipped = self._skip = -begun % epoch.steps
        self._total = -0.0  # of the epoch that has begun; −0.0 + x is x
        self._count = 0
        self.latest = nan

    def feed(self, errors: array[float]) -> array[float]:
        """Take E of further steps; return the means of the epochs that they complete."""
        skip = min(self._skip, len(errors))
        self._skip -= skip
        errors = errors[skip:] if skip else errors
        means, size = array("d"), self.epoch.steps
        k = min((size - self._count) % size, len(errors))
        self._feed_slowly(errors[:k], means)
        if len(errors) - k >= MANY and (np := sys.modules.get("numpy")) is not None:
            whole = (len(errors) - k) // size
            rows = np.frombuffer(errors, dtype=np.float64)[k : k + whole * size]
            rows = rows.reshape(whole, size)
            if self.epoch.last != 1.0:
                rows = rows.copy()
                rows[:, -1] *= self.epoch.last
            # accumulate adds from left to right; sum does not
            totals = np.add.accumulate(rows, axis=1)[:, -1]
            means.frombytes((totals / self.epoch.divisor).tobytes())
            k += whole * size
        self._feed_slowly(errors[k:], means)
        if means:
            self.latest = means[-1]
        return means

    def _feed_slowly(self, errors: array[float], means: array[float]) -> None:
        size, last, divisor = self.epoch
        total, count = self._total, self._count
        for error in errors:
            count += 1
            if count < size:
                total += error
            else:
                means.append((total + error * last) / divisor)
                total, count = -0.0, 0
        self._total, self._count = total, count


class Curve:
    """E over the steps, at most `MOST_POINTS` points: each time there are more, half of them go.

    A point is the mean over an epoch, or E of a single step's batch where few epochs are to come;
    in both cases for one sample.

    Attributes
    ----------
    unit : int
        Steps of which a point is the mean: 1, or those of an epoch.
    stride : int
        From one point to the next, in units.
    """

    def __init__(self, epoch: Epoch, problem: Problem, planned: int, begun: int = 0) -> None:
        self.unit = epoch.steps if planned >= FEWEST_EPOCHS * epoch.steps else 1
        self.stride = 1
        self._begun = begun if self.unit == 1 else begun + -begun % epoch.steps
        self._values: list[float] = []
        self._units = 0
        self._epoch = epoch
        self._mean = problem.training.reduction == "mean"
        self._batch = problem.training.batch
        self._rest = problem.per_epoch - (epoch.steps - 1) * self._batch

    def feed(self, errors: array[float], means: array[float]) -> None:
        """Take E of further steps and the means of the epochs that they completed."""
        new = means if self.unit > 1 or self._epoch.steps == 1 else errors
        per_sample = new is means
        k = -self._units % self.stride
        while k < len(new):
            self._values.append(new[k] if per_sample else self._of_sample(new[k], self._units + k))
            if len(self._values) > MOST_POINTS:
                del self._values[1::2]
                self.stride *= 2
            k += -(self._units + k + 1) % self.stride + 1
        self._units += len(new)

    def _of_sample(self, error: float, step: int) -> float:
        if self._mean:
            return error
        is_last = (self._begun + step + 1) % self._epoch.steps == 0
        return error / float(self._rest if is_last else self._batch)

    @property
    def steps(self) -> tuple[int, ...]:
        """The step with which each point ends."""
        unit, stride, begun = self.unit, self.stride, self._begun
        return tuple(begun + (k * stride + 1) * unit for k in range(len(self._values)))

    @property
    def values(self) -> tuple[float, ...]:
        """E at each point."""
        return tuple(self._values)


def all_finite(numbers: Sequence[float]) -> bool:
    """Whether there is neither nan nor infinity among them."""
    if len(numbers) >= MANY and (np := sys.modules.get("numpy")) is not None:
        return bool(np.isfinite(numbers).all())
    return all(map(isfinite, numbers))


def lowest(numbers: Sequence[float]) -> float:
    """Return the smallest of them, infinity if there are none."""
    if len(numbers) >= MANY and (np := sys.modules.get("numpy")) is not None:
        return float(np.min(numbers))
    return min(numbers, default=float("inf"))
