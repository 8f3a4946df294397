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
    "--force.\n\n"
    "With --blank NAME is a problem file or an example: it is written anew with its claims left "
    "empty, for others to fill in and 'bptrace check' to judge.",
    zh="写出 NAME.toml（若 NAME 以 .toml 结尾则就用它），权重由名称决定，含一个样本，"
    "每个键都有注释。没有 --force 时不会覆盖已有文件。\n\n"
    "使用 --blank 时 NAME 是题目文件或例题：写出其副本，手算的数留空，供他人填写，"
    "再用 'bptrace check' 评判。",
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
    program.option(
        "--blank",
        is_flag=True,
        en="Write the file or example NAME with its claims left empty.",
        zh="写出题目文件或例题 NAME，手算的数留空。",
    ),
    program.option(
        "--out",
        metavar="OUT",
        en="Write there instead; - is standard output.",
        zh="改为写到此处；- 表示标准输出。",
    ),
    program.option("--force", is_flag=True, en="Overwrite an existing file.", zh="覆盖已有文件。"),
    options.json_,
    options.lang,
)
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    layers: tuple[int, ...],
    blank: bool,
    out: str | None,
    force: bool,
    as_json: bool,
) -> int:
    """Write a commented problem file to start from."""
    from bptrace.render.words import Words

    words = Words(program.language_of(ctx))
    if blank:
        text, left = _blank(name)
        path = Path(out) if out else _blank_path(name)
        document: dict[str, object] = {"file": str(path), "blank": left}
        message = words("blank written", path=path, n=left)
    else:
        path = Path(out) if out else _path(name)
        text = _template(layers, path, words.language)
        document = {"file": str(path), "layers": list(layers)}
        message = words("written", path=path)
    if out == "-":
        sys.stdout.write(text)
        return 0
    _write(path, text, force)
    if as_json:
        options.print_json(document)
    else:
        sys.stdout.write(message + "\n")
    return 0


def _path(name: str) -> Path:
    path = Path(name if name.endswith(".toml") else f"{name}.toml")
    if path.stem in ("", ".toml"):
        raise BptraceError(f"{name!r} is not the name of a file. Try 'bptrace new mine'")
    return path


def _template(layers: tuple[int, ...], path: Path, language: str) -> str:
    from bptrace import io

    return io.template(layers, path.stem, language)


def _blank(name: str) -> tuple[str, int]:
    """Return a problem file with its claims left empty, and how many they are."""
    from bptrace.io import write
    from bptrace.io.load import read_document
    from bptrace.io.problem import read_problem

    document = read_document(name)
    problem = read_problem(document)  # raises all faults of the file
    left = sum(not claim.given for claim in problem.claims)
    if not left:
        raise BptraceError(f"{name} has no claims that could be left empty")
    return write.blank(document), left


def _blank_path(name: str) -> Path:
    """Return where the blank of a file goes: into this folder, never onto the file itself."""
    path = Path(name)
    if path.suffix == ".toml":
        return Path(f"{path.stem}-blank.toml")
    return Path(f"{'stdin' if name == '-' else path.name}.toml")


def _write(path: Path, text: str, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise BptraceError(f"{path} is already there. Use --force to overwrite it") from None
