"""What the machine can do at most, measured in the same rounds as what is compared with it.

Stores and arithmetic are written in LLVM's own language, a few instructions each, because a
compiler would turn a loop of stores into something else. The numbers go through vectors of eight; a
machine with narrower ones takes several instructions for each.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np

from bptrace.kernels import compiled
from bptrace.kernels.ieee_intrinsics import EXACT
from bptrace.maths.activations import ACTIVATIONS

LANES = 8
UNROLLED = 8
"""Vectors that are stored, or accumulators that are independent of each other, in one turn."""

LOOP = """
define void @{name}(double* %p, i64 %n, i64 %times) {{
entry:
  %start = bitcast double* %p to <8 x double>*
  br label %again
again:
  %r = phi i64 [0, %entry], [%r1, %done]
  br label %turn
turn:
  %k = phi i64 [0, %again], [%k1, %turn]
{body}
  %k1 = add i64 %k, {unrolled}
  %more = icmp ult i64 %k1, %n
  br i1 %more, label %turn, label %done
done:
  %r1 = add i64 %r, 1
  %rest = icmp ult i64 %r1, %times
  br i1 %rest, label %again, label %end
end:
  ret void
}}
!0 = !{{i32 1}}
"""


def _stores(name: str, hint: str) -> str:
    """Return a function that stores a constant into all of n vectors, so many times."""
    value = ", ".join(["double 1.5"] * LANES)
    body = "\n".join(
        f"  %k_{u} = add i64 %k, {u}\n"
        f"  %p_{u} = getelementptr <8 x double>, <8 x double>* %start, i64 %k_{u}\n"
        f"  store <8 x double> <{value}>, <8 x double>* %p_{u}, align 64{hint}"
        for u in range(UNROLLED)
    )
    return LOOP.format(name=name, body=body, unrolled=UNROLLED)


def _arithmetic(name: str) -> str:
    """Return a function of n/8 turns, each a product and a sum in each of 8 accumulators."""
    ones = ", ".join(["double 1.0"] * LANES)
    half = ", ".join(["double 0.5"] * LANES)
    first = "\n".join(
        f"  %a_{u} = phi <8 x double> [<{ones}>, %again], [%s_{u}, %turn]" for u in range(UNROLLED)
    )
    work = "\n".join(
        f"  %m_{u} = fmul <8 x double> %a_{u}, <{half}>\n"
        f"  %s_{u} = fadd <8 x double> %m_{u}, <{ones}>"
        for u in range(UNROLLED)
    )
    last = "\n".join(
        f"  %q_{u} = getelementptr <8 x double>, <8 x double>* %start, i64 {u}\n"
        f"  store <8 x double> %s_{u}, <8 x double>* %q_{u}, align 64"
        for u in range(UNROLLED)
    )
    text = LOOP.format(name=name, body=first + "\n" + work, unrolled=UNROLLED)
    return text.replace("done:\n", "done:\n" + last + "\n")


class Machine:
    """The compiled functions."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=2,
        )
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        texts = {
            "plain": _stores("plain", ""),
            "streaming": _stores("streaming", ", !nontemporal !0"),
            "arithmetic": _arithmetic("arithmetic"),
        }
        for text in texts.values():
            self.engine.add_module(llvm.parse_assembly(text))
        self.engine.finalize_object()
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self.functions = {name: kind(self.engine.get_function_address(name)) for name in texts}


@cache
def machine() -> Machine:
    """Return the functions, compiled once."""
    return Machine()


@cache
def room(n_bytes: int) -> Any:
    """Return so many bytes that have been written to, from a multiple of 64 on."""
    raw = np.ones(n_bytes // 8 + 8)
    return raw[-raw.ctypes.data % 64 // 8 :][: n_bytes // 8]


def stores(n_bytes: int, total: int, streaming: bool = False) -> Callable[[], object]:
    """Return a task that stores `total` bytes, again and again into the same `n_bytes`."""
    place = room(n_bytes)
    function = machine().functions["streaming" if streaming else "plain"]
    vectors, times = n_bytes // (8 * LANES), max(1, total // n_bytes)
    return lambda: function(place.ctypes.data, vectors, times)


def copies(n_bytes: int) -> Callable[[], object]:
    """Return a task that copies half of `n_bytes` to the other half."""
    place = room(n_bytes)
    half = len(place) // 2
    return lambda: np.copyto(place[:half], place[half : 2 * half])


def arithmetic(operations: int) -> Callable[[], object]:
    """Return a task of so many products and sums, no two of them one instruction."""
    place = room(4096)
    vectors = operations // (2 * LANES)
    return lambda: machine().functions["arithmetic"](place.ctypes.data, vectors, 1)


@cache
def _chain() -> Callable[[int], float]:
    """Return the longest path through a 2-2-2 step, and nothing beside it, so many times.

    From the weight to the new weight each operation waits for the one before: product, two sums
    and sigmoid, twice; what was missed times the slope; back through one weight, with a sum, and
    times the slope; times the input, times η, and the difference. The other half of the network
    goes on meanwhile, if a processor can do two things at once.
    """
    sigmoid = ACTIVATIONS.get("sigmoid").f

    @numba.njit(**EXACT)  # type: ignore[untyped-decorator, unused-ignore]
    def chain(steps: int) -> float:
        w = 0.3
        for _ in range(steps):
            hidden = sigmoid(w * 0.1 + 0.2 + 0.5)
            out = sigmoid(0.5 * hidden + 0.3 + 0.6)
            delta = (out - 0.01) * (out * (1.0 - out))
            back = (delta * 0.5 + 0.01) * (hidden * (1.0 - hidden))
            w = w - 0.1 * (back * 0.1)
        return w

    return chain  # type: ignore[no-any-return, unused-ignore]


def chain(steps: int) -> Callable[[], object]:
    """Return a task: the dependent operations of so many steps of 2-2-2."""
    compiled.install()  # makes the sigmoid callable from compiled code
    function = _chain()
    return lambda: function(steps)
