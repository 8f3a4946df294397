"""How digits fit a value, and the style in which a page rounds."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.checks.fit import House, house
from bptrace.checks.interval import point
from bptrace.printed import Printed


@pytest.mark.parametrize(
    ("numbers", "style"),
    [
        ([], House(None, None)),
        (["0.1234", "12.3400", "-1.0000"], House(4, None)),
        (["0.123", "12.3", "-1.00"], House(None, 3)),
        (["0.123", "0.456"], House(3, 3)),
        (["0.1234"] * 8 + ["-315000"] * 2, House(0, None, 4)),
    ],
)
def test_the_style_of_a_page(numbers: list[str], style: House) -> None:
    assert house([Printed.parse(text) for text in numbers]) == style


@given(st.floats(-1e4, 1e4), st.sampled_from([(0, None), (4, None), (2, 5), (0, 4)]))
def test_what_rounding_makes_of_a_number(value: float, decimals: tuple[int, int | None]) -> None:
    fewest, usual = decimals
    wide = House(fewest, None, usual).rounded(point(value))
    for places in (fewest, fewest if usual is None else usual):
        for way in (ROUND_HALF_UP, ROUND_DOWN):
            written = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=way)
            # 10^-4 has no exact float64: a multiple of it is off by half an ulp, and one of `value`
            slack = 2.0**-52 * abs(float(written))
            assert wide.lo - slack <= float(written) <= wide.hi + slack
