"""Decision boundaries: what a network answers over the plane of its two inputs, with the samples.

Several networks stand side by side. A network with one input is drawn as a curve.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from bptrace.pictures.plane import Dot, Line, Plane
from bptrace.plots.style import (
    DASHES,
    GREY,
    KINDS,
    LINES,
    MARKERS,
    MILLIMETRE,
    WIDTH,
    Look,
    drawing,
    new_figure,
    pale,
)

COLUMNS = 3
PANEL = WIDTH / COLUMNS
SINGLE = 110 * MILLIMETRE

MOST_DOTS = 2_000
"""Samples that are drawn in one picture."""

FEW = 200
"""Up to so many samples are drawn large."""

SHADES = 12

ROOM_FOR_LEGEND = 12 * MILLIMETRE


def decision_boundary(planes: Sequence[Plane | Line], look: Look) -> Figure:
    """Draw what each network answers: areas by class, the boundary between them, the samples.

    With one output the boundary is where it passes `Plane.threshold` (0.5 for targets 0 and 1),
    with several where another output becomes the greatest. Samples for the test are hollow. Of
    more than `MOST_DOTS` samples as many are drawn of each class, spread over the file.
    """
    with drawing(look):
        figure = _frame(len(planes))
        columns = min(COLUMNS, len(planes))
        rows = -(-len(planes) // columns)
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        axes: list[Axes] = list(panels.flat)
        notes: list[str] = []
        for panel, plane in zip(axes, planes, strict=False):
            panel.grid(False)
            if isinstance(plane, Plane) and plane.is_continuous:
                _draw_surface(panel, plane, look, notes)
            elif isinstance(plane, Plane):
                _draw_plane(panel, plane, look, notes)
            else:
                _draw_line(panel, plane, look, notes)
            panel.set_title(_title(plane, look), fontsize=9 if len(planes) > 1 else 10)
            panel.label_outer()
        for panel in axes[len(planes) :]:
            panel.set_axis_off()
        _below_last(axes, len(planes), columns)
        _legend(figure, axes[0], notes, columns)
        return figure


def _frame(count: int) -> Figure:
    if count == 1:
        return new_figure(SINGLE, SINGLE + ROOM_FOR_LEGEND)
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    return new_figure(columns * PANEL, rows * PANEL + ROOM_FOR_LEGEND)


def _title(plane: Plane | Line, look: Look) -> str:
    title = look.plain(plane.title)
    if isinstance(plane, Plane) and plane.accuracy == plane.accuracy:
        percent = f"{100 * plane.accuracy:.3g} %"
        return "\n".join(filter(None, [title, look("right", percent=percent)]))
    return title or look("boundary")


def _draw_plane(axes: Axes, plane: Plane, look: Look, notes: list[str]) -> None:
    shape = (len(plane.ys), len(plane.xs))
    outputs = [np.frombuffer(values).reshape(shape) for values in plane.outputs]
    if _areas(axes, plane, outputs):
        notes.append(look("no answer"))
    kinds = sorted({dot.kind for dot in plane.dots})
    shown = _chosen(plane.dots)
    if len(shown) < len(plane.dots):
        notes.append(look("some dots", shown=len(shown), all=len(plane.dots)))
    few = len(shown) <= FEW
    for kind in kinds:
        name = plane.kinds[kind] if kind >= 0 else ""
        label = look("class", name=look.plain(name)) if kind >= 0 else look("unknown")
        for is_test in (False, True):
            dots = [dot for dot in shown if dot.kind == kind and dot.is_test == is_test]
            _scatter(axes, dots, kind, look("kept", what=label) if is_test else label, few)
    _axes(axes, plane, look)


def _axes(axes: Axes, plane: Plane, look: Look) -> None:
    axes.set_xlabel(look.plain(plane.names[0]) or look("input", k=1))
    axes.set_ylabel(look.plain(plane.names[1]) or look("input", k=2))
    axes.set_xlim(plane.xs[0], plane.xs[-1])
    axes.set_ylim(plane.ys[0], plane.ys[-1])


def _draw_surface(axes: Axes, plane: Plane, look: Look, notes: list[str]) -> None:
    """Draw one output as shades with their scale, and the samples in the shade of their target."""
    shape = (len(plane.ys), len(plane.xs))
    output = np.ma.masked_invalid(_bounded(np.frombuffer(plane.outputs[0])).reshape(shape))
    shown = _chosen(plane.dots)
    if len(shown) < len(plane.dots):
        notes.append(look("some dots", shown=len(shown), all=len(plane.dots)))
    if output.mask.any():
        notes.append(look("no answer"))
    targets = [dot.target for dot in shown if dot.kind >= 0]
    ends = [*targets, *([output.min(), output.max()] if output.count() else [])]
    low, high = min(ends), max(ends)
    levels = np.linspace(low, high if high > low else low + 1.0, SHADES + 1)
    norm = Normalize(levels[0], levels[-1])
    if output.count():
        axes.contourf(plane.xs, plane.ys, output, levels=levels, cmap="cividis", norm=norm)
    for is_test in (False, True):
        dots = [dot for dot in shown if dot.kind >= 0 and dot.is_test == is_test]
        if dots:
            axes.scatter(
                [dot.x for dot in dots], [dot.y for dot in dots], c=[dot.target for dot in dots],
                s=16 if len(shown) <= FEW else 7, cmap="cividis", norm=norm,
                marker="s" if is_test else "o", edgecolors="white", linewidths=0.6,
                label=look("test") if is_test else look("samples"),
            )  # fmt: skip
    colours = ScalarMappable(norm, "cividis")
    axes.figure.colorbar(colours, ax=axes, label=look("target"))
    _axes(axes, plane, look)


def _areas(axes: Axes, plane: Plane, outputs: list[NDArray[np.float64]]) -> bool:
    """Fill the areas of the classes; return whether some answers are not numbers."""
    for kind, margin in enumerate(_margins(outputs, plane.threshold)):
        found = np.ma.masked_invalid(margin)
        if found.count() == 0 or found.max() < 0.0:
            continue
        axes.contourf(
            plane.xs, plane.ys, found, levels=[0.0, np.inf], extend="neither",
            colors=[pale(KINDS[kind % len(KINDS)])],
        )  # fmt: skip
        if found.min() < 0.0 < found.max() and (kind or len(outputs) > 1):
            axes.contour(
                plane.xs, plane.ys, found, levels=[0.0], colors="black", linewidths=0.9,
                linestyles="solid",
            )  # fmt: skip
    return any(not np.isfinite(values).all() for values in outputs)


def _margins(outputs: list[NDArray[np.float64]], threshold: float) -> list[NDArray[np.float64]]:
    """Return for each class by how much it wins: positive where it does, 0 on its boundary."""
    if len(outputs) == 1:
        return [_bounded(threshold - outputs[0]), _bounded(outputs[0] - threshold)]
    margins = []
    for k, values in enumerate(outputs):
        others = np.max([other for i, other in enumerate(outputs) if i != k], axis=0)
        with np.errstate(invalid="ignore", over="ignore"):  # inf − inf: no answer
            margins.append(_bounded(values - others))
    return margins


def _bounded(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return margins that a contour can be drawn through, whatever the outputs are."""
    return np.clip(margin, -1e100, 1e100)


