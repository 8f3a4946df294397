"""The table [data]: from a CSV file, a generator or a data set to samples for training and test.

Whatever the source, it becomes a `Columns`: inputs, and targets or the names of classes. What
follows (targets of the classes, test samples, standardisation) is the same for all.

Not responsible for the text of a CSV file (`csv_columns`), nor for samples in [[sample]].
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Final

from bptrace.errors import Fault
from bptrace.io.csv_columns import MOST_VALUES, Columns, read_csv
from bptrace.io.datasets import DATASETS, Missing, read_dataset
from bptrace.io.faults import Faults, quoted
from bptrace.io.layers import Part
from bptrace.io.network import NetworkParts
from bptrace.io.tables import View
from bptrace.io.toml import Path
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.points import CLASSES, GENERATORS, points
from bptrace.model import Data, Row, Sample
from bptrace.order import shuffled
from bptrace.tuples import NamedTuple

DATA: Final[Path] = ("data",)
SOURCES: Final = ("file", "generator", "dataset")

OWNERS: Final = {
    "inputs": "file",
    "targets": "file",
    "header": "file",
    "delimiter": "file",
    "n": "generator",
    "noise": "generator",
}
"""Keys that only one source has a use for."""

MOST_SHOWN: Final = 6


class Read(NamedTuple):
    """The samples of [data], for training, and what else is known of them."""

    samples: tuple[Sample, ...]
    data: Data


def read_data(table: View, parts: NetworkParts | None, faults: Faults) -> Read | None:
    """Return the samples that [data] names; None if they, or the table, have faults.

    `parts` None: the network is not known, and what has to fit to it is not checked.
    """
    before = faults.count
    source = _source(table, faults)
    if not table.is_valid or faults.count > before:
        return None
    columns = _READERS[source](table, faults)
    if columns is None or faults.count > before:
        return None
    if not columns.x:
        faults.add(f"{columns.source} has no rows", (*DATA, source), hint="Give it some.")
        return None
    if parts is not None:
        _check_inputs(columns, parts.parts[0], table, faults)
    targets = _targets(columns, table, parts, faults)
    if targets is None or faults.count > before:
        return None
    if parts is not None:
        _check_range(columns, targets, table, parts.parts[-1], faults)
    return _parted(columns, targets, table, faults) if faults.count == before else None


def _source(table: View, faults: Faults) -> str:
    """Return which source is given, and check that it is one, with no keys of another."""
    given = [key for key in SOURCES if not table.lacks(key)]
    if not given:
        hint = 'Write file = "points.csv", generator = "spiral" or dataset = "iris".'
        faults.add("[data] says not where the data are", DATA, "key", hint)
        return ""
    if len(given) > 1:
        message = f"[data] has both {given[0]} and {given[1]}"
        faults.add(message, (*DATA, given[1]), "key", "Keep one of the two.")
    for key, owner in OWNERS.items():
        if owner != given[0] and not table.lacks(key):
            message = f"{key} is for data from a {owner}, not from a {given[0]}"
            faults.add(message, (*DATA, key), "key", "Leave it out.")
    return given[0]


# --------------------------------------------------------------------------------------- sources


def _from_file(table: View, faults: Faults) -> Columns | None:
    folder = os.path.dirname(faults.document.file)
    return read_csv(os.path.join(folder, table.file), table, faults)


def _from_generator(table: View, faults: Faults) -> Columns | None:
    n = table.n
    generator = GENERATORS.get(table.generator)
    noise = generator.noise if table.noise is None else table.noise
    drawn = list(points(generator, n, noise, table.seed))
    return Columns(
        source=f"{generator.name} (n = {n}, noise = {noise:g}, seed = {table.seed})",
        inputs=("x", "y"),
        x=[place for place, _ in drawn][: table.limit],
        labels=[CLASSES[label] for _, label in drawn][: table.limit],
        classes=CLASSES,
        left_out=max(0, n - table.limit) if table.limit else 0,
    )


def _from_dataset(table: View, faults: Faults) -> Columns | None:
    dataset = DATASETS.get(table.dataset)
    try:
        classes, inputs, labels = read_dataset(dataset)
    except Missing as error:
        faults.add(str(error), (*DATA, "dataset"), hint=error.hint)
        return None
    return Columns(
        source=f"{dataset.name} (scikit-learn)",
        inputs=dataset.inputs,
        x=inputs[: table.limit],
        labels=labels[: table.limit],
        classes=classes,
        left_out=max(0, len(inputs) - table.limit) if table.limit else 0,
    )


_READERS: Final[dict[str, Callable[[View, Faults], Columns | None]]] = {
    "file": _from_file,
    "generator": _from_generator,
    "dataset": _from_dataset,
}

# --------------------------------------------------------------------------------------- targets


def _check_inputs(columns: Columns, part: Part, table: View, faults: Faults) -> None:
    m = len(columns.x[0])
    if part.size and part.size != m:
        neurons = f"{part.size} neuron{'s' * (part.size != 1)}"
        message = f"the data have {m} input{'s' * (m != 1)}, but the input layer has {neurons}"
        path = DATA if table.lacks("inputs") else (*DATA, "inputs")
        faults.add(message, path, hint="Write one input neuron per column.")


def _targets(
    columns: Columns, table: View, parts: NetworkParts | None, faults: Faults
) -> Sequence[Row] | None:
    """Return the targets of each row: () without any, one per output otherwise."""
    n_out = parts.parts[-1].size if parts is not None else 0
    key = (*DATA, "targets") if not table.lacks("targets") else DATA
    if not columns.labels:
        rows = columns.t or [()] * len(columns.x)
        if n_out and rows[0] and len(rows[0]) != n_out:
            count = f"{len(rows[0])} target{'s' * (len(rows[0]) != 1)}"
            message = f"the data have {count}, but the last layer has {n_out} neurons"
            hint = "For a column with the number of a class write one_hot = true."
            faults.add(message, key, hint=hint)
        return rows
    names = list_of(columns.classes)
    if (k := len(columns.classes)) < 2:
        message = f"there is only one class ({names}): nothing can be told apart"
        hint = "For a column of numbers write one_hot = false; else add rows of another class."
        faults.add(message, key, hint=hint)
        return None
    if n_out and n_out != k and not (n_out == 1 and k == 2):
        message = f"there are {k} classes ({names}), but the last layer has {_neurons(n_out)}"
        hint = f"Give it {k} neurons{', or one' if k == 2 else ''}."
        faults.add(message, key, hint=hint)
        return None
    low, high = _ends(table)
    code = {name: c for c, name in enumerate(columns.classes)}
    coded: list[Row] = [(low,), (high,)]
    if n_out != 1:
        coded = [tuple(high if c == own else low for c in range(k)) for own in range(k)]
    return [coded[code[label]] for label in columns.labels]


def _ends(table: View) -> tuple[float, float]:
    low, high = table.targets_are or (0.0, 1.0)
    return low, high


def _neurons(n: int) -> str:
    return f"{n} neuron{'s' * (n != 1)}"


def list_of(names: Sequence[str]) -> str:
    """Return the first few names, one after the other."""
    shown = [quoted(name)[1:-1] for name in names[:MOST_SHOWN]]
    return ", ".join(shown) + ", …" * (len(names) > MOST_SHOWN)


def _check_range(
    columns: Columns, targets: Sequence[Row], table: View, part: Part, faults: Faults
) -> None:
    """Refuse targets that the last activation never reaches: the error could not become 0."""
    name = part.table.activation
    name = name.name if isinstance(name, View) else name
    if name not in ACTIVATIONS:
        return
    low, high = ACTIVATIONS.get(name).range
    if columns.labels:
        for end in _ends(table):
            if not low <= end <= high:
                path = (*DATA, "targets_are") if not table.lacks("targets_are") else DATA
                hint = "Write targets_are = [low, high] with others."
                faults.add(_out_of_reach(end, name), path, hint=hint)
        return
    for row, values in enumerate(targets):
        value = next((value for value in values if not low <= value <= high), None)
        if value is not None:
            line = columns.lines[row] if columns.lines else 0
            hint = "Scale the column, or choose another last activation, such as identity."
            faults.add_elsewhere(Fault(_out_of_reach(value, name), columns.file, line, hint=hint))
        if faults.is_full:
            return


def _out_of_reach(target: float, activation: str) -> str:
    low, high = ACTIVATIONS.get(activation).range
    reach = f"from {low:g}" if math.isfinite(low) else ""
    reach += f" to {high:g}" if math.isfinite(high) else " on"
    return f"the target {target:g} is out of reach: {activation} gives only values {reach.strip()}"


# ------------------------------------------------------------------------- test, standardisation


def _parted(columns: Columns, targets: Sequence[Row], table: View, faults: Faults) -> Read | None:
    """Return the samples for training, and those for the test, both in the order of the rows.

    Which rows are for the test: the first of `order.shuffled`, by the seed.
    """
    n, outputs = len(columns.x), len(targets[0])
    if n * (len(columns.x[0]) + outputs) > MOST_VALUES:
        message = f"{n} samples of {len(columns.x[0])} inputs and {outputs} targets: more than "
        message += f"{MOST_VALUES} numbers"
        faults.add(message, DATA, "key", "Take fewer rows: limit = …")
        return None
    held = math.floor(table.test * n + 0.5)
    if table.test and not 0 < held < n:
        part = "for the test" if not held else "for training"
        message = f"test = {table.test:g} of {n} sample{'s' * (n != 1)} leaves none {part}"
        faults.add(message, (*DATA, "test"), hint="Choose another part, or leave it out.")
        return None
    kept = set(shuffled(n, table.seed, 0)[:held]) if held else set()
    x = columns.x
    means: Row = ()
    deviations: Row = ()
    if table.standardise:
        means, deviations = moments([row for k, row in enumerate(x) if k not in kept])
        x = [standardised(row, means, deviations) for row in x]
    samples = [Sample(row, t) for row, t in zip(x, targets, strict=True)]
    low, high = _ends(table)
    data = Data(
        source=columns.source,
        inputs=columns.inputs,
        targets=columns.targets,
        classes=columns.classes,
        low=low,
        high=high,
        means=means,
        deviations=deviations,
        test=tuple(sample for k, sample in enumerate(samples) if k in kept),
        left_out=columns.left_out,
    )
    return Read(tuple(sample for k, sample in enumerate(samples) if k not in kept), data)


def moments(rows: Sequence[Row]) -> tuple[Row, Row]:
    """Return mean and standard deviation of each column, shapes ``(m,)``.

    m = (Σ x)/n and √((Σ (x − m)²)/n), the sums in the order of the rows. Of a column whose values
    are all equal the deviation is 0; 1 stands in its place, so that it is only shifted.
    """
    n = float(len(rows))
    means, deviations = [], []
    for column in zip(*rows, strict=True):
        total = 0.0
        for value in column:
            total += value
        mean, squares = total / n, 0.0
        for value in column:
            squares += (value - mean) * (value - mean)
        constant = all(value == column[0] for value in column)
        means.append(column[0] if constant else mean)
        deviations.append(1.0 if constant else math.sqrt(squares / n))
    return tuple(means), tuple(deviations)


def standardised(row: Row, means: Row, deviations: Row) -> Row:
    """Return (x − mean)/deviation of each column."""
    return tuple((x - m) / d for x, m, d in zip(row, means, deviations, strict=True))
