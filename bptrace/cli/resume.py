"""``bptrace resume DIR``: go on with a trace as if it had never stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

import click

from bptrace.cli import options, program
from bptrace.cli.faults import INTERRUPTED, remark
from bptrace.cli.show import print_overview, trace_argument

if TYPE_CHECKING:
    from bptrace.engine import State

REFRESH = 0.1
WIDEST = 30
"""Cells of the number of a step on the terminal, which is wiped at the end."""


@program.command(
    "resume",
    en="DIR is what `bptrace train FILE --save DIR` wrote. A run that was interrupted, killed or "
    "cut short by a full disk goes on from the last step that is whole on the disk; its files end "
    "up the same in every bit as those of a run that never stopped.",
    zh="DIR 是 `bptrace train FILE --save DIR` 写出的目录。被中断、终止或因磁盘写满而停下的运行，"
    "从磁盘上最后一个完整的步骤继续；最终的文件与从未中断的运行逐位相同。",
)
@trace_argument
@options.together(
    program.option(
        "--steps",
        type=click.IntRange(min=0),
        metavar="N",
        en="Updates that the run is to have in all; default: as many as it was to have.",
        zh="总共要有多少次更新；默认按原定次数。",
    ),
    options.engine,
    options.json_,
    options.ascii_,
    options.lang,
)
@click.pass_context
def command(
    ctx: click.Context, directory: str, steps: int | None, engine: str, as_json: bool, ascii: bool
) -> int:
    """Go on with a trace."""
    from bptrace.store import open_trace, resume

    out = options.output(ctx, ascii)
    begin = open_trace(directory, ready=False).steps
    code = 0
    try:
        trace = resume(directory, steps, engine, _progress(out))
    except KeyboardInterrupt:
        trace, code = open_trace(directory, ready=False), INTERRUPTED
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * WIDEST + "\r")
    remark(out.words("steps added", n=f"{trace.steps - begin:,}"))
    print_overview(trace, out, as_json)
    return code


def _progress(out: options.Output) -> Callable[[State], None] | None:
    """Return what keeps the number of the step on the terminal; None if there is no terminal."""
    if not sys.stderr.isatty():
        return None
    last = monotonic()

    def tell(state: State) -> None:
        nonlocal last
        if monotonic() - last >= REFRESH:
            last = monotonic()
            sys.stderr.write(f"\r{out.words('step', step=f'{state.steps:,}')} ")
            sys.stderr.flush()

    return tell
