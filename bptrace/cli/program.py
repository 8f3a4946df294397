"""The program as a tree of commands: lazy, in two languages, and with one way out.

The table `COMMANDS` is all that ``bptrace --help`` needs; a command's module is imported when the
command is used. Not responsible for what commands do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from importlib import import_module
from typing import Any, NoReturn

import click

from bptrace.cli import faults, layout
from bptrace.errors import suggest
from bptrace.kernels import news
from bptrace.render.words import LANGUAGES, Words, language_of_locale
from bptrace.tuples import NamedTuple

LANGUAGE = "bptrace.language"
"""Where the context of click keeps the language of help and output."""


class Both(NamedTuple):
    """A text in both languages."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """Return the text in one language."""
        return self[LANGUAGES.index(language)]


COMMANDS = {
    "run": Both("Print the whole calculation, step by step.", "逐步打印整个计算过程。"),
    "explain": Both(
        "Print one quantity: its chain rule down to given numbers.",
        "打印一个量：链式法则逐层展开，直到已知数。",
    ),
    "check": Both(
        "Judge a calculation by hand: the first mistake, why, and what carries it on.",
        "评判手算：第一处错误、原因，以及哪些数沿用了它。",
    ),
    "lint": Both(
        "Say how telling an example is, and which numbers would be better.",
        "评估例题能否让错误显露，并建议更合适的数值。",
    ),
    "gradcheck": Both(
        "Check every gradient against differences, with a bound for each.",
        "用差分检验每个梯度，并逐个给出误差界。",
    ),
    "compare-rules": Both(
        "Show Hebb, the δ rule and gradient descent side by side on one sample.",
        "在同一样本上并列比较 Hebb 规则、δ 规则和梯度下降。",
    ),
    "compare-losses": Both(
        "Show squared error and cross-entropy side by side on the same numbers.",
        "在相同数值上并列比较平方误差与交叉熵。",
    ),
    "train": Both(
        "Train the network: many steps, watched, and what came of them.",
        "训练网络：多步运行，显示进度，最后给出结果。",
    ),
    "plot": Both(
        "Draw a training run: its error, its decision boundary, its gradients.",
        "画出训练过程：误差、决策边界、梯度。",
    ),
    "show": Both(
        "Say what a trace on disk holds, or print any step of it.",
        "显示磁盘上一次运行存了什么，或打印其中任意一步。",
    ),
    "resume": Both(
        "Go on with a trace on disk as if it had never stopped.",
        "接着磁盘上的一次运行继续，如同从未中断。",
    ),
    "new": Both(
        "Write a commented problem file to start from.", "写出一个带注释的题目文件，供修改使用。"
    ),
    "list": Both(
        "List activations, losses, rules, dialects and bundled examples.",
        "列出激活函数、损失函数、学习规则、记法和自带例题。",
    ),
    "warmup": Both(
        "Compile everything that is compiled, once for all later runs.",
        "提前完成所有编译，供以后各次运行使用。",
    ),
    "schema": Both("Print the JSON schema of problem files.", "打印题目文件的 JSON schema。"),
}
"""Name → what it does. The command ``x-y`` is the object ``command`` of ``bptrace.cli.x_y``."""


def language_of(ctx: click.Context) -> str:
    """Return the language of help and output."""
    language: str = ctx.meta.get(LANGUAGE) or language_of_locale()
    return language


def _asked_language(arguments: Sequence[str]) -> str:
    """Return the language that ``--lang`` asks for, wherever it stands: help obeys it too."""
    for k, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--lang":
            value = value if equals else "".join(arguments[k + 1 : k + 2])
            return value if value in LANGUAGES else ""
    return ""


class Option(click.Option):
    """An option whose help is in both languages."""

    def __init__(self, *args: Any, text: Both, **settings: Any) -> None:
        self.text = text
        super().__init__(*args, **settings)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option's row of the help."""
        language = language_of(ctx)
        self.help = text = self.text.of(language)
        record = super().get_help_record(ctx)
        if record is None:
            return None
        if self.show_default:
            text += Both(f" [default: {self.default}]", f" [默认：{self.default}]").of(language)
        return record[0], text


