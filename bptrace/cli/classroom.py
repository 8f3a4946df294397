"""``bptrace check FILE… --table``: the pages of a class, on all cores."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bptrace.cli import faults, options
from bptrace.cli.check import WRONG
from bptrace.cli.judging import judged
from bptrace.errors import BptraceError, FileError
from bptrace.tuples import NamedTuple

if TYPE_CHECKING:
    from bptrace.checks.paper import Paper

T = TypeVar("T")

FEW = 4
"""So many files are read before other processes would have started (half a second)."""


class Marking(NamedTuple):
    """How pages are judged and written about."""

    out: options.Output
    dialect: str = ""
    digits: int = 10
    float32: bool = False


def mark_class(files: Sequence[str], how: Marking, csv: str | None, as_json: bool) -> int:
    """Print a table of all files; return the exit code. Faulty files do not stop the others."""
    papers = list(marked(files, how))
    if csv:
        from bptrace.export.csv import write_papers

        # with a byte order mark, without which spreadsheets take UTF-8 for something else
        with open(csv, "w", encoding="utf-8-sig", newline="") as file:
            write_papers(papers, file)
    if as_json:
        options.print_json([_document(paper) for paper in papers])
    else:
        from bptrace.render.table import Classroom

        how.out.console().print(Classroom(papers, how.out.words, how.out.ascii))
    if any(paper.faults for paper in papers):
        return faults.FAULTY
    return WRONG if any(paper.mistakes for paper in papers) else 0


def marked(files: Sequence[str], how: Marking) -> Iterator[Paper]:
    """Judge files, many of them on all cores; yield what each comes to, in the order given."""
    yield from on_all_cores(partial(paper, how=how), files)


def on_all_cores(work: Callable[[str], T], files: Sequence[str]) -> Iterator[T]:
    """Do some work on each of many files; yield the results in the order given.

    `work` is a function of a module, or a part of one; it and its results go to other processes
    and back.
    """
    cores = os.cpu_count() or 1
    if len(files) <= FEW or cores == 1 or "-" in files:
        yield from map(work, files)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    done = 0
    with ProcessPoolExecutor(min(cores, len(files)), initializer=_leave_to_parent) as pool:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # for those that are forked now
        try:
            results = pool.map(work, files)
        finally:
            signal.signal(signal.SIGINT, before)
        try:
            for found in results:
                done += 1
                yield found
        except BrokenProcessPool:  # one of them was ended from outside; this one does the rest
            yield from map(work, files[done:])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_to_parent() -> None:
    """Let Ctrl-C be for the first process alone: it drops what is waiting, and speaks for all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def paper(file: str, how: Marking) -> Paper:
    """Judge one file; its faults are told in the result, not raised."""
    from bptrace.checks.paper import Paper

    try:
        return judged(file, how.out, how.dialect, how.digits, how.float32).paper()
    except FileError as error:
        return Paper(file, faults=tuple(_first_line(str(fault)) for fault in error.faults))
    except (BptraceError, OSError) as error:
        return Paper(file, faults=(_first_line(f"{file}: {error}"),))


def _first_line(text: str) -> str:
    """Leave out the excerpt of the file that may follow a fault."""
    return text.partition("\n")[0]


def _document(paper: Paper) -> dict[str, object]:
    if paper.faults:
        return {"file": paper.file, "faults": list(paper.faults)}
    return {
        "file": paper.file,
        "numbers": paper.total,
        "missing": [missing._asdict() for missing in paper.missing],
        "mistakes": [mistake._asdict() for mistake in paper.mistakes],
        "mark": paper.mark,
    }
