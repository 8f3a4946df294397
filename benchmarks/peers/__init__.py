"""Programs to be measured against: one file each, and one entry in the table here.

All train the same network on the same samples, one sample or one batch per update, and can keep the
complete record of every step. Whether they calculate the same numbers is checked before they are
measured (`benchmarks.bounds`), so that a ratio compares work with the same work.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple, Protocol

from benchmarks.record import Array, Step
from benchmarks.work import Work


class Peer(Protocol):
    """A program, ready to run so many steps; one that keeps its records, or one that does not."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None: ...

    def run(self) -> None:
        """Run all steps from the first parameters on."""

    def parameters(self) -> tuple[list[Array], list[Array]]:
        """Return weights and biases after the last run."""

    def step(self, s: int) -> Step:
        """Return the numbers of a step (from 0) that was kept."""


class Entry(NamedTuple):
    """A peer in the table.

    Attributes
    ----------
    name, package : str
        What it is called; the package that has to be installed, "" for none.
    place : str
        Module and class.
    try_steps : int
        Steps of its first, unmeasured run, which tells how many fill a measurement.
    most : int
        The largest number of multiplications of a forward pass for which it is patient enough.
    compiles : bool
        Whether it takes seconds to get ready; left out by ``--quick``.
    comparable : bool
        Whether it calculates the same numbers.
    note : str
        What is to be known of its figures.
    """

    name: str
    package: str
    place: str
    try_steps: int = 4
    most: int = 10**9
    compiles: bool = False
    comparable: bool = True
    note: str = ""

    def load(self) -> type[Peer]:
        """Import the peer."""
        module, name = self.place.split(":")
        return getattr(import_module(f"benchmarks.peers.{module}"), name)  # type: ignore[no-any-return]

    @property
    def version(self) -> str:
        """The version that is installed; "" if the package is missing."""
        return version_of(self.package) if self.package else "-"


def version_of(package: str) -> str:
    """Return which version is installed; "" for none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


PEERS = (
    Entry("NumPy, matrix form", "numpy", "numpy_matrix:Matrix", 32),
    Entry("NumPy, Nielsen's way", "numpy", "nielsen:Nielsen", 16),
    Entry("plain Python, lists", "", "lists:Lists", 2, most=30_000),
    Entry("Numba with BLAS", "scipy", "numba_blas:Blas", 64, compiles=True),
    Entry("PyTorch, lean", "torch", "torch_eager:Lean"),
    Entry("PyTorch, nn and optim", "torch", "torch_eager:Modules", note="log by hooks"),
    Entry("torch.compile", "torch", "torch_compiled:Compiled", 16, compiles=True),
    Entry("JAX, scan", "jax", "jax_scan:Scan", 256, compiles=True),
    Entry("micrograd", "micrograd", "micrograd_values:Values", 2, most=1_000),
    Entry("autograd", "autograd", "autograd_grad:Grad", 2),
    Entry(
        "scikit-learn", "scikit-learn", "sklearn_partial_fit:PartialFit", 4,
        comparable=False, note="identity in the output layer; keeps parameters only",
    ),
)  # fmt: skip


def installed(quick: bool = False) -> Iterator[Entry]:
    """Yield the peers that can be measured here."""
    for entry in PEERS:
        if entry.version and not (quick and entry.compiles):
            yield entry


def missing() -> list[str]:
    """Return the packages that are not installed."""
    return sorted({entry.package for entry in PEERS if not entry.version})
