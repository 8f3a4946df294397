"""exp, log, log1p and tanh from basic operations: how exact, how they end, the same compiled.

The judge of exactness is mpmath with 160 bits. The error is counted in ulps of the binade that
the exact value lies in, not of the binade of the result, which can be twice as wide.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import math
import os
import platform
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import libmp, mpf

import bptrace
from bptrace.maths import ieee

INF, NAN = math.inf, math.nan
BITS = 160
FUNCTIONS = ["exp", "log", "log1p", "tanh"]
LARGEST = sys.float_info.max
SMALLEST = 5e-324
TWO_1024 = libmp.from_man_exp(1, 1024)

# A number as mpmath keeps it: sign, mantissa, exponent, length of the mantissa in bits.
Raw = tuple[int, int, int, int]

EXACT: dict[str, Callable[[Raw], Raw]] = {
    "exp": lambda x: libmp.mpf_exp(x, BITS),
    "log": lambda x: libmp.mpf_log(x, BITS),
    "log1p": lambda x: libmp.mpf_log(libmp.mpf_add(libmp.fone, x), BITS),
    "tanh": lambda x: libmp.mpf_tanh(x, BITS),
}


def bits(x: float) -> int:
    return struct.unpack("<q", struct.pack("<d", x))[0]


def error_in_ulps(name: str, x: float) -> float:
    result = getattr(ieee, name)(x)
    exact = EXACT[name](libmp.from_float(x))
    if exact == libmp.fzero:
        return 0.0 if result == 0.0 else INF
    _sign, _mantissa, exponent, length = exact
    ulp_exponent = max(exponent + length - 53, -1074)
    if result == INF:
        # inf stands for 2**1024, the value whose place it takes, and for all above.
        if libmp.mpf_ge(exact, TWO_1024):
            return 0.0
        difference = libmp.mpf_sub(TWO_1024, exact, 60)
    else:
        difference = libmp.mpf_sub(libmp.from_float(result), exact, 60)
    return abs(libmp.to_float(libmp.mpf_shift(difference, -ulp_exponent)))


# --- where to look --------------------------------------------------------------------------------


def any_float(rng: random.Random) -> float:
    return struct.unpack("<d", rng.randbytes(8))[0]


def near(rng: random.Random, *places: float) -> float:
    """One of the places, or up to 50 floats beside it."""
    x = rng.choice(places)
    for _ in range(rng.randrange(51)):
        x = math.nextafter(x, rng.choice([-INF, INF]))
    return x


def small(rng: random.Random) -> float:
    return math.ldexp(rng.uniform(-1.0, 1.0), -rng.randrange(1, 1070))


def half_way(rng: random.Random) -> float:
    """Where the exponent of e**x's reduction changes, and |r| is largest."""
    return (rng.randrange(-1075, 1024) + 0.5) * math.log(2) * (1 + rng.uniform(-1e-9, 1e-9))


def root_half(rng: random.Random) -> float:
    """Where the exponent of log's reduction changes, and |f| is largest."""
    root = math.sqrt(0.5) * (1 + rng.uniform(-1e-6, 1e-6))
    return math.ldexp(root, rng.choice([-1, 0, 1, 2, rng.randrange(-1021, 1024)]))


REGIONS: dict[str, list[Callable[[random.Random], float]]] = {
    "exp": [
        lambda rng: rng.uniform(-746.0, 709.79),
        lambda rng: rng.uniform(-2.0, 2.0),
        lambda rng: rng.uniform(-746.0, -707.0),  # subnormal results
        half_way,
        lambda rng: near(rng, 709.782712893384, -708.3964185322641, -744.4400719213812, -745.13),
        small,
    ],
    "log": [
        lambda rng: abs(any_float(rng)),
        lambda rng: rng.uniform(0.5, 2.0),
        lambda rng: near(rng, 1.0, 0.5, 2.0, 2.0**-1022, SMALLEST, LARGEST),
        lambda rng: 1.0 + math.ldexp(rng.uniform(-1.0, 1.0), -rng.randrange(1, 54)),
        root_half,
        lambda rng: math.ldexp(rng.random(), -1022),  # subnormal arguments
    ],
    "log1p": [
        lambda rng: rng.uniform(-1.0, 2.0),
        lambda rng: near(rng, 0.41, -0.29, 1.0, 2.0**53, -1.0, -0.5, LARGEST),
        lambda rng: root_half(rng) - 1.0,
        lambda rng: math.ldexp(rng.random(), -rng.randrange(1, 54)) - 1.0,
        lambda rng: math.ldexp(1.0 + rng.random(), rng.randrange(0, 70)),
        lambda rng: abs(any_float(rng)),
        small,
    ],
    "tanh": [
        lambda rng: rng.uniform(-0.3, 0.3),
        lambda rng: rng.uniform(0.3, 1.0),
        lambda rng: rng.uniform(-23.0, 23.0),
        lambda rng: near(rng, 0.3, -0.3, 22.0, 19.0615474653985),
        lambda rng: half_way(rng) / 50.0,
        any_float,
        small,
    ],
}
DOMAIN = {"exp": (-INF, 709.79), "log": (0.0, INF), "log1p": (-1.0, INF), "tanh": (-INF, INF)}


