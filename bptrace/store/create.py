"""A new trace directory: made beside its place, whole, and then renamed into it.

So there is never half a directory under the name that the user gave, and a directory that is
replaced (``--force``) stays until the new one is there.
"""

from __future__ import annotations

import glob
import os
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

from bptrace.engine import start
from bptrace.model import Problem
from bptrace.store import contents, files
from bptrace.store.arrays import group, metadata, strings, text_of
from bptrace.store.contents import canonical
from bptrace.store.files import BLOCKS, LOCK, PROBLEM, TRACE, Info, StoreError, hashed
from bptrace.store.sink import Sink
from bptrace.tuples import NamedTuple


def create(problem: Problem, folder: Path, goal: int, force: bool = False) -> None:
    """Make a trace of no steps yet.

    Raises
    ------
    StoreError
        If there is something already (a trace is replaced if `force` says so, anything else never),
        if the place cannot be written, or if the problem's file does not say all of the problem.
    """
    source = read_source(problem)
    _check_place(folder, force)
    beside = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_remains(folder)
        beside.mkdir()
    except OSError as error:
        raise refused(folder, error) from None
    try:
        _fill(beside, problem, source, goal)
        _put_in_place(beside, folder)
    except OSError as error:
        raise refused(folder, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


class Source(NamedTuple):
    """What a problem was read from: its file, and by name the file of its data, if it has one."""

    text: str
    data: dict[str, bytes]


def read_source(problem: Problem) -> Source:
    """Return the problem's file as it stands, and a copy of its data.

    Raises
    ------
    StoreError
        If it is not there any more, or no longer says what the problem says: the trace could not be
        recomputed from it.
    """
    if not problem.file or problem.file == "-":
        raise StoreError(
            "this problem is not from a file; a trace on disk keeps the file that it is recomputed "
            "from. Write the problem to a file and load that"
        )
    from bptrace.io.load import read_document
    from bptrace.io.problem import read_problem

    document = read_document(problem.file)
    found = read_problem(document)
    training = replace(found.training, steps=problem.training.steps)
    if replace(found, training=training) != problem:
        raise StoreError(
            f"{problem.file}: this file no longer says what was read from it, or the problem was "
            "changed afterwards. A trace on disk is recomputed from the file alone: load it again"
        )
    if found.data is None or "file" not in (table := document.data["data"]):  # type: ignore[operator]
        return Source(document.text, {})
    path = Path(document.file).parent / table["file"]  # type: ignore[index]
    return Source(document.text, {f"data/{path.name}": path.read_bytes()})


def refused(folder: Path, error: OSError) -> StoreError:
    """Return what to say about a place that cannot be written."""
    import errno

    cures = {
        errno.ENOSPC: "Free some space, or choose another disk",
        errno.EDQUOT: "Your quota is used up: free some space, or choose another disk",
        errno.EROFS: "This file system is read-only: choose another place",
        errno.EACCES: "You may not write here: choose another place",
        errno.EPERM: "You may not write here: choose another place",
        errno.ENOTDIR: "A part of this path is a file: choose another place",
        errno.EFBIG: "Files may not be that large here (see ulimit -f)",
    }
    what = error.strerror or str(error)
    cure = cures.get(error.errno or 0, "Choose another place")
    return StoreError(f"{folder}: the trace cannot be written ({what}). {cure}")


def _check_place(folder: Path, force: bool) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise StoreError(f"{folder}: this is a file. Give the name of a directory")
    try:
        is_empty, is_trace = not any(folder.iterdir()), (folder / TRACE).is_file()
    except OSError as error:
        raise refused(folder, error) from None
    if is_empty or (is_trace and force):
        return
    if is_trace:
        raise StoreError(
            f"{folder}: there is a trace already. Go on with it (bptrace resume {folder}), choose "
            "another name, or replace it with --force"
        )
    raise StoreError(
        f"{folder}: this directory is not empty and is no trace, so nothing in it is touched. "
        "Choose another name"
    )


def _put_in_place(beside: Path, folder: Path) -> None:
    """Rename the new directory to its name; an old trace goes first, if nobody writes it."""
    if folder.is_dir() and any(folder.iterdir()):
        lock = files.Lock(folder)
        old = beside.with_name(beside.name + ".old")
        os.rename(folder, old)
        lock.free()
        os.rename(beside, folder)
        shutil.rmtree(old)
    else:
        if folder.is_dir():
            folder.rmdir()
        os.rename(beside, folder)
    files.flush_folder(folder.parent)


def _remove_remains(folder: Path) -> None:
    """Remove what a process that was killed in `create` left beside the folder."""
    for left in folder.parent.glob(f"{glob.escape(folder.name)}.part-*"):
        number = left.name.rpartition("-")[2]
        if number.isdigit() and not _is_running(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Whether there is such a process; said of every one where asking would end it (Windows)."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _fill(folder: Path, problem: Problem, source: Source, goal: int) -> None:
    raw = source.text.encode()
    (folder / PROBLEM).write_bytes(raw)
    (folder / LOCK).touch()
    (folder / BLOCKS).touch()
    k = contents.interval(problem)
    info = Info(
        bptrace=files.program_version(),
        kernels=files.kernels_hash(),
        arithmetic=files.ARITHMETIC,
        problem=hashed(raw),
        data=contents.data_hash(problem),
        interval=k,
        arrays=contents.arrays(problem, k),
        files=_write_fixed(folder, problem, source.data),
    )
    files.replace(folder / TRACE, info.text())
    sink = Sink(folder, info, hashed(info.text()), attributes(problem))
    state = canonical(start(problem).numbers)
    try:
        sink.append({"checkpoints/state": state, "checkpoints/step": struct.pack("<q", 0)})
        sink.commit(0, goal, state)
    finally:
        sink.close()


def attributes(problem: Problem) -> dict[str, Any]:
    """Return what the root of the directory says of itself, for readers of Zarr."""
    return {
        "title": problem.title,
        "source": problem.source,
        "dialect": problem.dialect,
        "widths": list(problem.network.widths),
    }


def _write_fixed(folder: Path, problem: Problem, data: dict[str, bytes]) -> dict[str, str]:
    """Write copies of data, groups and coordinates; return path → hash."""
    texts = {**data, "checkpoints/zarr.json": text_of(group({}))}
    if problem.log is not None:
        texts["log/zarr.json"] = text_of(group({"every": problem.log.every}))
    for path, (kind, dim, values) in contents.coordinates(problem).items():
        shape = (len(values),)
        texts[f"{path}/zarr.json"] = text_of(metadata(shape, shape, kind, (dim,), {}))
        texts[f"{path}/c.0"] = (
            strings([str(value) for value in values])
            if kind == "string"
            else struct.pack(f"<{len(values)}q", *map(int, values))
        )
    for path, raw in texts.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(raw)
    return {path: hashed(raw) for path, raw in sorted(texts.items())}
