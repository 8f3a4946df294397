"""TOML with the position of everything, so that every fault of a file can be shown in its place.

`tomllib` reads the values; it knows no positions. A small scanner of our own runs over the same
text and notes where keys and values begin, but only once somebody asks: a faultless file never
pays for it. The scanner judges nothing. What `tomllib` refuses is told in our own words.

Not responsible for what the keys mean: that is the schema's part.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, NamedTuple

from bptrace.errors import Fault, FileError
from bptrace.printed import LOOKALIKES as PRINTED_LOOKALIKES
from bptrace.printed import PrintedFloat, named

MAX_BYTES: Final = 10_000_000
"""Larger files are refused: 10 MB are 300,000 claims, or a network of a million weights."""

MAX_KEY_PARTS: Final = 64
"""Dots in one key that are still read; the time that tomllib takes grows with their square."""

MAX_DEPTH: Final = 100
"""Brackets in brackets; tomllib calls itself for each and gives up somewhat later."""

HOPELESS_DEPTH: Final = 2000
"""Twice as deep as Python's default limit of calls in calls: tomllib has long given up."""

Path = tuple[str | int, ...]
Of = Literal["key", "value"]


class Position(NamedTuple):
    """A place in a text, both counted from 1, in characters."""

    line: int
    column: int


@dataclass(frozen=True, eq=False)
class Document:
    """A TOML file: its values, and on demand where each of them stands.

    Attributes
    ----------
    file : str
        The name to show in messages.
    text : str
        The text; all line ends are line feeds.
    data : dict
        The values as `tomllib` gives them; floats are `PrintedFloat` and keep their text.
    """

    file: str
    text: str = field(repr=False)
    data: dict[str, object]

    def position(self, path: Path, of: Of = "key") -> Position:
        """Return where a key or its value begins.

        Parameters
        ----------
        path : tuple of str and int
            Keys and, in arrays, indices from 0: ``("network", "layer", 1, "biases", 0)``.
        of : {"key", "value"}
            Elements of arrays have no key, so both give the element. The element of an array of
            tables, and the value of a table with a header, begin at the header's bracket.

        Returns
        -------
        Position
            Of the path, else of its nearest ancestor that stands in the file: a missing key is
            reported at the header of its table, or at 1:1.
        """
        return self._lines.position(self._scan.offset(path, of))

    def fault(self, message: str, path: Path, of: Of = "key", hint: str = "") -> Fault:
        """Return a `Fault` with the position of the path."""
        line, column = self.position(path, of)
        return Fault(message, self.file, line, column, hint)

    @cached_property
    def _scan(self) -> _Scan:
        return _Scan(self.text)

    @cached_property
    def _lines(self) -> _Lines:
        return _Lines(self.text)


def load(file: str, limit: int = MAX_BYTES) -> Document:
    """Read a TOML file, or standard input if the name is "-".

    Raises
    ------
    FileError
        As `read_bytes` and `parse`.
    """
    name = _shown(file)
    return parse(_decoded(_read_limited(file, limit), name), name)


def parse(text: str, file: str) -> Document:
    """Read a TOML text; `file` is the name for messages.

    Raises
    ------
    FileError
        With all faults that can be told apart, each with line, column, the line itself and what
        to write instead.
    """
    text = text.replace("\r\n", "\n")
    data = _loads(text)
    if isinstance(data, _Refusal):
        raise FileError(_syntax_faults(text, file, data))
    return Document(file, text, data)


# --------------------------------------------------------------------------------- from the disk


def read_bytes(file: str, limit: int = MAX_BYTES) -> bytes:
    """Read a text file, or standard input if the name is "-", checked at the edge.

    Returns
    -------
    bytes
        Valid UTF-8 without byte order mark and without NUL.

    Raises
    ------
    FileError
        If there is no such file ("did you mean" its neighbour), or it is a directory, may not be
        read, is larger than `limit` bytes, is not UTF-8 (with the first bad byte) or not text.
    """
    return _decoded(_read_limited(file, limit), _shown(file)).encode()


