from __future__ import annotations

from pathlib import Path

import pytest
from traced import LOG, PAGE, write

from bptrace.model import Problem
from bptrace.store import contents


@pytest.fixture
def problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problem:
    """A 2-3-1 network with biases, 3 samples in batches of 2, 1300 steps, nothing in full.

    A checkpoint after every 500 steps.
    """
    monkeypatch.setattr(contents, "REPLAY_SECONDS", 0.032)
    return write(tmp_path)


@pytest.fixture
def logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problem:
    """The same, with every quantity of every seventh step in full."""
    monkeypatch.setattr(contents, "REPLAY_SECONDS", 0.032)
    return write(tmp_path, PAGE + LOG)
