"""What counts as a loss, and that nothing of the comparison is left behind."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from counters import PERF, UNSUPPORTED, VALGRIND, Fake

from benchmarks import compare, counts
from benchmarks.compare import Cost, Place

PLACES = [Place(name, Path(), Path(), Path()) for name in ("old", "new")]


def measure(values: dict[tuple[str, str], Iterator[float]]) -> compare.Measure:
    return lambda place, name: next(values[name, place.name])


def test_the_least_of_all_rounds_counts() -> None:
    values = {("a", "old"): iter([3.0, 1.0, 2.0]), ("a", "new"): iter([1.5, 1.3, 9.0])}
    costs = compare.compared(["a"], PLACES, measure(values), 3)
    assert costs == {"a": Cost(1.0, 1.3)}
    assert round(costs["a"].loss, 12) == 0.3


def test_a_loss_is_measured_again() -> None:
    again = compare.confirmed({"a": Cost(1.0, 1.5), "b": Cost(1.0, 1.0)}, {"a": Cost(0.9, 1.0)})
    assert again == {"a": Cost(0.9, 1.0)}


def test_the_report_marks_what_is_lost() -> None:
    costs = {"fine": Cost(1.0, 1.19), "slow": Cost(4e9, 4.9e9)}
    _, fine, slow = compare.report(costs, PLACES)
    assert fine.split() == ["fine", "1,000.0", "ms", "1,190.0", "ms", "+19.0%"]
    assert slow.split() == ["slow", "4,000,000,000", "4,900,000,000", "+22.5%", "LOST"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit, in place of ours."""

    def git(*words: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "probe.py").write_text("print(1)\n")
    (tmp_path / "bptrace").mkdir()
    (tmp_path / "bptrace" / "__main__.py").write_text("print('help')\n")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    monkeypatch.setattr(compare, "PROBE", tmp_path / "probe.py")
    return tmp_path


def test_worktrees_are_removed_whatever_happens(repository: Path) -> None:
    seen: list[Path] = []

    def interrupted() -> None:
        with compare.worktrees("HEAD", "HEAD") as places:
            seen.extend(place.folder for place in places)
            assert all((folder / "probe.py").exists() for folder in seen)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    first, second = seen
    assert first != second
    assert not first.parent.exists()
    assert compare.git("worktree", "list").count("\n") == 1


def test_an_unknown_revision_is_told(repository: Path) -> None:
    with (
        pytest.raises(SystemExit, match="'nowhere' is no commit of this repository"),
        compare.worktrees("nowhere"),
    ):
        pass
    assert compare.git("worktree", "list").count("\n") == 1


def test_a_task_that_fails_stops_the_comparison(repository: Path) -> None:
    words = [sys.executable, "-c", "raise ValueError('no such thing')"]
    place = Place("old", repository, repository, repository)
    with pytest.raises(SystemExit, match="no such thing"):
        compare.run(place, words)


def test_nothing_to_measure_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        compare.main(["HEAD", "--only", "no such task"])
    assert "nothing to measure; tasks: 2-2-2, 2-2-2, log" in capsys.readouterr().err


@pytest.mark.ci
def test_instructions_are_counted_where_they_can_be(
    repository: Path, fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of single commands as they are, of tasks without what the process takes besides."""
    fake("perf", PERF)
    assert compare.main(["HEAD", "--only", "bptrace --help"]) == 0
    first, head, row, last = capsys.readouterr().out.splitlines()
    assert first == "instructions, counted by perf: bptrace --help"
    assert head.split()[-1] == "change"
    assert row.split() == ["bptrace", "--help", "1,400", "1,400", "+0.0%"]
    assert last == "nothing lost"
    place = Place("old", repository, repository, repository / "probe.py")
    counting = counts.counter()
    assert counting is not None
    assert compare.instructions(counting, place, "2-2-2") == 100.0  # 1400 + 100 for each more


def test_without_a_counter_it_is_time(
    repository: Path, fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main(["HEAD", "--only", "bptrace --help", "--rounds", "1"]) in (0, 1)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "processor time, as nothing counts instructions here: bptrace --help"


def test_what_valgrind_counts_is_for_commands_alone(
    repository: Path, fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake("perf", UNSUPPORTED)
    fake("valgrind", VALGRIND)
    compare.main(["HEAD", "--only", "2-2-2, log", "--rounds", "1"])
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "processor time, as valgrind is too slow for kernels: 2-2-2, log"
    compare.main(["HEAD", "--only", "bptrace --help"])
    first, _, row, _ = capsys.readouterr().out.splitlines()
    assert first == "instructions, counted by valgrind: bptrace --help"
    assert row.split() == ["bptrace", "--help", "184,838,435", "184,838,435", "+0.0%"]
