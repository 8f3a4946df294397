"""A run as a hand calculation: golden pages, and what is true of every line of every page.

The golden files are pages to read. After an intended change write them anew by running this file,
and read every one of them: ``python tests/render/test_calculation.py``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from io import StringIO
from itertools import pairwise, takewhile
from pathlib import Path
from typing import NamedTuple

import pytest
from effort import dear
from hypothesis import assume, given
from hypothesis import strategies as st
from named import SHORT_STEMS, named
from rich.cells import cell_len
from strategies import problems

from bptrace import io
from bptrace.address import Address, Quantity
from bptrace.engine import run
from bptrace.errors import UnknownName
from bptrace.maths.expr import FLOATS, Expr, Num, Op, Ref, bind, refs
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.notation import Notation, dialect_names
from bptrace.render import calculation
from bptrace.render.calculation import Calculation, Options, neurons
from bptrace.render.console import make_console
from bptrace.render.words import LANGUAGES, Words
from bptrace.trace import Trace

Q = Quantity
GOLDEN = Path(__file__).parent / "golden"


def page(
    problem: Problem | Trace,
    width: int = 80,
    dialect: str = "",
    ascii: bool = False,
    language: str = "en",
    only: str = "",
    **options: object,
) -> str:
    """Return a calculation as it is printed, without colour."""
    trace = run(problem, "python") if isinstance(problem, Problem) else problem
    notation = Notation.of(trace.problem, dialect, ascii=ascii)
    chosen = neurons(notation, only.split()) if only else frozenset()
    what = Options(only=chosen, **options)  # type: ignore[arg-type]
    file = StringIO()
    console = make_console(ascii=ascii, file=file, width=width)
    console.print(Calculation(trace, notation, Words(language), what))
    return file.getvalue()


# Golden pages


def by_hand() -> Problem:
    return replace(io.load("lh25-2020"), file="lh25-2020")


def minus() -> Problem:
    """The same network in a file whose δ is −∂E/∂in, without claims about δ of the other sign."""
    return replace(by_hand(), minus_delta=True, claims=())


def batch() -> Problem:
    problem = io.load("schiendorfer-batch")
    return replace(problem, training=replace(problem.training, steps=1))


def chinese() -> Problem:
    layers = (
        Layer(2, names=("身高", "体重")),
        Layer(
            2, names=("隐藏甲", "隐藏乙"), activation="tanh", biases=2,
            weight_names=(("权甲1", "权甲2"), ("权乙1", "权乙2")), bias_names=("偏甲", "偏乙"),
        ),
        Layer(1, names=("性别",), activation="sigmoid", biases=1),
    )  # fmt: skip
    return Problem(
        Network(layers, loss="squared"),
        Parameters((((0.1, -0.2), (0.3, 0.4)), ((0.5, -0.6),)), ((0.01, 0.02), (0.03,))),
        (Sample((1.72, 0.65), (1.0,)),),
        Training("gradient-descent", 0.1),
        title="身高、体重与性别",
        source="自编例题",
    )


def large() -> Problem:
    """A 30-20-3 network with weights that come and go."""
    widths = (30, 20, 3)
    weights = tuple(
        tuple(tuple(((3 * j + 5 * i) % 7 - 3) / 10 for i in range(m)) for j in range(n))
        for m, n in pairwise(widths)
    )
    layers = (Layer(30), *(Layer(n, activation="sigmoid", biases=n) for n in widths[1:]))
    return Problem(
        Network(layers),
        Parameters(weights, tuple(tuple(0.1 for _ in range(n)) for n in widths[1:])),
        (Sample(tuple(i / 30 for i in range(30)), (0.0, 1.0, 0.0)),),
        Training("gradient-descent", 0.5),
        title="A large network",
        file="large.toml",
    )


def everything() -> Problem:
    """Missing connections, a shared bias, several layers, steps and samples, no names."""
    layers = (
        Layer(2),
        Layer(3, activation="leaky-relu", biases=1, mask=((1, 1), (1, 0), (1, 1))),
        Layer(2, activation="softplus", biases=2),
        Layer(1, activation="bipolar-step"),
    )  # fmt: skip
    return Problem(
        Network(layers, loss="mean-squared"),
        Parameters(
            (
                ((0.3, -0.2), (0.5, 0.0), (-0.7, 0.9)),
                ((0.2, 0.4, -0.1), (-0.6, 0.3, 0.8)),
                ((0.4, -1.2),),
            ),
            ((0.15,), (0.25, -0.35), ()),
        ),
        (Sample((0.6, -1.4), (0.8,)), Sample((-0.5, 0.7), (0.1,)), Sample((1e-7, 2e9), (1.0,))),
        Training("gradient-descent", 0.5, batch=2, reduction="mean", steps=2),
        title="All at once",
    )


def classes() -> Problem:
    """A hidden softmax before a last one with cross-entropy, whose targets do not sum to 1."""
    layers = (Layer(2), Layer(3, activation="softmax", biases=3), Layer(2, activation="softmax"))
    return Problem(
        Network(layers, loss="cross-entropy"),
        Parameters(
            (((0.3, -0.2), (0.5, 0.1), (-0.7, 0.9)), ((0.2, 0.4, -0.1), (-0.6, 0.3, 0.8))),
            ((0.15, -0.25, 0.35), ()),
        ),
        (Sample((0.6, -1.4), (0.25, 0.5)),),
        Training("gradient-descent", 0.5),
        title="Two layers of softmax",
    )


def saturated() -> Problem:
    return replace(io.load("saturated"), file="saturated")


PAGES: dict[str, Callable[[], str]] = {
    "run-lh25-at-80": lambda: page(by_hand()),
    "run-lh25-at-120": lambda: page(by_hand(), width=120),
    "run-lh25-at-50": lambda: page(by_hand(), width=50),
    "run-lh25-at-40": lambda: page(by_hand(), width=40, digits=6),
    "run-lh25-ascii": lambda: page(by_hand(), ascii=True),
    "run-lh25-chinese": lambda: page(by_hand(), language="zh"),
    "run-lh25-nielsen": lambda: page(by_hand(), dialect="nielsen"),
    "run-lh25-rojas": lambda: page(by_hand(), dialect="rojas"),
    "run-lh25-xy": lambda: page(by_hand(), dialect="xy"),
    "run-lh25-minus": lambda: page(minus()),
    "run-lh25-minus-rojas": lambda: page(minus(), dialect="rojas"),
    "run-lh25-only-h1": lambda: page(by_hand(), only="h1 out[2,1]", digits=4),
    "run-batch": lambda: page(batch(), width=100, digits=6),
    "run-batch-ascii": lambda: page(batch(), ascii=True, digits=6),
    "run-batch-sample-2": lambda: page(batch(), samples=(2,), digits=6),
    "run-cjk-names": lambda: page(chinese(), language="zh", digits=6),
    "run-cjk-names-at-60": lambda: page(chinese(), width=60, language="zh", digits=6),
    "run-large": lambda: page(large()),
    "run-large-chinese": lambda: page(large(), language="zh", ascii=True),
    "run-softmax": lambda: page(classes(), digits=6),
    "run-softmax-chinese": lambda: page(classes(), language="zh", dialect="nielsen", digits=6),
    "run-saturated": lambda: page(saturated()),
    "run-saturated-ascii": lambda: page(saturated(), ascii=True, dialect="rojas"),
    "run-everything": lambda: page(everything(), digits=6, steps=(1, 2)),
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_look_as_before(name: str) -> None:
    assert PAGES[name]() == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


# What is true of every line


class Equation(NamedTuple):
    """One equation of a page: what is left, and what stands behind its equals signs."""

    step: int
    phase: str
    sample: int | None
    left: str
    stages: list[str]


_ROW = re.compile(r"^  .*? [╷│╵╶] (?P<left>.*?)\s*(?<= )= (?P<stage>.*)$")


def equations(text: str) -> Iterator[Equation]:
    """Read a page that is so wide that no line is broken."""
    step, phase, sample, found = 1, "", None, None
    for line in text.splitlines():
        if heading := re.match(r"Step (\d+) of", line):
            step = int(heading[1])
        if heading := re.match(r"(Forward|Backward|Sum|Mean|Update)\b(?:, sample (\d+))?", line):
            phase = heading[1]
            sample = int(heading[2] or 1) if phase in ("Forward", "Backward") else None
        row = _ROW.match(line)
        if row is None:
            continue
        if row["left"]:
            if found:
                yield found
            found = Equation(step, phase, sample, row["left"], [row["stage"]])
        else:
            assert found is not None
            found.stages.append(row["stage"])
    if found:
        yield found


EXACT = 40
"""So many decimals write every float64 so that it is read again as itself, see `format_number`.

