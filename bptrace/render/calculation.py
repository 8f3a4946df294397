"""A run as a hand calculation: forward, backward, update, number by number.

The order of the lines is that of the chapter (`maths.equations`), their wording that of the
dialect; here are only headings, grouping and what to leave out of a large network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from bptrace.address import Address, Quantity
from bptrace.errors import UnknownName
from bptrace.maths.expr import FLOATS
from bptrace.model import Claim
from bptrace.notation import Notation, abbreviated, value_of
from bptrace.render.claims import Claims, Read
from bptrace.render.header import Header
from bptrace.render.lines import Block, Line, Remark
from bptrace.render.words import Words
from bptrace.render.wrapping import wrapped
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.render.summary import Summary

Q = Quantity
LARGE = 400
"""A step with more equations than this (three lines each) is summed up instead of printed."""

MOST_TERMS = 12
"""Longer sums are printed with their first and last terms only."""

MOST_WEIGHTS, FEW = 16, 3
"""Of a neuron with more weights only the first few and the last are printed."""

_SUMS = (Q.E, Q.D_W, Q.D_B, Q.STEP_W, Q.STEP_B)
"""What is a sum over the batch, among the quantities of an update."""

BARS = (("╷", "│", "╵", "╶"), ("|", "|", "|", "|"))


class Options(NamedTuple):
    """What of a trace is printed.

    `steps` from 1; `samples` from 1, empty for all of the step; `only` neurons as (layer, neuron),
    empty for all; `digits` decimals of long numbers.
    """

    steps: Sequence[int] = (1,)
    samples: Sequence[int] = ()
    only: frozenset[tuple[int, int]] = frozenset()
    digits: int = 10


FIRST = Options()
"""The first step, all of it."""


class Calculation:
    """A Rich renderable that prints steps of a trace.

    Parameters
    ----------
    trace : Trace
    notation : Notation
        Its dialect is that of the output; claims are read in the dialect of the file.
    words : Words
    options : Options
    remark : function, optional
        What to say beside a line about a claim; default: the number that the source has. May also
        be set afterwards, as it may build on `as_printed`.
    """

    def __init__(
        self,
        trace: Trace,
        notation: Notation,
        words: Words,
        options: Options = FIRST,
        remark: Callable[[Claim], Remark | None] | None = None,
    ) -> None:
        self.trace = trace
        self.problem = trace.problem
        self.notation = notation
        self.words = words
        self.options = options
        self.values = trace.values()
        self.remark: Callable[[Claim], Remark | None] = remark or self.as_printed

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        claims = Claims(self.trace, self.remark)
        yield self._header()
        for step in self.options.steps:
            for row in self._step(step, claims, options.max_width):
                # What fits has no breaks for Rich to look for, and in a pipe no styles either.
                if not isinstance(row, Text) or not row.no_wrap:
                    yield row
                elif console.color_system is None and not console.record:
                    yield Segment(row.plain + row.end)
                else:
                    yield from row.render(console, end=row.end)

    def _header(self) -> Header:
        """The head, with a drawing of the first step and sample that are printed."""
        step, sample = (*self.options.steps, 1)[0], (*self.options.samples, 0)[0]
        return Header(self.trace, self.notation, self.words, self.options.digits, step, sample)

    # One step

    def _step(self, step: int, claims: Claims, width: int) -> Iterator[Text | Heading | Summary]:
        last = self.trace.numbers.stop - 1
        if len(self.options.steps) > 1 or last > 1:
            yield self._rule(self.words("step of", step=step, steps=last), strong=True)
        if self._is_large(step):
            from bptrace.render.summary import Summary  # and with it the tables of Rich

            sample = self._samples(step)[0]
            yield Summary(self.trace, self.notation, self.words, step, sample)
            yield from self._closing(step, width)
            return
        chapter = self.trace.chapter
        for sample in self._samples(step):
            suffix = self._sample_heading(sample)
            yield from self._phase(
                self.words("forward") + suffix, chapter.forward(sample, step), claims, width
            )
            yield from self._phase(
                self.words("backward") + suffix, chapter.backward(sample, step), claims, width
            )
        if not self.options.samples:
            yield from self._updates(step, claims, width)
            if not self.options.only:
                yield from self._rest(claims.rest(step), width)
            yield from self._closing(step, width)

    def _updates(self, step: int, claims: Claims, width: int) -> Iterator[Text | Heading]:
        reduction = f"{self.problem.training.reduction} over the batch"
        addresses = list(self.trace.chapter.update(step))
        sums = [address for address in addresses if address.quantity in _SUMS]
        yield from self._phase(self.words(reduction), sums, claims, width)
        updates = [address for address in addresses if address.quantity not in _SUMS]
        yield from self._phase(self.words("update"), updates, claims, width)
        if self._is_right(step):
            yield Text(f"  {self.words('nothing changes')}", "bptrace.remark")
            yield Text()

    def _is_right(self, step: int) -> bool:
        """Whether the rule has nothing to do: it learns from mistakes, and there are none."""
        rule = self.problem.rule
        if not self.problem.learns or rule is None or rule.local is None:
            return False
        if not rule.local.needs_mistake:
            return False
        depth, width = self.problem.network.depth, self.problem.network.widths[-1]
        outputs = (
            Address(Q.OUT, depth, k, sample=s, step=step)
            for s in self.trace.samples(step)
            for k in range(1, width + 1)
        )
        return all(
            self.values(out) == self.values(out._replace(quantity=Q.T, layer=0)) for out in outputs
        )

    def _samples(self, step: int) -> Sequence[int]:
        return self.options.samples or self.trace.samples(step)

    def _sample_heading(self, sample: int) -> str:
        several = len(self.problem.samples) > 1
        return f", {self.words('sample', sample=sample)}" if several else ""

    def _is_large(self, step: int) -> bool:
        if self.options.only:
            return False
        network = self.problem.network
        equations = 2 * sum(network.widths) + 2 * self.problem.layout.n_parameters
        return equations * len(self._samples(step)) > LARGE

    # One phase: blocks of equations, one per neuron

    def _phase(
        self, title: str, addresses: Iterable[Address], claims: Claims, width: int
    ) -> Iterator[Text | Heading]:
        shown = [a for a in addresses if self.notation.is_shown(a) and self._is_wanted(a)]
        if not shown:
            return
        yield self._rule(title)
        layer = None
        for key, group in groupby(shown, self._hand):
            if key.layer != layer:
                layer = key.layer
                yield Text(f"\n  {self._layer_title(key)}", "bptrace.layer")
            else:
                yield Text()
            yield from self._block(key.mark, list(group), claims, width)
        yield Text()

    def _block(
        self, mark: str, addresses: list[Address], claims: Claims, width: int
    ) -> Iterator[Text]:
        """Yield the rows of one neuron; of very many weights only the first and the last one."""
        sources = list(dict.fromkeys(a.source for a in addresses if a.source))
        left_out = sources[FEW:-1] if len(sources) > MOST_WEIGHTS else []
        hidden = [a for a in addresses if a.source in left_out]
        cut = addresses.index(hidden[0]) if hidden else len(addresses)
        yield from self._rows(mark, addresses[:cut], claims, width)
        if hidden:
            more = f"{self.notation.plain('⋮')} {self.words('more weights', n=len(left_out))}"
            yield Text(" " * (self._mark_width + 3) + more, "bptrace.remark")
            yield from self._rows("", addresses[cut + len(hidden) :], claims, width)

    def _rows(self, mark: str, addresses: list[Address], claims: Claims, width: int) -> list[Text]:
        return self._equations(mark, [self._line(address, claims) for address in addresses], width)

    def _equations(self, mark: str, lines: list[Line], width: int) -> list[Text]:
        """Return equations as rows; remarks that are longer than a row are broken."""
        margin = 2 + self._mark_width + 3
        left = max((cell_len(line.left) for line in lines), default=0)
        room = width - margin - min(left, max(8, (width - margin) // 2)) - 3
        lines = [line._replace(remarks=tuple(_broken(line.remarks, room))) for line in lines]
        return Block(mark, lines, self._mark_width, self._bar).rows(width)

    def _hand(self, address: Address) -> Hand:
        """What the line works on: a neuron, a shared bias or the error."""
        l, j = address.layer, address.neuron
        if address.quantity in (Q.E, Q.E_K):
            return Hand(self.problem.network.depth + 1, self.notation.name(Address(Q.E)))
        if address.quantity is Q.ETA:
            return Hand(0, self.notation.name(address))
        if address.is_of_bias and self.problem.network.layers[l].shares_bias:
            return Hand(l, self.notation.name(Address(Q.B, l, 1)))
        return Hand(l, self.notation.neuron_or_output(l, j))

    def _layer_title(self, hand: Hand) -> str:
        depth = self.problem.network.depth
        if hand.layer > depth:
            return self.words("error")
        if hand.layer == 0:
            return self.words("learning rate")
        if hand.layer == depth:
            return self.words("output layer")
        if depth == 2:
            return self.words("hidden layer")
        return self.words("hidden layer l", l=hand.layer + self.notation.dialect.first_layer)

    def _is_wanted(self, address: Address) -> bool:
        only = self.options.only
        return not only or (address.layer, address.neuron) in only

    def _line(self, address: Address, claims: Claims) -> Line:
        equation = self.trace.chapter.equation(address)
        assert equation is not None, f"{address} is given, it has no line"
        left, expr, forms = self.notation.shown(equation, self.trace.chapter)
        digits = self.options.digits
        expr = abbreviated(expr, MOST_TERMS)
        return Line(
            left=self.notation.name(left, mark=False),
            formula=self.notation.formula(expr),
            numbers=self.notation.numbers(expr, self.values, digits),
            result=self.notation.number(value_of(left, self.values), digits),
            remarks=claims.take(left),
            forms=tuple(self.notation.formula(abbreviated(f, MOST_TERMS)) for f in forms),
        )

    def _rest(self, reads: Sequence[Read], width: int) -> Iterator[Text | Heading]:
        """Numbers of the source that are not lines of the calculation."""
        lines = [line for read in reads if (line := self._extra(read)) is not None]
        if lines:
            yield self._rule(self.words("further numbers"))
            yield Text()
            yield from self._equations("", lines, width)
            yield Text()

    def _extra(self, read: Read) -> Line | None:
        remark = self.remark(read.claim)
        if remark is None:
            return None
        digits = self.options.digits
        expr = read.expr
        left = self.notation.formula(expr)
        if isinstance(read.key, Address):
            equation = self.trace.chapter.equation(read.key)
            if equation is not None:
                expr = abbreviated(
                    self.notation.shown(equation, self.trace.chapter).expr, MOST_TERMS
                )
        formula = self.notation.formula(expr)
        numbers = self.notation.numbers(expr, self.values, digits)
        value = FLOATS.read(read.expr, lambda key: value_of(key, self.values))
        result = self.notation.number(value, digits)
        return Line(left, formula if formula != left else numbers, numbers, result, (remark,))

    def as_printed(self, claim: Claim) -> Remark | None:
        """Return what the source has, with its number of the equation and its learning rate."""
        if claim.printed is None:
            return None
        text = self.words("source has", printed=claim.printed.text)
        asides = [claim.eq] if claim.eq else []
        if claim.learning_rate not in (None, self.problem.training.learning_rate):
            asides.append(f"{self.notation.name(Address(Q.ETA))} = {claim.learning_rate:g}")
        if asides:
            text += f" ({', '.join(asides)})"
        return Remark(self.notation.plain(text))

    def _closing(self, step: int, width: int) -> Iterator[Text]:
        """E of the step's samples before and after the update."""
        if not (self.problem.learns and self.problem.has_error):
            return
        before, after = (self._error(step, at) for at in (step, step + 1))
        name = self.notation.name(Address(Q.E))
        digits = self.options.digits
        line = Text("  ").append(name, "bptrace.quantity")
        for word, value in ((self.words("before"), before), (self.words("after"), after)):
            line.append(f"   {word} ").append(self.notation.number(value, digits), "bptrace.result")
        if before > 0:
            change = f"{(after - before) / before:+.1%}"
            line.append(f"   {self.notation.plain(change.replace('-', '−'))}", "bptrace.layer")
        yield from wrapped(line, width, indent=4)
        yield Text()

    def _error(self, step: int, at: int) -> float:
        """E of the samples of `step` with the parameters at the beginning of step `at`."""
        samples = self.trace.samples(step)
        errors = [self.values(Address(Q.E, sample=s, step=at)) for s in samples]
        total = errors[0]
        for error in errors[1:]:
            total += error
        mean = self.problem.training.reduction == "mean" and len(errors) > 1
        return total / len(errors) if mean else total

    # Small change

    @property
    def _bar(self) -> tuple[str, str, str, str]:
        return BARS[self.notation.ascii]

    @property
    def _mark_width(self) -> int:
        network = self.problem.network
        marks = (
            cell_len(self.notation.neuron_or_output(l, j))
            for l in range(1, network.depth + 1)
            for j in (1, network.widths[l])
        )
        return min(max(marks), 8)

    def _rule(self, title: str, strong: bool = False) -> Heading:
        line = ("=" if strong else "-") if self.notation.ascii else ("━" if strong else "─")
        return Heading(title, line)


