"""``bptrace train FILE``: many steps, watched, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bptrace.cli import faults, options, plot, program
from bptrace.training.stop import Reason, planned_steps
from bptrace.training.wish import Wish
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.cli.interrupt import Interrupt
    from bptrace.model import Problem, Stop
    from bptrace.training.loop import Loop
    from bptrace.training.records import Outcome

Titled = tuple[str, "Problem"]
"""A problem and what it is called beside others; "" if there are none."""


@program.command(
    "train",
    en="Trains the network and prints E and right answers before and after, why training ended, "
    "and the parameters of a small network. E is the mean over all samples; --until-error and "
    "--patience look at the mean over the last epoch, in which each sample's E is that before "
    "its update. They may also stand in the file: stop = { error = 1e-4, patience = 1000 } under "
    "[training]. Training that leaves the finite numbers stops at the first that is none, and "
    "prints its formula (exit code 1). Ctrl-C ends training; the results so far are printed "
    "(exit code 130).",
    zh="训练网络，并打印训练前后的 E 和答对的个数、结束的原因，以及小网络的参数。"
    "E 是全部样本的平均；--until-error 和 --patience 看最近一轮的平均，"
    "其中每个样本的 E 取其更新之前的值。"
    "也可以写在文件的 [training] 中：stop = { error = 1e-4, patience = 1000 }。"
    "若数值超出有限数，则停在第一个这样的数，并打印它的算式（退出码 1）。"
    "Ctrl-C 结束训练，并打印已有的结果（退出码 130）。",
)
@options.file_argument
@options.together(
    program.option(
        "--steps",
        type=click.IntRange(min=0),
        metavar="N",
        en="Updates to do at most; default: as in the file, a million if there is a stop rule and "
        "the file has one step.",
        zh="最多更新多少次；默认按文件；若有停止条件而文件只有一步，则为一百万。",
    ),
    program.option(
        "--epochs",
        type=click.IntRange(min=0),
        metavar="N",
        en="In place of --steps: passes over all samples.",
        zh="代替 --steps：遍历全部样本的次数。",
    ),
    program.option(
        "--until-error",
        type=float,
        metavar="E",
        en="Stop as soon as E over the last epoch is less than this.",
        zh="最近一轮的 E 小于此值时停止。",
    ),
    program.option(
        "--patience",
        type=click.IntRange(min=1),
        metavar="N",
        en="Stop after N epochs without a smaller E.",
        zh="连续 N 轮 E 没有减小时停止。",
    ),
    plot.hidden,
    program.option(
        "--plot",
        "folder",
        type=click.Path(path_type=Path),
        metavar="DIR",
        en="Write pictures of the error, the gradients, the boundary and the error along one "
        "weight into this folder.",
        zh="把误差、梯度、决策边界和误差沿一个权重的曲线的图片写入此文件夹。",
    ),
    plot.weight,
    program.option(
        "--save",
        type=click.Path(path_type=Path),
        metavar="DIR",
        en="Keep the run on disk: 'bptrace show DIR' prints any step of it, 'bptrace resume DIR' "
        "goes on.",
        zh="把运行保存到磁盘：'bptrace show DIR' 打印任意一步，'bptrace resume DIR' 继续运行。",
    ),
    program.option(
        "--force",
        is_flag=True,
        en="Overwrite existing pictures, or an existing trace.",
        zh="覆盖已有的图片或运行记录。",
    ),
    program.option(
        "--quiet",
        is_flag=True,
        en="Nothing on standard error while it goes on.",
        zh="运行时不在标准错误输出中显示进度。",
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
    steps: int | None,
    epochs: int | None,
    until_error: float | None,
    patience: int | None,
    hidden: tuple[int, ...] | None,
    folder: Path | None,
    weight: tuple[str, ...],
    save: Path | None,
    force: bool,
    quiet: bool,
    digits: int,
    dialect: str,
    engine: str,
    as_json: bool,
    ascii: bool,
) -> int:
    """Train the network of a file."""
    if hidden and save:
        raise click.UsageError("--save keeps a single network; leave out --hidden")
    out = options.output(ctx, ascii)
    problems = _problems(file, hidden, out)
    first = problems[0][1]
    notation = out.notation(first, dialect)  # all that may be wrong is told before all work
    if weight and not folder:
        raise click.UsageError("--weight draws a picture; say with --plot DIR where to")
    pictures = _Pictures(first, weight, out, (folder, force)) if folder else None
    wish = Wish(
        planned(first, steps, epochs),
        engine,
        rules(first.training.stop, until_error, patience),
        gradients=folder is not None,
    )
    for _, problem in problems:
        _say_memory(problem, wish)
    keep = Keeping(save, force) if save else None
    outcomes = _all_trained(problems, wish, Looking(out, quiet, keep=keep))
    if as_json:
        options.print_json(_document(file, hidden, outcomes))
    else:
        from bptrace.render.trained import Compared, Trained

        console = out.console()
        if hidden:
            names = map(str, hidden)
            rows = [(name, o) for name, (_, o) in zip(names, outcomes, strict=False)]
            console.print(Compared(rows, notation, out.words))
        else:
            console.print(Trained(outcomes[0][1], notation, out.words, digits))
            _advise(outcomes[0][1], out)
    if pictures is not None:
        pictures.write(outcomes)
    return exit_code([outcome for _, outcome in outcomes])


def _problems(file: str, hidden: Sequence[int] | None, out: options.Output) -> list[Titled]:
    """Return the networks to train, each with its title: "" for the only one."""
    from bptrace.io.load import read_document
    from bptrace.training.loop import check_trained

    found = plot.variants(read_document(file), hidden, out.words)
    problems = [(title, replace(problem, file=file)) for title, problem in found]
    check_trained(problems[0][1])
    return problems


def _all_trained(
    problems: Sequence[Titled], wish: Wish, looking: Looking
) -> list[tuple[str, Outcome]]:
    """Train one network after the other; an interrupted one is the last."""
    outcomes: list[tuple[str, Outcome]] = []
    for title, problem in problems:
        outcome = trained(problem, wish, looking._replace(title=title))
        outcomes.append((title, outcome))
        if outcome.reason is Reason.INTERRUPTED:
            break
    return outcomes


def _say_memory(problem: Problem, wish: Wish) -> None:
    """Say how much memory training takes, if it is much: a part's, however many there are."""
    from bptrace.training.loop import MOST_OF_A_PART

    steps = min(
        planned_steps(problem, wish.stop or problem.training.stop, wish.steps), MOST_OF_A_PART
    )
    options.say_memory(problem, 1 if wish.gradients else max(steps, 0), log=wish.gradients)


