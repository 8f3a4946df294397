"""How far any correct program may be from the exact numbers of a training run.

Whoever compares two programs that add in different orders needs a bound, not a guess: here each
number is calculated together with a bound of its error, which holds for every order of summation,
with or without fused operations, and for an exp that is wrong by up to 4 units in the last place.
Two correct programs are apart by at most twice the bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.record import Array, Step, in_our_order, shapes
from benchmarks.work import Work

U = 2.0**-53
"""Half a unit in the last place: what one rounding adds, relatively."""

SIGMOID = 16 * U
"""Of a sigmoid, absolutely, as it is below 1: an exp off by 4 units in the last place (8 U), the
sum, the quotient, and as much again for those that write it as ½ + ½·tanh(z/2)."""

SECOND_ORDER = 1.01
"""For products of two errors, each of which is far below 1/1000 of its number."""


class Ball(NamedTuple):
    """Numbers, and how far they may be from the exact ones."""

    value: Array
    error: Array


def product(x: Ball, y: Ball, terms: int) -> Ball:
    """Return the matrix product, of sums with so many terms and a product in each."""
    value = x.value @ y.value
    size = np.abs(x.value) @ np.abs(y.value)
    error = np.abs(x.value) @ y.error + x.error @ np.abs(y.value) + (terms + 1) * U * size
    return Ball(value, SECOND_ORDER * error)


def times(x: Ball, y: Ball) -> Ball:
    """Return the product of numbers with numbers."""
    value = x.value * y.value
    error = np.abs(x.value) * y.error + x.error * np.abs(y.value) + U * np.abs(value)
    return Ball(value, SECOND_ORDER * error)


def plus(x: Ball, y: Ball) -> Ball:
    """Return the sum of numbers and numbers."""
    value = x.value + y.value
    return Ball(value, SECOND_ORDER * (x.error + y.error + U * (np.abs(x.value) + np.abs(y.value))))


def exact(x: Array) -> Ball:
    """Return numbers without an error."""
    return Ball(x, np.zeros_like(x))


def minus(x: Ball) -> Ball:
    """Return the numbers with the other sign."""
    return Ball(-x.value, x.error)


def turned(x: Ball) -> Ball:
    """Return the matrix transposed."""
    return Ball(x.value.T, x.error.T)


def sigmoid(z: Ball) -> Ball:
    """1/(1 + e^−z), whose slope is at most ¼."""
    return Ball(1.0 / (1.0 + np.exp(-z.value)), 0.25 * z.error + SIGMOID)


def trajectory(work: Work, steps: int) -> tuple[Array, Array]:
    """Return all numbers of the first steps in the order of our log, and twice their bounds.

    Both (steps, numbers of a step).
    """
    w, b = [exact(x) for x in work.weights], [exact(x) for x in work.biases]
    values, errors = [], []
    for s in range(steps):
        step = _step(w, b, *(exact(rows) for rows in work.batch_at(s)))
        values.append(in_our_order(_part(work, step, 0)))
        errors.append(in_our_order(_part(work, step, 1)))
        eta = exact(np.float64(work.eta))
        w, b = (
            [plus(p, minus(times(eta, g))) for p, g in zip(parameters, gradients, strict=True)]
            for parameters, gradients in ((w, step.d_w), (b, step.d_b))
        )
    return np.array(values), 2 * np.array(errors)


def _step(w: list[Ball], b: list[Ball], x: Ball, t: Ball) -> Step:
    z, a = [], [x]
    for w_l, b_l in zip(w, b, strict=True):
        z.append(plus(product(a[-1], turned(w_l), w_l.value.shape[1]), b_l))
        a.append(sigmoid(z[-1]))
    missed = plus(a[-1], minus(t))
    squares = times(missed, missed)
    e = Ball(
        0.5 * squares.value.sum(1),
        squares.error.sum(1) + len(t.value[0]) * U * squares.value.sum(1),
    )
    back, delta = missed, []
    for l in range(len(w) - 1, -1, -1):
        slope = times(a[l + 1], plus(exact(np.float64(1.0)), minus(a[l + 1])))
        delta.insert(0, times(back, slope))
        back = product(delta[0], w[l], len(w[l].value))
    count = len(x.value)
    d_w = [product(turned(d), a_l, count) for d, a_l in zip(delta, a, strict=False)]
    d_b = [product(exact(np.ones((1, count))), d, count) for d in delta]
    d_b = [Ball(g.value[0], g.error[0]) for g in d_b]
    return Step(w, b, d_w, d_b, z, a, delta, e)  # type: ignore[arg-type]


def _part(work: Work, step: Step, which: int) -> Step:
    """Return the values (0) or the errors (1) of a step of balls."""
    *lists, e = step
    *forms, form_e = shapes(work.widths, work.batch)
    arrays = (
        [np.broadcast_to(ball[which], form) for ball, form in zip(each, shape, strict=True)]
        for each, shape in zip(lists, forms, strict=True)
    )
    return Step(*arrays, np.broadcast_to(e[which], form_e))
