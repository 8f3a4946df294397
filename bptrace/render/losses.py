"""Two losses side by side (`bptrace compare-losses`): one row per quantity."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.address import Quantity
from bptrace.checks.losses import Comparison, Row
from bptrace.notation import Notation
from bptrace.render.table import wrapped
from bptrace.render.words import Words

Q = Quantity


class SideBySide:
    """A Rich renderable: a comparison as a table, and what it shows.

    Parameters
    ----------
    comparison : Comparison
    notation : Notation
    words : Words
    digits : int
        Decimals of long numbers.
    """

    def __init__(
        self, comparison: Comparison, notation: Notation, words: Words, digits: int
    ) -> None:
        self.comparison = comparison
        self.notation = notation
        self.words = words
        self.digits = digits

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title = self.comparison.problem.title
        if title:
            for row in wrapped(Text(self.notation.plain(title), "bptrace.title"),
                               options.max_width):  # fmt: skip
                yield row
            yield Text()
        rows = [("", *self.comparison.losses), *map(self._cells, self.comparison.rows)]
        widths = [max(cell_len(row[k]) for row in rows) for k in range(len(rows[0]))]
        for n, cells in enumerate(rows):
            if n and self.comparison.rows[n - 1].address.quantity is Q.OUT:
                yield from [] if self.comparison.rows[n - 1].after else [Text()]
            line = Text("  ")
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True)):
                style = "bptrace.layer" if not n else "bptrace.result" if k else "bptrace.quantity"
                padding = " " * (width - cell_len(cell))
                last = k == len(cells) - 1
                line.append(cell, style).append("" if last else padding + "   ")
            yield line
        yield Text()
        for sentence in self._sentences():
            for row in wrapped(Text(self.notation.plain(sentence), "bptrace.remark"),
                               options.max_width - 2):  # fmt: skip
                yield Text("  ").append_text(row)

    def _cells(self, row: Row) -> tuple[str, ...]:
        name = self.notation.name(row.address)
        if row.after:
            name = self.words("after updates", name=name, n=row.after)
        numbers = (self.notation.number(value, self.digits) for value in row.values)
        return (self.notation.plain(name), *numbers)

    def _sentences(self) -> list[str]:
        """Say of the output with the smallest slope what the slope does to δ."""
        slopes = [r for r in self.comparison.rows if r.address.of is not None]
        slope = min(slopes, key=lambda r: abs(r.values[0]))
        delta = self._delta(slope.address.neuron)
        squared, crossed = delta.values
        names = {"delta": self.notation.name(delta.address), "crossed": self.comparison.losses[1]}
        said = [
            self.words(
                "slope in delta",
                slope=self.notation.name(slope.address),
                value=self.notation.number(slope.values[0], 4),
                squared=self.comparison.losses[0],
                **names,
            )
        ]
        if squared and abs(crossed) > abs(squared):
            times = self.notation.number(float(f"{abs(crossed / squared):.3g}"), 3)
            said.append(self.words("times as large", times=times, **names))
        return said

    def _delta(self, neuron: int) -> Row:
        return next(
            row
            for row in self.comparison.rows
            if row.address.quantity is Q.D_IN
            and row.address.of is None
            and row.address.neuron == neuron
        )
