"""Every gradient against differences: no false alarm, and no wrong gradient that passes."""

from __future__ import annotations

from array import array
from dataclasses import replace
from random import Random

import pytest
from effort import dear
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import MOSTLY_HUGE, problems, with_formulas

from bptrace import engine
from bptrace.address import Quantity
from bptrace.checks import gradients
from bptrace.checks.gradients import GradientCheck, check_gradients, judged, point_of
from bptrace.errors import BptraceError
from bptrace.maths.rules import RULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from tests.quality.networks import REGIMES
from tests.quality.networks import problem as hard_problem

BY_GRADIENT = tuple(rule.name for rule in RULES if rule.local is None)
Q = Quantity


def check(problem: Problem, engine: str = "python") -> GradientCheck:
    return check_gradients(point_of(problem), engine)


def assert_no_false_alarm(found: GradientCheck) -> None:
    for element in found:
        assert element.verdict != "differs", element
        if element.verdict == "agrees":
            assert abs(element.gradient - element.numeric) <= element.bound
            assert element.digits <= element.possible


@dear(5)
@given(problems(rules=BY_GRADIENT, always_learns=True))
def test_no_false_alarm(problem: Problem) -> None:
    if problem.network.loss == "none":
        return
    assert_no_false_alarm(check(problem))


@dear(5)
@given(problems(MOSTLY_HUGE, rules=BY_GRADIENT, always_learns=True))
def test_no_false_alarm_of_huge_and_tiny_numbers(problem: Problem) -> None:
    if problem.network.loss == "none":
        return
    for element in check(problem):
        if element.gradient == element.gradient:  # ∞ − ∞ is no gradient
            assert element.verdict != "differs", element


def test_what_is_narrower_than_every_step_is_no_false_alarm() -> None:
    """tanh of 2·10¹⁶·z is a jump for every step, and E so large that its height is rounded off."""
    tanh = Layer(1, activation="tanh")
    problem = Problem(
        Network((Layer(1), tanh, tanh), "squared"),
        Parameters((((0.0,),), ((-2e16,),)), ((), ())),
        (Sample((0.5,), (-3.1e16,)),),
        Training("gradient-descent", 0.5),
    )
    found = check(problem)
    (delta,) = (e for e in found if e.address.quantity is Q.D_IN and e.address.layer == 1)
    assert (delta.numeric, delta.verdict, delta.reason) == (0.0, "undecided", "narrow")
    assert delta.gradient == pytest.approx(-2 * 3.1e16 * 2e16, rel=1e-12)  # a few roundings
    twice = judged(array("d", (2 * g for g in found.gradients)), found.found, found.roundings)
    assert gradients.VERDICTS[twice[delta.place]] == "differs"


SATURATED = st.floats(1.0, 40.0).flatmap(
    lambda scale: problems(st.floats(-scale, scale), rules=BY_GRADIENT, always_learns=True)
)


@dear(5)
@given(SATURATED)
def test_no_false_alarm_of_saturated_neurons(problem: Problem) -> None:
    if problem.network.loss == "none":
        return
    assert_no_false_alarm(check(problem))


@dear(5)
@given(with_formulas())
def test_no_false_alarm_of_own_formulas(problem: Problem) -> None:
    problem = replace(problem, training=Training())
    assume(problem.has_error)
    for element in check(problem):
        if element.gradient == element.gradient:
            assert element.verdict != "differs", element


@dear(5)
@given(problems(rules=BY_GRADIENT, always_learns=True), st.data())
def test_a_wrong_gradient_differs(problem: Problem, data: st.DataObject) -> None:
    """One that is off by twice its bound never passes, nor does 0 where there is a slope."""
    if problem.network.loss == "none":
        return
    found = check(problem)
    judged_well = [k for k, v in enumerate(found.verdicts) if v == 0 and found.element(k).numeric]
    assume(judged_well)
    k = data.draw(st.sampled_from(judged_well))
    element = found.element(k)
    for wrong in (0.0, 2.0 * element.gradient, -element.gradient, element.numeric
                  + 2.0 * element.bound, float("nan"), float("inf")):  # fmt: skip
        planted = found.gradients[:]
        planted[k] = wrong
        assert judged(planted, found.found, found.roundings)[k] == 1, (element, wrong)


