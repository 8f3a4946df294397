"""How quantities and formulas are written: addresses and trees ↔ text, in every dialect.

`Notation` is the one entry: names of addresses, formulas with names or numbers in them, and the
reading of what people write. Colours and layout belong to `render`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property

from bptrace.address import Address, Quantity
from bptrace.maths.equations import Chapter, Equation
from bptrace.maths.expr import FLOATS, ONE, Expr, Num, Op, Ref, inline, mul, neg, refs
from bptrace.maths.rules import Rule
from bptrace.model import Network, Problem
from bptrace.notation.dialect import Dialect, dialect_names, get_dialect
from bptrace.notation.lookup import Lookup
from bptrace.notation.names import Names, to_ascii
from bptrace.notation.parse import NotationError, Reader
from bptrace.notation.text import write
from bptrace.printed import format_number
from bptrace.tuples import NamedTuple

__all__ = [
    "Delta",
    "Largest",
    "Notation",
    "NotationError",
    "Shown",
    "abbreviated",
    "dialect_names",
    "get_dialect",
    "value_of",
]

Q = Quantity


class Delta(NamedTuple):
    """δ = −∂E/∂in of a neuron: what stands in formulas where δ has the opposite sign."""

    gradient: Address


class Left(NamedTuple):
    """Terms that are left out of a long sum."""

    terms: int

    def __str__(self) -> str:
        return f"… {self.terms} …"


class Largest(NamedTuple):
    """The largest of some quantities, which is written m and explained once behind the formula."""

    of: Op

    def __str__(self) -> str:
        return "m"


class Shown(NamedTuple):
    """One line of a calculation: what stands left of the equals sign, and the formula.

    `forms` are the textbook's formulas from which `expr` is derived, in order.
    """

    left: Address | Delta
    expr: Expr
    forms: tuple[Expr, ...] = ()


class Notation:
    """How one network is written in one dialect.

    Parameters
    ----------
    network : Network
    dialect : str
        Name of a dialect; `UnknownName` if there is none such.
    minus_delta : bool
        Whether δ means −∂E/∂in.
    ascii : bool
        Write ASCII only (names of users stay as they are).
    rule : Rule or None
        The learning rule; what it remembers of each parameter has names then.
    """

    def __init__(
        self,
        network: Network,
        dialect: str = "in-out",
        minus_delta: bool = False,
        ascii: bool = False,
        rule: Rule | None = None,
    ) -> None:
        self.network = network
        self.rule = rule
        self.memory = () if rule is None else tuple(m.quantity for m in rule.memory)
        self.dialect: Dialect = get_dialect(dialect)
        self.minus_delta = minus_delta
        self.ascii = ascii
        self._names = Names(network, self.dialect, rule)

    @classmethod
    def of(cls, problem: Problem, dialect: str = "", ascii: bool = False) -> Notation:
        """Return the notation of a problem's own file, or the same in another dialect."""
        return cls(
            problem.network,
            dialect or problem.dialect,
            problem.minus_delta,
            ascii,
            problem.rule,
        )

    # Names

    def name(self, key: Hashable, mark: bool = False) -> str:
        """Return the name of an address (or of a `Delta`); `mark` adds its sample."""
        if isinstance(key, Left | Largest):
            name = str(key)
        elif isinstance(key, Delta):
            name = self._names.delta(key.gradient)
        else:
            assert isinstance(key, Address)
            hidden = self.minus_delta and key.quantity is Q.D_IN and key.of is None
            name = self._gradient(key, mark) if hidden else self._names.name(key, mark)
        return self.plain(name)

    def whole(self, address: Address, mark: bool = False) -> str:
        """Return the name of the matrix or vector of a layer in which a quantity stands."""
        return self.plain(self._names.whole(address, mark))

    def neuron(self, l: int, j: int) -> str:
        """Return the name of neuron j (from 1) of layer l."""
        return self._names.neuron(l, j)

    def letter(self, option: str) -> str:
        """Return the letter of an option of the training, such as μ for "momentum"."""
        return self.plain(self._names.letter(option))

    def neuron_or_output(self, l: int, j: int) -> str:
        """Return the name of a neuron, or of its output where neurons are only numbered."""
        name = self.neuron(l, j)
        name = self._names.name(Address(Q.OUT, l, j)) if name.isdecimal() else name
        return self.plain(name)

    def plain(self, text: str) -> str:
        """Return `text` in ASCII if only that may be written (names of users stay)."""
        return to_ascii(text) if self.ascii else text

    def _gradient(self, key: Address, mark: bool) -> str:
        top = self._names.name(Address(Q.E, sample=key.sample), mark)
        return f"∂{top}/∂{self._names.name(key.denominator)}"

    # Formulas

    def is_shown(self, address: Address) -> bool:
        """Whether the quantity has a line of its own, or is only written out inside others."""
        return self._kind(address) not in self.dialect.written_out or self._kind(address) == "delta"

    def shown(self, equation: Equation, chapter: Chapter) -> Shown:
        """Return left side and formula as this dialect writes them.

        Quantities that the dialect writes out stand as their formulas, δ has the sign of the file.
        Only names and signs change, never the order of computing.
        """
        address = equation.address
        *forms, expr = (
            self._as_written(expr, address, chapter) for expr in (*equation.forms, equation.expr)
        )
        different = tuple(form for form in dict.fromkeys(forms) if form != expr)
        is_delta = self.minus_delta and address.quantity is Q.D_IN and address.of is None
        return Shown(Delta(address) if is_delta else address, expr, different)

    def _as_written(self, expr: Expr, address: Address, chapter: Chapter) -> Expr:
        """A formula of `address` with the quantities and the sign of δ of this dialect."""
        expr = inline(expr, lambda key: self._written_out(key, address, chapter))
        expr = _without_ones(expr) if "inner" in self.dialect.written_out else expr
        if not self.minus_delta:
            return expr
        expr = self._signed(expr)
        return neg(expr) if address.quantity is Q.D_IN and address.of is None else expr

    def _kind(self, key: Address) -> str:
        """The word by which dialects say that a quantity is written out.

        delta: ∂E/∂in; inner: ∂in/∂out, ∂in/∂w, ∂in/∂b; shares: ∂E_k/∂…; slope: ∂out/∂in; outer:
        ∂E/∂out of an output neuron.
        """
        if not key.quantity.is_partial:
            return ""
        if key.of is None:
            if key.quantity is Q.D_OUT and key.layer == self.network.depth:
                return "outer"
            return "delta" if key.quantity is Q.D_IN else ""
        return {Q.E_K: "shares", Q.IN: "inner", Q.OUT: "slope"}[key.of.quantity]

    def _written_out(self, key: Hashable, into: Address, chapter: Chapter) -> Expr | None:
        """The formula that stands in the place of `key` in the formula of `into`."""
        if not isinstance(key, Address) or self._kind(key) not in self.dialect.written_out:
            return None
        kind = self._kind(key)
        if kind == "delta" and (into.quantity not in (Q.D_W, Q.D_B) or self.minus_delta):
            return None
        of_layer = chapter.is_of_layer(key.layer)
        if kind == "shares" and key.quantity is Q.D_IN and not of_layer:  # ∂E_k/∂in_k is δ_k
            return Ref(key._replace(of=None))
        written = chapter.equation(key)
        shared_bias = kind == "delta" and self.network.layers[into.layer].shares_bias
        too_long = shared_bias and into.quantity is Q.D_B
        if written is None or too_long:
            return None
        sums_layer = isinstance(written.expr, Op) and written.expr.role == "layer sum"
        return None if kind == "delta" and sums_layer else written.expr

    def _signed(self, expr: Expr) -> Expr:
        """Write −δ for every ∂E/∂in."""
        if isinstance(expr, Ref):
            key = expr.key
            if isinstance(key, Address) and key.quantity is Q.D_IN and key.of is None:
                return neg(Ref(Delta(key)))
            return expr
        if isinstance(expr, Num):
            return expr
        return Op(expr.name, tuple(self._signed(arg) for arg in expr.args), expr.role)

    def formula(self, expr: Expr, mark: bool | None = None) -> str:
        """Return a formula with names.

        `mark`: with the samples of quantities; default: where it speaks of several.
        """
        keys = list(refs(expr))
        if mark is None:
            mark = len({key.sample for key in keys if isinstance(key, Address) and key.sample}) > 1
        text = write(expr, lambda key: self.name(key, mark=mark), lambda num: self.letter(num.name))
        for largest in dict.fromkeys(key for key in keys if isinstance(key, Largest)):
            text += f", {largest} = {self.formula(largest.of, mark)}"
        return self.plain(text)

    def numbers(self, expr: Expr, values: Callable[[Address], float], digits: int) -> str:
        """Return a formula with numbers in the place of names."""

        def number(key: Hashable) -> str:
            return str(key) if isinstance(key, Left) else self.number(value_of(key, values), digits)

        return self.plain(write(expr, number, lambda num: self.number(num.value, digits)))

    def number(self, value: float, digits: int) -> str:
        """Return a number as a hand calculation prints it."""
        return format_number(value, digits, unicode=not self.ascii)

    # Reading

    def read(self, text: str, minus_delta: bool | None = None) -> Expr:
        """Return the formula of a quantity, or of an expression over quantities.

        Addresses in it are places: without sample and step. `minus_delta` says what δ means in this
        text, if not what it means otherwise. Raises `NotationError` (with the offset of the fault)
        for a text that is none, or speaks of what the network does not have.
        """
        if minus_delta not in (None, self.minus_delta):
            return self._with_other_delta.read(text)
        return Reader(text, self._lookup).read()

    @cached_property
    def _with_other_delta(self) -> Notation:
        return Notation(
            self.network, self.dialect.name, not self.minus_delta, self.ascii, self.rule
        )

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self._names, self.memory, self.minus_delta)


