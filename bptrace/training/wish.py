"""What is asked of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bptrace.engine import State
    from bptrace.model import Stop


@dataclass(frozen=True)
class Wish:
    """What is asked of a training run.

    Attributes
    ----------
    steps : int, optional
        Default: as in the file (see `planned_steps`).
    engine : str
    stop : Stop, optional
        Default: as in the file.
    gradients : bool
        Whether sizes of gradients are measured.
    start : State, optional
        Where to go on; default: the beginning. `steps` then count from there.
    """

    steps: int | None = None
    engine: str = "auto"
    stop: Stop | None = None
    gradients: bool = False
    start: State | None = None
