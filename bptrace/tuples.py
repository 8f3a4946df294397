"""Named tuples as those of `typing`, made in half the time.

`typing` makes a reference of each annotation, for which it is compiled; with the classes of bptrace
this was a twentieth of each start. Here annotations stay the text that they are. What a class may
hold (no field without a default behind one that has one, no `__new__`) is for mypy to say.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Made(type):
        """Makes a named tuple of what is written as a class."""

        def __new__(
            cls, name: str, bases: tuple[type, ...], body: dict[str, Any]
        ) -> type[tuple[Any, ...]]:
            """Return the class; raise `TypeError` if it is to have another base as well."""
            if len(bases) > 1:
                raise TypeError(f"{name}: with other bases, write typing.NamedTuple")
            fields = body.get("__annotations__", {})
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            made.__annotations__ = made.__new__.__annotations__ = fields
            for key, value in body.items():
                if key not in fields and key not in ("__module__", "__annotations__"):
                    setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Made, "NamedTuple", (), {})