def points(name: str, seed: int) -> Iterator[float]:
    """Endless arguments from every region in turn."""
    rng = random.Random(seed)
    low, high = DOMAIN[name]
    while True:
        for region in REGIONS[name]:
            x = region(rng)
            if low < x < high:
                yield x


# --- how exact ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_is_below_one_ulp(name: str) -> None:
    worst = max(islice(points(name, seed=1), 20_000), key=lambda x: error_in_ulps(name, x))
    assert error_in_ulps(name, worst) < 1.0, worst.hex()


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_is_below_what_the_module_head_says(name: str) -> None:
    worst = max(islice(points(name, seed=2), 1_000_000), key=lambda x: error_in_ulps(name, x))
    assert error_in_ulps(name, worst) < 1.0, worst.hex()
    assert error_in_ulps(name, worst) <= said_error(name), worst.hex()


def said_error(name: str) -> float:
    """Return the error that the table in the module head gives for a function."""
    rows = [line.split() for line in (ieee.__doc__ or "").splitlines()]
    (row,) = [row for row in rows if row[:1] == [name]]
    return float(row[1])


@given(st.floats(0.0, 25.0), st.integers(1, 200))
def test_tanh_never_falls_from_one_float_to_the_next(x: float, length: int) -> None:
    last = ieee.tanh(x)
    for _ in range(length):
        x = math.nextafter(x, INF)
        value = ieee.tanh(x)
        assert last <= value <= 1.0
        last = value


@pytest.mark.parametrize("edge", [0.3, 22.0])
def test_tanh_rises_across_its_breakpoints(edge: float) -> None:
    assert ieee.tanh(math.nextafter(edge, 0.0)) <= ieee.tanh(edge)


@given(st.floats(allow_nan=False))
def test_tanh_is_odd_and_within_one(x: float) -> None:
    assert bits(ieee.tanh(-x)) == bits(-ieee.tanh(x))
    assert abs(ieee.tanh(x)) <= 1.0


# --- how they end ---------------------------------------------------------------------------------

EDGES = [
    ("exp", 0.0, 1.0),
    ("exp", -0.0, 1.0),
    ("exp", INF, INF),
    ("exp", -INF, 0.0),
    ("exp", NAN, NAN),
    ("exp", 709.782712893384, float.fromhex("0x1.fffffffffff2ap+1023")),
    ("exp", 709.7827128933841, INF),
    ("exp", 710.0, INF),
    ("exp", LARGEST, INF),
    ("exp", -745.1332191019411, SMALLEST),
    ("exp", -745.1332191019412, 0.0),
    ("exp", -746.0, 0.0),
    ("exp", -LARGEST, 0.0),
    ("log", 1.0, 0.0),
    ("log", 0.0, -INF),
    ("log", -0.0, -INF),
    ("log", -SMALLEST, NAN),
    ("log", -1.0, NAN),
    ("log", -INF, NAN),
    ("log", INF, INF),
    ("log", NAN, NAN),
    ("log", SMALLEST, -744.4400719213812),
    ("log", LARGEST, 709.782712893384),
    ("log1p", 0.0, 0.0),
    ("log1p", -0.0, -0.0),
    ("log1p", SMALLEST, SMALLEST),
    ("log1p", -SMALLEST, -SMALLEST),
    ("log1p", -1.0, -INF),
    ("log1p", math.nextafter(-1.0, -2.0), NAN),
    ("log1p", -INF, NAN),
    ("log1p", INF, INF),
    ("log1p", NAN, NAN),
    ("log1p", LARGEST, 709.782712893384),
    ("tanh", 0.0, 0.0),
    ("tanh", -0.0, -0.0),
    ("tanh", SMALLEST, SMALLEST),
    ("tanh", -SMALLEST, -SMALLEST),
    ("tanh", 22.0, 1.0),
    ("tanh", INF, 1.0),
    ("tanh", -INF, -1.0),
    ("tanh", NAN, NAN),
]


