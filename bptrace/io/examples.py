"""The bundled examples: where they are, and what they are called."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

_HEAD_BYTES: Final = 4096
"""The title stands at the top; notes and numbers below it need not be read for a list."""


class Example(NamedTuple):
    """A bundled problem file: its name for the command line, its title, and its path."""

    name: str
    title: str
    path: Path


def folder() -> Path:
    """Return the folder of the examples.

    In an installed package they lie inside it, in a checkout beside it; the first wins, because
    beside an installed package anything may be called `traces`.
    """
    package = Path(__file__).resolve().parent.parent
    inside = package / "traces"
    return inside if inside.is_dir() else package.parent / "traces"


def find(name: str) -> Path | None:
    """Return the file of the example called `name`, or None."""
    return next((path for known, path in _files() if known == name), None)


def names() -> tuple[str, ...]:
    """Return the names of all examples, sorted."""
    return tuple(name for name, _ in _files())


def examples() -> tuple[Example, ...]:
    """Return all examples, sorted by name; of each file only the title is read."""
    return tuple(Example(name, _title(path), path) for name, path in _files())


def _files() -> list[tuple[str, Path]]:
    found = folder().glob("*/problem.toml")
    return sorted((path.parent.name, path) for path in found)


def _title(path: Path) -> str:
    """Return the title of a problem file; "" if it has none that can be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
        line = re.search(r"^title[ \t]*=.*$", head.replace("\r\n", "\n"), re.MULTILINE)
        title = tomllib.loads(line[0]).get("title", "") if line else ""
    except (OSError, ValueError):
        return ""
    return title if isinstance(title, str) else ""
