"""``bptrace plot FILE``: pictures of a training run, made now or kept on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bptrace.cli import options, program
from bptrace.cli.faults import remark
from bptrace.errors import BptraceError

if TYPE_CHECKING:
    from bptrace.io.toml import Document
    from bptrace.model import Problem
    from bptrace.pictures.gallery import Shown
    from bptrace.render.words import Words

MOST_HIDDEN = 9
"""Networks side by side in one picture."""


class Sizes(click.ParamType[tuple[int, ...]]):
    """Numbers of hidden neurons, such as ``1,2,3``."""

    name = "sizes"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers, each once."""
        pieces = [piece.strip() for piece in str(value).split(",")]
        if not all(p.isascii() and p.isdecimal() and p.strip("0") and len(p) < 6 for p in pieces):
            self.fail(f"{value!r} is not a list of sizes such as 1,2,3", param, ctx)
        if len(pieces) > MOST_HIDDEN:
            self.fail(f"{len(pieces)} sizes are too many; at most {MOST_HIDDEN}", param, ctx)
        return tuple(dict.fromkeys(map(int, pieces)))


hidden = program.option(
    "--hidden",
    type=Sizes(),
    metavar="N,N,…",
    en="Instead of the network of the file several, with N neurons in the first hidden layer.",
    zh="不用文件中的网络，而用多个网络，其第一隐藏层分别有 N 个神经元。",
)
weight = program.option(
    "--weight",
    multiple=True,
    metavar="NAME",
    en="Draw E along this weight or bias, such as w5, with tangent and update; default: the first "
    "weight of the last layer.",
    zh="画误差沿这个权重或偏置（如 w5）的曲线，附切线和更新；默认为最后一层的第一个权重。",
)
formats = program.option(
    "--format",
    "formats",
    type=click.Choice(["png", "svg"]),
    multiple=True,
    en="Write only this format; default: both.",
    zh="只写出这种格式；默认两种都写。",
)
force = program.option(
    "--force", is_flag=True, en="Overwrite existing pictures.", zh="覆盖已有的图片。"
)


@program.command(
    "plot",
    en="Trains the network of FILE, or takes a run that `bptrace train --save` has kept in a "
    "directory, and draws error.png, the error over time; gradients.png, the size of the gradient "
    "in each layer; boundary.png, what the network answers over its one or two inputs; and "
    "weight-w5.png, the error along one weight. All of them also as SVG. Existing pictures are not "
    "overwritten without --force.",
    zh="训练 FILE 中的网络，或取用 `bptrace train --save` 保存在目录中的运行，并画图：error.png"
    "（误差随时间的变化）、gradients.png（各层梯度的大小）、boundary.png（一个或两个输入时网络的"
    "输出）、weight-w5.png（误差沿一个权重的变化）。每张图同时写出 SVG。没有 --force 时不会覆盖"
    "已有图片。",
)
@options.file_argument
@options.together(
    program.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path("plots"),
        show_default=True,
        metavar="DIR",
        en="Folder of the pictures; it is made if it is not there.",
        zh="图片所在的文件夹；不存在则新建。",
    ),
    program.option(
        "--text",
        is_flag=True,
        en="Print error and boundary as characters instead; needs no matplotlib.",
        zh="改为用字符打印误差和决策边界；不需要 matplotlib。",
    ),
    formats,
    hidden,
    weight,
    force,
    options.steps,
    options.engine,
    options.json_,
    options.ascii_,
    options.lang,
)
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    out: Path,
    text: bool,
    formats: tuple[str, ...],
    hidden: tuple[int, ...] | None,
    weight: tuple[str, ...],
    force: bool,
    steps: int | None,
    engine: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Draw pictures of a training run."""
    from bptrace.pictures import gallery

    how = options.output(ctx, ascii)
    first, networks = _source(file, hidden, steps, engine, how.words)
    if text:
        if as_json or weight:
            raise BptraceError("--text prints characters: leave out --json and --weight")
        for shown in networks:
            _print(shown, how)
        return 0

    from bptrace import plots

    look = plots.look_for(how.language, gallery.texts(first))
    gallery.check_weights(first, weight)
    weight = weight or gallery.some_weight(first)
    files = plots.targets(out, gallery.names(first, weight), formats or ("png", "svg"), force)
    networks = list(networks)
    written = plots.write(files, networks, weight, look)
    if as_json:
        options.print_json({"file": file, "pictures": [str(path) for path in written]})
    else:
        for path in written:
            click.echo(str(path))
    for note in _notes(networks, look.note, how.words):
        remark(note)
    return 0


def _source(
    file: str, hidden: Sequence[int] | None, steps: int | None, engine: str, words: Words
) -> tuple[Problem, Iterable[Shown]]:
    """Return the (first) problem of a file or of a trace on disk, and what is to be seen of it.

    A file's networks are trained when they are asked for.
    """
    if os.path.isdir(file):
        if hidden or steps is not None:
            raise BptraceError(f"{file} is a run on disk: leave out --hidden and --steps")
        from bptrace.store import open_trace
        from bptrace.store.pictures import shown

        kept = shown(open_trace(file, ready=False))
        return kept.first, [kept]
    from bptrace.io.load import read_document

    problems = variants(read_document(file), hidden, words)
    return problems[0][1], trained(problems, steps, engine)


def trained(
    problems: Sequence[tuple[str, Problem]], steps: int | None, engine: str
) -> Iterator[Shown]:
    """Train each of the (title, problem) and yield what there is to be seen of it."""
    from bptrace.pictures import watch
    from bptrace.pictures.gallery import Shown

    for title, problem in problems:
        history, last = watch(problem, steps, engine)
        test = problem.data.test if problem.data else ()
        yield Shown(problem, history.by_epoch_if_long(problem), last, test, title)


def variants(
    document: Document, hidden: Sequence[int] | None, words: Words
) -> list[tuple[str, Problem]]:
    """Return the problem of a file, or one for each number of hidden neurons, with their titles."""
    from bptrace.io.problem import read_problem
    from bptrace.io.variants import with_hidden

    if not hidden:
        return [("", read_problem(document))]
    return [(words("hidden neurons", n=n), with_hidden(document, n)) for n in hidden]


def _print(shown: Shown, how: options.Output) -> None:
    """Print error and boundary as characters."""
    from bptrace.pictures.gallery import MOST_INPUTS
    from bptrace.render.boundary import Boundary
    from bptrace.render.curves import Curve

    console, words, history = how.console(), how.words, shown.history
    if shown.title:
        console.print(shown.title, style="bptrace.title")
    if shown.first.has_error:
        console.print(Curve(history.errors, words, history.steps, history.unit, ascii=how.ascii))
    if shown.trained is None:
        remark(words("left the numbers"))
    elif shown.first.network.widths[0] <= MOST_INPUTS:
        console.print(Boundary(shown.trained, words, shown.test, ascii=how.ascii))


def _notes(networks: Sequence[Shown], note: str, words: Words) -> Iterator[str]:
    """Yield what the user should know beside the pictures."""
    if note:
        yield note
    for shown in networks:
        if shown.trained is None:
            title = f"{shown.title}: " if shown.title else ""
            yield title + words("left the numbers")
