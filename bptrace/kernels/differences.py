"""Central differences of E with a bound on their error: the loops.

A weight moves one net input only, and E depends on it through nothing else; so a difference for one
net input serves all weights that lead into it: moving w by h moves z by d = h·x. Moved are single
net inputs (the "demon" of Nielsen's text), all of a layer together (a shared bias), and inputs x.

Two thirds of the error of a step are removed by Richardson's extrapolation, and what is left is
judged by the next one: with D(h) = E′ + c₂h² + c₄h⁴ + … the value R₁ = (4D(h) − D(2h))/3 is off by
4c₄h⁴, R₂ = (4D(2h) − D(4h))/3 by 64c₄h⁴, so |R₁ − R₂| is 15 times the error of R₁.

Like `source` this is plain Python that compiles, to the same bits. Not responsible for what a step
does to E (`disturbed`), nor for gradients and verdicts (`judging`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptrace.kernels.disturbed import INFINITE, UNIT, shifted
from bptrace.kernels.duals import INPUT, LAYER, ONE

if TYPE_CHECKING:
    from array import array

    from bptrace.kernels.cast import Net, Plan
    from bptrace.kernels.ground import Ground
    from bptrace.kernels.source import Numbers

LOW, HIGH, BOUND, STEP, TRUNCATION, ROUNDING, STATUS, DUAL = range(8)
FIELDS = 8
"""What is found for each disturbance; LOW and HIGH differ at a kink only, and DUAL is room for the
slope by dual numbers (`duals`)."""

SMOOTH, ONE_SIDED, KINK, KINKS, JUMP, BENT, UNKNOWN = range(7)
"""How it was found: by central differences, from the side on which the point lies, as two slopes
that differ, the same where several kinks lie; or not at all, because E jumps there, bends too
sharply for the smallest step, or is not finite."""

FIRST_STEP = 2.0**-9
SMALLER = 2.0**-3
ATTEMPTS = 13
CLOSER = 2.0**-10
"""Each attempt has an eighth of the step of the one before; the last moves a net input by 2⁻⁴⁵.
What an attempt finds has to agree with the difference for a step 2¹⁰ times smaller."""

STRAIGHT = 2.0**-16
"""Between what a smooth E bends by when the step is so much smaller, and what one with a kink."""

STEPS = (1.0, -1.0, 2.0, -2.0, 4.0, -4.0, CLOSER, -CLOSER, 0.0)
"""The steps of an attempt, as multiples of d."""

SHIFTS = len(STEPS)

SHARP = 2.0**-32
"""A bound so small, relative to the slope, needs no further attempt."""


def per_sample(net: Net) -> int:
    """Return how many disturbances there are for a sample: net inputs, layers and inputs."""
    total = net.depth + net.layers[0].size
    for l in range(1, net.depth + 1):
        total += net.layers[l].size
    return total


def disturbance(net: Net, index: int) -> tuple[int, int, int]:
    """Return what the disturbance of this number moves: kind, layer and neuron."""
    rest = index
    for l in range(1, net.depth + 1):
        if rest < net.layers[l].size:
            return ONE, l, rest
        rest -= net.layers[l].size
    if rest < net.depth:
        return LAYER, rest + 1, 0
    return INPUT, 1, rest - net.depth


def one_slope(
    net: Net, ground: Ground, plan: Plan, log: Numbers, found: Numbers, at: int,
    position: int, move: int, l: int, j: int,
) -> None:  # fmt: skip
    """Write the slope of E along one disturbance, the best of several attempts, to `found`."""
    found[at + STATUS], found[at + BOUND] = UNKNOWN, INFINITE
    found[at + LOW] = found[at + HIGH] = found[at + STEP] = 0.0
    found[at + TRUNCATION] = found[at + ROUNDING] = INFINITE
    if move == LAYER and net.layers[l].biases != 1:
        return
    if move == INPUT and not ground.inputs:
        return
    d = FIRST_STEP
    for attempt in range(ATTEMPTS):
        for k in range(SHIFTS):
            step = d * ground.steps[k]
            shifted(net, ground, plan, log, position, move, l, j, step, k)
        is_found = from_shifts(ground, found, at, d)
        if is_found or attempt == ATTEMPTS - 1:
            break
        d = d * SMALLER
    if found[at + STATUS] >= KINK:
        found[at + STATUS] = why_not(ground, int(found[at + STATUS]))
        if found[at + STATUS] >= JUMP:
            found[at + BOUND] = INFINITE


def why_not(ground: Ground, status: int) -> int:
    """Return why there is no single slope, from the smallest steps."""
    change, error = ground.changes, ground.errors
    for k in range(2):  # above and below: what does not shrink with the step is a jump
        moved, close = abs(change[k]), abs(change[k + 6])
        if ground.crossed[k + 6] and close > error[k + 6] and close >= 0.5 * moved:
            return JUMP
    if status == KINK:
        return KINK if ground.crossed[0] == 1 and ground.crossed[1] == 1 else KINKS
    total = abs(change[0]) + abs(change[1]) + error[0] + error[1]
    return BENT if total < INFINITE else UNKNOWN


def from_shifts(ground: Ground, found: Numbers, at: int, d: float) -> bool:
    """Keep what the changes of E by the steps of `ground.steps` say; return if that is enough."""
    change, error, branch = ground.changes, ground.errors, ground.branches
    here, up, down = branch[8], branch[0], branch[1]
    is_up = up == branch[2] and up == branch[4]
    is_down = down == branch[3] and down == branch[5]
    if is_up and is_down and up == here and down == here:
        first = (change[0] - change[1]) / (2.0 * d)
        second = (change[2] - change[3]) / (4.0 * d)
        third = (change[4] - change[5]) / (8.0 * d)
        slope, truncation = extrapolated(first, second, third)
        rounding = (8.0 * (error[0] + error[1]) + error[2] + error[3]) / (12.0 * d)
        rounding += 4.0 * UNIT * (abs(first) + abs(second))
        if abs(first - second) > 0.5 * abs(second - third) + rounding:
            truncation = INFINITE  # they do not come nearer: see `extrapolated`
        if (
            branch[6] != here
            or branch[7] != here
            or not is_smooth(change, error, slope * d, (truncation + rounding) * d)
        ):
            truncation = INFINITE
        keep(found, at, SMOOTH, slope, d, truncation, rounding)
        return found[at + BOUND] <= SHARP * abs(slope) or truncation <= rounding
    if is_up and up == here:
        slope, truncation, rounding = one_sided(change, error, branch, d, 0)
        keep(found, at, ONE_SIDED, slope, d, truncation, rounding)
    elif is_down and down == here:
        slope, truncation, rounding = one_sided(change, error, branch, -d, 1)
        keep(found, at, ONE_SIDED, slope, d, truncation, rounding)
    elif is_up and is_down and found[at + STATUS] >= KINK:
        above, off, rounding = one_sided(change, error, branch, d, 0)
        below, off_below, rounding_below = one_sided(change, error, branch, -d, 1)
        keep_kink(
            found, at, above, below, d, max(off, off_below), max(rounding, rounding_below)
        )  # fmt: skip
    return False


def is_smooth(change: Numbers, error: Numbers, move: float, off: float) -> bool:
    """Whether E for the step that is 2¹⁰ times smaller is on both sides where `move` leads.

    E(h) − E is E′h + c₁h² + …, of which c₁h² is 2⁻²⁰ times as large for that step, and 2⁻¹⁰ times
    if there is a kink at the point, which central differences cancel: a softmax or softplus of huge
    numbers is such a bend.
    """
    far = abs(change[0] + change[1]) + abs(change[2] + change[3]) + abs(change[4] + change[5])
    bend = off * CLOSER + STRAIGHT * far
    above = abs(change[6] - move * CLOSER) <= bend + error[6]
    return above and abs(change[7] + move * CLOSER) <= bend + error[7]


def extrapolated(first: float, second: float, third: float) -> tuple[float, float]:
    """Return R₁, and how far it may be off by truncation: by |R₁ − R₂| (see the module's head).

    A part of |D(h) − D(2h)| guards against a chance by which the two agree. All this supposes that
    D(h) converges: |D(h) − D(2h)| is about a quarter of |D(2h) − D(4h)|. It is twice as large where
    E is a step that the points stand astride of, as of a saturated tanh.
    """
    one, two = (4.0 * first - second) / 3.0, (4.0 * second - third) / 3.0
    return one, abs(one - two) + abs(first - second) / 1024.0


def one_sided(
    change: Numbers, error: Numbers, branch: array[int], d: float, side: int
) -> tuple[float, float, float]:
    """Return the slope on one side, its truncation and its rounding; d < 0 and side 1: below.

    From E(h) − E, E(2h) − E and E(4h) − E. The plain difference for the step that is 2¹⁰ times
    smaller is off by a 2¹⁰th of what that for h is off by, of which twice as much is allowed.
    """
    first = change[side] / d
    second, third = change[side + 2] / (2.0 * d), change[side + 4] / (4.0 * d)
    t1, t2 = 2.0 * first - second, 2.0 * second - third
    best = (4.0 * t1 - t2) / 3.0
    truncation = abs(best - t1) + abs(first - second) / 1024.0
    rounding = 8.0 * (error[side] + error[side + 2] + error[side + 4]) / abs(d)
    off = truncation + rounding + 2.0 * CLOSER * abs(first - best)
    off += error[side + 6] / (CLOSER * abs(d))
    if abs(first - second) > 0.75 * abs(second - third) + rounding:  # half of it, if E is smooth
        truncation = INFINITE
    if branch[side + 6] != branch[side] or not abs(change[side + 6] / (CLOSER * d) - best) <= off:
        truncation = INFINITE
    return best, truncation, rounding


def keep(
    found: Numbers, at: int, status: int, slope: float, d: float, truncation: float, rounding: float
) -> None:
    """Keep a slope if its bound is the smallest so far; a nan is kept nowhere."""
    bound = (truncation + rounding) * (1.0 + 16.0 * UNIT)
    if bound < found[at + BOUND] or (found[at + STATUS] >= KINK and bound < INFINITE):
        found[at + LOW] = found[at + HIGH] = slope
        found[at + BOUND], found[at + STEP], found[at + STATUS] = bound, d, status
        found[at + TRUNCATION], found[at + ROUNDING] = truncation, rounding


def keep_kink(
    found: Numbers, at: int, above: float, below: float, d: float, truncation: float,
    rounding: float,
) -> None:  # fmt: skip
    """Keep the slopes of the two sides of a kink."""
    bound = truncation + rounding
    if bound < found[at + BOUND]:
        found[at + LOW], found[at + HIGH] = min(above, below), max(above, below)
        found[at + BOUND], found[at + STEP], found[at + STATUS] = bound, d, KINK
        found[at + TRUNCATION], found[at + ROUNDING] = truncation, rounding
