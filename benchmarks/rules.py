"""Steps per second of every learning rule, relative to gradient descent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.measure import Sheet, Task, ratios, rounds, typical
from benchmarks.networks import build, name_of
from benchmarks.ours import Ours
from bptrace.maths.rules import RULES

STEPS = {(2, 2, 2): 50_000, (784, 30, 10): 200}
TEXT = """Without log. Adam takes two powers of β a step to correct its means, and a root and three
quotients for each parameter. Local rules have no way back to calculate."""


def table(sheet: Sheet) -> Iterator[str]:
    """Yield the rows of the table; in each round all rules take their turn."""
    times = {}
    for widths, steps in STEPS.items():
        problem = build(widths)
        tasks = {}
        for rule in RULES:
            training = replace(problem.training, rule=rule.name, learning_rate=0.001)
            tasks[rule.name] = Task(Ours(replace(problem, training=training), steps).run, steps)
        times[name_of(widths)] = rounds(tasks, sheet.rounds)
    yield TEXT
    yield ""
    heads = (f"steps/s, {name} | time / gradient descent: median (min–max)" for name in times)
    yield f"| rule | {' | '.join(heads)} |"
    yield "|---" + "|--:" * (2 * len(times)) + "|"
    for rule in RULES:
        cells = [rule.name]
        for name, found in times.items():
            ratio = ratios(found, rule.name, "gradient-descent")
            sheet.found[f"rules {name}: {rule.name}"] = ratio
            cells += [f"{1 / typical(found, rule.name):,.0f}", ratio.text()]
        yield f"| {' | '.join(cells)} |"
