"""Where keys and values of a problem file stand; any TOML is in test_toml.py."""

from __future__ import annotations

import pytest

from bptrace.io.toml import parse

EXAMPLE = """\
title = "x"
[network]
loss = "half-squared"
[[network.layer]]
names = ["i1", "i2"]
[[network.layer]]
weights = [[0.1, 0.2],
           [0.3, 0.40]]
[[claims]]
"in_h1" = { is = 0.60, eq = "5.12" }
"""


@pytest.mark.parametrize(
    ("path", "of", "place"),
    [
        (("title",), "key", (1, 1)),
        (("title",), "value", (1, 9)),
        (("network",), "key", (2, 2)),
        (("network",), "value", (2, 1)),
        (("network", "rule"), "key", (2, 2)),  # missing: the header of its table
        (("network", "layer"), "key", (4, 11)),
        (("network", "layer", 1), "key", (6, 1)),
        (("network", "layer", 1, "size"), "value", (6, 1)),
        (("network", "layer", 1, "weights", 1, 1), "value", (8, 18)),
        (("network", "layer", 1, "weights", 1, 7), "value", (8, 12)),
        (("network", "layer", 0, "names", 1), "key", (5, 16)),
        (("network", "layer", 9, "names", 1), "key", (4, 11)),
        (("claims", 0, "in_h1", "eq"), "value", (10, 29)),
        (("claims", 0, "in_h1", "from"), "key", (10, 1)),
        (("claims", 0, "in_h1", "is", "deeper", 3), "key", (10, 13)),
        (("training",), "key", (1, 1)),
        ((), "key", (1, 1)),
    ],
)
def test_positions_of_a_problem(path: tuple[str | int, ...], of: str, place: object) -> None:
    assert parse(EXAMPLE, "p.toml").position(path, of) == place  # type: ignore[arg-type]


def test_positions_are_found_only_when_asked_for() -> None:
    document = parse(EXAMPLE, "p.toml")
    assert "_scan" not in vars(document)
    fault = document.fault("unknown key 'loss'", ("network", "loss"), hint="Leave it out.")
    assert str(fault) == "p.toml:3:1: unknown key 'loss'. Leave it out."
    assert "_scan" in vars(document)
