"""Keeps help and tables in the manual up to date: ``python -m bptrace.cli.reference docs/cli.md``.

In the manual, a fenced block after ``<!-- help: run -->`` is what ``bptrace run --help`` prints,
and one after ``<!-- help zh: run -->`` the same in Chinese; a table after ``<!-- table: rules -->``
is what ``bptrace list rules`` knows. The rest is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from bptrace.cli import layout
from bptrace.cli.options import Output
from bptrace.cli.program import LANGUAGE, Bilingual, program

_BLOCK = re.compile(
    r"(?ms)^(?P<marker><!-- help(?: (?P<language>zh))?: (?P<name>[\w-]+) -->\n+```text\n)"
    r"(?P<help>.*?)(?P<end>^```$)"
)


_TABLE = re.compile(
    r"(?m)^(?P<marker><!-- table: (?P<kind>[a-z]+) -->\n\n)(?P<table>(?:^\|.*\n)*)(?P<end>\n?)"
)
_COLUMNS = {
    "rules": ("name", "about", "memory", "step", "options", "source"),
    "schedules": ("name", "rate", "options", "source"),
}


def help_text(name: str, language: str = "en") -> str:
    """Return the help of a command, or of the program itself ("bptrace")."""
    context = click.Context(program, info_name="bptrace", **program.context_settings)
    context.meta[LANGUAGE] = language
    if name == "bptrace":
        return layout.command_help(program, context, language)
    command = program.get_command(context, name)
    if not isinstance(command, Bilingual):
        raise LookupError(f"there is no command {name!r}")
    inner = click.Context(command, parent=context, info_name=name)
    return layout.command_help(command, inner, language)


def table(kind: str) -> str:
    """Return a list of `bptrace list` as a table in Markdown."""
    from bptrace.cli.list import KINDS

    columns = _COLUMNS[kind]
    rows = [columns, ["---"] * len(columns)]
    for row in KINDS[kind].rows(Output("en", ascii=False)):
        rows.append([_cell(row[column]) for column in columns])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(value: str | dict[str, float]) -> str:
    """Return a text, or options with their letters and defaults, as a cell of a table."""
    from bptrace.maths.rules import LETTERS

    if isinstance(value, str):
        return value.replace("|", "\\|")
    letters = {name: f"{LETTERS[name]} = " if name in LETTERS else "" for name in value}
    return ", ".join(f"{letters[name]}`{name}` {default:g}" for name, default in value.items())


def updated(manual: str) -> str:
    """Return the manual with every help block and every table as it has to be."""

    def block(found: re.Match[str]) -> str:
        text = help_text(found["name"], found["language"] or "en")
        return f"{found['marker']}{text}{found['end']}"

    def rows(found: re.Match[str]) -> str:
        return f"{found['marker']}{table(found['kind'])}\n"

    return _TABLE.sub(rows, _BLOCK.sub(block, manual))


def documented(manual: str) -> set[tuple[str, str]]:
    """Return the (name, language) pairs whose help stands in the manual."""
    return {(found["name"], found["language"] or "en") for found in _BLOCK.finditer(manual)}


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
