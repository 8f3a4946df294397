"""What names mean: the same as a table of all names says, though none is made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st
from named import named

from bptrace.address import AFTER, CORRECTED, Address, Quantity
from bptrace.maths.expr import Expr, Ref, neg
from bptrace.maths.rules import RULES, Rule
from bptrace.model import Layer, Network
from bptrace.notation import Notation, NotationError, dialect_names, get_dialect
from bptrace.notation.lookup import Lookup
from bptrace.notation.names import Names, to_ascii
from bptrace.notation.parse import folded, is_number

Q = Quantity

NASTY = (
    "w1", "w2", "b1", "i1", "h1", "o1", "in_h1", "out_h1", "t_o1", "E_o1", "δ_1", "delta_1", "w_12",
    "w_1,2", "1,2", "y_1", "z^2_1", "a^1_1", "w^2_11", "1", "2", "12", "θ_1", "theta_1", "A", "B",
    "x,y", ",", "{n}", "}", "ｗ１", "Δw1", "w1⁺", "v_w1", "m̂_b1", "x_1", "γ", "δ", "delta", "−a",
)  # fmt: skip
"""Names of which some are others' by default, or another spelling of them."""


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw networks in which anything may be called anything, also two things the same."""
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    if draw(st.booleans()):
        widths[draw(st.integers(0, len(widths) - 1))] = 11

    def names(count: int) -> tuple[str, ...]:
        if draw(st.booleans()):
            return ()
        return tuple(draw(st.lists(st.sampled_from(NASTY), min_size=count, max_size=count)))

    layers = [Layer(widths[0], names(widths[0]))]
    for before, size in pairwise(widths):
        biases = draw(st.sampled_from([0, 1, size]))
        rows = [names(before) for _ in range(size)]
        weight_names = tuple(rows) if all(rows) else ()
        bias_names = names(draw(st.sampled_from([biases, size])) if biases else 0)
        layers.append(
            Layer(
                size, names(size), biases=biases, weight_names=weight_names, bias_names=bias_names
            )
        )
    return Network(tuple(layers))


def table(names: Names, memory: tuple[Quantity, ...], minus_delta: bool) -> dict[str, Expr]:
    """Return all names of a network with their meanings, the first one of several."""
    known: dict[str, Expr] = {}
    for name, expr in written(names, memory, minus_delta):
        known.setdefault(name, expr)
    for name, expr in list(known.items()):
        for spelling in (to_ascii(name), folded(name), folded(to_ascii(name))):
            known.setdefault(spelling, expr)
    return {name: expr for name, expr in known.items() if not is_number(name)}


def written(
    names: Names, memory: tuple[Quantity, ...], minus_delta: bool
) -> Iterator[tuple[str, Expr]]:
    """Yield what is written, and what it means, in the order of calculation."""
    network = names.network
    for address in (Address(Q.E), Address(Q.ETA)):
        yield names.name(address), Ref(address)
    for l, layer in enumerate(network.layers):
        for j in range(1, layer.size + 1):
            of_neuron = [Address(Q.OUT, l, j)]
            yield names.name(of_neuron[0]), Ref(of_neuron[0])
            if l == 0:
                if layer.names:
                    yield names.neuron(0, j), Ref(of_neuron[0])
                continue
            last = l == network.depth
            of_neuron = [Address(q, 0, j) for q in (Q.T, Q.E_K) if last] + [Address(Q.IN, l, j)]
            yield from ((names.name(address), Ref(address)) for address in of_neuron)
            gradient = Address(Q.D_IN, l, j)
            yield names.delta(gradient), neg(Ref(gradient)) if minus_delta else Ref(gradient)
            parameters = [Address(Q.W, l, j, i + 1) for i in range(network.widths[l - 1])]
            parameters += [Address(Q.B, l, j)] * bool(layer.biases)
            for parameter in parameters:
                for quantity in (parameter.quantity, *remembered(memory)):
                    address = parameter._replace(quantity=quantity)
                    yield names.name(address), Ref(address)


def remembered(memory: tuple[Quantity, ...]) -> Iterator[Quantity]:
    for quantity in memory:
        yield quantity
        yield AFTER[quantity]
        if len(memory) > 1 and quantity in CORRECTED:
            yield CORRECTED[quantity]


def lookup(network: Network, dialect: str, rule: Rule | None, minus: bool = False) -> Lookup:
    memory = () if rule is None else tuple(m.quantity for m in rule.memory)
    return Lookup(Names(network, get_dialect(dialect), rule), memory, minus)


@pytest.mark.parametrize("dialect", dialect_names())
@dear(15)
@given(
    network=networks() | named().map(lambda problem: problem.network),
    rule=st.none() | st.sampled_from([RULES.get(name) for name in RULES.names]),
    minus=st.booleans(),
    data=st.data(),
)
def test_every_name_means_what_a_table_of_all_says(
    dialect: str, network: Network, rule: Rule | None, minus: bool, data: st.DataObject
) -> None:
    found = lookup(network, dialect, rule, minus)
    known = table(found.names, found.memory, minus)
    assert {name: found.find(name) for name in known} == known
    assert max(map(len, known)) <= found.longest
    assert found.near("") == (list(known), True)
    for name in data.draw(st.lists(st.sampled_from(list(known)), max_size=20)):
        k = data.draw(st.integers(0, len(name)))
        piece = data.draw(st.sampled_from(["", "1", "2", "0", ",", "_", "h", "１", "^"]))
        changed = name[:k] + piece + name[k + data.draw(st.integers(0, 2)) :]
        assert found.find(changed) == known.get(changed)


# Wide networks, of which no table could be made

WIDE = Network((Layer(2048), Layer(2047, biases=2047), Layer(3, biases=1)))


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        ("in-out", "w4192256", Address(Q.W, 1, 2047, 2048)),
        ("in-out", "w4192257", Address(Q.W, 2, 1, 1)),
        ("in-out", "w4198397+", Address(Q.W_NEW, 2, 3, 2047)),
        ("in-out", "out_h2047", Address(Q.OUT, 1, 2047)),
        ("in-out", "b2048", Address(Q.B, 2, 1)),
        ("nielsen", "w^2_2047,2048", Address(Q.W, 1, 2047, 2048)),
        ("nielsen", "z^2_2047", Address(Q.IN, 1, 2047)),
        ("rojas", "w_4095,2048", Address(Q.W, 1, 2047, 2048)),
        ("rojas", "delta_4098", Address(Q.D_IN, 2, 3)),
        ("xy", "d_4098", Address(Q.T, 0, 3)),
    ],
)
def test_names_of_a_wide_network(dialect: str, text: str, expected: Address) -> None:
    assert Notation(WIDE, dialect).read(text) == Ref(expected)


@pytest.mark.parametrize(
    ("dialect", "text", "message"),
    [
        ("in-out", "w4198398", "Did you mean 'w4198397'?"),
        ("in-out", "out_h2048", "Did you mean 'out_h2047'?"),
        ("in-out", "outh700", "Did you mean 'out_h700'?"),
        ("in-out", "foo", "Known: E, η, i1, i2, i3, i2048, out_h1, in_h1 and more."),
        ("xy", "w_3000;5", "Did you mean 'w_3000,5'?"),
        ("rojas", "A3000x", "Did you mean 'A_3000'?"),
    ],
)
def test_an_unknown_name_of_a_wide_network(dialect: str, text: str, message: str) -> None:
    notation = Notation(WIDE, dialect)
    with pytest.raises(NotationError) as caught:
        notation.read(text)
    assert str(caught.value) == f"unknown quantity {text!r}. {message}"


def test_what_is_compared_with_an_unknown_name_does_not_grow() -> None:
    wide = lookup(WIDE, "in-out", RULES.get("adam"))
    wider = lookup(Network((Layer(20_480), *WIDE.layers[1:])), "in-out", RULES.get("adam"))
    assert len(wide.near("w_h700x3")[0]) == len(wider.near("w_h700x3")[0]) < 4000
