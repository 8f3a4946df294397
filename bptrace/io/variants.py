"""The same problem with another number of hidden neurons, drawn anew as the file says.

document = read_document("circle.toml")
narrow, wide = with_hidden(document, 1), with_hidden(document, 10)
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from bptrace.errors import FileError
from bptrace.io.problem import read_problem
from bptrace.io.toml import Document, Path
from bptrace.model import Problem

_FIRST_HIDDEN: Final = 1

_OF_NEURONS: Final = ("names", "weight_names", "bias_names", "mask")
"""What a file says neuron by neuron; it does not fit another number of them."""


def with_hidden(document: Document, size: int) -> Problem:
    """Return the problem of a document with `size` neurons in its first hidden layer.

    Weights into and out of that layer are drawn by the ``init`` of the file; names and masks of its
    neurons, and claims about them, are left out.

    Raises
    ------
    FileError
        With the faults of the document; if there is no hidden layer; or if its weights, or those
        that lead out of it, are given number by number and so cannot be drawn.
    """
    read_problem(document)  # its own faults first
    data: Any = deepcopy(document.data)
    layers = data["network"]["layer"]
    if len(layers) < 3:
        hint = "Write another [[network.layer]] between the input and the last layer."
        raise _error(document, "the network has no hidden layer", ("network", "layer"), hint)
    hidden, after = layers[_FIRST_HIDDEN], layers[_FIRST_HIDDEN + 1]
    for l, layer in enumerate((hidden, after), _FIRST_HIDDEN):
        _check_drawn(document, layer, l)
    for key in _OF_NEURONS:
        hidden.pop(key, None)
    for key in ("weight_names", "mask"):
        after.pop(key, None)
    hidden["size"] = size
    data.pop("claims", None)
    data.pop("given", None)
    return read_problem(Document(document.file, document.text, data))


def _check_drawn(document: Document, layer: dict[str, Any], l: int) -> None:
    given = "weights" if "weights" in layer else ""
    if l == _FIRST_HIDDEN and isinstance(layer.get("biases"), list):
        given = given or "biases"
    if given:
        message = f"the {given} of this layer are given, so its size cannot be changed"
        hint = 'Let them be drawn instead: init = { method = "normal", seed = 0 }.'
        raise _error(document, message, ("network", "layer", l, given), hint)


def _error(document: Document, message: str, path: Path, hint: str) -> FileError:
    return FileError([document.fault(message, path, hint=hint)])
