"""Somebody else's gradients in a file: NumPy's .npz and .npy, or JSON.

Read is what the file holds, by name or in order; whether that suits a network is for `checks`.
Nothing in a file is ever executed: arrays of Python objects are refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, Final

from bptrace.address import Address
from bptrace.errors import BptraceError, Fault, FileError
from bptrace.io.files import Sort, read_text, shown
from bptrace.maths.expr import Ref
from bptrace.notation import Notation

MAX_BYTES: Final = 1_000_000_000
GRADIENTS_FILE: Final = Sort(".npz", "an .npz or .json file", "Save float32, or fewer arrays.")


def read_gradients(file: str) -> Any:
    """Return the arrays of a file: a dictionary, a list, or one array.

    Raises
    ------
    FileError
        If there is no such file, or it is damaged, holds Python objects or is of another kind.
    """
    if file.lower().endswith((".npz", ".npy")):
        return _numpy(file)
    text = read_text(file, MAX_BYTES, GRADIENTS_FILE)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FileError([Fault(
            f"this is no JSON: {error.msg[:1].lower()}{error.msg[1:]}", shown(file),
            error.lineno, error.colno, "Expected an .npz, .npy or .json file.",
        )]) from None  # fmt: skip
    except RecursionError:
        raise _refused(
            file, "this JSON is nested too deeply", "Expected lists of numbers."
        ) from None


def reader_of(notation: Notation) -> Callable[[str], Address]:
    """Return what the names of a dialect mean, if they are names of one quantity."""

    def read(name: str) -> Address:
        expr = notation.read(name)
        if isinstance(expr, Ref) and isinstance(expr.key, Address):
            return expr.key
        raise BptraceError("this is a formula and no single gradient")

    return read


def _numpy(file: str) -> Any:
    import zipfile
    import zlib

    import numpy as np

    if not os.path.isfile(file) or not os.access(file, os.R_OK):
        read_text(file, 0, GRADIENTS_FILE)  # says why
    try:
        with open(file, "rb") as stream:
            if not stream.read(8).startswith((b"PK", b"\x93NUMPY")):
                raise EOFError("it begins as neither an .npz nor an .npy file does")
            stream.seek(0)
            found = np.load(stream, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            with found:
                return {name: found[name] for name in found.files}
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _refused(file, f"this file is damaged ({error})", "Save it again.") from None
    except (ValueError, OSError, NotImplementedError, RuntimeError, KeyError) as error:
        if "allow_pickle" in str(error) or "pickled" in str(error):
            message = "this file holds Python objects, which are not read"
            raise _refused(file, message, "Save arrays of numbers: numpy.savez(file, dW1=…, db1=…)"
                           ) from None  # fmt: skip
        reason = str(error).split("\n")[0]
        raise _refused(file, f"NumPy cannot read this file ({reason})", "Save it again.") from None
    except MemoryError:
        raise _refused(file, "the arrays do not fit into memory", "Is the file damaged?") from None


def _refused(file: str, message: str, hint: str) -> FileError:
    return FileError([Fault(message, shown(file), hint=hint)])
