"""Kills, full disks, damage, strangers: a clear error or the same bits, never a wrong number."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from traced import PAGE, content, write

from bptrace import engine, io
from bptrace.store import StoreError, Writer, arrays, files, open_trace, record, resume, sink
from bptrace.store import writer as writers

HERE = Path(__file__).parent


@pytest.mark.ci
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks of a process")
@pytest.mark.parametrize("lives", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_many_times_it_ends_as_if_never_stopped(logged, tmp_path, lives):
    root = HERE.parents[1]
    result = subprocess.run(
        [sys.executable, str(HERE / "killed.py"), logged.file, str(tmp_path), "4", str(lives)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["same"]
    assert found["left"] == []
    assert found["reached"] == sorted(found["reached"])
    assert len(set(found["reached"])) > lives // 2  # it did get on between kills


# -------------------------------------------------------------------------------- nothing is wrong


def damaged_files(folder: Path) -> list[Path]:
    """Every file of a trace whose content counts."""
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != files.LOCK]


def test_any_flipped_bit_is_noticed_and_named(logged, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 1024)
    monkeypatch.setattr(arrays, "TIMES_IN_FULL", 1)
    folder = tmp_path / "trace"
    record(logged, folder, 620, "python").verify()
    random, places = Random(5), damaged_files(folder)
    assert len(places) > 60
    for place in places:
        raw = place.read_bytes()
        if not raw:
            continue
        at = random.randrange(len(raw))
        place.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << random.randrange(8)]) + raw[at + 1 :])
        with pytest.raises(StoreError) as caught:
            open_trace(folder).verify()
        assert place.name in str(caught.value) or "has the format" in str(caught.value), place
        place.write_bytes(raw)
    open_trace(folder).verify()


def test_verify_reads_again_what_was_read_before(problem, tmp_path):
    trace = record(problem, tmp_path / "trace", 1300, "python")
    assert trace.at("w1", 700)
    block = tmp_path / "trace/E/c.0"
    raw = block.read_bytes()
    block.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    with pytest.raises(StoreError, match=r"E/c\.0: this file is damaged"):
        trace.verify()


@pytest.mark.ci
def test_a_missing_file_is_named(logged, tmp_path):
    folder = tmp_path / "trace"
    record(logged, folder, 30, "python")
    for place in damaged_files(folder):
        raw = place.read_bytes()
        place.unlink()
        with pytest.raises(StoreError, match=place.name):
            open_trace(folder).verify()
        place.write_bytes(raw)


def test_a_damaged_block_gives_no_number(problem, tmp_path):
    folder = tmp_path / "trace"
    record(problem, folder, 1300, "python")
    block = folder / "checkpoints/state/c.0.0"
    raw = bytearray(block.read_bytes())
    raw[8] ^= 1
    block.write_bytes(raw)
    with pytest.raises(StoreError, match=r"state/c.0.0: this file is damaged.*steps 0 to 1000"):
        open_trace(folder).at("w1", 700)
    with pytest.raises(StoreError, match="damaged"):
        resume(folder, 1400)


def forge(folder: Path, path: str, raw: bytes) -> None:
    """Change a block that is not full, and all hashes with it."""
    (folder / path).write_bytes(raw)
    info, trace = files.read_info(folder)
    old = files.read_committed(folder, trace)
    tail = files.Tail(old.tails[path].bytes, files.hashed(raw[: old.tails[path].bytes]))
    new = old._replace(tails={**old.tails, path: tail})
    files.replace(folder / files.COMMITTED, new.text())
    assert info.arrays


@pytest.mark.parametrize(
    ("path", "at", "what"),
    [
        ("E/c.0", 8 * 600, "E of step 601"),
        ("checkpoints/state/c.0.0", 13 * 8 * 2, "the checkpoint after step 1000"),
    ],
)
def test_what_is_recomputed_has_to_be_what_is_stored(
    problem, tmp_path, monkeypatch, path, at, what
):
    folder = tmp_path / "trace"
    record(problem, folder, 1300, "python")
    raw = bytearray((folder / path).read_bytes())
    raw[at] ^= 1
    forge(folder, path, bytes(raw))
    with pytest.raises(StoreError, match=f"another number for ({what}).*or this is a bug"):
        open_trace(folder).at("w1", 700)
    monkeypatch.setattr(files, "kernels_hash", lambda: "others")
    with pytest.raises(StoreError, match="with other formulas or kernels wrote it"):
        open_trace(folder).at("w1", 700)
    assert (
        open_trace(folder).stored_errors(0, 500) == engine.run(problem, "python", 500).step_errors
    )


def test_the_state_at_the_end_is_proved_too(problem, tmp_path):
    folder = tmp_path / "trace"
    record(problem, folder, 620, "python")
    info, trace = files.read_info(folder)
    old = files.read_committed(folder, trace)
    files.replace(folder / files.COMMITTED, old._replace(state=files.hashed(b"")).text())
    assert open_trace(folder).at("w1", 500)
    with pytest.raises(StoreError, match="what step 620 left"):
        open_trace(folder).at("w1", 501)
    assert info.interval == 500


def change_info(folder: Path, **changes: object) -> None:
    document = json.loads((folder / files.TRACE).read_bytes()) | changes
    (folder / files.TRACE).write_bytes(arrays.text_of(document))


def test_another_version(problem, tmp_path):
    folder = tmp_path / "trace"
    record(problem, folder, 3, "python")
    change_info(folder, version=2, bptrace="9.9")
    with pytest.raises(
        StoreError, match=r"format 2; .* reads format 1\. Open it with a newer .*9\.9"
    ):
        open_trace(folder)
    with pytest.raises(StoreError, match="format 2"):
        resume(folder)
    change_info(folder, version=0)
    with pytest.raises(StoreError, match="with the bptrace that wrote it"):
        open_trace(folder)


def test_another_arithmetic(problem, tmp_path, monkeypatch):
    folder = tmp_path / "trace"
    errors = record(problem, folder, 3, "python")["E"]
    monkeypatch.setattr(files, "ARITHMETIC", 2)
    stored = open_trace(folder)
    assert (stored["E"] == errors).all()
    for ask in (lambda: stored.at("w1", 2), lambda: resume(folder, 9)):
        with pytest.raises(StoreError, match=r"with the arithmetic 1, this one has 2"):
            ask()


@pytest.mark.parametrize("steps", [1, 2])
def test_a_problem_file_that_was_changed(problem, tmp_path, steps):
    folder = tmp_path / "trace"
    record(problem, folder, steps, "python")
    text = (folder / files.PROBLEM).read_text(encoding="utf-8")
    (folder / files.PROBLEM).write_text(text.replace("0.75", "0.76"), encoding="utf-8")
    with pytest.raises(StoreError, match=r"problem\.toml: this file is damaged, or was changed"):
        open_trace(folder)


def test_the_users_file_may_change_afterwards(problem, tmp_path):
    folder = tmp_path / "trace"
    record(problem, folder, 3, "python")
    Path(problem.file).write_text("", encoding="utf-8")
    assert resume(folder, 5, "python").at("w1", 6) == engine.run(problem, "python", 5).at("w1", 6)


@pytest.mark.parametrize("place", ["points.csv", "../points.csv", "{}/points.csv"])
def test_data_from_a_file_are_copied(tmp_path, place):
    folder = tmp_path / "pages"
    folder.mkdir()
    points = (folder / place.format(tmp_path)).resolve()
    points.write_text("x,y,colour\n0.5,0.2,red\n-1.5,0.1,blue\n-1.0,0.7,red\n", encoding="utf-8")
    samples = PAGE[PAGE.index("[[sample]]") : PAGE.index("[training]")]
    name = place.format(tmp_path)
    table = f'[data]\nfile = "{name}"\ninputs = ["x", "y"]\ntargets = ["colour"]\n'
    problem = write(folder, PAGE.replace(samples, table))
    stored = record(problem, tmp_path / "trace", 30, "python")
    assert stored.problem == problem
    points.unlink()
    assert resume(tmp_path / "trace", 40, "python").at("w1", 41) == (
        engine.run(problem, "python", 40).at("w1", 41)
    )
    copy = tmp_path / "trace/data/points.csv"
    copy.write_text(copy.read_text(encoding="utf-8").replace("0.2", "0.3"), encoding="utf-8")
    with pytest.raises(StoreError, match=r"points\.csv: this file is damaged, or was changed"):
        open_trace(tmp_path / "trace")


def test_data_from_elsewhere_have_to_be_the_same(tmp_path, monkeypatch):
    samples = PAGE[PAGE.index("[[sample]]") : PAGE.index("[training]")]
    table = '[data]\ngenerator = "xor"\nn = 12\n'
    record(write(tmp_path, PAGE.replace(samples, table)), tmp_path / "trace", 30, "python")
    assert open_trace(tmp_path / "trace").at("w1", 31)
    monkeypatch.setattr("bptrace.store.contents.data_hash", lambda problem: "others")
    with pytest.raises(StoreError, match=r"the data of this run \(xor .* are not what they were"):
        open_trace(tmp_path / "trace")


def test_a_problem_that_its_file_does_not_say(problem, tmp_path):
    from dataclasses import replace

    Path(problem.file).write_text(PAGE.replace("0.75", "0.76"), encoding="utf-8")
    with pytest.raises(StoreError, match="no longer says what was read from it"):
        record(problem, tmp_path / "trace")
    with pytest.raises(StoreError, match="not from a file"):
        record(replace(problem, file=""), tmp_path / "trace")
    assert not (tmp_path / "trace").exists()


# ------------------------------------------------------------------------------ where it is written


def test_an_existing_trace_is_not_overwritten(problem, tmp_path):
    folder = tmp_path / "trace"
    record(problem, folder, 3, "python")
    before = content(folder)
    with pytest.raises(StoreError, match=r"there is a trace already.*bptrace resume .*--force"):
        record(problem, folder, 4)
    assert content(folder) == before
    assert record(problem, folder, 4, "python", force=True).steps == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["page.toml", "trace"]


def test_what_is_no_trace_is_never_touched(problem, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").touch()
    for force in (False, True):
        with pytest.raises(StoreError, match="not empty and is no trace"):
            record(problem, folder, 3, force=force)
        with pytest.raises(StoreError, match="this is a file"):
            record(problem, tmp_path / "page.toml", 3, force=force)
    assert [p.name for p in folder.iterdir()] == ["thesis.tex"]


def test_an_empty_directory_and_one_that_is_not_there_yet_will_do(problem, tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "a/b/c"):
        assert record(problem, tmp_path / name, 2, "python").steps == 2


@pytest.mark.parametrize("name", ["nothing", "page.toml", "."])
def test_no_trace(problem, tmp_path, name):
    for ask in (open_trace, resume, Writer):
        with pytest.raises(StoreError, match=r"no such directory|this is a file|is no trace"):
            ask(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["page.toml"]


@pytest.mark.parametrize(
    ("code", "cure"),
    [(errno.EROFS, "read-only"), (errno.EACCES, "may not write here"), (errno.ENOSPC, "space")],
)
def test_a_place_that_cannot_be_written(problem, tmp_path, monkeypatch, code, cure):
    def refuse(self: Path, *args: object, **named: object) -> None:
        raise OSError(code, os.strerror(code), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=f"trace: the trace cannot be written .*{cure}"):
        record(problem, tmp_path / "trace")


def test_a_part_of_the_path_is_a_file(problem, tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        record(problem, tmp_path / "page.toml" / "trace")


def test_two_writers_at_once(problem, tmp_path):
    folder = tmp_path / "trace"
    with Writer.create(problem, folder, 10) as first:
        for ask in (lambda: Writer(folder), lambda: record(problem, folder, 9, force=True)):
            with pytest.raises(StoreError, match="another process is writing this trace"):
                ask()
        first.advance(10, "python")
    assert resume(folder, 11, "python").steps == 11


def test_reading_while_another_writes(problem, tmp_path):
    folder = tmp_path / "trace"
    with Writer.create(problem, folder, 900) as writer:
        writer.advance(700, "python")
        assert open_trace(folder).steps == 0
        writer.commit()
        reader = open_trace(folder)
        assert (reader.steps, reader.goal) == (700, 900)
        writer.advance(200, "python")
        writer.commit()
        assert reader.at("w1", 701) == engine.run(problem, "python", 700).at("w1", 701)


def test_steps_are_never_taken_back(problem, tmp_path):
    record(problem, tmp_path / "trace", 9, "python")
    with pytest.raises(StoreError, match="has 9 steps already, more than 8"):
        resume(tmp_path / "trace", 8)


# ---------------------------------------------------------------------------------------- full disk


def full_after(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    """Let the disk be full after so many pieces of blocks."""
    write, count = sink.Growing._write, 0

    def limited(self: sink.Growing, piece: memoryview) -> None:
        nonlocal count
        count += 1
        if count > pieces:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, piece)

    monkeypatch.setattr(sink.Growing, "_write", limited)


def write_with_commits(folder: Path, goal: int) -> None:
    with Writer(folder, goal) as writer:
        while writer.state.steps < goal:
            writer.advance(300, "python")
            writer.commit()


@pytest.mark.ci
@pytest.mark.parametrize("pieces", [0, 1, 2, 4, 7])
def test_a_full_disk(problem, tmp_path, monkeypatch, pieces):
    folder = tmp_path / "trace"
    record(problem, folder, 100, "python")
    with monkeypatch.context() as patched:
        full_after(patched, pieces)
        with pytest.raises(StoreError, match=r"\(No space left .* up to step \d+, is safe"):
            write_with_commits(folder, 1300)
    assert open_trace(folder).steps in range(100, 1300)
    assert resume(folder, 1300, "python").steps == 1300
    record(problem, tmp_path / "whole", 1300, "python")
    assert content(folder) == content(tmp_path / "whole")


@pytest.mark.ci
@pytest.mark.parametrize("flushes", [0, 3, 7])
def test_a_disk_that_fails_when_it_is_flushed(logged, tmp_path, monkeypatch, flushes):
    folder, left = tmp_path / "trace", [None] * flushes
    record(logged, folder, 100, "python")
    flush = os.fsync

    def failing(handle: int) -> None:
        if not left:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        left.pop()
        flush(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        with pytest.raises(StoreError, match=r"error\)\. .* up to step 100, is safe"):
            write_with_commits(folder, 700)
    assert open_trace(folder).steps == 100
    assert resume(folder, 700, "python").steps == 700
    record(logged, tmp_path / "whole", 700, "python")
    assert content(folder) == content(tmp_path / "whole")


def test_an_error_of_the_thread_reaches_the_one_who_calculates(problem, tmp_path, monkeypatch):
    writer = Writer.create(problem, tmp_path / "trace", 10**6)
    full_after(monkeypatch, 0)
    with pytest.raises(StoreError, match="Free some space"):
        writer.advance(10**6, "python")
    with pytest.raises(StoreError, match="Free some space"):
        writer.close()
    assert open_trace(tmp_path / "trace").steps == 0
    Writer(tmp_path / "trace").close()  # nobody holds the lock


@pytest.mark.skipif(sys.platform != "linux", reason="no advice is given")
def test_a_file_system_that_takes_no_advice(logged, tmp_path, monkeypatch):
    given = []

    def refuse(*arguments: int) -> None:
        given.append(arguments)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(arrays, "BLOCK_BYTES", 1024)
    monkeypatch.setattr(os, "posix_fadvise", refuse)
    record(logged, tmp_path / "trace", 1000, "python").verify()
    assert given


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_a_limit_of_the_system(problem, tmp_path):
    program = (
        "import resource, sys; from bptrace import io, store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: store.record(io.load(sys.argv[1]), sys.argv[2])\n"
        "except store.StoreError as error: print(error)"
    )
    place = str(tmp_path / "trace")
    result = subprocess.run(
        [sys.executable, "-c", program, problem.file, place], capture_output=True, text=True
    )
    assert "cannot be written (File too large). Files may not be that large" in result.stdout
    assert list(tmp_path.glob("trace*")) == []


def test_an_interrupt_between_two_parts_keeps_them(problem, tmp_path):
    def interrupted() -> None:
        with Writer.create(problem, tmp_path / "t", 900) as writer:
            writer.advance(600, "python")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    stored = open_trace(tmp_path / "t")
    assert (stored.steps, stored.goal) == (600, 900)


def test_an_interrupt_at_a_bad_moment_commits_nothing_wrong(problem, tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "HAND_OVER_SECONDS", 60.0)  # not in between, on a slow machine
    writer = Writer.create(problem, tmp_path / "t", 900)
    writer.advance(300, "python")
    writer.commit()
    writer.advance(100, "python")
    writer._pending.clear()  # what an interrupt in the middle of `_hand_over` may cost
    writer._handed = engine.State(400, writer._handed.numbers)
    with pytest.raises(StoreError, match="writing was interrupted; the last steps are not"):
        writer.close()
    assert open_trace(tmp_path / "t").steps == 300
    record(problem, tmp_path / "whole", 900, "python")
    resume(tmp_path / "t", engine="python")
    assert content(tmp_path / "t") == content(tmp_path / "whole")


def test_remains_of_a_kill_in_the_making_are_removed(problem, tmp_path):
    gone = tmp_path / "trace.part-999999999"  # above the largest process number
    gone.mkdir()
    alive = tmp_path / f"trace.part-{os.getppid()}"
    alive.mkdir()
    record(problem, tmp_path / "trace", 1, "python")
    assert not gone.exists()
    assert alive.exists()


def test_the_copy_of_the_file_is_the_file(tmp_path):
    text = PAGE.replace("three samples", "三个样本 – δ")
    problem = write(tmp_path, text)
    record(problem, tmp_path / "trace", 1, "python")
    assert (tmp_path / "trace" / files.PROBLEM).read_text(encoding="utf-8") == text
    example = io.load("lh25-2020")
    assert record(example, tmp_path / "example", 2, "python").problem.claims == example.claims
