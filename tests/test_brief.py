"""Frozen classes of values do what frozen dataclasses do."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest

from bptrace.brief import Brief, frozen
from bptrace.model import Layer


@frozen
class Thing(Brief):
    """A thing."""

    size: int
    name: str = "none"
    note: str = field(default="", compare=False)


@dataclass(frozen=True)
class Same:
    """The same, as dataclasses make it."""

    size: int
    name: str = "none"
    note: str = field(default="", compare=False)


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}), ((1, "a"), {}), ((), {"size": 1, "note": "b"}), ((1,), {"name": "c"}),
    ((), {}), ((), {"name": "c"}), ((1, "a", "b", "c"), {}), ((1,), {"size": 1}),
    ((1,), {"nome": "a"}),
]  # fmt: skip


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_takes_what_a_dataclass_takes(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    try:
        expected = vars(Same(*values, **named))
    except TypeError:
        with pytest.raises(TypeError, match="Thing"):
            Thing(*values, **named)
    else:
        assert vars(Thing(*values, **named)) == expected


def test_is_equal_by_the_fields_that_count() -> None:
    assert Thing(1) == Thing(1, note="b")
    assert hash(Thing(1)) == hash(Thing(1, note="b"))
    assert Thing(1) != Thing(2)
    assert Thing(1) != Same(1)
    assert len({Thing(1), Thing(1), Thing(1, "a")}) == 2


def test_cannot_be_changed() -> None:
    thing = Thing(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'size'"):
        thing.size = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'size'"):
        del thing.size  # type: ignore[misc]
    assert thing.size == 1


def test_is_replaced_copied_and_pickled() -> None:
    layer = Layer(2, names=("a", "b"))
    assert replace(layer, activation="tanh") == Layer(2, ("a", "b"), "tanh")
    assert copy.deepcopy(layer) == layer == pickle.loads(pickle.dumps(layer))
    assert [f.name for f in fields(Thing)] == ["size", "name", "note"]


def test_says_what_it_is_made_with() -> None:
    assert repr(Thing(1, note="b")) == "Thing(size=1, note='b')"
    assert list(inspect.signature(Thing).parameters) == ["size", "name", "note"]
    assert inspect.signature(Thing) == inspect.signature(Same).replace(
        return_annotation=inspect.Signature.empty
    )
