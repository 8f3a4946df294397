"""Learning rules side by side (`bptrace compare-rules`): a formula each, then all numbers."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.address import AFTER, Address, Quantity, partial
from bptrace.checks.rules import INSTEAD, Comparison, hidden_changes, last_parameters
from bptrace.checks.side_by_side import Row
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.rules import Rule
from bptrace.maths.updates import step_of
from bptrace.notation import Notation, abbreviated, value_of
from bptrace.render.calculation import BARS, MOST_TERMS
from bptrace.render.header import listed
from bptrace.render.lines import Block, Line
from bptrace.render.sides import side_by_side
from bptrace.render.words import Words
from bptrace.render.wrapping import wrapped
from bptrace.trace import Trace

Q = Quantity
MOST = 12
"""Of more parameters than this only so many are in the table; JSON has all of them."""

SLOPE_DIGITS = 4


class Ages:
    """A Rich renderable: what each rule looks at, its formula, and what it changes.

    Parameters
    ----------
    comparison : Comparison
    dialect : str
        "": that of the file.
    words : Words
    digits : int
        Decimals of long numbers.
    ascii : bool
    """

    def __init__(
        self, comparison: Comparison, dialect: str, words: Words, digits: int, ascii: bool
    ) -> None:
        self.comparison = comparison
        self.words = words
        self.digits = digits
        self.notations = [
            Notation.of(trace.problem, dialect, ascii=ascii) for trace in comparison.traces
        ]
        self.notation = self.notations[0]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        if self.comparison.problem.title:
            yield from self._wrapped(self.comparison.problem.title, "bptrace.title", width, "")
            yield Text()
        yield from self._given(width)
        for rule, trace, notation in zip(
            self.comparison.rules, self.comparison.traces, self.notations, strict=True
        ):
            yield Text()
            about = self.words("rule is", rule=rule.name, about=self.words.of(rule.about))
            yield from self._wrapped(about, "bptrace.phase", width, "")
            lines = [self._line(trace, notation, place) for place in self._shown(rule)]
            yield from Block("", lines, 0, BARS[notation.ascii]).rows(width)
        yield Text()
        heads = [rule.name for rule in self.comparison.rules]
        yield from side_by_side(heads, list(self._rows()), width)
        yield Text()
        for sentence in self._sentences():
            yield from self._wrapped(sentence, "bptrace.remark", width, "  ")

    def _wrapped(self, text: str, style: str, width: int, indent: str) -> Iterator[Text]:
        for row in wrapped(Text(self.notation.plain(text), style), width - len(indent)):
            yield Text(indent).append_text(row)

    def _given(self, width: int) -> Iterator[Text]:
        """Say of the sample what all rules begin with: t and out of every output, E, η."""
        trace = self.comparison.traces[0]
        depth, places = trace.problem.network.depth, []
        for k in range(1, trace.problem.network.widths[-1] + 1):
            out = Address(Q.OUT, depth, k, sample=1, step=1)
            if trace.problem.has_targets:
                places.append(out._replace(quantity=Q.T, layer=0))
            places.append(out)
        if trace.problem.has_error:
            places.append(Address(Q.E, sample=1, step=1))
        places = [*places[: MOST // 2], *places[MOST // 2 :][-1:], Address(Q.ETA)]
        pairs = [(self.notation.name(place), self._number(trace.value(place))) for place in places]
        yield from listed([(self.words("sample", sample=self.comparison.sample), pairs)], width)

    # Formulas

    def _shown(self, rule: Rule) -> Iterator[Address]:
        """Yield what leads to the Δ of one parameter of the last layer, in order."""
        p = self._example()
        if rule.local is None:
            yield partial(None, p)._replace(sample=1)
        for memory in rule.memory:
            yield p._replace(quantity=AFTER[memory.quantity])
        for quantity in rule.corrected or ():
            yield p._replace(quantity=quantity)
        yield step_of(p)

    def _example(self) -> Address:
        """The first parameter of the last layer through which something comes."""
        trace = self.comparison.traces[0]
        parameters = last_parameters(trace.problem)
        for p in parameters:
            source = Address(Q.OUT, p.layer - 1, p.source, sample=1, step=1)
            if p.is_of_bias or trace.value(source) != 0.0:
                return p
        return parameters[0]

    def _line(self, trace: Trace, notation: Notation, address: Address) -> Line:
        equation = trace.chapter.equation(address)
        assert equation is not None, f"{address} is worked out"
        left, expr, _ = notation.shown(equation, trace.chapter)
        expr, values = abbreviated(expr, MOST_TERMS), trace.values()
        return Line(
            left=notation.name(left, mark=False),
            formula=notation.formula(expr, mark=False),
            numbers=notation.numbers(expr, values, self.digits),
            result=self._number(value_of(left, values)),
        )

    # The table

    def _rows(self) -> Iterator[tuple[str, ...] | None]:
        last: tuple[bool, bool, int] | None = None
        parameters = left_out = 0
        for row in self.comparison.rows:
            is_step = row.address.quantity in (Q.STEP_W, Q.STEP_B)
            is_parameter = is_step or row.address.quantity in (Q.W, Q.B)
            kind = is_step, is_parameter, row.after
            if kind != last:
                if left_out:
                    yield self._left_out(left_out)
                yield from [None] if last is not None else []
                parameters = left_out = 0
            last = kind
            parameters += 1
            if parameters > MOST:
                left_out += 1
            else:
                yield self._cells(row)
        if left_out:
            yield self._left_out(left_out)

    def _left_out(self, n: int) -> tuple[str, ...]:
        more = f"{self.notation.plain('⋮')} {self.words('more rows', n=n)}"
        return (more, *("" for _ in self.comparison.rules))

    def _cells(self, row: Row) -> tuple[str, ...]:
        address = row.address
        if address.quantity in (Q.W, Q.B) and row.after == 1:
            name = self.notation.name(address._replace(quantity=AFTER[address.quantity]))
        else:
            name = self.notation.name(address)
            if row.after:
                word = "after update" if row.after == 1 else "after updates"
                name = self.words(word, name=name, n=row.after)
        return (self.notation.plain(name), *map(self._number, row.values))

    def _number(self, value: float) -> str:
        return self.notation.number(value, self.digits)

    # What it shows

    def _sentences(self) -> Iterator[str]:
        names = [rule.name for rule in self.comparison.rules]
        for name in names:
            if self.words.has(f"{name} adds"):
                yield self.words(f"{name} adds")
        if "gradient-descent" in names:
            yield from self._slope()
        if self.comparison.traces[0].problem.network.depth > 1:
            said = (
                f"{name} {hidden_changes(trace)}"
                for name, trace in zip(names, self.comparison.traces, strict=True)
            )
            yield self.words("hidden changes", numbers=self.words.list(said))
        if self.comparison.other_loss and self.comparison.traces[0].problem.has_error:
            yield self.words("other loss", name=self.notation.name(Address(Q.E)), loss=INSTEAD)

    def _slope(self) -> Iterator[str]:
        """Say what the slope of the first output is, by which gradient descent differs from δ."""
        trace = self.comparison.traces[0]
        network = trace.problem.network
        last = network.layers[-1]
        of_layer = not last.formula and ACTIVATIONS.get(last.activation).is_of_layer
        if network.loss != INSTEAD or of_layer:
            return
        out = Address(Q.OUT, network.depth, 1, sample=1, step=1)
        slope = partial(out, out._replace(quantity=Q.IN))
        value = trace.value(slope)
        word = "slope is" if value else "slope is 0"
        yield self.words(
            word,
            slope=self.notation.name(slope),
            value=self.notation.number(value, SLOPE_DIGITS),
        )
