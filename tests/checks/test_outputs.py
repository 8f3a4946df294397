"""Pages with a softmax: right ones without an alarm, and each usual mistake by its name."""

from __future__ import annotations

from math import exp, log, log10

import pytest

from bptrace import engine
from bptrace.checks.page import check
from bptrace.checks.report import Report
from bptrace.io import toml
from bptrace.io.problem import read_problem

NETWORK = """
[network]
loss = "cross-entropy"
[[network.layer]]
names = ["x1", "x2"]
[[network.layer]]
names = ["o1", "o2", "o3"]
activation = "softmax"
weights = [[0.1, 0.2], [0.3, -0.4], [0.7, 0.2]]
biases = [0.1, 0.2, 0.3]
[[sample]]
x = [1, 2]
t = [0, 1, 0]
[[claims]]
"""
NETS = [0.1 + 0.4 + 0.1, 0.3 - 0.8 + 0.2, 0.7 + 0.4 + 0.3]
POWERS = [exp(z) for z in NETS]
A = [power / sum(POWERS) for power in POWERS]
INS = {f"in_o{k}": z for k, z in enumerate(NETS, 1)}
OUTS = {f"out_o{k}": a for k, a in enumerate(A, 1)}


def judged(lines: dict[str, float]) -> Report:
    """Judge a page that prints these numbers with six decimals."""
    claims = "\n".join(f'"{name}" = {value:.6f}' for name, value in lines.items())
    return check(engine.run(read_problem(toml.parse(NETWORK + claims, "f.toml")), "python"))


RIGHT = {
    "by the short way": {"E_o2": -log(A[1]), "delta_o1": A[0], "delta_o2": A[1] - 1},
    "by the Jacobian": {
        "dE/dout_o2": -1 / A[1],
        "dout_o2/din_o1": -A[1] * A[0],
        "dout_o2/din_o2": A[1] * (1 - A[1]),
        "delta_o1": A[0],
        "delta_o2": A[1] - 1,
    },
    "by powers": {f"exp(in_o{k})": power for k, power in enumerate(POWERS, 1)},
    "as differences": {"out_o2 - t_o2": A[1] - 1, "delta_o2": A[1] - 1},
}


@pytest.mark.parametrize("way", RIGHT)
def test_right_pages_have_no_mistake(way: str) -> None:
    report = judged(INS | OUTS | RIGHT[way])
    assert report.counts["right"] == len(report.verdicts)


WRONG = [
    ({"out_o1": POWERS[0]}, "softmax", "alone"),
    ({"out_o1": POWERS[0] / max(POWERS)}, "softmax", "largest"),
    ({"out_o1": NETS[0] / sum(NETS)}, "softmax", "linear"),
    ({"out_o1": POWERS[0] / (POWERS[1] + POWERS[2])}, "drop-term", "term"),
    ({"out_o2": A[1], "E_o2": -log10(A[1])}, "logarithm", "base"),
    ({"out_o2": A[1], "E_o2": log(A[1])}, "sign", "whole"),
    (OUTS | {"dout_o2/din_o1": A[1] * (1 - A[1])}, "jacobian", "own"),
    (OUTS | {"dout_o2/din_o1": A[1] * A[0]}, "sign", "whole"),
    (OUTS | {"delta_o2": (A[1] - 1) * A[1] * (1 - A[1])}, "slope-twice", "again"),
    (OUTS | {"dE/dout_o2": A[1] - 1}, "slope-twice", "output"),
]


@pytest.mark.parametrize(("lines", "mistake", "wording"), WRONG)
def test_a_mistake_has_its_name(lines: dict[str, float], mistake: str, wording: str) -> None:
    wrong = [verdict for verdict in judged(INS | lines).verdicts if verdict.verdict == "wrong"]
    assert [verdict.claim.quantity for verdict in wrong] == [list(lines)[-1]]
    assert wrong[0].mistake == mistake
    assert wrong[0].finding is not None
    assert wrong[0].finding.best.wording == wording
