"""The tables [network] and [[network.layer]]: do they fit together, and the network they make.

First everything is checked and each fault noted; only a faultless network is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from bptrace.address import match_positional
from bptrace.io.faults import Faults, quoted, subject
from bptrace.io.schema import ActivationTable, InitTable, LayerTable, NetworkTable
from bptrace.io.toml import Path
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.initial import INITIALS, Numbers, draw_layer
from bptrace.model import Layer, Matrix, Network, Parameters, Row

MOST_PARAMETERS: Final = 2**24
"""More weights and biases are refused: as Python's numbers they take 32 bytes each, 0.5 GiB."""

LONGEST_NAME: Final = 40

_NETWORK: Final[Path] = ("network",)
_LAYERS: Final[Path] = ("network", "layer")


class Part(NamedTuple):
    """One layer of the file: its table, its number from 0, and its neurons (0: not known)."""

    table: LayerTable
    l: int
    size: int

    def path(self, *parts: str | int) -> Path:
        """Return the place of something in this layer."""
        return (*_LAYERS, self.l, *parts)


class NetworkParts(NamedTuple):
    """What is right in [network]; `is_valid`: all of it, so that it can be built."""

    table: NetworkTable
    init: InitTable | None
    inits: tuple[InitTable | None, ...]
    parts: tuple[Part, ...]
    is_valid: bool


def read_network(data: dict[str, object], faults: Faults) -> NetworkParts | None:
    """Check [network]; None if there is nothing that could be called one."""
    before = len(faults)
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
    for l, layer in faults.tables(raw["layer"], _LAYERS):
        read = faults.read(LayerTable, layer, (*_LAYERS, l))
        if read is None:
            return None
        given = layer.get("init")
        inits.append(init if given is None else _read_init(given, (*_LAYERS, l), faults))
        parts.append(Part(read, l, _size(read, layer, l)))
    if not parts:
        return None
    _check_layers(parts, "init" in raw, faults)
    names = _check_names(parts, faults)
    if len(faults) == before:  # otherwise it is not known which names are free
        _check_default_names(parts, names, faults)
    _check_amount(parts, faults)
    return NetworkParts(table, init, tuple(inits), tuple(parts), len(faults) == before)


def _read_init(raw: object, parent: Path, faults: Faults) -> InitTable | None:
    path = (*parent, "init")
    table = faults.read(InitTable, raw, path)
    if table is not None and table.lacks("method"):
        faults.add("init has no method", path, "key", f"Write one of: {', '.join(INITIALS.names)}.")
    return table


# -------------------------------------------------------------------------------- shapes of layers


def _size(table: LayerTable, raw: dict[str, Any], l: int) -> int:
    """Return the neurons of a layer, as far as it says; 0 if it does not."""
    if table.names is not None:
        return len(table.names)
    if table.size is not None:
        return table.size
    rows = raw.get("names") or (raw.get("weights") if l else None)
    return len(rows) if isinstance(rows, list) else 0


def _check_layers(parts: Sequence[Part], has_init: bool, faults: Faults) -> None:
    if len(parts) == 1:
        hint = "Write another [[network.layer]] with its activation and weights."
        faults.add("the network has only its input layer", parts[0].path(), "key", hint)
    for part in parts:
        _check_size(part, faults)
        if part.l == 0:
            _check_input(part, faults)
        else:
            _check_layer(part, parts[part.l - 1].size, has_init, faults)
        if faults.is_full:
            return


def _check_size(part: Part, faults: Faults) -> None:
    table = part.table
    if table.names == []:
        faults.add("names: expected at least one neuron, found an empty list", part.path("names"))
    elif table.names and table.size is not None and table.size != len(table.names):
        message = f"size = {table.size}, but there are {len(table.names)} names"
        faults.add(message, part.path("size"), hint="Keep one of the two keys.")
    elif not part.size and not table.is_faulty("size", "names", "weights"):
        if not table.lacks("weights") and part.l:
            return  # weights = []: said there
        hint = 'Write size = 2, or names = ["a", "b"].'
        faults.add("this layer says neither names nor size", part.path(), "key", hint)


def _check_input(part: Part, faults: Faults) -> None:
    for key in sorted(part.table.model_fields_set - {"size", "names"}):
        hint = "What leads into a layer stands in that layer; begin with one for the input."
        message = f"the first layer is the input: it has no {key}"
        faults.add(message, part.path(key), "key", hint)


