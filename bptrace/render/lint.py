"""How telling an example is, for its author: shares, coincidences with better numbers, doubles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.address import Address
from bptrace.checks.lint import Lint
from bptrace.checks.lint.coincidences import ASLEEP, Coincidence, Remedy
from bptrace.checks.lint.example import Score, Slip
from bptrace.checks.mistakes import MISTAKES
from bptrace.maths.expr import Num, Op, Ref
from bptrace.notation import Notation, abbreviated
from bptrace.render.words import Words

MOST_NAMES = 6
MOST_ROWS = 6
"""Lists are cut after so many rows, unless everything is asked for."""

MOST_TERMS = 6


class LintView:
    """A Rich renderable: what `checks.lint` found out about one example.

    Parameters
    ----------
    lint : Lint
    notation : Notation
    words : Words
    everything : bool
        Show all of each list, not only its beginning.
    """

    def __init__(
        self, lint: Lint, notation: Notation, words: Words, everything: bool = False
    ) -> None:
        self.lint, self.notation, self.words = lint, notation, words
        self.most = None if everything else MOST_ROWS
        self._marked = len(lint.problem.batch(1)) > 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for indent, text in self._lines():
            plain = Text(self.notation.plain(text.plain), text.style, spans=text.spans)
            for line in plain.wrap(console, max(options.max_width - indent, 20)):
                line.rstrip()
                yield Text(" " * indent if line.plain else "").append_text(line)

    def _lines(self) -> Iterator[tuple[int, Text]]:
        """Yield indent and text of each paragraph."""
        yield 0, Text(self._headline(), "bptrace.title")
        yield from self._scores()
        yield from self._coincidences()
        yield from self._steps()
        yield from self._groups()
        yield from self._slips("lost list", self.lint.lost)
        yield from self._slips("misread list", self.lint.misread)

    def _headline(self) -> str:
        lint, words = self.lint, self.words
        printing = words("all printed" if lint.printing == "all" else "textbook printed")
        text = words("lint head", n=lint.score.total, digits=lint.digits, printing=printing)
        text += words("lint unprinted", n=lint.unprinted) if lint.unprinted else ""
        tried, steps = lint.looked_at
        return text + (words("lint sample", tried=tried, steps=steps) if tried < steps else "")

    # The score

    def _scores(self) -> Iterator[tuple[int, Text]]:
        lint = self.lint
        scores = [lint.score, *([lint.remedy.after] if lint.remedy else [])]
        labels = [self.words(f"score {name}") for name in ("lost", "confused", "misread", "bad")]
        label_width = max(map(cell_len, labels))
        yield 0, Text()
        if lint.remedy:
            heads = [self.words("as it is"), self.words("changed")]
            yield 2, Text(_row("", label_width, heads), "bptrace.layer")
        for k, label in enumerate(labels):
            cells = [f"{score[k + 1]:,} {self._share(score[k + 1], score):>8}" for score in scores]
            style = "bptrace.result" if k == 3 else "bptrace.formula"
            yield 2, Text(_row(label, label_width, cells), style)
        if lint.remedy:
            yield 2, Text(self.words("changes", changes=self._changes(lint.remedy)))
        elif not lint.searched:
            yield 2, Text(self.words("not searched"), "bptrace.remark")

    @staticmethod
    def _share(n: int, score: Score) -> str:
        return f"{100.0 * n / max(score.total, 1):.1f} %"

    def _changes(self, remedy: Remedy) -> str:
        return self.words.list(
            self.words("change", name=self.name(c.key), old=self.number(c.old),
                       new=self.number(c.new))
            for c in remedy.changes
        )  # fmt: skip

    # Coincidences

    def _coincidences(self) -> Iterator[tuple[int, Text]]:
        if self.lint.coincidences:
            yield from self._title("coincidences")
        for found in self.lint.coincidences:
            yield 2, Text(self.sentence(found))
            yield 4, Text(self.advice(found), "bptrace.claim" if found.remedy else "bptrace.remark")

    def sentence(self, found: Coincidence) -> str:
        """Return what a coincidence is."""
        kind = "vanishing" if found.kind == "neutral" and not found.value else found.kind
        return self.notation.plain(
            self.words(f"lint {kind}", names=self._names(found.keys),
                       value=self.number(found.value))
        )  # fmt: skip

    def advice(self, found: Coincidence) -> str:
        """Return what to change, and what that brings; or that nothing helps."""
        if found.remedy is None:
            tried = self.lint.searched or found.kind in ASLEEP
            return self.words("no remedy" if tried else "not searched")
        score, after = self.lint.score, found.remedy.after
        return self.notation.plain(
            self.words(
                "choose", changes=self._changes(found.remedy),
                before=self._share(score.bad, score), after=self._share(after.bad, after),
            )
        )  # fmt: skip

    # Steps and mistakes

    def _steps(self) -> Iterator[tuple[int, Text]]:
        steps = self.lint.steps[: self.most]
        if steps:
            yield from self._title("worst steps")
        width = max((cell_len(self.name(step.place)) for step in steps), default=0)
        for step in steps:
            counts = {"total": step.total, "lost": step.lost, "confused": step.confused}
            name = _padded(self.name(step.place), width)
            yield 2, Text(f"{name}  {self.words('step score', **counts)}")
        yield from self._left(len(self.lint.steps) - len(steps))

    def _groups(self) -> Iterator[tuple[int, Text]]:
        groups = self.lint.confused
        if groups:
            yield from self._title("same page")
        for group in groups[: self.most]:
            first = group[0]
            yield 2, Text(f"{self.name(first.place)} = {self.number(first.value)}")
            for text in dict.fromkeys(self._at(slip, first.place) for slip in group):
                yield 4, Text(f"· {text}")
        yield from self._left(len(groups) - len(groups[: self.most]))

    def _at(self, slip: Slip, place: Address) -> str:
        text = self.cause(slip)
        if slip.place == place:
            return text
        value = self.number(slip.value)
        return f"{self.name(slip.place)} = {value}{self.words('colon')}{text}"

    def _slips(self, title: str, slips: Sequence[Slip]) -> Iterator[tuple[int, Text]]:
        if slips:
            yield from self._title(title)
        for slip in slips[: self.most]:
            value = f"{self.name(slip.place)} = {self.number(slip.value)}"
            yield 2, Text(f"{value}{self.words('colon')}{self.cause(slip)}")
        yield from self._left(len(slips) - len(slips[: self.most]))

    def _title(self, key: str) -> Iterator[tuple[int, Text]]:
        yield 0, Text()
        yield 0, Text(self.words(key), "bptrace.phase")

    def _left(self, n: int) -> Iterator[tuple[int, Text]]:
        if n > 0:
            yield 2, Text(self.words("lint more", n=n), "bptrace.remark")

    # Texts

    def name(self, key: Address) -> str:
        """Return the name of a quantity, with its sample where the batch has several."""
        return self.notation.name(key, mark=self._marked)

    def _names(self, keys: Sequence[Address]) -> str:
        text = self.words.list(dict.fromkeys(self.name(key) for key in keys[:MOST_NAMES]))
        left = len(keys) - MOST_NAMES
        return text + (self.words("and more", n=left) if left > 0 else "")

    def number(self, value: float) -> str:
        """Return a number with the digits of the page."""
        return self.notation.number(float(f"{value:.{self.lint.digits - 1}e}"), 12)

    def cause(self, slip: Slip) -> str:
        """Return the sentence of a mistake."""
        wording = self.words.of(MISTAKES.get(slip.mistake).wordings[slip.wording])
        fields = {name: self._field(value) for name, value in slip.fields.items()}
        return self.notation.plain(wording.format(**fields))

    def _field(self, value: object) -> str:
        if isinstance(value, Address):
            return self.name(value)
        if isinstance(value, Op | Ref | Num):
            return self.notation.formula(abbreviated(value, MOST_TERMS))
        return str(value)

    # JSON

    def document(self) -> dict[str, Any]:
        """Return everything for ``--json``; quantities have their positional names."""
        lint = self.lint
        return {
            "file": lint.problem.file,
            "step": 1,
            "digits": lint.digits,
            "print": lint.printing,
            "score": lint.score._asdict(),
            "unprinted": lint.unprinted,
            "looked_at": list(lint.looked_at),
            "searched": lint.searched,
            "remedy": _remedy(lint.remedy),
            "coincidences": [self._coincidence(found) for found in lint.coincidences],
            "steps": [
                {**_quantity(step.place), **step._asdict(), "place": step.place.positional}
                for step in lint.steps
            ],
            "lost": self._documents(lint.lost),
            "confused": [self._documents(group) for group in lint.confused],
            "misread": self._documents(lint.misread),
        }

    def _coincidence(self, found: Coincidence) -> dict[str, Any]:
        return {
            "kind": found.kind,
            "quantities": [_quantity(key) for key in found.keys],
            "value": found.value,
            "sentence": self.sentence(found),
            "remedy": _remedy(found.remedy),
        }

    def _documents(self, slips: Iterable[Slip]) -> list[dict[str, Any]]:
        return [
            {
                **_quantity(slip.place),
                "mistake": slip.mistake,
                "explanation": self.cause(slip),
                "value": slip.value,
            }
            for slip in slips
        ]


def _quantity(key: Address) -> dict[str, Any]:
    return {"quantity": key.positional, "sample": key.sample or None}


def _remedy(remedy: Remedy | None) -> dict[str, Any] | None:
    if remedy is None:
        return None
    changes = [{**_quantity(c.key), "old": c.old, "new": c.new} for c in remedy.changes]
    return {"changes": changes, "score": remedy.after._asdict()}


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _row(label: str, width: int, cells: Sequence[str]) -> str:
    aligned = (" " * (16 - cell_len(cell)) + cell for cell in cells)
    return (_padded(label, width) + "".join(aligned)).rstrip()
