"""The table of finding power: what is planted, how it is printed, and the rates to be reached.

The rates are those of a prototype that was measured before anything was built, or better; `python
-m benchmarks.quality` measures all of them on many pages, the fast tests on a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from tests.quality import plant
from tests.quality.measure import (
    Count,
    Draw,
    Rates,
    copying_slip,
    foreign_number,
    held_out,
    made_everywhere,
    one_mistake,
    other_convention,
    pair_in_one,
    rates,
    two_mistakes,
)
from tests.quality.pages import Style
from tests.quality.plant import NAMES, SLIPS, Planted


@dataclass(frozen=True)
class Row:
    """One measurement: `least` and `most` are the rates that must, or must not, be passed."""

    title: str
    printed: str
    digits: int
    draw: Draw
    count: Count
    least: Mapping[str, float]
    most: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What tells it apart in a list of tests."""
        return f"{self.title}, {self.printed}, {self.digits} digits"

    def measure(self, cases: int) -> Rates:
        """Measure on so many pages; the same ones every time."""
        return rates(cases, self.digits * 1000 + len(self.name), self.draw, self.count)


def _in(style: Style, how: plant.Drawing) -> Draw:
    """Draw pages of one style, carried on in any of three ways."""

    def draw(rng: Random) -> Planted | None:
        carried = rng.choice(("printed", "unrounded", "mixed"))
        return how(rng, plant.carrying(style, carried))

    return draw


SINGLE: Mapping[tuple[str, int], tuple[float, float, float, float]] = {
    ("all steps", 3): (0.998, 0.998, 0.960, 0.990),
    ("all steps", 4): (1.000, 1.000, 0.985, 0.998),
    ("all steps", 6): (1.000, 1.000, 0.995, 0.998),
    ("all steps", 10): (1.000, 1.000, 0.995, 0.998),
    ("textbook", 3): (0.990, 0.990, 0.950, 0.990),
    ("textbook", 4): (0.995, 0.995, 0.980, 0.990),
    ("textbook", 6): (0.998, 0.998, 0.990, 0.995),
    ("textbook", 10): (0.998, 0.998, 0.990, 0.995),
    ("sparse", 3): (0.978, 0.976, 0.950, 0.990),
    ("sparse", 4): (0.995, 0.990, 0.975, 0.990),
    ("sparse", 6): (0.995, 0.990, 0.985, 0.995),
    ("sparse", 10): (0.995, 0.990, 0.985, 0.995),
    ("final", 3): (0.980, 0.975, 0.850, 0.960),
    ("final", 4): (0.990, 0.985, 0.930, 0.985),
    ("final", 6): (0.990, 0.985, 0.980, 0.990),
    ("final", 10): (0.990, 0.985, 0.980, 0.990),
}
"""(style, digits) → located, exactly one root, explanation first, among the first three."""

FOREIGN: Mapping[tuple[str, int], tuple[float, float]] = {
    ("all steps", 3): (0.05, 0.10),
    ("all steps", 4): (0.015, 0.05),
    ("all steps", 6): (0.0, 0.0),
    ("textbook", 3): (0.06, 0.10),
    ("textbook", 4): (0.015, 0.06),
    ("textbook", 6): (0.0, 0.0),
}
"""(style, digits) → false explanations accepted far from the right number, and near it."""

DIGITS = (3, 4, 6, 10)


def table() -> Iterator[Row]:
    """Yield all rows."""
    yield from _singles()
    yield from _foreign()
    yield from _slips()
    yield from _several()


def _singles() -> Iterator[Row]:
    for (printed, digits), least in SINGLE.items():
        keys = ("located", "one_root", "top1", "top3")
        draw = _in(Style(printed, digits), plant.single)
        wanted = dict(zip(keys, least, strict=True))
        yield Row("one mistake", printed, digits, draw, one_mistake, wanted,
                  {"spurious": 0.005, "everywhere": 0.04})  # fmt: skip
    for digits in DIGITS:
        draw = _in(Style("all steps", digits), _held_out)
        yield Row("a kind not in the table", "all steps", digits, draw, held_out,
                  {"located": 0.99}, {"other": 0.15})  # fmt: skip


def _held_out(rng: Random, style: Style) -> Planted | None:
    return plant.single(rng, style, only=rng.choice(NAMES))


def _foreign() -> Iterator[Row]:
    for (printed, digits), most in FOREIGN.items():
        for where, rate in zip(("far", "near"), most, strict=True):
            draw = _in(Style(printed, digits), _foreign_number(where == "near"))
            yield Row(f"a number from nowhere, {where}", printed, digits, draw, foreign_number,
                      {"located": 0.97}, {"accepted": rate})  # fmt: skip


def _foreign_number(near: bool) -> plant.Drawing:
    return lambda rng, style: plant.foreign(rng, style, near)


def _slips() -> Iterator[Row]:
    for kind in SLIPS:
        for digits in DIGITS:
            least = {"located": 0.97, **SLIP_RATES[kind]}
            draw = _in(Style("all steps", digits), _slip(kind))
            yield Row(kind, "all steps", digits, draw, copying_slip, least)


SLIP_RATES: Mapping[str, Mapping[str, float]] = {
    "digit-swap": {"top1": 0.95, "top3": 0.97},
    "digit-wrong": {"top1": 0.90, "top3": 0.96},
    "digit-dropped": {"top1": 0.80, "top3": 0.95},
    "digit-doubled": {"top1": 0.50, "top3": 0.95},
    "decimal-point": {"top1": 0.95, "top3": 0.97},
    "swapped": {"top1": 0.95, "top3": 0.97},
    "copied": {"top1": 0.88, "top3": 0.95},
}


def _slip(kind: str) -> plant.Drawing:
    return lambda rng, style: plant.slip(rng, style, kind)


def _several() -> Iterator[Row]:
    for printed in ("all steps", "textbook"):
        for digits in DIGITS:
            style = Style(printed, digits)
            yield Row("two mistakes", printed, digits, _in(style, plant.two), two_mistakes,
                      {"both": 0.97, "first": 0.99, "named": 0.92}, {"spurious": 0.02})  # fmt: skip
            yield Row("everywhere", printed, digits, _in(style, plant.everywhere),
                      made_everywhere, {"one": 0.90})  # fmt: skip
            yield Row("another convention", printed, digits, _in(style, plant.convention),
                      other_convention, {"recognised": 1.0, "clean": 1.0})  # fmt: skip
    for digits in DIGITS:
        draw = _in(Style("all steps", digits), plant.pair)
        yield Row("two mistakes in one formula", "all steps", digits, draw, pair_in_one,
                  {"located": 0.98})  # fmt: skip
