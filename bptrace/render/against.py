"""Somebody else's gradients, judged (`bptrace gradcheck --against`): the worst, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.address import Address
from bptrace.checks.arrays.mistaken import Mistaken
from bptrace.checks.foreign.against import Against, Element
from bptrace.checks.foreign.layouts import Note
from bptrace.checks.foreign.patterns import Pattern
from bptrace.checks.foreign.roundings import FLOAT64
from bptrace.checks.mistakes import MISTAKES
from bptrace.maths.expr import Num, Op, Ref
from bptrace.notation import Notation, abbreviated
from bptrace.notation.text import write
from bptrace.render.against_words import NOTES, PATTERNS, SAID, WHAT
from bptrace.render.table import Grid
from bptrace.render.words import Words
from bptrace.render.wrapping import wrapped

MOST_ROWS = 12
"""So many gradients are printed, the worst first, unless all are asked for."""

MOST_PATTERNS = 8
MOST_TERMS = 6

NEARLY = 1e-5
"""A factor that is so near to another, relative to it, is that one; float32 has 6·10⁻⁸."""

MOST_NAMES = 6

_MARKS = {
    "agrees": ("✓", "ok", "bptrace.right"),
    "differs": ("✗", "x", "bptrace.wrong"),
    "undecided": ("?", "?", "bptrace.carried"),
}


class Sentences:
    """What is said about somebody else's gradients, in one language and one dialect."""

    def __init__(self, found: Against, notation: Notation, words: Words) -> None:
        self.found, self.notation, self.words = found, notation, words

    def _say(self, pair: tuple[str, str], /, **fields: object) -> str:
        return self.notation.plain(self.words.of(pair).format(**fields))

    def said(self, name: str, /, **fields: object) -> str:
        """Return one of the sentences of `SAID`."""
        return self._say(SAID[name], **fields)

    def heading(self, file: str) -> str:
        """Return whose gradients these are, and of which type."""
        name = "of file" if file else "given"
        return self.said(name, file=file, type=self.found.arithmetic.name)

    def _where(self, layers: Sequence[int]) -> str:
        return self.said("in layers", layers=self._layers(layers)) if layers else ""

    def _layers(self, layers: Sequence[int]) -> str:
        """Return "layer 1" or "layers 1, 2"; in Chinese the numbers alone."""
        listed = self.words.list(map(str, layers))
        if self.words.language == "zh":
            return listed
        return f"layer{'s' * (len(layers) > 1)} {listed}"

    def note(self, note: Note) -> str:
        """Return how the arrays were read."""
        return self._say(NOTES[note.name], where=self._where(note.layers), detail=note.detail)

    def patterns(self) -> list[str]:
        """Return what wrong gradients have in common; the same in several layers is one thing."""
        groups: dict[object, list[Pattern]] = {}
        for k, pattern in enumerate(self.found.patterns):
            alike = pattern.name, pattern.what, pattern.factor and f"{pattern.factor:.6g}"
            mergeable = self._is_whole(pattern) and pattern.name not in ("single", "order")
            groups.setdefault(alike if mergeable else k, []).append(pattern)
        return [self.pattern(same[0], [p.layer for p in same]) for same in groups.values()]

    def _is_whole(self, pattern: Pattern) -> bool:
        """Whether a pattern is of all rows or columns of its layer, or of none in particular."""
        if pattern.what not in ("rows", "columns"):
            return True
        widths = self.found.point.problem.network.widths
        of = pattern.layer - (pattern.what == "columns")
        return len(pattern.places) == widths[of] > 1

    def pattern(self, pattern: Pattern, layers: Sequence[int]) -> str:
        """Return one thing that wrong gradients of some layers have in common."""
        name = pattern.name
        if f"{name} {pattern.what}" in PATTERNS:
            name = f"{name} {pattern.what}"
        order = self.words.list(map(str, pattern.places[:MOST_NAMES]))
        if len(pattern.places) > MOST_NAMES:
            order += " …"
        factor = "" if pattern.factor is None else self.number(float(f"{pattern.factor:.6g}"))
        return self._say(
            PATTERNS[name],
            what=self._what(pattern, layers), factor=factor, n=f"{pattern.number:,}", order=order,
        )  # fmt: skip

    def _what(self, pattern: Pattern, layers: Sequence[int]) -> str:
        where, l = self._layers(layers), pattern.layer
        if pattern.what not in ("rows", "columns"):
            return self._say(WHAT[pattern.what], layers=where)
        if pattern.name == "order" or self._is_whole(pattern):
            return self._say(WHAT[f"all {pattern.what}"], layers=where)
        layer = l if pattern.what == "rows" else l - 1
        names = [self.notation.neuron_or_output(layer, j) for j in pattern.places[:MOST_NAMES]]
        listed = self.words.list(names) + " …" * (len(pattern.places) > MOST_NAMES)
        kind = pattern.what if len(pattern.places) > 1 else pattern.what[:-1]
        return self._say(WHAT[kind], names=listed, layers=where)

    def cause(self, made: Mistaken, first: bool = True) -> str:
        """Return which mistake explains the gradients, and where it is made."""
        name = self.notation.name(made.place._replace(sample=0))
        where = self.said("everywhere", name=name)
        if made.layers and not made.everywhere:
            where = self.said("some layers", name=name, layers=self._layers(made.layers))
        if not made.wording:
            where = ""
        return self.said("cause" if first else "rival", cause=self.explanation(made), where=where)

    def explanation(self, made: Mistaken) -> str:
        """Return the mistake alone."""
        if not made.wording:
            return self._say(made.title)
        pair = MISTAKES.get(made.mistake).wordings[made.wording]
        return self._say(pair, **{name: self._field(v) for name, v in made.fields.items()})

    def _field(self, value: object) -> str:
        if isinstance(value, Address):
            return self.notation.name(value)
        if isinstance(value, Op | Ref | Num):
            text = write(abbreviated(value, MOST_TERMS), self.notation.name)
            return self.notation.plain(text)
        return str(value)

    def hint(self, made: Mistaken) -> str:
        """Return what to tell who made it; "" for a convention."""
        return self._say(MISTAKES.get(made.mistake).hint) if made.mistake in MISTAKES else ""

    def number(self, value: float) -> str:
        """Return a number with as many digits as a table holds."""
        return self.notation.plain(f"{value:.9g}".replace("-", "−"))

    def verdict(self, element: Element) -> str:
        """Return the verdict on one gradient."""
        if element.verdict == "agrees":
            if self.found.arithmetic is FLOAT64:
                return self.notation.plain(self.words("agrees"))
            return self.said("agrees within", type=self.found.arithmetic.name)
        if element.verdict == "undecided":
            return self.said("undecided")
        if not abs(element.theirs) < float("inf"):
            return self.said("not finite")
        if element.factor is None:
            return self.notation.plain(self.words("differs"))
        return self.said("times", factor=self.number(float(f"{element.factor:.4g}")))

    def all(self) -> Iterator[str]:
        """Yield everything but the single gradients: counts, notes, patterns, causes."""
        found, words = self.found, self.words
        counts = {name: f"{n:,}" for name, n in found.counts.items()}
        total = f"{sum(found.counts.values()):,}"
        yield self.notation.plain(words("gradients judged", n=total, **counts))
        yield from (self.note(note) for note in found.notes)
        patterns = self.patterns()
        yield from patterns[:MOST_PATTERNS]
        if len(patterns) > MOST_PATTERNS:
            yield self.said("more", n=len(patterns) - MOST_PATTERNS)
        yield from self._steps()
        for k, made in enumerate(found.causes):
            yield self.cause(made, first=k == 0)
            if k == 0 and (hint := self.hint(made)):
                yield hint
        is_told = found.causes or any(self._steps())
        if not is_told and any(p.name != "not finite" for p in found.patterns):
            yield self.said("no cause")

    def _steps(self) -> Iterator[str]:
        """Say so if the factor of all gradients is that of a step of gradient descent."""
        rate = self.found.point.problem.training.learning_rate
        for pattern in self.found.patterns:
            factor = pattern.factor if pattern.what == "all" else None
            if factor and rate and abs(factor + rate) < NEARLY * rate:
                yield self.said("steps", factor=self.number(-rate))


