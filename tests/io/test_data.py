"""[data]: what samples it gives, and what it says about files that are wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptrace import io
from bptrace.errors import FileError, ModelError
from bptrace.io import data as io_data
from bptrace.io import datasets
from bptrace.io.records import find_delimiter, records
from bptrace.model import Data, Problem, Sample

HEAD = """\
[network]
init = {{ method = "xavier" }}
[[network.layer]]
size = {n_in}
[[network.layer]]
size = {n_out}
activation = "{activation}"
[data]
{data}
[training]
learning_rate = 0.1
{training}
"""

POINTS = "x,y,colour\n0.5,1,red\n-1,2e-1,blue\n3,4,red\n0,0,blue\n"

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a CSV file and a problem file, and returns the latter."""

    def write(
        data: str,
        csv: str | bytes | None = POINTS,
        n_in: int = 2,
        n_out: int = 1,
        activation: str = "sigmoid",
        training: str = "",
    ) -> str:
        if csv is not None:
            raw = csv if isinstance(csv, bytes) else csv.encode()
            (tmp_path / "points.csv").write_bytes(raw)
        path = tmp_path / "problem.toml"
        path.write_text(
            HEAD.format(data=data, n_in=n_in, n_out=n_out, activation=activation, training=training)
        )
        return str(path)

    return write


def faults(path: str) -> list[str]:
    """Return the faults of a problem file, without the folder that it stands in."""
    with pytest.raises(FileError) as caught:
        io.load(path)
    return [str(fault).replace(f"{Path(path).parent}/", "") for fault in caught.value.faults]


def data_of(problem: Problem) -> Data:
    assert problem.data is not None
    return problem.data


FILE = 'file = "points.csv"\ntargets = ["colour"]'

# ------------------------------------------------------------------------------------------- CSV


def test_columns_by_name(write: Write) -> None:
    problem = io.load(write(FILE))
    assert problem.samples == (
        Sample((0.5, 1.0), (1.0,)),
        Sample((-1.0, 0.2), (0.0,)),
        Sample((3.0, 4.0), (1.0,)),
        Sample((0.0, 0.0), (0.0,)),
    )
    assert problem.data == Data("points.csv", ("x", "y"), ("colour",), ("blue", "red"))
    assert problem.training.steps == 1
    assert problem.learns


def test_the_file_is_found_from_anywhere(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(FILE)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    assert len(io.load("../problem.toml").samples) == 4


@pytest.mark.parametrize(
    "csv",
    [
        "0.5,1,red\n-1,2e-1,blue\n3,4,red\n0,0,blue",
        "0.5;1;red\r\n-1;2e-1;blue\r\n\r\n3;4;red\r\n0;0;blue\r\n",
        "0.5\t1\tred\n-1\t2e-1\tblue\n3\t4\tred\n0\t0\tblue\n",
        "0.5 1 red\n-1 2e-1 blue\n3  4  red\n0 0 blue\n",
        '\ufeff0.5, 1, red\n -1,2e-1 ,blue\n3,4,"red"\n0,0,blue\n',
    ],
    ids=["comma", "semicolon-crlf", "tab", "spaces", "bom-quotes-blanks"],
)
def test_columns_by_number_and_other_ways_to_write(write: Write, csv: str) -> None:
    data = 'file = "points.csv"\ninputs = [1, 2]\ntargets = [3]'
    problem, expected = io.load(write(data, csv)), io.load(write(FILE))
    assert problem.samples == expected.samples
    assert data_of(problem).inputs == ()


def test_one_output_per_class(write: Write) -> None:
    problem = io.load(write(f"{FILE}\ntargets_are = [-1, 0.5]", n_out=2, activation="tanh"))
    assert [sample.t for sample in problem.samples] == [
        (-1.0, 0.5), (0.5, -1.0), (-1.0, 0.5), (0.5, -1.0)
    ]  # fmt: skip


def test_numbers_are_targets_unless_they_are_said_to_be_classes(write: Write) -> None:
    csv = "a,b,y\n1,2,10\n3,4,9\n5,6,8\n"
    columns = 'file = "points.csv"\ntargets = ["y"]'
    problem = io.load(write(columns, csv, activation="identity"))
    assert [sample.t for sample in problem.samples] == [(10.0,), (9.0,), (8.0,)]
    assert data_of(problem).classes == ()
    problem = io.load(write(f"{columns}\none_hot = true", csv, n_out=3))
    assert data_of(problem).classes == ("8", "9", "10")
    assert problem.samples[0].t == (0.0, 0.0, 1.0)
    several = 'file = "points.csv"\ninputs = ["b", "a"]\ntargets = ["y", "a"]'
    problem = io.load(write(several, csv, n_out=2, activation="identity"))
    assert problem.samples[1] == Sample((4.0, 3.0), (9.0, 3.0))


def test_limit_takes_the_first_rows(write: Write) -> None:
    problem = io.load(write(f"{FILE}\nlimit = 3"))
    assert len(problem.samples) == 3
    assert data_of(problem).left_out == 1


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])),
                         min_size=2, max_size=2), min_size=1, max_size=6))  # fmt: skip
