"""Printed digits are data: what is read back is what was printed, digit by digit."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
import tomllib
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bptrace.printed import Printed, PrintedFloat, format_number

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "value", "sign", "digits", "exponent", "place"),
    [
        ("0.40", 0.4, 1, "40", 0, -2),
        ("0.4", 0.4, 1, "4", 0, -1),
        ("1", 1.0, 1, "1", 0, 0),
        (".85", 0.85, 1, "85", 0, -2),
        ("1.", 1.0, 1, "1", 0, 0),
        ("-0.", -0.0, -1, "0", 0, 0),
        ("0.00", 0.0, 1, "0", 0, -2),
        ("+3", 3.0, 1, "3", 0, 0),
        ("-2.406e-3", -2.406e-3, -1, "2406", -3, -6),
        ("5e-1", 0.5, 1, "5", -1, -1),
        ("1E5", 1e5, 1, "1", 5, 5),
        ("1.50e+1", 15.0, 1, "150", 1, -1),
        ("6.02×10^-3", 6.02e-3, 1, "602", -3, -5),
        ("6.02·10⁻³", 6.02e-3, 1, "602", -3, -5),
        ("2*10^4", 2e4, 1, "2", 4, 4),
        ("1_000.0", 1000.0, 1, "10000", 0, -1),
        ("0.6592603884", 0.6592603884, 1, "6592603884", 0, -10),
    ],
)
def test_numbers_as_books_print_them(
    text: str, value: float, sign: int, digits: str, exponent: int, place: int
) -> None:
    printed = Printed.parse(text)
    assert printed == Printed(text, value, sign, digits, exponent, place)
    assert math.copysign(1, printed.value) == sign
    assert printed.decimals == max(0, -place)
    assert printed.significant == len(digits)
    assert printed.ulp == float(f"1e{place}")
    assert printed.fraction() == sign * int(digits) * Fraction(10) ** place
    assert printed.decimal().as_tuple() == (int(sign < 0), tuple(map(int, digits)), place)


def test_foreign_characters_are_understood_with_a_note() -> None:
    printed = Printed.parse("−０.5")
    assert (printed.value, printed.text) == (-0.5, "−０.5")
    assert printed.notes == ("− (U+2212) read as -", "０ (U+FF10) read as 0")
    assert Printed.parse("１．５ｅ－３").value == 1.5e-3
    assert Printed.parse("–2").value == -2.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", '"" has no digits; expected digits as a book prints them'),
        ("−", '"−" has no digits'),
        (".", '"." is not a number; expected digits as a book prints them'),
        ("abc", '"abc" is not a number; expected digits as a book prints them'),
        ("1,5", '"1,5" has a comma; write a decimal point (1.5)'),
        ("１，５", '"１，５" has a comma; write a decimal point (1.5)'),
        ("1,234,567.5", '"1,234,567.5" has commas; write 1234567.5'),
        ("0.1.2", '"0.1.2" has 2 decimal points; expected one at most'),
        ("nan", '"nan" is not a finite number'),
        ("-inf", '"-inf" is not a finite number'),
        ("0x1F", '"0x1F" is not decimal'),
        ("1 000", '"1 000" has spaces in it; write the number without them'),
        (" 1", '" 1" has spaces in it'),
        ("1\u00a0", '"1\\u00a0" has spaces in it'),
        ("٣", '"٣" has the digit ٣ (U+0663); write it with the digits 0 to 9'),
        ("1__0", '"1__0" is not a number'),
        ("1_", '"1_" is not a number'),
        ("1e", '"1e" is not a number'),
        ("1e309", '"1e309" is too large for a float64'),
        ("1e-390", '"1e-390" is too small for a float64'),
        ("0e-500", '"0e-500" has a power of ten beyond ±400'),
        ("1e99999999999999", '"1e99999999999999" has a power of ten beyond ±400'),
        ("7" * 401, "a number of 401 characters; expected at most 400"),
        ("\x1b[31m1", '"\\u001b[31m1" is not a number'),
        ("x" * 99, f'"{"x" * 30}…xxxxx" is not a number'),
    ],
)
def test_anything_else_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        Printed.parse(text)
    assert str(caught.value).startswith(why)


@given(st.text(alphabet="0123456789.,-+eE_×·^⁻³−０．１ x\n", max_size=12))
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    try:
        printed = Printed.parse(text)
    except ValueError:
        return
    # float() rounds the exact decimal correctly, so does Fraction's division: they must agree
    assert printed.value == float(printed.fraction())
    assert printed.text == text


def test_the_smallest_unit_is_not_zero() -> None:
    assert Printed.parse("0." + "0" * 330).ulp == 5e-324


def test_a_toml_float_keeps_its_text() -> None:
    data = tomllib.loads("a = [0.50, -0.0, 1_0.5e-1, inf]", parse_float=PrintedFloat)["a"]
    assert [number.text for number in data] == ["0.50", "-0.0", "1_0.5e-1", "inf"]
    assert data[:3] == [0.5, 0.0, 1.05]
    for again in (copy.copy(data[0]), copy.deepcopy(data[0]), pickle.loads(pickle.dumps(data[0]))):
        assert (again, again.text) == (0.5, "0.50")


def test_a_number_of_a_file_is_read_with_its_text() -> None:
    assert Printed.of(PrintedFloat("0.50")).decimals == 2
    assert Printed.of(0.5).decimals == 1
    assert Printed.of(-3).text == "-3"
    assert Printed.of("1.").value == 1.0
    with pytest.raises(ValueError, match="true is not a number"):
        Printed.of(True)
    with pytest.raises(ValueError, match="an integer of more than 400 digits"):
        Printed.of(10**5000)
    with pytest.raises(ValueError, match="is not a finite number"):
        Printed.of(math.inf)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.6, 10, "0.6"),
        (0.1 * 0.1 + 0.2 * 0.2 + 0.55, 10, "0.6"),  # 0.6000000000000001
        (0.6456563062257954, 10, "0.6456563062"),
        (0.08182331501899741, 10, "0.0818233150"),
        (-0.08182331501899741, 4, "-0.0818"),
        (0.1 + 0.2, 17, "0.30000000000000004"),
        (1.0, 10, "1"),
        (784.0, 2, "784"),
        (1e-05, 10, "0.00001"),
        (1e-10, 10, "1e-10"),
        (-5.343814837123e-08, 10, "-5.343814837e-08"),
        (0.0004, 0, "4e-04"),
        (0.9999999, 4, "1.0000"),
        (123456789.123456789, 10, "123456789.12345679"),
        (1e22, 10, "1e+22"),
        (2.0**-1074, 10, "5e-324"),
        (1.7976931348623157e308, 4, "1.7976931348623157e+308"),  # rounded up it would be infinite
        (0.0, 10, "0"),
        (-0.0, 10, "0"),
        (math.nan, 10, "nan"),
        (-math.inf, 10, "-inf"),
    ],
)
def test_numbers_are_written_as_in_a_hand_calculation(value: float, digits: int, text: str) -> None:
    assert format_number(value, digits, unicode=False) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.08182331501899741, 3, "0.0818"),
        (0.5, 3, "0.5"),
        (1234.5678, 3, "1.23e+03"),
        (1234.5678, 6, "1234.57"),
        (0.00001234567, 3, "0.0000123"),
        (0.000001234567, 3, "1.23e-06"),
    ],
)
def test_significant_digits(value: float, digits: int, text: str) -> None:
    assert format_number(value, digits, "significant", unicode=False) == text


def test_unicode_has_a_true_minus_and_raised_powers() -> None:
    assert format_number(-5.343814837123e-08, 10) == "−5.343814837·10⁻⁸"
    assert format_number(-0.5, 10) == "−0.5"
    assert format_number(2.5e20, 10) == "2.5·10²⁰"
    assert format_number(-math.inf, 10) == "−∞"


def test_no_way_to_print() -> None:
    with pytest.raises(ValueError, match="no way to print -1 digits in the style 'decimals'"):
        format_number(0.5, -1)


@given(FINITE, st.integers(0, 17), st.sampled_from(["decimals", "significant"]), st.booleans())
@example(2.0**-44, 16, "significant", False)
@example(1.7976931348623157e308, 2, "significant", True)
@example(5e-324, 0, "decimals", True)
def test_what_is_written_is_read_back(value: float, digits: int, style: str, unicode: bool) -> None:
    text = format_number(value, digits, style, unicode=unicode)  # type: ignore[arg-type]
    printed = Printed.parse(text)
    # Half a unit of the last place is what rounding to nearest may cost. The shortest decimal that
    # reads back as the same float may be farther (2**-44), but then nothing at all is lost.
    off = abs(printed.fraction() - Fraction(value))
    assert printed.value == value or off <= Fraction(10) ** printed.place / 2
    assert (printed.value == 0.0) == (value == 0.0)
    assert text.isascii() or unicode


@given(st.integers(-(10**6), 10**6), st.integers(0, 4))
def test_short_decimals_are_printed_as_they_are(whole: int, places: int) -> None:
    value = whole / 10**places
    text = format_number(value, 10, unicode=False)
    assert "e" not in text
    assert Printed.parse(text).value == value
    assert not ("." in text and text.endswith("0"))


def test_importing_is_cheap() -> None:
    code = (
        "import sys; old = set(sys.modules); import bptrace.printed; "
        "new = set(sys.modules) - old; "
        "assert not new & {'decimal', 'fractions', 'numpy', 'unicodedata'}, new"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
