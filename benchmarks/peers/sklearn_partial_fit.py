"""scikit-learn: `MLPRegressor.partial_fit`, one call per update.

Its regressor has the identity in the output layer, so the numbers are others; and it shows its
parameters only, which is all that can be kept of a step.
"""

from __future__ import annotations

from sklearn.neural_network import MLPRegressor

from benchmarks.record import Array, Step
from benchmarks.work import Work


class PartialFit:
    """One network, ready to run."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        self.work, self.steps, self.keep = work, steps, keep
        self.batches = [work.batch_at(s) for s in range(work.batches)]
        if work.t.shape[1] == 1:
            self.batches = [(x, t[:, 0]) for x, t in self.batches]
        self.model = MLPRegressor(
            hidden_layer_sizes=work.widths[1:-1], activation="logistic", solver="sgd", alpha=0.0,
            momentum=0.0, learning_rate_init=work.eta * work.batch, batch_size=work.batch,
            shuffle=False, random_state=0,
        )  # fmt: skip
        self.model.partial_fit(*self.batches[0])

    def run(self) -> None:
        model = self.model
        for place, first in zip(model.coefs_, self.work.weights, strict=True):
            place[:] = first.T
        for place, first in zip(model.intercepts_, self.work.biases, strict=True):
            place[:] = first
        log = []
        for s in range(self.steps):
            if self.keep:
                log.append([p.copy() for p in (*model.coefs_, *model.intercepts_)])
            model.partial_fit(*self.batches[s % len(self.batches)])

    def parameters(self) -> tuple[list[Array], list[Array]]:
        return [w.T for w in self.model.coefs_], self.model.intercepts_

    def step(self, s: int) -> Step:
        raise NotImplementedError("scikit-learn keeps no record of its steps")
