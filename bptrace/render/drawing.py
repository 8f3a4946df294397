"""A small drawing of a layered network with its numbers, for the terminal.

Layers are columns, neurons are boxes, and every connection enters its target in a row of its own,
so that a weight's label stands *on* its line, beside the box whose weighted sum it belongs to. Read
downwards, the rows in front of a box are the terms of that sum in their printed order, bias last.
How the lines run is decided in `wiring`.

This module takes strings. It is not responsible for what they say, nor for choosing the digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import pairwise

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

from bptrace.render.wiring import (
    ACROSS,
    ALONG,
    DOWN,
    LEFT,
    RIGHT,
    SLANT,
    UP,
    Path,
    Point,
    Wire,
    branched,
    passages,
    piece,
    slanted,
)
from bptrace.tuples import NamedTuple

__all__ = ["Drawing", "Edge", "Node"]

NEURON, VALUE = "bptrace.neuron", "bptrace.value"
WEIGHT, EDGE, HIGHLIGHT = "bptrace.weight", "bptrace.edge", "bptrace.highlight"

MOST = 6  # a layer up to this size is shown whole …
FEW = 3  # … of a larger one this many neurons
TITLE_OVERHANG = 2  # cells by which a title may be wider than the boxes below it
NARROWEST_FAN = 4  # with the shortest stub 5 cells: two overhanging titles do not touch
WIDEST_FAN = 22  # beyond that a slanted drawing falls apart into islands


class Node(NamedTuple):
    """One neuron: a name such as ``h1``, its value, and a note, such as ``t 0.01`` for a target."""

    name: str
    value: str = ""
    note: str = ""


class Edge(NamedTuple):
    """A connection from node `source` of the layer before to node `target` of `layer` (from 0).

    The label's first word is taken for the weight's name; it stays when the value has no room.
    """

    layer: int
    source: int
    target: int
    label: str = ""


class Detail(IntEnum):
    """How much of the labels is drawn."""

    FULL = 0
    NAMES = 1
    BARE = 2

    def of(self, label: str) -> str:
        """Give the part of a label that this degree of detail keeps."""
        if self is Detail.BARE:
            return ""
        return label if self is Detail.FULL else label.split(" ")[0]


# --- a column of boxes -------------------------------------------------------------------------


class Port(NamedTuple):
    """A row on the left of a box: a connection (with its source), or a bias (without)."""

    label: str
    source: int | None = None
    lit: bool = False


class Column(NamedTuple):
    """One layer: what is shown of it, and the rows where it stands."""

    nodes: tuple[Node, ...]
    ports: tuple[tuple[Port, ...], ...]
    more: str
    inner: int
    top: int = 0

    @property
    def height(self) -> int:
        """The rows from the first border to the last, or to the remark below it."""
        boxes = len(self.nodes) * (self.inner + 3) - 1
        return boxes + (1 if self.more else 0)

    @property
    def contents(self) -> int:
        """The cells that the widest text inside a box needs."""
        texts = [text for node in self.nodes for text in lines(node)]
        return max(cell_len(text) for text in [*texts, self.more])

    @property
    def stub(self) -> int:
        """The cells in front of a box: a label between blanks, and at least one piece of line."""
        longest = max(cell_len(port.label) for ports in self.ports for port in [*ports, Port("")])
        return longest + 3 if longest else 1

    def box(self, j: int) -> int:
        """Give the row of the upper border of box j."""
        return self.top + j * (self.inner + 3)

    def text_row(self, j: int) -> int:
        """Give the row of the first line of text in box j."""
        return self.box(j) + 1 + (self.inner - len(lines(self.nodes[j]))) // 2

    def port_row(self, j: int, k: int) -> int:
        """Give the row of port k of box j (a single one in front of the value, not the name)."""
        return self.box(j) + 1 + (self.inner - len(self.ports[j]) + 1) // 2 + k

    def exits(self, j: int) -> list[int]:
        """Give the rows where connections may leave box j: best where the value stands."""
        best = self.text_row(j) + (1 if self.nodes[j].value else 0)
        rows = range(self.box(j) + 1, self.box(j) + 1 + self.inner)
        return sorted(rows, key=lambda row: abs(row - best))


def lines(node: Node) -> list[str]:
    """Give the lines of text in a node's box."""
    return [node.name, *(text for text in (node.value, node.note) if text)]


