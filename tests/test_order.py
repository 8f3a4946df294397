"""The shuffled order: a permutation, of the seed and the epoch alone, and every one as likely."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from bptrace import order
from bptrace.order import first_state, shuffled

SEEDS = st.integers(0, 2**64 - 1)


def limit(cells: int) -> float:
    """Return what a χ² statistic of so many cells exceeds with a probability below 1e-9.

    With k degrees of freedom P(χ² ≥ k + 2√(kx) + 2x) ≤ e⁻ˣ (Laurent & Massart, Adaptive Estimation
    of a Quadratic Functional by Model Selection, 2000, lemma 1). The seeds are fixed: a test that
    passes once passes always.
    """
    k, x = cells - 1, math.log(1e9)
    return k + 2.0 * math.sqrt(k * x) + 2.0 * x


def chi_squared(counts: Counter, cells: int) -> float:
    expected = sum(counts.values()) / cells
    missing = cells - len(counts)
    return sum((n - expected) ** 2 for n in counts.values()) / expected + missing * expected


@given(st.integers(1, 60), SEEDS, st.integers(0, 10**12))
def test_every_sample_once(n: int, seed: int, epoch: int) -> None:
    assert sorted(shuffled(n, seed, epoch)) == list(range(n))


def test_the_order_of_a_seed_stays_what_it_is() -> None:
    """Files depend on it: the runs of a saved problem must not change with a version."""
    assert shuffled(8, 0, 0) == (4, 1, 7, 5, 0, 6, 3, 2)
    assert shuffled(8, 0, 1) == (7, 5, 0, 4, 1, 3, 6, 2)
    assert shuffled(8, 1, 0) == (6, 3, 2, 5, 0, 1, 4, 7)
    assert shuffled(8, 2**64 - 1, 10**12) == (7, 1, 5, 4, 0, 2, 6, 3)


def test_every_permutation_is_as_likely_over_the_epochs_of_a_seed() -> None:
    counts = Counter(shuffled(4, 7, epoch) for epoch in range(24 * 200))
    assert set(counts) <= set(permutations(range(4)))
    assert chi_squared(counts, 24) < limit(24)


def test_every_permutation_is_as_likely_over_neighbouring_seeds() -> None:
    counts = Counter(shuffled(4, seed, 0) for seed in range(24 * 200))
    assert chi_squared(counts, 24) < limit(24)


def test_an_order_says_nothing_about_the_next() -> None:
    """Of 3 samples, every pair of orders in neighbouring epochs is as likely as any other."""
    orders = [shuffled(3, 3, epoch) for epoch in range(36 * 100 + 1)]
    assert chi_squared(Counter(pairwise(orders)), 36) < limit(36)


def test_every_sample_is_as_likely_at_every_place() -> None:
    """Of many samples, too. χ² of the places of each sample, summed: 49² degrees of freedom."""
    n, epochs = 50, 1000
    counts = Counter(pair for epoch in range(epochs) for pair in enumerate(shuffled(n, 11, epoch)))
    assert chi_squared(counts, n * n) < limit((n - 1) ** 2 + 1)


@given(st.integers(0, order.MODULUS - 1), st.integers(0, 2**64 - 1))
def test_powers(base: int, exponent: int) -> None:
    assert order.power(base, exponent, order.MODULUS) == pow(base, exponent, order.MODULUS)


def test_every_product_fits_64_bits() -> None:
    for modulus, factor, jump in (
        (order.MODULUS, order.FACTOR, order.JUMP),
        (order.OTHER_MODULUS, order.OTHER_FACTOR, order.OTHER_JUMP),
    ):
        assert (modulus - 1) * max(modulus - 1, factor, jump) < 2**63


@given(SEEDS)
def test_no_seed_begins_where_a_generator_stands_still(seed: int) -> None:
    s, t = first_state(seed)
    assert 1 <= s < order.MODULUS
    assert 1 <= t < order.OTHER_MODULUS
