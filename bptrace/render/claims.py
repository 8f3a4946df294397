"""Which number of the source stands beside which line of a calculation."""

from __future__ import annotations

from collections.abc import Callable

from bptrace.address import Address, Quantity
from bptrace.checks.graph import Canon
from bptrace.maths.expr import Expr, Op, Ref
from bptrace.model import Claim
from bptrace.notation import Delta
from bptrace.render.lines import Remark
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple


class Read(NamedTuple):
    """A claim and what it speaks of: an address, a δ of either sign, or an expression."""

    claim: Claim
    expr: Expr
    key: Address | Delta | None


class Claims:
    """The claims of a problem, by the address of what they claim.

    Parameters
    ----------
    trace : Trace
    remark : function
        What to say beside a line about a claim; None: nothing.
    """

    def __init__(self, trace: Trace, remark: Callable[[Claim], Remark | None]) -> None:
        self.remark = remark
        self._canon = Canon(trace.problem)
        self._left = [Read(claim, expr, self._key(expr)) for claim, expr in trace.claims()]

    def take(self, left: Address | Delta) -> tuple[Remark, ...]:
        """Return the remarks on one line, and do not return them again."""
        key = left if isinstance(left, Delta) else self._canon(left)
        here = [read for read in self._left if read.key == key]
        self._left = [read for read in self._left if read.key != key]
        remarks = (self.remark(read.claim) for read in here)
        return tuple(remark for remark in remarks if remark is not None)

    def rest(self, step: int) -> list[Read]:
        """Return the claims of a step that no line has taken, in the order of the file."""
        here = [read for read in self._left if read.claim.step == step]
        self._left = [read for read in self._left if read.claim.step != step]
        return here

    def _key(self, expr: Expr) -> Address | Delta | None:
        if isinstance(expr, Ref) and isinstance(expr.key, Address):
            return self._canon(expr.key)
        if isinstance(expr, Op) and expr.name == "neg" and isinstance(expr.args[0], Ref):
            inner = expr.args[0].key
            if isinstance(inner, Address) and inner.quantity is Quantity.D_IN and inner.of is None:
                return Delta(inner)
        return None
