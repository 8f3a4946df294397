"""Steps per second, with and without the log, against the peers and against the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from benchmarks import limits, ours, peers
from benchmarks.bounds import trajectory
from benchmarks.measure import PROCESSOR, Sheet, Task, Times, ratios, rounds, spread, typical
from benchmarks.record import in_our_order
from benchmarks.work import Work
from bptrace.kernels import source

US, LOG, RING, PLAIN = "bptrace", "bptrace, log", "bptrace, log in a ring", "bptrace, plain Python"
"""Our tasks; those of a peer are its name, and its name with ", log"."""

SECONDS = 0.02
"""Of one measurement."""

LOG_BYTES = 2**26
"""Of records that a measurement keeps at most."""

CHECKED = 6
"""Steps over which peers are compared with us, number by number."""

TOO_WIDE = 1e-6
"""A bound that leaves more than this to chance shows nothing, with numbers around 1."""


class Runs(Protocol):
    """Whatever can be run again and again."""

    def run(self) -> None:
        """Do all steps."""


class Case(NamedTuple):
    """A network and a batch size, with the machine's limits that belong beside it."""

    widths: tuple[int, ...]
    batch: int = 1
    limits: tuple[str, ...] = ()
    quick: bool = True


CASES = (
    Case((2, 2, 2), limits=("chain",)),
    Case((2, 10, 10, 1)),
    Case((784, 30, 10), limits=("L2", "memory", "streaming", "copy")),
    Case((784, 30, 10), 32, limits=("arithmetic",)),
    Case((784, 256, 128, 10), 32, limits=("arithmetic",), quick=False),
)

LIMITS_TEXT = """A step of 2-2-2 cannot be faster than its dependent operations, one by one.
784-30-10, one sample at a time, writes all its weights once a step, which the second-level cache
takes at its rate at best; with the log, a record of 389 KB goes to memory. Batches of 32 are
arithmetic: sums stay in printed order and no product is fused with a sum; the limit counts both."""

LIMITS = {
    "chain": ("dependent operations of a 2-2-2 step, ns", lambda: Task(limits.chain(50_000), 5e4)),
    "L1": ("stores into 16 KiB, GB/s", lambda: Task(limits.stores(2**14, 2**26), 2**26)),
    "L2": ("stores into 256 KiB, GB/s", lambda: Task(limits.stores(2**18, 2**26), 2**26)),
    "memory": ("stores into 256 MiB, GB/s", lambda: Task(limits.stores(2**28, 2**28), 2**28)),
    "streaming": (
        "streaming stores into 256 MiB, GB/s",
        lambda: Task(limits.stores(2**28, 2**28, streaming=True), 2**28),
    ),
    "copy": ("NumPy's copy of 128 MiB, GB/s", lambda: Task(limits.copies(2**28), 2**27)),
    "arithmetic": (
        "products and sums, one each, Gflop/s",
        lambda: Task(limits.arithmetic(2**28), 2**28),
    ),
}


def table(sheet: Sheet) -> Iterator[str]:
    """Yield the tables; all tasks of a network take their turn in each round."""
    for case in CASES:
        if case.quick or not sheet.quick:
            yield from _case(case, sheet)
            yield ""
    yield from _limits(sheet)


def _case(case: Case, sheet: Sheet) -> Iterator[str]:
    work = Work(case.widths, case.batch)
    tasks = _our_tasks(work)
    shown = [US, RING, PLAIN]
    for entry in peers.installed(sheet.quick):
        if case.batch * sum(w.size for w in work.weights) <= entry.most:
            check(work, entry)
            for keep in (False, True):
                tasks[entry.name + ", log" * keep] = _calibrated(work, entry, keep)
            shown.append(entry.name)
    names = case.limits if not sheet.quick else tuple(n for n in case.limits if n == "chain")
    for name in names:
        tasks[name] = LIMITS[name][1]()
    times = rounds(tasks, sheet.rounds)
    _remember(work, times, sheet)
    yield f"### {work.name}"
    yield ""
    yield (
        "| | steps/s | time / bptrace: median (min–max) | with log, steps/s "
        "| time / bptrace with log | the log costs |"
    )
    yield "|---|--:|--:|--:|--:|--:|"
    for name in shown:
        yield _row(times, name)


def _our_tasks(work: Work) -> dict[str, Task]:
    compiled, plain = {}, {}
    ring = {"keep": True, "ring": True}
    for name, options in ((US, {}), (LOG, {"keep": True}), (RING, ring)):
        compiled[name] = partial(ours.Ours, work.problem, **options)
    for name, keep in ((PLAIN, False), (f"{PLAIN}, log", True)):
        plain[name] = partial(ours.Ours, work.problem, keep=keep, kernel=source.run_steps)
    return {
        name: _sized(make, steps, _most(work, kept=name != US and name != PLAIN))
        for each, steps in ((compiled, 64), (plain, 1))
        for name, make in each.items()
    }


def _calibrated(work: Work, entry: peers.Entry, keep: bool) -> Task:
    peer = entry.load()
    return _sized(lambda steps: peer(work, steps, keep), entry.try_steps, _most(work, keep))


