"""``bptrace explain FILE QUANTITY``: one quantity and its whole chain rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bptrace.cli import options, program

if TYPE_CHECKING:
    from bptrace.maths.expr import Expr
    from bptrace.model import Problem
    from bptrace.notation import Notation


class _Sample(click.ParamType[int]):
    """A number from 1, or "batch" for the whole batch (0)."""

    name = "sample"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value)
        if text == "batch":
            return 0
        if text.isascii() and text.isdecimal() and text.strip("0") and len(text) < 9:
            return int(text)
        self.fail(f"{text!r} is neither a number from 1 nor 'batch'", param, ctx)


@program.command(
    "explain",
    en="QUANTITY is named as in the file's dialect (dE/dw5, ∂E_O2/∂out_h1, w5+), as in that of "
    "--dialect, or by its position (dE/dw[2,1,1]: layer, neuron, neuron of the layer before); or "
    "it is an expression over such names ('t_O1 - out_O1'). Below it stands all that its equation "
    "speaks of, each quantity worked out once, down to given numbers.",
    zh="QUANTITY 用文件所用记法（或 --dialect 的记法）的名称（dE/dw5、∂E_O2/∂out_h1、w5+），"
    "或用位置名称（dE/dw[2,1,1]：层、神经元、上一层的神经元），"
    "也可以是这些名称组成的式子（'t_O1 - out_O1'）。"
    "下面逐层列出等式中的每个量，各展开一次，直到已知数。",
)
@options.file_argument
@click.argument("quantity", metavar="QUANTITY")
@options.together(
    options.steps,
    program.option(
        "--step",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="K",
        en="In step K.",
        zh="第 K 步。",
    ),
    program.option(
        "--sample",
        type=_Sample(),
        metavar="S",
        en="Of sample S, or 'batch'; default: the step's first sample, the batch for gradients.",
        zh="样本 S，或 'batch'（整批）；默认取该步的第一个样本，梯度则取整批。",
    ),
    program.option(
        "--depth",
        type=click.IntRange(0, 100),
        metavar="D",
        en="Unfold D levels; default: as many as make about 60 equations.",
        zh="展开 D 层；默认约 60 个等式以内。",
    ),
    options.digits,
    options.dialect,
    options.engine,
    options.json_,
    options.ascii_,
    options.lang,
)
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    quantity: str,
    steps: int | None,
    step: int,
    sample: int | None,
    depth: int | None,
    digits: int,
    dialect: str,
    engine: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Print one quantity: its chain rule down to given numbers."""
    problem = options.load(file)
    out = options.output(ctx, ascii)
    notation = out.notation(problem, dialect)
    expr = read(quantity, problem, notation)  # before all work: typing errors are likeliest
    options.check_sample(sample or 0, problem)
    options.check_step(step, problem.training.steps if steps is None else steps)
    trace = options.calculate(problem, engine, steps=step)  # what comes later changes nothing here

    from bptrace.render.explain import Explanation

    found = Explanation(trace, notation, out.words, expr, step, sample, digits, depth)
    if as_json:
        options.print_json(found.document())
    else:
        out.console().print(found)
    return 0


def read(quantity: str, problem: Problem, notation: Notation) -> Expr:
    """Read a quantity in the dialect of the file, else in that of the output."""
    from bptrace.notation import Notation, NotationError

    try:
        return Notation.of(problem).read(quantity)
    except NotationError as error:
        try:
            return notation.read(quantity)
        except NotationError:
            raise error from None
