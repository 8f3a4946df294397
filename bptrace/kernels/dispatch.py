"""From an integer code to a function of the tables: chains folded from the registries.

Kernels are told by a number which activation, loss or rule to use, because Numba compiles anew in
every process, and calls ten times slower, where a function is an argument. A chain is a nest of
closures, "the first function if the code is its number, else the rest of the chain"; compiled, it
becomes a row of comparisons. This module knows no Numba: plain Python runs the same closures, and
`SCALARS` names them for the module that compiles them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.expr import maximum
from bptrace.maths.losses import LOSSES, fused
from bptrace.maths.rules import RULES, Rule
from bptrace.maths.schedules import SCHEDULES

Scalar = Callable[..., float]

SCALARS: list[Scalar] = []
"""Everything that a chain calls, and the chains; what is called stands before what calls it."""


def _listed(function: Scalar) -> Scalar:
    SCALARS.append(function)
    return function


def fold(functions: Iterable[Scalar], first: int = 0) -> Scalar:
    """Return ``f(code, *args)``, which calls the function of this code with `args`.

    The first function has the code `first`. Codes are not checked: they come from the tables.
    """
    return _fold(list(functions), first)


def _fold(functions: list[Scalar], first: int) -> Scalar:
    """Return the chain for the codes from `first` on.

    Halving keeps the nest shallow and its functions few: plain Python pays for every call, and
    Numba for every function, with some 40 ms of compilation.
    """
    if len(functions) == 1:
        return _listed(_always(_listed(functions[0])))
    if len(functions) == 2:
        return _listed(_pair(first, *map(_listed, functions)))
    half = len(functions) // 2
    middle = first + half
    return _listed(_choice(middle, _fold(functions[:half], first), _fold(functions[half:], middle)))


def _choice(middle: int, below: Scalar, above: Scalar) -> Scalar:
    def choice(code: int, *args: float) -> float:
        return below(code, *args) if code < middle else above(code, *args)

    return choice


def _pair(first: int, one: Scalar, other: Scalar) -> Scalar:
    def pair(code: int, *args: float) -> float:
        return one(*args) if code == first else other(*args)

    return pair


def _always(chosen: Scalar) -> Scalar:
    def always(code: int, *args: float) -> float:
        return chosen(*args)

    return always


def _nowhere(*args: object) -> float:
    """Stand where a chain has no function: code 0 of those that count from 1."""
    return 0.0


def _value(entry: Activation) -> Scalar:
    """Return f as a function of net input and option, which not every entry has."""
    if entry.is_of_layer:
        return _nowhere
    f = _listed(entry.f)

    def value(z: float, option: float) -> float:
        return f(z)

    return f if entry.option else value


def _slope(entry: Activation) -> Scalar:
    """Return the slope as a function of net input, output and option."""
    f = _listed(entry.slope)

    def slope(z: float, a: float, option: float) -> float:
        return f(z, a)

    return f if entry.option else slope


_listed(maximum)

act = fold(map(_value, ACTIVATIONS))
"""``act(code, z, option)``: the output of a neuron."""

act_slope = fold(map(_slope, ACTIVATIONS))
"""``act_slope(code, z, a, option)``: ∂out/∂in."""

_OF_LAYER = [entry for entry in ACTIVATIONS if entry.is_of_layer]

act_layer = fold([_nowhere, *(entry.f for entry in _OF_LAYER)])
"""``act_layer(code, numbers, z, a, n)``: the outputs of a layer, see `layer_code`."""

cross_slope = fold([_nowhere, *(entry.cross for entry in _OF_LAYER if entry.cross)])
"""``cross_slope(code, a_j, a_k)``: ∂out_j/∂in_k of two neurons of a layer."""


def layer_code(entry: Activation) -> int:
    """Return the code of an activation of a whole layer, 0 for any other."""
    return 1 + _OF_LAYER.index(entry) if entry.is_of_layer else 0


loss = fold(entry.f for entry in LOSSES)
"""``loss(code, t, a, n)``: the share of one output in E."""

loss_slope = fold(entry.slope for entry in LOSSES)
"""``loss_slope(code, t, a, n)``: ∂E/∂out of an output."""

_FUSED = [entry.fused for entry in LOSSES if entry.fused]

fused_common = fold([_nowhere, *(entry.common for entry in _FUSED)])
"""``fused_common(code, numbers, z, n)``: what the shares of all outputs have in common."""

fused_loss = fold([_nowhere, *(entry.f for entry in _FUSED)])
"""``fused_loss(code, t, z, common)``: the share of one output in E, see `fused_code`."""

fused_slope = fold([_nowhere, *(entry.slope for entry in _FUSED)])
"""``fused_slope(code, t, a, total)``: δ of an output."""


def fused_code(loss: str, activation: str) -> int:
    """Return the code of a loss after the activation that it undoes, 0 if it does not."""
    entry = fused(loss, activation)
    return 0 if entry is None else 1 + _FUSED.index(entry)


_UPDATES = list(dict.fromkeys(entry.f for entry in RULES if entry.local is None))
_FIRST, _SECOND = (
    list(dict.fromkeys(entry.memory[k].f for entry in RULES if len(entry.memory) > k))
    for k in (0, 1)
)
_LOCAL = list(dict.fromkeys(entry.local.f for entry in RULES if entry.local is not None))

update = fold(_UPDATES)
"""``update(code, p, g, eta, first, second, constants)``: the parameter after the update."""

remember_first = fold(_FIRST)
"""``remember_first(code, old, g, eta, constants)``: the first memory after the update."""

remember_second = fold(_SECOND)
"""``remember_second(code, old, g, eta, constants)``: the second one."""

local_step = fold(_LOCAL)
"""``local_step(code, eta, x, t, y)``: what one sample adds to a parameter by a local rule."""


class RuleCodes(NamedTuple):
    """The codes of a rule's functions in the chains; each function stands in its chain once."""

    update: int
    first: int
    second: int
    local: int


def rule_codes(entry: Rule | None) -> RuleCodes:
    """Return the codes of a rule's functions; 0 for those that it does not have."""
    if entry is None:
        return RuleCodes(0, 0, 0, 0)
    if entry.local is not None:
        return RuleCodes(0, 0, 0, _LOCAL.index(entry.local.f))
    first, second = (
        found.index(entry.memory[k].f) if len(entry.memory) > k else 0
        for k, found in enumerate((_FIRST, _SECOND))
    )
    return RuleCodes(_UPDATES.index(entry.f), first, second, 0)


scheduled = fold(entry.f for entry in SCHEDULES)
"""``scheduled(code, rate, n, a, b)``: the learning rate after n updates or epochs."""
