"""What a training run leaves for pictures: its error, its accuracy, the size of its gradients.

Not responsible for when to stop, nor for what is kept on disk.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, fsum, hypot, isfinite, nan

from bptrace import engine as engines
from bptrace.engine import Run
from bptrace.errors import BptraceError, ModelError
from bptrace.model import Problem
from bptrace.tuples import NamedTuple

MOST_LOGGED = 2**23
"""Numbers (64 MiB) up to which a run is logged in full, to see its gradients."""

MOST_STEPS = 2_000_000
"""E of every step is kept; for more steps that would not be a small amount any more."""

MOST_MARKS = 500
"""Steps of a longer run of which the gradients are looked at."""

DECADES = 2.0
"""From this many on a range is shown on a logarithmic scale."""


@dataclass(frozen=True)
class History:
    """How a run went.

    Attributes
    ----------
    steps : sequence of int
        The numbers of the steps (or epochs, see `unit`) of which something is known, ascending.
    errors : sequence of float
        E of the training samples at each of them, before the update.
    test_errors : sequence of float, optional
        E of the test samples; nan where it was not measured.
    accuracy, test_accuracy : sequence of float, optional
        Parts of the samples that are put into the right class, 0 to 1; nan where not measured.
    gradient_sizes : sequence of sequences, optional
        For each of `gradient_steps` the sizes ‖∂E/∂W_l‖ = √Σ(∂E/∂w)², one for each layer l = 1, 2…
    gradient_steps : sequence of int, optional
        Default: `steps`.
    name : str
        What the run is called if there are several in one picture.
    unit : {"step", "epoch"}
        What `steps` counts.

    Raises
    ------
    ModelError
        If a sequence has another length than `steps`.
    """

    steps: Sequence[int]
    errors: Sequence[float]
    test_errors: Sequence[float] | None = None
    accuracy: Sequence[float] | None = None
    test_accuracy: Sequence[float] | None = None
    gradient_sizes: Sequence[Sequence[float]] | None = None
    gradient_steps: Sequence[int] | None = None
    name: str = ""
    unit: str = "step"

    def __post_init__(self) -> None:
        n = len(self.steps)
        for what in ("errors", "test_errors", "accuracy", "test_accuracy"):
            values = getattr(self, what)
            if values is not None and len(values) != n:
                raise ModelError(f"a history of {n} steps has {len(values)} {what}")
        sizes, marks = self.gradient_sizes, self.gradient_marks
        if sizes is not None and len(sizes) != len(marks):
            raise ModelError(f"{len(sizes)} sizes of gradients for {len(marks)} steps")

    @property
    def gradient_marks(self) -> Sequence[int]:
        """The steps of `gradient_sizes`."""
        return self.steps if self.gradient_steps is None else self.gradient_steps

    def by_epoch_if_long(self, problem: Problem) -> History:
        """Return the run in epochs if it has several, of several steps each; else as it is."""
        per_epoch = problem.batches
        return self.by_epoch(problem) if 1 < per_epoch <= len(self.steps) // 2 else self

    def by_epoch(self, problem: Problem) -> History:
        """Return the same run counted in epochs: E of all samples, as each met the network.

        E of an epoch is the sum over its steps, or the mean over its samples, as `problem` says;
        an epoch that was not ended is left out. The history has to begin with step 1 and to leave
        no step out. Test errors and accuracies are those of the last step of each epoch.
        """
        per_epoch = problem.batches
        ends = range(per_epoch, len(self.steps) + 1, per_epoch)
        counts = [len(problem.batch(step)) for step in range(1, per_epoch + 1)]
        n = sum(counts)
        mean = problem.training.reduction == "mean"
        errors = []
        for end in ends:
            parts = self.errors[end - per_epoch : end]
            if mean:
                parts = [e * c / n for e, c in zip(parts, counts, strict=True)]
            errors.append(_sum(parts))

        def last(values: Sequence[float] | None) -> list[float] | None:
            return None if values is None else [values[end - 1] for end in ends]

        return replace(
            self,
            steps=range(1, len(ends) + 1),
            errors=errors,
            test_errors=last(self.test_errors),
            accuracy=last(self.accuracy),
            test_accuracy=last(self.test_accuracy),
            gradient_steps=self.gradient_marks,
            unit="epoch",
        )


class Watched(NamedTuple):
    """A run: its history, and the problem with the parameters where it ended.

    `problem` is None if those are no finite numbers any more.
    """

    history: History
    problem: Problem | None


def watch(problem: Problem, steps: int | None = None, engine: str = "auto") -> Watched:
    """Run `problem` and return how it went.

    E is kept of every step. The gradients are those of every step if the log of the whole run is
    small (`MOST_LOGGED` numbers), else of at most `MOST_MARKS` steps, spread evenly.

    Parameters
    ----------
    problem : Problem
    steps : int, optional
        Default: as many as the problem says.
    engine : str
        As for `engine.run`, which also says what is raised.

    Raises
    ------
    BptraceError
        If there are more than `MOST_STEPS` steps.
    """
    steps = problem.training.steps if steps is None else steps
    if steps > MOST_STEPS:
        raise BptraceError(
            f"pictures show at most {MOST_STEPS:,} steps, not {steps:,}. Ask for fewer (--steps)"
        )
    engine = engines.choose(problem, steps, engine).engine
    state = engines.start(problem)
    errors, sizes, marks = array("d"), [], []
    for count, log in _parts(steps, problem.layout.size):
        run = engines.go_on(problem, state, count, engine, log)
        errors.extend(run.step_errors)
        if log and problem.has_backward:
            sizes += list(gradient_sizes(run))
            marks += list(run.numbers)
        state = run.state
    history = History(
        range(1, steps + 1),
        errors,
        gradient_sizes=sizes if problem.has_backward else None,
        gradient_steps=marks,
    )
    finite = all(map(isfinite, state.numbers[: problem.layout.n_parameters]))
    return Watched(history, engines.with_parameters(problem, state) if finite else None)


def _parts(steps: int, size: int) -> Iterator[tuple[int, bool]]:
    """Yield how many steps to go on, and whether with a log of `size` numbers for each."""
    if steps * size <= MOST_LOGGED:
        yield steps, True
        return
    marks = max(1, min(MOST_MARKS, steps, MOST_LOGGED // size))
    done = 0
    for k in range(marks):
        mark = 1 + (k * (steps - 1) // (marks - 1) if marks > 1 else 0)
        if mark - 1 > done:
            yield mark - 1 - done, False
        yield 1, True
        done = mark
    if done < steps:
        yield steps - done, False


def gradient_sizes(run: Run) -> Iterator[tuple[float, ...]]:
    """Yield ‖∂E/∂W_l‖ of each logged step, one number for each layer l from 1 on.

    The square root of the sum of the squares of ∂E/∂w over all weights into the layer, biases
    left out; scaled inside (`math.hypot`), so that no square overflows or vanishes.
    """
    layout, log = run.layout, run.log
    places = [
        (layout.gradients + layout.w_at[l], layout.gradients + layout.w_at[l + 1])
        for l in range(1, len(layout.shape.widths))
    ]
    for record in range(0, run.steps * layout.size, layout.size):
        yield tuple(hypot(*log[record + start : record + end]) for start, end in places)


def _sum(values: Sequence[float]) -> float:
    """Return a sum for a picture; nan or inf where a summand is."""
    return fsum(values) if all(map(isfinite, values)) else sum(values)


def thinned(values: Sequence[float], most: int) -> list[int]:
    """Return at most `most` places of `values` that show the same curve.

    The least and the greatest finite value of each of ``most // 2`` stretches, in their order; all
    places if there are no more than `most`.
    """
    n = len(values)
    if n <= most:
        return list(range(n))
    kept: list[int] = []
    width = ceil(n / max(1, most // 2))
    for start in range(0, n, width):
        stretch = range(start, min(start + width, n))
        finite = [k for k in stretch if isfinite(values[k])] or [start]
        ends = {min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)}
        kept += sorted(ends)
    return kept


def first_broken(values: Sequence[float]) -> int | None:
    """Return the place of the first value that is nan or infinite, None if there is none."""
    return next((k for k, value in enumerate(values) if not isfinite(value)), None)


class Scale(NamedTuple):
    """A range of values, and whether it is shown on a logarithmic scale.

    `low` and `high` are the ends (of the positive values, if logarithmic); nan without values.
    """

    low: float
    high: float
    is_log: bool


def scale(values: Sequence[float]) -> Scale:
    """Return how to show finite values: logarithmic if the positive ones span two decades."""
    finite = [value for value in values if isfinite(value)]
    if not finite:
        return Scale(nan, nan, False)
    positive = [value for value in finite if value > 0.0]
    if min(finite) >= 0.0 and positive:
        low, high = min(positive), max(positive)
        if high / 10.0**DECADES >= low:  # not high / low, which overflows for subnormal numbers
            return Scale(low, high, True)
    return Scale(min(finite), max(finite), False)
