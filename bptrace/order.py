"""The order in which an epoch takes its samples: shuffled by seed, the same on every machine.

One source for everybody who must know the order: the objects of the model, which say what a step's
batch is, and the kernels, which run it, compiled or not. Therefore all numbers are integers below
2**62, so that every product fits the 64 bits of a compiled one.

The generator is L'Ecuyer's combination of two multiplicative generators (Efficient and Portable
Combined Random Number Generators, 1988): s ← 40014·s mod 2147483563, t ← 40692·t mod 2147483399,
and s − t mod 2147483562 is the number. Each epoch has a stretch of it for itself, 2**30 numbers
after that of the epoch before, reached in one go as in L'Ecuyer & Côté, Implementing a Random
Number Package with Splitting Facilities (1991): so the order of an epoch depends on the seed and on
its number, not on what ran before.

Not responsible for how many samples make a batch.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from functools import lru_cache

FACTOR, MODULUS = 40014, 2147483563
OTHER_FACTOR, OTHER_MODULUS = 40692, 2147483399
RANGE = MODULUS - 1
STRETCH = 2**30
"""Numbers of an epoch: enough for as many samples as fit any memory."""

JUMP = pow(FACTOR, STRETCH, MODULUS)
OTHER_JUMP = pow(OTHER_FACTOR, STRETCH, OTHER_MODULUS)

ENDING = 3
"""Numbers behind the samples: two for the state of the seed, and the epoch of this order."""


def first_state(seed: int) -> tuple[int, int]:
    """Return where the two generators of a seed begin.

    Neighbouring seeds begin far apart: the places are drawn by `random.Random(seed).random()`, a
    sequence that Python promises to keep.
    """
    from random import Random  # takes 2 ms to import, and most runs need none

    random = Random(seed).random
    return 1 + int(random() * RANGE), 1 + int(random() * (OTHER_MODULUS - 1))


def power(base: int, exponent: int, modulus: int) -> int:
    """Return base**exponent mod modulus, by squaring: `pow`, for compiled code as well."""
    result = 1
    while exponent > 0:
        if exponent & 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent >>= 1
    return result


def shuffle(order: MutableSequence[int], epoch: int) -> None:
    """Put the samples of `order` into the order of an epoch (from 0), unless they stand in it.

    From the last place down, the sample that stands there changes places with one up to it
    (Durstenfeld, Algorithm 235: Random Permutation, 1964). Numbers that would favour some places,
    because their count is no multiple of that of the places, are passed over.

    Parameters
    ----------
    order : array of int
        As `unshuffled` makes it: the samples, and behind them what belongs to the shuffling.
    epoch : int
    """
    n = len(order) - ENDING
    if order[n + 2] == epoch:
        return
    order[n + 2] = epoch
    s = order[n] * power(JUMP, epoch, MODULUS) % MODULUS
    t = order[n + 1] * power(OTHER_JUMP, epoch, OTHER_MODULUS) % OTHER_MODULUS
    for k in range(n):
        order[k] = k
    for k in range(n - 1, 0, -1):
        fair = RANGE - RANGE % (k + 1)
        number = fair
        while number >= fair:
            s = s * FACTOR % MODULUS
            t = t * OTHER_FACTOR % OTHER_MODULUS
            number = (s - t) % RANGE
        other = number % (k + 1)
        order[k], order[other] = order[other], order[k]


def unshuffled(n: int, seed: int) -> list[int]:
    """Return what `shuffle` works on: `n` samples (from 0), the state of the seed, no epoch."""
    return [*range(n), *first_state(seed), 2**63]


@lru_cache(maxsize=4)
def shuffled(n: int, seed: int, epoch: int) -> tuple[int, ...]:
    """Return the order of `n` samples (from 0) in an epoch (from 0); the last few are kept."""
    order = unshuffled(n, seed)
    shuffle(order, epoch)
    return tuple(order[:n])
