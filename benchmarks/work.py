"""What everybody calculates: one network, one batch size, the samples in the order of the file."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from benchmarks.networks import build, name_of
from benchmarks.record import Array, size


class Work:
    """A network with its samples, for bptrace as a problem, for the others as arrays.

    Batches follow one another through the samples and begin anew at their end; gradients of a batch
    are summed up.
    """

    def __init__(self, widths: tuple[int, ...], batch: int = 1, batches: int = 8) -> None:
        self.widths, self.batch, self.batches = widths, batch, batches
        self.problem = build(widths, batch * batches, batch)
        parameters = self.problem.parameters
        self.weights = [np.array(w) for w in parameters.weights]
        self.biases = [np.array(b) for b in parameters.biases]
        self.eta = self.problem.training.learning_rate
        self.x = np.array([sample.x for sample in self.problem.samples])
        self.t = np.array([sample.t for sample in self.problem.samples])

    @cached_property
    def name(self) -> str:
        """The network, and its batch if it has one."""
        return name_of(self.widths) + (f", batches of {self.batch}" if self.batch > 1 else "")

    @cached_property
    def size(self) -> int:
        """Numbers of a complete record of a step."""
        return size(self.widths, self.batch)

    def batch_at(self, s: int) -> tuple[Array, Array]:
        """Return inputs and targets of step `s` (from 0), (batch, n)."""
        at = s % self.batches * self.batch
        return self.x[at : at + self.batch], self.t[at : at + self.batch]
