"""Every fault is shown in its place, and nothing but our own errors comes out of a file."""

from __future__ import annotations

import io
import os
import random
import string
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.errors import FileError
from bptrace.io.toml import MAX_BYTES, Document, load, parse, read_bytes
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


EXAMPLE = """\
title = "x"
[network]
loss = "half-squared"
[[network.layer]]
names = ["i1", "i2"]
[[network.layer]]
weights = [[0.1, 0.2],
           [0.3, 0.40]]
[[claims]]
"in_h1" = { is = 0.60, eq = "5.12" }
"""


@pytest.mark.parametrize(
    ("path", "of", "place"),
    [
        (("title",), "key", (1, 1)),
        (("title",), "value", (1, 9)),
        (("network",), "key", (2, 2)),
        (("network",), "value", (2, 1)),
        (("network", "rule"), "key", (2, 2)),  # missing: the header of its table
        (("network", "layer"), "key", (4, 11)),
        (("network", "layer", 1), "key", (6, 1)),
        (("network", "layer", 1, "size"), "value", (6, 1)),
        (("network", "layer", 1, "weights", 1, 1), "value", (8, 18)),
        (("network", "layer", 1, "weights", 1, 7), "value", (8, 12)),
        (("network", "layer", 0, "names", 1), "key", (5, 16)),
        (("network", "layer", 9, "names", 1), "key", (4, 11)),
        (("claims", 0, "in_h1", "eq"), "value", (10, 29)),
        (("claims", 0, "in_h1", "from"), "key", (10, 1)),
        (("claims", 0, "in_h1", "is", "deeper", 3), "key", (10, 13)),
        (("training",), "key", (1, 1)),
        ((), "key", (1, 1)),
    ],
)
def test_positions_of_a_problem(path: tuple[str | int, ...], of: str, place: object) -> None:
    assert parse(EXAMPLE, "p.toml").position(path, of) == place  # type: ignore[arg-type]


def test_values_keep_their_digits() -> None:
    document = parse(EXAMPLE, "p.toml")
    number = document.data["claims"][0]["in_h1"]["is"]  # type: ignore[index]
    assert isinstance(number, PrintedFloat)
    assert number.text == "0.60"


def test_positions_are_found_only_when_asked_for() -> None:
    document = parse(EXAMPLE, "p.toml")
    assert "_scan" not in vars(document)
    fault = document.fault("unknown key 'loss'", ("network", "loss"), hint="Leave it out.")
    assert str(fault) == "p.toml:3:1: unknown key 'loss'. Leave it out."
    assert "_scan" in vars(document)


# ------------------------------------------------------------------------------ faults of syntax


