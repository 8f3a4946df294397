"""What came of a training run: why it ended, E and right answers before and after, parameters.

Layout only: the numbers come from `training`, names from `notation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, isnan

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bptrace import engine as engines
from bptrace.address import Address, Quantity
from bptrace.notation import Notation, abbreviated
from bptrace.printed import format_number
from bptrace.render.boundary import Boundary
from bptrace.render.calculation import BARS, MOST_TERMS
from bptrace.render.curves import Curve
from bptrace.render.header import MOST_GIVEN, Header
from bptrace.render.lines import Block, Line
from bptrace.render.progress import percentage
from bptrace.render.words import Words
from bptrace.render.wrapping import without_padding, wrapped
from bptrace.training.epochs import Epoch
from bptrace.training.loop import test_samples
from bptrace.training.pictures import history
from bptrace.training.records import Outcome
from bptrace.training.score import Score
from bptrace.training.stop import Reason

MOST_CLASSES = 10
"""With more classes than this their table is left out."""

LONGEST = 12
"""Cells of a class's name in the head of a table."""


class Trained:
    """A Rich renderable: the report on a training run.

    Parameters
    ----------
    outcome : Outcome
    notation : Notation
    words : Words
    digits : int
        Decimals of long numbers.
    """

    def __init__(
        self, outcome: Outcome, notation: Notation, words: Words, digits: int = 10
    ) -> None:
        self.outcome, self.notation, self.words, self.digits = outcome, notation, words, digits
        self.problem = outcome.problem

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        trace = engines.go_on(self.problem, engines.start(self.problem), 0, "python", log=True)
        yield from Header(trace, self.notation, self.words, self.digits).title(width)
        yield from self._facts(width)
        yield from self._diverged(width)
        yield from self._pictures()
        yield from self._tables(width)
        yield from self._parameters(width)

    # Facts

    def _facts(self, width: int) -> Iterator[Text]:
        facts = [(self.words("label ended"), [f"{self.ended()}{self.words('colon')}{self.why()}"])]
        before, after = self.outcome.before, self.outcome.after
        for label, old, new in (
            ("label train", before.train, after.train),
            ("label test", before.test, after.test),
        ):
            if old is not None and new is not None:
                facts.append((self.words(label), self._score(old, new)))
        if isfinite(self.outcome.epoch_error) and Epoch.of(self.problem).steps > 1:
            error = f"{self._error_name} = {self._number(self.outcome.epoch_error)}"
            error += self.words("before each update")
            facts.append((self.words("label epoch"), [error]))
        margin = max(cell_len(label) for label, _ in facts) + 3
        for label, rows in facts:
            head = f" {label}" + " " * (margin - 1 - cell_len(label))
            for text in rows:
                for row in wrapped(Text(self._plain(text)), width - margin, indent=2):
                    yield Text(self._plain(head), "bptrace.layer").append_text(row)
                    head = " " * margin
        yield Text()

    def ended(self) -> str:
        """Return after how many steps training ended."""
        outcome = self.outcome
        steps, per_epoch = outcome.state.steps, Epoch.of(self.problem).steps
        if outcome.reason is not Reason.DONE:
            text = self.words("steps done of", steps=steps, planned=outcome.planned)
        else:
            text = self.words("step done" if steps == 1 else "steps done", steps=steps)
        if per_epoch > 1:
            text += self.words("epochs done", epochs=steps / per_epoch)
        return text

    def why(self) -> str:
        """Return why training ended."""
        stop = self.outcome.stop
        reason = self.outcome.reason.value
        step = self.outcome.state.steps + 1
        return self.words(f"why {reason}", error=stop.error, patience=stop.patience, step=step)

    def _score(self, before: Score, after: Score) -> list[str]:
        rows = []
        if not isnan(before.error):
            change = self.became(self._number(before.error), self._number(after.error))
            text = f"{self._error_name} = {change}"
            if after.samples > 1:
                text += self.words("mean of samples", n=after.samples)
            rows.append(text)
        if after.right is not None:
            old, new = (self._right(score) for score in (before, after))
            rows.append(self.became(old, new) if self.outcome.state.steps else new)
        return rows

    def _right(self, score: Score) -> str:
        share = percentage(score.right, score.samples)
        return self.words("right of", right=score.right, n=score.samples, share=share)

    def became(self, before: str, after: str) -> str:
        """Return two texts with an arrow between them."""
        return f"{before} {'->' if self.notation.ascii else '→'} {after}"

    @property
    def _error_name(self) -> str:
        return self.notation.name(Address(Quantity.E))

    # The first number that is not finite

    def _diverged(self, width: int) -> Iterator[Text]:
        found = self.outcome.diverged
        if found is None:
            return
        address, values = found.address, found.trace.values()
        name, value = self.notation.name(address, mark=True), self._number(found.value)
        text = self.words("diverged", step=address.step, name=name, value=value)
        yield Text(" " + self._plain(text), "bptrace.wrong")
        yield Text()
        equation = found.trace.chapter.equation(address)
        if equation is not None:
            chapter = found.trace.chapter
            expr = abbreviated(self.notation.shown(equation, chapter).expr, MOST_TERMS)
            numbers = self.notation.numbers(expr, values, self.digits)
            line = Line(self.notation.name(address), self.notation.formula(expr), numbers, value)
            mark = self.notation.neuron_or_output(address.layer, address.neuron or 1)
            bar = BARS[self.notation.ascii]
            yield from Block(mark if address.layer else "", [line], cell_len(mark), bar).rows(width)
            yield Text()
        rate = self.problem.training.learning_rate
        hint = Text(self._plain(self.words("diverged hint", rate=rate)), "bptrace.remark")
        for row in wrapped(hint, width - 2):
            yield Text(" ").append_text(row)
        yield Text()

    # Pictures

    def _pictures(self) -> Iterator[Curve | Boundary | Text]:
        """E over time, and what the network answers over its two inputs."""
        known = history(self.outcome)
        if len(known.errors) > 1:
            yield Curve(
                known.errors, self.words, known.steps, known.unit,
                ascii=self.notation.ascii, label=self._error_name,
            )  # fmt: skip
            yield Text()
        if self.outcome.classes is not None and self.problem.network.widths[0] == 2:
            test = test_samples(self.problem)
            yield Boundary(self.outcome.trained, self.words, test, ascii=self.notation.ascii)
            yield Text()

    # Classes

    def _tables(self, width: int) -> Iterator[Text]:
        classes = self.outcome.classes
        if classes is None or len(classes.names) > MOST_CLASSES:
            return
        after = self.outcome.after
        for title, score in (
            ("classes by answer", after.train),
            ("classes by answer, test", after.test),
        ):
            if score is not None:
                yield Text(" " + self._plain(self.words(title)), "bptrace.phase")
                yield from self._table(classes.names, score.table)
                yield Text()

    def _table(self, names: Sequence[str], table: Sequence[Sequence[int]]) -> Iterator[Text]:
        names = [_cut(self._plain(name)) for name in names]
        counts = [[f"{count:,}" for count in row] for row in table]
        widths = [
            max(cell_len(name), *(len(row[c]) for row in counts)) for c, name in enumerate(names)
        ]
        margin = max(map(cell_len, names))
        cells = zip(names, widths, strict=True)
        head = "".join("  " + " " * (w - cell_len(name)) + name for name, w in cells)
        yield Text(" " * (margin + 3) + head, "bptrace.layer")
        for r, (name, row) in enumerate(zip(names, counts, strict=True)):
            line = Text("   " + " " * (margin - cell_len(name)) + name, "bptrace.layer")
            for c, (count, w) in enumerate(zip(row, widths, strict=True)):
                style = "bptrace.right" if r == c else "bptrace.wrong" if count != "0" else ""
                line.append("  " + count.rjust(w), style)
            yield line

    # Parameters

    def _parameters(self, width: int) -> Iterator[Text]:
        if self.problem.layout.n_parameters > MOST_GIVEN:
            return
        trained = self.outcome.trained
        trace = engines.go_on(trained, engines.start(trained), 0, "python", log=True)
        yield Text(" " + self._plain(self.words("trained parameters")), "bptrace.phase")
        yield from Header(trace, self.notation, self.words, self.digits).parameters(width)

    # Small change

    def _number(self, value: float) -> str:
        return self.notation.number(value, self.digits)

    def _plain(self, text: str) -> str:
        return self.notation.plain(text)


