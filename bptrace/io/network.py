"""The table [network]: its layers put together, and the network they make.

First everything is checked and each fault noted; only a faultless network is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from bptrace.io.faults import Faults
from bptrace.io.kinds import FAULTY
from bptrace.io.layers import Part, bias_count, check_layers, layer_size, options
from bptrace.io.names import check_default_names, check_names
from bptrace.io.tables import View
from bptrace.io.toml import Path
from bptrace.model import Layer, Matrix, Network, Parameters, Row
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.maths.initial import Numbers

MOST_PARAMETERS: Final = 2**24
"""More weights and biases are refused: as Python's numbers they take 32 bytes each, 0.5 GiB."""

_NETWORK: Final[Path] = ("network",)


class NetworkParts(NamedTuple):
    """What is right in [network]; `is_valid`: all of it, so that it can be built."""

    table: View
    parts: tuple[Part, ...]
    is_valid: bool


def check_network(top: View, faults: Faults) -> NetworkParts | None:
    """Check [network]; None if there is nothing that could be called one."""
    if top.lacks("network"):
        hint = "Write [network] and a [[network.layer]] for each layer: see `bptrace new`."
        faults.add("there is no network", (), hint=hint)
    table = top.network
    if table is None:
        return None
    if table.lacks("layer") or table.raw.get("layer") == []:
        hint = "Write a [[network.layer]] for each layer, the input first."
        faults.add("the network has no layers", _NETWORK, "key", hint)
    if not table.layer or FAULTY in table.layer:
        return None
    before = faults.count
    parts = [Part(layer, l, layer_size(layer, l)) for l, layer in enumerate(table.layer)]
    for view in (table, *table.layer):
        _check_init(view, faults)
    check_layers(parts, "init" in table.raw, faults)
    names = check_names(parts, faults)
    if table.is_valid and faults.count == before:  # otherwise it is not known which are free
        check_default_names(parts, names, faults)
    _check_amount(parts, faults)
    return NetworkParts(table, tuple(parts), table.is_valid and faults.count == before)


def _check_init(table: View, faults: Faults) -> None:
    if table.init is not None and table.init.lacks("method"):
        from bptrace.maths.initial import INITIALS

        hint = f"Write one of: {', '.join(INITIALS.names)}."
        faults.add("init has no method", table.init.path, "key", hint)


def _check_amount(parts: Sequence[Part], faults: Faults) -> None:
    """Refuse a network that would not fit into the memory, before anything is allocated."""
    total = 0
    for part, source in zip(parts[1:], parts, strict=False):
        total += part.size * source.size + part.size
        if total > MOST_PARAMETERS:
            neurons = f"{part.size} neuron{'s' * (part.size != 1)}"
            message = (
                f"{neurons} with {source.size} inputs each: more than "
                f"{MOST_PARAMETERS} weights and biases; they would take {memory(total * 32)}"
            )
            key = "size" if part.table.size is not None else "names"
            faults.add(message, part.path(key), hint="Make the layers smaller.")
            return


def memory(size: int) -> str:
    """Return an amount of memory in words."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.3g} {unit}"
        amount /= 1024
    return f"{amount:,.0f} TiB" if amount >= 10 else f"{amount:.1f} TiB"


# ------------------------------------------------------------------------------------------- built


def build_network(read: NetworkParts) -> tuple[Network, Parameters]:
    """Return network and first parameters of tables without faults."""
    layers = [Layer(read.parts[0].size, tuple(read.parts[0].table.names or ()))]
    weights: list[Matrix] = []
    biases: list[Row] = []
    common = read.table.init
    shared = None if common is None else _numbers(common.seed)
    for part in read.parts[1:]:
        table = part.table
        init = table.init or common
        drawn = table.lacks("weights")
        count = bias_count(table, part.size, drawn)
        layers.append(_layer(part, count))
        if drawn:
            own = shared if shared and init is common else _numbers(init.seed)
            shape = (part.size, layers[-2].size)
            drawn_biases = 0 if isinstance(table.biases, list | float) else count
            matrix, row = _drawn(init, own, shape, drawn_biases)
        else:
            matrix, row = tuple(map(tuple, table.weights)), ()
        weights.append(_masked(matrix, layers[-1].mask))
        biases.append(_given_biases(table, row))
    network = Network(tuple(layers), read.table.loss, read.table.train_biases)
    return network, Parameters(tuple(weights), tuple(biases))


def _numbers(seed: int) -> Numbers:
    from bptrace.maths.initial import Numbers  # which networks with given weights do not need

    return Numbers(seed)


def _drawn(init: View, numbers: Numbers, shape: tuple[int, int], biases: int) -> tuple[Matrix, Row]:
    from bptrace.io.drawn import drawn
    from bptrace.maths.initial import INITIALS

    return drawn(INITIALS.get(init.method), numbers, init.scale, shape, biases)


def _layer(part: Part, biases: int) -> Layer:
    table = part.table
    return Layer(
        size=part.size,
        names=tuple(table.names or ()),
        **_activation(table.activation),
        biases=biases,
        mask=tuple(map(tuple, table.mask or ())),
        weight_names=tuple(map(tuple, table.weight_names or ())),
        bias_names=tuple(table.bias_names or ()),
    )


def _activation(value: str | View | None) -> dict[str, Any]:
    """Return what a `Layer` holds of its activation."""
    if not isinstance(value, View):
        return {"activation": value or "identity"}
    if value.formula is not None:
        return {"formula": value.formula, "slope": value.slope or ""}
    return {"activation": value.name, "option": next(iter(options(value).values()), None)}


def _masked(matrix: Matrix, mask: tuple[tuple[bool, ...], ...]) -> Matrix:
    """Return the weights with 0 where a connection is missing."""
    if not mask:
        return matrix
    return tuple(
        tuple(weight if there else 0.0 for weight, there in zip(row, kept, strict=True))
        for row, kept in zip(matrix, mask, strict=True)
    )


def _given_biases(table: View, drawn: Row) -> Row:
    if isinstance(table.biases, list):
        return tuple(table.biases)
    return (table.biases,) if isinstance(table.biases, float) else drawn
