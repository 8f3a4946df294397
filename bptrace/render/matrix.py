"""A run in matrix form: each layer's equations over W, b, z, a and δ, BP1 to BP4 by their names.

The same numbers as in the line form (`calculation`), from the same trace: products of matrices are
written, but none is multiplied here. The formulas of errors, slopes and learning rules are those of
the chapter, with whole vectors and matrices in the places of their numbers. Where matrices stand in
a row is the business of `grid`.

Source: Nielsen, Neural Networks and Deep Learning (2015), chapter 2.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bptrace.address import AFTER, Address, Quantity, partial
from bptrace.maths.expr import Expr, Num, Op, Ref, call, refs
from bptrace.maths.own import activation_of
from bptrace.notation import abbreviated
from bptrace.notation.text import HADAMARD, write
from bptrace.render.calculation import Calculation, Hand, Heading
from bptrace.render.grid import ASCII, UNICODE, Array, Equation, Part, Sheet

if TYPE_CHECKING:
    from bptrace.maths.rules import Local

Q = Quantity
MOST_SAMPLES = 8
"""Of a larger batch only the first sample is printed."""

MOST_TERMS = 5
"""Longer sums over a batch are printed with their first and last terms only, without numbers."""

MARKS = 3
"""Cells for the name of an equation, such as BP1."""

_LETTERS = {"sigmoid": "σ", "identity": ""}
"""Activations that are not written by their own names; identity: not at all."""


class MatrixForm(Calculation):
    """A Rich renderable that prints steps of a trace in matrix form."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._header()
        sheet = Sheet(options.max_width, MARKS, ASCII if self.notation.ascii else UNICODE)
        for step in self.options.steps:
            yield from self._step_of(step, sheet)

    def _step_of(self, step: int, sheet: Sheet) -> Iterator[Text | Heading]:
        last = self.trace.numbers.stop - 1
        if len(self.options.steps) > 1 or last > 1:
            yield self._rule(self.words("step of", step=step, steps=last), strong=True)
        samples = self._samples(step)
        shown = samples if len(samples) <= MOST_SAMPLES else samples[:1]
        for sample in shown:
            suffix = self._sample_heading(sample)
            page = Page(self, sample, step)
            yield from self._phase_of(self.words("forward") + suffix, page.forward(), sheet)
            yield from self._phase_of(self.words("backward") + suffix, page.backward(), sheet)
        if len(shown) < len(samples):
            yield Text("  " + self.words("more samples", n=len(samples) - 1), "bptrace.remark")
            yield Text()
        if not self.options.samples:
            page = Page(self, 0, step)
            reduction = f"{self.problem.training.reduction} over the batch"
            yield from self._phase_of(self.words(reduction), page.sums(), sheet)
            yield from self._phase_of(self.words("update"), page.updates(), sheet)
            yield from self._closing(step, sheet.width)

    def _phase_of(
        self, title: str, equations: Iterator[tuple[int, Equation]], sheet: Sheet
    ) -> Iterator[Text | Heading]:
        """Yield the equations of a phase, each behind the title of its layer."""
        layer = None
        for l, equation in equations:
            if layer is None:
                yield self._rule(title)
            if l != layer:
                layer = l
                yield Text(f"\n  {self._title_of(l)}", "bptrace.layer")
            yield from sheet.rows(equation)
        if layer is not None:
            yield Text()

    def _title_of(self, l: int) -> str:
        if l == RATE:
            return self.words("learning rate")
        return self.words("input layer") if l == 0 else self._layer_title(Hand(l, ""))


RATE = -1
"""Stands for a layer where the learning rate is in hand."""