def _read_limited(file: str, limit: int) -> bytes:
    name = _shown(file)
    try:
        if file == "-":
            return _within(sys.stdin.buffer.read(limit + 1), limit, name)
        status = os.stat(file)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError
        if status.st_size > limit:  # before reading: 100 GB would not fit into the memory
            raise _too_large(name, _size(status.st_size), limit)
        with open(file, "rb") as stream:
            return _within(stream.read(limit + 1), limit, name)
    except OSError as error:
        raise _refused(name, *_why_unreadable(file, error)) from None
    except (ValueError, AttributeError):  # a NUL in the name; a closed or missing standard input
        message = "standard input is closed" if file == "-" else "this is not a file name"
        raise _refused(name, message, "Give the name of a file.") from None


def _why_unreadable(file: str, error: OSError) -> tuple[str, str]:
    """Return what is wrong with a file and what to do."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file", _nearest(file)
    if isinstance(error, IsADirectoryError):
        return "this is a directory, not a file", _inside(file)
    if isinstance(error, PermissionError):
        return "this file may not be read", "Ask its owner, or allow reading with chmod."
    return f"this file cannot be read ({error.strerror or error})", ""


def _nearest(file: str) -> str:
    """Return "did you mean" for a file that is not there."""
    from difflib import get_close_matches  # costs 5 ms, and only a mistaken user needs it

    folder, name = os.path.split(file)
    try:
        neighbours = sorted(os.listdir(folder or "."))
    except OSError:
        return f"The folder {_shown(folder)!r} cannot be opened either."
    near = get_close_matches(name, neighbours, n=1) or get_close_matches(
        f"{name}.toml", [n for n in neighbours if n.endswith(".toml")], n=1
    )
    if not near:
        return "Check the name."
    return f"Did you mean {_shown(os.path.join(folder, near[0]))!r}?"


def _inside(folder: str) -> str:
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(".toml"))
    except OSError:
        names = []
    if not names:
        return "Give the name of a TOML file."
    return f"Did you mean {_shown(os.path.join(folder, names[0]))!r}?"


def _within(raw: bytes, limit: int, name: str) -> bytes:
    if len(raw) > limit:
        raise _too_large(name, f"more than {_size(limit)}", limit)
    return raw


def _too_large(name: str, size: str, limit: int) -> FileError:
    return _refused(
        name,
        f"this file is too large: {size}; at most {_size(limit)} are read",
        "Keep large data in a file of its own and name it in the problem file.",
    )


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count} bytes"
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"


def _shown(file: str) -> str:
    """Return a file name that can be printed whatever bytes and controls it is made of."""
    printable = file.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in printable)


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


def _byte_position(raw: bytes, at: int) -> Position:
    start = raw.rfind(b"\n", 0, at) + 1
    before = raw[start:at].decode("utf-8", "replace")
    return Position(raw.count(b"\n", 0, at) + 1, len(before) + 1)


# -------------------------------------------------------------------------------------- positions


class _Lines:
    """Offsets of a text as lines and columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = array("Q", [0])
        self.starts.extend(found.end() for found in re.finditer("\n", text))

    def position(self, offset: int) -> Position:
        line = bisect_right(self.starts, offset)
        return Position(line, offset - self.starts[line - 1] + 1)

    def offset(self, line: int, column: int) -> int:
        return self.starts[min(line, len(self.starts)) - 1] + column - 1


class _Node:
    """Where a key and its value begin, and what stands inside the value.

    Arrays hold only the offsets of their elements, and nodes for those that are containers
    themselves: a million weights are a million integers of 8 bytes.
    """

    __slots__ = ("defined", "inner", "items", "key_at", "table", "value_at")

    def __init__(self, key_at: int, value_at: int) -> None:
        self.key_at, self.value_at = key_at, value_at
        self.table: dict[str, _Node] = {}
        self.items: array[int] | None = None
        self.inner: dict[int, _Node] = {}
        self.defined = False  # by a header or a value of its own, not just in passing (a.b = 1)

    def element(self, at: int) -> _Node:
        """Add an element that is itself a container."""
        if self.items is None:
            self.items = array("Q")
        node = self.inner[len(self.items)] = _Node(at, at)
        self.items.append(at)
        return node


