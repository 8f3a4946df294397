"""Pictures: what is drawn, not how its pixels look."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pictures_of import network, points

pytest.importorskip("matplotlib")

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bptrace import plots
from bptrace.errors import BptraceError
from bptrace.model import Sample
from bptrace.pictures import History, error_along, look_at, watch
from bptrace.plots import files, fonts, plane, style
from bptrace.plots.curves import LARGEST, MIDDLE, WHOLE
from bptrace.plots.style import Look
from bptrace.plots.words import WORDS

EN = Look("en", ("DejaVu Sans",))
FALLING = [8.0 / 2**k for k in range(10)]


def axes_of(figure: Figure) -> list[Axes]:
    """The panels that show something."""
    return [axes for axes in figure.axes if axes.axison]


def texts(figure: Figure) -> str:
    """All that is written in a figure."""
    pieces = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    return "\n".join(pieces)


def history(errors: list[float], **more: object) -> History:
    return History(range(1, len(errors) + 1), errors, **more)  # type: ignore[arg-type]


# Errors


def test_an_error_curve_has_its_values_on_a_logarithmic_scale() -> None:
    (axes,) = axes_of(plots.error_curve([history(FALLING)], EN))
    (line,) = axes.lines
    assert list(line.get_ydata()) == FALLING
    assert list(line.get_xdata()) == list(range(1, 11))
    assert axes.get_yscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "error E")


def test_less_than_two_decades_are_drawn_as_they_are() -> None:
    (axes,) = axes_of(plots.error_curve([history([3.0, 2.0, 1.0])], EN))
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[0] == 0.0


def test_runs_differ_by_colour_and_dash_and_are_named() -> None:
    runs = [replace(history(FALLING), name=f"{n} hidden") for n in (1, 2, 3, 5, 10)]
    (axes,) = axes_of(plots.error_curve(runs, EN))
    assert len({line.get_color() for line in axes.lines}) == 5
    assert len({str(line._unscaled_dash_pattern) for line in axes.lines}) == 5
    assert axes.get_legend_handles_labels()[1] == [run.name for run in runs]


def test_training_test_and_accuracy() -> None:
    seen = history(
        FALLING, test_errors=[2 * e for e in FALLING], accuracy=[0.5] * 10, test_accuracy=[nan] * 10
    )
    upper, lower = axes_of(plots.error_curve([seen], EN))
    assert upper.get_legend_handles_labels()[1] == ["training", "test"]
    assert [line.get_linestyle() for line in upper.lines] == ["-", "--"]
    assert list(lower.lines[0].get_ydata()) == [0.5] * 10
    assert lower.get_ylabel() == "in the right class"


def test_zeros_are_triangles_on_the_edge_of_a_logarithmic_scale() -> None:
    (axes,) = axes_of(plots.error_curve([history([*FALLING, 0.0, 0.0])], EN))
    curve, zeros = axes.lines
    assert list(curve.get_ydata()) == FALLING
    assert list(zeros.get_xdata()) == [11, 12]
    assert zeros.get_marker() == "v"
    assert zeros.get_label() == "0, below this scale"


@pytest.mark.parametrize("errors", [[0.0] * 4, [0.25], [0.0], [0.3] * 9, [1e-300, 1e300]])
def test_flat_and_single_curves_have_room(errors: list[float]) -> None:
    figure = plots.error_curve([history(errors)], EN)
    (axes,) = axes_of(figure)
    low, high = axes.get_ylim()
    assert low <= max(min(errors), LARGEST**-1 * (max(errors) > 1))
    assert high >= min(max(errors), LARGEST)
    assert low < high
    assert len(errors) > 1 or axes.lines[0].get_marker() != ""
    files.as_bytes(figure, "svg", EN)


@pytest.mark.parametrize("bad", [nan, inf])
def test_the_end_of_all_numbers_is_marked(bad: float) -> None:
    figure = plots.error_curve([history([1.0, 1e5, bad, nan])], EN)
    (axes,) = axes_of(figure)
    curve, mark = axes.lines
    assert list(curve.get_ydata()) == [1.0, 1e5]
    assert set(mark.get_xdata()) == {3}
    assert "not a number from step 3 on" in texts(figure)


def test_gaps_in_what_is_measured_now_and_then_are_no_end() -> None:
    figure = plots.error_curve([history([4.0, 2.0, 1.0], test_errors=[nan, 3.0, 2.0])], EN)
    assert "not a number" not in texts(figure)


def test_nothing_but_nan() -> None:
    figure = plots.error_curve([history([nan, nan])], EN)
    assert "nothing is known" in texts(figure)
    files.as_bytes(figure, "png", EN)


def test_long_curves_are_medians_with_a_band_that_keeps_the_extremes() -> None:
    errors = [1.0 + (k * 7919 % 100_003) / 1e5 for k in range(100_000)]
    (axes,) = axes_of(plots.error_curve([history(errors)], EN))
    assert len(axes.lines[0].get_ydata()) == WHOLE.pieces
    (band,) = axes.collections
    heights = [y for _, y in band.get_paths()[0].vertices]
    assert (min(heights), max(heights)) == (min(errors), max(errors))


# Gradients


def test_each_layer_has_a_curve_of_its_gradients() -> None:
    watched = watch(network((2, 4, 3, 1)))
    (axes,) = axes_of(plots.gradient_sizes(watched.history, EN))
    sizes = watched.history.gradient_sizes
    assert sizes is not None
    assert [list(line.get_ydata()) for line in axes.lines] == [
        [row[l] for row in sizes] for l in range(3)
    ]
    assert axes.get_yscale() == "log"
    assert axes.get_legend_handles_labels()[1] == ["layer 1", "layer 2", "layer 3 (output)"]


def test_gradients_of_a_long_run_are_medians_with_their_range() -> None:
    watched = watch(network((2, 3, 1), steps=1500))
    (axes,) = axes_of(plots.gradient_sizes(watched.history, EN))
    assert [len(line.get_ydata()) for line in axes.lines] == [MIDDLE.pieces] * 2
    assert len(axes.collections) == 2


def test_gradients_that_are_zero_or_missing() -> None:
    flat = History([1, 2], [0.0, 0.0], gradient_sizes=[(0.0, 1.0), (0.0, nan)])
    files.as_bytes(plots.gradient_sizes(flat, EN), "svg", EN)
    figure = plots.gradient_sizes(History([1], [1.0]), EN)
    assert "nothing is known" in texts(figure)


# Boundaries


def test_a_boundary_has_areas_samples_and_a_legend() -> None:
    seen = look_at(watch(network(steps=400)).problem, (21, 21), points(2, 1, 4, 9))
    figure = plots.decision_boundary([seen], EN)
    (axes,) = axes_of(figure)
    drawn = {
        str(line.get_label()): list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in axes.lines
    }
    for label, kind, is_test in [
        ("class 0", 0, False), ("class 0 (test)", 0, True),
        ("class 1", 1, False), ("class 1 (test)", 1, True),
    ]:  # fmt: skip
        expected = [(d.x, d.y) for d in seen.dots if (d.kind, d.is_test) == (kind, is_test)]
        assert drawn[label] == expected
    assert len(axes.collections) == 3  # two areas, one boundary
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    assert "% right" in axes.get_title()
    assert {
        line.get_markerfacecolor() for line in axes.lines if "test" in str(line.get_label())
    } == {"none"}


def test_three_classes_have_three_colours_and_markers() -> None:
    problem = network((2, 6, 3), points(2, 3, 12), batch=3, steps=900)
    seen = look_at(watch(problem).problem, (31, 31))
    (axes,) = axes_of(plots.decision_boundary([seen], EN))
    assert len({line.get_marker() for line in axes.lines}) == 3
    assert len({line.get_markerfacecolor() for line in axes.lines}) == 3
    assert axes.get_legend_handles_labels()[1] == ["class 1", "class 2", "class 3"]


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (2, 2), (5, 5), (6, 6)])
def test_networks_stand_side_by_side(count: int, shown: int) -> None:
    titles = [f"{n} hidden" for n in range(3, 3 + count)]
    seen = [look_at(network((2, n, 1)), (5, 5), title=f"{n} hidden") for n in range(3, 3 + count)]
    figure = plots.decision_boundary(seen, EN)
    panels = axes_of(figure)
    assert len(panels) == shown
    assert [panel.get_title().split("\n")[0] for panel in panels] == titles
    files.as_bytes(figure, "svg", EN)


def test_targets_of_many_values_make_a_surface_with_its_scale() -> None:
    samples = tuple(Sample((x / 4, 1.0 - x / 3), (x / 9,)) for x in range(9))
    seen = look_at(network(samples=samples), (9, 9), samples[:2])
    assert seen.is_continuous
    figure = plots.decision_boundary([seen], EN)
    panel, scale = figure.axes
    assert scale.get_ylabel() == "output, and targets of the samples"
    assert "right" not in panel.get_title()
    dots = [c for c in panel.collections if str(c.get_label()) in ("samples", "test")]
    assert [list(c.get_array()) for c in dots] == [
        [s.t[0] for s in samples], [s.t[0] for s in samples[:2]],
    ]  # fmt: skip
    files.as_bytes(figure, "svg", EN)


def test_a_network_that_gives_one_answer_has_one_area() -> None:
    problem = network()
    sure = replace(problem, parameters=replace(problem.parameters, biases=((0.1,) * 3, (900.0,))))
    (axes,) = axes_of(plots.decision_boundary([look_at(sure, (5, 5))], EN))
    assert len(axes.collections) == 1


def test_answers_that_are_no_numbers_are_left_white_and_said() -> None:
    problem = network()
    layers = list(problem.network.layers)
    layers[1] = replace(layers[1], activation="identity")
    layers[2] = replace(layers[2], activation="identity")
    huge = tuple((1e308 * w, -1e308 * w) for w, _ in problem.parameters.weights[0])
    broken = replace(
        problem,
        network=replace(problem.network, layers=tuple(layers)),
        parameters=replace(problem.parameters, weights=(huge, *problem.parameters.weights[1:])),
    )
    figure = plots.decision_boundary([look_at(broken, (9, 9))], EN)
    assert "white: the answer is not a number" in texts(figure)
    files.as_bytes(figure, "svg", EN)


@pytest.mark.ci
def test_of_many_samples_some_of_each_class_are_drawn() -> None:
    problem = network(samples=points(2, 1, 20_000), batch=1, steps=1)
    seen = look_at(problem, (5, 5))
    figure = plots.decision_boundary([seen], EN)
    (axes,) = axes_of(figure)
    counts = [len(line.get_xdata()) for line in axes.lines]
    assert counts == [plane.MOST_DOTS // 2] * 2
    assert "2,000 of 20,000 samples are shown" in texts(figure)
    assert len(files.as_bytes(figure, "svg", EN)) < 500_000


def test_one_input_is_a_curve_with_its_targets() -> None:
    problem = network((1, 4, 2))
    figure = plots.decision_boundary([look_at(problem, (30, 1), [Sample((0.5,), (1.0, 0.0))])], EN)
    (axes,) = axes_of(figure)
    assert axes.get_legend_handles_labels()[1] == [
        "output 1", "output 1, training", "output 1, test",
        "output 2", "output 2, training", "output 2, test",
    ]  # fmt: skip
    assert axes.get_xlabel() == "x"


# Gradient descent


def test_descent_has_curve_tangent_run_and_arrow() -> None:
    along = error_along(network(), "b[2,1]")
    (axes,) = axes_of(plots.error_along_weight(along, EN))
    curve, tangent, run, *_ = axes.lines
    assert list(curve.get_ydata()) == list(along.errors)
    (left, right), (low, high) = tangent.get_xdata(), tangent.get_ydata()
    # Two products and sums on each side, each rounded once, of numbers of the size of E.
    assert (high - low) / (right - left) == pytest.approx(along.slope, rel=1e-12)
    assert list(zip(run.get_xdata(), run.get_ydata(), strict=True)) == list(along.path)
    arrow = axes.texts[0]
    assert arrow.xy == (along.value + along.step, along.error)
    assert arrow.xyann == (along.value, along.error)
    assert "slope ∂E/∂b[2,1] = " in texts(axes.figure)


@pytest.mark.parametrize("slope", [0.0, nan, 1e305])
def test_strange_slopes(slope: float) -> None:
    along = replace(error_along(network(), "w3"), slope=slope, step=-0.5 * slope)
    files.as_bytes(plots.error_along_weight(along, EN), "svg", EN)


def test_a_curve_that_leaves_the_numbers() -> None:
    along = error_along(network(), "w3")
    gone = replace(along, errors=(inf,) * len(along.errors), error=nan, path=((along.value, nan),))
    files.as_bytes(plots.error_along_weight(gone, EN), "svg", EN)


# Languages and fonts


@pytest.fixture
def no_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which only the fonts of matplotlib are."""
    monkeypatch.setattr(fonts, "families", lambda: (fonts.LATIN,))


