"""What comes out of a trace on disk is, bit for bit, what a run in memory has."""

from __future__ import annotations

import subprocess
import sys
from array import array
from random import Random

import numpy as np
import pytest
from traced import LOG, PAGE, content, write

from bptrace import engine
from bptrace.address import Quantity
from bptrace.errors import BptraceError
from bptrace.model import LOG_QUANTITIES
from bptrace.store import StoreError, Writer, contents, open_trace, record, resume
from bptrace.store import stored as stored_module
from bptrace.store import writer as writer_module

NAMES = ("out_o1", "w1+", "E", "dE/dw2", "delta_h2", "b1", "step_w3", "t_o1 - out_o1")


@pytest.mark.ci
def test_any_number_of_any_step_is_that_of_the_run(problem, tmp_path):
    stored, run = record(problem, tmp_path / "trace"), engine.run(problem, "python")
    assert (stored.steps, stored.goal, stored.first) == (1300, 1300, 1)
    random = Random(1)
    for step in [1, 499, 500, 501, 1000, 1300, *(random.randint(1, 1300) for _ in range(6))]:
        for name in NAMES:
            assert stored.at(name, step) == run.at(name, step), (name, step)
    assert stored.at("w1", 1301) == run.at("w1", 1301)
    for name in ("E", "w1", "out_h2", "dE/db1"):
        assert np.array_equal(stored[name], run[name])
    theirs = run.array(Quantity.D_IN)
    assert np.array_equal(stored.array(Quantity.D_IN), theirs, equal_nan=True)
    assert list(stored.log[:20]) == list(run.log[:20])
    assert stored.log[40:90_000].tobytes() == run.log[40:90_000].tobytes()
    assert stored.log[40:900:7].tobytes() == run.log[40:900:7].tobytes()
    assert list(stored.log[-13:]) == list(run.log[-13:])
    assert len(stored.log) == len(run.log)


def test_a_step_outside_the_run_is_refused(problem, tmp_path):
    stored = record(problem, tmp_path / "trace", 20)
    with pytest.raises(BptraceError, match="no step 22; the run has the steps 1 to 20"):
        stored.at("w1", 22)
    with pytest.raises(IndexError):
        stored.log[len(stored.log)]


def test_a_trace_of_no_steps(problem, tmp_path):
    stored = record(problem, tmp_path / "trace", 0)
    assert stored.steps == 0
    assert stored.at("w1", 1) == engine.run(problem, "python").at("w1", 1)
    assert stored["E"].shape == stored["w1"].shape == (0,)
    assert resume(tmp_path / "trace", 3).at("E", 3) == engine.run(problem, "python").at("E", 3)


@pytest.mark.parametrize("kept", [1, 2**12, 2**26])
def test_records_that_do_not_fit_into_memory_together(problem, tmp_path, monkeypatch, kept):
    monkeypatch.setattr(stored_module, "MOST_KEPT", kept)
    stored, run = record(problem, tmp_path / "trace", 620), engine.run(problem, "python", 620)
    for step in (1, 2, 333, 500, 501, 620):
        assert stored.at("dE/dw4", step) == run.at("dE/dw4", step)
    assert stored.part(620).numbers[-1] == 620


@pytest.mark.ci
def test_the_files_do_not_depend_on_parts_engines_or_stops(logged, tmp_path):
    record(logged, tmp_path / "whole", 1300, "python")
    with Writer.create(logged, tmp_path / "parts", 1300) as writer:
        random = Random(2)
        while writer.state.steps < 1300:
            run = writer.advance(min(random.randint(1, 300), 1300 - writer.state.steps), "python")
            assert run.steps == 0
            if random.random() < 0.3:
                writer.commit()
    record(logged, tmp_path / "stopped", 2, "python")
    for steps in (3, 499, 500, 777, 1300):
        resume(tmp_path / "stopped", steps, "python")
    whole = content(tmp_path / "whole")
    assert whole == content(tmp_path / "parts")
    assert whole == content(tmp_path / "stopped")


