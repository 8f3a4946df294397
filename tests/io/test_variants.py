"""The same file with another number of hidden neurons."""

from __future__ import annotations

import pytest

from bptrace.errors import FileError
from bptrace.io.problem import read_problem
from bptrace.io.toml import parse
from bptrace.io.variants import with_hidden

DRAWN = """\
[network]
init = { method = "normal", seed = 3 }
[[network.layer]]
names = ["x", "y"]
[[network.layer]]
names = ["h1", "h2", "h3"]
activation = "tanh"
bias_names = ["c1", "c2", "c3"]
weight_names = [["a", "b"], ["c", "d"], ["e", "f"]]
[[network.layer]]
size = 4
activation = "sigmoid"
[[network.layer]]
names = ["o"]
activation = "sigmoid"
[[sample]]
x = [1, 0]
t = [1]
[training]
rule = "gradient-descent"
learning_rate = 0.5
[[claims]]
"out_h3" = 0.5
"""


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_the_first_hidden_layer_has_as_many_neurons_as_asked_for(n: int) -> None:
    problem = with_hidden(parse(DRAWN, "mine.toml"), n)
    assert problem.network.widths == (2, n, 4, 1)
    assert problem.claims == ()
    assert problem.network.layers[1].activation == "tanh"
    assert problem.network.layers[3].names == ("o",)


def test_with_its_own_number_nothing_is_drawn_differently() -> None:
    document = parse(DRAWN, "mine.toml")
    assert with_hidden(document, 3).parameters == read_problem(document).parameters
    assert read_problem(document).network.widths == (2, 3, 4, 1)  # the document is as it was


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size = 4\n", "size = 4\nweights = [[1,2,3],[1,2,3],[1,2,3],[1,2,3]]\n",
         r"mine.toml:12:1: the weights of this layer are given"),
        ("bias_names", "biases = [1, 2, 3]\nbias_names",
         r"mine.toml:8:1: the biases of this layer are given.*init = "),
    ],
)  # fmt: skip
def test_given_numbers_cannot_be_drawn(old: str, new: str, message: str) -> None:
    with pytest.raises(FileError, match=message):
        with_hidden(parse(DRAWN.replace(old, new), "mine.toml"), 2)


def test_a_network_without_hidden_layer_is_refused() -> None:
    text = DRAWN.replace('[[network.layer]]\nsize = 4\nactivation = "sigmoid"\n', "")
    start, end = (
        text.index('[[network.layer]]\nnames = ["h1"'),
        text.index('[[network.layer]]\nnames = ["o"'),
    )
    bare = (text[:start] + text[end:]).partition("[[claims]]")[0]
    with pytest.raises(FileError, match="the network has no hidden layer"):
        with_hidden(parse(bare, "mine.toml"), 2)


def test_faults_of_the_file_come_first() -> None:
    with pytest.raises(FileError, match="gradient-decent"):
        with_hidden(parse(DRAWN.replace("gradient-descent", "gradient-decent"), "mine.toml"), 2)


def test_too_many_neurons_are_refused_before_they_are_made() -> None:
    with pytest.raises(FileError, match="would take"):
        with_hidden(parse(DRAWN, "mine.toml"), 99_999_999)
