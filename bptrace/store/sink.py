"""Rows to blocks to the disk, and the record of what is committed; hashes come from `hashing`.

The order of a commit: the blocks are flushed, then the list of hashes, then the record is renamed
into place; last the metadata of the arrays, which tells any reader of Zarr how many rows there are.
Rows are only ever appended, so that what was committed stays as it is while more is written.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from bptrace.store import files
from bptrace.store.arrays import Array, group, text_of
from bptrace.store.contents import Buffer
from bptrace.store.files import (
    BLOCKS,
    COMMITTED,
    Committed,
    Info,
    StoreError,
    Tail,
    damaged,
    hashed,
)
from bptrace.store.hashing import Hashing, Running

MOST_OPEN = 32
"""Full blocks that wait for the next commit to be flushed: flushed one by one, the disk waits for
each of them."""


FLUSHED_AT_ONCE = 8
"""Files whose flush is waited for at a time: on a busy disk 64 MiB took 130 ms, one by one 180."""


class Growing:
    """One array of a directory: appends rows, block by block."""

    def __init__(self, folder: Path, array: Array, hashing: Hashing) -> None:
        self.folder, self.array = folder, array
        self.rows = 0
        self.done: list[tuple[int, str, Running]] = []  # (last step, path, hash) of full blocks
        self._hashing = hashing
        self._file: IO[bytes] | None = None
        self._hash: Running | None = None
        self._full: list[IO[bytes]] = []
        self._has_new = False

    @property
    def filled(self) -> int:
        """Bytes of the block that is not full yet."""
        return self.rows % self.array.block_rows * self.array.row_bytes

    @property
    def path(self) -> str:
        """The path of the block that is written to."""
        return self.array.block(self.rows // self.array.block_rows)

    def tail(self) -> Tail | None:
        """Return the length and the hash of the block that is not full yet; None if it is empty.

        Once `Hashing.wait` has returned.
        """
        return Tail(self.filled, self._hash.hexdigest()) if self.filled and self._hash else None

    def recover(self, steps: int, tail: Tail | None) -> None:
        """Go to the end of what is committed, check it, and wipe what stands behind it.

        Raises
        ------
        StoreError
            If the block that is not full yet is not as it was written.
        """
        self.rows = self.array.rows(steps)
        number = self.rows // self.array.block_rows + (1 if self.filled else 0)
        while (beyond := self.folder / self.array.block(number)).exists():
            beyond.unlink()
            number += 1
        if not self.filled:
            return
        place = self.folder / self.path
        try:
            file = open(place, "r+b", buffering=0)  # noqa: SIM115  # closed by `close`
        except FileNotFoundError:
            raise damaged(place, "it is missing") from None
        raw = file.read(self.filled)
        if tail is None or hashed(raw) != tail.sha256:
            file.close()
            raise damaged(place, f"{COMMITTED} has another hash for it")
        file.truncate(self.filled)
        file.truncate(self.array.block_bytes)
        file.seek(self.filled)
        self._file, self._hash = file, self._hashing.begin(raw)

    def append(self, raw: Buffer) -> None:
        """Write further rows; `raw` must not change any more."""
        view = memoryview(raw)
        while view:
            file, running = self._open()
            room = self.array.block_bytes - self.filled
            piece, view = view[:room], view[room:]
            running.update(piece)
            self._write(piece)
            path = self.path
            self.rows += len(piece) // self.array.row_bytes
            if not self.filled:
                self.done.append((self.array.step(self.rows - 1), path, running))
                self._file = self._hash = None
                self._full.append(file)
                start_flushing(file)
                if len(self._full) >= MOST_OPEN:
                    flush([self])

    def _open(self) -> tuple[IO[bytes], Running]:
        """Return the block that is written to, and its hash.

        A new one gets all of its length at once, which takes no room on the disk yet.
        """
        if self._file is None or self._hash is None:
            place = self.folder / self.path
            if not self.rows:
                place.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(place, "w+b", buffering=0)  # noqa: SIM115  # closed by `close`
            self._file.truncate(self.array.block_bytes)
            self._has_new = True
            self._hash = self._hashing.begin()
        return self._file, self._hash

    def _write(self, piece: memoryview) -> None:
        assert self._file is not None
        while piece:  # a disk that is nearly full takes a part
            piece = piece[self._file.write(piece) or 0 :]

    @property
    def files(self) -> list[IO[bytes]]:
        """The blocks that are open: full ones that are not flushed, and that which is not full."""
        return self._full + ([self._file] if self._file else [])

    def folders(self) -> list[Path]:
        """Return the folder of the blocks if it has new names since it was flushed."""
        return [(self.folder / self.path).parent] if self._has_new else []

    def flushed(self) -> None:
        """Close full blocks: all has reached the disk."""
        while self._full:
            self._full.pop().close()
        self._has_new = False

    def close(self) -> None:
        """Close what is open, as it is."""
        for file in self.files:
            file.close()
        self._full.clear()
        self._file = None


def start_flushing(file: IO[bytes]) -> None:
    """Have the system begin to write a file to the disk, without waiting for it.

    On Linux that is what it does first when it hears that the file will not be needed soon: of 64
    blocks of 1 MiB, `flush` then waits 6 ms instead of 63. Elsewhere nothing is begun.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # on file systems that take no advice
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def flush(arrays: Collection[Growing]) -> None:
    """Have the bytes, and the names of new blocks, reach the disk; several files at a time."""
    from concurrent.futures import ThreadPoolExecutor

    blocks = [file for growing in arrays for file in growing.files]
    with ThreadPoolExecutor(FLUSHED_AT_ONCE) as pool:
        list(pool.map(lambda file: os.fsync(file.fileno()), blocks))
        list(pool.map(files.flush_folder, [f for growing in arrays for f in growing.folders()]))
    for growing in arrays:
        growing.flushed()


