"""Makes the pictures of the README: what the program prints, as SVG without foreign fonts.

    python docs/pictures.py

Run it when the output has changed; `tests/test_pictures.py` says if it has.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

import bptrace
from bptrace.checks.page import check
from bptrace.notation import Notation
from bptrace.render.beside import Beside
from bptrace.render.calculation import Calculation
from bptrace.render.console import THEME
from bptrace.render.report import Check
from bptrace.render.sentences import Sentences
from bptrace.render.words import Words

IMAGES = Path(__file__).parent / "images"
WIDTH = 80
BLANK = Style(conceal=True)
PAPER = TerminalTheme(
    (252, 252, 250),
    (40, 44, 52),
    [
        (40, 44, 52), (190, 40, 40), (30, 130, 60), (176, 112, 0),
        (30, 90, 180), (140, 60, 150), (0, 125, 140), (120, 124, 130),
    ],
)  # fmt: skip
"""Dark on light, so that it reads on white and on dark pages."""


def run_picture() -> str:
    """Return the picture of the flagship: its head, the hidden layer, one way back."""
    view, _ = flagship()
    rows = rendered(view)
    forward, backward = heading(rows, "Forward"), heading(rows, "Backward")
    blocks = [k for k in range(len(rows)) if not plain(rows[k]).strip()]
    hidden = next(k for k in blocks if k > forward + 14)
    output = next(k for k in blocks if k > backward + 4)
    return picture([*rows[:hidden], None, *rows[backward:output], None], "bptrace run lh25-2020")


def check_picture() -> str:
    """Return the picture of the verdict on the flagship: its head and two of its mistakes."""
    _, view = flagship()
    rows = rendered(view)
    second = next(k for k, row in enumerate(rows) if plain(row).startswith("2. "))
    third = next(k for k, row in enumerate(rows) if plain(row).startswith("3. "))
    end = next(k for k in range(third + 3, len(rows)) if plain(rows[k]).startswith("    hint"))
    first = [k for k in range(second) if plain(rows[k]).startswith("  ✗")][1]
    shown = [*rows[:first], None, *rows[third : end + 1], None]
    return picture(shown, "bptrace check lh25-2020")


def flagship() -> tuple[Calculation, Check]:
    """Return what `bptrace run lh25-2020` and `bptrace check lh25-2020` print."""
    problem = replace(bptrace.load("lh25-2020"), file="lh25-2020")
    trace = bptrace.run(problem, engine="python")
    notation, words = Notation.of(trace.problem), Words("en")
    calculation = Calculation(trace, notation, words)
    say = Sentences(check(trace), trace, notation, words, 10)
    calculation.remark = Beside(say, calculation.as_printed)
    return calculation, Check(say)


Row = list[Segment]


def rendered(view: RenderableType) -> list[Row]:
    """Return a view as rows of styled text."""
    return recorder().render_lines(view, pad=False)


def plain(row: Row) -> str:
    """Return the text of a row."""
    return "".join(segment.text for segment in row)


def heading(rows: list[Row], title: str) -> int:
    """Return the number of the row that begins with `title`."""
    return next(k for k, row in enumerate(rows) if plain(row).startswith(title))


def recorder() -> Console:
    """Return a console that remembers what it prints."""
    return Console(
        width=WIDTH, theme=THEME, highlight=False, file=io.StringIO(), record=True,
        force_terminal=True, legacy_windows=False, color_system="truecolor",
    )  # fmt: skip


def picture(rows: list[Row | None], title: str) -> str:
    """Return an SVG of some rows; None marks rows left out."""
    console = recorder()
    for row in rows:
        if row is None:
            console.print(Text("     ⋮", "dim"))
        else:
            console.print(Text.assemble(*(piece for segment in row for piece in pieces(segment))))
    frame = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    frame = frame.replace("Fira Code", "ui-monospace, DejaVu Sans Mono, Noto Sans Mono CJK SC")
    svg = console.export_svg(title=title, theme=PAPER, code_format=frame, unique_id="bptrace")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def pieces(segment: Segment) -> list[tuple[str, Style | str]]:
    """Cut the blanks at both ends off, because some viewers swallow them.

    They get a style of their own, or Rich would put them together again.
    """
    found = re.findall(r" +|[^ ]+(?: [^ ]+)*", segment.text)
    return [(text, BLANK if text.isspace() else segment.style or "") for text in found]


PICTURES = {"run.svg": run_picture, "check.svg": check_picture}

if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for name, make in PICTURES.items():
        (IMAGES / name).write_text(make(), encoding="utf-8")