class AgainstView:
    """A Rich renderable: the worst gradients, what they have in common, and the cause.

    Parameters
    ----------
    found : Against
    notation : Notation
    words : Words
    file : str
        Where the gradients are from; "" for none.
    only : collection of (int, int)
        Layer and neuron of what is printed; empty: all.
    everything : bool
        Print all rows.
    """

    def __init__(
        self,
        found: Against,
        notation: Notation,
        words: Words,
        file: str = "",
        only: Collection[tuple[int, int]] = (),
        everything: bool = False,
    ) -> None:
        self.found, self.notation, self.file = found, notation, file
        self.only, self.everything = only, everything
        self.say, self.words = Sentences(found, notation, words), words

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        problem, width = self.found.point.problem, options.max_width
        if problem.title:
            yield from self._lines(problem.title, "bptrace.title", width)
        heading = " · ".join([*self._where(), self.say.heading(self.file)])
        yield from self._lines(heading, "bptrace.phase", width)
        yield Text()
        elements = self.found.worst_first(self.only)
        shown = elements if self.everything or self.only else elements[:MOST_ROWS]
        yield from self._table(shown)
        if len(shown) < len(elements):
            left = self.say.said("left out", n=f"{len(elements) - len(shown):,}")
            yield from self._lines(left, "bptrace.remark", width)
        for sentence in self.say.all():
            yield from self._lines(sentence, "bptrace.remark", width)

    def _where(self) -> Iterator[str]:
        """Yield of which step, and of what in it."""
        point = self.found.point
        yield self.words("step", step=point.step)
        if len(point.samples) > 1:
            yield self.words(f"{point.problem.training.reduction} over the batch")
        elif len(point.problem.samples) > 1 or point.samples != (1,):
            yield self.words("sample", sample=point.samples[0])

    def _lines(self, text: str, style: str, width: int) -> Iterator[Text]:
        yield from wrapped(Text(self.notation.plain(text), style), width)

    def _table(self, elements: Sequence[Element]) -> Iterator[Any]:
        if not elements:
            return
        heads = [
            self.words("column quantity"),
            self.say.said("column theirs"),
            self.say.said("column right"),
            "+-" if self.notation.ascii else self.words("column bound"),
            self.words("column verdict"),
        ]
        right = [False, False, True, True, True, False]
        yield Grid(["", *heads], [self._row(e) for e in elements], right, hanging=2)
        yield Text()

    def _row(self, element: Element) -> list[Text]:
        unicode, ascii, style = _MARKS[element.verdict]
        bound = f"{element.bound:.0e}" if element.bound else "0"
        texts = (
            self.notation.name(element.address),
            self.say.number(element.theirs),
            self.say.number(element.right),
            self.notation.plain(bound),
        )
        cells = [Text(text) for text in texts]
        cells[0].stylize("bptrace.quantity")
        mark = Text(ascii if self.notation.ascii else unicode, style)
        return [mark, *cells, Text(self.say.verdict(element), style)]


