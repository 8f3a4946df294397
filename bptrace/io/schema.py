"""The tables and keys of a problem file: what each is called, may hold and means.

This is the one place for a new key. Reading a file, faults in words and the JSON schema for editors
follow from it (`tables`, `kinds`); what must be there, and what must fit together, is checked in
`network`, `layers`, `names`, `claims` and `problem`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bptrace.io.kinds import (
    AnyOf,
    Bit,
    ListOf,
    Number,
    OneOf,
    Pair,
    Raw,
    ReadAs,
    Switch,
    Text,
    Whole,
)
from bptrace.io.tables import Key, Table, TableOf, TablesOf
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.losses import LOSSES
from bptrace.maths.rules import RULES, Option, option_names
from bptrace.maths.schedules import SCHEDULES
from bptrace.model import LOG_QUANTITIES, ORDERS
from bptrace.notation.dialect import dialect_names

MOST_STEPS: Final = 10**12
"""A step takes at least 50 ns: more would run for more than half a day."""
MOST_NEURONS: Final = 10**9
"""So that sizes multiply without filling the page; what fits into memory is checked later."""
LARGEST_RATE: Final = 1e6
LARGEST_SEED: Final = 2**64 - 1
MOST_POINTS: Final = 1_000_000
"""A generator takes some seconds for so many."""

# ------------------------------------------------------------------------------ kinds of values

TEXT: Final = Text()
NUMBER: Final = Number()
NUMBERS: Final = ListOf(NUMBER)
NAMES: Final = ListOf(TEXT)
SWITCH: Final = Switch()
COUNT: Final = Whole(at_least=1, at_most=MOST_STEPS)
RATE: Final = Number(above=0.0, at_most=LARGEST_RATE)
SEED: Final = Whole(at_least=0, at_most=LARGEST_SEED)
SIGN: Final = OneOf("sign of delta", ("plus", "minus"))
ACTIVATION_NAME: Final = OneOf("activation", ACTIVATIONS.names)
PRINTED: Final = Raw(NUMBER, TEXT)
"""A number as an author prints it, or an equation's: digit for digit, read by `claims`."""


def _option(name: str) -> Key:
    """Return the key of an option of activations; the limits of each are checked in `layers`."""
    owners = [entry for entry in ACTIVATIONS if entry.option == name]
    said = [f"{e.name} ({e.limits[0]:g} to {e.limits[1]:g}, {e.default:g})" for e in owners]
    widest = Number(
        at_least=min(entry.limits[0] for entry in owners),
        at_most=max(entry.limits[1] for entry in owners),
    )
    description = f"Option of {', '.join(said)}: limits and default."
    if name == "slope":
        either = AnyOf("a number, or a formula in quotes", NUMBER, TEXT)
        schema = {"oneOf": [widest.schema, TEXT.schema]}
        more = "Beside a formula: its slope, over x and the output y; derived if left out."
        return Key(name, ReadAs(either, schema), f"{description} {more}")
    return Key(name, ReadAs(NUMBER, widest.schema), description)


# Tables of what few files need: each is imported when a file names an entry of it.


def _methods() -> Sequence[str]:
    from bptrace.maths.initial import INITIALS

    return INITIALS.names


def _delimiters() -> Sequence[str]:
    from bptrace.io.records import DELIMITERS

    return DELIMITERS


def _generators() -> Sequence[str]:
    from bptrace.maths.points import GENERATORS

    return GENERATORS.names


def _datasets() -> Sequence[str]:
    from bptrace.io.datasets import DATASETS

    return DATASETS.names


# --------------------------------------------------------------------------------------- tables

ACTIVATION: Final = Table(
    "ActivationTable",
    "An activation with its option, or an own formula.",
    Key(
        "name",
        ACTIVATION_NAME,
        "Name of the activation: see `bptrace list`.",
        default="",
    ),
    *map(_option, sorted({entry.option for entry in ACTIVATIONS if entry.option})),
    Key(
        "formula",
        TEXT,
        'In place of name: a formula over x, such as "x/(1 + abs(x))", with + - * / ^, exp, ln, '
        "tanh, sqrt, abs, max, min and the activations of the list as functions.",
    ),
    others=ReadAs(NUMBER, {}),
)

