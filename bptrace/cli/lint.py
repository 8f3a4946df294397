"""``bptrace lint FILE``: how telling a worked example is, and which numbers would be better."""

from __future__ import annotations

import click

from bptrace.cli import options, program

FOUND = 1


@program.command(
    "lint",
    en="A mistake can only be found if it leaves a trace. Every mistake of the table is made at "
    "every step of the first update, with given digits printed. Counted are those that change "
    "nothing on the page, those that give the same page as another one, and those that look like "
    "a misread digit. Numbers that make the example more telling are found by trying.",
    zh="错误只有留下痕迹才能被发现。对第一次更新的每一步，逐一代入错误表中的每种错误，"
    "按给定位数打印，统计：页面毫无变化的、与另一种错误结果相同的、看起来像抄错一位数字的。"
    "并通过试算找出更合适的已知数。",
)
@options.file_argument
@options.together(
    program.option(
        "--digits",
        type=click.IntRange(3, 12),
        default=4,
        show_default=True,
        metavar="D",
        en="Significant digits that the page prints, 3 to 12.",
        zh="页面打印的有效数字位数，3 到 12。",
    ),
    program.option(
        "--print",
        "printing",
        type=click.Choice(["all", "textbook"]),
        default="all",
        show_default=True,
        en="What is printed: every step; or in, out, E, δ, ∂E/∂w and the new weights.",
        zh="打印哪些量：每一步；或只有 in、out、E、δ、∂E/∂w 和新权重。",
    ),
    program.option(
        "--all", "everything", is_flag=True,
        en="Show each list to its end.",
        zh="完整列出每个清单。",
    ),
    program.option(
        "--strict", is_flag=True,
        en="End with exit code 1 if there is something to be changed.",
        zh="若有可改之处，退出码为 1。",
    ),
    options.dialect,
    options.json_,
    options.ascii_,
    options.lang,
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    digits: int,
    printing: str,
    everything: bool,
    strict: bool,
    dialect: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Say how telling a worked example is, and which numbers would be better."""
    problem = options.load(file)
    out = options.output(ctx, ascii)
    notation = out.notation(problem, dialect)

    from bptrace.checks.lint import lint
    from bptrace.checks.lint.example import check_size

    check_size(problem)
    found = lint(options.calculate(problem, "python", steps=1), digits, printing)

    from bptrace.render.lint import LintView

    view = LintView(found, notation, out.words, everything)
    if as_json:
        options.print_json(view.document())
    else:
        out.console().print(view)
    return FOUND if strict and found.coincidences else 0
