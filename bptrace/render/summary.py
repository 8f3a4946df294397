"""A step that is too large to print: its layers in a table, and how to ask for a part of it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bptrace.address import Address, Layout, Quantity
from bptrace.notation import Notation
from bptrace.render.words import Words
from bptrace.render.wrapping import without_padding, wrapped
from bptrace.trace import Trace

Q = Quantity


class Summary:
    """One step in short: per layer the range of outputs, δ and gradients; E; and what to ask."""

    def __init__(
        self, trace: Trace, notation: Notation, words: Words, step: int, sample: int
    ) -> None:
        self.trace = trace
        self.notation = notation
        self.words = words
        self.step = step
        self.sample = sample

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        network = self.trace.problem.network
        equations = 2 * sum(network.widths) + 2 * self.trace.layout.n_parameters
        yield from self._sentence(self.words("too large", equations=equations), options.max_width)
        yield Text()
        for line in console.render_lines(self._table(), options, pad=False):
            yield from without_padding(line)
            yield Segment.line()
        yield Text()
        yield from self._sentence(self.words("ask for a part"), options.max_width)
        yield from self._advice(options.max_width)

    def _sentence(self, text: str, width: int) -> Iterator[Text]:
        for row in wrapped(Text(text), width - 2):
            yield Text("  ").append_text(row)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 1), header_style="bptrace.layer")
        name = self.notation.plain
        depth = self.trace.problem.network.depth
        out, delta = Address(Q.OUT, depth, 1), Address(Q.D_IN, depth, 1)
        weight = Address(Q.D_W, depth, 1, 1)
        titles = [_bare(self.notation.name(place)) for place in (out, delta, weight)]
        for title in ("", "", *(name(f"{t}: min … max") for t in titles)):
            table.add_column(title, justify="right", overflow="fold")
        for l in range(1, depth + 1):
            size = str(self.trace.problem.network.widths[l])
            label = self.words("layer", l=l + self.notation.dialect.first_layer)
            table.add_row(label, size, *self._ranges(l))
        return table

    def _ranges(self, l: int) -> Iterator[str]:
        """Smallest and largest output, δ and ∂E/∂w of a layer, from the log."""
        layout: Layout = self.trace.layout
        width, before = layout.shape.widths[l], layout.shape.widths[l - 1]
        position = self.trace.samples(self.step).index(self.sample)
        first = [
            (Address(Q.OUT, l, 1, sample=self.sample), width),
            (Address(Q.D_IN, l, 1, sample=self.sample), width),
            (Address(Q.D_W, l, 1, 1), width * before),
        ]
        record = self.trace.record(self.step)
        for address, count in first:
            start = layout.slot(address, position)
            values = record[start : start + count]
            low, high = (self.notation.number(float(v), 4) for v in (min(values), max(values)))
            yield f"{low} {self.notation.plain('…')} {high}"

    def _advice(self, width: int) -> Iterator[Text]:
        depth = self.trace.problem.network.depth
        file = self.trace.problem.file or "FILE"
        neuron = self.notation.name(Address(Q.OUT, depth, 1))
        for command in (
            f"bptrace run {file} --only {neuron}",
            f'bptrace explain {file} "dE/dw[{depth},1,1]"',
        ):
            for row in wrapped(Text(command, "bptrace.highlight"), width - 4, indent=4):
                yield Text("    ").append_text(row)
        yield Text()


def _bare(name: str) -> str:
    """The name of a quantity without its indices: out_h1 → out."""
    return name.split("_")[0].split("^")[0] if "/" not in name else name.rstrip("0123456789,_")