def test_without_a_chinese_font_labels_are_english_and_a_note_says_so(no_chinese: None) -> None:
    look = plots.look_for("zh")
    assert look.language == "en"
    assert "fonts-noto-cjk" in look.note
    assert "中文字体" in look.note
    assert plots.look_for("en").note == ""


def test_names_that_cannot_be_drawn_become_question_marks(no_chinese: None) -> None:
    look = plots.look_for("en", ["隐藏1"])
    assert "fonts-noto-cjk" in look.note
    assert look.plain("隐藏1 δ") == "??1 δ"
    runs = [replace(history(FALLING), name="隐藏1")]
    files.as_bytes(plots.error_curve(runs, look), "png", look)  # a missing glyph would warn


def test_chinese_labels_where_there_is_a_font() -> None:
    look = plots.look_for("zh")
    if look.note:
        pytest.skip("no Chinese font on this machine")
    figure = plots.error_curve([history(FALLING, test_errors=FALLING)], look)
    assert "误差 E" in texts(figure)
    assert "训练" in texts(figure)
    files.as_bytes(figure, "png", look)


def test_every_word_can_be_drawn_by_the_fonts_of_matplotlib_in_english(no_chinese: None) -> None:
    assert {key: fonts.missing(en) for key, (en, _) in WORDS.items() if fonts.missing(en)} == {}


