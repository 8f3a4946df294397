"""The picture of the documentation: by what factor we are faster, with the full log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import peers
from benchmarks.measure import Spread

ALT = "How many times as long as bptrace others take for a step, with the full log"
NETWORKS = ("2-2-2", "2-10-10-1", "784-30-10", "784-30-10, batches of 32")
BLUE, GREY, INK = "#4477aa", "#bbbbbb", "#333333"


def draw(found: Mapping[str, Spread], path: Path) -> Path:
    """Draw one panel per network, one bar per peer on a logarithmic axis; return the path."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "bptrace", "font.size": 8})
    panels = [(name, _of(found, name)) for name in NETWORKS]
    panels = [(name, bars) for name, bars in panels if bars]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(10, 3.2), sharey=False, layout="constrained", squeeze=False
    )
    for axis, (name, bars) in zip(axes[0], panels, strict=True):
        _panel(axis, name, bars)
    figure.supxlabel("time of a step / bptrace's, full log kept (median; line: least to most)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path


def _of(found: Mapping[str, Spread], network: str) -> dict[str, Spread]:
    names = (entry.name for entry in peers.PEERS if entry.comparable)
    return {n: found[f"{network}: {n}, log"] for n in names if f"{network}: {n}, log" in found}


def _panel(axis: object, name: str, bars: Mapping[str, Spread]) -> None:
    names = sorted(bars, key=lambda n: -bars[n].median)
    values = [bars[n].median for n in names]
    low = [bars[n].median - bars[n].least for n in names]
    high = [bars[n].most - bars[n].median for n in names]
    axis.barh(names, values, color=BLUE, height=0.65)  # type: ignore[attr-defined]
    axis.errorbar(values, names, xerr=[low, high], fmt="none", ecolor=GREY, lw=1)  # type: ignore[attr-defined]
    axis.set_xscale("log")  # type: ignore[attr-defined]
    axis.axvline(1, color=INK, lw=0.8)  # type: ignore[attr-defined]
    axis.set_title(name, fontsize=9)  # type: ignore[attr-defined]
    for n, value in zip(names, values, strict=True):
        axis.annotate(  # type: ignore[attr-defined]
            f"{value:,.0f}" if value >= 10 else f"{value:.1f}", (value, n), (3, 0),
            textcoords="offset points", va="center", color=INK,
        )  # fmt: skip
    axis.margins(x=0.18)  # type: ignore[attr-defined]
    axis.spines[["top", "right"]].set_visible(False)  # type: ignore[attr-defined]