def abbreviated(expr: Expr, most: int) -> Expr:
    """Return `expr` with sums of more than `most` terms cut to their first and last ones.

    The largest of a layer's net inputs, which stands in a softmax many times, becomes one letter.
    """
    if not isinstance(expr, Op):
        return expr
    if expr.role == "largest":
        return Ref(Largest(expr._replace(role="")))
    args = expr.args
    if expr.name == "add" and len(args) > most:  # first, as nobody will see those left out
        args = (*args[:3], Ref(Left(len(args) - 5)), *args[-2:])
    return Op(expr.name, tuple(abbreviated(arg, most) for arg in args), expr.role)


def _without_ones(expr: Expr) -> Expr:
    """Leave out the factors 1 of products (∂in/∂b); x·1 is x in every bit."""
    if not isinstance(expr, Op):
        return expr
    args = tuple(_without_ones(arg) for arg in expr.args)
    if expr.name == "mul":
        return mul(*([arg for arg in args if arg != ONE] or [ONE]), role=expr.role)
    return Op(expr.name, args, expr.role)


def value_of(key: Hashable, values: Callable[[Address], float]) -> float:
    """Return the number that stands for an address or a `Delta`."""
    if isinstance(key, Delta):
        return -values(key.gradient)
    if isinstance(key, Largest):
        return FLOATS.read(key.of, values)
    assert isinstance(key, Address)
    return values(key)
