"""Data sets that come with scikit-learn, read from the files of its installation.

No network, and no import either: finding the package takes a millisecond, importing it a second.

Not responsible for what a problem file asks of them: see `data`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Final

from bptrace.errors import BptraceError
from bptrace.registry import Registry
from bptrace.tuples import NamedTuple

INSTALL: Final = "Install it: pip install scikit-learn, or pip install 'bptrace[data]'."


class Missing(BptraceError):
    """A data set that is not there: what is wrong, and what to do in `hint`."""

    def __init__(self, message: str, hint: str) -> None:
        self.hint = hint
        super().__init__(message)


class Dataset(NamedTuple):
    """One data set: the file of scikit-learn that has it, and where it is from.

    The last column of the file is the class, a whole number. `classes` are their names; without
    them they stand in the first line, after the numbers of rows and of columns. `inputs` are the
    names of the other columns, or the one that they share.
    """

    name: str
    file: str
    about: tuple[str, str]
    source: str
    classes: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


DATASETS: Registry[Dataset] = Registry("dataset")

DATASETS.add(
    Dataset(
        "iris",
        "iris.csv",
        about=("4 lengths of 150 flowers, 3 classes", "150 朵鸢尾花的 4 个长度，3 类"),
        source="Fisher, The Use of Multiple Measurements in Taxonomic Problems (1936)",
        inputs=("sepal length", "sepal width", "petal length", "petal width"),
    )
)
DATASETS.add(
    Dataset(
        "breast-cancer",
        "breast_cancer.csv",
        about=("30 measures of 569 tumours, 2 classes", "569 例肿瘤的 30 个测量值，2 类"),
        source="Street, Wolberg & Mangasarian, Nuclear Feature Extraction (1993)",
    )
)
DATASETS.add(
    Dataset(
        "digits",
        "digits.csv.gz",
        about=(
            "8 by 8 grey values from 0 to 16 of 1797 handwritten digits, 10 classes",
            "1797 个手写数字的 8×8 灰度值（0–16），10 类",
        ),
        source="Alpaydin & Kaynak, Optical Recognition of Handwritten Digits (1998)",
        classes=tuple("0123456789"),
    )
)
DATASETS.add(
    Dataset(
        "wine",
        "wine_data.csv",
        about=(
            "13 chemical measures of 178 wines, 3 classes",
            "178 种葡萄酒的 13 个化学指标，3 类",
        ),
        source="Aeberhard & Forina, Wine (1991)",
    )
)


def read_dataset(dataset: Dataset) -> tuple[tuple[str, ...], list[tuple[float, ...]], list[str]]:
    """Return the names of the classes, the inputs of each row, and the class of each.

    Raises
    ------
    Missing
        If scikit-learn is not installed, or has no such file, or another one of that name.
    """
    lines = _text(dataset.file).split()
    classes = dataset.classes
    if not classes:
        classes = tuple(lines.pop(0).split(",")[2:])
    rows = [line.split(",") for line in lines]
    try:
        inputs = [tuple(map(float, row[:-1])) for row in rows]
        labels = [classes[int(float(row[-1]))] for row in rows]
    except (ValueError, IndexError) as error:
        raise _unreadable(dataset.file, error) from None
    return classes, inputs, labels


def _text(name: str) -> str:
    import gzip  # which only a data set needs

    path = os.path.join(_folder(), "datasets", "data", name)
    try:
        with gzip.open(path) if name.endswith(".gz") else open(path, "rb") as file:
            return file.read().decode("ascii")
    except (OSError, EOFError, ValueError) as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: Exception) -> Missing:
    return Missing(
        f"this scikit-learn has no {name} that can be read ({error})",
        "Install scikit-learn anew, 1.3 or newer.",
    )


@cache
def _folder() -> str:
    """Return the folder of scikit-learn's installation."""
    from importlib.util import find_spec

    spec = find_spec("sklearn")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise Missing("this data set comes with scikit-learn, which is not installed", INSTALL)
    return folders[0]
