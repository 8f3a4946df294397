"""What a network answers everywhere between its samples: where its decision boundary runs.

The answers come from the kernels, the same bits as in any run; only their grid belongs here.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

from bptrace import engine as engines
from bptrace.address import Quantity
from bptrace.errors import BptraceError
from bptrace.model import Problem, Sample, Training, class_of
from bptrace.tuples import NamedTuple

MOST_AT_ONCE = 2**21
"""Numbers (16 MiB) of the log of the points that are looked at in one go."""

MARGIN = 0.08
"""What is seen around the samples, as a part of their range."""


class Dot(NamedTuple):
    """A sample: where it is, which class it has, whether it is kept for the test, its target.

    `kind` is −1 without a target; `target` is nan where there are several outputs.
    """

    x: float
    y: float
    kind: int
    is_test: bool
    target: float = nan


@dataclass(frozen=True)
class Plane:
    """The answers of a network with two inputs on a grid.

    Attributes
    ----------
    xs, ys : tuple of float
        Columns and rows of the grid, ascending.
    outputs : tuple of arrays
        For each output neuron its values, row by row from the lowest y, shape
        ``(len(ys) · len(xs),)``.
    threshold : float
        With one output: from it on stands the second class. Halfway between the lowest and the
        highest target, 0.5 without targets.
    dots : tuple of Dot
        The samples.
    accuracy : float
        Part of the training samples that are put into their class; nan without targets, and where
        `is_continuous`.
    names : tuple of str
        What the inputs are called; "" where the file gives no name.
    kinds : tuple of str
        What the classes are called.
    title : str
    is_continuous : bool
        Whether the targets are more than two values of one output: a surface, not classes.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    outputs: tuple[array[float], ...]
    threshold: float
    dots: tuple[Dot, ...]
    accuracy: float
    names: tuple[str, str]
    kinds: tuple[str, ...]
    title: str = ""
    is_continuous: bool = False

    def kind_at(self, row: int, column: int) -> int | None:
        """Return the class at a point of the grid; None where the answer is nan."""
        k = row * len(self.xs) + column
        return kind_of([values[k] for values in self.outputs], self.threshold)


@dataclass(frozen=True)
class Line:
    """The answers of a network with one input: for each output a curve, and the samples.

    `dots` are (x, target, number of the output from 0, kept for the test).
    """

    xs: tuple[float, ...]
    outputs: tuple[array[float], ...]
    dots: tuple[Dot, ...]
    name: str
    outputs_named: tuple[str, ...]
    title: str = ""


