"""Whatever can be wrong with a file is said, and nothing but our own errors comes out."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from bptrace.errors import FileError
from bptrace.io.toml import MAX_BYTES, Document, load, read_bytes


def refused(file: Path | str, limit: int = MAX_BYTES) -> str:
    with pytest.raises(FileError) as caught:
        read_bytes(str(file), limit)
    with pytest.raises(FileError) as again:
        load(str(file), limit)
    if str(file) != "-":
        assert str(again.value) == str(caught.value)
    [fault] = caught.value.faults
    assert fault.file == str(file)
    return str(fault).removeprefix(str(file))


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes("\ufeffa = '中'\r\nb = 1.50\r\n".encode())
    assert read_bytes(str(file)) == "a = '中'\r\nb = 1.50\r\n".encode()
    document = load(str(file))
    assert isinstance(document, Document)
    assert document.data == {"a": "中", "b": 1.5}
    assert document.position(("b",), "value") == (2, 5)


def test_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "problem.toml").touch()
    nearest = tmp_path / "problem.toml"
    assert refused(tmp_path / "porblem.toml") == (
        f": there is no such file. Did you mean {str(nearest)!r}?"
    )
    assert refused(tmp_path / "problem").endswith(f"Did you mean {str(nearest)!r}?")
    assert refused(tmp_path / "xyz") == ": there is no such file. Check the name."
    folder = tmp_path / "no"
    assert refused(folder / "p.toml").endswith(
        f"The folder {str(folder)!r} cannot be opened either."
    )
    assert ": there is no such file" in refused(nearest / "p.toml")
    assert refused("") == "there is no such file. Check the name."


def test_a_directory(tmp_path: Path) -> None:
    assert refused(tmp_path) == (": this is a directory, not a file. Give the name of a TOML file.")
    (tmp_path / "p.toml").touch()
    assert refused(tmp_path).endswith(f"Did you mean {str(tmp_path / 'p.toml')!r}?")
    (tmp_path / "trace.json").touch()
    assert refused(tmp_path).endswith(f"It holds a trace on disk: see 'bptrace show {tmp_path}'.")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*args: object) -> None:  # root may read everything, so chmod would not do
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", deny)
    assert refused("p.toml").startswith(": this file may not be read")


def test_names_that_are_none() -> None:
    with pytest.raises(FileError, match=r"^a\\x00b: this is not a file name"):
        read_bytes("a\0b")
    with pytest.raises(FileError, match="cannot be read"):
        read_bytes("x" * 5000)
    with pytest.raises(FileError, match=r"^\\udcff: there is no such file"):
        read_bytes("\udcff")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    with file.open("wb") as stream:
        stream.truncate(100_000_000)  # a hole: takes no space
    assert refused(file).startswith(": this file is too large: 100.0 MB; at most 10.0 MB are read.")
    assert refused(file, limit=1000).startswith(
        ": this file is too large: 100.0 MB; at most 1000 bytes"
    )
    if Path("/dev/zero").exists():
        with pytest.raises(FileError, match=r"more than 1000 bytes"):
            read_bytes("/dev/zero", limit=1000)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("a = 1".encode("utf-16"), ": this file is UTF-16; expected UTF-8. Save it as UTF-8."),
        ("a = 1".encode("utf-32"), ": this file is UTF-32; expected UTF-8. Save it as UTF-8."),
        (
            "a = 1".encode("utf-16-le"),
            ":1:2: a NUL byte stands at byte 1 (counted from 0); this is no text file. "
            "Was it saved as UTF-16? Save it as UTF-8.",
        ),
        (
            "a = 1\nb = '中文'".encode("gb18030"),
            ":2:6: byte 0xD6 at byte 11 (counted from 0) is not UTF-8. Save the file as UTF-8.",
        ),
        (
            "'中' = 1 # ".encode() + b"\xe4\xb8",
            ":1:11: byte 0xE4 at byte 12 (counted from 0) is not UTF-8. Save the file as UTF-8.",
        ),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, raw: bytes, message: str) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes(raw)
    assert refused(file) == message


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def stdin(raw: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    stdin(b"a = 1")
    assert load("-").data == {"a": 1}
    stdin(b"a = 1")
    with pytest.raises(FileError, match=r"^-: this file is too large: more than 3 bytes"):
        read_bytes("-", limit=3)
    monkeypatch.setattr(sys, "stdin", None)
    assert refused("-") == ": standard input is closed. Give the name of a file."
