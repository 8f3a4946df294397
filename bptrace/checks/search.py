"""Why a line is wrong: every mistake of the table, at the line and at each hidden step before it.

Explanations are ranked by description length: the digits that one explains, less the price of the
mistake, in bits. Other lines that see the value of a hidden step are evidence for and against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from math import log, log2

from bptrace.address import Address, Quantity
from bptrace.checks.claims import Judge, Statement
from bptrace.checks.findings import Candidate, Finding, likeness
from bptrace.checks.graph import Key
from bptrace.checks.interval import Interval, point
from bptrace.checks.mistakes import MISTAKES, UNKNOWN, Step, Variant, formulas, share
from bptrace.checks.mistakes.slips import misreadings, slipped
from bptrace.maths.expr import Expr, inline
from bptrace.printed import Printed

UNKNOWN_BITS = -log2(UNKNOWN)
MOST_PLACES = 80
"""Unprinted steps before a line that are searched, the nearest first."""

_NEGLIGIBLE = 1e-3
_NEAR, _FAR = 1e-4, 3.0
"""Relative deviations of wrong numbers from the right ones, equally likely in logarithm."""


def information(printed: Printed, expected: float) -> float:
    """Return the bits that the digits of a wrong number carry.

    Half of all wrong numbers are taken as spread over four decades and both signs, half as near the
    expected value, with a relative deviation from 1e-4 to 3; the bits are −log2 of the probability
    of these digits.
    """
    p, u = printed.value, printed.ulp
    size = max(abs(p), u)
    anywhere = u / (2 * 4 * log(10) * size)
    off = max(abs(p - expected), u)
    near = 0.0
    if expected and _NEAR <= off / abs(expected) <= _FAR:
        near = u / (2 * off * log(_FAR / _NEAR))
    return -log2(min(1.0, 0.5 * anywhere + 0.5 * near))


@dataclass
class Prior:
    """What mistakes cost: by their share in general and by those already found on the page."""

    found: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    alike: defaultdict[Hashable, float] = field(default_factory=lambda: defaultdict(float))

    def bits(self, mistake: str, likeness: Hashable, ways: int) -> float:
        """Return the price of one of `ways` instances of a mistake."""
        general = share(MISTAKES.get(mistake)) / ways
        total = sum(self.found.values())
        if not total:
            return -log2(general)
        again = 0.5 * self.found[mistake] / ways + 0.5 * self.alike[likeness]
        return -log2((general + again) / (1 + total))

    def learn(self, finding: Finding | None) -> None:
        """Count the explanations of a line, each by its probability among them."""
        if finding is None or finding.bits <= 0:
            return
        weights = [2.0 ** (c.score - finding.bits) for c in finding.candidates]
        for candidate, weight in zip(finding.candidates, weights, strict=True):
            part = weight / sum(weights)
            if part > _NEGLIGIBLE:
                self.found[candidate.mistake] += part
                self.alike[candidate.likeness] += part


class Search:
    """Explains wrong lines of one page; pass `explain` to a `Judge`."""

    def __init__(self, prior: Prior | None = None, without: frozenset[str] = frozenset()) -> None:
        self.prior = Prior() if prior is None else prior
        self.without = without
        self.tried = 0

    def __call__(self, judge: Judge, statement: Statement) -> Finding | None:
        """Return the explanations of a wrong line, best first; None if there is none at all."""
        self.tried = 0
        expected = judge.value(judge.graph.fast[statement.key]).middle * statement.sign
        digits = information(statement.printed, expected)
        found = [*self._formulas(judge, statement, digits)]
        found += self._copies(judge, statement, digits, expected)
        found += self._operands(judge, statement, digits)
        if not found:
            return None
        return self._ranked(found, statement)

    # Wrong formulas

    def _formulas(self, judge: Judge, statement: Statement, digits: float) -> Iterator[Candidate]:
        places = hidden_places(judge, statement.key)
        values = Neighbourhood(judge)
        for place in places:
            seen = Views(judge, statement, place)
            for name, variants in self._variants(judge, place, statement.key).items():
                for variant in variants:
                    self.tried += 1
                    value = values.read(judge.graph.link(variant.expr))
                    result = seen.result(value)
                    fit = judge.fit(result, statement)
                    if fit is None:
                        continue
                    alike = likeness(name, variant.wording, place, variant.fields)
                    price = self.prior.bits(name, alike, len(variants)) + log2(len(places))
                    gain = digits - log2(max(1.0, result.width / statement.printed.ulp))
                    yield Candidate(
                        name, variant.wording, variant.fields, place, variant.expr, result,
                        gain + seen.evidence(value) + UNKNOWN_BITS, price + fit.cost, value,
                    )  # fmt: skip

    def _variants(self, judge: Judge, place: Key, line: Key) -> dict[str, list[Variant]]:
        graph = judge.graph
        expr = inline(graph.formulas[place], lambda key: _path_written_out(judge, place, key))
        step = Step(graph.problem, place, expr, graph.canon)
        table = {
            entry.name: list(entry.variants(step))
            for entry in MISTAKES
            if entry.variants is not None and entry.name not in self.without
        }
        if "foreign" not in self.without and place == line:
            others = [key for key in judge.by_key if isinstance(key, Address)]
            table["foreign"] = list(formulas.foreign(step, others[:200]))
        return table

    # Slips of copying

    def _copies(
        self, judge: Judge, statement: Statement, digits: float, expected: float
    ) -> Iterator[Candidate]:
        fields = {"x": statement.key}
        for name, ways in slipped(expected, statement.printed):
            yield self._slip(name, fields, statement, digits, ways)
        others = [s for s in judge.statements if s.key != statement.key]
        for other in others:
            same = other.printed.value * other.sign == statement.printed.value * statement.sign
            if same and other.printed.significant > 1:
                fields = {"x": other.key}
                yield self._slip("copied", fields, statement, digits, len(others))
                continue
            extra = self._interchanged(judge, statement, other)
            if extra is not None:
                fields = {"x": statement.key, "y": other.key}
                yield self._slip("swapped", fields, statement, digits + extra, len(others))

    def _interchanged(self, judge: Judge, one: Statement, two: Statement) -> float | None:
        """Bits of the other line's digits if two lines stand in each other's place."""
        if one.printed.value == two.printed.value:
            return None
        for first, second in ((one, two), (two, one)):
            if first.key in judge.shadow(second.key)[1]:
                return None
            value = self._now(judge, first.key)
            turned = Statement(second.claim, first.key, second.sign, second.printed)
            if judge.fit(value, turned) is None:
                return None
            if judge.fit(value, first) is not None:
                return None
        return information(two.printed, judge.graph.exact[two.key] * two.sign)

    def _now(self, judge: Judge, key: Key) -> Interval:
        """What a line should be by the numbers so far."""
        if key in judge.graph.given:
            return point(judge.graph.given[key])
        if _ready(judge, key):
            return judge.value(judge.graph.fast[key])
        return judge.around(judge.graph.exact[key])

    def _slip(
        self, name: str, fields: Mapping[str, object], statement: Statement, gain: float, ways: int
    ) -> Candidate:
        alike = likeness(name, "slip", statement.key, fields)
        cost = self.prior.bits(name, alike, max(ways, 1))
        value = point(statement.printed.value * statement.sign)
        return Candidate(
            name, "slip", fields, statement.key, None, value, gain + UNKNOWN_BITS, cost
        )

    # Operands put in wrongly

    def _operands(self, judge: Judge, statement: Statement, digits: float) -> Iterator[Candidate]:
        graph = judge.graph
        fast = graph.fast[statement.key]
        parents = graph.parents[statement.key]
        for parent in parents[:20]:
            printed = _as_printed(judge, parent)
            if printed is None:
                continue
            for kind, value, ways in misreadings(printed):
                self.tried += 1
                boxes = {**judge.box, parent: point(value)}
                result = judge.reading.read(fast, boxes.__getitem__)
                fit = judge.fit(result, statement)
                if fit is None:
                    continue
                name = kind if kind == "coarse-rounding" else "operand-slip"
                fields = {"y": parent, "x": value}
                width = log2(max(1.0, result.width / statement.printed.ulp))
                alike = likeness(name, "slip", statement.key, fields)
                cost = self.prior.bits(name, alike, ways * len(parents)) + fit.cost
                yield Candidate(
                    name, "slip", fields, statement.key, None, result,
                    digits - width + UNKNOWN_BITS, cost,
                )  # fmt: skip

    # Order

    def _ranked(self, found: list[Candidate], statement: Statement) -> Finding:
        found.sort(key=lambda candidate: -candidate.score)
        best = found[0]
        alike = [2.0 ** (c.score - best.score) for c in found if c.equals(best)]
        all_ = sum(2.0 ** (c.score - best.score) for c in found)
        posterior = sum(alike) / (all_ + 2.0 ** min(-best.score, 60.0))
        digits = max(statement.printed.significant, 1)
        chance = self.tried * 2.5 * 10.0**-digits
        return Finding(tuple(found), best.score, posterior, chance)


class Views:
    """What a value at one place does to the wrong line, and to other lines that see the place."""

    def __init__(self, judge: Judge, statement: Statement, place: Key) -> None:
        self.judge = judge
        self.at_line = place == statement.key
        self._line = None if self.at_line else judge.pathway(place, statement.key)
        self._others: list[tuple[Statement, Callable[[Interval], Interval], bool]] | None = None
        self._statement = statement
        self._place = place

    def result(self, value: Interval) -> Interval:
        """Return the wrong line's range for a value at the place."""
        return value if self._line is None else self._line(value)

    def evidence(self, value: Interval) -> float:
        """Return the bits that other lines speak for or against a value of a hidden step."""
        if self.at_line:
            return 0.0
        if self._others is None:
            self._others = list(self._seers())
        bits = 0.0
        for other, view, before in self._others:
            after = self.judge.fit(view(value), other) is not None
            if after != before:
                exact = self.judge.graph.exact[other.key] * other.sign
                weight = information(other.printed, exact)
                bits += weight if after else -weight
        return bits

    def _seers(self) -> Iterator[tuple[Statement, Callable[[Interval], Interval], bool]]:
        judge = self.judge
        for key in judge.shadow(self._place)[1]:
            if key == self._statement.key or not _ready(judge, key):
                continue
            other = judge.by_key[key][0]
            fits = judge.fit(judge.value(judge.graph.fast[key]), other) is not None
            yield other, judge.pathway(self._place, key), fits


