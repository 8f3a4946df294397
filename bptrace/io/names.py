"""Names of neurons, weights and biases: each must mean one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bptrace.address import match_positional
from bptrace.io.faults import Faults, quoted
from bptrace.io.layers import Part, bias_count
from bptrace.io.toml import Path

LONGEST_NAME: Final = 40


def check_names(parts: Sequence[Part], faults: Faults) -> dict[str, str]:
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


def check_default_names(parts: Sequence[Part], given: dict[str, str], faults: Faults) -> None:
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
