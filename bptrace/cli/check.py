"""``bptrace check FILE…``: the verdict on hand calculations, on one page or on a class."""

from __future__ import annotations

import sys
from functools import partial
from itertools import repeat
from typing import Any

import click

from bptrace.cli import faults, options, program
from bptrace.cli.judging import judged
from bptrace.errors import BptraceError
from bptrace.tuples import NamedTuple

WRONG = 1


@program.command(
    "check",
    en="Every number under [[claims]] is judged: right; right but for the author's rounding; "
    "carried on from an earlier wrong number; or wrong. For each mistake the cause is sought, also "
    "in steps that are not printed, and told with the formula as it was evidently computed. The "
    "exit code is 1 if any number is wrong.",
    zh="逐个评判 [[claims]] 中的数：正确；只差作者自己的舍入；沿用前面的错误；或者错误。"
    "对每处失误找出原因（包括未写出的步骤），并列出当时所用的式子。有错误的数时退出码为 1。",
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@options.together(
    program.option(
        "--all", "everything", is_flag=True,
        en="Add a table of every number.",
        zh="附上全部数值的表格。",
    ),
    program.option(
        "--repair", is_flag=True,
        en="Add what the page becomes when its first mistake is mended.",
        zh="附上改正第一处失误后的页面。",
    ),
    program.option(
        "--float32", is_flag=True,
        en="The numbers come from a program that calculates with 32-bit floats.",
        zh="这些数来自 32 位浮点程序。",
    ),
    program.option(
        "--table", is_flag=True,
        en="A class: kinds of mistake by file, and a mark for each file. It has a point for every "
        "number, less one per mistake and per missing number; carrying a mistake on is free.",
        zh="全班汇总：各文件的失误种类和得分。每个数一分，每处失误、每个未填的数扣一分；沿用不扣分。",
    ),
    program.option(
        "--csv", type=click.Path(dir_okay=False, writable=True), metavar="OUT",
        en="Write the mistakes of all files to OUT, one row each.",
        zh="把所有文件的失误写入 OUT，每处一行。",
    ),
    options.digits,
    options.dialect,
    options.json_,
    options.ascii_,
    options.lang,
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    everything: bool,
    repair: bool,
    float32: bool,
    table: bool,
    csv: str | None,
    digits: int,
    dialect: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Judge a calculation by hand: the first mistake, why, and what carries it on."""
    out = options.output(ctx, ascii)
    if table or csv:
        from bptrace.cli.classroom import Marking, mark_class

        return mark_class(files, Marking(out, dialect, digits, float32), csv, as_json)
    from bptrace.cli.classroom import FEW, on_all_cores

    asked = Asked(out, dialect, digits, float32, everything, repair, as_json, len(files) > 1)
    documents: list[Any] = []
    code = 0
    elsewhere = len(files) > FEW and "-" not in files  # standard input cannot be read twice
    results = on_all_cores(partial(_said, asked=asked), files) if elsewhere else repeat(None)
    for n, (file, said) in enumerate(zip(files, results, strict=False)):
        try:
            found = said or asked.about(file)
        except BptraceError as error:
            if len(files) == 1:
                raise
            code = max(code, faults.report(error, out.language))
            documents.append({"file": file, "faults": str(error).split("\n")})
            continue
        code = max(code, 0 if found.ok else WRONG)
        documents.append(found.document)
        if not as_json:
            sys.stdout.write("\n" * (n > 0) + found.text)
    if as_json:
        options.print_json(documents if len(files) > 1 else documents[0])
    return code


class Said(NamedTuple):
    """What is said about one file: whether all is right, and the text, or the JSON document."""

    ok: bool
    text: str = ""
    document: Any = None


class Asked(NamedTuple):
    """How pages are judged, and what is to be said about them."""

    out: options.Output
    dialect: str
    digits: int
    float32: bool
    everything: bool
    repair: bool
    as_json: bool
    several: bool

    def about(self, file: str) -> Said:
        """Judge a file; raise `BptraceError` if it is faulty."""
        say = judged(file, self.out, self.dialect, self.digits, self.float32)
        if self.as_json:
            from bptrace.export import json

            document = json.check_document(say.report, say.trace, say.sentence, self.repair)
            return Said(say.report.ok, document=document)
        from bptrace.render.report import Check

        console = self.out.console()
        with console.capture() as captured:
            name = file if self.several else ""
            console.print(Check(say, self.everything, self.repair, name=name))
        return Said(say.report.ok, captured.get())


def _said(file: str, asked: Asked) -> Said | None:
    """Judge a file, perhaps in another process; None if it is faulty, which the first one tells."""
    try:
        return asked.about(file)
    except BptraceError:
        return None
