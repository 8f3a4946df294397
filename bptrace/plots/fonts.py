"""Fonts: which of those on this machine can draw Chinese, and what cannot be drawn at all."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from bptrace.plots.words import needed

LATIN = "DejaVu Sans"
"""Comes with matplotlib, and has every sign of the formulas."""

CHINESE = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
    "PingFang SC", "Hiragino Sans GB", "Heiti SC", "STHeiti", "Microsoft YaHei", "SimHei",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK TC", "Noto Sans CJK JP",
    "Droid Sans Fallback", "Noto Serif CJK SC", "Noto Serif CJK JP", "AR PL UMing CN",
    "AR PL UKai CN", "SimSun", "Songti SC", "Arial Unicode MS",
)  # fmt: skip
"""Families with simplified Chinese, the plainest first."""

_FILES = ("cjk", "sourcehan", "wqy", "simhei", "simsun", "msyh", "pingfang", "hei", "song", "uming")


@cache
def families() -> tuple[str, ...]:
    """Return the families to draw with: the Latin one, then a Chinese one if there is any."""
    chinese = _chinese() or (_add_new_fonts() and _chinese())
    return (LATIN, chinese) if chinese else (LATIN,)


def missing(text: str) -> str:
    """Return the characters of `text` that no family can draw."""
    return "".join(c for c in dict.fromkeys(text) if c != "\n" and not _is_drawn(c))


def _is_drawn(character: str) -> bool:
    return any(_has(family, character) for family in families())


def _chinese() -> str:
    """Return the first family that has all characters of our words, or ""."""
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    words = needed()
    for family in CHINESE:
        if family in known and all(_has(family, character) for character in words):
            return family
    return ""


def _add_new_fonts() -> bool:
    """Make fonts known that were installed after matplotlib wrote its list; True if any was."""
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    new = [path for path in _likely(font_manager.findSystemFonts()) if path not in known]
    for path in new:
        try:
            font_manager.fontManager.addfont(path)
        except (OSError, RuntimeError):  # no font after all
            continue
    return bool(new)


def _likely(paths: Iterable[str]) -> list[str]:
    """Return the files whose names sound Chinese."""
    return sorted(p for p in paths if any(part in Path(p).name.lower() for part in _FILES))


def _has(family: str, character: str) -> bool:
    return _font(family).get_char_index(ord(character)) != 0


@cache
def _font(family: str) -> FT2Font:
    path = font_manager.findfont(family, fallback_to_default=True)
    return font_manager.get_font(path)
