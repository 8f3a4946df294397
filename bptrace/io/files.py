"""The bytes of a file, or of standard input, as text; whatever can be wrong with a file is said.

Not responsible for what the text means: a data file passes here as well as a problem file.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import Final

from bptrace.errors import Fault, FileError
from bptrace.tuples import NamedTuple

MAX_BYTES: Final = 10_000_000
"""Larger files are refused: 10 MB are 300,000 claims, or a network of a million weights."""


class Sort(NamedTuple):
    """What is said of a sort of files: the end of its name, what it is, what to do if too large."""

    suffix: str
    noun: str
    smaller: str


PROBLEM_FILE: Final = Sort(
    ".toml", "a TOML file", "Keep large data in a file of its own and name it in the problem file."
)
DATA_FILE: Final = Sort(".csv", "a CSV file", "Take fewer rows or columns into it.")


def read_text(file: str, limit: int = MAX_BYTES, sort: Sort = PROBLEM_FILE) -> str:
    """Read a text file, or standard input if the name is "-", checked at the edge.

    Returns
    -------
    str
        Without byte order mark and without NUL; the line ends as they are.

    Raises
    ------
    FileError
        If there is no such file ("did you mean" its neighbour), or it is a directory, may not be
        read, is larger than `limit` bytes, is not UTF-8 (with the first bad byte) or not text.
    """
    return _decoded(_read_limited(file, limit, sort), shown(file))


def read_bytes(file: str, limit: int = MAX_BYTES) -> bytes:
    """Read a text file as `read_text` does, and return the text as UTF-8.

    Raises
    ------
    FileError
        As `read_text`.
    """
    return read_text(file, limit).encode()


def shown(file: str) -> str:
    """Return a file name that can be printed whatever bytes and controls it is made of."""
    printable = file.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in printable)


def _read_limited(file: str, limit: int, sort: Sort) -> bytes:
    name = shown(file)
    try:
        if file == "-":
            return _within(sys.stdin.buffer.read(limit + 1), limit, name, sort)
        status = os.stat(file)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError
        if status.st_size > limit:  # before reading: 100 GB would not fit into the memory
            raise _too_large(name, _size(status.st_size), limit, sort)
        with open(file, "rb") as stream:
            return _within(stream.read(limit + 1), limit, name, sort)
    except OSError as error:
        raise _refused(name, *_why_unreadable(file, error, sort)) from None
    except (ValueError, AttributeError):  # a NUL in the name; a closed or missing standard input
        message = "standard input is closed" if file == "-" else "this is not a file name"
        raise _refused(name, message, "Give the name of a file.") from None


def _why_unreadable(file: str, error: OSError, sort: Sort) -> tuple[str, str]:
    """Return what is wrong with a file and what to do."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file", _nearest(file, sort)
    if isinstance(error, IsADirectoryError):
        return "this is a directory, not a file", _inside(file, sort)
    if isinstance(error, PermissionError):
        return "this file may not be read", "Ask its owner, or allow reading with chmod."
    return f"this file cannot be read ({error.strerror or error})", ""


def _nearest(file: str, sort: Sort) -> str:
    """Return "did you mean" for a file that is not there."""
    from difflib import get_close_matches  # costs 5 ms, and only a mistaken user needs it

    folder, name = os.path.split(file)
    try:
        neighbours = sorted(os.listdir(folder or "."))
    except OSError:
        return f"The folder {shown(folder)!r} cannot be opened either."
    near = get_close_matches(name, neighbours, n=1) or get_close_matches(
        f"{name}{sort.suffix}", [n for n in neighbours if n.endswith(sort.suffix)], n=1
    )
    if not near:
        return "Check the name."
    return f"Did you mean {shown(os.path.join(folder, near[0]))!r}?"


def _inside(folder: str, sort: Sort) -> str:
    if os.path.isfile(os.path.join(folder, "trace.json")):
        return f"It holds a trace on disk: see 'bptrace show {shown(folder)}'."
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(sort.suffix))
    except OSError:
        names = []
    if not names:
        return f"Give the name of {sort.noun}."
    return f"Did you mean {shown(os.path.join(folder, names[0]))!r}?"


def _within(raw: bytes, limit: int, name: str, sort: Sort) -> bytes:
    if len(raw) > limit:
        raise _too_large(name, f"more than {_size(limit)}", limit, sort)
    return raw


def _too_large(name: str, size: str, limit: int, sort: Sort) -> FileError:
    message = f"this file is too large: {size}; at most {_size(limit)} are read"
    return _refused(name, message, sort.smaller)


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count} bytes"
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"


def _refused(name: str, message: str, hint: str, line: int = 0, column: int = 0) -> FileError:
    return FileError([Fault(message, name, line, column, hint)])


_WIDE_MARKS: Final = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def _decoded(raw: bytes, name: str) -> str:
    """Return the text of a file; UTF-8 is expected, with or without byte order mark."""
    for mark, encoding in _WIDE_MARKS.items():
        if raw.startswith(mark):
            raise _refused(name, f"this file is {encoding}; expected UTF-8", "Save it as UTF-8.")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if (nul := raw.find(b"\0")) >= 0:
        message = f"a NUL byte stands at byte {nul} (counted from 0); this is no text file"
        hint = "Was it saved as UTF-16? Save it as UTF-8." if raw.count(b"\0") > 1 else ""
        raise _refused(name, message, hint, *_byte_position(raw, nul))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
        message = f"byte 0x{raw[at]:02X} at byte {at} (counted from 0) is not UTF-8"
        raise _refused(name, message, "Save the file as UTF-8.", *_byte_position(raw, at)) from None


def _byte_position(raw: bytes, at: int) -> tuple[int, int]:
    """Line and column, in characters, of a byte."""
    start = raw.rfind(b"\n", 0, at) + 1
    before = raw[start:at].decode("utf-8", "replace")
    return raw.count(b"\n", 0, at) + 1, len(before) + 1