@pytest.mark.jit
def test_the_files_do_not_depend_on_the_engine(logged, tmp_path, monkeypatch):
    for name, most in (("python", 2**26), ("numba", 2**15)):  # the second log is written over
        monkeypatch.setattr(writer_module, "MOST_LOG", most)
        record(logged, tmp_path / name, 1300, name)
    assert content(tmp_path / "python") == content(tmp_path / "numba")


def test_parts_count_on_as_those_of_the_engine(problem, tmp_path):
    with Writer.create(problem, tmp_path / "trace", 900) as writer:
        ours = [writer.advance(n, "python") for n in (300, 600)]
    state = engine.start(problem)
    for n, run in zip((300, 600), ours, strict=True):
        theirs = engine.go_on(problem, state, n, "python")
        state = theirs.state
        assert run.state == state
        assert run.step_errors == theirs.step_errors
        assert run.first == theirs.first


def test_parts_of_the_kernels_own_are_written_too(logged, tmp_path):
    record(logged, tmp_path / "whole", 700, "python")
    with Writer.create(logged, tmp_path / "parts", 700) as writer:
        while writer.state.steps < 700:
            count = min(90, 700 - writer.state.steps)
            run = engine.go_on(writer.problem, writer.state, count, "python", log=True)
            writer.write(run)
            with pytest.raises(ValueError, match="does not follow on step"):
                writer.write(run)
    assert content(tmp_path / "whole") == content(tmp_path / "parts")


@pytest.mark.parametrize("log", [False, True])
def test_a_part_may_be_done_again_or_less_of_it(problem, tmp_path, log):
    record(problem, tmp_path / "whole", 940, "python")
    with Writer.create(problem, tmp_path / "parts", 940) as writer:
        writer.go_on(problem, writer.state, 1200, "python")
        run = writer.go_on(problem, writer.state, 940, "python", log)
        assert (run.steps, run.first, run.state.steps) == (940 * log, 1, 940)
        writer.write(run)
    assert content(tmp_path / "whole") == content(tmp_path / "parts")


def test_a_part_without_what_is_needed_is_refused(problem, tmp_path):
    with Writer.create(problem, tmp_path / "trace", 940) as writer:
        run = engine.go_on(problem, writer.state, 501, "python")
        with pytest.raises(ValueError, match="no log, but goes on behind the checkpoint"):
            writer.write(run)
        writer.write(engine.go_on(problem, writer.state, 500, "python"))
    assert open_trace(tmp_path / "trace").steps == 500


def test_quantities_in_full_are_those_of_the_run(logged, tmp_path):
    stored, run = record(logged, tmp_path / "trace", 300), engine.run(logged, "python", 300)
    steps = list(range(1, 301, 7))
    cuts = {
        "in": run.array(Quantity.IN),
        "out": run.array(Quantity.OUT)[:, :, 2:],
        "delta": run.array(Quantity.D_IN),
        "E": run.array(Quantity.E)[:, :, 0],
        "parameters": np.hstack([run.array(Quantity.W), run.array(Quantity.B)]),
        "gradients": np.hstack([run.array(Quantity.D_W), run.array(Quantity.D_B)]),
    }
    assert tuple(cuts) == LOG_QUANTITIES == tuple(contents.LOGGED)
    for name, expected in cuts.items():
        place = stored.arrays[f"log/{name}"]
        raw = stored.rows(place.path, 0, place.rows(300))
        found = np.frombuffer(raw).reshape(-1, *place.inner)
        assert np.array_equal(found, expected[[s - 1 for s in steps]], equal_nan=True), name
    assert np.frombuffer(stored.rows("log/step", 0, len(steps)), "<i8").tolist() == steps
    samples = np.frombuffer(stored.rows("log/sample_number", 0, len(steps)), "<i8").reshape(-1, 2)
    padded = [[*run.samples(s), 0][:2] for s in steps]
    assert samples.tolist() == padded


