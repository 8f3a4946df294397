"""The error over time as a small curve of characters, on a logarithmic scale where it needs one."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.pictures.history import Scale, first_broken, scale
from bptrace.render.raster import Raster, draw
from bptrace.render.words import Words

HEIGHT = 6
NARROWEST = 10
"""Cells of a curve below which nothing can be seen."""


class Curve:
    """A curve with its greatest and least value beside it, and its first and last step below.

    Parameters
    ----------
    values : sequence of float
        E at each of `steps`; nan and infinite values are gaps.
    words : Words
    steps : sequence of int, optional
        Default: from 1 on.
    unit : {"step", "epoch"}
        What `steps` counts.
    height : int
        Lines of the curve itself.
    ascii : bool
        Draw with ASCII only.
    label : str
        What stands above the curve.
    """

    def __init__(
        self,
        values: Sequence[float],
        words: Words,
        steps: Sequence[int] | None = None,
        unit: str = "step",
        height: int = HEIGHT,
        ascii: bool = False,
        label: str = "E",
    ) -> None:
        self.values = values
        self.words = words
        self.steps = range(1, len(values) + 1) if steps is None else steps
        self.unit = unit
        self.height = height
        self.ascii = ascii
        self.label = label

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        found = scale(self.values)
        if not isfinite(found.low):
            yield Text(f"{self.label}: {self.words('nothing to draw')}", "bptrace.remark")
            return
        ends = (_short(found.high), _short(found.low))
        margin = max(map(cell_len, (*ends, self.label))) + 1
        width = max(NARROWEST, options.max_width - margin - 2)
        rows = self._rows(width, found)
        labels = {0: ends[0], len(rows) - 1: ends[1]}
        if found.low == found.high:
            labels = {(len(rows) - 1) // 2: ends[0]}
        side = "|" if self.ascii else "│"
        kind = self.words("logarithmic") if found.is_log else ""
        yield Text(f"{self.label:>{margin - 1}}  {kind}".rstrip(), "bptrace.layer")
        for k, row in enumerate(rows):
            text = labels.get(k, "")
            line = Text(f"{text:>{margin - 1}} {side}", "bptrace.layer")
            yield line.append(row.rstrip(), "bptrace.result")
        yield Text(self._axis(margin, width), "bptrace.layer")
        broken = first_broken(self.values)
        if broken is not None:
            unit = self.words(f"{self.unit} number", n=self.steps[broken])
            yield Text(" " * margin + self.words("not finite", place=unit), "bptrace.wrong")

    def _rows(self, width: int, found: Scale) -> list[str]:
        raster = Raster(width, self.height, self.ascii)
        draw(raster, self.values, found)
        return raster.lines()

    def _axis(self, margin: int, width: int) -> str:
        """First and last step below the ends of the curve, what they count between them."""
        first, last = str(self.steps[0]), str(self.steps[-1])
        if len(self.steps) == 1:
            return " " * (margin + 1) + f"{first} {self.words(self.unit + ' axis')}"
        unit = self.words(f"{self.unit} axis")
        left = (width - cell_len(unit)) // 2 - len(first)
        right = width - len(first) - max(left, 1) - cell_len(unit) - len(last)
        return f"{' ' * (margin + 1)}{first}{' ' * max(left, 1)}{unit}{' ' * max(right, 1)}{last}"


def _short(value: float) -> str:
    return f"{value:.3g}"
