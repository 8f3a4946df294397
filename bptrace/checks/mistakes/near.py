"""Which quantities are mistaken for one another: neighbours, and others of the same neuron."""

from __future__ import annotations

from collections.abc import Iterator

from bptrace.address import AFTER, CORRECTED, Address, Quantity, partial
from bptrace.model import Network

Q = Quantity
NEAR = 8
"""In wide layers only the nearest neurons and the first are confused: nobody takes w1 for w700."""

_OF_PARAMETERS = frozenset({*AFTER, *AFTER.values(), *CORRECTED.values(), Q.STEP_W, Q.STEP_B})
"""What belongs to a parameter rather than to a neuron: see `updates`."""


def _around(j: int, size: int) -> Iterator[int]:
    for other in range(1, size + 1):
        if other != j and (abs(other - j) <= NEAR or other == 1):
            yield other


def neighbours(address: Address, network: Network) -> Iterator[Address]:
    """Yield quantities of the same kind at another neuron, source or output."""
    quantity, l = address.quantity, address.layer
    if quantity is Q.ETA or quantity is Q.E:
        return
    if quantity in (Q.T, Q.E_K):
        for k in _around(address.neuron, network.widths[-1]):
            yield address._replace(neuron=k)
        return
    for j in _around(address.neuron, network.widths[l]):
        yield _moved(address, neuron=j)
    if address.source:
        for i in _around(address.source, network.widths[l - 1]):
            yield address._replace(source=i)
    if address.of is not None:
        yield from _other_top(address, network)


def _moved(address: Address, neuron: int) -> Address:
    """Move to another neuron; what is differentiated at the same neuron moves along."""
    of = address.of
    if of is not None and of.quantity in (Q.OUT, Q.IN) and of.layer == address.layer:
        of = of._replace(neuron=neuron)
    return address._replace(neuron=neuron, of=of)


def _other_top(address: Address, network: Network) -> Iterator[Address]:
    of = address.of
    assert of is not None
    l = network.depth if of.quantity is Q.E_K else of.layer
    if l != address.layer:
        for j in _around(of.neuron, network.widths[l]):
            yield address._replace(of=of._replace(neuron=j))


def transposed(address: Address, network: Network) -> Address | None:
    """Return w_ij for w_ji, if the network has it."""
    l, j, i = address.layer, address.neuron, address.source
    if not i or i == j or i > network.widths[l] or j > network.widths[l - 1]:
        return None
    return address._replace(neuron=i, source=j)


def same_neuron(address: Address, network: Network) -> Iterator[Address]:
    """Yield other quantities of the same neuron (or, for a gradient, of the same weight)."""
    quantity, l, j = address.quantity, address.layer, address.neuron
    if quantity in (Q.T, Q.E_K):
        l = network.depth
    if quantity in (Q.D_W, Q.D_B):
        yield from _of_gradient(address)
        return
    if quantity in _OF_PARAMETERS or quantity in (Q.ETA, Q.E) or l == 0:
        return
    out = Address(Q.OUT, l, j, sample=address.sample, step=address.step)
    net = out._replace(quantity=Q.IN)
    others = [out, net, partial(None, out), partial(out, net), partial(None, net)]
    if l == network.depth:
        others += [out._replace(quantity=q, layer=0) for q in (Q.T, Q.E_K)]
    if quantity is Q.D_OUT and address.of is not None and address.of.quantity is Q.IN:
        weight = address.of._replace(quantity=Q.W, source=j)
        others = [out, net, partial(address.of, weight)]  # for w of δ·w: the output, the gradient
    elif quantity in (Q.D_OUT, Q.D_IN) and address.of is not None and address.of.layer != l:
        others = others[:2]
    yield from (other for other in others if other != address)


def _of_gradient(address: Address) -> Iterator[Address]:
    """For ∂E/∂w: δ; for ∂in/∂w: the net input of the neuron before."""
    net = address._replace(quantity=Q.IN, source=0, of=None)
    if address.of is None:
        if address.sample:
            yield partial(None, net)
    elif address.quantity is Q.D_W and address.layer > 1:
        yield net._replace(layer=address.layer - 1, neuron=address.source)
