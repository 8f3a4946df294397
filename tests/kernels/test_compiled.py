"""The compiled kernels' cache: used again, forgotten when a table changes, and not needed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bptrace
from bptrace.engine import run
from bptrace.model import Layer, Network, Parameters, Problem, Sample

compiled = pytest.importorskip("bptrace.kernels.compiled")

# in = 2, E = ½(5 − 2)² = 4.5; the second number says how many kernels came from the cache.
SCRIPT = """
from bptrace.engine import run
from bptrace.model import Layer, Network, Parameters, Problem, Sample
problem = Problem(Network((Layer(1), Layer(1))), Parameters((((2.0,),),), ((),)),
                  (Sample((1.0,), (5.0,)),))
trace = run(problem, "numba")
from bptrace.kernels import compiled
kernel, _ = compiled._kernel()
print(trace.step_errors[0], sum(kernel.stats.cache_hits.values()), trace.remark)
"""


def calculate(package: Path, cache: Path) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(package),
        "NUMBA_CACHE_DIR": str(cache),
        "NUMBA_OPT": "0",  # half the time, and the optimiser is not what is tested
        "PYTHONDONTWRITEBYTECODE": "1",  # the edit may fall into the same second
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        env=environment, cwd=package, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.jit
def test_the_cache_is_used_again_and_notices_an_edited_table(tmp_path: Path) -> None:
    package, cache = tmp_path / "copy", tmp_path / "cache"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(bptrace.__file__).parent, package / "bptrace", ignore=ignored)
    assert calculate(package, cache) == "4.5 0"
    assert calculate(package, cache) == "4.5 1"

    losses = package / "bptrace" / "maths" / "losses.py"
    edited, n = re.subn(r"return 0\.5 \* \(d \* d\)", "return 0.25 * (d * d)", losses.read_text())
    assert n == 1
    losses.write_text(edited)
    assert calculate(package, cache) == "2.25 0"


def test_the_fingerprint_covers_all_that_is_compiled() -> None:
    modules = {f.__module__ for f in compiled.functions()} - {"bptrace.order"}
    rooms = {Path(sys.modules[module].__file__ or "").parent for module in modules}
    assert {room.name for room in rooms} == {"maths", "kernels"}


ONE = Problem(
    Network((Layer(1), Layer(1))), Parameters((((2.0,),),), ((),)), (Sample((1.0,), (5.0,)),)
)


@pytest.fixture
def fresh_kernels() -> object:
    """Kernels are built once in a process; build them anew before and after."""
    compiled._kernel.cache_clear()
    compiled._without_cache.cache_clear()
    yield
    compiled._kernel.cache_clear()
    compiled._without_cache.cache_clear()


def plain_build(fails: type[Exception] | None):  # type: ignore[no-untyped-def]
    """Build plain Python instead; with the cache on disk, fail in one of Numba's two ways."""

    def build(key: str, keep: bool):  # type: ignore[no-untyped-def]
        def kernel(*arguments) -> None:  # type: ignore[no-untyped-def]
            if keep and fails is OSError:
                raise OSError("disk full")
            compiled.source.run_steps(*arguments)

        if keep and fails is RuntimeError:
            raise RuntimeError("no locator available")
        return kernel

    return build


@pytest.mark.parametrize(
    ("fails", "words"),
    [(RuntimeError, "no folder for them can be written"), (OSError, "disk full")],
)
def test_without_a_place_for_the_cache_it_works_with_one_remark(
    fails: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch, fresh_kernels: object
) -> None:
    monkeypatch.setattr(compiled, "build", plain_build(fails))
    monkeypatch.setattr(compiled.numba.config, "DISABLE_JIT", 0)
    # Plain Python works on the views, too, but NumPy's integers would warn where they wrap.
    monkeypatch.setattr(compiled, "view", lambda bundle: bundle)
    trace = run(ONE, "numba")
    assert trace.step_errors[0] == 4.5
    assert trace.remark == (
        f"The compiled kernels cannot be kept for the next time: {words}. "
        "Set NUMBA_CACHE_DIR to a folder that can be written"
    )
