"""Every entry of the tables: reached by its code, and the same as its formula, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from math import inf, nan
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.address import AFTER
from bptrace.kernels import dispatch
from bptrace.maths import ieee
from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.expr import FLOATS, Expr, Num, bind, spread
from bptrace.maths.losses import LOSSES, Loss
from bptrace.maths.rules import RULES, Constants, Rule
from bptrace.maths.schedules import SCHEDULES, Schedule

EDGES = [0.0, -0.0, inf, -inf, nan, 5e-324, -5e-324, 1.0, -1.0, 1.7e308, -1.7e308, 710.0, -746.0]
NUMBERS = st.sampled_from(EDGES) | st.floats(-40.0, 40.0) | st.floats()


def bits(x: float) -> bytes:
    return b"nan" if x != x else pack("d", x)


def bound(expr: Expr, places: Mapping[Hashable, float]) -> Expr:
    return bind(expr, {key: Num(value) for key, value in places.items()})


def read(expr: Expr, places: Mapping[Hashable, float]) -> bytes:
    return bits(FLOATS.read(bound(expr, places), lambda key: nan))


def options(entry: Activation) -> list[float]:
    return [entry.default, *(x for x in entry.limits if abs(x) < 10)]


ALONE = [entry for entry in ACTIVATIONS if not entry.is_of_layer]
OF_LAYERS = [entry for entry in ACTIVATIONS if entry.is_of_layer]
LAYERS = st.lists(NUMBERS, min_size=1, max_size=5)


@pytest.mark.parametrize("entry", ALONE, ids=lambda entry: entry.name)
@given(z=NUMBERS)
def test_activation(entry: Activation, z: float) -> None:
    code = ACTIVATIONS.code(entry.name)
    for option in options(entry):
        out = dispatch.act(code, z, option)
        slope = dispatch.act_slope(code, z, out, option)
        places = {"in": z, "out": out, "option": option}
        assert bits(out) == read(entry.expr, places)
        assert bits(slope) == read(entry.slope_expr, places)
        low, high = entry.range
        assert out != out or low <= out <= high


def over_layer(expr: Expr, zs: list[float]) -> Expr:
    """Write out a formula that speaks of all net inputs of a layer."""
    return spread(expr, [{"each": Num(z)} for z in zs])


@pytest.mark.parametrize("entry", OF_LAYERS, ids=lambda entry: entry.name)
@given(zs=LAYERS)
def test_activation_of_a_layer(entry: Activation, zs: list[float]) -> None:
    code, n = dispatch.layer_code(entry), len(zs)
    numbers = [7.0, *zs, *[nan] * n, 8.0]
    dispatch.act_layer(code, numbers, 1, 1 + n, n)
    outs, expr = numbers[1 + n : -1], over_layer(entry.expr, zs)
    assert numbers[0] == 7.0
    assert numbers[-1] == 8.0
    for z, out in zip(zs, outs, strict=True):
        assert bits(out) == read(expr, {"in": z})
        own = dispatch.act_slope(ACTIVATIONS.code(entry.name), z, out, 0.0)
        assert bits(own) == read(entry.slope_expr, {"out": out})
        assert out != out or entry.range[0] <= out <= entry.range[1]
        for other in outs:
            cross = dispatch.cross_slope(code, out, other)
            assert bits(cross) == read(entry.cross_expr, {"out": out, "other": other})


@pytest.mark.parametrize("entry", [e for e in LOSSES if e.fused], ids=lambda entry: entry.name)
@given(zs=LAYERS, t=NUMBERS, a=NUMBERS, total=NUMBERS)
def test_loss_after_the_activation_that_it_undoes(
    entry: Loss, zs: list[float], t: float, a: float, total: float
) -> None:
    fused = entry.fused
    assert fused is not None
    code = dispatch.fused_code(entry.name, fused.partner)
    common = dispatch.fused_common(code, zs, 0, len(zs))
    share = dispatch.fused_loss(code, t, zs[-1], common)
    assert bits(share) == read(over_layer(fused.expr, zs), {"t": t, "in": zs[-1]})
    slope = spread(fused.slope_expr, [{"each t": Num(total)}])
    assert bits(dispatch.fused_slope(code, t, a, total)) == read(slope, {"t": t, "out": a})
    one = dispatch.fused_slope(code, t, a, 1.0)
    assert bits(one) == read(fused.unit_slope_expr, {"t": t, "out": a})


@pytest.mark.parametrize("entry", LOSSES, ids=lambda entry: entry.name)
@given(t=NUMBERS, a=NUMBERS, n=st.integers(1, 20).map(float))
def test_loss(entry: Loss, t: float, a: float, n: float) -> None:
    code, places = LOSSES.code(entry.name), {"t": t, "out": a, "n": n}
    assert bits(dispatch.loss(code, t, a, n)) == read(entry.expr, places)
    assert bits(dispatch.loss_slope(code, t, a, n)) == read(entry.slope_expr, places)


INSIDE = st.floats(0.01, 0.99)
COUNTS = st.integers(0, 40).map(float)


@pytest.mark.parametrize("entry", RULES, ids=lambda entry: entry.name)
@given(p=NUMBERS, g=NUMBERS, eta=NUMBERS, old=st.tuples(NUMBERS, NUMBERS), data=st.data())
def test_rule(
    entry: Rule, p: float, g: float, eta: float, old: tuple[float, float], data: st.DataObject
) -> None:
    code, n = dispatch.rule_code(entry), float(data.draw(st.integers(1, 9)))
    given_options = {option.name: data.draw(INSIDE) for option in entry.options}
    c = entry.constants(given_options, None)
    c = c._replace(
        fill_first=1.0 - ieee.power(c.keep_first, n), fill_second=1.0 - ieee.power(c.keep_second, n)
    )
    places = {"parameter": p, "gradient": g, "eta": eta, "n": n, **given_options}
    if entry.local is not None:
        return
    after, *remembered = updated(code, len(entry.memory), (p, g, eta), old, c)
    for memory, before, number in zip(entry.memory, old, remembered, strict=False):
        places[memory.quantity] = before
        assert bits(number) == read(memory.expr, places)
        places[AFTER[memory.quantity]] = number
    for quantity, expr in (entry.corrected or {}).items():
        places[quantity] = FLOATS.read(bound(expr, places), lambda key: nan)
    assert bits(after) == read(entry.new_expr, places)


def updated(
    code: int, memories: int, numbers: tuple[float, ...], old: tuple[float, float], c: Constants
) -> tuple[float, ...]:
    """Return the parameter and what is remembered of it after the update."""
    if memories == 0:
        return (dispatch.update_plain(code, *numbers, c),)
    update = dispatch.update_one if memories == 1 else dispatch.update_two
    return update(code, *numbers, *old[:memories], c)


@pytest.mark.parametrize(
    "entry", [rule for rule in RULES if rule.local], ids=lambda entry: entry.name
)
@given(eta=NUMBERS, x=NUMBERS, t=NUMBERS, y=NUMBERS)
def test_local_rule(entry: Rule, eta: float, x: float, t: float, y: float) -> None:
    assert entry.local is not None
    code, places = dispatch.rule_code(entry), {"eta": eta, "x": x, "t": t, "y": y}
    assert bits(dispatch.local_step(code, eta, x, t, y)) == read(entry.local.expr, places)
    assert bits(dispatch.local_step(code, eta, 1.0, t, y)) == read(entry.local.bias_expr, places)


@pytest.mark.parametrize("entry", SCHEDULES, ids=lambda entry: entry.name)
@given(rate=st.floats(1e-6, 1e3), n=COUNTS, a=INSIDE, b=st.integers(1, 9).map(float))
def test_schedule(entry: Schedule, rate: float, n: float, a: float, b: float) -> None:
    names = [name for name, _ in entry.options]
    places = {"rate": rate, "n": n, **dict(zip(names, (a, b), strict=False))}
    code = SCHEDULES.code(entry.name)
    assert bits(dispatch.scheduled(code, rate, n, a, b)) == read(entry.expr, places)


@pytest.mark.parametrize("n", range(1, 10))
def test_a_chain_finds_every_code(n: int) -> None:
    def nth(k: int) -> Callable[[float], float]:
        return lambda x: k + x

    before = len(dispatch.SCALARS)
    try:
        chain = dispatch.fold(nth(k) for k in range(n))
        assert [chain(code, 0.5) for code in range(n)] == [k + 0.5 for k in range(n)]
    finally:
        del dispatch.SCALARS[before:]
