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
        raise UnknownName("group of arrays", group, tuple(name or '""' for name in known))
    _need("zarr")
    package = _need("xarray")
    return package.open_zarr(trace.folder, group=group or None, chunks=None)  # type: ignore[no-any-return]


def to_dataframe(trace: StoredTrace, group: str = "") -> pandas.DataFrame:
    """Return a group as a table: see `StoredTrace.to_dataframe`."""
    return to_xarray(trace, group).to_dataframe()


def _need(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise BptraceError(
            f"{name} cannot be imported ({error}). Install it: pip install 'bptrace[store]'"
        ) from None
