"""Numbers as books print them: the digits are data, so they are kept beside the value.

`0.40` claims two decimals and `0.4` one; a float would forget the difference. `Printed` reads such
a number, `PrintedFloat` carries the text through a TOML reader, and `format_number` is the way
back: a float as a hand calculation writes it.

Not responsible for judging: whether a printed number agrees with a computed one is a question of
`checks`.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from bptrace.tuples import NamedTuple

if TYPE_CHECKING:  # both cost milliseconds to import, and a plain run asks for neither
    from decimal import Decimal
    from fractions import Fraction

MINUS: Final = "−"

LONGEST_NUMBER: Final = 400
"""Characters of the longest number that is read; a float64 has at most 309 digits before its point
and 324 zeros behind it, and no book prints either."""

LARGEST_EXPONENT: Final = 400
"""Beyond this every value is 0 or infinite as float64, and exact values would fill the memory."""

SMALLEST_FLOAT: Final = 5e-324

_HYPHENS = "\u2010\u2011\u2012\u2013\u2212\ufe63"
LOOKALIKES: Final[dict[str, str]] = {
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full-width ASCII
    **dict.fromkeys(_HYPHENS, "-"),
}
"""Characters that look like an ASCII one in print, and that ASCII character."""

_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
_TO_SUPERSCRIPT = str.maketrans("0123456789-+", _SUPERSCRIPTS)
_FROM_SUPERSCRIPT = str.maketrans(_SUPERSCRIPTS, "0123456789-+")
_READ_AS_ASCII = str.maketrans(LOOKALIKES)

_NUMBER = re.compile(
    r"""(?P<sign>[+-]?)
        (?:(?P<whole>[0-9]+(?:_[0-9]+)*)(?:\.(?P<part>[0-9]+(?:_[0-9]+)*)?)?
          |\.(?P<bare>[0-9]+(?:_[0-9]+)*))
        (?:[eE](?P<power>[+-]?[0-9]+)
          |[×·⋅*]10(?:\^(?P<caret>[+-]?[0-9]+)|(?P<raised>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)))?""",
    re.VERBOSE,
)


class PrintedFloat(float):
    """A float that remembers the text it was read from; made for `tomllib`'s `parse_float`.

    Attributes
    ----------
    text : str
        The number as it stands in the file: "0.50" is not "0.5", though both are equal as floats.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> PrintedFloat:
        """Read a float as `float` does; ValueError for anything else."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # copies keep the text
        return (self.text,)


@cache
def _unit(place: int) -> float:
    return float(f"1e{place}") or SMALLEST_FLOAT


class Printed(NamedTuple):
    """A number exactly as a book prints it.

    The exact value is ``sign * int(digits) * 10**place``.

    Attributes
    ----------
    text : str
        The number as printed, unchanged.
    value : float
        The nearest float64.
    sign : int
        -1 or 1; "-0." has the sign -1.
    digits : str
        All printed digits from the first that is not 0, without point, or "0": "0.040" has "40".
    exponent : int
        The power of ten that is written beside the digits: -3 in "2.4e-3", else 0.
    place : int
        The power of ten of the last printed digit: -2 in "0.40", -4 in "2.4e-3", 0 in "1.".
    notes : tuple of str
        What had to be understood: "− (U+2212) read as -".
    """

    text: str
    value: float
    sign: int
    digits: str
    exponent: int
    place: int
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Printed.parse({self.text!r})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print it so for IPython and Hypothesis, too: all of it follows from the text."""
        printer.text(repr(self))

    @property
    def ulp(self) -> float:
        """The unit of the last printed place, 10**place, at least the smallest positive float."""
        return _unit(self.place)

    @property
    def decimals(self) -> int:
        """Digits behind the point once the power of ten is multiplied out: 6 for "-2.406e-3"."""
        return max(0, -self.place)

    @property
    def significant(self) -> int:
        """Significant digits as printed: 2 for "0.40", 1 for any zero."""
        return len(self.digits)

    def fraction(self) -> Fraction:
        """Return the exact value as a `fractions.Fraction`."""
        from fractions import Fraction

        return self.sign * int(self.digits) * Fraction(10) ** self.place

    def decimal(self) -> Decimal:
        """Return the exact value as a `decimal.Decimal` with the printed places (0.40, not 0.4)."""
        from decimal import Decimal

        return Decimal((int(self.sign < 0), tuple(map(int, self.digits)), self.place))

    @classmethod
    def parse(cls, text: str) -> Printed:
        """Read a number as books print it.

        Accepted are `0.40`, `1`, `.85`, `1.`, `-0.`, `+3`, `-2.406e-3`, `5E-1`, `1_000`,
        `6.02×10^-3`, `6.02·10⁻³`, and all of these with a Unicode minus or full-width digits
        (then `notes` says so).

        Raises
        ------
        ValueError
            If the text is anything else; the message says what was expected. Among them are
            numbers that are no finite float64, and numbers not 0 that are 0 as a float64.
        """
        if len(text) > LONGEST_NUMBER:
            raise ValueError(
                f"a number of {len(text)} characters; expected at most {LONGEST_NUMBER}"
            )
        plain = text if text.isascii() else text.translate(_READ_AS_ASCII)
        found = _NUMBER.fullmatch(plain)
        if found is None:
            raise ValueError(_why_not(text, plain))
        return cls._from_match(text, found, () if plain is text else _notes(text))

    @classmethod
    def _from_match(cls, text: str, found: re.Match[str], notes: tuple[str, ...]) -> Printed:
        minus, whole, part, bare, power, caret, raised = found.groups(default="")
        behind = (part or bare).replace("_", "")
        digits = (whole.replace("_", "") + behind).lstrip("0") or "0"
        exponent = int(power or caret or raised.translate(_FROM_SUPERSCRIPT) or 0)
        if abs(exponent) > LARGEST_EXPONENT:
            raise ValueError(f"{_quoted(text)} has a power of ten beyond ±{LARGEST_EXPONENT}")
        place = exponent - len(behind)
        value = float(f"{minus}{digits}e{place}")
        if math.isinf(value):
            raise ValueError(f"{_quoted(text)} is too large for a float64 (at most 1.8e308)")
        if value == 0.0 and digits != "0":
            raise ValueError(f"{_quoted(text)} is too small for a float64 (at least 5e-324)")
        return cls(text, value, -1 if minus == "-" else 1, digits, exponent, place, notes)

    @classmethod
    def of(cls, value: float | str) -> Printed:
        """Read what a TOML file may hold for a number: an int, a `PrintedFloat` or a string.

        A float without text counts as its shortest decimal form.

        Raises
        ------
        ValueError
            As `parse`; also for True and False, which Python counts among the integers.
        """
        if isinstance(value, bool):
            raise ValueError(f"{str(value).lower()} is not a number; expected digits")
        if isinstance(value, str):
            return cls.parse(value)
        if isinstance(value, PrintedFloat):
            return cls.parse(value.text)
        if isinstance(value, int) and abs(value) >= 10**LONGEST_NUMBER:  # str() may refuse it
            raise ValueError(f"an integer of more than {LONGEST_NUMBER} digits")
        return cls.parse(str(int(value)) if isinstance(value, int) else repr(float(value)))


