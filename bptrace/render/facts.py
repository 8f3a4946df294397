"""A few facts under a title: label, and beside it a text that is broken where it has to be."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.render.wrapping import wrapped


class Facts:
    """A Rich renderable; `rows` are pairs of label and text."""

    def __init__(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        self.title, self.rows = title, rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.title:
            for row in wrapped(Text(self.title, "bptrace.phase"), options.max_width):
                yield row
        width = max((cell_len(label) for label, _ in self.rows), default=0)
        for label, text in self.rows:
            begin = f"  {label}{' ' * (width - cell_len(label))}  "
            for row in wrapped(Text(text), max(8, options.max_width - cell_len(begin))):
                yield Text(begin, "bptrace.layer").append_text(row)
                begin = " " * cell_len(begin)