def _check_layer(part: Part, before: int, has_init: bool, faults: Faults) -> None:
    table = part.table
    if table.lacks("activation"):
        hint = f"Write one of: {', '.join(ACTIVATIONS.names)}."
        faults.add("this layer says no activation", part.path(), "key", hint)
    if isinstance(table.activation, ActivationTable):
        _check_option(part, table.activation, faults)
    drawn = table.lacks("weights") and (has_init or not table.lacks("init"))
    _check_weights(part, before, drawn, faults)
    _check_biases(part, drawn, faults)
    for key in ("mask", "weight_names"):
        _check_matrix(part, key, getattr(table, key), before, faults)
    _check_connections(part, before, faults)


def _check_option(part: Part, activation: ActivationTable, faults: Faults) -> None:
    if activation.lacks("name"):
        hint = 'Write { name = "step", … }: see `bptrace list` for the names.'
        faults.add("this activation has no name", part.path("activation"), "key", hint)
    if activation.name not in ACTIVATIONS:
        return
    entry = ACTIVATIONS.get(activation.name)
    for key, value in (activation.__pydantic_extra__ or {}).items():
        path = part.path("activation", key)
        if key != entry.option:
            takes = f"its option is {entry.option}" if entry.option else "it takes none"
            message = f"{entry.name} has no option {quoted(key)}"
            faults.add(message, path, "key", f"Leave it out; {takes}.")
        elif not entry.limits[0] <= value <= entry.limits[1]:
            low, high = entry.limits
            faults.add(f"{key} = {value:g}: expected a number from {low:g} to {high:g}", path)


def _check_weights(part: Part, before: int, drawn: bool, faults: Faults) -> None:
    table = part.table
    if not table.lacks("weights") and not table.lacks("init"):
        hint = "Keep one of the two."
        faults.add("this layer has both weights and init", part.path("init"), "key", hint)
    if table.lacks("weights") and not drawn:
        hint = (
            "Write weights = [[…], …], one row per neuron, "
            'or init = { method = "normal", scale = 0.5, seed = 0 }.'
        )
        faults.add("this layer has neither weights nor init", part.path(), "key", hint)
    _check_matrix(part, "weights", table.weights, before, faults)


def _check_matrix(
    part: Part, key: str, rows: Sequence[Sequence[object]] | None, before: int, faults: Faults
) -> None:
    """Check that a matrix has a row per neuron and a column per neuron of the layer before."""
    if rows is None:
        return
    n, path = part.size, part.path(key)
    lengths = {len(row) for row in rows}
    shape = f"{n} rows of {before}" if n != 1 else f"1 row of {before}"
    if n != before and len(rows) == before and lengths == {n}:
        message = f"{key}: {len(rows)} rows of {n}, expected {shape}"
        hint = "It looks transposed: a row has what leads into one neuron."
        faults.add(message, path, hint=hint)
        return
    if not rows or (n and len(rows) != n):
        message = f"{key}: {_rows(len(rows))}, expected {_rows(n) if n else 'some'}"
        faults.add(message, path, hint="One row per neuron of this layer.")
    width = before or (len(rows[0]) if rows else 0)
    for j, row in enumerate(rows):
        if len(row) != width:
            message = f"{subject((key, j))}: {_entries(key, len(row))}, expected {width}"
            hint = "One per neuron of the layer before." if before else "All rows are equally long."
            faults.add(message, (*path, j), hint=hint)
            if faults.is_full:
                return


def _rows(count: int) -> str:
    return "no rows" if count == 0 else f"{count} row{'s' * (count != 1)}"


def _entries(key: str, count: int) -> str:
    noun = "name" if key.endswith("names") else "number"
    return f"{count or 'no'} {noun}{'s' * (count != 1)}"


def _check_biases(part: Part, drawn: bool, faults: Faults) -> None:
    biases, path = part.table.biases, part.path("biases")
    if isinstance(biases, list) and part.size and len(biases) != part.size:
        message = f"biases: {_entries('biases', len(biases))}, expected {part.size}"
        hint = "One per neuron, or one number for the whole layer."
        faults.add(message, path, hint=hint)
    elif (isinstance(biases, str) or biases is True) and not drawn:
        word = "true" if biases is True else quoted(str(biases))
        message = f"biases = {word} draws them, but the weights of this layer are given"
        faults.add(message, path, hint="Write the biases: a list or a number.")
    _check_bias_names(part, drawn, faults)


def _check_bias_names(part: Part, drawn: bool, faults: Faults) -> None:
    names, table = part.table.bias_names, part.table
    if names is None or table.is_faulty("biases") or not part.size:
        return
    count = bias_count(table, part.size, drawn)
    path = part.path("bias_names")
    if count == 0:
        hint = "Write its biases, or leave their names out."
        faults.add("this layer has names of biases, but no biases", path, "key", hint)
    elif len(names) not in (count, part.size):
        message = f"bias_names: {_entries('names', len(names))}, expected {count}"
        faults.add(message, path, hint="One per bias.")


