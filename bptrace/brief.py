"""Frozen classes of values that are shown as they would be made, without what they have by default.

What a failed test prints should be read, and be pasted into the next test.

They are dataclasses in all that one can see of them (`replace` and `fields` work, a value that is
set raises `FrozenInstanceError`), but nothing is compiled for them: ``@dataclass(frozen=True)``
writes and compiles six functions for each class, half a millisecond, and the classes of a problem
took 5 ms of each start. To make an object takes longer instead, some 5 µs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from inspect import Parameter, Signature
from typing import Any, TypeVar, dataclass_transform

Class = TypeVar("Class", bound=type)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: Class) -> Class:
    """Make a subclass of `Brief` a frozen class of values."""
    dataclass(init=False, repr=False, eq=False)(cls)
    return cls


class _MadeWith:
    """The signature of a class: its fields."""

    def __get__(self, instance: object, cls: Any) -> Signature:
        return Signature([
            Parameter(f.name, Parameter.POSITIONAL_OR_KEYWORD, annotation=f.type,
                      default=Parameter.empty if f.default is MISSING else f.default)
            for f in fields(cls)
        ])  # fmt: skip


class Brief:
    """Base of the classes that are `frozen`; a field is left out where it has its default."""

    __signature__ = _MadeWith()

    def __init__(self, *values: Any, **named: Any) -> None:
        places = fields(self)  # type: ignore[arg-type]  # all are made by `frozen`
        if len(values) > len(places):
            raise TypeError(f"{_name(self)}() takes {len(places)} values, not {len(values)}")
        given = {place.name: value for place, value in zip(places, values, strict=False)}
        if twice := given.keys() & named.keys():
            raise TypeError(f"{_name(self)}() got two values for {min(twice)!r}")
        given |= named
        for place in places:
            value = given.pop(place.name, place.default)
            if value is MISSING:
                raise TypeError(f"{_name(self)}() needs a value for {place.name!r}")
            object.__setattr__(self, place.name, value)
        if given:
            raise TypeError(f"{_name(self)} has no field {min(given)!r}")
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the values; classes that have something to check raise `ModelError`."""

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[Any, ...]:
        places: tuple[Field[Any], ...] = fields(self)  # type: ignore[arg-type]
        return tuple([getattr(self, place.name) for place in places if place.compare])

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in self._given())
        return f"{type(self).__name__}({', '.join(given)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print it over several lines, for IPython and Hypothesis."""
        with printer.group(2, f"{type(self).__name__}(", ")"):
            for k, (name, value) in enumerate(self._given()):
                if k:
                    printer.text(",")
                    printer.breakable()
                printer.text(f"{name}=")
                printer.pretty(value)

    def _given(self) -> Iterator[tuple[str, Any]]:
        for place in fields(self):  # type: ignore[arg-type]
            value = getattr(self, place.name)
            if place.repr and value != place.default:
                yield place.name, value


def _name(thing: object) -> str:
    return type(thing).__name__
