"""The log of a trace on disk, slot by slot, as if it were in memory.

Not responsible for recomputing it (`stored`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from bptrace.engine import Run
    from bptrace.store.stored import StoredTrace


class Replayed(Sequence[float]):
    """The log of a whole run, of which a stretch at a time is in memory.

    Parameters
    ----------
    trace : StoredTrace
    size, carried : int
        Numbers of a record, and of what the last one left.
    """

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
