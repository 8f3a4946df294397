"""From exceptions to messages on standard error and exit codes: nothing ends in a traceback.

2: the file or the command line is faulty. 3: bptrace itself is. 130: interrupted. 141: the reader
of a pipe went away, which shells report by this number (128 + SIGPIPE); 1 would mean a wrong claim.
"""

from __future__ import annotations

import os
import sys

import click

from bptrace.errors import BptraceError, FileError

FAULTY, BUG, INTERRUPTED, PIPE_CLOSED = 2, 3, 130, 141


def report(error: BaseException, language: str = "en") -> int:
    """Say on standard error what went wrong; return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        _say("\n")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _abandon_stdout()
        return PIPE_CLOSED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _say(error.format_message() + "\n")
    elif isinstance(error, FileError):  # file:line:column in front, as editors know it
        _say("".join(f"{fault}\n" for fault in error.faults))
    else:
        _say(_labelled(_message(error), language))
    if _debugging():
        import traceback

        _say("".join(traceback.format_exception(error)))
    return _code(error)


def _code(error: BaseException) -> int:
    if isinstance(error, BptraceError | click.ClickException):
        return error.exit_code if isinstance(error, BptraceError) else FAULTY
    return FAULTY if isinstance(error, MemoryError | OSError) else BUG


def _message(error: BaseException) -> str:
    """Return what went wrong in one line."""
    if isinstance(error, BptraceError):
        return " ".join(str(error).split("\n"))
    if isinstance(error, click.UsageError):
        return _usage_error(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, MemoryError):
        return "there is not enough memory. Take fewer steps (--steps) or a smaller network"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    return _bug(error)


def _usage_error(error: click.UsageError) -> str:
    message = error.format_message()
    if error.ctx is None:
        return message
    stop = "" if message[-1:] in ".?" else "."
    return f"{message}{stop} '{error.ctx.command_path} --help' shows what is possible"


def _bug(error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    what = " ".join(str(error).split())
    return (
        f"this is a bug in bptrace, not in your file: {type(error).__name__}{place}"
        f"{': ' + what if what else ''}. BPTRACE_DEBUG=1 shows where it came from"
    )


def _labelled(line: str, language: str) -> str:
    """Put "error:" in front, red on a terminal."""
    label = "错误：" if language == "zh" else "error: "
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        label = click.style(label.rstrip(), fg="red", bold=True) + label[len(label.rstrip()) :]
    return label + line + "\n"


def remark(text: str) -> None:
    """Say something beside the results: on standard error, so that pipes stay clean."""
    _say(f"{text}\n")


def _say(text: str) -> None:
    """Write to standard error; signs that it cannot encode are escaped, a closed one is left."""
    try:
        encoding = sys.stderr.encoding or "utf-8"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stderr.flush()
    except (OSError, ValueError):  # ValueError: the stream is closed
        pass


def _abandon_stdout() -> None:
    """Let what is left in the buffer go nowhere, or Python complains about it at exit."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass


def _debugging() -> bool:
    return os.environ.get("BPTRACE_DEBUG", "0") not in ("", "0")
