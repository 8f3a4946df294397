"""The picture of gradient descent: the error along one weight, its tangent, and the steps."""

from __future__ import annotations

from math import isfinite, log10

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bptrace.pictures.along import Along
from bptrace.plots.style import BLUE, GREEN, RED, Look, drawing, new_figure, number


def error_along_weight(along: Along, look: Look) -> Figure:
    """Draw E along one weight, the tangent at its present value, the update and the run.

    The arrow leads from the present value to the value after the update; the curve holds all other
    weights, the points of the run do not.
    """
    name = look.plain(along.name)
    with drawing(look):
        figure = new_figure()
        axes = figure.subplots()
        axes.set_title(look("descent", name=name))
        axes.set_xlabel(name)
        axes.set_ylabel(look("error"))
        curve = np.ma.masked_invalid(np.array(along.errors))
        axes.plot(along.values, curve, color=BLUE, label=look("all held"))
        _limits(axes, along)
        _tangent(axes, along, name, look)
        _path(axes, along, look)
        if along.step is not None and isfinite(along.step):
            _arrow(axes, along, name, look)
        if isfinite(along.error):
            axes.plot([along.value], [along.error], marker="o", markersize=4, color=RED, zorder=4)
        axes.legend()
        return figure


def _limits(axes: Axes, along: Along) -> None:
    """Show the whole curve, not all of a steep tangent."""
    axes.set_xlim(along.values[0], along.values[-1])
    shown = [e for e in (*along.errors, *(e for _, e in along.path)) if isfinite(e)]
    if not shown:
        return
    low, high = min(shown), max(shown)
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    if isfinite(high + room):
        axes.set_ylim(low - room, high + room)


def _tangent(axes: Axes, along: Along, name: str, look: Look) -> None:
    if not (isfinite(along.slope) and isfinite(along.error)):
        return
    ends = (along.values[0], along.values[-1])
    line = [along.error + along.slope * (w - along.value) for w in ends]
    if all(map(isfinite, line)):
        label = look("tangent", name=name, slope=number(along.slope))
        axes.plot(ends, line, color=RED, linestyle="--", linewidth=1.2, label=label)


def _path(axes: Axes, along: Along, look: Look) -> None:
    """Draw where the run went; its first point is the present value."""
    steps = [(w, e) for w, e in along.path if isfinite(w) and isfinite(e)]
    if len(steps) < 2:
        return
    axes.plot(
        *zip(*steps, strict=True), color=GREEN, marker="s", markersize=3.5, linewidth=0.8,
        linestyle=":", label=look("run"), zorder=3,
    )  # fmt: skip


def _arrow(axes: Axes, along: Along, name: str, look: Look) -> None:
    """Draw the update along the axis, at the height of the present error."""
    assert along.step is not None
    label = look("update", name=name, step=number(along.step))
    axes.plot([], [], color="black", marker=">", markersize=4, linewidth=1.2, label=label)
    if not isfinite(along.error) or not _is_visible(along):
        return
    axes.annotate(
        "",
        (along.value + along.step, along.error),
        (along.value, along.error),
        arrowprops={
            "arrowstyle": "-|>,head_width=0.2,head_length=0.4", "color": "black",
            "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0,
        },
        zorder=5,
    )  # fmt: skip


def _is_visible(along: Along) -> bool:
    """Whether the update is long enough for an arrow: at least a part in a thousand of the axis."""
    width = along.values[-1] - along.values[0]
    return along.step != 0.0 and log10(abs(along.step or 1.0)) > log10(width) - 3.0
