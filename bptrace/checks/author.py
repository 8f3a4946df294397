"""The page as its author evidently calculated it: his numbers, his formulas, one mistake mended.

Not responsible for verdicts: it takes them from a `Report` and calculates with them.
"""

from __future__ import annotations

from collections.abc import Mapping

from bptrace.address import Address
from bptrace.checks.findings import Candidate
from bptrace.checks.fit import fit
from bptrace.checks.graph import Canon, Graph, Key
from bptrace.checks.interval import point
from bptrace.checks.lines import RIGHT, WRONG
from bptrace.checks.report import Mistaken, Report, Verdict
from bptrace.maths.expr import FLOATS, Expr, Op, Ref
from bptrace.printed import Printed
from bptrace.trace import Trace
from bptrace.tuples import NamedTuple


class Mended(NamedTuple):
    """A line as it would be without a mistake: its number, as text in the style of the page.

    `right` says whether that is the true value, to its digits.
    """

    verdict: Verdict
    value: float
    text: str
    right: bool


class Author:
    """What the author of a page had at every step.

    Parameters
    ----------
    trace : Trace
        The right calculation.
    report : Report
        The verdicts on the claims of its problem.

    Attributes
    ----------
    lines : mapping from Key to Verdict
        The first line about each quantity: what is carried on.
    """

    def __init__(self, trace: Trace, report: Report) -> None:
        self.report = report
        self.lines: dict[Key, Verdict] = {}
        for verdict in report.verdicts:
            self.lines.setdefault(verdict.key, verdict)
        rates = {
            v.key: v.claim.learning_rate
            for v in report.verdicts
            if v.claim.learning_rate is not None
        }
        self._graph = Graph(trace, list(self.lines), rates, _stated(trace))
        self._true = trace.values()
        self._hidden = self._unprinted(report.mistakes)
        self._values: dict[Key, float] = {
            key: _printed(self.lines[key]) if key in self.lines else value
            for key, value in self._graph.given.items()
        }
        for key in self._graph.order:
            self._values[key] = self._had(key)

    def __call__(self, key: Key) -> float:
        """Return the number that the author had: printed, made in a hidden step, or true."""
        if key in self._values:
            return self._values[key]
        if isinstance(key, Address):
            return self._true(key._replace(step=key.step or 1))
        return FLOATS.read(key, self)

    @property
    def given(self) -> Mapping[Key, float]:
        """The given numbers on which the page rests, in the order in which it needs them."""
        return self._graph.given

    def formula(self, key: Key) -> Expr | None:
        """Return the right formula of a step over the steps before it; None if it is given."""
        return self._graph.formulas.get(key)

    # What the author had

    def _had(self, key: Key) -> float:
        if key in self.lines:
            return _printed(self.lines[key])
        if key in self._hidden:
            at_place = self._hidden[key].at_place
            assert at_place is not None
            return at_place.middle
        return FLOATS.read(self._graph.formulas[key], self._values.__getitem__)

    def _unprinted(self, mistakes: tuple[Mistaken, ...]) -> dict[Key, Candidate]:
        """The unprinted steps in which mistakes were made."""
        found: dict[Key, Candidate] = {}
        for mistaken in mistakes:
            for verdict in mistaken.verdicts:
                best = verdict.finding.best if verdict.finding and verdict.mistake else None
                if best and best.place != verdict.key and best.at_place is not None:
                    found.setdefault(best.place, best)
        return found

    # One mistake mended

    def mended(self, mistaken: Mistaken) -> tuple[Mended, ...]:
        """Return the lines that change when one mistake had not been made, in order of the file.

        The lines of the mistake take the value that follows from the author's numbers. What
        carries it on is calculated anew: lines that carry other mistakes as well with those still
        in, wrong lines with their own wrong formula. Everything else stands as printed.
        """
        mending = _Mending(self, mistaken, self._graph, self._hidden)
        changed = mending.run()
        found = []
        for verdict in self.report.verdicts:
            value = changed.get(verdict.key)
            if verdict is not self.lines[verdict.key]:
                value = self._again(verdict, mistaken, mending)
            if value is not None:
                found.append(_mended(verdict, value))
        return tuple(found)

    def _again(self, verdict: Verdict, mistaken: Mistaken, mending: _Mending) -> float | None:
        """The new value of a number that is given once more; nothing carries that one on."""
        if any(verdict is v for v in mistaken.verdicts):
            return verdict.sign * verdict.expected
        touched = not mending.mended.isdisjoint(verdict.carried_from)
        return mending.anew.get(verdict.key) if touched else None


