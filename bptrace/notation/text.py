"""Formula → text: two more readings of the tree, with names or with numbers in the places."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable

from bptrace.maths.expr import Expr, Num, Ref
from bptrace.tuples import NamedTuple

MINUS = "−"


class Text(NamedTuple):
    """A piece of a formula and how strongly its outermost operation binds."""

    text: str
    binds: int


SUM, PRODUCT, SIGN, SCIENTIFIC, POWER, ATOM = range(6)

_SCIENTIFIC = r"[\d.]+·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+"

_SPACED = frozenset({"chain", "gradient", "path"})
"""Products of derivatives are written with room around the dot: ∂E/∂out · ∂out/∂in."""

HADAMARD = "hadamard"
"""The role of products of vectors or matrices, element by element."""


def write(
    expr: Expr, name: Callable[[Hashable], str], option: Callable[[Num], str] | None = None
) -> str:
    """Return `expr` as text; `name` gives the text of each quantity: its name or its number.

    `option` gives the text of each constant that has a name; default: its number. Lines may be
    broken before `` + ``, `` − `` and `` · `` only.
    """
    return _text(expr, name, option).text


def _text(expr: Expr, name: Callable[[Hashable], str], option: Callable[[Num], str] | None) -> Text:
    if isinstance(expr, Num):
        return atom(option(expr)) if option and expr.name else _constant(expr.value)
    if isinstance(expr, Ref):
        return atom(name(expr.key))
    args = [_text(arg, name, option) for arg in expr.args]
    if expr.name == "mul":
        return _product(args, _dot(expr.role))
    return _RULES[expr.name](*args)


def _dot(role: str) -> str:
    return " ⊙ " if role == HADAMARD else " · " if role in _SPACED else "·"


def atom(text: str) -> Text:
    """Return the text of one name or number.

    A negative number binds like a sign; one with a power of ten is a factor as it is, but neither
    a denominator nor the base of a square.
    """
    if text.startswith("-"):
        text = MINUS + text[1:]
    if text.startswith(MINUS):
        return Text(text, SIGN)
    is_scientific = "·10" in text and re.fullmatch(_SCIENTIFIC, text)
    return Text(text, SCIENTIFIC if is_scientific else ATOM)


def _constant(value: float) -> Text:
    if value == 0.5:
        return Text("½", ATOM)
    text = repr(value).removesuffix(".0").lstrip("-")
    return atom((MINUS if value < 0 else "") + text)


def _grouped(part: Text, binds: int) -> str:
    return part.text if part.binds >= binds else f"({part.text})"


def _factor(part: Text, first: bool) -> str:
    """A factor of a product; a sign may stand bare in the first one only."""
    return _grouped(part, SIGN if first else SCIENTIFIC)


def _sum(*terms: Text) -> Text:
    text = terms[0].text
    for term in terms[1:]:
        if term.binds in (SIGN, PRODUCT) and term.text.startswith(MINUS):
            text += f" {MINUS} {term.text.removeprefix(MINUS)}"
        else:
            text += f" + {_grouped(term, PRODUCT)}"
    return Text(text, SUM)


def _difference(a: Text, b: Text) -> Text:
    starts_with_sign = b.text.startswith(MINUS)
    right = f"({b.text})" if b.binds <= SUM or starts_with_sign else b.text
    return Text(f"{a.text} {MINUS} {right}", SUM)


def _product(factors: list[Text], dot: str) -> Text:
    parts = [_factor(factor, first=k == 0) for k, factor in enumerate(factors)]
    return Text(dot.join(parts), PRODUCT)


def _quotient(a: Text, b: Text) -> Text:
    return Text(f"{_factor(a, first=True)}/{_slashed(b)}", PRODUCT)


def _slashed(part: Text) -> str:
    """A denominator; one that has a stroke of its own is put in brackets."""
    return f"({part.text})" if part.binds < POWER or "/" in part.text else part.text


def _negative(a: Text) -> Text:
    bracketed = a.binds in (SUM, SIGN) or a.text.startswith(MINUS)
    binds = PRODUCT if a.binds == PRODUCT else SIGN  # −a·b may be (−a)·b as well
    return Text(MINUS + (f"({a.text})" if bracketed else a.text), binds)


def _squared(a: Text) -> Text:
    bare = a.binds == ATOM and "/" not in a.text and not a.text.startswith("e^")
    return Text((a.text if bare else f"({a.text})") + "²", POWER)


def _power(a: Text, n: Text) -> Text:
    bare = a.binds == ATOM and "/" not in a.text
    return Text(f"{a.text if bare else f'({a.text})'}^{_slashed(n)}", POWER)


def _function(before: str, after: str = ")") -> Callable[..., Text]:
    return lambda *args: Text(f"{before}{', '.join(a.text for a in args)}{after}", ATOM)


def _log1p(a: Text) -> Text:
    return Text(f"ln({_sum(Text('1', ATOM), a).text})", ATOM)


def _times_log(t: Text, a: Text) -> Text:
    return _product([t, _RULES["log"](a)], "·")


def _if_positive(a: Text, then: Text, otherwise: Text) -> Text:
    return Text(f"({then.text} if {a.text} > 0 else {otherwise.text})", ATOM)


def _step(a: Text, low: Text, at_zero: Text) -> Text:
    return Text(f"{'step' if low.text == '0' else 'bipolar_step'}({a.text})", ATOM)


_RULES: dict[str, Callable[..., Text]] = {
    "add": _sum,
    "sub": _difference,
    "div": _quotient,
    "neg": _negative,
    "square": _squared,
    "power": _power,
    "floor": _function("⌊", "⌋"),
    "differ": lambda a, b: Text(f"[{a.text} ≠ {b.text}]", ATOM),
    "abs": _function("|", "|"),
    "norm": _function("‖", "‖"),
    "sqrt": _function("√("),
    "max": _function("max("),
    "min": _function("min("),
    "exp": _function("e^("),
    "log": _function("ln("),
    "log1p": _log1p,
    "tanh": _function("tanh("),
    "times_log": _times_log,
    "times_reciprocal": _quotient,
    "sum_each": lambda body: Text(f"Σ {_grouped(body, PRODUCT)}", PRODUCT),
    "max_each": _function("max("),
    "positive": _function("[", " > 0]"),
    "if_positive": _if_positive,
    "step": _step,
}
