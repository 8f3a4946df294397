"""Tables: every number of a page, the page with a mistake mended, the pages of a class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.checks.paper import Paper
from bptrace.checks.report import Verdict
from bptrace.render.sentences import Sentences
from bptrace.render.words import Words
from bptrace.render.wrapping import wrapped

_GAP = 2
_WIDE = 100
"""From this width on the expected number of a wrong line has a column of its own."""

_NARROWEST = 20
"""Cells that a text below a row gets at least."""


class Grid:
    """Rows of cells under headings, in columns as wide as they need to be.

    Parameters
    ----------
    heads : sequence of str
    rows : sequence of sequences of Text
    right : sequence of bool
        Which columns end at the same place (numbers).
    hanging : int
        Where the last cell does not fit beside the others, it stands below them, under this
        column.
    """

    def __init__(
        self,
        heads: Sequence[str],
        rows: Sequence[Sequence[Text]],
        right: Sequence[bool],
        hanging: int = 0,
    ) -> None:
        self.heads = [Text(head, "bptrace.layer") for head in heads]
        self.rows = rows
        self.right = right
        self.hanging = hanging

    @property
    def width(self) -> int:
        """How wide it is, if no cell stands below the others."""
        return sum(self._widths()) + _GAP * (len(self.heads) - 1)

    def _widths(self) -> list[int]:
        rows = [self.heads, *self.rows]
        return [max(row[k].cell_len for row in rows) for k in range(len(self.heads))]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        rows, widths = [self.heads, *self.rows], self._widths()
        indent = sum(widths[: self.hanging]) + _GAP * self.hanging
        for row in rows:
            line = Text()
            for cell, column, right in zip(row[:-1], widths, self.right, strict=False):
                padding = " " * (column - cell.cell_len)
                line.append(padding if right else "").append_text(cell)
                line.append(("" if right else padding) + " " * _GAP)
            last = row[-1]
            if self.right[-1]:
                last = Text(" " * (widths[-1] - last.cell_len)).append_text(last)
            if not last.plain.strip() or line.cell_len + last.cell_len <= width:
                yield _trimmed(line.append_text(last))
                continue
            yield _trimmed(line)
            for piece in wrapped(last, max(width - indent, _NARROWEST)):
                yield Text(" " * indent).append_text(piece)


def _trimmed(line: Text) -> Text:
    line.rstrip()
    return line


class Numbers:
    """Every number of a page with its verdict."""

    def __init__(self, sentences: Sentences, marks: Mapping[str, Text]) -> None:
        self.say = sentences
        self.marks = marks

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words, wide = self.say.words, options.max_width >= _WIDE
        yield Text(words("every number"), "bptrace.phase")
        columns = ["line", "quantity", "printed", "exact", "expected", "verdict"]
        right = [False, True, False, True, True, True, False]
        if not wide:
            del columns[4], right[5]  # the expected number stands with the verdict
        heads = ["", *(words(f"column {name}") for name in columns)]
        rows = [self._row(verdict, wide) for verdict in self.say.report.verdicts]
        yield Grid(heads, rows, right, hanging=2)

    def _row(self, verdict: Verdict, wide: bool) -> list[Text]:
        say, claim = self.say, verdict.claim
        assert claim.printed is not None
        row = [
            self.marks[verdict.verdict],
            Text(str(claim.line), "bptrace.layer"),
            Text(say.whole_name(claim), "bptrace.quantity"),
            Text(say.notation.plain(claim.printed.text)),
            Text(say.number(verdict.exact)),
        ]
        expected = say.number(verdict.expected) if verdict.verdict == "wrong" else ""
        if wide:
            return [*row, Text(expected), self._verdict(verdict, "")]
        return [*row, self._verdict(verdict, expected)]

    def _verdict(self, verdict: Verdict, expected: str) -> Text:
        """The verdict, and from where a wrong value is carried on."""
        say, words = self.say, self.say.words
        word = words(verdict.verdict)
        if verdict.carried_from:
            word = words("carried from", names=say.roots(verdict))
        elif expected:
            word = words("wrong for", number=expected)
        text = Text(word, self.marks[verdict.verdict].style)
        if verdict.note:
            text.append(words("semicolon") + words.note(verdict.note), "bptrace.remark")
        return text


class Repair:
    """The numbers that change when the first mistake is mended, before and after."""

    def __init__(self, sentences: Sentences) -> None:
        self.say = sentences

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        say, words = self.say, self.say.words
        yield Text(words("repair"), "bptrace.phase")
        mistakes = say.report.mistakes
        if not mistakes:
            yield Text(words("repair nothing"))
            return
        changed = say.author.mended(mistakes[0])
        names = ("line", "quantity", "before", "after", "exact", "verdict")
        rows = []
        for mended in changed:
            claim = mended.verdict.claim
            assert claim.printed is not None
            rows.append([
                Text(str(claim.line), "bptrace.layer"),
                Text(say.whole_name(claim), "bptrace.quantity"),
                Text(say.notation.plain(claim.printed.text)),
                Text(say.notation.plain(mended.text.replace("-", "−")), "bptrace.result"),
                Text(say.number(mended.verdict.exact)),
                Text(words("right"), "bptrace.right") if mended.right else Text(),
            ])  # fmt: skip
        right = (True, False, True, True, True, False)
        if rows:
            yield Grid([words(f"column {name}") for name in names], rows, right)
        n = sum(mended.right for mended in changed)
        key = "repair rest" if len(changed) > 1 else "repair one"
        text = words(key, n=len(changed), right=n) if changed else words("repair none")
        yield from wrapped(Text(text, "bptrace.remark"), options.max_width)


class Classroom:
    """The pages of a class: kinds of mistake × files, and a mark for each file."""

    def __init__(self, papers: Sequence[Paper], words: Words, ascii: bool = False) -> None:
        self.papers = papers
        self.words = words
        self.ascii = ascii

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words = self.words
        clean = sum(not (p.mistakes or p.missing or p.faults) for p in self.papers)
        yield Text(words("class", files=len(self.papers), clean=clean), "bptrace.title")
        yield Text()
        for papers in self._groups(options.max_width):
            yield self._grid(papers)
            yield Text()
        faulty = [paper for paper in self.papers if paper.faults]
        if faulty:
            yield Text(words("faulty files"), "bptrace.phase")
            for paper in faulty:
                text = Text(f"  {paper.faults[0]}", "bptrace.wrong")
                if paper.faults[1:]:
                    text.append(words("and more", n=len(paper.faults) - 1))
                yield from wrapped(text, options.max_width, indent=4)
            yield Text()
        yield from wrapped(Text(words("mark rule"), "bptrace.remark"), options.max_width)

    def _groups(self, width: int) -> list[list[Paper]]:
        """Cut the class into as many tables as fit below one another."""
        room = width - max(cell_len(head) for head in self._heads()) - _GAP
        room -= cell_len(self.words("column sum")) + _GAP
        groups: list[list[Paper]] = [[]]
        used = 0
        for paper in self.papers:
            column = max(cell_len(_stem(paper)), 6) + _GAP
            if groups[-1] and used + column > room:
                groups.append([])
                used = 0
            groups[-1].append(paper)
            used += column
        return groups

    def _kinds(self) -> list[tuple[str, bool]]:
        """The kinds of mistake in the class, the most frequent first."""
        counts = Counter((m.title, m.misprint) for p in self.papers for m in p.mistakes)
        return sorted(counts, key=lambda kind: -counts[kind])

    def _heads(self) -> list[str]:
        names = ("mistakes", "missing", "numbers", "mark")
        return [*map(self._kind, self._kinds()), *(self.words(f"row {name}") for name in names)]

    def _kind(self, kind: tuple[str, bool]) -> str:
        title, misprint = kind
        return title + self.words("is misprint") if misprint else title

    def _grid(self, papers: Sequence[Paper]) -> Grid:
        heads = [self.words("kinds"), self.words("column sum"), *map(_stem, papers)]
        rows = []
        for kind in self._kinds():
            counts = [_count(paper, kind) for paper in papers]
            every = sum(_count(paper, kind) or 0 for paper in self.papers)
            rows.append(self._row(self._kind(kind), every, counts))
        rows += self._sums(papers)
        return Grid(heads, rows, [False, *[True] * (len(papers) + 1)])

    def _row(self, head: str, every: int, counts: Sequence[int | None]) -> list[Text]:
        none = "." if self.ascii else "·"
        cells = [Text("-" if n is None else str(n) if n else none) for n in counts]
        for cell in cells:
            cell.stylize("bptrace.layer" if cell.plain in ("-", none) else "bptrace.wrong")
        return [Text(head), Text(str(every)), *cells]

    def _sums(self, papers: Sequence[Paper]) -> Iterator[list[Text]]:
        words = self.words
        for name in ("mistakes", "missing"):
            counts = [None if p.faults else len(getattr(p, name)) for p in papers]
            every = sum(len(getattr(p, name)) for p in self.papers)
            yield self._row(words(f"row {name}"), every, counts)
        totals = [Text("-" if p.faults else str(p.total)) for p in papers]
        yield [Text(words("row numbers")), Text(str(sum(p.total for p in self.papers))), *totals]
        marks = [self._mark(paper) for paper in papers]
        yield [Text(words("row mark"), "bptrace.title"), Text(), *marks]

    def _mark(self, paper: Paper) -> Text:
        if paper.faults:
            return Text(self.words("faulty"), "bptrace.wrong")
        return Text(f"{paper.mark}/{paper.total}", "bptrace.result")


def _stem(paper: Paper) -> str:
    return os.path.splitext(os.path.basename(paper.file))[0]


def _count(paper: Paper, kind: tuple[str, bool]) -> int | None:
    """How often a page has a kind of mistake; None if it could not be read."""
    if paper.faults:
        return None
    return sum((m.title, m.misprint) == kind for m in paper.mistakes)
