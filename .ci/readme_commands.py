"""Print the command that README.md shows under a marker, exactly as a newcomer would copy it.

    python3 .ci/readme_commands.py README.md run

A marker is a comment of its own line, `<!-- command: NAME -->`; the next line that is not empty
opens the fenced block that holds the command. Standard library only: it runs before anything is
installed. Not responsible for running what it finds; .ci/run does that.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_MARKER = re.compile(r"^<!--\s*command:\s*(?P<name>[\w-]+)\s*-->\s*$")
_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})\s*[\w-]*\s*$")


class MarkerError(Exception):
    """The file does not hold exactly one command under the marker."""


def commands(text: str) -> dict[str, list[str]]:
    """Return every marked command by its marker's name, in the order of the text.

    Raises
    ------
    MarkerError
        A marker without a fenced block right after it, a block that is never closed, or an empty
        one.
    """
    lines = text.splitlines()
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines):
        if marker := _MARKER.match(line):
            found.setdefault(marker["name"], []).append(_block_after(lines, number))
    return found


def command(text: str, name: str) -> str:
    """Return the one command under the marker `name`.

    Raises
    ------
    MarkerError
        There is none, or more than one, or one that `commands` cannot read.
    """
    found = commands(text)
    blocks = found.get(name, [])
    if len(blocks) != 1:
        others = ", ".join(sorted(found)) or "none"
        raise MarkerError(
            f"{len(blocks)} blocks marked '<!-- command: {name} -->', expected exactly one; "
            f"the markers there are: {others}"
        )
    return blocks[0]


def _block_after(lines: list[str], marker: int) -> str:
    """Return what the fenced block after line index `marker` holds."""
    start = marker + 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    opening = _FENCE.match(lines[start]) if start < len(lines) else None
    if opening is None:
        raise MarkerError(f"line {marker + 1}: no fenced block follows this marker")
    try:
        end = lines.index(opening["fence"], start + 1)
    except ValueError:
        raise MarkerError(f"line {start + 1}: this fenced block is never closed") from None
    block = "\n".join(lines[start + 1 : end])
    if not block.strip():
        raise MarkerError(f"line {start + 1}: this fenced block is empty")
    return block


def main(arguments: list[str]) -> int:
    """Print the command asked for; 0 if it is there, 2 if not."""
    if len(arguments) != 2:
        print("usage: readme_commands.py FILE NAME", file=sys.stderr)
        return 2
    path, name = arguments
    try:
        print(command(Path(path).read_text(encoding="utf-8"), name))
    except (OSError, UnicodeDecodeError, MarkerError) as fault:
        print(f"{path}: {fault}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
