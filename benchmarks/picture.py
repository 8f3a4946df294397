"""The pictures of the documentation: who takes how long, and how time and memory grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import peers
from benchmarks.measure import Spread

if TYPE_CHECKING:
    from benchmarks.growth import Axis, Point

ALT = "How many times as long as bptrace others take for a step, with the full log"
NETWORKS = ("2-2-2", "2-10-10-1", "784-30-10", "784-30-10, batches of 32")
BLUE, RED, GREY, INK = "#4477aa", "#cc6677", "#bbbbbb", "#333333"

SEEN = 2**17
"""Bytes from which on a peak of memory is seen: less comes out of what the process has already."""


def _pyplot() -> Any:
    """Return matplotlib's interface, set so that the same numbers give the same file."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "bptrace", "font.size": 8, "svg.fonttype": "none"})
    return plt


def _save(plt: Any, figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
    return path


def draw(found: Mapping[str, Spread], path: Path) -> Path:
    """Draw one panel per network, one bar per peer on a logarithmic axis; return the path."""
    plt = _pyplot()
    panels = [(name, _of(found, name)) for name in NETWORKS]
    panels = [(name, bars) for name, bars in panels if bars]
    figure, axes = plt.subplots(2, 2, figsize=(9, 5.4), layout="constrained")
    for axis, panel in zip(axes.flat, [*panels, *[None] * 4], strict=False):
        if panel is None:
            axis.set_visible(False)
        else:
            _panel(axis, *panel)
    figure.supxlabel("time of a step / bptrace's, full log kept (median; line: least to most)")
    return _save(plt, figure, path)


def _of(found: Mapping[str, Spread], network: str) -> dict[str, Spread]:
    names = (entry.name for entry in peers.PEERS if entry.comparable)
    return {n: found[f"{network}: {n}, log"] for n in names if f"{network}: {n}, log" in found}


def _panel(axis: Any, name: str, bars: Mapping[str, Spread]) -> None:
    names = sorted(bars, key=lambda n: -bars[n].median)
    values = [bars[n].median for n in names]
    low = [bars[n].median - bars[n].least for n in names]
    high = [bars[n].most - bars[n].median for n in names]
    axis.barh(names, values, color=BLUE, height=0.65)
    axis.errorbar(values, names, xerr=[low, high], fmt="none", ecolor=GREY, lw=1)
    axis.set_xscale("log")
    axis.axvline(1, color=INK, lw=0.8)
    axis.set_title(name, fontsize=9)
    for n, value in zip(names, values, strict=True):
        axis.annotate(
            f"{value:,.0f}" if value >= 10 else f"{value:.1f}",
            (max(value, bars[n].most), n),
            (3, 0),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    axis.margins(x=0.2)
    axis.spines[["top", "right"]].set_visible(False)


def draw_growth(axes: Sequence[Axis], found: Mapping[str, Sequence[Point]], path: Path) -> Path:
    """Draw time above and memory below for each axis, with lines of the expected power."""
    plt = _pyplot()
    figure, panels = plt.subplots(
        2, len(axes), figsize=(11, 5), layout="constrained", squeeze=False, sharex="col"
    )
    for k, axis in enumerate(axes):
        points = found[axis.name]
        values = [p.value for p in points]
        seconds = [1e3 * p.seconds for p in points]
        _growth(panels[0][k], values, seconds, axis.time, "time, ms")
        seen = [p for p in points if p.peak >= SEEN] or list(points)
        sizes = [p.peak / 2**20 for p in seen]
        _growth(panels[1][k], [p.value for p in seen], sizes, axis.memory, "most memory, MiB")
        if any(p.log for p in points):
            logs = [p.log / 2**20 for p in seen]
            panels[1][k].plot([p.value for p in seen], logs, color=RED, lw=1, label="the log alone")
            panels[1][k].legend(frameon=False)
        panels[0][k].set_title(f"{axis.name}\n{axis.what}", fontsize=8)
        panels[1][k].set_xlabel(axis.name)
    return _save(plt, figure, path)


def _growth(
    panel: Any, xs: Sequence[float], ys: Sequence[float], expected: float, label: str
) -> None:
    """Draw a curve, and a dashed line of the expected power through its last point."""
    line = [ys[-1] * (x / xs[-1]) ** expected for x in xs]
    panel.plot(xs, line, color=GREY, lw=1, ls="--", label=f"power {expected:g}")
    panel.plot(xs, ys, "o-", color=BLUE, ms=3, lw=1.2)
    panel.set(xscale="log", yscale="log", ylabel=label)
    panel.set_ylim(min(min(ys), ys[-1]) / 2, max(ys) * 2)
    panel.legend(frameon=False)
    panel.spines[["top", "right"]].set_visible(False)
