"""Rows of numbers with a column for each of several ways to calculate: losses, learning rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bptrace.address import Address


@dataclass(frozen=True)
class Row:
    """One quantity with each way; `after` updates are done before it is taken (0: none)."""

    address: Address
    values: tuple[float, ...]
    after: int = 0


def document(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows as plain data, ``[{"quantity", "after", "values"}]``."""
    return [
        {"quantity": row.address.positional, "after": row.after, "values": list(row.values)}
        for row in rows
    ]
