"""Losses with the activation that they undo: saturated neurons, and the textbook's forms."""

from __future__ import annotations

from math import exp, isfinite, isnan, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.address import Address, Quantity, partial
from bptrace.engine import run
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import FLOATS
from bptrace.maths.losses import LOSSES, fused, suits
from bptrace.model import Layer, Network, Parameters, Problem, Sample
from bptrace.trace import Trace

Q = Quantity
PAIRS = [("sigmoid", "binary-cross-entropy"), ("softmax", "cross-entropy")]


def outputs(pair: tuple[str, str], nets: list[float], targets: list[float]) -> Trace:
    """Run a network of one input, 1, whose net inputs are its weights."""
    last = Layer(len(nets), activation=pair[0])
    weights = tuple((z,) for z in nets)
    network = Network((Layer(1), last), loss=pair[1])
    problem = Problem(network, Parameters((weights,), ((),)), (Sample((1.0,), tuple(targets)),))
    return run(problem, "python")


def at(quantity: Quantity, k: int = 0) -> Address:
    layer = 1 if quantity in (Q.OUT, Q.IN, Q.D_OUT, Q.D_IN) else 0
    return Address(quantity, layer, k, sample=1, step=1)


@pytest.mark.parametrize("size", [800.0, 1000.0])
@pytest.mark.parametrize(("pair", "target"), [(PAIRS[0], 0.0), (PAIRS[0], 1.0), (PAIRS[1], 1.0)])
def test_saturated_neurons_have_finite_errors_and_slopes(
    pair: tuple[str, str], target: float, size: float
) -> None:
    """The wrong answer, with e^−800 = 0 in float64, costs |z| and is pushed by 1."""
    away = -size if target else size
    nets, targets = ([away], [target]) if pair[0] == "sigmoid" else ([away, 0.0], [1.0, 0.0])
    trace = outputs(pair, nets, targets)
    assert trace.value(at(Q.E)) == size
    assert trace.value(at(Q.D_IN, 1)) == (-1.0 if target else 1.0)
    assert all(
        isfinite(trace.value(at(q, k + 1))) for q in (Q.E_K, Q.D_IN) for k in range(len(nets))
    )
    right = outputs(pair, [-z for z in nets], targets)
    assert right.value(at(Q.E)) == 0.0
    assert right.value(at(Q.D_IN, 1)) == 0.0


@pytest.mark.parametrize("pair", PAIRS)
@given(
    nets=st.lists(st.floats(-30.0, 30.0), min_size=2, max_size=5),
    data=st.data(),
)
def test_forms_are_the_same_number(
    pair: tuple[str, str], nets: list[float], data: st.DataObject
) -> None:
    """Each form of E_k and of δ is within rounding of what is computed.

    1 − out keeps an absolute error of 2⁻⁵². Net inputs are at most 30 in size, so that it is e⁻³⁰
    at least after a sigmoid, and wrong by 2⁻⁵²·e³⁰ = 0.0024 of itself at most, and so are its
    quotients and products; the difference of a logarithm is as large. After a softmax 1 − out
    stands only in out(1 − out), multiplied by t/out: the absolute error stays.
    """
    targets = data.draw(st.lists(st.floats(0.0, 1.0), min_size=len(nets), max_size=len(nets)))
    trace = outputs(pair, nets, targets)
    values, chapter = trace.values(), Chapter(trace.problem)
    for k in range(1, len(nets) + 1):
        for address in (at(Q.E_K, k), at(Q.D_IN, k), at(Q.OUT, k)):
            equation = chapter.equation(address)
            assert equation is not None
            right = values(address)
            for form in equation.forms:
                value = FLOATS.read(form, values)
                assert abs(value - right) <= 0.01 * (1.0 + abs(right)), (address, form)


def test_the_numbers_of_a_textbook() -> None:
    """e, e², e³ over their sum; E = −ln of the right one; δ = out − t."""
    trace = outputs(PAIRS[1], [1.0, 2.0, 3.0], [0.0, 0.0, 1.0])
    total = exp(1.0) + exp(2.0) + exp(3.0)
    for k in (1, 2, 3):
        out = exp(k) / total
        # each of a dozen operations is exact to 2^-52 of numbers below 32
        assert abs(trace.value(at(Q.OUT, k)) - out) < 1e-13
        assert abs(trace.value(at(Q.D_IN, k)) - (out - (k == 3))) < 1e-13
    assert abs(trace.value(at(Q.E)) + log(exp(3.0) / total)) < 1e-13


def test_the_jacobian_has_a_name() -> None:
    trace = outputs(PAIRS[1], [0.5, -0.25, 1.0], [0.0, 1.0, 0.0])
    a, b = trace.value(at(Q.OUT, 1)), trace.value(at(Q.OUT, 2))
    assert trace.at("dout[1,1]/din[1,2]") == -(a * b)
    assert trace.at("dout[1,1]/din[1,1]") == a * (1.0 - a)
    assert trace.at("dE[2]/din[1,1]") == a
    assert trace.at("dE[2]/din[1,2]") == b - 1.0


def test_targets_that_do_not_sum_to_one() -> None:
    nets, targets = [0.5, -0.25, 1.0], [0.25, 0.5, 0.0]
    trace = outputs(PAIRS[1], nets, targets)
    for k, t in enumerate(targets, 1):
        assert trace.value(at(Q.D_IN, k)) == trace.value(at(Q.OUT, k)) * 0.75 - t


def test_no_target_no_logarithm() -> None:
    """0·ln 0 is 0, of a guarded product only."""
    for t, a, expected in ((0.0, 0.0, 0.0), (-0.0, 0.0, 0.0), (1.0, 0.0, float("-inf"))):
        assert FLOATS.rules["times_log"](t, a) == expected
    assert FLOATS.rules["times_reciprocal"](0.0, 0.0) == 0.0
    assert FLOATS.rules["times_reciprocal"](1.0, -0.0) == float("-inf")
    assert isnan(FLOATS.rules["div"](0.0, 0.0))


def test_which_loss_undoes_which_activation() -> None:
    found = {(a.name, e.name) for a in ACTIVATIONS for e in LOSSES if fused(e.name, a.name)}
    assert found == set(PAIRS)
    assert all(suits(LOSSES.get(loss), ACTIVATIONS.get(name)) for name, loss in PAIRS)
    assert not suits(LOSSES.get("cross-entropy"), ACTIVATIONS.get("step"))
    assert not suits(LOSSES.get("cross-entropy"), ACTIVATIONS.get("relu"))


def test_the_slope_cancels_in_the_derivation() -> None:
    trace = outputs(PAIRS[0], [2.0, -1.0], [0.0, 1.0])
    equation = trace.chapter.equation(partial(None, at(Q.IN, 1)))
    assert equation is not None
    chain, written = equation.forms
    values = trace.values()
    # three products and quotients of numbers below 64, each exact to 2^-53
    assert abs(FLOATS.read(chain, values) - values(at(Q.D_IN, 1))) < 1e-13
    assert FLOATS.read(chain, values) == FLOATS.read(written, values)
