"""The verdict on a page for a reader: the whole in one line, then each mistake with its cause.

Layout only: what is said stands in `sentences`, the table of all numbers in `table`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from bptrace.address import Address, Quantity
from bptrace.checks.report import Mistaken, Verdict
from bptrace.render.coloured import differing, pieces, stages
from bptrace.render.marks import MARKS, mark
from bptrace.render.sentences import Sentences, Worked
from bptrace.render.table import Numbers, Repair
from bptrace.render.wrapping import wrapped

ETA = Address(Quantity.ETA)
MOST_PLACES = 3
"""So many lines of one mistake are gone through in full; of the others one row each is left."""

MOST_MISTAKES = 40
MOST_ROWS = 12
MOST_EQUAL = 3
_QUOTES = str.maketrans("“”’", '""\'')
MOST_NOTES = 12
MOST_MISSING = 20


class Check:
    """A Rich renderable: the verdict on one page.

    Parameters
    ----------
    sentences : Sentences
        What is said, about which report.
    everything : bool
        Add a table of all numbers.
    repair : bool
        Add the page as it would be without its first mistake.
    name : str
        What stands before the first line, if several files are checked.
    """

    def __init__(
        self,
        sentences: Sentences,
        everything: bool = False,
        repair: bool = False,
        name: str = "",
    ) -> None:
        self.say = sentences
        self.report = sentences.report
        self.words = sentences.words
        self.ascii = sentences.notation.ascii
        self.everything = everything
        self.repair = repair
        self.name = name

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        yield from self._headline(width)
        others: list[Mistaken] = []
        misprints: list[Mistaken] = []
        for mistaken in self.report.mistakes:
            (misprints if mistaken.is_misprint else others).append(mistaken)
        yield from self._mistakes(1, others, width)
        if misprints:
            yield Text()
            yield from wrapped(Text(self.words("misprints"), "bptrace.phase"), width)
            yield from self._mistakes(len(others) + 1, misprints, width)
        yield from self._notes(width)
        yield from self._tables()

    def _tables(self) -> Iterator[RenderableType]:
        if self.everything and self.report.verdicts:
            yield Text()
            yield Numbers(self.say, {v: mark(v, self.ascii) for v in MARKS})
        if self.repair:
            yield Text()
            yield Repair(self.say)

    # The whole in one line

    def _headline(self, width: int) -> Iterator[Text]:
        line = Text()
        if self.name:
            line.append(f"{self.name}: ", "bptrace.title")
        line.append_text(self.headline())
        yield from wrapped(line, width)

    def headline(self) -> Text:
        """Return the verdict on the whole page."""
        words, counts = self.words, self.report.counts
        total, missing = sum(counts.values()), len(self.report.missing)
        line = Text()
        if not total and not missing:
            return line.append(words("nothing claimed"))
        if not total:
            return line.append(self._counted("blank", missing), "bptrace.title")
        line.append(self._counted("number", total), "bptrace.title").append(words("colon"))
        parts = self._all_right(counts["rounding"]) if self.report.ok else self._counts()
        if missing:
            parts.append(Text(words("still to be found", n=missing), "bptrace.layer"))
        line.append_text(Text(words("and")).join(parts))
        if not self.report.ok:
            line.append_text(self._origin())
        return line

    def _all_right(self, rounding: int) -> list[Text]:
        text = self.words("all right, rounding", n=rounding) if rounding else ""
        return [Text(text or self.words("all right"), "bptrace.right")]

    def _counts(self) -> list[Text]:
        return [
            Text(self.words("count", n=n, verdict=self.words(verdict)), MARKS[verdict].style)
            for verdict, n in self.report.counts.items()
            if n
        ]

    def _origin(self) -> Text:
        """From how many mistakes, and where the first is."""
        words, mistakes = self.words, self.report.mistakes
        first = self.report.first_mistake
        text = Text(words("and"))
        text.append(self._counted("from mistake", len(mistakes)), "bptrace.title")
        misprints = sum(mistaken.is_misprint for mistaken in mistakes)
        if len(mistakes) == 1 and misprints:
            text.append(words("is misprint"))
        elif misprints:
            text.append(self._counted("of which misprint", misprints))
        if first is not None:
            several = len(mistakes) > 1
            name, place = self.say.claim(first.claim), self._line_and_step(first)
            text.append(words("semicolon" if several else "comma"))
            text.append(words("the first is at" if several else "it is at", name=name, place=place))
        return text

    def _line_and_step(self, verdict: Verdict) -> str:
        place = self.words("line", line=verdict.claim.line)
        if not self.say.several_steps:
            return place
        step = self.words("in step", step=verdict.claim.step)
        return f"{step}{self.words('comma')}{place}"

    def _counted(self, key: str, n: int) -> str:
        return self.words(key) if n == 1 else self.words(f"{key}s", n=n)

    # One mistake

    def _mistakes(self, n: int, mistakes: Sequence[Mistaken], width: int) -> Iterator[Text]:
        """Yield mistakes, numbered from `n`; unexplained ones in a row under one heading."""
        for explained, group in groupby(
            mistakes[:MOST_MISTAKES], lambda m: m.first.certainty != "unexplained"
        ):
            together = list(group)
            if explained:
                for k, mistaken in enumerate(together):
                    yield from self._mistake(f"{n + k}", mistaken, width)
            else:
                verdicts = tuple(v for mistaken in together for v in mistaken.verdicts)
                last = n + len(together) - 1
                number = f"{n}" if n == last else self.say.notation.plain(f"{n}–{last}")
                yield from self._mistake(number, Mistaken(verdicts), width)
            n += len(together)
        if len(mistakes) > MOST_MISTAKES:
            yield Text()
            more = self.words("more mistakes", n=len(mistakes) - MOST_MISTAKES)
            yield from wrapped(Text(more, "bptrace.remark"), width)

    def _mistake(self, number: str, mistaken: Mistaken, width: int) -> Iterator[Text]:
        yield Text()
        yield self._heading(number, mistaken, width)
        for verdict in mistaken.verdicts[:MOST_PLACES]:
            yield Text()
            yield from self._line(verdict, width)
        rest = mistaken.verdicts[MOST_PLACES:]
        if rest:
            yield Text()
        for verdict in rest[:MOST_ROWS]:
            yield from self._short(verdict, width)
        if len(rest) > MOST_ROWS:
            yield Text(f"  {self.words('and more', n=len(rest) - MOST_ROWS).strip()}")
        hint = self.say.hint(mistaken)
        if hint:
            yield Text()
            yield from self._labelled("hint", Text(hint, "bptrace.remark"), width)

    def _heading(self, number: str, mistaken: Mistaken, width: int) -> Text:
        line = "-" if self.ascii else "─"
        title = f"{number}. {self.say.title(mistaken)}"
        if len(mistaken.verdicts) > 1:
            title += f"{self.words('comma')}{self.words('places', n=len(mistaken.verdicts))}"
        sure = self.words(mistaken.first.certainty)
        rest = max(width - cell_len(title) - cell_len(sure) - 5, 2)
        text = Text(title, "bptrace.phase").append(f" {line * rest} ", "bptrace.edge")
        return text.append(sure, "bptrace.title").append(f" {line}", "bptrace.edge")

    def _line(self, verdict: Verdict, width: int) -> Iterator[Text]:
        """Yield one wrong line: where, what stands there, what should, why, and what follows."""
        say, claim = self.say, verdict.claim
        assert claim.printed is not None
        yield self._where(verdict, width)
        printed = Text(say.notation.plain(claim.printed.text), "bptrace.wrong")
        yield from self._labelled("printed", printed, width)
        yield from self._should(verdict, width)
        unexplained = verdict.certainty == "unexplained"
        if not unexplained:
            why = Text(say.sentence(verdict) or "", "bptrace.title")
            yield from self._labelled("cause", why, width)
        yield from self._compared(verdict, width)
        if not unexplained:
            yield from self._labelled("sure", Text(say.certainty(verdict)), width)
            yield from self._other_causes(verdict, width)
        for operand in verdict.operands:
            yield from self._labelled("operands", Text(say.operand(verdict, operand)), width)
        yield from self._consequences(verdict, width)

    def _where(self, verdict: Verdict, width: int) -> Text:
        row = Text("  ").append_text(mark("wrong", self.ascii)).append(" ")
        row.append(self.say.whole_name(verdict.claim), "bptrace.highlight")
        place = self.where(verdict)
        gap = width - row.cell_len - cell_len(place)
        return row.append(" " * gap if gap > 1 else "  ").append(place, "bptrace.layer")

    def where(self, verdict: Verdict) -> str:
        """Return file, line, and the author's number of the equation."""
        claim, file = verdict.claim, self.report.problem.file
        place = f"{file}:{claim.line}" if file else self.words("line", line=claim.line)
        if claim.eq:
            place += f"{self.words('comma')}{self.words('equation', eq=claim.eq)}"
        return self.say.notation.plain(place)

    def _should(self, verdict: Verdict, width: int) -> Iterator[Text]:
        say = self.say
        expected, exact = say.number(verdict.expected), say.number(verdict.exact)
        assert verdict.claim.printed is not None
        if abs(verdict.expected - verdict.exact) <= 0.5 * verdict.claim.printed.ulp:
            yield from self._labelled("expected", Text(expected, "bptrace.right"), width)
            return
        own = Text(self.words("from own numbers", number=expected))
        own.stylize("bptrace.right", 0, len(expected))
        yield from self._labelled("expected", own, width)
        true = Text(self.words("exact only", number=exact))
        yield from self._labelled("exact", true, width)

    def _compared(self, verdict: Verdict, width: int) -> Iterator[Text]:
        """Yield the formula as it was evidently computed above the right one."""
        pair = self.say.comparison(verdict)
        if pair is None:
            return
        evident, right = pair
        yield from self._worked("evident", evident, right, "bptrace.wrong", width)
        yield from self._worked("right", right, evident, "bptrace.right", width)
        outcome = self.say.outcome(verdict)
        if outcome:
            yield from self._labelled("so", Text(outcome, "bptrace.formula"), width)

    def _worked(
        self, label: str, worked: Worked, other: Worked, style: str, width: int
    ) -> Iterator[Text]:
        """Yield one formula: in one row if both fit, aligned; else symbols, numbers, result."""
        room = width - self._margin - cell_len(worked.left) - 3
        ours = stages(worked)
        pairs = list(zip(ours, stages(other), strict=True))
        if all(a == b == "" for a, b in pairs[1:2]):
            pairs.pop(1)
        columns = [max(cell_len(a), cell_len(b)) for a, b in pairs]
        name = Text(f"{worked.left} = ", "bptrace.quantity")
        if sum(columns) + 3 * (len(columns) - 1) <= room:
            row = name
            for k, (stage, counterpart) in enumerate(pairs):
                last = k == len(pairs) - 1
                row.append_text(differing(stage, counterpart, style))
                if not last:
                    row.append(" " * (columns[k] - cell_len(stage))).append(" = ", "bptrace.edge")
            yield self._label(label).append_text(row)
            return
        head = self._label(label)
        for stage, counterpart in pairs:
            if not stage:
                continue
            coloured = differing(stage, counterpart, style)
            for k, piece in enumerate(pieces(coloured, max(room, 12))):
                row = head.append_text(name)
                yield row.append_text(Text("  ") + piece if k else piece)
                head, indent = Text(" " * self._margin), " " * cell_len(worked.left)
                name = Text(indent + "   ")
            name = Text(" " * cell_len(worked.left) + " = ", "bptrace.edge")

    def _other_causes(self, verdict: Verdict, width: int) -> Iterator[Text]:
        equals = self.say.equals(verdict)
        if equals:
            texts = self._few(equals)
            apart = self.say.told_apart(verdict)
            if apart:
                texts.append(self.words("tell apart", name=apart))
            yield from self._listed("equal", texts, width)
        rivals = self.say.rivals(verdict)
        if rivals:
            yield from self._listed("rivals", self._few(rivals), width)

    def _few(self, texts: Sequence[str]) -> list[str]:
        """The first texts of a list; of the others only how many there are."""
        few = [*texts[:MOST_EQUAL]]
        if len(texts) > MOST_EQUAL:
            few[-1] += self.words("and more", n=len(texts) - MOST_EQUAL)
        return few

    def _listed(self, label: str, texts: Sequence[str], width: int) -> Iterator[Text]:
        """Yield texts below one another, the label beside the first."""
        for k, text in enumerate(texts):
            rows = list(self._labelled(label, Text(text), width))
            if k:
                rows[0] = Text(" " * self._margin) + rows[0][self._label_length(label) :]
            yield from rows

    def _label_length(self, label: str) -> int:
        return len(self._label(label).plain)

    def _consequences(self, verdict: Verdict, width: int) -> Iterator[Text]:
        say, place = self.say, self.say.place(verdict)
        if verdict.used:
            names = Text(say.keys(verdict.used, place), "bptrace.carried")
            yield from self._labelled("used", names, width)
        if verdict.unused:
            text = self.words("uses right", names=say.keys(verdict.unused, place))
            yield from self._labelled("unused", Text(text), width)

    def _short(self, verdict: Verdict, width: int) -> Iterator[Text]:
        """Yield one more line of a mistake in a single row."""
        claim = verdict.claim
        assert claim.printed is not None
        row = Text("  ").append_text(mark("wrong", self.ascii)).append(" ")
        row.append(self.say.whole_name(claim), "bptrace.highlight").append("  ")
        row.append(self.say.notation.plain(claim.printed.text), "bptrace.wrong")
        row.append(f"  {self.words('label expected')} ")
        row.append(self.say.number(verdict.expected), "bptrace.right")
        row.append(f"  {self.where(verdict)}", "bptrace.layer")
        yield from wrapped(row, width, indent=4)

    # Notes

    def _notes(self, width: int) -> Iterator[Text]:
        notes = [*self._reading(), *self._line_notes(), *self._missing()]
        if not notes:
            return
        yield Text()
        yield Text(self.words("notes"), "bptrace.phase")
        for note in notes[:MOST_NOTES]:
            yield from wrapped(Text("  ").append(self._plain(note)), width, indent=4)
        if len(notes) > MOST_NOTES:
            yield Text(f"  {self.words('and more', n=len(notes) - MOST_NOTES).strip()}")

    def _plain(self, text: str) -> str:
        text = self.say.notation.plain(text)
        return text.translate(_QUOTES) if self.ascii else text

    def _reading(self) -> Iterator[str]:
        """A reading of the whole page under which fewer lines are wrong."""
        reading = self.report.reading
        if reading is None:
            return
        everywhere = reading.name.startswith("everywhere")
        yield self.words(
            "note everywhere" if everywhere else "note reading",
            title=self.words.of(reading.title),
            wrong=self._wrong_lines(self.report.reading_wrong),
            stated=self.report.counts["wrong"],
        )

    def _wrong_lines(self, n: int) -> str:
        if n == 0:
            return self.words("no wrong line")
        return self._counted("wrong line", n)

    def _line_notes(self) -> Iterator[str]:
        for verdict in self.report.verdicts:
            name = self.say.whole_name(verdict.claim)
            notes = []
            if verdict.verdict != "wrong":
                key = "note operand right" if verdict.verdict == "right" else "note operand"
                texts = [self.say.operand(verdict, operand) for operand in verdict.operands]
                notes += [self.words(key, name=name, text=text) for text in texts]
            if verdict.note == "given twice" or self._is_odd(verdict):
                notes.append(self.words(f"note {verdict.note}", name=name))
            usual = self.report.problem.training.learning_rate
            if verdict.claim.learning_rate not in (None, usual):
                rate = f"{self.say.notation.name(ETA)} = {verdict.claim.learning_rate:g}"
                notes.append(self.words("note rate", name=name, rate=rate))
            line = self.words("line", line=verdict.claim.line)
            yield from (f"{line}{self.words('comma')}{note}" for note in notes)

    def _is_odd(self, verdict: Verdict) -> bool:
        """Whether a right line does not follow, and no wrong one before it explains why."""
        odd = verdict.note == "does not follow"
        return odd and verdict.key not in self.report.right_after_all

    def _missing(self) -> Iterator[str]:
        missing = self.report.missing
        if missing and self.report.verdicts:
            names = [self.say.whole_name(claim) for claim in missing[:MOST_MISSING]]
            text = self.words("note missing", names=self.words.list(names))
            if len(missing) > MOST_MISSING:
                text += self.words("and more", n=len(missing) - MOST_MISSING)
            yield text

    # Small change

    @property
    def _margin(self) -> int:
        labels = ("printed", "expected", "exact", "cause", "evident", "right", "so", "sure",
                  "equal", "rivals", "operands", "used", "unused", "hint")  # fmt: skip
        return 4 + max(cell_len(self.words(f"label {label}")) for label in labels) + 2

    def _label(self, label: str) -> Text:
        text = self.words(f"label {label}")
        padding = " " * (self._margin - 4 - cell_len(text))
        return Text("    ").append(text + padding, "bptrace.layer")

    def _labelled(self, label: str, text: Text, width: int) -> Iterator[Text]:
        rows = wrapped(text, max(width - self._margin, 20))
        for k, row in enumerate(rows):
            head = self._label(label) if k == 0 else Text(" " * self._margin)
            yield head.append_text(row)
