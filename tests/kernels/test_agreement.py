"""One calculation, four ways, the same bits: compiled, plain Python, formula tree, lists and loops.

Compared are all numbers of the log and those derived from it, by their bits: −0.0 is not 0.0. Only
nans are equal to one another, whatever bits they have: IEEE 754 leaves those open.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random
from struct import pack
from typing import Any

import naive
import pytest
from effort import dear
from hypothesis import event, given
from hypothesis import strategies as st
from strategies import MODERATE, MOSTLY_HUGE, problems, with_formulas

from bptrace.address import AFTER, Address, Quantity, partial
from bptrace.engine import go_on, run, start
from bptrace.kernels import cast, source, ways
from bptrace.kernels.cast import LayerNet
from bptrace.maths import ieee
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.equations import Chapter, Values
from bptrace.maths.own import own_activation
from bptrace.maths.rules import RULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.trace import Trace

Q = Quantity
FUNCTIONS = {"exp": ieee.exp, "log": ieee.log, "tanh": ieee.tanh, "log1p": ieee.log1p}


def bits(x: float) -> bytes:
    return b"nan" if x != x else pack("d", x)


def same(one: float, other: float) -> bool:
    return bits(one) == bits(other)


def differences(first: Trace, second: Trace) -> list[str]:
    """Name every slot of the log in which two traces differ."""
    size = first.layout.size
    assert len(first.log) == len(second.log)
    return [
        f"step {k // size + 1}: {first.layout.address(k % size)}: {a!r} {b!r}"
        for k, (a, b) in enumerate(zip(first.log, second.log, strict=True))
        if not same(a, b)
    ]


@pytest.mark.jit
@given(problems())
def test_compiled_is_plain_python(problem: Problem) -> None:
    compiled, plain = run(problem, "numba"), run(problem, "python")
    assert (compiled.engine, plain.engine) == ("numba", "python")
    assert differences(compiled, plain) == []
    assert list(map(bits, compiled.step_errors)) == list(map(bits, plain.step_errors))


@pytest.mark.jit
@given(problems(MOSTLY_HUGE, suited=False))
def test_compiled_is_plain_python_where_numbers_overflow(problem: Problem) -> None:
    compiled, plain = run(problem, "numba"), run(problem, "python")
    event(f"inf or nan in the last parameters: {any(x - x != 0 for x in plain.log[-3:])}")
    assert differences(compiled, plain) == []


@given(problems())
def test_without_a_log_the_same_comes_out(problem: Problem) -> None:
    logged, bare = run(problem, "numba"), run(problem, "numba", log=False)
    plain = run(problem, "python", log=False)
    last = logged.log[len(logged.log) - problem.layout.n_carried :]
    parameters = last[: problem.layout.n_parameters]
    for other in (bare, plain):
        assert list(map(bits, other.log)) == list(map(bits, last))
        assert list(map(bits, other.problem.parameters)) == list(map(bits, parameters))
        assert list(map(bits, other.step_errors)) == list(map(bits, logged.step_errors))


def formulas(problem: Problem) -> Values:
    """The values of all equations, from the givens alone: nothing is taken from a log."""
    parameters = dict(zip(problem.layout.parameters(), problem.parameters, strict=True))

    def known(address: Address) -> float | None:
        quantity, k = address.quantity, address.neuron - 1
        if quantity is Q.ETA:
            training = problem.training
            return training.learning_rate if training.schedule is None else None
        if quantity is Q.T:
            return problem.samples[address.sample - 1].t[k]
        if quantity is Q.OUT and address.layer == 0:
            return problem.samples[address.sample - 1].x[k]
        if address.step == 1 and quantity in problem.memory:
            return 0.0
        if address.step > 1 or quantity not in (Q.W, Q.B):
            return None
        shared = quantity is Q.B and problem.network.layers[address.layer].biases == 1
        return parameters[address._replace(neuron=1 if shared else k + 1).place]

    return Values(Chapter(problem), known)


@pytest.mark.parametrize("numbers", ["moderate", "huge"])
def test_kernels_are_the_formula_tree(numbers: str) -> None:
    strategy = problems() if numbers == "moderate" else problems(MOSTLY_HUGE, suited=False)

    @dear(8)
    @given(strategy)
    def agree(problem: Problem) -> None:
        trace, values = run(problem, "python"), formulas(problem)
        for address in everything(problem, trace):
            logged, calculated = trace.value(address), values(address)
            assert same(logged, calculated), (address, logged, calculated)

    agree()


def everything(problem: Problem, trace: Trace) -> Iterator[Address]:
    """Yield all addresses of a run: what is logged, and the chapter's derived quantities."""
    parameters = list(problem.layout.parameters())
    for step in range(1, trace.steps + 1):
        yield from (p.at(0, step) for p in parameters)
        for sample in trace.samples(step):
            yield from trace.chapter.forward(sample, step)
            yield from trace.chapter.backward(sample, step)
        if problem.has_error:
            yield Address(Q.E, step=step)
            yield from (partial(None, p).at(0, step) for p in parameters)
        yield Address(Q.ETA, step=step)
        yield from trace.chapter.update(step)
        for p in parameters:
            yield p._replace(quantity=Q.STEP_B if p.is_of_bias else Q.STEP_W).at(0, step)
            for quantity in (p.quantity, *problem.memory):
                yield p._replace(quantity=AFTER[quantity]).at(0, step)


