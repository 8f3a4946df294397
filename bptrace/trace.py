"""The log of one run: every number of every step, by address or by name.

A trace holds one record per step (see `address.Layout`) and the parameters after the last one. What
the log does not hold is derived from it by the equations of the chapter, bit for bit. How a name is
read is told to the trace when it is made; this module knows no dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from bptrace.address import BEFORE, Address, Quantity
from bptrace.errors import BptraceError
from bptrace.maths.equations import Chapter, Values
from bptrace.maths.expr import FLOATS, Expr, Ref, bind, refs
from bptrace.model import Claim, Problem

if TYPE_CHECKING:
    import os
    from array import array

    import numpy as np
    from numpy.typing import NDArray

_OF_BATCH = (Quantity.D_W, Quantity.D_B, Quantity.E)


class Trace:
    """One run of a problem.

    Attributes
    ----------
    problem : Problem
    log : sequence of float
        ``steps`` records of ``problem.layout.size`` numbers, then the parameters after the last
        step; an ``array('d')`` or a NumPy array of float64.
    steps : int
        How many steps are logged.
    first : int
        The number of the first of them; above 1 if the log is that of a part of a run.
    engine : str
        The engine that ran: "python" or "numba".
    show : function, optional
        How a notebook shows the trace: trace → {media type: text}. Told to the trace, as imports
        point down and the views stand above.
    """

    show: Callable[[Trace], dict[str, str]] | None = None
    opener: ClassVar[Callable[[str | os.PathLike[str]], Trace] | None] = None

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Trace:
        """Open a trace on disk (`store.open_trace`).

        Raises `BptraceError` if it is no trace, one of another version, or damaged.
        """
        if Trace.opener is None:  # told by `bptrace`, which stands above the store
            raise BptraceError("traces are opened with bptrace.Trace.open: import bptrace first")
        return Trace.opener(folder)

    def __init__(
        self,
        problem: Problem,
        log: Sequence[float],
        engine: str,
        read: Callable[[str, bool | None], Expr],
        first: int = 1,
    ) -> None:
        self.problem = problem
        self.layout = problem.layout
        self.log = log
        self.engine, self.way = engine, ""
        self.steps = (len(log) - self.layout.n_carried) // self.layout.size
        self.first = first
        self.chapter = Chapter(problem)
        self._read = read

    def __repr__(self) -> str:
        title = f" of {self.problem.title!r}" if self.problem.title else ""
        return f"<Trace{title}: steps={self.steps}, engine={self.engine!r}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self)} if self.show is None else self.show(self)

    @property
    def calculated_by(self) -> str:
        """The engine, and if it has several ways to calculate a step, which one it took."""
        return f"{self.engine} ({self.way})" if self.way else self.engine

    @property
    def numbers(self) -> range:
        """The numbers of the logged steps."""
        return range(self.first, self.first + self.steps)

    def value(self, address: Address) -> float:
        """Return the number at a complete address (sample and step set).

        Raises `BptraceError` if the run has no such step, sample, layer, neuron or connection.
        """
        return Values(self.chapter, self.logged)(address)

    def values(self) -> Callable[[Hashable], float]:
        """Return a function from addresses to numbers that works out each derived one once."""
        return Values(self.chapter, self.logged)

    def at(self, name: str, step: int = 1, sample: int | None = None) -> float:
        """Return the value of a quantity, or of an expression over quantities, at one step.

        Parameters
        ----------
        name : str
            In the dialect of the file, or positional: ``"dE/dw5"``, ``"w[2,1,1]+"``,
            ``"t_O1 - out_O1"``.
        step : int
            From 1; ``step + 1`` of the last step is the state after it.
        sample : int, optional
            From 1; 0 is the whole batch. Default: the first sample of the step, and the batch for
            gradients if the step has several samples.
        """
        return FLOATS.read(self.read(name, step, sample), self.values())

    def read(
        self, name: str, step: int = 1, sample: int | None = None, minus_delta: bool | None = None
    ) -> Expr:
        """Return the formula of a quantity or expression over complete addresses (see `at`).

        `minus_delta` says what δ means in it, if not what the problem says.
        """
        expr = self._read(name, minus_delta)
        places: dict[Hashable, Expr] = {
            key: Ref(self.complete(key, step, sample))
            for key in refs(expr)
            if isinstance(key, Address)
        }
        return bind(expr, places)

    def claims(self) -> list[tuple[Claim, Expr]]:
        """Return the claims of the problem, each with the formula of what it speaks of."""
        return [
            (claim, self.read(claim.quantity, claim.step, claim.sample, claim.minus_delta))
            for claim in self.problem.claims
        ]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """Return the values of a quantity over all steps, shape ``(steps,)``, float64.

        Sample as in `at`. What the log holds is a view into it, not a copy.
        """
        expr = self._read(name, None)
        if isinstance(expr, Ref) and isinstance(expr.key, Address):
            address = self.complete(expr.key, step=self.first, sample=None)
            self._check_differentiable(address)
            if self.layout.has(address):
                column = slice(self.layout.slot(address), self.steps * self.layout.size)
                return self._floats()[column][:: self.layout.size]
        import numpy as np

        return np.array([self.at(name, step) for step in self.numbers])

    def array(self, quantity: Quantity) -> NDArray[np.float64]:
        """Return a logged quantity of all steps without copying.

        Shape ``(steps, n)`` for parameters and their gradients, ``(steps, batch, n)`` for what
        belongs to a sample; n in the order of `Layout`. Samples that a smaller last batch does not
        have are nan.
        """
        layout = self.layout
        records = self._floats()[: self.steps * layout.size]
        records = records.reshape(self.steps, layout.size)
        starts = {
            Quantity.W: (0, layout.n_w),
            Quantity.B: (layout.n_w, layout.n_parameters),
            **self._memories(),
            Quantity.D_W: (layout.gradients, layout.gradients + layout.n_w),
            Quantity.D_B: (layout.gradients + layout.n_w, layout.samples),
        }
        rule = self.problem.rule  # a local one has its steps where gradients stand otherwise
        if quantity in starts and (not quantity.is_partial or rule is None or not rule.local):
            return records[:, slice(*starts[quantity])]
        if quantity not in layout.sample_starts:
            raise BptraceError(f"{quantity.name} is not a logged quantity: ask for single values")
        shape = (self.steps, layout.shape.batch, layout.sample_size)
        per_sample = records[:, layout.samples :].reshape(shape)
        bounds = [*sorted(layout.sample_starts.values()), layout.sample_size]
        start = layout.sample_starts[quantity]
        return per_sample[:, :, start : bounds[bounds.index(start) + 1]]

    def _memories(self) -> dict[Quantity, tuple[int, int]]:
        """Where in a record stands what the rule remembers: of the weights, then of the biases."""
        n = self.layout.n_parameters
        memory = self.layout.shape.memory
        return {quantity: (k * n, (k + 1) * n) for k, quantity in enumerate(memory, 1)}

    def _floats(self) -> NDArray[np.float64]:
        """The whole log as an array that shares its memory."""
        import numpy as np

        return np.frombuffer(cast("array[float]", self.log), dtype=np.float64)

    def record(self, step: int) -> Sequence[float]:
        """Return the numbers of one step in the order of `Layout`."""
        start = (step - self.first) * self.layout.size
        return self.log[start : start + self.layout.size]

    def samples(self, step: int) -> tuple[int, ...]:
        """Return the samples (from 1) of a step."""
        return self.problem.batch(step)

    def errors(self) -> Iterator[float]:
        """Yield E of every step's batch, before its update."""
        for step in self.numbers:
            yield self.value(Address(Quantity.E, step=step))

    def logged(self, address: Address) -> float | None:
        """Return the number if it is given or in the log, None if it must be derived."""
        quantity, step = address.quantity, address.step
        self._check_differentiable(address)
        if quantity is Quantity.ETA:
            training = self.problem.training
            return training.learning_rate if training.schedule is None else None
        self._check_step(address)
        self._check_sample(address)
        if quantity is Quantity.T or (quantity is Quantity.OUT and address.layer == 0):
            return self._given(address)
        if quantity in BEFORE:
            self.layout.check(address)
            return self.logged(address._replace(quantity=BEFORE[quantity], step=step + 1))
        if not self.layout.has(address):
            return None
        if quantity in (Quantity.W, Quantity.B) or quantity.is_memory:
            return self.log[(step - self.first) * self.layout.size + self.layout.slot(address)]
        return self._recorded(address)

    def _recorded(self, address: Address) -> float | None:
        """A number of the forward or backward pass; None for a sample outside the batch."""
        if address.step not in self.numbers or not self._is_calculated(address.quantity):
            return None
        position = 0
        if address.sample:
            batch = self.samples(address.step)
            if address.sample not in batch:
                return None
            position = batch.index(address.sample)
        slot = self.layout.slot(address, position)
        return self.log[(address.step - self.first) * self.layout.size + slot]

    def _is_calculated(self, quantity: Quantity) -> bool:
        """Whether the kernels fill the place that the log has for a quantity."""
        return self.problem.has_backward or not quantity.is_partial

    def _given(self, address: Address) -> float:
        """A number of a sample: an input or a target."""
        self.layout.check(address)
        sample = self.problem.samples[address.sample - 1]
        numbers = sample.t if address.quantity is Quantity.T else sample.x
        if not numbers:
            raise BptraceError(f"{address.positional}: sample {address.sample} has no target")
        return numbers[address.neuron - 1]

    def _check_sample(self, address: Address) -> None:
        """Refuse samples that the file does not have; 0 is the batch of what is summed over it."""
        if not address.quantity.per_sample:
            return
        samples = len(self.problem.samples)
        summed = address.quantity in _OF_BATCH and address.of is None
        if not (0 if summed else 1) <= address.sample <= samples:
            raise BptraceError(
                f"{address.positional}: there is no sample {address.sample}; "
                f"the file has the samples 1 to {samples}"
            )

    def _check_step(self, address: Address) -> None:
        """Refuse steps outside the run; the state after the last one counts as the next."""
        end = self.numbers.stop
        if not self.first <= address.step < end + (address.quantity not in BEFORE):
            raise BptraceError(
                f"{address.positional}: there is no step {address.step}; "
                f"the run has the steps {self.first} to {end - 1}"
            )

    def complete(self, address: Address, step: int, sample: int | None) -> Address:
        """Return `address` with its step, and with its sample where it belongs to one."""
        if sample is None:
            batch = self.samples(step)
            of_error = address.of is None
            gradient = address.quantity in (Quantity.D_W, Quantity.D_B) and of_error
            whole = gradient or (address.quantity is Quantity.E and len(batch) > 1)
            sample = 0 if whole else batch[0]
        return address.at(sample, step)

    def _check_differentiable(self, address: Address) -> None:
        """Refuse errors and their derivatives where there is no target or no loss."""
        of_error = address.of is None or address.of.quantity is Quantity.E_K
        is_error = address.quantity in (Quantity.E, Quantity.E_K)
        if not self.problem.has_error and (is_error or (address.quantity.is_partial and of_error)):
            raise BptraceError(
                f"{address.positional}: there is no error to differentiate, "
                "because the file gives no loss or not every sample has a target"
            )
