"""Text → formula: reads what a person writes about quantities, in a dialect or positionally.

The grammar is that of a school book: + − · / ², brackets, exp, ln, tanh and names. A name is the
longest one that the network has at that place, so that names of users may look as they like; a
derivative is ``d``, a name, ``/d`` and a name. Nothing is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isinf
from typing import TYPE_CHECKING

from bptrace.address import (
    AFTER,
    FORMS,
    PLUS,
    Address,
    Quantity,
    goes_on,
    match_positional,
    partial,
)
from bptrace.errors import BptraceError, suggest
from bptrace.maths.expr import ONE, Expr, Num, Op, Ref, add, call, div, mul, neg, square, sub

if TYPE_CHECKING:
    from bptrace.notation.lookup import Lookup

_SAME = str.maketrans(
    {
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63", "-"),
        **dict.fromkeys("·×⋅∗∙", "*"),
        **dict.fromkeys("÷∕⁄", "/"),
        "\u3000": " ",
        "\u00a0": " ",
        "₊": "+",
        "𝜕": "∂",
    }
)
"""Look-alikes, one character each, so that places in the text stay what they are."""

# What few texts need is kept as text: to compile these patterns takes a millisecond of each start.
_END = r"(?![^\W²]|\.)"  # no letter or digit goes on here; ² is one for Python, but not for us
_NUMBER = (
    r"(?P<digits>\d+\.?\d*|\.\d+)(?:[eE](?P<e>[+-]?\d+)|\*10(?P<power>[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))?"
    rf"{_END}|½"
)
_PLAIN = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
_POWER = rf"²|(?:\^|\*\*)(?P<n>\d{{1,9}}){_END}"
_WORD = r"(?:\[[\d\s,]*\]|[^\s+*/(),|^²-])+"
_BAR = re.compile(r"\s*/\s*[d∂]")
_CHANGES = ("step_", "Δ")
_FUNCTIONS = {"exp": 1, "ln": 1, "log": 1, "tanh": 1, "abs": 1, "sqrt": 1, "√": 1}
_FUNCTIONS |= {"max": 2, "min": 2}
_OPERATION = {"ln": "log", "√": "sqrt"}

_LONGEST = 10_000
_DEEPEST = 30
_MOST_NESTED = 100
"""Formulas are read by recursion: these keep every one of them far from the end of the stack."""

_QUOTED = 40
"""Of a longer text only this much is repeated in a message."""

_STEP = {Quantity.W: Quantity.STEP_W, Quantity.B: Quantity.STEP_B}


class NotationError(BptraceError):
    """A quantity or expression that cannot be read; `offset` is where (from 0) in the text."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class Reader:
    """Reads one text; `known` are the names of a network in a dialect."""

    def __init__(self, text: str, known: Lookup) -> None:
        self.written = text
        self.text = folded(text)
        self.known = known
        self.at = 0
        self.depth = 0
        self.nested = 0

    def read(self) -> Expr:
        """Return the formula of the whole text; raise `NotationError` if it is none."""
        if len(self.text) > _LONGEST:
            raise self._error(f"{len(self.text)} characters are too many, at most {_LONGEST}")
        expr = self._sum()
        if self._peek():
            raise self._error(f"{_short(self.text[self.at :])} is more than one quantity")
        return expr

    # Grammar, from the weakest operation to the strongest

    def _sum(self) -> Expr:
        terms = [self._product()]
        while (sign := self._take("+", "-")) is not None:
            term = self._product()
            if sign == "-":
                terms = [self._nest(sub(add(*terms), term))]
            else:
                terms.append(term)
        return add(*terms)

    def _product(self) -> Expr:
        factors = [self._signed()]
        while (sign := self._take("*", "/")) is not None:
            factor = self._signed()
            if sign == "/":
                factors = [self._nest(div(mul(*factors), factor))]
            else:
                factors.append(factor)
        return mul(*factors)

    def _signed(self) -> Expr:
        signs = 0
        while (sign := self._take("+", "-")) is not None:
            signs += sign == "-"
        expr = self._power()
        return neg(expr) if signs % 2 else expr

    def _power(self) -> Expr:
        base = self._atom()
        while self._peek() and self.text.startswith(("²", "^", "**"), self.at):
            power = re.compile(_POWER).match(self.text, self.at)
            if power is None:
                break
            self.at = power.end()
            n = float(power["n"] or 2)
            base = self._nest(square(base) if n == 2.0 else call("power", base, Num(n)))
        if self.text.startswith(("^", "**"), self.at):
            raise self._error("of powers only whole ones are understood, ² or ^3, and e^(…)")
        return base

    def _atom(self) -> Expr:
        start = self._peek()
        if self._take("(") is not None:
            return self._until(")")
        if start == "|":
            self.at += 1
            return call("abs", self._until("|"))
        if self.text.startswith("e^", self.at):
            self.at += 2
            return call("exp", self._inside(self._signed))
        if (quantity := self._quantity()) is not None:
            return quantity
        if (function := self._function()) is not None:
            return function
        if (number := self._number()) is not None:
            return number
        raise self._unknown()

    def _number(self) -> Expr | None:
        found = _number_at(self.text, self.at)
        if found is None:
            return None
        power = found["e"] or (found["power"] or "0").translate(_PLAIN)
        value = float(f"{found['digits']}e{power}") if found["digits"] else 0.5
        if isinf(value):
            raise self._error(f"{_short(found.group())} is too large for a number")
        self.at = found.end()
        return Num(value)

    def _until(self, bracket: str) -> Expr:
        expr = self._inside(self._sum)
        self._expect(bracket)
        return expr

    def _inside(self, read: Callable[[], Expr]) -> Expr:
        """Read what stands in brackets or in the exponent of e."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error(f"more than {_DEEPEST} brackets or powers inside one another")
        expr = read()
        self.depth -= 1
        return expr

    def _nest(self, expr: Expr) -> Expr:
        """Count an operation that encloses all that stands before it, as in 1 − 2 − 3."""
        self.nested += 1
        if self.nested > _MOST_NESTED:
            raise self._error(f"more than {_MOST_NESTED} differences, quotients and squares")
        return expr

    def _function(self) -> Expr | None:
        for name, arguments in _FUNCTIONS.items():
            if self.text.startswith(name + "(", self.at):
                self.at += len(name) + 1
                args = [self._inside(self._sum)]
                while len(args) < arguments:
                    self._expect(",")
                    args.append(self._inside(self._sum))
                while arguments > 1 and self._take(",") is not None:  # max of a whole layer
                    args.append(self._inside(self._sum))
                self._expect(")")
                return _called(_OPERATION.get(name, name), args)
        return None

    # Names

    def _quantity(self) -> Expr | None:
        found = self._partial(self.at) or self._name(self.at)
        if found is None:
            return None
        expr, self.at = found
        return expr

    def _partial(self, start: int) -> tuple[Expr, int] | None:
        """Read ``dX/dY`` or ``∂X/∂Y``; None if it is something else."""
        if self.text[start : start + 1] not in ("d", "∂"):
            return None
        top = self._name(start + 1, new=False)
        if top is None or not (bar := _BAR.match(self.text, top[1])):
            return None
        below = self._name(bar.end(), new=False)
        if below is None:
            if self._name(start) is not None:  # a quotient of two names that begin with d
                return None
            self.at = bar.end()
            raise self._unknown()
        of, wrt = _address(top[0]), _address(below[0])
        if of is None or wrt is None:
            raise NotationError("δ is a derivative itself: write E, E[k], out or in over it", start)
        try:
            return Ref(partial(of, wrt)), below[1]
        except BptraceError as error:
            raise NotationError(str(error), start) from None

    def _name(self, start: int, new: bool = True) -> tuple[Expr, int] | None:
        """Read the longest name at `start`, with its plus if it has one."""
        best = self._known(start)
        positional = match_positional(self.text, start)
        if positional and (best is None or positional[1] > best[1]):
            best = Ref(positional[0]), positional[1]
        step = self._step(start)
        if step and (best is None or step[1] > best[1]):
            best = step
        return self._with_plus(best) if best is not None and new else best

    def _step(self, start: int) -> tuple[Expr, int] | None:
        """Read ``step_w5`` or ``Δw5``."""
        change = next((c for c in _CHANGES if self.text.startswith(c, start)), None)
        found = self._known(start + len(change)) if change else None
        parameter = _address(found[0]) if found else None
        if found is None or parameter is None or parameter.quantity not in _STEP:
            return None
        return Ref(parameter._replace(quantity=_STEP[parameter.quantity])), found[1]

    def _known(self, start: int) -> tuple[Expr, int] | None:
        for end in range(min(start + self.known.longest, len(self.text)), start, -1):
            if goes_on(self.text, end):
                continue
            for name in dict.fromkeys((self.written[start:end], self.text[start:end])):
                if (found := self.known.find(name)) is not None:
                    return found, end
        return None

    def _with_plus(self, found: tuple[Expr, int]) -> tuple[Expr, int]:
        """``w5+`` and ``w5⁺`` are the value after the update, unless something is added."""
        expr, end = found
        address = _address(expr)
        if address is None or address.quantity not in AFTER:
            return found
        plus = PLUS.match(self.text, end)
        if plus is None:
            return found
        return Ref(address._replace(quantity=AFTER[address.quantity])), plus.end()

    # Small change

    def _peek(self) -> str:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _take(self, *signs: str) -> str | None:
        self._peek()
        for sign in signs:
            if self.text.startswith(sign, self.at):
                self.at += len(sign)
                return sign
        return None

    def _expect(self, sign: str) -> None:
        if self._take(sign) is None:
            raise self._error(f"{sign!r} is missing")

    def _error(self, message: str) -> NotationError:
        return NotationError(message, self.at)

    def _unknown(self) -> NotationError:
        word = re.compile(_WORD).match(self.text, self.at)
        if not word:
            found = self.text[self.at : self.at + 1]
            return self._error(
                f"expected a quantity, found {found!r}" if found else "ends too soon"
            )
        name = word.group()
        form = FORMS.get(name.partition("[")[0]) if name.endswith("]") else None
        if form:
            return self._error(f"{_short(name)} is no quantity; expected numbers as in {form}")
        names, are_all = self.known.near(name)
        near = suggest(name, names, most=8, are_all=are_all)
        return self._error(f"unknown quantity {_short(name)}. {near}")


def folded(text: str) -> str:
    """Return `text` with look-alikes replaced, character by character."""
    return text.translate(_SAME)


def is_number(text: str) -> bool:
    """Whether `text` is a number, which it stays even where an input is called so."""
    text = folded(text)
    found = _number_at(text, 0)
    return found is not None and found.end() == len(text)


def _number_at(text: str, start: int) -> re.Match[str] | None:
    """Find a number in `text`; most texts begin with none, and never need the pattern."""
    first = text[start : start + 1]
    begins = first.isdecimal() or first == "." or first == "½"
    return re.compile(_NUMBER).match(text, start) if begins else None


def _short(text: str) -> str:
    """Return the beginning of `text` for a message, in quotes."""
    text = text.strip()
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "…")


def _called(name: str, args: list[Expr]) -> Expr:
    """A function; ln(1 + x) is the one operation that is printed so."""
    inner = args[0]
    if name == "log" and isinstance(inner, Op) and inner.name == "add":
        one, *rest = inner.args
        if one == ONE and len(rest) == 1:
            return call("log1p", *rest)
    return call(name, *args)


def _address(expr: Expr) -> Address | None:
    """The address that a name stands for; None for a formula (such as −∂E/∂in for δ)."""
    return expr.key if isinstance(expr, Ref) and isinstance(expr.key, Address) else None
