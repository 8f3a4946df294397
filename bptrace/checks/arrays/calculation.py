"""The calculation of one step with whole arrays, any formula of which can be another one.

`Calculation` knows the values of a step layer by layer: what no changed formula stands behind is
from the log, the rest is calculated anew, unchanged formulas by products of matrices (so in the
last bits not as in the log), changed ones by reading their trees with arrays: every neuron of a
layer, and every sample, does what the formula says of the first.

In a formula of neuron 1 of layer l (its own layer) neuron 1 + k of that layer is read as the k-th
after one's own, round in a circle; what belongs to another layer stays where it is. Not responsible
for which formulas there are (`mistaken`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bptrace.address import Address, Quantity
from bptrace.checks.arrays.elementwise import arrays_reading, each, totals, with_diagonal
from bptrace.checks.arrays.figures import Figures
from bptrace.maths.expr import Expr
from bptrace.maths.losses import LOSSES, fused
from bptrace.maths.own import activation_of
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Q = Quantity

KINDS = (
    "in", "out", "share", "by out", "slope", "by net", "connection", "input", "by weight",
    "by bias", "batch weight", "batch bias",
)  # fmt: skip
"""What is calculated of each layer: in and out, E_k, ∂E/∂out, ∂out/∂in, δ, ∂in/∂out of the layer
before, ∂in/∂w, then ∂E/∂w and ∂E/∂b of each sample, and of the batch."""

FORWARD = ("in", "out")
"""Those of the way forward."""

MOST_NUMBERS = 30_000_000
"""Larger arrays than this, of a sample for each weight, are not made."""


class Node(NamedTuple):
    """All of one kind in one layer."""

    kind: str
    layer: int


class Formula(NamedTuple):
    """A formula of the first neuron (or weight, or bias) of a layer, in the twin."""

    key: Address
    expr: Expr


Change = Formula | Callable[["Calculation"], "Array"]


class Impossible(Exception):
    """No array can be calculated like this: shapes do not fit, or a value follows from itself."""


def node_of(address: Address) -> Node:
    """Return where a quantity belongs; raise `Impossible` if nothing here holds it."""
    quantity, of = address.quantity, address.of
    kind = None if of is None else of.quantity
    found = _NODES.get((quantity, kind))
    if found is None or (quantity in (Q.D_W, Q.D_B) and kind is None and not address.sample):
        found = _OF_BATCH.get(quantity) if kind is None else None
    if found is None:
        raise Impossible(address.positional)
    if found == "connection":
        assert of is not None
        return Node(found, of.layer)
    return Node(found, address.layer)


_NODES: dict[tuple[Quantity, Quantity | None], str] = {
    (Q.IN, None): "in",
    (Q.OUT, None): "out",
    (Q.E_K, None): "share",
    (Q.D_OUT, None): "by out",
    (Q.D_OUT, Q.IN): "connection",
    (Q.D_IN, None): "by net",
    (Q.D_IN, Q.OUT): "slope",
    (Q.D_W, None): "by weight",
    (Q.D_W, Q.IN): "input",
    (Q.D_B, None): "by bias",
}
_OF_BATCH = {Q.D_W: "batch weight", Q.D_B: "batch bias"}


class Calculation:
    """The arrays of one step.

    Parameters
    ----------
    figures : Figures
    changed : mapping of Node to Formula or function
        What is calculated differently: by a formula, or by a function of the calculation.
    base : Calculation, optional
        The same without changes.
    """

    def __init__(
        self,
        figures: Figures,
        changed: Mapping[Node, Change] | None = None,
        base: Calculation | None = None,
    ) -> None:
        self.figures = figures
        self.changed = changed or {}
        self.base = base
        self._values: dict[Node, Array] = {}
        self._first = min(map(self._order, self.changed), default=(0, 0))

    @cached_property
    def gradients(self) -> Array:
        """∂E/∂w and ∂E/∂b of the batch, in the order of the log; missing connections are 0.

        Raises `Impossible`.
        """
        import numpy as np

        layers = range(1, self.figures.depth + 1)
        with np.errstate(all="ignore"):
            parts = [self._of_weights(l).ravel() for l in layers]
            parts += [self._of_biases(l) for l in layers]
            found: Array = np.concatenate(parts) * self.figures.present
        return found

    def value(self, node: Node) -> Array:
        """Return the array of a node, (samples, n) or as its kind has it."""
        known = self._values.get(node)
        if known is not None:
            return known
        if node in self._values:
            raise Impossible("it follows from itself")
        if self.base is not None and self._order(node) < self._first:
            return self.base.value(node)
        self._values[node] = None  # type: ignore[assignment]  # being calculated
        formula = self.changed.get(node)
        if formula is None:
            found = self._plain(node)
        else:
            found = self._read(node, formula) if isinstance(formula, Formula) else formula(self)
        self._values[node] = found
        return found

    def _order(self, node: Node) -> tuple[int, int]:
        """When it is calculated: forward layer by layer, all slopes, then backward."""
        l, at, depth = node.layer, KINDS.index(node.kind), self.figures.depth
        if node.kind in FORWARD:
            return l, at
        if node.kind == "slope":  # no change behind it needs it anew, and each costs a function
            return depth + 1, l
        if node.kind == "connection":  # it is needed for the layer before
            return 2 * depth + 3 - l, 2
        return 2 * depth + 2 - l, at

    # Unchanged formulas

    def _plain(self, node: Node) -> Array:
        if self.base is None and (known := self._logged(node)) is not None:
            return known
        return _PLAIN[node.kind](self, node.layer)

    def _logged(self, node: Node) -> Array | None:
        name = {"in": "in", "out": "out", "by net": "delta"}.get(node.kind, "")
        return self.figures.known.get((name, node.layer))

    def _in(self, l: int) -> Array:
        figures = self.figures
        found: Array = self.value(Node("out", l - 1)) @ figures.weights[l - 1].T
        return found + figures.biases[l - 1] if len(figures.biases[l - 1]) else found

    def _out(self, l: int) -> Array:
        import numpy as np

        if l == 0:
            return self.figures.known["out", 0]
        layer = self.figures.problem.network.layers[l]
        entry, nets = activation_of(layer), self.value(Node("in", l))
        if entry.is_of_layer:
            rows = []
            for row in nets.tolist():
                numbers = row + row
                entry.f(numbers, 0, len(row), len(row))
                rows.append(numbers[len(row) :])
            return np.array(rows)
        return each(entry.f, nets, *self._option(l))

    def _option(self, l: int) -> tuple[float, ...]:
        layer = self.figures.problem.network.layers[l]
        entry = activation_of(layer)
        if not entry.option:
            return ()
        return (entry.default if layer.option is None else layer.option,)

    def _targets(self) -> Array:
        return self.figures.t[self.figures.order[: self.figures.samples]]

    def _share(self, l: int) -> Array:
        out = self.value(Node("out", self.figures.depth))
        entry = LOSSES.get(self.figures.problem.network.loss)
        return each(entry.f, self._targets(), out, float(out.shape[1]))

    def _by_out(self, l: int) -> Array:
        if l == self.figures.depth:
            out = self.value(Node("out", l))
            entry = LOSSES.get(self.figures.problem.network.loss)
            return each(entry.slope, self._targets(), out, float(out.shape[1]))
        deltas, links = self.value(Node("by net", l + 1)), self.value(Node("connection", l + 1))
        found: Array = deltas @ links[0] if len(links) == 1 else (deltas[:, :, None] * links).sum(1)
        return found

    def _slope(self, l: int) -> Array:
        """∂out/∂in: (samples, n), or (samples, n_out, n_in) where each depends on all."""
        entry = activation_of(self.figures.problem.network.layers[l])
        nets, outs = self.value(Node("in", l)), self.value(Node("out", l))
        own = each(entry.slope, nets, outs, *self._option(l))
        if not entry.is_of_layer:
            return own
        assert entry.cross is not None
        return with_diagonal(each(entry.cross, outs[:, :, None], outs[:, None, :]), own)

    def _by_net(self, l: int) -> Array:
        last = self.figures.problem.network.layers[l].activation
        entry = fused(self.figures.problem.network.loss, last)
        chained = any(Node(kind, l) in self.changed for kind in ("by out", "slope"))
        if l == self.figures.depth and entry is not None and not chained:
            targets = self._targets()
            return each(entry.slope, targets, self.value(Node("out", l)), totals(targets))
        outs, slopes = self.value(Node("by out", l)), self.value(Node("slope", l))
        found: Array = outs * slopes if slopes.ndim == 2 else (outs[:, :, None] * slopes).sum(1)
        return found

    def _connection(self, l: int) -> Array:
        return self.figures.weights[l - 1][None]

    def _input(self, l: int) -> Array:
        return self.value(Node("out", l - 1))[:, None, :]

    def _by_weight(self, l: int) -> Array:
        deltas, inputs = self.value(Node("by net", l)), self.value(Node("input", l))
        self._check_size(l)
        return deltas[:, :, None] * inputs

    def _by_bias(self, l: int) -> Array:
        deltas = self.value(Node("by net", l))
        if not self.figures.problem.network.layers[l].shares_bias:
            return deltas[:, : len(self.figures.biases[l - 1])]
        found: Array = deltas.sum(axis=1, keepdims=True)
        return found

    def _batch_weight(self, l: int) -> Array:
        return self._of_weights(l)

    def _batch_bias(self, l: int) -> Array:
        return self._of_biases(l)

    def _check_size(self, l: int) -> None:
        if self.figures.samples * self.figures.weights[l - 1].size > MOST_NUMBERS:
            raise Impossible("the array would be too large")

    def _of_weights(self, l: int) -> Array:
        """∂E/∂w of the batch; without an array of a sample for each weight where none is needed."""
        if Node("batch weight", l) in self.changed:
            return self.value(Node("batch weight", l))
        if Node("by weight", l) in self.changed or Node("input", l) in self.changed:
            found: Array = self.value(Node("by weight", l)).sum(axis=0)
        else:
            found = self.value(Node("by net", l)).T @ self.value(Node("out", l - 1))
        return found / self.figures.samples if self.figures.mean else found

    def _of_biases(self, l: int) -> Array:
        if Node("batch bias", l) in self.changed:
            return self.value(Node("batch bias", l))
        found: Array = self.value(Node("by bias", l)).sum(axis=0)
        return found / self.figures.samples if self.figures.mean else found

    # Changed formulas

    def _read(self, node: Node, formula: Formula) -> Array:
        import numpy as np

        place = _Place(self, node, formula.key)
        found = arrays_reading().read(formula.expr, place.number)
        shape = place.shape
        if node.kind == "connection":  # one for all samples, unless a number of a sample is in it
            shape = (found.shape[0], *shape[1:])
            self._check_size(node.layer)
        if found.ndim != 4 or found.shape[3] != 1:
            raise Impossible("a block of neurons that is not summed")
        try:
            full = np.broadcast_to(found[..., 0], shape)
        except ValueError:
            raise Impossible("shapes do not fit") from None
        return place.finished(full)


_PLAIN: dict[str, Callable[[Calculation, int], Array]] = {
    "in": Calculation._in,
    "out": Calculation._out,
    "share": Calculation._share,
    "by out": Calculation._by_out,
    "slope": Calculation._slope,
    "by net": Calculation._by_net,
    "connection": Calculation._connection,
    "input": Calculation._input,
    "by weight": Calculation._by_weight,
    "by bias": Calculation._by_bias,
    "batch weight": Calculation._batch_weight,
    "batch bias": Calculation._batch_bias,
}


class _Place:
    """Where the numbers of a changed formula are: arrays (samples, rows, columns, block)."""

    def __init__(self, calculation: Calculation, node: Node, key: Address) -> None:
        figures = calculation.figures
        widths, l = figures.problem.network.widths, node.layer
        self.calculation, self.figures, self.node = calculation, figures, node
        self.of_batch = node.kind.startswith("batch")
        samples = 1 if self.of_batch else figures.samples
        self.axes = {l: 0}
        rows, columns = widths[l], 1
        if node.kind in ("connection", "input", "by weight", "batch weight"):
            self.axes, columns = {l: 0, l - 1: 1}, widths[l - 1]
        elif node.kind == "slope" and widths[l] == widths[l - 1]:
            self.axes = {l: 0, l - 1: 0}  # an element-wise function of the layer's input
        elif node.kind in ("by bias", "batch bias") and len(figures.biases[l - 1]) == 1:
            self.axes, rows = {}, 1
        self.is_matrix = len(self.axes) == 2 and node.kind != "slope"
        self.shape = (samples, rows, columns)

    def finished(self, found: Array) -> Array:
        """Return an array as the node holds it."""
        if self.of_batch:
            found = found[0]
        if self.node.kind == "slope":
            before = self.calculation._slope(self.node.layer)
            own = found[:, :, 0]
            return with_diagonal(before, own) if before.ndim == 3 else own
        return found if self.is_matrix else found[..., 0]

    def number(self, key: Any) -> Array:
        """Return the numbers of a quantity: (samples or 1, rows or 1, columns or 1, block)."""
        assert isinstance(key, Address)
        quantity, l = key.quantity, key.layer
        if quantity in (Q.W, Q.W_NEW):
            return self._weight(key)
        if quantity in (Q.B, Q.B_NEW):
            rows = self.figures.biases if quantity is Q.B else self.figures.new_biases
            if not rows:
                raise Impossible("there is no update")
            shared = len(rows[l - 1]) == 1
            found: Array = rows[l - 1][0 * self._index(l, 1) if shared else self._neurons(key)]
            return found[None]
        if quantity is Q.T:
            last = self.figures.depth
            return self._of_sample(self.figures.t, key)[:, self._index(last, key.neuron)]
        if quantity is Q.OUT and l == 0:
            return self._of_sample(self.figures.x, key)[:, self._neurons(key)]
        return self._calculated(key)

    def _calculated(self, key: Address) -> Array:
        node = node_of(key)
        if node.kind == "share":
            node, key = Node("share", 0), key._replace(layer=self.figures.depth)
        values = self.calculation.value(node)
        if values.ndim == 2 and node.kind.startswith("batch"):
            values = values[None]
        values = self._one_sample(values, key)
        if node.kind == "input" and values.shape[1] == 1:
            return values[:, 0][:, self._index(key.layer - 1, key.source)]
        if node.kind in ("by weight", "input", "batch weight"):
            return values[:, self._neurons(key), self._index(key.layer - 1, key.source)]
        if node.kind == "connection":
            assert key.of is not None
            return values[:, self._index(node.layer, key.of.neuron), self._neurons(key)]
        if node.kind == "slope" and values.ndim == 3:
            assert key.of is not None
            return values[:, self._index(node.layer, key.of.neuron), self._neurons(key)]
        if node.kind == "by bias" and values.shape[1] == 1:
            return values[:, 0 * self._neurons(key)]
        return values[:, self._neurons(key)]

    def _weight(self, key: Address) -> Array:
        matrices = self.figures.weights if key.quantity is Q.W else self.figures.new_weights
        if not matrices:
            raise Impossible("there is no update")
        rows, columns = self._neurons(key), self._index(key.layer - 1, key.source)
        if rows.shape[2] > 1 and columns.shape[2] > 1:
            raise Impossible("two blocks at once")
        found: Array = matrices[key.layer - 1][rows, columns]
        return found[None]

    def _neurons(self, key: Address) -> NDArray[np.int64]:
        return self._index(key.layer, key.neuron)

    def _index(self, l: int, neuron: int) -> NDArray[np.int64]:
        """Which neurons (from 0) a neuron of the twin is: (rows, columns, block)."""
        import numpy as np

        block = np.array(self.figures.block(l, neuron))[None, None]
        axis = self.axes.get(l)
        if axis is None:
            return block
        n = self.figures.problem.network.widths[l]
        own = np.arange(n)
        around: NDArray[np.int64] = (
            own[:, None, None] if axis == 0 else own[None, :, None]
        ) + block
        return around % n

    def _of_sample(self, numbers: Array, key: Address) -> Array:
        """x or t of the sample that stands so many places after the one that is calculated."""
        import numpy as np

        order, samples = self.figures.order, self.figures.samples
        first = np.arange(1 if self.of_batch else samples)
        return numbers[order[(first + key.sample - 1) % len(order)]]

    def _one_sample(self, values: Array, key: Address) -> Array:
        """In a sum over the batch each sample stands for itself."""
        if self.of_batch and values.shape[0] > 1:
            return values[key.sample - 1 : key.sample]
        return values