def _chosen(dots: Sequence[Dot]) -> list[Dot]:
    """Return at most `MOST_DOTS` samples, of each class in its proportion, spread evenly."""
    if len(dots) <= MOST_DOTS:
        return list(dots)
    kept: list[Dot] = []
    groups: dict[tuple[int, bool], list[Dot]] = {}
    for dot in dots:
        groups.setdefault((dot.kind, dot.is_test), []).append(dot)
    for group in groups.values():
        count = max(1, MOST_DOTS * len(group) // len(dots))
        kept += [group[k * len(group) // count] for k in range(count)]
    return kept


def _scatter(axes: Axes, dots: Sequence[Dot], kind: int, label: str, few: bool) -> None:
    if not dots:
        return
    colour = KINDS[kind % len(KINDS)] if kind >= 0 else GREY
    hollow = dots[0].is_test
    axes.plot(
        [dot.x for dot in dots], [dot.y for dot in dots],
        linestyle="", marker=MARKERS[kind % len(MARKERS)] if kind >= 0 else ".",
        markersize=5.0 if few else 3.0,
        markerfacecolor="none" if hollow else colour,
        markeredgecolor=colour if hollow else "white", markeredgewidth=0.9 if hollow else 0.4,
        label=label,
    )  # fmt: skip


def _draw_line(axes: Axes, line: Line, look: Look, notes: list[str]) -> None:
    """Draw each output over the one input, and the targets as points."""
    several = len(line.outputs) > 1
    shown = _chosen(line.dots)
    if len(shown) < len(line.dots):
        notes.append(look("some dots", shown=len(shown), all=len(line.dots)))
    for k, values in enumerate(line.outputs):
        colour = LINES[k % len(LINES)]
        name = look.plain(line.outputs_named[k]) or (
            look("output", k=k + 1) if several else look("outputs")
        )
        known = np.ma.masked_invalid(np.frombuffer(values))
        axes.plot(line.xs, known, color=colour, linestyle=DASHES[k % len(DASHES)], label=name)
        for is_test in (False, True):
            dots = [dot for dot in shown if dot.kind == k and dot.is_test == is_test]
            if dots:
                what = look("test" if is_test else "training")
                axes.plot(
                    [dot.x for dot in dots], [dot.y for dot in dots], linestyle="", color=colour,
                    marker=MARKERS[k % len(MARKERS)], markersize=4,
                    markerfacecolor="none" if is_test else colour,
                    label=look("named", name=name, what=what),
                )  # fmt: skip
    axes.grid(True)
    axes.set_xlabel(look.plain(line.name) or look("input", k=1))
    axes.set_ylabel(look("outputs"))


def _below_last(axes: Sequence[Axes], count: int, columns: int) -> None:
    """Let the panels above an empty place of the grid keep their scale below."""
    for k in range(max(0, len(axes) - columns), count):
        axes[k].tick_params(labelbottom=True)
    for k in range(count, len(axes)):
        above = axes[k - columns]
        above.tick_params(labelbottom=True)
        above.set_xlabel(axes[0].get_xlabel())


def _legend(figure: Figure, axes: Axes, notes: Sequence[str], columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    for note in dict.fromkeys(notes):
        handles.append(Line2D([], [], linestyle=""))
        labels.append(note)
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2 if columns < 2 else 4)
