"""The files of a trace directory that are not arrays: what it is, how far it goes, who writes it.

``trace.json`` is written once. ``committed.json`` says how many steps are there, with the hashes of
all that they consist of; it is replaced as a whole by renaming, after everything it speaks of has
been flushed to the disk. What is not in it does not count, and a kill at any moment leaves either
the old record or the new one.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from bptrace.errors import BptraceError
from bptrace.store.arrays import Array, text_of
from bptrace.tuples import NamedTuple

FORMAT = 1
"""Version of the directory; `docs/traces-on-disk.md` describes it."""

ARITHMETIC = 1
"""Version of the bits: one more whenever any calculation gives any other bit than before.

`tests/store/test_arithmetic.py` has the hash of reference runs and fails when this is forgotten.
"""

TRACE, COMMITTED, BLOCKS, PROBLEM, LOCK = (
    "trace.json",
    "committed.json",
    "blocks.sha256",
    "problem.toml",
    "lock",
)


class StoreError(BptraceError):
    """A trace on disk that cannot be written, opened, trusted or gone on with."""


class Info(NamedTuple):
    """What ``trace.json`` says.

    Attributes
    ----------
    bptrace, kernels : str
        Version of the program that began the trace, and the hash of its formulas and kernels.
    arithmetic : int
        Version of the bits, see `ARITHMETIC`.
    problem, data : str
        Hash of the problem file, and of the samples if they stand elsewhere.
    interval : int
        Steps from one checkpoint to the next.
    arrays : list of Array
        All that grow.
    files : dict
        Path → hash of what is written once: copies of data, coordinates, metadata of groups.
    """

    bptrace: str
    kernels: str
    arithmetic: int
    problem: str
    data: str
    interval: int
    arrays: list[Array]
    files: dict[str, str]

    def text(self) -> bytes:
        """Return the file's content."""
        document: dict[str, Any] = {"format": "bptrace trace", "version": FORMAT}
        document |= self._asdict() | {"arrays": [array._asdict() for array in self.arrays]}
        return text_of(document)


class Tail(NamedTuple):
    """A block that is not full yet: how many of its bytes count, and their hash."""

    bytes: int
    sha256: str


class Committed(NamedTuple):
    """What ``committed.json`` says.

    Attributes
    ----------
    steps, goal : int
        Steps that are there, and how many the run is to have.
    state : str
        Hash of what the last step left.
    trace : str
        Hash of ``trace.json``.
    list_bytes : int
        How much of ``blocks.sha256`` counts.
    list_sha256 : str
        Its hash.
    tails : dict
        Path → `Tail` of each block that is not full yet.
    """

    steps: int
    goal: int
    state: str
    trace: str
    list_bytes: int
    list_sha256: str
    tails: dict[str, Tail]

    def text(self) -> bytes:
        """Return the file's content, its own hash at the end."""
        document = self._asdict()
        document["tails"] = {path: tail._asdict() for path, tail in sorted(self.tails.items())}
        return text_of(document | {"sha256": hashed(text_of(document))})


def hashed(raw: bytes | bytearray | memoryview) -> str:
    """Return the SHA-256 of bytes."""
    return sha256(raw).hexdigest()


