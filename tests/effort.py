"""How hard Hypothesis looks: the profiles, and fewer examples where each one is dear.

Not responsible for which tests run; conftest.py is.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadlines: the first call of a kernel compiles it, and a shared machine stalls when it likes.
# `dev` and `ci` draw the same examples in every run, so that a red run is red again; `nightly`
# draws new ones, and prints the blob that repeats a failure.
_COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _COMMON, derandomize=True, max_examples=20)
settings.register_profile("ci", _COMMON, derandomize=True, max_examples=100)
settings.register_profile("nightly", _COMMON, derandomize=False, max_examples=2000, print_blob=True)


def profile() -> str:
    """Name of the Hypothesis profile: said outright, or `ci` on a CI machine, else `dev`."""
    return os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")


def dear(examples: int) -> settings:
    """Return settings with so few examples in the profile `dev`, and half of all in `ci`.

    For properties of which one example costs more than some 20 ms in plain Python: nobody waits
    long for a developer's run, nor for that of CI. `nightly` keeps its number.
    """
    if profile() == "dev":
        return settings(max_examples=examples)
    return settings(max_examples=50) if profile() == "ci" else settings()


def fewer(examples: int, usual: int) -> int:
    """Return how many cases a table is measured on: fewer in the profile `dev`."""
    return examples if profile() == "dev" else usual
