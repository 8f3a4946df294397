"""``bptrace list``: what the tables and folders hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from bptrace.cli import options, program
from bptrace.maths.expr import Expr
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.maths.rules import Rule

Row = dict[str, Any]


class Kind(NamedTuple):
    """One list: its columns, and its rows as plain data."""

    columns: Sequence[str]
    rows: Callable[[options.Output], Iterator[Row]]


def _activations(out: options.Output) -> Iterator[Row]:
    from bptrace.maths.activations import ACTIVATIONS

    for entry in ACTIVATIONS:
        letters = {"in": "z", "out": "a", "option": entry.option, "each": "z_k", "other": "a_k"}
        yield {
            "name": entry.name,
            "value": _formula((*entry.forms, entry.expr)[0], letters),
            "slope": _formula(entry.slope_expr, letters),
            "cross": _formula(entry.cross_expr, letters) if entry.is_of_layer else None,
            "range": [_bound(bound) for bound in entry.range],
            "kinks": list(entry.kinks),
            "option": {"name": entry.option, "default": entry.default} if entry.option else None,
            "source": entry.source,
        }


def _losses(out: options.Output) -> Iterator[Row]:
    from bptrace.maths.losses import LOSSES

    letters = {"t": "t", "out": "a", "n": "n"}
    for entry in LOSSES:
        yield {
            "name": entry.name,
            "share": _formula(entry.expr, letters),
            "slope": _formula(entry.slope_expr, letters),
            "source": entry.source,
        }


def _rules(out: options.Output) -> Iterator[Row]:
    from bptrace.address import AFTER, BEFORE, Quantity
    from bptrace.maths.expr import bind
    from bptrace.maths.rules import LETTERS, RULES

    letters = {"parameter": "w", "gradient": "∂E/∂w", "eta": "η", "n": "n"}
    letters |= {**LETTERS, **{name: name for name in ("x", "t", "y")}}
    letters |= {str(q): q.head.replace("hat", "\u0302") for q in Quantity}
    letters |= {str(after): f"{after.head}⁺" for after in BEFORE}
    for entry in RULES:
        step = _step_of(entry)
        memory = {AFTER[memory.quantity]: memory.expr for memory in entry.memory}
        yield {
            "name": entry.name,
            "about": out.words.of(entry.about),
            "memory": "; ".join(
                f"{letters[str(quantity)]} = {_formula(expr, letters)}"
                for quantity, expr in (memory | dict(entry.corrected or {})).items()
            ),
            "step": _formula(step, letters),
            "new": _formula(bind(entry.new_expr, {"step": step}), letters),
            "options": {option.name: option.default for option in entry.options},
            "source": entry.source,
        }


def _step_of(entry: Rule) -> Expr:
    """Return the Δ of a rule as the table says it, with its decay if it has one of its own."""
    from bptrace.maths.expr import Ref, mul, sub
    from bptrace.maths.rules import ETA, PARAMETER

    if entry.local is not None:
        return entry.local.expr
    if not entry.decoupled:
        return entry.step_expr
    return sub(entry.step_expr, mul(ETA, Ref("weight_decay"), PARAMETER))


def _schedules(out: options.Output) -> Iterator[Row]:
    from bptrace.maths.schedules import SCHEDULES

    for entry in SCHEDULES:
        letters = {"rate": "η₀", "n": "n", **{name: name for name, _ in entry.options}}
        yield {
            "name": entry.name,
            "rate": _formula(entry.expr, letters),
            "options": dict(entry.options),
            "source": entry.source,
        }


def _dialects(out: options.Output) -> Iterator[Row]:
    from bptrace.notation import dialect_names, get_dialect

    for name in dialect_names():
        dialect = get_dialect(name)
        yield {"name": name, "title": dialect.title[out.language], "source": dialect.source}


def _generators(out: options.Output) -> Iterator[Row]:
    from bptrace.maths.points import GENERATORS

    for entry in GENERATORS:
        yield {
            "name": entry.name,
            "about": out.words.of(entry.about),
            "noise": entry.noise,
            "source": entry.source,
        }


def _datasets(out: options.Output) -> Iterator[Row]:
    from bptrace.io.datasets import DATASETS

    for entry in DATASETS:
        yield {"name": entry.name, "about": out.words.of(entry.about), "source": entry.source}


def _examples(out: options.Output) -> Iterator[Row]:
    from bptrace import io

    for example in io.examples():
        yield {"name": example.name, "title": example.title, "file": str(example.path)}


KINDS = {
    "activations": Kind(("name", "value", "slope", "range"), _activations),
    "losses": Kind(("name", "share", "slope", "source"), _losses),
    "rules": Kind(("name", "about", "memory", "step"), _rules),
    "schedules": Kind(("name", "rate", "source"), _schedules),
    "dialects": Kind(("name", "title"), _dialects),
    "generators": Kind(("name", "about", "noise", "source"), _generators),
    "datasets": Kind(("name", "about", "source"), _datasets),
    "examples": Kind(("name", "title"), _examples),
}
"""What can be listed; the columns are those of the table, JSON has all that the rows hold."""


@program.command(
    "list",
    en="All lists, or one: activations (value and slope at the net input z with the output a), "
    "losses (the share of one output a with the target t, of n outputs), rules, schedules of the "
    "learning rate (after n updates), dialects, generators of points and data sets for [data], or "
    "examples, whose names stand for FILE in all commands. --json has more: sources, kinks, "
    "options.",
    zh="全部或其中之一：activations 激活函数（净输入 z、输出 a 处的值与斜率）、losses 损失函数"
    "（n 个输出中一个输出 a 与目标 t 的份额）、rules 学习规则、schedules 学习率的变化"
    "（n 次更新之后）、dialects 记法、"
    "generators 点集生成器与 datasets 数据集（用于 [data]）、examples 例题"
    "（其名称在各命令中可用作 FILE）。--json 还有出处、折点和选项。",
)
@click.argument("kind", required=False, metavar="[KIND]", type=click.Choice(list(KINDS)))
@options.together(options.json_, options.ascii_, options.lang)
@click.pass_context
def command(ctx: click.Context, kind: str | None, as_json: bool, ascii: bool) -> int:
    """List activations, losses, rules, dialects, data and bundled examples."""
    out = options.output(ctx, ascii)
    kinds = [kind] if kind else list(KINDS)
    found = {name: list(KINDS[name].rows(out)) for name in kinds}
    if as_json:
        options.print_json(found)
        return 0
    from bptrace.render.tables import Listing

    console = out.console()
    for name, rows in found.items():
        console.print(Listing(name, KINDS[name].columns, rows, out.words, out.ascii))
    return 0


def _formula(expr: Expr, letters: dict[str, str]) -> str:
    """Return a formula of a table with letters in its open places."""
    from bptrace.notation.text import write

    def letter(key: Hashable) -> str:
        return letters[str(key)]

    return write(expr, letter)


def _bound(bound: float) -> float | str:
    """A bound for JSON, where infinity is a string as everywhere in bptrace."""
    from bptrace.export.json import number

    return number(bound) if math.isinf(bound) else bound
