"""What all tests share: which profile of Hypothesis they take, and which tests run when.

Not responsible for fixtures of one subject; those stand beside their tests.
"""

from __future__ import annotations

import os

import pytest
from effort import profile
from hypothesis import settings

settings.load_profile(profile())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_report_header(config: pytest.Config) -> str:
    left_out = _left_out(config)
    kernels = "plain Python" if _jit_is_off() else "compiled"
    return f"bptrace: hypothesis profile {profile()}, kernels {kernels}" + (
        f", without the tests marked {' or '.join(left_out)}" if left_out else ""
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out whole marks at once; deselected, not skipped: a skip is a test that could not."""
    left_out = _left_out(config)
    dropped = [item for item in items if any(item.get_closest_marker(mark) for mark in left_out)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


def _left_out(config: pytest.Config) -> list[str]:
    """Return the marks whose tests do not run this time."""
    marks = []
    if not (config.getoption("--slow") or profile() == "nightly"):
        marks.append("slow")
    if _jit_is_off():
        marks.append("jit")
        if profile() == "dev" and not config.getoption("--slow"):
            marks.append("ci")
    return marks


def _jit_is_off() -> bool:
    # Read as Numba reads it: a number, 0 meaning that the compiler stays on.
    return os.environ.get("NUMBA_DISABLE_JIT", "0").strip() not in ("", "0")