def named(character: str) -> str:
    """Return a character with its code point: "− (U+2212)"."""
    shown = character if character.isprintable() and not character.isspace() else ""
    return f"{shown} (U+{ord(character):04X})".lstrip()


def _notes(text: str) -> tuple[str, ...]:
    """One note for each foreign character of the text, in order of appearance."""
    foreign = dict.fromkeys(c for c in text if c in LOOKALIKES)
    return tuple(f"{named(c)} read as {LOOKALIKES[c]}" for c in foreign)


def _quoted(text: str) -> str:
    """Quote a text, shortened, with nothing in it that a terminal would act upon."""
    short = text if len(text) <= 40 else f"{text[:30]}…{text[-5:]}"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in short) + '"'


_AS_PRINTED = "expected digits as a book prints them, such as 0.40, .85, 1. or -2.406e-3"


def _why_not(text: str, plain: str) -> str:
    """Say why a text is not a number, and what to write instead."""
    bare = plain.strip().lstrip("+-").casefold()
    if not bare:
        return f"{_quoted(text)} has no digits; {_AS_PRINTED}"
    if any(c.isspace() for c in plain):
        return f"{_quoted(text)} has spaces in it; write the number without them"
    if re.fullmatch(r"[0-9]*,[0-9]*(e[+-]?[0-9]+)?", bare):
        point = plain.replace(",", ".")
        return f"{_quoted(text)} has a comma; write a decimal point ({point})"
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", bare):
        return f"{_quoted(text)} has commas; write {plain.replace(',', '')}"
    if re.fullmatch(r"[0-9.]+", bare) and bare.count(".") > 1:
        return f"{_quoted(text)} has {bare.count('.')} decimal points; expected one at most"
    if bare in {"nan", "inf", "infinity", "∞"}:
        return f"{_quoted(text)} is not a finite number; {_AS_PRINTED}"
    if re.fullmatch(r"0[xob][0-9a-f_]+", bare):
        return f"{_quoted(text)} is not decimal; {_AS_PRINTED}"
    for c in plain:
        if c.isdigit() and not c.isascii() and c not in _SUPERSCRIPTS:
            return f"{_quoted(text)} has the digit {named(c)}; write it with the digits 0 to 9"
    return f"{_quoted(text)} is not a number; {_AS_PRINTED}"


