"""What mistakes cost, in bits: by how usual they are, and by what else was found on the page.

What is paid for them, the digits that one explains, is the business of `search`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from math import log2

from bptrace.checks.findings import Candidate, Finding
from bptrace.checks.mistakes import MISTAKES, UNKNOWN, share
from bptrace.maths.sums import summed

UNKNOWN_BITS = -log2(UNKNOWN)

_NEGLIGIBLE = 1e-3


class Prior:
    """What mistakes cost: by their share in general and by those already found on the page."""

    def __init__(self) -> None:
        self.found: defaultdict[str, float] = defaultdict(float)
        self.alike: defaultdict[Hashable, float] = defaultdict(float)

    def bits(self, mistake: str, likeness: Hashable, ways: int) -> float:
        """Return the price of one of `ways` instances of a mistake."""
        general = share(MISTAKES.get(mistake)) / ways
        total = summed(self.found.values())
        if not total:
            return -log2(general)
        again = 0.5 * self.found[mistake] / ways + 0.5 * self.alike[likeness]
        return -log2((general + again) / (1 + total))

    def price(self, candidate: Candidate, before: Prior) -> float:
        """Return the cost of a candidate that was priced by another prior."""
        what = candidate.mistake, candidate.likeness, candidate.ways
        return candidate.cost - before.bits(*what) + self.bits(*what)

    def learn(self, finding: Finding | None) -> None:
        """Count the explanations of a line, each by its probability among them."""
        if finding is None or finding.bits <= 0:
            return
        weights = [2.0 ** (c.score - finding.bits) for c in finding.candidates]
        for candidate, weight in zip(finding.candidates, weights, strict=True):
            part = weight / summed(weights)
            if part > _NEGLIGIBLE:
                self.found[candidate.mistake] += part
                self.alike[candidate.likeness] += part


def ranked(found: Iterable[Candidate], chance: float) -> Finding:
    """Return candidates as a finding, best first."""
    order = sorted(found, key=lambda candidate: -candidate.score)
    best = order[0]
    weights = [2.0 ** (candidate.score - best.score) for candidate in order]
    alike = summed(w for c, w in zip(order, weights, strict=True) if c.equals(best))
    posterior = alike / (summed(weights) + 2.0 ** min(-best.score, 60.0))
    return Finding(tuple(order), best.score, posterior, chance)


def repriced(finding: Finding, before: Prior, prior: Prior) -> Finding:
    """Return a finding as another prior weighs it; `before` is the one that has weighed it."""
    new = (c._replace(cost=prior.price(c, before)) for c in finding.candidates)
    return ranked(new, finding.chance)
