"""What pictures show, as plain numbers: drawn by `plots` with matplotlib, by `render` as text.

`history` has the error over time, `plane` what a network answers everywhere, `along` the error
along one weight. No trace on disk is needed, and no picture is drawn here.
"""

from __future__ import annotations

from bptrace.pictures.along import Along, error_along
from bptrace.pictures.history import History, thinned, watch
from bptrace.pictures.plane import Line, Plane, answers, look_at

__all__ = [
    "Along",
    "History",
    "Line",
    "Plane",
    "answers",
    "error_along",
    "look_at",
    "thinned",
    "watch",
]