# Compiled where they are used (re remembers them): most runs need one, and all ten cost 10 ms.
# The possessive + (++, *+) keeps these linear on hostile text: nothing that was read is retried.
_BLANK = r"(?:[ \t\n]++|#[^\n]*+)*+"
_SPACES = r"[ \t]*+"
_BASIC = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_LITERAL = r"'[^'\n]*+'"
_STRING = (
    r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+"""(?:"{0,2})'
    r"|'''[^']*+(?:'(?!'')[^']*+)*+'''(?:'{0,2})"
    rf'|(?!""")(?:{_BASIC})|(?!\'\'\')(?:{_LITERAL})'
)
_KEY_PART = rf"[ \t]*+(?:([A-Za-z0-9_-]++)|({_BASIC})|({_LITERAL}))[ \t]*+"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9][^\s,\]}#]*+"  # the only value with a space in it
_SCALAR = rf"(?s:{_STRING}|{_DATE}|[^\s,\[\]{{}}#\"']++)"


class _Scan:
    """The structure of a TOML text: where everything begins.

    It stops at the first thing that is not TOML; nothing is ever raised.

    Attributes
    ----------
    root : _Node
    again : list of (str, int, int)
        Keys given twice, with the offsets of the first and the second place.
    statement : int
        Offset of the last statement.
    done : int
        Offset behind the last complete statement.
    open : list of int
        Offsets of the brackets that are never closed.
    stuck : int
        Offset of the first place that could not be understood, or -1.
    deep, long_key : int
        Offsets of the first bracket that is nested too deep, of the first key with too many
        parts, or -1.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = _Node(0, 0)
        self.again: list[tuple[str, int, int]] = []
        self.statement = self.done = 0
        self.open: list[int] = []
        self.stuck = self.deep = self.long_key = -1
        self._table = self.root
        self._blank, self._spaces = re.compile(_BLANK), re.compile(_SPACES)
        self._key_part, self._scalar = re.compile(_KEY_PART), re.compile(_SCALAR)
        self._read()

    def offset(self, path: Path, of: Of) -> int:
        """Offset of the path, or of its nearest ancestor."""
        node = self.root
        for part in path:
            if isinstance(part, str):
                inner = node.table.get(part)
            elif node.items is None or not 0 <= part < len(node.items):
                inner = None
            else:
                inner = node.inner.get(part)
                if inner is None:
                    return node.items[part]
            if inner is None:
                break
            node = inner
        return node.key_at if of == "key" else node.value_at

    def _read(self) -> None:
        text, end = self.text, len(self.text)
        at = _end(self._blank, text, 0)
        while at < end:
            self.statement = at
            at = self._header(at) if text[at] == "[" else self._statement(at)
            at = _end(self._blank, text, at)
            if self.stuck < 0 and not self.open:
                self.done = at

    def _lost(self, at: int) -> int:
        """Note that the text cannot be understood here, and end the reading."""
        if self.stuck < 0:
            self.stuck = at
        return len(self.text)

    def _key(self, at: int) -> tuple[list[tuple[str, int]], int]:
        """Read a dotted key: its parts with their offsets, and where it ends."""
        parts = []
        while found := self._key_part.match(self.text, at):
            kind = found.lastindex or 1
            name = found[kind]
            if kind > 1:
                name = _unquoted(name)
            parts.append((name, found.start(kind)))
            at = found.end()
            if not self.text.startswith(".", at):
                break
            at += 1
        if len(parts) > MAX_KEY_PARTS and self.long_key < 0:
            self.long_key = parts[0][1]
        return parts, at

    def _inside(self, table: _Node, name: str, at: int) -> _Node:
        """Return the node of a key on the way to another; in an array of tables, its last."""
        node = table.table.get(name)
        if node is None:
            node = table.table[name] = _Node(at, at)
        elif node.items:
            return node.inner.get(len(node.items) - 1, node)
        return node

    def _header(self, at: int) -> int:
        many = self.text.startswith("[[", at)
        parts, end = self._key(at + 1 + many)
        if not parts:
            return self._lost(at)
        table = self.root
        for name, part_at in parts[:-1]:
            table = self._inside(table, name, part_at)
        name, part_at = parts[-1]
        node = table.table.get(name)
        if node is None:
            node = table.table[name] = _Node(part_at, at)
        elif (not many or node.items is None) and (node.defined or node.items is not None):
            self.again.append((name, node.key_at, part_at))
        if not node.defined:
            node.key_at, node.value_at, node.defined = part_at, at, True
        self._table = node.element(at) if many else node
        close = "]]" if many else "]"
        return end + len(close) if self.text.startswith(close, end) else self._lost(end)

    def _new_key(self, at: int, table: _Node) -> tuple[_Node | None, int]:
        """Read `key =`: the node that is to get the value, and where the value begins."""
        parts, end = self._key(at)
        if not parts or not self.text.startswith("=", end):
            return None, self._lost(end)
        for name, part_at in parts[:-1]:
            table = self._inside(table, name, part_at)
            if table.defined and not table.table:  # a value has no keys of its own
                self.again.append((name, table.key_at, part_at))
        name, part_at = parts[-1]
        node = table.table.get(name)
        if node is None:
            node = table.table[name] = _Node(part_at, part_at)
        else:
            self.again.append((name, node.key_at, part_at))
        node.defined = True
        return node, _end(self._spaces, self.text, end + 1)

    def _statement(self, at: int) -> int:
        node, at = self._new_key(at, self._table)
        if node is None:
            return at
        node.value_at = at
        if self.text.startswith(("[", "{"), at):
            return self._container(at, node)
        found = self._scalar.match(self.text, at)
        return found.end() if found else self._lost(at)

    def _container(self, at: int, node: _Node) -> int:
        """Read an array or an inline table with all that is in it, without recursion."""
        text = self.text
        nodes: list[_Node] = []
        inner: _Node | None = node
        while True:
            if inner is not None:
                if text[at] == "[":
                    inner.items = array("Q")
                nodes.append(inner)
                self._opened(at)
                at, inner = at + 1, None
            at = _end(self._blank, text, at)
            mark = text[at : at + 1]
            if mark in ("]", "}"):
                at += 1
                nodes.pop()
                self.open.pop()
                if not nodes:
                    return at
            elif mark == ",":
                at += 1
            else:
                inner, at = self._entry(at, nodes[-1])
                if self.stuck >= 0:
                    return at

    def _opened(self, at: int) -> None:
        self.open.append(at)
        if len(self.open) > MAX_DEPTH and self.deep < 0:
            self.deep = at

    def _entry(self, at: int, parent: _Node) -> tuple[_Node | None, int]:
        """Read an element or `key = value`; a container is only entered, and its node returned."""
        text = self.text
        node = None
        if parent.items is None:
            node, at = self._new_key(at, parent)
            if node is None:
                return None, at
            node.value_at = at
        if text.startswith(("[", "{"), at):
            if len(self.open) >= HOPELESS_DEPTH:
                return None, self._lost(at)
            return (parent.element(at) if node is None else node), at
        found = self._scalar.match(text, at)
        if found is None:
            return None, self._lost(at)
        if node is None and parent.items is not None:
            parent.items.append(at)
        return None, found.end()


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _unquoted(name: str) -> str:
    if name[0] == '"' and "\\" in name:
        try:
            return str(tomllib.loads(f"k = {name}")["k"])
        except ValueError:
            return name[1:-1]
    return name[1:-1]


# --------------------------------------------------------------------------- what tomllib refuses

MOST_FAULTS: Final = 20
RETRY_BELOW: Final = 200_000
"""Characters up to which the rest of a faulty file is read again for further faults (0.1 s)."""

LOOKALIKES: Final[dict[str, str]] = {
    **PRINTED_LOOKALIKES,
    **dict.fromkeys("“”„‟″「」『』", '"'),
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("\u00a0\u202f\u205f\u3000", " "),
    **{chr(code): " " for code in range(0x2000, 0x200B)},
    **dict.fromkeys("\u200b\u2060\ufeff", ""),
    **{"、": ",", "。": ".", "【": "[", "】": "]", "〔": "[", "〕": "]", "＝": "="},
}
"""Characters that look like those of TOML's own, or like nothing, and what to write instead."""