INIT: Final = Table(
    "InitTable",
    "Weights drawn at random, the same on every machine; a bias per neuron unless biases = false."
    "\n\n"
    "With one `init` for the whole network the layers draw one after the other from one sequence:\n"
    "first all weights, row by row, then the biases. The `init` of a layer begins its own "
    "sequence.",
    Key(
        "method",
        OneOf("method", _methods),
        "normal and uniform also draw the biases; xavier and he leave them 0.",
        default="",
        required=True,
    ),
    Key(
        "scale",
        RATE,
        "Standard deviation (normal) or bound (uniform); a factor for xavier and he.",
        default=1.0,
    ),
    Key(
        "seed",
        SEED,
        "Start of the random numbers: 0, 1, 2, …",
        default=0,
    ),
)

LAYER: Final = Table(
    "LayerTable",
    "One layer. The first one is the input: it has `names` or `size` and nothing else.",
    Key(
        "size",
        Whole(at_least=1, at_most=MOST_NEURONS),
        "Number of neurons, where they have no names.",
    ),
    Key("names", NAMES, "One name per neuron, each once in the network."),
    Key(
        "activation",
        AnyOf(
            'a name such as "sigmoid", or { name = … }',
            ACTIVATION_NAME,
            TableOf(ACTIVATION),
        ),
        'Name, a table with an option: { name = "step", at_zero = 1 }, or an own formula: '
        '{ formula = "x*tanh(ln(1 + exp(x)))" }.',
    ),
    Key(
        "weights",
        ListOf(NUMBERS),
        "One row per neuron, one column per neuron of the layer before.",
    ),
    Key(
        "biases",
        AnyOf(
            "a number, a list of numbers, true or false",
            NUMBERS,
            SWITCH,
            NUMBER,
            OneOf("kind of biases", ("each", "shared")),
        ),
        "A list: one per neuron. A number: one bias shared by the whole layer. Left "
        'out or false: none. With init: true or "each" (drawn for each neuron, the default), '
        '"shared" (one is drawn) or false.',
    ),
    Key(
        "init",
        TableOf(INIT),
        "Draw the weights of this layer at random, in place of `weights`.",
    ),
    Key(
        "mask",
        ListOf(ListOf(Bit())),
        "Shaped like the weights: 0 (or false) where a connection is missing.",
    ),
    Key(
        "weight_names",
        ListOf(NAMES),
        "Shaped like the weights; default: w1, w2, … row by row, layer by layer.",
    ),
    Key("bias_names", NAMES, "One per bias; default: b1, b2, … layer by layer."),
)

NETWORK: Final = Table(
    "NetworkTable",
    "A network of layers: each neuron is connected to those of the layer before.",
    Key(
        "loss",
        OneOf("loss", LOSSES.names),
        "The error E of the outputs: see `bptrace list`.",
        default="half-squared",
    ),
    Key("train_biases", SWITCH, "false: the updates leave the biases alone.", default=True),
    Key("init", TableOf(INIT), "Draw the weights of all layers that give none."),
    Key(
        "layer",
        TablesOf(LAYER),
        "[[network.layer]], from the input to the output.",
        default=(),
        required=True,
    ),
)

SAMPLE: Final = Table(
    "SampleTable",
    "One sample.",
    Key("x", NUMBERS, "Inputs, one per neuron of the first layer.", required=True),
    Key("t", NUMBERS, "Targets, one per neuron of the last layer."),
)

COLUMNS: Final = ListOf(AnyOf("the name of a column, or its number from 1", TEXT, COUNT))

