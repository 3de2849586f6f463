"""Worker processes: what becomes of a cohort whose worker dies or hangs, and of the others."""

import os
import signal
import time
from multiprocessing import active_children
from threading import Timer

import pytest

from bench.executors import CohortTimeoutError, PoolExecutor, WorkerLostError


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_own_cohort_only(cohorts_of):
    from cohort_functions import DIES, Troubled

    outcomes = list(PoolExecutor(1).run(cohorts_of(DIES, 2), Troubled()))
    assert sorted(outcome.cohort.latent_dim for outcome in outcomes) == [2, DIES]
    for outcome in outcomes:
        if outcome.cohort.latent_dim == DIES:
            assert outcome.results is None
            assert isinstance(outcome.error, WorkerLostError)
            assert str(outcome.error).startswith("3 worker processes died under it")
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


@pytest.mark.slow
def test_workers_killed_as_one_starts_and_as_one_works_cost_nothing(cohorts_of, tmp_path):
    from cohort_functions import DiesOnce

    def kill_one():
        os.kill(active_children()[0].pid, signal.SIGKILL)

    timer = Timer(0.5, kill_one)
    timer.start()
    outcomes = list(PoolExecutor(1).run(cohorts_of(2, 3), DiesOnce(tmp_path / "died")))
    timer.join()
    assert (tmp_path / "died").exists()
    assert sorted(outcome.cohort.latent_dim for outcome in outcomes) == [2, 3]
    assert [outcome.error for outcome in outcomes] == [None, None]


@pytest.mark.slow
def test_a_cohort_past_its_time_is_ended_and_the_others_go_on(cohorts_of):
    from cohort_functions import SLEEPS, Troubled

    began = time.monotonic()
    list(PoolExecutor(1).run(cohorts_of(2), Troubled()))
    limit = round(3 * (time.monotonic() - began))  # what starts in a third of it is timely
    executor = PoolExecutor(1, cohort_seconds=limit)
    late, timely = executor.run(cohorts_of(SLEEPS, 2), Troubled())
    assert isinstance(late.error, CohortTimeoutError)
    assert str(late.error) == f"not finished after {limit} s (--cohort-seconds), and ended"
    assert limit <= late.seconds < 6 * limit
    assert timely.error is None
    assert active_children() == []


@pytest.mark.slow
def test_a_cohort_is_taken_only_when_it_can_begin(cohorts_of):
    from cohort_functions import Troubled

    taken = []

    def counted():
        for cohort in cohorts_of(2, 3, 4):
            taken.append(cohort.latent_dim)
            yield cohort

    outcomes = PoolExecutor(1).run(counted(), Troubled())
    next(outcomes)
    assert taken == [2, 3]  # the next began before the first was handed on
    assert len(list(outcomes)) == 2