def answers(
    problem: Problem, points: Sequence[Sequence[float]], engine: str = "auto"
) -> tuple[array[float], ...]:
    """Return what the network of `problem` answers to each point.

    Parameters
    ----------
    problem : Problem
        Its network and its parameters are what counts.
    points : sequence of inputs, shape (n, n_in)
    engine : str
        As for `engine.run`.

    Returns
    -------
    tuple of arrays
        For each output neuron its n values, with the bits of any other run.
    """
    network, parameters = problem.network, problem.parameters
    outputs = tuple(array("d") for _ in range(network.widths[-1]))
    at_once = max(1, MOST_AT_ONCE // problem.layout.sample_size)
    chosen = ""
    for start in range(0, len(points), at_once):
        part = points[start : start + at_once]
        samples = tuple(Sample(tuple(map(float, point))) for point in part)
        asked = Problem(network, parameters, samples, Training(batch=len(samples)))
        chosen = chosen or engines.choose(asked, -(-len(points) // at_once), engine).engine
        run = engines.run(asked, chosen, steps=1)
        layout = run.layout
        first = layout.samples + layout.sample_starts[Quantity.OUT] + layout.out_at[network.depth]
        for k, values in enumerate(outputs):
            found = run.log[first + k : layout.size : layout.sample_size]
            values.extend(found[: len(samples)])
    return outputs


def kind_of(values: Sequence[float], threshold: float) -> int | None:
    """Return the class that outputs (or targets) stand for (`model.class_of`); None if one is nan.

    With one output the second class begins at the threshold.
    """
    return None if any(value != value for value in values) else class_of(values, threshold)


def threshold_of(samples: Sequence[Sample]) -> float:
    """Return what parts two classes of one output: halfway from the lowest to the highest target.

    0.5 if all targets are the same, or none is given.
    """
    targets = [t for sample in samples for t in sample.t]
    low, high = min(targets, default=0.0), max(targets, default=1.0)
    return 0.5 if low == high else low + 0.5 * (high - low)


def accuracy(problem: Problem, samples: Sequence[Sample], engine: str = "auto") -> float:
    """Return the part of samples that are put into their class; nan if there are no targets."""
    known = [sample for sample in samples if sample.t]
    if not known:
        return nan
    threshold = threshold_of(problem.samples)
    found = answers(problem, [sample.x for sample in known], engine)
    right = sum(
        kind_of(outputs, threshold) == kind_of(sample.t, threshold)
        for sample, *outputs in zip(known, *found, strict=True)
    )
    return right / len(known)


def look_at(
    problem: Problem,
    size: tuple[int, int] = (121, 121),
    test: Sequence[Sample] = (),
    title: str = "",
    engine: str = "auto",
) -> Plane | Line:
    """Return what the network of `problem` answers in and around its samples.

    Parameters
    ----------
    problem : Problem
        With the parameters to look at.
    size : (int, int)
        Columns and rows of the grid.
    test : sequence of Sample
        Samples that are kept for the test.
    title : str
    engine : str
        As for `engine.run`.

    Raises
    ------
    BptraceError
        If the network has more than two inputs.
    """
    n_inputs = problem.network.widths[0]
    if n_inputs > 2:
        raise BptraceError(
            f"a decision boundary is drawn for networks with one or two inputs; "
            f"this one has {n_inputs}. Choose other pictures"
        )
    look = _line if n_inputs == 1 else _plane
    return look(problem, size, test, title, engine)


def _plane(
    problem: Problem, size: tuple[int, int], test: Sequence[Sample], title: str, engine: str
) -> Plane:
    everyone = [*problem.samples, *test]
    xs = _range([sample.x[0] for sample in everyone], size[0])
    ys = _range([sample.x[1] for sample in everyone], size[1])
    threshold = threshold_of(problem.samples)
    targets = {sample.t for sample in problem.samples if sample.t}
    is_continuous = problem.network.widths[-1] == 1 and len(targets) > 2
    return Plane(
        xs,
        ys,
        answers(problem, [(x, y) for y in ys for x in xs], engine),
        threshold,
        tuple(_dots(problem.samples, threshold, False)) + tuple(_dots(test, threshold, True)),
        nan if is_continuous else accuracy(problem, problem.samples, engine),
        _names(problem, 0),  # type: ignore[arg-type]
        kind_names(problem),
        title,
        is_continuous,
    )


def _line(
    problem: Problem, size: tuple[int, int], test: Sequence[Sample], title: str, engine: str
) -> Line:
    everyone = [*problem.samples, *test]
    xs = _range([sample.x[0] for sample in everyone], size[0])
    dots = tuple(
        Dot(sample.x[0], t, k, s >= len(problem.samples))
        for s, sample in enumerate(everyone)
        for k, t in enumerate(sample.t)
    )
    outputs = answers(problem, [(x,) for x in xs], engine)
    last = problem.network.depth
    return Line(xs, outputs, dots, _names(problem, 0)[0], _names(problem, last), title)


def _dots(samples: Sequence[Sample], threshold: float, is_test: bool) -> list[Dot]:
    """Return samples as points; one without targets has the class −1."""
    return [
        Dot(
            s.x[0],
            s.x[1],
            -1 if not s.t else kind_of(s.t, threshold) or 0,
            is_test,
            s.t[0] if len(s.t) == 1 else nan,
        )
        for s in samples
    ]


def _range(values: Sequence[float], count: int) -> tuple[float, ...]:
    """Return `count` numbers over the range of `values` and a margin around it."""
    low, high = min(values), max(values)
    margin = MARGIN * (high - low)
    if not (margin > 0.0 and isfinite(margin)):  # one value, or beyond all numbers
        margin = 0.5 * max(1.0, abs(low)) if low == high else 0.0
    start, end = low - margin, high + margin
    parts = max(1, count - 1)
    return tuple(start * (1.0 - k / parts) + end * (k / parts) for k in range(count))


def _names(problem: Problem, l: int) -> tuple[str, ...]:
    """Return what the neurons of a layer are called; inputs without names as their columns are."""
    layer, data = problem.network.layers[l], problem.data
    columns = data.inputs if data and l == 0 and len(data.inputs) == layer.size else ()
    return layer.names or columns or ("",) * layer.size


def kind_names(problem: Problem) -> tuple[str, ...]:
    """Return what the classes are called, in the order of `kind_of`.

    As in the data; else by the targets of one output, or by the names of several.
    """
    data = problem.data
    if data and data.classes:
        is_turned = problem.network.widths[-1] == 1 and data.low > data.high
        return data.classes[::-1] if is_turned else data.classes
    if problem.network.widths[-1] > 1:
        names = _names(problem, problem.network.depth)
        return tuple(name or str(k) for k, name in enumerate(names, 1))
    targets = sorted({t for sample in problem.samples for t in sample.t})
    if len(targets) == 2:
        return tuple(f"{t:g}" for t in targets)
    threshold = f"{threshold_of(problem.samples):g}"
    return (f"≤ {threshold}", f"> {threshold}")
