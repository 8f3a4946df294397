"""The drawing of a network: golden pictures, and what holds for every network.

The golden files are pictures to look at. After an intended change write them anew by running this
file, and look at every one of them: ``python tests/render/test_drawing.py``.
"""

from __future__ import annotations

from io import StringIO
from itertools import combinations
from pathlib import Path as FilePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.theme import Theme

from bptrace.render.drawing import Detail, Drawing, Edge, Node
from bptrace.render.wiring import ACROSS, ALONG, SLANT, Path, Wire, branched, piece, slanted
from bptrace.render.wiring import passages as cells_of

GOLDEN = FilePath(__file__).parent / "golden"

LH25 = (
    [
        [Node("i1", "0.1"), Node("i2", "0.2")],
        [Node("h1", "0.6457"), Node("h2", "0.6593")],
        [Node("O1", "0.7892", "t 0.01"), Node("O2", "0.8160", "t 0.99")],
    ],
    [
        Edge(layer, i, j, f"w{4 * layer + 2 * j + i - 3} 0.{4 * layer + 2 * j + i - 3}")
        for layer in (1, 2)
        for j in (0, 1)
        for i in (0, 1)
    ],
    [[], ["b1 0.55", "b2 0.56"], ["b3 0.66", "b4 0.67"]],
)


def dense(*sizes: int, highlight: frozenset[tuple[int, int]] = frozenset()) -> Drawing:
    """Make a network with all connections, all weights 0.5."""
    notes = [""] * (len(sizes) - 1) + ["t 0.01"]
    layers = [
        [Node(f"{letter}{j + 1}", "0.6457", note) for j in range(size)]
        for letter, size, note in zip("abcd", sizes, notes, strict=False)
    ]
    edges: list[Edge] = []
    biases: list[list[str]] = [[]]
    for k in range(1, len(sizes)):
        biases.append([f"b{sum(sizes[1:k]) + j + 1} 0.55" for j in range(sizes[k])])
        for j in range(sizes[k]):
            first = len(edges) + 1
            edges += [Edge(k, i, j, f"w{first + i} 0.5") for i in range(sizes[k - 1])]
    return Drawing(layers, edges, biases, highlight)


def chinese() -> Drawing:
    return Drawing(
        [
            [Node("身高", "1.72"), Node("体重", "65")],
            [Node("隐藏甲", "0.6457"), Node("隐藏乙", "0.6682")],
            [Node("性别", "0.7514", "目标 1")],
        ],
        [
            Edge(1, 0, 0, "权1 0.1"),
            Edge(1, 1, 0, "权2 -0.25"),
            Edge(1, 1, 1, "权4 0.3"),  # 权3 is missing
            Edge(2, 0, 0, "权5 0.5"),
            Edge(2, 1, 0, "权6 0.6"),
        ],
        [[], ["b1 0.55", "b2 0.56"], ["b3 -1.25"]],
        titles=("输入层", "隐藏层", "输出层"),
    )


TITLES = ("input", "hidden", "output")
PICTURES = {
    "2-2-2-at-76": (Drawing(*LH25, titles=TITLES), 76),
    "2-2-2-at-60": (Drawing(*LH25, titles=TITLES), 60),
    "2-2-2-at-48": (Drawing(*LH25, titles=TITLES), 48),
    "2-2-2-at-40": (Drawing(*LH25, titles=TITLES), 40),
    "2-2-2-ascii": (Drawing(*LH25, titles=TITLES, ascii_only=True), 76),
    "2-2-2-highlight": (Drawing(*LH25, highlight=frozenset({(1, 0)})), 76),
    "2-2-2-highlight-ascii": (Drawing(*LH25, highlight=frozenset({(1, 0)}), ascii_only=True), 76),
    "2-3-1-at-80": (dense(2, 3, 1), 80),
    "3-2-3-1-at-80": (dense(3, 2, 3, 1), 80),
    "3-2-3-1-at-120": (dense(3, 2, 3, 1), 120),
    "4-4-4-at-80": (dense(4, 4, 4), 80),
    "3-4-2-highlight": (dense(3, 4, 2, highlight=frozenset({(1, 1)})), 80),
    "9-7-2-at-80": (dense(9, 7, 2), 80),
    "chinese-at-80": (chinese(), 80),
    "chinese-at-60": (chinese(), 60),
}


