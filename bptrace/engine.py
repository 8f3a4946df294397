"""Problem → trace: runs the kernels, compiled or in plain Python, and says which.

Both engines run the same source and give the same bits (`kernels`). Nothing is imported before it
is needed: textbook examples run without Numba and without NumPy.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from bptrace.address import Address
from bptrace.errors import BptraceError, ModelError, UnknownName
from bptrace.kernels import cast, source, ways
from bptrace.model import Parameters, Problem
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.maths.expr import Expr
    from bptrace.notation import Notation

ENGINES = ("auto", "python", "numba")

# Plain Python on a 2-GHz server core: 31 µs a step for 2-2-2, 177 for 2-10-10-1, 5,300 for
# 784-30-10, and with a log 32, 186, 8,000; these two constants give 31, 186 and 6,700.
SECONDS_PER_WEIGHT = 0.27e-6
SECONDS_PER_NEURON = 7.2e-6

# Importing NumPy and Numba and loading the kernels from the cache takes 0.75 s there, half of it
# each; the steps themselves are then 200 to 1,400 times as fast. The first run ever compiles for
# 6 to 10 s, once, which is not counted.
BREAK_EVEN = 0.8

GIB = 2**30
MOST_MEMORY = 2 * GIB
MUCH_MEMORY = GIB // 4
"""What is worth telling before it is taken."""

CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux says how many bytes a container may have."""

MOST_AT_ONCE = 1_000_000
"""Steps between those that an excerpt keeps: E of each is held until they are done."""


DIVERGED = "the weights are no finite numbers any more: a smaller learning rate may help"


class Run(Trace):
    """A trace, and what the engine has to say about it.

    Attributes
    ----------
    step_errors : array of float
        E of the batch of each step, before its update; nan without loss or targets.
    checkpoints : array of float
        What is carried on from some steps, if `go_on` was asked for them.
    remark : str
        What the user should know, such as why the slower engine ran; "" for nothing.
    """

    step_errors: array[float]
    checkpoints: array[float]
    remark: str

    @property
    def state(self) -> State:
        """Where the run ended, from where `go_on` can go on."""
        return State(self.first + len(self.step_errors) - 1, _carried(self))


class Excerpt(Trace):
    """Some steps of a run, as if it had been logged as a whole; the others are not kept.

    Attributes
    ----------
    parts : dict of int to Run
        The runs of the kept steps, each of one step, by its number.
    remark : str
        As for `Run`.
    """

    def __init__(self, problem: Problem, parts: dict[int, Run], steps: int) -> None:
        first = next(iter(parts.values()))
        super().__init__(problem, first.log, first.engine, first._read)
        self.parts, self.steps, self.way = parts, steps, first.way
        self.remark = next((run.remark for run in parts.values() if run.remark), "")

    def logged(self, address: Address) -> float | None:
        """Return the number of a kept step, or of the state after it (see `Trace.logged`)."""
        part = self.parts.get(address.step) or self.parts.get(address.step - 1)
        return (part or next(iter(self.parts.values()))).logged(address)

    def record(self, step: int) -> Sequence[float]:
        """Return the log of a kept step."""
        return self.parts[step].record(step)


class State(NamedTuple):
    """Where a run stands.

    Attributes
    ----------
    steps : int
        Updates that are done.
    numbers : array of float
        What they left, in the order of the log: weights, biases, and what the rule remembers.
    """

    steps: int
    numbers: array[float]


class Choice(NamedTuple):
    """The engine that will run, and a remark where it is not the one to be expected."""

    engine: str
    remark: str = ""


def run(problem: Problem, engine: str = "auto", steps: int | None = None, log: bool = True) -> Run:
    """Calculate `problem` and return its trace.

    Parameters
    ----------
    problem : Problem
    engine : str
        "python", "numba", or "auto": compiled where it pays. The bits are the same.
    steps : int, optional
        Default: as many as the problem says.
    log : bool
        False keeps only E of each step and the last parameters: the trace then has no steps, and
        its problem begins with the parameters where the training ended; with those of `problem`
        if that diverged, which the remark then says.

    Raises
    ------
    UnknownName
        If there is no such engine.
    BptraceError
        If the log would take too much memory, if `steps` is negative, or if Numba is asked for and
        cannot be imported.
    """
    steps = problem.training.steps if steps is None else steps
    trace = go_on(problem, start(problem), steps, engine, log)
    if not log:
        try:
            trace.problem = with_parameters(problem, trace.state)
        except ModelError:
            trace.remark = trace.remark or DIVERGED
    return trace


