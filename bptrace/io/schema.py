"""The shape and the words of a problem file: one pydantic model per table.

Each table is validated by itself (`Part` marks the tables inside a table), so that a fault in one
hides no fault in another; for the same reason no key is required here. What must be there, and
what must fit together, is checked in `network`, `claims` and `problem`; what is said about a fault
stands in `faults`. From the descriptions editors explain the keys (`json_schema`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    SkipValidation,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from bptrace.errors import suggest
from bptrace.maths.activations import ACTIVATIONS
from bptrace.maths.initial import INITIALS
from bptrace.maths.losses import LOSSES
from bptrace.maths.rules import RULES
from bptrace.notation.dialect import dialect_names

MOST_STEPS: Final = 10**12
"""A step takes at least 50 ns: more would run for more than half a day."""
MOST_NEURONS: Final = 10**9
"""So that sizes multiply without filling the page; what fits into memory is checked later."""
LARGEST_RATE: Final = 1e6
LARGEST_SEED: Final = 2**64 - 1

_T = TypeVar("_T")
Part = Annotated[_T, SkipValidation]
"""A table inside a table; it is in the schema, but validated by itself."""


# ------------------------------------------------------------------------------ kinds of values


def _printable(text: str) -> str:
    """Refuse control characters: a terminal would act upon them."""
    for c in text:
        if not c.isprintable() and c not in "\n\t\u3000\u00a0":
            raise PydanticCustomError("control", f"U+{ord(c):04X}")
    return text


def _switch(value: object) -> bool:
    """Refuse what is neither 0 nor 1 (nor false or true)."""
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise PydanticCustomError("switch", "0 or 1")


def _one_of(kind: str, names: Sequence[str]) -> tuple[AfterValidator, WithJsonSchema]:
    """Return what makes a `str` one of some names, with "did you mean" otherwise."""

    def check(name: str) -> str:
        if name in names:
            return name
        raise PydanticCustomError("unknown", kind, {"hint": suggest(name, names)})

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": list(names)})


def _kinds(expected: str, **types: type | tuple[type, ...]) -> Discriminator:
    """Return what tells the branches of a union apart, by the type of the value."""

    def kind(value: object) -> str | None:
        for tag, of in types.items():
            if isinstance(value, of) and (of is bool or not isinstance(value, bool)):
                return tag
        return None

    return Discriminator(kind, custom_error_type="expected", custom_error_message=expected)


Text = Annotated[str, AfterValidator(_printable)]
Number = Annotated[float, Field(allow_inf_nan=False)]
_FIRST = Field(fail_fast=True)  # enough to know that a list is faulty; `faults` finds the others
Numbers = Annotated[list[Number], _FIRST]
Matrix = Annotated[list[Numbers], _FIRST]
Names = Annotated[list[Text], _FIRST]
NameMatrix = Annotated[list[Names], _FIRST]
Switch = Annotated[Any, AfterValidator(_switch), WithJsonSchema({"enum": [0, 1, True, False]})]
Mask = Annotated[list[Annotated[list[Switch], _FIRST]], _FIRST]

_activation, _activation_enum = _one_of("activation", ACTIVATIONS.names)
_loss, _loss_enum = _one_of("loss", LOSSES.names)
_rule, _rule_enum = _one_of("rule", RULES.names)
_dialect, _dialect_enum = _one_of("dialect", dialect_names())
_method, _method_enum = _one_of("method", INITIALS.names)
_sign, _sign_enum = _one_of("sign of delta", ("plus", "minus"))
_reduction, _reduction_enum = _one_of("reduction", ("sum", "mean"))
_biases, _biases_enum = _one_of("kind of biases", ("each", "shared"))
_batch, _batch_enum = _one_of("batch", ("all",))
_sample, _sample_enum = _one_of("sample", ("batch",))
ActivationName = Annotated[str, _activation, _activation_enum]
SignOfDelta = Annotated[str, _sign, _sign_enum]


# --------------------------------------------------------------------------------------- tables


class Table(BaseModel):
    """A table of the file; a key that is not given, or is faulty, is None or its default."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    _faulty: frozenset[str] = PrivateAttr(default=frozenset())

    def lacks(self, key: str) -> bool:
        """Whether the key is not in the file at all (a faulty one was complained of already)."""
        return key not in self.model_fields_set and key not in self._faulty

    def is_faulty(self, *keys: str) -> bool:
        """Whether one of the keys has a fault."""
        return not self._faulty.isdisjoint(keys)

    def with_faults(self, keys: frozenset[str]) -> None:
        """Note which keys were left out because of their faults."""
        self._faulty = keys


