"""The gate of the kernels: a problem as flat buffers of numbers, cast and checked once.

Behind it nothing is checked any more. Buffers are ``array.array``: 'd' for numbers, 'B' for flags;
compiled kernels see the same memory as NumPy arrays.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise
from math import nan

from bptrace.address import Layout, Quantity
from bptrace.kernels.dispatch import fused_code, layer_code, rule_code
from bptrace.kernels.tape import Tape
from bptrace.kernels.ways import LINE, Loops, Way, Weights, is_large, is_wide
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.losses import LOSSES
from bptrace.maths.own import activation_of
from bptrace.maths.rules import RULES, Constants
from bptrace.maths.schedules import SCHEDULES
from bptrace.model import Problem, Schedule
from bptrace.order import unshuffled
from bptrace.tuples import NamedTuple

BY_GRADIENT, LOCALLY = 1, 2

PANEL = 4 * LINE
"""Neurons whose weights of one source stand side by side in columns: the widest tile of sums."""


class LayerNet(NamedTuple):
    """What the kernels know of one layer; places in a record, or in the part of a sample.

    Attributes
    ----------
    size, sources, biases : int
        Neurons, neurons of the layer before, bias parameters (0: none, 1: shared, else one each).
    activation : int
        Code in the table of activations.
    of_layer : int
        0, or for an activation of a whole layer its code among these.
    option : float
        Its option.
    own_value, own_slope : int
        Where an own formula and its slope begin in `Net.codes`; 0: the activation is in the table.
    masked : int
        1 if any connection into the layer is missing.
    wide : int
        1 if its sums are made with vectors (`bulk`), 0 if they are made one by one.
    column : int
        `size` or what follows it and fills lines of the cache: numbers from one column to the next
        in `Plan.columns`, and from one sample to the next in `Net.room`.
    w_at, b_at : int
        Where its weights and biases begin in a record.
    in_at, out_at, delta_at : int
        Where its in, out and δ begin in the part of a sample (the input layer has only out).
    """

    size: int
    sources: int
    biases: int
    activation: int
    of_layer: int
    option: float
    own_value: int
    own_slope: int
    masked: int
    wide: int
    column: int
    w_at: int
    b_at: int
    in_at: int
    out_at: int
    delta_at: int


class Net(NamedTuple):
    """What the kernels know of a network.

    Attributes
    ----------
    layers : sequence of LayerNet
        The input layer first.
    connected : array of flags
        For each weight whether there is a connection.
    trained : array of flags
        For each parameter whether the update changes it.
    scratch : array of float
        Room for a number of each neuron of a layer, up to the end of a line of the cache.
    depth, n_w, n_parameters, memories : int
        Number of the last layer; weights; weights and biases; numbers that the rule remembers of
        each parameter.
    gradients, samples, sample_size, error_at : int
        Where gradients and first sample begin in a record, the size of the part of one sample, and
        where E stands in it.
    room : int
        Where room for the outputs of a layer of all samples begins, behind the record.
    one : int
        1, of the type of all counts: with another one, what it is given to would be compiled twice.
    lanes, batched : int
        Whether anything is done in vectors, and whether samples come in batches: 0 becomes another
        type in compiled code (see `kinds`).
    codes, work : array of int, array of float
        Own formulas: what to do, and where it is done (see `tape.Tape`); `work` is written to.
    """

    layers: Sequence[LayerNet]
    connected: array[int]
    trained: array[int]
    scratch: array[float]
    depth: int
    n_w: int
    n_parameters: int
    memories: int
    gradients: int
    samples: int
    sample_size: int
    error_at: int
    room: int
    one: int
    lanes: int
    batched: int
    codes: array[int]
    work: array[float]


class Plan(NamedTuple):
    """What the kernels know of the run.

    Attributes
    ----------
    loss, schedule : int
        Codes in their tables.
    fused : int
        0, or if the loss undoes the last activation its code among the losses that do so.
    rule : int
        The code of the rule, see `dispatch.rule_code`.
    eta, rate_a, rate_b : float
        Learning rate, and the options of its schedule.
    varies : int
        1 if the learning rate is not `eta` in every update.
    rate_from, rates : array
        From which update on (from 1, ascending) which learning rate; empty: by the schedule.
    rate_counts : int
        Updates that count as one for the schedule: those of an epoch, or 1.
    constants : Constants
        Of the rule.
    corrects : int
        1 if the rule's means are corrected for their beginning at 0.
    shrunk, steepened : int
        How many parameters, from the first on, shrink by the decay themselves, and of how many it
        is added to their gradients: all weights, or none.
    first_updated : int
        The first parameter of the update that reads gradients: 0, or `Net.n_w` if the weights are
        changed with gradients that stand nowhere.
    uniform : int
        1 if the update does the same with all parameters: all are trained, and none decays.
    turned : int
        1 if the weights of layer 1 stand in `columns`, and change as the next step begins, else 0.
    kept : int
        1 if records go to the log past the caches, the weights while sums are made of them.
    streamed : int
        1 if also the gradients of weights are calculated on their way to the log, and nowhere else.
    inside : int
        1 if all is calculated in the log, record by record, which has to be memory that slices do
        not copy.
    first_taught : int
        The first layer that a local rule teaches.
    measures, backward, learns : int
        1 if there is an error; 1 if it is differentiated; 0: no update, `BY_GRADIENT`, `LOCALLY`.
    columns : array of float
        Room for the weights of layer 1 in columns, if `turned` (see `bulk.column_sums`).
    batch, per_epoch, batches : int
        Samples of one update, samples of an epoch, and updates of an epoch.
    shuffled : int
        1 if each epoch has an order of its own, which the kernels make.
    mean : int
        1 if gradients and E of a batch are means, 0 if they are sums.
    start, steps, stride : int
        Updates done before, number of steps to do, and slots from one record to the next: 0 if all
        share one record.
    every, due : int
        After how many updates what is carried on is kept, and the index of the first step behind
        which it is: behind all where nothing is kept.
    x, t : array of float
        Inputs and targets, one sample after the other; `t` is empty where samples have none.
    order : array of int
        The samples (from 0) of an epoch, one after the other, and what `order.unshuffled`
        puts behind them if there is an order for each epoch; kernels change it. One array for it
        all, as the compiler hands on every array with seven words.
    """

    loss: int
    fused: int
    rule: int
    schedule: int
    eta: float
    rate_a: float
    rate_b: float
    varies: int
    rate_from: array[int]
    rates: array[float]
    rate_counts: int
    constants: Constants
    corrects: int
    shrunk: int
    steepened: int
    first_updated: int
    uniform: int
    turned: int
    kept: int
    streamed: int
    inside: int
    first_taught: int
    measures: int
    backward: int
    learns: int
    batch: int
    per_epoch: int
    batches: int
    shuffled: int
    mean: int
    start: int
    steps: int
    stride: int
    every: int
    due: int
    x: array[float]
    t: array[float]
    order: array[int]
    columns: array[float]


def cast_net(problem: Problem, way: Way | None = None) -> Net:
    """Return the network of `problem` for the kernels, in general or for a run."""
    loops = Loops.BATCHES if way is None else way.loops
    network, layout = problem.network, problem.layout
    connected = _connected(problem)
    tape = Tape()
    return Net(
        layers=[_cast_layer(problem, l, tape) for l in range(network.depth + 1)],
        connected=connected,
        trained=_trained(problem, connected),
        scratch=array("d", [0.0]) * (max(network.widths) + LINE),
        depth=network.depth,
        n_w=layout.n_w,
        n_parameters=layout.n_parameters,
        memories=len(layout.shape.memory),
        gradients=layout.gradients,
        samples=layout.samples,
        sample_size=layout.sample_size,
        error_at=layout.sample_starts[Quantity.E],
        room=layout.size,
        one=1,
        lanes=int(loops != Loops.TINY),
        batched=int(loops == Loops.BATCHES),
        codes=tape.codes,
        work=tape.work,
    )


def _cast_layer(problem: Problem, l: int, tape: Tape) -> LayerNet:
    network, layout = problem.network, problem.layout
    layer, starts = network.layers[l], layout.sample_starts
    entry = activation_of(layer)
    own, sources = bool(layer.formula), network.widths[l - 1] if l else 0
    return LayerNet(
        size=layer.size,
        sources=sources,
        biases=layer.biases,
        activation=0 if own else ACTIVATIONS.code(layer.activation),
        of_layer=layer_code(entry),
        option=float(entry.default if layer.option is None else layer.option),
        own_value=tape.add(entry.expr) if own else 0,
        own_slope=tape.add(entry.slope_expr) if own else 0,
        masked=int(bool(layer.mask)),
        wide=int(is_wide(layer, sources)),
        column=_padded(layer.size),
        w_at=layout.w_at[l],
        b_at=layout.n_w + layout.b_at[l],
        in_at=starts[Quantity.IN] + layout.in_at[l],
        out_at=starts[Quantity.OUT] + layout.out_at[l],
        delta_at=starts[Quantity.D_IN] + layout.in_at[l],
    )


def cast_plan(problem: Problem, start: int, steps: int, way: Way, every: int = 0) -> Plan:
    """Return how to run `steps` steps after the first `start`, on a way that was chosen for it.

    With `every`, what is carried on is kept whenever so many steps are done (`new_checkpoints`).
    """
    training, rule = problem.training, problem.rule
    schedule = training.schedule or Schedule()
    options = dict(schedule.options)
    rate_a, rate_b, *_ = (
        *(options.get(*o) for o in SCHEDULES.get(schedule.name).options),
        0.0,
        0.0,
    )
    constants = (rule or RULES.get("gradient-descent")).constants(
        dict(training.options), training.weight_decay
    )
    decays, n_w = constants.weight_decay != 0.0, problem.layout.n_w
    return Plan(
        loss=LOSSES.code(problem.network.loss),
        fused=fused_code(problem.network.loss, problem.network.layers[-1].activation),
        rule=rule_code(rule),
        schedule=SCHEDULES.code(schedule.name),
        eta=float(training.learning_rate),
        rate_a=float(rate_a),
        rate_b=float(rate_b),
        varies=int(bool(schedule.rates) or schedule.name != Schedule().name),
        rate_from=array("q", (first for first, _ in schedule.rates)),
        rates=array("d", (rate for _, rate in schedule.rates)),
        rate_counts=problem.batches if schedule.per_epoch else 1,
        constants=constants,
        corrects=int(rule is not None and rule.corrected is not None),
        shrunk=n_w if decays and rule and rule.decoupled else 0,
        steepened=n_w if decays and rule and not rule.decoupled else 0,
        first_updated=0 if way.weights in (Weights.AFTER, Weights.INSIDE) else n_w,
        uniform=int(not decays and _trains_all(problem)),
        turned=int(way.weights == Weights.COLUMNS),
        kept=int(way.log and is_large(problem)),
        streamed=int(way.weights == Weights.STREAMED),
        inside=int(way.weights == Weights.INSIDE),
        first_taught=problem.taught.index(True) if problem.learns else 1,
        measures=int(problem.has_error),
        backward=int(problem.has_backward),
        learns=_learns(problem),
        batch=training.batch,
        per_epoch=problem.per_epoch,
        batches=problem.batches,
        shuffled=int(training.order == "shuffled"),
        mean=int(training.reduction == "mean"),
        start=start,
        steps=steps,
        stride=problem.layout.size if way.log else 0,
        every=every,
        due=every - 1 - start % every if every else steps,
        x=problem.inputs,
        t=problem.targets,
        order=_order(problem),
        columns=array("d", bytes(8 * column_slots(problem, way))),
    )


def _order(problem: Problem) -> array[int]:
    """Return the samples of an epoch; a shuffled order is still to be made."""
    order = problem.training.order
    if order == "shuffled":
        return array("Q", unshuffled(len(problem.samples), problem.training.seed))
    if order == "file":
        return array("Q", range(len(problem.samples)))
    return array("Q", (int(sample) - 1 for sample in order))


def _learns(problem: Problem) -> int:
    if problem.rule is None or not problem.learns:
        return 0
    return BY_GRADIENT if problem.rule.local is None else LOCALLY


def _trains_all(problem: Problem) -> bool:
    network = problem.network
    return (
        network.train_biases
        and all(problem.taught[1:])
        and not any(layer.mask for layer in network.layers)
    )


def column_slots(problem: Problem, way: Way) -> int:
    """Return how many numbers there are in columns, with what it takes to begin with a line."""
    if way.weights != Weights.COLUMNS:
        return 0
    inputs, layer = problem.network.layers[:2]
    return inputs.size * _padded(layer.size) + LINE


def _padded(n: int) -> int:
    """Return `n`, or what follows it and fills lines of the cache."""
    return -(-n // LINE) * LINE


def log_slots(layout: Layout, steps: int) -> int:
    """Return how many numbers a log has: its records, and what is carried on from the last."""
    return steps * layout.size + layout.n_carried


def new_log(layout: Layout, steps: int) -> array[float]:
    """Return room for the log of `steps` steps, nan where nothing will be calculated.

    It is written to here, as a machine gives memory only then, page by page: the kernels are not
    to wait for it.
    """
    return array("d", [nan]) * log_slots(layout, steps)


def new_checkpoints(layout: Layout, start: int, steps: int, every: int) -> array[float]:
    """Return room for what is carried on from all multiples of `every` among the steps."""
    count = (start + steps) // every - start // every
    return array("d", [nan]) * (count * layout.n_carried)


def record_slots(problem: Problem) -> int:
    """Return how many numbers kernels calculate in.

    These are a record, room for outputs behind it, and what it takes to begin with a line of the
    cache.
    """
    widest = max(problem.network.widths)
    return problem.layout.size + problem.training.batch * _padded(widest) + LINE


def new_record(problem: Problem, carried: array[float]) -> array[float]:
    """Return a record that begins with what is carried on, and has nan where nothing is known."""
    return carried + array("d", [nan]) * (record_slots(problem) - len(carried))


def new_errors(steps: int) -> array[float]:
    """Return the place for E of each step, nan where it is not calculated."""
    return array("d", [nan]) * steps


def _connected(problem: Problem) -> array[int]:
    flags = array("B")
    for before, layer in pairwise(problem.network.layers):
        if layer.mask:
            flags.extend(connected for row in layer.mask for connected in row)
        else:
            flags.frombytes(b"\1" * (before.size * layer.size))
    return flags


def _trained(problem: Problem, connected: array[int]) -> array[int]:
    """Return `Problem.is_trained` of all parameters: one by one it would take as long as a run."""
    flags, layout = array("B", connected), problem.layout
    for l, taught in enumerate(problem.taught):
        if l and not taught:
            at, end = layout.w_at[l], layout.w_at[l + 1]
            flags[at:end] = array("B", bytes(end - at))
    for layer, taught in zip(problem.network.layers, problem.taught, strict=True):
        flags.extend([taught and problem.network.train_biases] * layer.biases)
    return flags