_ALIKE = "".join(map(re.escape, LOOKALIKES))
_NEXT_LOOKALIKE = (
    rf"(?s:{_STRING}|#[^\n]*+|[“„‟”][^“”„‟\"\n]*+[”“\"]|[‘‚‛][^’‘'\n]*+[’']|([{_ALIKE}]+)|.)"
)


class _Refusal(NamedTuple):
    """What tomllib says; line 0 means the end of the document."""

    message: str
    line: int = 0
    column: int = 0


class _Finding(NamedTuple):
    """One fault of syntax: where, what, and what to do."""

    offset: int
    message: str
    hint: str = ""


def _loads(text: str) -> dict[str, object] | _Refusal:
    """Read the values of a text, or return why they cannot be read."""
    if (at := _long_key(text)) >= 0:
        return _Refusal("Long key", *_Lines(text).position(at))
    try:
        return tomllib.loads(text, parse_float=PrintedFloat)
    except RecursionError:
        return _Refusal("Too deep")
    except ValueError as error:  # also of int(), for more than 4300 digits
        found = re.fullmatch(
            r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL
        )
        if found is None:
            return _Refusal(str(error))
        return _Refusal(found[1], int(found[2] or 0), int(found[3] or 0))


_LONG_KEY = (
    r"(?<![\w.'\"-])(?:(?:[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"
    rf"{{{MAX_KEY_PARTS}}}"
)


