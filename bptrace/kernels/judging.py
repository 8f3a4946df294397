"""From differences for net inputs to slopes by parameters; how far gradients may be off; verdicts.

Like `source` this is plain Python that compiles, to the same bits. Not responsible for the
differences themselves, nor for the gradients that are judged (`checks.gradients`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptrace.kernels.differences import (
    BOUND,
    DUAL,
    FIELDS,
    HIGH,
    KINK,
    KINKS,
    LOW,
    ROUNDING,
    SMOOTH,
    STATUS,
    STEP,
    TRUNCATION,
    disturbance,
    one_slope,
    per_sample,
)
from bptrace.kernels.disturbed import INFINITE, SMALL, UNIT

if TYPE_CHECKING:
    from array import array

    from bptrace.kernels.cast import Net, Plan
    from bptrace.kernels.ground import Ground
    from bptrace.kernels.source import Numbers


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
    """Return the verdict on a gradient: what was found for it stands from `at` on.

    Differences alone do not condemn: where E changes on a scale below the smallest step (a net
    input of 10¹⁶ times a tanh) they miss it, and the slope by dual numbers is the gradient, or
    overflows to a nan. Both have the rounding of such sums. Nor do differences acquit what dual
    numbers deny: behind saturated neurons their bound lets pass what changes the slope by less.
    """
    status, low, high = found[at + STATUS], found[at + LOW], found[at + HIGH]
    bound, dual = found[at + BOUND] + rounding, found[at + DUAL]
    if status >= KINKS or not bound < INFINITE:
        return UNDECIDED
    if not low - bound <= g <= high + bound:
        return UNDECIDED if dual != dual or abs(g - dual) <= 2.0 * rounding else DIFFERS
    if low == high == g and (found[at + BOUND] == 0.0 or (g == 0.0 and bound <= SMALL)):
        return AGREES
    if status == KINK and high - low > bound:
        return UNDECIDED
    if status == SMOOTH and abs(g - dual) > 2.0 * rounding:
        return UNDECIDED
    return AGREES if bound <= ONE_DIGIT * max(abs(low), abs(g)) else UNDECIDED


def judge_all(found: Numbers, gradients: Numbers, roundings: Numbers, verdicts: array[int]) -> None:
    """Write the verdict on each of `gradients`."""
    for k in range(len(gradients)):
        verdicts[k] = judge(gradients[k], found, k * FIELDS, roundings[k])
