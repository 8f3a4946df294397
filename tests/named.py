"""Hypothesis strategies: problems whose neurons and parameters have names, the odder the better.

Names are unique, as the edge demands; some layers have none, and get those of the dialect,
which are never drawn (the edge refuses files in which two neurons are called the same).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from hypothesis import strategies as st
from strategies import problems

from bptrace.model import Layer, Problem

STEMS = (
    "H{}", "x({})", "隐藏{}", "W1[{},1]", "w11^{}", "a-{}", "σ{}", "输入（{}）", "n {}", "{}号",
    "b·{}", "q{}'", "θ_{}", "d{}", "e{}", "E{}", "in{}", "δ{}", "Δ{}", "{}/d", "∂{}", "k|{}",
)  # fmt: skip
SHORT_STEMS = ("H{}", "隐{}", "W{}", "x({})")


@st.composite
def named(
    draw: st.DrawFn,
    base: st.SearchStrategy[Problem] | None = None,
    stems: tuple[str, ...] = STEMS,
) -> Problem:
    """Draw a problem and names for it, and what its δ means."""
    problem = draw(problems() if base is None else base)
    numbers = count(1)

    def names(size: int) -> tuple[str, ...]:
        return tuple(draw(st.sampled_from(stems)).format(next(numbers)) for _ in range(size))

    layers: list[Layer] = []
    for layer in problem.network.layers:
        if draw(st.booleans()):
            layer = replace(layer, names=names(layer.size))
        if layers and draw(st.booleans()):
            rows = tuple(names(layers[-1].size) for _ in range(layer.size))
            layer = replace(layer, weight_names=rows)
        if draw(st.booleans()):
            layer = replace(layer, bias_names=names(layer.biases))
        layers.append(layer)
    network = replace(problem.network, layers=tuple(layers))
    return replace(problem, network=network, minus_delta=draw(st.booleans()))
