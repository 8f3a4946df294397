"""Two losses side by side (`bptrace compare-losses`): one row per quantity."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.address import Quantity
from bptrace.checks.losses import Comparison
from bptrace.checks.side_by_side import Row
from bptrace.notation import Notation
from bptrace.render.sides import side_by_side
from bptrace.render.words import Words
from bptrace.render.wrapping import wrapped

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
        yield from side_by_side(self.comparison.losses, list(self._rows()), options.max_width)
        yield Text()
        for sentence in self._sentences():
            for row in wrapped(Text(self.notation.plain(sentence), "bptrace.remark"),
                               options.max_width - 2):  # fmt: skip
                yield Text("  ").append_text(row)

    def _rows(self) -> Iterator[tuple[str, ...] | None]:
        """Yield the rows, and an empty one before each further output."""
        for row in self.comparison.rows:
            if row.address.quantity is Q.OUT and not row.after:
                yield None
            yield self._cells(row)

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
