"""Everything in any TOML text has its place, and nothing but our own errors comes out of one."""

from __future__ import annotations

import random
import string
import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bptrace.errors import FileError
from bptrace.io.toml import Document, parse
from bptrace.printed import PrintedFloat

Places = dict[tuple[tuple[str | int, ...], str], int]


class Writer:
    """Writes a document in a random layout of TOML and remembers where everything went."""

    def __init__(self, layout: random.Random) -> None:
        self.layout = layout
        self.text = ""
        self.places: Places = {}

    def maybe(self, *choices: str) -> None:
        self.text += self.layout.choice(choices)

    def note(self, path: tuple[str | int, ...], of: str) -> None:
        self.places.setdefault((path, of), len(self.text))

    def table(self, data: dict[str, Any], path: tuple[str | int, ...] = ()) -> None:
        headed: list[tuple[str, Any]] = []
        for name, value in data.items():
            if self.can_be_headed(value) and self.layout.random() < 0.6:
                headed.append((name, value))
            else:
                self.maybe("", "", "\n", "  ", "\t", "# a remark = [\n")
                self.pair(name, value, path)
                self.maybe("\n", " # why\n", "\n\n", "\r\n")
        for name, value in headed:
            if isinstance(value, list):
                for i, element in enumerate(value):
                    self.header("[[", (*path, name), (*path, name, i))
                    self.table(element, (*path, name, i))
            else:
                self.header("[", (*path, name), (*path, name))
                self.table(value, (*path, name))

    @staticmethod
    def can_be_headed(value: object) -> bool:
        if isinstance(value, list):
            return bool(value) and all(isinstance(element, dict) for element in value)
        return isinstance(value, dict)

    def header(
        self, bracket: str, path: tuple[str | int, ...], element: tuple[str | int, ...]
    ) -> None:
        self.maybe("", " ", "\n")
        start = len(self.text)
        self.places.setdefault((path, "value"), start)
        for of in ("key", "value"):
            if element != path:
                self.places[element, of] = start
        self.text += bracket
        names = [i for i, part in enumerate(path) if isinstance(part, str)]
        for i in names:
            self.maybe("", " ")
            if i == names[-1]:
                self.note(path, "key")
            self.key(str(path[i]))
            self.maybe("", " ")
            self.text += "." if i != names[-1] else {"[": "]", "[[": "]]"}[bracket]
        self.maybe("\n", " # header ]\n")

    def pair(
        self, name: str, value: object, path: tuple[str | int, ...], line: bool = True
    ) -> None:
        """`name = value`, or for a table also `name.inner = value` line by line."""
        if isinstance(value, dict) and value and line and self.layout.random() < 0.4:
            self.dotted([name], value, path)
            return
        self.note((*path, name), "key")
        self.key(name)
        self.maybe("=", " = ", "\t= ")
        self.value(value, (*path, name), line)

    def dotted(
        self, names: list[str], data: dict[str, object], path: tuple[str | int, ...]
    ) -> None:
        for i, (name, value) in enumerate(data.items()):
            if i:
                self.text += "\n"
            if isinstance(value, dict) and value and self.layout.random() < 0.4:
                self.dotted([*names, name], value, path)
                continue
            full = path
            for part in [*names, name]:
                full = (*full, part)
                self.note(full, "key")
                if part is not name or len(full) < len(path) + len(names) + 1:
                    self.note(full, "value")
                self.key(part)
                self.maybe("", " ")
                if len(full) < len(path) + len(names) + 1:
                    self.maybe(".", ". ")
            self.text += "= "
            self.value(value, full, True)

    def key(self, name: str) -> None:
        if name and set(name) <= set(string.ascii_letters + string.digits + "_-"):
            self.maybe(name, name, self.basic(name))
        elif "'" in name or any(ord(c) < 32 or ord(c) == 127 for c in name):
            self.text += self.basic(name)
        else:
            self.maybe(f"'{name}'", self.basic(name))

    def basic(self, text: str) -> str:
        return f'"{self.escaped(text)}"'

    def escaped(self, text: str) -> str:
        def one(c: str) -> str:
            if c in '\\"':
                return "\\" + c
            return f"\\U{ord(c):08x}" if ord(c) < 32 or ord(c) == 127 else c

        return "".join(map(one, text))

    def value(self, value: object, path: tuple[str | int, ...], lines: bool) -> None:
        self.note(path, "value")
        if isinstance(path[-1], int):
            self.note(path, "key")
        if isinstance(value, dict):
            self.inline(value, path)
        elif isinstance(value, list):
            self.array(value, path, lines)
        elif isinstance(value, str):
            self.string(value, lines)
        elif isinstance(value, bool):
            self.text += str(value).lower()
        elif isinstance(value, float):
            self.text += f"{value:e}" if value == float(f"{value:e}") else repr(value)
        else:
            self.text += str(value)

    def inline(self, value: dict[str, object], path: tuple[str | int, ...]) -> None:
        self.maybe("{", "{ ")
        for i, (name, inner) in enumerate(value.items()):
            if i:
                self.maybe(",", " , ")
            self.pair(name, inner, path, line=False)
        self.maybe("}", " }")

    def array(self, value: list[object], path: tuple[str | int, ...], lines: bool) -> None:
        blanks = ("", " ", "\n", " # one, [two\n  ") if lines else ("", " ")
        self.text += "["
        for i, inner in enumerate(value):
            self.maybe(*blanks)
            self.value(inner, (*path, i), lines)
            self.maybe(*blanks)
            if i < len(value) - 1:
                self.text += ","
        if value:
            self.maybe("", ",")
        self.maybe(*blanks)
        self.text += "]"

    def string(self, value: str, lines: bool) -> None:
        ways = [self.basic(value)]
        plain = not any(ord(c) < 32 or ord(c) == 127 for c in value)
        if plain and "'" not in value:
            ways.append(f"'{value}'")
        if lines and "\n" not in value and "\r" not in value:
            quoted = self.escaped(value).replace('\\"', '"').replace('"""', '""\\"')
            ways.append(f'"""\n{self.escaped(value)}"""')
            if not quoted.endswith('"'):
                ways.append(f'"""{quoted}"""')
            if plain and "'''" not in value and not value.startswith("'"):
                ways.append(f"'''{value}'''" if not value.endswith("'") else f"'''\n{value}'''")
        ways = [way for way in ways if tomllib.loads(f"k = {way}")["k"] == value]
        self.maybe(*ways)


