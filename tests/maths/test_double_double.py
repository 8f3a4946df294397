"""Pairs of floats: as near to mpmath as is said, the edges of float64, and every formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

import pytest
from effort import fewer
from many_digits import in_many_digits
from mpmath import MPContext

from bptrace.maths import double_double as dd
from bptrace.maths import ieee
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.bounds import BOUNDED
from bptrace.maths.double_double import DOUBLE_DOUBLE, PAIRS, Pair
from bptrace.maths.expr import SCALARS, Expr
from bptrace.maths.losses import LOSSES

MP = MPContext()
MP.prec = 400
mpf = MP.mpf

U = 2.0**-53


def exact(pair: Pair) -> Any:
    return mpf(pair[0]) + mpf(pair[1])


def drawn(draw: Random, low: float, high: float, signed: bool = True) -> Pair:
    """A pair of which the first number is evenly spread over the exponents."""
    size = math.exp(draw.uniform(math.log(low), math.log(high)))
    x = -size if signed and draw.random() < 0.5 else size
    return dd.quick_sum(x, x * draw.uniform(-0.5, 0.5) * 2.0**-52)


def test_the_constants() -> None:
    ln2 = MP.log(2)
    rest = ln2 - mpf(ieee.LN2_HIGH) - mpf(ieee.LN2_LOW)
    assert float(rest) == dd.LN2_REST
    assert (float(ln2), float(ln2 - mpf(dd.LN2[0]))) == dd.LN2
    for n, pair in ((3, dd.THIRD), (4, dd.FOURTH), (5, dd.FIFTH)):
        value = 1 / MP.factorial(n)
        assert (float(value), float(value - mpf(pair[0]))) == pair
    for n, number in ((6, dd.SIXTH), (7, dd.SEVENTH), (8, dd.EIGHTH), (9, dd.NINTH)):
        assert float(1 / MP.factorial(n)) == number


Case = tuple[str, Callable[..., Any], tuple[float, float], bool, float]
FUNCTIONS: list[Case] = [
    ("exp", MP.exp, (1e-30, 1.0), True, 2.0**-101),
    ("exp", MP.exp, (1.0, 600.0), True, 2.0**-101),
    ("log", MP.log, (1e-290, 1e300), False, 2.0**-101),
    ("log", MP.log, (0.5, 2.0), False, 2.0**-101),
    ("log1p", MP.log1p, (1e-30, 0.99), True, 2.0**-101),
    ("log1p", MP.log1p, (0.3, 1e300), False, 2.0**-101),
    ("tanh", MP.tanh, (1e-30, 0.3), True, 2.0**-101),
    ("tanh", MP.tanh, (0.1, 400.0), True, 2.0**-101),
    ("sqrt", MP.sqrt, (1e-100, 1e300), False, 4 * U * U),
    ("add", lambda a, b: a + b, (0.1, 10.0), True, 3.01 * U * U),
    ("sub", lambda a, b: a - b, (0.1, 10.0), True, 3.01 * U * U),
    ("mul", lambda a, b: a * b, (1e-100, 1e100), True, 5 * U * U),
    ("div", lambda a, b: a / b, (1e-100, 1e100), True, 10 * U * U),
]


@pytest.mark.parametrize("case", FUNCTIONS, ids=[name for name, *_ in FUNCTIONS])
def test_as_near_as_the_head_of_the_module_says(case: Case) -> None:
    name, function, between, signed, bound = case
    draw, arguments = Random(3), PAIRS[name].__code__.co_argcount
    for _ in range(fewer(300, 5000)):
        pairs = [drawn(draw, *between, signed) for _ in range(arguments)]
        value = function(*map(exact, pairs))
        found = PAIRS[name](*pairs)
        assert abs(exact(found) - value) <= bound * abs(value), (name, pairs)
        assert found[0] + found[1] == found[0]


def test_neighbours_cancel_without_loss() -> None:
    """Of almost equal numbers the difference is as right in relation to itself."""
    draw = Random(4)
    for _ in range(fewer(500, 5000)):
        a = drawn(draw, 0.5, 2.0)
        near = 1.0 + draw.uniform(-1.0, 1.0) * 2.0 ** -draw.randint(1, 51)
        b = dd.quick_sum(a[0] * near, a[1] * draw.random())
        value = exact(a) - exact(b)
        assert abs(exact(dd.minus(a, b)) - value) <= 3.01 * U * U * abs(value)


@pytest.mark.parametrize("name", ["log", "log1p", "tanh"])
def test_right_in_relation_to_a_small_result(name: str) -> None:
    draw, function = Random(5), getattr(MP, name)
    for _ in range(fewer(200, 2000)):
        tiny = drawn(draw, 1e-300, 1e-3)
        a = dd.plus((1.0, 0.0), drawn(draw, 1e-20, 1e-3)) if name == "log" else tiny
        value = function(exact(a))
        # below 2⁻⁹⁶⁹ second numbers are subnormal: off by half of 2⁻¹⁰⁷⁴ at each of a few steps
        assert abs(exact(PAIRS[name](a)) - value) <= 2.0**-101 * abs(value) + mpf(2) ** -1071


def test_every_operation_has_its_meaning() -> None:
    assert set(PAIRS) == {*SCALARS, "times_log", "times_reciprocal"}
    arguments = [function.__code__.co_argcount for function in PAIRS.values()]
    assert arguments == sorted(arguments)


EDGES = [
    0.0, -0.0, 5e-324, 1e-310, 1.0, -1.0, 1e300, 1.7e308, 709.5, 710.0, -745.5, -746.0,
    math.inf, -math.inf, math.nan,
]  # fmt: skip


@pytest.mark.parametrize("name", list(PAIRS))
def test_the_edges_are_those_of_float64(name: str) -> None:
    """Infinite, nan and 0 where float64 is; else within a few of its units, of a product more."""
    of_floats = SCALARS.get(name) or getattr(ieee, name)
    n = PAIRS[name].__code__.co_argcount
    for numbers in product(EDGES, repeat=n):
        expected = of_floats(*numbers)
        high, low = PAIRS[name](*((x, 0.0) for x in numbers))
        assert math.isfinite(low), (name, numbers)
        if expected == 0.0 or not math.isfinite(expected):
            assert high == expected or (high != high and expected != expected), (name, numbers)
        else:
            assert abs(high - expected) <= 2.0 * math.ulp(expected), (name, numbers)


EVERY: list[tuple[str, Expr]] = [
    *((f"{entry.name}, {what}", expr) for entry in ACTIVATIONS if not entry.is_of_layer
      for what, expr in (("value", entry.expr), ("slope", entry.slope_expr))),
    *((f"{entry.name}, {what}", expr) for entry in LOSSES
      for what, expr in (("E", entry.expr), ("slope", entry.slope_expr))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "expr"), EVERY, ids=[name for name, _ in EVERY])
def test_every_formula_of_the_tables(name: str, expr: Expr) -> None:
    """Off by the running bound of float64, times 2⁻⁴⁸: its unit is u, that of pairs below 20 u²."""
    draw, digits = Random(name), in_many_digits(MP)
    for _ in range(fewer(100, 1000)):
        places = {
            "in": draw.uniform(-30.0, 30.0),
            "out": draw.uniform(1e-9, 1.0 - 1e-9),
            "t": draw.choice([0.0, 1.0, draw.random()]),
            "option": 0.25,
            "n": 3.0,
        }
        value = digits.read(expr, lambda key, p=places: mpf(p[key]))  # type: ignore[misc]
        pair = DOUBLE_DOUBLE.read(expr, lambda key, p=places: (p[key], 0.0))  # type: ignore[misc]
        bound = BOUNDED.read(expr, lambda key, p=places: (p[key], 0.0))[1]  # type: ignore[misc]
        assert abs(exact(pair) - value) <= mpf(2) ** -48 * mpf(bound)
