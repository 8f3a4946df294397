"""A table of named entries: the one place where a new activation, rule or dialect is added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from bptrace.errors import UnknownName


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """The name by which users know the entry."""
        ...


Entry = TypeVar("Entry", bound=Named)


class Registry(Generic[Entry]):
    """Entries of one kind in order of definition; an entry's position is its integer code."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def add(self, entry: Entry) -> Entry:
        """Add `entry` and return it; a name may be used once only (`ValueError`)."""
        if entry.name in self._entries:
            raise ValueError(f"{self.kind} {entry.name!r} is defined twice")
        self._entries[entry.name] = entry
        return entry

    def get(self, name: str) -> Entry:
        """Return the entry called `name`; raise `UnknownName` with the nearest name otherwise."""
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownName(self.kind, name, self.names) from None

    def code(self, name: str) -> int:
        """Return the integer by which the kernels know the entry called `name`."""
        self.get(name)
        return self.names.index(name)

    @property
    def names(self) -> tuple[str, ...]:
        """All names in order of definition."""
        return tuple(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries
