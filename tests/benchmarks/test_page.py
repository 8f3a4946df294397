"""The report: goals against what was measured, and the file for the documentation."""

from pathlib import Path

import pytest

from benchmarks import goals
from benchmarks.measure import Sheet, Spread, Task, ratios, rounds, spread
from benchmarks.page import Page
from benchmarks.picture import NETWORKS


def test_goals_are_compared_with_the_median() -> None:
    found = {
        "2-2-2: share of chain": Spread(0.6, 0.5, 0.7),
        "2-2-2: cost of bptrace, log": Spread(1.55, 1.2, 2.0),
        "start: bptrace run lh25-2020": Spread(6.9, 6.1, 8.0),
    }
    _, _, chain, log, start = goals.table(found)
    assert chain == (
        "| 2-2-2: time of the dependent operations | ≥ 59 % | ≥ 95 % | 60 % (50 % – 70 %) | must |"
    )
    assert log.endswith("| ≤ +40 % | ≤ +5 % | +55 % (+20 % – +100 %) | **missed** |")
    assert start.endswith("| ≤ 12× | ≤ 7× | 6.9× (6.1× – 8×) | stretch |")


def test_nothing_measured_no_goals() -> None:
    assert list(goals.table({})) == []


def test_ratios_are_taken_within_a_round() -> None:
    times = {"slow": [2.0, 9.0, 4.0], "fast": [1.0, 3.0, 4.0]}
    assert ratios(times, "slow", "fast") == Spread(2.0, 1.0, 3.0)
    assert spread([3.0, 1.0, 2.0]).text() == "2.00 (1.00–3.00)"


def test_every_task_runs_once_per_round_and_once_before() -> None:
    ran: list[str] = []
    clock = iter(float(k) for k in range(100))
    tasks = {name: Task(lambda name=name: ran.append(name), 2.0) for name in "abc"}
    times = rounds(tasks, 4, lambda: next(clock))
    assert ran[:3] == ["a", "b", "c"]
    assert all(sorted(ran[k : k + 3]) == ["a", "b", "c"] for k in range(0, 15, 3))
    assert times == {name: [0.5] * 4 for name in "abc"}


def test_the_page_is_written_with_its_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Page(["--rounds", "3"], rounds=3, quick=False)
    page.sheet = Sheet(3)
    for network in NETWORKS[:2]:
        page.sheet.found[f"{network}: JAX, scan, log"] = Spread(20.0, 18.0, 25.0)
        page.sheet.found[f"{network}: NumPy, matrix form, log"] = Spread(99.0, 80.0, 120.0)
    page.add(["## Steps", "", "| a |"])
    page.goals()
    page.write(str(tmp_path))
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "Written by `python -m benchmarks --rounds 3`" in text
    assert "3 rounds, interleaved" in text
    assert "](images/benchmarks.svg)" in text
    assert text.index("## Steps") < text.index("## Goals")
    assert "| ≥ 10× | ≥ 25× | 20× (18× – 25×) | must |" in text
    picture = (tmp_path / "images" / "benchmarks.svg").read_text(encoding="utf-8")
    assert picture.startswith("<?xml")
    assert "2-10-10-1" in picture
    assert "JAX, scan" in picture
    assert capsys.readouterr().out.startswith("## Steps\n")
