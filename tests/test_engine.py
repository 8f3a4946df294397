"""The engine: which one runs and why, what it refuses, and what it does not import."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import problems

from bptrace import engine
from bptrace.address import Address, Quantity
from bptrace.engine import (
    BREAK_EVEN,
    Choice,
    check_memory,
    choose,
    go_on,
    plain_seconds,
    run,
    start,
)
from bptrace.errors import BptraceError, UnknownName
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

Q = Quantity

# The 2-2-2 network of the source "BP神经网络算法推导及代码实现笔记" (LH, 2020-04-25).
BY_HAND = Problem(
    Network(
        (
            Layer(2, names=("i1", "i2")),
            Layer(2, names=("h1", "h2"), activation="sigmoid", biases=2),
            Layer(2, names=("O1", "O2"), activation="sigmoid", biases=2),
        )
    ),
    Parameters((((0.1, 0.2), (0.3, 0.4)), ((0.5, 0.6), (0.7, 0.8))), ((0.55, 0.56), (0.66, 0.67))),
    (Sample((0.1, 0.2), (0.01, 0.99)),),
    Training("gradient-descent", learning_rate=0.5),
)
BOTH = pytest.mark.parametrize("name", ["python", "numba"])


@BOTH
def test_a_calculation_by_hand(name: str) -> None:
    trace = run(BY_HAND, name)
    assert (trace.engine, trace.steps) == (name, 1)
    printed = {
        "in_h1": "0.6000000000",
        "out_h1": "0.6456563062",
        "dE/dw5": "0.0818233150",
        "w5+": "0.4590883425",
    }
    assert {key: f"{trace.at(key):.10f}" for key in printed} == printed


@BOTH
def test_steps_follow_one_another(name: str) -> None:
    one, two = run(BY_HAND, name, steps=1), run(BY_HAND, name, steps=2)
    parameters = BY_HAND.layout.n_parameters
    assert two.log[: len(one.log)] == one.log
    assert two.log[BY_HAND.layout.size :][:parameters] == one.log[-parameters:]
    assert two.at("w5", step=2) == one.at("w5+", step=1) == one.at("w5", step=2)
    assert two.step_errors[1] < two.step_errors[0] == one.at("E")


@BOTH
def test_no_steps_leave_the_parameters(name: str) -> None:
    trace = run(BY_HAND, name, steps=0)
    assert trace.steps == 0
    assert list(trace.log) == list(BY_HAND.parameters)


@BOTH
def test_without_a_log_the_problem_goes_on(name: str) -> None:
    whole, half = run(BY_HAND, name, steps=6), run(BY_HAND, name, steps=3, log=False)
    rest = run(half.problem, name, steps=3)
    assert half.steps == 0
    assert [*half.step_errors, *rest.step_errors] == list(whole.step_errors)
    assert rest.log == whole.log[3 * BY_HAND.layout.size :]


@BOTH
def test_a_run_in_parts_is_the_whole_run(name: str) -> None:
    whole, state, errors = run(BY_HAND, name, steps=7), start(BY_HAND), []
    for steps in (3, 0, 1, 3):
        part = go_on(BY_HAND, state, steps, name, log=True)
        assert part.numbers == range(state.steps + 1, state.steps + steps + 1)
        for step in part.numbers:
            for quantity in ("w[1,1,1]", "dE/dw[1,1,1]", "out[1,1]", "w[1,1,1]+"):
                assert part.at(quantity, step) == whole.at(quantity, step)
        assert go_on(BY_HAND, state, steps, name).state == part.state
        state = part.state
        errors.extend(part.step_errors)
    assert errors == list(whole.step_errors)
    assert state == whole.state


def test_a_part_of_a_run_knows_its_own_steps_only() -> None:
    part = go_on(BY_HAND, run(BY_HAND, steps=3).state, 2, log=True)
    assert list(part["w[1,1,1]"]) == [part.at("w[1,1,1]", step) for step in (4, 5)]
    with pytest.raises(BptraceError, match="there is no step 3; the run has the steps 4 to 5"):
        part.at("out[1,1]", step=3)


def test_values_are_pythons_floats() -> None:
    trace = run(BY_HAND, "numba")
    address = Address(Quantity.OUT, 1, 1, sample=1, step=1)
    assert type(trace.value(address)) is float


def test_unknown_engine() -> None:
    with pytest.raises(UnknownName) as caught:
        run(BY_HAND, "nunba")
    assert str(caught.value) == "unknown engine 'nunba'. Did you mean 'numba'?"


def test_negative_steps() -> None:
    with pytest.raises(BptraceError) as caught:
        run(BY_HAND, steps=-1)
    assert str(caught.value) == "-1 steps: at least 0 are needed"


# Which engine


def wide(width: int, batch: int) -> Problem:
    row = (0.5,) * width
    samples = (Sample(row, row),) * batch
    return Problem(
        Network((Layer(width), Layer(width))),
        Parameters(((row,) * width,), ((),)),
        samples,
        Training("gradient-descent", 0.1, batch=batch),
    )


def test_auto_compiles_from_the_break_even_on() -> None:
    steps = int(BREAK_EVEN / plain_seconds(BY_HAND, 1))
    assert choose(BY_HAND, steps) == Choice("python")
    assert choose(BY_HAND, steps + 1).engine == "numba"
    assert 10_000 < steps < 1_000_000
    assert choose(wide(100, 1), 100).engine == "python"
    assert choose(wide(100, 10), 100).engine == "numba"


@pytest.mark.parametrize("engine_asked", ["python", "numba"])
def test_what_is_asked_for_runs(engine_asked: str) -> None:
    for steps in (0, 1, 10**7):
        assert choose(BY_HAND, steps, engine_asked) == Choice(engine_asked)


@pytest.mark.parametrize(("problem", "steps"), [(BY_HAND, 800), (wide(30, 3), 20)])
def test_the_estimate_has_the_right_size(problem: Problem, steps: int) -> None:
    # Factor 8: machines differ, and are shared; an estimate out by more would be a wrong formula.
    begin = process_time()
    run(problem, "python", steps=steps)
    spent = process_time() - begin
    assert plain_seconds(problem, steps) / 8 < spent < plain_seconds(problem, steps) * 8


def test_without_numba_auto_runs_plain_python_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BREAK_EVEN", 0.0)
    monkeypatch.setattr(engine, "_numba_missing", lambda: "Numba cannot be imported (no numba)")
    trace = run(BY_HAND)
    assert trace.engine == "python"
    assert trace.remark == (
        "Numba cannot be imported (no numba); plain Python ran instead, with the same results"
    )
    with pytest.raises(BptraceError) as caught:
        run(BY_HAND, "numba")
    assert str(caught.value) == (
        "Numba cannot be imported (no numba). "
        "Install it (pip install numba), or use the engine 'python'"
    )


def in_a_new_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


PROBLEM = """
import sys
from bptrace.engine import run
from bptrace.model import Layer, Network, Parameters, Problem, Sample
problem = Problem(Network((Layer(1), Layer(1))), Parameters((((2.0,),),), ((),)),
                  (Sample((1.0,), (5.0,)),))