class Sink:
    """All arrays of a directory, and its record.

    Parameters
    ----------
    folder : Path
    info : Info
    trace : str
        Hash of ``trace.json``.
    attributes : mapping
        What the root group says of itself.
    """

    def __init__(self, folder: Path, info: Info, trace: str, attributes: Mapping[str, Any]) -> None:
        self.folder, self.info, self.trace = folder, info, trace
        self.attributes = attributes
        self._fixed = fixed_metadata(folder, info)
        self._hashing = Hashing()
        self.growing = {a.path: Growing(folder, a, self._hashing) for a in info.arrays}
        self._list_bytes, self._list_hash = 0, sha256()

    def recover(self, committed: Committed) -> None:
        """Go to where a record ends; raises `StoreError` for what is damaged there."""
        path = self.folder / BLOCKS
        with open(path, "r+b") as file:
            raw = file.read(committed.list_bytes)
            if hashed(raw) != committed.list_sha256:
                raise damaged(path, f"{COMMITTED} has another hash for it")
            file.truncate(committed.list_bytes)
        self._list_bytes, self._list_hash = len(raw), sha256(raw)
        for growing in self.growing.values():
            tail = committed.tails.get(growing.array.block(_open_block(growing.array, committed)))
            growing.recover(committed.steps, tail)
        self.describe(committed.steps)

    def append(self, rows: Mapping[str, Buffer]) -> None:
        """Write further rows: path → bytes."""
        for path, raw in rows.items():
            self.growing[path].append(raw)

    def commit(self, steps: int, goal: int, state: bytes) -> None:
        """Flush all, then say that `steps` steps are there; `state` is what the last one left.

        Raises
        ------
        StoreError
            If the rows are not those of so many steps: an interrupt came at a bad moment. The last
            record then stays.
        """
        if any(growing.rows != growing.array.rows(steps) for growing in self.growing.values()):
            raise StoreError(
                f"{self.folder}: writing was interrupted; the last steps are not in the trace. "
                f"`bptrace resume {self.folder}` calculates them again"
            )
        flush(self.growing.values())
        self._hashing.wait()
        lines = self._lines().encode()
        with open(self.folder / BLOCKS, "ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        self._list_bytes += len(lines)
        self._list_hash.update(lines)
        record = Committed(
            steps=steps,
            goal=goal,
            state=hashed(state),
            trace=self.trace,
            list_bytes=self._list_bytes,
            list_sha256=self._list_hash.hexdigest(),
            tails={g.path: tail for g in self.growing.values() if (tail := g.tail())},
        )
        files.replace(self.folder / COMMITTED, record.text())
        files.flush_folder(self.folder)
        self.describe(steps)

    def _lines(self) -> str:
        """Return the lines of the list for blocks that became full; they are then forgotten."""
        done = [entry for growing in self.growing.values() for entry in growing.done]
        done.sort(key=lambda entry: entry[:2])
        for growing in self.growing.values():
            growing.done.clear()
        return "".join(f"{running.hexdigest()}  {path}\n" for _, path, running in done)

    def describe(self, steps: int) -> None:
        """Write the metadata of all that grows, and of the root, as of `steps` steps."""
        texts = growing_metadata(self.info, self.attributes, self._fixed, steps)
        for path, raw in texts.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            files.replace(place, raw, flush=False)

    def close(self) -> None:
        """Close all files and end all threads; what is not committed does not count."""
        self._hashing.close()
        for growing in self.growing.values():
            growing.close()


def fixed_metadata(folder: Path, info: Info) -> dict[str, Any]:
    """Return the metadata of the members that never change: path in the group → document."""
    return {
        path.removesuffix("/zarr.json"): json.loads((folder / path).read_bytes())
        for path in info.files
        if path.endswith("/zarr.json")
    }


def growing_metadata(
    info: Info, attributes: Mapping[str, Any], fixed: Mapping[str, Any], steps: int
) -> dict[str, bytes]:
    """Return every ``zarr.json`` that changes with the steps: path → content.

    The root repeats all others, so that a reader of Zarr opens one file instead of many.
    """
    growing = {array.path: array.metadata(steps) for array in info.arrays}
    texts = {f"{path}/zarr.json": text_of(document) for path, document in growing.items()}
    members = dict(sorted(({**fixed, **growing}).items()))
    return texts | {"zarr.json": text_of(group(attributes, members))}


def _open_block(array: Array, committed: Committed) -> int:
    return array.rows(committed.steps) // array.block_rows
