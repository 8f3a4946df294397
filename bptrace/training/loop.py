"""The loop: steps in parts, each short enough to be watched and to be stopped after.

How long the parts are changes no bit of the result: where a rule stops inside a part, the part is
done again up to there. The numbers that are kept are bounded: E of each step only within a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import nan, sqrt
from time import perf_counter

from bptrace import engine as engines
from bptrace.engine import Run, State
from bptrace.errors import BptraceError
from bptrace.model import Problem, Sample
from bptrace.training.classes import classes_of
from bptrace.training.diverged import Diverged, find, finite_steps, is_finite
from bptrace.training.epochs import Curve, Epoch, EpochMeans
from bptrace.training.records import Outcome, Progress, Scores
from bptrace.training.score import Scorer
from bptrace.training.stop import Reason, StopRules, planned_steps
from bptrace.training.wish import Wish
from bptrace.tuples import NamedTuple

PART = 0.08
"""Seconds of a part: a display changes ten times a second, Ctrl-C is answered in twice that."""

GROWTH = 10
"""A part has at most so many times the steps of the one before: the first tells little of the rate,
as the kernels are loaded in it."""

MOST_OF_A_PART = 1_000_000
"""Steps; E of each is held in memory."""

SCORED = 0.04
"""The share of the time that goes into scores, which cost a pass over all samples each."""

PER_OCTAVE = 32
"""How often gradient sizes are measured while the number of steps doubles."""


class Watch(NamedTuple):
    """Who looks on.

    Attributes
    ----------
    stopped : function
        Whether training should end now; asked after each part.
    part : function
        Gets each part as a `Run`, in order; the steps of all of them are those of the run.
    clock : function
        Seconds.
    go_on : function, optional
        Does the steps in place of `engine.go_on`, for whoever keeps them. A part may be asked for
        again, or less of it, before `part` gets what counts.
    """

    stopped: Callable[[], bool] = lambda: False
    part: Callable[[Run], object] = lambda run: None
    clock: Callable[[], float] = perf_counter
    go_on: Callable[[Problem, State, int, str, bool], Run] | None = None


NOBODY, AS_IN_FILE = Watch(), Wish()


@dataclass
class _Now:
    """What changes while a run goes on."""

    state: State
    scores: Scores = field(default_factory=Scores)
    error: float = nan
    rate: float = 0.0
    size: int = 1
    scoring: float = 0.0  # seconds
    reason: Reason | None = None
    diverged: Diverged | None = None
    remark: str = ""
    calculated_by: str = ""
    gradients: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)
    accuracies: list[tuple[int, Scores]] = field(default_factory=list)


class Loop:
    """A training run; `parts` does it, `outcome` says what came of it.

    Raises
    ------
    BptraceError
        If nothing is trained: there is no learning rule, or no error to follow.
    """

    def __init__(self, problem: Problem, wish: Wish = AS_IN_FILE, watch: Watch = NOBODY) -> None:
        check_trained(problem)
        self.problem, self.wish, self.watch = problem, wish, watch
        self.stop = problem.training.stop if wish.stop is None else wish.stop
        state = engines.start(problem) if wish.start is None else wish.start
        self.begun = state.steps
        self.planned = planned_steps(problem, self.stop, wish.steps)
        if self.planned < 0:
            raise BptraceError(f"{self.planned} steps: at least 0 are needed")
        # for the whole run at once: single parts are too short to pay for the compiler
        self.engine, remark = engines.choose(problem, self.planned, wish.engine)
        self.has_error = has_error(problem)
        self.classes = classes_of(problem)
        self._epoch = Epoch.of(problem)
        self._means = EpochMeans(self._epoch, self.begun)
        self._curve = Curve(self._epoch, problem, self.planned, self.begun)
        self._rules = StopRules(self.stop)
        self._now = _Now(state, remark=remark)
        self._scorers = self._make_scorers()
        self._clock_at_start = watch.clock()
        self._now.scores = self.before = self._score()

    @property
    def done(self) -> int:
        """Steps done so far."""
        return self._now.state.steps - self.begun

    def parts(self) -> Iterator[Progress]:
        """Do the steps; yield where the run stands after each part."""
        now = self._now
        while now.reason is None:
            if self.done >= self.planned:
                now.reason = Reason.DONE
            elif self.watch.stopped():
                now.reason = Reason.INTERRUPTED
            else:
                try:
                    self._part()
                except KeyboardInterrupt:  # the part is lost, but not what was before it
                    now.reason = Reason.INTERRUPTED
                yield self._progress()

    def outcome(self) -> Outcome:
        """Return what came of the run, so far if it has not ended."""
        now = self._now
        after = self._score() if self.done else self.before
        return Outcome(
            problem=self.problem,
            state=now.state,
            reason=now.reason or Reason.INTERRUPTED,
            planned=self.planned,
            stop=self.stop,
            before=self.before,
            after=after,
            epoch_error=self._means.latest,
            steps=self._curve.steps,
            errors=self._curve.values,
            unit=self._curve.unit,
            gradients=tuple(now.gradients),
            accuracies=(*now.accuracies, (now.state.steps, after)),
            classes=self.classes,
            diverged=now.diverged,
            seconds=self.watch.clock() - self._clock_at_start,
            engine=self.engine,
            calculated_by=now.calculated_by or self.engine,
            remark=now.remark,
        )

    # One part

    def _part(self) -> None:
        """Do one part, as far as rules and finite numbers let it."""
        now, clock = self._now, self.watch.clock
        steps, log = self._next_size()
        is_first = not self.done
        before = clock()
        run = self._go_on(steps, log)
        spent = clock() - before
        self._pace(steps, spent, is_first)
        now.remark, now.calculated_by = now.remark or run.remark, run.calculated_by
        run = self._finite(run)
        run = self._until_rule(run)
        if log and len(run.step_errors):
            now.gradients.append((now.state.steps + 1, gradient_sizes(run)))
        if len(run.step_errors):
            now.error = run.step_errors[-1]
        now.state = run.state
        self.watch.part(run)
        if self._may_score():
            now.scores = self._score()

    def _go_on(self, steps: int, log: bool = False) -> Run:
        go_on = self.watch.go_on or engines.go_on
        return go_on(self.problem, self._now.state, steps, self.engine, log)

    def _next_size(self) -> tuple[int, bool]:
        """Return how many steps come next, and whether they are logged, for their gradients."""
        size = min(self._now.size, self.planned - self.done)
        if not self.wish.gradients:
            return size, False
        until = next_measured(self._now.state.steps + 1) - self._now.state.steps - 1
        return (1, True) if until == 0 else (min(size, until), False)

    def _pace(self, steps: int, seconds: float, is_first: bool) -> None:
        now = self._now
        fitting = steps * PART / seconds if seconds > 0 else float("inf")
        now.size = max(1, int(min(fitting, GROWTH * max(steps, now.size), MOST_OF_A_PART)))
        if seconds > 0 and not is_first:  # in which kernels may have been compiled
            latest = steps / seconds
            weight = min(1.0, seconds / PART) * 0.3
            now.rate = latest if not now.rate else (1 - weight) * now.rate + weight * latest

    def _finite(self, run: Run) -> Run:
        """Return the part up to the first number that is not finite, and remember which it was."""
        if is_finite(run, self.has_error):
            return run
        now = self._now
        steps = len(run.step_errors)
        good = finite_steps(self.problem, now.state, steps, self.engine, self.has_error)
        run = self._go_on(good)
        now.diverged = find(self.problem, run.state, self.engine, self.has_error)
        now.reason = Reason.DIVERGED
        return run

    def _until_rule(self, run: Run) -> Run:
        """Return the part up to where a rule stops it; curve and means know no more than that."""
        now, done = self._now, self.done
        errors = run.step_errors
        means = self._means.feed(errors)
        end = self._rules.feed(means) if self.has_error else None
        if end is not None:
            epochs, now.reason = end
            now.diverged = None
            means = means[: len(means) - (self._rules.epochs - epochs)]
            self._means.latest = means[-1]
            errors = errors[: self._means.skipped + epochs * self._epoch.steps - done]
            if len(errors) < len(run.step_errors):
                run = self._go_on(len(errors))
        if self.has_error:
            self._curve.feed(errors, means)
        return run

    def _progress(self) -> Progress:
        now = self._now
        seconds = self.watch.clock() - self._clock_at_start
        return Progress(
            self.done, self.planned, now.error, self._means.latest, seconds, now.rate,
            now.scores, self._curve, bool(self.stop),
        )  # fmt: skip

    # Scores

    def _make_scorers(self) -> tuple[Scorer | None, Scorer | None]:
        train, test = (
            Scorer(self.problem, samples, self.classes, self.engine) if samples else None
            for samples in (self.problem.samples, test_samples(self.problem))
        )
        return train, test

    def _score(self) -> Scores:
        """Score the present parameters; remembers how long that took."""
        clock = self.watch.clock
        before = clock()
        numbers = self._now.state.numbers
        train, test = self._scorers
        found = Scores(
            train.score(numbers) if train else None, test.score(numbers) if test else None
        )
        self._now.scoring += clock() - before
        if self.done:
            self._now.accuracies.append((self._now.state.steps, found))
        return found

    def _may_score(self) -> bool:
        """Whether another score would still cost little; each costs about as much as the first."""
        now = self._now
        if self.classes is None or now.reason is not None:
            return False
        spent = self.watch.clock() - self._clock_at_start
        each = now.scoring / (1 + len(now.accuracies))
        return now.scoring + each < SCORED * spent


def has_error(problem: Problem) -> bool:
    """Whether there is an error E: a loss, and targets for it."""
    return problem.network.loss != "none" and all(sample.t for sample in problem.samples)


def test_samples(problem: Problem) -> Sequence[Sample]:
    """Return the samples that are held back for the test."""
    return problem.data.test if problem.data is not None else ()


def next_measured(step: int) -> int:
    """Return the first step from `step` on at which gradients are measured.

    All steps at first, then `PER_OCTAVE` while the number doubles, whatever the length of the run:
    the early steps, in which most happens, are seen as well as the late ones.
    """
    stride = max(1, (1 << (step.bit_length() - 1)) // PER_OCTAVE)
    return -(-step // stride) * stride


def gradient_sizes(run: Run) -> tuple[float, ...]:
    """Return √Σ(∂E/∂w)² over the weights into each layer, of the first step of a log."""
    layout = run.layout
    sizes = []
    for start, end in zip(layout.w_at, layout.w_at[1:], strict=False):
        if end > start:
            total = 0.0
            for g in run.log[layout.gradients + start : layout.gradients + end]:
                total += g * g
            sizes.append(sqrt(total))
    return tuple(sizes)


def check_trained(problem: Problem) -> None:
    """Raise `BptraceError` if the updates of a problem change nothing."""
    file = f"{problem.file}: " if problem.file else ""
    if not problem.training.rule:
        raise BptraceError(
            f"{file}nothing is trained, because there is no learning rule. Write [training] with "
            'rule = "gradient-descent" and learning_rate = 0.5'
        )
    if not problem.learns:
        raise BptraceError(
            f"{file}nothing is trained, because {problem.training.rule} needs an error: "
            "write a loss such as half-squared, and targets t = [ … ] for every sample"
        )