"""


def test_numba_that_cannot_be_imported_is_found_out() -> None:
    without = "import sys; sys.modules['numba'] = None\n" + PROBLEM
    code = without + "from bptrace.engine import choose; print(choose(problem, 10**9))"
    assert "engine='python', remark='Numba cannot be imported (" in in_a_new_process(code)


def test_the_plain_engine_imports_neither_numba_nor_numpy() -> None:
    code = (
        PROBLEM
        + """
trace = run(problem)
print(trace.engine, trace.at("E"), sorted({"numba", "numpy"} & set(sys.modules)))
"""
    )
    assert in_a_new_process(code) == "python 4.5 []\n"


@pytest.mark.ci
def test_numba_switched_off_runs_the_same_source() -> None:
    code = PROBLEM + "t = run(problem, 'numba'); print(t.engine, t.step_errors[0], t.remark)"
    expected = "numba 4.5 NUMBA_DISABLE_JIT is set: the kernels ran as plain Python\n"
    assert in_a_new_process(code, NUMBA_DISABLE_JIT="1") == expected


# Memory


@pytest.fixture
def two_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "memory_limit", lambda: 2 * engine.GIB)


@pytest.mark.usefixtures("two_gib")
def test_a_log_that_does_not_fit_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(BptraceError) as caught:
        run(BY_HAND, steps=10**8)
    assert str(caught.value) == (
        "the log of 100,000,000 steps would take 29.80 GiB (32,000,000,536 bytes) of memory; "
        "the limit is 2.00 GiB (2,147,483,648 bytes). "
        "At most 6,710,884 steps fit; or run without a log"
    )
    check_memory(BY_HAND, 6_710_884)
    with pytest.raises(BptraceError, match="6,710,885 steps"):
        check_memory(BY_HAND, 6_710_885)


@pytest.mark.usefixtures("two_gib")
def test_without_a_log_only_the_errors_take_memory() -> None:
    check_memory(BY_HAND, 10**8, log=False)
    with pytest.raises(BptraceError) as caught:
        run(BY_HAND, steps=10**9, log=False)
    assert str(caught.value) == (
        "E of every step of 1,000,000,000 steps would take 7.45 GiB (8,000,000,440 bytes) of "
        "memory; the limit is 2.00 GiB (2,147,483,648 bytes). Take fewer steps"
    )


def test_a_step_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "memory_limit", lambda: 300)
    limit = "the limit is 0.00 GiB (300 bytes)"
    with pytest.raises(BptraceError) as caught:
        run(BY_HAND, steps=1)
    assert str(caught.value) == (
        f"a step takes 0.00 GiB (320 bytes) of memory, with its batch of 1; {limit}. "
        "Take a smaller network"
    )
    batches = Problem(
        BY_HAND.network,
        BY_HAND.parameters,
        BY_HAND.samples * 3,
        replace(BY_HAND.training, batch=3),
    )
    with pytest.raises(BptraceError, match=r"its batch of 3; .* Take a smaller batch"):
        engine.excerpt(batches, [3], 3)


@pytest.mark.ci
@pytest.mark.usefixtures("two_gib")
def test_an_excerpt_is_refused_by_what_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by how long the run is, between the steps that are kept."""
    monkeypatch.setattr(engine, "MOST_AT_ONCE", 7)
    long = replace(BY_HAND, training=replace(BY_HAND.training, steps=10**8))
    trace = engine.excerpt(long, [40], 10**8, "python")
    assert trace.at("w1+", 40) == run(BY_HAND, "python", 40).at("w1+", 40)
    with pytest.raises(BptraceError, match="the log of 20,000,002 steps"):
        engine.excerpt(long, range(1, 10**7 + 2), 10**8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1073741824\n", engine.GIB // 2), ("max\n", 2 * engine.GIB), ("", 2 * engine.GIB)],
)
def test_the_limit_is_half_of_a_small_container(
    text: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 64 * engine.GIB // 4096}
    monkeypatch.setattr(os, "sysconf", lambda name: sizes[name], raising=False)
    place = tmp_path / "memory.max"
    place.write_text(text)
    monkeypatch.setattr(engine, "CONTAINER_LIMITS", (str(tmp_path / "none"), str(place)))
    assert engine.memory_limit() == expected


def test_the_limit_is_half_of_a_small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CONTAINER_LIMITS", ())

    def machine(gib: float) -> None:
        sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": int(gib * engine.GIB) // 4096}
        monkeypatch.setattr(os, "sysconf", lambda name: sizes[name], raising=False)

    machine(1)
    assert engine.memory_limit() == engine.GIB // 2
    machine(64)
    assert engine.memory_limit() == 2 * engine.GIB
    monkeypatch.delattr(os, "sysconf")
    assert engine.memory_limit() == 2 * engine.GIB


def test_training_without_updates_changes_nothing() -> None:
    problem = replace(BY_HAND, training=Training())
    trace = run(problem, steps=2)
    size = problem.layout.size
    assert trace.log[:size] == trace.log[size : 2 * size]


# ------------------------------------------------------------------------------------ excerpts


def bits(numbers: Sequence[float]) -> bytes:
    return array("d", numbers).tobytes()


@given(problems(always_learns=True), st.sets(st.integers(1, 7), min_size=1))
def test_an_excerpt_has_the_bits_of_the_whole_run(problem: Problem, kept: set[int]) -> None:
    whole = engine.run(problem, engine="python", steps=7)
    part = engine.excerpt(problem, sorted(kept), 7, "python")
    assert (part.steps, part.numbers) == (7, range(1, 8))
    for step in kept:
        assert bits(part.record(step)) == bits(whole.record(step))
        for address in (
            Address(Q.E, sample=problem.batch(step)[0], step=step),
            Address(Q.W, 1, 1, 1, step=step),
            Address(Q.W, 1, 1, 1, step=step + 1),  # the state after a kept step
        ):
            if problem.has_error or address.quantity is Q.W:
                assert bits([part.value(address)]) == bits([whole.value(address)])
