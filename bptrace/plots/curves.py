"""Curves over time: the error, the accuracy, and the size of the gradients of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, log10, nan
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
)

from bptrace.pictures.history import History, Scale, first_broken, scale, thinned
from bptrace.plots.style import (
    DASHES,
    GREY,
    HEIGHT,
    LINES,
    MARKERS,
    Look,
    drawing,
    new_figure,
    number,
)
from bptrace.tuples import NamedTuple

MOST_POINTS = 2_000
"""Points of a curve that are drawn: more than a printed page resolves."""

MOST_POINTS = 2_000
"""Points up to which a curve is drawn as it is; a longer one is drawn in stretches."""


class Stretches(NamedTuple):
    """How a long curve is drawn: the median of each stretch, and a band around it.

    `pieces` stretches; the band leaves out the part `outside` of the values on either side.
    """

    pieces: int
    outside: float


WHOLE = Stretches(400, 0.0)
"""The band reaches from the least to the greatest value: no peak of E is lost."""

MIDDLE = Stretches(100, 0.1)
"""The band holds the middle 80 %: the gradients of single samples vary by many decades."""

LARGEST = 1e150
"""What lies beyond this (or beyond its inverse, on a logarithmic scale) is drawn there: matplotlib
calculates with margins around the values, which would overflow."""

MARKED = 8
"""Markers along a curve."""


class Curve(NamedTuple):
    """One line of a picture; values are drawn where they are finite."""

    steps: Sequence[int]
    values: Sequence[float]
    label: str
    colour: str
    dash: object
    marker: str


def error_curve(histories: Sequence[History], look: Look) -> Figure:
    """Draw E over time, of training and test samples, of one run or of several.

    Of a long run the medians of stretches are drawn, with their whole range as a pale band. The
    scale is logarithmic where the values span two decades; zeros then stand as triangles on
    the lower edge. Where a run stops being finite, a line says so. Accuracies, if there are any,
    have their own panel below.
    """
    with drawing(look):
        has_accuracy = any(h.accuracy or h.test_accuracy for h in histories)
        figure = new_figure(height=HEIGHT * (1.4 if has_accuracy else 1.0))
        ratios = [2, 1] if has_accuracy else [1]
        panels = figure.subplots(len(ratios), sharex=True, squeeze=False, height_ratios=ratios)
        axes: Axes = panels[0, 0]
        axes.set_title(look("error over time"))
        _draw(axes, _errors(histories, look), look, histories[0].unit)
        axes.set_ylabel(look("error"))
        if has_accuracy:
            lower: Axes = panels[1, 0]
            for curve in _accuracies(histories, look):
                _line(lower, curve, range(len(curve.values)))
            lower.set_ylabel(look("accuracy"))
            lower.set_ylim(-0.03, 1.03)
            lower.yaxis.set_major_formatter(PercentFormatter(1.0))
        panels[-1, 0].set_xlabel(look(histories[0].unit))
        return figure


def gradient_sizes(history: History, look: Look) -> Figure:
    """Draw ‖∂E/∂W_l‖ of every layer over time: where early layers learn slowly, it is seen here.

    Of a long run the medians of stretches are drawn, with the middle 80 % as a pale band.
    """
    with drawing(look):
        figure = new_figure()
        axes = figure.subplots()
        sizes = history.gradient_sizes or []
        depth = len(sizes[0]) if sizes else 0
        curves = [
            Curve(
                history.gradient_marks,
                [row[l] for row in sizes],
                look("output layer" if l + 1 == depth else "layer", l=l + 1),
                LINES[l % len(LINES)],
                DASHES[l % len(DASHES)],
                MARKERS[l % len(MARKERS)],
            )
            for l in range(depth)
        ]
        name = look.plain(history.name)
        title = look("gradients")
        axes.set_title(look("named", name=title, what=name) if name else title)
        _draw(axes, curves, look, "step", MIDDLE)
        axes.set_ylabel(look("size"))
        axes.set_xlabel(look("step"))
        return figure


def _summed_up(axes: Axes, curve: Curve, how: Stretches) -> Curve:
    """Draw the band of a long curve; return the curve of its medians."""
    n = len(curve.values)
    cuts = [k * n // how.pieces for k in range(how.pieces + 1)]
    parts = [sorted(v for v in curve.values[a:b] if isfinite(v)) for a, b in pairwise(cuts)]
    steps = [curve.steps[(a + b) // 2] for a, b in pairwise(cuts)]
    known = [k for k, part in enumerate(parts) if part]
    left_out = [round(how.outside * (len(part) - 1)) for part in parts]
    axes.fill_between(
        [steps[k] for k in known],
        [parts[k][left_out[k]] for k in known],
        [parts[k][-1 - left_out[k]] for k in known],
        color=curve.colour,
        alpha=0.25,
        linewidth=0,
        zorder=1,
    )
    medians = [median(part) if part else nan for part in parts]
    return curve._replace(steps=steps, values=medians)


def _errors(histories: Sequence[History], look: Look) -> list[Curve]:
    curves = []
    for k, history in enumerate(histories):
        colour, marker = LINES[k % len(LINES)], MARKERS[k % len(MARKERS)]
        name = look.plain(history.name)
        tested = history.test_errors is not None
        label = _label(name, look("training") if tested else "", look)
        dash = "-" if tested else DASHES[k % len(DASHES)]
        curves.append(Curve(history.steps, history.errors, label, colour, dash, marker))
        if history.test_errors is not None:
            label = _label(name, look("test"), look)
            colour = colour if len(histories) > 1 else LINES[1]
            curves.append(Curve(history.steps, history.test_errors, label, colour, "--", marker))
    return curves


def _accuracies(histories: Sequence[History], look: Look) -> list[Curve]:
    curves = []
    for k, history in enumerate(histories):
        name = look.plain(history.name)
        pairs = ((history.accuracy, "training", "-"), (history.test_accuracy, "test", "--"))
        for part, (values, what, dash) in enumerate(pairs):
            if values is not None:
                colour = LINES[(k if len(histories) > 1 else part) % len(LINES)]
                label, marker = _label(name, look(what), look), MARKERS[k % len(MARKERS)]
                curves.append(Curve(history.steps, values, label, colour, dash, marker))
    return curves


def _label(name: str, what: str, look: Look) -> str:
    return look("named", name=name, what=what) if name and what else name or what


def _draw(
    axes: Axes, curves: Sequence[Curve], look: Look, unit: str, how: Stretches = WHOLE
) -> None:
    """Draw curves on a common scale, with what cannot be drawn said in words.

    The scale of gradients (`MIDDLE`) is always logarithmic.
    """
    curves = [curve._replace(values=_within(curve.values)) for curve in curves]
    found = scale([value for curve in curves for value in curve.values])
    is_log = found.is_log or (how is MIDDLE and found.low > 0.0)
    if is_log:
        _logarithmic(axes, found)
    for curve in curves:
        line = curve
        if len(curve.values) > (MOST_POINTS if how is WHOLE else 2 * how.pieces):
            line = _summed_up(axes, curve, how)
        _line(axes, line, [k for k, v in enumerate(line.values) if not is_log or v > 0.0])
        if is_log:
            _zeros(axes, curve, look)
        _broken(axes, curve, look, unit)
    if not any(map(isfinite, found[:2])):
        axes.text(0.5, 0.5, look("nothing"), transform=axes.transAxes, ha="center", color=GREY)
        axes.set_yticks([])
    else:
        _limits(axes, found, is_log)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    steps = {curve.steps[k] for curve in curves if curve.steps for k in (0, -1)}
    if len(steps) == 1:
        step = steps.pop()
        axes.set_xlim(step - 1, step + 1)
    if axes.get_legend_handles_labels()[1]:
        has_middle = how is MIDDLE and bool(axes.collections)
        axes.legend(title=look("middle") if has_middle else None, title_fontsize=8)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(value: float, place: int = 0) -> str:
    """Return 10ⁿ in plain characters; matplotlib's own way needs its mathematics."""
    exponent = log10(value)
    if abs(exponent - round(exponent)) > 1e-6:
        return number(value)
    return number(value) if abs(exponent) < 2.5 else "10" + str(round(exponent)).translate(_RAISED)


