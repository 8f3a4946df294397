"""The loop: the same bits in any parts, rules that stop at their step, and where numbers end."""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import count
from math import isfinite, sqrt

import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st
from strategies import MOSTLY_HUGE, problems

from bptrace import engine
from bptrace.address import Address, Quantity
from bptrace.errors import BptraceError
from bptrace.maths.expr import refs
from bptrace.maths.losses import LOSSES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Stop, Training
from bptrace.training import loop
from bptrace.training.loop import Loop, Watch, Wish, next_measured
from bptrace.training.records import Outcome
from bptrace.training.stop import MOST_UNTIL, Reason, planned_steps


def uneven(times: list[float]) -> Watch:
    """A watch whose clock says that parts took these times, so that they get odd sizes."""
    ticks = count()
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += times[next(ticks) % len(times)]
        return now

    return Watch(clock=clock)


def finished(problem: Problem, wish: Wish, watch: Watch = loop.NOBODY) -> Outcome:
    run = Loop(problem, wish, watch)
    for _ in run.parts():
        pass
    return run.outcome()


NO_RULE = Stop()


def xor(steps: int = 400, stop: Stop = NO_RULE, rate: float = 0.5) -> Problem:
    samples = [((0.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), 0.0)]
    network = Network(
        (
            Layer(2),
            Layer(3, activation="tanh", biases=3),
            Layer(1, activation="sigmoid", biases=1),
        )
    )
    weights = (((0.9, -0.7), (-0.4, 0.8), (0.3, 0.6)), ((0.5, -0.9, 0.2),))
    return Problem(
        network,
        Parameters(weights, ((0.1, -0.2, 0.3), (0.4,))),
        tuple(Sample(x, (t,)) for x, t in samples),
        Training("gradient-descent", rate, batch=3, steps=steps, stop=stop),
    )


LEARNING = tuple(loss for loss in LOSSES.names if loss != "none")
RELU = Network((Layer(2), Layer(3, activation="relu", biases=3), Layer(1, biases=1)))
TIMES = st.lists(st.floats(1e-6, 0.5), min_size=1, max_size=6)


@dear(10)
@given(problems(losses=LEARNING, always_learns=True), st.integers(0, 30), TIMES, st.booleans())
def test_any_parts_are_the_whole_run(
    problem: Problem, steps: int, times: list[float], gradients: bool
) -> None:
    parts: list[float] = []
    watch = uneven(times)._replace(part=lambda run: parts.extend(run.step_errors))
    outcome = finished(problem, Wish(steps, "python", gradients=gradients), watch)
    whole = engine.run(problem, "python", steps)
    finite = all(map(isfinite, [*whole.state.numbers, *whole.step_errors]))
    assert (outcome.reason is Reason.DONE) == (outcome.state.steps == steps) == finite
    reached = engine.go_on(problem, engine.start(problem), outcome.state.steps, "python")
    assert outcome.state == reached.state
    assert parts == list(reached.step_errors)
    same = finished(problem, Wish(steps, "python"))
    assert (same.state, same.steps, same.errors) == (outcome.state, outcome.steps, outcome.errors)


@dear(10)
@given(problems(MOSTLY_HUGE, losses=LEARNING, always_learns=True), TIMES)
def test_a_run_that_diverges_says_where(problem: Problem, times: list[float]) -> None:
    outcome = finished(problem, Wish(12, "python"), uneven(times))
    whole = engine.run(problem, "python", 12)
    size, n = problem.layout.size, problem.layout.n_carried
    bad = [
        step
        for step in range(1, 13)
        if not all(map(isfinite, [whole.step_errors[step - 1], *whole.log[step * size :][:n]]))
    ]
    if not bad:
        assert outcome.reason is Reason.DONE
        return
    assert outcome.reason is Reason.DIVERGED
    assert outcome.state.steps == bad[0] - 1
    found = outcome.diverged
    assert found is not None
    assert found.address.step == bad[0]
    value = whole.value(found.address)
    assert str(value) == str(found.value)
    assert not isfinite(value)
    equation = whole.chapter.equation(found.address)
    assert equation is not None
    assert all(isfinite(whole.value(key)) for key in refs(equation.expr))


def test_the_first_number_that_is_none_has_an_address() -> None:
    problem = replace(
        xor(),
        network=RELU,
    )
    problem = replace(problem, training=replace(problem.training, learning_rate=1e60, steps=50))
    outcome = finished(problem, Wish(engine="python"))
    assert outcome.reason is Reason.DIVERGED
    assert outcome.state.steps == 2
    assert outcome.diverged is not None
    assert outcome.diverged.address == Address(Quantity.E_K, 0, 1, sample=1, step=3)
    assert outcome.diverged.value == float("inf")
    assert all(map(isfinite, outcome.trained.parameters))


