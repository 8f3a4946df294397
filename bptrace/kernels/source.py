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
    scheduled,
    update_one,
    update_plain,
    update_two,
)
from bptrace.kernels.tape import evaluate
from bptrace.maths.ieee import power
from bptrace.maths.rules import Constants
from bptrace.order import shuffle

if TYPE_CHECKING:
    from array import array

    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = array[float] | memoryview[float] | NDArray[np.float64]


WIDE = 4
"""Sources from which on several neurons are summed up at a time."""


def run_steps(net: Net, plan: Plan, log: Numbers, errors: Numbers) -> None:
    """Run all steps of `plan`; the first parameters stand at the beginning of `log`.

    The record of step s begins at ``s * plan.stride``, the parameters after it at the beginning of
    the next record; E of the batch goes to ``errors[s]``.
    """
    for s in range(plan.steps):
        done, record = plan.start + s, s * plan.stride
        first, count = begin(plan, done, s == 0)
        eta = learning_rate(plan, done + 1)
        for position in range(count):
            part = record + net.samples + position * net.sample_size
            sample = plan.order[first + position]
            load_inputs(net, plan, log, part, sample)
            forward(net, log, record, part)
            if plan.measures:
                total_error(net, plan, log, part, sample)
            if plan.backward:
                backward(net, plan, log, record, sample, position, eta)
            elif plan.learns == LOCALLY:
                local_steps(net, plan, log, record, sample, position, eta)
        if plan.measures:
            errors[s] = batch_error(net, plan, log, record, count)
        if plan.backward or plan.learns == LOCALLY:
            mean_gradients(net, plan, log, record, count)
        if plan.learns == BY_GRADIENT:
            update_by_gradient(net, plan, log, record, done + 1, eta)
        elif plan.learns == LOCALLY:
            update_locally(net, plan, log, record)
        else:
            same_parameters(net, plan, log, record)


