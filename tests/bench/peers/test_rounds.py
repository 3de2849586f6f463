from __future__ import annotations

import os

import pytest

from bench.peers.protocol import PEERS
from bench.peers.rounds import run_rounds, seeds_of
from bench.peers.task import Task


def test_one_model_takes_another_seed_each_round_and_a_stack_always_the_same():
    assert [seeds_of(1, index) for index in (-1, 0, 3)] == [[0], [0], [3]]
    assert seeds_of(16, -1) == seeds_of(16, 4) == list(range(16))


@pytest.mark.slow
def test_rounds_run_in_processes_of_their_own_and_leave_the_environment_alone():
    before = dict(os.environ)
    names = ["vaebench-eager-16", "floor-16"]
    found = list(run_rounds(names, Task(epochs=1), rounds=2, threads=1))
    assert os.environ == before
    assert [(m.peer, m.round) for m in found] == [
        ("vaebench-eager-16", 0),
        ("floor-16", 0),
        ("floor-16", 1),
        ("vaebench-eager-16", 1),
    ]
    assert all(m.wall_seconds > 0 and m.cpu_seconds > 0 for m in found)
    assert [len(m.quality) for m in found] == [PEERS["vaebench-eager-16"].models, 0, 0, 16]
    assert found[0].quality == found[3].quality


@pytest.mark.slow
def test_what_goes_wrong_in_a_process_is_raised_here():
    task = Task(epochs=1, train_size=3)
    with pytest.raises(ValueError, match=r"train_size: 3 is not allowed"):
        list(run_rounds(["vaebench-eager-16"], task, rounds=1, threads=1))
