"""Mistakes of the table planted into the gradients of random networks, and who notices.

A mistake is made everywhere at once, or in one layer, as a program makes it; E stays right. Those
formulas are rewritten by `checks.arrays.mistaken`. Gradients are planted in float64, or in float32
with the rounding that a calculation in float32 has besides. Here are the networks, the mistakes and
our own checks; peers stand beside them in `benchmarks.peers`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from bptrace import engine
from bptrace.address import Address, Quantity
from bptrace.checks.arrays.calculation import Calculation
from bptrace.checks.arrays.figures import figures_of
from bptrace.checks.arrays.mistaken import mistaken_gradients
from bptrace.checks.foreign.roundings import FLOAT32, FLOAT64, Arithmetic, gradient_bounds
from bptrace.checks.gradients import GradientCheck, check_gradients, judged, point_of
from bptrace.kernels.differences import FIELDS
from bptrace.maths.losses import LOSSES
from bptrace.model import Parameters, Problem, Sample
from tests.quality.networks import problem
from tests.quality.peer import Peer

Array = NDArray[np.float64]
Checker = Callable[[Array], bool]
"""Whether gradients, in the order of the log, are called wrong."""

DIFFERS, UNDECIDED = 1, 2
EACH = 3
"""Of a mistake so many variants are planted into a network."""


@dataclass(frozen=True)
class Patient:
    """A network whose gradients are to be judged."""

    check: GradientCheck
    right: Array
    noise: Array
    """What a calculation in float32 is off."""
    bounds: dict[str, Array]
    """How far a right gradient may be off, in float64 and in float32."""
    added: dict[str, Array]
    """What of these is not in the bounds of the differences."""
    mistakes: tuple[tuple[str, Array], ...]

    def planted(self, gradients: Array, dtype: str) -> Array:
        """Return gradients as a calculation of this type would give them."""
        if dtype == "float64":
            return gradients
        with np.errstate(over="ignore"):
            return (gradients + self.noise).astype(np.float32).astype(np.float64)

    def changes_nothing(self, gradients: Array, dtype: str) -> bool:
        """Whether rounding in this type alone may do as much."""
        return not self.is_off(gradients, dtype).any()

    def verdicts(self, theirs: Array, dtype: str) -> NDArray[np.uint8]:
        """Return what differences of E say of each gradient: a place in `gradients.VERDICTS`."""
        n = len(theirs)
        roundings = array("d", np.array(self.check.roundings[:n]) + self.added[dtype])
        return np.array(judged(array("d", theirs), self.check.found[: n * FIELDS], roundings))

    def checkers(self, dtype: str) -> dict[str, Checker]:
        """Return our own checks: against differences of E, and against our gradients."""
        return {
            "differences": lambda theirs: DIFFERS in self.verdicts(theirs, dtype),
            "against": lambda theirs: bool(self.is_off(theirs, dtype).any()),
        }

    def is_off(self, theirs: Array, dtype: str) -> NDArray[np.bool_]:
        """Which gradients are wrong, whatever rounding did."""
        return ~(np.abs(theirs - self.right) <= self.bounds[dtype])

    def is_undecided(self, theirs: Array, dtype: str) -> bool:
        """Whether differences of E decide nothing about any gradient that is wrong."""
        return bool((self.verdicts(theirs, dtype)[self.is_off(theirs, dtype)] == UNDECIDED).all())


def _small_inputs(rng: Random, given: Problem) -> Problem:
    samples = (Sample(tuple(1e-4 * x for x in one.x), one.t) for one in given.samples)
    return replace(given, samples=tuple(samples))


def _pixels(rng: Random, given: Problem) -> Problem:
    samples = (Sample(tuple(rng.randint(0, 255) for _ in one.x), one.t) for one in given.samples)
    return replace(given, samples=tuple(samples))


def _nearly_trained(rng: Random, given: Problem) -> Problem:
    """Move the targets to within 10⁻⁴ of the outputs."""
    low, high = LOSSES.get(given.network.loss).targets
    trace = engine.run(replace(given, training=replace(given.training, batch=len(given.samples))))
    samples = []
    for s, one in enumerate(given.samples, 1):
        address = Address(Quantity.OUT, given.network.depth, sample=s, step=1)
        outs = (trace.value(address._replace(neuron=k)) for k in range(1, len(one.t) + 1))
        near = tuple(min(max(a + rng.uniform(-1e-4, 1e-4), low), high) for a in outs)
        samples.append(Sample(one.x, near))
    return replace(given, samples=tuple(samples))


def _saturated(rng: Random, given: Problem) -> Problem:
    weights = tuple(
        tuple(tuple(5.0 * w for w in row) for row in matrix) for matrix in given.parameters.weights
    )
    return replace(given, parameters=Parameters(weights, given.parameters.biases))


SQUARE = "equal widths"
KINDS: dict[str, Callable[[Random, Problem], Problem]] = {
    "moderate": lambda rng, given: given,
    "small inputs": _small_inputs,
    "nearly trained": _nearly_trained,
    "saturated": _saturated,
    "pixels": _pixels,
    SQUARE: lambda rng, given: given,
}
"""Networks with numbers up to 1.5; the same with inputs of 10⁻⁴, with targets that are nearly
reached, with weights up to 7.5, with inputs from 0 to 255, and with two layers of one width."""


def patients(kind: str, n: int, seed: int) -> Iterator[Patient]:
    """Yield so many networks of a kind, of which E and all gradients are finite."""
    rng = Random(f"{seed} {kind}")
    while n:
        given = problem(rng, "moderate", most=5, own=False, square=kind == SQUARE)
        found = patient(KINDS[kind](rng, given), rng)
        if found is not None:
            yield found
            n -= 1


def patient(given: Problem, rng: Random) -> Patient | None:
    """Return a network with its mistakes; None if not all of it is finite."""
    check = check_gradients(point_of(given), "python")
    right = np.array(check.gradients[: given.layout.n_parameters])
    with np.errstate(all="ignore"):
        noise = Peer(check.point, np.float32).gradients() - right
    if not np.isfinite(right).all() or not np.isfinite(noise).all():
        return None
    calculation = Calculation(figures_of(check.point))
    ours = _widest(calculation, FLOAT64)
    in_float32 = _widest(calculation, FLOAT32)
    bounds = {"float64": 2.0 * ours, "float32": ours + in_float32}
    added = {"float64": ours, "float32": in_float32}
    return Patient(check, right, noise, bounds, added, tuple(mistakes(check, rng)))


def _widest(calculation: Calculation, kind: Arithmetic) -> Array:
    """Bounds for δ of the last layer by whatever formula."""
    chained = (gradient_bounds(calculation, kind, chained=c) for c in (False, True))
    return np.maximum(*chained)


def mistakes(check: GradientCheck, rng: Random) -> Iterator[tuple[str, Array]]:
    """Yield names of mistakes and what the gradients are with them."""
    found: dict[str, list[Array]] = {}
    for mistaken in mistaken_gradients(check.point):
        found.setdefault(mistaken.mistake, []).append(mistaken.gradients)
    for name, variants in sorted(found.items()):
        for gradients in rng.sample(variants, min(EACH, len(variants))):
            yield name, gradients


@dataclass
class Row:
    """One mistake: how often it was planted, changed nothing, and was noticed by each check.

    Of those that differences of E do not notice, so many they leave undecided.
    """

    planted: int = 0
    nothing: int = 0
    undecided: int = 0
    caught: Counter[str] = field(default_factory=Counter)

    def missed(self, who: str) -> int:
        """How many a check did not notice."""
        return self.planted - self.caught[who]

    def __add__(self, other: Row) -> Row:
        return Row(
            self.planted + other.planted,
            self.nothing + other.nothing,
            self.undecided + other.undecided,
            self.caught + other.caught,
        )


Matrix = dict[str, Row]
RIGHT = "right gradients"


def matrix(
    chosen: Iterable[Patient],
    dtype: str,
    peers: Callable[[Patient], dict[str, Checker]] | None = None,
) -> Matrix:
    """Plant mistakes into the gradients of networks; the first row is of right gradients."""
    rows = {RIGHT: Row()}
    for one in chosen:
        checkers: dict[str, Checker] = {**one.checkers(dtype), **(peers(one) if peers else {})}
        for name, gradients in [(RIGHT, one.right), *one.mistakes]:
            row = rows.setdefault(name, Row())
            if name != RIGHT and one.changes_nothing(gradients, dtype):
                row.nothing += 1
                continue
            row.planted += 1
            theirs = one.planted(gradients, dtype)
            said = {who: is_wrong(theirs) for who, is_wrong in checkers.items()}
            row.caught.update({who: int(wrong) for who, wrong in said.items()})
            if name != RIGHT and not said["differences"]:
                row.undecided += one.is_undecided(theirs, dtype)
    return rows
