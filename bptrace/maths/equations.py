"""The textbook chapter: one equation per quantity, in order of calculation.

`Chapter(problem).equation(address)` gives the formula of any quantity of any layer, sample and step
in terms of the quantities just before it; whatever has no equation is given. The chapter knows
neither names nor numbers. Order of all sums: sources ascending and the bias last; targets
ascending; samples in the order of the batch.

Sources: Rumelhart, Hinton & Williams, Learning representations by back-propagating errors (Nature
323, 1986), equations 1–8, for the quantities one by one; Nielsen, Neural Networks and Deep Learning
(2015), chapter 2, BP1–BP4, for δ.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import cached_property

from bptrace.address import AFTER, Address, Quantity, partial
from bptrace.maths import updates
from bptrace.maths.expr import (
    FLOATS,
    ONE,
    ZERO,
    Expr,
    Num,
    Ref,
    add,
    bind,
    inline,
    mul,
    refs,
    spread,
)
from bptrace.maths.losses import LOSSES, Fused, fused
from bptrace.maths.own import activation_of
from bptrace.maths.updates import Updates, over_batch, step_of
from bptrace.model import Problem
from bptrace.tuples import NamedTuple

Q = Quantity


class Equation(NamedTuple):
    """``address = expr``, and the textbook's equation that says so.

    `forms` are other formulas of the same quantity, in the order in which a textbook derives `expr`
    from them: the same number, but not in every bit, and not where it overflows.
    """

    address: Address
    expr: Expr
    source: str
    forms: tuple[Expr, ...] = ()


class Chapter:
    """All equations of one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.network = problem.network
        self.updates = Updates(problem)

    def equation(self, address: Address) -> Equation | None:
        """Return the equation of `address`, or None if it is given (x, t, η, first parameters).

        The address must be complete: a step, and a sample (0: the batch) where there is one. Raises
        `BptraceError` if the network has no such place.
        """
        self.problem.layout.check(address)
        if address.of is not None:
            self.problem.layout.check(address.of)
        if address.quantity in updates.EQUATIONS:
            return self._of_update(address)
        write, source = _EQUATIONS[address.quantity]
        expr = write(self, address)
        if expr is None:
            return None
        forms = _FORMS.get(address.quantity)
        return Equation(address, expr, source, forms(self, address) if forms else ())

    def _of_update(self, address: Address) -> Equation | None:
        """The equation of a rate, or of what the learning rule says."""
        expr = updates.EQUATIONS[address.quantity](self.updates, address)
        if expr is None:
            return None
        rule = self.problem.rule
        source = "the learning rule" if rule is None else rule.source
        is_rate = address.quantity is Q.ETA
        return Equation(address, expr, "the schedule of the learning rate" if is_rate else source)

    # The chapter, in order of calculation

    def forward(self, sample: int, step: int) -> Iterator[Address]:
        """Yield the quantities of the forward pass: in and out of every neuron, E_k, E."""
        for l in range(1, self.network.depth + 1):
            for j in range(1, self.network.widths[l] + 1):
                yield Address(Q.IN, l, j, sample=sample, step=step)
                yield Address(Q.OUT, l, j, sample=sample, step=step)
        if self.problem.has_error:
            for k in range(1, self.network.widths[-1] + 1):
                yield Address(Q.E_K, 0, k, sample=sample, step=step)
            yield Address(Q.E, sample=sample, step=step)

    def backward(self, sample: int, step: int) -> Iterator[Address]:
        """Yield the quantities of the backward pass, from the last layer to the first."""
        if not self.problem.has_backward:
            return
        for l in range(self.network.depth, 0, -1):
            outs = self._layer(Address(Q.OUT, l, sample=sample, step=step))
            if self.is_of_layer(l):  # δ needs the slopes of E by all outputs of the layer
                for out in outs:
                    yield from self._by_output(out)
            for out in outs:
                net = out._replace(quantity=Q.IN)
                if self.is_of_layer(l):
                    yield from (partial(top, net) for top in outs)
                else:
                    yield from self._by_output(out)
                    yield partial(out, net)
                yield partial(None, net)
                yield from (partial(None, p) for p in self._own(net))
            if self._is_shared(l) and self.network.train_biases:
                yield Address(Q.D_B, l, 1, sample=sample, step=step)

    def update(self, step: int) -> Iterator[Address]:
        """Yield what makes an update, in order of calculation.

        First the rate (if it changes), then the sums over the batch (if it has several samples),
        and for each parameter what is remembered of it, and its new value.
        """
        if not self.problem.learns:
            return
        rule = self.problem.rule
        assert rule is not None
        if self.problem.training.schedule is not None:
            yield Address(Q.ETA, step=step)
        parameters = [
            p.at(0, step)
            for l in range(1, self.network.depth + 1)
            for j in range(1, self.network.widths[l] + 1)
            for p in self._own(Address(Q.IN, l, j), first=j == 1)
        ]
        if len(self.problem.batch(step)) > 1:
            if self.problem.has_error:
                yield Address(Q.E, step=step)
            local = rule.local is not None
            yield from (step_of(p) if local else partial(None, p) for p in parameters)
        for p in parameters:
            for quantity in (*(AFTER[m.quantity] for m in rule.memory), *(rule.corrected or ())):
                yield p._replace(quantity=quantity)
            yield p._replace(quantity=AFTER[p.quantity])

    def _by_output(self, out: Address) -> Iterator[Address]:
        """Yield ∂E/∂out, behind the paths of its sum that have names of their own: ∂E_k/∂out."""
        if self._has_paths(out.layer):
            targets = self.network.targets(out.layer, out.neuron)
            yield from (partial(_share(k, out), out) for k in targets)
        yield partial(None, out)

    def _has_paths(self, l: int) -> bool:
        """Whether each way from a layer to E leads through one E_k, so that they can be added."""
        return l == self.network.depth - 1 and not self.is_of_layer(self.network.depth)

    def _layer(self, like: Address) -> list[Address]:
        """The same quantity of every neuron of the layer."""
        return [like._replace(neuron=j + 1) for j in range(self.network.widths[like.layer])]

    def is_of_layer(self, l: int) -> bool:
        """Whether each output of a layer depends on all its net inputs."""
        return activation_of(self.network.layers[l]).is_of_layer

    @cached_property
    def _fused(self) -> Fused | None:
        """The formulas of the loss together with the last activation, if it undoes that."""
        return fused(self.network.loss, self.network.layers[-1].activation)

    def _into(self, net: Address) -> Iterator[Address]:
        """Yield the weights and the bias that lead into a neuron."""
        l, j = net.layer, net.neuron
        for i in self.network.sources(l, j):
            yield net._replace(quantity=Q.W, source=i)
        if self.network.layers[l].biases:
            yield net._replace(quantity=Q.B)

    def _own(self, net: Address, first: bool = False) -> Iterator[Address]:
        """Yield the trained parameters of a neuron; a shared bias only if it is the `first`."""
        for p in self._into(net):
            shared = p.quantity is Q.B and self._is_shared(net.layer)
            if self.problem.is_trained(p) and (first or not shared):
                yield p

    def _is_shared(self, l: int) -> bool:
        return self.network.layers[l].shares_bias

    # Given and forward

    def _given(self, address: Address) -> Expr | None:
        return None

    def _parameter(self, address: Address) -> Expr | None:
        if address.step <= 1:
            return None
        return Ref(address._replace(quantity=AFTER[address.quantity], step=address.step - 1))

    def _in(self, address: Address) -> Expr:
        terms: list[Expr] = []
        for p in self._into(address):
            p = p.at(0, address.step)
            if p.quantity is Q.W:
                out = address._replace(
                    quantity=Q.OUT, layer=address.layer - 1, neuron=p.source, source=0
                )
                terms.append(mul(Ref(p), Ref(out), role="weighted input"))
            else:
                terms.append(Ref(p))
        return add(*terms, role="weighted sum")

    def _out(self, address: Address) -> Expr | None:
        if address.layer == 0:
            return None
        return self._activation(address, slope=False)

    def _activation(self, out: Address, slope: bool) -> Expr:
        layer = self.network.layers[out.layer]
        entry = activation_of(layer)
        formula = entry.slope_expr if slope else entry.expr
        return self._of_activation(formula, out, "slope" if slope else "activation")

    def _of_activation(self, formula: Expr, out: Address, role: str) -> Expr:
        """Put the quantities of a neuron into a formula of the table of activations."""
        layer = self.network.layers[out.layer]
        default = activation_of(layer).default
        places: dict[Hashable, Expr] = {
            "in": Ref(out._replace(quantity=Q.IN)),
            "out": Ref(out),
            "option": Num(default if layer.option is None else layer.option),
        }
        return _with_role(bind(self._spread(formula, out), places), role)

    def _spread(self, formula: Expr, out: Address) -> Expr:
        """Write out what a formula of the tables says of every neuron of a layer."""
        if not self.is_of_layer(out.layer):
            return formula
        nets = self._layer(out._replace(quantity=Q.IN))
        return spread(formula, [{"each": Ref(net)} for net in nets])

    def _slope(self, of: Address, net: Address) -> Expr:
        """∂out/∂in of two neurons of one layer: off the diagonal not 0 for a softmax."""
        out = net._replace(quantity=Q.OUT)
        if of == out:
            return self._activation(out, slope=True)
        if not self.is_of_layer(out.layer):
            return ZERO
        entry = activation_of(self.network.layers[out.layer])
        formula = bind(entry.cross_expr, {"out": Ref(of), "other": Ref(out)})
        return _with_role(formula, "cross slope")

    def _out_forms(self, address: Address) -> tuple[Expr, ...]:
        if address.layer == 0:
            return ()
        entry = activation_of(self.network.layers[address.layer])
        return tuple(self._of_activation(form, address, "activation") for form in entry.forms)

    def _loss(self, address: Address, slope: bool) -> Expr:
        k = address.neuron
        entry = LOSSES.get(self.network.loss)
        out = Address(Q.OUT, self.network.depth, k, sample=address.sample, step=address.step)
        places: dict[Hashable, Expr] = {
            "out": Ref(out),
            "t": Ref(Address(Q.T, 0, k, sample=address.sample, step=address.step)),
            "n": Num(float(self.network.widths[-1])),
        }
        role = "error slope" if slope else "error"
        return _with_role(bind(entry.slope_expr if slope else entry.expr, places), role)

    def _error_share(self, address: Address) -> Expr:
        if self._fused is None:
            return self._loss(address, slope=False)
        return self._of_fused(self._fused.expr, address.neuron, address, "error")

    def _share_forms(self, address: Address) -> tuple[Expr, ...]:
        return () if self._fused is None else (self._loss(address, slope=False),)

    def _of_fused(self, formula: Expr, k: int, like: Address, role: str) -> Expr:
        """Put the quantities of output k into a formula of a loss with its activation."""
        out = Address(Q.OUT, self.network.depth, k, sample=like.sample, step=like.step)
        places: dict[Hashable, Expr] = {
            "in": Ref(out._replace(quantity=Q.IN)),
            "out": Ref(out),
            "t": Ref(out._replace(quantity=Q.T, layer=0)),
        }
        return _with_role(bind(self._spread(formula, out), places), role)

    def _error(self, address: Address) -> Expr:
        if address.sample == 0:
            return self._over_batch(address)
        shares = [_share(k, address) for k in range(1, self.network.widths[-1] + 1)]
        return add(*map(Ref, shares), role="total error")

    def _over_batch(self, address: Address) -> Expr:
        """The sum (or mean) over the samples of the step's batch."""
        step = address.step
        samples = self.problem.batch(step)
        return over_batch((Ref(address.at(s, step)) for s in samples), self.problem, step)

    # Backward: ∂X/∂Y along all paths from Y to X

    def _d_out(self, address: Address) -> Expr:
        """∂X/∂out[l,j]: directly at X, else the sum over the neurons to which it leads."""
        of, l, j = address.of, address.layer, address.neuron
        top = self._layer_of(of)
        if of is not None and of.quantity is Q.OUT and of.layer == l:
            return ONE if of.neuron == j else ZERO
        if l == self.network.depth and top > l:  # X is E or an E_k
            return ZERO if of is not None and of.neuron != j else self._loss(address, slope=True)
        if l + 1 > top:
            return ZERO
        if of is not None and of.quantity is Q.IN and of.layer == l + 1:
            return self._weight(of, j)
        if of is None and self._has_paths(l):
            targets = self.network.targets(l, j)
            return add(*(Ref(address._replace(of=_share(k, address))) for k in targets),
                       role="path sum")  # fmt: skip
        return add(*self._steps_up(address), role="path sum")

    def _weight(self, net: Address, i: int) -> Expr:
        """∂in[l,j]/∂out[l−1,i] is the weight between them, 0 without a connection."""
        if not self.network.connected(net.layer, net.neuron, i):
            return ZERO
        return Ref(net._replace(quantity=Q.W, source=i).at(0, net.step))

    def _steps_up(self, address: Address) -> Iterator[Expr]:
        """Yield ∂X/∂in · ∂in/∂out for each neuron of the next layer from which X can be reached."""
        for m in self.network.targets(address.layer, address.neuron):
            net = address._replace(quantity=Q.IN, layer=address.layer + 1, neuron=m, of=None)
            if self._reaches(net, address.of):
                yield mul(Ref(partial(address.of, net)), Ref(address._replace(of=net)), role="path")

    def _reaches(self, net: Address, of: Address | None) -> bool:
        """Whether `of` can depend on a net input of its own layer or an earlier one."""
        last = self._layer_of(of) if of is None or of.quantity is not Q.E_K else self.network.depth
        if of is None or net.layer < last or net.neuron == of.neuron:
            return True
        return of.quantity is not Q.IN and self.is_of_layer(net.layer)

    def _layer_of(self, of: Address | None) -> int:
        """The layer of what is differentiated; the errors come after the last layer."""
        return self.network.depth + 1 if of is None or of.quantity is Q.E_K else of.layer

    def _d_in(self, address: Address) -> Expr:
        of = address.of
        net = address._replace(quantity=Q.IN, of=None)
        if of is not None and of.quantity is Q.IN and of.layer == address.layer:
            return ONE if of.neuron == address.neuron else ZERO
        if of is not None and of.quantity is Q.OUT and of.layer == address.layer:
            return self._slope(of, net)
        if address.layer >= self._layer_of(of):
            return ZERO
        if not self._reaches(address, of):
            return ZERO
        if self._fused is not None and self._is_error_by_last(address):
            return self._fused_slope(self._fused, address)
        return self._chain(of, net)

    def _is_error_by_last(self, address: Address) -> bool:
        """Whether this is ∂E/∂in or ∂E_k/∂in of an output neuron."""
        of = address.of
        at_top = of is None or of.quantity is Q.E_K
        return at_top and address.layer == self.network.depth

    def _chain(self, of: Address | None, net: Address) -> Expr:
        """∂X/∂out · ∂out/∂in, summed over all outputs that depend on the net input."""
        outs = [net._replace(quantity=Q.OUT)]
        if self.is_of_layer(net.layer):
            outs = self._layer(outs[0])
        if of is not None and of.quantity is Q.E_K and net.layer == self.network.depth:
            outs = [outs[0]._replace(neuron=of.neuron)]  # E_k is a function of one output
        terms = [mul(Ref(partial(of, out)), Ref(partial(out, net)), role="chain") for out in outs]
        return add(*terms, role="layer sum")

    def _fused_slope(self, entry: Fused, address: Address) -> Expr:
        """∂E/∂in of an output neuron where the slope of the activation cancels."""
        j, of = address.neuron, address.of
        if of is None:
            formula = entry.slope_expr
            if self._sum_of_targets(address.sample) == 1.0:
                formula = entry.unit_slope_expr
            ts = self._layer(Address(Q.OUT, self.network.depth, sample=address.sample,
                                     step=address.step))  # fmt: skip
            ts = [t._replace(quantity=Q.T, layer=0) for t in ts]
            formula = spread(formula, [{"each t": Ref(t)} for t in ts])
        else:
            formula = entry.own_expr if of.neuron == j else entry.cross_expr
            formula = bind(formula, {"t": Ref(of._replace(quantity=Q.T))})
        return self._of_fused(formula, j, address, "delta")

    def _sum_of_targets(self, sample: int) -> float:
        """The sum of the targets of a sample, from left to right."""
        total = -0.0
        for t in self.problem.samples[sample - 1].t:
            total += t
        return total

    def _slope_forms(self, address: Address) -> tuple[Expr, ...]:
        """The chain rule, and the same with its factors written out: the slope cancels."""
        if self._fused is None or not self._is_error_by_last(address):
            return ()
        of, net = address.of, address._replace(quantity=Q.IN, of=None)
        if not self._reaches(address, of):
            return ()
        chain = self._chain(of, net)
        return chain, inline(chain, self._written_out)

    def _written_out(self, key: Hashable) -> Expr | None:
        """The formula of a slope of the loss or of the last activation."""
        if not isinstance(key, Address) or not key.quantity.is_partial:
            return None
        return self._d_out(key) if key.quantity is Q.D_OUT else self._d_in(key)

    def _d_w(self, address: Address) -> Expr:
        if address.of is None and address.sample == 0:
            return self._over_batch(address)
        net = address._replace(quantity=Q.IN, source=0, of=None)
        if not self.network.connected(address.layer, address.neuron, address.source):
            return ZERO
        if address.of == net:
            return Ref(net._replace(quantity=Q.OUT, layer=net.layer - 1, neuron=address.source))
        return self._through(net, address)

    def _d_b(self, address: Address) -> Expr:
        if address.of is None and address.sample == 0:
            return self._over_batch(address)
        net = address._replace(quantity=Q.IN, of=None)
        shared = self._is_shared(address.layer)
        of = address.of
        if of is not None and of.quantity is Q.IN and of.layer == address.layer:
            return ONE if shared or of == net else ZERO
        if not shared:
            return self._through(net, address)
        everyone = range(1, self.network.widths[address.layer] + 1)
        return add(*(self._through(net._replace(neuron=j), address) for j in everyone),
                   role="shared bias")  # fmt: skip

    def _through(self, net: Address, address: Address) -> Expr:
        """∂X/∂in · ∂in/∂p for a parameter p that leads into `net`."""
        last = address._replace(neuron=net.neuron, of=net)
        return mul(Ref(partial(address.of, net)), Ref(last), role="gradient")