def drawn(drawing: Drawing, width: int) -> str:
    """Print a drawing without colour, blind to the environment."""
    console = Console(
        width=width,
        color_system=None,
        force_terminal=False,
        legacy_windows=False,
        file=StringIO(),
        _environ={},
    )
    with console.capture() as capture:
        console.print(drawing)
    return capture.get()


@pytest.mark.parametrize("picture", PICTURES)
def test_golden(picture: str) -> None:
    expected = (GOLDEN / f"drawing-{picture}.txt").read_text(encoding="utf-8")
    assert drawn(*PICTURES[picture]) == expected


def test_every_golden_file_is_compared() -> None:
    assert {f"drawing-{name}.txt" for name in PICTURES} == {
        path.name for path in GOLDEN.glob("drawing-*.txt")
    }


# --- every network -----------------------------------------------------------------------------

# Brackets keep one text from being found inside another.
LEFT, RIGHT = "⟦", "⟧"
ALPHABETS = st.sampled_from(["xyz", "层权值网", "αβé✓"])


@st.composite
def networks(draw: st.DrawFn, most: int = 12) -> tuple[Drawing, list[list[Node]], list[Edge]]:
    sizes = draw(st.lists(st.integers(1, most), min_size=1, max_size=5))
    letters = draw(ALPHABETS)

    def text(kind: str, *place: int) -> str:
        letter = draw(st.text(letters, max_size=4))
        return f"{LEFT}{kind}{letter}{'.'.join(map(str, place))}{RIGHT}"

    below = st.sampled_from([(), ("0.5",), ("0.5", "t 1")])
    rows = [
        [Node(text("n", k, j), *draw(below)) for j in range(size)] for k, size in enumerate(sizes)
    ]
    density = draw(st.sampled_from([0, 1, 2, 3]))
    edges = [
        Edge(k, i, j, f"{text('w', k, j, i)} {LEFT}0.5:{k}.{j}.{i}{RIGHT}")
        for k in range(1, len(sizes))
        for j in range(min(sizes[k], 6))
        for i in range(min(sizes[k - 1], 6))
        if draw(st.integers(1, 3)) <= density
    ]
    biases = [[text("b", k, j) for j in range(size)] for k, size in enumerate(sizes) if k]
    highlight = draw(st.frozensets(st.tuples(st.integers(0, 4), st.integers(0, 11)), max_size=2))
    drawing = Drawing(
        rows,
        edges,
        [[], *biases] if draw(st.booleans()) else (),
        highlight,
        draw(st.booleans()),
        draw(st.sampled_from([(), ("input",), ("a long title", "another title", "层层层")])),
    )
    return drawing, rows, edges


@given(networks(), st.integers(1, 200))
def test_every_name_once_and_no_line_too_wide(
    network: tuple[Drawing, list[list[Node]], list[Edge]], width: int
) -> None:
    drawing, layers, _ = network
    picture = drawn(drawing, width)
    assert all(cell_len(line) <= width for line in picture.split("\n"))
    assert drawing.fits(width) == bool(picture.strip())
    for layer in layers:
        visible = layer if len(layer) <= 6 else layer[:3]
        for node in layer:
            assert picture.count(node.name) == (node in visible and drawing.fits(width))


@given(networks(), st.integers(40, 240))
def test_labels_are_drawn_once_and_all_in_the_same_detail(
    network: tuple[Drawing, list[list[Node]], list[Edge]], width: int
) -> None:
    drawing, layers, edges = network
    picture = drawn(drawing, width)
    sizes = [len(layer) if len(layer) <= 6 else 3 for layer in layers]
    inside = [e for e in edges if e.source < sizes[e.layer - 1] and e.target < sizes[e.layer]]
    counts = {detail: {picture.count(detail.of(e.label)) for e in inside} for detail in Detail}
    if inside:
        full, names = counts[Detail.FULL], counts[Detail.NAMES]
        assert (full, names) in [({1}, {1}), ({0}, {1}), ({0}, {0})]
    for edge in set(edges) - set(inside):
        assert Detail.NAMES.of(edge.label) not in picture


