"""Writing a run while it goes on: a thread takes what is done to the disk.

The kernels hand over what they have about ten times a second; the thread appends it, and once a
second commits it. Whatever goes wrong in the thread is raised at the next call in the thread that
calculates; what was committed before stays.
"""

from __future__ import annotations

import os
import struct
import threading
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Queue
from time import monotonic
from types import TracebackType
from typing import Self

from bptrace import engine as engines
from bptrace.engine import Run, State
from bptrace.errors import BptraceError
from bptrace.model import Problem
from bptrace.store import contents, files
from bptrace.store.contents import Buffer, canonical, canonical_view, rows_of
from bptrace.store.create import attributes, create, refused
from bptrace.store.files import StoreError
from bptrace.store.sink import Sink
from bptrace.store.stored import StoredTrace
from bptrace.tuples import NamedTuple

HAND_OVER_SECONDS = 0.1
HAND_OVER_BYTES = 2**20
"""Smaller portions would cost more for changing threads than for writing."""

COMMIT_SECONDS = 1.0
"""What a power cut or a kill may cost of the run."""

MOST_WAITING = 2
"""Portions that wait for the thread; then the kernels wait, and memory stays bounded."""

MOST_LOG = 2**26
"""Bytes of full records that are held at a time, where the file asks for quantities in full."""


class Portion(NamedTuple):
    """What the thread gets: rows by path, piece by piece, and where the run stands behind them.

    `commit` asks that all be committed now, however lately that was done.
    """

    rows: Mapping[str, Sequence[Buffer]]
    steps: int
    state: bytes
    commit: bool


class Piece(NamedTuple):
    """What some steps add: rows by path, and where the run stands behind them."""

    rows: dict[str, Buffer]
    state: State


class Made(NamedTuple):
    """What was calculated last, after the step `begin`, and is not written yet."""

    begin: int
    pieces: list[Piece]


