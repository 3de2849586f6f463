"""Which executor a device, a number of cohorts and a request lead to."""

import sys

import pytest

import bench.executors.choice as module
from bench.executors import (
    ExecutorError,
    ExecutorRequest,
    LocalExecutor,
    PoolExecutor,
    choose_executor,
    connected,
    measuring_processes,
)


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(module, "usable_cores", lambda: 4)


@pytest.mark.parametrize(
    ("cohorts", "workers", "expected"),
    [(9, None, 4), (3, None, 3), (9, 2, 2), (3, 8, 3)],
    ids=["cores", "cohorts", "asked", "asked too much"],
)
def test_cohorts_on_a_cpu_share_the_cores(cohorts, workers, expected):
    executor = choose_executor("cpu", cohorts, ExecutorRequest(workers=workers))
    assert isinstance(executor, PoolExecutor)
    assert executor.workers == expected
    assert executor.name == "pool"


@pytest.mark.parametrize(("device", "cohorts", "workers"), [
    ("cuda", 9, None), ("cuda", 9, 4), ("cpu", 1, None), ("cpu", 9, 1), ("cpu", 0, None),
])  # fmt: skip
def test_a_gpu_one_cohort_or_one_worker_stay_in_this_process(device, cohorts, workers):
    executor = choose_executor(device, cohorts, ExecutorRequest(workers=workers))
    assert isinstance(executor, LocalExecutor)
    assert executor.name == "local"


@pytest.mark.parametrize(("device", "request_", "expected"), [
    ("cuda", ExecutorRequest(), 4),
    ("cuda", ExecutorRequest(workers=2), 2),
    ("cuda", ExecutorRequest(name="ray"), 1),
    ("cpu", ExecutorRequest(), 1),
])  # fmt: skip
def test_cores_that_training_leaves_idle_measure(device, request_, expected):
    assert measuring_processes(device, request_) == expected


def test_one_core_needs_no_other_process(monkeypatch):
    monkeypatch.setattr(module, "usable_cores", lambda: 1)
    assert isinstance(choose_executor("cpu", 9, ExecutorRequest()), LocalExecutor)


def test_what_is_asked_for_is_what_runs():
    pool = choose_executor("cpu", 1, ExecutorRequest(name="pool"))
    assert isinstance(pool, PoolExecutor)
    assert pool.workers == 1
    assert isinstance(choose_executor("cpu", 9, ExecutorRequest(name="local")), LocalExecutor)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_time_limit_needs_a_process_that_can_be_ended(device):
    executor = choose_executor(device, 1, ExecutorRequest(cohort_seconds=60))
    assert isinstance(executor, PoolExecutor)
    assert (executor.workers, executor.cohort_seconds) == (1, 60)


def test_ray_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    line = r"--executor ray: Ray is not installed; pip install .*\[ray\]"
    with (
        pytest.raises(ExecutorError, match=line),
        connected(ExecutorRequest(name="ray")),
    ):
        pass
