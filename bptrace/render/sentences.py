"""What is said about a verdict: names as the author wrote them, causes, certainty, formulas.

Texts only, in one language and one dialect; layout is the business of `report`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from math import floor, log10
from typing import TYPE_CHECKING, Any

from bptrace.address import Address, Quantity
from bptrace.checks.author import Author
from bptrace.checks.findings import Candidate
from bptrace.checks.graph import Key
from bptrace.checks.mistakes import MISTAKES
from bptrace.checks.report import Mistaken, Report, Verdict
from bptrace.maths.equations import Equation
from bptrace.maths.expr import FLOATS, Expr, Num, Op, Ref, inline, refs
from bptrace.model import Claim
from bptrace.notation import Delta, Notation, abbreviated
from bptrace.notation.text import write
from bptrace.printed import format_number
from bptrace.render.words import Words
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.checks.operands import Operand
    from bptrace.checks.paper import Mistake, Paper

Q = Quantity
MOST_TERMS = 12
LONGEST_NAME = 40
"""Longer expressions are cut: lists and tables are no place for them."""

CLOSE = 8.0
"""Bits by which an explanation may be behind the first and still be worth mentioning."""

_OLD = {Q.W_NEW: Q.W, Q.B_NEW: Q.B}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Place(NamedTuple):
    """From where something is named: what belongs to its step and sample needs no mark."""

    step: int
    sample: int


class Worked(NamedTuple):
    """A formula worked out: what it is of, in symbols, with numbers, and the result."""

    left: str
    formula: str
    numbers: str
    result: str


class Sentences:
    """Names and sentences for one report.

    Parameters
    ----------
    report : Report
    trace : Trace
        The right calculation.
    notation : Notation
        Its dialect is that of the output; claims are read in the dialect of the file.
    words : Words
    digits : int
        Decimals of long numbers.
    """

    def __init__(
        self, report: Report, trace: Trace, notation: Notation, words: Words, digits: int = 10
    ) -> None:
        self.report = report
        self.trace = trace
        self.notation = notation
        self.words = words
        self.digits = digits
        self._read = {id(claim): expr for claim, expr in trace.claims()}
        self._by_key = {v.key: v for v in reversed(report.verdicts)}
        claims = trace.problem.claims
        self.several_steps = len({claim.step for claim in claims}) > 1

    @cached_property
    def author(self) -> Author:
        """What the author had at every step."""
        return Author(self.trace, self.report)

    # Names

    def place(self, verdict: Verdict) -> Place:
        """Return the step and the sample in which a line stands."""
        return self._place(self._read[id(verdict.claim)], verdict.claim.step)

    def _place(self, what: Key | Expr, step: int) -> Place:
        keys = [what] if isinstance(what, Address) else refs(what)
        samples = {key.sample for key in keys if isinstance(key, Address)} - {0}
        batch = self.trace.samples(step) if step else ()
        if not samples and len(batch) == 1:
            return Place(step, batch[0])
        return Place(step, min(samples) if len(samples) == 1 else 0)

    def claim(self, claim: Claim) -> str:
        """Return what a claim speaks of, as the author wrote it; samples of a batch are marked."""
        expr = self._read[id(claim)]
        several = len(self.trace.samples(claim.step)) > 1
        text = write(
            _with_deltas(expr) if claim.minus_delta else expr,
            lambda key: self.notation.name(key, mark=several),
        )
        return self._shortened(self.notation.plain(text))

    def _shortened(self, name: str) -> str:
        dots = self.notation.plain("…")
        return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - len(dots)] + dots

    def whole_name(self, claim: Claim) -> str:
        """Return the name of a claim, with its step if the page has several."""
        name = self.claim(claim)
        if not self.several_steps:
            return name
        return self.words("of step", name=name, step=claim.step)

    def key(self, key: Key, place: Place) -> str:
        """Return the name of a step of the page: as its author calls it, where he does."""
        verdict = self._by_key.get(key)
        if verdict is None:
            return self.name(key, place)
        name = self.claim(verdict.claim)
        if verdict.claim.step == place.step:
            return name
        return self.words("of step", name=name, step=verdict.claim.step)

    def keys(self, keys: Sequence[Key], place: Place, most: int = 40) -> str:
        """Return a list of names, the steps of the page apart; at most `most` names."""
        groups: dict[int, list[str]] = {}
        for key in keys[:most]:
            verdict = self._by_key.get(key)
            step = verdict.claim.step if verdict is not None else place.step
            groups.setdefault(step, []).append(self.key(key, Place(step, place.sample)))
        texts = []
        for step, names in groups.items():
            text = self.words.list(dict.fromkeys(names))
            here = step == place.step and len(groups) == 1
            texts.append(text if here else self.words("step list", step=step, names=text))
        text = self.words("semicolon").join(texts)
        if len(keys) > most:
            text += self.words("and more", n=len(keys) - most)
        return text

    def roots(self, verdict: Verdict) -> str:
        """Return the names of the wrong numbers that a line carries on, the earliest first."""
        lines = [(self._by_key[key].claim.line, key) for key in verdict.carried_from]
        place = self.place(verdict)
        return self.words.list(self.key(key, place) for _, key in sorted(lines, key=lambda e: e[0]))

    def name(self, key: Hashable, place: Place) -> str:
        """Return the name of a quantity as seen from a place: w of a step is w⁺ of the one before.

        What belongs to another sample, or to another step, is marked.
        """
        if isinstance(key, Op | Ref | Num):
            text = self.formula(key, place)
            return f"({text})" if isinstance(key, Op) else text
        if not isinstance(key, Address):
            return self.notation.name(key)
        if key.quantity in _OLD and key.step == place.step - 1:
            key = key._replace(quantity=_OLD[key.quantity], step=place.step)
        name = self.notation.name(key, mark=key.sample not in (0, place.sample))
        if key.step in (0, place.step) or not self.several_steps:
            return name
        return self.words("of step", name=name, step=key.step)

    def formula(self, expr: Expr, place: Place) -> str:
        """Return a formula with names."""
        return self.notation.plain(write(expr, lambda key: self.name(key, place)))

    def number(self, value: float) -> str:
        """Return a number as a hand calculation prints it."""
        return self.notation.number(value, self.digits)

    # Causes

    def cause(self, candidate: Candidate, place: Place) -> str:
        """Return what was done wrong, in words."""
        wordings = MISTAKES.get(candidate.mistake).wordings
        pair = wordings[candidate.wording]
        fields = {name: self._field(value, place) for name, value in candidate.fields.items()}
        return self.notation.plain(self.words.of(pair).format(**fields))

    def _field(self, value: object, place: Place) -> str:
        if isinstance(value, Address):
            claimed = self._is_claimed(value, place)
            return self.key(value, place) if claimed else self.name(value, place)
        if isinstance(value, Op | Ref | Num):
            return self.formula(abbreviated(value, MOST_TERMS), place)
        if isinstance(value, float):
            return self.notation.number(value, 12)
        return str(value)

    def _is_claimed(self, key: Address, place: Place) -> bool:
        """Whether a quantity, and not its negative, has a line of its own in this step."""
        verdict = self._by_key.get(key)
        return verdict is not None and verdict.claim.step == place.step and verdict.sign > 0

    def why(self, verdict: Verdict, candidate: Candidate | None = None) -> str:
        """Return the cause of a wrong line, and the unprinted step in which it lies."""
        best = candidate or (verdict.finding.best if verdict.finding is not None else None)
        if best is None or (candidate is None and verdict.certainty == "unexplained"):
            return self.words("no explanation")
        place = self.place(verdict)
        text = self.cause(best, place)
        if best.place != verdict.key:
            text = self.words("in the unprinted", cause=text, name=self._step_name(best, place))
        if best.instead:
            names = self.keys([key for key in best.instead if key in self._by_key], place)
            text = self.words("with the right value", cause=text, names=names)
        return text

    def _step_name(self, best: Candidate, place: Place) -> str:
        name = self.name(best.place, place)
        return name[1:-1] if isinstance(best.place, Op) else name

    def sentence(self, verdict: Verdict) -> str | None:
        """Return one sentence on a line that is not right: for JSON, CSV and `bptrace run`."""
        if verdict.verdict == "wrong":
            text = self.why(verdict)
            return self.words("possibly", cause=text) if verdict.certainty == "possible" else text
        if verdict.verdict == "carried":
            return self.words("carries", names=self.roots(verdict))
        if verdict.verdict == "rounding":
            return self.words("rounding only")
        return None

    def title(self, mistaken: Mistaken) -> str:
        """Return the general name of a mistake."""
        first = mistaken.first
        if first.finding is None or first.certainty == "unexplained":
            return self.words("no explanation")
        title = self.words.of(MISTAKES.get(first.finding.best.mistake).title)
        return self.words("possibly", cause=title) if first.certainty == "possible" else title

    def hint(self, mistaken: Mistaken) -> str:
        """Return what to tell the student; "" if the cause is not known."""
        first = mistaken.first
        if first.finding is None or first.mistake is None:
            return ""
        return self.notation.plain(self.words.of(MISTAKES.get(first.mistake).hint))

    def paper(self) -> Paper:
        """Return what the page comes to in a class."""
        from bptrace.checks.paper import Missing, Paper

        missing = [Missing(c.line, self.whole_name(c)) for c in self.report.missing]
        mistakes = tuple(self._mistake(m) for m in self.report.mistakes)
        file, numbers = self.report.problem.file, len(self.report.verdicts)
        return Paper(file, numbers, mistakes, tuple(missing))

    def _mistake(self, mistaken: Mistaken) -> Mistake:
        from bptrace.checks.paper import Mistake

        first = mistaken.first
        assert first.claim.printed is not None
        return Mistake(
            kind=first.mistake or "",
            title=self.title(mistaken) if first.mistake else self.words("no certain cause"),
            misprint=mistaken.is_misprint,
            line=first.claim.line,
            quantity=self.whole_name(first.claim),
            printed=first.claim.printed.text,
            expected=format_number(first.expected, self.digits, unicode=False),
            verdict=first.verdict,
            explanation=self.sentence(first) or "",
        )

    # Certainty

    def certainty(self, verdict: Verdict) -> str:
        """Return how sure an explanation is, with the odds of a match by accident."""
        sure = self.words(verdict.certainty)
        if verdict.finding is None or verdict.certainty == "unexplained":
            return sure
        chance = verdict.finding.chance
        if chance > 0.3 and verdict.certainty == "certain":
            return sure  # because the same mistake was made elsewhere; digits alone would not do
        if chance > 0.3:
            odds = self.words("few digits")
        else:
            odds = self.words("by accident", odds=self._odds(chance))
        return self.words("sure and odds", sure=sure, odds=self.notation.plain(odds))

    def _odds(self, chance: float) -> str:
        """A number one in which is a chance: 10⁷ for 2e-8, 25 for 0.04."""
        if chance <= 1e-15:
            return "10¹⁵" if not self.notation.ascii else "10^15"
        ratio = 1.0 / chance
        if ratio < 1000:
            return str(round(ratio))
        power = floor(log10(ratio))
        return f"10^{power}" if self.notation.ascii else f"10{str(power).translate(_RAISED)}"

    def equals(self, verdict: Verdict) -> list[str]:
        """Return other causes that give the same number."""
        assert verdict.finding is not None
        place, best = self.place(verdict), verdict.finding.best
        texts = dict.fromkeys(self.cause(c, place) for c in verdict.finding.equal)
        texts.pop(self.cause(best, place), None)
        return list(texts)

    def rivals(self, verdict: Verdict) -> list[str]:
        """Return other causes that are not much less likely."""
        finding = verdict.finding
        assert finding is not None
        least = max(finding.bits - CLOSE, 0.0)
        said = {self.why(verdict, c) for c in (finding.best, *finding.equal)}
        others = [self.why(verdict, c) for c in finding.rivals if c.score > least]
        return [text for text in dict.fromkeys(others) if text not in said]

    def told_apart(self, verdict: Verdict) -> str:
        """Return a given quantity with another value of which equal causes would differ; or ""."""
        finding = verdict.finding
        if finding is None:
            return ""
        exprs = [c.expr for c in (finding.best, *finding.equal) if c.expr is not None]
        place = self.place(verdict)
        if len(exprs) < 2:
            return ""
        used = [key for expr in exprs for key in refs(expr) if key in self.author.given]
        for key in sorted(dict.fromkeys(used), key=_telling):
            values = [self._moved(expr, key) for expr in exprs]
            if all(abs(value - values[0]) > 1e-9 * abs(values[0]) for value in values[1:]):
                return self.name(key, place)
        return ""

    def _moved(self, expr: Expr, key: Key) -> float:
        def value(k: Key) -> float:
            return 1.37 * self.author(k) + 0.11 if k == key else self.author(k)

        return FLOATS.read(expr, value)

    # Formulas

    def comparison(self, verdict: Verdict) -> tuple[Worked, Worked] | None:
        """Return the formula as it was evidently computed, and the right one; None for slips."""
        finding = verdict.finding
        if finding is None or verdict.certainty == "unexplained":
            return None
        best = finding.best
        right = self.author.formula(best.place)
        if right is None:
            return None
        if best.expr is not None:
            right = inline(right, lambda key: self._written_out(key, best))
            used: dict[Any, Any] = {**best.instead}
            return self._worked(verdict, best.expr, used), self._worked(verdict, right, used)
        if isinstance(best.fields.get("x"), float) and "y" in best.fields:
            y = best.fields["y"]
            true: dict[Any, Any] = {y: self.author(y), **best.instead}  # type: ignore[arg-type]
            misread = {**true, y: best.fields["x"]}
            return self._worked(verdict, right, misread), self._worked(verdict, right, true)
        return None

    def _written_out(self, key: Hashable, best: Candidate) -> Expr | None:
        """Paths that the explanation writes out stand so in the right formula, too."""
        if best.expr is None or not isinstance(key, Address) or key in set(refs(best.expr)):
            return None
        path = key.quantity is Q.D_OUT and key.of is not None and key.of.quantity is Q.E_K
        return self.author.formula(key) if path and key not in self.author.lines else None

    def _worked(self, verdict: Verdict, expr: Expr, misread: Mapping[object, object]) -> Worked:
        """Work a formula out with the author's numbers, `misread` in the place of some of them."""
        assert verdict.finding is not None
        key, here = verdict.finding.best.place, self.place(verdict)
        left: Hashable = key
        if isinstance(key, Address):
            shown = self.notation.shown(Equation(key, expr, ""), self.trace.chapter)
            if set(misread) <= set(refs(shown.expr)):  # else what was misread is written out
                left, expr = shown.left, shown.expr
        name = self.name(left, here)
        if isinstance(left, Address) and verdict.key == key and verdict.sign > 0:
            name = self.claim(verdict.claim)
        if isinstance(left, Op):
            name = name[1:-1]

        def value(k: Key | Delta) -> float:
            if isinstance(k, Delta):
                return -value(k.gradient)
            return float(misread[k]) if k in misread else self.author(k)  # type: ignore[arg-type]

        def digits(k: Hashable) -> str:
            known = isinstance(k, Address | Delta | Op | Ref | Num)
            return self.number(value(k)) if known else str(k)  # type: ignore[arg-type]

        short = abbreviated(expr, MOST_TERMS)
        numbers = self.notation.plain(write(short, digits))
        return Worked(
            name, self.formula(short, here), numbers, self.number(FLOATS.read(expr, value))
        )

    def outcome(self, verdict: Verdict) -> str:
        """Return what a mistake in an unprinted step makes of the line; "" if it is the line's own.

        Two digits more than were printed show how the printed ones come about.
        """
        best = verdict.finding.best if verdict.finding is not None else None
        if best is None or best.place == verdict.key or verdict.certainty == "unexplained":
            return ""
        printed = verdict.claim.printed
        assert printed is not None
        value = verdict.sign * best.value.middle
        more = self.notation.number(value, min(printed.decimals + 2, 17))
        return f"{self.claim(verdict.claim)} = {more}"

    def operand(self, verdict: Verdict, operand: Operand) -> str:
        """Return what is the matter with a substituted number."""
        place = self.place(verdict)
        number = self.notation.plain(operand.printed.text)
        text = self.words("strange operand", number=number)
        if operand.belongs is not None:
            name = self.name(operand.belongs, place)
            text = self.words("operand for", number=number, name=name)
        if operand.is_value_of is not None:
            owner = self.key(operand.is_value_of, place)
            text += self.words("value of", name=owner)
        return text


def _telling(key: Key) -> tuple[bool, bool]:
    """Inputs are changed most easily, then weights and biases."""
    is_input = isinstance(key, Address) and key.quantity is Q.OUT
    return not is_input, not isinstance(key, Address)


def _with_deltas(expr: Expr) -> Expr:
    """Write δ for every −∂E/∂in."""
    if not isinstance(expr, Op):
        return expr
    inner = expr.args[0]
    if expr.name == "neg" and isinstance(inner, Ref):
        key = inner.key
        if isinstance(key, Address) and key.quantity is Q.D_IN and key.of is None:
            return Ref(Delta(key))
    return Op(expr.name, tuple(map(_with_deltas, expr.args)), expr.role)
