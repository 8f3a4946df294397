"""Traces: one number by name, a quantity over all steps, arrays without copying, and refusals."""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st
from strategies import problems

from bptrace.address import Address, Quantity, partial
from bptrace.engine import run
from bptrace.errors import BptraceError
from bptrace.maths.sums import summed
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.notation import Notation, NotationError
from bptrace.trace import Trace

Q = Quantity
SAMPLES = (
    Sample((0.6, -1.4), (0.8,)),
    Sample((-0.5, 0.7), (0.1,)),
    Sample((0.2, 0.3), (0.4,)),
)
PROBLEM = Problem(
    Network(
        (
            Layer(2),
            Layer(3, activation="tanh", biases=1, mask=((True, True), (True, False), (True, True))),
            Layer(1, activation="sigmoid"),
        )
    ),
    Parameters((((0.3, -0.2), (0.5, 0.0), (-0.7, 0.9)), ((0.2, 0.4, -0.1),)), ((0.15,), ())),
    SAMPLES,
    Training("gradient-descent", 0.5, batch=2, reduction="mean", steps=3),
    title="three samples",
)


@pytest.fixture(scope="module")
def trace() -> Trace:
    return run(PROBLEM, "python")


def test_what_a_trace_is(trace: Trace) -> None:
    assert trace.steps == 3
    assert [trace.samples(step) for step in (1, 2, 3)] == [(1, 2), (3,), (1, 2)]
    assert len(trace.log) == 3 * trace.layout.size + trace.layout.n_parameters
    assert repr(trace) == "<Trace of 'three samples': steps=3, engine='python'>"
    assert repr(run(replace(PROBLEM, title=""), "python", steps=1)) == (
        "<Trace: steps=1, engine='python'>"
    )


# One number


def test_at_takes_the_first_sample_and_the_gradients_of_the_batch(trace: Trace) -> None:
    assert trace.at("out_h1") == trace.at("out_h1", sample=1) == trace.at("out[1,1]", 1, 1)
    assert trace.at("out_h1", step=2) == trace.at("out_h1", step=2, sample=3)
    assert trace.at("delta[1,1]", step=1) == trace.at("δ_h1", step=1, sample=1)
    assert trace.at("dE/dw1") == trace.at("dE/dw1", sample=0)
    assert trace.at("dE/dw1") == (
        trace.at("dE/dw1", sample=1) + trace.at("dE/dw1", sample=2)
    ) / 2  # fmt: skip
    assert trace.at("E") == (trace.at("E", sample=1) + trace.at("E", sample=2)) / 2
    assert trace.at("E", step=2) == trace.at("E", step=2, sample=3)
    assert list(trace.errors()) == [trace.at("E", step=step) for step in (1, 2, 3)]


def test_at_reads_expressions(trace: Trace) -> None:
    assert trace.at("t_o1 - out_o1") == trace.at("t[1]") - trace.at("out[2,1]")
    assert trace.at("w1+") == trace.at("w1 - η·∂E/∂w1")
    assert trace.at("step_w1") == -(0.5 * trace.at("dE/dw1"))
    assert trace.at("eta") == 0.5
    assert trace.at("1/3") == 1 / 3
    assert trace.at("i2", step=2) == 0.3


def test_the_state_after_a_step_is_that_before_the_next(trace: Trace) -> None:
    for step in (1, 2, 3):
        assert trace.at("w[2,1,3]+", step) == trace.at("w[2,1,3]", step + 1)
        assert trace.at("b[1,2]+", step) == trace.at("b[1,3]", step + 1)
    assert trace.log[-trace.layout.n_parameters] == trace.at("w1", step=4)


@dear(8)
@given(problems(), st.data())
def test_what_is_derived_equals_what_another_run_logs(
    problem: Problem, data: st.DataObject
) -> None:
    """Samples outside the batch, and the step after the last one, are not in the log."""
    trace = run(problem, "python")
    whole = replace(problem.training, batch=len(problem.samples), order="file")
    everyone = replace(problem, training=whole)
    step = data.draw(st.integers(1, trace.steps + 1), label="step")
    weights = [trace.value(p.at(0, step)) for p in trace.layout.parameters()]
    if not all(np.isfinite(weights)):
        return
    n = problem.layout.n_w
    rest = iter(weights)
    layers = problem.network.layers
    matrices = tuple(
        tuple(tuple(next(rest) for _ in range(before.size)) for _ in range(layer.size))
        for before, layer in pairwise(layers)
    )
    biases = tuple(tuple(next(rest) for _ in range(layer.biases)) for layer in layers[1:])
    assert len(weights) - n == sum(map(len, biases))
    other = run(replace(everyone, parameters=Parameters(matrices, biases)), "python", steps=1)
    for sample in range(1, len(problem.samples) + 1):
        for address in other.layout.addresses[other.layout.samples :]:
            if not problem.has_error and address.quantity in (Q.D_IN, Q.E):
                continue
            ours = trace.value(address.at(sample, step))
            theirs = other.value(address.at(sample, 1))
            assert ours == theirs or (ours != ours and theirs != theirs), address


