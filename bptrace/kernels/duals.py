"""All gradients by dual numbers: every number carries its slope along, from a net input up to E.

The other way round than backpropagation adds up, with the slopes that `ground` reads off the
formulas; no step size, and no difference of neighbouring values. What is moved are single net
inputs, all of a layer together (a shared bias) and the inputs x; a weight moves the net input that
it leads to. 32 of them go side by side, each in its column: the columns are independent, so the
compiler calculates several at once, and each sum still takes its terms in ascending order.
Source: Griewank & Walther, Evaluating Derivatives (2nd ed., 2008), section 3.2 (vector mode).

Like `source` this is plain Python that compiles, to the same bits. Not responsible for the
gradients that are judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptrace.kernels.dispatch import cross_slope

if TYPE_CHECKING:
    from bptrace.kernels.cast import Net, Plan
    from bptrace.kernels.ground import Ground
    from bptrace.kernels.source import Numbers

ONE, LAYER, INPUT = 0, 1, 2
"""What is moved: one net input, all of a layer, or an input x."""

LANES = 32
"""Columns side by side; a layer of 128 neurons then has its slopes in 32 KiB."""


def dual_gradients(net: Net, ground: Ground, plan: Plan, log: Numbers, gradients: Numbers) -> None:
    """Fill `gradients`: ∂E/∂w and ∂E/∂b of the batch, the δ of each sample, then its ∂E/∂x.

    Sums over samples, and over neurons with a shared bias, ascending.
    """
    n, samples = net.n_parameters, len(ground.places)
    for k in range(n):
        gradients[k] = -0.0
    for position in range(samples):
        for move in range(3):
            for l in range(1, net.depth + 1):
                columns, to = moved(net, ground, position, samples, move, l)
                first = 0
                while first < columns:
                    lanes = columns - first
                    if lanes > LANES:
                        lanes = LANES
                    block(net, ground, plan, log, position, move, l, first, lanes)
                    for c in range(lanes):
                        before = gradients[to + first + c] if move == LAYER else 0.0
                        gradients[to + first + c] = before + ground.tangents[c]
                    first += lanes
        by_weights(net, log, gradients, position, n + position * ground.n_in)
    if plan.mean:
        for k in range(n):
            gradients[k] = gradients[k] / float(samples)


def moved(
    net: Net, ground: Ground, position: int, samples: int, move: int, l: int
) -> tuple[int, int]:
    """Return how much there is of a kind to be moved in layer l, and where its slopes belong."""
    layer, n = net.layers[l], net.n_parameters
    if move == ONE:
        return layer.size, n + position * ground.n_in + layer.in_at
    if move == LAYER:
        return 1 if layer.biases == 1 else 0, layer.b_at
    n_x = net.layers[0].size
    return n_x if l == 1 else 0, n + samples * ground.n_in + position * n_x


def block(
    net: Net, ground: Ground, plan: Plan, log: Numbers, position: int, move: int, l: int,
    first: int, lanes: int,
) -> None:  # fmt: skip
    """Write the slopes of E along `lanes` disturbances of layer l, from `first` on, in front.

    `tangents` holds a row of columns for each neuron of a layer: slopes of net inputs in its first
    half, of outputs in the second.
    """
    t, half = ground.tangents, len(ground.tangents) // 2
    slopes = position * ground.n_in
    low, high = 0, net.layers[l].size  # the neurons whose slopes may be other than 0
    if move == ONE:
        low, high = first, first + lanes
    begin(net, ground, log, move, l, first, lanes)
    for m in range(l, net.depth + 1):
        layer = net.layers[m]
        if m > l:
            sums(net, ground, log, m, lanes, low, high)
            low, high = 0, layer.size
        if m == net.depth and plan.fused:
            half = 0  # the slope of the loss is one by the net input
        elif layer.of_layer:
            jacobian(net, ground, log, position, m, lanes)
            low, high = 0, layer.size
        else:
            for k in range(low, high):
                slope, row = ground.slopes[slopes + layer.in_at + k], k * LANES
                for c in range(lanes):
                    t[half + row + c] = slope * t[row + c]
    n = net.layers[net.depth].size
    for c in range(lanes):
        total = -0.0
        for k in range(low, high):
            total += ground.top_slopes[position * n + k] * t[half + k * LANES + c]
        t[c] = total  # its own column: no other one reads it


def begin(
    net: Net, ground: Ground, log: Numbers, move: int, l: int, first: int, lanes: int
) -> None:
    """Write the slopes of the net inputs of layer l: 1 where one is moved, w where an x is."""
    layer, t = net.layers[l], ground.tangents
    for k in range(layer.size):
        row, w = k * LANES, layer.w_at + k * layer.sources + first
        for c in range(lanes):
            if move == INPUT:
                t[row + c] = log[w + c]
            else:
                t[row + c] = 1.0 if move == LAYER or k == first + c else 0.0


def sums(net: Net, ground: Ground, log: Numbers, m: int, lanes: int, low: int, high: int) -> None:
    """Σ_i w[m,k,i] · slope of out[m−1,i], i ascending, over the neurons from `low` to `high`."""
    layer, t, half = net.layers[m], ground.tangents, len(ground.tangents) // 2
    for k in range(layer.size):
        to, row = k * LANES, layer.w_at + k * layer.sources
        for c in range(lanes):
            t[to + c] = -0.0
        for i in range(low, high):
            w, x = log[row + i], half + i * LANES
            for c in range(lanes):
                t[to + c] += w * t[x + c]


def jacobian(net: Net, ground: Ground, log: Numbers, position: int, m: int, lanes: int) -> None:
    """Carry slopes through an activation of a whole layer, whose slopes are those of the table."""
    layer, t, half = net.layers[m], ground.tangents, len(ground.tangents) // 2
    part = net.samples + position * net.sample_size
    slopes, a, n = position * ground.n_in + layer.in_at, part + layer.out_at, layer.size
    for k in range(n):
        to, a_k, own = half + k * LANES, log[a + k], ground.slopes[slopes + k]
        for c in range(lanes):
            t[to + c] = -0.0
        for i in range(n):
            slope = own if i == k else cross_slope(layer.of_layer, a_k, log[a + i])
            for c in range(lanes):
                t[to + c] += slope * t[i * LANES + c]


def by_weights(net: Net, log: Numbers, gradients: Numbers, position: int, at: int) -> None:
    """Add to the slopes by weights and biases those of a sample: that by z, which is at `at`, · x.

    A shared bias has been moved itself.
    """
    part = net.samples + position * net.sample_size
    for l in range(1, net.depth + 1):
        layer, x = net.layers[l], part + net.layers[l - 1].out_at
        row = layer.w_at
        for j in range(layer.size):
            slope = gradients[at + layer.in_at + j]
            for i in range(layer.sources):
                if not layer.masked or net.connected[row + i]:
                    gradients[row + i] += slope * log[x + i]
            if layer.biases > 1:
                gradients[layer.b_at + j] += slope
            row += layer.sources
