"""What is done with whole layers, where they are wide enough for vectors (`ways.is_wide`).

The matrices are handed on to `bulk`, for which there is vector code (`lanes`). Compiled for a
tiny network all of this is nothing: see `kinds`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bptrace.kernels.bulk import (
    Matrix,
    column_sums,
    descend_columns,
    descend_products,
    neuron_sums,
    neuron_sums_kept,
    product_sums,
    stream_descent,
    stream_numbers,
)
from bptrace.kernels.cast import PANEL, Net, Plan
from bptrace.kernels.kinds import samples
from bptrace.kernels.ways import MANY

if TYPE_CHECKING:
    from bptrace.kernels.source import Numbers


def wide_sums(net: Net, record: Numbers, count: int, l: int) -> None:
    """Σ_i w[l,j,i]·out[l−1,i], i ascending, where in[l,j] will be."""
    layer = net.layers[l]
    m, n, w = layer.sources, layer.size, layer.w_at
    z, x = net.samples + layer.in_at, net.samples + net.layers[l - net.one].out_at
    if m >= MANY:
        neuron_sums(record, w, m, n, x, z, count, net.sample_size)
        return
    for _ in samples(net, count):
        eight_sums(record, w, x, z, m, n)
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


def wide_path_sums(net: Net, record: Numbers, count: int, l: int) -> None:
    """Σ_j δ[l,j]·w[l,j,i], j ascending, where δ[l−1,i] will be."""
    layer, n_part = net.layers[l], net.sample_size
    n, m = layer.size, layer.sources
    above, total = net.samples + layer.delta_at, net.samples + net.layers[l - net.one].delta_at
    product_sums(
        record,
        Matrix(total, count, n_part, m, net.one),
        Matrix(above, count, n_part, n, net.one),
        Matrix(layer.w_at, n, m, m, net.one),
    )


def wide_gradients(net: Net, record: Numbers, count: int, l: int) -> None:
    """∂E/∂w[l,j,i] = Σ δ[l,j]·out[l−1,i], samples in their order."""
    layer, n_part = net.layers[l], net.sample_size
    n, m = layer.size, layer.sources
    above, x = net.samples + layer.delta_at, net.samples + net.layers[l - net.one].out_at
    product_sums(
        record,
        Matrix(net.gradients + layer.w_at, n, m, m, net.one),
        Matrix(above, n, net.one, count, n_part),
        Matrix(x, count, n_part, m, net.one),
    )


def wide_descent(net: Net, record: Numbers, count: int, l: int, divisor: float, eta: float) -> None:
    """w[l,j,i] − η·(Σ δ[l,j]·out[l−1,i] / divisor), where w[l,j,i] stands."""
    layer, n_part = net.layers[l], net.sample_size
    n, m = layer.size, layer.sources
    above, x = net.samples + layer.delta_at, net.samples + net.layers[l - net.one].out_at
    descend_products(
        record,
        Matrix(layer.w_at, n, m, m, net.one),
        Matrix(above, n, net.one, count, n_part),
        Matrix(x, count, n_part, m, net.one),
        divisor,
        eta,
    )


# The first layer's weights in columns, where its update waits for the next step


def into_columns(net: Net, plan: Plan, record: Numbers) -> None:
    """Write the weights of the first layer to `Plan.columns`: those of a source side by side."""
    layer = net.layers[net.one]
    w = layer.w_at
    for j in range(layer.size):
        to, apart = place_in_columns(layer.column, layer.sources, j)
        for i in range(layer.sources):
            plan.columns[to] = record[w + i]
            to = to + apart
        w = w + layer.sources


def out_of_columns(net: Net, plan: Plan, record: Numbers) -> None:
    """Write the weights of the first layer back to where they belong."""
    layer = net.layers[net.one]
    w = layer.w_at
    for j in range(layer.size):
        at, apart = place_in_columns(layer.column, layer.sources, j)
        for i in range(layer.sources):
            record[w + i] = plan.columns[at]
            at = at + apart
        w = w + layer.sources


def place_in_columns(n: int, m: int, j: int) -> tuple[int, int]:
    """Return where the weights of neuron `j` begin in columns, and how far apart they are."""
    first = j - j % PANEL
    return first * m + j % PANEL, min(PANEL, n - first)


def sums_of_columns(
    net: Net, plan: Plan, record: Numbers, sample: int, waiting: bool, eta: float
) -> None:
    """Σ_i w[1,j,i]·x_i, i ascending, after the update by the step before if that is `waiting`.

    That step's δ and x still stand in the record. Weights are written, and read, once a step.
    """
    layer, scratch = net.layers[net.one], net.scratch
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


# Records that are written past the caches


def kept_sums(net: Net, record: Numbers, log: Numbers, at: int, count: int, l: int) -> None:
    """Copy the weights of a layer to the log, and if it is wide, calculate its sums on the way."""
    layer = net.layers[l]
    m, n, w = layer.sources, layer.size, layer.w_at
    if not layer.wide or m < MANY:
        stream_numbers(record, w, log, at + w, n * m)
        if layer.wide:
            wide_sums(net, record, count, l)
        return
    z, x = net.samples + layer.in_at, net.samples + net.layers[l - net.one].out_at
    neuron_sums_kept(record, w, m, n, x, z, count, net.sample_size, log, at + w)


def kept_rest(net: Net, record: Numbers, log: Numbers, at: int, stride: int) -> None:
    """Copy the rest of a record to the log."""
    stream_numbers(record, net.n_w, log, at + net.n_w, stride - net.n_w)


def streamed_rest(
    net: Net, record: Numbers, log: Numbers, at: int, stride: int, eta: float
) -> None:
    """Copy the rest of a record to the log, and change the weights.

    Gradients of weights are nowhere but in the log: a product takes less time than what it is made
    of takes to be written, and read again.
    """
    stream_numbers(record, net.n_w, log, at + net.n_w, net.gradients - net.n_w)
    for l in range(net.one, net.depth + net.one):
        layer = net.layers[l]
        delta, x = net.samples + layer.delta_at, net.samples + net.layers[l - net.one].out_at
        n, m, w = layer.size, layer.sources, layer.w_at
        stream_descent(record, delta, n, x, m, w, eta, log, at + net.gradients + w)
    rest = net.gradients + net.n_w
    stream_numbers(record, rest, log, at + rest, stride - rest)