def _long_key(text: str) -> int:
    """Offset of the first key with too many parts, or -1."""
    if re.search(_LONG_KEY, text) is None:  # 30 times faster than the scanner
        return -1
    return _Scan(text).long_key


def _syntax_faults(text: str, file: str, refusal: _Refusal) -> list[Fault]:
    """Return all faults of syntax that can be told apart.

    A faulty statement that stands on lines of its own is taken out (a lookalike is replaced) and
    the rest read again; where that would only breed further faults, the first ones must do.
    """
    lines = text.split("\n")
    faults: list[Fault] = []
    while True:
        findings, repaired = _explained(text, refusal)
        where = _Lines(text)
        for finding in findings:
            line, column = where.position(finding.offset)
            shown = _excerpt(lines[line - 1], line, column)
            faults.append(Fault(finding.message, file, line, column, f"{finding.hint}\n{shown}"))
        if repaired is None or len(faults) >= MOST_FAULTS or len(text) > RETRY_BELOW:
            return faults[:MOST_FAULTS]
        again = _loads(repaired)
        if not isinstance(again, _Refusal):
            return faults
        text, refusal = repaired, again


def _explained(text: str, refusal: _Refusal) -> tuple[list[_Finding], str | None]:
    """Return the findings at one refusal, and the text without them to look for others."""
    at = len(text) if not refusal.line else _Lines(text).offset(refusal.line, refusal.column)
    findings, repaired = _lookalikes(text, at)
    if findings:
        return findings, repaired
    broken = _Broken(text, at, refusal.message, _Scan(text[:at]))
    explain = _explanation(broken)
    finding = explain(broken)
    if explain is _open_string:  # tomllib may have looked for the quote to the end of the text
        at = finding.offset
        if text.startswith(('"""', "'''"), at):
            return [finding], None
    elif not refusal.line:
        return [finding], None
    return [finding], _without_statement(text, at, broken.scan)


def _explanation(broken: _Broken) -> Callable[[_Broken], _Finding]:
    """Return the function that explains what tomllib said."""
    character = broken.text[broken.at : broken.at + 1]
    if character < " " and character not in "\t\n":
        return _bad_character
    for start, explain in _EXPLAIN:
        if broken.said.startswith(start):
            return explain
    return _unexplained


def _lookalikes(text: str, at: int) -> tuple[list[_Finding], str]:
    """Find the lookalikes from an offset to the end of its line, outside strings and comments."""
    pattern = re.compile(_NEXT_LOOKALIKE)
    line_end = text.find("\n", at)
    stop = min(len(text) if line_end < 0 else line_end, at + 10_000)
    findings, repaired = [], text[:at]
    while at < stop:
        found = pattern.match(text, at, stop)
        if found is None:
            break
        piece = found[0]
        if found.lastindex:
            findings.append(_Finding(at, *_lookalike_words(piece)))
            piece = "".join(LOOKALIKES[c] or " " for c in piece)
        elif len(piece) > 1 and piece[0] in LOOKALIKES:  # “text in the wrong quotes”
            findings.append(_Finding(at, *_lookalike_words(piece[0], piece)))
            quote = LOOKALIKES[piece[0]]
            piece = quote + "".join("_" if c in "\\\"'" else c for c in piece[1:-1]) + quote
        repaired += piece
        at = found.end()
    return findings, repaired + text[at:]


