"""What can go wrong, said so that the reader knows what to do.

Every error of bptrace derives from `BptraceError` and says what is wrong (with file, line and
column, or an address), what was expected and what to do. This module formats nothing for the
terminal: `cli` prints errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bptrace.tuples import NamedTuple


class BptraceError(Exception):
    """Base of all errors that a user can cause; `exit_code` is that of the command line."""

    exit_code = 2


class Fault(NamedTuple):
    """One fault of an input: what is wrong, where (1-based; 0 = unknown), and what to do."""

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])
        text = f"{place.lstrip(':')}: {self.message}" if place else self.message
        return f"{text.rstrip('.')}. {self.hint}" if self.hint else text


class FileError(BptraceError):
    """All faults of one file (or of one command line), each with its place."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type[FileError], tuple[tuple[Fault, ...]]]:
        return type(self), (self.faults,)  # exceptions are pickled by their message otherwise


class ModelError(BptraceError):
    """Values that do not make a network, a sample or a training run; raised on construction."""


class UnknownName(BptraceError, LookupError):
    """A name that a table or a network does not have, with the nearest one that it has."""

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(f"unknown {kind} {name!r}. {suggest(name, self.known)}".rstrip())

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.kind, self.name, self.known)

    def __str__(self) -> str:  # LookupError would print the repr of a single argument
        return str(self.args[0])


class EngineError(BptraceError):
    """Two engines gave different bits: our own mistake, never the user's."""

    exit_code = 3


def suggest(
    name: str, known: Sequence[str], most: int = 12, alike: float = 0.6, are_all: bool = True
) -> str:
    """Return "Did you mean 'x'?" for the nearest known name, else the list of known names.

    `alike`, from 0 to 1, is how near it must be: the part of the letters that both have in common.
    `are_all`: whether there are no other names than the `known` ones.
    """
    from difflib import get_close_matches  # costs 5 ms, and only a mistaken user needs it

    folded = {k.casefold(): k for k in reversed(known)}
    near = get_close_matches(name.casefold(), list(folded), n=1, cutoff=alike)
    if near:
        return f"Did you mean {folded[near[0]]!r}?"
    if not known:
        return ""
    more = f", … ({len(known)} in all)" if len(known) > most else ""
    more = more if are_all else " and more"
    return f"Known: {', '.join(known[:most])}{more}."
