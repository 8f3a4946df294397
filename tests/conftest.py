"""What all tests share: how hard Hypothesis looks, and which tests run when.

Not responsible for fixtures of one subject; those stand beside their tests.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadlines: the first call of a kernel compiles it, and a shared machine stalls when it likes.
# `dev` and `ci` draw the same examples in every run, so that a red run is red again; `nightly`
# draws new ones, and prints the blob that repeats a failure.
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _COMMON, derandomize=True, max_examples=30)
settings.register_profile("ci", _COMMON, derandomize=True, max_examples=100)
settings.register_profile("nightly", _COMMON, derandomize=False, max_examples=2000, print_blob=True)


def _profile() -> str:
    """Name of the Hypothesis profile: said outright, or `ci` on a CI machine, else `dev`."""
    return os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")


settings.load_profile(_profile())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_report_header(config: pytest.Config) -> str:
    left_out = _left_out(config)
    kernels = "plain Python" if _jit_is_off() else "compiled"
    return f"bptrace: hypothesis profile {_profile()}, kernels {kernels}" + (
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
    if not (config.getoption("--slow") or _profile() == "nightly"):
        marks.append("slow")
    if _jit_is_off():
        marks.append("jit")
    return marks


def _jit_is_off() -> bool:
    # Read as Numba reads it: a number, 0 meaning that the compiler stays on.
    return os.environ.get("NUMBA_DISABLE_JIT", "0").strip() not in ("", "0")
