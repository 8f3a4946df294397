"""Weights of a wide first layer in columns: moved there and back, and only where nobody sees it."""

from __future__ import annotations

from array import array
from ctypes import addressof, c_char

import pytest

from bptrace.kernels import cast, columns
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training

N, M = 11, 9
STEPS = columns.FEWEST_STEPS


def problem(**training: object) -> Problem:
    """Return a 9-11-2 network whose parameters are all different."""
    return Problem(
        Network((Layer(M), Layer(N, biases=N), Layer(2, biases=1))),
        Parameters(
            (
                tuple(tuple(100.0 * j + i for i in range(M)) for j in range(N)),
                tuple(tuple(5000.0 + 100.0 * j + i for i in range(N)) for j in range(2)),
            ),
            (tuple(9000.0 + j for j in range(N)), (9999.0,)),
        ),
        (Sample((0.5,) * M, (1.0, 2.0)),),
        Training(**{"rule": "adam", "learning_rate": 0.1} | training),  # type: ignore[arg-type]
    )


def packed(chosen: Problem) -> tuple[cast.Net, columns.Packed, array[float]]:
    net, plan = cast.cast_net(chosen), cast.cast_plan(chosen, 0, STEPS, log=False)
    carried = array("d", range(chosen.layout.n_carried))
    log = cast.new_log(chosen.layout, carried, STEPS, log=False)
    assert columns.suits(net, plan)
    return net, columns.pack(net, plan, log), log


@pytest.mark.parametrize("rule", ["gradient-descent", "momentum", "adam"])
def test_there_and_back(rule: str) -> None:
    net, found, log = packed(problem(rule=rule))
    before, carried = list(log), net.n_parameters * (1 + net.memories)
    log[:carried] = array("d", [-1.0]) * carried
    columns.unpack(net, found, log)
    assert list(log)[:carried] == before[:carried]


def test_each_number_has_its_place() -> None:
    net, found, log = packed(problem())
    first, record = found.net.layers[1], found.record
    assert first.column == 16
    for k in range(3):  # parameters and two memories
        old, new = k * net.n_parameters, k * found.net.n_parameters
        for i in range(M):
            column = record[new + i * 16 : new + i * 16 + 16].tolist()
            assert column == [log[old + j * M + i] for j in range(N)] + [0.0] * 5
        for l in (1, 2):
            was, now = net.layers[l], found.net.layers[l]
            assert record[new + now.b_at] == log[old + was.b_at]
        assert record[new + found.net.layers[2].w_at] == log[old + net.layers[2].w_at]
    assert len(record) - found.net.samples == len(log) - net.samples
    trained = [bool(found.net.trained[j]) for j in range(16)]
    assert trained == [True] * N + [False] * 5


def test_columns_begin_with_a_line_of_the_cache() -> None:
    _, found, _ = packed(problem())
    assert addressof(c_char.from_buffer(found.record)) % (8 * columns.LANES) == 0


def test_decay_reaches_all_weights_and_no_bias() -> None:
    for rule, name in (("adamw", "shrunk"), ("momentum", "steepened")):
        _, found, _ = packed(problem(rule=rule, weight_decay=0.5))
        assert getattr(found.plan, name) == found.net.n_w == M * 16 + 2 * N


def test_rows_stay_where_they_are_seen_or_few() -> None:
    def suits(chosen: Problem, steps: int = STEPS, log: bool = False) -> bool:
        return columns.suits(cast.cast_net(chosen), cast.cast_plan(chosen, 0, steps, log))

    assert suits(problem())
    assert not suits(problem(), log=True)
    assert not suits(problem(), steps=STEPS - 1)
    assert not suits(problem(rule="delta"))