@given(networks())
def test_what_is_measured_is_needed(
    network: tuple[Drawing, list[list[Node]], list[Edge]],
) -> None:
    drawing, _, _ = network
    console = Console(width=10_000, file=StringIO(), legacy_windows=False, _environ={})
    least, best = drawing.__rich_measure__(console, console.options)
    assert drawing.fits(least)
    assert not drawing.fits(least - 1)
    picture = drawn(drawing, best)
    assert picture == drawn(drawing, 10_000)
    assert max(cell_len(line) for line in picture.split("\n")) <= best


@given(networks())
def test_ascii_only_adds_no_other_character(
    network: tuple[Drawing, list[list[Node]], list[Edge]],
) -> None:
    drawing, layers, edges = network
    drawing.ascii_only = True
    given_texts = "".join(node.name for layer in layers for node in layer)
    given_texts += "".join(edge.label for edge in edges) + "".join(map("".join, drawing.biases))
    given_texts += "".join(drawing.titles)
    extra = {c for c in drawn(drawing, 300) if not c.isascii()}
    assert extra <= set(given_texts)


# --- lines can be told from one another --------------------------------------------------------


@st.composite
def gaps(draw: st.DrawFn) -> list[Wire]:
    """Wires as `exit_rows` and `port_row` grant them: no foreign arrival where a source leaves."""
    rows = draw(st.lists(st.integers(0, 30), min_size=2, max_size=14, unique=True))
    sources = rows[: draw(st.integers(1, min(5, len(rows) - 1)))]
    pick = st.integers(0, len(sources) - 1)
    wires = [Wire(s, sources[s], end) for end in rows[len(sources) :] for s in [draw(pick)]]
    own = draw(st.booleans())
    return wires + ([Wire(0, sources[0], sources[0])] if own else [])


def meetings(routes: list[tuple[Wire, Path]]) -> list[tuple[int, int]]:
    """Give what two wires of different sources show of the cells that they share."""
    shown = [(wire.source, dict(cells_of(path))) for wire, path in routes]
    return [
        (one[cell], two[cell])
        for (source, one), (other, two) in combinations(shown, 2)
        for cell in one.keys() & two.keys()
        if source != other
    ]


@given(gaps(), st.integers(0, 12))
def test_branching_lines_only_cross(wires: list[Wire], room: int) -> None:
    right = 2 * len({wire.source for wire in wires}) + room
    routes = branched(wires, 0, right)
    assert sorted(map(str, wires)) == sorted(str(wire) for wire, _ in routes)
    for wire, path in routes:
        assert (path[0], path[-1]) == ((wire.start, 0), (wire.end, right))
    assert all({one, two} == {ACROSS, ALONG} for one, two in meetings(routes))


@given(gaps(), st.integers(3, 40))
def test_slanted_lines_only_cross(wires: list[Wire], right: int) -> None:
    routes = slanted(wires, 0, right)
    if routes is None:
        return
    for wire, path in routes:
        assert (path[0], path[-1]) == ((wire.start, 0), (wire.end, right))
    for one, two in meetings(routes):
        assert one != two
        assert all(each & SLANT or each == ACROSS for each in (one, two))


def test_slanted_lines_give_up_where_they_would_lie_on_one_another() -> None:
    steep = [Wire(0, 0, 20), Wire(1, 20, 0)]
    assert slanted(steep, 0, 10) is None
    assert slanted(steep, 0, 30) is not None


# --- details -----------------------------------------------------------------------------------


