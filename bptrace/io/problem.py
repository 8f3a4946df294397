"""A TOML document → `model.Problem`, or all of its faults at once.

First the tables are read, then the parts checked one by one in `network`, `claims` and here; each
notes its faults and goes on. Only when there are none is the problem built.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bptrace.io.claims import Run, read_claims
from bptrace.io.faults import Faults, quoted
from bptrace.io.kinds import FAULTY
from bptrace.io.network import NetworkParts, build_network, check_network
from bptrace.io.outputs import check_outputs
from bptrace.io.schema import PROBLEM, home_of
from bptrace.io.tables import View
from bptrace.io.toml import Document
from bptrace.io.training import check_training, read_training
from bptrace.maths.rules import RULES
from bptrace.model import Data, Log, Network, Parameters, Problem, Sample
from bptrace.notation.dialect import get_dialect
from bptrace.notation.names import Names
from bptrace.tuples import NamedTuple

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
    check_training(top.training, faults)
    samples = _check_samples(top, parts, faults)
    if parts is not None:
        _check_targets(samples, parts, top.training, faults)
        check_outputs(parts.table.loss, parts.parts, samples.tables, faults)
    training = read_training(top, samples.number, faults)
    network, parameters = _built(parts, top.dialect, faults)
    problem = None
    if network and parameters and training and samples.is_valid:
        problem = Problem(
            network=network,
            parameters=parameters,
            samples=samples.samples,
            training=training,
            title=top.title,
            source=top.source,
            url=top.url,
            note=top.note,
            dialect=top.dialect,
            minus_delta=top.delta == "minus",
            file=document.file,
            data=samples.data,
        )
    run = Run(
        network=network,
        dialect=top.dialect,
        steps=training.steps if training else 0,
        samples=samples.number,
        problem=problem,
        minus_delta=top.delta == "minus",
    )
    claims = read_claims(top, run, faults)
    log = _log(top.log, faults)
    if problem is None or faults.count:
        raise faults.error()
    return replace(problem, claims=claims, log=log)


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
    """Check that there are targets where an error, or the rule, needs them."""
    loss = parts.table.loss
    local = None if training is None else RULES.get(training.rule).local
    if training is not None and local is None and loss == "none":
        message = f"{training.rule} follows the slope of an error, but the loss is none"
        hint = "Choose a loss such as half-squared, or leave [training] out."
        faults.add(message, ("network", "loss"), hint=hint)
    if samples.data is not None:
        needed = local.needs_target if local is not None else loss != "none"
        if needed and training is not None and not samples.have_targets:
            message = f"the data have no targets, but {training.rule} needs them"
            faults.add(message, ("data", "targets"), hint="Name the columns of the targets.")
        return
    lacking = [int(table.path[-1]) for table in samples.tables if table.lacks("t")]
    needed = local.needs_target if local is not None else loss != "none"
    if not needed or not lacking:
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


# ------------------------------------------------------------------------------------------- log


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
