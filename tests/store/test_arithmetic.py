"""The version of the arithmetic, `files.ARITHMETIC`, changes when any bit of a calculation does.

A trace on disk is recomputed, years later perhaps: it has to know that it would come out otherwise.
"""

from __future__ import annotations

from hashlib import sha256

import pytest
from traced import PAGE

from bptrace import engine
from bptrace.io import toml
from bptrace.io.problem import read_problem
from bptrace.store import files
from bptrace.store.contents import canonical

VERSION = 1
HASHES = {
    ("activation", "sigmoid"): "2aab09f74894f093",
    ("activation", "tanh"): "e5dadb4a9f30924c",
    ("activation", "relu"): "50c1b523c12e8909",
    ("activation", "leaky-relu"): "131669683071e3a0",
    ("activation", "softplus"): "bcf8e07107a9fcc4",
    ("activation", "identity"): "fb585d68eabffd5f",
    ("activation", "bipolar-step"): "412028e41fdc22a7",
    ("loss", "half-squared"): "e5dadb4a9f30924c",
    ("loss", "squared"): "67d7881bdec0d32c",
    ("loss", "mean-squared"): "67d7881bdec0d32c",
    ("rule", "momentum"): "c88784f311893ff6",
    ("rule", "nesterov"): "ffeb5c869f2f212a",
    ("rule", "adagrad"): "6b2d93354a842418",
    ("rule", "rmsprop"): "0aa67abd562b9645",
    ("rule", "adam"): "b2ef7e5bc579e467",
    ("rule", "adamw"): "ccea09e77255b5e6",
    ("rule", "hebb"): "bec6a585ac17b261",
    ("rule", "delta"): "d1d51976fa544129",
    ("reduction", "mean"): "dd625ba4891f73ea",
}
"""What a page has instead of its own → hash of what some steps gave in this version.

Lines may be added. If one has to be changed, the arithmetic is another: count `files.ARITHMETIC`
and `VERSION` up, and change the lines that differ.
"""

LINES = {
    "activation": ('activation = "tanh"', 'activation = "{}"'),
    "loss": ("[network]\n", '[network]\nloss = "{}"\n'),
    "rule": ('rule = "gradient-descent"', 'rule = "{}"'),
    "reduction": ("batch = 2", 'batch = 2\nreduction = "{}"'),
}


def bits(key: str, name: str) -> str:
    """Hash E and the parameters of 40 steps."""
    old, new = LINES[key]
    problem = read_problem(toml.parse(PAGE.replace(old, new.format(name), 1), "page.toml"))
    run = engine.run(problem, "python", 40)
    return sha256(canonical(run.step_errors) + canonical(run.state.numbers)).hexdigest()[:16]


@pytest.mark.parametrize(("key", "name"), HASHES)
def test_other_bits_are_another_arithmetic(key: str, name: str) -> None:
    assert files.ARITHMETIC == VERSION
    assert bits(key, name) == HASHES[key, name], "count files.ARITHMETIC up, see HASHES"
