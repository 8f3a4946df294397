"""By how many units in the last place float64 puts each gradient off: estimated, in double-double.

All is calculated once more with twice the digits (`kernels.precise`), from the numbers of the file
as float64 holds them, and the distance is measured in units in the last place of the float64. It is
right to 2⁻⁴⁸ of what rounding can make it: what magnifies the rounding of the one calculation
magnifies that of the other. That is an estimate, not a proof; `certified` proves.

Not responsible for whether the formulas are right (`gradients`).
"""

from __future__ import annotations

import math
from array import array

from bptrace.checks.gradients import GradientCheck, Point
from bptrace.engine import Choice, by_name
from bptrace.kernels.precise import cast_precise, precise_gradients

SECONDS_PER_WEIGHT, SECONDS_PER_NEURON = 11e-6, 90e-6
"""Plain Python, on a 2-GHz server core, for each sample."""

BREAK_EVEN = 10.0
"""From so many seconds of plain Python on the compiled kernel is worth its first compilation."""


def nearness(check: GradientCheck, engine: str = "auto") -> array[float]:
    """Return by how many ulp each gradient of `check` is off.

    In the order of the gradients; nan where something overflows, and nothing can be said.

    Parameters
    ----------
    check : GradientCheck
    engine : {"auto", "python", "numba"}
        Who calculates; the results are the same in every bit.
    """
    high, low = in_pairs(check.point, engine)
    return array("d", map(ulps, check.gradients, high, low))


def in_pairs(point: Point, engine: str = "auto") -> tuple[array[float], array[float]]:
    """Return all gradients in double-double: the float64 nearest to each, and what it lacks."""
    p = cast_precise(point.problem, point.shown)
    trace_log = point.trace.log
    log = trace_log if isinstance(trace_log, array) else array("d", trace_log)
    n = p.n_parameters + len(point.shown) * (p.n_in + point.problem.network.widths[0])
    high, low = (array("d", bytes(8 * n)) for _ in range(2))
    if _choose(point, engine).engine == "numba":
        from bptrace.kernels import compiled_gradients  # half a second, with Numba

        compiled_gradients.precise_gradients(p, log, high, low)
    else:
        precise_gradients(p, log, high, low)
    return high, low


def ulps(gradient: float, high: float, low: float) -> float:
    """Return the distance of `gradient` from high + low in units in its last place."""
    if not math.isfinite(gradient) or not math.isfinite(high):
        return math.nan
    return abs((gradient - high) - low) / math.ulp(gradient)


def _choose(point: Point, engine: str) -> Choice:
    network, samples = point.problem.network, len(point.shown)
    weights, neurons = point.problem.layout.n_w, sum(network.widths[1:])
    seconds = samples * (weights * SECONDS_PER_WEIGHT + neurons * SECONDS_PER_NEURON)
    if engine == "auto" and seconds < BREAK_EVEN:
        return Choice("python")
    return by_name(engine)
