"""Named tuples as those of `typing`, made in an eighth of the time.

`typing` makes a reference of each annotation, and `collections` a source text of each class, for
which they are compiled: 85 µs and 35 µs, and bptrace has a hundred when it starts. Here
annotations stay the text that they are, what depends on the number of fields alone is compiled once
for each number, and the methods of all classes are those of one base. What a class may hold (no
field without a default behind one that has one, no `__new__`) is for mypy to say.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]  # reads a field, written in C
from collections.abc import Iterable
from functools import cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Generic

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Base(tuple):
        """What all named tuples can do."""

        __slots__ = ()
        _fields = ()

        @classmethod
        def _make(cls, values: Iterable[Any]) -> _Base:
            """Return a tuple of as many `values` as there are fields; raise `TypeError` if not."""
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, /, **changes: Any) -> _Base:
            """Return a tuple with other values; raise `ValueError` if there is no such field."""
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"Got unexpected field names: {list(changes)!r}")
            return made

        def _asdict(self) -> dict[str, Any]:
            """Return the values by their fields' names."""
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            values = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({values})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    class _Made(type):
        """Makes a named tuple of what is written as a class."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type[_Base]:
            """Return the class; raise `TypeError` if it is to have a base besides `Generic`."""
            if bases[1:] not in ((), (Generic,)):
                raise TypeError(f"{name}: with other bases, write typing.NamedTuple")
            fields = tuple(body.setdefault("__annotations__", {}))
            defaults = {field: body[field] for field in fields if field in body}
            names = {"_new": tuple.__new__, "__name__": body["__module__"]}
            code = _constructor(len(fields)).replace(co_varnames=("_cls", *fields))
            new = FunctionType(code, names, "__new__", tuple(defaults.values()))
            new.__qualname__, new.__annotations__ = f"{name}.__new__", body["__annotations__"]
            body |= {field: _field(place) for place, field in enumerate(fields)}
            body |= {"__slots__": (), "__match_args__": fields, "__new__": new}
            return type(
                name, (_Base, *bases[1:]), body | {"_fields": fields, "_field_defaults": defaults}
            )

    @cache
    def _constructor(fields: int) -> CodeType:
        """Return the code that makes a tuple of so many values, whatever their names."""
        names = [f"_{place}" for place in range(fields)]
        values = "".join(f"{name}, " for name in names)
        return eval(f"lambda {', '.join(['_cls', *names])}: _new(_cls, ({values}))", {}).__code__

    @cache
    def _field(place: int) -> Any:
        return _tuplegetter(place, f"Alias for field number {place}")

    NamedTuple = type.__new__(_Made, "NamedTuple", (), {})