def test_records_are_what_was_written(rows: list[list[str]]) -> None:
    quoted = ("|".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    found = [record.cells for record in records("\n".join(quoted), "", "|")]
    assert found == [[c.strip() for c in row] for row in rows if any(c.strip() for c in row)]


def test_lines_count_through_quoted_line_ends() -> None:
    found = list(records('a,b\n"1\n2",3\n\n4,5\n', "", ","))
    assert [record.line for record in found] == [1, 2, 5]
    assert [record.column(1) for record in found] == [3, 0, 3]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("a,b\n1,2\n", ","), ("0,5;1\n2,5;3\n", ";"), ("a b\n", " "), ("a\n1\n", ","), ("", ",")],
)
def test_delimiters_are_found(text: str, delimiter: str) -> None:
    assert find_delimiter(text) == delimiter


# ------------------------------------------------------------------------- test, standardisation


def test_the_split_is_that_of_the_shuffled_order(write: Write) -> None:
    rows = "".join(f"{k},{k}.5,{k % 2}\n" for k in range(10))
    data = 'file = "points.csv"\ntargets = [3]\ntest = 0.25\nseed = 5'
    problem = io.load(write(data, rows))
    training = [int(sample.x[0]) for sample in problem.samples]
    test = [int(sample.x[0]) for sample in data_of(problem).test]
    from bptrace.order import shuffled

    assert test == sorted(shuffled(10, 5, 0)[:3])  # 2.5 is rounded up
    assert training == sorted(set(range(10)) - set(test))


def test_standardised_by_the_samples_for_training(write: Write) -> None:
    rows = "".join(f"{k * k},7,{k % 2}\n" for k in range(9))
    data = 'file = "points.csv"\ntargets = [3]\ntest = 0.3\n'
    plain = io.load(write(data, rows))
    problem = io.load(write(f"{data}standardise = true", rows))
    values = [Fraction(sample.x[0]) for sample in plain.samples]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    found = data_of(problem)
    # n sums of positive numbers, a division: below (n + 1) roundings of 2**-53 each. The variance
    # has two more roundings and twice the error of the mean in it, and the root halves all that.
    n = len(values) + 8
    assert abs(Fraction(found.means[0]) - mean) <= n * Fraction(2) ** -53 * mean
    assert abs(Fraction(found.deviations[0]) ** 2 - variance) <= 8 * n * Fraction(2) ** -53 * (
        variance + mean * mean
    )
    assert (found.means[1], found.deviations[1]) == (7.0, 1.0)
    both = zip((*plain.samples, *data_of(plain).test), (*problem.samples, *found.test), strict=True)
    for before, after in both:
        assert after.x == ((before.x[0] - found.means[0]) / found.deviations[0], 0.0)


def test_a_generator(write: Write) -> None:
    problem = io.load(write('generator = "circle"\nn = 20\ntest = 0.2\nseed = 4', None, n_out=2))
    assert len(problem.samples) == 16
    data = data_of(problem)
    assert (data.classes, len(data.test)) == (("red", "blue"), 4)
    assert data.source == "circle (n = 20, noise = 0, seed = 4)"


# -------------------------------------------------------------------------------------- data sets


