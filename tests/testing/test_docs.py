"""The examples of docs/testing.md, run as they stand there; wrong ones print what is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    lang: ROOT / "docs" / where for lang, where in (("en", "testing.md"), ("zh", "zh/testing.md"))
}
TEXT = PAGES["en"].read_text(encoding="utf-8")

_MARKED = re.compile(r"(?ms)^<!-- (file|wrong|fails): (.*?) -->\n+```\w+\n(.*?)^```$")
BLOCKS = {(kind, name): block for kind, name, block in _MARKED.findall(TEXT)}
FILES = {name: block for (kind, name), block in BLOCKS.items() if kind == "file"}
((_, RIGHT), WRONG) = next(item for item in BLOCKS.items() if item[0][0] == "wrong")

CONFTEST = """
from hypothesis import Phase, settings

phases = (Phase.explicit, Phase.generate, Phase.shrink)  # explanations differ between versions
settings.register_profile(
    "docs", deadline=None, derandomize=True, database=None, max_examples={examples}, phases=phases
)
settings.load_profile("docs")
"""


def run(folder: Path, test: str, files: dict[str, str], examples: int = 20) -> str:
    """Run one of the examples in a folder; return what pytest prints."""
    for name, text in (files | {"conftest.py": CONFTEST.format(examples=examples)}).items():
        (folder / name).write_text(text, encoding="utf-8")
    dropped = {"PYTEST_ADDOPTS", "HYPOTHESIS_PROFILE", "COLUMNS", "CI"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", test],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return result.stdout + result.stderr


@pytest.mark.ci
@pytest.mark.parametrize(
    "test", ["test_mine.py", "test_loop.py", "test_checker.py", "test_module.py"]
)
def test_the_examples_pass(tmp_path: Path, test: str) -> None:
    if test == "test_module.py":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    output = run(tmp_path, test, FILES)
    assert "1 passed" in output, output


def assert_prints(output: str, shown: str) -> None:
    """Assert that pytest's lines about the failure have the shown ones, in this order.

    How far Hypothesis indents what it prints is its own business.
    """
    printed = (line[1:].split() for line in output.splitlines() if line[:1] == "E")
    missing = [line for line in shown.splitlines() if line != "…" and line.split() not in printed]
    assert missing == [], output


@pytest.mark.slow
def test_a_wrong_gradient_prints_what_is_shown(tmp_path: Path) -> None:
    right = FILES["mine.py"]
    wrong = right.replace(RIGHT, WRONG.strip())
    assert wrong != right
    output = run(tmp_path, "test_mine.py", FILES | {"mine.py": wrong}, examples=100)
    assert_prints(output, BLOCKS["fails", "test_mine.py"])


@pytest.mark.slow
def test_a_wrong_loop_prints_what_is_shown(tmp_path: Path) -> None:
    wrong = FILES["test_loop.py"].replace(" / 2", "")
    output = run(tmp_path, "test_loop.py", FILES | {"test_loop.py": wrong}, examples=100)
    assert_prints(output, BLOCKS["fails", "test_loop.py without / 2"])


def test_the_strategies_are_all_described() -> None:
    from bptrace import testing

    for page in PAGES.values():
        text = page.read_text(encoding="utf-8")
        for name in testing.__all__:
            assert re.search(rf"\b{name}\b", text), (page, name)


def test_both_languages_show_the_same_code() -> None:
    chinese = PAGES["zh"].read_text(encoding="utf-8")
    assert {(kind, name): block for kind, name, block in _MARKED.findall(chinese)} == BLOCKS
