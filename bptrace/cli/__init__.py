"""The command line: one thin module per command, each imported when it is used.

`main` is the entry. What every command shares stands in `program` (languages, help, lazy commands),
`options` and `faults` (messages and exit codes).
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run bptrace with `arguments` (default: those of the process); return its exit code."""
    if arguments is None:
        _without_searching_garbage()
    from bptrace.cli.program import program

    try:
        program.main(None if arguments is None else list(arguments), prog_name="bptrace")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _without_searching_garbage() -> None:
    """Let the collector of garbage look less often, and not at all at the end.

    Nothing that a start makes is garbage, yet looking for some took a tenth of ``bptrace run``:
    9 ms of 205 in its course, 15 at its end, for what the process leaves to the system anyway.
    """
    import atexit
    import gc

    gc.set_threshold(200_000, 20, 20)
    atexit.register(gc.freeze)
