"""``bptrace run FILE``: the calculation, step by step."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from bptrace.cli import options, program
from bptrace.errors import BptraceError
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.model import Problem
    from bptrace.notation import Notation
    from bptrace.render.beside import Beside
    from bptrace.render.calculation import Calculation
    from bptrace.trace import Trace

MOST_STEPS = 20
MOST_EQUATIONS = 800
"""Up to this many equations (three lines each) all steps are printed if no step is asked for."""


@program.command(
    "run",
    en="Forward, backward, update: each number in symbols, with the numbers put in, and as the "
    "result; beside it what the source of the file prints. Of several steps all are printed if "
    f"they are at most {MOST_STEPS} and the network is small (together at most {MOST_EQUATIONS} "
    "equations), else the first and the last.",
    zh="前向传播、反向传播、更新：每个数字依次写成符号、代入数值、得出结果，旁边是题目来源中的数字。"
    f"多步时，若不超过 {MOST_STEPS} 步且网络较小（合计不超过 {MOST_EQUATIONS} 个等式）则全部打印，"
    "否则只打印第一步和最后一步。",
)
@options.file_argument
@options.together(
    options.steps,
    program.option(
        "--step",
        type=click.IntRange(min=1),
        metavar="K",
        en="Print step K only.",
        zh="只打印第 K 步。",
    ),
    options.sample,
    options.matrix,
    options.only,
    options.digits,
    options.dialect,
    options.engine,
    options.json_,
    options.ascii_,
    options.lang,
    options.verbose,
)
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    steps: int | None,
    step: int | None,
    sample: int | None,
    matrix: bool,
    only: tuple[str, ...],
    digits: int,
    dialect: str,
    engine: str,
    as_json: bool,
    ascii: bool,
    verbose: bool,
) -> int:
    """Print the whole calculation."""
    options.check_matrix(matrix, only)
    problem = options.load(file)
    out = options.output(ctx, ascii)
    notation = out.notation(problem, dialect)  # an unknown dialect is told before all work
    total = problem.training.steps if steps is None else steps
    chosen = chosen_steps(problem, total, step, sample)
    if as_json and not (step or sample):
        chosen = range(1, total + 1)
    # verdicts may look at any step; else a long run keeps what is printed only
    some = not problem.claims and len(chosen) < total
    trace = options.calculate(problem, engine, steps, verbose, chosen if some else None)
    if as_json:
        write_json(trace, chosen)
        return 0
    print_steps(trace, Part(chosen, sample, only, digits, matrix), notation, out)
    _say_what_is_left_out(trace, chosen, out)
    return 0


class Part(NamedTuple):
    """What is to be printed of a trace: steps, one sample or None, names of neurons, decimals.

    `matrix`: in matrix form.
    """

    steps: Sequence[int]
    sample: int | None
    only: Sequence[str]
    digits: int
    matrix: bool = False


def print_steps(trace: Trace, part: Part, notation: Notation, out: options.Output) -> None:
    """Print steps of a trace; beside each number its claim's verdict."""
    from bptrace.render.calculation import Calculation, Options, neurons

    what = Options(
        steps=part.steps,
        samples=(part.sample,) if part.sample else (),
        only=neurons(notation, split_names(part.only)),
        digits=part.digits,
    )
    if part.matrix:
        from bptrace.render.matrix import MatrixForm

        out.console().print(MatrixForm(trace, notation, out.words, what))
        return
    view = Calculation(trace, notation, out.words, what)
    if trace.problem.claims:
        view.remark = _verdicts(trace, view, out)
    out.console().print(view, crop=False)


def write_json(trace: Trace, steps: Iterable[int]) -> None:
    """Write steps of a trace as one JSON document."""
    from bptrace.export import json

    json.write_run(trace, steps, sys.stdout.write, options.stdout_is_ascii())


def _verdicts(trace: Trace, view: Calculation, out: options.Output) -> Beside:
    """Judge the claims; return what is to be said beside the numbers."""
    from bptrace.cli.judging import judge
    from bptrace.render.beside import Beside
    from bptrace.render.sentences import Sentences

    report, judged = judge(trace.problem, trace=trace, readings=False)
    say = Sentences(report, judged, view.notation, out.words, view.options.digits)
    return Beside(say, view.as_printed)


def chosen_steps(
    problem: Problem, steps: int, step: int | None, sample: int | None
) -> Sequence[int]:
    """Return which of `steps` to print; raise `BptraceError` if there is no such step or sample."""
    if step is not None:
        options.check_step(step, steps)
    if sample is not None:
        return (_step_of_sample(problem, steps, step, sample),)
    if step is not None:
        return (step,)
    if steps <= MOST_STEPS and steps * equations(problem) <= MOST_EQUATIONS:
        return range(1, steps + 1)
    return (1, steps) if steps > 1 else (1,)


def equations(problem: Problem) -> int:
    """Return about how many equations a step has: two per neuron and two per parameter."""
    parameters = problem.layout.n_parameters
    per_sample = 2 * sum(problem.network.widths) + parameters
    return problem.training.batch * per_sample + parameters


def _step_of_sample(problem: Problem, steps: int, step: int | None, sample: int) -> int:
    options.check_sample(sample, problem)
    if step is None:
        step = next((s for s in range(1, steps + 1) if sample in problem.batch(s)), None)
        if step is None:
            raise BptraceError(
                f"the run ends before sample {sample}, after {options.count_steps(steps)}. "
                "Use --steps to calculate more"
            )
    elif sample not in problem.batch(step):
        batch = ", ".join(map(str, problem.batch(step)))
        raise BptraceError(f"step {step} does not take sample {sample}; it takes sample {batch}")
    return step


def split_names(texts: Sequence[str]) -> list[str]:
    """Split at commas, but not at those inside the brackets of a positional name."""
    pieces = [piece.strip() for text in texts for piece in re.split(r",(?![^\[]*\])", text)]
    return [piece for piece in pieces if piece]


def _say_what_is_left_out(trace: Trace, chosen: Sequence[int], out: options.Output) -> None:
    from bptrace.cli.faults import remark

    if trace.steps == 0:
        remark(out.words("no steps"))
    elif len(chosen) == 2 and trace.steps > 2:
        remark(out.words("steps left out", steps=trace.steps))