def bias_count(table: LayerTable, size: int, drawn: bool) -> int:
    """Return how many biases a layer has: 0, 1 (shared) or its size."""
    biases = table.biases
    if isinstance(biases, list):
        return size
    if isinstance(biases, bool) or biases is None:
        return size if drawn and biases is not False else 0
    return size if biases == "each" else 1


def _check_connections(part: Part, before: int, faults: Faults) -> None:
    """Check that each neuron has something to sum, and that no missing connection has a weight."""
    table = part.table
    if table.mask is None or {len(row) for row in table.mask} != {before}:
        return
    for j, row in enumerate(table.mask[: part.size]):
        if not any(row) and not table.is_faulty("biases") and not has_biases(table):
            message = f"mask, row {j + 1}: this neuron has neither an input nor a bias"
            faults.add(message, part.path("mask", j), hint="Leave it one connection.")
        weights = table.weights[j] if table.weights and j < len(table.weights) else []
        for i, (weight, there) in enumerate(zip(weights, row, strict=False)):
            if weight and not there:
                message = f"weights, row {j + 1}: {weight:g} at a connection that the mask removes"
                faults.add(message, part.path("weights", j, i), hint="Write 0 there.")


def has_biases(table: LayerTable) -> bool:
    """Whether a layer has biases, given or drawn."""
    return bias_count(table, 1, drawn=table.lacks("weights")) > 0


# ------------------------------------------------------------------------------------------ names


def _check_names(parts: Sequence[Part], faults: Faults) -> dict[str, str]:
    """Check that a name means one thing, and return those of weights, biases and inputs."""
    neurons: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for part in parts:
        for j, name in enumerate(part.table.names or ()):
            what = f"neuron {j + 1} of layer {part.l}"
            _check_name(name, neurons, what, part, ("names", j), faults)
        if part.l == 0:
            parameters.update({name: f"input {j + 1}" for j, name in enumerate(neurons)})
    for part in parts[1:]:
        for j, row in enumerate(part.table.weight_names or ()):
            for i, name in enumerate(row):
                what = f"w[{part.l},{j + 1},{i + 1}]"
                _check_name(name, parameters, what, part, ("weight_names", j, i), faults)
        for j, name in enumerate(part.table.bias_names or ()):
            what = f"b[{part.l},{j + 1}]"
            _check_name(name, parameters, what, part, ("bias_names", j), faults)
    return parameters


def _check_name(
    name: str, known: dict[str, str], what: str, part: Part, place: Path, faults: Faults
) -> None:
    path = part.path(*place)
    if faults.is_full:
        return
    if not name.strip() or name != name.strip() or "\n" in name:
        hint = "Write a name without spaces around it."
        faults.add(f"{quoted(name)} is no name", path, hint=hint)
    elif len(name) > LONGEST_NAME:
        faults.add(f"a name of {len(name)} characters; expected at most {LONGEST_NAME}", path)
    elif (found := match_positional(name)) and found[1] == len(name):
        message = f"the name {quoted(name)} already means a quantity in every file"
        faults.add(message, path, hint="Choose another name.")
    elif name in known:
        message = f"the name {quoted(name)} is given twice: also to {known[name]}"
        faults.add(message, path, hint="Each name must be different.")
    else:
        known[name] = what


def _check_default_names(parts: Sequence[Part], given: dict[str, str], faults: Faults) -> None:
    """Check that no given name is the one that an unnamed weight or bias has by default."""
    w = b = 0
    for part, source in zip(parts[1:], parts, strict=False):
        table, biases = part.table, bias_count(part.table, part.size, part.table.lacks("weights"))
        for head, first, count, key in (
            ("w", w, part.size * source.size, "weight_names"),
            ("b", b, biases, "bias_names"),
        ):
            if not count or not given or not table.lacks(key):
                continue
            for name, what in given.items():
                number = name[1:]
                default = name[:1] == head and number.isascii() and number.isdecimal()
                if default and number[0] != "0" and first < int(number) <= first + count:
                    message = f"{quoted(name)} is the name of {what}, and the default of one here"
                    faults.add(message, part.path(), "key", f"Write {key} in this layer, too.")
        w, b = w + part.size * source.size, b + biases


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
    is_number = isinstance(table.biases, float) and not isinstance(table.biases, bool)
    return (float(table.biases),) if is_number else drawn  # type: ignore[arg-type]
