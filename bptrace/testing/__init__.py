"""What others need to test their own backpropagation: assertions, strategies, a pytest plugin.

    from bptrace.testing import assert_gradients
    assert_gradients("lh25-2020", [(dW1, db1), (dW2, db2)])

The only room that imports Hypothesis and pytest, and only where they are used: the assertions run
without either. The strategies need the extra `testing`. Everything is imported when it is first
used. Not responsible for judging, which `checks` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bptrace.errors import BptraceError

if TYPE_CHECKING:
    from bptrace.testing.assertions import assert_gradients
    from bptrace.testing.claims import assert_right
    from bptrace.testing.gradients import gradients_of, warm_up
    from bptrace.testing.learning import trainings
    from bptrace.testing.pages import MISTAKE_NAMES, hand_calculations
    from bptrace.testing.strategies import networks, numbers, parameters, problems, samples
    from bptrace.testing.training import assert_trains_alike

__all__ = [
    "MISTAKE_NAMES",
    "assert_gradients",
    "assert_right",
    "assert_trains_alike",
    "gradients_of",
    "hand_calculations",
    "networks",
    "numbers",
    "parameters",
    "problems",
    "samples",
    "trainings",
    "warm_up",
]

_HOMES = {
    "MISTAKE_NAMES": "bptrace.testing.pages",
    "assert_gradients": "bptrace.testing.assertions",
    "assert_right": "bptrace.testing.claims",
    "assert_trains_alike": "bptrace.testing.training",
    "gradients_of": "bptrace.testing.gradients",
    "hand_calculations": "bptrace.testing.pages",
    "networks": "bptrace.testing.strategies",
    "numbers": "bptrace.testing.strategies",
    "parameters": "bptrace.testing.strategies",
    "problems": "bptrace.testing.strategies",
    "samples": "bptrace.testing.strategies",
    "trainings": "bptrace.testing.learning",
    "warm_up": "bptrace.testing.gradients",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bptrace.testing' has no attribute {name!r}")
    from importlib import import_module

    try:
        value = getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise BptraceError(
            f"bptrace.testing.{name} needs Hypothesis, which is not installed. "
            "Install it: pip install 'bptrace[testing]'"
        ) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