def faults(text: str) -> list[str]:
    """Messages without the line and the caret."""
    with pytest.raises(FileError) as caught:
        parse(text, "p")
    return [str(fault).partition("\n")[0] for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "a = ０．５",
            "1:5: ０ (U+FF10), fullwidth digit zero; ． (U+FF0E), fullwidth full stop; "
            "５ (U+FF15), fullwidth digit five: not a character that TOML knows here. "
            "Write 0.5 instead",
        ),
        ("a = −5", "1:5: − (U+2212), minus sign: not a character*Write - instead"),
        ("a = [1，2]", "1:7: ， (U+FF0C), fullwidth comma*Write , instead"),
        ("a\u3000= 1", "1:2: (U+3000), ideographic space*Write an ordinary space"),
        ("a =\u00a01", "1:4: (U+00A0), no-break space*Write an ordinary space"),
        ("\u200ba = 1", "1:1: (U+200B), zero width space*Delete it"),
        ("a ＝ 1", "1:3: ＝ (U+FF1D), fullwidth equals sign*Write = instead"),
        ("a = “s t”", '1:5: “ (U+201C)*Write "s t" with the straight quote "'),
        ("a = ‘s’", "1:5: ‘ (U+2018)*Write 's' with the straight quote '"),
        ("a = 5e−3", "1:7: − (U+2212)*"),
        (
            "a = 1\na = 2",
            "2:1: 'a' is given twice, first at line 1, column 1. Keep one of the two.",
        ),
        ("[a]\n[b]\n[a]", "3:2: 'a' is given twice, first at line 1, column 2*"),
        ("a = { x = 1, x = 2 }", "1:14: 'x' is given twice, first at line 1, column 7*"),
        ("a = 1\na.b = 2", "2:1: 'a' is given twice, first at line 1, column 1*"),
        ("a.b = 1\n[a]", "2:1: this key or table was finished further up*Write all of it in one*"),
        ("a 5", '1:3: "=" is missing after the key a. Write key = value.'),
        ("a", '1:2: "=" and a value are missing after the key a*'),
        ("a: 5", '1:2: expected "=" after the key, found ":"*'),
        ("dE/dw5 = 1", '1:3: "/" may not stand in a key without quotes. Write "dE/dw5" = …'),
        ("w5+ = 1", '1:3: "+" may not stand*Write "w5+" = …'),
        ("∂E/∂w5 = 1", '1:1: "∂" may not stand*Write "∂E/∂w5" = …'),
        ("out[1,1] = 1", '1:4: "[" may not stand*Write "out[1,1]" = …'),
        ("learning rate = 1", '1:10: "r" may not stand*Write "learning rate" = …'),
        ("= 5", '1:1: a key is missing before "="*'),
        ("]", '1:1: expected a key or a [table], found "]"*'),
        ("a =", "1:4: a value is missing; found the end of the line*"),
        ("a = .85", '1:5: no digit stands before*Write 0.85, or ".85" in quotes, just as printed.'),
        ("a = -.5", '1:5: no digit stands before*Write -0.5, or "-.5" in quotes*'),
        ("a = 1.", '1:6: no digit follows the decimal point. Write 1.0, or "1." in quotes*'),
        ("a = 1,5", "1:6: 1,5 has a comma; expected a decimal point. Write 1.5"),
        ("a = 1,", '1:6: a "," after the value. Leave it out, or write [ … ].'),
        ("a = 01", "1:6: a number may not begin with 0. Leave the zero out."),
        ("a = 1 b = 2", "1:7: a second key on the same line. Begin a new line."),
        ("a = 1/2", '1:6: expected the end of the line, found "/"*Text and arithmetic stand in*'),
        ("a = sigmoid", '1:5: sigmoid is no value. Text stands in quotes: "sigmoid"'),
        ("a = True", "1:5: True is no value. Write true."),
        ("a = None", "1:5: None is no value. Leave the whole key out."),
        ("a = =", '1:5: expected a value, found "="*'),
        ("a = [1 2]", '1:8: expected "," or "]", found "2". The "[" is at line 1, column 5.'),
        ("a = [1,\nb = 2", "2:1: b is no value*"),
        ("a = [1, [2]\n\n", '1:5: this "[" is never closed. Write "]".'),
        ("a = { x = 1, }", '1:14: expected a key, found "}". Leave out the comma before the }.'),
        ("a = { x = 1,\n y = 2 }", "1:13: expected a key*All of { … } stands on one line*"),
        ("a = { x = 1 y }", '1:13: expected "," or "}", found "y"*'),
        ('a = "s', '1:5: the text that begins here with " is not closed on its line*'),
        ("a = 's\nb = 1", "1:5: the text that begins here with ' is not closed on its line*"),
        ('a = """s\n"', '1:5: the text that begins here with """ is not closed*'),
        ("a = '''s\n'", "1:5: the text that begins here with ''' is not closed*"),
        ("[a\nb = 1", '1:3: expected "]" at the end of the header, found the end*Write [name].'),
        ("[[a]", '1:4: expected "]]" at the end of the header, found "]". Write [[name]].'),
        ("[a b]", '1:4: expected "]"*A name with other characters*'),
        (r'a = "\d"', "1:8: the backslash here begins no escape*Write \\\\ for a backslash*"),
        ("a = 2020-02-30", "1:5: there is no such date or time*"),
        ("a = 1\rb = 2", "1:6: a carriage return (U+000D) without line feed*"),
        ('a = "\x01"', "1:6: the control character (U+0001). Delete it."),
        ("a = " + "9" * 5000, "1:5: an integer with thousands of digits*"),
        ("a = " + "[" * 5000, "1:105: more than 100 brackets in brackets*"),
        (".".join("a" * 70) + " = 1", "1:1: a key with more than 64 parts*"),
    ],
)
def test_syntax_in_our_own_words(text: str, messages: str) -> None:
    [said] = faults(text)
    begin, *rest = messages.split("*")
    assert said.startswith(f"p:{begin}")
    assert all(part in said for part in rest)
    assert rest or said == f"p:{begin}"


def test_the_line_is_shown_with_a_caret() -> None:
    with pytest.raises(FileError) as caught:
        parse('x = 1\n"中文" = −5 # note\n', "p.toml")
    assert str(caught.value) == (
        "p.toml:2:8: − (U+2212), minus sign: not a character that TOML knows here. "
        "Write - instead\n"
        '    2 | "中文" = −5 # note\n'
        "      |          ^"  # two columns for each Chinese character
    )


def test_a_long_line_is_cut_around_the_fault() -> None:
    with pytest.raises(FileError) as caught:
        parse("a = [" + "0.25, " * 100_000 + "x, " + "1, " * 1000 + "]", "p.toml")
    message, line, caret = str(caught.value).split("\n")
    assert message.startswith("p.toml:1:600006: x is no value.")
    assert len(line) < 90
    assert line[caret.index("^")] == "x"


def test_all_faults_of_a_text_at_once() -> None:
    text = "a ＝ .5\n[t\nb = “x”\nb = 1\nb = 2\n[u]\nc = [1,\n2,\n]\nw5+ = 0.1\nd = 1\n\nf"
    assert [said.split(" ")[0] for said in faults(text)] == [
        *("p:1:3:", "p:1:5:", "p:2:3:", "p:3:5:", "p:4:1:", "p:5:1:", "p:10:3:", "p:13:2:")
    ]