@dear(5)
@given(problems(rules=BY_GRADIENT, always_learns=True), st.data())
def test_differences_are_those_of_the_whole_calculation(
    problem: Problem, data: st.DataObject
) -> None:
    """A weight or bias really moved, and everything calculated anew by the engine.

    Each of the two E of a plain difference is a sum of at most 4 samples of 6 outputs behind 5
    layers of at most 6 neurons: below 2⁻⁴⁴ of the sums of absolute values, which stay below
    10⁶ here. So the difference of a step of 10⁻⁴ is right to 10⁻² but for its truncation: this
    shows that a slope belongs to its weight, not more; `assume` keeps to slopes that stand out.
    """
    if problem.network.loss == "none":
        return
    problem = replace(problem, training=replace(problem.training, weight_decay=0.0))
    found = check(problem)
    k = data.draw(st.integers(0, problem.layout.n_parameters - 1))
    element = found.element(k)
    assume(element.verdict == "agrees" and element.how == "central" and element.numeric)
    first = list(problem.parameters)
    h = 1e-4

    def error(moved: float) -> float:
        numbers = first[:]
        numbers[k] += moved
        at = replace(problem, parameters=engine.parameters(problem, numbers))
        return engine.run(at, "python", steps=1).step_errors[0]

    up, middle, down = error(h), error(0.0), error(-h)
    slope, curved = (up - down) / (2 * h), abs(up - 2 * middle + down) / h
    assume(abs(element.numeric) > 4 * curved + 1e-6 * (1 + abs(middle)))
    assert 0.5 < slope / element.numeric < 2.0


@dear(5)
@given(problems(rules=BY_GRADIENT, always_learns=True))
def test_dual_numbers_agree(problem: Problem) -> None:
    if problem.network.loss == "none":
        return
    for element in check(problem):
        if element.verdict == "agrees" and element.how == "central":
            assert abs(element.dual - element.numeric) <= element.bound


def relu_on_its_kink(activation: str = "relu", last: str = "sigmoid") -> Problem:
    """h1 has the net input 0 exactly, h2 0.55, h3 −2; no two layers are equally wide."""
    return Problem(
        Network((Layer(2), Layer(3, activation=activation), Layer(1, activation=last))),
        Parameters((((0.5, -0.25), (0.3, 0.4), (-2.0, -1.0)), ((0.7, 0.2, 0.1),)), ((), ())),
        (Sample((0.5, 1.0), (0.25,)),),
    )


def named(found: GradientCheck) -> dict[str, gradients.Element]:
    return {element.address.positional: element for element in found}


def test_at_a_kink_there_are_two_slopes() -> None:
    found = named(check(relu_on_its_kink()))
    kink = found["delta[1,1]"]
    assert (kink.verdict, kink.reason, kink.how) == ("undecided", "kink", "kink")
    assert kink.numeric == 0.0
    above = found["delta[2,1]"].gradient * 0.7
    assert abs(kink.high - above) <= kink.bound + found["delta[2,1]"].bound
    assert found["delta[1,2]"].verdict == "agrees"
    dead = found["delta[1,3]"]
    assert (dead.verdict, dead.numeric, dead.bound) == ("agrees", 0.0, 0.0)


def one_input(x: float, t: tuple[float, ...], *layers: tuple[str, tuple[float, ...]]) -> Problem:
    """Layers with the weights of their neurons from the first one before; others −½, ¼ … of it."""
    sizes = [1, *(len(weights) for _, weights in layers)]
    matrices = tuple(
        tuple(tuple(w * (-0.5) ** i for i in range(n)) for w in weights)
        for n, (_, weights) in zip(sizes, layers, strict=False)
    )
    shape = (Layer(len(weights), activation=name) for name, weights in layers)
    network = Network((Layer(1), *shape), "cross-entropy")
    return Problem(network, Parameters(matrices, ((),) * len(layers)), (Sample((x,), t),))


def test_at_several_kinks_nothing_is_decided() -> None:
    """All relus are on their kinks; 0 is right, but does not lie between the two slopes by x."""
    problem = one_input(0.0, (0.25, 0.5), ("relu", (1.0, -2.0, 0.5)), ("softmax", (0.9, 0.3)))
    element = named(check(problem))["dE/dout[0,1]"]
    assert element.gradient == 0.0
    assert element.numeric * element.high > 0.0
    assert (element.verdict, element.reason) == ("undecided", "kinks")


def test_a_bend_at_the_point_is_not_averaged() -> None:
    """Of each step the softmax sees thousands, so E has a corner at x; its slope there is 0."""
    element = named(check(one_input(5e-29, (1.0, 0.0), ("softmax", (1e30, -1e30)))))["dE/dout[0,1]"]
    assert (element.verdict, element.reason) == ("undecided", "bent")


def test_a_step_that_the_points_stand_astride_of_is_no_slope() -> None:
    """Each step moves the tanh from −1 to 1: the differences are 4, 2 and 1 times as large."""
    network = Network((Layer(1), Layer(1), Layer(1, activation="tanh")), "squared")
    weights = (((0.0,),), ((2519.0,),))
    problem = Problem(
        network, Parameters(weights, ((), ())), (Sample((0.0,), (12876873335131.0,)),)
    )
    element = named(check(problem))["delta[1,1]"]
    assert element.verdict == "agrees"
    assert element.step < 1e-4


def test_what_rounding_swallows_is_no_slope_of_0() -> None:
    """Moving the net input −80 changes no bit of E; its gradient is e⁻¹²⁰ and not wrong."""
    found = named(check(one_input(1.0, (1.0, 0.0, 0.0), ("softmax", (40.0, -80.0, 1.0)))))
    element = found["delta[1,2]"]
    assert 0.0 < element.gradient < 1e-50
    assert (element.verdict, element.reason) == ("undecided", "too small")


