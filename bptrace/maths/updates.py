"""How the parameters change: the equations of an update, whatever the learning rule is.

`Updates` puts the quantities of a problem into the formulas of its rule and of its schedule. Their
sources are named in those tables.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from bptrace.address import AFTER, BEFORE, Address, Quantity, partial
from bptrace.maths.expr import ZERO, Expr, Num, Ref, add, bind, div, mul, sub
from bptrace.maths.rules import Rule
from bptrace.maths.schedules import SCHEDULES
from bptrace.model import Problem

Q = Quantity


class Updates:
    """The equations of all updates of one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.network = problem.network

    def rate(self, address: Address) -> Expr | None:
        """η, which a schedule may change from update to update."""
        training = self.problem.training
        schedule = training.schedule
        if schedule is None:
            return None
        if schedule.rates:
            return Num([rate for first, rate in schedule.rates if first <= address.step][-1])
        entry = SCHEDULES.get(schedule.name)
        done = address.step - 1
        if schedule.per_epoch:
            done //= self.problem.batches
        options = dict(entry.options) | dict(schedule.options)
        places: dict[Hashable, Expr] = {name: Num(value, name) for name, value in options.items()}
        return bind(
            entry.expr,
            {"rate": Num(training.learning_rate, "rate"), "n": Num(float(done), "n"), **places},
        )

    def _eta(self, step: int) -> Expr:
        """η: one for all steps, or that of a step."""
        return Ref(Address(Q.ETA, step=0 if self.problem.training.schedule is None else step))

    def step(self, address: Address) -> Expr:
        """Δw or Δb."""
        rule, p = self.problem.rule, address.parameter
        if rule is None or not self.problem.is_trained(p):
            return ZERO
        if rule.local is not None:
            return self._local_step(p)
        expr = bind(rule.step_expr, self.open_places(p))
        shrunk = self._shrinking(p)
        return expr if shrunk is None or not rule.decoupled else sub(expr, shrunk)

    def new(self, address: Address) -> Expr:
        """w⁺ or b⁺."""
        rule, p = self.problem.rule, address.parameter
        if rule is None or not self.problem.is_trained(p):
            return Ref(p)
        places = self.open_places(p)
        if rule.local is not None:
            several = len(self.problem.batch(p.step)) > 1
            places["step"] = Ref(step_of(p)) if several else self._local_step(p)
        shrunk = self._shrinking(p)
        if rule.decoupled and shrunk is not None:
            places["parameter"] = sub(Ref(p), shrunk)
        return bind(rule.new_expr, places)

    def remembered(self, address: Address) -> Expr:
        """v⁺, m⁺ or s⁺: what is remembered after the update."""
        rule, p = self.problem.rule, address.parameter
        old = BEFORE[address.quantity]
        if rule is None or not self.problem.is_trained(p):
            return Ref(address._replace(quantity=old))
        (expr,) = (memory.expr for memory in rule.memory if memory.quantity is old)
        return bind(expr, self.open_places(p))

    def corrected(self, address: Address) -> Expr:
        """m̂ or ŝ: a mean without its beginning at 0."""
        rule = self.problem.rule
        assert rule is not None
        assert rule.corrected is not None
        return bind(rule.corrected[address.quantity], self.open_places(address.parameter))

    def open_places(self, p: Address) -> dict[Hashable, Expr]:
        """Return what stands in the open places of the rule's formulas for the parameter `p`."""
        rule, training = self.problem.rule, self.problem.training
        assert rule is not None
        gradient: Expr = Ref(partial(None, p))
        decay = self._decay(rule, p)
        if decay and not rule.decoupled:
            gradient = add(gradient, mul(Num(decay, "weight_decay"), Ref(p), role="weight decay"))
        places: dict[Hashable, Expr] = {
            "parameter": Ref(p),
            "gradient": gradient,
            "eta": self._eta(p.step),
            "n": Num(float(p.step), "n"),
        }
        given = dict(training.options)
        for option in rule.options:
            places[option.name] = Num(rule.constant(option.name, given), option.name)
        for memory in rule.memory:
            for quantity in (memory.quantity, AFTER[memory.quantity]):
                places[quantity] = Ref(p._replace(quantity=quantity))
        for quantity in rule.corrected or ():
            places[quantity] = Ref(p._replace(quantity=quantity))
        return places

    def _decay(self, rule: Rule, p: Address) -> float:
        """λ of a parameter: biases have none."""
        given = self.problem.training.weight_decay
        return 0.0 if p.is_of_bias else rule.weight_decay if given is None else given

    def _shrinking(self, p: Address) -> Expr | None:
        """η·λ·w, by which a decoupled decay shrinks a weight; None if it does not."""
        rule = self.problem.rule
        assert rule is not None
        decay = self._decay(rule, p)
        if not decay:
            return None
        return mul(self._eta(p.step), Num(decay, "weight_decay"), Ref(p), role="weight decay")

    def _local_step(self, p: Address) -> Expr:
        """What the samples of the batch add to `p` by a local rule, added up."""
        rule, samples = self.problem.rule, self.problem.batch(p.step)
        assert rule is not None
        assert rule.local is not None
        expr = rule.local.bias_expr if p.is_of_bias else rule.local.expr
        terms = (
            bind(expr, self._seen(p._replace(neuron=j), s))
            for s in samples
            for j in self._neurons_of(p)
        )
        return over_batch(terms, self.problem, p.step)

    def _neurons_of(self, p: Address) -> Sequence[int]:
        """The neurons to which a parameter leads: all of the layer for a shared bias."""
        everyone = p.is_of_bias and self.network.layers[p.layer].shares_bias
        return range(1, self.network.widths[p.layer] + 1) if everyone else (p.neuron,)

    def _seen(self, p: Address, sample: int) -> dict[Hashable, Expr]:
        """What a local rule sees at the connection `p`."""
        y = Address(Q.OUT, p.layer, p.neuron, sample=sample, step=p.step)
        return {
            "eta": self._eta(p.step),
            "x": Ref(y._replace(layer=p.layer - 1, neuron=p.source)),
            "t": Ref(y._replace(quantity=Q.T, layer=0)),
            "y": Ref(y),
        }


def step_of(parameter: Address) -> Address:
    """The address of Δw or Δb."""
    return parameter._replace(quantity=Q.STEP_B if parameter.is_of_bias else Q.STEP_W)


def over_batch(terms: Iterable[Expr], problem: Problem, step: int) -> Expr:
    """Return the sum over the samples of a step's batch, in their order, or the mean of them."""
    samples = problem.batch(step)
    total = add(*terms, role="batch sum")
    if problem.training.reduction == "mean" and len(samples) > 1:
        return div(total, Num(float(len(samples))), role="batch mean")
    return total


EQUATIONS: dict[Quantity, Callable[[Updates, Address], Expr | None]] = {
    Q.ETA: Updates.rate,
    Q.V_NEW: Updates.remembered,
    Q.M_NEW: Updates.remembered,
    Q.S_NEW: Updates.remembered,
    Q.M_HAT: Updates.corrected,
    Q.S_HAT: Updates.corrected,
    Q.STEP_W: Updates.step,
    Q.STEP_B: Updates.step,
    Q.W_NEW: Updates.new,
    Q.B_NEW: Updates.new,
}
