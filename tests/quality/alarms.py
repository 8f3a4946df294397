"""False alarms of gradcheck: right gradients of hard networks; its bounds against 50 digits.

The gradients are those of the engine, which other tests hold to be right; so every one that is said
to differ is a false alarm. What is undecided is counted, too. Besides, the differences, and the
gradient itself, are compared with 50 digits: slopes of the formulas at the logged net inputs, since
those are where both were calculated (how far rounding puts these off is what --certify proves).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mpmath import MPContext

from bptrace.address import Quantity
from bptrace.checks.gradients import Element, GradientCheck, check_gradients, point_of
from bptrace.model import Problem
from tests.many_digits import Exactly
from tests.quality.networks import REGIMES, problem

Q = Quantity
MP = MPContext()
MP.dps = 50

LEAST = 2.0**-1022
"""Below the smallest normal number float64 has no relative precision, and no bound is promised."""


@dataclass
class Alarms:
    """What was counted among right gradients.

    Attributes
    ----------
    networks, not_finite : int
        How many networks; how many gradients that are no number and were not judged.
    counts : Counter
        Judged gradients by verdict and reason.
    false : list
        Those that are said to differ.
    outside : list
        Those of which the differences or the gradient are farther from 50 digits than the bound, or
        the gradient farther than its own part of it.
    """

    networks: int = 0
    not_finite: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    false: list[tuple[Problem, Element]] = field(default_factory=list)
    outside: list[tuple[Problem, Element]] = field(default_factory=list)

    @property
    def elements(self) -> int:
        """How many gradients were judged."""
        return self.counts.total()

    def add(self, given: Problem) -> None:
        """Judge all gradients of a network."""
        check = check_gradients(point_of(given), "auto")
        exactly = Exactly(MP, given, check.point.trace.logged, taken=(Q.IN,))
        self.networks += 1
        for k, address in enumerate(check.addresses):
            element = check.element(k)
            if not math.isfinite(element.gradient):
                self.not_finite += 1
                continue
            reason = f" ({element.reason})" if element.reason else ""
            self.counts[element.verdict + reason] += 1
            if element.verdict == "differs":
                self.false.append((given, element))
            if is_outside(check, k, exactly(address)):
                self.outside.append((given, element))


def is_outside(check: GradientCheck, k: int, exact: Any) -> bool:
    """Whether a bound does not hold for gradient k."""
    element = check.element(k)
    off = abs(exact - element.gradient)
    if off > LEAST and off > check.roundings[k]:
        return True
    if element.how not in ("central", "one-sided"):
        return False
    off = max(off, abs(exact - element.numeric))
    return bool(off > LEAST and off > element.bound)


def measure(elements: int, seed: int) -> Iterator[tuple[str, Alarms]]:
    """Judge so many gradients, in equal parts of each kind of network."""
    for regime in REGIMES:
        rng, found = Random(f"{seed} {regime}"), Alarms()
        while found.elements * len(REGIMES) < elements:
            found.add(problem(rng, regime))
        yield regime, found