def test_without_a_log_a_run_that_diverges_raises_nothing() -> None:
    problem = replace(xor(), network=Network((Layer(2), Layer(3, biases=3), Layer(1, biases=1))))
    problem = replace(problem, training=replace(problem.training, learning_rate=1e200))
    trace = engine.run(problem, "python", 50, log=False)
    assert trace.problem.parameters == problem.parameters
    assert trace.remark == engine.DIVERGED
    assert not all(map(isfinite, trace.state.numbers))


# ----------------------------------------------------------------------------------- stop rules


def epoch_means(problem: Problem, steps: int) -> list[float]:
    """E of a sample over each epoch of 2 steps, as xor has them, written out."""
    errors = engine.run(problem, "python", steps).step_errors
    return [(errors[k] + errors[k + 1]) / 4.0 for k in range(0, steps - 1, 2)]


@dear(10)
@given(TIMES)
def test_a_rule_stops_at_the_end_of_its_epoch(times: list[float]) -> None:
    means = epoch_means(xor(), 400)
    limit = means[70]
    below = next(k for k, mean in enumerate(means) if mean < limit)
    outcome = finished(xor(400, Stop(error=limit)), Wish(engine="python"), uneven(times))
    assert outcome.reason is Reason.ERROR
    assert outcome.state.steps == 2 * (below + 1) < 400
    assert outcome.epoch_error == means[below]
    assert outcome.errors[-1] == means[len(outcome.errors) - 1]


@dear(10)
@given(TIMES)
def test_patience_ends_where_nothing_gets_better(times: list[float]) -> None:
    problem = xor(400, Stop(patience=7), rate=12.0)  # so fast that E jumps about
    means = epoch_means(problem, 400)
    best, since, end = float("inf"), 0, 0
    while since < 7:
        best, since = (means[end], 0) if means[end] < best else (best, since + 1)
        end += 1
    outcome = finished(problem, Wish(engine="python"), uneven(times))
    assert outcome.reason is Reason.PATIENCE
    assert outcome.state.steps == 2 * end < 400


def test_rules_of_the_wish_stand_before_those_of_the_file() -> None:
    outcome = finished(xor(40, Stop(error=1e9)), Wish(engine="python", stop=Stop()))
    assert (outcome.reason, outcome.state.steps) == (Reason.DONE, 40)


def test_how_many_steps_are_planned() -> None:
    by_hand, long = xor(1), xor(30)
    assert planned_steps(by_hand, Stop()) == 1
    assert planned_steps(by_hand, Stop(error=0.1)) == MOST_UNTIL
    assert planned_steps(long, Stop(error=0.1)) == 30
    assert planned_steps(long, Stop(error=0.1), asked=7) == 7


@pytest.mark.parametrize("wrong", [{"error": 0.0}, {"error": float("nan")}, {"patience": 0}])
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BptraceError, match=r"needed|stops at an E"):
        Stop(**wrong)  # type: ignore[arg-type]


# ----------------------------------------------------------------------- ends, beginnings, faults


def test_an_interrupt_leaves_whole_parts() -> None:
    asked = count()
    watch = Watch(stopped=lambda: next(asked) >= 3)
    outcome = finished(xor(10**6), Wish(engine="python"), watch)
    assert outcome.reason is Reason.INTERRUPTED
    done = outcome.state.steps
    assert 0 < done < 10**6
    assert outcome.state == engine.go_on(xor(), engine.start(xor()), done).state
    assert outcome.after.train is not None


