"""Named tuples do what those of `typing` do."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from typing import Any, Generic, TypeVar

import pytest

from bptrace.tuples import NamedTuple

Held = TypeVar("Held")


class Thing(NamedTuple):
    """A thing."""

    size: int
    names: list[str]
    note: str = "none"

    @property
    def double(self) -> int:
        """Twice its size."""
        return 2 * self.size

    @classmethod
    def small(cls) -> Thing:
        """Return a small one."""
        return cls(1, [])

    def __str__(self) -> str:
        return f"{self.note} of {self.size}"


class Same(typing.NamedTuple):
    """The same, as `typing` makes it."""

    size: int
    names: list[str]
    note: str = "none"


CALLS: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((1, ["a"]), {}), ((1, ["a"], "b"), {}), ((1,), {"names": []}), ((), {"names": [], "size": 2}),
    ((), {}), ((1,), {}), ((1, [], "a", "b"), {}), ((1, []), {"size": 1}), ((1, []), {"nome": "a"}),
]  # fmt: skip


def attempt(cls: Any, values: tuple[object, ...], named: dict[str, object]) -> list[object]:
    """Return what comes of making one, without the name of its class."""
    try:
        made = cls(*values, **named)
    except TypeError as error:
        return [str(error).replace(cls.__name__, "")]
    texts = [repr(made).replace(cls.__name__, "")]
    return [*texts, tuple(made), made._asdict(), tuple(made._replace(size=7))]


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_it_is_made_like_others(values: tuple[object, ...], named: dict[str, object]) -> None:
    assert attempt(Thing, values, named) == attempt(Same, values, named)


def test_the_class_is_like_others() -> None:
    for what in ("_fields", "_field_defaults", "__match_args__", "__module__"):
        assert getattr(Thing, what) == getattr(Same, what)
    assert issubclass(Thing, tuple)
    assert (Thing.__name__, Thing.__qualname__, Thing.__doc__) == ("Thing", "Thing", "A thing.")
    assert inspect.signature(Thing).parameters.keys() == inspect.signature(Same).parameters.keys()
    assert typing.get_type_hints(Thing) == typing.get_type_hints(Same)


def test_what_it_can() -> None:
    thing = Thing.small()
    assert (thing.double, str(thing)) == (2, "none of 1")
    assert pickle.loads(pickle.dumps(thing)) == copy.deepcopy(thing) == thing
    match thing:
        case Thing(size, names):
            assert (size, names) == (1, [])
    with pytest.raises(AttributeError):
        thing.size = 2  # type: ignore[misc]  # that is what is tried
    with pytest.raises(AttributeError):
        thing.other = 2  # type: ignore[attr-defined]  # no room for more than the fields


class Pair(NamedTuple, Generic[Held]):
    """Two of a kind."""

    left: Held
    right: Held


class Nothing(NamedTuple):
    """No fields."""


def test_it_may_be_generic_or_empty() -> None:
    pair = Pair[int](1, right=2)
    assert (pair, pair.right, repr(pair)) == ((1, 2), 2, "Pair(left=1, right=2)")
    assert (Nothing(), repr(Nothing()), Nothing._fields) == ((), "Nothing()", ())


def test_a_wrong_number_of_values_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^Expected 3 arguments, got 2$"):
        Thing._make([1, ["a"]])
    with pytest.raises(ValueError, match=r"^Got unexpected field names: \['nome'\]$"):
        Thing(1, [])._replace(nome="a")  # type: ignore[call-arg]  # that is what is tried


def test_another_base_is_refused() -> None:
    message = "^Two: with other bases, write typing.NamedTuple$"
    with pytest.raises(TypeError, match=message):
        type(NamedTuple)("Two", (NamedTuple, dict), {"__module__": "m"})  # type: ignore[misc]