def _document(
    file: str, hidden: Sequence[int] | None, outcomes: Sequence[tuple[str, Outcome]]
) -> dict[str, Any]:
    """Return the document of a run; of several, one for each number of hidden neurons."""
    from bptrace.training.document import document

    documents = [document(outcome) for _, outcome in outcomes]
    if not hidden:
        return documents[0]
    networks = [{"hidden": n} | d for n, d in zip(hidden, documents, strict=False)]
    return {"file": file, "networks": networks}


class _Pictures:
    """Pictures that will be written; whether they can be is found out before training."""

    def __init__(
        self,
        problem: Problem,
        weights: tuple[str, ...],
        out: options.Output,
        place: tuple[Path, bool],
    ) -> None:
        from bptrace import plots
        from bptrace.pictures import gallery

        gallery.check_weights(problem, weights)
        self.weights = weights or gallery.some_weight(problem)
        self.out = out
        self.look = plots.look_for(out.language, gallery.texts(problem))
        names = gallery.names(problem, self.weights)
        folder, force = place
        self.files = plots.targets(folder, names, ("png", "svg"), force)

    def write(self, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        """Write them, and say where they are and what could not be drawn."""
        from bptrace import plots
        from bptrace.training.pictures import shown

        networks = [shown(outcome, title) for title, outcome in outcomes]
        for path in plots.write(self.files, networks, self.weights, self.look):
            faults.remark(str(path))
        if self.look.note:
            faults.remark(self.look.note)


DIVERGED = 1


class Keeping(NamedTuple):
    """The directory that a run is written into, and whether an existing trace may be replaced."""

    folder: Path
    force: bool = False


class Looking(NamedTuple):
    """How a run is watched: the output, whether nothing is said, its title, where it is kept."""

    out: options.Output
    quiet: bool = False
    title: str = ""
    keep: Keeping | None = None


def trained(problem: Problem, wish: Wish, looking: Looking) -> Outcome:
    """Train a network, with a display on standard error; Ctrl-C ends it with what there is."""
    from bptrace.cli.interrupt import Interrupt
    from bptrace.training.loop import Loop, Watch

    with Interrupt() as interrupt:
        watch = Watch(stopped=lambda: interrupt.asked)
        if looking.keep is None:
            outcome = _watched(Loop(problem, wish, watch), looking, interrupt)
        else:
            from bptrace.store.writer import Writer

            folder, force = looking.keep
            planned = planned_steps(problem, wish.stop or problem.training.stop, wish.steps)
            with Writer.create(problem, folder, planned, force) as writer:
                watch = watch._replace(part=writer.write, go_on=writer.go_on)
                outcome = _watched(Loop(problem, wish, watch), looking, interrupt)
                if outcome.reason is not Reason.INTERRUPTED:  # then there is nothing to go on with
                    writer.goal = writer.state.steps
    if outcome.remark:
        faults.remark(outcome.remark)
    if not looking.quiet:
        _say_how_long(outcome, looking)
    return outcome


def _watched(loop: Loop, looking: Looking, interrupt: Interrupt) -> Outcome:
    """Do the steps, and show how far they are."""
    from bptrace.render.console import make_console
    from bptrace.render.progress import Display

    out = looking.out
    console = make_console(ascii=out.ascii, stderr=True)
    display = Display(console, out.words, out.ascii, looking.title)
    try:
        for progress in loop.parts():
            interrupt.is_early = False
            if not looking.quiet:
                display.show(progress)
    finally:
        display.close()
    return loop.outcome()


def _say_how_long(outcome: Outcome, looking: Looking) -> None:
    from bptrace.render.progress import duration

    words, steps = looking.out.words, outcome.state.steps
    took = words(
        "took",
        steps=words("step done" if steps == 1 else "steps done", steps=steps),
        time=duration(outcome.seconds),
        engine=outcome.calculated_by,
    )
    faults.remark(f"{looking.title}{words('colon')}{took}" if looking.title else took)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Return 0, 1 if a training diverged, 130 if one was interrupted."""
    reasons = {outcome.reason for outcome in outcomes}
    if Reason.INTERRUPTED in reasons:
        return faults.INTERRUPTED
    return DIVERGED if Reason.DIVERGED in reasons else 0


def planned(problem: Problem, steps: int | None, epochs: int | None) -> int | None:
    """Return how many steps the command line asks for."""
    if steps is not None and epochs is not None:
        raise click.UsageError("--steps and --epochs say the same; keep one of them")
    return steps if epochs is None else epochs * problem.batches


def rules(stop: Stop, error: float | None, patience: int | None) -> Stop:
    """Return the stop rules of the file, with those of the command line in their places."""
    if error is not None:
        stop = replace(stop, error=error)
    return stop if patience is None else replace(stop, patience=patience)


def _advise(outcome: Outcome, out: options.Output) -> None:
    """Say what to do if next to nothing was done."""
    if outcome.reason is Reason.DONE and outcome.planned < 2:
        faults.remark(out.words("one step to train" if outcome.planned else "no step to train"))
