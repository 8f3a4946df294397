"""Hashes of blocks that are calculated in other threads."""

from __future__ import annotations

import threading
from hashlib import sha256
from random import Random

import pytest

from bptrace.store.hashing import Hashing


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "bptrace-hash"]


def test_pieces_of_many_blocks_keep_their_order():
    random, hashing = Random(3), Hashing()
    begun = [random.randbytes(random.randint(0, 40)) for _ in range(7)]
    running = [hashing.begin(raw) for raw in begun]
    parts = [[raw] for raw in begun]
    for _ in range(300):
        block, piece = random.randrange(7), random.randbytes(random.randint(1, 9000))
        running[block].update(memoryview(piece))
        parts[block].append(piece)
    hashing.wait()
    found = [block.hexdigest() for block in running]
    assert found == [sha256(b"".join(pieces)).hexdigest() for pieces in parts]
    running[0].update(memoryview(b"and on"))
    hashing.close()
    assert running[0].hexdigest() == sha256(b"".join(parts[0]) + b"and on").hexdigest()


@pytest.mark.parametrize("begin", [False, True])
def test_threads_end(begin):
    hashing = Hashing()
    if begin:
        hashing.begin()
    assert bool(threads()) == begin
    hashing.close()
    hashing.close()
    hashing.wait()
    assert not threads()
