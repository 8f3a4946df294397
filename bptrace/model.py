"""The objects of a calculation: network, parameters, samples, training, claims. All are frozen.

They are valid once constructed: whatever does not fit together raises `ModelError`. Where a fault
stands in a file is the business of `io`, which checks first; names of quantities are the business
of `notation`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import cached_property
from itertools import chain
from math import isfinite

from bptrace.address import Address, Layout, Quantity, Shape
from bptrace.brief import Brief, frozen
from bptrace.errors import ModelError
from bptrace.maths.rules import RULES, Rule
from bptrace.order import shuffled
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

ORDERS = ("file", "shuffled")
"""Orders of samples with a name; any other is a list of samples."""

Row = tuple[float, ...]
Matrix = tuple[Row, ...]


@frozen
class Layer(Brief):
    """One layer: its neurons, its activation and what leads into it.

    Attributes
    ----------
    size : int
        Number of neurons, at least 1.
    names, bias_names : tuple of str
        As the file gives them; empty: the dialect chooses.
    weight_names : tuple of tuples of str
        One row per neuron, one name per neuron of the layer before; empty: the dialect chooses.
    activation : str
        Name in the table of activations; unused in the input layer, and where there is a formula.
    option : float or None
        The option of the activation (value at 0, slope of a leak); None: its default.
    biases : int
        Number of bias parameters: 0 (none), 1 (shared by the layer) or `size` (one each).
    mask : tuple of tuples of bool
        False where a connection is missing; empty: all are there.
    formula, slope : str
        An own activation as text over x, and its slope over x and y; slope "": derived from it.
        `maths.own.activation_of` reads both.
    """

    size: int
    names: tuple[str, ...] = ()
    activation: str = "identity"
    option: float | None = None
    biases: int = 0
    mask: tuple[tuple[bool, ...], ...] = ()
    weight_names: tuple[tuple[str, ...], ...] = ()
    bias_names: tuple[str, ...] = ()
    formula: str = ""
    slope: str = ""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ModelError(f"a layer has at least 1 neuron, not {self.size}")
        if self.names and len(self.names) != self.size:
            raise ModelError(f"{len(self.names)} names for {self.size} neurons")
        if self.biases not in (0, 1, self.size):
            raise ModelError(f"{self.biases} biases for {self.size} neurons: 0, 1 or {self.size}")
        if self.bias_names and len(self.bias_names) not in (self.biases, self.size):
            raise ModelError(f"{len(self.bias_names)} bias names for {self.biases} biases")
        if self.slope and not self.formula:
            raise ModelError("a slope without a formula: the activations of the table have theirs")

    @property
    def shares_bias(self) -> bool:
        """Whether several neurons have one bias."""
        return self.biases == 1 and self.size > 1


@frozen
class Network(Brief):
    """A layered network; `layers[0]` is the input. `loss` is a name in the table of losses."""

    layers: tuple[Layer, ...]
    loss: str = "half-squared"
    train_biases: bool = True

    def __post_init__(self) -> None:
        if len(self.layers) < 2:
            raise ModelError("a network has an input layer and at least one more")
        if self.layers[0].biases:
            raise ModelError("the input layer has no biases")
        for l, (before, layer) in enumerate(zip(self.layers, self.layers[1:], strict=False), 1):
            shape = (layer.size, before.size)
            for what, rows in (("mask", layer.mask), ("weight_names", layer.weight_names)):
                if rows and (len(rows), *{len(row) for row in rows}) != shape:
                    raise ModelError(f"{what} of layer {l} must have {shape[0]} rows of {shape[1]}")
            for j in range(1, layer.size + 1):
                if not self.sources(l, j) and not layer.biases:
                    raise ModelError(f"neuron {j} of layer {l} has neither an input nor a bias")

    @property
    def depth(self) -> int:
        """The number of the last layer."""
        return len(self.layers) - 1

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Neurons of each layer, input first."""
        return tuple(layer.size for layer in self.layers)

    def shape(self, batch: int, memory: tuple[Quantity, ...] = ()) -> Shape:
        """Return the sizes on which the log of updates by `batch` samples depends.

        `memory` is what the rule remembers of each parameter.
        """
        return Shape(self.widths, tuple(layer.biases for layer in self.layers), batch, memory)

    def connected(self, l: int, j: int, i: int) -> bool:
        """Whether neuron i of layer l−1 leads to neuron j of layer l (both from 1)."""
        mask = self.layers[l].mask
        return not mask or mask[j - 1][i - 1]

    def sources(self, l: int, j: int) -> Sequence[int]:
        """Neurons of layer l−1 that lead to neuron j of layer l, ascending."""
        everyone = range(1, self.widths[l - 1] + 1)
        return [i for i in everyone if self.connected(l, j, i)] if self.layers[l].mask else everyone

    def targets(self, l: int, i: int) -> Sequence[int]:
        """Neurons of layer l+1 to which neuron i of layer l leads, ascending."""
        everyone = range(1, self.widths[l + 1] + 1)
        masked = self.layers[l + 1].mask
        return [j for j in everyone if self.connected(l + 1, j, i)] if masked else everyone


