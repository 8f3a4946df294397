"""What is said about a fault: pydantic's findings, and our own, in words and with their place.

Not responsible for what counts as a fault: that is said by `schema` and by the checks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import ValidationError

from bptrace.errors import Fault, FileError, suggest
from bptrace.io.schema import (
    LayerTable,
    NetworkTable,
    ProblemTable,
    SampleTable,
    Table,
    TrainingTable,
)
from bptrace.io.toml import Document, Of, Path
from bptrace.printed import Printed, PrintedFloat

MOST_FAULTS: Final = 100
"""More are counted only as "more": nobody reads them, and a hostile file may have a million."""

Model = TypeVar("Model", bound=Table)

_HOMES: Final[Mapping[str, type[Table]]] = {
    "at the top of the file": ProblemTable,
    "in [network]": NetworkTable,
    "in [[network.layer]]": LayerTable,
    "in [[sample]]": SampleTable,
    "in [training]": TrainingTable,
}
_LATER: Final = {
    "data": ("reading data from files is not in this version yet", "Write [[sample]] blocks."),
    "formula": ("own formulas are not in this version yet", "See `bptrace list` for the names."),
}


class _Words(NamedTuple):
    message: str
    hint: str = ""
    of: Of = "value"


class Faults:
    """The faults of one document, each once, up to `MOST_FAULTS`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._found: dict[Fault, None] = {}
        self.count = 0  # of all, also of those for which there is no room

    @property
    def is_full(self) -> bool:
        """Whether one more was left out: a check may stop."""
        return self.count > MOST_FAULTS

    def add(self, message: str, path: Path, of: Of = "value", hint: str = "") -> None:
        """Note a fault of the key or of the value at `path`."""
        self._add(message, *self.document.position(path, of), hint)

    def add_at(self, message: str, path: Path, offset: int, hint: str = "") -> None:
        """Note a fault in the text of a key, `offset` characters from its first."""
        line, column = self.document.position(path)
        shift = offset + 1 if offset and self._is_quoted(line, column) else offset
        self._add(message, line, column + shift, hint)

    def _add(self, message: str, line: int, column: int, hint: str) -> None:
        self.count += 1
        if not self.is_full:
            self._found[Fault(message, self.document.file, line, column, hint)] = None

    def _is_quoted(self, line: int, column: int) -> bool:
        return self.document.text.split("\n")[line - 1][column - 1 : column] in ('"', "'")

    def read(self, model: type[Model], value: object, path: Path) -> Model | None:
        """Read one table.

        Returns
        -------
        Model or None
            What is right in it; a faulty key has its default and is remembered as faulty. None if
            it is no table at all.
        """
        if not isinstance(value, dict):
            said = f"expected {_bracketed(path)}, a table, found {found(value)}"
            self.add(said, path, "key", _as_table(path))
            return None
        try:
            return model.model_validate(value)
        except ValidationError as error:
            faulty = frozenset(str(e["loc"][0]) for e in error.errors(include_url=False))
            self._add_all(error, model, value, path)
        table = model.model_validate({k: v for k, v in value.items() if k not in faulty})
        table.with_faults(faulty | _meant(faulty, model))
        return table

    def tables(self, value: object, path: Path) -> Iterator[tuple[int, Any]]:
        """Yield the tables of an array of tables, with their places from 0."""
        if isinstance(value, list):
            for at, table in enumerate(value):
                if self.is_full:
                    return
                yield at, table
            return
        double = f"[[{'.'.join(str(part) for part in path)}]]"
        self.add(f"expected {double}, found {found(value)}", path, "key", f"Write {double}.")

    def error(self) -> FileError:
        """Return the error to raise, its faults in the order of the file."""
        faults = sorted(self._found, key=lambda fault: (fault.line, fault.column))
        if self.is_full:
            faults.append(Fault("there are more faults than these", faults[0].file))
        return FileError(faults)

    def _add_all(
        self, error: ValidationError, model: type[Table], value: object, path: Path
    ) -> None:
        for one in error.errors(include_url=False):
            if self.is_full:
                return
            where, inner = _locate(value, one["loc"])
            if _is_leaf_of_list(where) and one["type"] in _LEAVES:
                self._add_leaves(value, path, where, one["type"])
                continue
            words = _words(one, model, path + where, inner)
            self.add(words.message, path + where, words.of, words.hint)

    def _add_leaves(self, value: object, path: Path, where: Path, kind: str) -> None:
        """Add all faulty entries of a list, of which pydantic told the first."""
        first = next(k for k, part in enumerate(where) if isinstance(part, int))
        depth = len(where) - first
        for part in where[:first]:
            value = value[part]  # type: ignore[index]  # _locate has walked here
        expected = _LEAVES[kind]
        for place, leaf in _leaves(value, depth):
            if self.is_full:
                return
            if _is_bad(leaf, kind):
                at = path + where[:first] + place
                self.add(f"{subject(at)}: {_expected(expected, leaf)}", at, hint=_cure(leaf, kind))


