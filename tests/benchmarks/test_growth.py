"""Fitted powers, and what is said of them."""

from math import isnan

import pytest

from benchmarks.growth import AXES, Point, details, power, powers, table


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_fitted_power_is_that_of_the_points(exponent: float) -> None:
    points = [(float(x), 3.0 * x**exponent) for x in (1, 2, 8, 64)]
    # logarithms are off by a few units in the last place of numbers below 10
    assert abs(power(points) - exponent) < 1e-14


def test_a_single_value_has_no_power() -> None:
    assert isnan(power([(4.0, 1.0), (4.0, 2.0)]))
    assert isnan(power([]))


def test_powers() -> None:
    assert powers(2, 8) == (1, 2, 4, 8)
    assert powers(10, 10**7)[-1] == 10**7


def test_what_grows_faster_is_marked() -> None:
    axis = AXES[0]
    for exponent, marked in ((2.0, False), (3.0, True)):
        points = [Point(n, 1e-9 * n**exponent, 9 * n * n, 8 * n * n) for n in (32, 64, 128, 256)]
        (row,) = [line for line in table([axis], {axis.name: points}) if axis.name in line]
        assert (f"**{exponent:.2f}**" in row) is marked
        assert "128 … 256" in row
        assert row.endswith("| below 1 MiB | 2 |")
        assert "| width | 64 |" in "".join(details([axis], {axis.name: points}))


@pytest.mark.parametrize(("most", "marked"), [(5 * 2**20, False), (80 * 2**20, True)])
def test_a_training_keeps_to_its_memory_however_long_it_is(most: int, marked: bool) -> None:
    steps = AXES[-1]
    points = [Point(n, 1e-7 * n, min(most, 80 * n), 0) for n in (100, 10**4, 10**5, 10**7)]
    (row,) = [line for line in table([steps], {"steps": points}) if "steps" in line]
    assert row.endswith(f"at most {most / 2**20:.1f} MiB{'**' * marked} | at most 16 MiB |")