def _most(work: Work, kept: bool) -> int:
    """Return how many steps a measurement may have: without a log as many as it likes."""
    return max(1, LOG_BYTES // (8 * work.size)) if kept else 10**9


def _sized(make: Callable[[int], Runs], steps: int, most: int) -> Task:
    """Return a task of so many steps as fill a measurement.

    A first run of a few steps is mostly the call and cold caches, and would give far too few.
    """
    while True:
        steps = min(steps, most)
        task = make(steps)
        task.run()  # what compiles does so now
        seconds = _seconds(task.run)
        fitting = max(1, min(most, int(SECONDS * steps / max(seconds, 1e-9))))
        if fitting <= 2 * steps:
            break
        steps = min(fitting, 64 * steps)
    if fitting < steps / 2:
        steps, task = fitting, make(fitting)
    return Task(task.run, getattr(task, "steps", steps))


def _seconds(run: Callable[[], object]) -> float:
    begin = PROCESSOR()
    run()
    return PROCESSOR() - begin


def check(work: Work, entry: peers.Entry) -> None:
    """Make sure that a peer calculates what we calculate, or there would be nothing to compare.

    All numbers of some steps, and the parameters without a log, are within the bound of what two
    correct programs may be apart.
    """
    if not entry.comparable:
        return
    make = entry.load()
    _, bounds = trajectory(work, CHECKED + 1)
    our = ours.of(work, CHECKED, keep=True)
    our.run()
    kept, bare = make(work, CHECKED, True), make(work, CHECKED, False)
    kept.run()
    bare.run()
    theirs = np.array([in_our_order(kept.step(s)) for s in range(CHECKED)])
    weights, biases = bare.parameters()
    end, n = np.concatenate([p.ravel() for p in (*weights, *biases)]), len(our.parameters())
    agrees = (
        bounds.max() < TOO_WIDE
        and (abs(theirs - our.records()) <= bounds[:-1]).all()
        and (abs(end - our.parameters()) <= bounds[-1, :n]).all()
    )
    if not agrees:
        raise SystemExit(f"{work.name}: {entry.name} calculates other numbers than bptrace")


def _remember(work: Work, times: Times, sheet: Sheet) -> None:
    """Keep the ratios by name: what takes how many times as long as ours."""
    for name in times:
        if name not in LIMITS:
            base = LOG if name.endswith(", log") else US
            sheet.found[f"{work.name}: {name}"] = ratios(times, name, base)
    for name, kept in ((LOG, LOG), (RING, RING)):
        sheet.found[f"{work.name}: cost of {name}"] = ratios(times, kept, US)
    for name, (task, amount) in _work_at_limit(work).items():
        if name in times:
            pairs = zip(times[name], times[task], strict=True)
            sheet.found[f"{work.name}: share of {name}"] = spread(
                [amount * a / b for a, b in pairs]
            )
    for name in LIMITS:
        if name in times:
            values = [t * 1e9 if name == "chain" else 1 / t / 1e9 for t in times[name]]
            sheet.found[f"limit: {name}"] = spread(values)


def _work_at_limit(work: Work) -> dict[str, tuple[str, float]]:
    """Return for each limit which of our tasks runs into it, and how much of it a step needs."""
    pairs = [w.size for w in work.weights]
    parameters = sum(pairs) + sum(b.size for b in work.biases)
    passes = 3 * sum(pairs) - pairs[0]  # forward, gradients, back through all but the first layer
    return {
        "chain": (US, 1.0),
        "L2": (US, 8.0 * parameters),
        "streaming": (LOG, 8.0 * work.size),
        "arithmetic": (US, 2.0 * (work.batch * passes + parameters)),
    }


def _row(times: Times, name: str) -> str:
    if name == RING:
        plain, kept = None, RING
    else:
        plain, kept = name, f"{name}, log"
    cells = [name]
    if plain is None:
        cells += ["", ""]
    else:
        cells += [f"{1 / typical(times, plain):,.0f}", ratios(times, plain, US).text()]
    cells += [f"{1 / typical(times, kept):,.0f}", ratios(times, kept, LOG).text()]
    cost = ratios(times, kept, plain or US)
    cells.append(f"{100 * (cost.median - 1):+,.0f} %")
    return f"| {' | '.join(cells)} |"


def _limits(sheet: Sheet) -> Iterator[str]:
    """Yield the limits that were measured, and how near to them our steps come."""
    yield "### The machine's limits"
    yield ""
    yield "| limit, one core | measured: median (min–max) | bptrace reaches |"
    yield "|---|--:|---|"
    for name, (what, _) in LIMITS.items():
        if f"limit: {name}" in sheet.found:
            end = f": share of {name}"
            reached = "; ".join(
                f"{key.removesuffix(end)}: {share.percent()}"
                for key, share in sheet.found.items()
                if key.endswith(end)
            )
            yield f"| {what} | {sheet.found[f'limit: {name}'].text()} | {reached or '–'} |"
    yield ""
    yield LIMITS_TEXT