@frozen
class Parameters(Brief):
    """Weights and biases before the first step.

    ``weights[l][j][i]`` leads from neuron i of layer l to neuron j of layer l+1 (all from 0), one
    row per neuron; ``biases[l]`` has as many entries as layer l+1 has bias parameters. A missing
    connection has the weight 0.
    """

    weights: tuple[Matrix, ...]
    biases: tuple[Row, ...]

    def __iter__(self) -> Iterator[float]:
        """All weights layer by layer and row by row, then all biases: the order of the log."""
        return chain.from_iterable(self.rows())

    def rows(self) -> Iterator[Row]:
        """The same by rows: those of all matrices, then the biases of each layer."""
        return chain(chain.from_iterable(self.weights), self.biases)


class Sample(NamedTuple):
    """One sample: inputs x and targets t (empty: not given)."""

    x: Row
    t: Row = ()


@frozen
class Data(Brief):
    """What is known of samples that were not written down one by one.

    Attributes
    ----------
    source : str
        Where they are from: the name of a file, a generator with its numbers, a data set.
    inputs, targets : tuple of str
        Names of the columns; empty: they have none.
    classes : tuple of str
        Names of the classes in their order; empty: the targets are numbers.
    low, high : float
        The target of an output for samples that are not, and that are, of its class.
    means, deviations : tuple of float
        What each input was standardised by, ``(x − mean)/deviation``, both from the samples for
        training alone; empty: the inputs are as they were.
    test : tuple of Sample
        Samples that are not for training.
    left_out : int
        Rows that were not taken at all.
    """

    source: str
    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    means: Row = ()
    deviations: Row = ()
    test: tuple[Sample, ...] = ()
    left_out: int = 0

    def __post_init__(self) -> None:
        if len(self.means) != len(self.deviations) or not all(d > 0.0 for d in self.deviations):
            raise ModelError("each input is standardised by a mean and a deviation above 0")

    def class_of(self, outputs: Sequence[float]) -> int:
        """Return the class (from 0) that targets or outputs of a network mean: see `class_of`.

        A single output means class 1 on the side of `high`.
        """
        middle = 0.5 * (self.low + self.high)
        if len(outputs) == 1 and self.low > self.high:
            return class_of((-outputs[0],), -middle)
        return class_of(outputs, middle)


def class_of(outputs: Sequence[float], middle: float) -> int:
    """Return the class (from 0) that outputs mean.

    With one output per class that of the largest, the first of equal ones; with a single output 1
    from the middle on. nan is never the largest.
    """
    if len(outputs) == 1:
        return int(outputs[0] >= middle)
    best = 0
    for k, output in enumerate(outputs):
        if output > outputs[best] or outputs[best] != outputs[best]:
            best = k
    return best


@frozen
class Stop(Brief):
    """When training ends before its steps are done.

    Attributes
    ----------
    error : float or None
        As soon as E of a sample, mean over an epoch, is less than this.
    patience : int or None
        When so many epochs have passed without a smaller mean than ever before.
    """

    error: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.error is not None and not (isfinite(self.error) and self.error > 0):
            raise ModelError(f"training stops at an E of more than 0, not {self.error}")
        if self.patience is not None and self.patience < 1:
            raise ModelError(f"a patience of at least 1 epoch is needed, not {self.patience}")

    def __bool__(self) -> bool:
        return self.error is not None or self.patience is not None


@frozen
class Schedule(Brief):
    """How the learning rate changes: a name in the table of schedules with its options.

    `per_epoch` counts epochs instead of updates. `rates` are pairs (first update, rate), the
    updates ascending from 1; where there are any, they are all, and the name does not matter.
    """

    name: str = "constant"
    options: tuple[tuple[str, float], ...] = ()
    per_epoch: bool = False
    rates: tuple[tuple[int, float], ...] = ()


