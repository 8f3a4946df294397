"""The pytest plugin, in a pytest of its own: what it offers, and what it does not load."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of tests in which no plugin is loaded but ours."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "bptrace.testing.plugin", *arguments)


def test_nothing_heavy_is_loaded_before_it_is_used(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_what_is_loaded():
            assert "bptrace.testing.plugin" in sys.modules
            heavy = {"numba", "numpy", "hypothesis", "rich", "click", "bptrace.engine"}
            assert not heavy & set(sys.modules)
        """
    )
    run(project).assert_outcomes(passed=1)


@pytest.mark.ci
def test_kernels_are_warm_once_for_all_tests(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys
        import bptrace

        def test_one(bptrace_kernels):
            assert bptrace_kernels in ("numba", "python")
            assert bptrace.run("lh25-2020", engine=bptrace_kernels).engine == bptrace_kernels

        def test_two(bptrace_kernels, request):
            assert request._get_active_fixturedef("bptrace_kernels").scope == "session"
        """
    )
    run(project).assert_outcomes(passed=2)
    assert "Compile bptrace's kernels once" in run(project, "--fixtures").stdout.str()


def test_problem_files_are_tests(project: pytest.Pytester) -> None:
    for name in ("mihir", "lh25-2020", "circle"):
        text = (ROOT / "traces" / name / "problem.toml").read_text(encoding="utf-8")
        folder = project.mkdir(name)
        (folder / "problem.toml").write_text(text, encoding="utf-8")
    faulty = project.mkdir("faulty")
    (faulty / "problem.toml").write_text('[network]\nloss = "half-sqared"\n', encoding="utf-8")
    (faulty / "other.toml").write_text("[tool]\n", encoding="utf-8")
    result = run(project, "--bptrace", "problem.toml")
    result.assert_outcomes(passed=1, failed=3)
    output = result.stdout.str()
    assert "_ bptrace check lh25-2020/problem.toml _" in output
    assert "23 numbers: 6 right, 12 carried, 5 wrong, from 3 mistakes" in output
    assert """problem.toml:2:8: unknown loss "half-sqared". Did you mean""" in output
    assert "no number under [[claims]]" in output
    assert "Traceback" not in output
    assert "def assert_right" not in output


@pytest.mark.ci
def test_a_pattern_may_be_a_path(project: pytest.Pytester) -> None:
    text = (ROOT / "traces" / "mihir" / "problem.toml").read_text(encoding="utf-8")
    for name in ("pages", "drafts"):
        (project.mkdir(name) / "mine.toml").write_text(text, encoding="utf-8")
    run(project, "--bptrace", "pages/*.toml").assert_outcomes(passed=1)
    run(project, "--bptrace", "*.toml").assert_outcomes(passed=2)
    assert run(project).ret == pytest.ExitCode.NO_TESTS_COLLECTED
