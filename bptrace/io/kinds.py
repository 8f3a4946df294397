"""The kinds of values of a problem file, each with two readings: of a value, and as a JSON schema.

`Kind.read` returns the value, or adds what is wrong with it to the faults and returns `FAULTY`;
`Kind.schema` says for editors (JSON schema 2020-12) what `read` accepts. Keys are put together of
kinds, and tables of keys, in `tables`.

Not responsible for what the keys are called and what they mean: that is said in `schema`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from bptrace.errors import suggest
from bptrace.io.faults import Faults, found, quoted, subject

if TYPE_CHECKING:
    from bptrace.io.positions import Path
    from bptrace.io.tables import Table

FAULTY: Final = object()
"""What is read in place of a value with a fault."""

_BLANKS: Final = frozenset("\n\t\u3000\u00a0")


class Kind:
    """What a value may be.

    Attributes
    ----------
    expected : str
        What to say that was expected where something else stands.
    schema : mapping
        The JSON schema; empty for what no schema should tell of.
    tables : tuple of Table
        The tables that the schema refers to.
    """

    types: tuple[type, ...] = ()
    expected = ""
    schema: Mapping[str, Any] = {}
    tables: tuple[Table, ...] = ()

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the value as it is used from now on.

        If it is none of this kind, all its faults are added, and `FAULTY` is returned.
        """
        raise NotImplementedError

    def takes(self, value: object) -> bool:
        """Whether a value has a type of this kind, by which the kinds of a union are told apart."""
        return isinstance(value, self.types) and (bool in self.types or not isinstance(value, bool))

    def _refuse(self, value: object, path: Path, faults: Faults) -> object:
        message = f"{subject(path)}: expected {self.expected}, found {found(value)}"
        faults.add(message, path, hint=self._cure(value))
        return FAULTY

    def _cure(self, value: object) -> str:
        """Say what to do about a value of a wrong type."""
        return ""


# ---------------------------------------------------------------------------------------- words


class Text(Kind):
    """Text without control characters: a terminal would act upon them."""

    types = (str,)
    expected = "text in quotes"
    schema: Mapping[str, Any] = {"type": "string"}

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the text."""
        if not isinstance(value, str):
            return self._refuse(value, path, faults)
        if value.isprintable():
            return value
        for c in value:
            if not c.isprintable() and c not in _BLANKS:
                message = f"{subject(path)} has the control character U+{ord(c):04X} in it"
                faults.add(message, path, hint="Delete it.")
                return FAULTY
        return value

    def _cure(self, value: object) -> str:
        return f'Write it in quotes: "{found(value)}".' if isinstance(value, int | float) else ""


class OneOf(Text):
    """One of some names, or of those that a function returns; `noun` says of what."""

    def __init__(self, noun: str, names: Sequence[str] | Callable[[], Sequence[str]]) -> None:
        self.noun, self._names = noun, names

    @cached_property
    def names(self) -> Sequence[str]:
        """The names; a function is asked for them when the first is to be read."""
        return self._names() if callable(self._names) else self._names

    @cached_property
    def schema(self) -> Mapping[str, Any]:  # type: ignore[override]  # nobody sets it
        """As of all kinds."""
        return {"type": "string", "enum": list(self.names)}

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the name."""
        if not isinstance(value, str):
            return self._refuse(value, path, faults)
        if value in self.names:
            return value
        faults.add(f"unknown {self.noun} {quoted(value)}", path, hint=suggest(value, self.names))
        return FAULTY


# -------------------------------------------------------------------------------------- numbers


class Number(Kind):
    """A finite float64, within limits if there are any; whole numbers are numbers, too."""

    types = (int, float)
    expected = "a number"
    called = "number"

    def __init__(
        self,
        *,
        above: float | None = None,
        at_least: float | None = None,
        at_most: float | None = None,
        below: float | None = None,
    ) -> None:
        self.above, self.at_least, self.at_most, self.below = above, at_least, at_most, below
        limits = {"exclusiveMinimum": above, "minimum": at_least, "maximum": at_most}
        limits["exclusiveMaximum"] = below
        limits = {key: limit for key, limit in limits.items() if limit is not None}
        self.schema = {"type": self.called} | limits

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the number as a plain float."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._refuse(value, path, faults)
        try:
            number = float(value)
        except OverflowError:
            why = "too large for a float64 (at most 1.8e308)"
        else:
            if math.isfinite(number):
                return self._within(number, value, path, faults)
            why = "not a finite number"
        faults.add(f"{subject(path)}: {found(value)} is {why}", path)
        return FAULTY

    def _within(self, number: float, value: object, path: Path, faults: Faults) -> Any:
        """Return the number that stands in the file as `value` if it is within the limits."""
        if self.above is not None and number <= self.above:
            limit = f"more than {_plain(self.above)}"
        elif self.at_least is not None and number < self.at_least:
            limit = f"at least {_plain(self.at_least)}"
        elif self.at_most is not None and number > self.at_most:
            limit = f"at most {_plain(self.at_most)}"
        elif self.below is not None and number >= self.below:
            limit = f"less than {_plain(self.below)}"
        else:
            return number
        faults.add(f"{subject(path)}: expected {limit}, found {found(value)}", path)
        return FAULTY

    def _cure(self, value: object) -> str:
        return "Write it without quotes." if isinstance(value, str) and _is_number(value) else ""


