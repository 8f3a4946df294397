"""What is stored, as xarray datasets and pandas tables: the only module that imports either.

Nothing is recomputed here: the directory is read as what it is, a group in the format Zarr v3.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bptrace.errors import BptraceError, UnknownName

if TYPE_CHECKING:
    import pandas
    import xarray

    from bptrace.store.stored import StoredTrace


def to_xarray(trace: StoredTrace, group: str = "") -> xarray.Dataset:
    """Return a group of the directory: see `StoredTrace.to_xarray`."""
    known = tuple(dict.fromkeys(path.rpartition("/")[0] for path in trace.arrays))
    if group not in known:
        raise UnknownName("group of arrays", group, known[1:])
    _need("zarr")
    return _need("xarray").open_zarr(trace.folder, group=group or None, chunks=None)


def to_dataframe(trace: StoredTrace, path: str = "E") -> pandas.DataFrame:
    """Return an array as a table: see `StoredTrace.to_dataframe`."""
    if path not in trace.arrays:
        raise UnknownName("array", path, tuple(trace.arrays))
    _need("pandas")
    group, _, name = path.rpartition("/")
    return to_xarray(trace, group)[name].to_dataframe().reset_index()


def _need(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise BptraceError(
            f"{name} cannot be imported ({error}). Install it: pip install 'bptrace[store]'"
        ) from None
