"""Slips of copying: digits interchanged, misread, dropped, doubled; a moved point, a wrong line."""

from __future__ import annotations

from collections.abc import Iterator

from bptrace.checks.interval import Interval
from bptrace.checks.mistakes import MISTAKES, Mistake, Text
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

_HINT = (
    "Compare the digits with those of the line before, one by one.",
    "把每一位数字与前一行对照。",
)


def _entry(name: str, weight: float, title: Text, sentence: Text, hint: Text = _HINT) -> None:
    MISTAKES.add(Mistake(name, weight, title, hint, {"slip": sentence}))


_entry("digit-swap", 3, ("two digits interchanged", "两位数字颠倒"),
       ("two neighbouring digits of {x} are interchanged", "{x} 中相邻两位数字颠倒"))  # fmt: skip
_entry("digit-wrong", 3, ("one digit wrong", "一位数字错误"),
       ("one digit of {x} is wrong", "{x} 中有一位数字错误"))  # fmt: skip
_entry("digit-dropped", 2, ("a digit dropped", "漏了一位数字"),
       ("a digit of {x} is left out", "{x} 漏了一位数字"))  # fmt: skip
_entry("digit-doubled", 1.5, ("a digit doubled", "重复了一位数字"),
       ("a digit of {x} is written twice", "{x} 中有一位数字写了两次"))  # fmt: skip
_entry("digit-inserted", 1, ("a digit too many", "多写了一位数字"),
       ("{x} has a digit too many", "{x} 多写了一位数字"))  # fmt: skip
_entry("decimal-point", 3, ("the decimal point moved", "小数点移位"),
       ("the decimal point of {x} has moved", "{x} 的小数点移位了"))  # fmt: skip
_entry("copied", 3, ("copied from another line", "抄自另一行"),
       ("this is the number of {x}", "这是 {x} 的数值"))  # fmt: skip
_entry("swapped", 4, ("two lines interchanged", "两行互换"),
       ("the numbers of {x} and {y} are interchanged", "{x} 与 {y} 的数值互换了"))  # fmt: skip
_entry("operand-slip", 2.5, ("an operand misread", "代入的数抄错"),
       ("{y} is put in as {x}", "{y} 代入成了 {x}"))  # fmt: skip
_entry("coarse-rounding", 4, ("an operand rounded too early", "过早舍入"),
       ("{y} is rounded to {x} before it is put in", "{y} 代入前被舍入为 {x}"),
       ("Carry a few more digits than you print.", "中间结果多保留几位数字。"))  # fmt: skip


MOST_APART = 40
"""Units in the last place: in a wider range of expected numbers all last digits are found."""


MISREAD = 3
"""An operand is misread in one of three ways: digits interchanged, one wrong, the point moved."""


class Slip(NamedTuple):
    """A number as it would stand after a slip; `ways` is how many such slips there are."""

    mistake: str
    digits: str
    shift: int
    ways: int


def misreadings(printed: Printed) -> Iterator[tuple[str, float, int]]:
    """Yield (kind, value, number of ways) for what a printed number may be misread as."""
    digits = printed.digits
    n = len(digits)
    for slip in _edits(digits):
        yield slip.mistake, printed.sign * int(slip.digits) * 10.0**printed.place, slip.ways
    for shift in (-2, -1, 1, 2):
        yield "decimal-point", printed.value * 10.0**shift, 6
    for k in range(1, n):  # rounded to fewer digits than were printed
        yield "coarse-rounding", round(printed.value, k - n - printed.place), n


def _edits(digits: str) -> Iterator[Slip]:
    n = len(digits)
    for k in range(n - 1):
        if digits[k] != digits[k + 1]:
            turned = digits[:k] + digits[k + 1] + digits[k] + digits[k + 2 :]
            yield Slip("digit-swap", turned, 0, n)
    for k in range(n):
        for d in "0123456789":
            if d != digits[k]:
                yield Slip("digit-wrong", digits[:k] + d + digits[k + 1 :], 0, 9 * n)


