"""Text → formula: reads what a person writes about quantities, in a dialect or positionally.

The grammar is that of a school book: + − · / ², brackets, exp, ln, tanh and names. A name is the
longest one that the network has at that place, so that names of users may look as they like; a
derivative is ``d``, a name, ``/d`` and a name. Nothing is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bptrace.address import Address, Quantity, match_positional, partial
from bptrace.errors import BptraceError, suggest
from bptrace.maths.expr import Expr, Num, Ref, add, call, div, mul, neg, square, sub

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

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|½")
_WORD = re.compile(r"[^\s+*/(),|^²-]+")
_FUNCTIONS = {"exp": 1, "ln": 1, "log": 1, "tanh": 1, "abs": 1, "max": 2}
_OPERATION = {"ln": "log"}
_DEEPEST = 50

_NEW = {Quantity.W: Quantity.W_NEW, Quantity.B: Quantity.B_NEW}
_STEP = {Quantity.W: Quantity.STEP_W, Quantity.B: Quantity.STEP_B}


class NotationError(BptraceError):
    """A quantity or expression that cannot be read; `offset` is where (from 0) in the text."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class Reader:
    """Reads one text; `names` maps every known name to its formula (usually one `Ref`)."""

    def __init__(self, text: str, names: Mapping[str, Expr], longest: int) -> None:
        self.text = text.translate(_SAME)
        self.names = names
        self.longest = longest
        self.at = 0
        self.depth = 0

    def read(self) -> Expr:
        """Return the formula of the whole text; raise `NotationError` if it is none."""
        expr = self._sum()
        if self._peek():
            raise self._error(f"{self.text[self.at :].strip()!r} is more than one quantity")
        return expr

    # Grammar, from the weakest operation to the strongest

    def _sum(self) -> Expr:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error(f"more than {_DEEPEST} brackets inside one another")
        terms = [self._product()]
        while (sign := self._take("+", "-")) is not None:
            term = self._product()
            if sign == "-":
                terms = [sub(add(*terms), term)]
            else:
                terms.append(term)
        self.depth -= 1
        return add(*terms)

    def _product(self) -> Expr:
        factors = [self._signed()]
        while (sign := self._take("*", "/")) is not None:
            factor = self._signed()
            if sign == "/":
                factors = [div(mul(*factors), factor)]
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
        while self._take("²", "^2", "**2") is not None:
            base = square(base)
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
            return call("exp", self._signed())
        if (quantity := self._quantity()) is not None:
            return quantity
        if (function := self._function()) is not None:
            return function
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return Num(0.5 if number.group() == "½" else float(number.group()))
        raise self._unknown()

    def _until(self, bracket: str) -> Expr:
        expr = self._sum()
        self._expect(bracket)
        return expr

    def _function(self) -> Expr | None:
        for name, arguments in _FUNCTIONS.items():
            if self.text.startswith(name + "(", self.at):
                self.at += len(name) + 1
                args = [self._sum()]
                while len(args) < arguments:
                    self._expect(",")
                    args.append(self._sum())
                self._expect(")")
                return call(_OPERATION.get(name, name), *args)
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
        if top is None or not (bar := re.compile(r"\s*/\s*[d∂]").match(self.text, top[1])):
            return None
        below = self._name(bar.end(), new=False)
        if below is None:
            return None
        of, wrt = _address(top[0]), _address(below[0])
        if of is None or wrt is None:
            return None
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
        step = re.compile(r"step_|Δ").match(self.text, start)
        if step and (after := self._known(step.end())) is not None:
            parameter = _address(after[0])
            if parameter is not None and parameter.quantity in _STEP:
                best = Ref(parameter._replace(quantity=_STEP[parameter.quantity])), after[1]
        return self._with_plus(best) if best is not None and new else best

    def _known(self, start: int) -> tuple[Expr, int] | None:
        for length in range(min(self.longest, len(self.text) - start), 0, -1):
            name = self.text[start : start + length]
            if name in self.names and not self._goes_on(start + length):
                return self.names[name], start + length
        return None

    def _goes_on(self, end: int) -> bool:
        """Whether a longer word stands here: in_h11 is not in_h1 followed by 1."""
        before, after = self.text[end - 1], self.text[end : end + 1]
        return _wordy(before) and _wordy(after)

    def _with_plus(self, found: tuple[Expr, int]) -> tuple[Expr, int]:
        """``w5+`` and ``w5⁺`` are the value after the update, unless something is added."""
        expr, end = found
        address = _address(expr)
        if address is None or address.quantity not in _NEW:
            return found
        new = Ref(address._replace(quantity=_NEW[address.quantity]))
        if self.text[end : end + 1] == "⁺":
            return new, end + 1
        if self.text[end : end + 1] == "+" and not re.match(
            r"\s*[^\s+*/),-]", self.text[end + 1 :]
        ):
            return new, end + 1
        return found

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
        word = _WORD.match(self.text, self.at)
        if not word:
            found = self.text[self.at : self.at + 1]
            return self._error(
                f"expected a quantity, found {found!r}" if found else "ends too soon"
            )
        name = word.group()
        return self._error(f"unknown quantity {name!r}. {suggest(name, tuple(self.names), most=8)}")


def _wordy(character: str) -> bool:
    return character == "_" or character.isalnum()


def _address(expr: Expr) -> Address | None:
    """The address that a name stands for; None for a formula (such as −∂E/∂in for δ)."""
    return expr.key if isinstance(expr, Ref) and isinstance(expr.key, Address) else None
