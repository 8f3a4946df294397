"""The columns of a CSV file that are wanted, as numbers or names, with all faults of their cells.

Not responsible for the text (`files`) and its records (`records`), nor for what becomes of the
columns (`data`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Final

from bptrace.errors import Fault, FileError, suggest
from bptrace.io.faults import Faults, quoted
from bptrace.io.files import DATA_FILE, read_text, shown
from bptrace.io.records import Record, Records, is_number, to_number
from bptrace.io.tables import View
from bptrace.io.toml import Path
from bptrace.model import Row
from bptrace.tuples import NamedTuple

MOST_VALUES: Final = 2**24
"""More numbers are refused: as Python's they take 32 bytes each, 0.5 GiB."""

MOST_BYTES: Final = 100_000_000
"""Larger files are refused before they are read: 2**24 numbers of 6 characters."""


class Columns(NamedTuple):
    """What a source of data has.

    Attributes
    ----------
    source : str
        Where it is from, for a reader.
    inputs, targets : tuple of str
        Names of the columns; empty: they have none.
    x : list of tuples
        Inputs, one tuple per row.
    t : list of tuples
        Targets, where they are numbers.
    labels, classes : list of str, tuple of str
        The class of each row, where there are classes, and all of them in their order.
    left_out : int
        Rows that `limit` cuts off; −1: how many is not known.
    file, lines : str, list of int
        For messages: the file, and the line of each row; empty without one.
    """

    source: str
    inputs: tuple[str, ...]
    x: Sequence[Row]
    targets: tuple[str, ...] = ()
    t: Sequence[Row] = ()
    labels: Sequence[str] = ()
    classes: tuple[str, ...] = ()
    left_out: int = 0
    file: str = ""
    lines: Sequence[int] = ()


def read_csv(path: str, table: View, faults: Faults) -> Columns | None:
    """Return the columns of a CSV file that `table` asks for; None if something is wrong.

    What is wrong with the file as a whole, or with the columns asked for, is said at the place in
    the problem file; what is wrong with a cell, at its line.
    """
    at: Path = ("data", "file")
    try:
        text = read_text(path, MOST_BYTES, DATA_FILE)
        found = Records(text, shown(path), table.delimiter or "", table.header)
        wanted = _Wanted.of(found, table, faults)
        return None if wanted is None else _Reading(found, wanted, table, faults).columns()
    except FileError as error:
        for fault in error.faults:
            if fault.line:
                faults.add_elsewhere(fault)
            else:
                faults.add(f"{fault.file}: {fault.message}", at, hint=fault.hint)
        return None


class _Wanted(NamedTuple):
    """Which columns are inputs and which targets, from 0."""

    inputs: list[int]
    targets: list[int]

    @classmethod
    def of(cls, found: Records, table: View, faults: Faults) -> _Wanted | None:
        """Return the columns that are asked for; None if one is not there."""
        before = faults.count
        if table.lacks("targets"):
            hint = f"Write targets = [{quoted(_last(found))}], or targets = [] for none."
            faults.add("[data] says not which columns are targets", ("data",), "key", hint)
        targets = _chosen("targets", table.targets or [], found, faults)
        if table.lacks("inputs"):
            inputs = [k for k in range(found.width) if k not in targets]
        else:
            inputs = _chosen("inputs", table.inputs or [], found, faults)
        if not inputs and faults.count == before:
            message = f"{found.file} has no column for the inputs"
            faults.add(message, ("data", "inputs"), hint="Name at least one.")
        return None if faults.count > before else cls(inputs, targets)


def _last(found: Records) -> str:
    return found.header[-1] if found.header else "colour"


def _chosen(key: str, names: Sequence[str | int], found: Records, faults: Faults) -> list[int]:
    """Return the columns (from 0) of a list of names, or of numbers from 1."""
    chosen: list[int] = []
    for place, name in enumerate(names):
        path: Path = ("data", key, place)
        k = (
            _number(name, found, path, faults)
            if isinstance(name, int)
            else _named(name, found, path, faults)
        )
        if k in chosen:
            faults.add(f"{key} names column {k + 1} twice", path, hint="Leave one out.")
        elif k >= 0:
            chosen.append(k)
        if faults.is_full:
            break
    return chosen


def _number(number: int, found: Records, path: Path, faults: Faults) -> int:
    if number <= found.width:
        return number - 1
    message = f"there is no column {number}: {found.file} has {found.width}"
    faults.add(message, path, hint="Columns count from 1.")
    return -1


def _named(name: str, found: Records, path: Path, faults: Faults) -> int:
    if not found.header:
        message = f"there is no column {quoted(name)}: {found.file} has no line with names"
        hint = f"Name columns by their numbers, 1 to {found.width}, or write header = true."
        faults.add(message, path, hint=hint)
        return -1
    places = [k for k, known in enumerate(found.header) if known == name.strip()]
    if len(places) == 1:
        return places[0]
    if places:
        both = " and ".join(str(k + 1) for k in places[:2])
        message = f"two columns are called {quoted(name)}: {both}"
        faults.add(message, path, hint=f"Name one of them by its number: {places[0] + 1}.")
        return -1
    known = [quoted(heading)[1:-1] for heading in found.header if heading]
    message = f"{found.file} has no column {quoted(name)}"
    faults.add(message, path, hint=suggest(name, known))
    return -1


