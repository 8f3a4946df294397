"""The tables [[network.layer]]: whether each fits to the layer before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bptrace.io.faults import Faults, quoted, subject
from bptrace.io.tables import View
from bptrace.io.toml import Path
from bptrace.maths.activations import ACTIVATIONS
from bptrace.tuples import NamedTuple

LAYERS: Final[Path] = ("network", "layer")


class Part(NamedTuple):
    """One layer of the file: its table, its number from 0, and its neurons (0: not known)."""

    table: View
    l: int
    size: int

    def path(self, *parts: str | int) -> Path:
        """Return the place of something in this layer."""
        return (*LAYERS, self.l, *parts)


def layer_size(table: View, l: int) -> int:
    """Return the neurons of a layer, as far as it says; 0 if it does not."""
    if table.names is not None:
        return len(table.names)
    if table.size is not None:
        return int(table.size)
    rows = table.raw.get("names") or (table.raw.get("weights") if l else None)
    return len(rows) if isinstance(rows, list) else 0


def check_layers(parts: Sequence[Part], has_init: bool, faults: Faults) -> None:
    """Check all layers; `has_init`: the network says how to draw weights that are not given."""
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
    for key in sorted(part.table.good.keys() - {"size", "names"}):
        hint = "What leads into a layer stands in that layer; begin with one for the input."
        message = f"the first layer is the input: it has no {key}"
        faults.add(message, part.path(key), "key", hint)


def _check_layer(part: Part, before: int, has_init: bool, faults: Faults) -> None:
    table = part.table
    if table.lacks("activation"):
        hint = f"Write one of: {', '.join(ACTIVATIONS.names)}."
        faults.add("this layer says no activation", part.path(), "key", hint)
    if isinstance(table.activation, View):
        _check_activation(part, table.activation, faults)
    drawn = table.lacks("weights") and (has_init or not table.lacks("init"))
    _check_weights(part, before, drawn, faults)
    _check_biases(part, drawn, faults)
    for key in ("mask", "weight_names"):
        _check_matrix(part, key, getattr(table, key), before, faults)
    _check_connections(part, before, faults)


def _check_activation(part: Part, activation: View, faults: Faults) -> None:
    if not activation.lacks("formula"):
        _check_formula(part, activation, faults)
    elif activation.lacks("name"):
        hint = 'Write { name = "step", … }: see `bptrace list` for the names.'
        faults.add("this activation has no name", part.path("activation"), "key", hint)
    elif activation.name in ACTIVATIONS:
        _check_option(part, activation, faults)


def _check_formula(part: Part, activation: View, faults: Faults) -> None:
    """Check an own activation, and that a given slope is its slope."""
    for key in activation.raw.keys() - {"formula", "slope"}:
        message = f"an activation with a formula has no {quoted(key)}"
        faults.add(message, part.path("activation", key), "key", "Keep one of the two.")
    formula, slope = activation.formula, activation.slope
    if isinstance(slope, float):
        hint = f'Write slope = "{slope:g}".'
        message = "slope: expected a formula in quotes, found a number"
        faults.add(message, part.path("activation", "slope"), hint=hint)
        return
    if formula is None:
        return
    from bptrace.maths.formula import FormulaError, read_formula  # which most files do not need
    from bptrace.maths.slopes import derived_slope, difference

    at = "formula"
    try:
        read_formula(formula)
        at = "slope" if slope is not None else at
        if slope is None:
            derived_slope(read_formula(formula))
        elif (found := difference(formula, slope)) is not None:
            message = (
                f"this is not the slope of the formula: at x = {found.x:.6g} it is "
                f"{found.given:.6g}, but the formula has the slope {found.derived:.6g} there"
            )
            path = part.path("activation", "slope")
            faults.add(message, path, hint="Leave it out: the slope is derived from the formula.")
    except FormulaError as error:
        path = part.path("activation", at)
        faults.add_at(error.message, path, error.offset, error.hint, "value")


def _check_option(part: Part, activation: View, faults: Faults) -> None:
    entry = ACTIVATIONS.get(activation.name)
    for key, value in options(activation).items():
        path = part.path("activation", key)
        if key != entry.option:
            takes = f"its option is {entry.option}" if entry.option else "it takes none"
            message = f"{entry.name} has no option {quoted(key)}"
            faults.add(message, path, "key", f"Leave it out; {takes}.")
        elif isinstance(value, str):
            message = f"{key}: expected a number, found the text {quoted(value)}"
            faults.add(message, path, hint="Only beside a formula it is a formula.")
        elif not entry.limits[0] <= value <= entry.limits[1]:
            low, high = entry.limits
            faults.add(f"{key} = {value:g}: expected a number from {low:g} to {high:g}", path)


def options(activation: View) -> dict[str, Any]:
    """Return what stands beside the name of an activation."""
    return {key: value for key, value in activation.good.items() if key != "name"}


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


def bias_count(table: View, size: int, drawn: bool) -> int:
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
        if not any(row) and not table.is_faulty("biases") and not _has_biases(table):
            message = f"mask, row {j + 1}: this neuron has neither an input nor a bias"
            faults.add(message, part.path("mask", j), hint="Leave it one connection.")
        weights = table.weights[j] if table.weights and j < len(table.weights) else []
        for i, (weight, there) in enumerate(zip(weights, row, strict=False)):
            if weight and not there:
                message = f"weights, row {j + 1}: {weight:g} at a connection that the mask removes"
                faults.add(message, part.path("weights", j, i), hint="Write 0 there.")


def _has_biases(table: View) -> bool:
    """Whether a layer has biases, given or drawn."""
    return bias_count(table, 1, drawn=table.lacks("weights")) > 0
