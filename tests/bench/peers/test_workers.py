"""A worker a core trains what one process trains."""

import pytest
import torch

from bench.peers import stacked, workers
from bench.peers.quality import score
from bench.peers.task import Task


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_each_worker_trains_its_share(two_threads):
    task = Task(epochs=1)
    shared = workers.prepare(task, range(4), engine="eager")
    shared.run()
    assert shared.cpu_seconds_elsewhere() > 0
    alone = stacked.prepare(task, range(4))
    alone.run()
    found = [score(networks, task).test_mse for networks in shared.networks()]
    expected = [score(networks, task).test_mse for networks in alone.networks()]
    assert found == pytest.approx([expected[k] for k in (0, 2, 1, 3)], rel=1e-3)
