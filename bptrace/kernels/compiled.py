"""The kernels compiled by Numba, kept on disk where there is a place for it.

Nothing is calculated here: `source` and the tables of `maths` are compiled as they stand, without
fastmath and without fused operations, so that every bit is that of plain Python.

Numba's cache looks only at the file that holds the compiled function, and would go on using old
machine code after an edit anywhere else; nor can it read its own index after a class that is named
there has gone. So the function is compiled under a name with a fingerprint of all that is compiled:
each fingerprint has files of its own.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import Any, cast

import numba
import numpy as np
from numba.core import event

from bptrace import maths, order
from bptrace.kernels import (
    bulk,
    choosing,
    differences,
    dispatch,
    disturbed,
    duals,
    ieee_intrinsics,
    judging,
    kinds,
    lanes,
    news,
    precise,
    source,
    tape,
    update,
    wide,
)
from bptrace.kernels.cast import LayerNet, Net, Plan
from bptrace.kernels.ground import Ground
from bptrace.kernels.ways import LINE
from bptrace.kernels.whole import (
    JoinedCompiler,
    JointCompiler,
    LoopCompiler,
    PartCompiler,
    WholeCompiler,
)
from bptrace.maths import double_double, ieee
from bptrace.tuples import NamedTuple

EXACT = ieee_intrinsics.EXACT

PAIRS = {precise.__name__, double_double.__name__}
"""Modules whose functions are not copied into what calls them: an exp of pairs is long, and nothing
around it could be calculated several at a time."""

JOINTS = {
    source.run_steps,
    source.forward,
    source.kept_forward,
    source.backward,
    update.update_by_gradient,
    judging.check_all,
    differences.one_slope,
}
"""Functions without loops over numbers of their own: they are not optimised with all they call."""

LAYER = np.dtype(
    [(name, np.float64 if name == "option" else np.uint64) for name in LayerNet._fields]
)
"""A `LayerNet` as Numba reads it; ``layer.size`` means the same in both."""

SIGNED_LAYER = np.dtype(
    [(name, np.float64 if name == "option" else np.int64) for name in LayerNet._fields]
)


KEY_LENGTH = 16
"""Digits of a fingerprint in the name of a file."""


def run_steps(
    net: Net, plan: Plan, record: array[float], log: array[float], errors: array[float]
) -> str:
    """Do what `source.run_steps` does, compiled; return a remark for the user, or "".

    The first call in a process loads the machine code from the cache, or compiles it.
    """
    if numba.config.DISABLE_JIT:
        in_record = plan._replace(inside=0)  # a slice of an array is a copy there
        source.run_steps(net, in_record, record, log, errors)
        return "NUMBA_DISABLE_JIT is set: the kernels ran as plain Python"
    buffer = np.asarray(record)
    calculated = _aligned(buffer)
    calculated[:] = buffer[: len(calculated)]
    wanted = view(plan)._replace(columns=_aligned(np.asarray(plan.columns)))
    arguments = view(bare(net)), wanted, calculated, np.asarray(log), np.asarray(errors)
    kernel, remark = _kernel()
    try:
        kernel(*arguments)
    except OSError as error:  # the cache cannot be written after all; nothing has run yet
        _without_cache()(*arguments)
        remark = _no_cache(str(error))
    buffer[: len(calculated)] = calculated
    if plan.inside:  # what is carried on stands behind the log alone
        carried = net.n_parameters * (1 + net.memories)
        record[:carried] = log[len(log) - carried :]
    return remark


def _aligned(buffer: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the part of a buffer that begins with a line of the cache, `LINE` numbers shorter.

    Elsewhere every vector as long as a line would lie in two of them, and be read at half the rate.
    """
    skipped = -(buffer.ctypes.data // 8) % LINE
    return buffer[skipped : skipped + len(buffer) - LINE]


def check_all(
    net: Net, ground: Ground, plan: Plan, log: array[float], *results: array[float]
) -> str:
    """Do what `judging.check_all` does, compiled; return a remark, or ""."""
    if numba.config.DISABLE_JIT:
        judging.check_all(net, ground, plan, log, *results)
        return ""
    bundles = (signed(bundle) for bundle in (bare(net), ground, plan))
    views = (*bundles, *map(np.asarray, (log, *results)))
    kernel, remark = _differences()
    try:
        kernel(*views)
    except OSError as error:  # as in run_steps
        build_differences("", keep=False)(*views)
        return _no_cache(str(error))
    return remark


def build_differences(key: str, keep: bool) -> Callable[..., None]:
    """Return `judging.check_all` as a compiled function; see `build`."""
    install()
    return alone(judging.check_all, key, keep)


@cache
def _differences() -> tuple[Callable[..., None], str]:
    """Return the kernel of differences, as `_kernel` that of steps."""
    try:
        return build_differences(fingerprint(), keep=True), ""
    except RuntimeError:
        return build_differences("", keep=False), _no_cache("no folder for them can be written")


def fingerprint() -> str:
    """Return a hash of the sources of all that is compiled.

    Both rooms whole, rather than a list of files, in which one would be forgotten some day (reading
    them takes less than a millisecond), and the one module that is compiled from outside of them.
    """
    rooms = [Path(module.__file__).parent for module in (maths, source) if module.__file__]
    files = [file for room in rooms for file in room.glob("*.py")]
    found = sha256()
    for file in [*sorted(files), Path(order.__file__)]:
        found.update(file.read_bytes())
    return found.hexdigest()


def build(key: str, keep: bool) -> Callable[..., None]:
    """Return `source.run_steps` as a compiled function.

    Parameters
    ----------
    key : str
        Machine code built for another key is not used.
    keep : bool
        Whether the cache on disk is used. Raises RuntimeError if Numba finds no place for it.
    """
    install()
    return alone(source.run_steps, key, keep)


def alone(function: Callable[..., None], key: str, keep: bool) -> Callable[..., None]:
    """Return a function compiled under a name of its own, of which `key` is a part.

    Not in another function that calls it: that would be optimised with all that it calls once more.
    """
    code = cast(FunctionType, function)
    copy = FunctionType(code.__code__, code.__globals__, code.__name__)
    copy.__module__, copy.__qualname__ = code.__module__, f"{code.__name__}-{key[:KEY_LENGTH]}"
    options = EXACT | {"pipeline_class": JoinedCompiler if function in JOINTS else WholeCompiler}
    return numba.njit(cache=keep, nogil=True, **options)(copy)  # type: ignore[no-any-return, unused-ignore]


@cache
def _kernel() -> tuple[Callable[..., None], str]:
    """Return the kernel, with the cache if there is a place for it, and a remark if not."""
    try:
        return build(fingerprint(), keep=True), ""
    except RuntimeError:  # Numba found no folder that it can write
        return _without_cache(), _no_cache("no folder for them can be written")


@cache
def _without_cache() -> Callable[..., None]:
    return build("", keep=False)


def _no_cache(why: str) -> str:
    return (
        f"The compiled kernels cannot be kept for the next time: {why}. "
        "Set NUMBA_CACHE_DIR to a folder that can be written"
    )


@cache
def install() -> None:
    """Make everything that the kernel calls callable from compiled code."""
    ieee_intrinsics.install()
    for function in functions():
        if function not in APART and function not in lanes.BODIES:
            options = EXACT | _compiler_of(function)
            options["forceinline"] = function.__module__ not in PAIRS
            numba.extending.register_jitable(**options)(function)
    for chain in dispatch.CHAINS:
        choosing.install(chain)
    lanes.install()
    for function, choose in APART.items():
        numba.extending.overload(function, jit_options=ieee_intrinsics.PART, strict=False)(choose)
    for function in WIDE:
        options = EXACT | _compiler_of(function)
        numba.extending.overload(function, jit_options=options, strict=False)(_if_wide(function))
    event.register("numba:compile", _Announcer())


def _compiler_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return how a function is optimised, as an option of Numba."""
    if function in JOINTS:
        return {"pipeline_class": JointCompiler}
    of_tables = function.__module__.startswith((maths.__name__, dispatch.__name__))
    return {"pipeline_class": PartCompiler if of_tables else LoopCompiler}


class _Announcer(event.Listener):  # type: ignore[misc, unused-ignore]
    """Passes on that something is compiled; what is loaded from the cache is not."""

    def on_start(self, event: Any) -> None:
        news.tell()

    def on_end(self, event: Any) -> None:
        pass


def folder() -> str:
    """Return where the machine code is kept; "" if there is no place for it."""
    return getattr(_kernel()[0], "stats").cache_path or ""  # noqa: B009  (of Numba's dispatcher)


def _evaluate(net: Any, head: Any, x: Any, y: Any) -> Callable[..., float]:
    """Return what `tape.evaluate` is for a network of this type: nothing, without own formulas.

    Few networks have any, and all operations of formulas take seconds to compile.
    """
    return tape.evaluate if kinds.kind(net).codes else _no_formula


def _no_formula(net: Any, head: Any, x: Any, y: Any) -> float:
    return 0.0


def _samples(net: Any, count: Any) -> Callable[..., range]:
    return _several if kinds.kind(net).batched else _single


def _several(net: Any, count: Any) -> range:
    return range(count)


def _single(net: Any, count: Any) -> range:
    return range(np.uint64(1))


def _in_lanes(net: Any) -> Callable[..., bool]:
    return _yes if kinds.kind(net).lanes else _no


def _copy_numbers(record: Any, at: Any, log: Any, to: Any, n: Any) -> None:
    for k in range(n):
        log[to + k] = record[at + k]


def _yes(net: Any) -> bool:
    return True


def _no(net: Any) -> bool:
    return False


APART: dict[Callable[..., Any], Callable[..., Any]] = {
    tape.evaluate: _evaluate,
    kinds.samples: _samples,
    kinds.in_lanes: _in_lanes,
    bulk.copy_numbers: lambda *_types: _copy_numbers,
}
"""What is not compiled as it stands, and what chooses what is compiled in its place."""


WIDE = [
    f
    for f in vars(wide).values()
    if getattr(f, "__module__", "") == wide.__name__ and f.__code__.co_varnames[0] == "net"
]
"""What is nothing for a tiny network."""


def _if_wide(function: Callable[..., Any]) -> Callable[..., Callable[..., None]]:
    """Return what chooses between a function of `wide` and nothing, by the type of a network."""

    def choose(net: Any, *_others: Any) -> Callable[..., None]:
        return function if kinds.kind(net).lanes else _nothing

    return choose


def _nothing(*_arguments: Any) -> None:
    pass


def functions() -> list[Callable[..., Any]]:
    """Return all functions of the tables and of `source`; those of `ieee` install themselves."""
    loops: list[Callable[..., Any]] = [
        f
        for module in (
            tape,
            source,
            update,
            wide,
            disturbed,
            differences,
            judging,
            duals,
            precise,
            double_double,
        )
        for f in vars(module).values()
        if isinstance(f, FunctionType) and f.__module__.startswith("bptrace.")
    ]
    found = dict.fromkeys([*dispatch.SCALARS, order.power, *loops])
    chains = {chain.function for chain in dispatch.CHAINS}
    return [f for f in found if f.__module__ != ieee.__name__ and f not in chains and f not in WIDE]


def bare(net: Net) -> NamedTuple:
    """Return a network in another type, if less has to be compiled for it (see `kinds`)."""
    has_codes = any(layer.own_value for layer in net.layers)
    wanted = {"lanes": net.lanes, "batched": net.batched, "codes": has_codes}
    known = {name: None for name, value in wanted.items() if not value}
    return net._replace(**known)  # type: ignore[arg-type]


def view(bundle: NamedTuple) -> NamedTuple:
    """Return a bundle of numbers and buffers as Numba sees it, without copying the buffers."""
    return type(bundle)(*map(_view_one, bundle))


def signed(bundle: NamedTuple) -> NamedTuple:
    """Return what `view` does, with signed numbers, of which some are subtracted there."""
    return type(bundle)(*map(_signed_one, bundle))


def _signed_one(value: Any) -> Any:
    if isinstance(value, list):  # of layers
        return np.array(value, dtype=SIGNED_LAYER)
    return value if isinstance(value, int) else _view_one(value)


def _view_one(value: Any) -> Any:
    # Offsets are unsigned: of a signed index Numba asks each time whether it counts from the end.
    if isinstance(value, int):
        return np.uint64(value)
    if isinstance(value, array):
        return np.asarray(value)
    return np.array(value, dtype=LAYER) if isinstance(value, list) else value  # of layers