# ---------------------------------------------------------------------------------------- places


def _locate(value: object, loc: Sequence[str | int]) -> tuple[Path, object]:
    """Return the part of pydantic's `loc` that stands in the file, and the value there.

    What does not stand there are branches of unions and missing keys.
    """
    path: list[str | int] = []
    for part in loc:
        table = isinstance(value, dict) and part in value
        entry = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if table or entry:
            path.append(part)
            value = value[part]  # type: ignore[index]
    return tuple(path), value


def subject(path: Path) -> str:
    """Return what a path speaks of, for a reader who has line and column: "weights, row 2"."""
    indices: list[int] = []
    for part in reversed(path):
        if isinstance(part, str):
            words = [f"row {n}" for n in indices[:-1]] + [f"number {n}" for n in indices[-1:]]
            if len(indices) == 1 and part in ("weights", "mask", "weight_names"):
                words = [f"row {indices[0]}"]
            elif part.endswith("names"):
                words = [word.replace("number", "name") for word in words]
            return ", ".join([part, *words])
        indices.insert(0, part + 1)
    return "the file"


def _bracketed(path: Path) -> str:
    """Return a table as its header is written: [training], [[sample]], or init = { … }."""
    if not path:
        return "the file"
    names = ".".join(part for part in path if isinstance(part, str))
    if isinstance(path[-1], int):
        return f"[[{names}]]"
    return f"[{names}]" if len(path) == 1 else f"{path[-1]} = {{ … }}"


def _as_table(path: Path) -> str:
    return f"Write {_bracketed(path)}."


# ----------------------------------------------------------------------------------------- words


def found(value: object) -> str:
    """Say what stands in the file in place of something else."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, PrintedFloat):
        return _short(value.text)
    if isinstance(value, int):
        return _short(str(value)) if abs(value) < 10**400 else "an integer of hundreds of digits"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "a table" if isinstance(value, dict) else "a date or time"


def quoted(text: str) -> str:
    """Quote a text, shortened, with nothing in it that a terminal would act upon."""
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in _short(text)) + '"'


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:30]}…{text[-5:]}"


_EXPECTED: Final = {
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "list_type": "a list",
    "switch": "0 or 1",
    "model_type": "a table",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
_LEAVES: Final = {
    kind: _EXPECTED[kind] for kind in ("float_type", "finite_number", "string_type", "switch")
}


def _words(error: Any, model: type[Table], path: Path, value: object) -> _Words:
    """Say what is wrong, for one finding of pydantic."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), model, path[:-1])
    if path[-1:] == ("formula",):
        return _Words(*_LATER["formula"], of="key")
    if kind == "unknown":
        return _Words(f"unknown {error['msg']} {quoted(str(value))}", context["hint"])
    if kind == "control":
        message = f"{subject(path)} has the control character {error['msg']} in it"
        return _Words(message, "Delete it.")
    if kind == "expected":
        return _Words(f"{subject(path)}: {_expected(error['msg'], value)}", _cure(value, kind))
    limits = {name: _limit(limit) for name, limit in context.items()}
    expected = _EXPECTED.get(kind, error["msg"]).format(**limits)
    if kind == "list_type" and isinstance(path[-1], int):
        hint = "A matrix is a list of rows, such as [[0.1, 0.2], [0.3, 0.4]]."
        return _Words(f"{subject(path)}: {_expected('a row in brackets', value)}", hint)
    return _Words(f"{subject(path)}: {_expected(expected, value)}", _cure(value, kind))


