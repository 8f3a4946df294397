"""Names of addresses: whatever is written is read again as the address it was written for."""

from __future__ import annotations

import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st
from named import named

from bptrace.address import Address, Quantity, partial
from bptrace.maths.expr import Expr, Ref, neg
from bptrace.maths.rules import LETTERS, RULES
from bptrace.model import Layer, Network, Problem
from bptrace.notation import Delta, Notation, dialect_names

Q = Quantity


def canonical(network: Network, address: Address) -> Address:
    """A shared bias of the file has one name, which stands for that of neuron 1."""
    of = None if address.of is None else canonical(network, address.of)
    of_bias = address.quantity in (Q.B, Q.D_B, Q.STEP_B, Q.B_NEW)
    shared = of_bias and network.layers[address.layer].biases == 1
    return address._replace(neuron=1 if shared else address.neuron, of=of)


def base_places(network: Network) -> list[Address]:
    """Every place that is no derivative: given, forward, and the update."""
    widths = network.widths
    neurons = [(l, j) for l, width in enumerate(widths) for j in range(1, width + 1)]
    hidden = [(l, j) for l, j in neurons if l]
    parameters = [
        *(Address(Q.W, l, j, i) for l, j in hidden for i in range(1, widths[l - 1] + 1)),
        *(Address(Q.B, l, j) for l, j in hidden if network.layers[l].biases),
    ]
    changes = {Q.W: (Q.STEP_W, Q.W_NEW), Q.B: (Q.STEP_B, Q.B_NEW)}
    return [
        Address(Q.E),
        Address(Q.ETA),
        *(Address(Q.OUT, l, j) for l, j in neurons),
        *(Address(Q.IN, l, j) for l, j in hidden),
        *(Address(q, 0, k) for k in range(1, widths[-1] + 1) for q in (Q.T, Q.E_K)),
        *parameters,
        *(p._replace(quantity=q) for p in parameters for q in changes[p.quantity]),
    ]


def derivatives(network: Network) -> tuple[list[Address | None], list[Address]]:
    """What may stand above and below in a derivative."""
    places = base_places(network)
    above = [None, *(a for a in places if a.quantity in (Q.E_K, Q.OUT, Q.IN))]
    return above, [a for a in places if a.quantity in (Q.OUT, Q.IN, Q.W, Q.B)]


@pytest.mark.parametrize("dialect", dialect_names())
@dear(8)
@given(problem=named(), ascii=st.booleans(), data=st.data())
def test_what_is_written_can_be_read(
    dialect: str, problem: Problem, ascii: bool, data: st.DataObject
) -> None:
    network = problem.network
    notation = Notation.of(problem, dialect, ascii=ascii)
    above, below = derivatives(network)
    pairs = st.tuples(st.sampled_from(above), st.sampled_from(below))
    drawn = data.draw(st.lists(pairs, min_size=10, max_size=10))
    some = data.draw(st.lists(st.sampled_from(base_places(network)), min_size=15, max_size=25))
    for address in [*some, *(partial(of, wrt) for of, wrt in drawn)]:
        expected = Ref(canonical(network, address) if dialect == "in-out" else address)
        assert notation.read(notation.name(address)) == expected
        assert notation.read(address.positional) == Ref(address)
        if address.quantity is Q.D_IN and address.of is None:
            read = notation.read(notation.name(Delta(address)))
            assert read == (neg(expected) if problem.minus_delta else expected)


@pytest.mark.parametrize("dialect", dialect_names())
@pytest.mark.parametrize("minus", [False, True])
def test_delta(dialect: str, minus: bool) -> None:
    """δ is what the file says; ∂E/∂in and the positional delta[l,j] are always ∂E/∂in."""
    network = Network((Layer(2), Layer(3), Layer(1)))
    gradient = Address(Q.D_IN, 1, 2)
    notation = Notation(network, dialect, minus_delta=minus)
    read: Expr = notation.read(notation.name(Delta(gradient)))
    assert read == (neg(Ref(gradient)) if minus else Ref(gradient))
    assert notation.read("delta[1,2]") == notation.read("δ[1,2]") == Ref(gradient)
    assert notation.read("dE/din[1,2]") == Ref(gradient)
    assert notation.read(notation.name(gradient)) == Ref(gradient)
    assert notation.read(notation.name(Delta(gradient)), minus_delta=False) == Ref(gradient)
    assert notation.read(notation.name(Delta(gradient)), minus_delta=True) == neg(Ref(gradient))


