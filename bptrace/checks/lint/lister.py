"""Every mistake of the table at every step of an example, as far as it can matter at all."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import numpy as np

from bptrace.address import Address
from bptrace.checks.columns import Array, Pages
from bptrace.checks.graph import Key
from bptrace.checks.lint.example import Example, Q, Slip
from bptrace.checks.mistakes import MISTAKES, Step
from bptrace.errors import BptraceError
from bptrace.maths.expr import Expr, Num, Ref, bind, refs
from bptrace.tuples import NamedTuple

RANDOM_EXAMPLES = 16
"""Examples that decide what is the same mistake; so many that a relu is on in one, off in one."""

MOST_NUMBERS = 40_000
"""Numbers of all wrong pages; a 2-2-2 network has 13,000. Of larger ones every n-th step is taken,
so that the answer comes within two or three seconds."""

PER_STEP = 27
"""Mistakes of the table at one step, on average."""


class Found(NamedTuple):
    """The different mistakes, how many there were before, and at how many steps."""

    slips: list[Slip]
    instances: int
    unprinted: int
    places: int


class Lister:
    """Lists the different mistakes of an example.

    Two rewritings are the same mistake if they give the same page in all random examples; the
    first of the table stands for both. Those that give the right page are none, or not printed.
    """

    _DIGITS = 9
    """Digits by which formulas are compared: far above rounding, far below accident."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.stated = example.columns([{}])
        self.random = example.columns([*_random_examples(example)])

    def run(self) -> Found:
        """Return the mistakes, in order of calculation and of the table."""
        places = self._places()
        slips = [slip for place in places for slip in self._at(place)]
        pages = Pages(self.random, self.example.shown, self._DIGITS)
        numbers = pages.of(map(self._changed, slips), len(slips))
        different: dict[bytes, Slip] = {}
        unprinted = 0
        for slip, number in zip(slips, numbers, strict=True):
            if not number.any():
                unprinted += self._matters(slip)
            else:
                different.setdefault(number.tobytes(), slip)
        return Found(list(different.values()), len(slips), unprinted, len(places))

    def _places(self) -> list[Address]:
        places = [key for key in self.example.graph.order if isinstance(key, Address)]
        numbers = PER_STEP * sum(1 + len(self.example.later(place)) for place in places)
        return places[:: -(-numbers // MOST_NUMBERS)]

    def _at(self, place: Address) -> Iterator[Slip]:
        problem, canon = self.example.problem, self.example.graph.canon
        step = Step(problem, place, self.example.formula(place), canon)
        rate = Num(problem.training.learning_rate)
        for entry in MISTAKES:
            for variant in entry.variants(step) if entry.variants is not None else ():
                if entry.name == "learning-rate" and variant.fields["x"] == rate:
                    continue  # one of the usual rates, and the right one here
                expr = self._of_step(variant.expr, place.step)
                try:
                    value = float(self.stated.mistaken(place, expr, ())[place][0])
                except BptraceError:
                    continue  # it takes what this problem does not have, such as a target
                yield Slip(place, entry.name, variant.wording, variant.fields, expr, value)

    def _of_step(self, expr: Expr, step: int) -> Expr:
        """Give what a mistake takes its step: targets and inputs have none, outputs have."""
        canon = self.example.graph.canon
        places: dict[Hashable, Expr] = {
            key: Ref(canon(key.at(key.sample, step)))
            for key in refs(expr)
            if isinstance(key, Address) and not key.step
        }
        return bind(expr, places) if places else expr

    def _changed(self, slip: Slip) -> dict[Key, Array]:
        return self.random.mistaken(slip.place, slip.expr, self.example.later(slip.place))

    def _matters(self, slip: Slip) -> bool:
        """Whether a mistake that no printed number shows changes anything at all."""
        wrong = self.random.mistaken(slip.place, slip.expr, ())[slip.place]
        right = self.random(slip.place)
        return not np.allclose(wrong, right, rtol=10.0**-self._DIGITS, atol=0.0, equal_nan=True)


def _random_examples(example: Example) -> Iterator[dict[Address, float]]:
    """Yield the example with random givens: rates and targets in (0, 1), the rest of any sign."""
    rng = np.random.default_rng(20)
    for _ in range(RANDOM_EXAMPLES):
        yield {
            key: float(rng.uniform(0.15, 0.85))
            if key.quantity in (Q.ETA, Q.T)
            else float(rng.uniform(0.2, 1.3) * rng.choice((-1.0, 1.0)))
            for key in example.givens
        }
