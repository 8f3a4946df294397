"""Forward, backward, update: the loops of the textbook, on flat buffers.

One source for two engines: plain Python runs these functions as they stand, `compiled` compiles
them. Both give the same bits, and so does the formula tree of `maths.equations`: every sum starts
at −0.0 (because −0.0 + x is x for every x), runs over sources, targets, neurons or samples in
ascending order, takes the bias last, and leaves missing connections out.

All is calculated in one record of `address.Layout`, which stays in the processor's caches; where a
log is wanted, a copy of it goes there when its step is done, before the update. A layer is done
with all samples of the batch before the next one. `part` is where the part of a sample begins; all
other offsets are in `cast.Net`. What a smaller batch, or a run without a backward pass, does not
calculate is nan.

Sums over whole matrices are in `bulk`, for which there is vector code (`lanes`).

Not responsible for checks: `cast` has made what arrives here, and no index is looked at again.
Values are loaded into a name before an inner loop that stores: the compiler cannot know that the
store does not change them.
"""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, TypeAlias

from bptrace.kernels.bulk import (
    Matrix,
    column_sums,
    copy_numbers,
    copy_products,
    descend_columns,
    descend_products,
    neuron_sums,
    product_sums,
)
from bptrace.kernels.cast import BY_GRADIENT, GATHERED, LOCALLY, MANY, Net, Plan
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


def run_steps(net: Net, plan: Plan, record: Numbers, log: Numbers, errors: Numbers) -> None:
    """Run all steps of `plan` in `record`, which begins with what is carried on from before.

    The record of step s goes to ``log[s * plan.stride :]``, what is carried on from the last one
    behind it, and E of the batch to ``errors[s]``.
    """
    eta, carried = 0.0, net.n_parameters + net.n_parameters * net.memories
    if plan.inside:
        copy_numbers(record, 0, log, 0, carried)
        record = log
    if plan.turned:
        into_columns(net, plan, record)
    for s in range(plan.steps):
        done = plan.start + s
        first, count = begin(plan, done, s == 0)
        if plan.turned:
            sums_of_columns(net, plan, record, plan.order[first], s > 0, eta)
        eta = learning_rate(plan, done + 1)
        load_inputs(net, plan, record, first, count)
        forward(net, plan, record, count)
        if plan.measures:
            errors[s] = batch_error(net, plan, record, first, count)
        if plan.backward:
            backward(net, plan, record, first, count, eta)
        elif plan.learns == LOCALLY:
            local_steps(net, plan, record, first, count, eta)
        if plan.backward or plan.learns == LOCALLY:
            mean_gradients(net, plan, record, count)
        if plan.streamed:
            stream(net, plan, record, log, s * plan.stride)
            for l in range(1, net.depth + 1):
                descend(net, plan, record, count, l, eta)
        elif plan.inside:
            copy_numbers(record, 0, record, plan.stride, carried)
        elif plan.stride:
            copy_numbers(record, 0, log, s * plan.stride, plan.stride)
        if plan.learns == BY_GRADIENT:
            update_by_gradient(net, plan, record, done + 1, eta)
        elif plan.learns == LOCALLY:
            update_locally(net, plan, record)
        if plan.inside:
            record = record[plan.stride :]  # no copy, where `Plan.inside` is set
    if plan.turned:
        out_of_columns(net, plan, record)
        descend(net, plan, record, plan.batch, 1, eta)
    if plan.stride and not plan.inside:
        copy_numbers(record, 0, log, plan.steps * plan.stride, carried)


def stream(net: Net, plan: Plan, record: Numbers, log: Numbers, at: int) -> None:
    """Copy the record of a step with one sample to the log.

    Its gradients of weights are nowhere else: a product takes less time than what it is made of
    takes to be written, and read again.
    """
    copy_numbers(record, 0, log, at, net.gradients)
    for l in range(1, net.depth + 1):
        layer = net.layers[l]
        delta, x = net.samples + layer.delta_at, net.samples + net.layers[l - 1].out_at
        to = at + net.gradients + layer.w_at
        copy_products(record, delta, layer.size, x, layer.sources, log, to)
    rest = net.gradients + net.n_w
    copy_numbers(record, rest, log, at + rest, plan.stride - rest)


