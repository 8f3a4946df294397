"""What the bounds of gradcheck take for granted: how far the tables' functions round.

`kernels.disturbed` and `kernels.ground` allow each value of an activation or loss `NOISE`, 8
units of 2⁻⁵³, relative to it, and `SMALLEST` or `TINY` where numbers lose their relative precision.
Judged by 400 digits at the ends, at kinks, and at numbers of every size.
"""

from __future__ import annotations

import math
from random import Random

import pytest
from effort import fewer
from many_digits import in_many_digits
from mpmath import MPContext

from bptrace.kernels.disturbed import NOISE, SMALLEST, TINY, UNIT
from bptrace.kernels.ground import layer_values
from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.expr import Ref, spread
from bptrace.maths.losses import LOSSES, Fused, Loss

MP = MPContext()
MP.dps = 400  # 1 − out of a saturated sigmoid needs 320 digits
EXACT = in_many_digits(MP)
POINTS = fewer(100, 2_000)
EDGES = (
    0.0, -0.0, 5e-324, -5e-324, 2.3e-308, -2.3e-308, 1e-17, -1e-17, 0.5, -0.5, 1.0, -1.0, 18.7,
    -18.7, 36.7, -36.7, 37.5, 700.0, -708.4, -709.8, -730.0, -744.4, -745.2, 745.2, -1e4, 1e4,
    1e300, -1e300,
)  # fmt: skip

SINGLE = [entry for entry in ACTIVATIONS if not entry.is_of_layer]
WITH_ERROR = [entry for entry in LOSSES if entry.name != "none"]


def numbers(seed: str) -> list[float]:
    rng = Random(seed)
    signed = [rng.choice((-1.0, 1.0)) * 10.0 ** rng.uniform(-20.0, 3.0) for _ in range(POINTS)]
    return [*EDGES, *signed, *(rng.uniform(-40.0, 40.0) for _ in range(POINTS))]


def options(entry: Activation) -> list[tuple[float, ...]]:
    return [(o,) for o in (entry.limits[0], 0.01, 0.3, entry.limits[1])] if entry.option else [()]


@pytest.mark.parametrize("entry", SINGLE, ids=lambda entry: entry.name)
def test_activations_are_right_to_8_units(entry: Activation) -> None:
    """A sigmoid below 2⁻¹⁰²³ is 0: its power of e is inf by then."""
    for option in options(entry):
        for z in numbers(entry.name):
            a = entry.f(z, *option)
            places = {"in": MP.mpf(z), "option": MP.mpf(*option) if option else None}
            exact = EXACT.read(entry.expr, places.__getitem__)
            assert abs(exact - a) <= NOISE * abs(MP.mpf(a)) + SMALLEST, (z, option)


@pytest.mark.parametrize("entry", SINGLE, ids=lambda entry: entry.name)
def test_slopes_are_right_to_8_units_of_what_they_are_calculated_from(entry: Activation) -> None:
    """Given z and a as they stand; that a itself is rounded is followed on its own."""
    for option in options(entry):
        for z in numbers(entry.name):
            a = entry.f(z, *option)
            places = {"in": MP.mpf(z), "out": MP.mpf(a)}
            places["option"] = MP.mpf(*option) if option else MP.mpf(0)
            exact = EXACT.read(entry.slope_expr, places.__getitem__)
            off = abs(exact - entry.slope(z, a, *option))
            # 1 − a² rounds a² before it subtracts: half a unit of a number that is 1 at most
            assert off <= NOISE * abs(exact) + UNIT * min(a * a, 1.0) + SMALLEST, (z, option)


def targets(loss: Loss, rng: Random) -> list[float]:
    low, high = max(loss.targets[0], -2.0), min(loss.targets[1], 2.0)
    return [max(low, 0.0), min(high, 1.0), rng.uniform(low, high)]


def outputs(loss: Loss) -> list[float]:
    if loss.outputs == (-math.inf, math.inf):
        return numbers(loss.name)
    inner = [abs(x) % 1.0 for x in numbers(loss.name)]
    near = [math.nextafter(1.0, 0.0), 1.0 - 1e-12, 5e-324, 2.3e-308, 1e-300]
    return [x for x in [*inner, *near] if 0.0 < x < 1.0]


@pytest.mark.parametrize("loss", WITH_ERROR, ids=lambda loss: loss.name)
def test_losses_are_right_to_8_units(loss: Loss) -> None:
    """Those with logarithms to 8 units of |t| + |1 − t| besides, as 1 − a is rounded first."""
    rng, is_log = Random(1), loss.targets[0] == 0.0
    for a in outputs(loss):
        for t in targets(loss, rng):
            places = {"t": MP.mpf(t), "out": MP.mpf(a), "n": MP.mpf(3)}
            share = loss.f(t, a, 3.0)
            off = abs(EXACT.read(loss.expr, places.__getitem__) - share)
            besides = NOISE * (abs(t) + abs(1.0 - t)) if is_log else 0.0
            assert off <= NOISE * abs(MP.mpf(share)) + besides + TINY, (t, a)


def layers_of_net_inputs(n: int) -> list[list[float]]:
    rng, found = Random(n), []
    for scale in (1e-12, 0.3, 3.0, 40.0, 300.0, 1e5):
        found += [[rng.uniform(-scale, scale) for _ in range(n)] for _ in range(POINTS // 60)]
    return [*found, [0.0] * n, [-745.0, *range(n - 1)], [1e300, *range(n - 1)]]


def read(expr: object, zs: list[float], places: dict[object, object]) -> object:
    known = {**places, **{("z", k): MP.mpf(z) for k, z in enumerate(zs)}}
    each = [{"each": Ref(("z", k))} for k in range(len(zs))]
    return EXACT.read(spread(expr, each), known.__getitem__)


@pytest.mark.ci
def test_softmax_is_right_to_what_is_allowed_for_it() -> None:
    entry = ACTIVATIONS.get("softmax")
    for n in (2, 3, 7):
        for zs in layers_of_net_inputs(n):
            work = [*zs, *[0.0] * n]
            entry.f(work, 0, n, n)
            for z, (a, error) in zip(zs, layer_values(zs, work[n:]), strict=True):
                assert abs(read(entry.expr, zs, {"in": MP.mpf(z)}) - a) <= error, (zs, a)


@pytest.mark.parametrize("loss", [e for e in WITH_ERROR if e.fused], ids=lambda loss: loss.name)
def test_losses_of_net_inputs_are_right_to_what_is_allowed_for_them(loss: Loss) -> None:
    fused, rng = loss.fused, Random(2)
    assert isinstance(fused, Fused)
    for zs in layers_of_net_inputs(3):
        common = fused.common(zs, 0, 3)
        for z in zs:
            for t in targets(loss, rng):
                share = fused.f(t, z, common)
                off = abs(read(fused.expr, zs, {"in": MP.mpf(z), "t": MP.mpf(t)}) - share)
                if ACTIVATIONS.get(fused.partner).is_of_layer:
                    most = max(map(abs, zs)) + 1.0 + abs(common)
                    assert off <= abs(t) * (NOISE * most + UNIT * 3), (zs, t)
                else:
                    assert off <= (abs(t) + 1.0) * NOISE * (abs(z) + 1.0), (z, t)
