"""The table [network]: its layers put together, and the network they make.

First everything is checked and each fault noted; only a faultless network is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from bptrace.io.faults import Faults
from bptrace.io.layers import LAYERS, Part, bias_count, check_layers, layer_size
from bptrace.io.names import check_default_names, check_names
from bptrace.io.schema import ActivationTable, InitTable, LayerTable, NetworkTable
from bptrace.io.toml import Path
from bptrace.maths.initial import INITIALS, Numbers, draw_layer
from bptrace.model import Layer, Matrix, Network, Parameters, Row

MOST_PARAMETERS: Final = 2**24
"""More weights and biases are refused: as Python's numbers they take 32 bytes each, 0.5 GiB."""

_NETWORK: Final[Path] = ("network",)


class NetworkParts(NamedTuple):
    """What is right in [network]; `is_valid`: all of it, so that it can be built."""

    table: NetworkTable
    init: InitTable | None
    inits: tuple[InitTable | None, ...]
    parts: tuple[Part, ...]
    is_valid: bool


def read_network(data: dict[str, object], faults: Faults) -> NetworkParts | None:
    """Check [network]; None if there is nothing that could be called one."""
    before = faults.count
    if "network" not in data:
        hint = "Write [network] and a [[network.layer]] for each layer: see `bptrace new`."
        faults.add("there is no network", (), hint=hint)
        return None
    raw: Any = data["network"]
    table = faults.read(NetworkTable, raw, _NETWORK)
    if table is None:
        return None
    if raw.get("layer", []) == []:
        hint = "Write a [[network.layer]] for each layer, the input first."
        faults.add("the network has no layers", _NETWORK, "key", hint)
        return None
    init = _read_init(raw["init"], _NETWORK, faults) if "init" in raw else None
    parts: list[Part] = []
    inits: list[InitTable | None] = []
    for l, layer in faults.tables(raw["layer"], LAYERS):
        read = faults.read(LayerTable, layer, (*LAYERS, l))
        if read is None:
            return None
        given = layer.get("init")
        inits.append(init if given is None else _read_init(given, (*LAYERS, l), faults))
        parts.append(Part(read, l, layer_size(read, layer, l)))
    if not parts:
        return None
    check_layers(parts, "init" in raw, faults)
    names = check_names(parts, faults)
    if faults.count == before:  # otherwise it is not known which names are free
        check_default_names(parts, names, faults)
    _check_amount(parts, faults)
    return NetworkParts(table, init, tuple(inits), tuple(parts), faults.count == before)


def _read_init(raw: object, parent: Path, faults: Faults) -> InitTable | None:
    path = (*parent, "init")
    table = faults.read(InitTable, raw, path)
    if table is not None and table.lacks("method"):
        faults.add("init has no method", path, "key", f"Write one of: {', '.join(INITIALS.names)}.")
    return table


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
    shared = None if read.init is None else Numbers(read.init.seed)
    for part, init in zip(read.parts[1:], read.inits[1:], strict=True):
        drawn = part.table.lacks("weights")
        count = bias_count(part.table, part.size, drawn)
        layers.append(_layer(part, count))
        shape = (part.size, layers[-2].size)
        if drawn and init is not None:
            own = shared if init is read.init and shared is not None else Numbers(init.seed)
            drawn_biases = 0 if isinstance(part.table.biases, list | float) else count
            matrix, row = draw_layer(
                INITIALS.get(init.method), own, init.scale, shape, drawn_biases
            )
        else:
            matrix, row = tuple(map(tuple, part.table.weights or ())), ()
        weights.append(_masked(matrix, layers[-1].mask))
        biases.append(_given_biases(part.table, row))
    network = Network(tuple(layers), read.table.loss, read.table.train_biases)
    return network, Parameters(tuple(weights), tuple(biases))


def _layer(part: Part, biases: int) -> Layer:
    table = part.table
    name, option = _activation(table.activation)
    return Layer(
        size=part.size,
        names=tuple(table.names or ()),
        activation=name,
        option=option,
        biases=biases,
        mask=tuple(tuple(map(bool, row)) for row in table.mask or ()),
        weight_names=tuple(map(tuple, table.weight_names or ())),
        bias_names=tuple(table.bias_names or ()),
    )


def _activation(value: str | ActivationTable | None) -> tuple[str, float | None]:
    if isinstance(value, ActivationTable):
        options = value.__pydantic_extra__ or {}
        return value.name, next(iter(options.values()), None)
    return value or "identity", None


def _masked(matrix: Matrix, mask: tuple[tuple[bool, ...], ...]) -> Matrix:
    """Return the weights with 0 where a connection is missing."""
    if not mask:
        return matrix
    return tuple(
        tuple(weight if there else 0.0 for weight, there in zip(row, kept, strict=True))
        for row, kept in zip(matrix, mask, strict=True)
    )


def _given_biases(table: LayerTable, drawn: Row) -> Row:
    if isinstance(table.biases, list):
        return tuple(table.biases)
    return (table.biases,) if isinstance(table.biases, float) else drawn
