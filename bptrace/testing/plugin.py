"""The pytest plugin: hand calculations as tests, and kernels that are ready before the first one.

pytest loads it by itself wherever bptrace is installed. So nothing else is imported here before it
is used, and without ``--bptrace`` no file is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--bptrace PATTERN``."""
    parser.getgroup("bptrace").addoption(
        "--bptrace",
        metavar="PATTERN",
        action="append",
        default=[],
        help="check the hand calculations in the problem files of this name, such as '*.toml'",
    )


@pytest.fixture(scope="session")
def bptrace_kernels() -> str:
    """Compile bptrace's kernels once, before any test: no deadline breaks because of them.

    The name of the engine that is ready, "numba" or "python".
    """
    from bptrace.testing.gradients import warm_up

    return warm_up()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Make a test of each problem file whose name or path fits ``--bptrace``."""
    for pattern in parent.config.getoption("--bptrace"):
        if fnmatch(file_path.name, pattern) or file_path.match(pattern):
            page: pytest.Collector = Page.from_parent(parent, path=file_path)
            return page
    return None


class Page(pytest.File):
    """A problem file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the one test of a file: that its claims are right."""
        yield Claims.from_parent(self, name="claims")


class Claims(pytest.Item):
    """The numbers under ``[[claims]]`` of a file."""

    def runtest(self) -> None:
        """Judge them."""
        from bptrace.testing.claims import assert_right

        assert_right(self.path)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the report, or the faults of the file, and no traceback."""
        from bptrace.errors import BptraceError

        if isinstance(excinfo.value, AssertionError | BptraceError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where the test is from."""
        return self.path, None, f"bptrace check {self.nodeid.partition('::')[0]}"
