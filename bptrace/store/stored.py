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
from typing import TYPE_CHECKING

from bptrace import engine as engines
from bptrace.address import Quantity
from bptrace.engine import Run, State
from bptrace.errors import BptraceError
from bptrace.model import Problem
from bptrace.store import contents, files
from bptrace.store.arrays import Array
from bptrace.store.contents import canonical
from bptrace.store.files import BLOCKS, PROBLEM, StoreError, damaged, hashed
from bptrace.store.replayed import Replayed
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas
    import xarray
    from numpy.typing import NDArray

MOST_KEPT = 2**24
"""Bytes of full records that are kept in memory at a time; filling four times as many took as long
as 500 steps of 784-30-10."""


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
        self._blocks: dict[str, tuple[int, bytes]] = {}
        self._run: Run | None = None
        start = engines.go_on(problem, engines.start(problem), 0, "python")
        log = Replayed(self, problem.layout.size, problem.layout.n_carried)
        super().__init__(problem, log, "python", start._read)
        self.steps = self.committed.steps
        self.engine = "python" if contents.is_plain(problem, self.info.interval) else "numba"

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
        """Return what counts of a block; the last one of each array is kept."""
        kept, raw = self._blocks.get(array.path, (-1, b""))
        if kept == number:
            return raw
        path = array.block(number)
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
        self._blocks[array.path] = (number, raw)
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

    def get_ready(self) -> None:
        """Load what single steps need; see `open_trace`."""
        self._read("E", None)  # loads the dialect
        if self._replays_with() == "numba":
            for log in (False, True):  # each has machine code of its own
                engines.go_on(self.problem, engines.start(self.problem), 1, self.engine, log)

    def _replays_with(self) -> str:
        """Return the engine for single steps; only now it is known whether Numba is there."""
        if self.engine == "numba":
            self.engine = engines.by_name("auto").engine
        return self.engine

    def parts(self, again: bool = False) -> Iterator[Run]:
        """Yield full logs of all steps, several stretches at a time, or a part of a long one.

        With `again`, each may be written into the memory of the one before, for readers who are
        done with that when they ask for the next: fresh memory takes a seventh of the time for tiny
        networks, nearly half of it for wide ones.
        """
        ring: array[float] | None = None
        k, size = self.info.interval, 8 * self.layout.size
        engine = engines.choose(self.problem, self.steps).engine
        together = max(1, MOST_KEPT // (k * size)) * k
        pieces = max(1, MOST_KEPT // size)
        for begin in range(0, self.steps, together):
            end = min(begin + together, self.steps)
            state = self._checkpoint(begin)
            if (end - begin) * size > MOST_KEPT:  # once without a log, to prove it all beforehand
                self._prove([engines.go_on(self.problem, state, end - begin, engine)])
            while state.steps < end:
                count = min(end - state.steps, pieces)
                run = engines.go_on(self.problem, state, count, engine, log=True, again=ring)
                state = run.state
                self._prove([run])
                yield run
                if again:
                    ring = run.log  # type: ignore[assignment]  # of an array that the engine made

    def _replay(self, step: int) -> Run:
        """Run a stretch again, with a log of as many of its steps as may be kept."""
        begin, end = self.stretch(step) if step else Stretch(0, 0)
        kept = max(1, MOST_KEPT // (8 * self.layout.size))
        first = begin + max(0, step - 1 - begin) // kept * kept
        last = min(first + kept, end)
        state, runs, engine = self._checkpoint(begin), [], self._replays_with()
        for until, log in ((first, False), (last, True), (end, False)):
            if until == state.steps and not log:
                continue
            run = engines.go_on(self.problem, state, until - state.steps, engine, log)
            state = run.state
            runs.append(run)
        self._prove(runs)
        return next(run for run in runs if run.numbers or end == 0)

    def _prove(self, runs: Sequence[Run]) -> None:
        """Compare what was recomputed in one go with what is stored: E, and states."""
        begin, state = runs[0].first - 1, runs[-1].state
        errors = array("d")
        for run in runs:
            errors.extend(run.step_errors)
        found, stored = canonical(errors), self.rows("E", begin, state.steps)
        if found != stored:
            pairs = ((found[at : at + 8], stored[at : at + 8]) for at in range(0, len(found), 8))
            wrong = next(k for k, (a, b) in enumerate(pairs) if a != b)
            raise self._mismatch(f"E of step {begin + wrong + 1}")
        if state.steps == self.steps and hashed(canonical(state.numbers)) != self.committed.state:
            raise self._mismatch(f"what step {self.steps} left")
        for run in runs:
            if len(run.step_errors):
                self._prove_checkpoints(run)

    def _prove_checkpoints(self, run: Run) -> None:
        """Compare the states in a log, or that at the end if there is none, with checkpoints."""
        k, n, end = self.info.interval, self.layout.n_carried, run.state.steps
        due = range(-(-(run.first if run.steps else end) // k) * k, end + 1, k)
        found = array("d")
        for step in due:
            at = (step + 1 - run.first) * self.layout.size if run.steps else 0
            found.extend(run.log[at : at + n])
        raw, stored = canonical(found), self._checkpoint_bytes(due)
        if raw != stored:
            places = [slice(at, at + 8 * n) for at in range(0, len(raw), 8 * n)]
            wrong = next(s for s, at in zip(due, places, strict=True) if raw[at] != stored[at])
            raise self._mismatch(f"the checkpoint after step {wrong}")

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
        return State(steps, _floats(self._checkpoint_bytes(range(steps, steps + 1))))

    def _checkpoint_bytes(self, steps: range) -> bytes:
        """Return the states after these steps, all of which have a checkpoint."""
        if self.info.arithmetic != files.ARITHMETIC:
            raise StoreError(
                f"{self.folder}: bptrace {self.info.bptrace} wrote this trace with the arithmetic "
                f"{self.info.arithmetic}, this one has {files.ARITHMETIC} and would recompute "
                f"other bits. Open it with bptrace {self.info.bptrace}; the stored arrays can be "
                "read by any program"
            )
        row = steps.start // self.info.interval
        return self.rows("checkpoints/state", row, row + len(steps))

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

        self._blocks.clear()
        verify.verify(self)


def open_trace(folder: str | os.PathLike[str], ready: bool = True) -> StoredTrace:
    """Open a trace on disk; what a writer adds afterwards is seen by opening it again.

    Parameters
    ----------
    folder : path
    ready : bool
        Whether all is loaded that recomputes steps, so that any step is there within 50 ms. For
        wide networks that is compiled code, which takes three quarters of a second, and 12 s to
        compile the first time ever. False leaves it to the first step that is asked for.

    Raises
    ------
    StoreError
        If it is no trace, one of another version, or damaged.
    """
    trace = StoredTrace(Path(folder))
    if ready:
        trace.get_ready()
    return trace


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


def _floats(raw: bytes) -> array[float]:
    import sys

    found = array("d")
    found.frombytes(raw)
    if sys.byteorder == "big":
        found.byteswap()
    return found