def _cut(name: str) -> str:
    return name if cell_len(name) <= LONGEST else name[: LONGEST - 1] + "."


class Compared:
    """A Rich renderable: several networks that were trained in the same way, one row each.

    Parameters
    ----------
    rows : sequence of (str, Outcome)
        What tells the network from the others, and what came of it.
    notation : Notation
    words : Words
    digits : int
        Significant digits of E.
    """

    def __init__(
        self, rows: Sequence[tuple[str, Outcome]], notation: Notation, words: Words, digits: int = 4
    ) -> None:
        self.rows, self.notation, self.words, self.digits = rows, notation, words, digits

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heads = [self.words(f"label {key}") for key in ("hidden", "steps", "error", "train")]
        cells = [self._cells(name, outcome) for name, outcome in self.rows]
        if any(outcome.after.test for _, outcome in self.rows):
            heads.append(self.words("label test"))
        heads.append(self.words("label ended"))
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for k, head in enumerate(heads):
            table.add_column(
                Text(self.notation.plain(head), "bptrace.layer"),
                justify="right" if k < 2 else "left",
                overflow="fold",
            )
        for row in cells:
            table.add_row(*(Text(self.notation.plain(cell)) for cell in row))
        for line in console.render_lines(table, options, pad=False):
            yield from without_padding(line)
            yield Segment.line()

    def _cells(self, name: str, outcome: Outcome) -> list[str]:
        report = Trained(outcome, self.notation, self.words)
        before, after = outcome.before, outcome.after
        cells = [name, f"{outcome.state.steps:,}"]
        if before.train is not None and after.train is not None:
            old, new = (self._number(score.error) for score in (before.train, after.train))
            cells.append(report.became(old, new))
        for score in (after.train, after.test):
            if score is not None:
                known = score.right is not None
                cells.append(percentage(score.right, score.samples) if known else "")
        return [*cells, report.why()]

    def _number(self, value: float) -> str:
        return format_number(value, self.digits, "significant", unicode=not self.notation.ascii)