def begin(plan: Plan, done: int, is_first: bool) -> tuple[int, int]:
    """Return the first place in `plan.order` of the step after `done` others, and how many samples.

    Where each epoch has an order of its own, it is made here.
    """
    if plan.shuffled and (is_first or done % plan.batches == 0):
        shuffle(plan.order, done // plan.batches)
    first = done % plan.batches * plan.batch
    return first, min(plan.batch, plan.per_epoch - first)


def forward(net: Net, plan: Plan, record: Numbers, count: int) -> None:
    """Calculate in and out of every neuron, layer by layer."""
    for l in range(1, net.depth + 1):
        weighted_sums(net, plan, record, count, l)
        outputs(net, record, count, l)


def backward(net: Net, plan: Plan, record: Numbers, first: int, count: int, eta: float) -> None:
    """Calculate δ and the gradients, from the last layer to the first.

    Where nobody sees the gradients of the weights (`Plan.first_updated`) the weights are changed at
    once, behind the last look at them.
    """
    output_slopes(net, plan, record, first, count)
    for l in range(net.depth, 0, -1):
        if l < net.depth or not plan.fused:
            deltas(net, record, count, l)
        bias_gradients(net, record, count, l)
        if l > 1:
            path_sums(net, record, count, l)
        if not plan.first_updated:
            weight_gradients(net, record, count, l)
        elif l > plan.turned and not plan.streamed:
            descend(net, plan, record, count, l, eta)


# Forward


def load_inputs(net: Net, plan: Plan, record: Numbers, first: int, count: int) -> None:
    """out[0,i] = x_i of each sample; nan throughout the parts that a smaller batch leaves empty."""
    layer, part = net.layers[0], net.samples
    n = layer.size
    for position in range(count):
        x, out = plan.order[first + position] * n, part + layer.out_at
        for i in range(n):
            record[out + i] = plan.x[x + i]
        part = part + net.sample_size
    for _ in range(count, plan.batch):
        for k in range(net.sample_size):
            record[part + k] = nan
        part = part + net.sample_size


def weighted_sums(net: Net, plan: Plan, record: Numbers, count: int, l: int) -> None:
    """in[l,j] = Σ_i w[l,j,i]·out[l−1,i] + b[l,j], i ascending, the bias last."""
    layer = net.layers[l]
    m, biases, masked, wide = layer.sources, layer.biases, layer.masked, layer.wide
    z, x = net.samples + layer.in_at, net.samples + net.layers[l - 1].out_at
    summed = wide and l > plan.turned
    if summed and m >= MANY:
        neuron_sums(record, layer.w_at, m, layer.size, x, z, count, net.sample_size)
    few = summed and m < MANY
    for _ in range(count):
        w, b = layer.w_at, layer.b_at
        if few:
            eight_sums(record, w, x, z, m, layer.size)
        for j in range(layer.size):
            total = record[z + j]
            if not wide:
                total = -0.0
                for i in range(m):
                    if not masked or net.connected[w + i]:
                        total += record[w + i] * record[x + i]
            if biases == 1:
                total += record[b]
            elif biases:
                total += record[b + j]
            record[z + j] = total
            w = w + m
        z, x = z + net.sample_size, x + net.sample_size


def eight_sums(record: Numbers, w: int, x: int, z: int, m: int, n: int) -> None:
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
            x_i = record[x + i]
            a += record[w + i] * x_i
            b += record[w_b + i] * x_i
            c += record[w_c + i] * x_i
            d += record[w_d + i] * x_i
            e += record[w_e + i] * x_i
            f += record[w_f + i] * x_i
            g += record[w_g + i] * x_i
            h += record[w_h + i] * x_i
        to = z + j
        record[to], record[to + 1], record[to + 2], record[to + 3] = a, b, c, d
        record[to + 4], record[to + 5], record[to + 6], record[to + 7] = e, f, g, h
        w = w_h + m


def outputs(net: Net, record: Numbers, count: int, l: int) -> None:
    """out[l,j] = f(in[l,j]), or of all net inputs of the layer."""
    layer = net.layers[l]
    z, a = net.samples + layer.in_at, net.samples + layer.out_at
    if layer.of_layer or layer.own_value:
        for _ in range(count):
            if layer.of_layer:
                act_layer(layer.of_layer, record, z, a, layer.size)
            else:
                for j in range(layer.size):
                    record[a + j] = evaluate(net, layer.own_value, record[z + j], 0.0)
            z, a = z + net.sample_size, a + net.sample_size
        return
    # In one row, each sample up to the end of a line: nothing is left over to be done one by one.
    gathered, part = count > 1 or layer.size >= GATHERED, net.sample_size
    at, apart, n = a, part, layer.size
    if gathered:
        at, apart, n = net.room, layer.column, count * layer.column
    copy_rows(record, z, part, at, apart, count, layer.size)
    code, option = layer.activation, layer.option
    for k in range(n):
        record[at + k] = act(code, record[at + k], option)
    if gathered:
        copy_rows(record, at, apart, a, part, count, layer.size)


def copy_rows(
    record: Numbers, at: int, apart: int, to: int, to_apart: int, rows: int, n: int
) -> None:
    """Copy rows of `n` numbers, which are `apart`, to where they are `to_apart`."""
    for _ in range(rows):
        for k in range(n):
            record[to + k] = record[at + k]
        at, to = at + apart, to + to_apart


def batch_error(net: Net, plan: Plan, record: Numbers, first: int, count: int) -> float:
    """Return E of the batch: the sum over its samples, or their mean."""
    total, part = -0.0, net.samples
    for position in range(count):
        error = sample_error(net, plan, record, part, plan.order[first + position])
        record[part + net.error_at] = error
        total += error
        part = part + net.sample_size
    return total / float(count) if plan.mean else total


def sample_error(net: Net, plan: Plan, record: Numbers, part: int, sample: int) -> float:
    """E = Σ_k E_k, k ascending."""
    layer = net.layers[net.depth]
    n, z, a = layer.size, part + layer.in_at, part + layer.out_at
    t, total = sample * n, -0.0
    if plan.fused:
        common = fused_common(plan.fused, record, z, n)
        for k in range(n):
            total += fused_loss(plan.fused, plan.t[t + k], record[z + k], common)
    else:
        for k in range(n):
            total += loss(plan.loss, plan.t[t + k], record[a + k], float(n))
    return total


# Backward


def output_slopes(net: Net, plan: Plan, record: Numbers, first: int, count: int) -> None:
    """∂E/∂out of the last layer, or δ if the loss undoes the activation, where δ will be."""
    layer = net.layers[net.depth]
    n, a, delta = layer.size, net.samples + layer.out_at, net.samples + layer.delta_at
    for position in range(count):
        t = plan.order[first + position] * n
        if plan.fused:
            total = -0.0
            for k in range(n):
                total += plan.t[t + k]
            for k in range(n):
                record[delta + k] = fused_slope(plan.fused, plan.t[t + k], record[a + k], total)
        else:
            for k in range(n):
                record[delta + k] = loss_slope(plan.loss, plan.t[t + k], record[a + k], float(n))
        a, delta = a + net.sample_size, delta + net.sample_size


def path_sums(net: Net, record: Numbers, count: int, l: int) -> None:
    """∂E/∂out[l−1,i] = Σ_j δ[l,j]·w[l,j,i], j ascending; it stands where δ[l−1,i] will be.

    Row by row, as the weights lie in memory; each sum still takes its terms in the order of j.
    """
    layer, n_part = net.layers[l], net.sample_size
    m, masked = layer.sources, layer.masked
    above, total = net.samples + layer.delta_at, net.samples + net.layers[l - 1].delta_at
    if layer.wide:
        product_sums(
            record,
            Matrix(total, count, n_part, m, net.one),
            Matrix(above, count, n_part, layer.size, net.one),
            Matrix(layer.w_at, layer.size, m, m, net.one),
        )
        return
    for _ in range(count):
        w = layer.w_at
        for i in range(m):
            record[total + i] = -0.0
        for j in range(layer.size):
            delta = record[above + j]
            for i in range(m):
                if not masked or net.connected[w + i]:
                    record[total + i] += delta * record[w + i]
            w = w + m
        above, total = above + n_part, total + n_part


def deltas(net: Net, record: Numbers, count: int, l: int) -> None:
    """δ[l,i] = ∂E/∂out[l,i] · ∂out[l,i]/∂in[l,i], where ∂E/∂out[l,i] stands."""
    layer, part = net.layers[l], net.samples
    n, code, option = layer.size, layer.activation, layer.option
    for _ in range(count):
        z, a, delta = part + layer.in_at, part + layer.out_at, part + layer.delta_at
        if layer.of_layer:
            layer_deltas(net, record, part, l)
        elif layer.own_value:
            for i in range(n):
                slope = evaluate(net, layer.own_slope, record[z + i], record[a + i])
                record[delta + i] = record[delta + i] * slope
        else:
            for i in range(n):
                slope = act_slope(code, record[z + i], record[a + i], option)
                record[delta + i] = record[delta + i] * slope
        part = part + net.sample_size


def layer_deltas(net: Net, record: Numbers, part: int, l: int) -> None:
    """δ[l,k] = Σ_j ∂E/∂out[l,j] · ∂out[l,j]/∂in[l,k], j ascending."""
    layer = net.layers[l]
    n, z, a, delta = layer.size, part + layer.in_at, part + layer.out_at, part + layer.delta_at
    for j in range(n):
        net.scratch[j] = record[delta + j]
    for k in range(n):
        total, a_k = -0.0, record[a + k]
        own = act_slope(layer.activation, record[z + k], a_k, layer.option)
        for j in range(n):
            slope = own if j == k else cross_slope(layer.of_layer, record[a + j], a_k)
            total += net.scratch[j] * slope
        record[delta + k] = total


def weight_gradients(net: Net, record: Numbers, count: int, l: int) -> None:
    """∂E/∂w[l,j,i] = δ[l,j]·out[l−1,i], 0 without a connection, added up over the batch."""
    layer, n_part = net.layers[l], net.sample_size
    m, masked = layer.sources, layer.masked
    above, x = net.samples + layer.delta_at, net.samples + net.layers[l - 1].out_at
    if layer.wide:
        product_sums(
            record,
            Matrix(net.gradients + layer.w_at, layer.size, m, m, net.one),
            Matrix(above, layer.size, net.one, count, n_part),
            Matrix(x, count, n_part, m, net.one),
        )
        return
    for position in range(count):
        w = layer.w_at
        for j in range(layer.size):
            g, delta = net.gradients + w, record[above + j]
            for i in range(m):
                if not masked or net.connected[w + i]:
                    before = record[g + i] if position else -0.0
                    record[g + i] = before + delta * record[x + i]
                else:
                    record[g + i] = 0.0
            w = w + m
        above, x = above + n_part, x + n_part


def descend(net: Net, plan: Plan, record: Numbers, count: int, l: int, eta: float) -> None:
    """w[l,j,i]⁺ = rule(w[l,j,i], Σ δ[l,j]·out[l−1,i], η): the batch's gradient and its update."""
    layer, n_part = net.layers[l], net.sample_size
    m, above, code, c = layer.sources, net.samples + layer.delta_at, plan.rule, plan.constants
    w, x = layer.w_at, net.samples + net.layers[l - 1].out_at
    divisor = float(count) if plan.mean else 1.0
    if layer.wide:
        descend_products(
            record,
            Matrix(w, layer.size, m, m, net.one),
            Matrix(above, layer.size, net.one, count, n_part),
            Matrix(x, count, n_part, m, net.one),
            divisor,
            eta,
        )
        return
    for j in range(layer.size):
        for i in range(m):
            total, delta, source = -0.0, above + j, x + i
            for _ in range(count):
                total += record[delta] * record[source]
                delta, source = delta + n_part, source + n_part
            gradient = total / divisor if divisor > 1.0 else total
            record[w + i] = update_plain(code, record[w + i], gradient, eta, c)
        w = w + m


# The first layer's weights in columns, where its update waits for the next step


def into_columns(net: Net, plan: Plan, record: Numbers) -> None:
    """Write the weights of the first layer to `Plan.columns`: those of a source side by side."""
    layer, columns = net.layers[1], plan.columns
    w = layer.w_at
    for j in range(layer.size):
        to = j
        for i in range(layer.sources):
            columns[to] = record[w + i]
            to = to + layer.column
        w = w + layer.sources


def out_of_columns(net: Net, plan: Plan, record: Numbers) -> None:
    """Write the weights of the first layer back to where they belong."""
    layer, columns = net.layers[1], plan.columns
    w = layer.w_at
    for j in range(layer.size):
        at = j
        for i in range(layer.sources):
            record[w + i] = columns[at]
            at = at + layer.column
        w = w + layer.sources


def sums_of_columns(
    net: Net, plan: Plan, record: Numbers, sample: int, waiting: bool, eta: float
) -> None:
    """Σ_i w[1,j,i]·x_i, i ascending, after the update by the step before if that is `waiting`.

    That step's δ and x still stand in the record. Weights are written, and read, once a step.
    """
    layer, scratch = net.layers[1], net.scratch
    n, m = layer.size, layer.sources
    z, x = net.samples + layer.in_at, net.samples + net.layers[0].out_at
    if waiting:
        delta = net.samples + layer.delta_at
        for j in range(n):
            scratch[j] = record[delta + j]
        descend_columns(plan.columns, layer.column, m, scratch, record, x, eta, plan.x, sample * m)
    else:
        column_sums(plan.columns, layer.column, m, scratch, plan.x, sample * m)
    for j in range(n):
        record[z + j] = scratch[j]


def bias_gradients(net: Net, record: Numbers, count: int, l: int) -> None:
    """∂E/∂b[l,j] = δ[l,j], or Σ_j δ[l,j] for a shared bias, added up over the batch."""
    layer = net.layers[l]
    g, delta = net.gradients + layer.b_at, net.samples + layer.delta_at
    for position in range(count):
        if layer.biases == 1:
            total = -0.0
            for j in range(layer.size):
                total += record[delta + j]
            record[g] = (record[g] if position else -0.0) + total
        elif layer.biases:
            for j in range(layer.size):
                record[g + j] = (record[g + j] if position else -0.0) + record[delta + j]
        delta = delta + net.sample_size


def mean_gradients(net: Net, plan: Plan, record: Numbers, count: int) -> None:
    """Divide gradients, or a local rule's steps, by the number of samples, where `plan` says so."""
    if plan.mean and count > 1:
        for k in range(net.n_parameters):
            record[net.gradients + k] = record[net.gradients + k] / float(count)


# The update


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


def after(plan: Plan) -> int:
    """Return where the parameters stand that the update changes."""
    return plan.stride if plan.inside else plan.inside


def update_by_gradient(net: Net, plan: Plan, record: Numbers, number: int, eta: float) -> None:
    """p⁺ = rule(p, ∂E/∂p, η, what is remembered of p); p if it is not trained.

    One loop for each number of memories, so short that the rule is chosen outside of it. If all is
    calculated in the log, parameters have been copied behind the record, and change there.
    """
    c = constants_of(plan, number)
    if net.memories == 0:
        update_without_memory(net, plan, record, eta, c)
    elif net.memories == 1:
        update_with_one_memory(net, plan, record, eta, c)
    else:
        update_with_two_memories(net, plan, record, eta, c)


def update_without_memory(net: Net, plan: Plan, record: Numbers, eta: float, c: Constants) -> None:
    """p⁺ = rule(p, ∂E/∂p, η)."""
    code, shrink, g, p_at = plan.rule, eta * c.weight_decay, net.gradients, after(plan)
    if plan.uniform:
        for k in range(plan.first_updated, net.n_parameters):
            record[p_at + k] = update_plain(code, record[p_at + k], record[g + k], eta, c)
        return
    for k in range(plan.first_updated, net.n_parameters):
        old, gradient = record[p_at + k], record[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new = update_plain(code, p, gradient, eta, c)
        record[p_at + k] = new if net.trained[k] else old


def update_with_one_memory(net: Net, plan: Plan, record: Numbers, eta: float, c: Constants) -> None:
    """The same for rules that remember one number of each parameter; 0 if it is not trained."""
    code, shrink, g, p_at = plan.rule, eta * c.weight_decay, net.gradients, after(plan)
    first = p_at + net.n_parameters
    for k in range(net.n_parameters):
        old, gradient = record[p_at + k], record[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new, memory = update_one(code, p, gradient, eta, record[first + k], c)
        record[p_at + k] = new if net.trained[k] else old
        record[first + k] = memory if net.trained[k] else 0.0


def update_with_two_memories(
    net: Net, plan: Plan, record: Numbers, eta: float, c: Constants
) -> None:
    """The same for rules that remember two."""
    code, shrink, g, p_at = plan.rule, eta * c.weight_decay, net.gradients, after(plan)
    first = p_at + net.n_parameters
    second = first + net.n_parameters
    for k in range(net.n_parameters):
        old, gradient = record[p_at + k], record[g + k]
        p = old - shrink * old if k < plan.shrunk else old
        gradient = gradient + c.weight_decay * old if k < plan.steepened else gradient
        new, memory, other = update_two(
            code, p, gradient, eta, record[first + k], record[second + k], c
        )
        record[p_at + k] = new if net.trained[k] else old
        record[first + k] = memory if net.trained[k] else 0.0
        record[second + k] = other if net.trained[k] else 0.0


def local_steps(net: Net, plan: Plan, record: Numbers, first: int, count: int, eta: float) -> None:
    """Sum up over the batch what each sample adds to each weight and bias by a local rule.

    It stands where gradients stand otherwise. A layer without targets has t = 0; it is trained only
    by rules that do not look at t.
    """
    for l in range(plan.first_taught, net.depth + 1):
        layer = net.layers[l]
        begin_sums(record, net.gradients + layer.w_at, layer.sources * layer.size)
        begin_sums(record, net.gradients + layer.b_at, layer.biases)
    part = net.samples
    for position in range(count):
        sample = plan.order[first + position]
        for l in range(plan.first_taught, net.depth + 1):
            teach(net, plan, record, part, sample, l, eta)
        part = part + net.sample_size


def teach(
    net: Net, plan: Plan, record: Numbers, part: int, sample: int, l: int, eta: float
) -> None:
    """Add what a sample adds to the weights and biases of a layer."""
    layer = net.layers[l]
    m, y, x = layer.sources, part + layer.out_at, part + net.layers[l - 1].out_at
    g, b = net.gradients + layer.w_at, net.gradients + layer.b_at
    has_targets = l == net.depth and len(plan.t) > 0
    target, each = sample * layer.size, 0 if layer.biases == 1 else 1
    for j in range(layer.size):
        t = plan.t[target + j] if has_targets else 0.0
        out = record[y + j]
        for i in range(m):
            record[g + i] += local_step(plan.rule, eta, record[x + i], t, out)
        g = g + m
        if layer.biases:
            record[b + each * j] += local_step(plan.rule, eta, 1.0, t, out)


def begin_sums(record: Numbers, first: int, n: int) -> None:
    """Set `n` numbers to −0.0: what is added to it stays what it is."""
    for k in range(n):
        record[first + k] = -0.0


def update_locally(net: Net, plan: Plan, record: Numbers) -> None:
    """p⁺ = p + Δp; p if it is not trained."""
    p_at = after(plan)
    for k in range(net.n_parameters):
        p = record[p_at + k]
        record[p_at + k] = p + record[net.gradients + k] if net.trained[k] else p