Digits that nobody needs are never written, and 17 are always enough. A number of the size 10⁻ᵏ
needs k + 17 decimals at most; where k is above 21, more than half of the 40 would be zeros, and it
is written with a power of ten.
"""

WIDE = 10_000
SMALL = problems(always_learns=True, losses=("half-squared", "squared", "mean-squared"))


def calculated(problem: Problem) -> Trace:
    """Run a problem that does not diverge and is not too large to print."""
    trace = run(problem, "python")
    assume(all(math.isfinite(x) for x in trace.log))
    view = Calculation(trace, Notation.of(problem), Words(), Options())
    assume(not any(view._is_large(step) for step in range(1, trace.steps + 1)))
    return trace


@pytest.mark.ci
@dear(4)
@given(named(SMALL, stems=SHORT_STEMS), st.sampled_from(dialect_names()))
def test_pages_are_true(problem: Problem, dialect: str) -> None:
    """Nothing but the text is used: names are looked up in the run, numbers calculated with."""
    trace = calculated(problem)
    notation = Notation.of(problem, dialect)
    steps = [trace.steps]
    text = page(trace, WIDE, dialect, digits=EXACT, steps=steps)
    read = list(equations(text))
    for equation in read:
        check_equation(trace, notation, equation)
    for step in steps:
        update = [e.left for e in read if (e.step, e.phase) == (step, "Update")]
        found = Counter(key for left in update for key in refs(notation.read(left)))
        new = Counter(key for key in found.elements() if key.quantity in (Q.W_NEW, Q.B_NEW))
        assert new == Counter(trained(problem))
    closing = rf"^  {notation.name(Address(Q.E))}   before (\S+)   after (\S+)"
    errors = re.findall(closing, text, re.MULTILINE)
    for step, numbers in zip(steps, errors, strict=True):
        before, after = (FLOATS.read(notation.read(number), _no_name) for number in numbers)
        assert before == trace.at("E", step)
        assert after == _error_after(trace, step)


_UNREADABLE = re.compile(r"− m\b|- m\b|m = |⌊|floor\(|\[|step\(| if |∞|⁽")


def check_equation(trace: Trace, notation: Notation, equation: Equation) -> None:
    """Symbols, numbers and result agree in every bit, whatever is written out, with either δ.

    Formulas with [… > 0], steps and marks of samples cannot be read back and are left out here;
    tests/notation/test_text.py has their trees.
    """
    values = trace.values()
    letters = letters_of(trace, notation, equation)

    def worth(text: str) -> float:
        for letter, number in letters.items():
            text = re.sub(rf"(?<!\w){letter}(?!\w)", repr(number).removesuffix(".0"), text)
        expr = notation.read(text)
        places: dict[Hashable, Expr] = {
            key: Ref(trace.complete(key, equation.step, equation.sample))
            for key in refs(expr)
            if isinstance(key, Address)
        }
        return FLOATS.read(bind(expr, places), values)

    value = worth(equation.left)
    assert FLOATS.read(notation.read(equation.stages[-1]), _no_name) == value, equation
    for stage in equation.stages[-3:-1]:  # forms before these are equal on paper, not in every bit
        assert _UNREADABLE.search(stage) or worth(stage) == value, (equation, stage)


def letters_of(trace: Trace, notation: Notation, equation: Equation) -> dict[str, float]:
    """The letters of options that stand in the formula of an equation, and their values."""
    left = notation.read(equation.left)
    if not isinstance(left, Ref):  # −δ, which has no options
        return {}
    found = trace.chapter.equation(trace.complete(left.key, equation.step, equation.sample))
    return {notation.letter(num.name): num.value for num in _options(found.expr)} if found else {}


def _options(expr: Expr) -> Iterator[Num]:
    if isinstance(expr, Op):
        for arg in expr.args:
            yield from _options(arg)
    elif isinstance(expr, Num) and expr.name:
        yield expr


def _no_name(key: object) -> float:
    raise AssertionError(f"{key} is no number")


def trained(problem: Problem) -> Iterator[Address]:
    """All parameters that are updated."""
    for p in problem.layout.parameters():
        if problem.is_trained(p):
            yield p._replace(quantity=Q.B_NEW if p.is_of_bias else Q.W_NEW)


def _error_after(trace: Trace, step: int) -> float:
    """E of the same samples, calculated from the beginning with the new parameters."""
    problem = trace.problem
    numbers = iter([trace.value(p.at(0, step + 1)) for p in trace.layout.parameters()])
    layers = problem.network.layers
    weights = tuple(
        tuple(tuple(next(numbers) for _ in range(before.size)) for _ in range(layer.size))
        for before, layer in pairwise(layers)
    )
    biases = tuple(tuple(next(numbers) for _ in range(layer.biases)) for layer in layers[1:])
    samples = tuple(problem.samples[s - 1] for s in trace.samples(step))
    return run(
        replace(
            problem,
            parameters=Parameters(weights, biases),
            samples=samples,
            training=replace(problem.training, batch=len(samples), steps=1, order="file"),
        ),
        "python",
    ).at("E")


@pytest.mark.ci
@dear(12)
@given(
    named(problems(), stems=SHORT_STEMS),
    st.integers(40, 140),
    st.sampled_from(dialect_names()),
    st.booleans(),
    st.sampled_from(LANGUAGES),
    st.integers(2, 12),
)
def test_pages_fit(
    problem: Problem, width: int, dialect: str, ascii: bool, language: str, digits: int
) -> None:
    trace = run(problem, "python", steps=1)
    text = page(trace, width, dialect, ascii, language, digits=digits)
    closing = re.compile(rf"^  {Notation.of(problem, dialect).name(Address(Q.E))}   ")
    lines = text.splitlines()
    assert all(cell_len(line) <= width for line in lines)
    for line in takewhile(lambda line: not closing.match(line), lines):
        assert line == line.rstrip(), "trailing blanks"
        assert line == "" or line[0] == " " or line[-1] in "─━-=", "a row was folded"
    if ascii and language == "en" and not any(layer.names for layer in problem.network.layers):
        assert not [c for c in _without_names(text, problem) if not c.isascii()]


def test_a_rule_without_its_targets_only_goes_forward() -> None:
    problem = Problem(
        Network((Layer(2), Layer(1)), loss="none"),
        Parameters((((0.5, 0.25),),), ((),)),
        (Sample((1.0, 2.0), ()),),
        Training("delta", 1.0),
    )
    text = page(run(problem, "python", steps=1), 80, "in-out", False, "en")
    assert "= 1" in text
    assert "ackward" not in text


def _without_names(text: str, problem: Problem) -> str:
    for layer in problem.network.layers:
        for name in (*layer.bias_names, *(n for row in layer.weight_names for n in row)):
            text = text.replace(name, "")
    return text


# Parts of a page


def test_only_some_neurons() -> None:
    text = page(by_hand(), only="h1")
    assert "in_h1" in text
    assert re.findall(r"^  (\S+) +[╷╶]", text, re.MULTILINE) == ["h1"] * 3
    assert "E      before" not in text


def test_neurons_by_any_name() -> None:
    notation = Notation.of(by_hand())
    names = ["h1", "out_h2", "out[2,1]"]
    assert neurons(notation, names) == {(1, 1), (1, 2), (2, 1)}
    assert neurons(notation, []) == frozenset()
    assert neurons(Notation.of(by_hand(), "nielsen"), ["a^2_1"]) == {(1, 1)}
    with pytest.raises(UnknownName) as caught:
        neurons(notation, ["out_h3"])
    assert str(caught.value) == "unknown neuron 'out_h3'. Did you mean 'out_h2'?"


def test_long_sums_are_cut() -> None:
    text = page(large(), WIDE, only="out[1,1]")
    assert re.search(r"in_h1 += w1·i1 \+ w2·i2 \+ w3·i3 \+ … 26 … \+ w30·i30 \+ b1\n", text)


def test_a_large_part_is_not_summed_up() -> None:
    assert calculation.LARGE < 2 * 600
    assert "too many to print" in page(large())
    assert "too many to print" not in page(large(), only="out[1,1]")


def test_forward_only() -> None:
    problem = replace(by_hand(), claims=(), network=replace(by_hand().network, loss="none"))
    text = page(problem)
    assert "Forward" in text
    for word in ("Backward", "Update", "before", "E_O1"):
        assert word not in text


def main() -> None:
    for name, draw in PAGES.items():
        (GOLDEN / f"{name}.txt").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()


# ---------------------------------------------------------------------------------------- rules


def rows_of(name: str, *, ascii: bool = False, language: str = "en", step: int = 1) -> list[str]:
    """The rows of one step of a bundled example."""
    trace = run(io.load(name), "python")
    return page(trace, 80, "", ascii=ascii, language=language, steps=[step]).splitlines()


def test_the_head_says_what_the_rule_is_and_its_options() -> None:
    rows = rows_of("adamw")
    assert " adamw, η = 0.1, β₁ = 0.9, β₂ = 0.999, ε = 1·10⁻⁸, λ = 0.2" in rows
    assert " adamw: Adam; besides, each weight shrinks a little in every step" in rows
    plain = rows_of("willamette", ascii=True, language="zh")
    assert " momentum, eta = 0.8, mu = 0.1" in plain
    assert " momentum：梯度下降；每一步再加上前一步的一部分" in plain


def test_options_are_letters_in_formulas_and_numbers_among_numbers() -> None:
    rows = [row[4:].strip(" ╷│╵") for row in rows_of("adamw", step=2)]
    at = rows.index("m̂_w1  = m_w1⁺/(1 − β₁^n)")
    assert rows[at + 1 : at + 2] == ["= −0.3560000005/(1 − 0.9^2)"]
    decayed = "w1⁺   = w1 − η·λ·w1 − (η·"
    at = next(k for k, row in enumerate(rows) if row.startswith(decayed))
    assert rows[at].endswith(" + ε)")
    assert rows[at + 1] == "= 0.3939999995 − 0.1·0.2·0.3939999995"
    rate = [row.strip(" η╷│╵") for row in rows_of("schedule", step=2)]
    at = rate.index("= η₀/(1 + factor·n)")
    assert rate[at + 1 : at + 3] == ["= 0.4/(1 + 1·1)", "= 0.2   the source has 0.2"]


@pytest.mark.parametrize(("name", "step"), [("delta", 3), ("cornell-or", 3)])
def test_no_update_because_the_output_is_right(name: str, step: int) -> None:
    said = "  the output is right, so nothing changes"
    assert said in rows_of(name, step=step)
    assert said not in rows_of(name, step=1)
    assert "  输出正确，因此参数不变" in rows_of(name, language="zh", step=step)


def test_hebb_goes_on_where_the_output_is_right() -> None:
    problem = io.load("willamette")  # the target is 0; with a weight of 0 the output is right
    right = replace(
        problem,
        parameters=Parameters(((((1.0,),)),), ((),)),
        samples=(Sample((2.0,), (2.0,)),),
        training=Training("hebb", 0.5),
        claims=(),
    )
    assert "w⁺ = w + η·x1·t_o1" in page(right)
    assert "nothing changes" not in page(right)
    assert "nothing changes" in page(replace(right, training=Training("delta", 0.5)))