def test_an_interrupt_inside_a_part_loses_that_part(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, calls = engine.go_on, count()

    def interrupted(*args: object, **settings: object) -> engine.Run:
        if next(calls) == 3:  # the score before, and two parts
            raise KeyboardInterrupt
        return go_on(*args, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "go_on", interrupted)
    outcome = finished(xor(10**6), Wish(engine="python"))
    monkeypatch.undo()
    assert outcome.reason is Reason.INTERRUPTED
    assert outcome.state.steps == 1 + loop.GROWTH
    assert outcome.state == engine.go_on(xor(), engine.start(xor()), 1 + loop.GROWTH).state


@given(st.integers(0, 9), TIMES)
def test_a_run_goes_on_where_another_ended(done: int, times: list[float]) -> None:
    begun = engine.go_on(xor(), engine.start(xor()), done, "python").state
    outcome = finished(xor(), Wish(30, "python", start=begun), uneven(times))
    whole = finished(xor(), Wish(done + 30, "python"))
    assert outcome.state == whole.state
    if done % 2 == 0:
        assert outcome.epoch_error == whole.epoch_error


def test_no_steps() -> None:
    outcome = finished(xor(), Wish(0))
    assert (outcome.reason, outcome.state) == (Reason.DONE, engine.start(xor()))
    assert outcome.before == outcome.after
    assert outcome.errors == ()


def test_what_is_not_trained_is_refused() -> None:
    without_rule = replace(xor(), training=Training(), file="page.toml")
    with pytest.raises(BptraceError) as caught:
        Loop(without_rule)
    assert str(caught.value) == (
        "page.toml: nothing is trained, because there is no learning rule. Write [training] with "
        'rule = "gradient-descent" and learning_rate = 0.5'
    )
    without_targets = replace(xor(), samples=(Sample((1.0, 2.0)),) * 4)
    with pytest.raises(BptraceError) as caught:
        Loop(without_targets)
    assert str(caught.value) == (
        "nothing is trained, because gradient-descent needs an error: "
        "write a loss such as half-squared, and targets t = [ … ] for every sample"
    )
    with pytest.raises(BptraceError, match="-1 steps: at least 0 are needed"):
        Loop(xor(), Wish(-1))


def test_slopes_that_are_zero_change_nothing() -> None:
    problem = replace(
        xor(30),
        network=RELU,
        parameters=Parameters((((-1.0, -1.0),) * 3, ((0.5, 0.6, 0.7),)), ((-1.0,) * 3, (0.0,))),
        samples=tuple(Sample(x, (0.0,)) for x in ((0.5, 1.5), (1.0, 2.0), (3.0, 0.1))),
    )
    outcome = finished(problem, Wish(gradients=True))
    assert outcome.state.numbers == array("d", problem.parameters)
    assert outcome.gradients[0] == (1, (0.0, 0.0))
    assert outcome.reason is Reason.DONE


# ------------------------------------------------------------------------------------ gradients


def test_gradients_are_measured_at_the_same_steps_in_any_run() -> None:
    measured, step = [], 1
    while step < 2000:
        step = next_measured(step)
        measured.append(step)
        step += 1
    assert measured[:64] == list(range(1, 65))
    assert all(m % 2 == 0 for m in measured if 64 <= m < 128)
    assert sum(1024 <= m < 2048 for m in measured) == loop.PER_OCTAVE
    outcome = finished(xor(300), Wish(engine="python", gradients=True))
    assert [step for step, _ in outcome.gradients] == [m for m in measured if m <= 300]


def test_the_size_of_a_gradient_is_its_length() -> None:
    trace = engine.run(xor(), "python", 5)
    outcome = finished(xor(5), Wish(engine="python", gradients=True))
    for step, sizes in outcome.gradients:
        for l, (n, m) in ((1, (3, 2)), (2, (1, 3))):
            total = 0.0
            for j in range(1, n + 1):
                for i in range(1, m + 1):
                    g = trace.at(f"dE/dw[{l},{j},{i}]", step, 0)
                    total += g * g
            # squares and sum may be taken in another way (scaled): 8 roundings of 2**-53 at most
            assert abs(sizes[l - 1] - sqrt(total)) <= 8 * 2**-53 * sqrt(total)


def test_parts_take_the_time_that_was_meant() -> None:
    """A machine that takes 1 µs a step, and half a second to get going: parts settle at 80 ms."""
    now, sizes = 0.0, []

    def clock() -> float:
        return now

    def took(run: engine.Run) -> None:
        sizes.append(len(run.step_errors))

    real = engine.go_on

    def go_on(
        problem: Problem, state: engine.State, steps: int, name: str, log: bool = False
    ) -> engine.Run:
        nonlocal now
        if log:  # a score
            return real(problem, state, steps, name, log)
        now += 1e-6 * steps + (0.5 if state.steps == 0 else 0.0)
        errors = array("d", [0.25]) * steps
        run = real(problem, state, 0)
        run.step_errors = errors
        return run

    monkey = pytest.MonkeyPatch()
    try:
        run = Loop(xor(400_000), Wish(engine="python"), Watch(part=took, clock=clock))
        monkey.setattr(engine, "go_on", go_on)
        rates = [progress.rate for progress in run.parts()]
    finally:
        monkey.undo()
    assert sizes[:4] == [1, 1, 10, 100]
    assert 79_990 <= max(sizes) <= 80_000  # the clock rounds
    assert sum(sizes) == 400_000
    assert rates[0] == 0.0
    assert rates[-1] == pytest.approx(1e6, rel=1e-6)  # the clock's own rounding, added up