def test_values_remember(trace: Trace) -> None:
    values = trace.values()
    address = partial(Address(Q.E_K, 0, 1), Address(Q.OUT, 1, 2)).at(1, 1)
    assert values(address) == trace.value(address) == trace.at("dE[1]/dout[1,2]", sample=1)


# All steps


@pytest.mark.parametrize(
    "name", ["w1", "w[1,2,2]", "b1", "b[1,3]", "out_h2", "in_o1", "δ_h3", "dE/dw3", "dE/db1", "i1"]
)
def test_a_logged_quantity_is_a_view(trace: Trace, name: str) -> None:
    values = trace[name]
    assert values.dtype == np.float64
    assert values.tolist() == [trace.at(name, step) for step in (1, 2, 3)]
    assert np.shares_memory(values, np.frombuffer(trace.log, dtype=np.float64))


@pytest.mark.parametrize(
    "name", ["E", "w1+", "step_w1", "t_o1", "dE/dout_h1", "w1·2", "eta", "b1+", "E_o1", "3"]
)
def test_other_quantities_over_all_steps(trace: Trace, name: str) -> None:
    values = trace[name]
    assert values.dtype == np.float64
    assert values.tolist() == [trace.at(name, step) for step in (1, 2, 3)]


def test_no_steps() -> None:
    trace = run(PROBLEM, "python", steps=0)
    assert trace.steps == 0
    assert [trace[name].shape for name in ("w1", "out_h1", "E", "w1·2")] == [(0,)] * 4
    assert list(trace.errors()) == []
    assert trace.at("w1") == 0.3
    assert trace.at("w1", step=1) == 0.3
    assert trace.array(Q.OUT).shape == (0, 2, 6)


def test_arrays_are_views_in_the_order_of_the_layout(trace: Trace) -> None:
    log = np.frombuffer(trace.log, dtype=np.float64)
    parameters = list(trace.layout.parameters())
    weights = [p for p in parameters if p.quantity is Q.W]
    biases = [p for p in parameters if p.quantity is Q.B]
    for quantity, places in ((Q.W, weights), (Q.B, biases)):
        values = trace.array(quantity)
        assert values.shape == (3, len(places))
        gradient = {Q.W: Q.D_W, Q.B: Q.D_B}[quantity]
        for step in (1, 2, 3):
            assert values[step - 1].tolist() == [trace.value(p.at(0, step)) for p in places]
            assert trace.array(gradient)[step - 1].tolist() == [
                trace.value(partial(None, p).at(0, step)) for p in places
            ]
        assert np.shares_memory(values, log)


@pytest.mark.parametrize(("quantity", "n"), [(Q.IN, 4), (Q.OUT, 6), (Q.D_IN, 4), (Q.E, 1)])
def test_arrays_of_samples(trace: Trace, quantity: Quantity, n: int) -> None:
    values = trace.array(quantity)
    assert values.shape == (3, 2, n)
    assert np.shares_memory(values, np.frombuffer(trace.log, dtype=np.float64))
    places = [a for a in trace.layout.addresses[trace.layout.samples :] if a.quantity is quantity]
    assert len(places) == n
    for step in (1, 2, 3):
        for position, sample in enumerate(trace.samples(step)):
            expected = [trace.value(place.at(sample, step)) for place in places]
            assert values[step - 1, position].tolist() == expected
    assert np.isnan(values[1, 1]).all()  # the second batch has one sample only


def test_a_quantity_that_is_not_logged_has_no_array(trace: Trace) -> None:
    with pytest.raises(BptraceError) as caught:
        trace.array(Q.T)
    assert str(caught.value) == "T is not a logged quantity: ask for single values"


# Refusals


@pytest.mark.parametrize(
    ("name", "step", "sample", "message"),
    [
        ("w1", 5, None, "w[1,1,1]: there is no step 5; the run has the steps 1 to 3"),
        ("out_h1", 0, None, "out[1,1]: there is no step 0; the run has the steps 1 to 3"),
        ("E", 5, None, "E: there is no step 5; the run has the steps 1 to 3"),
        ("w1+", 4, None, "w[1,1,1]+: there is no step 4; the run has the steps 1 to 3"),
        ("step_w1", 5, None, "step_w[1,1,1]: there is no step 5; the run has the steps 1 to 3"),
        ("dE/dw1", 9, None, "dE/dw[1,1,1]: there is no step 9; the run has the steps 1 to 3"),
        ("t_o1", 9, None, "t[1]: there is no step 9; the run has the steps 1 to 3"),
        ("t_o1", 1, 4, "t[1]: there is no sample 4; the file has the samples 1 to 3"),
        ("i1", 1, 4, "out[0,1]: there is no sample 4; the file has the samples 1 to 3"),
        ("out_h1", 1, 4, "out[1,1]: there is no sample 4; the file has the samples 1 to 3"),
        ("out_h1", 1, 0, "out[1,1]: there is no sample 0; the file has the samples 1 to 3"),
        ("delta_h1", 1, 0, "delta[1,1]: there is no sample 0; the file has the samples 1 to 3"),
        ("dE/dw1", 1, -1, "dE/dw[1,1,1]: there is no sample -1; the file has the samples 1 to 3"),
        ("w[1,4,1]", 1, None, "w[1,4,1]: layer 1 has the neurons 1 to 3"),
        ("w[1,4,1]+", 1, None, "w[1,4,1]+: layer 1 has the neurons 1 to 3"),
        ("out[0,3]", 1, None, "out[0,3]: layer 0 has the neurons 1 to 2"),
        ("t[2]", 1, None, "t[2]: layer 2 has the neurons 1 to 1"),
        ("t[0]", 1, None, "t[0]: layer 2 has the neurons 1 to 1"),
        ("b[2,1]", 1, None, "b[2,1]: layer 2 has no biases"),
        ("dE[2]/dw1", 1, None, "E[2]: layer 2 has the neurons 1 to 1"),
        ("dout[3,1]/dw1", 1, None, "out[3,1]: there is no layer 3 with this quantity "
         "(layers 0 to 2)"),
    ],
)  # fmt: skip
def test_what_a_run_does_not_have(
    trace: Trace, name: str, step: int, sample: int | None, message: str
) -> None:
    with pytest.raises(BptraceError) as caught:
        trace.at(name, step, sample)
    assert str(caught.value) == message


