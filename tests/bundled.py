"""The bundled examples: those by hand, with the numbers of others, and those to be trained."""

from __future__ import annotations

from importlib.util import find_spec

from bptrace.io import Example, examples


def _is_by_hand(example: Example) -> bool:
    return "[[claims]]" in example.path.read_text(encoding="utf-8")


def _is_there(example: Example) -> bool:
    """Whether the data of an example are there: scikit-learn is an extra."""
    text = example.path.read_text(encoding="utf-8")
    return "\ndataset" not in text or find_spec("sklearn") is not None


BY_HAND = [example.name for example in examples() if _is_by_hand(example)]
TRAINED = [example.name for example in examples() if not _is_by_hand(example)]
LOADABLE = [example.name for example in examples() if _is_there(example)]
