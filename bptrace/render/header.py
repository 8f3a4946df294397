"""The head of a calculation: title, source, what is given, and the network with its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from bptrace.address import Address, Quantity
from bptrace.maths.losses import LOSSES
from bptrace.maths.schedules import SCHEDULES
from bptrace.model import Data, Network
from bptrace.notation import Notation
from bptrace.notation.text import write
from bptrace.render.drawing import Drawing, Edge, Node
from bptrace.render.words import Words
from bptrace.render.wrapping import without_padding, wrapped
from bptrace.trace import Trace

Q = Quantity
MOST_GIVEN = 60
"""With more parameters than this the given numbers are not listed."""

MOST_WIRES = 16
"""A gap between two layers with more connections makes a drawing of more than 30 rows."""

DRAWN_DIGITS = 4
SHOWN = 6
"""Digits of means and deviations in the head; JSON has all of them."""

PLAINEST = "gradient-descent"
"""The rule that is not explained in the head: the calculation does."""

MOST_NAMED = 10
"""More classes, or means of inputs, are not told one by one."""


class Header:
    """Title and source, one line on the network, the given numbers, the drawing.

    The drawing has the numbers of `step`, of its sample `sample` (0: the first).
    """

    def __init__(
        self,
        trace: Trace,
        notation: Notation,
        words: Words,
        digits: int,
        step: int = 1,
        sample: int = 0,
    ) -> None:
        self.trace = trace
        self.problem = trace.problem
        self.notation = notation
        self.words = words
        self.digits = digits
        self.step = step
        self.first = trace.samples(step)[0]
        self.sample = sample or self.first
        self.values = trace.values()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        yield from self.title(width)
        yield from self._given(width)
        drawing = self._drawing()
        if drawing is not None and drawing.fits(width - 2):
            yield Text()
            if self.step > 1 or self.sample != self.first:
                yield Text(f"  {self._moment()}", "bptrace.layer")
            for row in console.render_lines(drawing, options.update(width=width - 2), pad=False):
                yield from without_padding([Segment("  "), *row])
                yield Segment.line()
        yield Text()

    # Title

    def title(self, width: int) -> Iterator[Text]:
        """Yield title and source, network and training, between two lines."""
        line = Text(("=" if self.notation.ascii else "━") * width, "bptrace.edge")
        yield line
        for text, style in (
            (self.problem.title, "bptrace.title"),
            (self.problem.source, "bptrace.source"),
            (self._network(), "bptrace.layer"),
            (self._training(), "bptrace.layer"),
            (self._rule(), "bptrace.layer"),
            *((line, "bptrace.layer") for line in self._data()),
        ):
            if text:
                for row in wrapped(Text(self.notation.plain(text), style), width - 2, indent=2):
                    yield Text(" ").append_text(row)
        yield line

    def _network(self) -> str:
        network = self.problem.network
        sizes = "-".join(map(str, network.widths))
        names = [layer.formula or layer.activation for layer in network.layers[1:]]
        activations = names[0] if len(set(names)) == 1 else " – ".join(names)
        parts = [sizes, activations]
        if self.problem.has_error:
            parts.append(self._loss(network))
        return ", ".join(parts)

    def _loss(self, network: Network) -> str:
        """E = Σ ½·(t − out)², with the letters of the dialect."""
        names = self.notation.dialect.names
        letters = {"n": str(network.widths[-1])}
        for place, pattern in (("t", names["target"]), ("out", names["out"])):
            letters[place] = pattern.format(n="k", l="L", j="k", g="k")
        share = write(LOSSES.get(network.loss).expr, lambda key: letters[str(key)])
        return f"{names['error']} = Σ {share}"

    def _training(self) -> str:
        training = self.problem.training
        if not self.problem.learns:
            return ""
        rate = self.notation.name(Address(Q.ETA))
        parts = [training.rule, f"{rate} = {training.learning_rate:g}", *self._settings()]
        if len(self.problem.samples) > 1:
            parts.append(self.words("samples in all", n=len(self.problem.samples)))
            parts.append(self._batch(training.batch, training.reduction))
            parts += self._order()
        return ", ".join(parts)

    def _rule(self) -> str:
        """Say what the rule looks at; that of the chapter needs no words."""
        rule = self.problem.rule
        if rule is None or rule.name == PLAINEST or not self.problem.learns:
            return ""
        return self.words("rule is", rule=rule.name, about=self.words.of(rule.about))

    def _order(self) -> list[str]:
        training = self.problem.training
        if training.order == "shuffled":
            return [self.words("shuffled", seed=training.seed)]
        return [] if training.order == "file" else [self.words("listed order")]

    def _settings(self) -> Iterator[str]:
        """Yield the schedule, the options of the rule and the decay of weights."""
        training, rule = self.problem.training, self.problem.rule
        assert rule is not None
        schedule = training.schedule
        if schedule is not None and schedule.rates:
            first = self.words("from update")
            yield "; ".join(f"{rate:g} {first} {n}" for n, rate in schedule.rates)
        elif schedule is not None:
            entry = SCHEDULES.get(schedule.name)
            given = dict(entry.options) | dict(schedule.options)
            options = ", ".join(f"{name} {value:g}" for name, value in given.items())
            yield f"{schedule.name} ({options})" if options else schedule.name
        for option in rule.options:
            value = rule.constant(option.name, dict(training.options))
            yield self._option(option.name, value)
        decay = rule.weight_decay if training.weight_decay is None else training.weight_decay
        if decay:
            yield self._option("weight_decay", decay)

    def _option(self, name: str, value: float) -> str:
        return f"{self.notation.letter(name)} = {self.notation.number(value, SHOWN)}"

    def _batch(self, batch: int, reduction: str) -> str:
        if batch == 1:
            return self.words("one update per sample")
        return self.words(f"one update per batch, {reduction}", n=batch)

    def _data(self) -> Iterator[str]:
        """Where the samples are from, and by which numbers they were standardised."""
        data = self.problem.data
        if data is None:
            return
        parts = [self.words("data from", source=data.source)]
        if data.test:
            parts.append(self.words("kept for the test", n=len(data.test)))
        if data.left_out:
            parts.append(self.words("rows left out", n=data.left_out))
        if data.classes:
            shown = list(data.classes[:MOST_NAMED])
            more = ["…"] * (len(data.classes) > MOST_NAMED)
            parts.append(self.words("classes", names=self.words.list([*shown, *more])))
        yield self.words("semicolon").join(parts)
        if len(data.means) > MOST_NAMED:
            yield self.words("standardised", n=len(data.means))
        elif data.means:
            yield self.words("standardised by", inputs=self._moments(data))

    def _moments(self, data: Data) -> str:
        network, number = self.problem.network, self.notation.number
        names = data.inputs or [
            self.notation.name(Address(Q.OUT, 0, i, sample=1, step=1))
            for i in range(1, network.widths[0] + 1)
        ]
        moments = zip(names, data.means, data.deviations, strict=True)
        said = (
            self.words("moments", name=name, mean=number(m, SHOWN), deviation=number(s, SHOWN))
            for name, m, s in moments
        )
        return self.words("semicolon").join(said)

    # Given numbers

    def _given(self, width: int) -> Iterator[Text]:
        if self.problem.layout.n_parameters > MOST_GIVEN or len(self.problem.samples) > 8:
            return
        yield Text()
        yield from listed([*self._samples(), *self._parameters()], width)

    def parameters(self, width: int) -> Iterator[Text]:
        """Yield all parameters with their names, layer by layer."""
        yield from listed([*self._parameters()], width)

    def _samples(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        samples, network = self.problem.samples, self.problem.network
        for s in range(1, len(samples) + 1):
            label = self.words("sample", sample=s) if len(samples) > 1 else self.words("given")
            places = [Address(Q.OUT, 0, i) for i in range(1, network.widths[0] + 1)]
            if samples[s - 1].t:
                places += [Address(Q.T, 0, k) for k in range(1, network.widths[-1] + 1)]
            yield label, [self._pair(place.at(s, 1)) for place in places]

    def _parameters(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        network = self.problem.network
        for l in range(1, network.depth + 1):
            layer = network.layers[l]
            places = [
                Address(Q.W, l, j, i)
                for j in range(1, layer.size + 1)
                for i in network.sources(l, j)
            ] + [Address(Q.B, l, j) for j in range(1, layer.biases + 1)]
            number = l + self.notation.dialect.first_layer
            yield self.words("layer", l=number), [self._pair(p.at(0, 1)) for p in places]

    def _pair(self, address: Address) -> tuple[str, str]:
        value = self.values(address)
        return self.notation.name(address), self.notation.number(value, self.digits)

    # Drawing

    def _moment(self) -> str:
        """Which step and sample the drawing shows."""
        parts = [self.words("step", step=self.step)]
        if len(self.problem.samples) > 1:
            parts.append(self.words("sample", sample=self.sample))
        return self.words("comma").join(parts)

    def _drawing(self) -> Drawing | None:
        network = self.problem.network
        wires = [n * m for n, m in zip(network.widths, network.widths[1:], strict=False)]
        if max(wires) > MOST_WIRES or max(network.widths) > 6:
            return None
        layers = [
            [self._node(l, j, self.sample) for j in range(1, width + 1)]
            for l, width in enumerate(network.widths)
        ]
        return Drawing(
            layers,
            list(self._edges()),
            biases=[[], *(self._biases(l) for l in range(1, network.depth + 1))],
            ascii_only=self.notation.ascii,
        )

    def _node(self, l: int, j: int, sample: int) -> Node:
        network = self.problem.network
        out = self.values(Address(Q.OUT, l, j, sample=sample, step=self.step))
        note = ""
        if l == network.depth and self.problem.samples[sample - 1].t:
            letter = self.notation.dialect.names["target"].partition("_")[0]
            value = self.values(Address(Q.T, 0, j, sample=sample, step=self.step))
            note = f"{letter} {self._short(value)}"
        return Node(self.notation.neuron_or_output(l, j), self._short(out), note)

    def _edges(self) -> Iterator[Edge]:
        network = self.problem.network
        for l in range(1, network.depth + 1):
            for j in range(1, network.widths[l] + 1):
                for i in network.sources(l, j):
                    yield Edge(l, i - 1, j - 1, self._label(Address(Q.W, l, j, i, step=self.step)))

    def _biases(self, l: int) -> Sequence[str]:
        if not self.problem.network.layers[l].biases:
            return []
        width = self.problem.network.widths[l]
        return [self._label(Address(Q.B, l, j, step=self.step)) for j in range(1, width + 1)]

    def _label(self, address: Address) -> str:
        return f"{self.notation.name(address)} {self._short(self.values(address))}"

    def _short(self, value: float) -> str:
        return self.notation.number(value, DRAWN_DIGITS)


def listed(rows: Sequence[tuple[str, list[tuple[str, str]]]], width: int) -> Iterator[Text]:
    """Yield labelled pairs in rows of at most `width` cells."""
    margin = max(cell_len(label) for label, _ in rows) + 4
    for label, pairs in rows:
        for k, row in enumerate(_filled(pairs, width - margin)):
            head = f"  {label}" if k == 0 else ""
            text = Text().append(head + " " * (margin - cell_len(head)), "bptrace.layer")
            yield text.append_text(row)


def _filled(pairs: Sequence[tuple[str, str]], width: int) -> Iterator[Text]:
    """Set ``name = value`` pairs side by side, as many as fit a row of `width` cells."""
    row = Text()
    for name, value in pairs:
        pair = Text().append(name, "bptrace.quantity").append(" = ", "bptrace.edge").append(value)
        if row.cell_len and row.cell_len + 3 + pair.cell_len > width:
            yield row
            row = Text()
        row = row.append("   " if row.cell_len else "").append_text(pair)
    yield row
