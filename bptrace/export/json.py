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
from bptrace.checks.author import Author
from bptrace.checks.report import Mistaken, Report, Verdict
from bptrace.maths.expr import FLOATS, Expr, Op, Ref
from bptrace.model import Claim, Data, Problem
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

    With samples from [data] there is also ``"data"``: see `data_document`.

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
    chosen = trace.numbers if steps is None else steps
    entries = [entry for step in chosen for entry in step_entries(trace, step)]
    return {**_head(trace), "steps": entries}


def _head(trace: Trace) -> dict[str, Any]:
    """Return what stands before the steps."""
    data = trace.problem.data
    head: dict[str, Any] = {"file": trace.problem.file, "engine": trace.engine}
    return head if data is None else {**head, "data": data_document(data, trace.problem)}


def data_document(data: Data, problem: Problem) -> dict[str, Any]:
    """Return what is known of the samples of a problem that come from [data]."""
    return {
        "source": data.source,
        "training": len(problem.samples),
        "test": len(data.test),
        "left_out": data.left_out,
        "inputs": list(data.inputs),
        "targets": list(data.targets),
        "classes": list(data.classes),
        "targets_are": [data.low, data.high],
        "means": list(data.means),
        "deviations": list(data.deviations),
    }


def write_run(
    trace: Trace, steps: Iterable[int], write: Callable[[str], object], ascii: bool = False
) -> None:
    """Write what `run_document` returns piece by piece, one line per entry."""
    head = _text(_head(trace), ascii)
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
    """Yield η, if there is an update, and what is known before it; no missing connections."""
    network = problem.network
    if problem.learns:
        yield Address(Q.ETA, step=step)
    for l in range(1, network.depth + 1):
        for j in range(1, network.widths[l] + 1):
            for i in network.sources(l, j):
                yield from _with_memory(problem, Address(Q.W, l, j, i, step=step))
        for j in range(1, network.layers[l].biases + 1):
            yield from _with_memory(problem, Address(Q.B, l, j, step=step))


def _with_memory(problem: Problem, parameter: Address) -> Iterator[Address]:
    yield parameter
    for quantity in problem.memory:
        yield parameter._replace(quantity=quantity)


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


# ------------------------------------------------------------------------------------ verdicts


def check_document(
    report: Report, trace: Trace, explain: Callable[[Verdict], str | None], repair: bool = False
) -> dict[str, Any]:
    """Return the verdicts on a page as one document, ``{"file", "summary", "claims"}``.

    ``summary`` counts the verdicts and has ``mistakes`` (their number) and ``first_mistake``, null
    or ``{"quantity", "line"}``. ``claims`` is a list in the order of the file. Numbers that are
    judged are strings: ``printed`` as printed, ``exact`` and ``expected`` with the digits that
    bring the same float back. A claim without a number has the verdict "missing".

    Parameters
    ----------
    report : Report
    trace : Trace
        The right calculation.
    explain : function
        One sentence on a line that is not right, in the language of the output.
    repair : bool
        Add ``repair``: what changes when the first mistake is mended.
    """
    names = _Positional(report, trace)
    first = report.first_mistake
    entries = {id(v.claim): _verdict(v, names, explain) for v in report.verdicts}
    entries |= {id(claim): names.missing(claim) for claim in report.missing}
    place = {"quantity": names.claim(first.claim), "line": first.claim.line} if first else None
    counts = {"numbers": len(report.verdicts), **report.counts, "missing": len(report.missing)}
    summary = counts | {"mistakes": len(report.mistakes), "first_mistake": place}
    claims = [entries[id(c)] for c in report.problem.claims if id(c) in entries]
    document = {"file": report.problem.file, "summary": summary, "claims": claims}
    if report.reading is not None:
        wrong = report.reading_wrong
        document["reading"] = {"name": report.reading.name, "wrong": wrong}
    if repair:
        document["repair"] = list(_repair(report, names))
    return document


