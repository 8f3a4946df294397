from __future__ import annotations

import os
import subprocess
import sys

import numba
import pytest

from bptrace import engine
from bptrace.kernels import news


@pytest.mark.parametrize(("lang", "said"), [("en", "compiling: once on"), ("zh", "正在编译：")])
def test_says_once_that_something_is_compiled(
    bptrace, monkeypatch: pytest.MonkeyPatch, lang: str, said: str
) -> None:
    run = engine.run

    def compiled(*arguments, **options):
        news.tell()
        news.tell()
        return run(*arguments, **options)

    monkeypatch.setattr(engine, "run", compiled)
    result = bptrace("explain", "lh25-2020", "E", "--lang", lang)
    assert result.exit_code == 0
    assert result.stderr.count(said) == 1
    assert said not in result.stdout
    news.tell()  # after the command nobody listens


def test_says_why_nothing_is_compiled(bptrace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    result = bptrace("warmup")
    assert result.exit_code == 0
    assert result.stdout == "NUMBA_DISABLE_JIT is set: the kernels ran as plain Python\n"


@pytest.mark.slow
@pytest.mark.jit
def test_compiles_the_first_time_and_loads_the_second(tmp_path) -> None:
    first, second = (
        subprocess.run(
            [sys.executable, "-m", "bptrace", "warmup", "--lang", "en"],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        for _ in range(2)
    )
    assert first.stdout.count(": compiled in ") == 6
    assert first.stderr.count("compiling: once on this machine") == 1
    assert str(tmp_path) in first.stdout
    assert second.stdout.count(": there already, loaded in ") == 6
    assert second.stderr == ""