class Whole(Number):
    """A whole number, within limits if there are any; 1.0 is none."""

    expected = "a whole number"
    called = "integer"

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the number as an int."""
        if isinstance(value, bool) or not isinstance(value, int):
            return self._refuse(value, path, faults)
        return self._within(value, value, path, faults)

    def _cure(self, value: object) -> str:
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            return f"Write {int(value)}."
        return super()._cure(value)


class Switch(Kind):
    """True or false."""

    types = (bool,)
    expected = "true or false"
    schema: Mapping[str, Any] = {"type": "boolean"}

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the bool."""
        return value if isinstance(value, bool) else self._refuse(value, path, faults)


class Bit(Kind):
    """0 or 1; false or true will do."""

    types = (bool, int)
    expected = "0 or 1"
    schema: Mapping[str, Any] = {"enum": [0, 1, True, False]}

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return a bool."""
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        return self._refuse(value, path, faults)


def _plain(limit: float) -> float:
    return int(limit) if limit == int(limit) else limit


def _is_number(text: str) -> bool:
    from bptrace.printed import Printed  # which only a faulty file needs

    try:
        Printed.parse(text)
    except ValueError:
        return False
    return True


# -------------------------------------------------------------------------- kinds made of kinds


class ListOf(Kind):
    """A list with entries of one kind; a list of lists is a matrix."""

    types = (list,)
    expected = "a list"

    def __init__(self, of: Kind) -> None:
        self.of = of
        self.schema = {"type": "array", "items": of.schema}
        self.tables = of.tables

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the list of what is read; every entry has its own faults."""
        if not isinstance(value, list):
            return self._refuse(value, path, faults)
        before, entries = faults.count, []
        for at, entry in enumerate(value):
            entries.append(self.of.read(entry, (*path, at), faults))
            if faults.is_full or (isinstance(self.of, ListOf) and not isinstance(entry, list)):
                break  # one number without the brackets of a row says it for all
        return entries if faults.count == before else FAULTY

    def _refuse(self, value: object, path: Path, faults: Faults) -> object:
        if isinstance(path[-1], str):
            return super()._refuse(value, path, faults)
        message = f"{subject(path)}: expected a row in brackets, found {found(value)}"
        hint = "A matrix is a list of rows, such as [[0.1, 0.2], [0.3, 0.4]]."
        faults.add(message, path, hint=hint)
        return FAULTY

    def _cure(self, value: object) -> str:
        if isinstance(value, str):
            return f"Write [{quoted(value)}]."
        return f"Write [{found(value)}]." if isinstance(value, int | float) else ""


class Pair(ListOf):
    """Two different entries of one kind."""

    expected = "a list of two numbers"

    def __init__(self, of: Kind) -> None:
        super().__init__(of)
        self.schema = {**self.schema, "minItems": 2, "maxItems": 2, "uniqueItems": True}

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the list of the two."""
        read = super().read(value, path, faults)
        if isinstance(read, list) and (len(read) != 2 or read[0] == read[1]):
            message = f"{subject(path)}: expected two different numbers"
            faults.add(message, path, hint="Write [0, 1].")
            return FAULTY
        return read


class AnyOf(Kind):
    """One of several kinds, told apart by the type of the value."""

    def __init__(self, expected: str, *kinds: Kind) -> None:
        self.expected, self.kinds = expected, kinds
        self.schema = {"oneOf": [kind.schema for kind in kinds]}
        self.tables = tuple(table for kind in kinds for table in kind.tables)

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return what is read by the kind that takes such a value."""
        for kind in self.kinds:
            if kind.takes(value):
                return kind.read(value, path, faults)
        return self._refuse(value, path, faults)


class Raw(Kind):
    """Whatever stands there: it is checked by those who need it. The kinds are for the schema."""

    def __init__(self, *kinds: Kind) -> None:
        schemas = [kind.schema for kind in kinds]
        self.schema = {"anyOf": schemas} if len(schemas) > 1 else schemas[0]
        self.tables = tuple(table for kind in kinds for table in kind.tables)

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return the value."""
        return value


class ReadAs(Kind):
    """One kind in a file and another in the schema, where a check knows more than a schema can."""

    def __init__(self, kind: Kind, schema: Mapping[str, Any]) -> None:
        self.kind, self.schema = kind, schema

    def read(self, value: object, path: Path, faults: Faults) -> Any:
        """Return what the kind reads."""
        return self.kind.read(value, path, faults)
