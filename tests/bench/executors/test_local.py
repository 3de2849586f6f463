"""Cohorts in this process, one after the other."""

import os

import pytest

from bench.executors import LocalExecutor


def test_cohorts_run_in_this_process_in_order(cohorts_of):
    from cohort_functions import Troubled

    outcomes = list(LocalExecutor().run(cohorts_of(5, 2, 9), Troubled()))
    assert [outcome.cohort.latent_dim for outcome in outcomes] == [5, 2, 9]
    reasons = {r.record.reason for outcome in outcomes for r in outcome.results}
    assert reasons == {f"process {os.getpid()}"}


def test_a_cohort_begins_when_the_one_before_is_taken(cohorts_of):
    begun = []

    def work(cohort):
        begun.append(cohort.latent_dim)
        return []

    outcomes = LocalExecutor().run(cohorts_of(2, 3, 4), work)
    assert begun == []
    next(outcomes)
    assert begun == [2]


def test_an_interrupt_is_not_an_error_of_the_cohort(cohorts_of):
    def work(cohort):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(LocalExecutor().run(cohorts_of(2), work))
