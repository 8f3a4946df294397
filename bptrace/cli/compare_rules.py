"""``bptrace compare-rules FILE``: Hebb, δ and gradient descent on the same numbers."""

from __future__ import annotations

import click

from bptrace.cli import options, program


@program.command(
    "compare-rules",
    en="The three ages of learning on one sample: Hebb's rule, the δ rule and gradient descent, "
    "each with what it looks at, its formula, and the step of every weight and bias of the last "
    "layer; then the output and E after it. Other rules of `bptrace list rules` by --rules; those "
    "with a memory begin with an empty one. Try `bptrace compare-rules lh25-2020`.",
    zh="同一样本上学习的三个阶段：Hebb 规则、δ 规则和梯度下降。"
    "各给出所依据的量、公式，以及最后一层每个权重和偏置的更新量，"
    "再给出更新后的输出与 E。用 --rules 可选 `bptrace list rules` 中的其他规则；"
    "有记忆的规则从零开始。可试 `bptrace compare-rules lh25-2020`。",
)
@options.file_argument
@options.together(
    program.option(
        "--rules",
        default="hebb,delta,gradient-descent",
        show_default=True,
        metavar="LIST",
        en="Names of rules with commas between them.",
        zh="规则名称，以逗号分隔。",
    ),
    program.option(
        "--steps",
        type=click.IntRange(min=1, max=1_000_000),
        default=1,
        show_default=True,
        metavar="N",
        en="Show the outcome of N updates by the same sample, too.",
        zh="另给出用同一样本更新 N 次的结果。",
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
    rules: str,
    steps: int,
    sample: int,
    digits: int,
    dialect: str,
    engine: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Print what several rules make of the same numbers."""
    problem = options.load(file)
    out = options.output(ctx, ascii)
    options.check_sample(sample, problem)

    from bptrace.checks.rules import compare
    from bptrace.render.rules import Ages

    names = tuple(dict.fromkeys(name.strip() for name in rules.split(",")))
    found = compare(
        problem, lambda p, n: options.calculate(p, engine, steps=n), names, sample, steps
    )
    if as_json:
        options.print_json(found.document())
    else:
        out.console().print(Ages(found, dialect, out.words, digits, out.ascii))
    return 0
