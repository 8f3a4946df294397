"""The small kernels of `gradcheck`, compiled by Numba as `compiled` does: duals and verdicts.

Nothing is calculated here. Not responsible for the differences (`compiled`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

from bptrace.kernels import compiled, duals, judging, precise
from bptrace.kernels.cast import Net, Plan
from bptrace.kernels.ground import Ground


def dual_gradients(
    net: Net, ground: Ground, plan: Plan, log: array[float], gradients: array[float]
) -> None:
    """Do what `duals.dual_gradients` does, compiled."""
    bundles = (net, ground, plan) if numba.config.DISABLE_JIT else dual_views(net, ground, plan)
    _run(duals.dual_gradients, *bundles, log, gradients)


def dual_views(net: Net, ground: Ground, plan: Plan) -> tuple[Any, Any, Any]:
    """Return network, ground and plan as the kernel of dual numbers sees them."""
    bare = net._replace(codes=None, work=None)  # type: ignore[arg-type]  # no formula is evaluated
    return compiled.signed(bare), compiled.signed(ground), compiled.signed(plan)


def precise_gradients(
    p: precise.Precise, log: array[float], high: array[float], low: array[float]
) -> None:
    """Do what `precise.precise_gradients` does, compiled."""
    bundle = p if numba.config.DISABLE_JIT else compiled.view(p)
    _run(precise.precise_gradients, bundle, log, high, low)


def judge_all(
    found: array[float], gradients: array[float], roundings: array[float], verdicts: array[int]
) -> None:
    """Do what `judging.judge_all` does, compiled."""
    _run(judging.judge_all, found, gradients, roundings, verdicts)


def _run(function: Callable[..., None], *arguments: Any) -> None:
    """Call a kernel with what Numba can read; it is compiled by the first call ever."""
    if numba.config.DISABLE_JIT:
        function(*arguments)
        return
    views = [np.asarray(a) if isinstance(a, array) else a for a in arguments]
    try:
        kernel(function)(*views)
    except OSError:  # the cache cannot be written after all; nothing has run yet
        build(function, "", keep=False)(*views)


@cache
def kernel(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function compiled, with the cache on disk if there is a place for it."""
    try:
        return build(function, compiled.fingerprint(), keep=True)
    except RuntimeError:
        return build(function, "", keep=False)


def build(function: Callable[..., None], key: str, keep: bool) -> Callable[..., None]:
    """Return a function compiled; see `compiled.build`."""
    compiled.install()
    return compiled.alone(function, key, keep)
