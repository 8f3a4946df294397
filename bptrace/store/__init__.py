"""Runs on disk: written while they go on, whole after any kill, and every step asked for again.

A trace directory holds the problem, checkpoints, E of every step and what the file asks for under
``[log]``; all else is recomputed from the nearest checkpoint and compared with what stands on disk
before it is shown. `docs/traces-on-disk.md` describes every file. The directory is a Zarr v3 group;
only `frames` needs a package that reads such groups.
"""

from __future__ import annotations

from bptrace.store.files import StoreError
from bptrace.store.stored import StoredTrace, open_trace
from bptrace.store.writer import Writer, record, resume

__all__ = ["StoreError", "StoredTrace", "Writer", "open_trace", "record", "resume"]
