"""Explanations: golden texts to look at, and what holds for every network.

After an intended change write the golden files anew by running this module, and read them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from effort import dear
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from strategies import problems

import bptrace
from bptrace.address import Address, Quantity
from bptrace.engine import run
from bptrace.maths.expr import FLOATS, Ref
from bptrace.model import Problem
from bptrace.notation import Delta, Notation, value_of
from bptrace.render.console import plain_text
from bptrace.render.explain import NARROWEST, Explanation
from bptrace.render.tree import MOST_NODES, nodes
from bptrace.render.words import Words
from bptrace.trace import Trace

GOLDEN = Path(__file__).parent / "golden"
LH = "lh25-2020"


def explained(source: str | Problem | Trace, quantity: str, **how: object) -> Explanation:
    """Explain a quantity; `dialect`, `ascii` and `language` beside what `Explanation` takes."""
    step = int(str(how.get("step", 1)))
    trace = source if isinstance(source, Trace) else calculated(source, step)
    dialect, ascii = str(how.pop("dialect", "")), bool(how.pop("ascii", False))
    words = Words(str(how.pop("language", "en")))
    notation = Notation.of(trace.problem, dialect, ascii=ascii)
    return Explanation(trace, notation, words, quantity, **how)  # type: ignore[arg-type]


def calculated(source: str | Problem, step: int) -> Trace:
    """Run an example or a problem, up to a step at least."""
    problem = example(source) if isinstance(source, str) else source
    return run(problem, engine="python", steps=max(problem.training.steps, step))


example = cache(bptrace.load)

# (example, quantity, width, how)
TEXTS: dict[str, tuple[str, str, int, dict[str, object]]] = {
    "weight": (LH, "dE/dw5", 80, {}),
    "two-layers-down": (LH, "dE/dw1", 80, {}),
    "one-path": (LH, "dE_O2/dout_h1", 80, {}),
    "narrow": (LH, "dE/dw1", 46, {"depth": 4}),
    "ascii": (LH, "w5+", 80, {"ascii": True}),
    "chinese": (LH, "w1+", 80, {"language": "zh", "depth": 4}),
    "expression": (LH, "t_O1 - out_O1", 80, {"digits": 4}),
    "nielsen": (LH, "dE/dw[1,1,1]", 80, {"dialect": "nielsen", "depth": 3}),
    "rojas": (LH, "dE/dw[1,1,1]", 80, {"dialect": "rojas", "depth": 3}),
    "minus": ("id-xor-ones", "delta_z1", 80, {"depth": 3}),
    "batch": ("schiendorfer-batch", "dE/dw11", 80, {"depth": 2}),
    "later-step": (LH, "in_h1", 80, {"step": 3}),
    "given": (LH, "t_O1", 80, {}),
    "left-by-the-step-before": (LH, "w5", 80, {"step": 2}),
}


def text(name: str) -> str:
    source, quantity, width, how = TEXTS[name]
    explanation = explained(source, quantity, **how)
    return plain_text(explanation, width, ascii=bool(how.get("ascii")))


@pytest.mark.parametrize("name", TEXTS)
def test_golden(name: str) -> None:
    assert text(name) == (GOLDEN / f"explain-{name}.txt").read_text(encoding="utf-8")


def test_every_golden_file_is_compared() -> None:
    assert {path.stem for path in GOLDEN.glob("explain-*.txt")} == {f"explain-{n}" for n in TEXTS}


def test_golden_ascii_is_ascii() -> None:
    assert text("ascii").isascii()


@pytest.mark.parametrize("name", TEXTS)
def test_golden_texts_keep_to_their_width(name: str) -> None:
    assert max(map(cell_len, text(name).splitlines())) <= TEXTS[name][2]


# ------------------------------------------------------------------- what holds for every network


def places(problem: Problem) -> list[str]:
    """Names of quantities of every kind, of the first neuron of the first layer and the last."""
    network = problem.network
    depth = network.depth
    first = network.sources(1, 1)
    names = ["in[1,1]", "out[1,1]", f"out[{depth},1]"]
    names += [f"dout[{depth},1]/dout[1,1]"]
    names += ["t[1]"] if problem.samples[0].t else []
    if problem.has_error:
        names += ["E[1]", "E", "dE/dout[1,1]", "delta[1,1]", "dE[1]/dout[1,1]"]
        if first:
            names += [f"dE/dw[1,1,{first[0]}]", f"dE/dw[1,1,{first[0]}] - E", "-delta[1,1]"]
    if problem.learns and first:
        names += [f"w[1,1,{first[0]}]+", f"step_w[1,1,{first[0]}]"]
    return names


@dear(10)
@given(problems(), st.data())
def test_every_line_is_right_and_every_quantity_is_worked_out_once(
    problem: Problem, data: st.DataObject
) -> None:
    quantity = data.draw(st.sampled_from(places(problem)))
    dialect = data.draw(st.sampled_from(["in-out", "nielsen", "rojas", "xy"]))
    trace = run(problem, engine="python", steps=1)
    notation = Notation.of(problem, dialect)
    explanation = Explanation(trace, notation, Words(), quantity, depth=100)
    values = trace.values()
    assert same(explanation.value, trace.at(quantity))
    opened: list[object] = []
    for node in nodes(explanation.root):
        assert node.state in ("open", "given", "above")
        if node.key is not None:
            assert same(node.value, value_of(node.key, values))
        if node.state == "open" and node.expr is not None:
            computed = FLOATS.read(node.expr, lambda key: value_of(key, values))
            assert same(computed, node.value)
            opened.append(node.key)
    assert len(opened) == len(set(opened))
    assert str(explanation)


def same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


@given(problems(always_learns=True), st.integers(10, 120))
def test_lines_keep_to_the_width_that_they_can_have(problem: Problem, width: int) -> None:
    explanation = explained(problem, "out[1,1]", depth=1)
    rows = plain_text(explanation, width).splitlines()
    # A name, a number or a sum's term is never broken; these are short here.
    assert max(map(cell_len, rows)) <= max(width, 2 * NARROWEST + 24)


@pytest.mark.parametrize("depth", range(8))
def test_a_deeper_tree_only_adds(depth: int) -> None:
    shallow, deep = (explained(LH, "dE/dw1", depth=d) for d in (depth, depth + 1))
    opened = [{n.key for n in nodes(e.root) if n.state == "open"} for e in (shallow, deep)]
    assert opened[0] < opened[1]
    assert f"--depth {depth + 1} shows one level more" in str(shallow)


# --------------------------------------------------------------------------------- large networks

WIDE = """\
[network]
[[network.layer]]
size = 784
[[network.layer]]
size = 30
activation = "sigmoid"
init = { method = "normal", scale = 0.1, seed = 1 }
[[network.layer]]
size = 10
activation = "sigmoid"
init = { method = "normal", scale = 0.1, seed = 2 }
[[sample]]
"""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    path = tmp_path_factory.mktemp("wide") / "wide.toml"
    x, t = [k / 784 for k in range(784)], [k / 10 for k in range(10)]
    path.write_text(f"{WIDE}x = {x}\nt = {t}\n", encoding="utf-8")
    return run(bptrace.load(path), engine="python", steps=1)


@pytest.mark.parametrize("quantity", ["in[1,1]", "E", "dE/dw[1,1,1]", "dE/dout[0,3]"])
def test_a_large_network_is_explained_in_short(wide: Trace, quantity: str) -> None:
    explanation = explained(wide, quantity)
    opened = [node for node in nodes(explanation.root) if node.state == "open"]
    assert len(opened) <= MOST_NODES
    assert str(explanation).count("\n") < 6 * MOST_NODES


def test_long_sums_are_shortened(wide: Trace) -> None:
    rows = str(explained(wide, "in[1,1]")).splitlines()
    assert "… 780 …" in rows[0]
    assert len(rows) < 12


def test_a_deep_network_is_cut() -> None:
    layer = (
        '[[network.layer]]\nsize = 2\nactivation = "tanh"\nweights = [[0.3, -0.2], [0.1, 0.4]]\n'
    )
    text = f"[network]\n[[network.layer]]\nsize = 2\n{40 * layer}[[sample]]\nx = [1, 2]\nt = [0, 1]"
    from io import StringIO

    from bptrace.io.load import load

    problem = load("-", StringIO(text))
    explanation = explained(problem, "dE/dw[1,1,1]")
    assert sum(node.state == "open" for node in nodes(explanation.root)) <= MOST_NODES
    assert str(explanation).endswith("shows one level more")


# ----------------------------------------------------------------------------------- data, and δ


def test_document() -> None:
    document = explained(LH, "dE/dw5", depth=1).document()
    json.dumps(document, allow_nan=False)
    assert list(document)[:3] == ["file", "engine", "depth"]
    assert document["quantity"] == "∂E/∂w5"
    assert document["positional"] == "dE/dw[2,1,1]"
    assert (document["step"], document["sample"], document["state"]) == (1, 1, "open")
    assert document["formula"] == "∂E/∂out_O1 · ∂out_O1/∂in_O1 · ∂in_O1/∂w5"
    assert document["numbers"] == "0.7889476414 · 0.1606303077 · 0.6456563062"
    assert document["source"].endswith("Nielsen (2015), BP4")
    below = document["from"]
    assert [node["quantity"] for node in below] == ["∂E/∂out_O1", "∂out_O1/∂in_O1", "∂in_O1/∂w5"]
    assert [n["state"] for n in below[0]["from"]] == ["deeper", "given"]
    assert "from" not in below[0]["from"][0]


def test_document_of_an_expression_and_of_the_batch() -> None:
    document = explained(LH, "t_O1-out_O1").document()
    assert (document["positional"], document["step"], document["sample"]) == (None, None, None)
    batch = explained("schiendorfer-batch", "dE/dw11", depth=0).document()
    assert (batch["step"], batch["sample"]) == (1, None)
    assert [node["sample"] for node in batch["from"]] == [1, 2]


def test_delta_of_the_other_sign_is_named_where_the_derivative_is_asked_for() -> None:
    explanation = explained("id-xor-ones", "dE/din[1,1]", depth=0)
    assert isinstance(explanation.root.key, Address)
    assert explanation.root.key.quantity is Quantity.D_IN
    assert str(explanation).startswith("∂E/∂in_z1 = −δ_z1")
    delta = explained("id-xor-ones", "-dE/din[1,1]", depth=0)
    assert isinstance(delta.root.key, Delta)
    assert delta.value == -explanation.value


def test_a_ready_expression_is_explained_as_well() -> None:
    problem = bptrace.load(LH)
    trace = run(problem, engine="python")
    expr = Ref(Address(Quantity.OUT, 1, 1))
    explanation = Explanation(trace, Notation.of(problem), Words(), expr)
    assert explanation.value == trace.at("out_h1")


if __name__ == "__main__":
    for name in TEXTS:
        (GOLDEN / f"explain-{name}.txt").write_text(text(name), encoding="utf-8")
