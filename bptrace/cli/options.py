"""Options that several commands share, and what follows from them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bptrace.cli.program import language_of, option
from bptrace.errors import BptraceError
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from rich.console import Console

    from bptrace.model import Problem
    from bptrace.notation import Notation
    from bptrace.render.words import Words
    from bptrace.trace import Trace

F = TypeVar("F", bound=Callable[..., Any])

file_argument = click.argument("file", metavar="FILE")

lang = option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    expose_value=False,  # the program has looked for it already, so that help obeys it as well
    en="Language of help and output; default: the locale's.",
    zh="帮助和输出的语言；默认随系统语言。",
)
ascii_ = option(
    "--ascii",
    is_flag=True,
    en="Write formulas and lines in ASCII; by itself where nothing else can be shown.",
    zh="公式和线条只用 ASCII 字符；终端无法显示其他字符时自动启用。",
)
json_ = option(
    "--json",
    "as_json",
    is_flag=True,
    en="Print one JSON document and nothing else.",
    zh="只打印一个 JSON 文档。",
)
dialect = option(
    "--dialect",
    default="",
    metavar="NAME",
    en="How quantities are written: in-out, nielsen, rojas, xy …; default: as in the file.",
    zh="量的记法：in-out、nielsen、rojas、xy 等；默认按文件。",
)
digits = option(
    "--digits",
    type=click.IntRange(1, 17),
    default=10,
    show_default=True,
    metavar="D",
    en="Decimals of long numbers, 1 to 17.",
    zh="长数字的小数位数，1 到 17。",
)
steps = option(
    "--steps",
    type=click.IntRange(min=0),
    metavar="N",
    en="Updates to calculate; default: as in the file.",
    zh="计算多少次更新；默认按文件。",
)
sample = option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="S",
    en="Print sample S only, at its first step unless --step is given.",
    zh="只打印样本 S；未给出 --step 时取它第一次出现的那一步。",
)
only = option(
    "--only",
    metavar="NEURONS",
    multiple=True,
    en="Print these neurons only: h1,O1 or out[2,1].",
    zh="只打印这些神经元：h1,O1 或 out[2,1]。",
)
matrix = option(
    "--matrix",
    is_flag=True,
    en="In matrix form: W, b, z, a and δ of whole layers, BP1 to BP4 by their names.",
    zh="用矩阵形式：整层的 W、b、z、a、δ，并标出 BP1 至 BP4。",
)
engine = option(
    "--engine",
    default="auto",
    show_default=True,
    metavar="NAME",
    en="auto, python or numba: who computes. The results are the same in every bit.",
    zh="auto、python 或 numba：由谁计算。结果每一位都相同。",
)
verbose = option(
    "-v",
    "--verbose",
    is_flag=True,
    en="Say on standard error which engine ran.",
    zh="在标准错误输出中说明所用的计算引擎。",
)


def together(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return one decorator for several, in the order of the help."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


class Output(NamedTuple):
    """Where and how a command prints."""

    language: str
    ascii: bool

    @property
    def words(self) -> Words:
        """The words of the output."""
        from bptrace.render.words import Words

        return Words(self.language)

    def console(self) -> Console:
        """Return the console for results."""
        from bptrace.render.console import make_console

        return make_console(ascii=self.ascii)

    def notation(self, problem: Problem, name: str) -> Notation:
        """Return the notation of a problem in a dialect ("": its own)."""
        from bptrace.notation import Notation

        return Notation.of(problem, name, ascii=self.ascii)


def output(ctx: click.Context, ascii: bool) -> Output:
    """Return how to print: ASCII also where standard output cannot take anything else."""
    return Output(language_of(ctx), ascii or stdout_is_ascii())


SIGNS = "∂δη−⁺²½·…│├└─╷╵"
"""What formulas and lines are made of: a stream that cannot encode these gets ASCII."""


def stdout_is_ascii() -> bool:
    """Whether standard output cannot encode what formulas are made of."""
    try:
        SIGNS.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def print_json(document: Any) -> None:
    """Print a document on standard output."""
    from bptrace.export import json

    sys.stdout.write(json.dumps(document, ascii=stdout_is_ascii()) + "\n")


def load(file: str) -> Problem:
    """Return the problem of FILE; the output calls it what the user called it."""
    from dataclasses import replace

    from bptrace import io

    return replace(io.load(file), file=file)


def check_matrix(matrix: bool, only: Sequence[str]) -> None:
    """Raise `BptraceError` if whole layers and some neurons are asked for at once."""
    if matrix and only:
        raise BptraceError(
            "--matrix prints whole layers, --only some neurons. Leave one of the two out"
        )


def check_step(step: int, steps: int) -> None:
    """Raise `BptraceError` if a run of `steps` steps has no such step."""
    if step > steps:
        raise BptraceError(
            f"there is no step {step}; the run has {count_steps(steps)}. "
            f"Use --steps {step} to calculate more"
        )


def check_sample(sample: int, problem: Problem) -> None:
    """Raise `BptraceError` if the file has no such sample."""
    samples = len(problem.samples)
    if sample > samples:
        raise BptraceError(f"there is no sample {sample}; the file has {samples}")


def count_steps(steps: int) -> str:
    """Return "1 step" or "7 steps"."""
    return "1 step" if steps == 1 else f"{steps} steps"


def say_memory(problem: Problem, steps: int, log: bool) -> None:
    """Say on standard error how much memory a run takes, if it is much; refuse what is too much."""
    from bptrace import engine as engines

    engines.check_memory(problem, steps, log)
    needed = engines.memory_needed(problem, steps, log)
    if needed >= engines.MUCH_MEMORY:
        from bptrace.cli.faults import remark
        from bptrace.render.words import Words

        context = click.get_current_context(silent=True)
        words = Words(language_of(context) if context else "en")
        remark(words("much memory", size=engines.gib(needed)))


def calculate(
    problem: Problem,
    engine: str,
    steps: int | None = None,
    verbose: bool = False,
    kept: Sequence[int] | None = None,
) -> Trace:
    """Run a problem, keeping all steps or some; remarks of the engine go to standard error."""
    from bptrace import engine as engines
    from bptrace.cli.faults import remark

    trace: engines.Run | engines.Excerpt
    total = problem.training.steps if steps is None else steps
    say_memory(problem, 2 * len(kept) if kept else total, True)
    if kept:
        trace = engines.excerpt(problem, kept, total, engine)
    else:
        trace = engines.run(problem, engine=engine, steps=steps)
    if trace.remark:
        remark(trace.remark)
    if verbose:
        remark(f"engine: {trace.calculated_by}; steps: {trace.steps}")
    return trace