@given(problems())
def test_kernels_are_lists_and_loops(problem: Problem) -> None:
    compare_with_naive(problem)


@given(problems(MOSTLY_HUGE, suited=False))
def test_kernels_are_lists_and_loops_where_numbers_overflow(problem: Problem) -> None:
    compare_with_naive(problem)


WIDE = [(4, 5), (5, 4), (9, 13, 4, 7), (30, 8, 3), (3, 8), (19, 21, 10), (10, 43, 2)]


def wide(widths: tuple[int, ...], **training: Any) -> Problem:
    """Return a network with drawn numbers, and five samples."""
    draw = Random(1)

    def row(n: int) -> tuple[float, ...]:
        return tuple(draw.gauss(0.0, 1.0) for _ in range(n))

    biases = [0, *(draw.choice([1, n]) for n in widths[1:])]
    layers = (Layer(n, activation="tanh", biases=b) for n, b in zip(widths, biases, strict=True))
    return Problem(
        Network(tuple(layers)),
        Parameters(
            tuple(tuple(row(m) for _ in range(n)) for m, n in pairwise(widths)),
            tuple(row(b) for b in biases[1:]),
        ),
        tuple(Sample(row(widths[0]), row(widths[-1])) for _ in range(5)),
        Training(**{"rule": "gradient-descent", "learning_rate": 0.1, "steps": 7} | training),
    )


@pytest.mark.parametrize("widths", WIDE)
def test_wide_layers_are_summed_up_in_the_same_order(widths: tuple[int, ...]) -> None:
    problem = wide(widths)
    assert differences(run(problem, "numba"), run(problem, "python")) == []
    compare_with_naive(problem)


TRAININGS = [
    *({"rule": rule.name, "batch": batch} for rule in RULES for batch in (1, 2)),
    {"weight_decay": 0.25},
    {"rule": "momentum", "weight_decay": 0.25},
    {"rule": "adamw", "weight_decay": 0.0},
    {"batch": 5, "reduction": "mean", "order": "shuffled"},
]


