"""Kinds and tables: what each reads, what it says otherwise, and that the tables agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bptrace.io import toml
from bptrace.io.faults import Faults
from bptrace.io.kinds import FAULTY, AnyOf, Bit, Kind, ListOf, Number, OneOf, Switch, Text, Whole
from bptrace.io.schema import PROBLEM, home_of
from bptrace.io.tables import Key, Table, TableOf, TablesOf, View

TABLES = [PROBLEM, *PROBLEM.inside().values()]
KEYS = [(table, key) for table in TABLES for key in table.keys.values()]


def read(kind: Kind, value: str) -> tuple[Any, list[str]]:
    """Read `key = value`, and return what comes out and what is said."""
    document = toml.parse(f"key = {value}", "f.toml")
    faults = Faults(document, home_of)
    result = kind.read(document.data["key"], ("key",), faults)
    return result, [str(fault) for fault in faults.error().faults] if faults.count else []


COUNT = Whole(at_least=1, at_most=5)
SIGN = OneOf("sign", ("plus", "minus"))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Text(), '"a\\n\\u00a0b"', "a\n\u00a0b"),
        (SIGN, '"plus"', "plus"),
        (Number(), "1", 1.0),
        (Number(above=0, at_most=0.5), "0.50", 0.5),
        (COUNT, "5", 5),
        (Switch(), "true", True),
        (Bit(), "1", True),
        (Bit(), "false", False),
        (ListOf(ListOf(Number())), "[[1, 2], []]", [[1.0, 2.0], []]),
        (AnyOf("this or that", COUNT, Switch(), SIGN), "true", True),
        (AnyOf("this or that", COUNT, Switch(), SIGN), '"minus"', "minus"),
    ],
)
def test_kinds_read(kind: Kind, value: str, expected: object) -> None:
    result, said = read(kind, value)
    assert (result, type(result), said) == (expected, type(expected), [])


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Text(), "nan", 'key: expected text in quotes, found nan. Write it in quotes: "nan".'),
        (Text(), "1979-05-27", "key: expected text in quotes, found a date or time"),
        (SIGN, '"plsu"', "unknown sign \"plsu\". Did you mean 'plus'?"),
        (Number(above=0.5), "0.5", "key: expected more than 0.5, found 0.5"),
        (Number(at_most=2.0), "2.01", "key: expected at most 2, found 2.01"),
        (Number(), "inf", "key: inf is not a finite number"),
        (Whole(), "2.0", "key: expected a whole number, found 2.0. Write 2."),
        (Whole(), '"2"', 'key: expected a whole number, found the text "2". Write it without '
                         'quotes.'),
        (COUNT, "false", "key: expected a whole number, found false"),
        (Switch(), "1", "key: expected true or false, found 1"),
        (Bit(), "1.0", "key: expected 0 or 1, found 1.0"),
        (ListOf(Text()), '"a"', 'key: expected a list, found the text "a". Write ["a"].'),
        (AnyOf("this or that", COUNT, SIGN), "true", "key: expected this or that, found true"),
        (AnyOf("this or that", COUNT, SIGN), "6", "key: expected at most 5, found 6"),
    ],
)  # fmt: skip
def test_kinds_say_what_was_expected(kind: Kind, value: str, expected: str) -> None:
    result, said = read(kind, value)
    assert result is FAULTY
    assert [message.partition(": ")[2] for message in said] == [expected]


def test_every_entry_of_a_list_has_its_own_fault() -> None:
    _, said = read(ListOf(ListOf(Number())), '[["1", 2], [nan, true], []]')
    assert [message.partition(": ")[0] for message in said] == [
        "f.toml:1:9",
        "f.toml:1:19",
        "f.toml:1:24",
    ]


def test_a_matrix_without_rows_is_one_fault() -> None:
    _, said = read(ListOf(ListOf(Number())), "[1, 2, 3]")
    assert len(said) == 1


def test_a_table_has_its_defaults_and_knows_its_faults() -> None:
    inner = Table("Inner", "", Key("a", Number(), default=1.0))
    table = Table(
        "Outer",
        "",
        Key("fine", COUNT),
        Key("bad", COUNT),
        Key("left", COUNT, default=3),
        Key("misspelt", COUNT),
        Key("one", TableOf(inner)),
        Key("many", TablesOf(inner)),
        Key("absent", COUNT),
    )
    text = "{ fine = 1, bad = 9, mispselt = 1, one = { a = 2 }, many = [{}, { a = '' }, 1] }"
    view, said = read(TableOf(table), text)
    assert len(said) == 4
    assert (view.fine, view.bad, view.left, view.misspelt) == (1, None, 3, None)
    assert (view.one.a, view.many[0].a, view.many[1].a, view.many[2]) == (2.0, 1.0, 1.0, FAULTY)
    assert [key for key in table.keys if view.lacks(key)] == ["left", "absent"]
    assert [key for key in table.keys if view.is_faulty(key)] == ["bad", "misspelt"]
    assert (view.is_valid, view.one.is_valid, view.many[1].is_valid) == (False, True, False)
    assert view.many[1].path == ("key", "many", 1)
    with pytest.raises(AttributeError, match="the table Outer has no key other"):
        _ = view.other


def test_other_keys_are_faults_unless_the_table_takes_them() -> None:
    closed, opened = Table("Closed", ""), Table("Open", "", Key("a", COUNT), others=Number())
    assert read(TableOf(closed), "{ b = 1 }")[1] == ['f.toml:1:9: unknown key "b" in [key]']
    view, said = read(TableOf(opened), "{ a = 1, b = 2, c = 3 }")
    assert (view.others, said) == ({"b": 2.0, "c": 3.0}, [])


# ------------------------------------------------------------------------- the tables themselves


@pytest.mark.parametrize(("table", "key"), KEYS, ids=lambda entry: entry.name)
def test_no_key_hides_behind_an_attribute_of_the_view(table: Table, key: Key) -> None:
    assert not hasattr(View, key.name)


@pytest.mark.parametrize(("table", "key"), KEYS, ids=lambda entry: entry.name)
def test_defaults_are_values_that_the_key_may_have(table: Table, key: Key) -> None:
    """Or "", () and None: what is left out."""
    if key.default:
        faults = Faults(toml.parse("", "f.toml"), home_of)
        assert key.kind.read(key.default, (key.name,), faults) == key.default


def kinds(kind: Kind) -> Iterator[Kind]:
    """Yield a kind and the kinds inside it."""
    yield kind
    for inner in (*getattr(kind, "kinds", ()), *filter(None, [getattr(kind, "of", None)])):
        yield from kinds(inner)


@pytest.mark.parametrize(("table", "key"), KEYS, ids=lambda entry: entry.name)
def test_kinds_of_a_union_can_be_told_apart(table: Table, key: Key) -> None:
    for kind in kinds(key.kind):
        if isinstance(kind, AnyOf):
            for value in (True, 1, 1.5, "a", [], {}):
                assert sum(inner.takes(value) for inner in kind.kinds) <= 1, value


def test_names_of_tables_differ() -> None:
    assert len({id(table) for table in TABLES}) == len({table.name for table in TABLES})
