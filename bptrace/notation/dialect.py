"""Dialects: how one group of texts writes the quantities. One TOML file each in `dialects/`.

A new dialect is a new file there; names in output and in claims, the order of indices and the way
derivatives are written follow from it. This module reads the files; `names` uses them.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import cache

from bptrace.errors import UnknownName
from bptrace.tuples import NamedTuple

_FOLDER = os.path.join(os.path.dirname(__file__), "dialects")  # pathlib takes 3 ms to import


class Dialect(NamedTuple):
    """One way of writing.

    Attributes
    ----------
    name : str
        Stem of its file.
    title : mapping of language to str
    source : str
        The text whose notation it is.
    neuron : mapping
        What a neuron without a name of its own is called: `input`, `hidden` (one hidden layer),
        `deep` (several), `output`.
    names : mapping
        A pattern per quantity. Fields: ``{n}`` the neuron's name, ``{l}`` its layer, ``{j}`` its
        number in the layer, ``{g}`` its number in the network; ``{m}``, ``{i}`` the same of a
        weight's source; ``{ji}``, ``{nm}`` to and from together; ``{w}``, ``{b}`` the parameter's
        own name. Some may be left out: `velocity` and `velocity_new` (momentum's step before and
        now; ``{p}`` is the parameter) and the letters of options of rules, under their keys.
    matrices : mapping
        A pattern per matrix or vector of a layer: `in`, `out`, `delta`, `weight`, `bias`, and the
        vectors `target` and `slope` (of E by the outputs). Field: ``{l}``.
    first_layer : int
        The number of the input layer.
    written_out : tuple of str
        Quantities that longer formulas write out in place of naming them ("delta").
    derivative : str
        "delta" where the dialect has no δ: it is printed as ∂E/∂in.
    """

    name: str
    title: Mapping[str, str]
    source: str
    neuron: Mapping[str, str]
    names: Mapping[str, str]
    matrices: Mapping[str, str]
    first_layer: int = 0
    written_out: tuple[str, ...] = ()
    derivative: str = ""


def dialect_names() -> tuple[str, ...]:
    """Return the names of all dialects, the default first."""
    stems = sorted(name[:-5] for name in os.listdir(_FOLDER) if name.endswith(".toml"))
    return tuple(sorted(stems, key=lambda stem: stem != "in-out"))


@cache
def get_dialect(name: str) -> Dialect:
    """Return the dialect called `name`; raise `UnknownName` with the nearest name otherwise."""
    if name not in dialect_names():
        raise UnknownName("dialect", name, dialect_names())
    with open(os.path.join(_FOLDER, f"{name}.toml"), "rb") as file:
        data = tomllib.load(file)
    data["written_out"] = tuple(data.get("written_out", ()))
    return Dialect(name=name, **data)
