"""How telling an example is, against pages written out in plain Python, and what is proposed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bptrace import io
from bptrace.address import Address, Quantity
from bptrace.checks.columns import ARRAYS, Columns, Pages, printed
from bptrace.checks.graph import Key
from bptrace.checks.lint import Lint, lint
from bptrace.checks.lint.example import Example, Slip, check_size
from bptrace.checks.lint.lister import Lister
from bptrace.checks.lint.remedies import MOST_CHANGES, nearby
from bptrace.checks.mistakes import MISTAKES
from bptrace.engine import run
from bptrace.errors import BptraceError, UnknownName
from bptrace.maths.expr import FLOATS, Num
from bptrace.model import Parameters, Problem, Sample
from bptrace.trace import Trace

Q = Quantity
EXAMPLES = (
    "lh25-2020",
    "id-xor-ones",
    "hmkcode-linear",
    pytest.param("mazur-dkelsh", marks=pytest.mark.slow),
    pytest.param("schiendorfer-batch", marks=pytest.mark.slow),
)


@cache
def traced(name: str) -> Trace:
    return run(io.load(name), engine="python", steps=1)


@cache
def linted(name: str) -> Lint:
    return lint(traced(name))


@pytest.fixture
def flagship() -> Lint:
    return linted("lh25-2020")


def page(example: Example, slip: Slip | None) -> tuple[str, ...]:
    """What is printed when one mistake is made: by float64, number by number, as text.

    As in `printed`, decimal ties are pushed outwards, and what is below 1e-15 is 0.
    """
    graph, values = example.graph, dict(example.graph.given)
    outside = graph.trace.values()

    def value(key: Key) -> float:
        if key in values:
            return values[key]
        if key in graph.exact:
            return graph.exact[key]
        assert isinstance(key, Address)
        return outside(key._replace(step=key.step or 1))

    for key in graph.order:
        wrong = slip is not None and slip.place == key
        formula = slip.expr if wrong and slip is not None else graph.formulas[key]
        values[key] = FLOATS.read(formula, value)
    shown = [values[key] for key in example.shown]
    digits = example.digits - 1
    return tuple("0" if abs(v) <= 1e-15 else f"{v * (1 + 1e-12):.{digits}e}" for v in shown)


@pytest.mark.parametrize("printing", ["all", "textbook"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_lost_and_confused_are_what_pages_written_out_say(name: str, printing: str) -> None:
    example = Example(traced(name), 4, printing)
    slips = Lister(example).run().slips[::4]
    table = example.table([{}], slips)
    right = page(example, None)
    pages = [page(example, slip) for slip in slips]
    count = Counter(pages)
    for text, (_, _, lost, confused) in zip(pages, table.rows(), strict=True):
        assert lost == (text == right)
        assert confused == (count[text] > 1 and text != right)


def test_what_is_the_same_formula_is_one_mistake() -> None:
    found = Lister(Example(traced("lh25-2020"), 4, "all")).run()
    assert len(found.slips) < found.instances
    assert found.unprinted == 0  # all steps are printed, and no entry of the table is the truth
    textbook = Lister(Example(traced("lh25-2020"), 4, "textbook")).run()
    assert textbook.unprinted > 0
    assert not any(s.place.quantity in (Q.B_NEW, Q.D_B) for s in textbook.slips)


def test_every_kind_of_mistake_is_made() -> None:
    made = {slip.mistake for slip in Lister(Example(traced("lh25-2020"), 4, "all")).run().slips}
    formulas = {entry.name for entry in MISTAKES if entry.variants is not None}
    elsewhere = {"softmax", "jacobian", "slope-twice", "logarithm"}  # with other last layers
    rules = {"velocity", "moments", "bias-correction", "root", "weight-decay"}  # with memory
    once = {"other-sample", "other-update"}  # there is one sample only, and one update
    assert formulas - made <= elsewhere | rules | once


@pytest.mark.ci
def test_the_right_learning_rate_is_no_mistake(flagship: Lint) -> None:
    rate = Num(flagship.problem.training.learning_rate)
    assert rate == Num(0.5)  # one of the usual rates
    slips = Lister(Example(traced("lh25-2020"), 4, "all")).run().slips
    rates = [slip.fields["x"] for slip in slips if slip.mistake == "learning-rate"]
    assert rates
    assert rate not in rates


def test_the_flagship(flagship: Lint) -> None:
    score = flagship.score
    # A prototype with 860 mistakes found 0.5 % lost and 9.2 % confused. The table is larger now
    # (more activations, which are alike for positive net inputs; ∂in/∂w and the like are steps of
    # their own), and "0.5 for the rate 0.5" is not counted as a mistake.
    assert score.lost == 0
    assert 0.08 < score.confused / score.total < 0.14
    ten = Example(traced("lh25-2020"), 10, "all")
    assert ten.table([{}], Lister(ten).run().slips).score(0).confused < score.confused
    kinds = {(c.kind, frozenset(k.positional for k in c.keys)) for c in flagship.coincidences}
    assert ("equal", frozenset({"w[2,1,1]", "eta"})) in kinds
    assert ("equal", frozenset({"w[1,1,1]", "out[0,1]"})) in kinds
    assert ("small target", frozenset({"t[1]"})) in kinds
    groups = [g for g in flagship.confused if g[0].place.positional == "in[1,2]"]
    kinds_of_066 = [{s.mistake for s in g} for g in groups if f"{g[0].value:.9f}" == "0.660000000"]
    assert kinds_of_066 == [{"index", "transposed", "shared-bias"}]


@pytest.mark.ci
@pytest.mark.parametrize("name", EXAMPLES)
def test_remedies_keep_what_they_promise(name: str) -> None:
    """The example is written anew with the proposed numbers, and judged again."""
    found = linted(name)
    remedies = [c.remedy for c in found.coincidences if c.remedy is not None]
    assert remedies
    assert found.remedy is not None
    assert 1 <= len(found.remedy.changes) <= MOST_CHANGES
    assert found.remedy.after.bad <= min(r.after.bad for r in remedies if len(r.changes) == 1)
    slips = Lister(Example(traced(name), 4, "all")).run().slips
    for remedy in (found.remedy, *remedies[:2]):
        assert remedy.after.bad < found.score.bad
        problem = found.problem
        for change in remedy.changes:
            problem = with_given(problem, change.key, change.new)
        example = Example(run(problem, engine="python", steps=1), 4, "all")
        assert example.table([{}], slips).score(0) == remedy.after


def with_given(problem: Problem, key: Address, new: float) -> Problem:
    """Return a problem with another given number."""
    if key.quantity is Q.ETA:
        return replace(problem, training=replace(problem.training, learning_rate=new))
    if key.quantity in (Q.OUT, Q.T):
        samples = list(problem.samples)
        x, t = map(list, samples[key.sample - 1])
        (x if key.quantity is Q.OUT else t)[key.neuron - 1] = new
        samples[key.sample - 1] = Sample(tuple(x), tuple(t))
        return replace(problem, samples=tuple(samples))
    weights = [[list(row) for row in matrix] for matrix in problem.parameters.weights]
    biases = [list(row) for row in problem.parameters.biases]
    if key.quantity is Q.W:
        weights[key.layer - 1][key.neuron - 1][key.source - 1] = new
    else:
        biases[key.layer - 1][key.neuron - 1] = new
    matrices = tuple(tuple(tuple(row) for row in matrix) for matrix in weights)
    return replace(problem, parameters=Parameters(matrices, tuple(map(tuple, biases))))


@pytest.mark.ci
def test_neurons_asleep_are_woken() -> None:
    found = linted("sebasbelmos-tanh")
    asleep = [c for c in found.coincidences if c.kind in ("dead", "saturated")]
    assert {c.kind for c in asleep} == {"dead", "saturated"}
    assert any(c.remedy is not None and c.remedy.after.bad < found.score.bad for c in asleep)


def test_equal_outputs_are_seen() -> None:
    found = linted("whathowwhy-linear")
    same = {(c.kind, tuple(k.positional for k in c.keys)) for c in found.coincidences}
    assert ("same digits", ("out[1,1]", "out[1,2]")) in same


def test_the_zeros_and_ones_of_a_truth_table_are_left_alone() -> None:
    found = linted("id-xor-ones")
    remedies = [found.remedy, *(c.remedy for c in found.coincidences)]
    changed = {c.key.quantity for remedy in remedies if remedy for c in remedy.changes}
    assert changed
    assert changed <= {Q.W, Q.B, Q.ETA}


def test_too_large_a_network_is_refused() -> None:
    problem = io.load("lh25-2020")
    check_size(problem)
    first, hidden, _ = problem.network.layers
    wide = replace(hidden, names=(), size=600, biases=0, weight_names=(), bias_names=())
    large = replace(
        problem,
        network=replace(problem.network, layers=(first, wide)),
        parameters=Parameters((((0.1, 0.2),) * 600,), ((),)),
        samples=(Sample((0.1, 0.2)),),
        claims=(),
    )
    with pytest.raises(BptraceError, match=r"2-600 has about 6,000 equations .* at most 600"):
        check_size(large)


def test_an_unknown_printing_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"unknown printing 'textbok'\. Did you mean 'textbook'"):
        lint(traced("lh25-2020"), printing="textbok")


def test_of_many_steps_some_are_taken() -> None:
    tried, steps = linted("sebasbelmos-tanh").looked_at
    assert 0 < tried < steps
    tried, steps = linted("lh25-2020").looked_at
    assert tried == steps


def test_numbers_nearby() -> None:
    near = list(nearby(0.1, {0.13}.__contains__))
    assert near[:5] == [0.09, 0.08, 0.12, 0.07, 0.06]
    assert 0.13 not in near
    assert all(0 < new < 1 for new in near)
    assert not any(round(new * 100) % 11 == 0 or round(new * 100) % 10 == 0 for new in near)
    nothing: set[float] = set()
    assert all(-1 < new < 0 for new in nearby(-0.35, nothing.__contains__))
    assert all(new >= 1 for new in nearby(1.0, nothing.__contains__))
    assert list(nearby(0.0, nothing.__contains__))[:3] == [0.12, 0.13, 0.14]


# Columns


@pytest.mark.parametrize("name", FLOATS.rules)
def test_arrays_read_every_operation_as_float64_does(name: str) -> None:
    values = np.array([0.25, 1.5, 0.75])
    for n in (1, 2, 3):
        try:
            wanted = [FLOATS.rules[name](*[float(v)] * n) for v in values]
        except TypeError:  # an operation with another number of arguments
            continue
        # exp, log and tanh of NumPy and ours are each within an ulp of the truth: two ulp
        assert np.allclose(ARRAYS.rules[name](*[values] * n), wanted, rtol=4.5e-16, atol=0.0)


def test_printed_digits() -> None:
    values = np.array([0.123449, -0.123451, 0.60005, 99996.0, 0.0, -0.0, 1e-17, 2.5e-13])
    shown = printed(values, 4)
    assert shown.tolist() == [0.1234, -0.1235, 0.6001, 100000.0, 0.0, 0.0, 0.0, 2.5e-13]
    assert not np.signbit(shown[5])
    odd = printed(np.array([np.inf, -np.inf, np.nan]), 4)
    assert odd[:2].tolist() == [np.inf, -np.inf]
    assert np.isnan(odd[2])


def test_turned_signs_are_different_pages() -> None:
    """A sign is the highest bit; were it only multiplied, all of them would add the same."""
    example = Example(traced("lh25-2020"), 4, "all")
    columns: Columns = example.columns([{}])
    turned = [{key: -columns(key)} for key in example.shown]
    numbers = Pages(columns, example.shown, 4).of(iter(turned), len(turned))[:, 0].tolist()
    assert len({*numbers, 0}) == len(turned) + 1
