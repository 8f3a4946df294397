"""Errors: what they say, what may catch them, and how a command ends on them."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace.errors import (
    BptraceError,
    EngineError,
    Fault,
    FileError,
    ModelError,
    UnknownName,
    suggest,
)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("no layers"), "no layers"),
        (Fault("no layers."), "no layers."),
        (Fault("no layers", "a.toml"), "a.toml: no layers"),
        (Fault("no layers", "a.toml", 3), "a.toml:3: no layers"),
        (Fault("no layers", "a.toml", 3, 7), "a.toml:3:7: no layers"),
        (Fault("no layers", "", 3, 7), "3:7: no layers"),
        (Fault("no layers", hint="Add one."), "no layers. Add one."),
        (Fault("no layers.", "a.toml", 3, hint="Add one."), "a.toml:3: no layers. Add one."),
    ],
)
def test_faults(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_all_faults_of_a_file_are_told() -> None:
    faults = [Fault("one", "a.toml", 1), Fault("two", "a.toml", 2, 5)]
    error = FileError(iter(faults))
    assert error.faults == tuple(faults)
    assert str(error) == "a.toml:1: one\na.toml:2:5: two"


def test_exit_codes() -> None:
    errors = [FileError([]), ModelError(""), UnknownName("kind", "a", ()), BptraceError()]
    assert [error.exit_code for error in errors] == [2, 2, 2, 2]
    assert EngineError().exit_code == 3
    assert all(isinstance(error, BptraceError) for error in [*errors, EngineError()])


def test_an_unknown_name_is_a_lookup_error_that_can_be_read() -> None:
    error = UnknownName("loss", "half-sqared", ["none", "half-squared"])
    assert isinstance(error, LookupError)
    assert (error.kind, error.name, error.known) == (
        "loss", "half-sqared", ("none", "half-squared"))  # fmt: skip
    assert str(error) == "unknown loss 'half-sqared'. Did you mean 'half-squared'?"


@pytest.mark.parametrize(
    "error",
    [UnknownName("loss", "nune", ("none",)), FileError([Fault("one", "a.toml", 1)]),
     ModelError("no sample")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_errors_pass_between_processes(error: BptraceError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)


KNOWN = ("sigmoid", "tanh", "relu", "leaky-relu", "softplus", "identity")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sigmid", "Did you mean 'sigmoid'?"),
        ("Sigmoid", "Did you mean 'sigmoid'?"),
        ("SIGMOID", "Did you mean 'sigmoid'?"),
        ("leaky_relu", "Did you mean 'leaky-relu'?"),
        ("x", "Known: sigmoid, tanh, relu, leaky-relu, softplus, identity."),
        ("", "Known: sigmoid, tanh, relu, leaky-relu, softplus, identity."),
    ],
)
def test_suggestions(name: str, text: str) -> None:
    assert suggest(name, KNOWN) == text


def test_suggestions_keep_the_case_of_what_is_known() -> None:
    assert suggest("o1", ["h1", "O1"]) == "Did you mean 'O1'?"
    assert suggest("O1", ["o1", "O1"]) == "Did you mean 'o1'?"  # equal but for case: the first


def test_long_lists_are_cut() -> None:
    known = [f"neuron {k}" for k in range(1, 31)]
    assert suggest("?", known, most=2) == "Known: neuron 1, neuron 2, … (30 in all)."
    assert suggest("?", known[:2], most=2) == "Known: neuron 1, neuron 2."
    assert suggest("?", ()) == ""
    some = suggest("?", known[:4], most=2, are_all=False)
    assert some == "Known: neuron 1, neuron 2 and more."


@given(st.text(), st.lists(st.text(min_size=1), min_size=1))
def test_a_suggestion_is_always_something_known(name: str, known: list[str]) -> None:
    text = suggest(name, known)
    near = text.removeprefix("Did you mean ").removesuffix("?")
    assert text.startswith("Known: ") or near in map(repr, known)
