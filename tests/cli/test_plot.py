"""``bptrace plot``: pictures in a folder, or made of characters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from three_points import POINTS

RING = POINTS.replace("steps = 300", "steps = 60")


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A 2-3-1 network that learns three points."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ring.toml").write_text(RING, encoding="utf-8")
    return "ring.toml"


def test_pictures_are_written_and_named(bptrace, ring: str) -> None:
    pytest.importorskip("matplotlib")
    result = bptrace("plot", ring, "--weight", "w5", "--weight", "b[1,2]", "--format", "svg")
    assert result.exit_code == 0, result.output
    names = ["error", "gradients", "boundary", "weight-w5", "weight-b-1-2"]
    assert result.stdout.split() == [str(Path("plots", f"{name}.svg")) for name in names]
    assert result.stderr == ""
    for name in names:
        assert Path("plots", f"{name}.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.ci
def test_networks_of_several_widths_and_json(bptrace, ring: str) -> None:
    pytest.importorskip("matplotlib")
    result = bptrace("plot", ring, "--hidden", "1,2,5", "--out", "a/b", "--json", "--format", "svg")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["file"] == ring
    assert [Path(path).name for path in document["pictures"]] == [
        "error.svg", "gradients.svg", "boundary.svg", "weight-w3.svg",
    ]  # fmt: skip


def test_samples_for_the_test_are_hollow(bptrace, ring: str, monkeypatch) -> None:
    pytest.importorskip("matplotlib")
    data = '[data]\ngenerator = "circle"\nn = 20\ntest = 0.25\n[training]'
    head, _, tail = RING.partition("[[sample]]")
    Path(ring).write_text(head + data + tail.partition("[training]")[2], encoding="utf-8")
    drawn = []
    monkeypatch.setattr("bptrace.plots.gallery.save", lambda figure, *_: drawn.append(figure))
    result = bptrace("plot", ring, "--format", "svg")
    assert result.exit_code == 0, result.output
    (axes,) = drawn[-2].axes  # the boundary; after it the error along a weight
    hollow = [len(line.get_xdata()) for line in axes.lines if line.get_markerfacecolor() == "none"]
    filled = [len(line.get_xdata()) for line in axes.lines if line.get_markerfacecolor() != "none"]
    assert (sum(filled), sum(hollow)) == (15, 5)


@pytest.mark.ci
def test_nothing_is_overwritten_without_force(bptrace, ring: str) -> None:
    pytest.importorskip("matplotlib")
    Path("plots").mkdir()
    Path("plots/error.svg").write_text("mine")
    result = bptrace("plot", ring, "--format", "svg")
    assert result.exit_code == 2
    assert "error.svg is already there. Use --force" in result.stderr
    assert Path("plots/error.svg").read_text() == "mine"
    assert bptrace("plot", ring, "--format", "svg", "--force").exit_code == 0
    assert Path("plots/error.svg").read_text() != "mine"


def test_a_weight_that_is_none_is_told_before_the_run(bptrace, ring: str) -> None:
    pytest.importorskip("matplotlib")
    result = bptrace("plot", ring, "--weight", "out_o")
    assert result.exit_code == 2
    assert "out_o is neither a weight nor a bias" in result.stderr
    assert not Path("plots").exists()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_needs_no_matplotlib(bptrace, ring: str, language: str, monkeypatch) -> None:
    from bptrace import plots

    monkeypatch.setattr(plots, "_HOMES", {})
    result = bptrace("plot", ring, "--text", "--lang", language)
    assert result.exit_code == 0, result.output
    assert "│" in result.stdout
    assert {"en": "66.7 % right", "zh": "正确率 66.7 %"}[language] in result.stdout
    assert not Path("plots").exists()


def test_text_of_several_networks_in_ascii(bptrace, ring: str) -> None:
    result = bptrace("plot", ring, "--text", "--ascii", "--hidden", "1,4", "--steps", "9")
    assert result.exit_code == 0, result.output
    assert result.stdout.isascii()
    assert [line for line in result.stdout.splitlines() if "hidden" in line] == [
        "hidden neurons: 1", "hidden neurons: 4",
    ]  # fmt: skip


def test_a_training_that_leaves_the_numbers_is_told(bptrace, ring: str) -> None:
    wild = RING.replace("learning_rate = 0.5", "learning_rate = 1e6").replace(
        '"sigmoid"', '"identity"'
    )
    Path(ring).write_text(wild.replace('"tanh"', '"identity"'), encoding="utf-8")
    result = bptrace("plot", ring, "--text")
    assert result.exit_code == 0, result.output
    assert "the training left the numbers" in result.stderr
    assert "not a number in" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "not a list of sizes"),
        (["--hidden", "1,x"], "not a list of sizes"),
        (["--hidden", "1,2,3,4,5,6,7,8,9,10"], "10 sizes are too many; at most 9"),
        (["--text", "--json"], "--text prints characters"),
        (["--format", "pdf"], "pdf"),
    ],
)
def test_faulty_command_lines(bptrace, ring: str, arguments: list[str], message: str) -> None:
    result = bptrace("plot", ring, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_many_inputs_without_targets_leave_nothing_to_draw(bptrace, ring: str) -> None:
    pytest.importorskip("matplotlib")
    text = RING.partition("[[sample]]")[0].replace('["x", "y"]', '["x", "y", "z"]')
    Path(ring).write_text(text + "[[sample]]\nx = [1, 2, 3]\n", encoding="utf-8")
    result = bptrace("plot", ring)
    assert result.exit_code == 2
    assert "there is nothing to draw" in result.stderr


@pytest.mark.ci
def test_a_run_on_disk_is_drawn_as_the_run_itself(bptrace, ring: str) -> None:
    """60 steps of 3 are epochs in both; the curves are the same bytes."""
    pytest.importorskip("matplotlib")
    assert bptrace("train", ring, "--save", "kept", "--quiet").exit_code == 0
    now = bptrace("plot", ring, "--out", "now", "--format", "svg")
    later = bptrace("plot", "kept", "--out", "later", "--format", "svg")
    assert (now.exit_code, later.exit_code) == (0, 0), later.output
    names = ["error.svg", "gradients.svg", "boundary.svg", "weight-w7.svg"]
    assert [Path(line).name for line in later.stdout.split()] == names
    for name in ("error.svg", "boundary.svg", "weight-w7.svg"):
        assert Path("now", name).read_bytes() == Path("later", name).read_bytes()


def test_a_run_on_disk_is_not_run_again(bptrace, ring: str) -> None:
    assert bptrace("train", ring, "--save", "kept", "--quiet").exit_code == 0
    result = bptrace("plot", "kept", "--steps", "5")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "kept is a run on disk: leave out --hidden and --steps" in result.stderr
    other = bptrace("plot", ".")
    assert (other.exit_code, other.stdout) == (2, "")
