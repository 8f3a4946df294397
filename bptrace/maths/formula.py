"""Text → formula of an activation: ``"x*tanh(log(1+exp(x)))"`` as a tree over the net input.

The grammar is that of a school book: + − · / and powers, brackets, |x|, functions and the constants
pi and e. `x` (or `z`) is the net input; in a slope `y` (or `a`) is the output. The functions are
the operations of `maths.expr` and the activations of the table, written out. The text is never
evaluated as a program.

Not responsible for files (`io` says where in a file the text stands) nor for slopes, which
`maths.derivative` derives.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from bptrace.errors import BptraceError, suggest
from bptrace.maths.activations import ACTIVATIONS, IN, OUT, Activation
from bptrace.maths.expr import (
    FLOATS,
    HALF,
    ONE,
    Expr,
    Num,
    Op,
    add,
    bind,
    call,
    div,
    mul,
    neg,
    refs,
    square,
    sub,
)

LONGEST: Final = 1000
"""Characters of a formula."""

MOST_OPERATIONS: Final = 200
DEEPEST: Final = 40
"""Operations inside one another. Trees are read by recursion: a formula of this depth, and its
slope, which is four times as deep at most, stay far from the end of the stack."""

_MOST_BRACKETS: Final = 20
_LARGEST_POWER: Final = 9
ALIKE: Final = 0.7
"""How near a name must be to be meant: sin is not min, of which it has two letters of three."""

_GENERAL: Final = "Write exp(b*ln(a)) for a^b with a above 0."

_SAME = str.maketrans(
    {
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63", "-"),
        **dict.fromkeys("·×⋅∗∙", "*"),
        **dict.fromkeys("÷∕⁄", "/"),
        **dict.fromkeys("\u3000\u00a0\t\r\n", " "),
        "，": ",",
        "、": ",",
    }
)
"""Look-alikes, one character each, so that places in the text stay what they are."""

_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|½")
_LETTER = r"[^\W⁰¹²³⁴⁵⁶⁷⁸⁹½]"  # or a digit; ² is a letter for Python, but not for us
_WORD = re.compile(rf"(?!\d){_LETTER}(?:{_LETTER}|-)*|√")
_NAME = re.compile(rf"(?!\d){_LETTER}+|√")
_RAISED = re.compile(r"⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")

_CONSTANTS: Final[Mapping[str, Expr]] = {"pi": Num(math.pi), "π": Num(math.pi), "e": Num(math.e)}


class FormulaError(BptraceError):
    """A formula that cannot be read; `offset` is where (from 0) in the text."""

    def __init__(self, message: str, offset: int = 0, hint: str = "") -> None:
        super().__init__(f"{message}. {hint}" if hint else message)
        self.message, self.offset, self.hint = message, offset, hint

    def __reduce__(self) -> tuple[type[FormulaError], tuple[str, int, str]]:
        return type(self), (self.message, self.offset, self.hint)


def read_formula(text: str) -> Expr:
    """Return the formula of an activation as a tree over `IN`; raise `FormulaError` if it is none.

    ln(1 + …) becomes the one operation log1p, which is exact for small arguments and is printed in
    the same way; all else is calculated in the order in which it is written.
    """
    return _read(text, {"x": IN, "z": IN}, "x, the net input, is not in it")


def read_slope(text: str) -> Expr:
    """Return a slope as a tree over `IN` and `OUT`; raise `FormulaError` if it is none."""
    return _read(text, {"x": IN, "z": IN, "y": OUT, "a": OUT}, "")


def _read(text: str, quantities: Mapping[str, Expr], needed: str) -> Expr:
    reader = _Reader(text, quantities)
    expr = reader.read()
    if needed and not any(refs(expr)):
        raise FormulaError(needed, 0, "An activation is a function of x.")
    return expr


# ------------------------------------------------------------------------------------- functions


def _unary(name: str) -> Callable[..., Expr]:
    return lambda a: call(name, a)


def _log(a: Expr) -> Expr:
    """ln a; ln(1 + b) is the one operation log1p."""
    if isinstance(a, Op) and a.name == "add" and len(a.args) == 2 and a.args[0] == ONE:
        return call("log1p", a.args[1])
    return call("log", a)


def _written_out(entry: Activation) -> Callable[..., Expr]:
    option = Num(entry.default)
    return lambda a: bind(entry.expr, {"in": a, "option": option})


@cache
def functions() -> Mapping[str, tuple[int, Callable[..., Expr]]]:
    """Return what may be called: name → number of arguments, and what it makes of them."""
    known: dict[str, tuple[int, Callable[..., Expr]]] = {
        "exp": (1, _unary("exp")),
        "ln": (1, _log),
        "log": (1, _log),
        "log1p": (1, _unary("log1p")),
        "tanh": (1, _unary("tanh")),
        "sqrt": (1, _unary("sqrt")),
        "√": (1, _unary("sqrt")),
        "abs": (1, _unary("abs")),
        "max": (2, lambda a, b: call("max", a, b)),
        "min": (2, lambda a, b: call("min", a, b)),
        "positive": (1, _unary("positive")),
    }
    for entry in ACTIVATIONS:
        if not entry.is_of_layer:
            known.setdefault(entry.name.replace("-", "_"), (1, _written_out(entry)))
    return known


# ---------------------------------------------------------------------------------------- reading


class _Reader:
    """Reads one text by recursive descent, from the weakest operation to the strongest."""

    def __init__(self, text: str, quantities: Mapping[str, Expr]) -> None:
        self.text = text.translate(_SAME)
        self.quantities = quantities
        self.at = 0
        self.brackets = 0

    def read(self) -> Expr:
        """Return the formula of the whole text."""
        if len(self.text) > LONGEST:
            raise FormulaError(f"{len(self.text)} characters are too many, at most {LONGEST}")
        if not self._peek():
            raise FormulaError("the formula is empty", 0, 'Write one such as "x/(1 + abs(x))".')
        expr = self._sum()
        if found := self._peek():
            raise self._misplaced(found)
        return expr

    def _sum(self) -> Expr:
        terms = [self._product()]
        while sign := self._take("+", "-"):
            term = self._product()
            if sign == "-":
                terms = [self._checked(sub(add(*terms), term))]
            else:
                terms.append(term)
        return self._checked(add(*terms))

    def _product(self) -> Expr:
        factors = [self._signed()]
        while not self.text.startswith("**", self._skip()) and (sign := self._take("*", "/")):
            start = self._skip()
            factor = self._signed()
            if sign == "/":
                if _constant(factor) == 0.0:
                    raise FormulaError("division by 0", start)
                factors = [self._checked(div(mul(*factors), factor))]
            else:
                factors.append(factor)
        return self._checked(mul(*factors))

    def _signed(self) -> Expr:
        signs = 0
        while sign := self._take("+", "-"):
            signs += sign == "-"
        expr = self._power()
        if not signs % 2:
            return expr
        return Num(-expr.value) if isinstance(expr, Num) else self._checked(neg(expr))

    def _power(self) -> Expr:
        base = self._atom()
        while raised := _RAISED.match(self.text, self._skip()):
            start, self.at = self.at, raised.end()
            base = self._raised(base, float(raised.group().translate(_DIGITS)), start)
        if not self._take("^", "**"):
            return base
        start = self._skip()
        exponent = self._inside(self._signed)  # x^2^3 is x^(2^3)
        if base == _CONSTANTS["e"]:
            return self._checked(call("exp", exponent))
        value = _constant(exponent)
        if value is None:
            message = "an exponent is a whole number, ½, or stands over e"
            raise FormulaError(message, start, _GENERAL)
        return self._raised(base, value, start)

    def _raised(self, base: Expr, exponent: float, start: int) -> Expr:
        """base^exponent as products: no bit depends on how a machine takes powers."""
        if exponent == 0.5:
            return self._checked(call("sqrt", base))
        if not abs(exponent) <= _LARGEST_POWER or exponent != int(exponent):
            message = f"the exponent {exponent:g}: expected a whole number up to {_LARGEST_POWER}"
            raise FormulaError(f"{message}, or ½", start, _GENERAL)
        n = abs(int(exponent))
        power = (ONE, base, square(base))[n] if n <= 2 else mul(*[base] * n)
        if exponent < 0 and _constant(base) == 0.0:
            raise FormulaError("division by 0", start)
        return self._checked(div(ONE, power) if exponent < 0 else power)

    def _atom(self) -> Expr:
        found, start = self._peek(), self.at
        if found == "(":
            return self._bracketed(")")
        if found == "|":
            return self._checked(call("abs", self._bracketed("|")))
        if number := _NUMBER.match(self.text, start):
            self.at = number.end()
            return self._number(number.group(), start)
        if name := _NAME.match(self.text, start):
            self.at = name.end()
            return self._named(name.group(), start)
        if not found:
            raise FormulaError("the formula ends too soon", start)
        raise FormulaError(f"expected x, a number, a function or a bracket, found {found!r}", start)

    def _number(self, text: str, start: int) -> Expr:
        if text == "½":
            return HALF
        value = float(text)
        if math.isinf(value):
            raise FormulaError(f"{_short(text)} is too large for a number", start)
        return Num(value)

    def _named(self, name: str, start: int) -> Expr:
        is_call = self._peek() == "("
        if name in functions():
            if is_call:
                return self._called(name, start)
            arguments = "x" if functions()[name][0] == 1 else "a, b"
            raise FormulaError(f"{name} is a function", start, f"Write {name}({arguments}).")
        if not is_call and name in self.quantities:
            return self.quantities[name]
        if not is_call and name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in ("y", "a") and not is_call:
            hint = "Write it with x; the slope may have y in it."
            raise FormulaError(f"{name} is the output, which the formula gives", start, hint)
        if is_call and (name in self.quantities or name in _CONSTANTS):
            raise FormulaError(f"{name} is no function", start, f"For a product write {name}*(…).")
        raise self._unknown(start, is_call)

    def _unknown(self, start: int, is_call: bool) -> FormulaError:
        word = _WORD.match(self.text, start)
        name = word.group() if word else ""
        called = name.replace("-", "_")
        if called in functions():
            return FormulaError(f"unknown name {_short(name)}", start, f"Did you mean {called!r}?")
        name = name.partition("-")[0]
        known = tuple(functions()) if is_call else (*self.quantities, "pi", "e", *functions())
        noun = "function" if is_call else "name"
        hint = suggest(name, known, most=25, alike=ALIKE)
        return FormulaError(f"unknown {noun} {_short(name)}", start, hint)

    def _called(self, name: str, start: int) -> Expr:
        count, make = functions()[name]
        bracket = self._skip()
        self.at += 1
        args: list[Expr] = []
        if self._peek() != ")":
            args.append(self._inside(self._sum))
            while self._take(","):
                args.append(self._inside(self._sum))
        self._close(")", bracket)
        if len(args) != count:
            expected = "1 argument" if count == 1 else f"{count} arguments"
            raise FormulaError(f"{name} takes {expected}, not {len(args)}", start)
        return self._checked(make(*args))

    def _bracketed(self, bracket: str) -> Expr:
        start, self.at = self.at, self.at + 1
        expr = self._inside(self._sum)
        self._close(bracket, start)
        return expr

    def _close(self, bracket: str, start: int) -> None:
        if self._take(bracket):
            return
        found = self._peek()
        if found and found not in ")|":
            raise self._misplaced(found)
        hint = f"The {self.text[start]!r} at place {start + 1} is still open."
        raise FormulaError(f"{bracket!r} is missing", self.at, hint)

    def _inside(self, read: Callable[[], Expr]) -> Expr:
        """Read what stands in brackets or in an exponent."""
        self.brackets += 1
        if self.brackets > _MOST_BRACKETS:
            message = f"more than {_MOST_BRACKETS} brackets or powers inside one another"
            raise FormulaError(message, self.at)
        expr = read()
        self.brackets -= 1
        return expr

    # Small change

    def _checked(self, expr: Expr) -> Expr:
        """Return `expr` if it is small enough for all that is done with it by recursion."""
        if isinstance(expr, Op):
            if depth_of(expr) > DEEPEST:
                raise FormulaError(f"more than {DEEPEST} operations inside one another", self.at)
            if size_of(expr) > MOST_OPERATIONS:
                message = f"more than {MOST_OPERATIONS} operations, with all functions written out"
                raise FormulaError(message, self.at)
        return expr

    def _misplaced(self, found: str) -> FormulaError:
        if found in ")|":
            return FormulaError(f"{found!r} without an opening bracket", self.at)
        if found == ",":
            return FormulaError("a comma outside a function", self.at)
        hint = "For a product write *." if found.isalnum() or found in "(√½" else ""
        return FormulaError(f"expected an operation before {found!r}", self.at, hint)

    def _skip(self) -> int:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.at

    def _peek(self) -> str:
        start = self._skip()
        return self.text[start : start + 1]

    def _take(self, *signs: str) -> str:
        start = self._skip()
        for sign in signs:
            if self.text.startswith(sign, start):
                self.at += len(sign)
                return sign
        return ""


def size_of(expr: Expr) -> int:
    """Return the number of operations of a tree; a sum of n terms has n − 1."""
    if not isinstance(expr, Op):
        return 0
    return max(1, len(expr.args) - 1) + sum(map(size_of, expr.args))


def depth_of(expr: Expr) -> int:
    """Return how many operations stand inside one another at most."""
    return 1 + max(map(depth_of, expr.args)) if isinstance(expr, Op) else 0


def _constant(expr: Expr) -> float | None:
    """The value of a formula without quantities."""
    return None if any(True for _ in refs(expr)) else FLOATS.read(expr, lambda _: math.nan)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