NAMES = st.sampled_from(["a", "b", "c", "w5+", "dE/dw5", "∂E", "in.h1", "层", "", "3", '"', "'"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["]", "[x]", "a = 1", "# no", "'''", '""', "x'", '"""', "\\", "0.40"]
)
SCALARS = (
    TEXTS
    | st.booleans()
    | st.integers(-999, 999)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.datetimes()  # written with a space between date and time
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)
LAYOUTS = st.randoms(use_true_random=False)


def written(data: dict[str, object], layout: random.Random) -> Writer:
    writer = Writer(layout)
    writer.table(data)
    return writer


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def every_path(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from every_path(inner, (*path, name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from every_path(inner, (*path, i))


@given(DOCUMENTS, LAYOUTS)
def test_every_path_has_the_position_of_its_text(
    data: dict[str, object], layout: random.Random
) -> None:
    writer = written(data, layout)
    document = parse(writer.text, "p.toml")
    assert document.data == data
    assert document._scan.stuck == -1
    assert not document._scan.again
    for (path, of), offset in writer.places.items():
        position = document.position(path, of)  # type: ignore[arg-type]
        assert position == line_and_column(writer.text, offset), (path, of, writer.text)
    noted = {path for path, of in writer.places if of == "value"}
    assert noted | {()} >= set(every_path(data))


def document_or_faults(text: str) -> Document | FileError:
    try:
        return parse(text, "p.toml")
    except FileError as error:
        return error


JUNK = st.sampled_from(
    [*"[]{}=,.\"'#\n\r\\\0 0a−０＝“’\u3000", '"""', "'''", "[[", "a.b=1\n", "[a]"]
)


@given(
    DOCUMENTS, LAYOUTS, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), JUNK), max_size=3)
)
def test_a_damaged_text_gives_faults_inside_it_and_nothing_else(
    data: dict[str, object], layout: random.Random, damage: list[tuple[float, int, str]]
) -> None:
    text = written(data, layout).text
    for where, cut, junk in damage:
        at = int(where * len(text))
        text = text[:at] + junk + text[at + cut :]
    lines = text.replace("\r\n", "\n").split("\n")
    document = document_or_faults(text)
    if isinstance(document, FileError):
        assert document.faults
        for fault in document.faults:
            assert 1 <= fault.line <= len(lines)
            assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1
            assert "^" in fault.hint
            assert not fault.hint.startswith("\n")  # each says what to do
            assert "this is not TOML" not in fault.message, fault
        return
    assert document._scan.stuck == -1  # tomllib read it, so the scanner must
    for path in every_path(document.data):
        line, column = document.position(path)
        assert column <= len(lines[line - 1]) + 1


@given(st.text(alphabet="ab=[]{}.,\"'#\n 0−\\", max_size=30))
def test_any_text_gives_a_document_or_faults(text: str) -> None:
    document = document_or_faults(text)
    if isinstance(document, FileError):
        assert str(document).startswith("p.toml:")
    else:
        assert document.position(("a", 0, "b")).line >= 1


def test_values_keep_their_digits() -> None:
    number = parse("a = 0.60", "p.toml").data["a"]
    assert isinstance(number, PrintedFloat)
    assert number.text == "0.60"