def test_unknown_names(trace: Trace) -> None:
    with pytest.raises(NotationError, match=r"^unknown quantity 'out_h9'"):
        trace.at("out_h9")
    with pytest.raises(NotationError, match=r"^unknown quantity 'out_h9'"):
        trace["out_h9"]
    with pytest.raises(BptraceError, match=r"^w\[9,1,1\]: there is no layer 9"):
        trace["w[9,1,1]"]


NO_ERROR = (
    "there is no error to differentiate, "
    "because the file gives no loss or not every sample has a target"
)


@pytest.mark.parametrize("name", ["E", "E[1]", "delta[1,1]", "dE/dw1", "dE[1]/dout[1,1]"])
@pytest.mark.parametrize(
    "problem",
    [
        replace(PROBLEM, network=replace(PROBLEM.network, loss="none")),
        replace(PROBLEM, samples=(*SAMPLES, Sample((0.1, 0.1)))),
    ],
    ids=["no loss", "no target"],
)
def test_no_error_and_no_derivatives(problem: Problem, name: str) -> None:
    trace = run(problem, "python")
    positional = "dE/dw[1,1,1]" if name == "dE/dw1" else name
    for ask in (trace.at, trace.__getitem__):
        with pytest.raises(BptraceError) as caught:
            ask(name)
        assert str(caught.value) == f"{positional}: {NO_ERROR}"
    assert trace.at("dout[2,1]/din[1,1]") == trace["dout[2,1]/din[1,1]"][0]


def test_a_sample_without_a_target() -> None:
    trace = run(replace(PROBLEM, samples=(*SAMPLES, Sample((0.1, 0.1)))), "python")
    with pytest.raises(BptraceError) as caught:
        trace.at("t[1]", sample=4)
    assert str(caught.value) == "t[1]: sample 4 has no target"


def test_a_missing_connection_is_nothing(trace: Trace) -> None:
    for name in ("w4", "w4+", "step_w4", "dE/dw4", "dE/dw[1,2,2]"):
        assert trace.at(name) == 0.0
        assert trace[name].tolist() == [0.0] * 3


def test_a_trace_may_hold_any_buffer_of_float64(trace: Trace) -> None:
    notation = Notation.of(PROBLEM)
    for log in (array("d", trace.log), np.array(trace.log)):
        other = Trace(PROBLEM, log, "python", notation.read)
        assert other["w1"].tolist() == trace["w1"].tolist()
        assert other.at("E", 2) == trace.at("E", 2)


def test_a_derivative_through_hundreds_of_layers() -> None:
    """Python's stack would end at some hundred equations that wait for one another."""
    depth, draw = 300, Random(0)
    widths = [3 - l % 2 for l in range(depth)] + [1]
    weights = tuple(
        tuple(tuple(draw.uniform(-1.5, 1.5) for _ in range(m)) for _ in range(n))
        for m, n in pairwise(widths)
    )
    biases = tuple(tuple(draw.uniform(-0.2, 0.2) for _ in range(n)) for n in widths[1:])
    layers = (Layer(widths[0]), *(Layer(n, activation="tanh", biases=n) for n in widths[1:]))
    sample = Sample((0.1, 0.2, 0.3), (0.5,))
    deep = Problem(
        Network(layers),
        Parameters(weights, biases),
        (sample,),
        Training("gradient-descent", 0.1),
    )
    trace = run(deep, "python", 1)

    slopes = [1.0]  # ∂out[300,1]/∂out[l,j] of layer l, from the last on
    for l in range(depth, 1, -1):
        outs = [trace.at(f"out[{l},{j + 1}]") for j in range(widths[l])]
        slopes = [slope * (1.0 - a * a) for slope, a in zip(slopes, outs, strict=True)]
        slopes = [
            summed(s * row[i] for s, row in zip(slopes, weights[l - 1], strict=True))
            for i in range(widths[l - 1])
        ]
    assert trace.at(f"dout[{depth},1]/dout[1,1]") == slopes[0] != 0.0
