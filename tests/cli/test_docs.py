"""The manual, docs/cli.md, says what the program says, of every command, in both languages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bptrace.cli import layout, reference
from bptrace.cli.program import COMMANDS, program
from bptrace.maths.rules import RULES
from bptrace.maths.schedules import SCHEDULES

DOCS = Path(__file__).resolve().parents[2] / "docs"
MANUAL = (DOCS / "cli.md").read_text(encoding="utf-8")
LANGUAGES = ("en", "zh")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["bptrace", *COMMANDS])
def test_every_command_is_documented_in_both_languages(name: str, language: str) -> None:
    assert (name, language) in reference.documented(MANUAL)


def test_the_manual_has_the_help_as_it_is() -> None:
    assert reference.updated(MANUAL) == MANUAL, "python -m bptrace.cli.reference docs/cli.md"


def test_the_page_on_learning_rules_has_the_tables_as_they_are() -> None:
    page = (DOCS / "learning-rules.md").read_text(encoding="utf-8")
    again = "python -m bptrace.cli.reference docs/learning-rules.md"
    assert reference.updated(page) == page, again
    for entry in (*RULES, *SCHEDULES):
        assert page.count(f"\n| {entry.name} | ") == 1
    assert "β₁ = `beta1` 0.9, β₂ = `beta2` 0.999, ε = `epsilon` 1e-08" in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["bptrace", *COMMANDS])
def test_help_is_what_the_manual_shows(bptrace, name: str, language: str) -> None:
    command = [] if name == "bptrace" else [name]
    result = bptrace(*command, "--lang", language, "--help")
    assert result.exit_code == 0
    assert result.stdout == reference.help_text(name, language)
    by_locale = bptrace(*command, "--help", env={"LC_ALL": f"{language}.UTF-8"})
    assert by_locale.stdout == result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help_in_both_languages(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    for param in command.params:
        if isinstance(param, click.Option):
            en, zh = param.text
            assert en.endswith((".", "."))
            assert en.isprintable()
            assert re.search("[\u4e00-\u9fff]", zh), param.name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["bptrace", *COMMANDS])
def test_help_fits_80_columns(name: str, language: str) -> None:
    lines = reference.help_text(name, language).splitlines()
    assert max(map(layout.cells, lines)) <= 80


def test_wrapping_counts_cells_and_keeps_signs_with_their_words() -> None:
    assert layout.wrap("激活函数、损失函数（学习）规则", 10) == [
        "激活函数、",
        "损失函数",
        "（学习）规",
        "则",
    ]
    assert layout.wrap("one two  three", 8) == ["one two", "three"]
    assert layout.wrap("", 8) == [""]


def test_an_unknown_command_has_no_help() -> None:
    with pytest.raises(LookupError, match="no command 'rum'"):
        reference.help_text("rum")


_OUTPUT = re.compile(r"(?ms)^<!-- output: bptrace (.*?) -->\n+```text\n(.*?)^```$")
LONG = "train circle --hidden 1,2,3 --engine python"
"""135,000 steps."""

CHINESE = tuple(f"zh/{page.name}" for page in sorted((DOCS / "zh").glob("*.md")))


def shown_outputs() -> Iterator[object]:
    """Yield each example of the manuals: the arguments, and what is shown."""
    for page in ("cli.md", "gradcheck.md", "training.md", *CHINESE):
        examples = _OUTPUT.findall((DOCS / page).read_text(encoding="utf-8"))
        assert examples or page in CHINESE, page
        for arguments, shown in examples:
            slow = [pytest.mark.slow] if arguments.startswith(LONG) else []
            yield pytest.param(arguments, shown, id=arguments, marks=slow)


@pytest.mark.parametrize(("arguments", "shown"), list(shown_outputs()))
def test_shown_output_is_what_the_program_prints(
    bptrace, monkeypatch: pytest.MonkeyPatch, arguments: str, shown: str
) -> None:
    monkeypatch.chdir(DOCS.parent)
    result = bptrace(*shlex.split(arguments))
    assert result.exit_code == 0
    assert result.stdout == shown


@pytest.mark.parametrize("page", CHINESE)
def test_a_page_in_chinese_has_the_sections_of_the_english_one(page: str) -> None:
    texts = [(DOCS / name).read_text(encoding="utf-8") for name in (page, page[3:])]
    assert f"(../{page[3:]})" in texts[0]
    outputs = [[call.removesuffix(" --lang zh") for call, _ in _OUTPUT.findall(t)] for t in texts]
    assert outputs[0] == outputs[1]
    for mark in ("(?m)^## ", r"(?m)^\|"):  # sections, rows of tables
        assert len(re.findall(mark, texts[0])) == len(re.findall(mark, texts[1]))
