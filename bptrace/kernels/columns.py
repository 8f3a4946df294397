"""Weights of a wide first layer column by column, for runs without a log.

In the log the weights of a neuron stand side by side, as they are printed. Its sum runs over them
in printed order, one addition after the other; only sums of several neurons can go on at once. For
that, the weights that lead away from one source should stand side by side. No sum runs back through
the first layer, so nothing else wants its weights row by row; and without a log nobody sees where
they stand. Each column is filled up with zeros to a multiple of `LANES`: no neurons are left over
when the compiled loops take `LANES` of them at a time.

The numbers are the same, bit for bit: no sum is made in another order. Not responsible for the
loops themselves (`source`).
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

from bptrace.kernels.cast import LOCALLY, LayerNet, Net, Plan

LANES = 8
"""float64 numbers of the widest registers there are; narrower ones divide it."""

FEWEST_STEPS = 200
"""Moving all weights there and back takes as long as 150 steps save (0.7 ms for 784-30-10)."""


class Packed(NamedTuple):
    """A run whose first layer has its weights in columns: what the kernels take, and its record."""

    net: Net
    plan: Plan
    record: memoryview[float]


def suits(net: Net, plan: Plan) -> bool:
    """Whether the run has no log, and a first layer that is worth it."""
    first = net.layers[1]
    return (
        plan.stride == 0
        and plan.steps >= FEWEST_STEPS
        and plan.learns != LOCALLY
        and first.size >= LANES
        and first.sources >= LANES
        and not first.masked
    )


def pack(net: Net, plan: Plan, log: array[float]) -> Packed:
    """Return the run with the weights of the first layer in columns; `suits` has to be true."""
    first = net.layers[1]
    column = -(-first.size // LANES) * LANES
    more = first.sources * (column - first.size)
    blocks = 1 + net.memories
    record = array("d")
    for k in range(blocks):
        record += _in_columns(log[k * net.n_parameters : (k + 1) * net.n_parameters], first, column)
    rest = (len(log) - blocks * net.n_parameters) + more
    record += array("d", bytes(8 * rest))
    wider = net._replace(
        layers=[net.layers[0], *(_moved(layer, more) for layer in net.layers[1:])],
        connected=_in_columns(net.connected, first, column),
        trained=_in_columns(net.trained, first, column),
        scratch=net.scratch + array("d", bytes(8 * LANES)),
        n_w=net.n_w + more,
        n_parameters=net.n_parameters + more,
        gradients=net.gradients + blocks * more,
        samples=net.samples + (blocks + 1) * more,
    )
    wider.layers[1] = first._replace(column=column, b_at=first.b_at + more)  # type: ignore[index]
    n_w = wider.n_w
    plan = plan._replace(
        shrunk=n_w if plan.shrunk else 0,
        steepened=n_w if plan.steepened else 0,
        first_updated=n_w if plan.first_updated else 0,
    )
    return Packed(wider, plan, _aligned(record))


def unpack(net: Net, packed: Packed, log: array[float]) -> None:
    """Write what the run carries on to the beginning of `log`, as `net` has it."""
    first, column = net.layers[1], packed.net.layers[1].column
    n, m, wide = first.size, first.sources, packed.net.n_parameters
    for k in range(1 + net.memories):
        at, begin = k * net.n_parameters, k * wide
        for j in range(n):
            row = slice(begin + j, begin + m * column, column)
            log[at + j * m : at + (j + 1) * m] = _numbers(packed.record[row])
        rest = packed.record[begin + m * column : begin + wide]
        log[at + n * m : at + net.n_parameters] = _numbers(rest)


def _aligned(numbers: array[float]) -> memoryview[float]:
    """Return a copy that begins where a vector of `LANES` numbers may lie in memory.

    Elsewhere every one of them lies in two lines of the cache, and is read at half the rate.
    """
    room = array("d", bytes(8 * (len(numbers) + LANES)))
    address, _ = room.buffer_info()
    skipped = -(address // 8) % LANES
    view: memoryview[float] = memoryview(room)  # type: ignore[assignment, unused-ignore]
    found = view[skipped : skipped + len(numbers)]
    found[:] = memoryview(numbers)  # type: ignore[assignment, unused-ignore]
    return found


def _numbers(view: memoryview[float]) -> array[float]:
    return array("d", view.tobytes())


def _moved(layer: LayerNet, more: int) -> LayerNet:
    return layer._replace(w_at=layer.w_at + more, b_at=layer.b_at + more)


def _in_columns(numbers: array, first: LayerNet, column: int) -> array:  # type: ignore[type-arg]
    """Return numbers of all weights, and what follows, with those of the first layer in columns."""
    n, m = first.size, first.sources
    found = array(numbers.typecode, bytes(numbers.itemsize * m * column))
    for j in range(n):
        found[j::column] = numbers[j * m : (j + 1) * m]
    return found + numbers[n * m :]