def test_signs_of_mathematics_in_names_are_plain_characters() -> None:
    runs = [replace(history(FALLING), name="$x_1^{$")]
    figure = plots.error_curve(runs, EN)
    files.as_bytes(figure, "svg", EN)
    assert "$x_1^{$" in texts(figure)


# Files


@pytest.mark.ci
def test_files_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    seen = look_at(network(), (9, 9))
    makers = [
        lambda: plots.error_curve([history(FALLING)], EN),
        lambda: plots.decision_boundary([seen], EN),
        lambda: plots.gradient_sizes(watch(network()).history, EN),
        lambda: plots.error_along_weight(error_along(network(), "w1"), EN),
    ]
    for make, suffix in zip(makers, ("svg", "svg", "png", "svg"), strict=True):
        first, second = (tmp_path / f"{n}.{suffix}" for n in (1, 2))
        plots.save(make(), first, EN)
        plots.save(make(), second, EN)
        assert first.read_bytes() == second.read_bytes()


def test_an_svg_is_xml_without_a_date_and_a_png_has_its_size() -> None:
    figure = plots.error_curve([history(FALLING)], EN)
    svg = files.as_bytes(figure, "svg", EN)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert b"<dc:date>" not in svg
    png = files.as_bytes(figure, "png", EN)
    assert png.startswith(b"\x89PNG")
    # 160 mm at 300 dots an inch, width in the header (bytes 16 to 19), cut to whole dots
    assert int.from_bytes(png[16:20], "big") == int(160 / 25.4 * 300)