SMALL = Network((Layer(2), Layer(3, biases=3), Layer(1, biases=1)))
NAMED = Network(
    (
        Layer(2, names=("i1", "i2")),
        Layer(3, names=("h1", "h2", "h3"), biases=3),
        Layer(1, names=("O1",), biases=1),
    )
)
PLACES = (
    Address(Q.OUT, 0, 2),
    Address(Q.IN, 1, 3),
    Address(Q.OUT, 1, 3),
    Address(Q.T, 0, 1),
    Address(Q.E_K, 0, 1),
    Address(Q.E),
    Address(Q.W, 1, 3, 2),
    Address(Q.B, 2, 1),
    Address(Q.ETA),
    Address(Q.D_IN, 1, 3),
    Address(Q.D_W, 2, 1, 3),
    partial(Address(Q.E_K, 0, 1), Address(Q.OUT, 1, 3)),
    Address(Q.STEP_W, 1, 3, 2),
    Address(Q.B_NEW, 2, 1),
)


@pytest.mark.parametrize(
    ("network", "dialect", "names"),
    [
        (NAMED, "in-out", "i2 in_h3 out_h3 t_O1 E_O1 E w6 b4 η δ_h3 ∂E/∂w9 ∂E_O1/∂out_h3 Δw6 b4⁺"),
        (SMALL, "in-out", "i2 in_h3 out_h3 t_o1 E_o1 E w6 b4 η δ_h3 ∂E/∂w9 ∂E_o1/∂out_h3 Δw6 b4⁺"),
        (SMALL, "nielsen", "a^1_2 z^2_3 a^2_3 y_1 C_1 C w^2_32 b^3_1 η δ^2_3 ∂C/∂w^3_13 "
         "∂C_1/∂a^2_3 Δw^2_32 b^3_1⁺"),
        (SMALL, "rojas", "y_2 A_5 y_5 t_6 E_6 E w_52 θ_6 η δ_5 ∂E/∂w_65 ∂E_6/∂y_5 Δw_52 θ_6⁺"),
        (SMALL, "xy", "y_2 x_5 y_5 d_6 E_6 E w_52 b_6 ε ∂E/∂x_5 ∂E/∂w_65 ∂E_6/∂y_5 Δw_52 b_6⁺"),
        (NAMED, "rojas", "y_i2 A_h3 y_h3 t_O1 E_O1 E w_h3,i2 θ_O1 η δ_h3 ∂E/∂w_O1,h3 ∂E_O1/∂y_h3 "
         "Δw_h3,i2 θ_O1⁺"),
    ],
    ids=["named", "in-out", "nielsen", "rojas", "xy", "named-rojas"],
)  # fmt: skip
def test_names_of_the_dialects(network: Network, dialect: str, names: str) -> None:
    notation = Notation(network, dialect)
    assert " ".join(notation.name(place) for place in PLACES) == names