def _path_written_out(judge: Judge, place: Key, key: Hashable) -> Expr | None:
    """Write the unprinted paths of a hidden error sum out, so that one mistake can be in all."""
    if key == place or not isinstance(key, Address) or key in judge.by_key:
        return None
    is_path = key.quantity is Quantity.D_OUT and key.of is not None
    is_path = is_path and key.of.quantity is Quantity.E_K  # type: ignore[union-attr]
    return judge.graph.formulas.get(key) if is_path else None


class Neighbourhood:
    """Values of any quantity near a page: carried on, printed further down, or true."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._values = judge.graph.trace.values()

    def read(self, expr: Expr) -> Interval:
        """Return the range of a formula."""
        return self.judge.reading.read(expr, self)

    def __call__(self, key: Key) -> Interval:
        """Return the range of a quantity."""
        judge = self.judge
        if key in judge.box:
            return judge.box[key]
        if key in judge.by_key:
            statement = judge.by_key[key][0]
            return point(statement.sign * statement.printed.value)
        if key in judge.graph.exact:
            return judge.around(judge.graph.exact[key])
        if isinstance(key, Address):
            return judge.around(self._values(key._replace(step=key.step or 1)))
        return self.read(key)


def hidden_places(judge: Judge, key: Key) -> list[Key]:
    """Return a line and the unprinted steps behind it, the nearest first."""
    graph = judge.graph
    places, k = [key], 0
    while k < len(places) and len(places) < MOST_PLACES:
        for parent in graph.parents.get(places[k], ()):
            hidden = parent in graph.formulas and parent not in judge.by_key
            if hidden and parent not in places:
                places.append(parent)
        k += 1
    return places


def _ready(judge: Judge, key: Key) -> bool:
    """Whether everything before a node has been gone through."""
    return key in judge.graph.fast and all(p in judge.box for p in judge.graph.parents[key])


def _as_printed(judge: Judge, key: Key) -> Printed | None:
    """The digits of an operand: as printed on the page, else of the given number."""
    if key in judge.by_key:
        return judge.by_key[key][0].printed
    if key in judge.graph.given:
        try:
            return Printed.of(judge.graph.given[key])
        except ValueError:
            return None
    return None