def test_lookalikes_in_strings_and_comments_are_no_faults() -> None:
    text = "a = '−０' # “so”\n\"∂E／∂w\" = \"“\"\nb = '''\n，\n'''\n"
    assert parse(text, "p.toml").data == {"a": "−０", "∂E／∂w": "“", "b": "，\n"}


def test_dots_in_a_comment_are_no_long_key() -> None:
    text = f"# {'.'.join('a' * 99)}\nb = '{'.'.join('a' * 99)}'\n"
    assert list(parse(text, "p.toml").data) == ["b"]


# -------------------------------------------------------------------------------------- the edge


def refused(file: Path | str, limit: int = MAX_BYTES) -> str:
    with pytest.raises(FileError) as caught:
        read_bytes(str(file), limit)
    with pytest.raises(FileError) as again:
        load(str(file), limit)
    if str(file) != "-":
        assert str(again.value) == str(caught.value)
    [fault] = caught.value.faults
    assert fault.file == str(file)
    return str(fault).removeprefix(str(file))


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes("\ufeffa = '中'\r\nb = 1.50\r\n".encode())
    assert read_bytes(str(file)) == "a = '中'\r\nb = 1.50\r\n".encode()
    document = load(str(file))
    assert isinstance(document, Document)
    assert document.data == {"a": "中", "b": 1.5}
    assert document.position(("b",), "value") == (2, 5)


def test_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "problem.toml").touch()
    nearest = tmp_path / "problem.toml"
    assert refused(tmp_path / "porblem.toml") == (
        f": there is no such file. Did you mean {str(nearest)!r}?"
    )
    assert refused(tmp_path / "problem").endswith(f"Did you mean {str(nearest)!r}?")
    assert refused(tmp_path / "xyz") == ": there is no such file. Check the name."
    folder = tmp_path / "no"
    assert refused(folder / "p.toml").endswith(
        f"The folder {str(folder)!r} cannot be opened either."
    )
    assert ": there is no such file" in refused(nearest / "p.toml")
    assert refused("") == "there is no such file. Check the name."


def test_a_directory(tmp_path: Path) -> None:
    assert refused(tmp_path) == (": this is a directory, not a file. Give the name of a TOML file.")
    (tmp_path / "p.toml").touch()
    assert refused(tmp_path).endswith(f"Did you mean {str(tmp_path / 'p.toml')!r}?")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*args: object) -> None:  # root may read everything, so chmod would not do
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", deny)
    assert refused("p.toml").startswith(": this file may not be read")


def test_names_that_are_none() -> None:
    with pytest.raises(FileError, match=r"^a\\x00b: this is not a file name"):
        read_bytes("a\0b")
    with pytest.raises(FileError, match="cannot be read"):
        read_bytes("x" * 5000)
    with pytest.raises(FileError, match=r"^\\udcff: there is no such file"):
        read_bytes("\udcff")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    with file.open("wb") as stream:
        stream.truncate(100_000_000)  # a hole: takes no space
    assert refused(file).startswith(": this file is too large: 100.0 MB; at most 10.0 MB are read.")
    assert refused(file, limit=1000).startswith(
        ": this file is too large: 100.0 MB; at most 1000 bytes"
    )
    if Path("/dev/zero").exists():
        with pytest.raises(FileError, match=r"more than 1000 bytes"):
            read_bytes("/dev/zero", limit=1000)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("a = 1".encode("utf-16"), ": this file is UTF-16; expected UTF-8. Save it as UTF-8."),
        ("a = 1".encode("utf-32"), ": this file is UTF-32; expected UTF-8. Save it as UTF-8."),
        (
            "a = 1".encode("utf-16-le"),
            ":1:2: a NUL byte stands at byte 1 (counted from 0); this is no text file. "
            "Was it saved as UTF-16? Save it as UTF-8.",
        ),
        (
            "a = 1\nb = '中文'".encode("gb18030"),
            ":2:6: byte 0xD6 at byte 11 (counted from 0) is not UTF-8. Save the file as UTF-8.",
        ),
        (
            "'中' = 1 # ".encode() + b"\xe4\xb8",
            ":1:11: byte 0xE4 at byte 12 (counted from 0) is not UTF-8. Save the file as UTF-8.",
        ),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, raw: bytes, message: str) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes(raw)
    assert refused(file) == message


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def stdin(raw: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    stdin(b"a = 1")
    assert load("-").data == {"a": 1}
    stdin(b"a = 1")
    with pytest.raises(FileError, match=r"^-: this file is too large: more than 3 bytes"):
        read_bytes("-", limit=3)
    monkeypatch.setattr(sys, "stdin", None)
    assert refused("-") == ": standard input is closed. Give the name of a file."