def _needs(*keys: str) -> ConfigDict:
    return ConfigDict(json_schema_extra={"required": list(keys)})


def _with_options(schema: dict[str, Any]) -> None:
    """Add the options of all activations to the schema; which belongs to which is checked."""
    schema["required"] = ["name"]
    schema["additionalProperties"] = False
    for option in sorted({entry.option for entry in ACTIVATIONS if entry.option}):
        owners = [entry for entry in ACTIVATIONS if entry.option == option]
        said = [f"{e.name} ({e.limits[0]:g} to {e.limits[1]:g}, {e.default:g})" for e in owners]
        schema["properties"][option] = {
            "type": "number",
            "minimum": min(entry.limits[0] for entry in owners),
            "maximum": max(entry.limits[1] for entry in owners),
            "description": f"Option of {', '.join(said)}: limits and default.",
        }


class ActivationTable(Table):
    """An activation with its option."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_with_options)
    __pydantic_extra__: dict[str, Number]
    name: ActivationName = Field("", description="Name of the activation: see `bptrace list`.")


class InitTable(Table):
    """Weights drawn at random, the same on every machine; a bias per neuron unless biases = false.

    With one `init` for the whole network the layers draw one after the other from one sequence:
    first all weights, row by row, then the biases. The `init` of a layer begins its own sequence.
    """

    model_config = _needs("method")
    method: Annotated[str, _method, _method_enum] = Field(
        "", description="normal and uniform also draw the biases; xavier and he leave them 0."
    )
    scale: float = Field(
        1.0,
        gt=0.0,
        le=LARGEST_RATE,
        allow_inf_nan=False,
        description="Standard deviation (normal) or bound (uniform); a factor for xavier and he.",
    )
    seed: int = Field(
        0, ge=0, le=LARGEST_SEED, description="Start of the random numbers: 0, 1, 2, …"
    )


Biases = Annotated[
    Annotated[Numbers, Tag("as_list")]
    | Annotated[bool, Tag("as_switch")]
    | Annotated[Number, Tag("as_number")]
    | Annotated[str, _biases, _biases_enum, Tag("as_word")],
    _kinds(
        "a number, a list of numbers, true or false",
        as_switch=bool,
        as_number=(int, float),
        as_word=str,
        as_list=list,
    ),
]
ActivationValue = Annotated[
    Annotated[ActivationName, Tag("as_name")] | Annotated[ActivationTable, Tag("as_table")],
    _kinds('a name such as "sigmoid", or { name = … }', as_name=str, as_table=dict),
]


class LayerTable(Table):
    """One layer. The first one is the input: it has `names` or `size` and nothing else."""

    size: int | None = Field(
        None, ge=1, le=MOST_NEURONS, description="Number of neurons, where they have no names."
    )
    names: Names | None = Field(None, description="One name per neuron, each once in the network.")
    activation: ActivationValue | None = Field(
        None, description='Name, or a table with an option: { name = "step", at_zero = 1 }.'
    )
    weights: Matrix | None = Field(
        None, description="One row per neuron, one column per neuron of the layer before."
    )
    biases: Biases | None = Field(
        None,
        description="A list: one per neuron. A number: one bias shared by the whole layer. Left "
        'out or false: none. With init: true or "each" (drawn for each neuron, the default), '
        '"shared" (one is drawn) or false.',
    )
    init: Part[InitTable | None] = Field(
        None, description="Draw the weights of this layer at random, in place of `weights`."
    )
    mask: Mask | None = Field(
        None, description="Shaped like the weights: 0 (or false) where a connection is missing."
    )
    weight_names: NameMatrix | None = Field(
        None, description="Shaped like the weights; default: w1, w2, … row by row, layer by layer."
    )
    bias_names: Names | None = Field(
        None, description="One per bias; default: b1, b2, … layer by layer."
    )


class NetworkTable(Table):
    """A network of layers: each neuron is connected to those of the layer before."""

    model_config = _needs("layer")
    loss: Annotated[str, _loss, _loss_enum] = Field(
        "half-squared", description="The error E of the outputs: see `bptrace list`."
    )
    train_biases: bool = Field(True, description="false: the updates leave the biases alone.")
    init: Part[InitTable | None] = Field(
        None, description="Draw the weights of all layers that give none."
    )
    layer: Part[list[LayerTable] | None] = Field(
        None, description="[[network.layer]], from the input to the output."
    )


class SampleTable(Table):
    """One sample."""

    model_config = _needs("x")
    x: Numbers | None = Field(None, description="Inputs, one per neuron of the first layer.")
    t: Numbers | None = Field(None, description="Targets, one per neuron of the last layer.")


Rate = Annotated[float, Field(gt=0.0, le=LARGEST_RATE, allow_inf_nan=False)]
_Whole = Annotated[int, Field(ge=1, le=MOST_STEPS)]


class TrainingTable(Table):
    """How the network learns. Without this table: one pass forward and backward, no update."""

    model_config = _needs("learning_rate")
    rule: Annotated[str, _rule, _rule_enum] = Field(
        "gradient-descent", description="The learning rule: see `bptrace list`."
    )
    learning_rate: Rate | None = Field(None, description="η, the factor of every step.")
    batch: Annotated[
        Annotated[_Whole, Tag("as_number")] | Annotated[str, _batch, _batch_enum, Tag("as_word")],
        _kinds('a whole number or "all"', as_number=(int, float), as_word=str),
    ] = Field(1, description='Samples per update, in the order of the file; "all": every one.')
    reduction: Annotated[str, _reduction, _reduction_enum] = Field(
        "sum", description="Over the samples of a batch."
    )
    steps: int | None = Field(None, ge=1, le=MOST_STEPS, description="Number of updates; 1.")
    epochs: int | None = Field(
        None, ge=1, le=MOST_STEPS, description="In place of steps: passes over all samples."
    )


class ClaimTable(Table):
    """A number of a hand calculation with more about it."""

    model_config = _needs("is")
    value: Part[float | str | None] = Field(
        None, alias="is", description='The number as printed; "" where it is still to be found.'
    )
    eq: Part[str | float | None] = Field(None, description="The author's number of the equation.")
    operands: Part[list[float | str] | None] = Field(
        None, alias="from", description="The numbers that the author substituted, in order."
    )
    exact: bool | None = Field(None, description="Compare exactly, not to the printed digits.")


class BlockTable(Table):
    """Numbers of a hand calculation: every other key is a quantity, its value the number."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | str | ClaimTable]
    step: _Whole | None = Field(
        None, description="The update, from 1. A quantity with + is its value after it."
    )
    sample: (
        Annotated[
            Annotated[_Whole, Tag("as_number")]
            | Annotated[str, _sample, _sample_enum, Tag("as_word")],
            _kinds('a whole number or "batch"', as_number=(int, float), as_word=str),
        ]
        | None
    ) = Field(
        None, description='From 1; "batch": all of the step. Default: the first sample of the step.'
    )
    learning_rate: Rate | None = Field(None, description="What the author says is used here.")
    delta: SignOfDelta | None = Field(None, description='"minus" or "plus", for this block.')
    exact: bool = Field(False, description="Compare exactly, not to the printed digits.")


