"""Rules with a memory against PyTorch's optimizers, where PyTorch is installed: 50 updates.

Both get the same gradients, so that only the rules are compared. How far two correct programs may
be apart follows from their roundings (`bounds`), not from a guess: both calculate the same formulas
in orders of their own, perhaps with fused operations, which round less often.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import pytest

from bptrace.kernels import dispatch
from bptrace.maths import ieee
from bptrace.maths.rules import RULES

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

STEPS = 50
U = 2.0**-53
"""Half a unit in the last place: what one rounding adds, relatively."""

ETA, PARAMETERS = 0.03, 5


class Case(NamedTuple):
    """A rule with its options, PyTorch's name for it and for its options."""

    rule: str
    options: dict[str, float]
    optimizer: str
    theirs: dict[str, Any]


CASES = [
    Case("momentum", {"momentum": 0.85}, "SGD", {"momentum": 0.85}),
    Case("nesterov", {"momentum": 0.85}, "SGD", {"momentum": 0.85, "nesterov": True}),
    Case("adagrad", {"epsilon": 1e-9}, "Adagrad", {"eps": 1e-9}),
    Case("rmsprop", {"decay": 0.95, "epsilon": 1e-7}, "RMSprop", {"alpha": 0.95, "eps": 1e-7}),
    Case(
        "adam",
        {"beta1": 0.85, "beta2": 0.99, "epsilon": 1e-7},
        "Adam",
        {"betas": (0.85, 0.99), "eps": 1e-7},
    ),
    Case(
        "adamw",
        {"beta1": 0.85, "beta2": 0.99, "epsilon": 1e-7},
        "AdamW",
        {"betas": (0.85, 0.99), "eps": 1e-7, "weight_decay": 0.1},
    ),
]
DECAY = {"adamw": 0.1}

Updates = list[tuple[float, float, float]]
"""(p, first memory, second memory) after each update."""


def ours(case: Case, start: float, gradients: list[float]) -> Updates:
    """Return (p, first memory, second memory) after each update of one parameter."""
    entry = RULES.get(case.rule)
    code, memories = dispatch.rule_code(entry), len(entry.memory)
    decay = DECAY.get(case.rule, 0.0)
    c = entry.constants(case.options, decay)
    p, remembered, found = start, [0.0] * memories, []
    for n, g in enumerate(gradients, 1):
        if entry.corrected:
            c = c._replace(
                fill_first=1.0 - ieee.power(c.keep_first, float(n)),
                fill_second=1.0 - ieee.power(c.keep_second, float(n)),
            )
        if decay:
            p = p - ETA * decay * p
        if memories == 0:
            p = dispatch.update_plain(code, p, g, ETA, c)
        else:
            update = dispatch.update_one if memories == 1 else dispatch.update_two
            p, *remembered = update(code, p, g, ETA, *remembered, c)
        found.append((p, *remembered, *[0.0] * (2 - memories)))
    return found


def theirs(case: Case, starts: list[float], gradients: list[list[float]]) -> list[list[float]]:
    """Return all parameters after each update by PyTorch, in float64."""
    p = torch.tensor(starts, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, case.optimizer)([p], lr=ETA, **case.theirs)
    found = []
    for row in gradients:
        p.grad = torch.tensor(row, dtype=torch.float64)
        optimizer.step()
        found.append(p.detach().tolist())
    return found


def bounds(case: Case, gradients: list[float], run: Updates) -> list[float]:
    """Return how far any correct program may be from the exact p after each update.

    Error of the memory: what is kept of the last error, and at most 6 new roundings of numbers that
    are no larger than |kept| + |new|. A mean or sum of squares adds up positive numbers, so after n
    updates it is off by at most 6·n roundings, relatively; its root by half of that. 1 − βⁿ is off
    by n roundings of βⁿ: since 1 − βⁿ >= n·βⁿ·(1 − β), relatively by at most 1/(1 − β) and two.
    A step is a quotient of these, with at most 10 roundings more; the sum p + step, and the decay
    before it, add 4 of |p| + |step|. Terms in U² are covered by the factor 1.01.
    """
    entry = RULES.get(case.rule)
    c = entry.constants(case.options, None)
    keep, corrected = c.keep_first, entry.corrected is not None
    fills = (1 / (1 - keep) + 2 + 0.5 * (1 / (1 - c.keep_second) + 2)) * U if corrected else 0.0
    error_p = error_m = 0.0
    before, found = (0.0, 0.0, 0.0), []
    for n, (g, after) in enumerate(zip(gradients, run, strict=True), 1):
        p, first, second = after
        if case.rule in ("momentum", "nesterov"):
            local = 6 * U * (keep * abs(before[1]) + ETA * abs(g))
            error_m = keep * error_m + local
            error_step = error_m + local
            step = abs(first) + ETA * abs(g)
        elif corrected:
            error_m = keep * error_m + 6 * U * (abs(before[1]) + abs(g))
            fill = 1.0 - keep**n
            root = (second / (1.0 - c.keep_second**n)) ** 0.5 + c.epsilon
            step = ETA * abs(first) / fill / root
            error_step = ETA * error_m / fill / root + step * (fills + (3 * n + 10) * U)
        else:
            step = ETA * abs(g) / (first**0.5 + c.epsilon)
            error_step = step * (3 * n + 10) * U
        error_p += error_step + 4 * U * (abs(p) + step)
        before = after
        found.append(1.01 * error_p)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_fifty_updates(case: Case) -> None:
    random = Random(case.rule)
    starts = [random.uniform(-2.0, 2.0) for _ in range(PARAMETERS)]
    gradients = [[random.gauss(0.0, 1.0) for _ in range(PARAMETERS)] for _ in range(STEPS)]
    expected = theirs(case, starts, gradients)
    for k, start in enumerate(starts):
        own_gradients = [row[k] for row in gradients]
        run = ours(case, start, own_gradients)
        allowed = bounds(case, own_gradients, run)
        assert allowed[-1] < 1e-11, "the bound says nothing"
        for n in range(STEPS):
            missed = abs(run[n][0] - expected[n][k])
            assert missed <= 2 * allowed[n], (n, run[n][0], expected[n][k], allowed[n])
