"""The pictures of the README show what the program prints."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

import bptrace
from bptrace.notation import Notation
from bptrace.render.calculation import Calculation
from bptrace.render.console import plain_text
from bptrace.render.words import Words

IMAGES = Path(__file__).parent.parent / "docs" / "images"


def _run() -> str:
    trace = bptrace.run("lh25-2020", engine="python")
    return plain_text(Calculation(trace, Notation.of(trace.problem), Words("en")))


VIEWS = {"run.svg": _run}


@pytest.mark.parametrize("name", sorted(path.name for path in IMAGES.glob("*.svg")))
def test_every_piece_of_a_picture_is_printed(name: str) -> None:
    printed = VIEWS[name]()
    pieces = re.findall(r'<text class="bptrace-r[^>]*>([^<]+)</text>', (IMAGES / name).read_text())
    texts = [html.unescape(piece).replace("\u00a0", " ").strip() for piece in pieces]
    shown = [text for text in texts if text and text != "⋮"]
    assert len(shown) > 100
    assert [text for text in shown if text not in printed] == []