def test_an_infinite_net_input_decides_nothing() -> None:
    problem = one_input(
        1e200, (1.0, 0.0), ("identity", (1e200, 2.0, 3.0)), ("softmax", (-1.0, 2.0))
    )
    assert {e.verdict for e in check(problem) if e.address.layer == 2} == {"undecided"}


def test_a_gradient_outside_of_the_two_slopes_differs() -> None:
    found = check(relu_on_its_kink("leaky-relu"))
    k = [a.positional for a in found.addresses].index("delta[1,1]")
    element = found.element(k)
    for factor, verdict in ((1.01, 1), (0.5, 2), (-1.0, 1)):
        planted = found.gradients[:]
        planted[k] = element.high * factor
        assert judged(planted, found.found, found.roundings)[k] == verdict


def test_where_e_jumps_nothing_is_decided() -> None:
    problem = replace(
        relu_on_its_kink("identity", "step"),
        parameters=Parameters(
            (((0.5, -0.25), (0.3, 0.4), (-2.0, -1.0)), ((0.7, 0.0, 0.0),)), ((), ())
        ),
    )
    element = named(check(problem))["delta[2,1]"]
    assert (element.verdict, element.reason) == ("undecided", "jump")


def test_an_all_zero_gradient_of_a_small_slope_differs() -> None:
    """A check with an absolute tolerance of 10⁻⁵ lets it pass."""
    problem = Problem(
        Network((Layer(1), Layer(1, activation="sigmoid"))),
        Parameters((((2.0,),),), ((),)),
        (Sample((1e-4,), (0.9,)),),
    )
    found = check(problem)
    assert 1e-6 < abs(found.gradients[0]) < 1e-4
    nothing = found.gradients[:]
    nothing[0] = 0.0
    assert judged(nothing, found.found, found.roundings)[0] == 1


def test_saturation_is_no_pass() -> None:
    problem = Problem(
        Network((Layer(1), Layer(1, activation="sigmoid"))),
        Parameters((((50.0,),),), ((),)),
        (Sample((1.0,), (0.0,)),),
    )
    element = check(problem).element(0)
    assert (element.verdict, element.reason) == ("undecided", "too small")


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (replace(relu_on_its_kink(), samples=(Sample((0.5, 1.0)),)), "no error to differentiate"),
        (replace(relu_on_its_kink(), training=Training("hebb", 0.1)), "learns without a gradient"),
    ],
)
def test_what_has_no_gradient(problem: Problem, message: str) -> None:
    with pytest.raises(BptraceError, match=message):
        point_of(problem)


def test_no_such_step_or_sample() -> None:
    with pytest.raises(BptraceError, match="there is no step 2; the run has 1"):
        point_of(relu_on_its_kink(), step=2)
    with pytest.raises(BptraceError, match="there is no sample 2; the file has 1"):
        point_of(relu_on_its_kink(), sample=2)


@pytest.mark.jit
def test_compiled_and_plain_differences_are_the_same() -> None:
    problem = replace(
        relu_on_its_kink("tanh"),
        samples=(Sample((0.5, 1.0), (0.25,)), Sample((-0.75, 0.1), (0.5,))),
        training=Training("adam", 0.1, batch=2, reduction="mean", steps=3),
    )
    point = point_of(problem, step=3)
    plain, compiled = (check_gradients(point, name) for name in ("python", "numba"))
    assert plain.found == compiled.found
    assert plain.roundings == compiled.roundings
    assert plain.ok


@pytest.mark.jit
@pytest.mark.parametrize("regime", REGIMES)
def test_compiled_and_plain_are_the_same_for_hard_numbers(regime: str) -> None:
    """Whatever the numbers: inf and nan, underflow, and all that bounds are made of."""
    rng = Random(regime)
    for _ in range(4):
        point = point_of(hard_problem(rng, regime, own=False))
        plain, compiled = (check_gradients(point, name) for name in ("python", "numba"))
        for one, other in (
            (plain.found, compiled.found),
            (plain.roundings, compiled.roundings),
            (plain.verdicts, compiled.verdicts),
        ):
            assert list(map(repr, one)) == list(map(repr, other))  # == but for nan


def test_each_sample_of_a_batch_and_later_steps() -> None:
    problem = replace(
        relu_on_its_kink("softplus"),
        samples=(Sample((0.5, 1.0), (0.25,)), Sample((-0.75, 0.1), (0.5,))),
        training=Training("momentum", 0.1, batch=2, steps=3),
    )
    batch = named(check_gradients(point_of(problem, step=2), "python"))
    each = [named(check_gradients(point_of(problem, 2, s), "python")) for s in (1, 2)]
    whole = batch["dE/dw[1,2,1]"]
    parts = [one["dE/dw[1,2,1]"] for one in each]
    assert abs(whole.gradient - sum(p.gradient for p in parts)) <= whole.bound
    assert abs(whole.numeric - sum(p.numeric for p in parts)) <= whole.bound
