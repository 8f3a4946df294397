"""One quantity with its whole chain rule, drawn as a tree.

Each node is one equation as symbols, numbers and result; below it stands what its formula speaks
of. What stands in the tree is the business of `tree`, the wording that of `notation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.maths.expr import Expr, Ref
from bptrace.notation import Delta, Notation, abbreviated
from bptrace.render.lines import broken
from bptrace.render.tree import (
    DEEPEST,
    MOST_TERMS,
    Grower,
    Key,
    Node,
    completed,
    nodes,
    speaks_of_batch,
)
from bptrace.render.words import Words
from bptrace.trace import Trace

NARROWEST = 24
"""Cells that an equation gets at least, however deep it stands."""

_BRANCHES = (("├╴", "└╴", "│ "), ("|-", "`-", "| "))


class Explanation:
    """A Rich renderable, and an object that notebooks show: why a quantity has its value.

    Parameters
    ----------
    trace : Trace
    notation : Notation
        Its dialect is that of the output.
    words : Words
    expr : Expr or str
        A quantity, or an expression over quantities; text is read in the dialect of `notation`.
    step : int
    sample : int, optional
        From 1; 0 is the whole batch. Default as in `Trace.at`.
    digits : int
        Decimals of long numbers.
    depth : int, optional
        Levels to unfold below the quantity, at most `DEEPEST`; default: what fits `MOST_NODES`.

    Raises
    ------
    BptraceError
        If the run has no such quantity, step or sample.
    """

    def __init__(
        self,
        trace: Trace,
        notation: Notation,
        words: Words,
        expr: Expr | str,
        step: int = 1,
        sample: int | None = None,
        digits: int = 10,
        depth: int | None = None,
    ) -> None:
        self.trace = trace
        self.notation = notation
        self.words = words
        self.step = step
        self.digits = digits
        self.values = trace.values()
        asked = notation.read(expr) if isinstance(expr, str) else expr
        asked = completed(trace, asked, step, sample)
        self.marked = len(trace.samples(step)) > 1 and speaks_of_batch(asked)
        grower = Grower(trace, notation)
        self.depth = grower.fitting_depth(asked) if depth is None else min(depth, DEEPEST)
        self.root = grower.grow(asked, self.depth)

    @property
    def value(self) -> float:
        """The number that is explained."""
        return self.root.value

    # As text

    def __str__(self) -> str:
        from bptrace.render.console import plain_text

        return plain_text(self, ascii=self.notation.ascii).rstrip("\n")

    def __repr__(self) -> str:
        return f"<Explanation: {self._left(self.root)} = {self.value!r}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return both forms from which a notebook chooses."""
        from bptrace.render.console import html

        return {"text/plain": str(self), "text/html": html(self)}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._rows(self.root, options.max_width)
        if self.depth < DEEPEST and any(node.state == "deeper" for node in nodes(self.root)):
            text = self.words("explain deeper", depth=self.depth, deeper=self.depth + 1)
            yield Text()
            yield Text(self.notation.plain(text), "bptrace.remark")

    def _rows(self, node: Node, width: int, first: str = "", rest: str = "") -> Iterator[Text]:
        """Yield a node and all below it; `first` stands before its first row, `rest` before others.

        Rows have at most `width` cells where their equations can be broken so.
        """
        tee, corner, trunk = _BRANCHES[self.notation.ascii]
        branches: list[Node | list[Text]] = [n for n in node.below if n.state == "open"]
        branches += self._mentions(node, max(width - cell_len(rest) - 2, NARROWEST))
        rows = self._equation(node, max(width - cell_len(rest), NARROWEST))
        yield _edged(first, rows[0])
        for row in rows[1:]:  # they begin with spaces, in which the trunk finds room
            yield _edged(rest + trunk, row[2:]) if branches else _edged(rest, row)
        for k, branch in enumerate(branches):
            last = k == len(branches) - 1
            edge, below = rest + (corner if last else tee), rest + ("  " if last else trunk)
            if isinstance(branch, Node):
                yield from self._rows(branch, width, edge, below)
            else:
                for n, row in enumerate(branch):
                    yield _edged(edge if n == 0 else below, row)

    def _equation(self, node: Node, width: int) -> list[Text]:
        """Return one equation as rows: in one if it is short, else symbols, numbers, result."""
        name, stages = self._left(node), self._stages(node)
        column = cell_len(name)
        rows: list[Text] = []
        if column > width // 2:
            rows, name, column = [Text(name, "bptrace.quantity")], "", 4
        room = width - column - 3
        if len(stages) < 3 and cell_len(" = ".join(stages)) <= room:
            row = self._stage(name, column, " = ")
            for stage in stages[:-1]:
                row.append(stage, "bptrace.formula").append(" = ", "bptrace.edge")
            rows.append(row.append(stages[-1], "bptrace.result"))
        else:
            for stage in stages:
                style = "bptrace.result" if stage is stages[-1] else "bptrace.formula"
                for n, piece in enumerate(broken(stage, max(room, NARROWEST // 2))):
                    row = self._stage(name, column, "   " if n else " = ")
                    rows.append(row.append(piece, style))
                    name = ""
        return rows + self._footnotes(node, column + 3, width)

    def _stage(self, name: str, column: int, sign: str) -> Text:
        row = Text(name, "bptrace.quantity").append(" " * (column - cell_len(name)))
        return row.append(sign, "bptrace.edge")

    def _footnotes(self, node: Node, indent: int, width: int) -> list[Text]:
        """Say below the quantity asked for where its equation is from, or why it has none."""
        if node is not self.root:
            return []
        text = node.source if node.state == "open" else self._label(node.state)
        pieces = _filled(self.notation.plain(text).split(" "), max(width - indent, NARROWEST), " ")
        return [Text(" " * indent).append(piece, "bptrace.source") for piece in pieces if piece]

    def _mentions(self, node: Node, width: int) -> Iterator[list[Text]]:
        """Yield the rows that only mention quantities: given ones, earlier ones, deeper ones."""
        if isinstance(node.expr, Ref) and node.key is not None:
            return  # the line itself ends with name and number
        for state in ("given", "before", "above", "deeper"):
            pairs = [
                f"{self._left(child)} = {self._number(child)}"
                for child in node.below
                if child.state == state
            ]
            if pairs:
                label = self.notation.plain(self._label(state))
                yield list(self._mention(label, pairs, width))

    def _mention(self, label: str, pairs: Sequence[str], width: int) -> Iterator[Text]:
        colon = "：" if self.words.language == "zh" else ": "
        indent = cell_len(label + colon)
        for k, piece in enumerate(_filled(pairs, max(width - indent, NARROWEST), ", ")):
            head = label + colon if k == 0 else " " * indent
            yield Text(head, "bptrace.remark").append(piece, "bptrace.formula")

    # Pieces of text

    def _label(self, state: str) -> str:
        if state == "before":
            return self.words("from step", step=self.step - 1)
        return {"given": self.words("given"), "above": self.words("see above")}.get(state, "…")

    def _left(self, node: Node) -> str:
        if node.key is None:
            assert node.expr is not None, "an expression is its own name"
            return self._formula(node.expr)
        return self.notation.name(node.key, mark=self.marked)

    def _formula(self, expr: Expr) -> str:
        return self.notation.formula(abbreviated(expr, MOST_TERMS), mark=self.marked)

    def _formulas(self, node: Node) -> list[str]:
        """Return the formula behind the forms from which it is derived."""
        assert node.expr is not None
        return [self._formula(expr) for expr in (*node.forms, node.expr)]

    def _numbers(self, expr: Expr) -> str:
        return self.notation.numbers(abbreviated(expr, MOST_TERMS), self.values, self.digits)

    def _number(self, node: Node) -> str:
        return self.notation.number(node.value, self.digits)

    def _stages(self, node: Node) -> list[str]:
        """Return what stands behind the equals signs, without repeats, the result last."""
        stages = [self._number(node)]
        if node.expr is not None:
            formula = [] if node.key is None else self._formulas(node)
            stages = [*formula, self._numbers(node.expr), *stages]
        following = [*stages[1:], ""]
        return [text for text, after in zip(stages, following, strict=True) if text != after]

    # As data

    def document(self) -> dict[str, Any]:
        """Return the tree as plain data for JSON: see `_document`."""
        head = {"file": self.trace.problem.file, "engine": self.trace.engine, "depth": self.depth}
        return head | self._document(self.root)

    def _document(self, node: Node) -> dict[str, Any]:
        """``{quantity, positional, step, sample, value, state, formula, numbers, source, from}``.

        `quantity` is the name in the dialect; `positional`, step and sample are null for an
        expression; formula, numbers and source are there if the state is "open", and before them
        ``forms``, a list, where the formula is derived from others.
        """
        address = node.key.gradient if isinstance(node.key, Delta) else node.key
        data: dict[str, Any] = {
            "quantity": self._left(node),
            "positional": _positional(node.key),
            "step": (address.step or None) if address else None,
            "sample": (address.sample or None) if address else None,
            "value": node.value,
            "state": node.state,
        }
        if node.state == "open" and node.expr is not None:
            *forms, data["formula"] = self._formulas(node)
            data |= {"forms": forms} if forms else {}
            data["numbers"] = self._numbers(node.expr)
            data["source"] = node.source
            data["from"] = [self._document(child) for child in node.below]
        return data


def _edged(edge: str, row: Text) -> Text:
    return Text(edge, "bptrace.edge").append_text(row) if edge else row


def _positional(key: Key | None) -> str | None:
    if isinstance(key, Delta):
        return f"-{key.gradient.positional}"
    return None if key is None else key.positional


def _filled(pieces: Sequence[str], width: int, separator: str) -> list[str]:
    """Set pieces side by side, as many as fit a row of `width` cells."""
    rows: list[str] = []
    for k, piece in enumerate(pieces):
        piece += separator if k < len(pieces) - 1 else ""
        if rows and cell_len((rows[-1] + piece).rstrip()) <= width:
            rows[-1] += piece
        else:
            rows.append(piece)
    return [row.rstrip() for row in rows]