def _lookalike_words(piece: str, quoted: str = "") -> tuple[str, str]:
    """Return the name and code point of lookalikes, and what to write instead."""
    import unicodedata  # only for a faulty file

    names = [f"{named(c)}, {unicodedata.name(c, 'unnamed').lower()}" for c in dict.fromkeys(piece)]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    message = f"{'; '.join(names[:3])}{more}: not a character that TOML knows here"
    plain = "".join(LOOKALIKES[c] for c in piece)
    if quoted:
        return message, f"Write {plain}{quoted[1:-1]}{plain} with the straight quote {plain}"
    if not plain:
        return message, "Delete it"
    if not plain.strip():
        return message, "Write an ordinary space"
    return message, f"Write {plain} instead"


def _excerpt(line: str, number: int, column: int, width: int = 72) -> str:
    """Return the line with a caret under the column; long lines are cut around it."""
    start = max(0, column - 1 - width // 2) if len(line) > width else 0
    part = "".join(c if c.isprintable() else " " for c in line[start : start + width])
    before = part[: column - 1 - start]
    gutter = f"{number:5d} | "
    return f"{gutter}{part.rstrip()}\n{'':5} | {' ' * _columns(before)}^"


def _columns(text: str) -> int:
    """Width of a text in a terminal: Chinese characters take two columns, accents none."""
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


def _without_statement(text: str, at: int, scan: _Scan) -> str | None:
    """Take the faulty statement out, line ends left in place; None if its end is not certain."""
    if len(text) > RETRY_BELOW:
        return None
    start = text.rfind("\n", 0, max(scan.statement, scan.done)) + 1
    line_end = text.find("\n", at)
    stop = len(text) if line_end < 0 else line_end
    breaks = "\n" * text.count("\n", start, stop)
    if text[start:stop].lstrip().startswith("["):  # what follows must not fall to the table before
        return f"{text[:start]}[unreadable-{start}]{breaks}{text[stop:]}"
    bare = re.sub(rf"(?s:{_STRING}|#[^\n]*+)", "", text[start:stop])
    if any(bare.count(a) != bare.count(b) for a, b in ("[]", "{}")) or re.search(
        r"\"{3}|'{3}", bare
    ):
        return None
    return f"{text[:start]}{breaks}{text[stop:]}"


# ------------------------------------------------------------------------------- in our own words


class _Broken(NamedTuple):
    """A text and the place where tomllib stopped; `scan` saw the text up to there."""

    text: str
    at: int
    said: str
    scan: _Scan

    @property
    def rest(self) -> str:
        """The rest of the line."""
        end = self.text.find("\n", self.at)
        return self.text[self.at : end if end >= 0 else len(self.text)].rstrip()

    @property
    def before(self) -> str:
        """The line up to the place."""
        return self.text[self.text.rfind("\n", 0, self.at) + 1 : self.at]

    @property
    def found(self) -> str:
        """What stands at the place, to be shown in a message."""
        return _found(self.rest)


def _found(rest: str) -> str:
    if not rest:
        return "the end of the line"
    if not rest[0].isprintable():
        return f"the character {named(rest[0])}"
    return "the quote '\"'" if rest[0] == '"' else f'"{rest[0]}"'


def _place(text: str, offset: int) -> str:
    line, column = _Lines(text).position(offset)
    return f"line {line}, column {column}"


def _no_equals(broken: _Broken) -> _Finding:
    before, rest = broken.before, broken.rest
    key = before[before.rfind("{") + 1 :].strip()
    if rest.startswith(":"):
        return _Finding(broken.at, 'expected "=" after the key, found ":"', "Write key = value.")
    name, equals, _ = rest.partition("=")
    if equals and name.strip():
        return _unquoted_key(broken, f"{key}{' ' if before.endswith(' ') else ''}{name.rstrip()}")
    if not rest:
        message = f'"=" and a value are missing after the key {_short(key)}'
        return _Finding(broken.at, message, "Write key = value.")
    return _Finding(broken.at, f'"=" is missing after the key {_short(key)}', "Write key = value.")


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else "\ufffd" for c in text[:61])
    return text if len(text) <= 60 else f"{text[:57]}…"


