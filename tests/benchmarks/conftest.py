"""A path on which there is hardly anything, for tests of what is there and what is not."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from counters import Fake


@pytest.fixture
def fake(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put programs on the path, on which there are only git and true otherwise."""
    folder = tmp_path_factory.mktemp("path")
    for name in ("git", "true"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, body: str) -> None:
        program = Path(folder, name)
        program.write_text(f"#!{sys.executable}\nimport subprocess, sys\n{body}\n")
        program.chmod(0o755)

    return put
