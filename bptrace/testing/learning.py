"""Hypothesis strategies for training: rules with their options, batches, schedules, orders.

Not responsible for samples: a training says how many of them it needs at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from bptrace.errors import BptraceError
from bptrace.maths.rules import RULES
from bptrace.maths.schedules import SCHEDULES
from bptrace.model import Schedule, Training

Bounds = int | tuple[int, int]
"""A number, or the closed bounds of one."""

RATES: Final = (0.5, 0.1, 1.0, 0.05, 0.25, 0.01)
REDUCTIONS: Final = ("sum", "mean")


def bounds(what: str, given: Bounds, least: int = 1) -> tuple[int, int]:
    """Return closed bounds; raise `BptraceError` if nothing from `least` on lies within."""
    low, high = (given, given) if isinstance(given, int) else given
    if not least <= low <= high:
        raise BptraceError(
            f"{what} = {given!r}: a number from {least} on is expected, or two of them, "
            "the smaller one first"
        )
    return low, high


def trainings(
    *,
    rules: Sequence[str] | None = ("gradient-descent",),
    batch: Bounds = (1, 3),
    steps: Bounds = 1,
    reductions: Sequence[str] = ("sum",),
    learning_rates: Sequence[float] | st.SearchStrategy[float] = RATES,
    variations: bool = False,
) -> st.SearchStrategy[Training]:
    """Draw how a network learns.

    Parameters
    ----------
    rules : sequence of str or None
        Names in the table; None: all of them.
    batch, steps : int or (int, int)
        Samples of an update, and how many updates: so many, or between two numbers.
    reductions : sequence of str
        "sum" and "mean" over the samples of a batch.
    learning_rates : sequence or strategy of float
    variations : bool
        Also options of the rules that are not the defaults, weight decay, schedules, and orders of
        the samples other than that of the file, with seeds.

    Raises
    ------
    UnknownName
        For a rule that the table does not have, with the nearest one.
    BptraceError
        If no training is like that.
    """
    names = RULES.names if rules is None else tuple(RULES.get(name).name for name in rules)
    per_update, updates = bounds("batch", batch), bounds("steps", steps, least=0)
    rates: st.SearchStrategy[float] = (
        learning_rates
        if isinstance(learning_rates, st.SearchStrategy)
        else st.sampled_from(tuple(learning_rates))
    )
    if not names or not reductions or set(reductions) - set(REDUCTIONS):
        raise BptraceError(
            f"rules {list(names)} and reductions {list(reductions)}: at least one of each is "
            "expected; reductions are 'sum' and 'mean'"
        )
    plain = st.builds(
        Training,
        rule=st.sampled_from(names),
        learning_rate=rates,
        batch=st.integers(*per_update),
        reduction=st.sampled_from(tuple(reductions)),
        steps=st.integers(*updates),
    )
    return plain.flatmap(_varied) if variations else plain


def _varied(plain: Training) -> st.SearchStrategy[Training]:
    """Draw the same training with options, decay, schedule and order of its own."""
    most = plain.batch + 2
    return st.builds(
        Training,
        rule=st.just(plain.rule),
        learning_rate=st.just(plain.learning_rate),
        batch=st.just(plain.batch),
        reduction=st.just(plain.reduction),
        steps=st.just(plain.steps),
        order=st.sampled_from(["file", "shuffled"]) | orders(most, plain.batch),
        seed=st.integers(0, 2**64 - 1),
        options=_options(plain.rule),
        weight_decay=st.none() | st.floats(0.01, 0.5),
        schedule=st.none() | _SCHEDULES,
    )


@st.composite
def orders(draw: st.DrawFn, n: int, batch: int) -> tuple[int, ...]:
    """Draw a list of the samples 1 to n, none of them twice in a batch.

    Only the last batch may be smaller than the others.
    """
    sizes = [*[batch] * draw(st.integers(0, 2)), draw(st.integers(1, batch))]
    numbers = [draw(st.permutations(range(1, n + 1)))[:size] for size in sizes]
    return tuple(number for some in numbers for number in some)


def _options(rule: str) -> st.SearchStrategy[tuple[tuple[str, float], ...]]:
    """Some options of the rule, each from its range."""
    names = [option.name for option in RULES.get(rule).options]
    if not names:
        return st.just(())
    some = st.lists(st.sampled_from(names), unique=True)
    return some.flatmap(
        lambda drawn: st.tuples(*(st.tuples(st.just(o), st.floats(0.01, 0.99)) for o in drawn))
    )


def _schedule(name: str) -> st.SearchStrategy[Schedule]:
    numbers = {"factor": st.floats(0.25, 1.5), "end": st.floats(0.0, 0.5)}
    whole = st.integers(1, 3).map(float)
    options = st.tuples(
        *(st.tuples(st.just(o), numbers.get(o, whole)) for o, _ in SCHEDULES.get(name).options)
    )
    return st.builds(Schedule, st.just(name), options, st.booleans())


_SCHEDULES = st.one_of(
    st.sampled_from(SCHEDULES.names).flatmap(_schedule),
    st.tuples(st.floats(0.01, 1.0), st.floats(0.01, 1.0)).map(
        lambda rates: Schedule(rates=((1, rates[0]), (3, rates[1])))
    ),
)
