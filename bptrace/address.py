"""Where a value lives: quantities, addresses and their slots in the log.

A value has an address, not a name: ``(quantity, layer, neuron, source, of, sample, step)``. Layers
count from 0 (the input), neurons from 1. The names of the textbooks belong to `notation`; only the
positional names, which every dialect understands and which ``--json`` prints, are read and written
here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from itertools import pairwise

from bptrace.errors import BptraceError
from bptrace.tuples import NamedTuple


class Quantity(Enum):
    """The quantities of the chapter, in order of calculation.

    ``value = (order, head of the positional name, number of indices, belongs to one sample)``.
    The four ``D_…`` are the partial derivatives with respect to an output, a net input, a weight
    and a bias; what is differentiated is `Address.of` (None: the error E).

    `V`, `M` and `S` are what a learning rule remembers of a weight, or of a bias (then there is no
    source): velocity, mean of the gradients, mean or sum of their squares; ``…_HAT`` is a mean
    corrected for its beginning at 0, ``…_NEW`` a value after the update.
    """

    ETA = (0, "eta", 0, False)
    W = (1, "w", 3, False)
    B = (2, "b", 2, False)
    V = (3, "v", 3, False)
    M = (4, "m", 3, False)
    S = (5, "s", 3, False)
    T = (6, "t", 1, True)
    IN = (7, "in", 2, True)
    OUT = (8, "out", 2, True)
    E_K = (9, "E", 1, True)
    E = (10, "E", 0, True)
    D_OUT = (11, "out", 2, True)
    D_IN = (12, "in", 2, True)
    D_W = (13, "w", 3, True)
    D_B = (14, "b", 2, True)
    V_NEW = (15, "v", 3, False)
    M_NEW = (16, "m", 3, False)
    S_NEW = (17, "s", 3, False)
    M_HAT = (18, "mhat", 3, False)
    S_HAT = (19, "shat", 3, False)
    STEP_W = (20, "step_w", 3, False)
    STEP_B = (21, "step_b", 2, False)
    W_NEW = (22, "w", 3, False)
    B_NEW = (23, "b", 2, False)

    def __init__(self, order: int, head: str, indices: int, per_sample: bool) -> None:
        self.order = order
        self.head = head
        self.indices = indices
        self.per_sample = per_sample

    @property
    def is_partial(self) -> bool:
        """Whether this is a partial derivative ∂X/∂Y."""
        return self in _PARTIALS

    @property
    def is_memory(self) -> bool:
        """Whether this is what a rule remembers of a parameter, or follows from that alone."""
        return self in _MEMORIES

    def __lt__(self, other: Quantity) -> bool:
        return self.order < other.order

    # Each is itself alone; Enum's own hash, of the name, takes as long as that of a whole address.
    __hash__ = object.__hash__


_PARTIALS = frozenset({Quantity.D_OUT, Quantity.D_IN, Quantity.D_W, Quantity.D_B})
_MEMORIES = frozenset(
    {Quantity.V, Quantity.M, Quantity.S, Quantity.V_NEW, Quantity.M_NEW, Quantity.S_NEW,
     Quantity.M_HAT, Quantity.S_HAT}
)  # fmt: skip
BEFORE = {
    Quantity.W_NEW: Quantity.W,
    Quantity.B_NEW: Quantity.B,
    Quantity.V_NEW: Quantity.V,
    Quantity.M_NEW: Quantity.M,
    Quantity.S_NEW: Quantity.S,
}
"""What a quantity after the update was before it."""
AFTER = {before: after for after, before in BEFORE.items()}
CORRECTED = {Quantity.M: Quantity.M_HAT, Quantity.S: Quantity.S_HAT}
"""The means that Adam corrects for their beginning at 0."""
_OF_BIASES = frozenset({Quantity.B, Quantity.D_B, Quantity.STEP_B, Quantity.B_NEW})
_PLAIN = {  # what stands behind "d" or "∂" in a partial derivative
    Quantity.D_OUT: Quantity.OUT,
    Quantity.D_IN: Quantity.IN,
    Quantity.D_W: Quantity.W,
    Quantity.D_B: Quantity.B,
}
_PARTIAL_OF = {plain: partial for partial, plain in _PLAIN.items()}


class Address(NamedTuple):
    """The place of one number of one run.

    Attributes
    ----------
    quantity : Quantity
    layer : int
        0 is the input layer; 0 as well for quantities without a layer.
    neuron, source : int
        Counted from 1; `source` is the neuron of the layer before (weights only).
    of : Address or None
        For partial derivatives: what is differentiated (an `E_K`, `OUT` or `IN`); None is E.
    sample : int
        From 1 in the order of the file; 0 stands for the whole batch.
    step : int
        The update, from 1; 0 where it does not matter.
    """

    quantity: Quantity
    layer: int = 0
    neuron: int = 0
    source: int = 0
    of: Address | None = None
    sample: int = 0
    step: int = 0

    def at(self, sample: int, step: int) -> Address:
        """Return the same place of another sample and step (of the batch, for parameters)."""
        sample = sample if self.quantity.per_sample else 0
        of = None if self.of is None else self.of.at(sample, step)
        return self._replace(sample=sample, step=step, of=of)

    @property
    def place(self) -> Address:
        """The address without sample and step."""
        return self.at(0, 0)

    @property
    def denominator(self) -> Address:
        """For ∂X/∂Y the address of Y."""
        return self._replace(quantity=_PLAIN[self.quantity], of=None)

    @property
    def is_of_bias(self) -> bool:
        """Whether this is a bias, its gradient, its step, or what a rule remembers of it."""
        return self.quantity in _OF_BIASES or (self.quantity.is_memory and not self.source)

    @property
    def parameter(self) -> Address:
        """The weight or bias of which a rule remembers this, or which is updated by it."""
        return self._replace(quantity=Quantity.B if self.is_of_bias else Quantity.W)

    @property
    def positional(self) -> str:
        """The name that every dialect understands, such as ``w[2,1,2]+`` or ``dE/dw[2,1,2]``."""
        quantity = self.quantity
        if quantity.is_partial:
            if quantity is Quantity.D_IN and self.of is None:
                return f"delta[{self.layer},{self.neuron}]"
            top = "E" if self.of is None else self.of.positional
            return f"d{top}/d{self.denominator.positional}"
        indices = (self.layer, self.neuron, self.source)[: quantity.indices]
        if quantity.indices == 1:
            indices = (self.neuron,)
        elif quantity.is_memory and not self.source:
            indices = indices[:2]
        plus = "+" if quantity in BEFORE else ""
        return quantity.head + (f"[{','.join(map(str, indices))}]" if indices else "") + plus

    def __str__(self) -> str:
        return self.positional


def partial(of: Address | None, wrt: Address) -> Address:
    """Return the address of ∂of/∂wrt (of = None: the error E of the whole output).

    Raises `BptraceError` if the pair is not one of {E, E[k], out, in} over {out, in, w, b}.
    """
    if of is not None and of.quantity is Quantity.E:
        of = None
    tops = (Quantity.E_K, Quantity.OUT, Quantity.IN)
    if wrt.quantity not in _PARTIAL_OF or (of is not None and of.quantity not in tops):
        top = "E" if of is None else of.positional
        raise BptraceError(
            f"d{top}/d{wrt.positional} is not a derivative that the chapter has: "
            "above may stand E, E[k], out or in, below out, in, w or b"
        )
    return wrt._replace(quantity=_PARTIAL_OF[wrt.quantity], of=of)


_POSITIONAL = re.compile(
    r"(?P<head>eta|η|E|delta|δ|step_w|step_b|Δw|Δb|in|out|t|w|b|v|mhat|shat|m|s)"
    r"(?:\[\s*(?P<indices>\d{1,9}(?:\s*,\s*\d{1,9})*)\s*\])?"
)
_TERM = r"\s*[^\s+*/),|²^-]"
PLUS = re.compile(rf"⁺|\+(?!{_TERM}|\s*\|{_TERM})")
"""The plus of ``w5+``, the value after the update: one behind which no term begins."""

_SPELLINGS = {"η": "eta", "δ": "delta", "Δw": "step_w", "Δb": "step_b"}
_BARE = {"eta": Quantity.ETA, "E": Quantity.E}
_INDEXED = {
    ("t", 1): Quantity.T,
    ("E", 1): Quantity.E_K,
    ("in", 2): Quantity.IN,
    ("out", 2): Quantity.OUT,
    ("delta", 2): Quantity.D_IN,
    ("w", 3): Quantity.W,
    ("b", 2): Quantity.B,
    ("step_w", 3): Quantity.STEP_W,
    ("step_b", 2): Quantity.STEP_B,
    **{(q.head, n): q for q in (Quantity.V, Quantity.M, Quantity.S) for n in (2, 3)},
    **{(q.head, n): q for q in (Quantity.M_HAT, Quantity.S_HAT) for n in (2, 3)},
}
FORMS = {head: f"{head}[{'k' if n == 1 else 'l,j,i'[: 2 * n - 1]}]" for head, n in _INDEXED}
"""How the positional names are written, by their heads: ``w[l,j,i]``."""


def match_positional(text: str, start: int = 0) -> tuple[Address, int] | None:
    """Read one positional base name at `start`; return it with its end, or None.

    Partial derivatives are put together by the reader of expressions (`notation`), which reads
    their two halves in any spelling.
    """
    found = _POSITIONAL.match(text, start)
    if not found:
        return None
    head, inside, end = found["head"], found["indices"], found.end()
    head = _SPELLINGS.get(head, head)
    if inside is None:
        if head not in _BARE or goes_on(text, end):
            return None
        return Address(_BARE[head]), end
    indices = tuple(int(n) for n in inside.split(","))
    quantity = _INDEXED.get((head, len(indices)))
    if quantity is None:
        return None
    if quantity in AFTER and (plus := PLUS.match(text, end)):
        quantity, end = AFTER[quantity], plus.end()
    layer, neuron, source = (0, *indices, 0) if len(indices) == 1 else (*indices, 0)[:3]
    return Address(quantity, layer, neuron, source), end


def goes_on(text: str, end: int) -> bool:
    """Whether a longer word than that before `end` stands here: in_h11 is not in_h1 with a 1."""
    after = text[end : end + 1]
    return _is_wordy(text[end - 1]) and (_is_wordy(after) or after == "[")


def _is_wordy(character: str) -> bool:
    """Whether it is part of a word; the sign of a square is none, though Python says so."""
    return character == "_" or (character.isalnum() and character != "²")


class Shape(NamedTuple):
    """The sizes on which the log depends.

    `widths[l]` neurons in layer l (0 = input), `biases[l]` bias parameters of layer l (0: none,
    1: one shared by the layer, widths[l]: one each), `batch` samples of one update, `memory` what
    the rule remembers of each parameter, of `V`, `M` and `S`.
    """

    widths: tuple[int, ...]
    biases: tuple[int, ...]
    batch: int
    memory: tuple[Quantity, ...] = ()


class Layout:
    """Address ↔ slot of the log: one record per step.

    A record holds ``[w | b | memory … | ∂E/∂w | ∂E/∂b]`` of the step: parameters, and what the rule
    remembers of each of them, before the update; then gradients of the batch (or the steps Δw and
    Δb of a local rule). There follows for each sample of the batch ``[in | out | δ | E]``, where
    `out` begins with the input layer. Weights run layer by layer and row by row (one row per
    neuron), biases layer by layer; a shared bias has one slot, whose address is that of neuron 1.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        widths, biases = shape.widths, shape.biases
        self.w_at = _offsets([0] + [n * m for m, n in pairwise(widths)])
        self.b_at = _offsets(biases)
        self.out_at = _offsets(widths)
        self.in_at = _offsets((0, *widths[1:]))
        self.n_w, self.n_b = self.w_at[-1], self.b_at[-1]
        self.n_parameters = self.n_w + self.n_b
        self.n_carried = self.n_parameters * (1 + len(shape.memory))  # from one step to the next
        n_in, n_out = self.in_at[-1], self.out_at[-1]
        self.gradients = self.n_carried
        self.samples = self.n_carried + self.n_parameters
        self.sample_starts = {  # within the part of one sample
            Quantity.IN: 0,
            Quantity.OUT: n_in,
            Quantity.D_IN: n_in + n_out,
            Quantity.E: 2 * n_in + n_out,
        }
        self.sample_size = 2 * n_in + n_out + 1
        self.size = self.samples + shape.batch * self.sample_size

    def has(self, address: Address) -> bool:
        """Whether the log holds this address (anything else is derived from what it holds)."""
        quantity = address.quantity
        if quantity in (Quantity.W, Quantity.B):
            return True
        if quantity.is_memory:
            return quantity in self.shape.memory
        if quantity in (Quantity.D_W, Quantity.D_B):
            return address.of is None and address.sample == 0
        return quantity in self.sample_starts and address.sample > 0 and address.of is None

    def slot(self, address: Address, position: int = 0) -> int:
        """Return the slot of `address` in a record.

        `position` is the place (from 0) of the address's sample in the batch of the step. Raises
        `BptraceError` for an address that the network does not have; `has` must be true.
        """
        self.check(address)
        quantity = address.quantity
        if quantity in (Quantity.W, Quantity.D_W):
            return self._weight(address) + (self.gradients if quantity is Quantity.D_W else 0)
        if quantity in (Quantity.B, Quantity.D_B):
            return self._bias(address) + (self.gradients if quantity is Quantity.D_B else 0)
        if quantity.is_memory:
            parameter = self._bias if address.is_of_bias else self._weight
            behind = 1 + self.shape.memory.index(quantity)
            return behind * self.n_parameters + parameter(address)
        start = self.samples + position * self.sample_size + self.sample_starts[quantity]
        if quantity is Quantity.E:
            return start
        at = self.out_at if quantity is Quantity.OUT else self.in_at
        return start + at[address.layer] + address.neuron - 1

    def address(self, slot: int) -> tuple[Address, int]:
        """Return the address at `slot`, and the place of its sample in the batch: `slot` inverted.

        Sample and step of the address are left open (0); raises `IndexError` outside the record.
        """
        if not 0 <= slot < self.size:
            raise IndexError(f"slot {slot} outside a record of {self.size}")
        if slot < self.samples:
            block, k = divmod(slot, self.n_parameters)
            if 0 < block <= len(self.shape.memory):
                memory = self.shape.memory[block - 1]
                return self._parameter(k, gradient=False)._replace(quantity=memory), 0
            return self._parameter(k, gradient=block > 0), 0
        position, k = divmod(slot - self.samples, self.sample_size)
        for quantity in (Quantity.E, Quantity.D_IN, Quantity.OUT, Quantity.IN):
            if k >= self.sample_starts[quantity]:
                break
        if quantity is Quantity.E:
            return Address(quantity), position
        at = self.out_at if quantity is Quantity.OUT else self.in_at
        layer, neuron = _locate(at, k - self.sample_starts[quantity])
        return Address(quantity, layer, neuron + 1), position

    def check(self, address: Address) -> None:
        """Raise `BptraceError` if the network has no such neuron, weight or bias."""
        layer, neuron, source = address.layer, address.neuron, address.source
        widths = self.shape.widths
        plain = address.denominator.quantity if address.quantity.is_partial else address.quantity
        if plain.indices == 1:
            layer = len(widths) - 1
        if plain.indices == 0:
            return
        lowest = 0 if plain is Quantity.OUT else 1
        if not lowest <= layer < len(widths):
            raise BptraceError(
                f"{address.positional}: there is no layer {layer} with this quantity "
                f"(layers {lowest} to {len(widths) - 1})"
            )
        if not 1 <= neuron <= widths[layer]:
            raise BptraceError(
                f"{address.positional}: layer {layer} has the neurons 1 to {widths[layer]}"
            )
        if plain.is_memory and not self._remembers(plain):
            raise BptraceError(
                f"{address.positional}: the learning rule remembers nothing like that"
            )
        if plain.indices == 3 and not address.is_of_bias and not 1 <= source <= widths[layer - 1]:
            raise BptraceError(
                f"{address.positional}: layer {layer - 1}, where the weight comes from, "
                f"has the neurons 1 to {widths[layer - 1]}"
            )
        if address.is_of_bias and self.shape.biases[layer] == 0:
            raise BptraceError(f"{address.positional}: layer {layer} has no biases")

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """All addresses of one record, in order of slots, of the first sample of the batch."""
        return tuple(self.address(k)[0] for k in range(self.samples + self.sample_size))

    def _remembers(self, quantity: Quantity) -> bool:
        """Whether the rule has this memory; corrected means come with both of Adam's."""
        if quantity in (Quantity.M_HAT, Quantity.S_HAT):
            return Quantity.M in self.shape.memory
        return BEFORE.get(quantity, quantity) in self.shape.memory

    def _weight(self, address: Address) -> int:
        row = (address.neuron - 1) * self.shape.widths[address.layer - 1]
        return self.w_at[address.layer] + row + address.source - 1

    def _bias(self, address: Address) -> int:
        shared = self.shape.biases[address.layer] == 1
        return self.n_w + self.b_at[address.layer] + (0 if shared else address.neuron - 1)

    def _parameter(self, k: int, gradient: bool) -> Address:
        if k < self.n_w:
            layer, k = _locate(self.w_at, k)
            j, i = divmod(k, self.shape.widths[layer - 1])
            return Address(Quantity.D_W if gradient else Quantity.W, layer, j + 1, i + 1)
        layer, j = _locate(self.b_at, k - self.n_w)
        return Address(Quantity.D_B if gradient else Quantity.B, layer, j + 1)

    def parameters(self) -> Iterator[Address]:
        """All weights, then all biases, in order of slots."""
        return (self._parameter(k, gradient=False) for k in range(self.n_parameters))


def _offsets(sizes: tuple[int, ...] | list[int]) -> tuple[int, ...]:
    total, offsets = 0, [0]
    for size in sizes:
        total += size
        offsets.append(total)
    return tuple(offsets)


def _locate(offsets: tuple[int, ...], k: int) -> tuple[int, int]:
    """Return (layer, k within the layer) for the k-th entry of a list cut at `offsets`."""
    layer = 0
    while offsets[layer + 1] <= k:
        layer += 1
    return layer, k - offsets[layer]
