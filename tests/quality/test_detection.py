"""Every mistake of the table that is planted into gradients is noticed, in float64 and in float32.

A short version of ``python -m benchmarks.detection``, of our own checks only.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from effort import fewer

from bptrace.checks.mistakes import MISTAKES
from tests.quality.detection import KINDS, RIGHT, Row, matrix, patients
from tests.quality.peer import Peer

WITHOUT_GRADIENTS = {
    "learning-rate", "velocity", "moments", "bias-correction", "weight-decay", "other-update",
    "logarithm",  # in E alone
    "foreign", "pair", "digit-swap", "digit-wrong", "digit-dropped", "digit-doubled",
    "digit-inserted", "decimal-point", "copied", "swapped", "operand-slip", "coarse-rounding",
}  # fmt: skip
"""Mistakes in updates and of copying numbers by hand: they change no gradient of a program."""


@pytest.fixture(scope="module")
def chosen():
    return {kind: list(patients(kind, fewer(3, 12), seed=5)) for kind in KINDS}


@pytest.mark.ci
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_wrong_passes_and_nothing_right_is_called_wrong(chosen, kind, dtype) -> None:
    rows = matrix(chosen[kind], dtype)
    right = rows.pop(RIGHT)
    assert right.planted == len(chosen[kind])
    assert not right.caught.total()
    for name, row in rows.items():
        assert not row.missed("against"), name
    # Differences are right to some digits only, which they tell; a mistake may change later ones.
    whole = sum(rows.values(), Row())
    assert whole.missed("differences") - whole.undecided <= 0.005 * whole.planted


def test_mistakes_of_moderate_networks_are_decided(chosen) -> None:
    rows = matrix(chosen["moderate"], "float64")
    assert sum(row.planted for row in rows.values()) > 30 * len(chosen["moderate"])
    assert not sum(row.missed("differences") for name, row in rows.items() if name != RIGHT)


def test_every_entry_about_gradients_is_planted(chosen) -> None:
    planted = {name for kind in chosen.values() for one in kind for name, _ in one.mistakes}
    rare = {"jacobian", "softmax", "cross-entropy-delta", "slope-twice", "root", "square"}
    assert {entry.name for entry in MISTAKES} - planted - rare <= WITHOUT_GRADIENTS
    assert not planted & WITHOUT_GRADIENTS


def test_the_calculation_with_numpy_is_that_of_the_engine(chosen) -> None:
    for kind in chosen.values():
        for one in kind:
            with np.errstate(all="ignore"):
                found = Peer(one.check.point, np.float64).gradients()
            if np.isfinite(found).all():
                assert not one.is_off(found, "float64").any()


def test_the_manual_quotes_what_was_measured() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    alarms, wrong, _ = re.findall(
        r"^\| all \| (.*) \|$", (docs / "detection.md").read_text(encoding="utf-8"), re.M
    )
    _, right, _, _, false, outside = alarms.replace("*", "").split(" | ")
    planted, _, ours, _, torch, scipy, _, loose = wrong.split(" | ")
    assert (false, outside) == ("0", "0")
    passed, undecided = map(int, ours.split(" + "))
    text = " ".join((docs / "gradcheck.md").read_text(encoding="utf-8").split())
    assert f"Among {right} right gradients" in text
    assert (
        f"Of {planted} wrong gradients in float64, planted with the mistakes of the table, all are "
        f"said to differ but for {passed + undecided}, mostly behind saturated neurons: "
        f"{undecided} are left undecided wherever they change a gradient, and {passed} in all but "
    ) in text
    assert f"lets {torch} pass, scipy's check_grad below 10⁻⁶ {scipy}, and" in text
    assert f"tolerances of 10⁻² {loose}." in text
