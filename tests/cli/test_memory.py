"""How much memory a run takes is said before it starts, and too much is refused."""

import pytest

from bptrace import engine


@pytest.fixture
def much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything from 500 bytes on is worth telling."""
    monkeypatch.setattr(engine, "MUCH_MEMORY", 500)


def test_little_is_not_told(bptrace) -> None:
    result = bptrace("run", "lh25-2020")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.usefixtures("much")
def test_much_is_told_on_standard_error(bptrace) -> None:
    # 7 steps of 39 numbers and E, and 12 parameters after the last; 39 numbers in hand, with room
    # for the outputs of a layer, a line of the cache, and another to begin with one
    result = bptrace("run", "lh25-2020", "--steps", "7", "--json")
    assert result.exit_code == 0
    assert result.stderr == "this run takes 0.00 GiB (2,776 bytes) of memory\n"
    zh = bptrace("run", "lh25-2020", "--steps", "7", "--lang", "zh")
    assert zh.stderr.startswith("此次运行占用内存 0.00 GiB (2,776 bytes)\n")
    assert "bytes" not in zh.stdout


@pytest.mark.usefixtures("much")
def test_training_tells_of_one_part(bptrace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record and E of every step of a part, however many steps there are."""
    monkeypatch.setattr("bptrace.training.loop.MOST_OF_A_PART", 100)
    result = bptrace("train", "lh25-2020", "--steps", "3000", "--quiet")
    assert result.exit_code == 0
    assert result.stderr == "this run takes 0.00 GiB (1,240 bytes) of memory\n"


def test_too_much_is_refused(bptrace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "memory_limit", lambda: 2**20)
    result = bptrace("run", "lh25-2020", "--steps", "5000", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: the log of 5,000 steps would take 0.00 GiB (1,600,536 bytes) of memory; the limit "
        "is 0.00 GiB (1,048,576 bytes). At most 3,275 steps fit; or run without a log\n"
    )
    monkeypatch.setattr(engine, "memory_limit", lambda: 200)
    result = bptrace("train", "lh25-2020", "--steps", "5", "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "a step takes 0.00 GiB (320 bytes) of memory, with its batch of 1" in result.stderr


def test_a_long_run_without_claims_keeps_what_it_prints(
    bptrace, tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "memory_limit", lambda: 2**15)
    result = bptrace("run", tiny, "--steps", "3000")
    assert result.exit_code == 0
    assert "of 3000 steps only the first and the last are printed" in result.stderr
