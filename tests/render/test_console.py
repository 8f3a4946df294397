from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.text import Text

import bptrace.render
from bptrace.render.console import STYLES, html, make_console, plain_text

FOLDER = Path(bptrace.render.__file__).parent


def test_every_style_that_views_name_is_in_the_theme() -> None:
    sources = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")]
    named = {style for text in sources for style in re.findall(r'"(bptrace\.[a-z]+)"', text)}
    assert named == set(STYLES)


def test_ascii_consoles_say_so_to_views() -> None:
    assert make_console(ascii=True, file=io.StringIO()).options.ascii_only
    assert not make_console(file=io.StringIO()).options.ascii_only


def test_width_is_that_of_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "97")
    assert make_console(file=io.StringIO()).width == 97
    assert make_console(file=io.StringIO(), width=61).width == 61


def test_texts_are_neither_markup_nor_highlighted() -> None:
    file = io.StringIO()
    make_console(file=file).print("[bold]w1[/bold] :smile: 0.5")
    assert file.getvalue() == "[bold]w1[/bold] :smile: 0.5\n"


def test_no_line_ends_in_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "0.8·0.6592603884 + 0.1"
    console = make_console(file=io.StringIO(), width=19)
    with console.capture() as captured:
        console.print(text)
    assert captured.get() == "0.8·0.6592603884 +\n0.1\n"
    file = io.StringIO()
    console.file = file  # as pytest and Click exchange standard output
    console.print(text, "", "a  ", sep="\n", end="!\n")
    assert file.getvalue() == "0.8·0.6592603884 +\n0.1\n\na  !\n"
    monkeypatch.setattr("sys.stdout", later := io.StringIO())
    console = make_console(width=19)
    console.print(text)
    assert later.getvalue() == "0.8·0.6592603884 +\n0.1\n"


def test_broken_pipes_are_left_to_the_program() -> None:
    with pytest.raises(BrokenPipeError):
        make_console(file=io.StringIO()).on_broken_pipe()


def test_plain_text_is_plain_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert plain_text(Text("w1  ", "bptrace.result")) == "w1\n"


def test_html_has_colours_and_escapes_texts() -> None:
    shown = html(Text("<w1>", "bptrace.quantity"))
    assert shown.startswith("<pre")
    assert "color" in shown
    assert "&lt;w1&gt;" in shown