DATA: Final = Table(
    "DataTable",
    "Samples from a CSV file, a generator or a data set, in place of [[sample]].",
    Key("file", TEXT, "A CSV file; its path is relative to this file."),
    Key("inputs", COLUMNS, "Columns of the inputs; default: all that are no targets."),
    Key("targets", COLUMNS, "Columns of the targets; [] for none."),
    Key("header", SWITCH, "Whether the first line has names; default: if it has no numbers."),
    Key(
        "delimiter",
        OneOf("delimiter", _delimiters),
        "What stands between two cells; default: found in the first lines.",
    ),
    Key(
        "generator",
        OneOf("generator", _generators),
        "Red and blue points in the plane: see `bptrace list`.",
    ),
    Key("n", Whole(at_least=2, at_most=MOST_POINTS), "Number of points.", default=200),
    Key("noise", Number(at_least=0.0, at_most=LARGEST_RATE), "Standard deviation of their places."),
    Key(
        "dataset",
        OneOf("dataset", _datasets),
        "A data set that comes with scikit-learn: see `bptrace list`.",
    ),
    Key(
        "one_hot",
        SWITCH,
        "true: the column of the targets holds classes, be they numbers. Default: if it is the "
        "only one, and most of its cells are no numbers.",
    ),
    Key(
        "targets_are",
        Pair(NUMBER),
        "[low, high]: targets of an output for other classes, and for its own; [0, 1].",
    ),
    Key("limit", COUNT, "Take only so many rows, the first ones."),
    Key(
        "test",
        Number(at_least=0.0, at_most=1.0),
        "Part of the samples that is kept for a test: 0.2. Which ones follows from the seed.",
        default=0.0,
    ),
    Key("seed", SEED, "Of the points and of the choice for the test: 0, 1, 2, …", default=0),
    Key(
        "standardise",
        SWITCH,
        "true: (x − mean)/deviation of each input, both taken from the samples for training.",
        default=False,
    ),
)

STOP: Final = Table(
    "StopTable",
    "When `bptrace train` ends before its steps are done; other commands do not look at it.",
    Key("error", Number(above=0.0), "As soon as E, mean over the samples of an epoch, is less."),
    Key("patience", COUNT, "When so many epochs have passed without a smaller E than ever before."),
)


def _rule_option(name: str) -> Key:
    """Return the key of an option of rules."""
    owners: list[tuple[str, Option]] = [
        (rule.name, option) for rule in RULES for option in rule.options if option.name == name
    ]
    said = ", ".join(f"{rule} ({option.default:g})" for rule, option in owners)
    option = owners[0][1]
    least = {"above": 0.0} if option.is_positive else {"at_least": 0.0}
    kind = Number(**least, below=option.below)
    return Key(name, kind, f"{option.says[0].upper()}{option.says[1:]}: {said}.")


SCHEDULE: Final = Table(
    "ScheduleTable",
    "How the learning rate changes with the number n of updates (or epochs) done before.",
    Key(
        "name",
        OneOf("schedule", SCHEDULES.names),
        "See `bptrace list`.",
        default="",
        required=True,
    ),
    Key("per", OneOf("unit", ("step", "epoch")), "What n counts.", default="step"),
    Key("factor", Number(above=0.0, at_most=1e6), "Of exponential, step and inverse-time."),
    Key("every", COUNT, "Of step: after so many the rate is multiplied by the factor."),
    Key("end", Number(at_least=0.0, at_most=LARGEST_RATE), "Of linear: the last rate."),
    Key("over", COUNT, "Of linear: how many it takes to get there."),
)

TRAINING: Final = Table(
    "TrainingTable",
    "How the network learns. Without this table: one pass forward and backward, no update.",
    Key(
        "rule",
        OneOf("rule", RULES.names),
        "The learning rule: see `bptrace list`.",
        default="gradient-descent",
    ),
    Key("learning_rate", RATE, "η, the factor of every step.", required=True),
    *map(_rule_option, option_names()),
    Key(
        "weight_decay",
        Number(at_least=0.0, at_most=LARGEST_RATE),
        "λ: λ·w is added to the gradient of each weight (adamw: η·λ·w is taken from the weight).",
    ),
    Key(
        "schedule",
        AnyOf(
            "a table { name = … } or pairs [[1, 0.5], [101, 0.1]]",
            TableOf(SCHEDULE),
            ListOf(NUMBERS),
        ),
        'How the learning rate changes: { name = "exponential", factor = 0.99 }, or pairs of the '
        "first update and its rate.",
    ),
    Key(
        "batch",
        AnyOf('a whole number or "all"', COUNT, OneOf("batch", ("all",))),
        'Samples per update; "all": every one.',
        default=1,
    ),
    Key(
        "order",
        AnyOf(
            'a list of samples, "file" or "shuffled"',
            ListOf(COUNT),
            OneOf("order", ORDERS),
        ),
        '"file": as they stand there. "shuffled": each epoch in another order, the same on every '
        "machine. A list: these samples (from 1) again and again, such as [1, 3, 3, 2]; none twice "
        "in a batch.",
        default="file",
    ),
    Key("seed", SEED, "Of the shuffled order: 0, 1, 2, …", default=0),
    Key(
        "reduction",
        OneOf("reduction", ("sum", "mean")),
        "Over the samples of a batch.",
        default="sum",
    ),
    Key("steps", COUNT, "Number of updates; 1."),
    Key("epochs", COUNT, "In place of steps: passes over all samples."),
    Key("stop", TableOf(STOP), "stop = { error = 1e-4, patience = 1000 }: one of them, or both."),
)

