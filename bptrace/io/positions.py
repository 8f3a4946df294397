"""Where everything in a TOML text stands: a scanner that notes positions and judges nothing.

Not responsible for values, nor for what is wrong with a text; of both, `tomllib` knows more.
"""

from __future__ import annotations

import re
import tomllib
from array import array
from bisect import bisect_right
from typing import Final, Literal

from bptrace.tuples import NamedTuple

MAX_KEY_PARTS: Final = 64
"""Dots in one key that are still read; the time that tomllib takes grows with their square."""

MAX_DEPTH: Final = 100
"""Brackets in brackets; tomllib calls itself for each and gives up somewhat later."""

HOPELESS_DEPTH: Final = 2000
"""Twice as deep as Python's default limit of calls in calls: tomllib has long given up."""

Path = tuple[str | int, ...]
"""Keys and, in arrays, indices from 0: ``("network", "layer", 1, "biases", 0)``."""

Of = Literal["key", "value"]


class Position(NamedTuple):
    """A place in a text, both counted from 1, in characters."""

    line: int
    column: int


class Lines:
    """Offsets of a text as lines and columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = array("Q", [0])
        self.starts.extend(found.end() for found in re.finditer("\n", text))

    def position(self, offset: int) -> Position:
        """Line and column of an offset."""
        line = bisect_right(self.starts, offset)
        return Position(line, offset - self.starts[line - 1] + 1)

    def offset(self, line: int, column: int) -> int:
        """Offset of a line and column."""
        return self.starts[min(line, len(self.starts)) - 1] + column - 1


def excerpt(line: str, number: int, column: int, width: int = 72) -> str:
    """Return the line with a caret under the column; long lines are cut around it."""
    start = max(0, column - 1 - width // 2) if len(line) > width else 0
    part = "".join(c if c.isprintable() else " " for c in line[start : start + width])
    before = part[: column - 1 - start]
    return f"{number:5d} | {part.rstrip()}\n{'':5} | {' ' * _columns(before)}^"


def _columns(text: str) -> int:
    """Width of a text in a terminal: Chinese characters take two columns, accents none."""
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


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
# Not after a group: there Python 3.11.2, that of Debian 12, goes wrong (3.11.7 does not); without
# it each group is given back once, and nothing in it is divided anew.
_BLANK = r"(?:[ \t\n]++|#[^\n]*+)*"
_SPACES = r"[ \t]*+"
_BASIC = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"'
_LITERAL = r"'[^'\n]*+'"
STRING = (
    r'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*"""(?:"{0,2})'
    r"|'''[^']*+(?:'(?!'')[^']*+)*'''(?:'{0,2})"
    rf'|(?!""")(?:{_BASIC})|(?!\'\'\')(?:{_LITERAL})'
)
_KEY_PART = rf"[ \t]*+(?:([A-Za-z0-9_-]++)|({_BASIC})|({_LITERAL}))[ \t]*+"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9][^\s,\]}#]*+"  # the only value with a space in it
_SCALAR = rf"(?s:{STRING}|{_DATE}|[^\s,\[\]{{}}#\"']++)"


class Scan:
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


_LONG_KEY = (
    r"(?<![\w.'\"-])(?:(?:[A-Za-z0-9_-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"
    rf"{{{MAX_KEY_PARTS}}}"
)


def long_key(text: str) -> int:
    """Offset of the first key with too many parts, or -1."""
    most = max((line.count(".") for line in text.split("\n")), default=0)
    if most < MAX_KEY_PARTS or re.search(_LONG_KEY, text) is None:  # 30 times as fast as `Scan`
        return -1
    return Scan(text).long_key
