"""From an integer code to a function of the tables: chains folded from the registries.

Kernels are told by a number which activation, loss or rule to use, because Numba compiles anew in
every process, and calls ten times slower, where a function is an argument. A chain is a nest of
closures, "the first function if the code is its number, else the rest of the chain"; compiled, it
becomes a row of comparisons (`choosing`). This module knows no Numba: plain Python runs the
closures, `CHAINS` and `SCALARS` tell the modules that compile what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bptrace.maths.activations import ACTIVATIONS, Activation
from bptrace.maths.expr import maximum
from bptrace.maths.losses import LOSSES, fused
from bptrace.maths.rules import RULES, Constants, Rule
from bptrace.maths.schedules import SCHEDULES
from bptrace.tuples import NamedTuple

Scalar = Callable[..., Any]

SCALARS: list[Scalar] = []
"""Everything that a chain calls; what is called stands before what calls it."""


class Chain(NamedTuple):
    """A function ``f(code, *args)``, and those that it calls for the codes from `first` on.

    These may take fewer arguments: the first ones.
    """

    function: Scalar
    functions: tuple[Scalar, ...]
    first: int


CHAINS: list[Chain] = []


def _listed(function: Scalar) -> Scalar:
    SCALARS.append(function)
    return function


def fold(functions: Iterable[Scalar], first: int = 0, most: int | None = None) -> Scalar:
    """Return ``f(code, *args)``, which calls the function of this code with `args`.

    The first function has the code `first`. Codes are not checked: they come from the tables. With
    `most`, there are so many arguments, and a function that takes fewer is given the first ones.
    """
    entries = tuple(map(_listed, functions))
    fitted = entries if most is None else [_fitted(f, most) for f in entries]
    found = _fold(list(fitted), first)
    CHAINS.append(Chain(found, entries, first))
    return found


def _fold(functions: list[Scalar], first: int) -> Scalar:
    """Return the chain for the codes from `first` on.

    Halving keeps the nest shallow, and up to four functions at its ends keep its links few: every
    call costs something.
    """
    if len(functions) <= len(_ENDS):
        return _ENDS[len(functions) - 1](first, *functions)
    half = len(functions) // 2
    middle = first + half
    return _choice(middle, _fold(functions[:half], first), _fold(functions[half:], middle))


def _fitted(f: Scalar, most: int) -> Scalar:
    """Return a function of `most` arguments (2 or 3) that passes as many as `f` takes."""
    takes = f.__code__.co_argcount
    if takes == most:
        return f
    if most == 2:
        return lambda z, option: f(z)
    return lambda z, a, option: f(z, a)


def _choice(middle: int, below: Scalar, above: Scalar) -> Scalar:
    def choice(code: int, *args: float) -> float:
        return below(code, *args) if code < middle else above(code, *args)

    return choice


def _one(first: int, a: Scalar) -> Scalar:
    def one(code: int, *args: float) -> float:
        return a(*args)

    return one


def _two(first: int, a: Scalar, b: Scalar) -> Scalar:
    def two(code: int, *args: float) -> float:
        return a(*args) if code == first else b(*args)

    return two


def _three(first: int, a: Scalar, b: Scalar, c: Scalar) -> Scalar:
    second = first + 1

    def three(code: int, *args: float) -> float:
        if code == first:
            return a(*args)
        return b(*args) if code == second else c(*args)

    return three


def _four(first: int, a: Scalar, b: Scalar, c: Scalar, d: Scalar) -> Scalar:
    second, third = first + 1, first + 2

    def four(code: int, *args: float) -> float:
        if code <= second:
            return a(*args) if code == first else b(*args)
        return c(*args) if code == third else d(*args)

    return four


_ENDS: tuple[Callable[..., Scalar], ...] = (_one, _two, _three, _four)


def _nowhere(*args: object) -> float:
    """Stand where a chain has no function: code 0 of those that count from 1."""
    return 0.0


_listed(maximum)

act = fold((_nowhere if entry.is_of_layer else entry.f for entry in ACTIVATIONS), most=2)
"""``act(code, z, option)``: the output of a neuron."""

act_slope = fold((entry.slope for entry in ACTIVATIONS), most=3)
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


class Arithmetic(NamedTuple):
    """The functions of a rule; rules may share them."""

    f: Scalar
    memory: tuple[Scalar, ...]


def _arithmetic(entry: Rule) -> Arithmetic:
    return Arithmetic(entry.f, tuple(memory.f for memory in entry.memory))


def _remembering(memories: int) -> list[Arithmetic]:
    """Return what rules along the slope with so many memories do, each once."""
    rules = (_arithmetic(entry) for entry in RULES if entry.local is None)
    return list(dict.fromkeys(found for found in rules if len(found.memory) == memories))


def _without_memory(entry: Arithmetic) -> Scalar:
    f = _listed(entry.f)

    def update(p: float, g: float, eta: float, c: Constants) -> float:
        return f(p, g, eta, 0.0, 0.0, c)

    return update


def _with_one_memory(entry: Arithmetic) -> Callable[..., tuple[float, float]]:
    f, remember = map(_listed, (entry.f, *entry.memory))

    def update(p: float, g: float, eta: float, old: float, c: Constants) -> tuple[float, float]:
        first = remember(old, g, eta, c)
        return f(p, g, eta, first, 0.0, c), first

    return update


def _with_two_memories(entry: Arithmetic) -> Callable[..., tuple[float, float, float]]:
    f, remember, remember_too = map(_listed, (entry.f, *entry.memory))

    def update(
        p: float, g: float, eta: float, old: float, old_too: float, c: Constants
    ) -> tuple[float, float, float]:
        first, second = remember(old, g, eta, c), remember_too(old_too, g, eta, c)
        return f(p, g, eta, first, second, c), first, second

    return update


update_plain = fold(map(_without_memory, _remembering(0)))
"""``update_plain(code, p, g, eta, constants)``: the parameter after the update."""

update_one = fold(map(_with_one_memory, _remembering(1)))
"""``update_one(code, p, g, eta, old, constants)``: parameter and memory after the update."""

update_two = fold(map(_with_two_memories, _remembering(2)))
"""``update_two(code, p, g, eta, old, old_too, constants)``: the same with two memories."""

_LOCAL = list(dict.fromkeys(entry.local.f for entry in RULES if entry.local is not None))

local_step = fold(_LOCAL)
"""``local_step(code, eta, x, t, y)``: what one sample adds to a parameter by a local rule."""


def rule_code(entry: Rule | None) -> int:
    """Return the code of a rule in the chain where it is: by its memories, or among local ones."""
    if entry is None:
        return 0
    if entry.local is not None:
        return _LOCAL.index(entry.local.f)
    return _remembering(len(entry.memory)).index(_arithmetic(entry))


scheduled = fold(entry.f for entry in SCHEDULES)
"""``scheduled(code, rate, n, a, b)``: the learning rate after n updates or epochs."""
