"""The faults of one document: their places, their words, and all of them at once.

Not responsible for what counts as a fault: that is said by the kinds of values and by the checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bptrace.errors import Fault, FileError
from bptrace.io.positions import Of, Path
from bptrace.io.toml import Document
from bptrace.printed import PrintedFloat

MOST_FAULTS: Final = 100
"""More are counted only as "more": nobody reads them, and a hostile file may have a million."""


class Faults:
    """The faults of one document, each once, up to `MOST_FAULTS`.

    `home_of` says in which table a key belongs ("" if in none), for keys in the wrong one.
    """

    def __init__(self, document: Document, home_of: Callable[[str], str]) -> None:
        self.document, self.home_of = document, home_of
        self._found: dict[Fault, None] = {}
        self.count = 0  # of all, also of those for which there is no room

    @property
    def is_full(self) -> bool:
        """Whether one more was left out: a check may stop."""
        return self.count > MOST_FAULTS

    def add(self, message: str, path: Path, of: Of = "value", hint: str = "") -> None:
        """Note a fault of the key or of the value at `path`."""
        self._add(message, *self.document.position(path, of), hint)

    def add_at(self, message: str, path: Path, offset: int, hint: str = "", of: Of = "key") -> None:
        """Note a fault in the text of a key (or of a value), `offset` characters from its first."""
        line, column = self.document.position(path, of)
        shift = offset + 1 if offset and self._is_quoted(line, column) else offset
        self._add(message, line, column + shift, hint)

    def add_elsewhere(self, fault: Fault) -> None:
        """Note a fault of another file that the document names."""
        self.count += 1
        if not self.is_full:
            self._found[fault] = None

    def _add(self, message: str, line: int, column: int, hint: str) -> None:
        self.add_elsewhere(Fault(message, self.document.file, line, column, hint))

    def _is_quoted(self, line: int, column: int) -> bool:
        return self.document.text.split("\n")[line - 1][column - 1 : column] in ('"', "'")

    def error(self) -> FileError:
        """Return the error to raise, its faults in the order of the file, others behind them."""
        own = self.document.file
        faults = sorted(self._found, key=lambda f: (f.file != own, f.file, f.line, f.column))
        if self.is_full:
            faults.append(Fault("there are more faults than these", faults[0].file))
        return FileError(faults)


# ----------------------------------------------------------------------------------------- words


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


def bracketed(path: Path) -> str:
    """Return a table as its header is written: [training], [[sample]], or init = { … }."""
    if not path:
        return "the file"
    names = ".".join(part for part in path if isinstance(part, str))
    if isinstance(path[-1], int):
        return f"[[{names}]]"
    return f"[{names}]" if len(path) == 1 else f"{path[-1]} = {{ … }}"


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
