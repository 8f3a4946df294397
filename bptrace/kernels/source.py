"""Forward, backward, update: the loops of the textbook, on flat buffers.

One source for two engines: plain Python runs these functions as they stand, `compiled` compiles
them. Both give the same bits, and so does the formula tree of `maths.equations`: every sum starts
at −0.0 (because −0.0 + x is x for every x), runs over sources, targets, neurons or samples in
ascending order, takes the bias last, and leaves missing connections out.

`log` is the log of `address.Layout`: `record` is where the record of a step begins in it, `part`
where the part of a sample begins; all other offsets are in `cast.Net`. What a smaller batch, or a
run without a backward pass, does not calculate is left as it is (nan, from `cast.new_log`).

Not responsible for checks: `cast` has made what arrives here, and no index is looked at again.
Values are loaded into a name before an inner loop that stores: the compiler cannot know that the
store does not change them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bptrace.kernels.cast import BY_GRADIENT, LOCALLY, Net, Plan
from bptrace.kernels.dispatch import (
    act,
    act_layer,
    act_slope,
    cross_slope,
    fused_common,
    fused_loss,
    fused_slope,
    local_step,
    loss,
    loss_slope,
    remember_first,
    remember_second,
    scheduled,
    update,
)
from bptrace.kernels.tape import evaluate
from bptrace.maths.ieee import power
from bptrace.maths.rules import Constants
from bptrace.order import shuffle

if TYPE_CHECKING:
    from array import array

    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = array[float] | NDArray[np.float64]


WIDE = 4
"""Sources from which on four neurons are summed up at a time."""


def run_steps(net: Net, plan: Plan, log: Numbers, errors: Numbers) -> None:
    """Run all steps of `plan`; the first parameters stand at the beginning of `log`."""
    for s in range(plan.steps):
        begin(plan, s)
        run_step(net, plan, log, errors, s)


def begin(plan: Plan, s: int) -> None:
    """Put the samples into the order of the epoch, if it has one of its own.

    Not in `run_step`: the compiler would put the shuffling in the midst of it (5 % on 2-2-2).
    """
    done = plan.start + s
    if plan.shuffled and (s == 0 or done % plan.batches == 0):
        shuffle(plan.order, done // plan.batches)


def run_step(net: Net, plan: Plan, log: Numbers, errors: Numbers, s: int) -> None:
    """Run the step after ``plan.start + s`` others: all samples of its batch, then the update.

    The record begins at ``s * plan.stride``, the parameters after the step at the beginning of the
    next record; E of the batch goes to ``errors[s]``.
    """
    done = plan.start + s
    first = done % plan.batches * plan.batch
    count = min(plan.batch, plan.per_epoch - first)
    record = s * plan.stride
    for position in range(count):
        part = record + net.samples + position * net.sample_size
        sample = plan.order[first + position]
        load_inputs(net, plan, log, part, sample)
        forward(net, log, record, part)
        if plan.measures:
            total_error(net, plan, log, part, sample)
        if plan.backward:
            backward(net, plan, log, record, sample, position)
        if plan.learns == LOCALLY:
            local_steps(net, plan, log, record, sample, position, learning_rate(plan, done + 1))
    if plan.measures:
        errors[s] = batch_error(net, plan, log, record, count)
    if plan.backward or plan.learns == LOCALLY:
        mean_gradients(net, plan, log, record, count)
    if plan.learns == BY_GRADIENT:
        update_by_gradient(net, plan, log, record, done + 1)
    elif plan.learns == LOCALLY:
        update_locally(net, plan, log, record)
    else:
        same_parameters(net, plan, log, record)


def forward(net: Net, log: Numbers, record: int, part: int) -> None:
    """Calculate in and out of every neuron, layer by layer."""
    for l in range(1, net.depth + 1):
        weighted_sums(net, log, record, part, l)
        outputs(net, log, part, l)


def backward(net: Net, plan: Plan, log: Numbers, record: int, sample: int, position: int) -> None:
    """Calculate δ and the gradients, from the last layer to the first."""
    part = record + net.samples + position * net.sample_size
    output_deltas(net, plan, log, part, sample)
    for l in range(net.depth, 0, -1):
        weight_gradients(net, log, record, part, l, position)
        bias_gradients(net, log, record, part, l, position)
        if l > 1:
            path_sums(net, log, record, part, l)
            deltas(net, log, part, l - 1)


# Forward


def load_inputs(net: Net, plan: Plan, log: Numbers, part: int, sample: int) -> None:
    """out[0,i] = x_i."""
    layer = net.layers[0]
    n, out = layer.size, part + layer.out_at
    x = sample * n
    for i in range(n):
        log[out + i] = plan.x[x + i]


def weighted_sums(net: Net, log: Numbers, record: int, part: int, l: int) -> None:
    """in[l,j] = Σ_i w[l,j,i]·out[l−1,i] + b[l,j], i ascending, the bias last."""
    layer = net.layers[l]
    m, biases, masked, flag = layer.sources, layer.biases, layer.masked, layer.w_at
    w, b = record + flag, record + layer.b_at
    z, x = part + layer.in_at, part + net.layers[l - 1].out_at
    fours = 0
    if m >= WIDE and not masked:
        fours = layer.size - layer.size % 4
        four_sums(log, w, x, z, m, fours)
    for j in range(layer.size):
        total = log[z + j]
        if j >= fours:
            total = -0.0
            for i in range(m):
                if not masked or net.connected[flag + i]:
                    total += log[w + i] * log[x + i]
        if biases == 1:
            total += log[b]
        elif biases:
            total += log[b + j]
        log[z + j] = total
        flag, w = flag + m, w + m


def four_sums(log: Numbers, w: int, x: int, z: int, m: int, n: int) -> None:
    """Write Σ_i w[j,i]·x_i, i ascending, for `n` neurons (a multiple of four) to `z`.

    Four at a time: a sum in strict order waits four cycles for each of its additions, in which
    three other sums can go on (784-30-10: 31 µs a step one by one, 20 so).
    """
    for j in range(0, n, 4):
        a = b = c = d = -0.0
        w_b, w_c, w_d = w + m, w + m + m, w + m + m + m
        for i in range(m):
            x_i = log[x + i]
            a += log[w + i] * x_i
            b += log[w_b + i] * x_i
            c += log[w_c + i] * x_i
            d += log[w_d + i] * x_i
        log[z + j], log[z + j + 1], log[z + j + 2], log[z + j + 3] = a, b, c, d
        w = w_d + m


def outputs(net: Net, log: Numbers, part: int, l: int) -> None:
    """out[l,j] = f(in[l,j]), or of all net inputs of the layer."""
    layer = net.layers[l]
    z, a = part + layer.in_at, part + layer.out_at
    if layer.of_layer:
        act_layer(layer.of_layer, log, z, a, layer.size)
    elif layer.own_value:
        for j in range(layer.size):
            log[a + j] = evaluate(net, layer.own_value, log[z + j], 0.0)
    else:
        for j in range(layer.size):
            log[a + j] = act(layer.activation, log[z + j], layer.option)


def total_error(net: Net, plan: Plan, log: Numbers, part: int, sample: int) -> None:
    """E = Σ_k E_k, k ascending."""
    layer = net.layers[net.depth]
    n, z, a = layer.size, part + layer.in_at, part + layer.out_at
    t, total = sample * n, -0.0
    if plan.fused:
        common = fused_common(plan.fused, log, z, n)
        for k in range(n):
            total += fused_loss(plan.fused, plan.t[t + k], log[z + k], common)
    else:
        for k in range(n):
            total += loss(plan.loss, plan.t[t + k], log[a + k], float(n))
    log[part + net.error_at] = total


# Backward


def output_deltas(net: Net, plan: Plan, log: Numbers, part: int, sample: int) -> None:
    """δ in the last layer: ∂E/∂out times slopes, or what is left of it where these cancel."""
    layer = net.layers[net.depth]
    n, a, delta = layer.size, part + layer.out_at, part + layer.delta_at
    t = sample * n
    if plan.fused:
        total = -0.0
        for k in range(n):
            total += plan.t[t + k]
        for k in range(n):
            log[delta + k] = fused_slope(plan.fused, plan.t[t + k], log[a + k], total)
    else:
        for k in range(n):
            log[delta + k] = loss_slope(plan.loss, plan.t[t + k], log[a + k], float(n))
        deltas(net, log, part, net.depth)


def path_sums(net: Net, log: Numbers, record: int, part: int, l: int) -> None:
    """∂E/∂out[l−1,i] = Σ_j δ[l,j]·w[l,j,i], j ascending; it stands where δ[l−1,i] will be.

    Row by row, as the weights lie in memory; each sum still takes its terms in the order of j.
    """
    layer = net.layers[l]
    m, masked, flag = layer.sources, layer.masked, layer.w_at
    w, above, total = record + flag, part + layer.delta_at, part + net.layers[l - 1].delta_at
    for i in range(m):
        log[total + i] = -0.0
    for j in range(layer.size):
        delta = log[above + j]
        for i in range(m):
            if not masked or net.connected[flag + i]:
                log[total + i] += delta * log[w + i]
        flag, w = flag + m, w + m


def deltas(net: Net, log: Numbers, part: int, l: int) -> None:
    """δ[l,i] = ∂E/∂out[l,i] · ∂out[l,i]/∂in[l,i], where ∂E/∂out[l,i] stands."""
    layer = net.layers[l]
    z, a, delta = part + layer.in_at, part + layer.out_at, part + layer.delta_at
    if layer.of_layer:
        layer_deltas(net, log, part, l)
    elif layer.own_value:
        for i in range(layer.size):
            slope = evaluate(net, layer.own_slope, log[z + i], log[a + i])
            log[delta + i] = log[delta + i] * slope
    else:
        for i in range(layer.size):
            slope = act_slope(layer.activation, log[z + i], log[a + i], layer.option)
            log[delta + i] = log[delta + i] * slope


def layer_deltas(net: Net, log: Numbers, part: int, l: int) -> None:
    """δ[l,k] = Σ_j ∂E/∂out[l,j] · ∂out[l,j]/∂in[l,k], j ascending."""
    layer = net.layers[l]
    n, z, a, delta = layer.size, part + layer.in_at, part + layer.out_at, part + layer.delta_at
    for j in range(n):
        net.scratch[j] = log[delta + j]
    for k in range(n):
        total, a_k = -0.0, log[a + k]
        own = act_slope(layer.activation, log[z + k], a_k, layer.option)
        for j in range(n):
            slope = own if j == k else cross_slope(layer.of_layer, log[a + j], a_k)
            total += net.scratch[j] * slope
        log[delta + k] = total


def weight_gradients(net: Net, log: Numbers, record: int, part: int, l: int, position: int) -> None:
    """∂E/∂w[l,j,i] = δ[l,j]·out[l−1,i], 0 without a connection, added up over the batch."""
    layer = net.layers[l]
    m, masked, flag, above = layer.sources, layer.masked, layer.w_at, part + layer.delta_at
    g, x = record + net.gradients + flag, part + net.layers[l - 1].out_at
    for j in range(layer.size):
        delta = log[above + j]
        for i in range(m):
            if not masked or net.connected[flag + i]:
                before = log[g + i] if position else -0.0
                log[g + i] = before + delta * log[x + i]
            else:
                log[g + i] = 0.0
        flag, g = flag + m, g + m


def bias_gradients(net: Net, log: Numbers, record: int, part: int, l: int, position: int) -> None:
    """∂E/∂b[l,j] = δ[l,j], or Σ_j δ[l,j] for a shared bias, added up over the batch."""
    layer = net.layers[l]
    g, delta = record + net.gradients + layer.b_at, part + layer.delta_at
    if layer.biases == 1:
        total = -0.0
        for j in range(layer.size):
            total += log[delta + j]
        log[g] = (log[g] if position else -0.0) + total
    elif layer.biases:
        for j in range(layer.size):
            log[g + j] = (log[g + j] if position else -0.0) + log[delta + j]


# The batch


def batch_error(net: Net, plan: Plan, log: Numbers, record: int, count: int) -> float:
    """Return E of the batch: the sum over its samples, or their mean."""
    error, total = record + net.samples + net.error_at, -0.0
    for position in range(count):
        total += log[error + position * net.sample_size]
    return total / float(count) if plan.mean else total


def mean_gradients(net: Net, plan: Plan, log: Numbers, record: int, count: int) -> None:
    """Divide gradients, or a local rule's steps, by the number of samples, where `plan` says so."""
    g = record + net.gradients
    if plan.mean and count > 1:
        for k in range(net.n_parameters):
            log[g + k] = log[g + k] / float(count)


