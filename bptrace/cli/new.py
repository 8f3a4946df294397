"""``bptrace new NAME``: a problem file to start from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bptrace.cli import options, program
from bptrace.errors import BptraceError


class _Layers(click.ParamType[tuple[int, ...]]):
    """Sizes of layers, such as ``2,3,1``."""

    name = "layers"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        pieces = [piece.strip() for piece in str(value).replace("-", ",").split(",")]
        if not all(piece.isascii() and piece.isdecimal() and len(piece) < 9 for piece in pieces):
            self.fail(f"{value!r} is not a list of sizes such as 2,3,1", param, ctx)
        sizes = tuple(int(piece) for piece in pieces)
        if len(sizes) < 2:
            self.fail(f"{value!r} is one layer; input and output are needed: 2,1", param, ctx)
        if 0 in sizes:
            self.fail(f"{value!r} has a layer without neurons", param, ctx)
        return sizes


@program.command(
    "new",
    en="Writes NAME.toml (or NAME, if it ends in .toml), with weights drawn from the name, one "
    "sample, and comments that explain each key. An existing file is never overwritten without "
    "--force.",
    zh="写出 NAME.toml（若 NAME 以 .toml 结尾则就用它），权重由名称决定，含一个样本，"
    "每个键都有注释。没有 --force 时不会覆盖已有文件。",
)
@click.argument("name", metavar="NAME")
@options.together(
    program.option(
        "--layers",
        type=_Layers(),
        default="2,2,2",
        show_default=True,
        metavar="N,N,…",
        en="Neurons of each layer, the input first.",
        zh="每层的神经元数，从输入层开始。",
    ),
    program.option("--force", is_flag=True, en="Overwrite an existing file.", zh="覆盖已有文件。"),
    options.json_,
    options.lang,
)
@click.pass_context
def command(
    ctx: click.Context, name: str, layers: tuple[int, ...], force: bool, as_json: bool
) -> int:
    """Write a commented problem file to start from."""
    from bptrace import io
    from bptrace.render.words import Words

    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    if path.stem in ("", ".toml"):
        raise BptraceError(f"{name!r} is not the name of a file. Try 'bptrace new mine'")
    language = program.language_of(ctx)
    text = io.template(layers, path.stem, language)
    try:
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise BptraceError(f"{path} is already there. Use --force to overwrite it") from None
    if as_json:
        options.print_json({"file": str(path), "layers": list(layers)})
        return 0
    sys.stdout.write(Words(language)("written", path=path) + "\n")
    return 0
