"""Whole processes: pipes, colours, encodings, and how long it takes to start."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ROOT_COMMAND = [sys.executable, "-m", "bptrace"]


def _bptrace(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    dropped = ("NO_COLOR", "FORCE_COLOR", "LC_ALL", "LANG", "PYTHONIOENCODING", "PYTHONUTF8")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return subprocess.run(
        [*ROOT_COMMAND, *arguments],
        env=kept | {"COLUMNS": "80", "LC_ALL": "C.UTF-8"} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("command", [["run", "lh25-2020"], ["list", "activations"]])
def test_no_colour_in_a_pipe(command: list[str]) -> None:
    result = _bptrace(*command)
    assert result.returncode == 0
    assert "∂" in result.stdout.decode() or "∞" in result.stdout.decode()
    assert b"\x1b" not in result.stdout


def test_colour_if_forced_and_not_with_no_color() -> None:
    forced = _bptrace("explain", "lh25-2020", "dE/dw5", "--depth", "0", FORCE_COLOR="1")
    assert b"\x1b[36m" in forced.stdout
    refused = _bptrace(
        "explain", "lh25-2020", "dE/dw5", "--depth", "0", FORCE_COLOR="1", NO_COLOR="1"
    )
    assert b"\x1b[36m" not in refused.stdout


_ASCII_STREAMS = {
    "PYTHONIOENCODING": {"PYTHONIOENCODING": "ascii"},
    "locale": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("environment", _ASCII_STREAMS.values(), ids=list(_ASCII_STREAMS))
def test_a_stream_without_unicode_gets_ascii(environment: dict[str, str]) -> None:
    result = _bptrace("run", "lh25-2020", **environment)
    assert (result.returncode, result.stderr) == (0, b"")
    text = result.stdout.decode("ascii")
    assert "dE/dw5" in text
    assert r"BP\u795e\u7ecf" in text  # the source's title has no ASCII: escaped, not lost


def test_messages_survive_a_stream_without_unicode() -> None:
    result = _bptrace("run", "没有.toml", PYTHONIOENCODING="ascii")
    assert result.returncode == 2
    assert result.stderr.startswith(rb"\u6ca1\u6709.toml: ")


def test_json_survives_a_stream_without_unicode() -> None:
    result = _bptrace("list", "dialects", "--json", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"\\u2202" in result.stdout


@pytest.mark.skipif(os.name != "posix", reason="head and pipes of a shell")
@pytest.mark.parametrize(
    "command",
    [
        ["run", "schiendorfer-batch"],
        ["run", "schiendorfer-batch", "--json"],
        ["schema"],
        ["--help"],
    ],
)
def test_a_closed_pipe_is_no_error(command: list[str]) -> None:
    process = subprocess.Popen(
        [*ROOT_COMMAND, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()


@pytest.mark.skipif(os.name != "posix", reason="closes streams by the shell")
@pytest.mark.parametrize(
    ("shell", "code"),
    [("run lh25-2020 >&-", 0), ("list --json >&-", 0), ("run missing.toml 2>&-", 2)],
)
def test_streams_that_are_closed_from_the_start(shell: str, code: int) -> None:
    command = f'"{sys.executable}" -m bptrace {shell}'
    result = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (code, b"", b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_a_fault_and_no_bug() -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [*ROOT_COMMAND, "run", "lh25-2020"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert result.returncode == 2
    assert result.stderr == b"error: No space left on device\n"


def test_module_and_version() -> None:
    from bptrace import __version__

    result = _bptrace("--version")
    assert (result.returncode, result.stdout) == (0, f"bptrace {__version__}\n".encode())


def test_help_imports_nothing_large() -> None:
    probe = (
        "import sys; from bptrace.cli import main; status = main(['--help']); "
        "print(sorted({n.partition('.')[0] for n in sys.modules} & "
        "{'rich', 'numpy', 'numba'}), status)"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True)
    assert result.stdout.splitlines()[-1] == b"[] 0"
