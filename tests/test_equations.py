"""The chapter's derivatives against finite differences, within proved bounds.

What is judged is the float64 value of ∂X/∂Y that a trace gives. The judge knows nothing of
derivatives: it takes the forward formulas alone, disturbs Y by ±h and looks how X moves, with 800
bits. No tolerance is chosen; the allowed difference is the sum of three bounds:

* rounding of the judged value: a running error analysis (Wilkinson, The Algebraic Eigenvalue
  Problem, 1965, chapter 3; Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section
  3.3) reads the same trees as pairs (value, bound on its error), see `BOUNDED`;
* truncation: the central difference D(h) = ∂X/∂Y + c₂h² + c₄h⁴ + … misses by c₂h² + …, while
  D(2h) − D(h) is 3c₂h² + 15c₄h⁴ + …. Weights and net inputs are kept below 2¹⁰ and layers below
  seven neurons, so over four layers a disturbance grows by less than 2⁵⁰, and the series converges
  up to 2⁻⁵⁰ at least. For h = 2⁻¹⁰⁰ the first term that is not 0 outweighs all others together by
  far: |D(2h) − D(h)| bounds the truncation with a margin of 3 or more;
* rounding of the differences: numbers below 2⁵⁰, after fewer than 2²⁰ operations with 800 bits, are
  exact to 2⁻⁷³⁰; divided by 2h this is below 2⁻⁶⁰⁰.

At a kink there is no derivative. A problem with a net input closer than 10⁻⁹ to a kink of its
activation is drawn again; ±2h does not reach that far, and that rounding errors do not is checked
(the bound would be infinite).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from effort import dear
from hypothesis import assume, given
from hypothesis import strategies as st
from many_digits import in_many_digits
from mpmath import MPContext
from strategies import problems

from bptrace.address import Address, Quantity, partial
from bptrace.engine import run
from bptrace.errors import BptraceError
from bptrace.maths.equations import Chapter, Equation
from bptrace.maths.expr import FLOATS, Expr, Reading
from bptrace.maths.losses import LOSSES
from bptrace.maths.own import activation_of
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.trace import Trace

Q = Quantity

MP = MPContext()
MP.prec = 800
H = MP.mpf(2) ** -100
OF_THE_DIFFERENCES = 2.0**-600
KINK = 1e-9
MOST = 2**10

HIGH = in_many_digits(MP)
"""Every formula with 800 bits."""

# Running error analysis: (v, e) with |v − exact value| <= e, v the float64 that is computed.

U = 2.0**-53  # + − · / are exact to U times the result (round to nearest)
ULP = 2.0**-52  # exp, log, log1p, tanh are exact to one ulp, at most 2⁻⁵² times the result
TINY = 2.0**-1074  # … unless the result underflows
SAFE = 1.0 + 2.0**-40  # for the rounding of each bound, which takes fewer than 2¹⁰ operations

Bounded = tuple[float, float]


def _rounded(v: float, inherited: float, unit: float = U) -> Bounded:
    return v, (inherited + unit * abs(v) + TINY) * SAFE


def _add(a: Bounded, b: Bounded) -> Bounded:
    return _rounded(a[0] + b[0], a[1] + b[1])


def _mul(a: Bounded, b: Bounded) -> Bounded:
    return _rounded(a[0] * b[0], abs(a[0]) * b[1] + abs(b[0]) * a[1] + a[1] * b[1])


def _div(a: Bounded, b: Bounded) -> Bounded:
    q = a[0] / b[0]
    return _rounded(q, (a[1] + abs(q) * (1.0 + U) * b[1]) / (abs(b[0]) - b[1]))


def _smooth(name: str, steepest: Callable[[float, float], float]) -> Callable[[Bounded], Bounded]:
    """A function whose slope within (v ± e) is at most ``steepest(v, e)``."""

    def rule(a: Bounded) -> Bounded:
        return _rounded(FLOATS.rules[name](a[0]), a[1] * steepest(*a) * (1 + ULP), ULP)

    return rule


def _by_sign(name: str) -> Callable[..., Bounded]:
    """A choice between constants by the sign of the first argument, which must be certain."""

    def rule(a: Bounded, *others: Bounded) -> Bounded:
        value = FLOATS.rules[name](a[0], *(v for v, _ in others))
        return value, 0.0 if abs(a[0]) > a[1] else math.inf

    return rule


def _max(a: Bounded, b: Bounded) -> Bounded:
    return FLOATS.rules["max"](a[0], b[0]), max(a[1], b[1])


def _unless_zero(rule: Callable[..., Bounded]) -> Callable[..., Bounded]:
    """A product with t or 1 − t that is 0 for 0, and t is given, without an error.

    1 − t is 0 for t = 1 only, exactly; that a product may underflow, which `_rounded` adds to every
    bound, is nothing to a difference.
    """

    def guarded(t: Bounded, a: Bounded) -> Bounded:
        if t[0] != 0.0:
            return rule(t, a)
        return 0.0, 0.0 if t[1] <= 2 * TINY else math.inf

    return guarded


BOUNDED: Reading[Bounded] = Reading(
    number=lambda x: (x, 0.0),
    rules={
        "add": lambda *terms: reduce(_add, terms),
        "mul": lambda *factors: reduce(_mul, factors),
        "sub": lambda a, b: _add(a, (-b[0], b[1])),
        "div": _div,
        "neg": lambda a: (-a[0], a[1]),
        "square": lambda a: _mul(a, a),
        "abs": lambda a: (abs(a[0]), a[1]),
        "max": lambda *terms: reduce(_max, terms),
        "exp": _smooth("exp", lambda v, e: math.exp(v + e)),
        "log": _smooth("log", lambda v, e: 1 / (v - e)),
        "log1p": _smooth("log1p", lambda v, e: 1 / (1 + v - e)),
        "tanh": _smooth("tanh", lambda v, e: 1.0),
        "times_log": _unless_zero(lambda t, a: _mul(t, BOUNDED.rules["log"](a))),
        "times_reciprocal": _unless_zero(_div),
        "positive": _by_sign("positive"),
        "if_positive": _by_sign("if_positive"),
        "step": _by_sign("step"),
    },
)


class Evaluation:
    """Values of one problem in any reading, from what is given; some may be set by hand."""

    def __init__(
        self, problem: Problem, reading: Reading[Any], chapter: Chapter | None = None
    ) -> None:
        self.problem, self.reading = problem, reading
        self.chapter = chapter or Chapter(problem)
        self.memo: dict[Hashable, Any] = {}
        self.disturbed: dict[tuple[Address, Any], Evaluation] = {}

    def with_value(self, address: Address, value: Any) -> Evaluation:
        """The same problem with one value set; what the steps before it left is taken over."""
        if (address, value) not in self.disturbed:
            other = Evaluation(self.problem, self.reading, self.chapter)
            for parameter in self.problem.layout.parameters():
                for place in self.twins(parameter.at(0, address.step)):
                    other.memo[place] = self(place)
            for place in self.twins(address):
                other.memo[place] = value
            self.disturbed[address, value] = other
        return self.disturbed[address, value]

    def twins(self, address: Address) -> list[Address]:
        """All addresses of the same number: a shared bias has one for each neuron."""
        layer = self.problem.network.layers[address.layer]
        shared = address.quantity is Q.B and layer.biases == 1
        return [address._replace(neuron=j + 1) for j in range(layer.size)] if shared else [address]

    def __call__(self, address: Any) -> Any:
        if address not in self.memo:
            equation = self.chapter.equation(address)
            if equation is None:
                self.memo[address] = self.reading.number(self.given(address))
            else:
                self.memo[address] = self.reading.read(self.formula(equation), self)
        return self.memo[address]

    def formula(self, equation: Equation) -> Expr:
        """The textbook's first form for the judge, what is computed for what is judged.

        So the judge disturbs E by an output even where E is computed by the net inputs; and that
        all forms of a quantity are equal is judged along with its derivative.
        """
        forms = equation.forms if self.reading is HIGH else ()
        return forms[0] if forms else equation.expr

    def given(self, address: Address) -> float:
        """The number of the file at an address that has no equation."""
        quantity, problem, k = address.quantity, self.problem, address.neuron - 1
        if quantity is Q.ETA:
            return problem.training.learning_rate
        if quantity in (Q.T, Q.OUT):
            sample = problem.samples[address.sample - 1]
            return (sample.t if quantity is Q.T else sample.x)[k]
        if quantity is Q.W:
            return problem.parameters.weights[address.layer - 1][k][address.source - 1]
        row = problem.parameters.biases[address.layer - 1]
        return row[0 if len(row) == 1 else k]


def difference(exact: Evaluation, of: Address, wrt: Address) -> tuple[Any, float]:
    """Return the central difference of X by Y, and a bound on its error."""
    start = exact(wrt)

    def central(h: Any) -> Any:
        above, below = (exact.with_value(wrt, start + d)(of) for d in (h, -h))
        return (above - below) / (2 * h)

    fine, coarse = central(H), central(2 * H)
    return fine, float(abs(coarse - fine)) + OF_THE_DIFFERENCES


def judge(trace: Trace, exact: Evaluation, of: Address, wrt: Address) -> None:
    """Compare one derivative of a trace with the difference quotient."""
    top = None if of.quantity is Q.E else of
    address = partial(top, wrt)
    if of.quantity is Q.E and of.sample == 0:
        address = address._replace(sample=0)
    elif not wrt.quantity.per_sample:
        address = address._replace(sample=of.sample)
    value = trace.value(address)
    computed, rounding = Evaluation(exact.problem, BOUNDED, exact.chapter)(address)
    assert value == computed
    assert rounding < math.inf
    quotient, bound = difference(exact, of, wrt)
    missed = abs(MP.mpf(value) - quotient)
    assert missed <= rounding + bound, (str(address), value, float(quotient), rounding + bound)


def keep_away_from_kinks(problem: Problem, exact: Evaluation, steps: int) -> None:
    """Reject a problem with a net input at a kink, or one that diverges, up to a step."""
    layers = list(enumerate(problem.network.layers))[1:]
    neurons = [(l, j, layer) for l, layer in layers for j in range(1, layer.size + 1)]
    for step in range(1, steps + 1):
        assume(all(abs(exact(p.at(0, step))) < MOST for p in problem.layout.parameters()))
        for sample in problem.batch(step):
            for l, j, layer in neurons:
                net = exact(Address(Q.IN, l, j, sample=sample, step=step))
                assume(abs(net) < MOST)
                kinks = activation_of(layer).kinks
                assume(all(abs(net - kink) > KINK for kink in kinks))


def below(problem: Problem, sample: int, step: int) -> list[Address]:
    """What a derivative may be taken by: every out (x too), in, w and b."""
    layers = list(enumerate(problem.network.layers))
    neurons = [(l, j) for l, layer in layers for j in range(1, layer.size + 1)]
    outs = [Address(Q.OUT, l, j, sample=sample, step=step) for l, j in neurons]
    nets = [out._replace(quantity=Q.IN) for out in outs if out.layer]
    return [*outs, *nets, *(p.at(0, step) for p in problem.layout.parameters())]


def above(problem: Problem, sample: int, step: int) -> list[Address]:
    """What a derivative may be taken of: E, every E_k, out and in."""
    places = [a for a in below(problem, sample, step) if a.quantity in (Q.OUT, Q.IN) and a.layer]
    shares = range(1, problem.network.widths[-1] + 1)
    return [
        Address(Q.E, sample=sample, step=step),
        *(Address(Q.E_K, 0, k, sample=sample, step=step) for k in shares),
        *places,
    ]


def _by_gradient_descent(problem: Problem) -> Problem:
    """The same problem with the plainest rule: no derivative here depends on the rule."""
    training = replace(
        problem.training, rule="gradient-descent", options=(), weight_decay=None, schedule=None
    )
    return replace(problem, training=training)


LEARNING = problems(
    losses=tuple(name for name in LOSSES.names if name != "none"), always_learns=True
).map(_by_gradient_descent)


def drawn(data: st.DataObject, problem: Problem) -> tuple[Trace, Evaluation, int, int]:
    """Run the problem; return also its values with 800 bits, and a step with one of its samples."""
    trace, exact = run(problem, "python"), Evaluation(problem, HIGH)
    step = data.draw(st.integers(1, problem.training.steps), label="step")
    keep_away_from_kinks(problem, exact, step)
    return trace, exact, step, data.draw(st.sampled_from(problem.batch(step)), label="sample")


@pytest.mark.ci
@dear(8)
@given(LEARNING, st.data())
def test_gradients_of_the_error(problem: Problem, data: st.DataObject) -> None:
    """∂E/∂w, ∂E/∂b, δ, ∂E/∂out and ∂E/∂x of one sample."""
    trace, exact, step, sample = drawn(data, problem)
    error = Address(Q.E, sample=sample, step=step)
    places = below(problem, sample, step)
    for wrt in data.draw(st.lists(st.sampled_from(places), min_size=4, max_size=8, unique=True)):
        judge(trace, exact, error, wrt)


@dear(12)
@given(LEARNING, st.data())
def test_gradients_of_the_batch(problem: Problem, data: st.DataObject) -> None:
    """∂E/∂w and ∂E/∂b of sum or mean over the batch: what the update uses."""
    trace, exact, step, _ = drawn(data, problem)
    parameters = [p.at(0, step) for p in problem.layout.parameters()]
    for wrt in data.draw(st.lists(st.sampled_from(parameters), min_size=1, max_size=4)):
        judge(trace, exact, Address(Q.E, step=step), wrt)


@dear(8)
@given(LEARNING, st.data())
def test_any_derivative(problem: Problem, data: st.DataObject) -> None:
    """∂X/∂Y along all paths, for any X and Y of one sample, and 0 where there is no path."""
    trace, exact, step, sample = drawn(data, problem)
    tops, bottoms = above(problem, sample, step), below(problem, sample, step)
    for _ in range(6):
        of, wrt = data.draw(st.sampled_from(tops)), data.draw(st.sampled_from(bottoms))
        judge(trace, exact, of, wrt)


def a_small_network(mask: tuple[tuple[bool, ...], ...] = ()) -> Problem:
    return Problem(
        Network(
            (
                Layer(2),
                Layer(3, activation="tanh", biases=1, mask=mask),
                Layer(4, activation="softplus", biases=4),
                Layer(1, activation="sigmoid"),
            )
        ),
        Parameters(
            (
                ((0.3, -0.2), (0.5, 0.0), (-0.7, 0.9)),
                ((0.2, 0.4, -0.1), (-0.6, 0.3, 0.8), (1.1, -0.9, 0.7), (0.1, -0.3, 0.5)),
                ((0.4, -1.2, 0.6, 0.8),),
            ),
            ((0.15,), (0.25, -0.35, 0.45, -0.55), ()),
        ),
        (Sample((0.6, -1.4), (0.8,)), Sample((-0.5, 0.7), (0.1,))),
        Training("gradient-descent", 0.5, batch=2, reduction="mean", steps=3),
    )


def test_every_derivative_of_one_network() -> None:
    problem = a_small_network()
    trace, exact = run(problem, "python"), Evaluation(problem, HIGH)
    for of in above(problem, sample=2, step=1):
        for wrt in below(problem, sample=2, step=1):
            judge(trace, exact, of, wrt)


def test_the_bounds_are_tight_enough_to_find_a_wrong_last_digit() -> None:
    problem = a_small_network()
    for step in (1, 3):
        bounded = Evaluation(problem, BOUNDED)
        for parameter in problem.layout.parameters():
            value, rounding = bounded(partial(None, parameter).at(0, step))
            assert rounding < 1e-14
            assert rounding < 1e-12 * abs(value)


def test_no_way_leads_through_a_missing_connection() -> None:
    problem = a_small_network(mask=((True, True), (True, False), (True, True)))
    trace = run(problem, "python")
    net, x = Address(Q.IN, 1, 2), Address(Q.OUT, 0, 2)
    weight = Address(Q.W, 1, 2, 2)
    assert trace.value(partial(net, x).at(1, 1)) == 0.0
    assert trace.value(partial(None, weight).at(0, 1)) == 0.0
    assert trace.value(weight._replace(quantity=Q.W_NEW).at(0, 3)) == 0.0
    exact = Evaluation(problem, HIGH)
    judge(trace, exact, Address(Q.E, sample=1, step=1), x.at(1, 1))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (Address(Q.OUT, 4, 1), "out[4,1]: there is no layer 4"),
        (Address(Q.IN, 0, 1), "in[0,1]: there is no layer 0"),
        (Address(Q.OUT, 1, 4), "out[1,4]: layer 1 has the neurons 1 to 3"),
        (Address(Q.W, 1, 1, 3), "w[1,1,3]: layer 0, where the weight comes from, has"),
        (Address(Q.B, 3, 1), "b[3,1]: layer 3 has no biases"),
        (Address(Q.T, 0, 2), "t[2]: layer 3 has the neurons 1 to 1"),
        (partial(Address(Q.OUT, 2, 9), Address(Q.OUT, 1, 1)), "out[2,9]: layer 2 has"),
    ],
)
def test_places_that_the_network_does_not_have(address: Address, message: str) -> None:
    with pytest.raises(BptraceError) as caught:
        Chapter(a_small_network()).equation(address.at(1, 1))
    assert str(caught.value).startswith(message)
