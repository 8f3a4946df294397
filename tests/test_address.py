"""Addresses: positional names, derivatives, the slots of the log, and what the network has not.

That slots and addresses are each other's inverse is shown in tests/kernels/test_layout.py for
layers of equal widths, too; here for whole problems.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import problems

from bptrace.address import FORMS, Address, Layout, Quantity, Shape, match_positional, partial
from bptrace.errors import BptraceError
from bptrace.model import Problem

Q = Quantity


def test_quantities_are_in_order_of_calculation() -> None:
    order = [q.order for q in Q]
    assert order == sorted(order) == list(range(len(Q)))
    assert sorted([Q.E, Q.W, Q.OUT]) == [Q.W, Q.OUT, Q.E]
    assert [q for q in Q if q.is_partial] == [Q.D_OUT, Q.D_IN, Q.D_W, Q.D_B]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (Address(Q.ETA), "eta"),
        (Address(Q.W, 2, 1, 3), "w[2,1,3]"),
        (Address(Q.B, 2, 1), "b[2,1]"),
        (Address(Q.T, 0, 2), "t[2]"),
        (Address(Q.IN, 1, 3), "in[1,3]"),
        (Address(Q.OUT, 0, 10), "out[0,10]"),
        (Address(Q.E_K, 0, 2), "E[2]"),
        (Address(Q.E), "E"),
        (Address(Q.D_OUT, 1, 3), "dE/dout[1,3]"),
        (Address(Q.D_IN, 1, 3), "delta[1,3]"),
        (Address(Q.D_W, 2, 1, 3), "dE/dw[2,1,3]"),
        (Address(Q.D_B, 2, 1), "dE/db[2,1]"),
        (Address(Q.D_IN, 1, 3, of=Address(Q.OUT, 1, 3)), "dout[1,3]/din[1,3]"),
        (Address(Q.D_OUT, 1, 3, of=Address(Q.E_K, 0, 2)), "dE[2]/dout[1,3]"),
        (Address(Q.D_W, 2, 1, 3, of=Address(Q.IN, 2, 1)), "din[2,1]/dw[2,1,3]"),
        (Address(Q.STEP_W, 2, 1, 3), "step_w[2,1,3]"),
        (Address(Q.STEP_B, 2, 1), "step_b[2,1]"),
        (Address(Q.W_NEW, 2, 1, 3), "w[2,1,3]+"),
        (Address(Q.B_NEW, 2, 1), "b[2,1]+"),
    ],
)
def test_positional_names(address: Address, name: str) -> None:
    complete = address.at(sample=2, step=5)
    assert address.positional == complete.positional == str(address) == name
    if not address.quantity.is_partial:
        assert match_positional(name) == (address, len(name))
        assert match_positional(f"3*{name})", 2) == (address, 2 + len(name))


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("w[1,2,3]+", 9),
        ("w[1,2,3]⁺", 9),
        ("w[1,2,3]+ ", 9),
        ("w[1,2,3]+)", 9),
        ("w[1,2,3]+ ,", 9),
        ("w[1,2,3]+*2", 9),
        ("w[1,2,3]+/2", 9),
        ("w[1,2,3]+-2", 9),
        ("w[1,2,3]++2", 9),
        ("w[1,2,3]+ + 2", 9),
        ("w[1,2,3]+²", 9),
        ("w[1,2,3]+^2", 9),
        ("w[1,2,3]+|", 9),
        ("w[1,2,3]+|)", 9),
        ("w[1,2,3]⁺2", 9),
        ("w[1,2,3]+2", 8),
        ("w[1,2,3]+ 2", 8),
        ("w[1,2,3]+.5", 8),
        ("w[1,2,3]+½", 8),
        ("w[1,2,3]+w", 8),
        ("w[1,2,3]+(", 8),
        ("w[1,2,3]+|w", 8),
        ("w[1,2,3]+∂", 8),
        ("w[1,2,3]+δ", 8),
        ("w[1,2,3]+权", 8),
        ("w[1,2,3] +", 8),
        ("w[1,2,3]", 8),
    ],
)
def test_a_plus_behind_a_weight(text: str, length: int) -> None:
    """It belongs to the name, unless something is added."""
    quantity = Q.W_NEW if length == 9 else Q.W
    assert match_positional(text) == (Address(quantity, 1, 2, 3), length)


@pytest.mark.parametrize("name", ["in[1,2]", "step_w[1,2,3]", "t[1]", "E", "eta", "delta[1,2]"])
def test_a_plus_behind_anything_else(name: str) -> None:
    found = match_positional(f"{name}+")
    assert found is not None
    assert found[1] == len(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("w[ 1 ,2, 3 ]", "w[1,2,3]"),
        ("δ[1,2]", "delta[1,2]"),
        ("Δw[1,2,3]", "step_w[1,2,3]"),
        ("Δb[1,2]", "step_b[1,2]"),
        ("η", "eta"),
        ("w[01,002,3]", "w[1,2,3]"),
    ],
)
def test_other_spellings(text: str, name: str) -> None:
    found = match_positional(text)
    assert found is not None
    assert (found[0].positional, found[1]) == (name, len(text))


@pytest.mark.parametrize(
    "text",
    ["", "w", "b", "t", "in", "out", "delta", "w[1,2]", "w[]", "w[1,2,3", "w[1,2,3,4]", "w[a,1,1]",
     "E[1,1]", "E_1", "E1", "etas", "eta[1]", "E(1", "u[1,2,3]", "w [1,2,3]", "w[-1,2,3]",
     "w[9999999999,1,1]", "W[1,2,3]", "dE/dw[1,2,3]"],
)  # fmt: skip
def test_no_positional_names(text: str) -> None:
    found = match_positional(text)
    assert found is None or text == "E(1"  # E and a bracket: the reader of expressions says no


@pytest.mark.parametrize(("head", "form"), FORMS.items())
def test_forms_show_how_names_are_written(head: str, form: str) -> None:
    numbers = form.removeprefix(head).translate(str.maketrans("lijk", "1234"))
    found = match_positional(head + numbers)
    assert found is not None
    assert found[0].positional == head + numbers


def test_at() -> None:
    """Parameters belong to a step, everything else to a sample, too; so do numerators."""
    weight = Address(Q.W, 1, 1, 1).at(2, 3)
    assert (weight.sample, weight.step) == (0, 3)
    slope = partial(Address(Q.OUT, 1, 1), Address(Q.IN, 1, 1)).at(2, 3)
    assert (slope.sample, slope.step) == (2, 3)
    assert slope.of == Address(Q.OUT, 1, 1, sample=2, step=3)
    assert slope.place == partial(Address(Q.OUT, 1, 1), Address(Q.IN, 1, 1))
    assert slope.denominator == Address(Q.IN, 1, 1, sample=2, step=3)


def test_partial() -> None:
    weight = Address(Q.W, 1, 2, 3)
    assert partial(None, weight) == partial(Address(Q.E), weight) == Address(Q.D_W, 1, 2, 3)
    share = Address(Q.E_K, 0, 1)
    assert partial(share, weight) == Address(Q.D_W, 1, 2, 3, of=share)


@pytest.mark.parametrize(
    ("of", "wrt", "name"),
    [
        (None, Address(Q.E), "dE/dE"),
        (None, Address(Q.W_NEW, 1, 1, 1), "dE/dw[1,1,1]+"),
        (None, Address(Q.T, 0, 1), "dE/dt[1]"),
        (None, Address(Q.D_IN, 1, 1), "dE/ddelta[1,1]"),
        (Address(Q.W, 1, 1, 1), Address(Q.OUT, 1, 1), "dw[1,1,1]/dout[1,1]"),
        (Address(Q.T, 0, 1), Address(Q.W, 1, 1, 1), "dt[1]/dw[1,1,1]"),
        (Address(Q.D_IN, 1, 1), Address(Q.W, 1, 1, 1), "ddelta[1,1]/dw[1,1,1]"),
    ],
)
def test_no_derivatives(of: Address | None, wrt: Address, name: str) -> None:
    with pytest.raises(BptraceError) as caught:
        partial(of, wrt)
    assert str(caught.value) == (
        f"{name} is not a derivative that the chapter has: "
        "above may stand E, E[k], out or in, below out, in, w or b"
    )


# The layout of the log


@given(problems())
def test_slots_and_addresses_are_inverse(problem: Problem) -> None:
    layout = problem.layout
    seen = set()
    for slot in range(layout.size):
        address, position = layout.address(slot)
        sample = position + 1 if slot >= layout.samples else 0
        assert layout.has(address.at(sample, 1))
        assert layout.slot(address, position) == slot
        seen.add((address, position))
    assert len(seen) == layout.size
    first = layout.samples + layout.sample_size
    assert layout.addresses == tuple(layout.address(slot)[0] for slot in range(first))
    assert list(layout.parameters()) == list(layout.addresses[: layout.n_parameters])


@given(problems(), st.integers())
def test_slots_outside(problem: Problem, beyond: int) -> None:
    layout = problem.layout
    slot = layout.size + beyond if beyond >= 0 else beyond
    with pytest.raises(IndexError, match=rf"^slot {slot} outside a record of {layout.size}$"):
        layout.address(slot)


def test_the_log_does_not_have_everything() -> None:
    layout = Layout(Shape((2, 3, 1), (0, 3, 0), 1))
    missing = [
        Address(Q.T, 0, 1, sample=1),
        Address(Q.E_K, 0, 1, sample=1),
        Address(Q.E),  # of the whole batch
        Address(Q.D_OUT, 1, 1, sample=1),
        Address(Q.D_W, 1, 1, 1, sample=1),  # of one sample
        partial(Address(Q.OUT, 1, 1), Address(Q.IN, 1, 1)).at(1, 1),
        Address(Q.W_NEW, 1, 1, 1),
        Address(Q.ETA),
    ]
    assert not any(map(layout.has, missing))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (Address(Q.OUT, 3, 1), "out[3,1]: there is no layer 3 with this quantity (layers 0 to 2)"),
        (Address(Q.IN, 0, 1), "in[0,1]: there is no layer 0 with this quantity (layers 1 to 2)"),
        (Address(Q.OUT, -1, 1), "out[-1,1]: there is no layer -1 with this quantity "
         "(layers 0 to 2)"),
        (Address(Q.IN, 1, 4), "in[1,4]: layer 1 has the neurons 1 to 3"),
        (Address(Q.IN, 1, 0), "in[1,0]: layer 1 has the neurons 1 to 3"),
        (Address(Q.T, 0, 2), "t[2]: layer 2 has the neurons 1 to 1"),
        (Address(Q.E_K, 0, 0), "E[0]: layer 2 has the neurons 1 to 1"),
        (Address(Q.W, 1, 3, 3), "w[1,3,3]: layer 0, where the weight comes from, "
         "has the neurons 1 to 2"),
        (Address(Q.STEP_W, 1, 3, 3), "step_w[1,3,3]: layer 0, where the weight comes from, "
         "has the neurons 1 to 2"),
        (Address(Q.B_NEW, 2, 1), "b[2,1]+: layer 2 has no biases"),
        (Address(Q.STEP_B, 2, 1), "step_b[2,1]: layer 2 has no biases"),
        (Address(Q.D_B, 2, 1), "dE/db[2,1]: layer 2 has no biases"),
        (Address(Q.D_W, 0, 1, 1), "dE/dw[0,1,1]: there is no layer 0 with this quantity "
         "(layers 1 to 2)"),
        (Address(Q.D_OUT, 4, 1), "dE/dout[4,1]: there is no layer 4 with this quantity "
         "(layers 0 to 2)"),
    ],
    ids=lambda entry: str(entry) if isinstance(entry, Address) else "",
)  # fmt: skip
def test_places_that_a_network_does_not_have(address: Address, message: str) -> None:
    layout = Layout(Shape((2, 3, 1), (0, 3, 0), 1))
    with pytest.raises(BptraceError) as caught:
        layout.check(address)
    assert str(caught.value) == message
