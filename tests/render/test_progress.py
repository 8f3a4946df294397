"""The display of a training run: when it is shown, what it says, what fits."""

from __future__ import annotations

import io
from array import array
from dataclasses import replace

import pytest
from rich.cells import cell_len

from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training
from bptrace.render.console import make_console, plain_text
from bptrace.render.progress import Display, Watching, duration, percentage
from bptrace.render.words import Words
from bptrace.training.epochs import Curve, Epoch
from bptrace.training.records import Progress, Scores
from bptrace.training.score import Score

PROBLEM = Problem(
    Network((Layer(1), Layer(2))), Parameters((((2.0,), (3.0,)),), ((),)),
    (Sample((1.0,), (5.0, 6.0)),), Training("gradient-descent", 0.1),
)  # fmt: skip


def progress(seconds: float = 3.0, points: int = 40) -> Progress:
    curve = Curve(Epoch.of(PROBLEM), PROBLEM, 1000)
    errors = array("d", (2.0**-k for k in range(points)))
    curve.feed(errors, errors)
    scores = Scores(Score(0.25, 3000, 2999), Score(0.5, 10, 9))
    return Progress(300, 1000, 0.125, 0.0625, seconds, 100.0, scores, curve)


def test_what_it_says() -> None:
    text = plain_text(Watching(progress(), Words()), 100)
    assert text.splitlines()[0].endswith(" 30 %  300 of 1,000 steps")
    assert text.splitlines()[1] == (
        " E = 0.0625   training 99.9 %   test 90 %   100 steps/s   7.0 s left"
    )
    assert "logarithmic" in text
    maybe = replace(progress(), may_stop=True)
    assert "at most 7.0 s left" in plain_text(Watching(maybe, Words()), 100)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_fits(width: int, language: str) -> None:
    text = plain_text(Watching(progress(), Words(language), ascii=False), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert plain_text(Watching(progress(), Words(), ascii=True), width, ascii=True).isascii()


def test_the_beginning_has_nothing_to_say_yet() -> None:
    nan = float("nan")
    begun = Progress(0, 10, nan, nan, 0.0, 0.0, Scores(), Curve(Epoch.of(PROBLEM), PROBLEM, 10))
    assert plain_text(Watching(begun, Words()), 60).split()[-1] == "steps"


@pytest.fixture(autouse=True)
def _clever_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(times: list[float], is_terminal: bool) -> str:
    file = Tty() if is_terminal else io.StringIO()
    console = make_console(file=file, width=80)
    display = Display(console, Words(), title="net")
    for seconds in times:
        display.show(progress(seconds))
    display.close()
    return file.getvalue()


def test_a_short_run_shows_nothing() -> None:
    assert shown([0.1, 0.2, 0.49], is_terminal=True) == ""
    assert shown([0.1, 0.2, 9.9], is_terminal=False) == ""


def test_a_terminal_sees_ten_pictures_a_second() -> None:
    text = shown([0.5 + 0.01 * k for k in range(101)], is_terminal=True)
    assert 9 <= text.count("300 of 1,000 steps") <= 13


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert shown([11.0], is_terminal=True).startswith("net  300 of 1,000 steps  E = 0.0625")


def test_a_pipe_gets_lines_even_if_colour_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "net  300 of 1,000 steps" in shown([11.0], is_terminal=False)


def test_a_pipe_gets_a_line_now_and_then() -> None:
    text = shown([0.1 * k for k in range(401)], is_terminal=False)
    assert text.splitlines() == [
        "net  300 of 1,000 steps  E = 0.0625  training 99.9 %  test 90 %  100 steps/s  7.0 s left"
    ] * len(text.splitlines())
    assert 3 <= len(text.splitlines()) <= 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1:00 min"),
        (185.0, "3:05 min"), (7385.2, "2:03:05 h"), (1e300, "277,777,777:46:40 h"),
    ],
)  # fmt: skip
def test_times(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("right", "n", "text"),
    [(0, 7, "0 %"), (1, 3, "33.3 %"), (1, 2, "50 %"), (9999, 10000, "99.9 %"), (5, 5, "100 %")],
)
def test_shares(right: int, n: int, text: str) -> None:
    assert percentage(right, n) == text
