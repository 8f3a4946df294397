"""Objects that are shown as they would be made, without what they have by default.

What a failed test prints should be read, and be pasted into the next test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any


class Brief:
    """Base of dataclasses (``repr=False``) most fields of which keep their defaults."""

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in self._given())
        return f"{type(self).__name__}({', '.join(given)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print it over several lines, for IPython and Hypothesis."""
        with printer.group(2, f"{type(self).__name__}(", ")"):
            for k, (name, value) in enumerate(self._given()):
                if k:
                    printer.text(",")
                    printer.breakable()
                printer.text(f"{name}=")
                printer.pretty(value)

    def _given(self) -> Iterator[tuple[str, Any]]:
        for field in fields(self):  # type: ignore[arg-type]  # of dataclasses only
            value = getattr(self, field.name)
            if field.repr and value != field.default:
                yield field.name, value
