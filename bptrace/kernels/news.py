"""When the compiler begins to work, for whoever wants to say so: it takes a dozen seconds.

Apart from `compiled`, so that wanting to know imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[], None]] = []


@contextmanager
def told(listener: Callable[[], None]) -> Iterator[None]:
    """Inside it `listener` is called before each function that is compiled, not loaded."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def tell() -> None:
    """Tell all who listen that the compiler begins."""
    for listener in _listeners:
        listener()