def option(*names: str, en: str, zh: str, **settings: Any) -> Callable[[Any], Any]:
    """Add an option to a command; `settings` are those of click."""
    return click.option(*names, cls=Option, text=Both(en, zh), **settings)


class Bilingual(click.Command):
    """What commands and the program have in common: help in the language asked for."""

    text: Both
    more: Both

    @cached_property
    def _help_options(self) -> dict[tuple[str, ...], Option]:
        return {}

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``, the same object each time that Click asks.

        Click's own would look for a translation of its line, which takes a millisecond.
        """
        names = tuple(self.get_help_option_names(ctx))
        if names not in self._help_options:
            self._help_options[names] = Option(
                names, is_flag=True, is_eager=True, expose_value=False, callback=_print_help,
                text=Both("Show this and end.", "显示本帮助。"),
            )  # fmt: skip
        return self._help_options[names]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the whole help."""
        formatter.write(layout.command_help(self, ctx, language_of(ctx)))


class Command(Bilingual):
    """A command; its one line stands in `COMMANDS`, what else there is to say in `more`."""

    def __init__(self, *args: Any, more: Both, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.text, self.more = COMMANDS[str(self.name)], more


def command(name: str, en: str, zh: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a command of a function; `en` and `zh` are what its help says below the first line."""
    return click.command(name, cls=Command, more=Both(en, zh))


class Program(Bilingual, click.Group):
    """The program itself."""

    text = Both(
        "Backpropagation, number by number: the calculation of a small network as one does it by "
        "hand, every sum and every factor of the chain rule.",
        "逐个数字地展示反向传播：像手算一样算出一个小网络，每个加权和、链式法则的每个因子都写出来。",
    )
    more = Both(
        "FILE is a path, - for standard input, or the name of a bundled example: try "
        "'bptrace run lh25-2020'. Exit codes: 0 all right, 1 a number is wrong, 2 the file or the "
        "command line is faulty, 3 bptrace itself is.",
        "FILE 可以是路径、-（标准输入）或自带例题的名称：例如 'bptrace run lh25-2020'。"
        "退出码：0 一切正确；1 有数字算错；2 文件或命令行有误；3 bptrace 自身出错。",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None; imports its module."""
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name.replace("-", "_")
        found: click.Command = import_module(f"bptrace.cli.{module}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of `args`; an unknown one is refused with the nearest name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = suggest(name, tuple(COMMANDS))
            raise click.UsageError(f"unknown command {name!r}. {near}", ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line, once its language is known."""
        ctx.meta[LANGUAGE] = _asked_language(args)
        return super().parse_args(ctx, args)

    def main(  # type: ignore[override]  # Click's overloads tell its two modes apart; this has one
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **_: Any
    ) -> NoReturn:
        """Run, report what goes wrong, and exit: every way out leads through here."""
        arguments = list(sys.argv[1:] if args is None else args)
        language = _asked_language(arguments) or language_of_locale()
        _prepare_streams()
        try:
            # Not Click's own main: it would end a broken pipe with 1, the code of a wrong claim.
            with (
                news.told(_saying_once(language)),
                self.make_context(prog_name or "bptrace", arguments) as ctx,
            ):
                code = self.invoke(ctx)
            sys.stdout.flush()
        except BaseException as error:  # the one place where nothing may pass
            code = faults.report(error, language)
        sys.exit(code if isinstance(code, int) else 0)


def _saying_once(language: str) -> Callable[[], None]:
    """Return what says that kernels are being compiled, the first time that it is called."""

    @cache
    def say() -> None:
        faults.remark(Words(language)("compiling"))

    return say


def _prepare_streams() -> None:
    """Let names that the terminal cannot show be escaped, where a strict stream would raise.

    A stream that was closed from the start is None to Python; what would go there is dropped.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", "") in ("strict", "surrogateescape"):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")


def _print_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(ctx.get_help())
        ctx.exit()


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from bptrace import __version__

        click.echo(f"bptrace {__version__}")
        ctx.exit()


program = Program(
    "bptrace",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            text=Both("Show the version and end.", "显示版本号。"),
        ),
        Option(
            ["--lang"],
            type=click.Choice(LANGUAGES),
            expose_value=False,
            text=Both("Language of help and output.", "帮助和输出的语言。"),
        ),
    ],
)
