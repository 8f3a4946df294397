"""The chains of `dispatch` as comparisons in the code of whoever asks.

As nests of closures they compile as well, but Numba takes 40 ms for each closure, of which there is
one for every few functions, and one more for each function that has to be given fewer arguments.

Not responsible for the functions that are chosen: those are compiled as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from bptrace.kernels.dispatch import Chain


def install(chain: Chain) -> None:
    """Make a chain callable from compiled code, if its functions are."""

    class Choice(AbstractTemplate):  # type: ignore[misc, unused-ignore]
        key = chain.function

        def generic(self, arguments: Sequence[Any], _named: object) -> Any:
            """Return the types of a call: the result is the same whatever is chosen."""
            calls = [_call(self.context, f, arguments[1:])[1] for f in chain.functions]
            return signature(calls[0].return_type, *arguments)

    def write(context: Any, builder: Any, typed: Any, arguments: Sequence[Any]) -> Any:
        leaves = []
        for function in chain.functions:
            known, call = _call(context.typing_context, function, typed.args[1:])
            given = arguments[1 : 1 + len(call.args)]
            leaves.append(partial(context.get_function(known, call), builder, given))
        return _choose(builder, arguments[0], leaves, chain.first)

    infer_global(chain.function, types.Function(Choice))
    lower_builtin(chain.function, types.VarArg(types.Any))(write)


def _call(typing: Any, function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Any, Any]:
    """Return how Numba knows a function, and the types of a call with as much as it takes."""
    known = typing.resolve_value_type(function)
    taken = tuple(arguments[: function.__code__.co_argcount])
    return known, typing.resolve_function_type(known, taken, {})


def _choose(builder: Any, code: Any, leaves: Sequence[Callable[[], Any]], first: int) -> Any:
    """Write the comparisons that lead to one of several pieces of code; return its result."""
    if len(leaves) == 1:
        return leaves[0]()
    half = len(leaves) // 2
    middle = first + half
    is_below = builder.icmp_unsigned("<", code, ir.Constant(code.type, middle))
    with builder.if_else(is_below) as (then, otherwise):
        with then:
            below = _choose(builder, code, leaves[:half], first)
            end_of_below = builder.block
        with otherwise:
            above = _choose(builder, code, leaves[half:], middle)
            end_of_above = builder.block
    result = builder.phi(below.type)
    result.add_incoming(below, end_of_below)
    result.add_incoming(above, end_of_above)
    return result
