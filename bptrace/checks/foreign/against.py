"""Somebody else's gradients against ours: each within what rounding can do, or wrong, and why.

The reference is the log of the step, in float64, whose own rounding is bounded; theirs may have
been added up in any order, in float64 or in float32, for which `roundings` has a bound at this
point. The verdict on each gradient:

agrees
    It lies within both bounds, and these leave at least a digit to be compared; or it is the same
    in every bit.
differs
    It lies outside, or is no finite number.
undecided
    Rounding may do so much here that nothing can be said, or the right one is not finite.

What those that differ have in common is said by `patterns`, which mistake explains them by
`causes`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bptrace.address import Address, partial
from bptrace.checks.arrays.calculation import Calculation
from bptrace.checks.arrays.figures import figures_of
from bptrace.checks.arrays.mistaken import Mistaken, forward_is_tried
from bptrace.checks.foreign.causes import causes
from bptrace.checks.foreign.layouts import Arranged, Note, arranged
from bptrace.checks.foreign.names import Foreign, sorted_arrays
from bptrace.checks.foreign.patterns import Compared, Pattern, patterns
from bptrace.checks.foreign.roundings import FLOAT32, FLOAT64, Arithmetic, gradient_bounds
from bptrace.checks.gradients import VERDICTS, Point
from bptrace.maths.losses import fused
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

AGREES, DIFFERS, UNDECIDED = range(3)

ONE_DIGIT = 0.25
"""A bound larger than this part of a gradient leaves no digit to be compared."""


class Element(NamedTuple):
    """One gradient of somebody else's, and what was found about it."""

    address: Address
    theirs: float
    right: float
    bound: float
    verdict: str

    @property
    def off(self) -> float:
        """How far it is off, relative to the right one."""
        gap = abs(self.theirs - self.right)
        if not gap < float("inf"):
            return float("inf")
        return gap / max(abs(self.right), self.bound, 5e-324)

    @property
    def factor(self) -> float | None:
        """It is so many times the right one; None if that says nothing."""
        if self.verdict != "differs" or abs(self.right) <= self.bound:
            return None
        found = self.theirs / self.right
        return found if abs(found) < float("inf") else None


