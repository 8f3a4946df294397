"""The command line: one thin module per command, each imported when it is used.

`main` is the entry. What every command shares stands in `program` (languages, help, lazy commands),
`options` and `faults` (messages and exit codes).
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run bptrace with `arguments` (default: those of the process); return its exit code."""
    from bptrace.cli.program import program

    try:
        program.main(None if arguments is None else list(arguments), prog_name="bptrace")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
