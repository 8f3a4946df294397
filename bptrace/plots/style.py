"""How all pictures look: sizes, colours, markers, and the language of their labels.

Colours are those of Okabe and Ito (Color Universal Design, 2008), which people with any kind of
colour vision can tell apart; besides, classes differ by marker and lines by dash. Every figure is
made inside `drawing`, so that no setting of the user's changes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from bptrace.plots import fonts
from bptrace.plots.words import WORDS
from bptrace.tuples import NamedTuple

MILLIMETRE = 1 / 25.4
"""In inches, which matplotlib counts in."""

WIDTH, HEIGHT = 160 * MILLIMETRE, 100 * MILLIMETRE
"""As wide as the text of an A4 page."""

DPI = 300

BLUE, RED, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
)  # fmt: skip
GREY = "#666666"
LINES = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, "#000000")
KINDS = (RED, BLUE, GREEN, PURPLE, ORANGE, SKY, "#999999", "#000000")
"""Classes: red and blue points first, as in most texts."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))

SETTINGS: Any = {  # the keys that matplotlib types differ from version to version
    "svg.hashsalt": "bptrace",  # ids in SVG are random otherwise
    "svg.fonttype": "path",  # looks the same without the font
    "text.parse_math": False,  # a $ in a name is a dollar
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.8,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.5,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "agg.path.chunksize": 10_000,
}


class Look(NamedTuple):
    """The language and the fonts of a picture.

    Attributes
    ----------
    language : {"en", "zh"}
        Of the labels: English if no font has Chinese characters.
    families : tuple of str
    note : str
        What the user should know, such as which package to install; "" for nothing.
    """

    language: str
    families: tuple[str, ...]
    note: str = ""

    def __call__(self, key: str, /, **fields: object) -> str:
        """Return a word of the pictures, with its fields filled in."""
        return WORDS[key][self.language == "zh"].format(**fields)

    def plain(self, text: str) -> str:
        """Return a text of the user's with "?" for what no font can draw."""
        cannot = fonts.missing(text)
        return "".join("?" if c in cannot else c for c in text)


def look_for(language: str = "en", texts: Iterable[str] = ()) -> Look:
    """Return how to draw in a language; `texts` are names that will be drawn as they are."""
    families = fonts.families()
    can_chinese = len(families) > 1
    fails = (language == "zh" and not can_chinese) or any(map(fonts.missing, texts))
    note = WORDS["no font"][language == "zh"] if fails else ""
    return Look(language if can_chinese else "en", families, note)


@contextmanager
def drawing(look: Look) -> Iterator[None]:
    """Hold all settings of matplotlib at ours while a figure is made or written."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        matplotlib.rcParams["font.family"] = list(look.families)
        yield


def new_figure(width: float = WIDTH, height: float = HEIGHT) -> Figure:
    """Return an empty figure, sizes in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def pale(colour: str, white: float = 0.72) -> tuple[float, float, float]:
    """Return a colour mixed with white, for areas that lie below points."""
    r, g, b = to_rgb(colour)
    return r + (1 - r) * white, g + (1 - g) * white, b + (1 - b) * white


def number(value: float) -> str:
    """Return a number for a label: four digits, with a true minus sign."""
    return f"{value:.4g}".replace("-", "−")