@dataclass(frozen=True)
class Against:
    """Somebody else's gradients of one step, judged.

    Attributes
    ----------
    point : Point
    arithmetic : Arithmetic
        By what they are judged.
    theirs, right, bounds : array of float
        In the order of the log; nan in `theirs` where nothing was given.
    verdicts : array of int
        Places in `gradients.VERDICTS`.
    given : array of bool
        Which gradients there are, of connections that are not missing.
    notes : tuple of Note
        How the arrays were read, and which causes were not looked for.
    patterns : tuple of Pattern
        What those that differ have in common.
    causes : tuple of Mistaken
        What explains them all, the likeliest first.
    """

    point: Point
    arithmetic: Arithmetic
    theirs: Array
    right: Array
    bounds: Array
    verdicts: NDArray[np.uint8]
    given: NDArray[np.bool_]
    notes: tuple[Note, ...]
    patterns: tuple[Pattern, ...] = ()
    causes: tuple[Mistaken, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no gradient differs."""
        return not (self.verdicts[self.given] == DIFFERS).any()

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many gradients have each verdict."""
        found = self.verdicts[self.given]
        return {name: int((found == k).sum()) for k, name in enumerate(VERDICTS)}

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """What each gradient is."""
        parameters = self.point.problem.layout.parameters()
        return tuple(partial(None, p)._replace(step=self.point.step) for p in parameters)

    def __iter__(self) -> Iterator[Element]:
        return (self.element(k) for k in range(len(self.theirs)) if self.given[k])

    def element(self, k: int) -> Element:
        """Return what was found about gradient k."""
        return Element(
            self.addresses[k],
            float(self.theirs[k]),
            float(self.right[k]),
            float(self.bounds[k]),
            VERDICTS[self.verdicts[k]],
        )

    def of_neurons(self, only: Collection[tuple[int, int]] = ()) -> list[Element]:
        """Return what belongs to some neurons, as (layer, neuron); without any, everything."""
        return [e for e in self if not only or (e.address.layer, e.address.neuron) in only]

    def worst_first(self, only: Collection[tuple[int, int]] = ()) -> list[Element]:
        """Return the same, those that differ first, the farthest off before the others."""
        order = {"differs": 0, "undecided": 1, "agrees": 2}

        def place(element: Element) -> tuple[int, float]:
            off = -element.off if element.verdict == "differs" else 0.0
            return order[element.verdict], off

        return sorted(self.of_neurons(only), key=place)


def judge(
    point: Point,
    gradients: Any,
    read: Callable[[str], Address] | None = None,
    file: str = "",
    explain: bool = True,
) -> Against:
    """Judge somebody else's gradients of the step at `point`.

    Parameters
    ----------
    point : Point
        See `gradients.point_of`.
    gradients : mapping, sequence or array
        See `foreign`.
    read : function, optional
        What a name of the problem's dialect means.
    file : str
        Where they are from, for messages.
    explain : bool
        Whether to look for what wrong ones have in common, and why; the verdict is the same.

    Raises
    ------
    FileError
        If they are no gradients of this network: other shapes, types or names.
    """
    foreign = sorted_arrays(point.problem, gradients, read, file)
    reader = _Judge(point)
    found = reader.judged(foreign, file, "rows", explain)
    if not explain:
        return found
    unclear = any(note.name == "ambiguous rows" for note in found.notes)
    if unclear and not found.causes:  # a mistake that explains columns decides for columns
        other = reader.judged(foreign, file, "columns", explain)
        return other if other.causes else found
    return found


class _Judge:
    """All that is needed of a step to judge gradients of it."""

    def __init__(self, point: Point) -> None:
        import numpy as np

        self.point, layout = point, point.problem.layout
        first = layout.gradients
        logged = point.trace.log[first : first + layout.n_parameters]
        self.right = np.array(logged, dtype=np.float64)
        self.figures = figures_of(point)
        self.calculation = Calculation(self.figures)

    def judged(self, foreign: Foreign, file: str, prefer: str, explain: bool) -> Against:
        """Return the verdicts, and if something differs what that has in common, and why."""
        import numpy as np

        found = arranged(self.point.problem, foreign, self.right, file, prefer)
        given = found.given & (self.figures.present > 0.0)
        plain = Against(
            self.point, FLOAT64, found.values, self.right, self.right,
            np.zeros(len(self.right), np.uint8), given, found.notes,
        )  # fmt: skip
        judged = _in_its_arithmetic(plain, self.calculation, found)
        if judged.ok or not explain:
            return judged
        wrong = given & (judged.verdicts == DIFFERS)
        usable = given & (judged.verdicts != UNDECIDED)
        compared = Compared(self.right, judged.theirs, judged.bounds, wrong, usable)
        left_out = () if forward_is_tried(self.figures) else (Note("forward left out"),)
        return replace(
            judged,
            notes=(*judged.notes, *left_out),
            patterns=tuple(patterns(self.point.problem.network, compared)),
            causes=tuple(causes(self.point, compared, judged.arithmetic.unit)),
        )


def _in_its_arithmetic(plain: Against, right: Calculation, found: Arranged) -> Against:
    """Judge by float64 or by float32, whichever the numbers are; say so if they only look so."""
    if found.is_float32:
        return _judged(plain, right, FLOAT32)
    judged = _judged(plain, right, FLOAT64)
    if judged.ok:
        return judged
    in_float32 = _judged(plain, right, FLOAT32)
    if _are_float32(found):
        return replace(in_float32, notes=(*plain.notes, Note("like float32")))
    if in_float32.ok:
        return replace(judged, notes=(*plain.notes, Note("within float32")))
    return judged


def _are_float32(found: Arranged) -> bool:
    """Whether every number is one that float32 has; two such in a row are no chance."""
    import numpy as np

    numbers = found.values[found.given & np.isfinite(found.values) & (found.values != 0.0)]
    with np.errstate(over="ignore"):
        return len(numbers) > 1 and bool((numbers.astype(np.float32) == numbers).all())


def _judged(plain: Against, right: Calculation, arithmetic: Arithmetic) -> Against:
    """Give every gradient its verdict in an arithmetic."""
    ours = gradient_bounds(right, FLOAT64)
    bounds = ours + gradient_bounds(right, arithmetic)
    verdicts = _verdicts(plain, bounds)
    network = plain.point.problem.network
    if (verdicts == DIFFERS).any() and fused(network.loss, network.layers[-1].activation):
        wider = ours + gradient_bounds(right, arithmetic, chained=True)
        again = _verdicts(plain, wider)
        excused = (verdicts == DIFFERS) & (again != DIFFERS)
        verdicts[excused], bounds[excused] = again[excused], wider[excused]
    return replace(plain, arithmetic=arithmetic, bounds=bounds, verdicts=verdicts)


def _verdicts(plain: Against, bounds: Array) -> NDArray[np.uint8]:
    import numpy as np

    theirs, right = plain.theirs, plain.right
    with np.errstate(invalid="ignore"):
        gap = np.abs(theirs - right)
        size = np.maximum(np.abs(theirs), np.abs(right))
        found = np.where(bounds <= ONE_DIGIT * size, AGREES, UNDECIDED)
        found[(theirs == right) & ((right != 0.0) | (bounds <= TINY))] = AGREES
        found[~(gap <= bounds)] = DIFFERS
    known = np.isfinite(right) & np.isfinite(bounds)
    found[~known & np.isfinite(theirs)] = UNDECIDED
    found[~np.isfinite(right)] = UNDECIDED
    return found.astype(np.uint8)


TINY = 2.0**-90
"""Two zeros agree if rounding is below this: underflow alone, of which float32 may lose 2⁻¹²⁶ in
every term."""