def excerpt(problem: Problem, kept: Sequence[int], steps: int, engine: str = "auto") -> Excerpt:
    """Run `problem` and keep some of its steps only: the memory of a long run stays small.

    Parameters
    ----------
    problem : Problem
    kept : sequence of int
        Steps to be kept, ascending; the first one, where everything begins, is kept with them.
        Those after the last of them are not calculated.
    steps : int
        How many steps the run is said to have.
    engine : str
        As for `run`, which says what is raised, too.
    """
    kept = sorted({1, *kept})
    check_memory(problem, 2 * len(kept))  # a log of one step has room for the next
    chosen, remark = choose(problem, kept[-1], engine)
    state, parts = start(problem), dict[int, Run]()
    for step in kept:
        while step - 1 > state.steps:
            between = go_on(problem, state, min(step - 1 - state.steps, MOST_AT_ONCE), chosen)
            state, remark = between.state, between.remark or remark
        parts[step] = go_on(problem, state, 1, chosen, log=True)
        state = parts[step].state
    trace = Excerpt(problem, parts, steps)
    trace.remark = trace.remark or remark
    return trace


def start(problem: Problem) -> State:
    """Return where every run of `problem` begins."""
    numbers = array("d")
    for row in problem.parameters.rows():
        numbers.extend(row)
    return State(0, numbers + array("d", bytes(8 * (problem.layout.n_carried - len(numbers)))))


def with_parameters(problem: Problem, state: State) -> Problem:
    """Return `problem` with the parameters of `state` as its first.

    Raises `ModelError` if they are not finite: a run that diverged leaves nothing to go on from.
    """
    return replace(problem, parameters=parameters(problem, state.numbers))


def go_on(
    problem: Problem,
    state: State,
    steps: int,
    engine: str = "auto",
    log: bool = False,
    again: array[float] | None = None,
    every: int = 0,
) -> Run:
    """Do `steps` more steps, and return them as a trace that counts on from ``state.steps``.

    Any number of steps in any number of parts gives the bits of one run. Without a log the trace
    has no steps, only ``step_errors`` and ``state``, where it ended. Raises as `run` does.

    `again` is the log of as many steps of this problem that nobody needs any more, to be written
    over. With `every`, and without a log, what is carried on is kept whenever so many steps are
    done, counted from the very first: one after the other in ``checkpoints``.
    """
    if steps < 0:
        raise BptraceError(f"{steps} steps: at least 0 are needed")
    chosen, remark = choose(problem, steps, engine)
    check_memory(problem, steps, log)
    record = cast.new_record(problem, state.numbers)
    if every:
        numbers = cast.new_checkpoints(problem.layout, state.steps, steps, every)
    elif not log:
        numbers = array("d")
    elif again is not None and len(again) == cast.log_slots(problem.layout, steps):
        numbers = again
    else:
        numbers = cast.new_log(problem.layout, steps)
    errors = cast.new_errors(steps)
    way = ways.choose(problem, steps, log, chosen == "numba", every > 0)
    net, plan = cast.cast_net(problem, way), cast.cast_plan(problem, state.steps, steps, way, every)
    if chosen == "numba":
        from bptrace.kernels import compiled  # half a second, with NumPy and Numba

        remark = compiled.run_steps(net, plan, record, numbers, errors) or remark
    else:
        source.run_steps(net, plan, record, numbers, errors)
    kept = numbers if every else array("d")
    if not log:
        numbers = record[: problem.layout.n_carried]
    trace = Run(problem, numbers, chosen, _Reader(problem), first=state.steps + 1)
    trace.step_errors, trace.checkpoints, trace.remark = errors, kept, remark
    trace.way = str(way) if chosen == "numba" else ""
    return trace


def choose(problem: Problem, steps: int, engine: str = "auto") -> Choice:
    """Return which engine runs `steps` steps; raises as `run` does."""
    if engine == "auto" and plain_seconds(problem, steps) < BREAK_EVEN:
        return Choice("python")
    return by_name(engine)