_RHW = "Rumelhart, Hinton & Williams (1986), eq. "
_EQUATIONS: dict[Quantity, tuple[Callable[[Chapter, Address], Expr | None], str]] = {
    Q.W: (Chapter._parameter, "given"),
    Q.B: (Chapter._parameter, "given"),
    Q.V: (Chapter._parameter, "given"),
    Q.M: (Chapter._parameter, "given"),
    Q.S: (Chapter._parameter, "given"),
    Q.T: (Chapter._given, "given"),
    Q.IN: (Chapter._in, _RHW + "1"),
    Q.OUT: (Chapter._out, _RHW + "2"),
    Q.E_K: (Chapter._error_share, _RHW + "3"),
    Q.E: (Chapter._error, _RHW + "3"),
    Q.D_OUT: (Chapter._d_out, _RHW + "4 and 7; Nielsen (2015), BP2"),
    Q.D_IN: (Chapter._d_in, _RHW + "5; Nielsen (2015), BP1"),
    Q.D_W: (Chapter._d_w, _RHW + "6; Nielsen (2015), BP4"),
    Q.D_B: (Chapter._d_b, "Nielsen (2015), BP3"),
}


_FORMS: dict[Quantity, Callable[[Chapter, Address], tuple[Expr, ...]]] = {
    Q.OUT: Chapter._out_forms,
    Q.E_K: Chapter._share_forms,
    Q.D_IN: Chapter._slope_forms,
}


