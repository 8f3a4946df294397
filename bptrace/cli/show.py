"""``bptrace show DIR``: what a trace on disk holds, and any step of it as a hand calculation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bptrace.cli import options, program
from bptrace.errors import BptraceError

if TYPE_CHECKING:
    from bptrace.store import StoredTrace

trace_argument = click.argument("directory", metavar="DIR")


@program.command(
    "show",
    en="DIR is what `bptrace train FILE --save DIR` wrote, whole or cut short by a kill. Without "
    "--step: how far the run went and what is stored. With it: the step as `bptrace run` prints "
    "it, recomputed from the nearest checkpoint and compared with what is stored.",
    zh="DIR 是 `bptrace train FILE --save DIR` 写出的目录，中途被终止的也可以。不带 --step："
    "显示运行到第几步、存了哪些量。带 --step：像 `bptrace run` 那样打印该步，"
    "从最近的检查点重算，并与所存内容逐位核对。",
)
@trace_argument
@options.together(
    program.option(
        "--step",
        type=click.IntRange(min=1),
        metavar="K",
        en="Print step K.",
        zh="打印第 K 步。",
    ),
    options.sample,
    options.matrix,
    options.only,
    program.option(
        "--verify",
        is_flag=True,
        en="Read every file and compare it with its hash.",
        zh="读取每个文件，并与其哈希值核对。",
    ),
    options.digits,
    options.dialect,
    options.json_,
    options.ascii_,
    options.lang,
)
@click.pass_context
def command(
    ctx: click.Context,
    directory: str,
    step: int | None,
    sample: int | None,
    matrix: bool,
    only: tuple[str, ...],
    verify: bool,
    digits: int,
    dialect: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Show a trace on disk."""
    from bptrace.cli import run
    from bptrace.store import open_trace

    options.check_matrix(matrix, only)
    out = options.output(ctx, ascii)
    trace = open_trace(directory, ready=False)
    notation = out.notation(trace.problem, dialect)
    if verify:
        trace.verify()
    if step is None and sample is None and not only and not matrix:
        print_overview(trace, out, as_json, verify)
        return 0
    if step is not None and step > trace.steps:
        raise BptraceError(_no_step(trace, step))
    chosen = run.chosen_steps(trace.problem, trace.steps, step or (None if sample else 1), sample)
    if as_json:
        run.write_json(trace, chosen)
        return 0
    run.print_steps(trace, run.Part(chosen, sample, only, digits, matrix), notation, out)
    return 0


def _no_step(trace: StoredTrace, step: int) -> str:
    return (
        f"there is no step {step}; the trace has {options.count_steps(trace.steps)}. "
        f"`bptrace resume {trace.folder} --steps {step}` calculates more"
    )


def print_overview(
    trace: StoredTrace, out: options.Output, as_json: bool, verified: bool = False
) -> None:
    """Print how far a run went and what is stored."""
    if as_json:
        options.print_json(overview(trace))
        return
    from bptrace.render.facts import Facts

    title = trace.problem.title or str(trace.folder)
    out.console().print(Facts(title, list(_rows(trace, out, verified))))


def overview(trace: StoredTrace) -> dict[str, Any]:
    """Return how far a run went and what is stored, as plain data."""
    log = trace.problem.log
    first, last = _errors(trace)
    return {
        "directory": str(trace.folder),
        "title": trace.problem.title,
        "steps": trace.steps,
        "goal": trace.goal,
        "error": {"first": first, "last": last},
        "checkpoints": trace.info.interval,
        "log": {"every": log.every, "quantities": list(log.quantities)} if log else None,
        "bytes": _bytes(trace.folder),
        "full_bytes": 8 * trace.layout.size * trace.steps,
    }


def _rows(trace: StoredTrace, out: options.Output, verified: bool) -> Iterator[tuple[str, str]]:
    words, dots = out.words, "..." if out.ascii else "…"
    facts = overview(trace)
    yield words("trace steps"), words("of goal", steps=f"{trace.steps:,}", goal=f"{trace.goal:,}")
    first, last = facts["error"]["first"], facts["error"]["last"]
    if first is not None and last is not None:
        yield "E", f"{first:.6g} {dots} {last:.6g}"
    yield words("checkpoints"), words("every steps", n=f"{trace.info.interval:,}")
    if (log := trace.problem.log) is not None:
        every = words("every steps", n=f"{log.every:,}")
        yield words("in full"), f"{', '.join(log.quantities)}; {every}"
    sizes = {"size": _size(facts["bytes"]), "full": _size(facts["full_bytes"])}
    yield words("on disk"), words("size of full", **sizes)
    if verified:
        yield words("verified"), words("as written")
    if trace.steps < trace.goal:
        yield words("go on"), f"bptrace resume {trace.folder}"
    if trace.steps:
        yield words("any step"), f"bptrace show {trace.folder} --step {trace.steps}"


def _errors(trace: StoredTrace) -> tuple[float | None, float | None]:
    """Return E of the first and of the last step, None where there is none."""
    if not trace.steps:
        return None, None
    ends = trace.stored_errors(0, 1)[0], trace.stored_errors(trace.steps - 1, trace.steps)[0]
    return tuple(None if isnan(e) else e for e in ends)  # type: ignore[return-value]


def _bytes(folder: Path) -> int:
    """Return what the directory takes on the disk; a block that is not full takes what is in it."""
    sizes = (os.stat(place) for place in folder.rglob("*") if place.is_file())
    return sum(512 * s.st_blocks if hasattr(s, "st_blocks") else s.st_size for s in sizes)


def _size(count: int) -> str:
    """Return "12 kB" and the like."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:,.0f} {unit}"