def test_checkpoints_are_near_and_small():
    from benchmarks.networks import build

    expected = {(2, 2, 2): 200, (2, 10, 10, 1): 50, (40, 30, 20): 10, (784, 30, 10): 1000}
    for widths, interval in expected.items():
        problem = build(widths)
        layout = problem.layout
        assert contents.interval(problem) == interval, widths
        share, is_wide = layout.n_carried / interval / layout.size, widths == (784, 30, 10)
        assert contents.is_plain(problem, interval) == (not is_wide)
        assert share <= (contents.MOST_SHARE_IF_COMPILED if is_wide else contents.MOST_SHARE)
    layout = build((2, 2, 2)).layout
    per_step = layout.n_carried / 200 + 2  # E and the number of the step
    assert per_step <= 0.06 * layout.size


def test_no_error_to_store(tmp_path):
    problem = write(
        tmp_path, PAGE.split("[training]")[0].replace("[network]", '[network]\nloss = "none"')
    )
    stored = record(problem, tmp_path / "trace", 5)
    assert stored.at("out_o1", 5) == engine.run(problem, "python", 5).at("out_o1", 5)
    assert np.isnan(np.frombuffer(stored.rows("E", 0, 5))).all()


def test_a_run_that_is_not_finite_any_more(tmp_path):
    text = PAGE.replace('"tanh"', '"identity"').replace('"sigmoid"', '"identity"')
    problem = write(tmp_path, text.replace("learning_rate = 0.5", "learning_rate = 1000.0"))
    stored = record(problem, tmp_path / "trace", 1100, "python")
    assert np.isnan(stored["E"][-1])
    assert np.isnan(stored.at("w1", 1100))
    assert resume(tmp_path / "trace", 1200).steps == 1200


def test_nan_has_one_pattern_of_bits():
    import struct

    odd = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000001))[0]
    assert contents.canonical(array("d", [odd, -0.0])) == struct.pack("<dd", float("nan"), -0.0)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(
    ("kept", "ends"),
    [
        (1, range(1, 1301)),  # records
        (200, [200, 400, 500, 700, 900, 1000, 1200, 1300]),
        (500, [500, 1000, 1300]),
        (1100, [1000, 1300]),
        (9999, [1300]),
    ],
)
def test_all_records_of_all_steps(problem, tmp_path, monkeypatch, kept, ends, again):
    stored, run = record(problem, tmp_path / "trace"), engine.run(problem, "python")
    monkeypatch.setattr(stored_module, "MOST_KEPT", kept * 8 * problem.layout.size)
    begin, whole = 0, run.log.tobytes()
    logs = set()
    for part, end in zip(stored.parts(again), ends, strict=True):
        assert part.numbers == range(begin + 1, end + 1)
        at = 8 * problem.layout.size * begin
        assert whole[at:].startswith(part.log.tobytes())
        begin = end
        logs.add(id(part.log))
    assert not again or kept > 1 or len(logs) == 1
    assert repr(stored).endswith("trace': steps=1300 of 1300>")


@pytest.mark.parametrize("kept", [200, 9999])
def test_parts_are_proved_before_they_are_given(problem, tmp_path, monkeypatch, kept):
    """With a wrong number behind the part, too, if the next checkpoint is behind it."""
    stored = record(problem, tmp_path / "trace")
    monkeypatch.setattr(stored_module, "MOST_KEPT", kept * 8 * problem.layout.size)
    rows = stored.rows

    def forged(path: str, begin: int, end: int) -> bytes:
        raw = bytearray(rows(path, begin, end))
        if path == "checkpoints/state" and begin <= 2 < end:
            raw[-1] ^= 1
        return bytes(raw)

    monkeypatch.setattr(stored, "rows", forged)
    found = []
    with pytest.raises(StoreError, match="another number for the checkpoint after step 1000"):
        found.extend(run.numbers[-1] for run in stored.parts())
    assert found == ([200, 400, 500] if kept == 200 else [])


