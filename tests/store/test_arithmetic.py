"""The version of the arithmetic, `files.ARITHMETIC`, changes when any bit of a calculation does."""

from __future__ import annotations

from hashlib import sha256

from traced import PAGE

from bptrace import engine
from bptrace.io import toml
from bptrace.io.problem import read_problem
from bptrace.store import files
from bptrace.store.contents import canonical

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky-relu", "softplus", "identity", "bipolar-step")
LOSSES = ("half-squared", "squared", "mean-squared", "binary-cross-entropy")

HASHES = {
    1: "",
}
"""Version → hash of the logs of the reference runs. Never change one: add the next version."""


def logs() -> bytes:
    """The logs of short runs with each function that traces may depend on."""
    found = []
    for activation in ACTIVATIONS:
        for loss in LOSSES:
            text = PAGE.replace('"tanh"', f'"{activation}"')
            text = text.replace("[network]", f'[network]\nloss = "{loss}"', 1)
            problem = read_problem(toml.parse(text, "page.toml"))
            run = engine.run(problem, "python", 7)
            found.append(canonical(run.log) + canonical(run.step_errors))
    return b"".join(found)


def test_other_bits_are_another_arithmetic() -> None:
    assert max(HASHES) == files.ARITHMETIC
    assert sha256(logs()).hexdigest() == HASHES[files.ARITHMETIC], (
        "calculations give other bits than before: count files.ARITHMETIC up, and add the hash here"
    )
