"""Pictures as PNG and SVG, drawn by matplotlib, which is imported when the first one is drawn.

    look = plots.look_for("zh")
    figure = plots.error_curve([history], look)
    plots.save(figure, Path("error.svg"))

What is to be seen comes from `pictures`; a figure is never shown on a screen, so that no window
system is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bptrace.errors import BptraceError

if TYPE_CHECKING:
    from bptrace.plots.curves import error_curve, gradient_sizes
    from bptrace.plots.descent import error_along_weight
    from bptrace.plots.files import save, targets
    from bptrace.plots.gallery import write
    from bptrace.plots.plane import decision_boundary
    from bptrace.plots.style import Look, look_for

__all__ = [
    "Look",
    "decision_boundary",
    "error_along_weight",
    "error_curve",
    "gradient_sizes",
    "look_for",
    "save",
    "targets",
    "write",
]

_HOMES = {
    "Look": "style",
    "decision_boundary": "plane",
    "error_along_weight": "descent",
    "error_curve": "curves",
    "gradient_sizes": "curves",
    "look_for": "style",
    "save": "files",
    "targets": "files",
    "write": "gallery",
}


def __getattr__(name: str) -> Any:
    """Import what draws when it is first asked for (PEP 562).

    Raises `BptraceError` if matplotlib is not there.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'bptrace.plots' has no attribute {name!r}")
    import logging
    from importlib import import_module

    # Its remarks (a folder for its cache, the list of fonts) are not ours to the user.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        module = import_module(f"bptrace.plots.{_HOMES[name]}")
    except ImportError as error:
        raise BptraceError(
            f"pictures need matplotlib, which cannot be imported ({error}). "
            "Install it: pip install 'bptrace[plot]'"
        ) from None
    return getattr(module, name)
