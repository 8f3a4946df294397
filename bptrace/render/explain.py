"""One quantity with its whole chain rule: a tree from the quantity down to given numbers.

Each node is one equation of the chapter as symbols, numbers and result; below it stands what its
formula speaks of. A quantity is worked out once and later only mentioned. The equations come from
`maths.equations`, the wording from `notation`; here is only what to unfold and how to draw it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.address import Address, Quantity
from bptrace.maths.expr import FLOATS, Expr, Op, Ref, bind, neg, refs
from bptrace.notation import Delta, Notation, abbreviated, value_of
from bptrace.notation.text import write
from bptrace.render.lines import broken
from bptrace.render.words import Words
from bptrace.trace import Trace

Q = Quantity
Key = Address | Delta

MOST_TERMS = 12
"""Longer sums are shown, and unfolded, at their first and last terms only."""

MOST_NODES = 60
"""Without a depth from the user, the tree goes as deep as this many equations allow."""

DEEPEST = 100
"""Deeper trees are not drawn: their margins alone would fill a line."""

NARROWEST = 24
"""Cells that an equation gets at least, however deep it stands."""

_BRANCHES = (("├╴", "└╴", "│ "), ("|-", "`-", "| "))
_BATCH = (Q.D_W, Q.D_B, Q.E)
_OF_STEP = (*_BATCH, Q.STEP_W, Q.STEP_B, Q.W_NEW, Q.B_NEW)


@dataclass(frozen=True)
class Node:
    """One equation of the tree, and what stands below it.

    Attributes
    ----------
    key : Address, Delta or None
        What stands left of the equals sign; None for an expression of the user.
    expr : Expr or None
        The formula, complete and unabridged; None where there is none to show.
    value : float
    source : str
        The textbook's equation.
    below : tuple of Node
        What the formula speaks of, each quantity once, in printed order.
    state : str
        "open" (worked out here), "given", "before" (left by the step before), "above" (worked out
        further up) or "deeper" (beyond the depth).
    """

    key: Key | None
    expr: Expr | None
    value: float
    source: str = ""
    below: tuple[Node, ...] = ()
    state: str = "open"


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
        asked = _completed(trace, asked, step, sample)
        self.marked = len(trace.samples(step)) > 1 and _speaks_of_batch(asked)
        grower = _Grower(trace, notation)
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
        width = options.max_width
        yield from self._rows(self.root, width)
        if any(node.state == "deeper" for node in _nodes(self.root)):
            text = self.words("explain deeper", depth=self.depth, deeper=self.depth + 1)
            yield Text()
            yield Text(self.notation.plain(text), "bptrace.remark")

    def _rows(self, node: Node, width: int) -> list[Text]:
        """Return a node and all below it as rows of at most `width` cells."""
        tee, corner, trunk = _BRANCHES[self.notation.ascii]
        inner = max(width - 2, NARROWEST)
        opened = [child for child in node.below if child.state == "open"]
        blocks = [self._rows(child, inner) for child in opened]
        blocks += [list(rows) for rows in self._mentions(node, inner)]
        rows = self._equation(node, width)
        if blocks:
            rows[1:] = [Text(trunk, "bptrace.edge").append_text(row[2:]) for row in rows[1:]]
        for k, block in enumerate(blocks):
            last = k == len(blocks) - 1
            edges = [corner if last else tee] + ["  " if last else trunk] * (len(block) - 1)
            rows += [
                Text(edge, "bptrace.edge").append_text(row)
                for edge, row in zip(edges, block, strict=True)
            ]
        return rows

    def _equation(self, node: Node, width: int) -> list[Text]:
        """Return one equation as rows: in one if it is short, else symbols, numbers, result."""
        name, stages = self._left(node), self._stages(node)
        column = cell_len(name)
        rows: list[Text] = []
        if column > width // 2:
            rows, name, column = [Text(name, "bptrace.quantity")], "", 4
        room = width - column - 3
        if len(stages) < 3 and cell_len(" = ".join(stages)) <= room:
            row = self._stage(name, column, " = ", "")
            for k, stage in enumerate(stages):
                result = k == len(stages) - 1
                row.append(" = " if k else "", "bptrace.edge")
                row.append(stage, "bptrace.result" if result else "bptrace.formula")
            rows.append(row)
        else:
            for k, stage in enumerate(stages):
                style = "bptrace.result" if k == len(stages) - 1 else "bptrace.formula"
                for n, piece in enumerate(broken(stage, max(room, NARROWEST // 2))):
                    row = self._stage(name, column, "   " if n else " = ", style)
                    rows.append(row.append(piece, style))
                    name = ""
        return rows + self._footnotes(node, column + 3, width)

    def _stage(self, name: str, column: int, sign: str, style: str) -> Text:
        row = Text(name, "bptrace.quantity").append(" " * (column - cell_len(name)))
        return row.append(sign, "bptrace.edge")

    def _footnotes(self, node: Node, indent: int, width: int) -> list[Text]:
        """Say below the quantity asked for where its equation is from, or why it has none."""
        if node is not self.root:
            return []
        text = node.source if node.state == "open" else self._label(node.state)
        pieces = _filled(self.notation.plain(text).split("; "), max(width - indent, NARROWEST))
        return [Text(" " * indent).append(piece, "bptrace.source") for piece in pieces if piece]

    def _mentions(self, node: Node, width: int) -> Iterator[Iterator[Text]]:
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
                yield self._mention(self.notation.plain(self._label(state)), pairs, width)

    def _mention(self, label: str, pairs: Sequence[str], width: int) -> Iterator[Text]:
        indent = cell_len(label) + 2
        for k, piece in enumerate(_filled(pairs, max(width - indent, NARROWEST), ", ")):
            head = f"{label}: " if k == 0 else " " * indent
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
        text = write(
            abbreviated(expr, MOST_TERMS), lambda key: self.notation.name(key, mark=self.marked)
        )
        return self.notation.plain(text)

    def _numbers(self, expr: Expr) -> str:
        return self.notation.numbers(abbreviated(expr, MOST_TERMS), self.values, self.digits)

    def _number(self, node: Node) -> str:
        return self.notation.number(node.value, self.digits)

    def _stages(self, node: Node) -> list[str]:
        """Return what stands behind the equals signs, without repeats, the result last."""
        stages = [self._number(node)]
        if node.expr is not None:
            formula = [] if node.key is None else [self._formula(node.expr)]
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
        expression; formula, numbers and source are there if the state is "open".
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
            data["formula"] = self._formula(node.expr)
            data["numbers"] = self._numbers(node.expr)
            data["source"] = node.source
            data["from"] = [self._document(child) for child in node.below]
        return data


class _Grower:
    """Unfolds quantities by the equations of the chapter."""

    def __init__(self, trace: Trace, notation: Notation) -> None:
        self.trace = trace
        self.notation = notation
        self.values = trace.values()
        self._opened: set[Key] = set()

    def fitting_depth(self, asked: Expr) -> int:
        """Return the greatest depth at which the tree has at most `MOST_NODES` equations."""
        depth = 1
        while depth < DEEPEST:
            nodes = list(_nodes(self.grow(asked, depth)))
            if not any(node.state == "deeper" for node in nodes):
                return depth
            deeper = _nodes(self.grow(asked, depth + 1))
            if sum(node.state == "open" for node in deeper) > MOST_NODES:
                return depth
            depth += 1
        return depth

    def grow(self, asked: Expr, depth: int) -> Node:
        """Return the tree of a complete expression, `depth` levels deep."""
        self._opened = set()
        key = self._key(asked)
        if self.notation.minus_delta and isinstance(key, Address) and _is_delta(key):
            expr = neg(Ref(Delta(key)))  # the file's δ has the other sign
            return Node(key, expr, self.values(key), below=self._below(expr, depth))
        if key is None:
            value = FLOATS.read(asked, lambda k: value_of(k, self.values))
            return Node(None, asked, value, below=self._below(asked, depth))
        return self._node(key, depth)

    def _key(self, asked: Expr) -> Key | None:
        """What `asked` names; None if it is an expression."""
        if isinstance(asked, Ref):
            return asked.key if isinstance(asked.key, Address) else None
        if self.notation.minus_delta and isinstance(asked, Op) and asked.name == "neg":
            inner = asked.args[0]
            if isinstance(inner, Ref) and isinstance(inner.key, Address) and _is_delta(inner.key):
                return Delta(inner.key)
        return None

    def _node(self, key: Key, depth: int) -> Node:
        if self.notation.minus_delta and isinstance(key, Address) and _is_delta(key):
            key = Delta(key)
        value = value_of(key, self.values)
        address = key.gradient if isinstance(key, Delta) else key
        equation = self.trace.chapter.equation(address)
        if equation is None:
            return Node(key, None, value, state="given")
        if address.quantity in (Q.W, Q.B):
            return Node(key, None, value, state="before")
        if key in self._opened:
            return Node(key, None, value, state="above")
        if depth < 0:
            return Node(key, None, value, state="deeper")
        self._opened.add(key)
        left, expr = self.notation.shown(equation, self.trace.chapter)
        expr = _of_single_samples(self.trace, expr)
        return Node(left, expr, value, equation.source, self._below(expr, depth - 1))

    def _below(self, expr: Expr, depth: int) -> tuple[Node, ...]:
        keys = dict.fromkeys(
            key for key in refs(abbreviated(expr, MOST_TERMS)) if isinstance(key, Address | Delta)
        )
        return tuple(self._node(key, depth) for key in keys)


def _completed(trace: Trace, expr: Expr, step: int, sample: int | None) -> Expr:
    """Give the places of an expression their step and sample."""
    places: dict[Hashable, Expr] = {
        key: Ref(trace.complete(key, step, sample))
        for key in refs(expr)
        if isinstance(key, Address)
    }
    return _of_single_samples(trace, bind(expr, places))


def _of_single_samples(trace: Trace, expr: Expr) -> Expr:
    """Write the gradient of a batch of one sample as that of the sample, which it is."""
    places: dict[Hashable, Expr] = {}
    for key in refs(expr):
        if isinstance(key, Address) and key.sample == 0 and key.quantity in _BATCH and not key.of:
            batch = trace.samples(key.step)
            if len(batch) == 1:
                places[key] = Ref(key.at(batch[0], key.step))
    return bind(expr, places) if places else expr


def _speaks_of_batch(expr: Expr) -> bool:
    """Whether the tree of `expr` may hold several samples."""
    keys = (key for key in refs(expr) if isinstance(key, Address))
    return any(key.sample == 0 and key.quantity in _OF_STEP for key in keys)


def _is_delta(key: Key) -> bool:
    return isinstance(key, Address) and key.quantity is Q.D_IN and key.of is None


def _positional(key: Key | None) -> str | None:
    if isinstance(key, Delta):
        return f"-{key.gradient.positional}"
    return None if key is None else key.positional


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.below:
        yield from _nodes(child)


def _filled(pieces: Sequence[str], width: int, separator: str = "; ") -> list[str]:
    """Set pieces side by side, as many as fit a row of `width` cells."""
    rows: list[str] = []
    for piece in pieces:
        if rows and cell_len(rows[-1] + separator + piece) <= width:
            rows[-1] += separator + piece
        else:
            rows.append(piece)
    return rows