def test_settings_of_the_user_change_nothing_and_stay() -> None:
    plain = files.as_bytes(plots.error_curve([history(FALLING)], EN), "svg", EN)
    with matplotlib.rc_context({"lines.linewidth": 30, "svg.hashsalt": "other"}):
        assert files.as_bytes(plots.error_curve([history(FALLING)], EN), "svg", EN) == plain
        assert matplotlib.rcParams["lines.linewidth"] == 30


@pytest.mark.ci
def test_no_window_system_is_asked_for() -> None:
    asked = "import sys; from bptrace import plots; plots.save; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert "bptrace.plots" in loaded.stdout
    assert "matplotlib.pyplot" not in loaded.stdout.split()


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    names = plots.targets(folder, ["error", "weight-w5"], ["svg"])
    assert names == {"error": [folder / "error.svg"], "weight-w5": [folder / "weight-w5.svg"]}
    (folder / "error.svg").write_text("mine")
    with pytest.raises(BptraceError, match=r"error.svg is already there. Use --force"):
        plots.targets(folder, ["error"])
    assert plots.targets(folder, ["error"], force=True)["error"][0].name == "error.png"
    with pytest.raises(BptraceError, match="is a file"):
        plots.targets(folder / "error.svg", ["error"])


def test_other_formats_are_refused() -> None:
    with pytest.raises(BptraceError, match="png or svg, not as 'pdf'"):
        files.as_bytes(plots.error_curve([history(FALLING)], EN), "pdf", EN)


def test_colours_can_be_told_apart_in_grey() -> None:
    """Okabe's and Ito's colours; besides each class has its own marker."""
    assert len(set(style.KINDS)) == len(style.MARKERS) == len(set(style.MARKERS)) == 8