def _unquoted_key(broken: _Broken, key: str) -> _Finding:
    plain = key.replace('"', "").replace("'", "").strip()
    return _Finding(
        broken.at,
        f"{broken.found} may not stand in a key without quotes",
        f'Write "{_short(plain)}" = …',
    )


def _no_key(broken: _Broken) -> _Finding:
    rest = broken.rest
    if rest.startswith("="):
        return _Finding(broken.at, 'a key is missing before "="', "Write key = value.")
    in_braces = bool(broken.scan.open)
    if in_braces and (not rest or rest[0] in "#}"):
        hint = (
            "Leave out the comma before the }."
            if rest.startswith("}")
            else "All of { … } stands on one line; a [table] may take more."
        )
        return _Finding(broken.at, f"expected a key, found {broken.found}", hint)
    name, equals, _ = rest.partition("=")
    if equals and name.strip() and "[" not in broken.before:
        return _unquoted_key(broken, name)
    expected = "a key" if in_braces or broken.before.strip() else "a key or a [table]"
    hint = "Write key = value, or [table]; remarks begin with #."
    return _Finding(broken.at, f"expected {expected}, found {broken.found}", hint)


def _more_on_line(broken: _Broken) -> _Finding:
    rest = broken.rest
    value = broken.before.rpartition("=")[2].strip()
    if re.fullmatch(r"[+-]?[0-9][0-9_]*", value) and (behind := re.match(r"[.,]([0-9]*)", rest)):
        number = f"{value}{behind[0]}"
        if rest[0] == ".":
            return _point(broken.at, number, "no digit follows the decimal point")
        if behind[1]:
            message = f"{_short(number)} has a comma; expected a decimal point"
            return _Finding(broken.at, message, f"Write {_short(number).replace(',', '.')}")
    if value in ("0", "-0", "+0") and rest[:1].isdigit():
        return _Finding(broken.at, f"a number may not begin with {value}", "Leave the zero out.")
    if rest.startswith(","):
        return _Finding(broken.at, 'a "," after the value', "Leave it out, or write [ … ].")
    if re.match(r"[\w\"'-]+\s*=", rest):
        return _Finding(broken.at, "a second key on the same line", "Begin a new line.")
    return _Finding(
        broken.at,
        f"expected the end of the line, found {broken.found}",
        "Text and arithmetic stand in quotes; remarks begin with #.",
    )


def _point(at: int, number: str, message: str) -> _Finding:
    sign = number[0] if number[0] in "+-" else ""
    digits = number.lstrip("+-")
    full = f"{sign}{'0' * digits.startswith('.')}{digits}{'0' * digits.endswith('.')}"
    return _Finding(at, message, f'Write {full}, or "{number}" in quotes, just as printed.')


_BARE_WORDS: Final = {"True": "true", "False": "false", "TRUE": "true", "FALSE": "false"}


def _bad_value(broken: _Broken) -> _Finding:
    rest = broken.rest
    if not rest or rest[0] in "#,]}":
        hint = 'Write a number, "text", true, false, [ … ] or { … }.'
        return _Finding(broken.at, f"a value is missing; found {broken.found}", hint)
    if number := re.match(r"[+-]?\.[0-9]+(?:[eE][+-]?[0-9]+)?", rest):
        return _point(broken.at, number[0], "no digit stands before the decimal point")
    word = re.match(r"[^\s,\[\]{}#\"'=]+", rest)
    if word is None:
        hint = 'Write a number, "text", true, false, [ … ] or { … }.'
        return _Finding(broken.at, f"expected a value, found {broken.found}", hint)
    if word[0] in _BARE_WORDS:
        return _Finding(broken.at, f"{word[0]} is no value", f"Write {_BARE_WORDS[word[0]]}.")
    if word[0].lower() in ("none", "null", "nil"):
        return _Finding(broken.at, f"{word[0]} is no value", "Leave the whole key out.")
    return _Finding(
        broken.at, f"{_short(word[0])} is no value", f'Text stands in quotes: "{_short(word[0])}"'
    )


def _unclosed(broken: _Broken) -> _Finding:
    closing = "]" if "array" in broken.said else "}"
    opening = "[" if closing == "]" else "{"
    opened = broken.scan.open[-1] if broken.scan.open else broken.at
    if broken.at >= len(broken.text):
        return _Finding(opened, f'this "{opening}" is never closed', f'Write "{closing}".')
    since = f'The "{opening}" is at {_place(broken.text, opened)}.'
    if closing == "}" and not broken.rest:
        since = "All of { … } stands on one line; a [table] may take more."
    return _Finding(broken.at, f'expected "," or "{closing}", found {broken.found}', since)


