"""``bptrace gradcheck FILE``: whether every gradient is the slope of E."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from bptrace.cli import options, program
from bptrace.errors import BptraceError

if TYPE_CHECKING:
    from bptrace.checks.gradients import Point
    from bptrace.notation import Notation

DIFFERS = 1


@program.command(
    "gradcheck",
    en="Every ∂E/∂w and ∂E/∂b, every δ (z itself is moved) and ∂E/∂x against central differences. "
    "Each has a bound of its own, from the rounding of E at this point and from two step sizes, so "
    "the verdict is agrees, differs, or undecided (a kink, a jump, saturation), never a pass by a "
    "tolerance. Exit code 1 if a gradient differs.",
    zh="用中心差分检验每个 ∂E/∂w、∂E/∂b、δ（直接扰动 z）和 ∂E/∂x。"
    "每个量都有自己的误差界（该点处 E 的舍入误差与两种步长的截断误差），"
    "结论为一致、不一致或无法判定（折点、跳跃、饱和），绝不靠宽松的容差放行。"
    "若有梯度不一致，退出码为 1。",
)
@options.file_argument
@options.together(
    program.option(
        "--step",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        en="At step N, of its batch.",
        zh="第 N 步，对其整个批次。",
    ),
    program.option(
        "--sample",
        type=click.IntRange(min=1),
        metavar="S",
        en="Of sample S alone.",
        zh="只对样本 S。",
    ),
    options.only,
    program.option(
        "--all",
        "everything",
        is_flag=True,
        en="Print every gradient also of a large network.",
        zh="网络很大时也打印每个梯度。",
    ),
    program.option(
        "--certify",
        "certified",
        is_flag=True,
        en="Prove, too, how far each float64 gradient is from the exact one (needs python-flint).",
        zh="另用球算术证明每个 float64 梯度与精确值的最大距离（需要 python-flint）。",
    ),
    program.option(
        "--against",
        metavar="ARRAYS",
        default="",
        en="Judge the gradients of your own implementation instead, from an .npz, .npy or .json "
        "file: dW1, db1, … or W1, b1, … or 0.weight, 0.bias, …; float64, or float32 by what "
        "float32 can do.",
        zh="改为检验你自己实现的梯度，从 .npz、.npy 或 .json 文件读取："
        "dW1、db1 …，W1、b1 …，或 0.weight、0.bias …；float64，或按 float32 的精度判断 float32。",
    ),
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
    step: int,
    sample: int | None,
    only: tuple[str, ...],
    everything: bool,
    certified: bool,
    against: str,
    dialect: str,
    engine: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Judge every gradient of a step."""
    problem = options.load(file)
    out = options.output(ctx, ascii)
    notation = out.notation(problem, dialect)

    from bptrace.checks.gradients import check_gradients, document, point_of
    from bptrace.cli.faults import remark
    from bptrace.cli.run import split_names
    from bptrace.render.calculation import neurons

    chosen = neurons(notation, split_names(only))
    if against:
        check_alone(certified)
        point = point_of(problem, step, sample)
        return _foreign(point, against, out, notation, chosen, everything, as_json)
    found = check_gradients(point_of(problem, step, sample), engine)
    if found.remark:
        remark(found.remark)
    proof = None
    if certified:
        from bptrace.checks.certified import certify

        proof = certify(found)
        ulps = proof.ulps
    else:
        from bptrace.checks.nearness import nearness

        ulps = nearness(found, engine)
    if as_json:
        options.print_json(document(found.of_neurons(chosen), ulps))
    else:
        from bptrace.render.gradients import GradientView

        view = GradientView(found, ulps, notation, out.words, chosen, everything, proof)
        out.console().print(view)
    return 0 if found.ok else DIFFERS


def check_alone(certified: bool) -> None:
    """Raise `BptraceError` if a proof is asked for, which is about our own gradients."""
    if certified:
        raise BptraceError(
            "--certify proves bptrace's own gradients, --against judges others. "
            "Leave one of the two out"
        )


def _foreign(
    point: Point, file: str, out: options.Output, notation: Notation,
    chosen: Collection[tuple[int, int]], everything: bool, as_json: bool,
) -> int:  # fmt: skip
    """Judge the gradients of a file."""
    from bptrace.checks.foreign.against import judge
    from bptrace.io.gradients import read_gradients, reader_of
    from bptrace.render.against import AgainstView, document

    found = judge(point, read_gradients(file), reader_of(notation), file)
    if as_json:
        elements = found.of_neurons(chosen)
        options.print_json(document(found, elements, notation, out.words, file))
    else:
        out.console().print(AgainstView(found, notation, out.words, file, chosen, everything))
    return 0 if found.ok else DIFFERS
