"""How a page of help looks, with Chinese characters counted as the two cells that they take.

Click wraps by characters; with Chinese text its columns would run over the edge. Rich could do
this, but importing it would double the time of ``--help``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

import click

if TYPE_CHECKING:
    from bptrace.cli.program import Bilingual

WIDTH = 80
"""Help is set for 80 columns everywhere, so that the manual and every terminal show the same."""

LONGEST_NAME = 28
"""An option with a longer name has its text on the next line."""

_WORDS = {
    "usage": ("Usage: ", "用法："),
    "options": ("Options:", "选项："),
    "commands": ("Commands:", "命令："),
}
_OPENING, _CLOSING = "（《「", "，。、；：）》」"


def command_help(command: Bilingual, ctx: click.Context, language: str) -> str:
    """Return the help of a command: usage, what it does, its options, its commands."""
    zh = language == "zh"
    word = {key: pair[zh] for key, pair in _WORDS.items()}
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    parts = [word["usage"] + usage, paragraph(command.text.of(language), "  ")]
    parts += [paragraph(text, "  ") for text in command.more.of(language).split("\n\n") if text]
    options = [param for param in command.get_params(ctx) if isinstance(param, click.Option)]
    records = (param.get_help_record(ctx) for param in options)
    parts.append(table(word["options"], [record for record in records if record]))
    if isinstance(command, click.Group):
        parts.append(table(word["commands"], list(_commands(command, ctx, language))))
    return "\n\n".join(parts) + "\n"


def _commands(group: click.Group, ctx: click.Context, language: str) -> Iterator[tuple[str, str]]:
    from bptrace.cli.program import COMMANDS

    for name in group.list_commands(ctx):
        yield name, COMMANDS[name].of(language)


def table(title: str, rows: list[tuple[str, str]]) -> str:
    """Return names and texts in two columns under a title."""
    column = min(max(cells(name) for name, _ in rows), LONGEST_NAME) + 4
    lines = [title]
    for name, text in rows:
        broken = wrap(text, WIDTH - column)
        if cells(name) > LONGEST_NAME:
            lines.append(f"  {name}")
            name = ""
        for line in broken:
            head = f"  {name}"
            lines.append(head + " " * (column - cells(head)) + line)
            name = ""
    return "\n".join(lines)


def paragraph(text: str, indent: str) -> str:
    """Return a text broken into indented lines."""
    return "\n".join(indent + line for line in wrap(text, WIDTH - len(indent)))


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` cells, where its language allows."""
    lines = [""]
    for piece in _pieces(" ".join(text.split())):
        if cells(lines[-1] + piece.rstrip()) > width and lines[-1]:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def _pieces(text: str) -> list[str]:
    """Cut a text where a line may end: behind spaces, and on both sides of Chinese characters.

    Closing signs stay with what is before them, opening ones with what follows. (A pattern with
    the range of Chinese characters takes 5 ms to compile, half the start of an interpreter.)
    """
    pieces: list[str] = []
    before = " "
    for character in text:
        chinese = _is_chinese(character) or _is_chinese(before)
        joined = character in _CLOSING or character == " " or before in _OPENING
        if pieces and (joined or not (chinese or before == " ")):
            pieces[-1] += character
        else:
            pieces.append(character)
        before = character
    return pieces


def _is_chinese(character: str) -> bool:
    return "\u2e80" <= character <= "\uffef"


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
