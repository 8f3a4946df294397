"""JSON: every quantity of a run by its positional name.

A document is strict JSON (RFC 8259). Floats are written with as many digits as bring the same bits
back (at most 17); nan and infinities, which JSON does not have, as the strings "NaN", "Infinity"
and "-Infinity", which Python's `float` and JavaScript's `Number` read. This module knows no
dialect: names are positional.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite, isnan
from typing import Any

from bptrace.address import Address, Quantity
from bptrace.model import Problem
from bptrace.trace import Trace

Q = Quantity
_STEP_OF = {Q.W_NEW: Q.STEP_W, Q.B_NEW: Q.STEP_B}


def number(value: float) -> float | str:
    """Return `value`, or the string that stands for it if JSON has no such number."""
    if isfinite(value):
        return value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def dumps(document: Any, ascii: bool = False) -> str:
    """Return a document as text; `ascii` escapes everything else."""
    return _text(_strict(document), ascii, indent=2)


def _text(document: Any, ascii: bool, indent: int | None = None) -> str:
    return json.dumps(document, ensure_ascii=ascii, allow_nan=False, indent=indent)


def _strict(document: Any) -> Any:
    """Return a document with strings for the floats that JSON does not have."""
    if isinstance(document, float):
        return number(document)
    if isinstance(document, dict):
        return {key: _strict(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_strict(value) for value in document]
    return document


def run_document(trace: Trace, steps: Iterable[int] | None = None) -> dict[str, Any]:
    """Return a run as one document, ``{"file", "engine", "steps": [entry, …]}``.

    Each entry is ``{"step", "sample", "values": {positional name: number}}``, the values in order
    of calculation. A step that takes one sample is one entry with everything; a step that takes
    several has one entry per sample (inputs, targets, forward, backward) and then one with
    ``"sample": null`` for what belongs to the batch: η, the parameters before the step, E and the
    gradients of the batch, the steps and the parameters after it.

    Parameters
    ----------
    trace : Trace
    steps : iterable of int, optional
        Default: all steps of the trace.
    """
    chosen = range(1, trace.steps + 1) if steps is None else steps
    entries = [entry for step in chosen for entry in step_entries(trace, step)]
    return {"file": trace.problem.file, "engine": trace.engine, "steps": entries}


def write_run(
    trace: Trace, steps: Iterable[int], write: Callable[[str], object], ascii: bool = False
) -> None:
    """Write what `run_document` returns piece by piece, one line per entry."""
    head = _text({"file": trace.problem.file, "engine": trace.engine}, ascii)
    write(head[:-1] + ', "steps": [')
    separator = "\n"
    for step in steps:
        for entry in step_entries(trace, step):
            write(separator + _text(entry, ascii))
            separator = ",\n"
    write("\n]}\n")


def step_entries(trace: Trace, step: int) -> Iterator[dict[str, Any]]:
    """Yield the entries of one step: see `run_document`."""
    values, batch = trace.values(), trace.samples(step)
    before, after = list(_parameters(trace.problem, step)), list(_update(trace, step))
    if len(batch) == 1:
        inside = [*before, *_sample(trace, batch[0], step), *after]
        yield _entry(step, batch[0], inside, _of_single_sample(values))
        return
    for sample in batch:
        yield _entry(step, sample, _sample(trace, sample, step), values)
    yield _entry(step, None, [*before, *after], values)


def _entry(
    step: int,
    sample: int | None,
    addresses: Iterable[Address],
    values: Callable[[Address], float],
) -> dict[str, Any]:
    named: Mapping[str, float | str] = {a.positional: number(float(values(a))) for a in addresses}
    return {"step": step, "sample": sample, "values": named}


def _of_single_sample(values: Callable[[Address], float]) -> Callable[[Address], float]:
    """Take the gradients of the only sample from the log, where they stand as the batch's."""

    def value(address: Address) -> float:
        logged = address.quantity in (Q.D_W, Q.D_B) and address.of is None
        return values(address.at(0, address.step)) if logged else values(address)

    return value


def _parameters(problem: Problem, step: int) -> Iterator[Address]:
    """Yield η, if there is an update, and the parameters before it; no missing connections."""
    network = problem.network
    if problem.phases == 3:
        yield Address(Q.ETA, step=step)
    for l in range(1, network.depth + 1):
        for j in range(1, network.widths[l] + 1):
            for i in network.sources(l, j):
                yield Address(Q.W, l, j, i, step=step)
        for j in range(1, network.layers[l].biases + 1):
            yield Address(Q.B, l, j, step=step)


def _sample(trace: Trace, sample: int, step: int) -> Iterator[Address]:
    """Yield what belongs to one sample: x, t, then the chapter's forward and backward pass."""
    network = trace.problem.network
    for i in range(1, network.widths[0] + 1):
        yield Address(Q.OUT, 0, i, sample=sample, step=step)
    if trace.problem.samples[sample - 1].t:
        for k in range(1, network.widths[-1] + 1):
            yield Address(Q.T, 0, k, sample=sample, step=step)
    yield from trace.chapter.forward(sample, step)
    yield from trace.chapter.backward(sample, step)


def _update(trace: Trace, step: int) -> Iterator[Address]:
    """Yield the chapter's update, with the step Δ in front of each new parameter."""
    for address in trace.chapter.update(step):
        if address.quantity in _STEP_OF:
            yield address._replace(quantity=_STEP_OF[address.quantity])
        yield address