@pytest.mark.parametrize(("name", "x", "expected"), EDGES)
def test_edges(name: str, x: float, expected: float) -> None:
    assert bits(getattr(ieee, name)(x)) == bits(expected)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=st.floats())
def test_every_float_has_a_float_result(name: str, x: float) -> None:
    assert type(getattr(ieee, name)(x)) is float


# --- what they are made of ------------------------------------------------------------------------


def chebyshev_coefficients(f: Callable[[mpf], mpf], low: mpf, high: mpf, count: int) -> list[float]:
    """Polynomial through f at the Chebyshev nodes of [low, high], constant term first."""
    middle, half = (low + high) / 2, (high - low) / 2
    angles = [mpmath.pi * (2 * i + 1) / (2 * count) for i in range(count)]
    nodes = [middle + half * mpmath.cos(angle) for angle in angles]
    powers = mpmath.matrix([[node**n for n in range(count)] for node in nodes])
    return [float(c) for c in mpmath.lu_solve(powers, mpmath.matrix([f(node) for node in nodes]))]


def exp_rest(r: mpf) -> mpf:
    """(e**r - 1 - r) / r², as a series, which also has a value at 0."""
    return mpmath.fsum(r**n / mpmath.factorial(n + 2) for n in range(60))


def log_rest(v: mpf) -> mpf:
    """(2 artanh(z/2) - z) / z³ with v = z²."""
    return mpmath.fsum(v**n / ((2 * n + 3) * mpf(4) ** (n + 1)) for n in range(120))


def tanh_rest(v: mpf) -> mpf:
    """(tanh(x) - x) / x³ with v = x²."""
    x = mpmath.sqrt(v)
    return (mpmath.tanh(x) - x) / x**3


@pytest.mark.parametrize(
    ("letter", "powers", "f", "low", "high"),
    [
        ("E", range(2, 13), exp_rest, "-0.3466", "0.3466"),
        ("L", range(3, 18, 2), log_rest, "0", "0.3432"),
        ("T", range(3, 18, 2), tanh_rest, "0", "0.3"),
    ],
)
def test_coefficients_are_what_the_module_says(
    letter: str, powers: range, f: Callable[[mpf], mpf], low: str, high: str
) -> None:
    with mpmath.workprec(400):
        squared = 1 if letter == "E" else 2  # the odd functions are polynomials in the square
        computed = chebyshev_coefficients(f, mpf(low), mpf(high) ** squared, len(powers))
    assert [getattr(ieee, f"{letter}{n}") for n in powers] == computed


def test_constants_are_what_the_module_says() -> None:
    with mpmath.workprec(400):
        high = mpmath.floor(mpmath.log(2) * 2**42) / 2**42
        assert float(high) == ieee.LN2_HIGH
        assert float(mpmath.log(2) - high) == ieee.LN2_LOW
        assert abs(mpmath.log(2) - ieee.LN2_HIGH - ieee.LN2_LOW) < mpf(2) ** -98
        assert float(1 / mpmath.log(2)) == ieee.ONE_OVER_LN2
        assert float(mpmath.sqrt(0.5)) == ieee.SQRT_HALF
    assert (ieee.TO_WHOLE, ieee.TO_26_BITS, ieee.HALVING) == (1.5 * 2**52, 1.5 * 2**26, 2**27 + 1)
    # Below the thresholds no float but inf, 0 and 1 can be meant.
    with mpmath.workprec(160):
        assert mpmath.exp(710) > mpf(2) ** 1024
        assert mpmath.exp(-746) < mpf(2) ** -1075
        assert 1 - mpmath.tanh(22) < mpf(2) ** -54


@given(st.floats(SMALLEST, LARGEST))
def test_split_is_exact(x: float) -> None:
    m, k = ieee.split(x)
    assert 0.5 <= m < 1.0
    assert Fraction(m) * Fraction(2) ** int(k) == Fraction(x)


@given(st.integers(-1022, 1023))
def test_power_of_two_is_exact(k: int) -> None:
    assert Fraction(ieee.power_of_two(float(k))) == Fraction(2) ** k


@given(st.floats(-1e290, 1e290))
def test_upper_half_leaves_room_for_an_exact_product(x: float) -> None:
    upper = ieee.upper_half(x)
    mantissa, _k = math.frexp(upper)
    assert math.ldexp(mantissa, 26) % 1.0 == 0.0 or abs(x) < 2.0**-1022
    assert abs(Fraction(x) - Fraction(upper)) <= Fraction(abs(x)) / 2**26 + Fraction(SMALLEST)