@pytest.mark.parametrize(
    "training", TRAININGS, ids=lambda training: "-".join(map(str, training.values()))
)
@pytest.mark.parametrize("engine", ["numba", "python"])
def test_without_a_log_wide_layers_learn_the_same(
    training: dict[str, Any], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a log, weights may change within the backward pass, or even later, in columns."""
    monkeypatch.setattr(ways, "FEWEST_TURNED", 1)
    for widths in WIDE:
        problem = wide(widths, **training)
        logged, bare = run(problem, "python"), run(problem, engine, log=False)
        last = logged.log[len(logged.log) - problem.layout.n_carried :]
        assert list(map(bits, bare.log)) == list(map(bits, last))
        assert list(map(bits, bare.step_errors)) == list(map(bits, logged.step_errors))


@pytest.mark.parametrize("engine", ["numba", "python"])
@pytest.mark.parametrize(
    ("training", "weights"),
    [
        ({}, ways.Weights.STREAMED),
        ({"rule": "adamw"}, ways.Weights.AFTER),
        ({"batch": 2, "reduction": "mean"}, ways.Weights.AFTER),
        ({"rule": "delta"}, ways.Weights.AFTER),
    ],
    ids=["streamed", "adamw", "batches", "delta"],
)
def test_large_records_are_the_same_on_another_way(
    training: dict[str, Any], weights: ways.Weights, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights of a large record are copied on the way, and gradients calculated if possible."""
    for widths in WIDE:
        problem = wide(widths, **training)
        expected = run(problem, "python")
        monkeypatch.setattr(ways, "STREAMED", 1)
        assert ways.choose(problem, 7, log=True).weights == weights
        assert differences(run(problem, engine), expected) == []
        monkeypatch.undo()


def test_a_record_that_goes_past_the_caches() -> None:
    problem = wide((83, 101, 3), steps=3)
    assert problem.layout.size >= ways.STREAMED
    assert differences(run(problem, "numba"), run(problem, "python")) == []


def compare_with_naive(problem: Problem) -> None:
    trace, expected = run(problem, "numba"), naive.calculate(*as_lists(problem), FUNCTIONS)
    compared = 0
    for address, number in addressed(problem, expected):
        value = trace.value(address)
        assert same(value, number), (address, value, number)
        compared += 1
    if problem.rule is None or problem.rule.local is None:
        logged = sum(x == x for x in trace.log)
        assert compared >= logged, "not every number of the log was compared"


def as_lists(problem: Problem) -> tuple[dict, dict]:
    """Return network and run as `naive.calculate` takes them."""
    network, training = problem.network, problem.training
    layers = []
    for l, layer in enumerate(network.layers):
        before = network.widths[l - 1] if l else 0
        kind = "none" if not layer.biases else "shared" if layer.biases == 1 else "each"
        default = ACTIVATIONS.get(layer.activation).default
        layers.append(
            {
                "size": layer.size,
                "activation": layer.activation,
                "option": default if layer.option is None else layer.option,
                "biases": kind,
                "mask": layer.mask or [[True] * before] * layer.size,
            }
        )
    run = {
        "weights": [[], *([list(row) for row in matrix] for matrix in problem.parameters.weights)],
        "biases": [[], *map(list, problem.parameters.biases)],
        "samples": [{"x": list(s.x), "t": list(s.t)} for s in problem.samples],
        "rule": training.rule,
        "etas": [eta(problem, step) for step in range(1, training.steps + 1)],
        "options": {o.name: o.default for o in problem.rule.options} if problem.rule else {},
        "weight_decay": problem.rule.weight_decay if problem.rule else 0.0,
        "batch": training.batch,
        "mean": training.reduction == "mean",
        "steps": training.steps,
        "train_biases": network.train_biases,
        "order": training.order
        if isinstance(training.order, str)
        else [sample - 1 for sample in training.order],
        "seed": training.seed,
    }
    run["options"] |= dict(training.options)
    if training.weight_decay is not None:
        run["weight_decay"] = training.weight_decay
    return {"layers": layers, "loss": network.loss}, run


def eta(problem: Problem, step: int) -> float:
    """Return the learning rate of a step, as plain as can be."""
    training, schedule = problem.training, problem.training.schedule
    rate = training.learning_rate
    if schedule is None:
        return rate
    if schedule.rates:
        return max((first, value) for first, value in schedule.rates if first <= step)[1]
    n = step - 1
    if schedule.per_epoch:
        taken = len(problem.samples) if isinstance(training.order, str) else len(training.order)
        n //= -(-taken // training.batch)
    defaults = {"factor": {"exponential": 0.99, "step": 0.5, "inverse-time": 0.01}}
    option = {"every": 100, "end": 0.0, "over": 1000} | dict(schedule.options)
    factor = option.get("factor", defaults["factor"].get(schedule.name))
    return {
        "constant": lambda: rate,
        "exponential": lambda: rate * naive.power(factor, n),
        "step": lambda: rate * naive.power(factor, n // option["every"]),
        "inverse-time": lambda: rate / (1.0 + factor * n),
        "linear": lambda: (
            option["end"] + (rate - option["end"]) * max(1.0 - n / option["over"], 0.0)
        ),
    }[schedule.name]()


def addressed(problem: Problem, steps: list[dict]) -> Iterator[tuple[Address, float]]:
    """Yield every number of `naive.calculate` with its address."""
    for step, numbers in enumerate(steps, 1):
        yield from three(Q.W, numbers["w"], 0, step)
        yield from two(Q.B, numbers["b"], 0, step)
        for quantity in problem.memory:
            w, b = numbers["memory"][quantity.head]
            yield from three(quantity, w, 0, step)
            yield from two(quantity, b, 0, step)
        if "E" in numbers:
            yield Address(Q.E, step=step), numbers["E"]
        if "d_w" in numbers:
            yield from three(Q.D_W, numbers["d_w"], 0, step)
            yield from two(Q.D_B, numbers["d_b"], 0, step)
        for s, one in numbers["samples"].items():
            sample = s + 1
            yield from two(Q.IN, one["in"], sample, step)
            yield from two(Q.OUT, one["out"], sample, step)
            if "E" not in one:
                continue
            yield Address(Q.E, sample=sample, step=step), one["E"]
            for k, share in enumerate(one["E_k"], 1):
                yield Address(Q.E_K, 0, k, sample=sample, step=step), share
            if "delta" not in one:
                continue
            yield from two(Q.D_OUT, one["d_out"], sample, step)
            yield from two(Q.D_IN, one["delta"], sample, step)
            yield from three(Q.D_W, one["d_w"], sample, step)
            yield from two(Q.D_B, one["d_b"], sample, step)
            for address, slope in three(Q.OUT, one["slope"], sample, step):
                net = address._replace(quantity=Q.IN, neuron=address.source, source=0)
                yield partial(address._replace(source=0), net), slope


def two(quantity: Quantity, rows: list, sample: int, step: int) -> Iterator[tuple[Address, float]]:
    for l, row in enumerate(rows):
        for j, number in enumerate(row, 1):
            yield Address(quantity, l, j, sample=sample, step=step), number


def three(
    quantity: Quantity, matrices: list, sample: int, step: int
) -> Iterator[tuple[Address, float]]:
    for l, matrix in enumerate(matrices):
        for j, row in enumerate(matrix, 1):
            for i, number in enumerate(row, 1):
                yield Address(quantity, l, j, i, sample=sample, step=step), number


BATCHES = Problem(
    Network(
        (
            Layer(2),
            Layer(
                3, activation="tanh", biases=1, mask=((True, False), (True, True), (False, True))
            ),
            Layer(1, activation="softplus", biases=1),
        ),
        loss="squared",
    ),
    Parameters((((0.5, 0.0), (-1.5, 0.25), (0.0, 2.0)), ((1.0, -0.75, 0.5),)), ((0.125,), (-0.3,))),
    tuple(Sample((0.1 * s, 1.0 - 0.3 * s), (0.2 * s,)) for s in range(1, 6)),
    Training("gradient-descent", 0.5, batch=2, reduction="mean", steps=7),
)


@pytest.mark.parametrize("engine", ["python", "numba"])
def test_a_smaller_last_batch_leaves_its_places_empty(engine: str) -> None:
    trace = run(BATCHES, engine)
    per_sample = trace.array(Q.IN)
    assert [trace.samples(step) for step in (1, 2, 3, 4)] == [(1, 2), (3, 4), (5,), (1, 2)]
    empty = [
        (s, p) for s in range(7) for p in range(2) if (per_sample[s, p] != per_sample[s, p]).all()
    ]
    assert empty == [(2, 1), (5, 1)]
    assert trace.array(Q.E)[2, 0, 0] == trace.step_errors[2]


@pytest.mark.parametrize("engine", ["python", "numba"])
@pytest.mark.parametrize("loss", ["none", "squared"])
def test_without_an_error_there_is_only_a_forward_pass(engine: str, loss: str) -> None:
    samples = BATCHES.samples if loss == "none" else (Sample((1.0, 2.0)),)
    problem = replace(
        BATCHES,
        network=replace(BATCHES.network, loss=loss),
        samples=samples,
        training=replace(BATCHES.training, batch=1),
    )
    trace = run(problem, engine)
    for quantity in (Q.D_W, Q.D_B, Q.D_IN, Q.E):
        assert (trace.array(quantity) != trace.array(quantity)).all()
    assert list(trace.log[-problem.layout.n_parameters :]) == list(problem.parameters)
    assert all(e != e for e in trace.step_errors)


@pytest.mark.parametrize("engine", ["python", "numba"])
def test_nan_goes_through_every_activation_but_the_steps(engine: str) -> None:
    for entry in ACTIVATIONS:
        problem = Problem(
            Network((Layer(2), Layer(1, activation=entry.name))),
            Parameters((((1e200, -1e200),),), ((),)),
            (Sample((1e200, 1e200), (0.0,)),),
        )  # in = ∞ − ∞
        out = run(problem, engine).value(Address(Q.OUT, 1, 1, sample=1, step=1))
        if entry.name in ("step", "bipolar-step"):
            assert out == entry.default
        else:
            assert out != out, entry.name


@pytest.mark.jit
@pytest.mark.parametrize("numbers", [MODERATE, MOSTLY_HUGE], ids=["moderate", "huge"])
def test_own_formulas_compiled_are_plain_python(numbers: st.SearchStrategy[float]) -> None:
    @given(with_formulas(numbers))
    def agree(problem: Problem) -> None:
        compiled, plain = run(problem, "numba"), run(problem, "python")
        assert differences(compiled, plain) == []
        assert list(map(bits, compiled.step_errors)) == list(map(bits, plain.step_errors))

    agree()


@dear(8)
@given(with_formulas())
def test_own_formulas_are_the_formula_tree(problem: Problem) -> None:
    trace, values = run(problem, "python"), formulas(problem)
    for address in everything(problem, trace):
        logged, calculated = trace.value(address), values(address)
        assert same(logged, calculated), (address, logged, calculated)


def two_layers(**hidden: Any) -> Problem:
    return Problem(
        Network(
            (
                Layer(2),
                Layer(3, biases=3, **hidden),
                Layer(1, activation="softplus", biases=1),
            )
        ),
        Parameters(
            (((0.5, -1.0), (-1.5, 0.25), (0.75, 2.0)), ((1.0, -0.75, 0.5),)),
            ((0.125, 0.5, -1.0), (-0.3,)),
        ),
        tuple(Sample((0.5 * s, 1.0 - 0.3 * s), (0.2 * s,)) for s in range(1, 6)),
        Training("gradient-descent", 0.5, batch=2, steps=7),
    )


@pytest.mark.parametrize("engine", ["python", "numba"])
@pytest.mark.parametrize(
    "entry", [e for e in ACTIVATIONS if not e.is_of_layer], ids=lambda entry: entry.name
)
def test_a_formula_of_the_table_gives_the_bits_of_the_table(entry: Any, engine: str) -> None:
    text = "tanh(x)" if entry.name == "tanh" else f"{entry.name.replace('-', '_')}(x)"
    built_in = run(two_layers(activation=entry.name), engine)
    mine = run(two_layers(formula=text), engine)
    assert differences(built_in, mine) == []


def test_the_slope_of_a_formula_may_be_given() -> None:
    given_slope = run(two_layers(formula="max(x, 1)", slope="step(x - 1)"), "python")
    derived = run(two_layers(formula="max(1, x)"), "python")
    assert differences(given_slope, derived) == []
    assert own_activation("max(x, 1)").slope(1.0, 1.0) == 0.0
    assert own_activation("max(x, 1)", "step(x - 1)").slope(1.0, 1.0) == 1.0


def test_layers_have_the_same_fields_compiled() -> None:
    compiled = pytest.importorskip("bptrace.kernels.compiled")
    assert compiled.LAYER.names == LayerNet._fields


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("engine", ["numba", "python"])
def test_the_record_ends_with_what_is_carried_on(engine: str, log: bool) -> None:
    """Whatever was calculated in: the next portion of a run can begin with it."""
    problem = wide((3, 5, 2), rule="momentum")
    state = start(problem)
    record = cast.new_record(problem, state.numbers)
    numbers = cast.new_log(problem.layout, 7) if log else array("d")
    way = ways.choose(problem, 7, log, in_place=engine == "numba")
    net, plan = cast.cast_net(problem, way), cast.cast_plan(problem, 0, 7, way)
    if engine == "numba":
        from bptrace.kernels import compiled

        compiled.run_steps(net, plan, record, numbers, cast.new_errors(7))
    else:
        source.run_steps(net, plan, record, numbers, cast.new_errors(7))
    expected = go_on(problem, state, 7, "python").state.numbers
    assert list(map(bits, record[: len(expected)])) == list(map(bits, expected))


@pytest.mark.parametrize("engine", ["numba", "python"])
@pytest.mark.parametrize("rule", ["gradient-descent", "momentum"])
@pytest.mark.parametrize("begin", [0, 5, 6])
def test_what_is_carried_on_is_kept_on_the_way(
    engine: str, rule: str, begin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "FEWEST_TURNED", 1)  # columns would hold the weights between steps
    problem = wide((13, 20, 3), rule=rule)
    state = go_on(problem, start(problem), begin, "python").state
    found = go_on(problem, state, 10, engine, every=3)
    ends = [step for step in range(begin + 1, begin + 11) if step % 3 == 0]
    expected = [go_on(problem, start(problem), end, "python").state.numbers for end in ends]
    assert list(map(bits, found.checkpoints)) == [bits(x) for part in expected for x in part]
    last = go_on(problem, state, 10, "python").state.numbers
    assert list(map(bits, found.state.numbers)) == list(map(bits, last))
