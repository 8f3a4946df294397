"""Random hand calculations, with and without mistakes: problems, and ways of printing them.

Drawn from a seed, so that rates can be measured on any number of them; who writes them down is the
author of `bptrace.testing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from bptrace.maths.activations import ACTIVATIONS as ALL_ACTIVATIONS
from bptrace.maths.losses import LOSSES, suits
from bptrace.maths.rules import RULES, Rule
from bptrace.maths.schedules import SCHEDULES
from bptrace.model import Layer, Network, Parameters, Problem, Sample, Schedule, Training
from bptrace.testing.author import CARRIED, PRINTED, Author, Style, shown, steps

WIDTHS = ((2, 2, 2), (2, 3, 1), (3, 4, 4, 2))
ACTIVATIONS = ("sigmoid", "tanh", "relu")

# ------------------------------------------------------------------------------------- problems


def problem(rng: Random, widths: tuple[int, ...] | None = None, several: bool = False) -> Problem:
    """Draw a problem whose numbers have two digits; `several`: samples, batches and steps too."""
    widths = rng.choice(WIDTHS) if widths is None else widths
    layers = [Layer(widths[0])]
    for size in widths[1:]:
        biases = rng.choice((1, size)) if several else size
        layers.append(Layer(size, activation=rng.choice(ACTIVATIONS), biases=biases))
    n = rng.randint(1, 3) if several else 1
    training = Training(
        rule="gradient-descent",
        learning_rate=rng.choice((0.5, 0.1, 0.3, 0.25, 0.7, 0.15)),
        batch=rng.randint(1, n),
        reduction=rng.choice(("sum", "mean")),
        steps=rng.randint(1, 2) if several else 1,
    )
    return _filled(rng, Network(tuple(layers)), n, training)


def any_problem(rng: Random, rules: Sequence[Rule] = tuple(RULES)) -> Problem:
    """Draw a problem with whatever the tables have: activations, losses, rules and schedules."""
    rule = rng.choice(rules)
    loss = rng.choice([e for e in LOSSES if e.name != "none" or rule.local is not None])
    widths = rng.choice(WIDTHS)
    layers = [Layer(widths[0])]
    for size in widths[1:]:
        wanted = loss if size == widths[-1] else LOSSES.get("none")
        usual = [e for e in ALL_ACTIVATIONS if suits(wanted, e)]
        single = [e for e in usual if not e.is_of_layer]  # a softmax of one neuron is always 1
        hidden = size != widths[-1] and rng.random() < 0.8
        entry = rng.choice(single if hidden or size == 1 else usual)
        layers.append(Layer(size, activation=entry.name, biases=rng.choice((0, 1, size, size))))
    n = rng.randint(1, 4)
    training = Training(
        rule=rule.name,
        learning_rate=rng.choice((0.5, 0.1, 0.3, 0.05, 0.001, 1.0)),
        batch=rng.randint(1, n),
        reduction=rng.choice(("sum", "mean")),
        steps=rng.randint(1, 3),
        order=rng.choice(("file", "file", "shuffled")),
        options=tuple((o.name, rng.choice(_USUAL[o.name])) for o in rule.options),
        weight_decay=rng.choice((None, None, 0.1, 0.01)) if rule.local is None else None,
        schedule=rng.choice((None, None, None, *_schedules(rng))),
    )
    trains = rule.local is not None or rng.random() < 0.9
    network = Network(tuple(layers), loss.name, train_biases=trains)
    return _filled(rng, network, n, training)


_USUAL = {
    "momentum": (0.9, 0.5, 0.8),
    "decay": (0.9, 0.99),
    "beta1": (0.9, 0.5),
    "beta2": (0.999, 0.9),
    "epsilon": (1e-8, 1e-6, 1e-3),
}
"""What people take for the options of rules."""


def _schedules(rng: Random) -> Iterator[Schedule]:
    """Yield each schedule of the table, by its defaults, and a list of rates."""
    for entry in SCHEDULES:
        yield Schedule(entry.name, entry.options, per_epoch=rng.random() < 0.5)
    yield Schedule(rates=((1, 0.4), (2, 0.2), (3, 0.15)))


def twin(rng: Random, like: Problem) -> Problem:
    """Draw other numbers for the same network, number of samples and training."""
    return _filled(rng, like.network, len(like.samples), like.training)


def _filled(rng: Random, network: Network, samples: int, training: Training) -> Problem:
    def row(n: int) -> tuple[float, ...]:
        return tuple(rng.choice((-1, 1, 1)) * rng.randint(5, 99) / 100 for _ in range(n))

    def targets(n: int) -> tuple[float, ...]:
        """Draw such as the loss is meant for: classes, where it has a logarithm."""
        if LOSSES.get(network.loss).targets[0] == 0.0:
            return tuple(map(float, rng.sample([1] + [0] * (n - 1), n)))
        return row(n)

    layers = list(zip(network.layers, network.layers[1:], strict=False))
    parameters = Parameters(
        tuple(tuple(row(a.size) for _ in range(b.size)) for a, b in layers),
        tuple(row(b.biases) for _, b in layers),
    )
    given = tuple(
        Sample(row(network.widths[0]), targets(network.widths[-1])) for _ in range(samples)
    )
    return Problem(network, parameters, given, training)


# ------------------------------------------------------------------------------ ways of printing


def any_style(rng: Random) -> Style:
    """Draw any way of printing."""
    return Style(
        rng.choice(tuple(PRINTED)),
        rng.randint(2, 10),
        rng.random() < 0.6,
        rng.random() < 0.3,
        rng.choice(CARRIED),
        rng.choice((0.0, 0.0, 0.2, 0.5)),
    )


def correct_pages(seed: int) -> Iterator[tuple[Style, Problem]]:
    """Yield correct hand calculations without end, in every way of printing."""
    rng = Random(seed)
    while True:
        usual = rng.random() < 0.5
        given = problem(rng, several=rng.random() < 0.4) if usual else any_problem(rng)
        style = any_style(rng)
        style = style if usual else replace(style, deltas=rng.random() < 0.4)
        author = Author(given, style, rng, shown(rng, given, style))
        order = steps(given, style.deltas)
        if usual or author.is_sound(order):
            yield style, author.page(order)
