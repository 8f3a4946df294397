"""One step of a calculation as the table of mistakes sees it: a formula and its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from bptrace.address import Address, Quantity
from bptrace.checks.graph import Canon, Key
from bptrace.checks.mistakes.near import same_neuron
from bptrace.maths.expr import Expr, Op, Ref, bind
from bptrace.model import Problem
from bptrace.tuples import NamedTuple

Q = Quantity
Rebuild = Callable[[Expr], Expr]


class Variant(NamedTuple):
    """A formula with one mistake in it, and the sentence that says which."""

    expr: Expr
    wording: str
    fields: Mapping[str, object]


class Step:
    """The formula of one quantity.

    Parameters
    ----------
    problem : Problem
    key : Key
        What is calculated.
    expr : Expr
        How, with roles, over the nodes before it.
    canon : Canon
    """

    def __init__(self, problem: Problem, key: Key, expr: Expr, canon: Canon) -> None:
        self.problem = problem
        self.key = key
        self.expr = expr
        self.canon = canon

    def with_formula(self, expr: Expr) -> Step:
        """Return the same step, calculated in another way."""
        return Step(self.problem, self.key, expr, self.canon)

    @cached_property
    def _parts(self) -> list[tuple[Expr, Rebuild]]:
        """Each part of the formula, the whole first, and how to build the whole around another."""
        parts: list[tuple[Expr, Rebuild]] = []
        _collect(self.expr, _itself, parts)
        return parts

    @property
    def quantity(self) -> Quantity | None:
        """What kind of quantity is calculated; None for an expression of the author's."""
        return self.key.quantity if isinstance(self.key, Address) else None

    def places(self, *names: str) -> Iterator[tuple[Op, Rebuild]]:
        """Yield every operation called one of `names`, with a function that puts another there."""
        for part, rebuild in self._parts:
            if isinstance(part, Op) and part.name in names:
                yield part, rebuild

    def addresses(self) -> Iterator[tuple[Address, Rebuild]]:
        """Yield every quantity in the formula, with a function that puts another there."""
        for part, rebuild in self._parts:
            if isinstance(part, Ref) and isinstance(part.key, Address):
                yield part.key, rebuild

    def others(self, address: Address) -> Iterator[Address]:
        """Yield the other quantities of a neuron in the formula, those that the page can have.

        Given numbers belong to no step; what is mistaken for them is that of this step.
        """
        step = self.key.step if isinstance(self.key, Address) else address.step
        for other in same_neuron(address._replace(step=step), self.problem.network):
            other = self.canon(other)
            if other != self.key and self._is_there(other):
                yield other

    def _is_there(self, address: Address) -> bool:
        """Whether the page can have a quantity: without targets there is no error."""
        if address.quantity is Q.T:
            return bool(self.problem.samples[address.sample - 1].t)
        of_error = address.quantity.is_partial and address.of is None
        return self.problem.has_error or not (of_error or address.quantity is Q.E_K)

    def swap(self, places: Mapping[Address, Address]) -> Expr:
        """Return the formula with several quantities replaced at once."""
        return bind(self.expr, {old: Ref(self.canon(new)) for old, new in places.items()})

    def ref(self, address: Address) -> Expr:
        """Return the formula that stands for a quantity."""
        return Ref(self.canon(address))

    @property
    def outputs(self) -> int:
        """The number of output neurons."""
        return self.problem.network.widths[-1]


def _collect(expr: Expr, rebuild: Rebuild, parts: list[tuple[Expr, Rebuild]]) -> None:
    parts.append((expr, rebuild))
    if isinstance(expr, Op):
        for k, arg in enumerate(expr.args):
            _collect(arg, _inside(expr, k, rebuild), parts)


def _itself(new: Expr) -> Expr:
    return new


def _inside(expr: Op, k: int, rebuild: Rebuild) -> Rebuild:
    def around(new: Expr) -> Expr:
        args = (*expr.args[:k], new, *expr.args[k + 1 :])
        return rebuild(Op(expr.name, args, expr.role))

    return around


def without(args: tuple[Expr, ...], k: int) -> tuple[Expr, ...]:
    """All but the k-th."""
    return (*args[:k], *args[k + 1 :])