class Page:
    """The equations of one sample and step, or of a step's update (sample 0)."""

    def __init__(self, view: Calculation, sample: int, step: int) -> None:
        self.problem = view.problem
        self.network = view.problem.network
        self.chapter = view.trace.chapter
        self.notation = view.notation
        self.values = view.values
        self.digits = view.options.digits
        self.sample, self.step = sample, step
        self.minus = "−" if view.notation.minus_delta else ""

    # The chapter in matrix form; yields layer and equation

    def forward(self) -> Iterator[tuple[int, Equation]]:
        """Yield a^1 = x; z = W a + b and a = σ(z) of each layer; C."""
        depth = self.network.depth
        yield 0, self._equation("", self._vector(Q.OUT, 0))
        for l in range(1, depth + 1):
            yield l, self._net_input(l)
            yield l, self._output(l)
        if self.problem.has_error:
            yield depth + 1, self._error()

    def backward(self) -> Iterator[tuple[int, Equation]]:
        """Yield BP1 to BP4 and the slopes before them, from the last layer to the first."""
        if not self.problem.has_backward:
            return
        depth = self.network.depth
        for l in range(depth, 0, -1):
            if l == depth:
                slope = self._vector(Q.D_OUT, l)
                formula = self._formula(self._expr(self._at(Q.D_OUT, l)))
                yield l, self._equation("", slope, formula)
            if (slopes := self._slopes(l)) is not None:
                yield l, slopes
            yield l, self._output_delta() if l == depth else self._hidden_delta(l)
            if self._parameter(Q.B, l):
                yield l, self._bias_gradient(l)
            if self._parameter(Q.W, l):
                yield l, self._weight_gradient(l)

    def sums(self) -> Iterator[tuple[int, Equation]]:
        """Yield what is added up over the batch: gradients, or the steps of a local rule."""
        if not self.problem.learns or not self._has_several:
            return
        assert self.problem.rule is not None
        if self.problem.rule.local is not None:
            yield from self._local_steps(self.problem.rule.local)
            return
        for l, parameter in self._parameters():
            gradient = partial(None, parameter)
            formula = self._formula(abbreviated(self._expr(gradient), MOST_TERMS), mark=True)
            if len(self.problem.batch(self.step)) > MOST_TERMS:
                yield l, self._equation("", self._whole(gradient), symbols=formula)
            else:
                yield l, self._equation("", self._whole(gradient), formula)

    def updates(self) -> Iterator[tuple[int, Equation]]:
        """Yield the rate if it changes, what the rule remembers, and the new parameters."""
        rule = self.problem.rule
        if not self.problem.learns or rule is None:
            return
        if self.problem.training.schedule is not None:
            rate = Address(Q.ETA, step=self.step)
            yield RATE, self._equation("", self._whole(rate), self._formula(self._expr(rate)))
        if rule.local is not None and not self._has_several:
            yield from self._local_steps(rule.local)
        for l, p in self._parameters():
            new = p._replace(quantity=AFTER[p.quantity])
            if rule.local is not None:
                formula = self._formula(Op("add", (Ref(p), Ref(_step_of(p)))))
                yield l, self._equation("", self._whole(new), formula)
                continue
            memories = [AFTER[memory.quantity] for memory in rule.memory]
            for address in (
                *(p._replace(quantity=q) for q in (*memories, *(rule.corrected or ()))),
                new,
            ):
                formula = self._formula(self._expr(address))
                yield l, self._equation("", self._whole(address), formula)

    # Forward

    def _net_input(self, l: int) -> Equation:
        layer = self.network.layers[l]
        weights = self._whole(self._at(Q.W, l)._replace(source=1))
        formula: list[Part] = [weights, " ", self._vector(Q.OUT, l - 1)]
        if layer.biases:
            formula += [" + ", self._whole(self._at(Q.B, l))]
        if layer.shares_bias:
            formula += ["·", self._ones(layer.size)]
        return self._equation("", self._vector(Q.IN, l), formula)

    def _output(self, l: int) -> Equation:
        layer, net = self.network.layers[l], self._vector(Q.IN, l)
        out = self._vector(Q.OUT, l)
        if layer.formula:
            return self._equation("", out, self._formula(self._expr(self._at(Q.OUT, l))))
        name = self._activation(l)
        return self._equation("", out, [f"{name}(", net, ")"] if name else [net])

    def _error(self) -> Equation:
        """E of the sample: the norm of a difference, or the sum over the outputs."""
        equation = self.chapter.equation(Address(Q.E_K, 0, 1, sample=self.sample, step=self.step))
        assert equation is not None
        expr = equation.forms[0] if equation.forms else equation.expr
        normed = _with_norm(expr)
        formula = self._formula(normed if normed is not None else call("sum_each", expr))
        return self._equation("", self._whole(Address(Q.E, sample=self.sample, step=self.step)),
                              formula)  # fmt: skip

    # Backward

    def _slopes(self, l: int) -> Equation | None:
        """σ′(z), or all partial derivatives of a softmax; None for the slope 1 of an identity."""
        if self._is_of_layer(l):
            return self._equation("", self._jacobian(l))
        if not self._activation(l):
            return None
        out = self._at(Q.OUT, l)
        return self._equation(
            "", self._slope(l), self._formula(self._expr(partial(out, self._at(Q.IN, l))))
        )

    def _output_delta(self) -> Equation:
        """BP1: δ = ∇C ⊙ σ′(z); where the loss undoes the activation, what is left of that."""
        l = self.network.depth
        whole = self._with_slope([self._vector(Q.D_OUT, l)], l)
        equation = self.chapter.equation(self._at(Q.D_IN, l))
        assert equation is not None
        if not equation.forms:
            return self._equation("BP1", self._delta(l), [self.minus, *whole])
        formula = self._formula(equation.expr)
        formula = [self.minus, "(", *formula, ")"] if self.minus else formula
        return self._equation("BP1", self._delta(l), formula, symbols=[self.minus, *whole])

    def _hidden_delta(self, l: int) -> Equation:
        """BP2: δ = ((W of the next layer)ᵀ δ of the next layer) ⊙ σ′(z)."""
        weights = self._whole(self._at(Q.W, l + 1)._replace(source=1)).transposed
        back: list[Part] = [weights, " ", self._delta(l + 1)]
        formula = self._with_slope(["(", *back, ")"], l)
        if formula[0] == "(" and len(formula) == len(back) + 2:  # no slope: no brackets
            return self._equation("BP2", self._delta(l), back)
        sign = -1.0 if self.minus else 1.0
        sums = self._vector(Q.D_OUT, l)._replace(cell=self._cell(self._at(Q.D_OUT, l), sign))
        between = self._with_slope([sums], l)
        return self._equation("BP2", self._delta(l), formula, between=between)

    def _with_slope(self, formula: list[Part], l: int) -> list[Part]:
        """Multiply by the slopes of a layer."""
        if self._is_of_layer(l):
            return [self._jacobian(l).transposed, " ", *formula]
        return [*formula, " ⊙ ", self._slope(l)] if self._activation(l) else formula

    def _bias_gradient(self, l: int) -> Equation:
        """BP3: ∂C/∂b = δ; the sum of the δ for a shared bias."""
        gradient = self._gradient(self._at(Q.B, l))
        formula: list[Part] = [self.minus, self._delta(l)]
        if self.network.layers[l].shares_bias:
            ones = self._ones(self.network.widths[l]).transposed._replace(name="1ᵀ")
            formula[1:1] = [ones, " "]
        return self._equation("BP3", gradient, formula)

    def _weight_gradient(self, l: int) -> Equation:
        """BP4: ∂C/∂W = δ aᵀ with a of the layer before."""
        gradient = self._gradient(self._at(Q.W, l)._replace(source=1))
        before = self._vector(Q.OUT, l - 1).transposed
        return self._equation("BP4", gradient, [self.minus, self._delta(l), " ", before])

    def _gradient(self, parameter: Address) -> Array:
        """∂C/∂W or ∂C/∂b of the sample, which is marked where the batch has several."""
        gradient = partial(None, parameter)._replace(sample=self.sample)
        return self._whole(gradient, mark=self._has_several)

    @property
    def _has_several(self) -> bool:
        """Whether the batch has several samples, so that they have to be told apart."""
        return len(self.problem.batch(self.step)) > 1

    # Update

    def _parameters(self) -> Iterator[tuple[int, Address]]:
        """Yield the weights and the biases of each layer that are trained, by one of them."""
        for l in range(1, self.network.depth + 1):
            for quantity in (Q.W, Q.B):
                if (parameter := self._parameter(quantity, l)) is not None:
                    yield l, parameter

    def _parameter(self, quantity: Quantity, l: int) -> Address | None:
        """Return a trained weight or bias of a layer, None if it has none."""
        layer = self.network.layers[l]
        if quantity is Q.B:
            places = [Address(Q.B, l, 1, step=self.step)] if layer.biases else []
        else:
            places = [
                Address(Q.W, l, j, i, step=self.step)
                for j in range(1, layer.size + 1)
                for i in self.network.sources(l, j)[:1]
            ]
        return next(filter(self.problem.is_trained, places), None)

    def _local_steps(self, local: Local) -> Iterator[tuple[int, Equation]]:
        """Yield ΔW = η·(…) aᵀ and Δb, added up over the samples of the batch."""
        samples = self.problem.batch(self.step)
        for l, p in self._parameters():
            terms = [self._local_term(local, p, sample) for sample in samples]
            if len(terms) > MOST_TERMS:
                terms[3:-2] = [[f"… {len(terms) - 5} …"]]
            formula = [part for term in terms for part in (" + ", *term)][1:]
            if self.problem.training.reduction == "mean" and len(samples) > 1:
                formula = ["(", *formula, f")/{len(samples)}"]
            yield l, self._equation("", self._whole(_step_of(p)), formula)

    def _local_term(self, local: Local, p: Address, sample: int) -> list[Part]:
        """What one sample adds to a layer's weights (an outer product) or biases."""
        y = Address(Q.OUT, p.layer, 1, sample=sample, step=self.step)
        step = 0 if self.problem.training.schedule is None else self.step
        places = {"eta": Address(Q.ETA, step=step), "t": y._replace(quantity=Q.T, layer=0), "y": y}
        several = self._has_several
        formula = self._formula(_renamed(local.bias_expr, places), mark=several)
        if not p.is_of_bias:
            before = self._whole(y._replace(layer=p.layer - 1), mark=several)
            return [*formula, " ", before.transposed]
        if not self.network.layers[p.layer].shares_bias:
            return formula
        ones = self._ones(self.network.widths[p.layer]).transposed._replace(name="1ᵀ")
        return [ones, " (", *formula, ")"]

    # Equations and formulas

    def _equation(
        self,
        mark: str,
        left: Array,
        formula: list[Part] | None = None,
        symbols: list[Part] | None = None,
        between: list[Part] | None = None,
    ) -> Equation:
        """Put an equation together: symbols, the numbers in their places, and the result.

        `symbols` are another way of writing it, before the formula; `between` is the formula with
        a part of it worked out.
        """
        stages: list[tuple[Part, ...]] = []
        for part in (symbols, formula):
            if part:
                stages.append((self.notation.plain(_symbols(part)),))
        for part in (formula, between):
            if part and any(isinstance(piece, Array) for piece in part):
                stages.append(self._numbers(part))
        if stages and len(stages[-1]) == 1 and isinstance(stages[-1][0], Array):
            stages.pop()  # a = z: the numbers are the result
        return Equation(mark, self.notation.plain(left.name), (*stages, (left,)))

    def _numbers(self, formula: list[Part]) -> tuple[Part, ...]:
        """Put arrays in the place of their names; negative numbers behind a sign in brackets."""
        parts: list[Part] = []
        for part in formula:
            if isinstance(part, Array) and part.is_number:
                text = part.cell(1, 1)
                part = part if not parts or text[0] not in "−-" else _bracketed(part)
            elif isinstance(part, str):
                part = self.notation.plain(part)
            if part:
                parts.append(part)
        return tuple(parts)

    def _formula(self, expr: Expr, mark: bool = False) -> list[Part]:
        """Write a formula of the chapter with whole vectors and matrices."""
        arrays: list[Array] = []

        def place(array: Array) -> str:
            arrays.append(array)
            return chr(PRIVATE + len(arrays) - 1)

        def quantity(key: Hashable) -> str:
            return place(self._whole(key, mark)) if isinstance(key, Address) else str(key)

        def constant(num: Num) -> str:
            text = self._number(num.value)
            return place(Array(self.notation.letter(num.name), (), lambda j, i: text))

        text = write(_elementwise(expr), quantity, constant)
        parts: list[Part] = [""]
        for character in text:
            if PRIVATE <= ord(character) < PRIVATE + len(arrays):
                parts += [arrays[ord(character) - PRIVATE], ""]
            else:
                parts[-1] = str(parts[-1]) + character
        return [part for part in parts if part]

    def _expr(self, address: Address) -> Expr:
        equation = self.chapter.equation(address)
        assert equation is not None, f"{address} is given"
        return equation.expr

    # Arrays

    def _at(self, quantity: Quantity, l: int) -> Address:
        """The address of the first number of a vector."""
        sample = self.sample if quantity.per_sample else 0
        return Address(quantity, l, 1, sample=sample, step=self.step)

    def _vector(self, quantity: Quantity, l: int) -> Array:
        return self._whole(self._at(quantity, l))

    def _whole(self, address: Address, mark: bool = False) -> Array:
        """The matrix, vector or number in which a quantity stands."""
        name = self.notation.whole(address, mark)
        return Array(name, self._shape(address), self._cell(address))

    def _shape(self, address: Address) -> tuple[int, ...]:
        widths, l = self.network.widths, address.layer
        if address.quantity in (Q.E, Q.ETA):
            return ()
        if address.quantity in (Q.T, Q.E_K):
            return widths[-1], 1
        if address.is_of_bias:
            return () if self.network.layers[l].shares_bias else (widths[l], 1)
        return (widths[l], widths[l - 1]) if address.source else (widths[l], 1)

    def _cell(self, address: Address, sign: float = 1.0) -> Callable[[int, int], str]:
        """How a number of the array is found: neuron and source, or neuron alone."""
        of, missing = address.of, "." if self.notation.ascii else "·"

        def cell(j: int, i: int) -> str:
            if address.quantity in (Q.E, Q.ETA):
                return self._number(self.values(address))
            if address.source and not self.network.connected(address.layer, j, i):
                return missing
            place = address._replace(neuron=j, source=i if address.source else 0)
            if of is not None:
                place = place._replace(of=of._replace(neuron=j))
            return self._number(sign * self.values(place))

        return cell

    def _delta(self, l: int) -> Array:
        """δ of a layer, with the sign that the file gives it."""
        address = self._at(Q.D_IN, l)
        sign = -1.0 if self.minus else 1.0
        whole = self._whole(address, mark=self._has_several)
        return whole._replace(cell=self._cell(address, sign))

    def _slope(self, l: int) -> Array:
        """σ′(z) of a layer whose neurons have a slope each."""
        out, net = self._at(Q.OUT, l), self._at(Q.IN, l)
        name = f"{self._activation(l)}′({self.notation.whole(net)})"
        return Array(name, (self.network.widths[l], 1), self._cell(partial(out, net)))

    def _jacobian(self, l: int) -> Array:
        """∂a/∂z of a layer whose outputs depend on all its net inputs; row j is that of a_j."""
        out, net = self._at(Q.OUT, l), self._at(Q.IN, l)
        name = f"∂{self.notation.whole(out)}/∂{self.notation.whole(net)}"
        n = self.network.widths[l]

        def cell(j: int, k: int) -> str:
            top, bottom = out._replace(neuron=j), net._replace(neuron=k)
            return self._number(self.values(partial(top, bottom)))

        return Array(name, (n, n), cell)

    def _ones(self, n: int) -> Array:
        return Array("1", (n, 1), lambda j, i: "1")

    def _number(self, value: float) -> str:
        return self.notation.number(value, self.digits)

    def _activation(self, l: int) -> str:
        """What stands before (z): σ, f for an own formula, else the name in the table."""
        layer = self.network.layers[l]
        return "f" if layer.formula else _LETTERS.get(layer.activation, layer.activation)

    def _is_of_layer(self, l: int) -> bool:
        return activation_of(self.network.layers[l]).is_of_layer