def _bad_header(broken: _Broken) -> _Finding:
    closing = "]]" if "]]" in broken.said else "]"
    hint = "A name with other characters than letters, digits, - and _ stands in quotes."
    if broken.rest[:1] in ("", "#", "]"):
        hint = f"Write {'[[name]]' if closing == ']]' else '[name]'}."
    message = f'expected "{closing}" at the end of the header, found {broken.found}'
    return _Finding(broken.at, message, hint)


def _given_twice(broken: _Broken) -> _Finding:
    if not broken.scan.again:
        message = "this key or table was finished further up and cannot be added to"
        return _Finding(broken.scan.statement, message, "Write all of it in one place.")
    name, first, second = broken.scan.again[-1]
    message = f"{_short(name)!r} is given twice, first at {_place(broken.text, first)}"
    return _Finding(second, message, "Keep one of the two.")


def _open_string(broken: _Broken) -> _Finding:
    start = broken.scan.stuck if broken.scan.stuck >= 0 else broken.at
    quote = re.match(r"\"{3}|'{3}|\"|'", broken.text[start:])
    if quote is None:
        return _Finding(broken.at, "a text in quotes is not closed", "Write the closing quote.")
    message = f"the text that begins here with {quote[0]} is not closed"
    if len(quote[0]) == 1:
        message += " on its line"
    return _Finding(start, message, f"Write the closing {quote[0]}.")


def _bad_character(broken: _Broken) -> _Finding:
    character = broken.text[broken.at : broken.at + 1]
    if character in ("\n", ""):
        return _open_string(broken)
    if character == "\r":
        message = "a carriage return (U+000D) without line feed"
        return _Finding(broken.at, message, "Save the file with the line ends of Unix or Windows.")
    return _Finding(broken.at, f"the control character {named(character)}", "Delete it.")


def _bad_escape(broken: _Broken) -> _Finding:
    return _Finding(
        broken.at,
        f"the backslash here begins no escape that TOML knows ({broken.said})",
        r"Write \\ for a backslash, or put the text in single quotes.",
    )


def _bad_date(broken: _Broken) -> _Finding:
    return _Finding(broken.at, "there is no such date or time", "Text stands in quotes.")


def _too_deep(broken: _Broken) -> _Finding:
    message = f"more than {MAX_DEPTH} brackets in brackets"
    return _Finding(max(0, broken.scan.deep), message, "Nothing in a problem file is so deep.")


def _long_integer(broken: _Broken) -> _Finding:
    number = re.search(r"[0-9_]{4000,}", broken.text)
    message = "an integer with thousands of digits"
    return _Finding(number.start() if number else 0, message, "Expected a number as books print.")


def _unexplained(broken: _Broken) -> _Finding:
    message = f"this is not TOML ({_short(broken.said)})"
    return _Finding(broken.at, message, "The format is described at https://toml.io.")


def _too_many_parts(broken: _Broken) -> _Finding:
    message = f"a key with more than {MAX_KEY_PARTS} parts"
    return _Finding(broken.at, message, "A key with points in its name stands in quotes.")


_EXPLAIN: Final[list[tuple[str, Callable[[_Broken], _Finding]]]] = [
    ("Expected '=' after a key", _no_equals),
    ("Invalid statement", _no_key),
    ("Invalid initial character", _no_key),
    ("Expected newline or end", _more_on_line),
    ("Invalid value", _bad_value),
    ("Unclosed", _unclosed),
    ("Expected ']", _bad_header),
    ("Cannot", _given_twice),
    ("Duplicate inline table key", _given_twice),
    ("Unterminated string", _open_string),
    ("Expected", _open_string),
    ("Illegal character", _bad_character),
    ("Found invalid character", _bad_character),
    ("Unescaped", _bad_escape),
    ("Invalid hex value", _bad_escape),
    ("Escaped character", _bad_escape),
    ("Invalid date", _bad_date),
    ("Too deep", _too_deep),
    ("Exceeds the limit", _long_integer),
    ("Long key", _too_many_parts),
]
