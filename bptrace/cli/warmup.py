"""``bptrace warmup``: every kernel compiled, or seen to be there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING

import click

from bptrace.cli import options, program
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.model import Problem


@program.command(
    "warmup",
    en="Long runs and large gradient checks are compiled to machine code, which takes a while the "
    "first time and is kept on disk. This does it now, before a lesson or in the image of a "
    "container. What is there already is only loaded.",
    zh="长时间的运行和大规模梯度检验会先编译成机器码；首次编译需要一些时间，结果保存在磁盘上。"
    "本命令提前完成编译，适合上课之前或制作容器镜像时使用。已有的只需加载。",
)
@options.together(options.lang)
@click.pass_context
def command(ctx: click.Context) -> int:
    """Compile every kernel."""
    from bptrace.render.words import Words

    words = Words(program.language_of(ctx))
    begin = perf_counter()
    for part in _parts():
        warmed = _warmed(part.work)
        if warmed.remark:
            sys.stdout.write(f"{warmed.remark}\n")
            return 0
        how = words("compiled in" if warmed.compiled else "was there", s=f"{warmed.seconds:.1f}")
        sys.stdout.write(f"{words(part.name)}{words('colon')}{how}\n")
        sys.stdout.flush()
    from bptrace.kernels import compiled

    took = f"{perf_counter() - begin:.1f}"
    sys.stdout.write(words("all compiled", s=took, folder=compiled.folder()) + "\n")
    return 0


class _Part(NamedTuple):
    """A kernel: what it is for (a key of the words), and something that needs it.

    `work` returns a remark if the kernel cannot be compiled, or not be kept.
    """

    name: str
    work: Callable[[], str]


class _Warmed(NamedTuple):
    """How long it took to have a kernel, and whether it had to be compiled."""

    seconds: float
    compiled: bool
    remark: str


def _warmed(work: Callable[[], str]) -> _Warmed:
    from bptrace.kernels import news

    compiled: list[bool] = []
    begin = perf_counter()
    with news.told(lambda: compiled.append(True)):
        remark = work()
    return _Warmed(perf_counter() - begin, bool(compiled), remark)


def _parts() -> Iterator[_Part]:
    """Yield what is compiled. Networks with own formulas have kernels of their own."""
    from bptrace import engine
    from bptrace.kernels.ways import Loops, smallest

    own = smallest(Loops.BATCHES, "x/(1 + abs(x))")
    steps = {f"kernel of steps: {loops}": smallest(loops) for loops in Loops}
    for name, problem in (steps | {"kernel of steps with formula": own}).items():
        yield _Part(name, lambda p=problem: engine.run(p, "numba").remark)  # type: ignore[misc]
    checks = {"kernel of gradcheck": smallest(Loops.TINY), "kernel of gradcheck with formula": own}
    for name, problem in checks.items():
        yield _Part(name, lambda p=problem: _gradcheck(p))  # type: ignore[misc]


def _gradcheck(problem: Problem) -> str:
    from bptrace.checks.gradients import check_gradients, point_of
    from bptrace.checks.nearness import nearness

    found = check_gradients(point_of(problem), "numba")
    nearness(found, "numba")
    return found.remark
