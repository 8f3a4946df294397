"""The rooms keep to their contracts, and what must start fast loads nothing heavy.

The contracts themselves stand in pyproject.toml under [tool.importlinter].
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Loaded by --help or by a message about a faulty file, each of these would be felt: numba alone
# costs 0.33 s on the machine that DESIGN's figures are from.
HEAVY = {"numba", "llvmlite", "numpy", "flint", "matplotlib", "zarr", "xarray", "dask"}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the package in `folder`, with the folder's own pyproject.toml."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(no_cache=True, no_logo=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=folder,
        env=_clean_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def _clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without what could load modules or change the output."""
    dropped = {"PYTHONPATH", "PYTHONSTARTUP", "PYTHONPROFILEIMPORTTIME"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "100"} | extra


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and its contracts, to be broken."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "bptrace", tmp_path / "bptrace", ignore=ignored)
    return tmp_path


def test_imports_point_down() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.ci
@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("maths/activations.py", "import numba", "Only kernels import numba"),
        ("maths/activations.py", "import numpy.linalg", "Only rooms that hold arrays import numpy"),
        ("errors.py", "import bptrace.model", "Imports point down"),
        ("maths/expr.py", "from bptrace import io", "Imports point down"),
        ("address.py", "import rich.text", "each stay in their room"),
        ("newcomer.py", "import math", "Imports point down"),
        ("checks/claims.py", "from bptrace import notation", "know no way of writing"),
        ("io/datasets.py", "import sklearn.datasets", "Nobody imports scikit-learn"),
        ("checks/claims.py", "import flint", "Only checks.certified imports python-flint"),
        ("checks/claims.py", "import pytest", "Only testing imports hypothesis and pytest"),
        ("testing/claims.py", "from bptrace import cli", "Imports point down"),
    ],
)
def test_contracts_have_teeth(copy: Path, module: str, line: str, broken: str) -> None:
    path = copy / "bptrace" / module
    path.parent.mkdir(exist_ok=True)
    (path.parent / "__init__.py").touch()
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef _hidden_in_a_function() -> None:\n    {line}\n")
    result = _lint(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    # import-linter breaks long names over lines.
    output = re.sub(r"\s+", " ", result.stdout)
    assert re.search(rf"{re.escape(broken)}[^-]*BROKEN", output), result.stdout


_PROBE = """
import json, sys
status = 0
try:
    {statement}
except SystemExit as end:
    status = end.code or 0
sys.stdout.flush()
print()
print(json.dumps([sorted(sys.modules), status]))
"""
_START = "from bptrace.cli import main; sys.exit(main())"


def _loaded_by(statement: str, *arguments: str) -> tuple[set[str], int, str]:
    """Run a statement in a fresh interpreter.

    Returns
    -------
    loaded, status, output
        Top-level modules that are loaded at its end, its exit code, and all that it printed.
    """
    result = subprocess.run(
        [sys.executable, "-c", _PROBE.format(statement=statement), *arguments],
        cwd=ROOT,
        env=_clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    modules, status = json.loads(result.stdout.splitlines()[-1])
    return {name.partition(".")[0] for name in modules}, status, result.stdout + result.stderr


def test_importing_bptrace_loads_nothing_heavy() -> None:
    loaded, _, _ = _loaded_by("import bptrace")
    assert "bptrace" in loaded
    assert not loaded & (HEAVY | {"rich", "click"})


def test_importing_testing_loads_nothing_heavy() -> None:
    loaded, _, _ = _loaded_by("import bptrace.testing")
    assert not loaded & (HEAVY | {"rich", "click", "hypothesis", "pytest"})


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_starting_loads_nothing_heavy(option: str) -> None:
    loaded, status, output = _loaded_by(_START, option)
    assert status == 0, output
    assert not loaded & HEAVY


@pytest.mark.parametrize("command", ["run", "explain"])
def test_message_about_a_faulty_file_loads_nothing_heavy(tmp_path: Path, command: str) -> None:
    faulty = tmp_path / "faulty.toml"
    faulty.write_text('[network]\nloss = "half-sqared"\n', encoding="utf-8")
    arguments = [command, str(faulty)] + (["E"] if command == "explain" else [])
    loaded, status, output = _loaded_by(_START, *arguments)
    assert status == 2, output
    assert "faulty.toml:" in output
    assert "Traceback" not in output
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    "arguments", [("run", "lh25-2020"), ("run", "nielsen", "--matrix"), ("check", "id-xor-ones")]
)
def test_textbook_examples_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    """Dozens of numbers need neither a compiler nor arrays."""
    loaded, status, output = _loaded_by(_START, *arguments)
    assert status == (arguments[0] == "check"), output
    assert not loaded & HEAVY