def test_a_piece_for_every_mixture_of_light_and_heavy_lines() -> None:
    for arms in range(1, 16):
        heavies = [heavy for heavy in range(16) if heavy & arms == heavy]
        pieces = [piece(arms, heavy, ascii_only=False) for heavy in heavies]
        assert len(set(pieces)) == len(heavies)
    assert piece(ACROSS, 0, ascii_only=False) == "─"
    assert piece(ACROSS | ALONG, ALONG, ascii_only=False) == "╂"


def test_the_newcomers_network_fits_in_76_columns_with_all_its_numbers() -> None:
    picture = drawn(Drawing(*LH25, titles=TITLES), 76)
    for text in ("w5 0.5", "b4 0.67", "t 0.99", "0.6457", "hidden", "╲╱"):
        assert text in picture


def test_steps_of_detail() -> None:
    drawing = Drawing(*LH25)
    assert "w5 0.5" in drawn(drawing, 60)
    assert "w5 " in drawn(drawing, 48)
    assert "w5 0.5" not in drawn(drawing, 48)
    assert "w5" not in drawn(drawing, 40)
    assert "h1" in drawn(drawing, 40)
    assert drawn(drawing, 20) == ""


def test_styles_have_names() -> None:
    names = ["neuron", "weight", "edge", "value", "highlight"]
    theme = Theme({f"bptrace.{name}": Style(meta={"is": name}) for name in names})
    console = Console(width=80, file=StringIO(), theme=theme, legacy_windows=False, _environ={})
    drawing = Drawing(*LH25, highlight=frozenset({(1, 0)}))
    styled = {
        segment.text: segment.style.meta.get("is")
        for segment in console.render(drawing)
        if segment.style is not None and segment.text.strip()
    }
    assert styled["i1"] == "neuron"
    assert styled["0.1"] == "value"
    assert styled["w4 0.4"] == "weight"
    assert styled["╱"] == "edge"
    for text in ("h1", "0.6457", "w1 0.1", "w2 0.2", "b1 0.55", "w5 0.5", "w7 0.7", "┏", "━"):
        assert styled[text] == "highlight"


def test_a_console_without_unicode_gets_ascii() -> None:
    console = Console(width=80, file=StringIO(), legacy_windows=False, _environ={})
    options = console.options.update()
    options.encoding = "ascii"
    text = "".join(segment.text for segment in console.render(Drawing(*LH25), options))
    assert text.isascii()


def test_control_characters_do_not_shift_the_lines() -> None:
    picture = drawn(Drawing([[Node("a\nb\tc\x1b[1m")]], []), 40)
    assert "│ a b c [1m │" in picture


def test_markup_is_not_interpreted() -> None:
    assert "[b]h[/b]" in drawn(Drawing([[Node("[b]h[/b]")]], []), 40)


def test_a_large_layer_says_how_large_it_is_in_the_readers_words() -> None:
    layers = [[Node(f"x{k}") for k in range(784)]]
    assert "⋮ 784 in all" in drawn(Drawing(layers, []), 80)
    assert "⋮ 共 784 个" in drawn(Drawing(layers, [], more="共 {} 个"), 80)
    assert ": 784 in all" in drawn(Drawing(layers, [], ascii_only=True), 80)


@pytest.mark.parametrize("edge", [Edge(0, 0, 0), Edge(1, 2, 0), Edge(1, 0, -1), Edge(2, 0, 0)])
def test_an_edge_without_its_nodes_is_refused(edge: Edge) -> None:
    with pytest.raises(ValueError, match=r"leads from or to a node that is not there.*2-1 nodes"):
        Drawing([[Node("a"), Node("b")], [Node("c")]], [edge])


def test_a_layer_without_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="layer 1 has no nodes"):
        Drawing([[Node("a")], []], [])


def test_no_layers_are_nothing_to_draw() -> None:
    assert drawn(Drawing([], []), 80) == ""
    assert not Drawing([], []).fits(80)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, (drawing, width) in PICTURES.items():
        (GOLDEN / f"drawing-{name}.txt").write_text(drawn(drawing, width), encoding="utf-8")
