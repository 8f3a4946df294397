"""Lists of what there is (`bptrace list`): one table each, names first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bptrace.notation.names import to_ascii
from bptrace.render.words import Words
from bptrace.render.wrapping import without_padding

_INFINITIES = {"Infinity": "∞", "-Infinity": "−∞"}


class Listing:
    """A titled table.

    Parameters
    ----------
    kind : str
        What is listed, the key of the title in `words`.
    columns : sequence of str
        Keys of the rows to be shown, in this order.
    rows : sequence of mappings
    words : Words
    ascii : bool
    """

    def __init__(
        self,
        kind: str,
        columns: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        words: Words,
        ascii: bool = False,
    ) -> None:
        self.kind = kind
        self.columns = columns
        self.rows = rows
        self.words = words
        self.ascii = ascii

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, show_header=True)
        for column in self.columns:
            first = column == "name"
            table.add_column(
                Text(self._plain(self.words(f"column {column}")), "bptrace.layer"),
                style="bptrace.quantity" if first else "bptrace.formula",
                no_wrap=first,
                overflow="fold",
            )
        for row in self.rows:
            table.add_row(*(Text(self._cell(row[column])) for column in self.columns))
        yield Text(self._plain(self.words(self.kind)), "bptrace.phase")
        for line in console.render_lines(table, options, pad=False):
            yield from without_padding(line)
            yield Segment.line()
        yield Text()

    def _cell(self, value: Any) -> str:
        if isinstance(value, list):
            low, high = (_INFINITIES.get(str(bound), f"{bound}") for bound in value)
            text = f"{low.removesuffix('.0')} … {high.removesuffix('.0')}".replace("-", "−")
            return self._plain(text)
        return self._plain(str(value))

    def _plain(self, text: str) -> str:
        text = text.replace("∞", "inf") if self.ascii else text
        return to_ascii(text) if self.ascii else text
