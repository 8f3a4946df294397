"""The one way in: a path, "-" or the name of a bundled example → a checked problem.

Not responsible for what a problem file may hold: that is the part of `schema` and of `problem`,
which are imported only when there is something to read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from bptrace.errors import Fault, FileError, suggest
from bptrace.io import toml
from bptrace.io.examples import find, names
from bptrace.io.toml import MAX_BYTES, Document

if TYPE_CHECKING:
    from bptrace.model import Problem


def load(source: str | os.PathLike[str], stdin: TextIO | None = None) -> Problem:
    """Read and check a problem file.

    Parameters
    ----------
    source : str or path
        A path; "-" for standard input; or the name of a bundled example. A file of that name wins
        over an example.
    stdin : text stream, optional
        What "-" reads, in place of the standard input of the process.

    Raises
    ------
    FileError
        With all faults of the file, each with its line and column, and what to do about it.
    """
    document = read_document(os.fspath(source), stdin)
    from bptrace.io.problem import read_problem

    return read_problem(document)


def read_document(source: str, stdin: TextIO | None = None) -> Document:
    """Return the TOML document that `source` names; parameters and errors are those of `load`."""
    if source == "-" and stdin is not None:
        return toml.parse(_text(stdin), "-")
    if source == "-" or not _is_bare(source) or os.path.isfile(source):
        return toml.load(source)
    example = find(source)
    if example is not None:
        return toml.load(example)
    try:
        return toml.load(source)  # a pipe, or whatever else the system has under this name
    except FileError as error:
        if os.path.lexists(source):
            raise
        raise FileError([_unknown(error.faults[0], source)]) from None


def _is_bare(source: str) -> bool:
    """Whether this can be the name of an example: no separator, no suffix of a file."""
    separators = {"/", os.sep, os.altsep} - {None}
    return not any(s in source for s in separators if s) and not source.endswith(".toml")


def _unknown(fault: Fault, source: str) -> Fault:
    """Say that there is neither a file nor an example; the nearest of both are named."""
    known = names()
    near = suggest(source, known)
    hints = [near] if near.startswith("Did") else []
    if fault.hint.startswith("Did"):
        hints = [f"{hints[0][:-1]} or the file{fault.hint[12:]}"] if hints else [fault.hint]
    hint = " ".join(hints) or "See `bptrace list` for the examples."
    return Fault("there is no such file, and no example of that name", fault.file, hint=hint)


def _text(stdin: TextIO) -> str:
    try:
        text = stdin.read(MAX_BYTES + 1)
    except UnicodeDecodeError:
        raise FileError([Fault("this is not UTF-8", "-", hint="Save the file as UTF-8.")]) from None
    if len(text) > MAX_BYTES:
        message = f"more than {MAX_BYTES} characters"
        raise FileError([Fault(message, "-", hint="Give a smaller file.")])
    return text
