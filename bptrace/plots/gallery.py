"""All pictures of one or several trained networks, written into their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from bptrace.pictures import error_along, look_at
from bptrace.pictures.gallery import BOUNDARY, ERROR, GRADIENTS, WEIGHT, Shown, file_name
from bptrace.plots.curves import error_curve, gradient_sizes
from bptrace.plots.descent import error_along_weight
from bptrace.plots.files import save
from bptrace.plots.plane import decision_boundary
from bptrace.plots.style import Look


def write(
    files: dict[str, list[Path]], shown: Sequence[Shown], weights: Sequence[str], look: Look
) -> list[Path]:
    """Draw the pictures that `files` names and write them; return the files that were written.

    Of several networks error and boundary show all, gradients and weights the first. What cannot
    be drawn because a training left the numbers is left out.
    """
    written = []
    for name, paths in files.items():
        figure = _figure(name, shown, weights, look)
        if figure is not None:
            for path in paths:
                save(figure, path, look)
                written.append(path)
    return written


def _figure(name: str, shown: Sequence[Shown], weights: Sequence[str], look: Look) -> Figure | None:
    first = shown[0]
    if name == ERROR:
        several = len(shown) > 1
        runs = [replace(one.history, name=one.title if several else "") for one in shown]
        return error_curve(runs, look)
    if name == GRADIENTS:
        return gradient_sizes(replace(first.history, name=first.title), look)
    if name == BOUNDARY:
        planes = [
            look_at(one.trained, test=one.test, title=one.title) for one in shown if one.trained
        ]
        return decision_boundary(planes, look) if planes else None
    weight = next(weight for weight in weights if WEIGHT + file_name(weight) == name)
    return error_along_weight(error_along(first.first, weight), look)