def by_name(engine: str) -> Choice:
    """Return the engine of this name; "auto" is the compiled one if it is there."""
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    if engine == "python":
        return Choice("python")
    missing = _numba_missing()
    if not missing:
        return Choice("numba")
    if engine == "auto":
        return Choice("python", f"{missing}; plain Python ran instead, with the same results")
    raise BptraceError(f"{missing}. Install it (pip install numba), or use the engine 'python'")


def plain_seconds(problem: Problem, steps: int) -> float:
    """Estimate how long plain Python takes for `steps` steps."""
    samples = steps * problem.training.batch
    neurons = sum(problem.network.widths[1:])
    return samples * (SECONDS_PER_WEIGHT * problem.layout.n_w + SECONDS_PER_NEURON * neurons)


def memory_needed(problem: Problem, steps: int, log: bool = True) -> int:
    """Return how many bytes a run of `steps` steps takes: its log, and E of every step."""
    slots = cast.log_slots(problem.layout, steps) if log else 0
    columns = cast.column_slots(problem, ways.choose(problem, steps, log))
    return 8 * (slots + cast.record_slots(problem) + columns + steps)


def check_memory(problem: Problem, steps: int, log: bool = True) -> None:
    """Raise `BptraceError` if the log of `steps` steps is too large to be held in memory."""
    needed, limit = memory_needed(problem, steps, log), memory_limit()
    if needed <= limit:
        return
    per_step, batch = 8 * (problem.layout.size + 1), problem.training.batch
    if per_step > limit:
        raise BptraceError(
            f"a step takes {gib(per_step)} of memory, with its batch of {batch:,}; "
            f"the limit is {gib(limit)}. Take a smaller {'batch' if batch > 1 else 'network'}"
        )
    fits = max(0, (limit - memory_needed(problem, 0)) // per_step)
    what = "the log" if log else "E of every step"
    cure = f"At most {fits:,} steps fit; or run without a log" if log else "Take fewer steps"
    raise BptraceError(
        f"{what} of {steps:,} steps would take {gib(needed)} of memory; "
        f"the limit is {gib(limit)}. {cure}"
    )


def memory_limit() -> int:
    """Return how many bytes a log may take: 2 GiB, or half of the memory if that is less.

    The memory of the machine, or of the container: a fixed number, not what happens to be free, as
    the same command should not fail now and then.
    """
    sizes = [MOST_MEMORY]
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        built_in = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        sizes.append(built_in // 2 if built_in > 0 else MOST_MEMORY)
    return min(sizes + [size // 2 for size in _container_limits(CONTAINER_LIMITS)])


@cache
def _container_limits(names: tuple[str, ...]) -> list[int]:
    """Read the limits once: a run in parts asks before each of them."""
    found = []
    for name in names:
        with suppress(ValueError, OSError), open(name, encoding="ascii") as file:
            found.append(int(file.read()))  # "max", without a limit, is no number
    return found


def gib(n_bytes: int) -> str:
    """Return an amount of memory in words: "29.80 GiB (32,000,000,096 bytes)"."""
    return f"{n_bytes / GIB:,.2f} GiB ({n_bytes:,} bytes)"


@cache
def _numba_missing() -> str:
    """Return why Numba cannot be imported, or "" if it can."""
    try:
        import bptrace.kernels.compiled  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: a library that llvmlite cannot load
        return f"Numba cannot be imported ({error})"
    return ""


def _carried(trace: Trace) -> array[float]:
    """Return what stands behind the last record of a log."""
    log = trace.log[len(trace.log) - trace.layout.n_carried :]
    return log if isinstance(log, array) else array("d", log)


class _Reader:
    """Reads names in the problem's dialect; the dialect is loaded when the first name is read."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.notation: Notation | None = None

    def __call__(self, text: str, minus_delta: bool | None = None) -> Expr:
        if self.notation is None:
            from bptrace.notation import Notation

            self.notation = Notation.of(self.problem)
        return self.notation.read(text, minus_delta)


def parameters(problem: Problem, numbers: Sequence[float]) -> Parameters:
    """Return weights and biases from their numbers in the order of the log."""
    rest: Iterator[float] = iter(numbers)
    layers = problem.network.layers
    weights = tuple(
        tuple(tuple(islice(rest, before.size)) for _ in range(layer.size))
        for before, layer in pairwise(layers)
    )
    return Parameters(weights, tuple(tuple(islice(rest, layer.biases)) for layer in layers[1:]))
