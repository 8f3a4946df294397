"""Every byte of a trace directory against its hash.

Not responsible for the numbers behind the hashes: those are proved when they are recomputed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptrace.store import files, sink
from bptrace.store.create import attributes
from bptrace.store.files import damaged
from bptrace.store.stored import read_hashes

if TYPE_CHECKING:
    from bptrace.store.stored import StoredTrace


def verify(trace: StoredTrace) -> None:
    """Raise `StoreError` for the first file that is not as it was written."""
    read_hashes(trace.folder, trace.committed)
    _fixed(trace)
    _described(trace)
    for array in trace.arrays.values():
        rows = array.rows(trace.steps)
        for begin in range(0, rows, array.block_rows):
            trace.rows(array.path, begin, begin + 1)  # reads, and checks, the whole block
        if rows % array.block_rows:
            _rest(trace, array.block(rows // array.block_rows), rows % array.block_rows)


def _fixed(trace: StoredTrace) -> None:
    for name in trace.info.files:
        files.check_fixed(trace.folder, trace.info, name)


def _described(trace: StoredTrace) -> None:
    """Check the metadata of what grows: it follows from the number of steps."""
    fixed = sink.fixed_metadata(trace.folder, trace.info)
    texts = sink.growing_metadata(trace.info, attributes(trace.problem), fixed, trace.steps)
    for name, raw in texts.items():
        path = trace.folder / name
        if not path.exists():
            raise damaged(path, "it is missing")
        if path.read_bytes() != raw:
            raise damaged(
                path,
                f"it does not describe {trace.steps} steps "
                "(after a kill `bptrace resume` mends it)",
            )


def _rest(trace: StoredTrace, name: str, rows: int) -> None:
    """Check that behind the last row there is nothing."""
    array = next(a for a in trace.arrays.values() if name.startswith(f"{a.path}/c."))
    raw = (trace.folder / name).read_bytes()[rows * array.row_bytes :]
    if any(raw):
        raise damaged(
            trace.folder / name,
            "there is something behind its last row; no number of the trace is touched by it "
            "(after a kill `bptrace resume` clears it)",
        )
