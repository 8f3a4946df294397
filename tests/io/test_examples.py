"""The bundled examples are found by name, wherever the program is called from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from bundled import LOADABLE

from bptrace import io
from bptrace.errors import FileError
from bptrace.io.load import read_document

ROOT = Path(__file__).resolve().parents[2]
TITLE = "A 2-2-2 network by hand"


def test_examples_are_listed_with_title_and_path() -> None:
    listed = io.examples()
    assert [entry.name for entry in listed] == sorted(entry.name for entry in listed)
    assert {entry.path for entry in listed} == set((ROOT / "traces").glob("*/problem.toml"))
    assert all(entry.title for entry in listed)


def test_titles_are_those_of_the_files() -> None:
    for entry in io.examples():
        if entry.name in LOADABLE:
            assert entry.title == io.load(entry.name).title


def test_example_is_loaded_by_name_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    problem = io.load("lh25-2020")
    assert problem.title == TITLE
    assert problem.file == str(ROOT / "traces" / "lh25-2020" / "problem.toml")


def test_a_file_wins_over_an_example_and_a_folder_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lh25-2020").mkdir()
    assert io.load("lh25-2020").title == TITLE
    (tmp_path / "lh25-2020").rmdir()
    (tmp_path / "lh25-2020").write_text('title = "my own"\n', encoding="utf-8")
    assert read_document("lh25-2020").data == {"title": "my own"}


def test_unknown_name_suggests_examples_and_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = "there is no such file, and no example of that name"
    assert message("qqqq") == f"qqqq: {start}. See `bptrace list` for the examples."
    assert message("lh25-202") == f"lh25-202: {start}. Did you mean 'lh25-2020'?"
    (tmp_path / "mine.toml").write_text("", encoding="utf-8")
    assert message("mine") == f"mine: {start}. Did you mean 'mine.toml'?"
    (tmp_path / "lh25-2021.toml").write_text("", encoding="utf-8")
    assert message("lh25-2021") == (
        f"lh25-2021: {start}. Did you mean 'lh25-2020' or the file 'lh25-2021.toml'?"
    )


@pytest.mark.parametrize("source", ["lh25-2020.toml", "./lh25-2020", "traces/lh25"])
def test_what_looks_like_a_path_is_no_name(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message(source).startswith(f"{source}: there is no such file.")


def test_examples_of_an_installed_package_lie_inside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what lies beside it (some other package called traces) is not looked at."""
    package = tmp_path / "bptrace"
    shutil.copytree(ROOT / "traces" / "lh25-2020", package / "traces" / "inside")
    shutil.copytree(ROOT / "traces" / "lh25-2020", tmp_path / "traces" / "beside")
    (package / "io").mkdir()
    monkeypatch.setitem(io.examples.__globals__, "__file__", str(package / "io" / "examples.py"))
    assert [entry.name for entry in io.examples()] == ["inside"]
    shutil.rmtree(package / "traces")
    assert [entry.name for entry in io.examples()] == ["beside"]
    shutil.rmtree(tmp_path / "traces")
    assert io.examples() == ()


def test_a_file_without_a_title_is_listed_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"a": b"", "b": b"\xff\xfe", "c": b"title = 1", "d": b'title = "x'}.items():
        folder = tmp_path / "bptrace" / "traces" / name
        folder.mkdir(parents=True)
        (folder / "problem.toml").write_bytes(text)
    package = str(tmp_path / "bptrace" / "io" / "examples.py")
    monkeypatch.setitem(io.examples.__globals__, "__file__", package)
    assert [(entry.name, entry.title) for entry in io.examples()] == [(n, "") for n in "abcd"]


def message(source: str | os.PathLike[str]) -> str:
    with pytest.raises(FileError) as caught:
        io.load(source)
    return str(caught.value)
