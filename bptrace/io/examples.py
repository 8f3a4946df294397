"""The bundled examples: where they are, and what they are called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from bptrace.tuples import NamedTuple

if TYPE_CHECKING:  # costs 3 ms, and only a list of examples needs it
    from pathlib import Path

_HEAD_BYTES: Final = 4096
"""The title stands at the top; notes and numbers below it need not be read for a list."""


class Example(NamedTuple):
    """A bundled problem file: its name for the command line, its title, and its path."""

    name: str
    title: str
    path: Path


def folder() -> str:
    """Return the folder of the examples.

    In an installed package they lie inside it, in a checkout beside it; the first wins, because
    beside an installed package anything may be called `traces`.
    """
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    inside = os.path.join(package, "traces")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "traces")


def find(name: str) -> str | None:
    """Return the file of the example called `name`, or None."""
    return next((path for known, path in _files() if known == name), None)


def names() -> tuple[str, ...]:
    """Return the names of all examples, sorted."""
    return tuple(name for name, _ in _files())


def examples() -> tuple[Example, ...]:
    """Return all examples, sorted by name; of each file only the title is read."""
    from pathlib import Path

    return tuple(Example(name, _title(path), Path(path)) for name, path in _files())


def _files() -> list[tuple[str, str]]:
    """Return name and file of each example, sorted."""
    traces = folder()
    try:
        found = sorted(os.listdir(traces))
    except OSError:  # there is no such folder, so there are no examples
        return []
    files = ((name, os.path.join(traces, name, "problem.toml")) for name in found)
    return [(name, file) for name, file in files if os.path.isfile(file)]


def _title(path: str) -> str:
    """Return the title of a problem file; "" if it has none that can be read."""
    import re
    import tomllib

    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES).decode("utf-8", "replace")
        line = re.search(r"^title[ \t]*=.*$", head.replace("\r\n", "\n"), re.MULTILINE)
        title = tomllib.loads(line[0]).get("title", "") if line else ""
    except (OSError, ValueError):
        return ""
    return title if isinstance(title, str) else ""
