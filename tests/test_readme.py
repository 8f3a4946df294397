"""What the documents promise: commands to copy, links that lead somewhere, examples that load.

Not responsible for running the set-up commands; .ci/run does that, in fresh environments.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

import bptrace

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md"]


def _extractor() -> ModuleType:
    """Return .ci/readme_commands.py, which lies in no package."""
    path = ROOT / ".ci" / "readme_commands.py"
    spec = importlib.util.spec_from_file_location("readme_commands", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


readme_commands = _extractor()


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "end"), [("run", "bptrace run lh25-2020"), ("test", "-m pytest")])
def test_commands_are_one_line_and_do_the_job(name: str, end: str) -> None:
    command = readme_commands.command(_text("README.md"), name)
    assert "\n" not in command
    assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert command.endswith(end)


_GOOD = "<!-- command: run -->\n\n```sh\none\ntwo\n```\n"


def test_extractor_returns_the_block_as_written() -> None:
    assert readme_commands.command("# Title\n\n" + _GOOD + "\nmore\n", "run") == "one\ntwo"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing\n", "0 blocks marked '<!-- command: run -->', expected exactly one; .* none$"),
        (_GOOD + _GOOD, "2 blocks marked .* the markers there are: run$"),
        ("<!-- command: run -->\ntext\n", "line 1: no fenced block follows this marker"),
        ("<!-- command: run -->", "line 1: no fenced block follows this marker"),
        ("<!-- command: run -->\n```sh\none\n", "line 2: this fenced block is never closed"),
        ("<!-- command: run -->\n```sh\n\n```\n", "line 2: this fenced block is empty"),
    ],
)
def test_extractor_says_what_is_missing(text: str, message: str) -> None:
    with pytest.raises(readme_commands.MarkerError, match=message):
        readme_commands.command(text, "run")


def test_extractor_as_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "README.md"
    path.write_text(_GOOD, encoding="utf-8")
    assert readme_commands.main([str(path), "run"]) == 0
    assert capsys.readouterr().out == "one\ntwo\n"
    assert readme_commands.main([str(path), "test"]) == 2
    assert "0 blocks marked" in capsys.readouterr().err
    assert readme_commands.main([str(tmp_path / "missing.md"), "run"]) == 2
    assert "missing.md" in capsys.readouterr().err


def _without_code(text: str) -> str:
    """Return the text without fenced blocks and code spans, where brackets are not links."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^(`{3,}).*?^\1\s*$", "", text))


def _targets(text: str) -> list[str]:
    """Return what the text links to or shows, in Markdown or HTML."""
    text = _without_code(text)
    inline = re.findall(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)", text)
    references = re.findall(r"(?m)^\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)", text)
    html = re.findall(r"""(?:src|srcset|href)=["']([^"'\s]+)""", text)
    return inline + references + html


def _anchors(text: str) -> set[str]:
    """Return the names by which the headings of a Markdown text can be linked."""
    headings = re.findall(r"(?m)^#+\s+(.*?)\s*#*$", re.sub(r"(?ms)^```.*?^```", "", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _leads_somewhere(target: str, document: str) -> bool:
    """Whether a link of a document names a file of this repository and a heading that is there."""
    path, _, anchor = unquote(target).partition("#")
    file = (ROOT / (path or document)).resolve()
    if not file.is_relative_to(ROOT) or not file.exists():
        return False
    return not anchor or anchor in _anchors(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_pictures_are_there(document: str) -> None:
    ours = [t for t in _targets(_text(document)) if not re.match(r"[a-z][a-z0-9+.-]*:", t)]
    assert [target for target in ours if not _leads_somewhere(target, document)] == []


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def test_problem_files_in_the_readme_are_valid(tmp_path: Path) -> None:
    blocks = _blocks(_text("README.md"), "toml")
    assert blocks
    for number, block in enumerate(blocks):
        path = tmp_path / f"readme-{number}.toml"
        path.write_text(block, encoding="utf-8")
        bptrace.load(path)


_OUTPUT = re.compile(r"(?ms)^<!-- output: bptrace (.*?) -->\n+```\w*\n(.*?)^```$")


def _printed_by(arguments: str) -> list[str]:
    """Return the lines that `bptrace ARGUMENTS` prints into a pipe of 80 columns, in English."""
    plain = {"PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "80", "LC_ALL": "C.UTF-8"}
    result = subprocess.run(
        [sys.executable, "-m", "bptrace", *shlex.split(arguments)],
        env=os.environ | plain,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return result.stdout.splitlines()


def _not_printed(shown: list[str], printed: list[str]) -> list[str]:
    """Return the lines of `shown` that `printed` does not have in that order."""
    rest = iter(line.rstrip() for line in printed)
    return [line for line in shown if line not in rest]


def test_shown_output_is_what_the_program_prints() -> None:
    """Blocks under `<!-- output: bptrace … -->`: lines in order; `…` and `$ …` lines are ours."""
    texts = _text("README.md") + _text("README.zh.md")
    for arguments, block in _OUTPUT.findall(texts):
        shown = [line.rstrip() for line in block.splitlines() if line.strip()]
        shown = [line for line in shown if line.strip() != "…" and not line.startswith("$ ")]
        assert _not_printed(shown, _printed_by(arguments)) == [], arguments