class _Mending:
    """One pass through a page, in order of calculation, without one of its mistakes."""

    def __init__(
        self,
        author: Author,
        mistaken: Mistaken,
        graph: Graph,
        hidden: Mapping[Key, Candidate],
    ) -> None:
        self.author = author
        self.graph = graph
        self.mended = frozenset(v.key for v in mistaken.verdicts if author.lines[v.key] is v)
        ours = {v.finding.best.place for v in mistaken.verdicts if v.finding is not None}
        self.hidden = {key: best for key, best in hidden.items() if key not in ours}
        self.values: dict[Key, float] = {
            key: value if key in self.mended else author(key) for key, value in graph.given.items()
        }
        self.anew: dict[Key, float] = {}
        self.moved: set[Key] = {*ours, *(key for key in self.mended if key in graph.given)}

    def run(self) -> dict[Key, float]:
        """Return the printed steps that change, with their new values."""
        changed = {key: self.values[key] for key in self.mended if key in self.graph.given}
        for key in self.graph.order:
            parents = self.graph.parents[key]
            moved = key in self.mended or not self.moved.isdisjoint((key, *parents))
            value = self._new(key) if moved else None
            if moved and key in self.author.lines:
                self.anew[key] = self._read(key, key)
            if value is None:
                self.values[key] = self.author(key)
                self.moved.discard(key)
                continue
            self.values[key] = value
            self.moved.add(key)
            if key in self.author.lines:
                changed[key] = value
        return changed

    def _new(self, key: Key) -> float | None:
        """The value of a step whose operands have changed; None: it stays as it was."""
        line = self.author.lines.get(key)
        if key in self.mended or line is None:
            best = self.hidden.get(key)
            return self._read(key if best is None or best.expr is None else best.expr, key)
        if line.verdict == RIGHT:
            return None  # the author did not take it from what was wrong
        if line.verdict == WRONG:
            return self._wrong_still(line)
        if line.note == "right value used":
            return FLOATS.read(self.graph.formulas[key], self._should)
        return self._read(key, key)

    def _wrong_still(self, line: Verdict) -> float | None:
        """A line of another mistake, as the author would have made it with the new numbers."""
        best = line.finding.best if line.finding is not None and line.mistake else None
        if best is None:
            return None
        if best.mistake == "swapped":
            other = next((k for k in best.fields.values() if k != line.key), None)
            known = isinstance(other, Address | Op) and other in self.graph.formulas
            return self._should(other) if known else None  # type: ignore[arg-type]
        if best.mistake == "copied":
            copied = best.fields["x"]
            return self.values.get(copied) if isinstance(copied, Address | Op) else None
        if best.place == line.key and best.expr is not None:
            return self._read(best.expr, line.key)
        return self._read(line.key, line.key) if best.place != line.key else None

    def _should(self, key: Key) -> float:
        """What a wrong line should be; of any other step what it is."""
        line = self.author.lines.get(key)
        if line is not None and line.verdict == WRONG:
            return self._read(key, key)
        return self._value(key)

    def _read(self, what: Key | Expr, key: Key) -> float:
        expr = self.graph.formulas[key] if what == key else what
        assert not isinstance(expr, Address)
        return FLOATS.read(expr, self._value)

    def _value(self, key: Key) -> float:
        return self.values[key] if key in self.values else self.author(key)


def _stated(trace: Trace) -> dict[Key, float]:
    """The values that the author takes as given."""
    canon = Canon(trace.problem)
    stated: dict[Key, float] = {}
    for claim, expr in trace.claims():
        if not claim.given or claim.printed is None:
            continue
        sign = 1
        while isinstance(expr, Op) and expr.name == "neg":
            expr, sign = expr.args[0], -sign
        if isinstance(expr, Ref) and isinstance(expr.key, Address):
            stated[canon(expr.key)] = sign * claim.printed.value
    return stated


def _printed(verdict: Verdict) -> float:
    assert verdict.claim.printed is not None
    return verdict.sign * verdict.claim.printed.value


def _mended(verdict: Verdict, value: float) -> Mended:
    """Write a new value with as many digits as the old one has."""
    printed, value = verdict.claim.printed, verdict.sign * value
    assert printed is not None
    scientific = printed.exponent != 0 or abs(value) >= 1e15
    digits = min(printed.significant, 17) - 1 if scientific else min(printed.decimals, 17)
    style = f".{digits}{'e' if scientific else 'f'}"
    text = format(value, style)
    try:
        right = fit(point(verdict.exact), Printed.parse(text)) is not None
    except ValueError:  # nan or infinite
        right = False
    return Mended(verdict, value, text, right)