def _logarithmic(axes: Axes, found: Scale) -> None:
    axes.set_yscale("log")
    narrow = found.high < 100.0 * found.low
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(_power))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _within(values: Sequence[float]) -> list[float]:
    """Return values of which the finite ones are neither too large nor too small to be drawn."""
    return [
        max(-LARGEST, min(value if value <= 0.0 else max(value, 1.0 / LARGEST), LARGEST))
        if isfinite(value)
        else value
        for value in values
    ]


def _line(axes: Axes, curve: Curve, shown: Sequence[int]) -> Line2D:
    known = [k for k in shown if isfinite(curve.values[k])]
    alone = len(known) < 2
    (line,) = axes.plot(
        [curve.steps[k] for k in known],
        [curve.values[k] for k in known],
        color=curve.colour,
        linestyle=curve.dash,
        marker=curve.marker if alone or curve.label else "",
        markersize=4,
        markevery=max(1, len(known) // MARKED),
        label=curve.label or "_",
    )
    return line


def _zeros(axes: Axes, curve: Curve, look: Look) -> None:
    """Put triangles on the lower edge where a value is 0, which has no logarithm."""
    zeros = [curve.steps[k] for k in thinned(curve.values, MOST_POINTS) if curve.values[k] == 0.0]
    if zeros:
        axes.plot(
            zeros, [0.0] * len(zeros), transform=axes.get_xaxis_transform(), clip_on=False,
            linestyle="", marker="v", markersize=5, markerfacecolor="none",
            markevery=max(1, len(zeros) // (4 * MARKED)),
            color=curve.colour, label=look("zero"),
        )  # fmt: skip


def _broken(axes: Axes, curve: Curve, look: Look, unit: str) -> None:
    """Mark from where on a curve is no number; what is only measured now and then has gaps."""
    place = first_broken(curve.values)
    if place is None or any(map(isfinite, curve.values[place:])):
        return
    step = curve.steps[place]
    axes.axvline(step, color=GREY, linestyle=":", linewidth=1.0)
    axes.annotate(
        look("broken", unit=look(unit), step=step), (step, 0.5),
        xycoords=axes.get_xaxis_transform(), xytext=(-3, 0), textcoords="offset points",
        rotation=90, ha="right", va="center", fontsize=8, color=GREY,
    )  # fmt: skip


def _limits(axes: Axes, found: Scale, is_log: bool) -> None:
    """Leave room around flat curves, which matplotlib would stretch to the rounding of a float."""
    low, high = found.low, found.high
    if is_log:
        if high < 2.0 * low:
            axes.set_ylim(low / 2.0, high * 2.0)
    elif high - low <= 1e-9 * max(abs(low), abs(high)):
        room = 0.5 * abs(high)
        axes.set_ylim(*((low - room, high + room) if room else (-0.05, 1.0)))
    elif low >= 0.0 and low < 0.5 * high:
        axes.set_ylim(bottom=0.0)
