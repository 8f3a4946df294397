"""Arrays on disk in the format Zarr v3: what stands in ``zarr.json``, and which file holds a row.

Zarr-python is not used for writing: it says nothing about the order in which files reach the disk,
and takes a third of a second to import. The format itself is small: one JSON file per array and
raw little-endian numbers in files of equal size, one per chunk ("block" in this room). The rows of
an array grow; a last block that is not full yet ends in zeros that no row claims. Source: Zarr core
specification, version 3, sections "Array metadata" and "Chunk encoding"; strings: the extensions
"string" and "vlen-utf8".
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from bptrace.tuples import NamedTuple

BLOCK_BYTES = 2**20
"""Blocks are about this large: one is read and hashed (1 ms) to get at a single number."""

TIMES_IN_FULL = 4
"""Blocks of what a file asks for in full are so many times as large. Recomputing reads none of
them, and each block is flushed by itself: a disk with a limit of operations a second took two to
four times as long for 64 MiB in blocks of 1 MiB as for the same in blocks of 4 MiB."""

ITEM_BYTES = 8  # of float64 and int64; there is nothing else that grows

BESIDE = {"sample": "sample_number", "neuron": "layer", "parameter": "parameter_layer"}
"""Dimension → the array beside its own that says more about it."""


class Array(NamedTuple):
    """An array that grows by rows, each belonging to one step.

    Attributes
    ----------
    path : str
        Within the directory, such as ``"log/out"``.
    kind : str
        "float64" or "int64".
    dims : tuple of str
        Names of the dimensions; the first is that of the rows.
    inner : tuple of int
        Shape of one row; () for a number.
    block_rows : int
        Rows of one block.
    first, every : int
        The row r belongs to the step ``first + r * every``.
    about : str
        One line for readers.
    """

    path: str
    kind: str
    dims: tuple[str, ...]
    inner: tuple[int, ...]
    block_rows: int
    first: int
    every: int
    about: str

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return ITEM_BYTES * prod(self.inner)

    @property
    def block_bytes(self) -> int:
        """Bytes of one block, full or not."""
        return self.block_rows * self.row_bytes

    def rows(self, steps: int) -> int:
        """Return how many rows there are after `steps` steps."""
        return 0 if steps < self.first else (steps - self.first) // self.every + 1

    def step(self, row: int) -> int:
        """Return the step of a row."""
        return self.first + row * self.every

    def block(self, number: int) -> str:
        """Return the path of a block, as the key encoding "default" has it with a full stop.

        With the usual slash each block would have a folder of its own.
        """
        return f"{self.path}/{'.'.join(['c', str(number), *('0' for _ in self.inner)])}"

    def metadata(self, steps: int) -> dict[str, Any]:
        """Return ``zarr.json`` of the array after `steps` steps."""
        shape = (self.rows(steps), *self.inner)
        said = {"about": self.about}
        if self.kind == "float64" and (
            beside := " ".join(BESIDE[dim] for dim in self.dims if dim in BESIDE)
        ):
            said["coordinates"] = beside  # the convention of NetCDF, which xarray follows
        return metadata(shape, (self.block_rows, *self.inner), self.kind, self.dims, said)


def rows_per_block(inner: Sequence[int], in_full: bool = False) -> int:
    """Return how many rows of this shape make one block, also of what is written in full."""
    block_bytes = BLOCK_BYTES * (TIMES_IN_FULL if in_full else 1)
    return max(1, block_bytes // (ITEM_BYTES * prod(inner)))


def metadata(
    shape: Sequence[int],
    blocks: Sequence[int],
    kind: str,
    dims: Sequence[str],
    attributes: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the metadata of an array in blocks of the shape `blocks`."""
    numbers = {"name": "bytes", "configuration": {"endian": "little"}}
    text = {"name": "vlen-utf8", "configuration": {}}
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": kind,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(blocks)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": {"string": "", "float64": 0.0}.get(kind, 0),
        "codecs": [text if kind == "string" else numbers],
        "attributes": dict(attributes),
        "dimension_names": list(dims),
        "storage_transformers": [],
    }


def group(attributes: Mapping[str, Any], inside: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the metadata of a group; `inside` is that of all its members, repeated for readers."""
    document = {"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)}
    if inside is not None:
        document["consolidated_metadata"] = {
            "kind": "inline",
            "must_understand": False,
            "metadata": dict(inside),
        }
    return document


def strings(texts: Sequence[str]) -> bytes:
    """Return a block of texts: their number, then each with its length before it."""
    parts = [struct.pack("<I", len(texts))]
    for text in texts:
        raw = text.encode()
        parts += [struct.pack("<I", len(raw)), raw]
    return b"".join(parts)


def text_of(document: Mapping[str, Any]) -> bytes:
    """Return a JSON document as it is written, the same for the same content."""
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
