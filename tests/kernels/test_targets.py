"""Reference runs, and the bits that they have to give on every machine and for every processor.

The hashes are of whole logs, so that the last bit of any number in any step counts. They change
when a formula, the order of a sum or the layout of the log does, and for no other reason: not with
the engine, the processor, the operating system, or a version of Python, NumPy, Numba or LLVM.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from array import array
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

import bptrace
from bptrace.engine import run
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Training


def network(*layers: Layer, loss: str = "half-squared", **training: object) -> Problem:
    """Return a problem with drawn numbers; `uniform` draws without any function of a libm."""
    draw = Random(6)

    def row(n: int) -> tuple[float, ...]:
        return tuple(draw.uniform(-0.75, 0.75) for _ in range(n))

    def target(n: int) -> tuple[float, ...]:
        return tuple(draw.uniform(0.1, 0.9) for _ in range(n))

    return Problem(
        Network(layers, loss=loss),
        Parameters(
            tuple(tuple(row(a.size) for _ in range(b.size)) for a, b in pairwise(layers)),
            tuple(row(layer.biases) for layer in layers[1:]),
        ),
        tuple(Sample(row(layers[0].size), target(layers[-1].size)) for _ in range(5)),
        Training(**{"rule": "gradient-descent", "learning_rate": 0.1} | training),  # type: ignore[arg-type]
    )


RUNS = {
    "narrow": network(
        Layer(3),
        Layer(5, activation="tanh", biases=1),
        Layer(2, activation="sigmoid", biases=2),
        rule="adam",
        steps=9,
    ),
    "wide": network(
        Layer(19),
        Layer(43, activation="sigmoid", biases=43),
        Layer(8, activation="softplus", biases=1),
        Layer(3, activation="softmax", biases=3),
        loss="cross-entropy",
        steps=210,
    ),
    "batches": network(
        Layer(11),
        Layer(10, activation="leaky-relu", biases=10),
        Layer(1, activation="sigmoid", biases=1),
        loss="binary-cross-entropy",
        rule="momentum",
        weight_decay=0.01,
        batch=2,
        reduction="mean",
        order="shuffled",
        steps=210,
    ),
}

LOGGED = 8
"""Steps that are logged; afterwards only what the whole run ends with."""

BITS = {
    "narrow": "df6438a56ba4aaa88fdf6c607bce9cb2",
    "wide": "cfc2060c304511c16f1dc865a535a330",
    "batches": "6f02ca0a61bfffa0a2de0da87143ea7f",
}


def digest(problem: Problem, engine: str) -> str:
    """Return a hash of the log of the first steps, and of what all steps lead to."""
    logged, whole = run(problem, engine, steps=LOGGED), run(problem, engine, log=False)
    found = hashlib.sha256()
    for numbers in (logged.log, logged.step_errors, whole.log, whole.step_errors):
        # What no step calculates is nan, whose bits IEEE 754 leaves open.
        known = array("d", (0.0 if x != x else x for x in numbers))
        if sys.byteorder == "big":
            known.byteswap()
        found.update(known.tobytes())
    return found.hexdigest()[:32]


@pytest.mark.parametrize("name", RUNS)
def test_plain_python_gives_the_bits_of_the_reference(name: str) -> None:
    assert digest(RUNS[name], "python") == BITS[name]


@pytest.mark.jit
@pytest.mark.parametrize("name", RUNS)
def test_compiled_kernels_give_the_bits_of_the_reference(name: str) -> None:
    assert digest(RUNS[name], "numba") == BITS[name]


def has_avx512() -> bool:
    binding = pytest.importorskip("llvmlite.binding")
    return bool(binding.get_host_cpu_features().get("avx512vl"))


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 processors")
@pytest.mark.parametrize("cpu", ["x86-64", "haswell", "skylake-avx512"])
def test_every_processor_gives_the_bits_of_the_reference(cpu: str) -> None:
    """Vectors of 128, 256 and 512 bits, the last two with fused multiply-add at hand."""
    if cpu == "skylake-avx512" and not has_avx512():
        pytest.skip("this machine cannot run it")
    done = subprocess.run(
        [sys.executable, __file__],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(bptrace.__file__).parents[1]),
            "NUMBA_CPU_NAME": cpu,
            "NUMBA_CPU_FEATURES": "",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    found = dict(line.split() for line in done.stdout.splitlines())
    assert found == BITS


if __name__ == "__main__":
    for name, problem in RUNS.items():
        print(name, digest(problem, "numba"))
