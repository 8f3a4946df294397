"""What is to be reached: one entry each, compared with what was measured in the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from benchmarks.measure import Spread


class Goal(NamedTuple):
    """A goal.

    Attributes
    ----------
    what : str
    found : str
        Under which name `benchmarks.measure.Sheet.found` has it.
    must, stretch : float
        To be reached, and what would be better still.
    most : bool
        Whether less is better.
    unit : str
        "×", "%" (of a share), "+%" (of a ratio, above 1), or what follows the number.
    """

    what: str
    found: str
    must: float
    stretch: float
    most: bool = False
    unit: str = "×"

    def reached(self, value: float) -> str:
        """Return "stretch", "must" or "missed"."""
        for name, bound in (("stretch", self.stretch), ("must", self.must)):
            if value <= bound if self.most else value >= bound:
                return name
        return "**missed**"


def faster(network: str, log: bool, goals: Mapping[str, tuple[float, float]]) -> list[Goal]:
    """Return goals of speed against peers."""
    kept = ", log" if log else ""
    title = f"{network}, with the full log" if log else network
    return [
        Goal(f"{title}: faster than {peer}", f"{network}: {peer}{kept}", must, stretch)
        for peer, (must, stretch) in goals.items()
    ]


TINY = {
    "JAX, scan": (15, 41),
    "plain Python, lists": (100, 221),
    "NumPy, Nielsen's way": (300, 647),
    "torch.compile": (600, 1330),
    "micrograd": (600, 1290),
    "PyTorch, lean": (1400, 3050),
    "PyTorch, nn and optim": (2700, 5920),
}
SMALL = {"JAX, scan": (10, 25), "NumPy, matrix form": (45, 110), "PyTorch, lean": (300, 700)}
WIDE = {
    "NumPy, matrix form": (10, 14),
    "JAX, scan": (5, 6.5),
    "PyTorch, lean": (25, 35),
    "scikit-learn": (70, 109),
}
WIDE_LOG = {
    "NumPy, matrix form": (4, 5.9),
    "PyTorch, lean": (10, 14),
    "JAX, scan": (9, 12.6),
    "PyTorch, nn and optim": (18, 27),
}
BATCH = {"Numba with BLAS": (1.0, 1 / 0.75)}
T, S, W, B = "2-2-2", "2-10-10-1", "784-30-10", "784-30-10, batches of 32"
D = "784-256-128-10, batches of 32"

GOALS = (
    Goal(f"{T}: time of the dependent operations", f"{T}: share of chain", 1 / 1.7, 0.95, unit="%"),
    *faster(T, True, TINY),
    *faster(S, True, SMALL),
    Goal(f"{T}: what the log costs", f"{T}: cost of bptrace, log", 1.4, 1.05, True, "+%"),
    Goal(f"{T}: a ring", f"{T}: cost of bptrace, log in a ring", 1.4, 1.05, True, "+%"),
    Goal(f"{S}: what the log costs", f"{S}: cost of bptrace, log", 1.4, 1.25, True, "+%"),
    Goal(f"{S}: a ring", f"{S}: cost of bptrace, log in a ring", 1.4, 1.25, True, "+%"),
    Goal(f"{W}: rate of stores into the second cache", f"{W}: share of L2", 0.6, 0.85, unit="%"),
    *faster(W, False, WIDE),
    Goal(f"{W}, with the full log: rate of streaming stores", f"{W}: share of streaming", 0.55, 0.8,
         unit="%"),
    *faster(W, True, WIDE_LOG),
    *faster(B, False, BATCH),
    *faster(D, False, BATCH),
    Goal(f"{B}: rate of products and sums", f"{B}: share of arithmetic", 0.6, 0.85, unit="%"),
    Goal(f"{D}: rate of products and sums", f"{D}: share of arithmetic", 0.5, 0.75, unit="%"),
    Goal(f"{B}: what the log costs", f"{B}: cost of bptrace, log", 1.3, 1.15, True, "+%"),
    Goal("all gradients of 784-30-10: faster than torch", "gradients 784-30-10: torch", 200, 432),
    Goal("all gradients of 784-30-10: faster than scipy", "gradients 784-30-10: scipy", 50, 96),
    Goal("the same by dual numbers: faster than torch", "gradients 784-30-10: torch / dual numbers",
         2500, 6800),
    Goal("the same, of one training step", "gradients 784-30-10: dual numbers / one step", 25, 13,
         True),
    Goal("the same with twice the digits, of one training step",
         "gradients 784-30-10: double-double / one step", 15, 8, True),
    Goal("all gradients of 784-30-10, proved", "gradients 784-30-10: proof, ms", 50, 10, True,
         " ms"),
    Goal("`bptrace run` against a bare interpreter", "start: bptrace run lh25-2020", 12, 7, True),
    Goal("first compilation, tiny networks", "start: first compilation, s", 2.5, 1.6, True, " s"),
    Goal("appending to a trace, of a memmap's rate", "store: append", 1.2, 1.6),
    *(
        Goal(f"recording {network}", f"store: recording {network}", must, stretch, True, "+%")
        for network, must, stretch in ((T, 1.1, 1.03), (S, 1.1, 1.03), (W, 1.6, 1.1))
    ),
    *(
        Goal(f"recomputing all records of {network}: faster than reading them from the disk",
             f"store: read from the disk / recomputed {network}", 2, stretch)
        for network, stretch in ((T, 12), (W, 35))
    ),
    Goal("bytes on disk of the full records, 2-2-2", "store: bytes 2-2-2", 0.3, 0.25, True, "%"),
    Goal("bytes on disk of the full records, 784-30-10", "store: bytes 784-30-10", 0.01, 0.002,
         True, "%"),
    Goal("any step of a million of 2-2-2", "store: any step 2-2-2, ms", 50, 10, True, " ms"),
    Goal("any step of 2,000 of 784-30-10", "store: any step 784-30-10, ms", 50, 10, True, " ms"),
)  # fmt: skip


def table(found: Mapping[str, Spread]) -> Iterator[str]:
    """Yield the goals of which something was measured."""
    known = [goal for goal in GOALS if goal.found in found]
    if not known:
        return
    yield "| goal | must | stretch | measured: median (min–max) | reached |"
    yield "|---|--:|--:|--:|---|"
    for goal in known:
        value = found[goal.found]
        sign = "≤" if goal.most else "≥"
        bounds = (f"{sign} {_number(bound, goal.unit)}" for bound in (goal.must, goal.stretch))
        measured = f"{_number(value.median, goal.unit)} ({_span(value, goal.unit)})"
        cells = [goal.what, *bounds, measured, goal.reached(value.median)]
        yield f"| {' | '.join(cells)} |"


def _number(value: float, unit: str) -> str:
    if unit == "+%":
        return f"{100 * (value - 1):+,.0f} %"
    if unit == "%":
        return f"{100 * value:,.{0 if value >= 0.03 else 2}f} %"
    digits = 0 if value >= 30 or value == int(value) else 1 if value >= 3 else 2
    return f"{value:,.{digits}f}{unit}"


def _span(value: Spread, unit: str) -> str:
    return f"{_number(value.least, unit)} – {_number(value.most, unit)}"
