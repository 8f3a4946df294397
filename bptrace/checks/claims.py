"""Verdicts on a hand calculation: right, rounding, carried or wrong, line by line.

The numbers with which the author may have carried on are followed through the page as intervals:
of every printed number its digits and its unrounded value, step by step; and, on a wider track, as
if steps that are not printed had been rounded too. What such a range cannot explain is a mistake
made in this line or in an unprinted step just before it.

Why a line is wrong is the business of `search`; a page as a whole that of `page`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from bptrace.checks.findings import Finding, Instead
from bptrace.checks.fit import LAST, ROUND, TRUNC, Fit, House, fit, house, window
from bptrace.checks.graph import Key
from bptrace.checks.interval import FLOAT32, FLOAT64, Interval, intervals, point
from bptrace.checks.lines import ACCEPTED, CARRIED, RIGHT, ROUNDING, WRONG, Line, Statement
from bptrace.checks.numbers import Had, Numbers
from bptrace.checks.pathway import Pathway
from bptrace.checks.prints import Prints
from bptrace.checks.sequence import Course
from bptrace.checks.worlds import Righted, Worlds
from bptrace.maths.expr import Expr, Reading, Ref

MOST_OTHERS = 8
"""So many numbers that are printed a second time, and wrongly, are tried for later lines."""


class Judge:
    """Goes through a page once, in order of calculation.

    Parameters
    ----------
    course : Course
        What follows from what, and in which order.
    statements : sequence of Statement
        In page order; the first of several about one node defines what is carried on.
    epsilon : float
        Relative rounding of the author's arithmetic.
    explain : function, optional
        ``explain(judge, statement)`` finds out why a line is wrong, before the page goes on.
    """

    def __init__(
        self,
        course: Course,
        statements: Sequence[Statement],
        epsilon: float = FLOAT64,
        explain: Callable[[Judge, Statement], Finding | None] | None = None,
    ) -> None:
        self.course = course
        self.graph = course.graph
        self.statements = statements
        self.reading: Reading[Interval] = intervals(epsilon)
        self.epsilon = epsilon
        self.explain = explain
        self.by_key: dict[Key, list[Statement]] = {}
        for statement in statements:
            self.by_key.setdefault(statement.key, []).append(statement)
        self.house: House = house([s.printed for s in statements if self._is_long(s)])
        self.had = Had(self.graph, self.reading, self._beyond, self.around)
        self.numbers: Numbers = self.had
        self.worlds = Worlds(course, self.had)
        self.carried: list[tuple[Key, Interval]] = []
        self.taint: dict[Key, int] = {}
        self.should: dict[Key, Interval] = {}
        self.lines: dict[Key, list[Line]] = {}
        self._wide: dict[Key, Interval] = {}
        self._wide_until = 0
        self.others: dict[Key, list[Line]] = {}
        self._followers: list[tuple[Iterable[Line], Key]] = []

    def run(self) -> list[Line]:
        """Judge every statement; return the lines in page order."""
        for key in self.by_key:
            if key in self.graph.given:
                self._restated(key)
        for key in self.course.order:
            if key in self.by_key:
                self._printed(key)
            else:
                self._goes_on_with(key, self.value(self.graph.fast[key]))
                self.taint[key] = self.tainted_by(key)
        order = {id(s): k for k, s in enumerate(self.statements)}
        lines = (line for lines in self.lines.values() for line in lines)
        return sorted(lines, key=lambda line: order[id(line.statement)])

    @cached_property
    def prints(self) -> Prints:
        """The numbers of the page by their size."""
        return Prints(self.graph, self.statements)

    def say_who_follows(self) -> None:
        """Tell each line which wrong ones it carries on, and these which carry them on.

        When the page is gone through for the last time: where many mistakes are, a line carries on
        hundreds of them.
        """
        for lines in self.lines.values():
            for line in lines:
                line.roots = self.course.keys(line.carries)
        for lines_before, key in self._followers:
            for line in lines_before:
                line.used.append(key)
        self._followers.clear()

    # Values

    @property
    def box(self) -> dict[Key, Interval]:
        """What the author has; while numbers are put right, what he would have."""
        return self.numbers.box

    def value(self, fast: Expr) -> Interval:
        """Return the range of a formula, by what was carried on."""
        return self.reading.read(fast, self.box.__getitem__)

    def as_should_be(self, key: Key, roots: Collection[Key]) -> Interval:
        """Return the range of a line's formula if some wrong numbers had been what they should."""
        return self.worlds.value(key, self.should, roots, "should be")

    def fit(self, values: Interval, statement: Statement) -> Fit | None:
        """Return how the digits of a statement fit a range of its node's values."""
        turned = -values if statement.sign < 0 else values
        return fit(turned, statement.printed, statement.claim.exact)

    def window(self, statement: Statement) -> tuple[float, float]:
        """Return between which values of its node a statement's digits may come from one."""
        low, high = window(statement.printed, statement.claim.exact)
        return (-high, -low) if statement.sign < 0 else (low, high)

    def may_follow(self, statement: Statement) -> Callable[[Interval], bool]:
        """Return the question whether a statement's digits may come from a range, for many."""
        low, high = self.window(statement)

        def question(values: Interval) -> bool:
            if values[0] > high or values[1] < low:  # nearly all
                return False
            return self.fit(values, statement) is not None

        return question

    def around(self, value: float) -> Interval:
        """The range of a true value as the author's arithmetic may have it."""
        slack = 4 * self.epsilon * abs(value)
        return Interval(value - slack, value + slack)

    def behind(self, statement: Statement) -> Interval:
        """The numbers that printed digits may have been before they were rounded.

        A short number has no more digits where the page prints more.
        """
        printed, unit = statement.sign * statement.printed.value, statement.printed.ulp
        if statement.claim.exact:
            return point(printed)
        half = min(unit, self.house.unit(printed) or unit) / 2
        return Interval(printed - half, printed + half)

    def _beyond(self, key: Key) -> Interval:
        """What a quantity is that the author does not have yet: printed further down, or true."""
        if key in self.by_key:
            return self.behind(self.by_key[key][0])
        return self.around(self.graph.truth[key])

    def tainted_by(self, key: Key) -> int:
        """Return the wrong values that reach a node, as bits."""
        found = 0
        for parent in self.graph.parents[key]:
            found |= self.taint.get(parent, 0)
        return found

    def wide(self, key: Key) -> Interval:
        """Return the range of a node's formula if unprinted steps before it were rounded too."""
        order = self.course.order
        while order[self._wide_until] != key:
            node = order[self._wide_until]
            self._wide_until += 1
            if node not in self.by_key:
                values = self._over_wide(node)
                is_copy = isinstance(self.graph.fast[node], Ref)
                self._wide[node] = values if is_copy else self.house.rounded(values)
        return self._over_wide(key)

    def _over_wide(self, key: Key) -> Interval:
        def look_up(k: Key) -> Interval:
            return self._wide.get(k) or self.box[k]

        return self.reading.read(self.graph.fast[key], look_up)

    def pathway(self, place: Key, target: Key) -> Callable[[Interval], Interval]:
        """Return the range of `target`'s formula as a function of the value at a step before it."""
        steps = self.course.between(place, target)
        formulas = [(key, self.graph.fast[key]) for key in steps]
        return Pathway(self.reading.read, self.box, place, formulas)

    # One printed node

    def _printed(self, key: Key) -> None:
        local = self.value(self.graph.fast[key])
        first, *others = self.by_key[key]
        line = self._line(first, local)
        if line.fit is None:
            self._without_a_reason_yet(line, local)
        self.lines[key] = [line]
        self._carry_on(line, local)
        for statement in others:
            again = self._again(statement, line, local)
            self.lines[key].append(again)
            if again.verdict == WRONG:
                self.others.setdefault(key, []).append(again)

    def _line(self, statement: Statement, local: Interval) -> Line:
        """Judge one printed number against the truth, then against what precedes it."""
        key = statement.key
        line = Line(statement, RIGHT, self.graph.exact[key], local.middle)
        truth = self.fit(self.around(line.exact), statement)
        line.fit = self.fit(local, statement)
        if truth in (ROUND, TRUNC):
            if line.fit is None:
                line.note = "does not follow"
                self._used_as_should_be(statement, self._seen_by(statement))
            line.fit = truth
            return line
        taint = self.tainted_by(key)
        if truth is LAST and line.fit is not None and (not taint or self._within_a_unit(line)):
            return line
        if line.fit in (ROUND, TRUNC):
            return self._followed(line, self._telling(statement, taint))
        if (roots := self._with_other_values(statement, taint)) is not None:
            line.note, line.fit = "right value used", ROUND
            return self._followed(line, roots)
        if line.fit is LAST:
            return self._followed(line, taint)
        line.verdict = WRONG
        return line

    def _without_a_reason_yet(self, line: Line, local: Interval) -> None:
        """Try what else may be behind a line that does not follow from the lines before it."""
        statement = line.statement
        line.fit = self.fit(self.wide(statement.key), statement)
        if line.fit in (ROUND, TRUNC):
            line.note = "unprinted steps rounded"
            self._followed(line, self.tainted_by(statement.key))
            return
        line.fit = None
        self._from_another_print(line)

    def _from_another_print(self, line: Line) -> None:
        """Try numbers that the page prints a second time, and wrongly."""
        for root, other in self._printed_otherwise(line.statement):
            line.verdict, line.carries, line.fit = CARRIED, self.course.bits([root]), ROUND
            line.note = "another print used"
            self._followers.append(([other], line.statement.key))
            return

    def _within_a_unit(self, line: Line) -> bool:
        printed = line.statement.sign * line.statement.printed.value
        return abs(line.exact - printed) <= line.statement.printed.ulp

    def _printed_otherwise(self, statement: Statement) -> Iterator[tuple[Key, Line]]:
        """Yield the wrong second prints of other numbers from which a line follows.

        The rest is as it was carried on, or, because a second print may begin a second calculation
        ("let us verify this"), as it truly follows.
        """
        for key, lines in list(self.others.items())[:MOST_OTHERS]:
            for other in lines:
                number = other.statement.sign * other.statement.printed.value
                values = [self.worlds.anew(key, number)[statement.key]]
                if statement.key in self.course.shadow(key)[1]:
                    others = {key: point(number)}
                    values.append(self.worlds.value(statement.key, others, others, (key, number)))
                if key != statement.key and any(
                    self.fit(value, statement) in (ROUND, TRUNC) for value in values
                ):
                    yield key, other

    @cached_property
    def single(self) -> dict[Key, Interval]:
        """Every node as a program may have it that calculates in single precision.

        1 − out² of a saturated tanh loses most of its digits there.
        """
        reading = intervals(max(FLOAT32, self.epsilon))
        values = {key: point(value) for key, value in self.graph.given.items()}
        for key in self.course.order:
            values[key] = reading.read(self.graph.fast[key], values.__getitem__)
        return values

    def _followed(self, line: Line, roots: int) -> Line:
        """The line follows from what the author had: from right numbers, or from wrong ones."""
        line.verdict = CARRIED if roots else ROUNDING
        line.carries = roots
        self._followers.append((self._first_lines(roots), line.statement.key))
        return line

    def _first_lines(self, roots: int) -> Iterator[Line]:
        """Yield the lines of wrong values; nothing is looked up before somebody asks."""
        for root in self.course.keys(roots):
            yield self.lines[root][0]

    def _telling(self, statement: Statement, taint: int) -> int:
        """Leave out wrong values that this line would be the same without (two swapped addends)."""
        visible = self._seen_by(statement)
        if not visible:
            return taint
        values = self.as_should_be(statement.key, visible)
        same = self.fit(values, statement) in (ROUND, TRUNC)
        return self._without(taint, visible) if same else taint

    def _seen_by(self, statement: Statement) -> list[Key]:
        """The wrong values that a line sees at once or through unprinted steps, in their order."""
        course, key = self.course, statement.key
        visible = course.keys(self.tainted_by(key) & course.seen_bits(key))
        roots = (root for root in visible if root in self.should)
        return sorted(roots, key=course.place.__getitem__)

    def _used_as_should_be(self, statement: Statement, roots: Sequence[Key]) -> None:
        """A line uses the values that some wrong ones before it should have had."""
        for root in roots:
            self.lines[root][0].unused.append(statement.key)

    def _without(self, taint: int, roots: Sequence[Key]) -> int:
        """The wrong values that remain when some had been what they should be."""
        taint &= ~self.course.bits(roots)
        for root in roots:
            taint |= self.tainted_by(root)
        return taint

    def _with_other_values(self, statement: Statement, taint: int) -> int | None:
        """Try the values that wrong lines should have had; return the roots that remain.

        None if that explains nothing. One wrong value after the other, then all together.
        """
        for right in self._to_put_right(statement):
            if self.fit(self.as_should_be(statement.key, right), statement) in (ROUND, TRUNC):
                self._used_as_should_be(statement, right)
                return self._without(taint, right)
        return None

    def _to_put_right(self, statement: Statement) -> Iterator[list[Key]]:
        """Yield the wrong values, one by one and all together, that are worth trying.

        Where not even ranges that hold both the wrong values and the right ones lead to the line,
        none of them does, nor do all.
        """
        visible = self._seen_by(statement)
        either = {root: self.box[root].hull(self.should[root]) for root in visible}
        groups = [visible] if visible else []
        while groups:
            group = groups.pop()
            if len(group) == 1:
                yield group
                continue
            values = self.worlds.either(statement.key, either, group)
            if self.fit(values, statement) in (ROUND, TRUNC):
                middle = len(group) // 2
                groups += [group[middle:], group[:middle]]
            elif group is visible:
                return
        if len(visible) > 1:
            yield visible

    def should_be(self, statement: Statement) -> list[list[Key]]:
        """Return which wrong numbers that a line sees may have been right when it was made.

        For lines in which another mistake was made with the right number: the wrong one is a
        misprint, or was mended on the way.
        """
        return _one_or_all(self._seen_by(statement)[:MOST_OTHERS])

    @contextmanager
    def put_right(self, roots: Sequence[Key]) -> Iterator[Righted]:
        """Have right numbers in the place of wrong ones for a while."""
        self.numbers = righted = self.worlds.righted(self.should, roots)
        try:
            yield righted
        finally:
            self.numbers = self.had

    def _carry_on(self, line: Line, local: Interval) -> None:
        """Set with what the author went on: the digits, or the number before it was rounded."""
        statement, key = line.statement, line.statement.key
        if line.verdict == WRONG:
            self.should[key] = local
            self.taint[key] = self.course.bits([key])
            local = self._explained(line)
        else:
            self.taint[key] = self.tainted_by(key) if line.fit is LAST else line.carries
            if line.verdict == RIGHT and not self.fit(local, statement):
                local = self.around(line.exact)
        printed, unit = statement.sign * statement.printed.value, statement.printed.ulp
        if statement.claim.exact:
            self._goes_on_with(key, point(printed))
            return
        near = local.within(printed - unit, printed + unit)
        self._goes_on_with(key, near.hull(point(printed)))

    def _goes_on_with(self, key: Key, values: Interval) -> None:
        """The author has the value of a node; `carried` keeps the course of all of them."""
        self.had.set(key, values)
        self.carried.append((key, values))

    def _explained(self, line: Line) -> Interval:
        """Ask why the line is wrong; return what the author had before rounding it."""
        statement = line.statement
        if self.explain is not None:
            line.finding = self.explain(self, statement)
        if self.is_coarse(line.finding):
            line.note = "operand rounded"
            self.should.pop(statement.key)
            self.taint[statement.key] = self.tainted_by(statement.key)
            self._followed(line, self.taint[statement.key])
        if line.finding is not None and line.finding.value is not None:
            if line.finding.best.instead:
                self._expect_otherwise(line, line.finding.best.instead)
            self._reveal(line.finding, statement.key)
            return line.finding.value
        return self.behind(statement)

    def _expect_otherwise(self, line: Line, instead: Instead) -> None:
        """A wrong line was made with right values in the place of wrong ones before it."""
        roots = [root for root in instead.lines if root in self.should]
        self._used_as_should_be(line.statement, roots)
        line.expected = self.as_should_be(line.statement.key, roots).middle

    def is_coarse(self, finding: Finding | None) -> bool:
        """Whether a calculated operand was rounded more than it was printed: no mistake as such."""
        if finding is None or finding.bits <= ACCEPTED:
            return False
        is_given = finding.best.fields.get("y") in self.graph.given
        return finding.best.mistake == "coarse-rounding" and not is_given

    def _reveal(self, finding: Finding, root: Key) -> None:
        """Let the mistake in an unprinted step go on to everything else that sees the step."""
        best = finding.best
        if best.place == root or best.at_place is None:
            return
        self._goes_on_with(best.place, best.at_place)
        self.taint[best.place] = self.course.bits([root])
        hidden = self.course.shadow(best.place)[0]
        for key in sorted(hidden, key=self.course.place.__getitem__):
            if key in self.box:
                self._goes_on_with(key, self.value(self.graph.fast[key]))
                self.taint[key] = self.tainted_by(key)

    def _again(self, statement: Statement, first: Line, local: Interval) -> Line:
        """Judge a number that is printed once more: by hand, or by a program that checks it.

        The wide track is not for it: who copies a number needs no other steps.
        """
        line = self._line(statement, local)
        if line.verdict != WRONG:
            return line
        if self.fit(self.box[statement.key], statement) is not None:
            is_wrong = first.verdict == WRONG
            return self._followed(
                line, self.course.bits([statement.key]) if is_wrong else first.carries
            )
        self._from_another_print(line)
        if line.verdict == WRONG and self.fit(self.single[statement.key], statement) is ROUND:
            line.fit, line.note = ROUND, "single precision"
            self._followed(line, 0)
        if line.verdict == WRONG and self.explain is not None:
            line.note = "given twice"
            line.finding = self.explain(self, statement)
        return line

    def _restated(self, key: Key) -> None:
        """A given number that the page prints again: copied right or wrong."""
        self.lines[key] = []
        for statement in self.by_key[key]:
            exact = self.graph.given[key]
            found = self.fit(self.around(exact), statement)
            line = Line(statement, RIGHT if found else WRONG, exact, exact, found)
            self.lines[key].append(line)
            if line.verdict == WRONG:
                self.others.setdefault(key, []).append(line)

    def _is_long(self, statement: Statement) -> bool:
        """Whether a number was cut to the digits it has: its true value has more."""
        exact = self.graph.exact[statement.key] * statement.sign
        return abs(exact - statement.printed.value) > 1e-12 * abs(exact)


def _one_or_all(roots: list[Key]) -> list[list[Key]]:
    """Each wrong value by itself, then all together."""
    return [[root] for root in roots] + ([roots] if len(roots) > 1 else [])
