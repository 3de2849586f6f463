"""Members that are measured side by side get the numbers of members measured one by one."""

from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from bench.measure import members
from bench.measure.cohort import CohortWork
from bench.measure.members import measure_members
from bench.measure.reference import load_reference
from bench.plan import SweepSpec, expand, group
from bench.process import ATTEMPTS

SPEC = SweepSpec.model_validate(
    {
        "name": "small",
        "data": {"train_size": 96, "test_size": 32},
        "model": {"hidden": [8]},
        "sweep": {"latent_dim": [2], "kl_weight": [0.1], "seed": list(range(4))},
        "training": {"epochs": 2, "batch_size": 24},
        "metrics": {"probes": False, "geometry": False},
    }
)
IS_CLOCK = {"train_seconds"}


@pytest.fixture
def cohort(monkeypatch):
    monkeypatch.setattr(members, "SIDE_BY_SIDE_FROM", 4)
    data_hash = load_reference(SPEC.data, SPEC.metrics).dataset.content_hash
    (cohort,) = group(expand(SPEC, data_hash))
    return cohort


def kill(pool):
    for process in pool._processes.values():
        process.kill()


@pytest.fixture
def no_workers_stay():
    yield
    members._workers(2).shutdown()
    members._workers.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("no_workers_stay")
def test_side_by_side_gives_the_same_results(cohort):
    alone = CohortWork(SPEC.data, SPEC.metrics, "local")(cohort)
    beside = CohortWork(SPEC.data, SPEC.metrics, "local", processes=2)(cohort)
    assert members._workers.cache_info().currsize == 1  # that is where they were measured
    assert [r.record.config for r in beside] == list(cohort.runs)
    for one, other in zip(alone, beside, strict=True):
        assert one.weights == other.weights
        assert one.record.curves == other.record.curves
        assert {k: v for k, v in one.record.values.items() if k not in IS_CLOCK} == {
            k: v for k, v in other.record.values.items() if k not in IS_CLOCK
        }
        np.testing.assert_equal(dict(one.pictures), dict(other.pictures))


@pytest.mark.slow
@pytest.mark.usefixtures("no_workers_stay")
def test_what_a_process_that_died_had_not_given_back_is_measured_in_others(cohort):
    work = CohortWork(SPEC.data, SPEC.metrics, "local")
    trained = work._trained(cohort, load_reference(SPEC.data, SPEC.metrics))
    found = measure_members(trained, SPEC.data, SPEC.metrics, processes=2)
    first = next(found)
    kill(members._workers(2))
    everything = [first, *found]
    assert [result.record.config for result in everything] == list(cohort.runs)


def test_processes_that_always_die_are_an_error(cohort, monkeypatch):
    started = []

    class Dying:
        def map(self, work, given):
            started.append(len(given))
            raise BrokenProcessPool("a process died")

    dying = lru_cache(maxsize=1)(lambda count: Dying())
    monkeypatch.setattr(members, "_workers", dying)
    with pytest.raises(BrokenProcessPool):
        list(measure_members(cohort.runs, SPEC.data, SPEC.metrics, processes=2))
    assert started == [len(cohort)] * ATTEMPTS
    assert dying.cache_info().currsize == 0  # the next cohort has others


def test_members_are_measured_with_one_thread_of_every_library(cohort, monkeypatch):
    work = CohortWork(SPEC.data, SPEC.metrics, "local")
    trained = work._trained(cohort, load_reference(SPEC.data, SPEC.metrics))[:1]
    threads, measure = [], members.measure

    def watched(*arguments):
        threads.extend(pool["num_threads"] for pool in threadpool_info())
        return measure(*arguments)

    monkeypatch.setattr(members, "measure", watched)
    with threadpool_limits(2):
        list(measure_members(trained, SPEC.data, SPEC.metrics, processes=1))
        assert 2 in [pool["num_threads"] for pool in threadpool_info()]
    assert set(threads) == {1}


def test_few_members_are_measured_here(cohort):
    work = CohortWork(SPEC.data, SPEC.metrics, "local")
    trained = work._trained(cohort, load_reference(SPEC.data, SPEC.metrics))[:2]
    found = list(measure_members(trained, SPEC.data, SPEC.metrics, processes=2))
    assert [result.record.status for result in found] == ["ok", "ok"]
    assert members._workers.cache_info().currsize == 0
