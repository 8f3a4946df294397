"""Keeps the help in the manual up to date: ``python -m bptrace.cli.reference docs/cli.md``.

In the manual, a fenced block after ``<!-- help: run -->`` is what ``bptrace run --help`` prints,
and one after ``<!-- help zh: run -->`` the same in Chinese; the rest is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from bptrace.cli import layout
from bptrace.cli.program import LANGUAGE, Bilingual, program

_BLOCK = re.compile(
    r"(?ms)^(?P<marker><!-- help(?: (?P<language>zh))?: (?P<name>[\w-]+) -->\n+```text\n)"
    r"(?P<help>.*?)(?P<end>^```$)"
)


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


def updated(manual: str) -> str:
    """Return the manual with every help block as it has to be."""

    def block(found: re.Match[str]) -> str:
        text = help_text(found["name"], found["language"] or "en")
        return f"{found['marker']}{text}{found['end']}"

    return _BLOCK.sub(block, manual)


def documented(manual: str) -> set[tuple[str, str]]:
    """Return the (name, language) pairs whose help stands in the manual."""
    return {(found["name"], found["language"] or "en") for found in _BLOCK.finditer(manual)}


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
