"""The chaos in a short form, and that it would notice a loss."""

import sys

import pytest

from bench.chaos.faults import damage_stores, kill_drivers, kill_workers
from bench.chaos.resume import seconds_to_resume
from bench.chaos.sweep import Sweep, chaos_spec, differing
from bench.executors import ExecutorRequest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chaos")
    sweep = Sweep(chaos_spec(latent_dims=3), folder / "whole", ExecutorRequest(name="local"))
    sweep.finish()
    return sweep


@pytest.fixture(scope="module")
def expected(whole):
    return whole.results()


def test_a_killed_driver_loses_nothing(whole, expected, tmp_path):
    damage = kill_drivers(whole.spec, tmp_path, expected, times=4, within=2.0, seed=0)
    assert damage.times == 4
    assert (damage.lost, damage.differing) == (0, 0)


def test_a_killed_worker_loses_nothing(whole, expected, tmp_path):
    damage = kill_workers(
        whole.spec, tmp_path, expected, executor="pool", times=2, pause=(2.0, 3.0), seed=0
    )
    assert damage.times >= 2
    assert (damage.lost, damage.differing) == (0, 0)


def test_a_damaged_store_is_kept_and_the_sweep_ends_as_it_must(whole, expected, tmp_path):
    damage = damage_stores(whole, tmp_path, expected, times=2, seed=0)
    assert (damage.lost, damage.differing) == (0, 0)
    assert damage.again > 0


def test_another_result_a_missing_run_and_one_that_is_there_twice_are_seen(expected):
    assert differing(expected, expected) == 0
    assert differing(expected.iloc[1:], expected) == 1
    assert differing(expected.iloc[[0, *range(len(expected))]], expected) == 1
    changed = expected.copy()
    changed.iloc[2, changed.columns.get_loc("test_mse")] *= 1.01
    assert differing(changed, expected) == 1


def test_resuming_finds_every_finished_run(tmp_path):
    laid_out, decided = seconds_to_resume(50, tmp_path)
    assert laid_out > 0
    assert decided > 0
