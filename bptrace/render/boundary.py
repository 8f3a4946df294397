"""A decision boundary made of characters: areas by shade, or by letter, and samples as o and x."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import isfinite

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.model import Problem, Sample
from bptrace.pictures.history import Scale
from bptrace.pictures.plane import Dot, Line, Plane, look_at
from bptrace.render.raster import Raster, draw, row_of
from bptrace.render.words import Words

WIDTH, HEIGHT = 48, 16
"""Cells of a terminal are about twice as high as wide, so this is not far from 3 : 2."""

SIGNS = "ox+*#@%&"
"""Samples of each class; further classes begin again."""

SHADES = (" ", "░", "▒", "▓")
ASCII_SHADES = (" ", ".", ":", "%")
STYLES = ("bptrace.wrong", "bptrace.neuron", "bptrace.right", "bptrace.claim")
NO_ANSWER = "?"


class Boundary:
    """What a network answers over its inputs, `width` × `height` cells, with its samples.

    Parameters
    ----------
    problem : Problem
        With the parameters to look at, one or two inputs (`BptraceError` otherwise, when drawn).
    words : Words
    test : sequence of Sample
        Samples that are kept for the test; drawn like the others.
    width, height : int
        Cells of the picture; it shrinks where the console is narrower.
    ascii : bool
        Draw with ASCII only.
    """

    def __init__(
        self,
        problem: Problem,
        words: Words,
        test: Sequence[Sample] = (),
        width: int = WIDTH,
        height: int = HEIGHT,
        ascii: bool = False,
    ) -> None:
        self.problem = problem
        self.words = words
        self.test = test
        self.width, self.height = width, height
        self.ascii = ascii

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(8, min(self.width, options.max_width - 12))
        found = look_at(self.problem, (width, self.height), self.test)
        rows = self._plane(found) if isinstance(found, Plane) else self._line(found, width)
        side = "|" if self.ascii else "│"
        ends = _ends(found)
        margin = max(map(cell_len, ends)) + 1
        last = self.height - 1
        for k, row in enumerate(rows):
            label = {0: ends[1], last: ends[0]}.get(k, "")
            line = Text(f"{label:>{margin - 1}} {side}", "bptrace.layer")
            yield line.append_text(row).append(side, "bptrace.layer")
        yield Text(_below(found, margin + 1, width), "bptrace.layer")
        for row in _filled(self._legend(found), options.max_width - margin - 1):
            yield Text(" " * (margin + 1)).append_text(row)

    # Two inputs

    def _plane(self, plane: Plane) -> Iterator[Text]:
        dots = _cells(plane)
        for row in range(self.height - 1, -1, -1):
            yield self._row(plane, row, dots)

    def _row(self, plane: Plane, row: int, dots: dict[tuple[int, int], int]) -> Text:
        pieces = [
            (self._sign(dots[column, row]), _style(dots[column, row]))
            if (column, row) in dots
            else (self._shade(plane.kind_at(row, column)), "bptrace.edge")
            for column in range(len(plane.xs))
        ]
        text = Text()
        for style, run in groupby(pieces, key=lambda piece: piece[1]):
            text.append("".join(sign for sign, _ in run), style)
        return text

    def _shade(self, kind: int | None) -> str:
        if kind is None:
            return NO_ANSWER
        shades = ASCII_SHADES if self.ascii else SHADES
        return shades[kind] if kind < len(shades) else _letter(kind)

    def _sign(self, kind: int) -> str:
        if kind >= 0:
            return SIGNS[kind % len(SIGNS)]
        return "." if self.ascii else "·"

    # One input

    def _line(self, line: Line, width: int) -> Iterator[Text]:
        raster = Raster(width, self.height, self.ascii)
        span = _span(line)
        for values in line.outputs:
            draw(raster, values, span)
        rows = [list(text) for text in raster.lines()]
        for dot in line.dots:
            column = _nearest(line.xs, dot.x)
            row = row_of(dot.y, span, self.height)
            rows[self.height - 1 - row][column] = self._sign(dot.kind)
        yield from (Text("".join(row)) for row in rows)

    # Legend

    def _legend(self, found: Plane | Line) -> Iterator[Text]:
        if isinstance(found, Line):
            return
        for kind in sorted({dot.kind for dot in found.dots if dot.kind >= 0}):
            piece = Text().append(self._sign(kind), _style(kind))
            yield piece.append(f" {found.kinds[kind]}", "bptrace.layer")
        columns = range(len(found.xs))
        areas = {found.kind_at(row, column) for row in range(self.height) for column in columns}
        for kind in sorted(area for area in areas if area is not None):
            answer = self.words("answers", kind=found.kinds[kind])
            yield Text(f"[{self._shade(kind)}] {answer}", "bptrace.layer")
        if found.accuracy == found.accuracy:
            percent = f"{100 * found.accuracy:.3g} %"
            yield Text(self.words("right answers", percent=percent), "bptrace.result")


def _filled(pieces: Iterable[Text], width: int) -> Iterator[Text]:
    """Set pieces side by side, as many as fit a row of `width` cells."""
    row = Text()
    for piece in pieces:
        if row.cell_len and row.cell_len + 3 + piece.cell_len > width:
            yield row
            row = Text()
        row = row.append("   " if row.cell_len else "").append_text(piece)
    if row.cell_len:
        yield row


def _cells(plane: Plane) -> dict[tuple[int, int], int]:
    """Return the class of the samples in each cell: that of most of them, of the first if equal."""
    groups: dict[tuple[int, int], list[Dot]] = {}
    for dot in plane.dots:
        cell = (_nearest(plane.xs, dot.x), _nearest(plane.ys, dot.y))
        groups.setdefault(cell, []).append(dot)
    return {
        cell: Counter(dot.kind for dot in dots).most_common(1)[0][0]
        for cell, dots in groups.items()
    }


def _nearest(places: Sequence[float], value: float) -> int:
    """Return the place of an even grid that is nearest to a value."""
    low, high = places[0], places[-1]
    if high <= low:
        return 0
    part = (0.5 * value - 0.5 * low) / (0.5 * high - 0.5 * low)
    return min(len(places) - 1, max(0, round(part * (len(places) - 1))))


def _style(kind: int) -> str:
    return STYLES[kind % len(STYLES)] if kind >= 0 else "bptrace.layer"


def _letter(kind: int) -> str:
    return chr(ord("a") + kind % 26)


def _span(line: Line) -> Scale:
    values = [v for values in line.outputs for v in values if isfinite(v)]
    values += [dot.y for dot in line.dots]
    return Scale(min(values, default=0.0), max(values, default=1.0), False)


def _ends(found: Plane | Line) -> tuple[str, str]:
    """Return what stands beside the lowest and the highest row."""
    if isinstance(found, Plane):
        return f"{found.ys[0]:.3g}", f"{found.ys[-1]:.3g}"
    span = _span(found)
    return f"{span.low:.3g}", f"{span.high:.3g}"


def _below(found: Plane | Line, margin: int, width: int) -> str:
    first, last = f"{found.xs[0]:.3g}", f"{found.xs[-1]:.3g}"
    return " " * margin + first + " " * max(1, width - len(first) - len(last)) + last
