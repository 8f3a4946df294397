"""The verdict on a page: golden texts to look at, and what holds for every page.

After an intended change write the golden files anew by running this module, and read them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from bundled import BY_HAND
from rich.cells import cell_len
from rich.text import Text

import bptrace
from bptrace.checks.mistakes import MISTAKES
from bptrace.checks.report import Report
from bptrace.engine import run
from bptrace.model import Problem
from bptrace.notation import Notation
from bptrace.printed import Printed
from bptrace.render.console import plain_text
from bptrace.render.report import Check
from bptrace.render.sentences import Sentences
from bptrace.render.words import Words
from bptrace.render.wrapping import wrapped
from bptrace.trace import Trace

GOLDEN = Path(__file__).parent / "golden"
NAMES = BY_HAND

# name → (example, width, how)
TEXTS: dict[str, tuple[str, int, dict[str, object]]] = {
    "lh25-2020-at-80": ("lh25-2020", 80, {}),
    "lh25-2020-at-120": ("lh25-2020", 120, {"everything": True}),
    "lh25-2020-all": ("lh25-2020", 80, {"everything": True, "repair": True}),
    "lh25-2020-ascii": ("lh25-2020", 80, {"ascii": True, "repair": True}),
    "lh25-2020-chinese": ("lh25-2020", 80, {"language": "zh", "everything": True}),
    "lh25-2020-nielsen": ("lh25-2020", 80, {"dialect": "nielsen"}),
    "mazur-dkelsh": ("mazur-dkelsh", 80, {}),
    "id-xor-ones": ("id-xor-ones", 80, {}),
    "id-ipk-chinese": ("id-ipk", 80, {"language": "zh"}),
}


@cache
def judged(name: str) -> tuple[Report, Trace]:
    problem = replace(bptrace.load(name), file=name)
    trace = run(problem, engine="python")
    return bptrace.check(trace), trace


def sentences(name: str, language: str = "en", dialect: str = "", ascii: bool = False) -> Sentences:
    report, trace = judged(name)
    notation = Notation.of(trace.problem, dialect, ascii=ascii)
    return Sentences(report, trace, notation, Words(language))


def text(name: str) -> str:
    example, width, how = TEXTS[name]
    views = {key: how[key] for key in ("everything", "repair") if key in how}
    rest = {key: value for key, value in how.items() if key not in views}
    say = sentences(example, **rest)  # type: ignore[arg-type]
    return plain_text(Check(say, **views), width, ascii=bool(how.get("ascii")))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TEXTS)
def test_golden(name: str) -> None:
    assert text(name) == (GOLDEN / f"check-{name}.txt").read_text(encoding="utf-8")


def test_every_golden_file_is_compared() -> None:
    assert {path.stem for path in GOLDEN.glob("check-*.txt")} == {f"check-{n}" for n in TEXTS}


@pytest.mark.parametrize("name", TEXTS)
def test_golden_texts_fit_their_width(name: str) -> None:
    assert max(map(cell_len, text(name).splitlines())) <= TEXTS[name][1]


def test_golden_ascii_is_ascii() -> None:
    assert text("lh25-2020-ascii").isascii()


# ------------------------------------------------------------------------------ the real page


def test_the_flagship_is_told_as_a_teacher_would() -> None:
    shown = text("lh25-2020-at-80")
    first = " ".join(shown.partition("\n\n")[0].split())
    assert first == (
        "23 numbers: 6 right, 12 carried, 5 wrong, from 3 mistakes; "
        "the first is at out_h2 (line 43)"
    )
    assert "the bias b1 is used instead of b2, in the unprinted in_h2" in shown
    assert "the bias b3 is used instead of b4, in the unprinted in_O2" in shown
    assert "the numbers of E_O1 and E_O2 are interchanged" in shown
    assert "out_O1 is used instead of ∂E/∂out_O1" in shown
    assert "not by      ∂E/∂w5: calculated with the right value" in shown
    assert "lh25-2020:61, eq. 5.24" in shown
    assert "η = 0.1" in shown


def test_the_two_formulas_stand_aligned_above_each_other() -> None:
    rows = text("lh25-2020-at-120").splitlines()
    wrong = next(row for row in rows if "w8·out_h2 + b3 " in row)
    right = rows[rows.index(wrong) + 1]
    assert [k for k, c in enumerate(wrong) if c == "="] == [
        k for k, c in enumerate(right) if c == "="
    ]


def test_mending_the_first_mistake_leaves_the_others_in() -> None:
    report, trace = judged("lh25-2020")
    say = sentences("lh25-2020")
    after = {m.verdict.claim.quantity: m for m in say.author.mended(report.mistakes[0])}
    assert after["out_O2"].text == f"{trace.at('out_O2'):.10f}"
    assert after["E"].right
    assert after["w5+"].right
    # still interchanged, and (5.24) still takes the output for the error
    assert after["E_O1"].text == f"{trace.at('E_O2'):.10f}"
    wrong = trace.at("out_O1") * trace.at("dout_O1/din_O1")
    # of the printed digits 0.5 units of the tenth place are lost in each factor
    assert after["dE_O1/din_O1"].value == pytest.approx(wrong, abs=1e-10)
    assert not after["dE/dw1"].right
    assert "in_h1" not in after


def test_a_page_with_one_mistake_is_right_once_it_is_mended() -> None:
    report, _ = judged("whathowwhy-linear")
    assert len(report.mistakes) == 1
    mended = sentences("whathowwhy-linear").author.mended(report.mistakes[0])
    assert len(mended) == sum(report.counts[v] for v in ("carried", "wrong"))
    assert all(m.right for m in mended)


# -------------------------------------------------------------------------------- any page


@pytest.mark.parametrize(
    ("dialect", "language"),
    [
        pytest.param("", "en", marks=pytest.mark.ci),
        ("", "zh"),
        ("nielsen", "zh"),
        ("xy", "en"),
        pytest.param("rojas", "zh", marks=pytest.mark.ci),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_told_in_every_dialect(name: str, dialect: str, language: str) -> None:
    say = sentences(name, language, dialect)
    shown = plain_text(Check(say, everything=True, repair=True), 80)
    assert shown.strip()
    assert "Address(" not in shown
    assert "{" not in shown


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("name", ["lh25-2020", "id-xor-ones"])
def test_rows_keep_to_the_width(name: str, width: int) -> None:
    shown = plain_text(Check(sentences(name)), width)
    assert max(map(cell_len, shown.splitlines())) <= width


def test_every_mistake_of_the_table_has_its_title_and_hint_in_both_languages() -> None:
    for language in ("en", "zh"):
        words = Words(language)
        for mistake in MISTAKES:
            assert words.of(mistake.title)
            assert words.of(mistake.hint)


def altered(name: str, **numbers: str) -> Problem:
    """Return an example's problem with some claims printed otherwise ("": not at all)."""
    problem = bptrace.load(name)
    claims = tuple(
        replace(c, printed=Printed.parse(new) if new else None)
        if (new := numbers.get(c.quantity)) is not None
        else c
        for c in problem.claims
    )
    return replace(problem, claims=claims)


