"""Dialects: each is one file, and adding another takes no more than that."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bptrace.address import Address, Quantity
from bptrace.errors import UnknownName
from bptrace.maths.expr import Ref
from bptrace.maths.rules import LETTERS
from bptrace.model import Layer, Network
from bptrace.notation import Notation, dialect, dialect_names, get_dialect

Q = Quantity
NETWORK = Network((Layer(2), Layer(3, biases=3), Layer(1)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the dialects, to which another may be added."""
    copy = tmp_path / "dialects"
    shutil.copytree(dialect._FOLDER, copy)
    monkeypatch.setattr(dialect, "_FOLDER", copy)
    get_dialect.cache_clear()
    yield copy
    get_dialect.cache_clear()


NEW = """
title = { en = "net_j, act_j", zh = "net_j、act_j" }
source = "nobody"
first_layer = 1
written_out = ["inner"]

[neuron]
input = "x{j}"
hidden = "H{j}"
deep = "H{l}.{j}"
output = "Y{j}"

[names]
input = "{n}"
target = "goal_{n}"
in = "net({n})"
out = "act({n})"
share = "L_{n}"
error = "L"
delta = "β_{n}"
weight = "W({nm})"
bias = "bias({n})"
rate = "lr"

[matrices]
in = "net^{l}"
out = "act^{l}"
delta = "β^{l}"
weight = "W^{l}"
bias = "bias^{l}"
target = "goal"
slope = "∇_act L"
"""


def test_a_new_dialect_is_one_file(folder: Path) -> None:
    (folder / "greek.toml").write_text(NEW, encoding="utf-8")
    assert "greek" in dialect_names()
    notation = Notation(NETWORK, "greek")
    for address, name in (
        (Address(Q.OUT, 0, 2), "x2"),
        (Address(Q.IN, 1, 3), "net(H3)"),
        (Address(Q.OUT, 2, 1), "act(Y1)"),
        (Address(Q.D_W, 1, 3, 2), "∂L/∂W(H3,x2)"),
        (Address(Q.D_IN, 1, 3), "β_H3"),
        (Address(Q.B_NEW, 1, 1), "bias(H1)⁺"),
        (Address(Q.STEP_W, 2, 1, 3), "ΔW(Y1,H3)"),
    ):
        assert notation.name(address) == name
        assert notation.read(name) == Ref(address)
    assert notation.formula(notation.read("net(H1) - L·lr")) == "net(H1) − L·lr"
    assert notation.whole(Address(Q.D_W, 1, 3, 2)) == "∂L/∂W^2"


def test_an_unknown_dialect() -> None:
    with pytest.raises(UnknownName) as caught:
        Notation(NETWORK, "in_out")
    assert str(caught.value) == "unknown dialect 'in_out'. Did you mean 'in-out'?"
    with pytest.raises(UnknownName) as caught:
        get_dialect("../in-out/x")
    assert str(caught.value).startswith("unknown dialect '../in-out/x'")


def test_the_default_comes_first() -> None:
    assert dialect_names()[0] == "in-out"
    assert list(dialect_names()[1:]) == sorted(dialect_names()[1:])


@pytest.mark.parametrize("name", dialect_names())
def test_every_dialect_is_complete(name: str) -> None:
    """A field that is missing or unknown would show itself only when that quantity is printed."""
    entry = get_dialect(name)
    model = get_dialect("in-out")
    assert set(entry.names) >= set(model.names)
    assert set(entry.names) - set(model.names) <= {"velocity", "velocity_new", *LETTERS}
    assert set(entry.matrices) == set(model.matrices)
    assert set(entry.neuron) == {"input", "hidden", "deep", "output"}
    assert set(entry.title) == {"en", "zh"}
    assert all(entry.title.values())
    assert entry.source
    assert set(entry.written_out) <= {"delta", "inner", "shares", "slope", "outer"}
    assert entry.derivative in ("", "delta")
    assert entry.first_layer in (0, 1)
    fields = {field for text in entry.names.values() for field in re.findall(r"\{(\w+)\}", text)}
    assert fields <= {"n", "l", "j", "g", "m", "i", "ji", "nm", "w", "b", "p"}
