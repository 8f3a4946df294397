"""Gradients and what differences say of them (`bptrace gradcheck`): one row each."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from heapq import nlargest
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.checks.certified import Certificate
from bptrace.checks.gradients import Element, GradientCheck
from bptrace.notation import Notation
from bptrace.render.table import Grid
from bptrace.render.words import Words
from bptrace.render.wrapping import wrapped

MOST_ROWS = 80
"""Of more gradients only those are printed that do not agree, and the least certain one."""

NARROW = 72
"""Below this width the table has fewer columns."""

_COLUMNS = ("quantity", "gradient", "differences", "bound", "digits", "ulp", "verdict")

_MARKS = {
    "agrees": ("✓", "ok", "bptrace.right"),
    "differs": ("✗", "x", "bptrace.wrong"),
    "undecided": ("?", "?", "bptrace.carried"),
}


class GradientView:
    """A Rich renderable: the table, and what it comes to.

    Parameters
    ----------
    check : GradientCheck
    ulps : sequence of float
        By how many units in the last place each gradient of the check is off; nan: not known.
    notation : Notation
    words : Words
    only : collection of (int, int)
        Layer and neuron of what is printed; empty: all.
    everything : bool
        Print all rows of a large network.
    proof : Certificate, optional
        What is proved about rounding; `ulps` are its own then.
    """

    def __init__(
        self,
        check: GradientCheck,
        ulps: Sequence[float],
        notation: Notation,
        words: Words,
        only: Collection[tuple[int, int]] = (),
        everything: bool = False,
        proof: Certificate | None = None,
    ) -> None:
        self.proof = proof
        self.check, self.ulps = check, ulps
        self.notation = notation
        self.words = words
        self.only = only
        self.everything = everything

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        point, words = self.check.point, self.words
        if point.problem.title:
            yield from self._lines(point.problem.title, "bptrace.title", options)
        where = [words("step", step=point.step)]
        if len(point.samples) > 1:
            reduction = point.problem.training.reduction
            where.append(words(f"{reduction} over the batch"))
        elif len(point.problem.samples) > 1 or point.samples != (1,):
            where.append(words("sample", sample=point.samples[0]))
        yield from self._lines(" · ".join(where), "bptrace.phase", options)
        yield Text()
        elements = self.check.of_neurons(self.only)
        shown = self._shown(elements)
        if shown:
            heads = [words(f"column {name}") for name in _COLUMNS]
            rows = [self._row(element) for element in shown]
            plain = [self.notation.plain(head).replace("±", "+-") for head in heads]
            plain = plain if self.notation.ascii else heads
            right = [False, False, True, True, True, True, True, False]
            cells: list[list[Any]] = [["", *plain], *rows, right]
            yield self._table(cells, options.max_width)
            yield Text()
        if len(shown) < len(elements):
            n = len(elements) - len(shown)
            yield from self._lines(words("gradients left out", n=f"{n:,}"), "bptrace.remark",
                                   options)  # fmt: skip
        for sentence in self._sentences(elements):
            yield from self._lines(sentence, "bptrace.remark", options)

    def _table(self, cells: list[list[Any]], width: int) -> Grid:
        """Return the table with as many columns as the terminal has room for.

        The ulp go first, as the largest is told below, then the bounds, which digits tell, too. If
        nothing helps, verdicts stand below their lines.
        """
        if width < NARROW:
            return _grid(cells, ("differences", "bound"))
        for left_out in ((), ("ulp",), ("bound",), ("bound", "ulp")):
            if (grid := _grid(cells, left_out)).width <= width:
                return grid
        return _grid(cells, ("ulp",))

    def _lines(self, text: str, style: str, options: ConsoleOptions) -> Iterator[Text]:
        yield from wrapped(Text(self.notation.plain(text), style), options.max_width)

    def _shown(self, elements: Sequence[Element]) -> list[Element]:
        if self.everything or len(elements) <= MOST_ROWS:
            return list(elements)
        striking = [element for element in elements if element.verdict != "agrees"]
        if len(striking) > MOST_ROWS // 2:
            striking.sort(key=lambda element: element.verdict)  # those that differ come first
            return striking[: MOST_ROWS // 2]
        agreeing = [element for element in elements if element.verdict == "agrees"]
        return striking + nlargest(3, agreeing, key=lambda element: element.uncertainty)

    def _row(self, element: Element) -> list[Text]:
        unicode, ascii, style = _MARKS[element.verdict]
        name = self.notation.name(element.address)
        samples = self.check.point.samples
        if element.address.sample and len(samples) > 1:
            name += f" ({self.words('sample', sample=element.address.sample)})"
        numeric = self._number(element.numeric)
        if element.numeric != element.high:
            numeric = f"{numeric} … {self._number(element.high)}"
        if element.reason in ("jump", "bent", "not finite"):
            numeric = ""
        bound = "0" if not element.bound else f"{element.bound:.0e}" if numeric else ""
        digits, ulp = self._digits(element), self._ulp(self.ulps[element.place])
        texts = (name, self._number(element.gradient), numeric, bound, digits, ulp)
        cells = [Text(self.notation.plain(text)) for text in texts]
        cells[0].stylize("bptrace.quantity")
        mark = Text(ascii if self.notation.ascii else unicode, style)
        verdict = Text(self.notation.plain(self._verdict(element)), style)
        return [mark, *cells, verdict]

    def _number(self, value: float) -> str:
        return self.notation.plain(f"{value:.9g}".replace("-", "−"))

    def _digits(self, element: Element) -> str:
        if element.verdict != "agrees":
            return ""
        if not element.numeric and not element.bound:
            return self.words("exactly")
        return self.words("digits of", digits=element.digits, possible=element.possible)

    def _ulp(self, value: float) -> str:
        """Write so many units in the last place; of a proof, not below it."""
        if not value < math.inf:
            return ""
        return f"{_upwards(value):g}" if self.proof else _ulp(value)

    def _verdict(self, element: Element) -> str:
        if element.verdict == "undecided":
            return self.words(f"undecided {element.reason}")
        if element.factor is not None:
            factor = self._number(float(f"{element.factor:.6g}"))
            return self.words("differs by factor", factor=factor)
        return self.words(element.verdict)

    def _sentences(self, elements: Sequence[Element]) -> Iterator[str]:
        words = self.words
        counts = dict.fromkeys(_MARKS, 0)
        for element in elements:
            counts[element.verdict] += 1
        yield words("gradients judged", n=f"{len(elements):,}",
                    **{verdict: f"{count:,}" for verdict, count in counts.items()})  # fmt: skip
        if any(element.reason == "kink" for element in elements):
            yield words("at a kink")
        if any(element.reason == "kinks" for element in elements):
            yield words("at several kinks")
        off = [e for e in elements if e.dual == e.dual and e.how in ("central", "one-sided")]
        worst = max(off, key=lambda e: abs(e.gradient - e.dual), default=None)
        if worst is not None:
            size = f"{abs(worst.gradient - worst.dual):.1e}".replace("0.0e+00", "0")
            yield words("dual numbers", size=size, name=self.notation.name(worst.address))
        if self.proof is not None:
            yield from self._proved(self.proof)
            return
        near = [element for element in elements if self.ulps[element.place] < math.inf]
        farthest = max(near, key=lambda element: self.ulps[element.place], default=None)
        if farthest is not None:
            ulp, name = _ulp(self.ulps[farthest.place]), self.notation.name(farthest.address)
            yield words("twice the digits", ulp=ulp, name=name)

    def _proved(self, proof: Certificate) -> Iterator[str]:
        """Say how far rounding puts a gradient off at most."""
        words, n = self.words, proof.unproved
        if n < len(proof.ulps):
            yield words(
                "certified",
                n=f"{len(proof.ulps) - n:,}",
                ulp=f"{_upwards(proof.ulps[proof.worst]):g}",
                name=self.notation.name(self.check.addresses[proof.worst]),
                bits=proof.bits,
            )
        if n:
            yield words("not certified", n=f"{n:,}")


def _grid(cells: list[list[Any]], left_out: Collection[str]) -> Grid:
    """Return the grid of heads, rows and sides without some columns; the mark has no name."""
    kept = [k for k, name in enumerate(("", *_COLUMNS)) if name not in left_out]
    heads, *rows, right = ([row[k] for k in kept] for row in cells)
    return Grid(heads, rows, right, hanging=2)


def _ulp(value: float) -> str:
    if value < 10.0:
        return f"{value:.1f}" if value else "0"
    return f"{value:.0f}" if value < 1e5 else f"{value:.0e}"


def _upwards(value: float) -> float:
    """Return `value` with two digits, not below it, as a bound is to be rounded."""
    shown = float(f"{value:.1e}")
    if shown >= value:
        return shown
    return float(f"{shown + 10.0 ** (math.floor(math.log10(value)) - 1):.1e}")
