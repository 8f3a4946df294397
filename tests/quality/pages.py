"""Random hand calculations: problems, ways of printing them, and an author who writes them down.

The author reads the equations of the chapter one by one and carries on with what he printed, with
what he had before rounding, or now with this and now with that. He knows nothing of `checks` but
the names of quantities (`Canon`) and, where he is told to make one, a wrong formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from functools import cache, cached_property
from random import Random

from bptrace import engine
from bptrace.address import Address, Quantity
from bptrace.checks.graph import Canon, Key
from bptrace.maths.activations import ACTIVATIONS as ALL_ACTIVATIONS
from bptrace.maths.equations import Chapter
from bptrace.maths.expr import FLOATS, Expr, Ref, add
from bptrace.maths.losses import LOSSES, suits
from bptrace.maths.rules import RULES, Rule
from bptrace.maths.schedules import SCHEDULES
from bptrace.maths.updates import step_of
from bptrace.model import (
    Claim,
    Layer,
    Network,
    Parameters,
    Problem,
    Sample,
    Schedule,
    Training,
)
from bptrace.printed import Printed
from bptrace.trace import Trace

Q = Quantity
WIDTHS = ((2, 2, 2), (2, 3, 1), (3, 4, 4, 2))
ACTIVATIONS = ("sigmoid", "tanh", "relu")
PRINTED: Mapping[str, frozenset[Quantity] | None] = {
    "all steps": None,
    "textbook": frozenset(
        {Q.IN, Q.OUT, Q.E_K, Q.E, Q.D_IN, Q.D_W, Q.STEP_W, Q.V_NEW, Q.M_NEW, Q.S_NEW, Q.W_NEW}
    ),
    "sparse": frozenset({Q.OUT, Q.E, Q.D_W, Q.W_NEW}),
    "final": frozenset({Q.OUT, Q.E, Q.W_NEW}),
}
"""Which quantities a page prints."""

CARRIED = ("printed", "unrounded", "mixed", "rounded")
"""With what an author goes on: his digits, the number behind them, either; or he rounds even the
steps that he does not print."""

# ------------------------------------------------------------------------------------- problems


def problem(rng: Random, widths: tuple[int, ...] | None = None, several: bool = False) -> Problem:
    """Draw a problem whose numbers have two digits; `several`: samples, batches and steps too."""
    widths = rng.choice(WIDTHS) if widths is None else widths
    layers = [Layer(widths[0])]
    for size in widths[1:]:
        biases = rng.choice((1, size)) if several else size
        layers.append(Layer(size, activation=rng.choice(ACTIVATIONS), biases=biases))
    n = rng.randint(1, 3) if several else 1
    training = Training(
        rule="gradient-descent",
        learning_rate=rng.choice((0.5, 0.1, 0.3, 0.25, 0.7, 0.15)),
        batch=rng.randint(1, n),
        reduction=rng.choice(("sum", "mean")),
        steps=rng.randint(1, 2) if several else 1,
    )
    return _filled(rng, Network(tuple(layers)), n, training)


def any_problem(rng: Random, rules: Sequence[Rule] = tuple(RULES)) -> Problem:
    """Draw a problem with whatever the tables have: activations, losses, rules and schedules."""
    rule = rng.choice(rules)
    loss = rng.choice([e for e in LOSSES if e.name != "none" or rule.local is not None])
    widths = rng.choice(WIDTHS)
    layers = [Layer(widths[0])]
    for size in widths[1:]:
        wanted = loss if size == widths[-1] else LOSSES.get("none")
        usual = [e for e in ALL_ACTIVATIONS if suits(wanted, e)]
        single = [e for e in usual if not e.is_of_layer]  # a softmax of one neuron is always 1
        hidden = size != widths[-1] and rng.random() < 0.8
        entry = rng.choice(single if hidden or size == 1 else usual)
        layers.append(Layer(size, activation=entry.name, biases=rng.choice((0, 1, size, size))))
    n = rng.randint(1, 4)
    training = Training(
        rule=rule.name,
        learning_rate=rng.choice((0.5, 0.1, 0.3, 0.05, 0.001, 1.0)),
        batch=rng.randint(1, n),
        reduction=rng.choice(("sum", "mean")),
        steps=rng.randint(1, 3),
        order=rng.choice(("file", "file", "shuffled")),
        options=tuple((o.name, rng.choice(_USUAL[o.name])) for o in rule.options),
        weight_decay=rng.choice((None, None, 0.1, 0.01)) if rule.local is None else None,
        schedule=rng.choice((None, None, None, *_schedules(rng))),
    )
    trains = rule.local is not None or rng.random() < 0.9
    network = Network(tuple(layers), loss.name, train_biases=trains)
    return _filled(rng, network, n, training)


_USUAL = {
    "momentum": (0.9, 0.5, 0.8),
    "decay": (0.9, 0.99),
    "beta1": (0.9, 0.5),
    "beta2": (0.999, 0.9),
    "epsilon": (1e-8, 1e-6, 1e-3),
}
"""What people take for the options of rules."""


def _schedules(rng: Random) -> Iterator[Schedule]:
    """Yield each schedule of the table, by its defaults, and a list of rates."""
    for entry in SCHEDULES:
        yield Schedule(entry.name, entry.options, per_epoch=rng.random() < 0.5)
    yield Schedule(rates=((1, 0.4), (2, 0.2), (3, 0.15)))


def twin(rng: Random, like: Problem) -> Problem:
    """Draw other numbers for the same network, number of samples and training."""
    return _filled(rng, like.network, len(like.samples), like.training)


def _filled(rng: Random, network: Network, samples: int, training: Training) -> Problem:
    def row(n: int) -> tuple[float, ...]:
        return tuple(rng.choice((-1, 1, 1)) * rng.randint(5, 99) / 100 for _ in range(n))

    def targets(n: int) -> tuple[float, ...]:
        """Draw such as the loss is meant for: classes, where it has a logarithm."""
        if LOSSES.get(network.loss).targets[0] == 0.0:
            return tuple(map(float, rng.sample([1] + [0] * (n - 1), n)))
        return row(n)

    layers = list(zip(network.layers, network.layers[1:], strict=False))
    parameters = Parameters(
        tuple(tuple(row(a.size) for _ in range(b.size)) for a, b in layers),
        tuple(row(b.biases) for _, b in layers),
    )
    given = tuple(
        Sample(row(network.widths[0]), targets(network.widths[-1])) for _ in range(samples)
    )
    return Problem(network, parameters, given, training)


# ------------------------------------------------------------------------------ ways of printing


@dataclass(frozen=True)
class Style:
    """How a page is printed: which quantities, how many digits, and what is carried on.

    `deltas`: each Δw has a line of its own, from which w⁺ is calculated.
    """

    printed: str = "all steps"
    digits: int = 4
    significant: bool = True
    cut: bool = False
    carried: str = "printed"
    struck: float = 0.0
    deltas: bool = False

    def write(self, value: float) -> str:
        """Write a number; one that is short stays short (0.6, not 0.6000)."""
        number = Decimal(f"{value:.14e}")
        if not number:
            return "0"
        way = ROUND_DOWN if self.cut else ROUND_HALF_UP
        if self.significant:
            rounded = Context(prec=self.digits, rounding=way).create_decimal(number)
        else:
            rounded = number.quantize(Decimal(1).scaleb(-self.digits), rounding=way)
        return format(rounded.normalize() if rounded == number else rounded, "f")

    def keeps(self, key: Address) -> bool:
        """Whether the page prints a quantity at all."""
        wanted = PRINTED[self.printed]
        if wanted is None:
            return True
        return key.quantity in wanted and key.of is None


def any_style(rng: Random) -> Style:
    """Draw any way of printing."""
    return Style(
        rng.choice(tuple(PRINTED)),
        rng.randint(2, 10),
        rng.random() < 0.6,
        rng.random() < 0.3,
        rng.choice(CARRIED),
        rng.choice((0.0, 0.0, 0.2, 0.5)),
    )


def steps(problem: Problem, deltas: bool = False) -> list[Address]:
    """Every quantity of a problem that a textbook would show, in order of calculation."""
    chapter, canon = Chapter(problem), Canon(problem)
    found: dict[Address, None] = {}
    for step in range(1, problem.training.steps + 1):
        for sample in problem.batch(step):
            for key in (*chapter.forward(sample, step), *chapter.backward(sample, step)):
                found[canon(key)] = None
        for key in chapter.update(step):
            if deltas and key.quantity in (Q.W_NEW, Q.B_NEW):
                found[canon(step_of(key.parameter))] = None
            found[canon(key)] = None
    return list(found)


# ------------------------------------------------------------------------------------- the author


@dataclass
class Author:
    """Calculates a page, step by step, with the numbers he wrote down.

    Attributes
    ----------
    style : Style or None
        None: nothing is ever rounded.
    shown : set of Address
        What he prints.
    wrong : mapping
        Formulas that he uses in the place of the right ones.
    slips : mapping
        Text that he writes in the place of the right one, and whether he goes on with it.
    is_circular : bool
        Whether he needed a number in its own calculation: nobody can write such a page.
    """

    problem: Problem
    style: Style | None
    rng: Random
    shown: frozenset[Address] = frozenset()
    wrong: Mapping[Key, Expr] = field(default_factory=dict)
    slips: Mapping[Key, tuple[str, bool]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chapter, self.canon = Chapter(self.problem), Canon(self.problem)
        self._known: dict[Key, float] = {}
        self._open: set[Key] = set()
        self.is_circular = False

    @cached_property
    def trace(self) -> Trace:
        """The right calculation: for what is given, and for what he cannot know yet."""
        return engine.run(self.problem, engine="python")

    def number(self, key: Key) -> float:
        """What he has for a quantity before he rounds it."""
        if key not in self._known:
            self._known[key] = self._calculated(key)
        return self._known[key]

    def _calculated(self, key: Key) -> float:
        formula = self.wrong.get(key) or self.formula(key)
        self.is_circular |= key in self._open
        if formula is None or key in self._open:
            assert isinstance(key, Address)
            return self.trace.value(key._replace(step=key.step or 1))
        self._open.add(key)
        value = FLOATS.read(formula, cache(self.carried))
        self._open.discard(key)
        return value

    def formula(self, key: Key) -> Expr | None:
        """The right formula of a quantity; None if it is given."""
        assert isinstance(key, Address)
        equation = self.chapter.equation(key)
        if equation is None:
            return None
        step = self.canon(step_of(key.parameter)) if key.quantity in (Q.W_NEW, Q.B_NEW) else None
        expr = add(Ref(key.parameter), Ref(step)) if step in self.shown else equation.expr
        expr = self.canon.expr(expr)
        return None if expr == Ref(key) else expr

    def is_sound(self, order: Iterable[Address]) -> bool:
        """Whether all numbers are such as people go on with, and print with all their digits.

        Nobody can tell how many digits of 1200 count.
        """
        assert self.style is not None
        most = 10.0 ** min(self.style.digits, 12) if self.style.significant else 1e12
        return all(abs(self.number(key)) < most for key in order)

    def text(self, key: Address) -> str:
        """What he prints."""
        assert self.style is not None
        right = self.style.write(self.number(key))
        return self.slips[key][0] if key in self.slips else right

    def carried(self, key: Address) -> float:
        """With what he goes on; asked anew in every formula, but once in each.

        A softmax of one number above the line and another below it is nobody's.
        """
        value = self.number(key)
        if self.style is None or self.formula(key) is None:
            return value
        how = self.style.carried
        if how == "mixed":
            how = self.rng.choice(("printed", "unrounded"))
        text, used = self.slips.get(key, ("", False))
        if used:
            return float(text)
        if how == "rounded" or (how == "printed" and key in self.shown):
            return float(self.style.write(value))
        return value

    def page(self, order: Iterable[Address]) -> Problem:
        """Return the problem with his numbers as claims."""
        claims = tuple(self._claim(k, key) for k, key in enumerate(order, 1) if key in self.shown)
        return replace(self.problem, claims=claims)

    def _claim(self, line: int, key: Address) -> Claim:
        text = self.text(key)
        return Claim(key.positional, Printed.parse(text), key.step, key.sample, line=line)


def shown(rng: Random, problem: Problem, style: Style) -> frozenset[Address]:
    """Draw what a page prints: what its style keeps, less the lines that are struck out."""
    kept = [k for k in steps(problem, style.deltas) if style.keeps(k)]
    return frozenset(k for k in kept if rng.random() >= style.struck)


def correct_pages(seed: int) -> Iterator[tuple[Style, Problem]]:
    """Yield correct hand calculations without end, in every way of printing."""
    rng = Random(seed)
    while True:
        usual = rng.random() < 0.5
        given = problem(rng, several=rng.random() < 0.4) if usual else any_problem(rng)
        style = any_style(rng)
        style = style if usual else replace(style, deltas=rng.random() < 0.4)
        author = Author(given, style, rng, shown(rng, given, style))
        order = steps(given, style.deltas)
        if usual or author.is_sound(order):
            yield style, author.page(order)