@frozen
class Training(Brief):
    """How the network learns. `rule` "" means: forward and backward only, no update.

    `batch` samples make one update, in the given order and from the start again when they are used
    up; `reduction` is "sum" or "mean" over the samples of a batch. `order` is "file" (that of the
    file), "shuffled" (another one in each epoch, which depends on `seed` and on the number of the
    epoch: see `bptrace.order`) or a list of samples (from 1), which may hold some more than once.
    `stop` is for training only: a calculation goes to its end.

    `options` are those of the rule that are not its defaults; `weight_decay` is λ, for weights only
    (None: as the rule has it); `schedule` None means the same rate for all updates.
    """

    rule: str = ""
    learning_rate: float = 0.0
    batch: int = 1
    reduction: str = "sum"
    steps: int = 1
    stop: Stop = Stop()
    order: str | tuple[int, ...] = "file"
    seed: int = 0
    options: tuple[tuple[str, float], ...] = ()
    weight_decay: float | None = None
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        if self.rule:
            known = {option.name: option for option in RULES.get(self.rule).options}
            for name, value in self.options:
                if name not in known:
                    raise ModelError(f"the rule {self.rule} has no {name}")
                if not known[name].takes(value):
                    raise ModelError(f"{name} must lie between 0 and {known[name].below:g}")
        if not isfinite(self.learning_rate):
            raise ModelError(f"the learning rate must be a finite number, not {self.learning_rate}")
        if self.reduction not in ("sum", "mean"):
            raise ModelError(f"reduction {self.reduction!r}: 'sum' or 'mean'")
        if (isinstance(self.order, str) and self.order not in ORDERS) or not self.order:
            raise ModelError(f"order {self.order!r}: 'file', 'shuffled' or a list of samples")
        if self.seed < 0:
            raise ModelError(f"seed {self.seed}: at least 0")


LOG_QUANTITIES = ("in", "out", "delta", "E", "parameters", "gradients")
"""What a trace on disk can hold in full; each is an array there (`store.contents`)."""


class Log(NamedTuple):
    """What a trace on disk holds in full, of the steps 1, 1 + every, 1 + 2·every and so on."""

    quantities: tuple[str, ...]
    every: int = 1


@frozen
class Claim(Brief):
    """One number of a hand calculation, as printed, with its place in the file.

    `quantity` is the text in the file (`notation` reads it), `sample` None means the first sample
    of the step, 0 the whole batch. `operands` are the numbers that the author substituted.
    """

    quantity: str
    printed: Printed | None
    step: int = 1
    sample: int | None = None
    eq: str = ""
    operands: tuple[Printed, ...] = ()
    learning_rate: float | None = None
    minus_delta: bool = False
    exact: bool = False
    given: bool = False
    line: int = 0
    column: int = 0


