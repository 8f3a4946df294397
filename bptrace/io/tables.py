"""The tables of a problem file: keys of certain kinds, read from TOML and told as a JSON schema.

A `Table` is written down once; reading a file, its faults in words and the schema are three
readings of it. What was read is a `View`: the table of one file, with the defaults of its keys.

Not responsible for what has to be there and what has to fit together: a missing key is no fault
here, so that each is told by the check that knows what it is needed for.
"""

from __future__ import annotations

from typing import Any

from bptrace.errors import suggest
from bptrace.io.faults import Faults, bracketed, found, quoted
from bptrace.io.kinds import FAULTY, Kind
from bptrace.io.positions import Path
from bptrace.tuples import NamedTuple


class Key:
    """A key: its name, what its value may be, what it means, and its default.

    `required` is for the schema only: see the head of this module.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        description: str = "",
        *,
        default: object = None,
        required: bool = False,
    ) -> None:
        self.name, self.kind, self.description = name, kind, description
        self.default, self.required = default, required

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the value."""
        said = {"default": self.default, "description": self.description}
        return {**self.kind.schema, **{word: entry for word, entry in said.items() if entry}}


class Table:
    """A table: its name, what it is, and its keys.

    `others` is the kind of the values of all other keys; without it they are faults.
    """

    def __init__(self, name: str, description: str, *keys: Key, others: Kind | None = None) -> None:
        self.name, self.description, self.others = name, description, others
        self.keys = {key.name: key for key in keys}

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the keys that this version reads."""
        return tuple(key.name for key in self.keys.values() if key.kind.schema)

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Read one table of a file.

        Returns
        -------
        View
            What is right in it; a faulty key has its default and is remembered as faulty. `FAULTY`
            if it is no table at all.
        """
        if not isinstance(value, dict):
            header = bracketed(path)
            message = f"expected {header}, a table, found {found(value)}"
            faults.add(message, path, "key", f"Write {header}.")
            return FAULTY
        before = faults.count
        good: dict[str, Any] = {}
        faulty: set[str] = set()
        for name, inner in value.items():
            if faults.is_full:
                break
            kind = self.keys[name].kind if name in self.keys else self.others
            if kind is None:
                faulty |= self._refuse_key(name, path, faults)
            elif (read := kind.read(inner, (*path, name), faults)) is FAULTY:
                faulty.add(name)
            else:
                good[name] = read
        return View(self, value, path, good, frozenset(faulty), faults.count == before)

    def _refuse_key(self, name: str, path: Path, faults: Faults) -> set[str]:
        """Say that a key is unknown, and which was meant or where it belongs; return the meant."""
        hint = suggest(name, self.known)
        meant = {key for key in self.known if hint == f"Did you mean {key!r}?"}
        if not meant and (home := faults.home_of(name)):
            hint = f"It belongs {home}."
        faults.add(f"unknown key {quoted(name)} in {bracketed(path)}", (*path, name), "key", hint)
        return meant

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema; tables inside are referred to by their names."""
        schema: dict[str, Any] = {
            "description": self.description,
            "type": "object",
            "properties": {name: self.keys[name].schema() for name in self.known},
            "additionalProperties": (self.others and self.others.schema) or False,
        }
        required = [key.name for key in self.keys.values() if key.required]
        return schema | {"required": required} if required else schema

    def inside(self) -> dict[str, Table]:
        """Return all tables inside this one, and inside those, by their names."""
        inside: dict[str, Table] = {}
        kinds = [key.kind for key in self.keys.values()]
        for kind in [*kinds, self.others] if self.others else kinds:
            for table in kind.tables:
                inside |= {table.name: table} | table.inside()
        return inside


class View(NamedTuple):
    """A table as a file gives it; its keys are attributes.

    Attributes
    ----------
    raw : dict
        The table as it stands in the file.
    path : tuple of str and int
        Where it stands there.
    good : dict
        What was read without a fault.
    faulty : frozenset of str
        Keys with a fault, and those that misspelt keys were meant to be.
    is_valid : bool
        Whether there is no fault in it, nor in the tables inside it.
    """

    table: Table
    raw: dict[str, Any]
    path: Path
    good: dict[str, Any]
    faulty: frozenset[str]
    is_valid: bool

    def __getattr__(self, key: str) -> Any:
        """Return the value of a key; its default if it has none, or a fault."""
        if key in self.good:
            return self.good[key]
        if key in self.table.keys:
            return self.table.keys[key].default
        raise AttributeError(f"the table {self.table.name} has no key {key}")

    @property
    def others(self) -> dict[str, Any]:
        """What was read of keys that the table does not name."""
        return {key: value for key, value in self.good.items() if key not in self.table.keys}

    def lacks(self, key: str) -> bool:
        """Whether the key is not in the file at all (a misspelt one was complained of already)."""
        return key not in self.raw and key not in self.faulty

    def is_faulty(self, *keys: str) -> bool:
        """Whether one of the keys has a fault."""
        return not self.faulty.isdisjoint(keys)


class TableOf(Kind):
    """One table: [name], or { … }."""

    types = (dict,)

    def __init__(self, table: Table) -> None:
        self.table = table
        self.schema = {"$ref": f"#/$defs/{table.name}"}
        self.tables = (table,)

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return a `View`."""
        return self.table.read(value, path, faults)


class TablesOf(Kind):
    """An array of tables: [[name]], as often as wanted; if `or_one`, also a single [name]."""

    types = (list,)

    def __init__(self, table: Table, *, or_one: bool = False) -> None:
        self.table, self.or_one = table, or_one
        one = {"$ref": f"#/$defs/{table.name}"}
        many = {"type": "array", "items": one}
        self.schema = {"anyOf": [many, one]} if or_one else many
        self.tables = (table,)

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return a list of `View`, with `FAULTY` in it for entries that are no tables."""
        if isinstance(value, dict) and self.or_one:
            return [self.table.read(value, path, faults)]
        if isinstance(value, list):
            return [
                self.table.read(entry, (*path, at), faults)
                for at, entry in enumerate(value)
                if not faults.is_full
            ]
        double = f"[[{'.'.join(str(part) for part in path)}]]"
        faults.add(f"expected {double}, found {found(value)}", path, "key", f"Write {double}.")
        return FAULTY
