"""Tables of named entries."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from bptrace.errors import UnknownName
from bptrace.registry import Registry


class Entry(NamedTuple):
    name: str
    worth: int = 0


@pytest.fixture
def table() -> Registry[Entry]:
    made: Registry[Entry] = Registry("fruit")
    for k, name in enumerate(["quince", "apple", "medlar"]):
        made.add(Entry(name, k))
    return made


def test_entries_stay_in_order_of_definition(table: Registry[Entry]) -> None:
    assert table.names == ("quince", "apple", "medlar")
    assert [entry.worth for entry in table] == [0, 1, 2]
    assert len(table) == 3
    assert [table.code(name) for name in table.names] == [0, 1, 2]


def test_looking_up(table: Registry[Entry]) -> None:
    assert table.get("apple") == Entry("apple", 1)
    assert "apple" in table
    assert "Apple" not in table
    assert 1 not in table
    assert table.add(Entry("sloe")) == table.get("sloe")


@pytest.mark.parametrize("way", ["get", "code"])
def test_unknown_names(table: Registry[Entry], way: str) -> None:
    with pytest.raises(UnknownName) as caught:
        getattr(table, way)("Aple")
    assert str(caught.value) == "unknown fruit 'Aple'. Did you mean 'apple'?"
    assert caught.value.__cause__ is None
    with pytest.raises(UnknownName) as caught:
        getattr(table, way)("zzz")
    assert str(caught.value) == "unknown fruit 'zzz'. Known: quince, apple, medlar."


def test_nothing_is_known() -> None:
    with pytest.raises(UnknownName) as caught:
        Registry[Entry]("fruit").get("plum")
    assert str(caught.value) == "unknown fruit 'plum'."


def test_a_name_is_used_once(table: Registry[Entry]) -> None:
    with pytest.raises(ValueError, match=r"^fruit 'apple' is defined twice$"):
        table.add(Entry("apple", 7))
    assert table.get("apple").worth == 1
