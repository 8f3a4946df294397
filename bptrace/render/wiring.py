"""The lines of a drawing: which character shows what passes a cell, and how wires find their way.

Two ways of wiring are tried for the space between two columns. Slanted lines look most like the
drawings in textbooks, but in a narrow space some would lie on one another; then every source gets
a vertical line of its own, from which its connections branch off as in a circuit diagram. Where
lines merely cross, one is interrupted; a corner, a tee or an unbroken cross is a junction. (Braille
dots were tried too: they draw smooth lines, but many monospaced fonts lack them and take them from
another font, so that the columns fall apart.)

What stands in the boxes, and where these are, is the business of `drawing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from unicodedata import name

from bptrace.tuples import NamedTuple

MANY = 12  # wires in one gap; with more of them slanted lines are a thicket, if they fit at all
SEARCH = 500  # tries at slanted wiring before giving up (drawings that succeed need fewer than 100)

# --- lines: what passes through one character cell ---------------------------------------------

UP, DOWN, LEFT, RIGHT, RISING, FALLING = 1, 2, 4, 8, 16, 32
ACROSS, ALONG = LEFT | RIGHT, UP | DOWN
SLANT = RISING | FALLING

ROUND = {DOWN | RIGHT: "╭", DOWN | LEFT: "╮", UP | RIGHT: "╰", UP | LEFT: "╯"}
SLANTED = {RISING: "╱", FALLING: "╲", SLANT: "╳"}
ASCII_SLANTED = {RISING: "/", FALLING: "\\", SLANT: "X"}


@cache  # 8 ms, and many programs draw nothing
def box_pieces() -> dict[tuple[int, int], str]:
    """Collect the box-drawing characters by (all arms, heavy arms), as their names describe them.

    Each group of directions has its weight in front or behind (UP HEAVY AND LEFT LIGHT), or there
    is one weight for all (LIGHT UP AND LEFT).
    """
    arms = {"UP": UP, "DOWN": DOWN, "LEFT": LEFT, "RIGHT": RIGHT}
    arms |= {"VERTICAL": ALONG, "HORIZONTAL": ACROSS, "LIGHT": 0, "HEAVY": 0}
    pieces = {}
    for character in map(chr, range(0x2500, 0x2580)):
        words = name(character).removeprefix("BOX DRAWINGS ")
        groups = [group.split(" ") for group in words.split(" AND ")]
        if not all(word in arms for group in groups for word in group):
            continue  # dashed, double, arcs, diagonals
        alike = not ("LIGHT" in words and "HEAVY" in words)
        sums = [
            (sum(arms[word] for word in group), "HEAVY" in (words if alike else group))
            for group in groups
        ]
        heavy_arms = sum(each for each, heavy in sums if heavy)
        pieces[sum(each for each, _ in sums), heavy_arms] = character
    return pieces | {(corner, 0): character for corner, character in ROUND.items()}


def piece(arms: int, heavy: int, *, ascii_only: bool) -> str:
    """Give the character that shows the lines in a cell, those in `heavy` emphasised."""
    if arms & SLANT:
        return (ASCII_SLANTED if ascii_only else SLANTED)[arms & SLANT]
    if not ascii_only:
        return box_pieces()[arms, heavy & arms]
    if arms in (UP, DOWN, ALONG):
        return "|"
    return "+" if arms & ALONG else "=" if heavy & arms == arms else "-"


class Point(NamedTuple):
    """A character cell."""

    row: int
    column: int


Path = list[Point]


class Wire(NamedTuple):
    """One connection between two columns, from row `start` to row `end`."""

    source: int
    start: int
    end: int
    lit: bool = False


def passages(path: Path) -> Iterator[tuple[Point, int]]:
    """Give what each cell of a path (from left to right) shows of it, as a sum of sides."""
    before = [None, *(Point(b.row - a.row, b.column - a.column) for a, b in pairwise(path))]
    for cell, came, goes in zip(path, before, [*before[1:], None], strict=True):
        slanted = all(step is not None and step.row and step.column for step in (came, goes))
        if slanted and goes is not None:
            yield cell, FALLING if goes.row > 0 else RISING
            continue
        yield cell, entry(came) | exit_(goes)


def entry(step: Point | None) -> int:
    """Give the side of a cell by which a step has come into it."""
    if step is None or not step.row:
        return LEFT
    return UP if step.row > 0 else DOWN


def exit_(step: Point | None) -> int:
    """Give the side of a cell by which a step leaves it."""
    if step is None or not step.row:
        return RIGHT
    return DOWN if step.row > 0 else UP


def span(start: int, end: int) -> range:
    """Count from `start` to `end`, both included, in either direction."""
    return range(start, end + 1) if end >= start else range(start, end - 1, -1)


# --- wiring with slanted lines -----------------------------------------------------------------


def slanted_path(wire: Wire, left: int, right: int, bend: int) -> Path:
    """Give the cells of a wire that runs level, slants from column `bend` on, and runs level."""
    rows = list(span(wire.start, wire.end))
    slope = [bend] * len(rows) if len(rows) <= 2 else [bend + k for k in range(len(rows))]
    middle = [Point(row, column) for row, column in zip(rows, slope, strict=True)]
    head = [Point(wire.start, column) for column in range(left, bend)]
    return [*head, *middle, *(Point(wire.end, c) for c in range(slope[-1] + 1, right + 1))]


class Taken:
    """The cells taken by slanted wires so far, each with (source, passage) of those in it."""

    def __init__(self) -> None:
        self.cells: dict[Point, list[tuple[int, int]]] = {}

    def free(self, source: int, path: Path) -> bool:
        """Tell whether a path can be added so that every line can still be told from the others."""
        return all(self._free(source, cell, passage) for cell, passage in passages(path))

    def _free(self, source: int, cell: Point, passage: int) -> bool:
        for other, there in self.cells.get(cell, ()):
            if not may_share(passage, there, same=source == other):
                return False
        beside = (Point(cell.row, cell.column + step) for step in (-1, 1))
        return all(
            may_touch(passage, there, same=source == other)
            for place in beside
            for other, there in self.cells.get(place, ())
        )

    def add(self, source: int, path: Path) -> None:
        """Take the cells of a path."""
        for cell, passage in passages(path):
            self.cells.setdefault(cell, []).append((source, passage))

    def remove(self, path: Path) -> None:
        """Give back the cells of the path added last."""
        for cell in path:
            self.cells[cell].pop()


def may_share(one: int, two: int, *, same: bool) -> bool:
    """Tell whether two passages in one cell are told apart (or belong to one source)."""
    if one & SLANT and two & SLANT:
        return one != two
    if one & SLANT or two & SLANT:
        return not same and ACROSS in (one, two)
    return same


def may_touch(one: int, two: int, *, same: bool) -> bool:
    """Tell whether two passages side by side look like two lines (or like one, if they are)."""
    if one & SLANT and two & SLANT:
        return one != two
    if one & SLANT or two & SLANT:
        return ACROSS in (one, two)
    return same and ACROSS in (one, two)


def slanted(wires: Sequence[Wire], left: int, right: int) -> list[tuple[Wire, Path]] | None:
    """Route all wires between two columns as slanted lines; None if that would be ambiguous."""
    if len(wires) > MANY:
        return None
    order = sorted(wires, key=lambda wire: -abs(wire.end - wire.start))
    taken, tries = Taken(), 0

    def place(rest: Sequence[Wire]) -> list[tuple[Wire, Path]] | None:
        nonlocal tries
        if not rest:
            return []
        wire = rest[0]
        for bend in bends(wire, left, right):
            tries += 1
            path = slanted_path(wire, left, right, bend)
            if tries > SEARCH or not taken.free(wire.source, path):
                continue
            taken.add(wire.source, path)
            others = place(rest[1:])
            if others is not None:
                return [(wire, path), *others]
            taken.remove(path)
        return None

    return place(order)


def bends(wire: Wire, left: int, right: int) -> list[int]:
    """Give the columns where a wire may start to slant, the best ones (near its source) first."""
    height = abs(wire.end - wire.start)
    if height == 0:
        return [left]
    last = right - (height if height > 1 else 0) - 1
    return sorted(range(left + 1, last + 1), key=lambda column: abs(column - left - 2))


# --- wiring with one vertical line per source --------------------------------------------------


class Trunk(NamedTuple):
    """The wires of one source."""

    start: int
    wires: tuple[Wire, ...]

    @property
    def ends(self) -> set[int]:
        """The rows where the wires arrive."""
        return {wire.end for wire in self.wires}

    def spans(self, row: int) -> bool:
        """Tell whether the vertical line passes a row."""
        return min(self.start, *self.ends) <= row <= max(self.start, *self.ends)


def crossings(one: Trunk, two: Trunk) -> int:
    """Count the crossings when `one` stands left of `two`."""
    return one.spans(two.start) + sum(two.spans(row) for row in one.ends)


def trunks(wires: Iterable[Wire]) -> list[Trunk]:
    """Group wires by source, and order the sources from left to right with few crossings."""
    groups: dict[int, list[Wire]] = {}
    for wire in wires:
        groups.setdefault(wire.source, []).append(wire)
    order = [Trunk(group[0].start, tuple(group)) for _, group in sorted(groups.items())]
    for _ in order:  # bubble sort; the relation is not transitive, so the passes are limited
        for k in range(len(order) - 1):
            if crossings(order[k + 1], order[k]) < crossings(order[k], order[k + 1]):
                order[k], order[k + 1] = order[k + 1], order[k]
    return order


def branched(wires: Sequence[Wire], left: int, right: int) -> list[tuple[Wire, Path]]:
    """Route all wires between two columns, branching off one vertical line per source.

    No line runs along another: each arrives in a row of its own (`Column.port_row`), and none
    leaves in a row where another arrives (`exit_rows`). There must be 2 n + 1 cells for n sources.
    """
    order = trunks(wires)
    bent = [trunk for trunk in order if trunk.ends != {trunk.start}]
    first = left + 1 + (right - left - 2 * len(bent)) // 2
    columns = {id(trunk): first + 2 * k for k, trunk in enumerate(bent)}
    return [
        (wire, branched_path(wire, left, right, columns.get(id(trunk), left)))
        for trunk in order
        for wire in trunk.wires
    ]


def branched_path(wire: Wire, left: int, right: int, column: int) -> Path:
    """Give the cells of a wire that changes its row in one column."""
    head = [Point(wire.start, c) for c in range(left, column)]
    tail = [Point(wire.end, c) for c in range(column + 1, right + 1)]
    return [*head, *(Point(row, column) for row in span(wire.start, wire.end)), *tail]
