"""Ctrl-C as a question that is asked now and then, so that what is done so far is not lost."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any


class Interrupt:
    """While entered, Ctrl-C sets `asked`; a second one interrupts at once, as does an early one.

    `is_early` is for the time in which nobody asks: until then, Python's own exception is raised.
    """

    def __init__(self) -> None:
        self.asked = False
        self.is_early = True
        self._before: Any = None

    def __enter__(self) -> Interrupt:
        try:
            self._before = signal.signal(signal.SIGINT, self._handle)
        except ValueError:  # not the main thread, which alone gets signals
            self._before = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked or self.is_early:
            raise KeyboardInterrupt
        self.asked = True