def _share(k: int, like: Address) -> Address:
    return Address(Q.E_K, 0, k, sample=like.sample, step=like.step)


def _with_role(expr: Expr, role: str) -> Expr:
    """Name the outermost operation of a table's formula by what it is for."""
    return expr._replace(role=role) if not isinstance(expr, Num | Ref) else expr


class Values:
    """float64 values of any address: known numbers, else its equation, each worked out once."""

    def __init__(self, chapter: Chapter, known: Callable[[Address], float | None]) -> None:
        self.chapter = chapter
        self.known = known
        self._memo: dict[Address, float] = {}

    def __call__(self, key: Hashable) -> float:
        """Return the value of an address; raises `BptraceError` if the network has none such."""
        assert isinstance(key, Address)
        if key not in self._memo:
            self._work_out(key)
        return self._memo[key]

    def _work_out(self, key: Address) -> None:
        """Fill the memo up to `key`.

        What an equation waits for goes onto a list of its own: a derivative through a hundred
        layers would be too deep for Python's stack.
        """
        memo, waiting = self._memo, [*self._equation(key)]
        while waiting:
            address, expr = waiting[-1]
            missing = [key for key in refs(expr) if key not in memo]
            before = [item for key in dict.fromkeys(missing) for item in self._equation(key)]
            if before:
                waiting += before
            else:
                memo[address] = FLOATS.read(expr, memo.__getitem__)
                waiting.pop()

    def _equation(self, key: Address) -> Iterator[tuple[Address, Expr]]:
        """Yield the equation of an address, unless it is known: then remember its value."""
        value = self.known(key)
        if value is not None:
            self._memo[key] = value
            return
        equation = self.chapter.equation(key)
        if equation is None:
            raise LookupError(f"{key.positional} is neither known nor calculated")
        yield key, equation.expr