def document(
    found: Against, elements: Sequence[Element], notation: Notation, words: Words, file: str
) -> dict[str, Any]:
    """Return the object that ``gradcheck --against --json`` prints."""
    say = Sentences(found, notation, words)
    return {
        "against": file,
        "step": found.point.step,
        "arithmetic": found.arithmetic.name,
        "summary": found.counts,
        "notes": [
            {"note": n.name, "layers": list(n.layers), "text": say.note(n)} for n in found.notes
        ],
        "patterns": [
            {
                "pattern": p.name,
                "of": p.what,
                "layer": p.layer or None,
                "places": list(p.places),
                "factor": p.factor,
                "gradients": p.number,
                "text": say.pattern(p, [p.layer]),
            }
            for p in found.patterns
        ],
        "causes": [
            {
                "mistake": made.mistake,
                "place": made.place.positional,
                "layers": list(made.layers),
                "everywhere": made.everywhere,
                "explanation": say.explanation(made),
            }
            for made in found.causes
        ],
        "gradients": [
            {
                "name": e.address.positional,
                "gradient": e.theirs if abs(e.theirs) < float("inf") else str(e.theirs),
                "right": e.right,
                "bound": e.bound,
                "verdict": e.verdict,
                "factor": e.factor,
            }
            for e in elements
        ],
    }