def _limit(limit: object) -> object:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _expected(expected: str, value: object) -> str:
    huge = isinstance(value, int) and not isinstance(value, bool) and _is_huge(value)
    if huge and expected == _EXPECTED["float_type"]:
        return f"{found(value)} is too large for a float64 (at most 1.8e308)"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{found(value)} is not a finite number"
    return f"expected {expected}, found {found(value)}"


def _cure(value: object, kind: str) -> str:
    """Say what to do about a value of a wrong type."""
    if kind == "string_type" and not isinstance(value, dict | list):
        return f'Write it in quotes: "{found(value)}".'
    if kind == "list_type" and isinstance(value, int | float | str):
        shown = quoted(value) if isinstance(value, str) else found(value)
        return f"Write [{shown}]."
    if kind == "int_type" and isinstance(value, float) and value.is_integer():
        return f"Write {int(value)}." if abs(value) < 1e15 else ""
    if kind in ("float_type", "int_type") and isinstance(value, str) and _is_number(value):
        return "Write it without quotes."
    return ""


def _unknown_key(key: str, model: type[Table], path: Path) -> _Words:
    """Say that a key is unknown, and which was meant or where it belongs."""
    if key in _LATER and model is ProblemTable:
        return _Words(*_LATER[key], of="key")
    own = tuple(keys(model))
    hint = suggest(key, own)
    homes = [home for home, other in _HOMES.items() if key in keys(other)]
    if homes and not hint.startswith("Did"):
        hint = f"It belongs {homes[0]}."
    return _Words(f"unknown key {quoted(key)} in {_bracketed(path)}", hint, "key")


def _meant(faulty: Iterable[str], model: type[Table]) -> frozenset[str]:
    """Return the keys that misspelt ones were meant to be, so that nobody calls them missing."""
    own = tuple(keys(model))
    unknown = [key for key in faulty if key not in own][:MOST_FAULTS]
    return frozenset(key for wrong in unknown for key in own if repr(key) in suggest(wrong, own, 0))


def keys(model: type[Table]) -> Iterator[str]:
    """Yield the keys of a table as the file spells them."""
    for name, field in model.model_fields.items():
        yield field.alias or name


# ---------------------------------------------------------------------------------------- leaves


def _is_leaf_of_list(where: Path) -> bool:
    return bool(where) and isinstance(where[-1], int)


def _leaves(value: object, depth: int, place: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield the entries `depth` lists down."""
    if depth == 0:
        yield place, value
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _leaves(inner, depth - 1, (*place, at))


def _is_bad(leaf: object, kind: str) -> bool:
    if kind == "string_type":
        return not isinstance(leaf, str)
    if kind == "switch":
        return not isinstance(leaf, int) or leaf not in (0, 1)
    if isinstance(leaf, bool) or not isinstance(leaf, int | float):
        return True
    return _is_huge(leaf) if isinstance(leaf, int) else not math.isfinite(leaf)


def _is_huge(number: int) -> bool:
    try:
        float(number)
    except OverflowError:
        return True
    return False


def _is_number(text: str) -> bool:
    try:
        Printed.parse(text)
    except ValueError:
        return False
    return True
