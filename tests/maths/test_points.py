"""Points: the same bits for a seed, each where its class belongs."""

from __future__ import annotations

import math
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.maths.initial import Numbers
from bptrace.maths.points import GENERATORS, direction, points

# An operation rounds by at most 2**-53 of its result; what is compared here takes fewer than 16.
CLOSE = 2.0**-49

CHECKSUMS = {
    "blobs": "52419deb",
    "circle": "20f461ca",
    "spiral": "5e514d8b",
    "xor": "5b067d5a",
    "moons": "8ae0fc68",
}


@pytest.mark.parametrize("name", GENERATORS.names)
def test_a_seed_gives_the_same_bits_everywhere(name: str) -> None:
    drawn = list(points(GENERATORS.get(name), 50, 0.125, seed=3))
    assert f"{crc32(repr(drawn).encode()):08x}" == CHECKSUMS[name]
    assert drawn != list(points(GENERATORS.get(name), 50, 0.125, seed=4))


@pytest.mark.parametrize("name", GENERATORS.names)
@given(n=st.integers(2, 60), seed=st.integers(0, 2**64 - 1))
def test_classes_take_turns(name: str, n: int, seed: int) -> None:
    drawn = list(points(GENERATORS.get(name), n, 0.0, seed))
    assert [label for _, label in drawn] == [k % 2 for k in range(n)]
    assert all(math.isfinite(x) and math.isfinite(y) for (x, y), _ in drawn)


@pytest.mark.parametrize("name", GENERATORS.names)
def test_more_noise_moves_the_same_points_farther(name: str) -> None:
    still, moved, more = (points(GENERATORS.get(name), 9, noise, 1) for noise in (0.0, 0.25, 0.5))
    for (a, _), (b, _), (c, _) in zip(still, moved, more, strict=True):
        for k in (0, 1):
            # Three sums are rounded, of numbers below 4.
            assert c[k] - a[k] == pytest.approx(2.0 * (b[k] - a[k]), rel=0, abs=3 * 4 * 2.0**-53)


@given(st.integers(0, 2**64 - 1))
def test_directions_have_length_1(seed: int) -> None:
    x, y = direction(Numbers(seed))
    assert abs(x * x + y * y - 1.0) < CLOSE


@given(st.integers(2, 200), st.integers(0, 100))
def test_places(n: int, seed: int) -> None:
    def of(name: str) -> list[tuple[tuple[float, float], int]]:
        return list(points(GENERATORS.get(name), n, 0.0, seed))

    for (x, y), label in of("circle"):
        r = math.sqrt(x * x + y * y)
        assert 0.7 - CLOSE < r < 1.0 + CLOSE if label else 0.0 < r <= 0.5
    for (x, y), label in of("xor"):
        assert x * y <= 0.0 if label else x * y >= 0.0
    for (x, y), label in of("moons"):
        x, y = (1.0 - x, 0.5 - y) if label else (x, y)
        assert abs(x * x + y * y - 1.0) < CLOSE
        assert y >= 0.0
    assert {place for place, label in of("blobs") if label} == {(0.5, 0.5)}


@given(st.integers(1, 100))
def test_the_arms_of_a_spiral_are_opposite_and_grow_evenly(m: int) -> None:
    drawn = list(points(GENERATORS.get("spiral"), 2 * m, 0.0, 0))
    for k, ((x, y), _) in enumerate(drawn[::2]):
        assert drawn[2 * k + 1][0] == (-x, -y)
        # Each turn rounds six times: m ≤ 100 turns stay below 1000 roundings.
        assert abs(math.sqrt(x * x + y * y) - (k + 1) / m) < 1000 * 2.0**-53
