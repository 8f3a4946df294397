"""Without matplotlib there is a message, not a traceback."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bptrace import plots
from bptrace.errors import BptraceError


def test_without_matplotlib_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in list(sys.modules):
        if name.startswith(("matplotlib", "bptrace.plots.")):
            monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError("No module named 'matplotlib'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BptraceError, match=r"pip install 'bptrace\[plot\]'"):
        plots.error_curve  # noqa: B018


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'pie'"):
        plots.pie  # noqa: B018


@pytest.mark.ci
def test_matplotlib_keeps_its_remarks_to_itself(tmp_path) -> None:
    """A home that cannot be written is no reason for lines on standard error."""
    pytest.importorskip("matplotlib")
    nowhere = tmp_path / "file"
    nowhere.touch()
    result = subprocess.run(
        [sys.executable, "-c", "from bptrace import plots; plots.look_for('en')"],
        env=os.environ | {"MPLCONFIGDIR": str(nowhere / "config"), "TMPDIR": str(tmp_path)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert result.stderr == ""