@frozen
class Problem(Brief):
    """A whole problem file: what to calculate, how it is written, and what others calculated."""

    network: Network
    parameters: Parameters
    samples: tuple[Sample, ...]
    training: Training = Training()
    claims: tuple[Claim, ...] = ()
    title: str = ""
    source: str = ""
    url: str = ""
    note: str = ""
    dialect: str = "in-out"
    minus_delta: bool = False
    log: Log | None = None
    file: str = field(default="", compare=False)
    data: Data | None = None

    def __post_init__(self) -> None:
        layers = self.network.layers
        if not self.samples:
            raise ModelError("no sample: there is nothing to calculate")
        if not 1 <= self.training.batch <= len(self.samples):
            raise ModelError(
                f"a batch of {self.training.batch} needs as many samples; "
                f"there are {len(self.samples)}"
            )
        if self.training.steps < 0:
            raise ModelError(f"{self.training.steps} steps: at least 0")
        for s, sample in enumerate(self.samples, 1):
            _check_sample(sample, f"sample {s}", layers)
        for s, sample in enumerate(self.data.test if self.data else (), 1):
            _check_sample(sample, f"test sample {s}", layers)
        _check_order(self.training, len(self.samples))
        _check_parameters(self.network, self.parameters)

    @cached_property
    def inputs(self) -> array[float]:
        """All inputs, one sample after the other. Not to be changed, like all of a problem.

        Made once, as a run in parts asks for them each time (9 ms for 1438 samples of 64).
        """
        return array("d", (value for sample in self.samples for value in sample.x))

    @cached_property
    def targets(self) -> array[float]:
        """All targets, one sample after the other. Not to be changed."""
        return array("d", (value for sample in self.samples for value in sample.t))

    @cached_property
    def layout(self) -> Layout:
        """Where the log of this problem keeps each value."""
        return Layout(self.network.shape(self.training.batch, self.memory))

    @cached_property
    def rule(self) -> Rule | None:
        """The learning rule; None if nothing is learned."""
        return RULES.get(self.training.rule) if self.training.rule else None

    @cached_property
    def memory(self) -> tuple[Quantity, ...]:
        """What the rule remembers of each parameter."""
        return () if self.rule is None else tuple(m.quantity for m in self.rule.memory)

    @cached_property
    def has_targets(self) -> bool:
        """Whether every sample has targets."""
        return all(sample.t for sample in self.samples)

    @cached_property
    def has_error(self) -> bool:
        """Whether there is an error E: a loss, and a target for every sample."""
        return self.network.loss != "none" and self.has_targets

    @cached_property
    def has_backward(self) -> bool:
        """Whether the backward pass is part of the calculation; local rules do without."""
        return self.has_error and (self.rule is None or self.rule.local is None)

    @cached_property
    def learns(self) -> bool:
        """Whether there are updates."""
        if self.rule is None:
            return False
        if self.rule.local is None:
            return self.has_error
        return self.has_targets or not self.rule.local.needs_target

    @cached_property
    def taught(self) -> tuple[bool, ...]:
        """Which layers the updates change, from 0 on.

        A local rule that needs targets teaches only the last layer, the one that has them.
        """
        depth = self.network.depth
        if not self.learns:
            return (False,) * (depth + 1)
        assert self.rule is not None
        local = self.rule.local
        first = depth if local is not None and local.needs_target else 1
        return tuple(l >= first for l in range(depth + 1))

    def is_trained(self, parameter: Address) -> bool:
        """Whether the updates change a weight or bias."""
        if not self.taught[parameter.layer]:
            return False
        if parameter.is_of_bias:
            return self.network.train_biases
        return self.network.connected(parameter.layer, parameter.neuron, parameter.source)

    def batch(self, step: int) -> tuple[int, ...]:
        """Return the samples (from 1) of a step (from 1).

        Samples are taken in the order that the training says; each epoch begins anew, so its last
        batch may be smaller.
        """
        training = self.training
        epoch, k = divmod(step - 1, self.batches)
        first = k * training.batch
        last = min(first + training.batch, self.per_epoch)
        if training.order == "file":
            return tuple(range(first + 1, last + 1))
        if training.order == "shuffled":
            order = shuffled(len(self.samples), training.seed, epoch)
            return tuple(s + 1 for s in order[first:last])
        return tuple(map(int, training.order[first:last]))

    @property
    def per_epoch(self) -> int:
        """How many samples an epoch takes: each once, unless a list says something else."""
        order = self.training.order
        return len(self.samples) if isinstance(order, str) else len(order)

    @property
    def batches(self) -> int:
        """How many updates make an epoch."""
        return -(-self.per_epoch // self.training.batch)


def repeated(order: Sequence[int], batch: int) -> int:
    """Return the first place of `order` (from 0) that repeats a sample of its batch, or −1."""
    for first in range(0, len(order), batch):
        seen: set[int] = set()
        for place, sample in enumerate(order[first : first + batch], first):
            if sample in seen:
                return place
            seen.add(sample)
    return -1


def _check_order(training: Training, n: int) -> None:
    """Check a list of samples: they must be there, and no batch may hold one twice.

    The log keeps what belongs to a sample by its place in the batch, and an address names the
    sample: twice in one batch it would be ambiguous.
    """
    order = training.order
    if isinstance(order, str):
        return
    for sample in order:
        if not 1 <= sample <= n:
            raise ModelError(f"the order names sample {sample}; there are the samples 1 to {n}")
    if (place := repeated(order, training.batch)) >= 0:
        raise ModelError(
            f"sample {order[place]} stands twice in a batch of {training.batch} "
            f"(place {place + 1} of the order)"
        )


def _check_sample(sample: Sample, name: str, layers: Sequence[Layer]) -> None:
    if len(sample.x) != layers[0].size or len(sample.t) not in (0, layers[-1].size):
        raise ModelError(
            f"{name}: {len(sample.x)} inputs and {len(sample.t)} targets for a network "
            f"with {layers[0].size} inputs and {layers[-1].size} outputs"
        )
    if not all(map(isfinite, (*sample.x, *sample.t))):
        raise ModelError(f"{name}: inputs and targets must be finite numbers")


def _check_parameters(network: Network, parameters: Parameters) -> None:
    expected = [
        (layer.size, before.size, layer.biases)
        for before, layer in zip(network.layers, network.layers[1:], strict=False)
    ]
    if len(parameters.weights) != len(expected) or len(parameters.biases) != len(expected):
        raise ModelError(f"weights and biases for {len(expected)} layers are needed")
    for l, (n, m, b) in enumerate(expected, 1):
        matrix, row = parameters.weights[l - 1], parameters.biases[l - 1]
        if len(matrix) != n or any(len(entries) != m for entries in matrix):
            raise ModelError(f"the weights of layer {l} must be {n} rows of {m}")
        if len(row) != b:
            raise ModelError(f"layer {l} needs {b} biases, not {len(row)}")
        if network.layers[l].mask:
            _check_missing(network, l, matrix)
    if not all(map(isfinite, parameters)):
        raise ModelError("weights and biases must be finite numbers")


def _check_missing(network: Network, l: int, matrix: Matrix) -> None:
    """Raise `ModelError` for a weight without a connection: no formula would show it."""
    for j, row in enumerate(matrix, 1):
        for i, w in enumerate(row, 1):
            if w and not network.connected(l, j, i):
                raise ModelError(f"w[{l},{j},{i}] is {w}, but the mask removes this connection")
