"""The blocks [[claims]] and [given]: what a hand calculation prints, digit for digit.

A key that is no setting of the block is a quantity. Its text is checked against the network; what
it is worth, and whether the author is right, is asked elsewhere.
"""

from __future__ import annotations

from typing import Final

from bptrace.address import BEFORE, Address, Layout, Quantity
from bptrace.errors import BptraceError, suggest
from bptrace.io.faults import Faults, found, quoted
from bptrace.io.kinds import FAULTY
from bptrace.io.schema import BLOCK, CLAIM
from bptrace.io.tables import View
from bptrace.io.toml import Path
from bptrace.maths.expr import Ref, refs
from bptrace.model import Claim, Network, Problem
from bptrace.notation import Notation, NotationError
from bptrace.printed import Printed
from bptrace.tuples import NamedTuple

LONGEST_QUANTITY: Final = 250
"""So that no formula is nested deeper than Python's stack: 1-1-1-… is one level per term."""

_ERRORS: Final = frozenset({Quantity.E, Quantity.E_K})
_UPDATES: Final = frozenset({Quantity.STEP_W, Quantity.STEP_B, *BEFORE})
_WEIGHTS: Final = frozenset({Quantity.W, Quantity.D_W, Quantity.STEP_W, Quantity.W_NEW})


class Run(NamedTuple):
    """What claims are checked against; 0 and None: not known, because of other faults."""

    network: Network | None
    dialect: str
    steps: int
    samples: int
    problem: Problem | None
    minus_delta: bool


def read_claims(top: View, run: Run, faults: Faults) -> tuple[Claim, ...]:
    """Return the claims, then the given values, each in the order of the file."""
    quantities = _Quantities(run)
    claims: list[Claim] = []
    for block in (*top.claims, *top.given):
        if block is FAULTY:
            continue
        _check_settings(block, run, faults)
        for key, value in block.others.items():
            if faults.is_full:
                return ()
            if isinstance(value, dict) and value and CLAIM.keys.keys().isdisjoint(value):
                hint = "A quantity with a point in its name stands in quotes."
                message = f"{quoted(key)}: expected a number, found a table"
                faults.add(message, (*block.path, key), "key", hint)
                continue
            claim = _claim(key, value, block, run, faults)
            quantities.check(key, block, faults)
            if claim is not None:
                claims.append(claim)
    return tuple(claims)


def _is_given(block: View) -> bool:
    """Whether this is a block of [given], not of [claims]."""
    return block.path[0] == "given"


def _check_settings(block: View, run: Run, faults: Faults) -> None:
    if block.step is not None and run.steps and block.step > run.steps:
        steps = f"{run.steps} step{'s' * (run.steps != 1)}"
        hint = "Write more steps in [training], or another step here."
        message = f"step = {block.step}, but the run has {steps}"
        faults.add(message, (*block.path, "step"), hint=hint)
    if isinstance(block.sample, int) and run.samples and block.sample > run.samples:
        samples = f"{run.samples} sample{'s' * (run.samples != 1)}"
        hint = 'Write a number up to that, or "batch" for all of the step.'
        message = f"sample = {block.sample}, but the file has {samples}"
        faults.add(message, (*block.path, "sample"), hint=hint)


# --------------------------------------------------------------------------------- one claim


def _claim(key: str, value: object, block: View, run: Run, faults: Faults) -> Claim | None:
    path: Path = (*block.path, key)
    given = _is_given(block)
    line, column = faults.document.position(path)
    operands: tuple[Printed, ...] = ()
    eq, exact = "", block.exact
    if isinstance(value, dict):
        more = CLAIM.read(value, path, faults)
        operands, eq = _operands(value, path, faults), _equation(value, path, faults)
        if "is" not in value:
            hint = 'Write is = 0.5, or is = "" where it is still to be found.'
            faults.add(f"the claim about {quoted(key)} has no number", path, "key", hint)
            return None
        path, value = (*path, "is"), value["is"]
        exact = exact if more.exact is None else more.exact
    blank = value == "" and not given
    return Claim(
        quantity=key,
        printed=None if blank else _printed(key, value, path, faults),
        step=block.step or 1,
        sample=0 if block.sample == "batch" else block.sample,
        eq=eq,
        operands=operands,
        learning_rate=block.learning_rate,
        minus_delta=run.minus_delta if block.delta is None else block.delta == "minus",
        exact=exact,
        given=given,
        line=line,
        column=column,
    )