class ProblemTable(Table):
    """A backpropagation problem: a network, samples, training, and what others calculated."""

    model_config = _needs("network", "sample")
    title: Text = Field("", description="One line.")
    source: Text = Field("", description="Where it is from: title, author, year.")
    url: Text = Field("", description="Address of the source.")
    note: Text = Field("", description="What the source calculates, and what is special.")
    dialect: Annotated[str, _dialect, _dialect_enum] = Field(
        "in-out", description="How quantities are written, in this file and in the output."
    )
    delta: SignOfDelta = Field("plus", description='"minus": δ is −∂E/∂in in this file.')
    network: Part[NetworkTable | None] = None
    sample: Part[list[SampleTable] | None] = Field(None, description="[[sample]], in order.")
    training: Part[TrainingTable | None] = None
    claims: Part[list[BlockTable] | BlockTable | None] = Field(
        None, description="[[claims]]: the hand calculation, in blocks and in its own order."
    )
    given: Part[list[BlockTable] | BlockTable | None] = Field(
        None, description="Values that the author took as stated; they override computed ones."
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a problem file, for editors that complete and explain keys."""
    schema = _tidy(ProblemTable.model_json_schema(by_alias=True))
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A problem file of bptrace",
    }
    return head | {key: value for key, value in schema.items() if key not in head}


def _tidy(schema: Any) -> Any:
    """Leave out what says nothing in TOML: null, and titles that only repeat the key."""
    if isinstance(schema, list):
        return [_tidy(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: {name: _tidy(entry) for name, entry in value.items()}
        if key in ("properties", "$defs")
        else _tidy(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and not value)
    }
    branches = [entry for entry in kept.get("anyOf", ()) if entry != {"type": "null"}]
    if len(branches) == 1:
        del kept["anyOf"]
        return branches[0] | kept
    return kept | {"anyOf": branches} if branches else kept
