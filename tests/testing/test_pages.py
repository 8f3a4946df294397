"""Hand calculations from the public strategy: right ones, and such with known mistakes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from effort import dear, fewer
from hypothesis import HealthCheck, Phase, find, given, settings

import bptrace
from bptrace.testing import assert_right, hand_calculations, numbers, problems, trainings
from bptrace.testing.pages import FORMULAS, MISTAKE_NAMES, ONE_LINE, HandCalculation


@dear(10)
@given(hand_calculations())
def test_right_pages_are_right(calc: HandCalculation) -> None:
    assert calc.mistakes == ()
    assert_right(calc.problem)


@pytest.mark.ci
@pytest.mark.parametrize("name", MISTAKE_NAMES)
def test_every_mistake_can_be_made_and_is_found(name: str) -> None:
    """Of all steps to eight digits: with fewer, or with unprinted steps, it may hide."""

    @settings(
        max_examples=fewer(1, 3),
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
    )
    @given(hand_calculations([name], printed=["all steps"], digits=8))
    def check(calc: HandCalculation) -> None:
        (made,) = calc.mistakes
        assert made.mistake == name
        assert made.first_seen
        report = bptrace.check(calc.problem)
        first = report.first_mistake
        assert first is not None
        assert first.claim in made.first_seen
        assert first.claim.step >= made.step

    check()


@pytest.mark.ci
@dear(5)
@given(hand_calculations(["sign", "digit-swap", "drop-factor"], digits=(6, 10)))
def test_several_mistakes_stand_in_different_lines(calc: HandCalculation) -> None:
    assert [made.mistake for made in calc.mistakes] == ["sign", "digit-swap", "drop-factor"]
    seen = [line for made in calc.mistakes for line in made.first_seen]
    assert len(set(seen)) == len(seen)
    with pytest.raises(AssertionError):
        assert_right(calc.problem)


@dear(5)
@given(
    hand_calculations(
        ["learning-rate"],
        problems(None, trainings(rules=["momentum"], steps=2, batch=1), numbers=numbers(0.1, 0.9)),
        printed=["sparse"], digits=6, carried=["unrounded"],
    )
)  # fmt: skip
def test_wishes_are_met(calc: HandCalculation) -> None:
    assert calc.problem.training.rule == "momentum"
    assert calc.style is not None
    assert (calc.style.printed, calc.style.digits, calc.style.carried) == ("sparse", 6, "unrounded")
    kinds = {line.partition(" = ")[0].partition("[")[0] for line in calc.lines}
    assert kinds <= {"out", "E", "dE/dw", "w"}
    for claim in calc.problem.claims:
        assert claim.printed is not None
        assert claim.printed.significant <= 6 or not calc.style.significant


SHRINKS = settings(
    max_examples=20, deadline=None, derandomize=True, database=None, phases=tuple(Phase),
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.slow
def test_it_shrinks_to_a_page_of_a_2_1_network() -> None:
    calc = find(hand_calculations(["sign"]), lambda _: True, settings=SHRINKS)
    assert calc.problem.network.widths == (2, 1)
    assert set(calc.problem.parameters) == {0.5}
    assert calc.lines == (
        "in[1,1] = -0.5",
        "out[1,1] = 0.3775",
        "E[1] = 0.007503",
        "E = 0.007503",
        "dE/dout[1,1] = -0.1225",
        "dout[1,1]/din[1,1] = 0.2350",
        "delta[1,1] = -0.02879",
        "dE/dw[1,1,1] = -0.01440",
        "dE/dw[1,1,2] = -0.01440",
        "w[1,1,1]+ = 0.5072",
        "w[1,1,2]+ = 0.5072",
    )
    (made,) = calc.mistakes
    assert (made.mistake, made.quantity, made.step, made.sample) == ("sign", "in[1,1]", 1, 1)
    assert made.first_seen == calc.problem.claims[:1]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            lambda: hand_calculations(["sing"]),
            "unknown mistake 'sing'. Did you mean 'sign'?",
        ),
        (
            lambda: hand_calculations("sign"),
            "'sign': a list of mistakes is expected, such as ['sign']",
        ),
        (
            lambda: hand_calculations(printed=["al"]),
            "unknown way of printing 'al'. Known: all steps, textbook, sparse, final.",
        ),
        (
            lambda: hand_calculations(carried=["print"]),
            "unknown way of carrying on 'print'. Did you mean 'printed'?",
        ),
        pytest.param(
            lambda: hand_calculations(["softmax", "logarithm", "velocity", "bias-correction"]),
            "no small network lets the mistakes softmax, logarithm, velocity, bias-correction be "
            "made all at once. Ask for fewer of them, or give a problem",
            marks=pytest.mark.ci,
        ),
    ],
)
def test_wishes_that_cannot_be_met(wish: Callable[[], object], message: str) -> None:
    with pytest.raises(bptrace.BptraceError) as error:
        wish()
    assert str(error.value) == message


def test_the_names_are_those_of_the_table() -> None:
    assert set(FORMULAS) | set(ONE_LINE) == set(MISTAKE_NAMES)
    assert "sign" in FORMULAS
    assert "digit-swap" in ONE_LINE
