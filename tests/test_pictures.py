"""The pictures of the README show what the program prints."""

from __future__ import annotations

import html
import importlib.util
import re
from pathlib import Path

import pytest

from bptrace.render.console import plain_text

DOCS = Path(__file__).parent.parent / "docs"
IMAGES = DOCS / "images"


def _views() -> dict[str, str]:
    """What the program prints, by the name of its picture."""
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    run, check = pictures.flagship()
    return {"run.svg": plain_text(run), "check.svg": plain_text(check)}


@pytest.mark.parametrize("name", ["run.svg", "check.svg"])  # the others are drawn by benchmarks
def test_every_piece_of_a_picture_is_printed(name: str) -> None:
    printed = _views()[name]
    pieces = re.findall(r'<text class="bptrace-r[^>]*>([^<]+)</text>', (IMAGES / name).read_text())
    texts = [html.unescape(piece).replace("\u00a0", " ").strip() for piece in pieces]
    shown = [text for text in texts if text and text != "⋮"]
    assert len(shown) > 60
    assert [text for text in shown if text not in printed] == []
