"""A TOML document → `model.Problem`, or all of its faults at once.

First the tables are read, then the parts checked one by one in `network`, `claims` and here; each
notes its faults and goes on. Only when there are none is the problem built.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from bptrace.io.claims import Run, read_claims
from bptrace.io.faults import Faults, quoted
from bptrace.io.kinds import FAULTY
from bptrace.io.network import NetworkParts, build_network, check_network
from bptrace.io.outputs import check_outputs
from bptrace.io.schema import MOST_STEPS, PROBLEM, home_of
from bptrace.io.tables import View
from bptrace.io.toml import Document
from bptrace.model import Data, Log, Network, Parameters, Problem, Sample, Stop, Training, repeated
from bptrace.notation.dialect import get_dialect
from bptrace.notation.names import Names

MOST_DEFAULT_NAMES: Final = 10_000
"""Neurons of an unnamed layer whose default names are compared with given ones."""


class _Samples(NamedTuple):
    """The samples of a file; a faulty one is left out, and then `is_valid` is false.

    `tables`: those of [[sample]]; `data`: what is known of those that come from [data].
    """

    samples: tuple[Sample, ...]
    number: int
    is_valid: bool
    tables: tuple[View, ...] = ()
    data: Data | None = None

    @property
    def have_targets(self) -> bool:
        """Whether each sample has targets."""
        return all(sample.t for sample in self.samples)


def read_problem(document: Document) -> Problem:
    """Return the problem of a document.

    Raises
    ------
    FileError
        With every fault of the document, each with line and column, in their order.
    """
    faults = Faults(document, home_of)
    top = PROBLEM.read(document.data, (), faults)
    if faults.is_full:  # then not all was read
        raise faults.error()
    parts = check_network(top, faults)
    _check_training(top.training, faults)
    samples = _check_samples(top, parts, faults)
    if parts is not None:
        _check_targets(samples, parts, top.training, faults)
        check_outputs(parts.table.loss, parts.parts, samples.tables, faults)
    training = _training(top, samples.number, faults)
    network, parameters = _built(parts, top.dialect, faults)
    run = Run(
        network=network,
        dialect=top.dialect,
        steps=training.steps if training else 0,
        samples=samples.number,
        phases=_phases(network, samples, training),
        minus_delta=top.delta == "minus",
    )
    claims = read_claims(top, run, faults)
    log = _log(top.log, faults)
    if network is None or parameters is None or training is None or faults.count:
        raise faults.error()
    return Problem(
        network=network,
        parameters=parameters,
        samples=samples.samples,
        training=training,
        claims=claims,
        title=top.title,
        source=top.source,
        url=top.url,
        note=top.note,
        dialect=top.dialect,
        minus_delta=run.minus_delta,
        log=log,
        file=document.file,
        data=samples.data,
    )


def _phases(network: Network | None, samples: _Samples, training: Training | None) -> int:
    """Return `Problem.phases`, or 0 if faults hide it."""
    if network is None or training is None or not samples.is_valid:
        return 0
    if network.loss == "none" or not samples.have_targets:
        return 1
    return 3 if training.rule else 2


# ---------------------------------------------------------------------------------------- samples


def _check_samples(top: View, parts: NetworkParts | None, faults: Faults) -> _Samples:
    before = faults.count
    if not top.lacks("data"):
        return _samples_of_data(top, parts, faults)
    if not top.sample and not top.is_faulty("sample"):
        hint = "Write [[sample]] with its inputs x = [ … ] and its targets t = [ … ]."
        faults.add("there is no sample: nothing to calculate", ("sample",), hint=hint)
    tables = [table for table in top.sample if table is not FAULTY]
    for table in tables:
        s = int(table.path[-1])
        if table.lacks("x"):
            hint = "Write x = [ … ], one number per input."
            faults.add(f"sample {s + 1} has no inputs", table.path, "key", hint)
        if parts is not None:
            _check_sample(table, s, parts, faults)
        if faults.is_full:
            break
    number = len(top.sample)
    is_valid = faults.count == before and sum(table.is_valid for table in tables) == number > 0
    samples = tuple(Sample(tuple(s.x or ()), tuple(s.t or ())) for s in tables)
    return _Samples(samples, number, is_valid, tuple(tables))


def _samples_of_data(top: View, parts: NetworkParts | None, faults: Faults) -> _Samples:
    """Return the samples that [data] names; none if it has faults."""
    if not top.lacks("sample"):
        hint = "Keep one of the two."
        faults.add("the file has both [[sample]] and [data]", ("data",), "key", hint)
    if top.data is None:
        return _Samples((), 0, False)
    from bptrace.io.data import read_data  # which most files do not need

    found = read_data(top.data, parts, faults)
    if found is None:
        return _Samples((), 0, False)
    return _Samples(found.samples, len(found.samples), True, data=found.data)


def _check_sample(table: View, s: int, parts: NetworkParts, faults: Faults) -> None:
    ends = (("x", table.x, parts.parts[0]), ("t", table.t, parts.parts[-1]))
    for key, values, layer in ends:
        if values is None or not layer.size or len(values) == layer.size:
            continue
        what = "input" if key == "x" else "target"
        count = f"{len(values)} {what}{'s' * (len(values) != 1)}"
        neurons = f"{layer.size} neuron{'s' * (layer.size != 1)}"
        place = "input layer" if key == "x" else "last layer"
        message = f"sample {s + 1} has {count}, but the {place} has {neurons}"
        faults.add(message, ("sample", s, key), hint=f"Write one {what} per neuron.")


def _check_targets(
    samples: _Samples, parts: NetworkParts, training: View | None, faults: Faults
) -> None:
    """Check that there are targets where an error is needed."""
    loss = parts.table.loss
    if training is not None and loss == "none":
        message = f"{training.rule} follows the slope of an error, but the loss is none"
        hint = "Choose a loss such as half-squared, or leave [training] out."
        faults.add(message, ("network", "loss"), hint=hint)
    if samples.data is not None:
        if loss != "none" and training is not None and not samples.have_targets:
            message = f"the data have no targets, but {training.rule} needs them"
            faults.add(message, ("data", "targets"), hint="Name the columns of the targets.")
        return
    lacking = [int(table.path[-1]) for table in samples.tables if table.lacks("t")]
    if loss == "none" or not lacking:
        return
    if training is None and len(lacking) == samples.number:
        return  # forward only
    for s in lacking:
        why = "the others have" if training is None else f"{training.rule} needs them"
        hint = "Write t = [ … ], one number per neuron of the last layer."
        message = f"sample {s + 1} has no targets, but {why}"
        faults.add(message, ("sample", s), "key", hint)
        if faults.is_full:
            return


# --------------------------------------------------------------------------------------- training


def _check_training(table: View | None, faults: Faults) -> None:
    if table is None:
        return
    if table.lacks("learning_rate"):
        hint = "Write learning_rate = 0.5, or leave [training] out for a single pass."
        faults.add("[training] has no learning_rate", table.path, "key", hint)
    if not table.lacks("steps") and not table.lacks("epochs"):
        hint = "Keep one of the two."
        faults.add("[training] has both steps and epochs", (*table.path, "epochs"), "key", hint)
    stop = table.stop
    if stop is not None and not stop.raw:
        hint = "Write { error = 1e-4 }, { patience = 1000 } or both."
        faults.add("stop has neither error nor patience", stop.path, "key", hint)


def _training(top: View, n: int, faults: Faults) -> Training | None:
    """Return how to train `n` samples; None if faults hide it.

    Without the table all samples pass forward and backward once.
    """
    table = top.training
    if table is None:
        return Training(batch=n) if n and not top.is_faulty("training") else None
    order = table.order if isinstance(table.order, str) else tuple(table.order)
    taken = n if isinstance(order, str) else len(order)
    batch = taken if table.batch == "all" else int(table.batch)
    before = faults.count
    if n and batch > n:
        message = f"batch = {batch}, but there {'is' if n == 1 else 'are'} {_count(n)}"
        faults.add(message, ("training", "batch"), hint=f'Write at most {n}, or "all".')
    if n and not isinstance(order, str):
        _check_order(order, batch, n, faults)
    if not n or faults.count > before or table.is_faulty("steps", "epochs", "batch", "order"):
        return None
    steps = table.steps or 1
    if table.epochs is not None:
        per_epoch = -(-taken // batch)
        steps = table.epochs * per_epoch
        if steps > MOST_STEPS:
            message = f"{table.epochs} epochs of {per_epoch} steps: expected at most {MOST_STEPS}"
            faults.add(f"{message} steps", ("training", "epochs"))
    stop = Stop(table.stop.error, table.stop.patience) if table.stop else Stop()
    return Training(
        table.rule,
        table.learning_rate or 0.0,
        batch,
        table.reduction,
        steps,
        stop,
        order=order,
        seed=table.seed,
    )


def _check_order(order: tuple[int, ...], batch: int, n: int, faults: Faults) -> None:
    """Check a list of samples: they must be there, and none twice in a batch."""
    path = ("training", "order")
    if not order:
        hint = 'Name some samples, or write "file" or "shuffled".'
        faults.add("order: expected at least one sample, found an empty list", path, hint=hint)
    for place, sample in enumerate(order):
        if sample > n:
            message = f"there is no sample {sample}; there {'is' if n == 1 else 'are'} {_count(n)}"
            faults.add(message, (*path, place), hint=f"Write numbers from 1 to {n}.")
            if faults.is_full:
                return
    if batch and (place := repeated(order, batch)) >= 0:
        message = f"sample {order[place]} stands twice in a batch of {batch}"
        hint = "Each batch takes a sample once; another batch may take it again."
        faults.add(message, (*path, place), hint=hint)


def _count(n: int) -> str:
    return f"{n} sample{'s' * (n != 1)}"


def _log(table: View | None, faults: Faults) -> Log | None:
    """Return what is written in full of a trace on disk."""
    if table is None:
        return None
    names = [name for name in table.quantities if name is not FAULTY]
    if not table.quantities and not table.is_faulty("quantities"):
        hint = 'Write quantities = ["out", "delta"], or leave [log] out.'
        faults.add("[log] names no quantities", table.path, "key", hint)
    for k, name in enumerate(names):
        if name in names[:k]:
            path = (*table.path, "quantities", k)
            faults.add(f"{quoted(name)} stands here twice", path, hint="Keep one of the two.")
    return Log(tuple(names), table.every or 1)


# ---------------------------------------------------------------------------------------- network


def _built(
    parts: NetworkParts | None, dialect: str, faults: Faults
) -> tuple[Network, Parameters] | tuple[None, None]:
    """Return network and parameters if they have no faults."""
    if parts is None or not parts.is_valid:
        return None, None
    network, parameters = build_network(parts)
    _check_default_neurons(network, dialect, faults)
    return network, parameters


def _check_default_neurons(network: Network, dialect: str, faults: Faults) -> None:
    """Check that no given name is the one that a neuron without name has in this dialect."""
    given = {name for layer in network.layers for name in layer.names}
    if not given:
        return
    names = Names(network, get_dialect(dialect))
    for l, layer in enumerate(network.layers):
        if layer.names:
            continue
        for j in range(1, min(layer.size, MOST_DEFAULT_NAMES) + 1):
            if (name := names.neuron(l, j)) in given:
                message = f"neuron {j} of this layer is called {quoted(name)} by default"
                hint = "Another neuron has that name already; write names in this layer, too."
                faults.add(message, ("network", "layer", l), "key", hint)
                break
