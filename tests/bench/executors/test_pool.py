"""Worker processes: largest cohorts first, and what becomes of the others when one worker dies."""

import os
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children

import pytest

import bench.executors.pool as module
from bench.executors import PoolExecutor


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_own_cohort_only(cohorts_of):
    from cohort_functions import DIES, Troubled

    outcomes = list(PoolExecutor(1).run(cohorts_of(DIES, 2), Troubled()))
    assert sorted(outcome.cohort.latent_dim for outcome in outcomes) == [2, DIES]
    for outcome in outcomes:
        if outcome.cohort.latent_dim == DIES:
            assert outcome.results is None
            assert isinstance(outcome.error, BrokenProcessPool)
        else:
            assert outcome.error is None
            (process,) = {result.record.reason for result in outcome.results}
            assert process != f"process {os.getpid()}"
    assert active_children() == []


@pytest.mark.slow
def test_stopping_the_iteration_ends_the_workers_at_once(cohorts_of):
    from cohort_functions import SLEEPS, Troubled

    outcomes = PoolExecutor(1).run(cohorts_of(2, SLEEPS, 3), Troubled())
    assert next(outcomes).cohort.latent_dim == 2  # while the next would take ten minutes
    assert active_children() != []
    outcomes.close()
    assert active_children() == []


def test_the_largest_cohorts_come_first(cohorts_of, monkeypatch):
    """With a pool that does not start processes."""
    started = []

    class Future:
        def __init__(self, cohort):
            self.cohort = cohort

        def result(self):
            return [], 1.5

    class Pool:
        def __init__(self, workers, context, initializer):
            started.append(workers)

        def submit(self, function, work, cohort):
            started.append(len(cohort))
            return Future(cohort)

        def shutdown(self, **options):
            pass

    monkeypatch.setattr(module, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(module, "wait", lambda running, return_when: (list(running), []))
    (small,) = cohorts_of(2)
    large = type(small)(small.runs * 2)
    outcomes = list(PoolExecutor(8).run([small, large], lambda cohort: []))
    assert [outcome.cohort for outcome in outcomes] == [large, small]
    assert {outcome.seconds for outcome in outcomes} == {1.5}
    assert started == [2, 6, 3]  # no more workers than cohorts
