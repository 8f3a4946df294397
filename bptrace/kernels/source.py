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

What is worth vectors is in `wide`; what comes after the gradients in `update`.

Not responsible for checks: `cast` has made what arrives here, and no index is looked at again.
Values are loaded into a name before an inner loop that stores: the compiler cannot know that the
store does not change them.
"""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, TypeAlias

from bptrace.kernels.bulk import copy_numbers
from bptrace.kernels.cast import BY_GRADIENT, LOCALLY, Net, Plan
from bptrace.kernels.dispatch import (
    act,
    act_layer,
    act_slope,
    cross_slope,
    fused_common,
    fused_loss,
    fused_slope,
    loss,
    loss_slope,
    update_plain,
)
from bptrace.kernels.kinds import in_lanes, samples
from bptrace.kernels.tape import evaluate
from bptrace.kernels.update import (
    learning_rate,
    local_steps,
    update_by_gradient,
    update_locally,
    writes_next,
)
from bptrace.kernels.ways import GATHERED
from bptrace.kernels.wide import (
    into_columns,
    kept_rest,
    kept_sums,
    out_of_columns,
    streamed_rest,
    sums_of_columns,
    wide_descent,
    wide_gradients,
    wide_path_sums,
    wide_sums,
)
from bptrace.order import shuffle

if TYPE_CHECKING:
    from array import array

    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = array[float] | memoryview[float] | NDArray[np.float64]


def run_steps(net: Net, plan: Plan, record: Numbers, log: Numbers, errors: Numbers) -> None:
    """Run all steps of `plan` in `record`, which begins with what is carried on from before.

    The record of step s goes to ``log[s * plan.stride :]``, what is carried on from the last one
    behind it, and E of the batch to ``errors[s]``. Without records, `log` gets what is carried on
    from each `plan.every` steps.
    """
    eta, carried = 0.0, net.n_parameters + net.n_parameters * net.memories
    due, kept = plan.due, net.one - net.one
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
        if plan.kept:
            kept_forward(net, plan, record, log, s * plan.stride, count)
        else:
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
            streamed_rest(net, record, log, s * plan.stride, plan.stride, eta)
        elif plan.inside:
            if not writes_next(net, plan):
                copy_numbers(record, 0, record, plan.stride, carried)
        elif plan.kept:
            kept_rest(net, record, log, s * plan.stride, plan.stride)
        elif plan.stride:
            copy_numbers(record, 0, log, s * plan.stride, plan.stride)
        if plan.learns == BY_GRADIENT:
            update_by_gradient(net, plan, record, done + 1, eta)
        elif plan.learns == LOCALLY:
            update_locally(net, plan, record)
        if plan.inside:
            record = record[plan.stride :]  # no copy, where `Plan.inside` is set
        if s == due:
            copy_numbers(record, 0, log, kept, carried)
            due, kept = due + plan.every, kept + carried
    if plan.turned:
        out_of_columns(net, plan, record)
        descend(net, plan, record, plan.batch, net.one, eta)
    if plan.stride and not plan.inside:
        copy_numbers(record, 0, log, plan.steps * plan.stride, carried)


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
    for l in range(net.one, net.depth + net.one):
        weighted_sums(net, plan, record, count, l)
        outputs(net, record, count, l)


def kept_forward(net: Net, plan: Plan, record: Numbers, log: Numbers, at: int, count: int) -> None:
    """Do the same, and copy the weights to the log at the same time."""
    for l in range(net.one, net.depth + net.one):
        kept_sums(net, record, log, at, count, l)
        weighted_sums(net, plan, record, count, l)
        outputs(net, record, count, l)


def backward(net: Net, plan: Plan, record: Numbers, first: int, count: int, eta: float) -> None:
    """Calculate δ and the gradients, from the last layer to the first.

    Where nobody sees the gradients of the weights (`Plan.first_updated`) the weights are changed at
    once, behind the last look at them.
    """
    output_slopes(net, plan, record, first, count)
    for done in range(net.depth):
        l = net.depth - done
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
    for position in samples(net, count):
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
    z, x = net.samples + layer.in_at, net.samples + net.layers[l - net.one].out_at
    if wide and l > plan.turned and not plan.kept:
        wide_sums(net, record, count, l)
    for _ in samples(net, count):
        w, b = layer.w_at, layer.b_at
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


def outputs(net: Net, record: Numbers, count: int, l: int) -> None:
    """out[l,j] = f(in[l,j]), or of all net inputs of the layer."""
    layer = net.layers[l]
    z, a = net.samples + layer.in_at, net.samples + layer.out_at
    if layer.of_layer or layer.own_value:
        for _ in samples(net, count):
            if layer.of_layer:
                act_layer(layer.of_layer, record, z, a, layer.size)
            else:
                for j in range(layer.size):
                    record[a + j] = evaluate(net, layer.own_value, record[z + j], 0.0)
            z, a = z + net.sample_size, a + net.sample_size
        return
    code, option = layer.activation, layer.option
    if not in_lanes(net):
        for _ in samples(net, count):
            for k in range(layer.size):
                record[a + k] = act(code, record[z + k], option)
            z, a = z + net.sample_size, a + net.sample_size
        return
    # In one row, each sample up to the end of a line: nothing is left over to be done one by one.
    gathered, part = count > 1 or layer.size >= GATHERED, net.sample_size
    at, apart, n = a, part, layer.size
    if gathered:
        at, apart, n = net.room, layer.column, count * layer.column
    copy_rows(record, z, part, at, apart, count, layer.size)
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
    for position in samples(net, count):
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
    for position in samples(net, count):
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
    above, total = net.samples + layer.delta_at, net.samples + net.layers[l - net.one].delta_at
    if layer.wide:
        wide_path_sums(net, record, count, l)
        return
    for _ in samples(net, count):
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
    for _ in samples(net, count):
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
    above, x = net.samples + layer.delta_at, net.samples + net.layers[l - net.one].out_at
    if layer.wide:
        wide_gradients(net, record, count, l)
        return
    for position in samples(net, count):
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
    w, x = layer.w_at, net.samples + net.layers[l - net.one].out_at
    divisor = float(count) if plan.mean else 1.0
    if layer.wide:
        wide_descent(net, record, count, l, divisor, eta)
        return
    for j in range(layer.size):
        for i in range(m):
            total, delta, source = -0.0, above + j, x + i
            for _ in samples(net, count):
                total += record[delta] * record[source]
                delta, source = delta + n_part, source + n_part
            gradient = total / divisor if divisor > 1.0 else total
            record[w + i] = update_plain(code, record[w + i], gradient, eta, c)
        w = w + m


def bias_gradients(net: Net, record: Numbers, count: int, l: int) -> None:
    """∂E/∂b[l,j] = δ[l,j], or Σ_j δ[l,j] for a shared bias, added up over the batch."""
    layer = net.layers[l]
    g, delta = net.gradients + layer.b_at, net.samples + layer.delta_at
    for position in samples(net, count):
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