def _printed(key: str, value: object, path: Path, faults: Faults) -> Printed | None:
    """Read a number as printed; a fault if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        message = f"{quoted(key)}: expected a number, found {found(value)}"
        hint = 'Write the digits as printed, such as 0.40 or ".85".'
        faults.add(message, path, hint=hint)
        return None
    try:
        return Printed.of(value)
    except ValueError as error:
        said, _, hint = str(error).partition("; ")
        faults.add(said, path, hint=f"{hint[:1].upper()}{hint[1:]}." if hint else "")
        return None


def _operands(table: dict[str, object], path: Path, faults: Faults) -> tuple[Printed, ...]:
    """Read `from`, the numbers that were substituted."""
    values = table.get("from", [])
    if not isinstance(values, list):
        hint = "Write the numbers that were substituted: from = [0.5, 0.25]."
        faults.add(f"from: expected a list, found {found(values)}", (*path, "from"), hint=hint)
        return ()
    read = (_printed("from", v, (*path, "from", k), faults) for k, v in enumerate(values))
    return tuple(printed for printed in read if printed is not None)


def _equation(table: dict[str, object], path: Path, faults: Faults) -> str:
    """Read `eq`, a number such as 5.12 (its digits are kept) or a text."""
    value = table.get("eq", "")
    if isinstance(value, str) and value.isprintable():
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(getattr(value, "text", value)) if not isinstance(value, int) else found(value)
    hint = 'Write the number of the equation as the author prints it: eq = "5.12".'
    faults.add(f"eq: expected text in quotes, found {found(value)}", (*path, "eq"), hint=hint)
    return ""


# ------------------------------------------------------------------------------------- quantities


class _Quantities:
    """Checks the texts of quantities, each once: a table of many steps repeats them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known: dict[tuple[str, bool], NotationError | None] = {}
        if run.network is not None:
            rule = None if run.problem is None else run.problem.rule
            self._notation = Notation(run.network, run.dialect, rule=rule)
            self._layout = Layout(run.network.shape(1, self._notation.memory))

    def check(self, text: str, block: View, faults: Faults) -> None:
        """Add a fault if `text` is no quantity of the network."""
        if self._run.network is None:
            return
        key = text, _is_given(block)
        if key not in self._known:
            self._known[key] = self._fault(*key)
        fault = self._known[key]
        if fault is not None:
            message, _, hint = str(fault).partition(". ")
            near = suggest(text, sorted(BLOCK.known))
            if message.startswith("unknown") and near.startswith("Did"):
                hint = near
            if not message.startswith(text) or not text:
                message = f"{quoted(text)}: {message}"
            faults.add_at(message, (*block.path, text), fault.offset, hint)

    def _fault(self, text: str, given: bool) -> NotationError | None:
        if len(text) > LONGEST_QUANTITY:
            return NotationError(f"a quantity of {len(text)} characters. Write a shorter one.")
        try:
            if not text.strip():
                return NotationError("nothing is no quantity")
            expr = self._notation.read(text)
            for key in refs(expr):
                if isinstance(key, Address):
                    self._check(key)
        except NotationError as error:
            return error
        except BptraceError as error:
            return NotationError(str(error))
        if given and not isinstance(expr, Ref):
            return NotationError("only a quantity can be given, not a calculation")
        return None

    def _check(self, address: Address) -> None:
        """Raise `BptraceError` for what the network does not have or the run does not calculate."""
        network, problem = self._run.network, self._run.problem
        assert network is not None
        if address.of is not None:
            self._check(address.of)
        self._layout.check(address)
        quantity = address.quantity
        if quantity in _WEIGHTS:
            l, j, i = address.layer, address.neuron, address.source
            if not network.connected(l, j, i):
                raise BptraceError(f"the mask removes this connection, w[{l},{j},{i}]")
        if problem is None:
            return
        if not problem.has_error and (quantity in _ERRORS or _of_error(address)):
            raise BptraceError("there is no error here: no loss, or a sample without targets")
        if quantity in _UPDATES and not problem.learns:
            raise BptraceError("nothing is updated here. Write [training] with a learning_rate.")


def _of_error(address: Address) -> bool:
    top = address.of
    return address.quantity.is_partial and (top is None or top.quantity is Quantity.E_K)
