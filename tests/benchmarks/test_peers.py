"""The programs that we are measured against calculate what we calculate, or are found out."""

import numpy as np
import pytest

from benchmarks import goals, peers, speed
from benchmarks.bounds import trajectory
from benchmarks.ours import of
from benchmarks.peers.numpy_matrix import Matrix
from benchmarks.work import Work

WORK = Work((3, 5, 4, 2), batch=4)


@pytest.mark.parametrize("entry", list(peers.installed(quick=True)), ids=lambda entry: entry.name)
@pytest.mark.parametrize("batch", [1, 4])
def test_installed_peers_agree(entry: peers.Entry, batch: int) -> None:
    speed.check(Work((3, 5, 4, 2), batch), entry)


class SlightlyFaster(Matrix):
    """Learns faster by one part in 10⁹: far more than any rounding."""

    def __init__(self, work: Work, steps: int, keep: bool) -> None:
        other = Work(work.widths, work.batch)
        other.eta *= 1 + 1e-9
        super().__init__(other, steps, keep)


class OneSlip(Matrix):
    """Wrong in one number of the record of one step, by 10⁻¹²."""

    def run(self) -> None:
        super().run()
        if len(self.log) > 2:
            self.log[2, -1] += 1e-12


@pytest.mark.parametrize("wrong", [SlightlyFaster, OneSlip])
def test_a_peer_with_other_numbers_is_refused(
    wrong: type[Matrix], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = peers.Entry("wrong", "", "numpy_matrix:Matrix")
    monkeypatch.setattr(peers.Entry, "load", lambda self: wrong)
    with pytest.raises(SystemExit, match="3-5-4-2, batches of 4: wrong calculates other numbers"):
        speed.check(WORK, entry)


def test_the_bound_holds_for_us_and_says_something() -> None:
    values, bounds = trajectory(WORK, 6)
    run = of(WORK, 6, keep=True)
    run.run()
    assert (abs(run.records() - values) <= bounds).all()
    assert bounds.max() < 1e-12
    assert (bounds[0, : WORK.problem.layout.n_parameters] == 0.0).all()  # the first are given


def test_a_ring_ends_where_a_whole_run_ends() -> None:
    whole, ring = of(WORK, 64), of(WORK, 64, keep=True, ring=True)
    ring.times, ring.block = 2, 32
    ring.plan, ring.end = ring.plan._replace(steps=32), 32 * WORK.problem.layout.size
    whole.run()
    ring.run()
    assert np.array_equal(whole.parameters(), ring.parameters())


def test_goals_name_what_is_measured() -> None:
    names = {Work(case.widths, case.batch, 1).name for case in speed.CASES if case.widths[0] < 3}
    names |= {"784-30-10", "784-30-10, batches of 32", "784-256-128-10, batches of 32"}
    known = {entry.name for entry in peers.PEERS}
    for goal in goals.GOALS:
        network, _, what = goal.found.partition(": ")
        assert network in names | {"start", "store", "gradients 784-30-10"}, goal
        if network in names and not what.startswith(("share of", "cost of")):
            assert what.removesuffix(", log") in known, goal
        assert (goal.must >= goal.stretch) == goal.most, goal
        for value in (goal.must, goal.stretch):
            assert goal.reached(value) != "**missed**"
        worse = goal.must * (1.01 if goal.most else 0.99)
        assert goal.reached(worse) == "**missed**"