def shown(problem: Problem, **how: object) -> str:
    trace = run(problem, engine="python")
    report = bptrace.check(trace)
    say = Sentences(report, trace, Notation.of(problem), Words("en"))
    return plain_text(Check(say, **how), 80)  # type: ignore[arg-type]


def test_a_right_page_is_said_to_be_right() -> None:
    problem = bptrace.load("deepml-neuron-a")
    assert shown(problem) == "5 numbers: all right\n"
    assert shown(problem, repair=True).endswith("there is no mistake to mend\n")


def test_what_is_only_rounded_is_said_so() -> None:
    problem = bptrace.load("ko-keonhee-2025")
    assert shown(problem) == (
        "20 numbers: all right, 3 of them but for the author's own rounding\n"
    )


def test_missing_numbers_are_missing_not_wrong() -> None:
    problem = altered("deepml-neuron-a", out_y="")
    names = [c.quantity for c in problem.claims if c.printed is None]
    text = shown(altered("lh25-2020", out_h1="", E=""))
    assert "2 still to be found" in text.partition("\n\n")[0]
    assert "still to be found: out_h1, E" in text
    assert bptrace.check(problem).ok
    assert len(names) <= 1


def test_nothing_filled_in() -> None:
    problem = bptrace.load("lh25-2020")
    blank = tuple(replace(c, printed=None, operands=()) for c in problem.claims)
    assert shown(replace(problem, claims=blank)) == "23 numbers are still to be found\n"
    assert shown(replace(problem, claims=())).startswith("there is nothing to check")


def test_a_number_no_mistake_gives_is_not_explained() -> None:
    text = shown(altered("lh25-2020", in_h1="7.3141592654"))
    assert "none of the known mistakes gives this number" in text
    assert "Misprints" in text  # and out_h1 has been calculated with the right value
    assert "hint" not in text.partition("Misprints")[2]


def test_long_texts_are_broken_between_words_and_chinese_signs() -> None:
    rows = wrapped(Text("one two three four"), 9, indent=2)
    assert [row.plain for row in rows] == ["one two", "  three", "  four"]
    rows = wrapped(Text("在未写出的 in_h2 中：偏置用了 b1"), 12)
    assert [row.plain for row in rows] == ["在未写出的", "in_h2 中：偏", "置用了 b1"]
    assert [row.plain for row in wrapped(Text("unbreakable"), 4)] == ["unbreakable"]


if __name__ == "__main__":
    for name in TEXTS:
        (GOLDEN / f"check-{name}.txt").write_text(text(name), encoding="utf-8")
