"""The table [training]: the rule with its options, the learning rate and its schedule."""

from __future__ import annotations

from bptrace.io.faults import Faults
from bptrace.io.schema import MOST_STEPS
from bptrace.io.tables import View
from bptrace.maths.rules import RULES, Rule, option_names
from bptrace.maths.schedules import SCHEDULES
from bptrace.model import Schedule, Stop, Training, repeated


def check_training(table: View | None, faults: Faults) -> None:
    """Add what is wrong with [training] by itself."""
    if table is None:
        return
    if table.lacks("learning_rate"):
        hint = "Write learning_rate = 0.5, or leave [training] out for a single pass."
        faults.add("[training] has no learning_rate", table.path, "key", hint)
    if not table.lacks("steps") and not table.lacks("epochs"):
        hint = "Keep one of the two."
        faults.add("[training] has both steps and epochs", (*table.path, "epochs"), "key", hint)
    stop = table.stop
    if stop is not None and not stop.raw:
        hint = "Write { error = 1e-4 }, { patience = 1000 } or both."
        faults.add("stop has neither error nor patience", stop.path, "key", hint)
    if not table.is_faulty("rule"):
        _check_options(table, RULES.get(table.rule), faults)
    if isinstance(table.schedule, View):
        _check_schedule(table.schedule, faults)
    elif table.schedule is not None:
        _check_rates(table, faults)


def _check_options(table: View, rule: Rule, faults: Faults) -> None:
    known = {option.name: option for option in rule.options}
    for name in option_names():
        if name not in table.raw:
            continue
        if name not in known:
            owners = [entry.name for entry in RULES if name in option_names([entry])]
            message = f"{name} is no option of {rule.name}"
            hint = f"It belongs to {', '.join(owners)}; leave it out, or choose another rule."
            faults.add(message, (*table.path, name), "key", hint)
    if "weight_decay" in table.raw and rule.local is not None:
        message = f"{rule.name} has no weight_decay: it follows no error"
        faults.add(message, (*table.path, "weight_decay"), "key", "Leave it out.")


def _check_schedule(table: View, faults: Faults) -> None:
    if table.is_faulty("name"):
        return
    if table.lacks("name"):
        hint = f"Write name = one of: {', '.join(SCHEDULES.names)}."
        faults.add("the schedule has no name", table.path, "key", hint)
        return
    known = {option for option, _ in SCHEDULES.get(table.name).options}
    for entry in SCHEDULES:
        for name, _ in entry.options:
            if name in table.raw and name not in known:
                options = ", ".join(sorted(known)) or "none"
                message = f"{name} is no option of the schedule {table.name}"
                faults.add(message, (*table.path, name), "key", f"Its options: {options}.")
                known.add(name)


def _check_rates(table: View, faults: Faults) -> None:
    """Check pairs (first update, rate): the updates ascend from 1."""
    path = (*table.path, "schedule")
    hint = "Write [[1, 0.5], [101, 0.1]]: from update 1 on 0.5, from update 101 on 0.1."
    last = 0.0
    if not table.schedule:
        faults.add("the schedule is empty", path, hint=hint)
    for k, pair in enumerate(table.schedule):
        if len(pair) != 2 or not pair[0].is_integer() or not pair[1] > 0.0:
            faults.add("expected [first update, learning rate]", (*path, k), hint=hint)
            return
        if pair[0] <= last or (k == 0 and pair[0] != 1):
            what = "the first pair begins with update 1" if k == 0 else "the updates ascend"
            faults.add(f"schedule: {what}, found {pair[0]:g}", (*path, k), hint=hint)
            return
        last = pair[0]


def read_training(top: View, n: int, faults: Faults) -> Training | None:
    """Return how to train `n` samples; None if faults hide it.

    Without the table all samples pass forward and backward once.
    """
    table = top.training
    if table is None:
        return Training(batch=n) if n and not top.is_faulty("training") else None
    order = table.order if isinstance(table.order, str) else tuple(table.order)
    taken = n if isinstance(order, str) else len(order)
    batch = taken if table.batch == "all" else int(table.batch)
    before = faults.count
    if n and batch > n:
        message = f"batch = {batch}, but there {'is' if n == 1 else 'are'} {_count(n)}"
        faults.add(message, ("training", "batch"), hint=f'Write at most {n}, or "all".')
    if n and not isinstance(order, str):
        _check_order(order, batch, n, faults)
    needed = ("steps", "epochs", "batch", "order", "rule", "schedule", *option_names())
    if not n or faults.count > before or table.is_faulty(*needed):
        return None
    if isinstance(table.schedule, View) and not _is_whole(table.schedule):
        return None
    steps = table.steps or 1
    if table.epochs is not None:
        per_epoch = -(-taken // batch)
        steps = table.epochs * per_epoch
        if steps > MOST_STEPS:
            message = f"{table.epochs} epochs of {per_epoch} steps: expected at most {MOST_STEPS}"
            faults.add(f"{message} steps", ("training", "epochs"))
    return Training(
        rule=table.rule,
        learning_rate=table.learning_rate or 0.0,
        batch=batch,
        reduction=table.reduction,
        steps=steps,
        stop=Stop(table.stop.error, table.stop.patience) if table.stop else Stop(),
        order=order,
        seed=table.seed,
        options=tuple(
            (name, getattr(table, name))
            for name in option_names([RULES.get(table.rule)])
            if not table.lacks(name)
        ),
        weight_decay=table.weight_decay,
        schedule=_schedule(table.schedule),
    )


def _check_order(order: tuple[int, ...], batch: int, n: int, faults: Faults) -> None:
    """Check a list of samples: they must be there, and none twice in a batch."""
    path = ("training", "order")
    if not order:
        hint = 'Name some samples, or write "file" or "shuffled".'
        faults.add("order: expected at least one sample, found an empty list", path, hint=hint)
    for place, sample in enumerate(order):
        if sample > n:
            message = f"there is no sample {sample}; there {'is' if n == 1 else 'are'} {_count(n)}"
            faults.add(message, (*path, place), hint=f"Write numbers from 1 to {n}.")
            if faults.is_full:
                return
    if batch and (place := repeated(order, batch)) >= 0:
        message = f"sample {order[place]} stands twice in a batch of {batch}"
        hint = "Each batch takes a sample once; another batch may take it again."
        faults.add(message, (*path, place), hint=hint)


def _count(n: int) -> str:
    return f"{n} sample{'s' * (n != 1)}"


def _is_whole(schedule: View) -> bool:
    """Whether a table of a schedule has a name, and no fault in anything that it says."""
    if schedule.lacks("name") or schedule.is_faulty("name", "per"):
        return False
    options = [name for name, _ in SCHEDULES.get(schedule.name).options]
    return not schedule.is_faulty(*options)


def _schedule(read: View | list[list[float]] | None) -> Schedule | None:
    if read is None:
        return None
    if isinstance(read, list):
        return Schedule(rates=tuple((int(first), rate) for first, rate in read))
    names = [name for name, _ in SCHEDULES.get(read.name).options]
    options = tuple((name, getattr(read, name)) for name in names if not read.lacks(name))
    return Schedule(read.name, options, per_epoch=read.per == "epoch")