# ----------------------------------------------------------------------------------- the way back

POSITIONAL_DIGITS: Final = 15
"""Decimal digits that every float64 keeps (DBL_DIG). A value that is a short decimal to this many
digits was meant as one: 0.1·0.1 + 0.2·0.2 + 0.55 is 0.6000000000000001 and is printed 0.6. Numbers
with more digits before the point are written with a power of ten."""


def format_number(
    value: float,
    digits: int,
    style: Literal["decimals", "significant"] = "decimals",
    *,
    unicode: bool = True,
) -> str:
    """Write a number as a hand calculation does.

    Parameters
    ----------
    value : float
        The number; nan and infinities are written as such, -0.0 as "0".
    digits : int
        Decimals, or significant digits, that a number with many digits is rounded to.
    style : {"decimals", "significant"}
        What `digits` counts.
    unicode : bool
        True: `−5.343814837·10⁻⁸`; False: `-5.343814837e-08`.

    Returns
    -------
    str
        Short decimals as they are (0.6, not 0.6000000000), others with all `digits`
        (0.0818233150). Numbers that would lose more than half of their digits behind zeros, or
        that have more than 15 digits before the point, with a power of ten and `digits`
        significant digits: no number but zero is ever written as 0. `Printed.parse` reads every
        finite result back to within half a unit of its last place.

    Raises
    ------
    ValueError
        If `digits` is negative or the style is neither of the two.
    """
    if digits < 0 or style not in ("decimals", "significant"):
        raise ValueError(f"no way to print {digits} digits in the style {style!r}")
    value = float(value)  # numpy's scalars have another repr
    text = _finite(value, digits, style) if math.isfinite(value) else str(value)
    return _with_unicode(text) if unicode else text


def _finite(value: float, digits: int, style: str) -> str:
    if value == 0.0:
        return "0"
    exponent = int(f"{value:e}".partition("e")[2])  # of the first digit: 0.05 has -2
    significant = max(1, digits)
    decimals = digits if style == "decimals" else significant - 1 - exponent
    if style == "decimals":
        crowded = digits + exponent + 1 < max(1, (digits + 1) // 2)
    else:
        crowded = exponent < -5 or exponent >= significant
    if crowded and not _is_short(value, exponent, decimals):
        return _scientific(value, significant)
    if exponent >= POSITIONAL_DIGITS:
        return _scientific(value, significant)
    return _positional(value, max(0, decimals))


def _is_short(value: float, exponent: int, decimals: int) -> bool:
    """Whether the value is a decimal as given: 0.00001, or the integer 784 at two digits."""
    if exponent >= 0:
        return value.is_integer() and exponent < 6
    shortest = f"{value:.{POSITIONAL_DIGITS}g}"
    return exponent >= -6 and _places(shortest) <= max(0, decimals) and float(shortest) == value


def _places(text: str) -> int:
    """Decimals of a number printed by Python: 1 of "0.5", 7 of "2.5e-06"."""
    mantissa, _, power = text.partition("e")
    return max(0, len(mantissa.partition(".")[2]) - int(power or 0))


def _positional(value: float, decimals: int) -> str:
    if _places(repr(value)) <= decimals:
        return _trimmed(f"{value:.{decimals}f}" if "e" in repr(value) else repr(value))
    full = f"{value:.{decimals}f}"
    short = _trimmed(full)
    return short if float(short) == float(f"{value:.{POSITIONAL_DIGITS}g}") else full


def _scientific(value: float, significant: int) -> str:
    shortest = len(repr(abs(value)).partition("e")[0].replace(".", "").strip("0"))
    mantissa, _, power = f"{value:.{min(significant, shortest) - 1}e}".partition("e")
    short = f"{_trimmed(mantissa)}e{power}"
    if math.isinf(float(short)):  # 1.7976931348623157e308, rounded up, would be no float64
        return repr(value)
    meant = float(f"{value:.{POSITIONAL_DIGITS}g}")
    return short if float(short) == meant else f"{mantissa}e{power}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_unicode(text: str) -> str:
    mantissa, e, power = text.partition("e")
    if e:
        text = f"{mantissa}·10{str(int(power)).translate(_TO_SUPERSCRIPT)}"
    return text.replace("inf", "∞").replace("-", MINUS)
