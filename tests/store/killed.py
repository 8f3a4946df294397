"""Run by test_survival.py in a process of its own: a recording that is killed again and again.

Its children are forks of a process without threads that has imported everything: a life costs no
start, so that many kills take little time. Prints one JSON document.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from random import Random

from traced import content

from bptrace import io
from bptrace.store import Writer, arrays, contents, files, open_trace, record, resume, writer

arrays.BLOCK_BYTES = 2048  # so that blocks become full between kills
contents.REPLAY_SECONDS = 0.002  # and that there are checkpoints
writer.COMMIT_SECONDS = writer.HAND_OVER_SECONDS = writer.PART_SECONDS = 0.005
FAR = 10**9


def live(page: str, folder: Path) -> None:
    """Record until killed."""
    if not folder.exists():
        with Writer.create(io.load(page), folder, FAR) as new:
            new.advance(FAR, "python")
    resume(folder, FAR, "python")


def main(page: str, place: str, seed: int, lives: int) -> None:
    """Kill so many recordings, finish the last, and compare it with one that was left alone."""
    record(io.load(page), Path(place) / "first", 10, "python")  # imports what children need
    random, folder, reached = Random(seed), Path(place) / "killed", []
    for _ in range(lives):
        child = os.fork()
        if not child:
            live(page, folder)
            os._exit(1)
        if random.random() < 0.7:
            wait_for_commits(folder, random.randint(1, 3))
        time.sleep(random.uniform(0.0, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if folder.exists():
            trace = open_trace(folder)
            trace.at("w1", random.randint(1, trace.steps + 1))  # recomputed and proved
            reached.append(trace.steps)
    goal = reached[-1] + 100
    resume_to(folder, goal)
    whole = Path(place) / "whole"
    with Writer.create(io.load(page), whole, goal) as alone:
        alone.advance(goal, "python")
    open_trace(folder).verify()
    left = [p.name for p in Path(place).iterdir() if ".part-" in p.name]
    same = content(folder) == content(whole)
    print(json.dumps({"reached": reached, "same": same, "left": left}))


def wait_for_commits(folder: Path, count: int) -> None:
    """Wait until there are so many new records: on a busy machine no fixed time gets anywhere."""
    end, old = time.monotonic() + 5, b""
    while count >= 0 and time.monotonic() < end:
        path = folder / files.COMMITTED
        new = path.read_bytes() if path.exists() else b""
        count, old = count - (new != old), new
        time.sleep(0.002)


def resume_to(folder: Path, goal: int) -> None:
    """Finish a run whose goal was far away."""
    with Writer(folder, goal) as last:
        last.advance(goal - last.state.steps, "python")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