class Writer:
    """Records a run into a trace directory; a context manager that commits at its end.

    ``Writer(folder)`` goes on where the trace in the folder ends; ``Writer.create`` makes one.

        with Writer.create(problem, folder, steps) as writer:
            writer.advance(steps)

    Whoever does the steps himself calls `go_on` in place of that of the engine, and `write` with
    what comes of it.

    Attributes
    ----------
    problem : Problem
        As the folder's own file has it.
    goal : int
        How many steps the run is to have.

    Raises
    ------
    StoreError
        If the folder is no trace, damaged, from another arithmetic, or being written by another
        process; later, from any method, if writing fails.
    """

    def __init__(self, folder: str | os.PathLike[str], goal: int | None = None) -> None:
        self.folder = Path(folder)
        files.read_info(self.folder)  # before a lock is made in a folder that is no trace
        try:
            self._lock = files.Lock(self.folder)
        except OSError as error:
            raise refused(self.folder, error) from None
        try:
            self._open(goal)
        except BaseException:
            self._lock.free()
            raise

    @classmethod
    def create(
        cls, problem: Problem, folder: str | os.PathLike[str], steps: int, force: bool = False
    ) -> Self:
        """Make a trace of no steps yet, to have `steps` steps; raises as `create.create` does."""
        create(problem, Path(folder), steps, force)
        return cls(folder)

    def _open(self, goal: int | None) -> None:
        trace = StoredTrace(self.folder)
        self.problem = trace.problem
        self.goal = trace.goal if goal is None else goal
        if self.goal < trace.steps:
            raise StoreError(
                f"{self.folder}: the run has {trace.steps} steps already, more than {self.goal}. "
                "Steps are never taken back"
            )
        self._interval = trace.info.interval
        self._logged = [array for array in trace.info.arrays if array.path.startswith("log/")]
        self._handed = trace.state_at(trace.steps)
        self._sink = Sink(self.folder, trace.info, trace.committed.trace, attributes(trace.problem))
        try:
            self._sink.recover(trace.committed)
        except BaseException as error:
            self._sink.close()
            if isinstance(error, OSError):
                raise refused(self.folder, error) from None
            raise
        self._committed = trace.committed.steps, trace.goal
        self._pending: list[Piece] = []
        self._made = Made(0, [])
        self._ring: array[float] | None = None
        self._size, self._handed_at, self._committed_at = 0, monotonic(), monotonic()
        self._error: BaseException | None = None
        self._queue: Queue[Portion | None] = Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="bptrace-writer", daemon=True)
        self._thread.start()

    @property
    def state(self) -> State:
        """Where the run stands."""
        return self._pending[-1].state if self._pending else self._handed

    @property
    def needs_log(self) -> bool:
        """Whether the kernels have to write a log: the file asks for quantities in full."""
        return bool(self._logged)

    def advance(self, steps: int, engine: str = "auto") -> Run:
        """Do `steps` more steps, record them as they come, and return them without a log."""
        begin, errors = self.state.steps, array("d")
        chosen, remark = engines.choose(self.problem, steps, engine)
        while True:  # also once for no steps
            count = min(self._room(self.state, chosen), steps - len(errors))
            run = self.go_on(self.problem, self.state, count, chosen)
            errors.extend(run.step_errors)
            self.write(run)
            if len(errors) >= steps:
                return _without_log(run, begin, errors, remark)

    def go_on(
        self, problem: Problem, state: State, steps: int, engine: str = "auto", log: bool = False
    ) -> Run:
        """Do what `engine.go_on` does, and remember what `write` needs of it.

        Nothing is recorded before the run is given to `write`: whoever calculates may do a part
        again, or less of it.
        """
        if log:
            run = engines.go_on(problem, state, steps, engine, log)
            self._made = Made(state.steps, self._pieces([run]))
            return run
        begin, errors, made = state.steps, array("d"), []
        chosen, remark = engines.choose(problem, steps, engine)
        while True:
            count = min(self._room(state, chosen), steps - len(errors))
            run = self._calculate(problem, state, count, chosen)
            made += self._pieces([run])
            if len(run.step_errors) == steps:  # as mostly: nothing has to be put together
                self._made = Made(begin, made)
                return _without_log(run, begin, run.step_errors, remark)
            errors.extend(run.step_errors)
            state = run.state
            if len(errors) >= steps:
                self._made = Made(begin, made)
                return _without_log(run, begin, errors, remark)

    def _calculate(self, problem: Problem, state: State, steps: int, engine: str) -> Run:
        """Do as many steps as `_room` says at most."""
        if not self.needs_log:
            several = steps > self._to_checkpoint(state)
            return engines.go_on(
                problem, state, steps, engine, every=self._interval if several else 0
            )
        run = engines.go_on(problem, state, steps, engine, log=True, again=self._ring)
        self._ring = run.log  # type: ignore[assignment]  # of an array that the engine made
        return run

    def _room(self, state: State, engine: str) -> int:
        """Return how many steps one call of the kernels may do.

        A log has to fit into memory. Without one, a call ends with the next checkpoint, or where
        these are so near that a call takes longer than its steps, with what is handed over at once.
        """
        size = 8 * self.problem.layout.size
        if self.needs_log:
            return max(1, MOST_LOG // size)
        near = engine == "numba" and contents.is_plain(self.problem, self._interval)
        per_step = (
            16 + 8 * self.problem.layout.n_carried // self._interval
        )  # E, number, checkpoints
        return max(self._to_checkpoint(state), HAND_OVER_BYTES * 2 // per_step if near else 0)

    def _to_checkpoint(self, state: State) -> int:
        return self._interval - state.steps % self._interval

    def write(self, run: Run) -> None:
        """Record a part of the run, from where the last one ended.

        Parameters
        ----------
        run : Run
            What `go_on` returned last; or any run with a log; or one without a log up to the next
            checkpoint at most, if the file asks for nothing in full.

        Raises
        ------
        StoreError
            If writing failed, also that of earlier parts.
        """
        self._raise_error()
        end = run.first - 1 + len(run.step_errors)
        if run.first != self.state.steps + 1:
            raise ValueError(f"step {run.first} does not follow on step {self.state.steps}")
        pieces = self._made.pieces
        if not pieces or (self._made.begin, pieces[-1].state.steps) != (run.first - 1, end):
            pieces = self._pieces([run])
        self._made = Made(0, [])
        for piece in pieces:
            self._pending.append(piece)  # at once, or Ctrl-C could come between rows and state
            self._size += sum(memoryview(rows).nbytes for rows in piece.rows.values())
            late = monotonic() - self._handed_at >= HAND_OVER_SECONDS
            if late or self._size >= HAND_OVER_BYTES:
                self._hand_over()

    def _pieces(self, runs: Sequence[Run]) -> list[Piece]:
        """Return what is to be written of runs that have any steps."""
        return [self._piece(run) for run in runs if len(run.step_errors)]

    def _piece(self, run: Run) -> Piece:
        import numpy as np

        state = run.state
        rows = {
            "E": canonical_view(run.step_errors),
            "step": np.arange(run.first, state.steps + 1, dtype="<i8").data.cast("B"),
        }
        k = self._interval
        due = range(-(-run.first // k) * k, state.steps + 1, k)
        if due:
            left = run.checkpoints or array("d")
            if not left:
                for step in due:
                    left += _left_by(run, step, state)
            rows["checkpoints/state"] = canonical_view(left)
            rows["checkpoints/step"] = struct.pack(f"<{len(due)}q", *due)
        return Piece(rows | {array.path: rows_of(array, run) for array in self._logged}, state)

    def commit(self) -> None:
        """Have all that was written reach the disk, and wait until it has."""
        self._queue.join()
        if self._committed != (self.state.steps, self.goal):
            self._hand_over(commit=True)
            self._queue.join()
        self._raise_error()

    def close(self) -> None:
        """Commit, and let others write; raises `StoreError` if anything could not be written."""
        try:
            self.commit()
        finally:
            self._queue.put(None)
            self._thread.join()
            self._sink.close()
            self._lock.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except BptraceError:
            if error is None:  # else that is what has to be told
                raise

    # Between the threads

    def _hand_over(self, commit: bool = False) -> None:
        pending, state, rows = self._pending, self.state, defaultdict[str, list[Buffer]](list)
        for piece in pending:
            for path, raw in piece.rows.items():
                rows[path].append(raw)
        self._handed, self._pending = state, []
        self._queue.put(Portion(rows, state.steps, canonical(state.numbers), commit))
        self._size, self._handed_at = 0, monotonic()

    def _raise_error(self) -> None:
        error = self._error
        if isinstance(error, OSError):
            kept = self._committed[0]
            raise StoreError(
                f"{refused(self.folder, error)}. What was committed, up to step {kept}, is safe: "
                f"`bptrace resume {self.folder}` goes on from there"
            ) from None
        if error is not None:
            raise error

    # In the thread

    def _work(self) -> None:
        """Take portions until None comes; after an error only take them, so that nobody waits."""
        while (portion := self._queue.get()) is not None:
            try:
                if self._error is None:
                    self._take(portion)
            except BaseException as error:  # told by `_raise_error` where somebody listens
                self._error = error
            self._queue.task_done()

    def _take(self, portion: Portion) -> None:
        for path, pieces in portion.rows.items():
            for rows in pieces:
                self._sink.append({path: rows})
        if portion.commit or monotonic() - self._committed_at >= COMMIT_SECONDS:
            self._sink.commit(portion.steps, self.goal, portion.state)
            self._committed, self._committed_at = (portion.steps, self.goal), monotonic()


def _left_by(run: Run, step: int, state: State) -> array[float]:
    """Return what a step left: the end of the run, or what stands in its log."""
    if step == state.steps:
        return state.numbers
    at = (step + 1 - run.first) * run.layout.size
    if step >= run.numbers.stop:
        raise ValueError(f"the run has no log, but goes on behind the checkpoint of step {step}")
    return run.log[at : at + run.layout.n_carried]  # type: ignore[return-value]


def _without_log(run: Run, begin: int, errors: array[float], remark: str) -> Run:
    """Return the last part of a run as the whole of it, without a log."""
    run.log = run.state.numbers
    run.first, run.steps = begin + 1, 0
    run.step_errors, run.remark = errors, run.remark or remark
    return run


def record(
    problem: Problem,
    folder: str | os.PathLike[str],
    steps: int | None = None,
    engine: str = "auto",
    force: bool = False,
) -> StoredTrace:
    """Calculate a problem, write its trace into a directory, and return it.

    Parameters
    ----------
    problem : Problem
        From a file: the trace keeps the file, and is recomputed from it.
    folder : path
        The directory to make.
    steps : int, optional
        Default: as many as the problem says.
    engine : str
        As for `engine.run`; the files are the same in every bit.
    force : bool
        Whether a trace that is there already may be replaced.

    Raises
    ------
    StoreError
        If the directory cannot be made or written.
    """
    steps = problem.training.steps if steps is None else steps
    with Writer.create(problem, folder, steps, force) as writer:
        _to_goal(writer, engine, None)
    return StoredTrace(Path(folder))


def resume(
    folder: str | os.PathLike[str],
    steps: int | None = None,
    engine: str = "auto",
    tell: Callable[[State], None] | None = None,
) -> StoredTrace:
    """Go on with a trace as if it had never stopped, and return it.

    Parameters
    ----------
    folder : path
    steps : int, optional
        How many steps the run is to have in all; default: as many as it was to have.
    engine : str
    tell : function, optional
        Is called now and then with the state of the run.

    Raises
    ------
    StoreError
        If the trace cannot be trusted or written; also if it has more steps already.
    """
    with Writer(folder, steps) as writer:
        _to_goal(writer, engine, tell)
    return StoredTrace(Path(folder))


PART_SECONDS = 0.2
"""How long a part of a run takes at most, about: Ctrl-C is answered between two."""


def _to_goal(writer: Writer, engine: str, tell: Callable[[State], None] | None) -> None:
    """Do the steps that are left, in parts whose length follows from how long the last one took."""
    left = writer.goal - writer.state.steps
    chosen = engines.choose(writer.problem, left, engine).engine
    count = 1
    while left:
        begin = monotonic()
        writer.advance(min(count, left), chosen)
        if tell is not None:
            tell(writer.state)
        left = writer.goal - writer.state.steps
        count = max(1, min(10 * count, int(count * PART_SECONDS / (monotonic() - begin + 1e-9))))
