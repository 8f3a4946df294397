"""Red and blue points in the plane, to be told apart: one entry each.

Drawn from a seed by the numbers of `initial` and by operations that every machine rounds alike, so
that the same seed gives the same bits everywhere. Directions need no sine: a point of the unit disc
is pushed out to the circle, and a spiral turns by a rational rotation.

Not responsible for what becomes of the classes: 0 and 1 here, and their names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from bptrace.maths.initial import Numbers
from bptrace.registry import Registry
from bptrace.tuples import NamedTuple

CLASSES = ("red", "blue")
"""The names of the classes 0 and 1."""

TURN = 9.0
"""Radians by which an arm of the spiral turns, about: 1.4 times round."""

Point = tuple[float, float]


class Generator(NamedTuple):
    """One kind of points.

    Attributes
    ----------
    places : function
        ``places(numbers, n)`` yields n points; their classes are 0, 1, 0, 1, …
    noise : float
        Default standard deviation of what is added to each coordinate.
    about : (str, str)
        What it looks like, in English and in Chinese.
    source : str
        Where it is from.
    """

    name: str
    places: Callable[[Numbers, int], Iterator[Point]]
    noise: float
    about: tuple[str, str]
    source: str


GENERATORS: Registry[Generator] = Registry("generator")


def points(generator: Generator, n: int, noise: float, seed: int) -> Iterator[tuple[Point, int]]:
    """Yield `n` points with their classes.

    The place of a point is drawn first, then the two numbers that move it; they are drawn even
    where `noise` is 0, so that with more noise the same points lie farther off.
    """
    numbers = Numbers(seed)
    for k, (x, y) in enumerate(generator.places(numbers, n)):
        dx, dy = numbers.normal(), numbers.normal()
        yield (x + noise * dx, y + noise * dy), k % 2


def direction(numbers: Numbers) -> Point:
    """A point of the unit circle, every one as likely: (u, v)/√(u² + v²) of one inside it."""
    x, y, square = _inside(numbers)
    length = math.sqrt(square)
    return x / length, y / length


def _inside(numbers: Numbers) -> tuple[float, float, float]:
    """A point of the unit disc but for its centre, and the square of its distance from there."""
    while True:
        x, y = numbers.uniform(), numbers.uniform()
        square = x * x + y * y
        if 0.0 < square <= 1.0:
            return x, y, square


def blobs(numbers: Numbers, n: int) -> Iterator[Point]:
    """(−½, −½) and (½, ½): the noise makes blobs of them."""
    for k in range(n):
        centre = 0.5 if k % 2 else -0.5
        yield centre, centre


def circle(numbers: Numbers, n: int) -> Iterator[Point]:
    """A disc of radius ½, and the ring from 0.7 to 1 around it; evenly by area."""
    for k in range(n):
        if k % 2:
            x, y = direction(numbers)
            part = 0.5 * (numbers.uniform() + 1.0)
            r = math.sqrt(0.49 + 0.51 * part)  # r² evenly from 0.7² to 1
            yield r * x, r * y
        else:
            x, y, _ = _inside(numbers)
            yield 0.5 * x, 0.5 * y


def spiral(numbers: Numbers, n: int) -> Iterator[Point]:
    """Two arms, opposite each other; the i-th of m points of an arm has the radius (i + 1)/m.

    From one to the next the arm turns by the angle 2·arctan(h) with h = TURN/(2m), which is
    TURN/m but for a part of h²/3: its cosine is (1 − h²)/(1 + h²), its sine 2h/(1 + h²).
    """
    m = (n + 1) // 2
    h = TURN / (2.0 * m)
    c, s = (1.0 - h * h) / (1.0 + h * h), 2.0 * h / (1.0 + h * h)
    x, y = 1.0, 0.0
    for k in range(n):
        r = (k // 2 + 1) / m
        if k % 2:
            yield -r * x, -r * y
            x, y = c * x - s * y, s * x + c * y
        else:
            yield r * x, r * y


def xor(numbers: Numbers, n: int) -> Iterator[Point]:
    """The square [−1, 1)²: red where x and y have the same sign, blue where they do not."""
    for k in range(n):
        x, y = numbers.uniform(), numbers.uniform()
        differ = (x < 0.0) != (y < 0.0)
        yield x, (y if differ == bool(k % 2) else -y)


def moons(numbers: Numbers, n: int) -> Iterator[Point]:
    """The upper half of the unit circle, and the lower half of one around (1, ½)."""
    for k in range(n):
        x, y = direction(numbers)
        yield (1.0 - x, 0.5 - abs(y)) if k % 2 else (x, abs(y))


GENERATORS.add(
    Generator(
        "blobs",
        blobs,
        noise=0.2,
        about=("two clouds; a straight line parts them", "两团点，一条直线即可分开"),
        source="Rosenblatt, The Perceptron (1958): classes that a plane can separate",
    )
)
GENERATORS.add(
    Generator(
        "circle",
        circle,
        noise=0.0,
        about=("a disc in a ring", "圆环中的圆盘"),
        source="a boundary that is closed: three hidden neurons draw a triangle around it",
    )
)
GENERATORS.add(
    Generator(
        "spiral",
        spiral,
        noise=0.0,
        about=("two arms around each other", "互相缠绕的两条螺旋臂"),
        source="Lang & Witbrock, Learning to Tell Two Spirals Apart (1988); theirs turn 3 times",
    )
)
GENERATORS.add(
    Generator(
        "xor",
        xor,
        noise=0.0,
        about=("two quadrants against the other two", "对角两象限与另外两象限"),
        source="Minsky & Papert, Perceptrons (1969): exclusive or; here with points all over",
    )
)
GENERATORS.add(
    Generator(
        "moons",
        moons,
        noise=0.1,
        about=("two half circles, one in the other", "互相嵌入的两个半圆"),
        source="Pedregosa et al., Scikit-learn (2011): make_moons, with drawn angles",
    )
)
