"""Whose gradients are these? Arrays with all kinds of names, sorted to layers.

Taken are pairs (dW, db) of each layer in order; a dictionary with names such as dW1, db1, W1, b1,
or 0.weight, 0.bias, fc1.weight in the order of the layers; names of single gradients as the problem
writes them; or one vector of all. Not responsible for what rows and columns mean (`layouts`), nor
for files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bptrace.address import Address, Quantity
from bptrace.errors import BptraceError, Fault, FileError, suggest
from bptrace.model import Network, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

Q = Quantity
MOST_LISTED = 12

_NAME = re.compile(
    r"(?P<head>.*?)(?P<kind>weights?|kernel|coefs?|biases|bias|intercepts?|[WwBb])"
    r"[_.\[({]?(?P<number>\d*)[\])}]?"
    r"(?P<tail>[._]?grad(ient)?s?)?(:\d+)?"
)
_MARKED = re.compile(
    r"(^|[._/ ])(d|g|∂|∇|grad|gradient|nabla|delta)[._/ ]*$|[∂∇]|dE/|grad|nabla", re.I
)


@dataclass(frozen=True)
class Foreign:
    """Somebody else's arrays, as they were given.

    Attributes
    ----------
    weights, biases : list of array or None
        Of each layer; None where nothing was given.
    elements : dict
        Single gradients by their place in the log, if these were given.
    vector : array or None
        All at once, if these were given.
    names : dict
        How what belongs to a layer was called: ("weights", l) and ("biases", l).
    ignored : tuple of str
        Names of what was not looked at.
    """

    weights: list[Array | None] = field(default_factory=list)
    biases: list[Array | None] = field(default_factory=list)
    elements: dict[int, float] = field(default_factory=dict)
    vector: Array | None = None
    names: dict[tuple[str, int], str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @property
    def arrays(self) -> list[Array]:
        """All arrays that there are."""
        found = [a for a in (*self.weights, *self.biases, self.vector) if a is not None]
        return found


def sorted_arrays(
    problem: Problem,
    gradients: Any,
    read: Callable[[str], Address] | None = None,
    file: str = "",
) -> Foreign:
    """Return somebody else's gradients sorted to the layers of a problem.

    Parameters
    ----------
    problem : Problem
    gradients : mapping, sequence or array
        See the head of this module.
    read : function, optional
        What a name of the problem's dialect means; raises `BptraceError`.
    file : str
        Where they are from, for messages.

    Raises
    ------
    FileError
        If it cannot be told what belongs where, or if they are no floating-point numbers.
    """
    if isinstance(gradients, Mapping):
        return _named(problem, gradients, read, file)
    if hasattr(gradients, "__array__"):
        array = _array("the array", gradients, file)
        if problem.network.depth == 1 and array.ndim == 2:
            return _layered(problem.network, [array], [None], ["the array"], file)
        return Foreign(vector=_vector(problem, "the array", array, file))
    if isinstance(gradients, Iterable) and not isinstance(gradients, str | bytes):
        return _in_order(problem.network, list(gradients), file)
    found = _KINDS.get(type(gradients), f"there is an object of type {type(gradients).__name__}")
    raise _refused(f"{found} and no arrays", f"Expected {_expected(problem.network)}", file)


_KINDS: dict[type, str] = {
    type(None): "there is nothing",
    bool: "there is a truth value",
    str: "there is a text",
    int: "there is a single number",
    float: "there is a single number",
}


def _refused(message: str, hint: str, file: str) -> FileError:
    stop = "" if not hint or hint[-1] in ".?" else "."
    return FileError([Fault(message, file, hint=hint + stop)])


def _expected(network: Network) -> str:
    """Say what arrays are expected, with their shapes."""
    parts = []
    for l in range(1, network.depth + 1):
        n, m = network.widths[l], network.widths[l - 1]
        parts.append(f"dW{l} ({n}, {m})")
        if network.layers[l].biases:
            parts.append(f"db{l} ({network.layers[l].biases},)")
    shown = parts if len(parts) <= MOST_LISTED else [*parts[:4], "…", *parts[-2:]]
    return ", ".join(shown)


def listed(names: Sequence[str]) -> str:
    """Return names one after the other, of very many only the first."""
    shown = [repr(n) for n in names[:MOST_LISTED]]
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(shown) + more


# ------------------------------------------------------------------------------- numbers


def _array(name: str, value: Any, file: str) -> Array:
    """Return a value as an array of float64 or float32.

    Raises `FileError` if it is none; lists of plain numbers are float64.
    """
    import numpy as np

    is_list = not hasattr(value, "__array__")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        reason = "its rows are of different lengths" if is_list else str(error).split("\n")[0]
        raise _refused(f"{name} is no array: {reason}", "", file) from None
    kind, size = array.dtype.kind, array.dtype.itemsize
    if is_list and kind in "iu":
        return array.astype(np.float64)
    if kind == "f" and size in (4, 8):
        return array.astype(array.dtype.newbyteorder("="))
    raise _refused(f"{name} holds {_type_of(array)}; gradients are float64 or float32",
                   _cure(kind, size, is_list), file)  # fmt: skip


def _type_of(array: Any) -> str:
    return "no numbers" if array.dtype.kind in "OSUV" else str(array.dtype)


def _cure(kind: str, size: int, is_list: bool) -> str:
    if kind == "f" and size < 4:
        return "Eleven bits are too few to judge by: calculate in float32"
    if kind in "iub":
        return "Whole numbers are no gradients: is this another array?"
    if kind == "c":
        return "Take its real part, if that is meant"
    return "Expected lists of numbers" if is_list or kind in "OSUV" else "Convert it with astype"


def _vector(problem: Problem, name: str, array: Array, file: str) -> Array:
    n = problem.layout.n_parameters
    if array.size != n:
        raise _refused(
            f"{name} has {array.size} numbers; the network has {n} weights and biases",
            f"Expected {_expected(problem.network)}, or a vector of all {n}", file,
        )  # fmt: skip
    return array.ravel()


# ------------------------------------------------------------------------------ by order


def _in_order(network: Network, items: list[Any], file: str) -> Foreign:
    """Layers in order: (dW, db), {"dW": …, "db": …} or dW alone; or all arrays one by one."""
    n = network.depth
    if not items:
        raise _refused("no array is in it", f"Expected {_expected(network)}", file)
    if len(items) == n and not (n == 2 and _is_array(items[0]) and _is_row(items[1])):
        pairs = [_pair(item, l, file) for l, item in enumerate(items, 1)]
        names = [f"layer {l}" for l in range(1, n + 1)]
        return _layered(network, [w for w, _ in pairs], [b for _, b in pairs], names, file)
    if any(isinstance(item, list | tuple | Mapping) for item in items):
        raise _refused(
            f"{len(items)} layer{'s were' if len(items) != 1 else ' was'} given, "
            f"the network has {n}",
            f"Expected {_expected(network)}", file,
        )  # fmt: skip
    arrays = [_array(f"array {k}", item, file) for k, item in enumerate(items, 1)]
    found = _by_shape(network, arrays)
    if found is None:
        raise _refused(
            f"{len(items)} arrays for {n} layers ({_shapes(arrays)})",
            f"Expected a pair (dW, db) of each layer, first layer first: {_expected(network)}",
            file,
        )
    weights, biases = found
    return _layered(network, weights, biases, [f"layer {l}" for l in range(1, n + 1)], file)


def _is_array(item: Any) -> bool:
    return hasattr(item, "__array__")


def _is_row(item: Any) -> bool:
    return _is_array(item) and getattr(item, "ndim", 0) == 1


def _pair(item: Any, l: int, file: str) -> tuple[Array, Array | None]:
    """Return dW and db of a layer, however they are put together."""
    name = f"layer {l}"
    if isinstance(item, Mapping):
        sides: dict[str, Any] = {}
        for key, value in item.items():
            match = _NAME.fullmatch(str(key))
            if match:
                sides["b" if match["kind"][0] in "bBi" else "W"] = value
        if "W" not in sides:
            raise _refused(f"{name} has {listed(list(map(str, item)))}",
                           'Expected "dW" and "db"', file)  # fmt: skip
        item = (sides["W"], sides.get("b"))
    is_pair = isinstance(item, list | tuple) and len(item) == 2
    if is_pair and (item[1] is None or _is_array(item[0]) or _depth(item[0]) > _depth(item[1])):
        weights, biases = item
        return (
            _array(f"dW of {name}", weights, file),
            None if biases is None else _array(f"db of {name}", biases, file),
        )
    if isinstance(item, list | tuple) and len(item) == 1 and _depth(item) > 2:
        item = item[0]
    return _array(f"dW of {name}", item, file), None


def _depth(item: Any) -> int:
    """How deep lists stand in lists; an array counts by its dimensions."""
    if hasattr(item, "ndim"):
        return int(item.ndim)
    return 1 + max(map(_depth, item), default=0) if isinstance(item, list | tuple) else 0


Sides = tuple[list["Array | None"], list["Array | None"]]


def _by_shape(network: Network, arrays: Sequence[Array]) -> Sides | None:
    """Sort arrays without names: W1 b1 W2 b2, W1 W2 b1 b2 or b1 b2 W1 W2, whatever fits."""
    n = network.depth
    has_bias = [bool(layer.biases) for layer in network.layers[1:]]
    alternating = [part for l in range(n) for part in (("W", l), ("b", l))[: 1 + has_bias[l]]]
    weights = [("W", l) for l in range(n)]
    biases = [("b", l) for l in range(n) if has_bias[l]]
    for order in (alternating, weights + biases, biases + weights, weights):
        if len(order) != len(arrays):
            continue
        sides: dict[str, list[Array | None]] = {"W": [None] * n, "b": [None] * n}
        for (side, l), array in zip(order, arrays, strict=True):
            sides[side][l] = array
        if all(_can_be(network, side, l, a) for (side, l), a in zip(order, arrays, strict=True)):
            return sides["W"], sides["b"]
    return None


def _can_be(network: Network, side: str, l: int, array: Array) -> bool:
    n, m = network.widths[l + 1], network.widths[l]
    if side == "b":
        return array.size in (n, network.layers[l + 1].biases)
    return array.size in (n * m, n * (m + 1)) and (array.ndim == 2 or n * m == array.size)


def _shapes(arrays: Sequence[Array]) -> str:
    shown = [str(a.shape) for a in arrays[:MOST_LISTED]]
    return ", ".join(shown) + (", …" if len(arrays) > MOST_LISTED else "")


# ------------------------------------------------------------------------------- by name


def _named(
    problem: Problem, gradients: Mapping[Any, Any], read: Callable[[str], Address] | None, file: str
) -> Foreign:
    if not gradients:
        raise _refused("no array is in it", f"Expected {_expected(problem.network)}", file)
    values = {str(name): value for name, value in gradients.items()}
    single = {name: v for name, v in values.items() if _depth(v) == 0 and _is_number(v)}
    if single and len(single) == len(values):
        return _elements(problem, single, read, file)
    if all(isinstance(value, Mapping) for value in values.values()):  # {"layer1": {"dW": …}, …}
        return _in_order(problem.network, list(values.values()), file)
    if len(values) == 1 and problem.network.depth > 1:
        ((name, value),) = values.items()
        return Foreign(vector=_vector(problem, name, _array(name, value, file), file))
    return _by_names(problem.network, values, file)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | complex) or hasattr(value, "dtype")


def _by_names(network: Network, values: Mapping[str, Any], file: str) -> Foreign:
    """Sort arrays by the numbers in their names, or by what stands before "weight" and "bias"."""
    sides = _sides(values, file)
    numbered = all(isinstance(key, int) for key, _ in sides)
    keys = list(dict.fromkeys(key for key, _ in sides))
    keys = sorted(keys) if numbered else keys
    n = network.depth
    used = list(sides.values())
    if len(keys) != n or not all((key, "W") in sides for key in keys):
        return _by_order(network, values, file)
    weights = [_array(sides[key, "W"], values[sides[key, "W"]], file) for key in keys]
    biases = [
        _array(sides[key, "b"], values[sides[key, "b"]], file) if (key, "b") in sides else None
        for key in keys
    ]
    names = {("weights", l): sides[key, "W"] for l, key in enumerate(keys, 1)}
    names |= {("biases", l): sides[k, "b"] for l, k in enumerate(keys, 1) if (k, "b") in sides}
    ignored = tuple(name for name in values if name not in used)
    return Foreign(list(weights), biases, names=names, ignored=ignored)


def _sides(values: Mapping[str, Any], file: str) -> dict[tuple[int | str, str], str]:
    """Return the name of what is W or b of each layer; where two could be, that of a gradient."""
    found: dict[tuple[int | str, str], str] = {}
    for name in values:
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        number = match["number"]
        key = int(number) if number else match["head"].rstrip("._/")
        place = key, "b" if match["kind"][0] in "bBi" else "W"
        if place in found:
            marked = [n for n in (found[place], name) if _is_marked(n)]
            if len(marked) != 1:
                raise _refused(f"{found[place]!r} and {name!r} could both be meant",
                               "Leave one of them out", file)  # fmt: skip
            found[place] = marked[0]
        else:
            found[place] = name
    return found


def _is_marked(name: str) -> bool:
    """Whether a name says that it is of a gradient."""
    match = _NAME.fullmatch(name)
    return match is not None and bool(match["tail"] or _MARKED.search(match["head"]))


def _by_order(network: Network, values: Mapping[str, Any], file: str) -> Foreign:
    """Sort arrays whose names say nothing by their order and shapes."""
    arrays = {name: _array(name, value, file) for name, value in values.items()}
    found = _by_shape(network, list(arrays.values()))
    if found is None:
        what = ", ".join(f"{n} {a.shape}" for n, a in list(arrays.items())[:MOST_LISTED])
        more = f" and {len(arrays) - MOST_LISTED} more" if len(arrays) > MOST_LISTED else ""
        raise _refused(f"what belongs to which layer cannot be told; there is {what}{more}",
                       f"Expected {_expected(network)}", file)  # fmt: skip
    return _layered(network, *found, list(values), file)


def _layered(
    network: Network,
    weights: Sequence[Array | None],
    biases: Sequence[Array | None],
    names: Sequence[str],
    file: str,
) -> Foreign:
    called: dict[tuple[str, int], str] = {}
    if len(names) == network.depth:
        called = {("weights", l): f"dW of {n}" for l, n in enumerate(names, 1)}
        called |= {("biases", l): f"db of {n}" for l, n in enumerate(names, 1)}
    return Foreign(list(weights), list(biases), names=called)


def _elements(
    problem: Problem,
    values: Mapping[str, Any],
    read: Callable[[str], Address] | None,
    file: str,
) -> Foreign:
    """Single gradients by the names of the problem."""
    layout, faults = problem.layout, []
    places = {address.positional: k for k, address in enumerate(layout.parameters())}
    found: dict[int, float] = {}
    for name, value in values.items():
        number = _array(name, value, file)
        try:
            address = read(name) if read is not None else None
        except BptraceError as error:
            faults.append(Fault(f"{name!r}: {error}", file))
            continue
        plain = None if address is None else _parameter(address)
        if plain is None or plain.positional not in places:
            hint = suggest(name, [f"dE/d{place}" for place in places])
            faults.append(Fault(f"{name!r} is no gradient of a weight or bias", file, hint=hint))
        elif places[plain.positional] in found:
            faults.append(Fault(f"{name!r} stands there twice, under another name", file))
        else:
            found[places[plain.positional]] = float(number)
    if faults:
        raise FileError(faults)
    return Foreign(elements=found)


def _parameter(address: Address) -> Address | None:
    """The weight or bias by which E is differentiated, or which is named itself."""
    kinds = {Q.W: Q.W, Q.B: Q.B, Q.D_W: Q.W, Q.D_B: Q.B}
    if address.quantity not in kinds or address.of is not None:
        return None
    return Address(kinds[address.quantity], address.layer, address.neuron, address.source)
