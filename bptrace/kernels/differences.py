"""Central differences of E with a bound on their error: the loops.

A weight moves one net input only, and E depends on it through nothing else; so E is calculated from
there on, and a difference for one net input serves all weights that lead into it: moving w by h
moves z by d = h·x. Moved are single net inputs (the "demon" of Nielsen's text), all of a layer
together (a shared bias) and the inputs x.

Rounding is followed through the calculation (running error analysis; Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., section 3.3): what a disturbance does not reach is exact. Two
thirds of the error of a step are removed by Richardson's extrapolation, and what is left is judged
by the next one: with D(h) = E′ + c₂h² + c₄h⁴ + … the value R₁ = (4D(h) − D(2h))/3 is off by 4c₄h⁴,
R₂ = (4D(2h) − D(4h))/3 by 64c₄h⁴, so |R₁ − R₂| is 15 times the error of R₁.

Like `source` this is plain Python that compiles, to the same bits. Not responsible for the
gradients that are judged, nor for the verdicts (`checks.gradients`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptrace.kernels.dispatch import (
    act,
    act_layer,
    act_slope,
    fused_common,
    fused_loss,
    loss,
    loss_slope,
)
from bptrace.kernels.duals import INPUT, LAYER, ONE
from bptrace.kernels.tape import evaluate

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

UNIT = 2.0**-53
NOISE = 8.0 * UNIT
"""Relative rounding of the activations and losses of the table, which is at most 5 and 4 units."""

TINY = 2.0**-1071
"""The same where numbers have no relative precision any more: 8 units of the smallest float64."""

SMALLEST = 2.0**-1022
"""What activations and their slopes may be off besides: a sigmoid below it is 0, as its power of e
is inf."""

SMALL = 2.0**-960
"""Sums from here on lose nothing worth mentioning to underflow: SMALL·UNIT is far above TINY. And
below it 0 agrees with 0: no float64 says more."""

NEAR = 2.0**-3
"""Within so small an error a slope grows to less than 1.5 times itself: those of sigmoid, softplus
and tanh grow to at most e^2e times, that of ln to 1/(1 − e) of it."""

FAR, FLAT = 40.0, 2.0**-57
"""With a larger error nobody knows where on its curve an activation is, and nothing can be said;
unless its net input is farther than this from 0: there all curves are straight, up to e⁻⁴⁰ < FLAT.
"""

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

INFINITE = float("inf")


def per_sample(net: Net) -> int:
    """Return how many disturbances there are for a sample: net inputs, layers and inputs."""
    total = net.depth + net.layers[0].size
    for l in range(1, net.depth + 1):
        total += net.layers[l].size
    return total


def check_all(
    net: Net, ground: Ground, plan: Plan, log: Numbers, found: Numbers, totals: Numbers,
    sizes: Numbers, roundings: Numbers,
) -> None:  # fmt: skip
    """Fill all that is judged.

    `found` holds for each sample all net inputs, then all layers, then all inputs; for the rest see
    the functions that fill it. The loop stands here, and not in a function: compiled, each call
    would be one more copy of all that it calls.
    """
    at = 0
    for position in range(len(ground.places)):
        for index in range(per_sample(net)):
            move, l, j = disturbance(net, index)
            one_slope(net, ground, plan, log, found, at, position, move, l, j)
            at += FIELDS
    parameter_slopes(net, ground, plan, log, found, totals)
    path_sizes(net, ground, plan, log, sizes)
    gradient_roundings(net, ground, plan, log, sizes, roundings)


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
        slope, truncation = extrapolated(first, second, (change[4] - change[5]) / (8.0 * d))
        rounding = (8.0 * (error[0] + error[1]) + error[2] + error[3]) / (12.0 * d)
        rounding += 4.0 * UNIT * (abs(first) + abs(second))
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

    A part of |D(h) − D(2h)| guards against a chance by which the two agree.
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


def shifted(
    net: Net, ground: Ground, plan: Plan, log: Numbers, position: int, move: int, l: int, j: int,
    d: float, to: int,
) -> None:  # fmt: skip
    """Write to place `to` of `ground` what a disturbance by d does.

    E(disturbed) − E of a sample and a bound on its error, layer by layer; the branch of all kinks,
    and how many were crossed.
    """
    part = net.samples + position * net.sample_size
    move_inputs(net, ground, log, part, move, l, j, d)
    first, last = j, j + 1
    branch = crossed = 0
    for m in range(l, net.depth + 1):
        if m > l:
            next_inputs(net, ground, log, part, m, first, last)
        if m > l or move != ONE or net.layers[m].of_layer:
            first, last = 0, net.layers[m].size
        branch, crossed = branch_of(net, ground, log, part, m, first, last, branch, crossed)
        if m < net.depth or not plan.fused:
            new_outputs(net, ground, log, part, position, m, first, last)
    if plan.fused:
        change, error = fused_change(net, ground, plan, log, part, position)
    else:
        change, error = loss_change(net, ground, plan, log, part, position, first, last)
    ground.changes[to], ground.errors[to] = change, error
    ground.branches[to], ground.crossed[to] = branch, crossed


def move_inputs(
    net: Net, ground: Ground, log: Numbers, part: int, move: int, l: int, j: int, d: float
) -> None:
    """Write the net inputs of layer l, some of them moved; their errors are found exactly."""
    layer = net.layers[l]
    for k in range(layer.size):
        z, moved, error = log[part + layer.in_at + k], 0.0, 0.0
        if move == INPUT:
            weight = log[layer.w_at + k * layer.sources + j]
            moved = weight * d
            error = UNIT * abs(moved) + (TINY if weight != 0.0 else 0.0)
        elif move == LAYER or k == j:
            moved = d
        new = z + moved
        seen = new - z
        lost = (z - (new - seen)) + (moved - seen)
        ground.now[k], ground.error[k] = new, finite(abs(lost) + error)


def next_inputs(
    net: Net, ground: Ground, log: Numbers, part: int, m: int, first: int, last: int
) -> None:
    """Write the net inputs of layer m after the outputs `first` to `last` before it changed."""
    layer, width = net.layers[m], ground.width
    for k in range(layer.size):
        row = layer.w_at + k * layer.sources
        moved = error = size = 0.0
        for i in range(first, last):
            term = log[row + i] * ground.change[i]
            moved += term
            size += abs(term)
            error += abs(log[row + i]) * ground.error[width + i]
        error += size * UNIT * (last - first + 2)
        if size + error < SMALL:
            error += underflow(ground, log, row, first, last)
        z = log[part + layer.in_at + k]
        new = z + moved
        seen = new - z
        lost = (z - (new - seen)) + (moved - seen)
        ground.now[k], ground.error[k] = new, finite(abs(lost) + error)


def finite(error: float) -> float:
    """Return inf in place of nan, which an infinite net input has."""
    return error if error >= 0.0 else INFINITE


def underflow(ground: Ground, log: Numbers, row: int, first: int, last: int) -> float:
    """Return what products may have lost that are smaller than any float64; 0 of exact zeros."""
    error = 0.0
    for i in range(first, last):
        if log[row + i] != 0.0 and (ground.change[i] != 0.0 or ground.error[ground.width + i]):
            error += TINY
    return error


def branch_of(
    net: Net, ground: Ground, log: Numbers, part: int, m: int, first: int, last: int, branch: int,
    crossed: int,
) -> tuple[int, int]:  # fmt: skip
    """Return a number for the sides of its kinks on which each net input of layer m is.

    Of two calculations that differ in one side only it differs (3 has an inverse in the field).
    Besides, add to `crossed` 1 for each kink that the net input has left, 2 if it was not on it.
    """
    z, own = part + net.layers[m].in_at, net.layers[m].own_value
    starts = ground.condition_at if own else ground.kink_at
    for k in range(first, last):
        for c in range(starts[m], starts[m + 1]):
            if own:
                now = side(evaluate(net, ground.conditions[c], ground.now[k], 0.0))
                before = side(evaluate(net, ground.conditions[c], log[z + k], 0.0))
            else:
                now = side(ground.now[k] - ground.kinks[c])
                before = side(log[z + k] - ground.kinks[c])
            branch = (3 * branch + now) % 2147483647
            if now != before:
                crossed += 1 if before == 1 else 2
    return branch, crossed


def side(value: float) -> int:
    """0 below, 1 at and 2 above 0."""
    return 2 if value > 0.0 else (0 if value < 0.0 else 1)


def new_outputs(
    net: Net, ground: Ground, log: Numbers, part: int, position: int, m: int, first: int, last: int
) -> None:
    """Write the outputs of layer m, by how much they changed, and their errors."""
    layer, width, stays = net.layers[m], ground.width, True
    for k in range(first, last):
        if ground.error[k] != 0.0 or ground.now[k] != log[part + layer.in_at + k]:
            stays = False
    if layer.of_layer and not stays:
        act_layer(layer.of_layer, ground.now, 0, width, layer.size)
        layer_errors(ground, layer.size)
    for k in range(first, last):
        if not layer.of_layer:
            one_output(net, ground, log, part, position, m, k)
        elif stays:
            ground.now[width + k] = log[part + layer.out_at + k]
            ground.error[width + k] = 0.0
        ground.change[k] = ground.now[width + k] - log[part + layer.out_at + k]


def one_output(
    net: Net, ground: Ground, log: Numbers, part: int, position: int, m: int, k: int
) -> None:
    """Write the output of a neuron, and its error: 0 where its net input is what it was."""
    layer, width = net.layers[m], ground.width
    z, error = ground.now[k], ground.error[k]
    before = part + layer.in_at + k
    if error == 0.0 and z == log[before]:
        ground.now[width + k], ground.error[width + k] = log[part + layer.out_at + k], 0.0
        return
    if layer.own_value:
        a = evaluate(net, layer.own_value, z, 0.0)
        slope = evaluate(net, layer.own_slope, z, a)
        noise = ground.noise[position * ground.n_in + before - part]
    else:
        a = act(layer.activation, z, layer.option)
        slope = act_slope(layer.activation, z, a, layer.option)
        noise = 0.0 if ground.exact[m] else NOISE * abs(a) + SMALLEST
    ground.now[width + k], ground.error[width + k] = a, 1.5 * abs(slope) * error + noise
    if error > NEAR:
        if layer.own_value or abs(z) <= error + (0.0 if ground.exact[m] else FAR):
            ground.error[width + k] = INFINITE
        elif not ground.exact[m]:
            ground.error[width + k] += FLAT


def layer_errors(ground: Ground, n: int) -> None:
    """Write the errors of a softmax, from those of its net inputs and of its powers.

    If a power may be more by m_k, relative to their sum, and M = Σ m_k is less than a third, then
    out_k is off by (m_k + out_k·M)/(1 − M) at most.
    """
    width, largest, total = ground.width, ground.now[0], UNIT * n
    for k in range(1, n):
        largest = max(largest, ground.now[k])
    for k in range(n):
        off = ground.error[k] + UNIT * (largest - ground.now[k]) + 2.0 * NOISE
        if off <= NEAR:
            more = 1.125 * off * ground.now[width + k]
        else:
            more = FLAT if ground.now[k] + off < largest - FAR else INFINITE
        ground.error[k] = more
        total += more
    for k in range(n):
        error = 1.5 * (ground.error[k] + ground.now[width + k] * total) + SMALLEST
        ground.error[width + k] = error if 3.0 * total < 1.0 else INFINITE


def loss_change(
    net: Net, ground: Ground, plan: Plan, log: Numbers, part: int, position: int, first: int,
    last: int,
) -> tuple[float, float]:  # fmt: skip
    """Return E − what it was, output by output, and a bound on the error of that."""
    layer, n = net.layers[net.depth], float(net.layers[net.depth].size)
    target = ground.places[position] * layer.size
    total, error = 0.0, 0.0
    for k in range(first, last):
        a, before = ground.now[ground.width + k], log[part + layer.out_at + k]
        off = ground.error[ground.width + k]
        if a == before and off == 0.0:
            continue
        t = plan.t[target + k]
        share = loss(plan.loss, t, a, n)
        total += share - loss(plan.loss, t, before, n)
        noise = NOISE * (abs(t) + abs(1.0 - t)) if ground.logs else 0.0
        if ground.logs and off > NEAR * (a if ground.logs == 1 else min(a, 1.0 - a)):
            noise = INFINITE
        error += 1.5 * abs(loss_slope(plan.loss, t, a, n)) * off + off * off
        error += NOISE * abs(share) + noise + 2.0 * UNIT * abs(total) + TINY
    return total, error


def fused_change(
    net: Net, ground: Ground, plan: Plan, log: Numbers, part: int, position: int
) -> tuple[float, float]:
    """Return the same for a loss that is calculated from the net inputs."""
    layer = net.layers[net.depth]
    n, z = layer.size, part + layer.in_at
    target = ground.places[position] * n
    common, before = fused_common(plan.fused, ground.now, 0, n), fused_common(plan.fused, log, z, n)
    most = largest = 0.0
    for k in range(n):
        most, largest = max(most, ground.error[k]), max(largest, abs(ground.now[k]))
    lost = is_lost(ground, n, layer.of_layer > 0)
    total, error, stays = 0.0, 0.0, not most
    for k in range(n):
        if ground.now[k] != log[z + k]:
            stays = False
    for k in range(n):
        t, now, old = plan.t[target + k], ground.now[k], log[z + k]
        if stays if layer.of_layer else now == old and ground.error[k] == 0.0:
            continue
        share = fused_loss(plan.fused, t, now, common)
        total += share - fused_loss(plan.fused, t, old, before)
        size = abs(t)
        if layer.of_layer:
            error += size * (2.0 * most + NOISE * (largest + 1.0 + abs(common)) + UNIT * n)
        else:  # each share is a function of its own net input
            error += (size + 1.0) * (ground.error[k] + NOISE * (abs(now) + 1.0))
        error += 2.0 * UNIT * abs(total)
    return total, INFINITE if lost else error


def is_lost(ground: Ground, n: int, together: bool) -> bool:
    """Whether nobody knows where on its curve a loss of net inputs is: see `FAR`.

    The bend of ln Σ e^z is where the largest of them are equal, else that of each is at 0.
    """
    first = 0
    for k in range(1, n):
        if ground.now[k] > ground.now[first]:
            first = k
    for k in range(n):
        off = ground.error[k] + (ground.error[first] if together else 0.0)
        away = ground.now[first] - ground.now[k] if together else abs(ground.now[k])
        if off > NEAR and away <= off + FAR and not (together and k == first):
            return True
    return False


# What follows for the parameters


def path_sizes(net: Net, ground: Ground, plan: Plan, log: Numbers, sizes: Numbers) -> None:
    """Write for each δ the sum of the absolute values of all paths that add up to it.

    Rounding of backpropagation is a small multiple of it; δ itself may be far smaller. The factors
    of a path are those of `ground`, which contain their own errors.
    """
    for position in range(len(ground.places)):
        at = position * ground.n_in
        last = net.layers[net.depth]
        for k in range(last.size):
            sizes[at + last.in_at + k] = ground.top_sizes[position * last.size + k]
        if not plan.fused:
            sizes_through(net, ground, at, net.depth, sizes)
        for l in range(net.depth, 1, -1):
            layer, below = net.layers[l], net.layers[l - 1]
            for i in range(below.size):
                total, row = 0.0, layer.w_at + i
                for j in range(layer.size):
                    total += sizes[at + layer.in_at + j] * abs(log[row])
                    row += layer.sources
                sizes[at + below.in_at + i] = total
            sizes_through(net, ground, at, l - 1, sizes)


def sizes_through(net: Net, ground: Ground, at: int, l: int, sizes: Numbers) -> None:
    """Make sizes by outputs of layer l sizes by its net inputs; a softmax has paths to all."""
    layer = net.layers[l]
    first = at + layer.in_at
    if not layer.of_layer:
        for k in range(layer.size):
            sizes[first + k] *= ground.slope_sizes[first + k]
        return
    total = 0.0
    for k in range(layer.size):
        total += sizes[first + k] * ground.out_sizes[first + k]
    for k in range(layer.size):
        sizes[first + k] = (sizes[first + k] + total) * ground.out_sizes[first + k]


def parameter_slopes(
    net: Net, ground: Ground, plan: Plan, log: Numbers, found: Numbers, totals: Numbers
) -> None:
    """Add up what was found for net inputs to the slopes by weights and biases, sample by sample.

    ∂E/∂w = ∂E/∂z·x: of one sample that is the difference for the step d/x of the weight.
    """
    block = per_sample(net) * FIELDS
    for k in range(net.n_parameters * FIELDS):
        totals[k] = 0.0
    for position in range(len(ground.places)):
        part, base, z = net.samples + position * net.sample_size, position * block, 0
        for l in range(1, net.depth + 1):
            layer = net.layers[l]
            x = part + net.layers[l - 1].out_at
            for j in range(layer.size):
                row = layer.w_at + j * layer.sources
                for i in range(layer.sources):
                    if not layer.masked or net.connected[row + i]:
                        add_up(found, base + z, log[x + i], totals, (row + i) * FIELDS)
                if layer.biases > 1 or (layer.biases == 1 and layer.size == 1):
                    add_up(found, base + z, 1.0, totals, (layer.b_at + j) * FIELDS)
                z += FIELDS
        for l in range(1, net.depth + 1):
            layer = net.layers[l]
            if layer.biases == 1 and layer.size > 1:
                add_up(found, base + z, 1.0, totals, layer.b_at * FIELDS)
            z += FIELDS
    if plan.mean:
        for k in range(net.n_parameters * FIELDS):
            if k % FIELDS != STATUS and k % FIELDS != STEP:
                totals[k] = totals[k] / float(len(ground.places))


def add_up(found: Numbers, at: int, x: float, totals: Numbers, to: int) -> None:
    """Add the slope by a net input, times x, to that of a parameter; nothing where x is 0."""
    if x == 0.0:
        return
    size = abs(x)
    one, other = found[at + LOW] * x, found[at + HIGH] * x
    totals[to + LOW] += min(one, other)
    totals[to + HIGH] += max(one, other)
    totals[to + BOUND] += found[at + BOUND] * size + 4.0 * UNIT * (abs(one) + abs(other))
    totals[to + BOUND] += UNIT * (abs(totals[to + LOW]) + abs(totals[to + HIGH]))
    totals[to + STEP] = max(totals[to + STEP], found[at + STEP] / size)
    totals[to + TRUNCATION] += found[at + TRUNCATION] * size
    totals[to + ROUNDING] += found[at + ROUNDING] * size
    totals[to + STATUS] = max(totals[to + STATUS], found[at + STATUS])


def gradient_roundings(
    net: Net, ground: Ground, plan: Plan, log: Numbers, sizes: Numbers, roundings: Numbers
) -> None:
    """Write how far rounding may put backpropagation's own gradients off.

    ``roundings`` has a number for each parameter, then for each δ and then for each ∂E/∂x of each
    sample: γ times the sum of all paths, with γ = 4·2⁻⁵³·(widest layer + 8)·(layers + samples).
    That is at least 64·2⁻⁵³ for what `ground` says of the factors of a path, and 2⁻⁵³ for each of
    the additions and multiplications, of which a path passes through at most the width of a layer
    and 3 in each layer, and the number of samples.
    """
    samples = len(ground.places)
    gamma = 4.0 * UNIT * (ground.width + 8) * (net.depth + 1 + samples)
    n, n_x = net.n_parameters, net.layers[0].size
    for k in range(n):
        roundings[k] = 0.0
    for position in range(samples):
        part, at = net.samples + position * net.sample_size, position * ground.n_in
        for l in range(1, net.depth + 1):
            layer, row = net.layers[l], net.layers[l].w_at
            x = part + net.layers[l - 1].out_at
            before = at + net.layers[l - 1].in_at if l > 1 else 0
            for j in range(layer.size):
                size = gamma * sizes[at + layer.in_at + j]
                roundings[n + at + layer.in_at + j] = size
                for i in range(layer.sources):
                    source = abs(log[x + i]) if l == 1 else ground.out_sizes[before + i]
                    roundings[row + i] += size * source
                if layer.biases == 1:
                    roundings[layer.b_at] += size
                elif layer.biases:
                    roundings[layer.b_at + j] += size
                row += layer.sources
        first = net.layers[1]
        for i in range(n_x):
            total = 0.0
            for j in range(first.size):
                weight = log[first.w_at + j * first.sources + i]
                total += sizes[at + first.in_at + j] * abs(weight)
            roundings[n + samples * ground.n_in + position * n_x + i] = gamma * total
    if plan.mean:
        for k in range(n):
            roundings[k] = roundings[k] / float(samples)


AGREES, DIFFERS, UNDECIDED = range(3)

ONE_DIGIT = 0.25
"""A bound larger than this part of the slope leaves no digit to be compared."""


def judge(g: float, found: Numbers, at: int, rounding: float) -> int:
    """Return the verdict on a gradient: what was found for it stands from `at` on."""
    status, low, high = found[at + STATUS], found[at + LOW], found[at + HIGH]
    bound = found[at + BOUND] + rounding
    if status >= KINKS or not bound < INFINITE:
        return UNDECIDED
    if not low - bound <= g <= high + bound:
        return DIFFERS
    if low == high == g and (found[at + BOUND] == 0.0 or (g == 0.0 and bound <= SMALL)):
        return AGREES
    if status == KINK and high - low > bound:
        return UNDECIDED
    return AGREES if bound <= ONE_DIGIT * max(abs(low), abs(g)) else UNDECIDED


def judge_all(found: Numbers, gradients: Numbers, roundings: Numbers, verdicts: array[int]) -> None:
    """Write the verdict on each of `gradients`."""
    for k in range(len(gradients)):
        verdicts[k] = judge(gradients[k], found, k * FIELDS, roundings[k])