def kernels_hash() -> str:
    """Return a hash of the sources of formulas and kernels, without importing Numba."""
    from bptrace import kernels, maths

    rooms = [Path(room.__file__).parent for room in (maths, kernels) if room.__file__]
    found = sha256()
    for file in sorted(file for room in rooms for file in room.glob("*.py")):
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def program_version() -> str:
    """Return the version of the installed bptrace; the package itself stands above this room."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bptrace")
    except PackageNotFoundError:  # run from a folder, not installed
        return "of unknown version"


# ----------------------------------------------------------------------------------------- reading


def read_info(folder: Path) -> tuple[Info, str]:
    """Read ``trace.json``; return it with its hash.

    Raises
    ------
    StoreError
        If the folder is no trace, one of another version, or damaged.
    """
    raw = _read(folder, TRACE, f"{folder}: {_no_trace(folder)}")
    document = _json(raw, folder / TRACE)
    if document.get("format") != "bptrace trace":
        raise StoreError(f"{folder}: {_no_trace(folder)}")
    version = document.get("version")
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        cure = "Open it with a newer bptrace" if newer else "Open it with the bptrace that wrote it"
        raise StoreError(
            f"{folder}: this trace has the format {version}; this bptrace reads format {FORMAT}. "
            f"{cure} ({document.get('bptrace', 'version unknown')})"
        )
    try:
        arrays = [
            Array(**{**entry, "dims": tuple(entry["dims"]), "inner": tuple(entry["inner"])})
            for entry in document["arrays"]
        ]
        known = {name: document[name] for name in Info._fields}
    except (KeyError, TypeError) as error:
        raise damaged(folder / TRACE, f"it lacks {error}") from None
    return Info(**{**known, "arrays": arrays}), hashed(raw)


def read_committed(folder: Path, trace: str) -> Committed:
    """Read ``committed.json``; `trace` is the hash of ``trace.json``.

    Raises
    ------
    StoreError
        If it, or ``trace.json``, is not as it was written.
    """
    path = folder / COMMITTED
    document = _json(_read(folder, COMMITTED, f"{path}: this file is missing"), path)
    own = document.pop("sha256", None)
    if own != hashed(text_of(document)):
        raise damaged(path, "it does not have the hash that it gives for itself")
    tails = {name: Tail(**tail) for name, tail in document["tails"].items()}
    committed = Committed(**{**document, "tails": tails})
    if committed.trace != trace:
        raise damaged(folder / TRACE, f"{COMMITTED} has another hash for it")
    return committed


def check_fixed(folder: Path, info: Info, name: str) -> None:
    """Raise `StoreError` if a file that is written once is missing, or not as it was."""
    path = folder / name
    if hashed(_read(folder, name, f"{path}: this file is missing")) != info.files[name]:
        raise damaged(path, f"{TRACE} has another hash for it")


def damaged(path: Path, why: str) -> StoreError:
    """Return the error for a file that is not as it was written."""
    return StoreError(
        f"{path}: this file is damaged, or was changed: {why}. "
        "Restore it from a copy, or record the run again with --force"
    )


def _read(folder: Path, name: str, missing: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(missing) from None
    except OSError as error:
        raise StoreError(f"{folder / name}: cannot be read ({error.strerror or error})") from None


def _json(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise damaged(path, f"it is no JSON ({error})") from None
    if not isinstance(document, dict):
        raise damaged(path, "it is no JSON object")
    return document


def _no_trace(folder: Path) -> str:
    if not folder.exists():
        return "there is no such directory. `bptrace train FILE --save DIR` writes one"
    if not folder.is_dir():
        return "this is a file, not the directory of a trace"
    return f"this directory is no trace: it has no {TRACE} of bptrace"


# ----------------------------------------------------------------------------------------- writing


def replace(path: Path, raw: bytes, flush: bool = True) -> None:
    """Put a file in place as a whole: written beside it, flushed, renamed over it."""
    beside = path.with_name(path.name + ".new")
    with open(beside, "wb") as file:
        file.write(raw)
        if flush:
            file.flush()
            os.fsync(file.fileno())
    os.replace(beside, path)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder reach the disk; where folders cannot be flushed, do nothing."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Lock:
    """Held by the one process that writes; the system frees it even when that is killed."""

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] = open(folder / LOCK, "ab")  # noqa: SIM115  # closed by `free`
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise StoreError(
                f"{folder}: another process is writing this trace. "
                "Wait until it ends; reading (bptrace show) is possible all the time"
            ) from None

    def free(self) -> None:
        """Let others write."""
        self._file.close()


def _lock(file: IO[bytes]) -> None:
    """Lock a file for this process, or raise OSError if another has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