@pytest.fixture
def sklearn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like that of scikit-learn's installation, with tiny files."""
    folder = tmp_path / "site" / "datasets" / "data"
    folder.mkdir(parents=True)
    (folder / "iris.csv").write_text("3,2,setosa,virginica\n5.1,3.5,0\n6.4,2.8,1\n4.9,3.0,0\n")
    with gzip.open(folder / "digits.csv.gz", "wt") as file:
        file.write("0,1.5,9.0\n16,2,0.0\n")
    monkeypatch.setattr(datasets, "_folder", lambda: str(tmp_path / "site"))
    return folder


def test_data_sets(write: Write, sklearn: Path) -> None:
    problem = io.load(write('dataset = "iris"', None, n_out=2))
    assert data_of(problem).classes == ("setosa", "virginica")
    assert problem.samples[1] == Sample((6.4, 2.8), (0.0, 1.0))
    problem = io.load(write('dataset = "digits"\nlimit = 1', None, n_out=10))
    assert problem.samples == (Sample((0.0, 1.5), (0.0,) * 9 + (1.0,)),)


def test_a_data_set_that_is_not_there(
    write: Write, sklearn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write('dataset = "wine"', None)
    assert faults(path)[0].startswith(
        "problem.toml:9:11: this scikit-learn has no wine_data.csv that can be read"
    )
    (sklearn / "wine_data.csv").write_text("not,what,a\nwas,expected\n")
    assert "has no wine_data.csv that can be read" in faults(path)[0]
    monkeypatch.undo()
    datasets._folder.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert faults(path) == [
        "problem.toml:9:11: this data set comes with scikit-learn, which is not installed. "
        "Install it: pip install scikit-learn, or pip install 'bptrace[data]'."
    ]
    datasets._folder.cache_clear()


@pytest.mark.parametrize(
    ("name", "rows", "columns", "classes"),
    [("iris", 150, 4, 3), ("breast-cancer", 569, 30, 2), ("digits", 1797, 64, 10),
     ("wine", 178, 13, 3)],
)  # fmt: skip
def test_the_data_sets_of_scikit_learn(name: str, rows: int, columns: int, classes: int) -> None:
    if find_spec("sklearn") is None:  # bptrace reads its files without importing it
        pytest.skip("scikit-learn is not installed")
    names, x, labels = datasets.read_dataset(datasets.DATASETS.get(name))
    assert (len(x), {len(row) for row in x}, len(labels)) == (rows, {columns}, rows)
    assert set(labels) == set(names)
    assert len(names) == classes


# ----------------------------------------------------------------------------------- what is wrong

CASES: dict[str, tuple[str, str | bytes | None, list[str]]] = {
    "cells": (
        FILE,
        "x,y,colour\n1,,red\nn/a,2,blue\n1,nan,red\n\"2,5\",3,red\n1,inf,\n",
        [
            'points.csv:2:3: column "y" is empty; expected a number. '
            "Write the number, or delete the row.",
            'points.csv:3:1: column "x": expected a number, found the text "n/a"',
            'points.csv:4:3: column "y": nan is not a finite number. '
            "Write the number, or delete the row.",
            'points.csv:5: column "x": expected a number, found the text "2,5". '
            "Write 2.5, with a point.",
            'points.csv:6:3: column "y": inf is not a finite number. '
            "Write the number, or delete the row.",
            'points.csv:6:7: column "colour" is empty; expected the name of a class. '
            "Write the class, or delete the row.",
        ],
    ),
    "names": (
        'file = "points.csv"\ninputs = ["X", "z", "x", "x"]\ntargets = ["color"]',
        POINTS,
        [
            'problem.toml:10:11: points.csv has no column "X". Did you mean \'x\'?',
            'problem.toml:10:16: points.csv has no column "z". Known: x, y, colour.',
            "problem.toml:10:26: inputs names column 1 twice. Leave one out.",
            'problem.toml:11:12: points.csv has no column "color". Did you mean \'colour\'?',
        ],
    ),
    "numbers": (
        'file = "points.csv"\ninputs = [1, 4]\ntargets = ["colour"]\nheader = false',
        POINTS,
        [
            "problem.toml:10:14: there is no column 4: points.csv has 3. Columns count from 1.",
            'problem.toml:11:12: there is no column "colour": points.csv has no line with names. '
            "Name columns by their numbers, 1 to 3, or write header = true.",
        ],
    ),
    "ragged": (
        FILE,
        "x,y,colour\n1,2,red\n1,2\n1,2,3,blue\n",
        [
            "points.csv:3: this row has 2 cells, but line 1 has 3. "
            "A cell with a delimiter in it stands in quotes.",
            "points.csv:4: this row has 4 cells, but line 1 has 3. "
            "A cell with a delimiter in it stands in quotes.",
        ],
    ),
    "twice": (
        FILE,
        "x,colour,colour\n1,2,red\n",
        ['problem.toml:10:12: two columns are called "colour": 2 and 3. '
         "Name one of them by its number: 2."],
    ),
    "empty": (FILE, "\n \n", ["problem.toml:9:8: points.csv: this file is empty; expected rows "
                              "of numbers. Write a header and one line per sample."]),
    "only-header": (FILE, "x,y,colour\n",
                    ["problem.toml:9:8: points.csv has no rows. Give it some."]),
    "not-there": (
        'file = "point.csv"\ntargets = []',
        POINTS,
        ["problem.toml:9:8: point.csv: there is no such file. Did you mean 'points.csv'?"],
    ),
    "directory": ('file = "."\ntargets = []', POINTS,
                  ["problem.toml:9:8: .: this is a directory, not a file. "
                   "Did you mean './points.csv'?"]),
    "utf-16": (FILE, POINTS.encode("utf-16"),
               ["problem.toml:9:8: points.csv: this file is UTF-16; expected UTF-8. "
                "Save it as UTF-8."]),
    "latin-1": (FILE, "x,y,colour\n1,2,grün\n".encode("latin-1"),
                ["points.csv:2:7: byte 0xFC at byte 17 (counted from 0) is not UTF-8. "
                 "Save the file as UTF-8."]),
    "quotes": (FILE, 'x,y,colour\n1,2,"red\n',
               ["points.csv:2: this is no CSV (unexpected end of data). "
                'A cell with quotes in it is written "like ""this""".']),
    "one-class": (FILE, "x,y,colour\n1,2,red\n3,4,red\n",
                  ["problem.toml:10:11: there is only one class (red): nothing can be told apart. "
                   "For a column of numbers write one_hot = false; "
                   "else add rows of another class."]),
    "many-classes": (FILE, "x,y,colour\n1,2,red\n3,4,blue\n5,6,green\n",
                     ["problem.toml:10:11: there are 3 classes (blue, green, red), but the last "
                      "layer has 1 neuron. Give it 3 neurons."]),
    "range": ('file = "points.csv"\ntargets = [3]', "1,2,0.5\n3,4,1.5\n5,6,-1\n",
              ["points.csv:2: the target 1.5 is out of reach: sigmoid gives only values from 0 "
               "to 1. Scale the column, or choose another last activation, such as identity.",
               "points.csv:3: the target -1 is out of reach: sigmoid gives only values from 0 "
               "to 1. Scale the column, or choose another last activation, such as identity."]),
    "targets-are": (f"{FILE}\ntargets_are = [-1, 1]", POINTS,
                    ["problem.toml:11:15: the target -1 is out of reach: sigmoid gives only values "
                     "from 0 to 1. Write targets_are = [low, high] with others."]),
    "width": ('file = "points.csv"\ninputs = ["x"]\ntargets = ["colour"]', POINTS,
              ["problem.toml:10:10: the data have 1 input, but the input layer has 2 neurons. "
               "Write one input neuron per column."]),
    "no-targets": ('file = "points.csv"\ninputs = [1, 2]\ntargets = []', POINTS,
                   ["problem.toml:11:11: the data have no targets, but gradient-descent needs "
                    "them. Name the columns of the targets."]),
    "which-targets": ('file = "points.csv"', POINTS,
                      ['problem.toml:8:2: [data] says not which columns are targets. '
                       'Write targets = ["colour"], or targets = [] for none.']),
    "test": (f"{FILE}\ntest = 0.9", POINTS,
             ["problem.toml:11:8: test = 0.9 of 4 samples leaves none for training. "
              "Choose another part, or leave it out."]),
    "no-test": (f"{FILE}\ntest = 0.01", POINTS,
                ["problem.toml:11:8: test = 0.01 of 4 samples leaves none for the test. "
                 "Choose another part, or leave it out."]),
    "two-sources": (f'{FILE}\ngenerator = "spiral"\nn = 10', POINTS,
                    ["problem.toml:11:1: [data] has both file and generator. "
                     "Keep one of the two.",
                     "problem.toml:12:1: n is for data from a generator, not from a file. "
                     "Leave it out."]),
    "no-source": ("test = 0.5", None,
                  ['problem.toml:8:2: [data] says not where the data are. '
                   'Write file = "points.csv", generator = "spiral" or dataset = "iris".']),
    "words": ('generator = "spirale"\nnoise = -1\ntargets_are = [1, 1]\nkolour = 3', None,
              ["problem.toml:9:13: unknown generator \"spirale\". Did you mean 'spiral'?",
               "problem.toml:10:9: noise: expected at least 0, found -1",
               "problem.toml:11:15: targets_are: expected two different numbers. Write [0, 1].",
               'problem.toml:12:1: unknown key "kolour" in [data]. Known: file, inputs, targets, '
               "header, delimiter, generator, n, noise, dataset, one_hot, targets_are, limit, … "
               "(15 in all)."]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_faults_are_told_at_their_place(write: Write, case: str) -> None:
    data, csv, expected = CASES[case]
    assert faults(write(data, csv)) == expected


def test_a_batch_larger_than_the_samples_for_training(write: Write) -> None:
    path = write(f"{FILE}\ntest = 0.5", training="batch = 3")
    assert faults(path) == [
        'problem.toml:14:9: batch = 3, but there are 2 samples. Write at most 2, or "all".'
    ]


def test_both_samples_and_data(write: Write) -> None:
    path = write(FILE, training="[[sample]]\nx = [1, 2]\nt = [0]")
    assert faults(path) == [
        "problem.toml:8:2: the file has both [[sample]] and [data]. Keep one of the two."
    ]


def test_a_huge_file_is_not_read(write: Write, tmp_path: Path) -> None:
    path = write(FILE)
    with open(tmp_path / "points.csv", "r+b") as file:
        file.truncate(10**9)  # a hole: it takes no room
    assert faults(path) == [
        "problem.toml:9:8: points.csv: this file is too large: 1000.0 MB; at most 100.0 MB are "
        "read. Take fewer rows or columns into it."
    ]


def test_too_many_numbers(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bptrace.io.csv_columns.MOST_VALUES", 10)
    assert faults(write(FILE)) == [
        "problem.toml:9:8: points.csv has more than 10 numbers. Take fewer rows: limit = 3."
    ]
    monkeypatch.setattr(io_data, "MOST_VALUES", 10)
    assert "more than 10 numbers" in faults(write('generator = "xor"', None))[0]


def test_hundreds_of_faults_are_cut_off(write: Write) -> None:
    told = faults(write(FILE, "x,y,colour\n" + "a,b,red\n" * 500))
    assert len(told) == 101
    assert told[-1].endswith("there are more faults than these")


# ------------------------------------------------------------------------------------- the model


def test_classes_of_outputs() -> None:
    single, several = Data("", low=-1.0, high=1.0), Data("")
    assert [single.class_of([a]) for a in (-0.1, 0.0, 0.9, float("nan"))] == [0, 1, 1, 0]
    assert [Data("", low=1.0, high=0.0).class_of([a]) for a in (0.9, 0.1)] == [0, 1]
    nan = float("nan")
    assert [several.class_of(a) for a in ([0.1, 0.3, 0.2], [0.3, 0.3], [nan, 0.1])] == [1, 0, 1]


def test_a_model_of_data_is_checked(write: Write) -> None:
    with pytest.raises(ModelError, match="a deviation above 0"):
        Data("", means=(1.0,), deviations=(0.0,))
    problem = io.load(write(FILE))
    from dataclasses import replace

    with pytest.raises(ModelError, match="test sample 1: 1 inputs"):
        replace(problem, data=Data("", test=(Sample((1.0,)),)))


def test_json_says_what_the_data_are(write: Write) -> None:
    from bptrace.engine import run
    from bptrace.export.json import run_document

    problem = io.load(write(f"{FILE}\nstandardise = true\nlimit = 3"))
    document = json.loads(json.dumps(run_document(run(problem))))
    assert list(document) == ["file", "engine", "data", "steps"]
    assert document["data"]["source"] == "points.csv"
    assert document["data"]["means"] == list(data_of(problem).means)
    assert (document["data"]["training"], document["data"]["left_out"]) == (3, 1)