# The update


def same_parameters(net: Net, plan: Plan, log: Numbers, record: int) -> None:
    """Carry parameters, and what the rule remembers, into the next record as they are."""
    after = record + plan.stride
    for k in range(net.n_parameters * (1 + net.memories)):
        log[after + k] = log[record + k]


def learning_rate(plan: Plan, number: int) -> float:
    """η of the update `number`, from 1."""
    n = len(plan.rates)
    if n:
        k = 0
        while k + 1 < n and plan.rate_from[k + 1] <= number:
            k += 1
        return plan.rates[k]
    done = float((number - 1) // plan.rate_counts)
    return scheduled(plan.schedule, plan.eta, done, plan.rate_a, plan.rate_b)


def constants_of(plan: Plan, number: int) -> Constants:
    """The rule's constants at the update `number`, from 1."""
    c = plan.constants
    fill_first = fill_second = 1.0
    if plan.corrects:
        fill_first = 1.0 - power(c.keep_first, float(number))
        fill_second = 1.0 - power(c.keep_second, float(number))
    return Constants(
        c.keep_first, c.keep_second, c.epsilon, c.weight_decay, fill_first, fill_second
    )


def update_by_gradient(net: Net, plan: Plan, log: Numbers, record: int, number: int) -> None:
    """p⁺ = rule(p, ∂E/∂p, η, what is remembered of p) into the next record; p if not trained."""
    after, g = record + plan.stride, record + net.gradients
    n, memories = net.n_parameters, net.memories
    eta, c = learning_rate(plan, number), constants_of(plan, number)
    if memories == 0 and c.weight_decay == 0.0:
        update_without_memory(net, plan, log, record, eta, c)
        return
    for k in range(n):
        p, gradient = log[record + k], log[g + k]
        first = second = 0.0
        if net.trained[k]:
            if c.weight_decay != 0.0 and k < net.n_w:
                if plan.decoupled:
                    p = p - eta * c.weight_decay * p
                else:
                    gradient = gradient + c.weight_decay * p
            if memories > 0:
                first = remember_first(plan.rule.first, log[record + n + k], gradient, eta, c)
            if memories > 1:
                old = log[record + n + n + k]
                second = remember_second(plan.rule.second, old, gradient, eta, c)
            p = update(plan.rule.update, p, gradient, eta, first, second, c)
        log[after + k] = p
        if memories > 0:
            log[after + n + k] = first
        if memories > 1:
            log[after + n + n + k] = second


def update_without_memory(
    net: Net, plan: Plan, log: Numbers, record: int, eta: float, c: Constants
) -> None:
    """p⁺ = rule(p, ∂E/∂p, η): a loop so short that the compiler chooses the rule outside of it."""
    after, g, code = record + plan.stride, record + net.gradients, plan.rule.update
    for k in range(net.n_parameters):
        p = log[record + k]
        if net.trained[k]:
            p = update(code, p, log[g + k], eta, 0.0, 0.0, c)
        log[after + k] = p


def local_steps(
    net: Net, plan: Plan, log: Numbers, record: int, sample: int, position: int, eta: float
) -> None:
    """Add what the sample adds to each weight and bias by a local rule to the sum over the batch.

    It stands where gradients stand otherwise. A layer without targets has t = 0; it is trained only
    by rules that do not look at t.
    """
    part = record + net.samples + position * net.sample_size
    for l in range(plan.first_taught, net.depth + 1):
        layer = net.layers[l]
        m, y = layer.sources, part + layer.out_at
        x, g = part + net.layers[l - 1].out_at, record + net.gradients + layer.w_at
        b = record + net.gradients + layer.b_at
        has_targets = l == net.depth and len(plan.t) > 0
        target = sample * layer.size
        if layer.biases == 1 and not position:
            log[b] = -0.0
        for j in range(layer.size):
            t = plan.t[target + j] if has_targets else 0.0
            out = log[y + j]
            for i in range(m):
                before = log[g + i] if position else -0.0
                log[g + i] = before + local_step(plan.rule.local, eta, log[x + i], t, out)
            g = g + m
            if layer.biases == 1:
                log[b] = log[b] + local_step(plan.rule.local, eta, 1.0, t, out)
            elif layer.biases:
                before = log[b + j] if position else -0.0
                log[b + j] = before + local_step(plan.rule.local, eta, 1.0, t, out)


def update_locally(net: Net, plan: Plan, log: Numbers, record: int) -> None:
    """p⁺ = p + Δp into the next record; p if it is not trained."""
    after, g = record + plan.stride, record + net.gradients
    for k in range(net.n_parameters):
        p = log[record + k]
        log[after + k] = p + log[g + k] if net.trained[k] else p