class _Positional:
    """What claims speak of, by positional names; expressions by the text of the file."""

    def __init__(self, report: Report, trace: Trace) -> None:
        self.trace = trace
        self._read = {id(claim): expr for claim, expr in trace.claims()}
        self.author = Author(trace, report)
        self._claims = {v.key: v.claim for v in reversed(report.verdicts)}

    def claim(self, claim: Claim) -> str:
        """Return the name of what a claim speaks of."""
        sign, address = _address(self._read[id(claim)], claim.minus_delta)
        return claim.quantity if address is None else sign + address.positional

    def key(self, key: Address | Expr) -> str:
        """Return the name of a step of the page: as it is claimed, if it is."""
        if key in self._claims:
            return self.claim(self._claims[key])
        return key.positional if isinstance(key, Address) else "expression"

    def line(self, key: Address | Expr) -> int | None:
        """Return the line of the claim about a step of the page."""
        return self._claims[key].line if key in self._claims else None

    def place(self, claim: Claim) -> dict[str, Any]:
        """Return name, step, sample, line and column; sample is null for a whole batch."""
        _, address = _address(self._read[id(claim)], claim.minus_delta)
        sample = claim.sample if address is None else address.sample or claim.sample
        batch = self.trace.samples(claim.step)
        if sample is None and len(batch) == 1:
            sample = batch[0]
        return {
            "quantity": self.claim(claim),
            "text": claim.quantity,
            "step": claim.step,
            "sample": sample or None,
            "line": claim.line,
            "column": claim.column,
            "equation": claim.eq or None,
        }

    def missing(self, claim: Claim) -> dict[str, Any]:
        """Return the entry of a claim without a number."""
        exact = FLOATS.read(self._read[id(claim)], self.trace.values())
        return self.place(claim) | {
            "printed": "",
            "exact": repr(float(exact)),
            "expected": None,
            "verdict": "missing",
            "mistake": None,
            "explanation": None,
            "carried_from": [],
        }


def _address(expr: Expr, minus_delta: bool) -> tuple[str, Address | None]:
    """Return the address of a quantity, with the sign of δ; None for an expression."""
    if minus_delta and isinstance(expr, Op) and expr.name == "neg":
        (inner,) = expr.args
        address = inner.key if isinstance(inner, Ref) else None
        if isinstance(address, Address) and address.quantity is Q.D_IN and address.of is None:
            return "-", address
    if isinstance(expr, Ref) and isinstance(expr.key, Address):
        return "", expr.key
    return "", None


def _verdict(
    verdict: Verdict, names: _Positional, explain: Callable[[Verdict], str | None]
) -> dict[str, Any]:
    assert verdict.claim.printed is not None
    roots = sorted(verdict.carried_from, key=lambda key: names.line(key) or 0)
    entry = names.place(verdict.claim) | {
        "printed": verdict.claim.printed.text,
        "exact": repr(float(verdict.exact)),
        "expected": repr(float(verdict.expected)),
        "verdict": verdict.verdict,
        "mistake": verdict.mistake,
        "explanation": explain(verdict),
        "carried_from": [names.key(key) for key in roots],
        "carried_from_lines": [names.line(key) for key in roots],
        "note": verdict.note or None,
    }
    if verdict.operands:
        entry["operands"] = [
            {
                "printed": operand.printed.text,
                "belongs": None if operand.belongs is None else names.key(operand.belongs),
                "is_value_of": None if operand.is_value_of is None else names.key(
                    operand.is_value_of),
            }
            for operand in verdict.operands
        ]  # fmt: skip
    if verdict.verdict == "wrong":
        entry |= _finding(verdict, names)
    return entry


def _finding(verdict: Verdict, names: _Positional) -> dict[str, Any]:
    """How sure the cause of a wrong line is, where it lies, and what else it might be."""
    finding = verdict.finding
    more: dict[str, Any] = {
        "certainty": verdict.certainty,
        "misprint": verdict.is_misprint,
        "used_by": [names.key(key) for key in verdict.used],
        "not_used_by": [names.key(key) for key in verdict.unused],
    }
    if finding is not None and verdict.certainty != "unexplained":
        others = [c for c in finding.candidates[1:8] if c.score > 0]
        more |= {
            "bits": round(finding.bits, 1),
            "chance": float(f"{finding.chance:.2g}"),
            "place": names.key(finding.best.place),
            "candidate": finding.best.mistake,
            "rivals": [
                {
                    "mistake": c.mistake,
                    "place": names.key(c.place),
                    "bits": round(c.score, 1),
                    "same_value": c.equals(finding.best),
                }
                for c in others
            ],
        }
    return more


def _repair(report: Report, names: _Positional) -> Iterator[dict[str, Any]]:
    """Yield the lines that change when the first mistake is mended."""
    mistakes: tuple[Mistaken, ...] = report.mistakes
    for mended in names.author.mended(mistakes[0]) if mistakes else ():
        claim = mended.verdict.claim
        assert claim.printed is not None
        yield {
            "quantity": names.claim(claim),
            "step": claim.step,
            "line": claim.line,
            "before": claim.printed.text,
            "after": mended.text,
            "right": mended.right,
        }