def stacked(columns: Sequence[Column]) -> list[Column]:
    """Place columns around a common middle, with boxes high enough for `exit_rows`.

    A box of one row more than lines arrive at the boxes of the next column always has a row where
    none arrives (behind those of one box there is its border), so this comes to an end.
    """
    height = max(column.height for column in columns)
    placed = [column._replace(top=(height - column.height) // 2) for column in columns]
    for k, pair in enumerate(pairwise(placed)):
        if exit_rows(*pair) is None:
            higher = columns[k]._replace(inner=columns[k].inner + 1)
            return stacked([*columns[:k], higher, *columns[k + 1 :]])
    return placed


def exit_rows(column: Column, after: Column) -> list[int] | None:
    """Choose the row where the connections leave each box; none of another box may arrive there."""
    arrivals = {
        after.port_row(j, k): port.source
        for j, ports in enumerate(after.ports)
        for k, port in enumerate(ports)
        if port.source is not None
    }
    free = [
        [row for row in column.exits(i) if arrivals.get(row, i) == i]
        for i in range(len(column.nodes))
    ]
    return [rows[0] for rows in free] if all(free) else None


def gap_wires(column: Column, after: Column, exits: Sequence[int]) -> list[Wire]:
    """Collect the connections between two columns."""
    return [
        Wire(port.source, exits[port.source], after.port_row(j, k), port.lit)
        for j, ports in enumerate(after.ports)
        for k, port in enumerate(ports)
        if port.source is not None
    ]


# --- the whole drawing on a sheet --------------------------------------------------------------


class Layout(NamedTuple):
    """Columns with their places, and the routes of the wires between them."""

    columns: tuple[Column, ...]
    lefts: tuple[int, ...]
    boxes: tuple[int, ...]
    exits: tuple[tuple[int, ...], ...]
    routes: tuple[tuple[tuple[Wire, Path], ...], ...]
    width: int


class Sheet:
    """Texts at places; a text is kept whole, so that wide and combining characters stay right."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, tuple[str, str]]] = {}

    def put(self, row: int, column: int, text: str, style: str) -> None:
        """Write a text; later ones must not overlap it except by starting at the same place."""
        self.rows.setdefault(row, {})[column] = (text, style)

    def render(self, console: Console, first: int) -> Iterator[Segment]:
        """Give the segments of all rows from `first`, without blanks at the ends of lines."""
        for row in range(first, max(self.rows) + 1):
            at = 0
            for column, (text, style) in sorted(self.rows.get(row, {}).items()):
                if column > at:
                    yield Segment(" " * (column - at))
                yield Segment(text, console.get_style(style, default=""))
                at = column + cell_len(text)
            yield Segment.line()


class Drawing:
    """A drawing of a layered network: boxes in columns, a line for every connection.

    Where the width does not allow more, the values of the weights are left out, then their names
    too; then nothing is drawn (see `fits`). Of layers with more than 6 nodes the first 3 are shown.

    Parameters
    ----------
    layers : the nodes of each layer, inputs first.
    edges : the connections; a missing one is not in the list.
    biases : for each layer (the inputs too, as an empty sequence) the label of each node's bias,
        ``"b1 0.55"``; ``""`` for none. Missing ones at the end are none.
    highlight : pairs (layer, position) of nodes that stand out, with their connections.
    ascii_only : draw with ASCII characters also where the terminal could do more.
    titles : a heading for each layer.
    more : how to say how many nodes a layer has of which only some are shown.

    Raises
    ------
    ValueError
        if a layer has no nodes, or an edge starts or ends at a node that is not there.
    """

    def __init__(
        self,
        layers: Sequence[Sequence[Node]],
        edges: Sequence[Edge],
        biases: Sequence[Sequence[str]] = (),
        highlight: frozenset[tuple[int, int]] = frozenset(),
        ascii_only: bool = False,
        titles: Sequence[str] = (),
        more: str = "{} in all",
    ) -> None:
        check(layers, edges)
        self.layers = [[tidy_node(node) for node in layer] for layer in layers]
        self.incoming: dict[tuple[int, int], list[Edge]] = {}
        for edge in sorted(edges, key=lambda edge: edge.source):
            self.incoming.setdefault((edge.layer, edge.target), []).append(edge)
        self.biases = [[tidy(label) for label in layer] for layer in biases]
        self.highlight = highlight
        self.ascii_only = ascii_only
        self.titles = [tidy(title) for title in titles]
        self.more = more

    def fits(self, width: int) -> bool:
        """Tell whether anything is drawn within so many cells."""
        return self._layout(width, self.ascii_only) is not None

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Measure the drawing without weights in its narrowest form, and the whole at its best."""
        ascii_only = self.ascii_only or options.ascii_only
        if not self.layers:
            return Measurement(0, 0)
        bare = narrowest(self._columns(Detail.BARE, ascii_only), self.titles)
        full = self._layout(UNLIMITED, ascii_only)
        return Measurement(bare, max(bare, full.width if full else 0))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as much as the width allows."""
        ascii_only = self.ascii_only or options.ascii_only
        layout = self._layout(options.max_width, ascii_only)
        if layout is None:
            return
        painter = Painter(layout, self.highlight, ascii_only)
        painter.paint(self.titles)
        yield from painter.sheet.render(console, -2 if any(self.titles) else 0)

    def _layout(self, width: int, ascii_only: bool) -> Layout | None:
        """Find the most detailed layout for a width."""
        if not self.layers:
            return None
        for detail in Detail:
            columns = self._columns(detail, ascii_only)
            for padding in (1, 0):
                layout = arrange(columns, self.titles, padding, width)
                if layout is not None:
                    return layout
        return None

    def _columns(self, detail: Detail, ascii_only: bool) -> list[Column]:
        """Stack the boxes of each layer; the lower layers stand in the middle of the highest."""
        dots = ":" if ascii_only else "⋮"
        columns = []
        for k, layer in enumerate(self.layers):
            nodes = tuple(layer[: shown(layer)])
            more = "" if len(nodes) == len(layer) else f"{dots} {self.more.format(len(layer))}"
            ports = tuple(self._ports(k, j, detail, dots) for j in range(len(nodes)))
            inner = max(len(each) for each in [*ports, *map(lines, nodes)])
            columns.append(Column(nodes, ports, more, inner))
        return stacked(columns)

    def _ports(self, k: int, j: int, detail: Detail, dots: str) -> tuple[Port, ...]:
        """Collect the terms of node j's weighted sum: the connections by source, then the bias."""
        here = (k, j) in self.highlight
        edges = self.incoming.get((k, j), [])
        ports = []
        for edge in edges:
            if edge.source < shown(self.layers[k - 1]):
                lit = here or (k - 1, edge.source) in self.highlight
                ports.append(Port(detail.of(tidy(edge.label)), edge.source, lit))
        if len(ports) < len(edges):
            ports.append(Port(dots, None, here))
        bias = self.biases[k][j] if k < len(self.biases) and j < len(self.biases[k]) else ""
        if detail.of(bias):
            ports.append(Port(detail.of(bias), None, here))
        return tuple(ports)


UNLIMITED = 10_000  # cells; the parts of a drawing have best widths of their own


def tidy(text: str) -> str:
    """Make one line of a text: blanks for control characters, which would shift what follows."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def tidy_node(node: Node) -> Node:
    """Make one line of each text of a node."""
    return Node(tidy(node.name), tidy(node.value), tidy(node.note))


def shown(layer: Sequence[Node]) -> int:
    """Tell how many nodes of a layer are shown."""
    return len(layer) if len(layer) <= MOST else FEW


def check(layers: Sequence[Sequence[Node]], edges: Sequence[Edge]) -> None:
    """Raise ValueError for a layer without nodes or an edge without its two nodes."""
    for k, layer in enumerate(layers):
        if not layer:
            raise ValueError(f"layer {k} has no nodes; a layer to draw needs one at least")
    for edge in edges:
        known = 0 < edge.layer < len(layers)
        if not (
            known
            and 0 <= edge.source < len(layers[edge.layer - 1])
            and 0 <= edge.target < len(layers[edge.layer])
        ):
            sizes = "-".join(str(len(layer)) for layer in layers)
            raise ValueError(
                f"{edge} leads from or to a node that is not there: expected layer 1 or above, "
                f"source and target from 0, in a network of {sizes} nodes"
            )


def box_widths(columns: Sequence[Column], titles: Sequence[str], padding: int) -> list[int]:
    """Give the width of the boxes in each column."""
    overhang = TITLE_OVERHANG if len(columns) > 1 else 0
    heads = [cell_len(title) - overhang for title in titles] + [0] * len(columns)
    return [
        max(column.contents + 2 * padding + 2, head, 3)
        for column, head in zip(columns, heads, strict=False)
    ]


def least_fan(column: Column, after: Column) -> int:
    """Give the least number of cells in which the wires between two columns can branch."""
    sources = {port.source for ports in after.ports for port in ports if port.source is not None}
    return max(NARROWEST_FAN, 2 * len(sources) + 1)


def narrowest(columns: Sequence[Column], titles: Sequence[str]) -> int:
    """Give the least width of a drawing."""
    fans = sum(least_fan(*pair) + pair[1].stub for pair in pairwise(columns))
    return fans + sum(box_widths(columns, titles, 0))


def arrange(
    columns: Sequence[Column], titles: Sequence[str], padding: int, width: int
) -> Layout | None:
    """Place columns within a width; None if they need more."""
    boxes = box_widths(columns, titles, padding)
    exits = [exit_rows(*pair) or [] for pair in pairwise(columns)]
    wires = [gap_wires(*pair, rows) for pair, rows in zip(pairwise(columns), exits, strict=True)]
    least = [least_fan(*pair) for pair in pairwise(columns)]
    steepest = [max((abs(w.end - w.start) for w in gap), default=0) for gap in wires]
    best = [max(few, min(WIDEST_FAN, tall + 6)) for few, tall in zip(least, steepest, strict=True)]
    spare = width - sum(boxes) - sum(least) - sum(column.stub for column in columns[1:])
    if spare < 0:
        return None
    for route, wanted in ((slanted, best), (branched, [few + 2 for few in least])):
        fans = widened(least, wanted, spare)
        lefts = [0]
        for box, fan, column in zip(boxes, fans, columns[1:], strict=False):
            lefts.append(lefts[-1] + box + fan + column.stub)
        routes = [
            route(gap, left + box, left + box + fan - 1)
            for gap, left, box, fan in zip(wires, lefts, boxes, fans, strict=False)
        ]
        if None not in routes:
            found = tuple(tuple(each) for each in routes if each is not None)
            rows = tuple(tuple(each) for each in exits)
            return Layout(
                tuple(columns), tuple(lefts), tuple(boxes), rows, found, lefts[-1] + boxes[-1]
            )
    return None


def widened(least: Sequence[int], wanted: Sequence[int], spare: int) -> list[int]:
    """Share spare cells out one by one, to the narrowest first, up to the wanted widths."""
    fans = list(least)
    while spare > 0:
        open_ = [k for k in range(len(fans)) if fans[k] < wanted[k]]
        if not open_:
            break
        fans[min(open_, key=lambda k: fans[k] - wanted[k])] += 1
        spare -= 1
    return fans


class Painter:
    """Puts a layout on a sheet."""

    def __init__(self, layout: Layout, highlight: frozenset[tuple[int, int]], ascii_only: bool):
        self.layout = layout
        self.highlight = highlight
        self.ascii_only = ascii_only
        self.sheet = Sheet()

    def paint(self, titles: Sequence[str]) -> None:
        """Put everything on the sheet, the titles two rows above the boxes."""
        for gap in self.layout.routes:
            self._wires(gap)
        for k, column in enumerate(self.layout.columns):
            for j in range(len(column.nodes)):
                self._stubs(k, j)
                self._box(k, j)
            self._centred(k, column.top + column.height - 1, column.more, VALUE)
        for k, title in zip(range(len(self.layout.columns)), titles, strict=False):
            self._centred(k, -2, title, NEURON)

    def _piece(self, row: int, column: int, arms: int, heavy: int, style: str = EDGE) -> None:
        text = piece(arms, heavy, ascii_only=self.ascii_only)
        self.sheet.put(row, column, text, HIGHLIGHT if heavy else style)

    def _centred(self, k: int, row: int, text: str, style: str) -> None:
        """Put a text above or below the boxes of column k, but not beyond the edges."""
        free = self.layout.boxes[k] - cell_len(text)
        column = self.layout.lefts[k] + free // 2
        column = max(0, min(column, self.layout.width - cell_len(text)))
        if text:
            self.sheet.put(row, column, text, style)

    def _wires(self, gap: Sequence[tuple[Wire, Path]]) -> None:
        """Draw the wires of one gap: in each cell the uppermost of those that meet there."""
        cells: dict[Point, dict[int, tuple[int, int]]] = {}
        for wire, path in gap:
            for cell, passage in passages(path):
                arms, heavy = cells.setdefault(cell, {}).get(wire.source, (0, 0))
                mark = passage if wire.lit else 0
                cells[cell][wire.source] = (arms | passage, heavy | mark)
        for cell, sources in cells.items():
            self._piece(*cell, *uppermost(list(sources.values())))

    def _stubs(self, k: int, j: int) -> None:
        """Draw the rows in front of box j of column k: label, then a line to the box."""
        column, border = self.layout.columns[k], self.layout.lefts[k]
        for n, port in enumerate(column.ports[j]):
            row, at = column.port_row(j, n), border - column.stub
            if port.label:
                self.sheet.put(row, at + 1, port.label, HIGHLIGHT if port.lit else WEIGHT)
                at += cell_len(port.label) + 2
            for place in range(at, border):
                self._piece(row, place, ACROSS, ACROSS * port.lit)

    def _box(self, k: int, j: int) -> None:
        """Draw box j of column k, with its texts and the openings on both sides."""
        column, left, width = self.layout.columns[k], self.layout.lefts[k], self.layout.boxes[k]
        lit = (k, j) in self.highlight
        top, right = column.box(j), left + width - 1
        bottom = top + column.inner + 1
        for row, ends in ((top, DOWN), (bottom, UP)):
            for place in range(left, right + 1):
                arms = ACROSS if left < place < right else ends | (RIGHT if place == left else LEFT)
                self._piece(row, place, arms, arms * lit, NEURON)
        for row in range(top + 1, bottom):
            into, out = self._openings(k, j, row)
            for place, side, opening in ((left, LEFT, into), (right, RIGHT, out)):
                arms = ALONG | (side if opening is not None else 0)
                self._piece(row, place, arms, ALONG * lit | side * bool(opening), NEURON)
        node, first = column.nodes[j], column.text_row(j)
        for n, text in enumerate(lines(node)):
            style = HIGHLIGHT if lit else NEURON if n == 0 else VALUE
            self._centred(k, first + n, text, style)

    def _openings(self, k: int, j: int, row: int) -> tuple[bool | None, bool | None]:
        """Tell if lines enter and leave box j of column k in a row: None for no, else if lit."""
        column = self.layout.columns[k]
        into = [p.lit for n, p in enumerate(column.ports[j]) if column.port_row(j, n) == row]
        out: list[bool] = []
        if k < len(self.layout.exits) and self.layout.exits[k][j] == row:
            out = [wire.lit for wire, _ in self.layout.routes[k] if wire.source == j]
        return (any(into) if into else None), (any(out) if out else None)


def uppermost(meeting: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Choose what a cell shows of (arms, lit arms) of several sources: slants, what is lit, │."""
    slants = [pair for pair in meeting if pair[0] & SLANT]
    if slants:
        arms, heavy = 0, 0
        for each, lit in slants:
            arms, heavy = arms | each, heavy | lit
        return arms, heavy
    return max(meeting, key=lambda pair: (pair[1], pair[0] & ALONG))
