"""``bptrace compare-losses FILE``: squared error and cross-entropy on the same numbers."""

from __future__ import annotations

import click

from bptrace.cli import options, program


@program.command(
    "compare-losses",
    en="The same network, sample and learning rate with the half-squared error and with the "
    "cross-entropy that undoes the last activation: E, the slopes and the step of every output, "
    "and the output after some updates. Where a neuron is saturated, its slope is near 0: it "
    "stands in δ of the squared error, and in that of cross-entropy it cancels. Try "
    "`bptrace compare-losses saturated`.",
    zh="同一网络、样本和学习率，分别采用半平方误差和与最后一层激活函数配套的交叉熵："
    "比较 E、各导数、每个输出的更新量，以及若干次更新后的输出。"
    "神经元饱和时导数接近 0：平方误差的 δ 含有它，交叉熵的 δ 中它被约去。"
    "可试 `bptrace compare-losses saturated`。",
)
@options.file_argument
@options.together(
    program.option(
        "--steps",
        type=click.IntRange(min=1, max=1_000_000),
        default=100,
        show_default=True,
        metavar="N",
        en="Show the outputs after N updates, too.",
        zh="另给出 N 次更新后的输出。",
    ),
    program.option(
        "--sample",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="S",
        en="Of sample S.",
        zh="样本 S。",
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
    steps: int,
    sample: int,
    digits: int,
    dialect: str,
    engine: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Print what two losses make of the same numbers."""
    problem = options.load(file)
    out = options.output(ctx, ascii)
    options.check_sample(sample, problem)

    from bptrace.checks.losses import compare
    from bptrace.render.losses import SideBySide

    found = compare(problem, lambda p, n: options.calculate(p, engine, steps=n), sample, steps)
    if as_json:
        options.print_json(found.document())
    else:
        out.console().print(SideBySide(found, out.notation(problem, dialect), out.words, digits))
    return 0
