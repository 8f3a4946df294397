"""Address ↔ slot of the log."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import problems

from bptrace.address import Address, Layout, Quantity, Shape
from bptrace.kernels.cast import cast_net
from bptrace.model import Problem

Q = Quantity
WIDTHS = st.lists(st.integers(1, 5), min_size=2, max_size=5)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    widths = draw(WIDTHS)
    biases = [0, *(draw(st.sampled_from([0, 1, n])) for n in widths[1:])]
    return Layout(Shape(tuple(widths), tuple(biases), draw(st.integers(1, 3))))


@given(layouts())
def test_slot_is_the_inverse_of_address(layout: Layout) -> None:
    seen = set()
    for slot in range(layout.size):
        address, position = layout.address(slot)
        sample = 0 if slot < layout.samples else position + 1  # gradients are the batch's
        complete = address.at(sample, step=1)
        assert layout.has(complete)
        assert layout.slot(complete, position) == slot
        seen.add((address, position))
    assert len(seen) == layout.size


@given(layouts())
def test_address_is_the_inverse_of_slot(layout: Layout) -> None:
    widths, biases = layout.shape.widths, layout.shape.biases
    places = [Address(Q.OUT, 0, i, sample=1) for i in range(1, widths[0] + 1)]
    for l, (m, n) in enumerate(pairwise(widths), 1):
        each = range(1, n + 1)
        places += [Address(q, l, j, sample=1) for q in (Q.IN, Q.OUT, Q.D_IN) for j in each]
        places += [Address(q, l, j, i) for q in (Q.W, Q.D_W) for j in each for i in range(1, m + 1)]
        places += [Address(q, l, j) for q in (Q.B, Q.D_B) for j in range(1, biases[l] + 1)]
    places.append(Address(Q.E, sample=1))
    for place in places:
        address, position = layout.address(layout.slot(place))
        assert (address, position) == (place.place, 0)
    assert len(places) == layout.samples + layout.sample_size


@given(layouts(), st.integers(1, 10))
def test_every_neuron_has_the_slot_of_a_shared_bias(layout: Layout, j: int) -> None:
    for l, n in enumerate(layout.shape.biases):
        if n == 1:
            j = 1 + j % layout.shape.widths[l]
            assert layout.slot(Address(Q.B, l, j)) == layout.slot(Address(Q.B, l, 1))


@given(layouts())
def test_outside_the_record_there_is_no_address(layout: Layout) -> None:
    for slot in (-1, layout.size):
        with pytest.raises(IndexError, match=f"slot {slot} outside a record of {layout.size}"):
            layout.address(slot)


@given(problems())
def test_the_kernels_offsets_are_those_of_the_layout(problem: Problem) -> None:
    net, layout = cast_net(problem), problem.layout
    for l, layer in enumerate(net.layers):
        at = {Q.OUT: layer.out_at}
        if l:
            at |= {Q.IN: layer.in_at, Q.D_IN: layer.delta_at}
            assert layer.w_at == layout.slot(Address(Q.W, l, 1, 1))
            assert layer.w_at + net.gradients == layout.slot(Address(Q.D_W, l, 1, 1))
        if layer.biases:
            assert layer.b_at == layout.slot(Address(Q.B, l, 1))
        for quantity, offset in at.items():
            for position in range(problem.training.batch):
                start = net.samples + position * net.sample_size
                place = Address(quantity, l, 1, sample=1)
                assert start + offset == layout.slot(place, position)
    assert net.samples + net.error_at == layout.slot(Address(Q.E, sample=1))
    assert len(net.trained) == net.n_parameters == len(list(problem.parameters))
    assert list(net.trained) == [problem.is_trained(p) for p in problem.layout.parameters()]