def _broken(remarks: Iterable[Remark], width: int) -> Iterator[Remark]:
    """Yield remarks in pieces of at most `width` cells; further ones are indented."""
    for remark in remarks:
        for piece in wrapped(Text(remark.text), max(width, 20), indent=2):
            yield Remark(piece.plain, remark.style)


class Heading:
    """A title with a line to the right edge."""

    def __init__(self, title: str, line: str) -> None:
        self.title = title
        self.line = line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rest = max(options.max_width - cell_len(self.title) - 1, 0)
        title = Text().append(self.title, "bptrace.phase")
        yield title.append(f" {self.line * rest}", "bptrace.edge")


class Hand(NamedTuple):
    """What a block of lines works on: its layer, and its name at the left edge."""

    layer: int
    mark: str


def neurons(notation: Notation, names: Iterable[str]) -> frozenset[tuple[int, int]]:
    """Return the neurons called `names`: by their own name or by that of their output.

    Raises `UnknownName` with the nearest name.
    """
    network = notation.network
    known: dict[str, tuple[int, int]] = {}
    for l in range(1, network.depth + 1):
        for j in range(1, network.widths[l] + 1):
            output = Address(Q.OUT, l, j)
            for name in (notation.name(output), output.positional, notation.neuron(l, j)):
                known.setdefault(name, (l, j))
    for name in names:
        if name not in known:
            raise UnknownName("neuron", name, tuple(known))
    return frozenset(known[name] for name in names)
