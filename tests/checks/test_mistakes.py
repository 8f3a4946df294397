"""The table of mistakes: every entry has its words in both languages, and changes something."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from string import Formatter

import pytest

from bptrace import io
from bptrace.checks.graph import Canon
from bptrace.checks.interval import Interval, point
from bptrace.checks.mistakes import MISTAKES, UNKNOWN, Mistake, Step, share
from bptrace.checks.mistakes.slips import misreadings, slipped
from bptrace.maths.equations import Chapter
from bptrace.maths.rules import RULES
from bptrace.printed import Printed
from bptrace.testing.author import steps
from tests.quality.pages import any_problem, problem
from tests.quality.plant import every_variant

ENTRIES = list(MISTAKES)
TRACES = Path(__file__).parents[2] / "traces"


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_an_entry_speaks_both_languages(entry: Mistake) -> None:
    for english, chinese in (entry.title, entry.hint, *entry.wordings.values()):
        assert english
        assert english.isascii() or any(c in english for c in "½∂δσΣ·−→ηθε")
        assert any("一" <= c <= "鿿" for c in chinese)
        assert _fields(english) == _fields(chinese)
        assert "," not in chinese, "a full-width comma is meant"


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_the_shares_and_the_unknown_are_everything() -> None:
    # 30 quotients, each within half a unit of 2^-53: far below 1e-12
    assert abs(sum(share(entry) for entry in MISTAKES) + UNKNOWN - 1.0) < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_every_variant_fills_its_sentence(seed: int) -> None:
    made: Counter[str] = Counter()
    for _, place, mistake, variant in every_variant(Random(seed)):
        made[mistake.name] += 1
        for sentence in mistake.wordings[variant.wording]:
            assert _fields(sentence) <= set(variant.fields), (mistake.name, place)
            assert sentence.format(**dict.fromkeys(variant.fields, "x"))
    assert {"sign", "drop-factor", "drop-term", "index", "role"} <= set(made)


@pytest.mark.ci
def test_every_formula_mistake_is_possible_somewhere() -> None:
    made = set()
    drawn = [problem(Random(seed), several=True) for seed in range(12)]
    rules = [rule for rule in RULES for _ in range(3)]
    drawn += [any_problem(Random(seed), [rule]) for seed, rule in enumerate(rules)]
    for given in drawn:
        canon, chapter = Canon(given), Chapter(given)
        for key in steps(given):
            equation = chapter.equation(key)
            assert equation is not None
            step = Step(given, key, canon.expr(equation.expr), canon)
            made |= {e.name for e in MISTAKES if e.variants and any(e.variants(step))}
    made |= {name for example in ("mihir", "sreekanth") for name in _possible(example)}
    assert made == {e.name for e in MISTAKES if e.variants is not None}


def _possible(example: str) -> set[str]:
    """The mistakes of the output layer that can be made in an example, each with all its words."""
    given = io.load(str(TRACES / example / "problem.toml"))
    canon, chapter = Canon(given), Chapter(given)
    made = set()
    for key in (*chapter.forward(1, 1), *chapter.backward(1, 1)):
        equation = chapter.equation(key)
        assert equation is not None
        for form in (*equation.forms, equation.expr):
            step = Step(given, key, canon.expr(form), canon)
            for name in ("softmax", "jacobian", "slope-twice", "logarithm"):
                mistake = MISTAKES.get(name)
                assert mistake.variants is not None
                for variant in mistake.variants(step):
                    assert variant.expr != step.expr
                    assert _fields(mistake.wordings[variant.wording][0]) <= set(variant.fields)
                    made.add(f"{name}:{variant.wording}")
    return {name.partition(":")[0] for name in made}


@pytest.mark.parametrize(
    ("expected", "printed", "kind"),
    [
        (0.1267961054, "0.1276961054", "digit-swap"),
        (0.7887314002, "0.7987314002", "digit-wrong"),
        (-0.019049119, "-0.01904919", "digit-dropped"),
        (0.08216704083, "0.0821667041", "digit-doubled"),
        (0.08216704083, "0.0821671041", "digit-inserted"),
        (0.036350306, "0.36350306", "decimal-point"),
        (0.5, "0.7", None),
        (0.5, "-0.05", None),
        (0.0, "0.05", None),
    ],
)
def test_slips_of_copying_are_recognised(expected: float, printed: str, kind: str | None) -> None:
    found = [name for name, _ in slipped(point(expected), Printed.parse(printed))]
    assert kind in found if kind else not found


@pytest.mark.parametrize(
    ("low", "high", "printed", "kind"),
    [
        (0.0566632, 0.0566636, "0.0566362", "digit-swap"),  # of 0.0566632, not of what is likeliest
        (0.2593826, 0.2593838, "0.229383", "digit-wrong"),
        (1.0640, 1.0640, "0.1640", "digit-swap"),  # a leading zero takes part
        (1.0464, 1.0464, ".0464", "digit-dropped"),  # before the point
        (0.8057333, 0.8057333, "0.057333", "digit-dropped"),
        (12.34, 12.34, "122.34", "digit-doubled"),
        (0.8057, 0.8069, "0.8356", None),  # no number of the range is one slip away
    ],
)
def test_slips_from_any_number_that_an_author_may_have_had(
    low: float, high: float, printed: str, kind: str | None
) -> None:
    found = [name for name, _ in slipped(Interval(low, high), Printed.parse(printed))]
    assert kind in found if kind else not found


def test_misreadings_of_an_operand() -> None:
    found = list(misreadings(Printed.parse("0.2879")))
    values = {(kind, round(value, 6)) for kind, value, _ in found}
    assert {("digit-swap", 0.8279), ("digit-wrong", 0.2379), ("decimal-point", 2.879)} <= values
    assert {v for k, v in values if k == "coarse-rounding"} == {0.3, 0.29, 0.288}