LOG: Final = Table(
    "LogTable",
    "What a trace on disk holds in full; everything else is recomputed when it is asked for.",
    Key(
        "quantities",
        ListOf(OneOf("quantity", LOG_QUANTITIES)),
        "Names of quantities; parameters and gradients are those of weights and biases.",
        default=(),
        required=True,
    ),
    Key("every", COUNT, "Of each so many steps the first: 10 is 1, 11, 21 …", default=1),
)

CLAIM: Final = Table(
    "ClaimTable",
    "A number of a hand calculation with more about it.",
    Key(
        "is",
        PRINTED,
        'The number as printed; "" where it is still to be found.',
        required=True,
    ),
    Key("eq", PRINTED, "The author's number of the equation."),
    Key(
        "from",
        Raw(ListOf(PRINTED)),
        "The numbers that the author substituted, in order.",
    ),
    Key("exact", SWITCH, "Compare exactly, not to the printed digits."),
)

BLOCK: Final = Table(
    "BlockTable",
    "Numbers of a hand calculation: every other key is a quantity, its value the number.",
    Key("step", COUNT, "The update, from 1. A quantity with + is its value after it."),
    Key(
        "sample",
        AnyOf('a whole number or "batch"', COUNT, OneOf("sample", ("batch",))),
        'From 1; "batch": all of the step. Default: the first sample of the step.',
    ),
    Key("learning_rate", RATE, "What the author says is used here."),
    Key("delta", SIGN, '"minus" or "plus", for this block.'),
    Key("exact", SWITCH, "Compare exactly, not to the printed digits.", default=False),
    others=Raw(NUMBER, TEXT, TableOf(CLAIM)),
)

PROBLEM: Final = Table(
    "ProblemTable",
    "A backpropagation problem: a network, samples, training, and what others calculated.",
    Key("title", TEXT, "One line.", default=""),
    Key("source", TEXT, "Where it is from: title, author, year.", default=""),
    Key("url", TEXT, "Address of the source.", default=""),
    Key("note", TEXT, "What the source calculates, and what is special.", default=""),
    Key(
        "dialect",
        OneOf("dialect", dialect_names()),
        "How quantities are written, in this file and in the output.",
        default="in-out",
    ),
    Key("delta", SIGN, '"minus": δ is −∂E/∂in in this file.', default="plus"),
    Key("network", TableOf(NETWORK), required=True),
    Key("sample", TablesOf(SAMPLE), "[[sample]], in order; or [data].", default=()),
    Key("data", TableOf(DATA)),
    Key("training", TableOf(TRAINING)),
    Key("log", TableOf(LOG)),
    Key(
        "claims",
        TablesOf(BLOCK, or_one=True),
        "[[claims]]: the hand calculation, in blocks and in its own order.",
        default=(),
    ),
    Key(
        "given",
        TablesOf(BLOCK, or_one=True),
        "Values that the author took as stated; they override computed ones.",
        default=(),
    ),
)

_HOMES: Final = {
    "at the top of the file": PROBLEM,
    "in [network]": NETWORK,
    "in [[network.layer]]": LAYER,
    "in init = { … }": INIT,
    "in [[sample]]": SAMPLE,
    "in [data]": DATA,
    "in [training]": TRAINING,
    "in [log]": LOG,
    "in stop = { … }": STOP,
    "in [[claims]]": BLOCK,
}


def home_of(key: str) -> str:
    """Return in which table a key belongs; "" if in none."""
    return next((home for home, table in _HOMES.items() if key in table.known), "")


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, without what TOML does not have (null)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A problem file of bptrace",
        "$defs": {name: table.schema() for name, table in sorted(PROBLEM.inside().items())},
    } | PROBLEM.schema()
