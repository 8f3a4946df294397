"""What compiled code knows beforehand of a run, as it is another type of `Net`.

There are kernels for tiny networks, for single samples, and for batches (`ways.Loops`): the first
two are shorter than one for all, and tiny networks would pay in every step for what they never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.kernels.cast import Net


def samples(net: Net, count: int) -> range:
    """Return the positions of the samples of a step: 0 alone, if they come one by one."""
    return range(count)


def in_lanes(net: Net) -> bool:
    """Whether numbers that stand side by side are calculated side by side.

    Plain Python never does; compiled code does unless the network is tiny.
    """
    return False


class Kind(NamedTuple):
    """What a type of `Net` has: False stands for fields that are None."""

    lanes: bool
    batched: bool
    codes: bool


def kind(net: Any) -> Kind:
    """Return what Numba's type of a `Net` has."""
    types = dict(zip(net.fields, net.types, strict=True))
    return Kind(*(str(types[name]) != "none" for name in Kind._fields))


def is_net(argument: Any) -> bool:
    """Whether Numba's type of an argument is that of a `Net`."""
    return "lanes" in getattr(argument, "fields", ())
