"""The edge: whatever enters bptrace from files is read and checked here."""

from __future__ import annotations

from typing import Any

from bptrace.io.examples import Example, examples
from bptrace.io.load import load

__all__ = ["Example", "examples", "json_schema", "load", "template"]


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a problem file, for editors that complete and explain keys."""
    from bptrace.io import schema

    return schema.json_schema()


def template(layers: tuple[int, ...] | list[int], name: str, lang: str = "en") -> str:
    """Return a commented problem file to start from: see `write.template`."""
    from bptrace.io import write

    return write.template(layers, name, lang)