class _Reading:
    """Reads the cells of the wanted columns, and notes what is wrong with them."""

    def __init__(self, found: Records, wanted: _Wanted, table: View, faults: Faults) -> None:
        self.found, self.wanted, self.table, self.faults = found, wanted, table, faults
        self.left_out = 0
        self.records: list[Record] = []

    def columns(self) -> Columns | None:
        """Return the columns, or None if there were faults."""
        before = self.faults.count
        x, texts = self._cells()
        labels, t, classes = self._targets(texts)
        if self.faults.count > before:
            return None
        return Columns(
            source=os.path.basename(self.found.file),
            inputs=self._names(self.wanted.inputs),
            targets=self._names(self.wanted.targets),
            x=x,
            t=t,
            labels=labels,
            classes=classes,
            left_out=self.left_out,
            file=self.found.file,
            lines=[record.line for record in self.records],
        )

    def _names(self, chosen: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.found.header[k] for k in chosen) if self.found.header else ()

    def _cells(self) -> tuple[list[Row], list[list[str]]]:
        """Return the inputs as numbers, and the targets as they stand there."""
        x: list[Row] = []
        texts: list[list[str]] = []
        per_row = len(self.wanted.inputs) + len(self.wanted.targets)
        for record in self.found:
            if self.table.limit and len(self.records) >= self.table.limit:
                self.left_out += 1
                continue
            if len(record.cells) != self.found.width:
                self._ragged(record)
                continue
            x.append(tuple(self._number(record, k) for k in self.wanted.inputs))
            texts.append([record.cells[k] for k in self.wanted.targets])
            self.records.append(record._replace(cells=[], starts=record.starts))
            if len(x) * per_row > MOST_VALUES:
                hint = f"Take fewer rows: limit = {MOST_VALUES // per_row}."
                message = f"{self.found.file} has more than {MOST_VALUES} numbers"
                self.faults.add(message, ("data", "file"), hint=hint)
            if self.faults.is_full or len(x) * per_row > MOST_VALUES:
                break
        return x, texts

    def _ragged(self, record: Record) -> None:
        n, width = len(record.cells), self.found.width
        where = f"line {self.found.header_line}" if self.found.header else "the first one"
        message = f"this row has {n} cell{'s' * (n != 1)}, but {where} has {width}"
        hint = "A cell with a delimiter in it stands in quotes."
        self._fault(message, record.line, 0, hint)

    def _number(self, record: Record, k: int) -> float:
        """Return the number in cell `k`, or nan and a fault."""
        return self._to_number(record.cells[k], record, k)

    def _to_number(self, cell: str, record: Record, k: int) -> float:
        number = to_number(cell)
        if number is not None and math.isfinite(number):
            return number
        column = self._column(k)
        hint = ""
        if not cell:
            message = f"{column} is empty; expected a number"
            hint = "Write the number, or delete the row."
        elif number is not None:
            message = f"{column}: {quoted(cell)[1:-1]} is not a finite number"
            hint = "Write the number, or delete the row."
        else:
            message = f"{column}: expected a number, found the text {quoted(cell)}"
            if is_number(cell.replace(",", ".")):
                hint = f"Write {cell.replace(',', '.')}, with a point."
        self._fault(message, record.line, record.column(k), hint)
        return math.nan

    def _column(self, k: int) -> str:
        return f"column {quoted(self.found.header[k])}" if self.found.header else f"column {k + 1}"

    def _fault(self, message: str, line: int, column: int, hint: str) -> None:
        self.faults.add_elsewhere(Fault(message, self.found.file, line, column, hint))

    def _targets(
        self, texts: Sequence[Sequence[str]]
    ) -> tuple[list[str], list[Row], tuple[str, ...]]:
        """Return the labels of all rows, or their numbers, and the classes."""
        one_hot, chosen = self.table.one_hot, self.wanted.targets
        if one_hot and len(chosen) != 1:
            message = f"one_hot needs one column with the class; targets names {len(chosen)}"
            path = ("data", "one_hot")
            self.faults.add(message, path, hint="Name that column, or write one_hot = false.")
            return [], [], ()
        if len(chosen) == 1 and texts:
            cells = [text[0] for text in texts]
            filled = [cell for cell in cells if cell]
            named = 2 * sum(map(is_number, filled)) < len(filled)
            if one_hot or (one_hot is None and named):
                return self._labels(cells)
        rows = []
        for record, text in zip(self.records, texts, strict=True):
            pairs = zip(text, chosen, strict=True)
            rows.append(tuple(self._to_number(cell, record, k) for cell, k in pairs))
            if self.faults.is_full:
                break
        return [], rows, ()

    def _labels(self, cells: list[str]) -> tuple[list[str], list[Row], tuple[str, ...]]:
        k = self.wanted.targets[0]
        for record, cell in zip(self.records, cells, strict=True):
            if not cell:
                message = f"{self._column(k)} is empty; expected the name of a class"
                hint = "Write the class, or delete the row."
                self._fault(message, record.line, record.column(k), hint)
            if self.faults.is_full:
                break
        return cells, [], in_order(set(cells))


def in_order(classes: set[str]) -> tuple[str, ...]:
    """Return classes by their numbers, or by their letters if not all are numbers."""
    numbers = {name: to_number(name) for name in classes}
    if all(number is not None for number in numbers.values()):
        return tuple(sorted(classes, key=lambda name: (numbers[name], name)))
    return tuple(sorted(classes))