def test_only_basic_operations_are_used() -> None:
    """Nothing whose rounding IEEE 754 leaves open: no power, no libm but for exact scaling."""
    tree = ast.parse(inspect.getsource(ieee))
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {f.id if isinstance(f, ast.Name) else ast.unparse(f) for f in called}
    assert names <= own | {
        *("abs", "float", "int", "copysign", "frexp", "ldexp"),
        *("math.floor", "math.sqrt"),  # exact, and rounded as IEEE 754 prescribes
    }
    operators = {type(node.op) for node in ast.walk(tree) if isinstance(node, ast.BinOp)}
    assert operators == {ast.Add, ast.Sub, ast.Mult, ast.Div}


# --- compiled -------------------------------------------------------------------------------------


def many_floats(name: str, count: int) -> list[float]:
    """Arguments of every region, every edge, and any bit patterns: nan, or outside the domain."""
    rng = random.Random(3)
    edges = [x for _name, x, _expected in EDGES]
    return [
        *edges,
        *islice(points(name, seed=4), count),
        *(any_float(rng) for _ in range(count // 10)),
    ]


def compiled_loop(name: str, **options: object) -> Callable[..., None]:
    """Compile a loop that LLVM may widen as it likes."""
    import numba

    from bptrace.kernels.ieee_intrinsics import install

    install()
    function = getattr(ieee, name)

    @numba.njit(**{"error_model": "numpy", **options})
    def loop(x, out):  # type: ignore[no-untyped-def]
        for i in range(x.shape[0]):
            out[i] = function(x[i])

    return loop


def compiled_bits(loop: Callable[..., None], x: list[float]) -> list[int]:
    import numpy as np

    out = np.empty(len(x))
    loop(np.array(x), out)
    return out.view(np.int64).tolist()


@pytest.mark.jit
@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_gives_the_same_bits(name: str) -> None:
    x = many_floats(name, 200_000)
    function = getattr(ieee, name)
    assert compiled_bits(compiled_loop(name), x) == [bits(function(value)) for value in x]


@pytest.mark.jit
@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_compiled_call_at_a_time_gives_the_same_bits(name: str) -> None:
    loop = compiled_loop(name)
    function = getattr(ieee, name)
    for value in many_floats(name, 1000):
        assert compiled_bits(loop, [value]) == [bits(function(value))]


@pytest.mark.jit
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_careless_caller_changes_no_bits(name: str) -> None:
    x = many_floats(name, 5_000)
    loop = compiled_loop(name, fastmath=True, error_model="python")
    function = getattr(ieee, name)
    assert compiled_bits(loop, x) == [bits(function(value)) for value in x]


@pytest.mark.jit
def test_install_may_be_called_again() -> None:
    from bptrace.kernels.ieee_intrinsics import install

    install()
    install()
    assert compiled_bits(compiled_loop("exp"), [0.0]) == [bits(1.0)]


@pytest.mark.jit
@given(st.floats(SMALLEST, LARGEST))
def test_compiled_split_is_the_plain_one(x: float) -> None:
    from bptrace.kernels import ieee_intrinsics

    assert ieee_intrinsics.split(x) == ieee.split(x)


@pytest.mark.jit
@given(st.integers(-1022, 1023))
def test_compiled_power_of_two_is_the_plain_one(k: int) -> None:
    from bptrace.kernels import ieee_intrinsics

    assert ieee_intrinsics.power_of_two(float(k)) == ieee.power_of_two(float(k))


def print_digests() -> None:
    """Print one hash per function over compiled results; what a run for another processor shows."""
    for name in FUNCTIONS:
        values = compiled_bits(compiled_loop(name), many_floats(name, 20_000))
        print(name, hashlib.sha256(repr(values).encode()).hexdigest())


def digests_on(**processor: str) -> str:
    root = Path(bptrace.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "PYTHONPATH": str(root), **processor},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 processors")
@pytest.mark.parametrize("cpu", ["x86-64", "haswell"])
def test_another_processor_gives_the_same_bits(cpu: str) -> None:
    """Code for vectors of 128 and 256 bits, the second with fused multiply-add at hand."""
    here = digests_on()
    assert len(here.splitlines()) == len(FUNCTIONS)
    assert digests_on(NUMBA_CPU_NAME=cpu, NUMBA_CPU_FEATURES="") == here


if __name__ == "__main__":
    print_digests()