def slipped(values: Interval, printed: Printed) -> Iterator[tuple[str, int]]:
    """Yield (kind, number of ways) of the slips that turn an expected number into a printed one.

    Expected is any number of a range: who calculates with rounded or with unrounded numbers has
    other last digits.
    """
    expected = values.middle
    if expected == 0.0 or (expected < 0.0) != (printed.sign < 0) or printed.value == 0.0:
        return
    wanted = int(printed.digits)
    if wanted < 10 and printed.decimals < 2:
        return
    ratio = abs(printed.value / expected)
    for shift in (-3, -2, -1, 1, 2, 3):
        if abs(ratio / 10.0**shift - 1.0) < 1.5 * printed.ulp / abs(printed.value):
            yield "decimal-point", 6
            return
    size = values if expected > 0.0 else -values
    yield from _kinds(size, wanted, printed.place)


def _kinds(size: Interval, wanted: int, place: int) -> Iterator[tuple[str, int]]:
    """Yield each kind of slip once, in the cheapest way."""
    found: dict[str, int] = {}
    for down in (-1, 0, 1):  # digits are dropped, replaced or added: behind the point ...
        for number, ways in _whole(size, place + down):
            for name, digits in _slips(number, wanted, -place, down):
                found[name] = min(ways * digits, found.get(name, ways * digits))
    yield from found.items()


def _slips(number: int, wanted: int, decimals: int, down: int) -> Iterator[tuple[str, int]]:
    """Yield the slips between two whole numbers: how `wanted` comes from `number`.

    `down` is −1 if `number` has a decimal more, 1 if it has one fewer.
    """
    n = max(len(str(number)), len(str(wanted)), decimals + 1)
    here, there = str(number).zfill(n), str(wanted).zfill(n)
    if not down:
        if _transposed(here, there):
            yield "digit-swap", n
        if n > 2 and sum(a != b for a, b in zip(here, there, strict=True)) == 1:
            yield "digit-wrong", 9 * n
    long, short = (number, wanted) if down <= 0 else (wanted, number)
    if _one_out(str(long), short, decimals + (down < 0), down):
        yield ("digit-dropped", n) if down <= 0 else _added(str(long), short, n)
    if not down and _one_out(str(wanted), number, decimals, down):
        yield _added(str(wanted), number, n)


def _one_out(long: str, short: int, decimals: int, down: int) -> bool:
    """Whether a number is another one without one of its digits.

    ... or before the point, where the decimals stay as many as they are.
    """
    point = len(long) - decimals
    where = range(max(point, 0), len(long)) if down else range(max(point, 0))
    return any(int(long[:k] + long[k + 1 :] or "0") == short for k in where)


def _added(long: str, short: int, n: int) -> tuple[str, int]:
    """A digit too many: the same one twice, or any."""
    is_double = any(
        long[k] == long[k - 1] and int(long[:k] + long[k + 1 :]) == short
        for k in range(1, len(long))
    )
    return ("digit-doubled", n) if is_double else ("digit-inserted", 10 * n)


def _whole(size: Interval, place: int) -> Iterator[tuple[int, int]]:
    """Yield the numbers of a range in units of a place, as they may be written, and how many.

    If they differ by more than a few units, the one in the middle.
    """
    unit = 10.0**-place
    lo, hi = size.lo * unit, size.hi * unit
    if not 0.0 <= lo <= hi < 1e18:
        return
    first, last = round(lo), round(hi)
    if last - first > MOST_APART:
        first = last = round(size.middle * unit)
    ways = max(1, round(hi - lo))
    for number in range(first, last + 1):
        yield number, ways
    if int(lo) < first:  # cut off, not rounded: that costs three bits
        yield int(lo), 8 * ways


def _transposed(a: str, b: str) -> bool:
    differ = [k for k in range(len(a)) if a[k] != b[k]]
    if len(differ) != 2 or differ[1] != differ[0] + 1:
        return False
    k = differ[0]
    return a[k] == b[k + 1] and a[k + 1] == b[k]
