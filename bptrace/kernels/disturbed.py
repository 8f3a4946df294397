"""What E does when something is moved, and how far rounding hides it: the loops.

E depends on what is moved through the layers from there on, and only these are calculated anew.
Rounding is followed through the calculation (running error analysis; Higham, Accuracy and Stability
of Numerical Algorithms, 2nd ed., section 3.3): what a disturbance does not reach is exact. Where
rounding hides on which side of a bend a neuron is, the bound is infinite.

Like `source` this is plain Python that compiles, to the same bits. Not responsible for the steps,
nor for slopes (`differences`).
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
    from bptrace.kernels.cast import Net, Plan
    from bptrace.kernels.ground import Ground
    from bptrace.kernels.source import Numbers

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

INFINITE = float("inf")


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
