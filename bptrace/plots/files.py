"""Figures into files: PNG and SVG, the same bytes for the same picture."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from bptrace.errors import BptraceError
from bptrace.plots.style import Look, drawing, look_for

FORMATS = ("png", "svg")

_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": "bptrace"},
    "svg": {"Creator": "bptrace", "Date": None},  # a date would change the bytes every second
}


def targets(
    folder: Path, names: Iterable[str], formats: Iterable[str] = FORMATS, force: bool = False
) -> dict[str, list[Path]]:
    """Return the files of each picture, and make their folder.

    Meant to be called before a long run, so that it cannot fail at its end.

    Raises
    ------
    BptraceError
        If one of the files is already there, unless `force` says to overwrite it, or if the folder
        is a file.
    """
    formats = tuple(formats)
    files = {name: [folder / f"{name}.{suffix}" for suffix in formats] for name in names}
    for path in (path for paths in files.values() for path in paths):
        if path.exists() and not force:
            raise BptraceError(f"{path} is already there. Use --force to overwrite it")
    if folder.exists() and not folder.is_dir():
        raise BptraceError(f"{folder} is a file. Give a folder for the pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return files


def save(figure: Figure, path: Path, look: Look | None = None) -> None:
    """Write a figure; the suffix of `path` is its format, PNG or SVG. Overwrites what is there."""
    path.write_bytes(as_bytes(figure, path.suffix.removeprefix("."), look))


def as_bytes(figure: Figure, format: str, look: Look | None = None) -> bytes:
    """Return a figure as the contents of a file.

    Raises `BptraceError` for another format than `FORMATS`.
    """
    if format not in FORMATS:
        raise BptraceError(f"pictures are written as png or svg, not as {format!r}")
    buffer = BytesIO()
    with drawing(look or look_for()):
        figure.savefig(buffer, format=format, metadata=_METADATA[format])
    return buffer.getvalue()