PRIVATE = 0xE000
"""First of the characters that stand for arrays while a formula is written; no text has them."""


def _symbols(formula: list[Part]) -> str:
    """Return a formula with names; one with an index above is put in brackets for a power."""
    text = ""
    for part, after in zip(formula, [*formula[1:], ""], strict=True):
        if isinstance(part, str):
            text += part
            continue
        is_base = isinstance(after, str) and after.startswith(("²", "^"))
        has_own = "^" in part.name or "/" in part.name
        text += f"({part.name})" if is_base and has_own else part.name
    return text


def _bracketed(number: Array) -> Array:
    return number._replace(cell=lambda j, i: f"({number.cell(j, i)})")


def _step_of(parameter: Address) -> Address:
    quantity = Q.STEP_B if parameter.is_of_bias else Q.STEP_W
    return parameter._replace(quantity=quantity)


def _elementwise(expr: Expr) -> Expr:
    """Mark the products of several arrays as products element by element (⊙)."""
    if not isinstance(expr, Op):
        return expr
    args = tuple(map(_elementwise, expr.args))
    if expr.role == "target sum" and args:
        return call("sum_each", args[0])
    if expr.name == "times_log":
        args = (args[0], call("log", args[1]))
    elif expr.name != "mul":
        return Op(expr.name, args, expr.role)
    arrays = tuple(arg for arg in args if _has_array(arg))
    if len(arrays) < 2:
        return Op("mul", args)
    numbers = tuple(arg for arg in args if not _has_array(arg))
    product = Op("mul", arrays, HADAMARD)
    return Op("mul", (*numbers, product)) if numbers else product


def _has_array(expr: Expr) -> bool:
    if isinstance(expr, Op) and expr.name in ("sum_each", "norm"):
        return False
    return any(not isinstance(key, Address) or key.quantity not in (Q.E, Q.ETA)
               for key in refs(expr))  # fmt: skip


def _with_norm(expr: Expr) -> Expr | None:
    """Write the sum over the squares of a vector as the square of its norm; None without one."""
    if not isinstance(expr, Op):
        return None
    if expr.name == "square":
        return Op("square", (call("norm", *expr.args),))
    if expr.name not in ("mul", "div"):
        return None
    args = tuple(arg if not _has_array(arg) else _with_norm(arg) for arg in expr.args)
    known = [arg for arg in args if arg is not None]
    return Op(expr.name, tuple(known)) if len(known) == len(args) else None


def _renamed(expr: Expr, places: dict[str, Address]) -> Expr:
    """Put addresses into the open places of a formula."""
    if isinstance(expr, Op):
        return Op(expr.name, tuple(_renamed(arg, places) for arg in expr.args), expr.role)
    return Ref(places[str(expr.key)]) if isinstance(expr, Ref) else expr
