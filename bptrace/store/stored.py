"""A trace on disk as a trace like any other: what is not stored is recomputed, and proved.

Any number is asked for by the step it belongs to. The steps between two checkpoints are run again
from the first, compared bit by bit with the second and with E of each step between them, and kept
until another stretch is asked for. A number that is not proved so is never given away.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

from bptrace import engine as engines
from bptrace.address import Quantity
from bptrace.engine import Run, State
from bptrace.errors import BptraceError
from bptrace.model import Problem
from bptrace.store import contents, files
from bptrace.store.arrays import Array
from bptrace.store.contents import canonical
from bptrace.store.files import BLOCKS, PROBLEM, StoreError, damaged, hashed
from bptrace.trace import Trace

if TYPE_CHECKING:
    import numpy as np
    import pandas
    import xarray
    from numpy.typing import NDArray

MOST_KEPT = 2**24
"""Bytes of full records that are kept in memory at a time; filling four times as many took as long
as 500 steps of 784-30-10."""

PATIENCE = 0.1
"""Seconds of plain Python above which a stretch is recomputed by compiled code."""


class Stretch(NamedTuple):
    """Steps from one checkpoint to the next, or to the end of what is committed."""

    begin: int
    end: int


class StoredTrace(Trace):
    """A trace on disk; steps count from 1 as ever.

    Attributes
    ----------
    folder : Path
    info : Info
    committed : Committed
        How far the run goes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.info, trace = files.read_info(folder)
        self.committed = files.read_committed(folder, trace)
        self.arrays = {array.path: array for array in self.info.arrays}
        problem = _problem(folder, self.info)
        self._hashes: dict[str, str] | None = None
        self._block: tuple[str, bytes] = ("", b"")
        self._run: Run | None = None
        start = engines.go_on(problem, engines.start(problem), 0, "python")
        log = _Replayed(self, problem.layout.size, problem.layout.n_carried)
        super().__init__(problem, log, "python", start._read)
        self.steps = self.committed.steps
        self.engine = _engine(problem, self.info.interval)

    @property
    def goal(self) -> int:
        """How many steps the run is to have."""
        return self.committed.goal

    # What is stored

    def rows(self, path: str, begin: int, end: int) -> bytes:
        """Return the bytes of the rows from `begin` up to and without `end` of an array.

        Raises
        ------
        StoreError
            If a block is missing, or not as it was written; the message has its name.
        """
        array, parts = self.arrays[path], []
        while begin < end:
            number, at = divmod(begin, array.block_rows)
            count = min(end - begin, array.block_rows - at)
            raw = self._read_block(array, number)
            parts.append(raw[at * array.row_bytes : (at + count) * array.row_bytes])
            begin += count
        return b"".join(parts)

    def stored_errors(self, begin: int, end: int) -> array[float]:
        """Return E of the steps after `begin` up to `end`, as stored."""
        return _floats(self.rows("E", begin, end))

    def _read_block(self, array: Array, number: int) -> bytes:
        """Return what counts of a block; the last one is kept."""
        path = array.block(number)
        if self._block[0] == path:
            return self._block[1]
        rows = min(array.rows(self.steps) - number * array.block_rows, array.block_rows)
        counting = rows * array.row_bytes
        place = self.folder / path
        try:
            with open(place, "rb") as file:
                raw = file.read(counting)
        except FileNotFoundError:
            raise damaged(place, "it is missing") from None
        if hashed(raw) != self._hash_of(path, rows == array.block_rows):
            first, last = (array.step(number * array.block_rows + r) for r in (0, rows - 1))
            raise damaged(place, f"the hash of steps {first} to {last} is another")
        self._block = (path, raw)
        return raw

    def _hash_of(self, path: str, is_full: bool) -> str | None:
        if not is_full:
            tail = self.committed.tails.get(path)
            return tail.sha256 if tail else None
        if self._hashes is None:
            self._hashes = read_hashes(self.folder, self.committed)
        return self._hashes.get(path)

    # What is recomputed

    def stretch(self, step: int) -> Stretch:
        """Return the steps that are recomputed together with `step` (from 1)."""
        k = self.info.interval
        begin = (step - 1) // k * k
        return Stretch(begin, min(begin + k, self.steps))

    def state_at(self, steps: int) -> State:
        """Return where the run stood after `steps` steps; raises `StoreError` as `part` does."""
        if steps % self.info.interval == 0:
            return self._checkpoint(steps)
        run = self.part(steps)
        at = (steps + 1 - run.first) * self.layout.size
        return State(steps, run.log[at : at + self.layout.n_carried])  # type: ignore[arg-type]

    def part(self, step: int) -> Run:
        """Return a full log of some steps, among them `step`.

        Raises
        ------
        StoreError
            If what is recomputed is not what is stored, or if that is damaged.
        """
        if self._run is None or (step not in self._run.numbers and step):
            self._run = self._replay(step)
        return self._run

    def parts(self) -> Iterator[Run]:
        """Yield full logs of all steps, one stretch after the other."""
        step = 1
        while step <= self.steps:
            run = self.part(step)
            yield run
            step = run.numbers.stop

    def _replay(self, step: int) -> Run:
        """Run a stretch again, with a log of as many of its steps as may be kept."""
        begin, end = self.stretch(step) if step else Stretch(0, 0)
        kept = max(1, MOST_KEPT // (8 * self.layout.size))
        first = begin + max(0, step - 1 - begin) // kept * kept
        last = min(first + kept, end)
        state, runs = self._checkpoint(begin), []
        for until, log in ((first, False), (last, True), (end, False)):
            run = engines.go_on(self.problem, state, until - state.steps, self.engine, log)
            state = run.state
            runs.append(run)
        self._prove(Stretch(begin, end), [e for run in runs for e in run.step_errors], state)
        return runs[1]

    def _prove(self, stretch: Stretch, errors: Sequence[float], state: State) -> None:
        """Compare what was recomputed with what is stored."""
        begin, end = stretch
        found, stored = canonical(array("d", errors)), self.rows("E", begin, end)
        if found != stored:
            wrong = next(k for k in range(len(errors)) if found[8 * k :][:8] != stored[8 * k :][:8])
            raise self._mismatch(f"E of step {begin + wrong + 1}")
        raw = canonical(state.numbers)
        if end == self.steps and hashed(raw) != self.committed.state:
            raise self._mismatch(f"what step {end} left")
        if end % self.info.interval == 0 and raw != self._checkpoint_bytes(end):
            raise self._mismatch(f"the checkpoint after step {end}")

    def _mismatch(self, what: str) -> StoreError:
        kernels = self.info.kernels
        if kernels == files.kernels_hash():
            cure = "Either a file was changed together with its hash, or this is a bug in bptrace"
        else:
            cure = (
                f"bptrace {self.info.bptrace} with other formulas or kernels wrote it "
                f"({kernels[:12]}): open it with that version"
            )
        return StoreError(f"{self.folder}: recomputing gives another number for {what}. {cure}")

    def _checkpoint(self, steps: int) -> State:
        return State(steps, _floats(self._checkpoint_bytes(steps)))

    def _checkpoint_bytes(self, steps: int) -> bytes:
        if self.info.arithmetic != files.ARITHMETIC:
            raise StoreError(
                f"{self.folder}: bptrace {self.info.bptrace} wrote this trace with the arithmetic "
                f"{self.info.arithmetic}, this one has {files.ARITHMETIC} and would recompute "
                f"other bits. Open it with bptrace {self.info.bptrace}; the stored arrays can be "
                "read by any program"
            )
        row = steps // self.info.interval
        return self.rows("checkpoints/state", row, row + 1)

    # As a trace

    def __repr__(self) -> str:
        return f"<StoredTrace {str(self.folder)!r}: steps={self.steps} of {self.goal}>"

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return the values of a quantity over all steps, shape ``(steps,)``, float64.

        E is read; all else is recomputed, stretch by stretch.
        """
        import numpy as np

        if name == "E" and self.problem.has_error:
            return np.frombuffer(self.rows("E", 0, self.steps))
        pieces = [run[name] for run in self.parts()]
        return np.concatenate(pieces) if pieces else np.zeros(0)

    def array(self, quantity: Quantity) -> NDArray[np.float64]:
        """Return a logged quantity of all steps (see `Trace.array`), recomputed: a copy.

        Raises `BptraceError` if it would not fit into memory.
        """
        import numpy as np

        pieces = []
        for run in self.parts():
            piece = run.array(quantity)
            if piece[0].nbytes * self.steps > engines.memory_limit():
                raise BptraceError(
                    f"{quantity.name} of {self.steps:,} steps does not fit into memory. "
                    "Ask stretch by stretch: for run in trace.parts(): run.array(…)"
                )
            pieces.append(piece.copy())
        if not pieces:
            return super().array(quantity)
        return np.concatenate(pieces)

    def to_xarray(self, group: str = "") -> xarray.Dataset:
        """Return what is stored as an xarray dataset, read when it is used.

        Parameters
        ----------
        group : {"", "log", "checkpoints"}
            "" is E of every step, "log" what the file asks for under ``[log]``.

        Raises
        ------
        BptraceError
            If xarray or zarr is not installed, or if there is no such group.
        """
        from bptrace.store import frames

        return frames.to_xarray(self, group)

    def to_dataframe(self, path: str = "E") -> pandas.DataFrame:
        """Return a stored array as a pandas table with one row per number.

        Parameters
        ----------
        path : str
            Of the array in the directory: "E", or what is under ``[log]``: "log/out".

        Returns
        -------
        DataFrame
            Columns: the dimensions (step, sample, neuron …), what belongs to them (layer), and the
            number under the last part of the path.

        Raises
        ------
        BptraceError
            If pandas, xarray or zarr is not installed, or if there is no such array.
        """
        from bptrace.store import frames

        return frames.to_dataframe(self, path)

    def verify(self) -> None:
        """Read everything and compare it with its hashes.

        Raises
        ------
        StoreError
            For the first file that is not as it was written.
        """
        from bptrace.store import verify

        verify.verify(self)


def open_trace(folder: str | os.PathLike[str]) -> StoredTrace:
    """Open a trace on disk; what a writer adds afterwards is seen by opening it again.

    Raises
    ------
    StoreError
        If it is no trace, one of another version, or damaged.
    """
    return StoredTrace(Path(folder))


def read_hashes(folder: Path, committed: files.Committed) -> dict[str, str]:
    """Return the hashes of all full blocks: path → SHA-256."""
    path = folder / BLOCKS
    try:
        with open(path, "rb") as file:
            raw = file.read(committed.list_bytes)
    except FileNotFoundError:
        raise damaged(path, "it is missing") from None
    if hashed(raw) != committed.list_sha256:
        raise damaged(path, f"{files.COMMITTED} has another hash for it")
    pairs = (line.split("  ", 1) for line in raw.decode().splitlines())
    return {name: found for found, name in pairs}


class _Replayed(Sequence[float]):
    """The log of a whole run, of which a stretch at a time is in memory."""

    def __init__(self, trace: StoredTrace, size: int, carried: int) -> None:
        self._trace, self._size, self._carried = trace, size, carried

    def __len__(self) -> int:
        return self._trace.committed.steps * self._size + self._carried

    @overload
    def __getitem__(self, index: int) -> float: ...

    @overload
    def __getitem__(self, index: slice) -> array[float]: ...

    def __getitem__(self, index: int | slice) -> float | array[float]:
        if isinstance(index, slice):
            return self._slice(range(*index.indices(len(self))))
        run, at = self._place(index if index >= 0 else index + len(self))
        return run.log[at]

    def _place(self, index: int) -> tuple[Run, int]:
        """Return the part of the run that a slot is in, and where; the end belongs to the last."""
        trace = self._trace
        run = trace.part(min(index // self._size + 1, trace.steps))
        at = index - (run.first - 1) * self._size
        if not 0 <= at < len(run.log):
            raise IndexError(f"slot {index} outside a log of {len(self)}")
        return run, at

    def _slice(self, indices: range) -> array[float]:
        found = array("d")
        if indices.step != 1:
            return array("d", (self[k] for k in indices))
        index = indices.start
        while index < indices.stop:
            run, at = self._place(index)
            piece = run.log[at : at + indices.stop - index]
            found.extend(piece)
            index += len(piece)
        return found


def _problem(folder: Path, info: files.Info) -> Problem:
    """Read the problem of a trace; its file, and its data, have to be as they were."""
    from bptrace.io import toml
    from bptrace.io.problem import read_problem

    path = folder / PROBLEM
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise damaged(path, "it is missing") from None
    if hashed(raw) != info.problem:
        raise damaged(path, f"{files.TRACE} has another hash for it")
    document = toml.parse(raw.decode(), os.fspath(path))
    copies = [name for name in info.files if name.startswith("data/")]
    for name in copies:
        files.check_fixed(folder, info, name)
        document.data["data"]["file"] = name  # type: ignore[index]  # it had one when it was copied
    problem = read_problem(document)
    if contents.data_hash(problem) != info.data:
        raise StoreError(
            f"{folder}: the data of this run ({problem.data.source if problem.data else ''}) are "
            "not what they were when it was recorded. Install the scikit-learn of that time"
        )
    return problem


def _engine(problem: Problem, steps: int) -> str:
    """Return which engine recomputes stretches of `steps` steps."""
    if engines.plain_seconds(problem, steps) <= PATIENCE:
        return "python"
    return engines.choose(problem, 10**12, "auto").engine


def _floats(raw: bytes) -> array[float]:
    import sys

    found = array("d")
    found.frombytes(raw)
    if sys.byteorder == "big":
        found.byteswap()
    return found