@pytest.mark.jit
def test_opening_loads_what_takes_long(problem, tmp_path, monkeypatch):
    record(problem, tmp_path / "trace", 600, "python")
    monkeypatch.setattr(contents, "is_plain", lambda problem, interval: False)
    run, calls = engine.go_on, []

    def counted(*arguments, **named):
        calls.append(arguments)
        return run(*arguments, **named)

    monkeypatch.setattr(engine, "go_on", counted)
    for ready in (False, True):
        calls.clear()
        trace = open_trace(tmp_path / "trace", ready)
        assert trace.engine == "numba"
        assert [(a[2], a[4]) for a in calls if a[3] == "numba"] == (
            [(1, False), (1, True)] if ready else []
        )
        assert trace.at("w1+", 77) == engine.run(problem, "python", 77).at("w1+", 77)


def test_without_numba_plain_python_recomputes(problem, tmp_path, monkeypatch):
    record(problem, tmp_path / "trace", 600, "python")
    monkeypatch.setattr(contents, "is_plain", lambda problem, interval: False)
    monkeypatch.setattr(
        engine, "_numba_missing", lambda: "Numba cannot be imported (it is not here)"
    )
    trace = open_trace(tmp_path / "trace")
    assert trace.at("w1+", 77) == engine.run(problem, "python", 77).at("w1+", 77)
    assert trace.engine == "python"


def test_a_step_of_a_small_network_needs_no_numpy(problem, tmp_path):
    record(problem, tmp_path / "trace", 1300, "python")
    program = (
        "import sys; from bptrace.store import open_trace\n"
        "print(open_trace(sys.argv[1]).at('w1+', 700) != 0, 'numpy' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "trace")], capture_output=True, text=True
    )
    assert result.stdout == "True False\n", result.stderr


@pytest.mark.jit
@pytest.mark.parametrize("portion", [2**12, 2**16])
@pytest.mark.parametrize("rule", ["gradient-descent", "adamw"])
def test_checkpoints_within_a_call_are_the_same(tmp_path, monkeypatch, portion, rule):
    """Compiled code goes past checkpoints, and keeps them on the way."""
    text = PAGE.replace("gradient-descent", rule).replace(
        "batch = 2", 'batch = 2\norder = "shuffled"'
    )
    problem = write(tmp_path, text)
    assert problem.training.order == "shuffled"
    assert contents.interval(problem) == 100
    record(problem, tmp_path / "python", 1300, "python")
    monkeypatch.setattr(writer_module, "HAND_OVER_BYTES", portion)
    with Writer.create(problem, tmp_path / "numba", 1300) as writer:
        for steps in (1, 0, 498, 600, 201):
            run = writer.advance(steps, "numba")
            assert len(run.step_errors) == steps
    assert content(tmp_path / "python") == content(tmp_path / "numba")


def test_log_table_faults(tmp_path):
    for table, message in (
        ("quantities = []", "names no quantities"),
        ('quantities = ["outs"]', "Did you mean 'out'"),
        ('quantities = ["out", "out"]', "stands here twice"),
        ('quantities = ["out"]\nevery = 0', "every"),
    ):
        with pytest.raises(BptraceError, match=message):
            write(tmp_path, PAGE + "[log]\n" + table)
    assert LOG in PAGE + LOG
    assert StoreError.exit_code == 2


@pytest.mark.parametrize("rule", ["momentum", "adagrad", "adamw", "delta"])
def test_what_a_rule_remembers_survives(tmp_path, rule):
    """Velocities, means and the number of the update go on after each part as if never stopped."""
    problem = write(tmp_path, PAGE.replace("gradient-descent", rule), f"{rule}.toml")
    whole = engine.run(problem, "python", 1201)
    folder = tmp_path / "trace"
    record(problem, folder, 130)
    resume(folder, 611)
    stored = resume(folder, 1201)
    assert stored.state_at(1201).numbers.tobytes() == whole.state.numbers.tobytes()
    letters = {"momentum": "v", "adagrad": "s", "adamw": "ms", "delta": ""}[rule]
    names = [f"{letter}_{w}+" for letter in letters for w in ("w1", "w9", "b4")]
    for step in (1, 130, 131, 500, 612, 1201):
        for name in (*names, "w9+", "step_w9", "out_o1"):
            assert stored.at(name, step) == whole.at(name, step), (name, step)
