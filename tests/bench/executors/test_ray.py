"""A Ray cluster of two nodes: workers that die, nodes that are lost, cohorts that never end."""

import os
from threading import Timer

import pytest

from bench.executors import (
    CohortTimeoutError,
    ExecutorError,
    ExecutorRequest,
    RayExecutor,
    WorkerLostError,
    choose_executor,
    connected,
    worker_count,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("two_nodes")]


def test_a_cohort_a_cpu_of_the_cluster():
    request = ExecutorRequest(name="ray")
    assert worker_count("cpu", request) == 2
    assert isinstance(choose_executor("cpu", 1, request), RayExecutor)


def test_what_no_node_has_is_one_line(cohorts_of):
    with pytest.raises(ExecutorError, match=r"no node of the cluster has 1 CPU and 1 GPU$"):
        list(RayExecutor("cuda").run(cohorts_of(2), print))


def test_a_cluster_that_this_process_belongs_to_stays(two_nodes):
    import ray

    with connected(ExecutorRequest(name="ray")):
        pass
    assert ray.is_initialized()


def test_cohorts_run_elsewhere_and_a_worker_that_dies_once_costs_nothing(cohorts_of, tmp_path):
    from cohort_functions import DiesOnce

    outcomes = list(RayExecutor("cpu").run(cohorts_of(2, 3, 4), DiesOnce(tmp_path / "died")))
    assert (tmp_path / "died").exists()
    assert sorted(outcome.cohort.latent_dim for outcome in outcomes) == [2, 3, 4]
    reasons = {result.record.reason for outcome in outcomes for result in outcome.results}
    assert f"process {os.getpid()}" not in reasons


def test_a_worker_that_dies_always_costs_its_own_cohort_only(cohorts_of):
    from cohort_functions import DIES, Troubled

    outcomes = {
        o.cohort.latent_dim: o for o in RayExecutor("cpu").run(cohorts_of(DIES, 2), Troubled())
    }
    assert isinstance(outcomes[DIES].error, WorkerLostError)
    assert str(outcomes[DIES].error).startswith("3 workers or their nodes were lost under it (")
    assert outcomes[2].error is None


def test_a_cohort_past_its_time_is_ended_and_the_others_go_on(cohorts_of):
    from cohort_functions import SLEEPS, Troubled

    executor = RayExecutor("cpu", cohort_seconds=25)
    outcomes = {o.cohort.latent_dim: o for o in executor.run(cohorts_of(SLEEPS, 2, 3), Troubled())}
    assert isinstance(outcomes[SLEEPS].error, CohortTimeoutError)
    assert [outcomes[2].error, outcomes[3].error] == [None, None]


def test_stopping_the_iteration_frees_the_cluster(cohorts_of):
    from cohort_functions import SLEEPS, Troubled

    outcomes = RayExecutor("cpu").run(cohorts_of(2, SLEEPS), Troubled())
    assert next(outcomes).cohort.latent_dim == 2
    outcomes.close()
    assert len(list(RayExecutor("cpu").run(cohorts_of(2, 3), Troubled()))) == 2


def test_a_lost_node_costs_nothing(cohorts_of, two_nodes):
    from cohort_functions import Slow

    node = two_nodes.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    two_nodes.wait_for_nodes()
    lose = Timer(4.0, two_nodes.remove_node, [node], {"allow_graceful": False})
    lose.start()
    outcomes = list(RayExecutor("cpu").run(cohorts_of(2, 3, 4, 5), Slow(6.0)))
    lose.join()
    assert sorted(outcome.cohort.latent_dim for outcome in outcomes) == [2, 3, 4, 5]
    assert [outcome.error for outcome in outcomes] == [None] * 4
