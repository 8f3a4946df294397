"""Which number of the source stands beside which line of a calculation."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from bptrace.address import Address, Quantity
from bptrace.maths.expr import Expr, Op, Ref, bind, refs
from bptrace.model import Claim
from bptrace.notation import Delta, Notation
from bptrace.render.lines import Remark
from bptrace.render.words import Words
from bptrace.trace import Trace

_OF_BATCH = (Quantity.D_W, Quantity.D_B, Quantity.E)


@dataclass(frozen=True)
class Read:
    """A claim and what it speaks of: an address, a δ of either sign, or an expression."""

    claim: Claim
    expr: Expr
    key: Address | Delta | None


class Claims:
    """The claims of a problem, by the address of what they claim."""

    def __init__(
        self, trace: Trace, words: Words, remark: Callable[[Claim], Remark | None]
    ) -> None:
        self.trace = trace
        self.words = words
        self.remark = remark
        notation = Notation.of(trace.problem)
        self._left = [self._read(claim, notation) for claim in trace.problem.claims]

    def take(self, key: Address | Delta) -> tuple[Remark, ...]:
        """Return the remarks on one line, and do not return them again."""
        key = self._canonical(key)
        here = [read for read in self._left if read.key == key]
        self._left = [read for read in self._left if read.key != key]
        remarks = (self.remark(read.claim) for read in here)
        return tuple(remark for remark in remarks if remark is not None)

    def rest(self, step: int) -> list[Read]:
        """Return the claims of a step that no line has taken, in the order of the file."""
        here = [read for read in self._left if read.claim.step == step]
        self._left = [read for read in self._left if read.claim.step != step]
        return here

    def _read(self, claim: Claim, notation: Notation) -> Read:
        if claim.minus_delta != notation.minus_delta:
            notation = Notation(notation.network, notation.dialect.name, claim.minus_delta)
        expr = notation.read(claim.quantity)
        places: dict[Hashable, Expr] = {
            key: Ref(self.trace.complete(key, claim.step, claim.sample))
            for key in refs(expr)
            if isinstance(key, Address)
        }
        expr = bind(expr, places)
        return Read(claim, expr, self._key(expr))

    def _key(self, expr: Expr) -> Address | Delta | None:
        if isinstance(expr, Ref) and isinstance(expr.key, Address):
            return self._canonical(expr.key)
        if isinstance(expr, Op) and expr.name == "neg" and isinstance(expr.args[0], Ref):
            inner = expr.args[0].key
            if isinstance(inner, Address) and inner.quantity is Quantity.D_IN and inner.of is None:
                return Delta(inner)
        return None

    def _canonical(self, key: Address | Delta) -> Address | Delta:
        """A batch of one sample is that sample."""
        if isinstance(key, Delta) or key.sample or key.quantity not in _OF_BATCH or key.of:
            return key
        batch = self.trace.samples(key.step)
        return key.at(batch[0], key.step) if len(batch) == 1 else key
