"""A training run while it goes on: a bar, how fast, how long still, E as a small curve, accuracy.

On a terminal all of it is drawn anew in place, elsewhere a line is written now and then.
"""

from __future__ import annotations

from math import isfinite

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from bptrace.printed import format_number
from bptrace.render.curves import Curve
from bptrace.render.words import Words
from bptrace.training.records import Progress

PATIENCE = 0.5
"""Seconds after which a display is worth its flicker."""

EVERY = 0.09
"""Seconds from one picture to the next."""

LINE_EVERY = 10.0
"""Seconds from one line to the next where there is no terminal."""


class Watching:
    """Where a training run stands, as a Rich renderable."""

    def __init__(self, progress: Progress, words: Words, ascii: bool = False) -> None:
        self.progress, self.words, self.ascii = progress, words, ascii

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        yield self._bar(width)
        row = Text()
        for fact in self.facts():
            gap = 3 if row.cell_len else 1
            if row.cell_len + gap + cell_len(fact) > width and row.cell_len:
                yield row
                row, gap = Text(), 1
            row.append(" " * gap + fact, "bptrace.layer")
        yield row
        curve = self.progress.curve
        if len(curve.values) > 1:
            unit = "step" if curve.unit == 1 else "epoch"
            steps = [step // curve.unit for step in curve.steps]
            yield Curve(curve.values, self.words, steps, unit, ascii=self.ascii)

    def _bar(self, width: int) -> Text:
        done, planned = self.progress.steps, self.progress.planned
        share = done / planned if planned else 1.0
        count = self.words("steps done of", steps=done, planned=planned)
        percent = f"{int(100 * share)} %"  # not rounded: 100 % is for the end
        room = max(4, width - cell_len(count) - cell_len(percent) - 5)
        full = int(room * share)
        signs = ("#", "-") if self.ascii else ("━", "─")
        bar = Text(" ").append(signs[0] * full, "bptrace.neuron")
        bar.append(signs[1] * (room - full), "bptrace.edge")
        bar.append(f" {percent}  {count}", "bptrace.layer")
        bar.truncate(width)
        return bar

    def facts(self) -> list[str]:
        """Return what there is to say beside the bar, the most important first."""
        now, facts = self.progress, []
        error = now.epoch_error if isfinite(now.epoch_error) else now.error
        if isfinite(error):
            facts.append(f"E = {format_number(error, 4, 'significant', unicode=not self.ascii)}")
        for label, score in (("label train", now.scores.train), ("label test", now.scores.test)):
            if score is not None and score.accuracy is not None:
                facts.append(f"{self.words(label)} {percentage(score.right, score.samples)}")
        if now.rate:
            facts.append(self.words("steps per second", rate=now.rate))
        if isfinite(now.seconds_left):
            left = "time left at most" if now.may_stop else "time left"
            facts.append(self.words(left, time=duration(now.seconds_left)))
        return facts


class Display:
    """Shows the progress of a run on a console, and takes itself away at the end.

    Parameters
    ----------
    console : Console
        That of standard error.
    words : Words
    ascii : bool
    title : str
        What is being trained, if several networks are one after the other.
    """

    def __init__(
        self, console: Console, words: Words, ascii: bool = False, title: str = ""
    ) -> None:
        self.console, self.words, self.ascii, self.title = console, words, ascii, title
        # FORCE_COLOR makes a terminal of a pipe; a log of pictures is no use to anybody
        self._is_live = console.is_interactive and console.file.isatty()
        self._live: Live | None = None
        self._shown = 0.0

    def show(self, progress: Progress) -> None:
        """Show where the run stands, if it is time for it."""
        if not self._is_live:
            self._line(progress)
            return
        if progress.seconds < PATIENCE or progress.seconds - self._shown < EVERY:
            return
        self._shown = progress.seconds
        if self._live is None:
            self._live = Live(
                console=self.console, auto_refresh=False, transient=True,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self._live.start()
        self._live.update(Watching(progress, self.words, self.ascii), refresh=True)

    def close(self) -> None:
        """Take the display away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self, progress: Progress) -> None:
        if progress.seconds - self._shown < LINE_EVERY:
            return
        self._shown = progress.seconds
        watching = Watching(progress, self.words, self.ascii)
        count = self.words("steps done of", steps=progress.steps, planned=progress.planned)
        title = [self.title] if self.title else []
        self.console.print("  ".join([*title, count, *watching.facts()]), soft_wrap=True)


def percentage(right: int | None, n: int) -> str:
    """Return a share in percent, 100 % only if all of them are right."""
    assert right is not None
    share = 100.0 * right / n
    text = f"{share:.1f}"
    if right < n and text == "100.0":
        text = "99.9"
    return f"{text.removesuffix('.0')} %"


def duration(seconds: float) -> str:
    """Return a time as 0.3 s, 12 s, 3:05 min or 2:03:05 h."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(min(seconds, 1e12)), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02d}:{rest:02d} h"