def begin(plan: Plan, done: int, is_first: bool) -> tuple[int, int]:
    """Return the first place in `plan.order` of the step after `done` others, and how many samples.

    Where each epoch has an order of its own, it is made here.
    """
    if plan.shuffled and (is_first or done % plan.batches == 0):
        shuffle(plan.order, done // plan.batches)
    first = done % plan.batches * plan.batch
    return first, min(plan.batch, plan.per_epoch - first)


def forward(net: Net, log: Numbers, record: int, part: int) -> None:
    """Calculate in and out of every neuron, layer by layer."""
    for l in range(1, net.depth + 1):
        weighted_sums(net, log, record, part, l)
        outputs(net, log, part, l)


def backward(
    net: Net, plan: Plan, log: Numbers, record: int, sample: int, position: int, eta: float
) -> None:
    """Calculate δ and the gradients, from the last layer to the first.

    Where nobody sees the gradients of the weights (`Plan.first_updated`) the weights are changed at
    once, behind the last look at them.
    """
    part = record + net.samples + position * net.sample_size
    output_slopes(net, plan, log, part, sample)
    for l in range(net.depth, 0, -1):
        if l < net.depth or not plan.fused:
            deltas(net, log, part, l)
        bias_gradients(net, log, record, part, l, position)
        if l > 1:
            path_sums(net, log, record, part, l)
        if plan.first_updated:
            descend(net, plan, log, record, part, l, eta)
        else:
            weight_gradients(net, log, record, part, l, position)


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
    at_once = 0
    if layer.column:
        column_sums(net.scratch, layer.column, log, w, x, m)
        at_once = layer.size
        for j in range(layer.size):
            log[z + j] = net.scratch[j]
    elif m >= WIDE and not masked:
        at_once = layer.size if layer.size >= 8 else layer.size - layer.size % 4
        if layer.size >= 8:
            eight_sums(log, w, x, z, m, layer.size)
        else:
            four_sums(log, w, x, z, m, at_once)
    for j in range(layer.size):
        total = log[z + j]
        if j >= at_once:
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


def eight_sums(log: Numbers, w: int, x: int, z: int, m: int, n: int) -> None:
    """Write Σ_i w[j,i]·x_i, i ascending, for `n` neurons (at least 8) to `z`.

    Eight at a time: a sum in strict order waits three or four cycles for each of its additions, in
    which others can go on. The last eight may overlap with those before: what is calculated twice
    is the same twice. (Places are sums of places: a product with 8 would have a sign for the
    compiler, and with it every index a look at whether it counts from the end.)
    """
    eight_rows = m + m + m + m
    eight_rows = eight_rows + eight_rows
    last = w + n * m - eight_rows
    for group in range(0, n, 8):
        j = group
        if w > last:
            w, j = last, n - 8
        w_b = w + m
        w_c = w_b + m
        w_d = w_c + m
        w_e = w_d + m
        w_f = w_e + m
        w_g = w_f + m
        w_h = w_g + m
        a = b = c = d = e = f = g = h = -0.0
        for i in range(m):
            x_i = log[x + i]
            a += log[w + i] * x_i
            b += log[w_b + i] * x_i
            c += log[w_c + i] * x_i
            d += log[w_d + i] * x_i
            e += log[w_e + i] * x_i
            f += log[w_f + i] * x_i
            g += log[w_g + i] * x_i
            h += log[w_h + i] * x_i
        to = z + j
        log[to], log[to + 1], log[to + 2], log[to + 3] = a, b, c, d
        log[to + 4], log[to + 5], log[to + 6], log[to + 7] = e, f, g, h
        w = w_h + m


def column_sums(total: Numbers, n: int, log: Numbers, w: int, x: int, m: int) -> None:
    """Write Σ_i w[j,i]·x_i, i ascending, for `n` neurons to `total`; weights in columns.

    Compiled from `lanes` instead.
    """
    for j in range(n):
        total[j] = -0.0
    for i in range(m):
        x_i = log[x + i]
        for j in range(n):
            total[j] += log[w + j] * x_i
        w = w + n


def four_sums(log: Numbers, w: int, x: int, z: int, m: int, n: int) -> None:
    """Do what `eight_sums` does, four neurons at a time, for a multiple of four."""
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


def output_slopes(net: Net, plan: Plan, log: Numbers, part: int, sample: int) -> None:
    """∂E/∂out of the last layer, or δ if the loss undoes the activation, where δ will be."""
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
    if layer.column:
        column_gradients(net, log, record, part, position)
        return
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


def descend(net: Net, plan: Plan, log: Numbers, record: int, part: int, l: int, eta: float) -> None:
    """w[l,j,i]⁺ = rule(w[l,j,i], δ[l,j]·out[l−1,i], η): gradient and update in one."""
    layer = net.layers[l]
    if layer.column:
        descend_columns(net, plan, log, record, part, eta)
        return
    m, above, code, c = layer.sources, part + layer.delta_at, plan.rule, plan.constants
    w, x = record + layer.w_at, part + net.layers[l - 1].out_at
    for j in range(layer.size):
        delta = log[above + j]
        for i in range(m):
            log[w + i] = update_plain(code, log[w + i], delta * log[x + i], eta, c)
        w = w + m


def descend_columns(net: Net, plan: Plan, log: Numbers, record: int, part: int, eta: float) -> None:
    """What `descend` does, in the first layer with its weights in columns."""
    layer, code, c = net.layers[1], plan.rule, plan.constants
    n, w, x = layer.column, record + layer.w_at, part + net.layers[0].out_at
    load_deltas(net, log, part)
    delta = net.scratch
    for i in range(layer.sources):
        x_i = log[x + i]
        for j in range(n):
            log[w + j] = update_plain(code, log[w + j], delta[j] * x_i, eta, c)
        w = w + n


def column_gradients(net: Net, log: Numbers, record: int, part: int, position: int) -> None:
    """What `weight_gradients` does, in the first layer with its weights in columns."""
    layer = net.layers[1]
    n, x, g = layer.column, part + net.layers[0].out_at, record + net.gradients + layer.w_at
    load_deltas(net, log, part)
    delta = net.scratch
    if not position:
        begin_sums(log, g, n * layer.sources)
    for i in range(layer.sources):
        x_i = log[x + i]
        for j in range(n):
            log[g + j] += delta[j] * x_i
        g = g + n


def begin_sums(log: Numbers, first: int, n: int) -> None:
    """Set `n` numbers to −0.0: what is added to it stays what it is."""
    for k in range(n):
        log[first + k] = -0.0


def load_deltas(net: Net, log: Numbers, part: int) -> None:
    """Fill `Net.scratch` with δ of the first layer, and with zeros up to the end of a column."""
    layer = net.layers[1]
    above = part + layer.delta_at
    for j in range(layer.column):
        net.scratch[j] = log[above + j] if j < layer.size else 0.0


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
    for k in range(net.n_parameters + net.n_parameters * net.memories):
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


def update_by_gradient(
    net: Net, plan: Plan, log: Numbers, record: int, number: int, eta: float
) -> None:
    """p⁺ = rule(p, ∂E/∂p, η, what is remembered of p) into the next record; p if not trained.

    One loop for each number of memories, so short that the rule is chosen outside of it, and in
    place: where it cannot be known whether old and new numbers overlap, the compiler's loops for
    many numbers at a time run only if they do not. Without a memory both cases have a loop.
    """
    after, g = record + plan.stride, record + net.gradients
    c = constants_of(plan, number)
    if net.memories == 0 and plan.stride:
        update_without_memory(net, plan, log, record, after, g, eta, c)
        return
    if plan.stride:
        same_parameters(net, plan, log, record)
    if net.memories == 0:
        update_without_memory(net, plan, log, after, after, g, eta, c)
    elif net.memories == 1:
        update_with_one_memory(net, plan, log, after, g, eta, c)
    else:
        update_with_two_memories(net, plan, log, after, g, eta, c)


def update_without_memory(
    net: Net, plan: Plan, log: Numbers, record: int, after: int, g: int, eta: float, c: Constants
) -> None:
    """p⁺ = rule(p, ∂E/∂p, η) from `record` to `after`, with the gradients at `g`."""
    code, shrink = plan.rule, eta * c.weight_decay
    for k in range(plan.first_updated, net.n_parameters):
        old, gradient = log[record + k], log[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new = update_plain(code, p, gradient, eta, c)
        log[after + k] = new if net.trained[k] else old


def update_with_one_memory(
    net: Net, plan: Plan, log: Numbers, after: int, g: int, eta: float, c: Constants
) -> None:
    """The same in place, for rules that remember one number of each parameter; 0 if not trained."""
    code, shrink, first = plan.rule, eta * c.weight_decay, after + net.n_parameters
    for k in range(net.n_parameters):
        old, gradient = log[after + k], log[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new, memory = update_one(code, p, gradient, eta, log[first + k], c)
        log[after + k] = new if net.trained[k] else old
        log[first + k] = memory if net.trained[k] else 0.0


def update_with_two_memories(
    net: Net, plan: Plan, log: Numbers, after: int, g: int, eta: float, c: Constants
) -> None:
    """The same in place, for rules that remember two."""
    code, shrink, first = plan.rule, eta * c.weight_decay, after + net.n_parameters
    second = first + net.n_parameters
    for k in range(net.n_parameters):
        old, gradient = log[after + k], log[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new, memory, other = update_two(code, p, gradient, eta, log[first + k], log[second + k], c)
        log[after + k] = new if net.trained[k] else old
        log[first + k] = memory if net.trained[k] else 0.0
        log[second + k] = other if net.trained[k] else 0.0


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
        each = 0 if layer.biases == 1 else 1
        if not position:
            begin_sums(log, g, m * layer.size)
            begin_sums(log, b, layer.biases)
        for j in range(layer.size):
            t = plan.t[target + j] if has_targets else 0.0
            out = log[y + j]
            for i in range(m):
                log[g + i] += local_step(plan.rule, eta, log[x + i], t, out)
            g = g + m
            if layer.biases:
                log[b + each * j] += local_step(plan.rule, eta, 1.0, t, out)


def update_locally(net: Net, plan: Plan, log: Numbers, record: int) -> None:
    """p⁺ = p + Δp into the next record; p if it is not trained."""
    after, g = record + plan.stride, record + net.gradients
    for k in range(net.n_parameters):
        p = log[record + k]
        log[after + k] = p + log[g + k] if net.trained[k] else p