def test_names_in_ascii() -> None:
    notation = Notation(NAMED, ascii=True)
    assert " ".join(notation.name(place) for place in PLACES) == (
        "i2 in_h3 out_h3 t_O1 E_O1 E w6 b4 eta delta_h3 dE/dw9 dE_O1/dout_h3 step_w6 b4+"
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("in[1,3]", Address(Q.IN, 1, 3)),
        ("out[0,2]", Address(Q.OUT, 0, 2)),
        ("t[1]", Address(Q.T, 0, 1)),
        ("E[1]", Address(Q.E_K, 0, 1)),
        ("E", Address(Q.E)),
        ("eta", Address(Q.ETA)),
        ("w[2,1,3]", Address(Q.W, 2, 1, 3)),
        ("w[2,1,3]+", Address(Q.W_NEW, 2, 1, 3)),
        ("w[ 2, 1 ,3 ]⁺", Address(Q.W_NEW, 2, 1, 3)),
        ("b[1,2]", Address(Q.B, 1, 2)),
        ("b[1,2]+", Address(Q.B_NEW, 1, 2)),
        ("step_w[2,1,3]", Address(Q.STEP_W, 2, 1, 3)),
        ("Δb[1,2]", Address(Q.STEP_B, 1, 2)),
        ("dE/dw[2,1,3]", Address(Q.D_W, 2, 1, 3)),
        ("∂E/∂b[1,2]", Address(Q.D_B, 1, 2)),
        ("dE[1]/dout[1,3]", partial(Address(Q.E_K, 0, 1), Address(Q.OUT, 1, 3))),
        ("dout[1,3]/din[1,3]", partial(Address(Q.OUT, 1, 3), Address(Q.IN, 1, 3))),
        ("din[2,1]/dout[1,3]", partial(Address(Q.IN, 2, 1), Address(Q.OUT, 1, 3))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", dialect_names())
def test_positional_names_mean_the_same_everywhere(
    text: str, address: Address, dialect: str
) -> None:
    for minus in (False, True):
        assert Notation(NAMED, dialect, minus_delta=minus).read(text) == Ref(address)


def test_a_name_of_one_is_never_hidden_by_a_spelling_of_another() -> None:
    """σ is written sigma in ASCII; but where a neuron is called sigma, sigma is that one."""
    layer = Layer(2, names=("σ", "sigma"))
    notation = Notation(Network((layer, Layer(1))))
    assert notation.read("σ") == Ref(Address(Q.OUT, 0, 1))
    assert notation.read("sigma") == Ref(Address(Q.OUT, 0, 2))


def test_full_width_names() -> None:
    notation = Notation(Network((Layer(1, names=("输入（１）",)), Layer(2))))
    assert notation.read("输入（１）") == notation.read("输入(1)") == Ref(Address(Q.OUT, 0, 1))


def test_sample_marks() -> None:
    address = Address(Q.D_W, 1, 1, 2, sample=12)
    notation = Notation(NAMED)
    assert notation.name(address, mark=True) == "∂E⁽¹²⁾/∂w2"
    assert notation.name(address) == "∂E/∂w2"
    assert Notation(NAMED, ascii=True).name(address, mark=True) == "dE(12)/dw2"


MOMENTUM, NESTEROV = RULES.get("momentum"), RULES.get("nesterov")
TWO_ONE = Network((Layer(2), Layer(1, biases=1)))
OLD = Address(Q.V, 1, 1, 2)


@pytest.mark.parametrize(
    ("ascii", "old", "new"),
    [
        (False, "Δw_32(t−1)", "Δw_32(t)"),
        (True, "step_w_32(t-1)", "step_w_32(t)"),
    ],
)
def test_velocities_of_the_xy_dialect(ascii: bool, old: str, new: str) -> None:
    """Rumelhart et al. (1986), eq. 9: Δw(t) = −ε·∂E/∂w + α·Δw(t−1)."""
    notation = Notation(TWO_ONE, "xy", ascii=ascii, rule=MOMENTUM)
    after = OLD._replace(quantity=Q.V_NEW)
    assert notation.name(OLD) == old
    assert notation.name(after) == new
    for text in (old, old.replace("−", "-"), "v[1,1,2]"):
        assert notation.read(text) == Ref(OLD)
    assert notation.read(new) == Ref(after)
    assert notation.read("Δb_3(t−1)") == Ref(Address(Q.V, 1, 1))
    assert notation.read("Δw_32") == Ref(OLD._replace(quantity=Q.STEP_W))
    assert notation.letter("momentum") == ("alpha" if ascii else "α")


def test_velocities_that_are_no_steps_are_not_called_so() -> None:
    assert Notation(TWO_ONE, "xy", rule=NESTEROV).name(OLD) == "v_w_32"
    for dialect, name in (("in-out", "v_w2"), ("nielsen", "v_w^2_12"), ("rojas", "v_w_32")):
        notation = Notation(TWO_ONE, dialect, rule=MOMENTUM)
        assert notation.name(OLD) == name
        assert notation.name(OLD._replace(quantity=Q.V_NEW)) == f"{name}⁺"


def test_letters_of_options() -> None:
    notation = Notation(TWO_ONE)
    letters = [notation.letter(name) for name in LETTERS]
    assert letters == ["μ", "ε", "ρ", "β₁", "β₂", "λ"]
    assert len(set(letters)) == len(LETTERS)
    plain = Notation(TWO_ONE, "xy", ascii=True)
    written = [plain.letter(name) for name in LETTERS]
    assert written == ["alpha", "eps0", "rho", "beta1", "beta2", "lambda"]
    assert plain.name(Address(Q.ETA)) not in written
