"""The chaos in a short form, and that it would notice a loss."""

import sys

import pytest
import typer
from typer.testing import CliRunner

from bench.chaos import __main__ as command
from bench.chaos.faults import damage_stores, kill_drivers, kill_workers
from bench.chaos.resume import seconds_to_resume
from bench.chaos.sweep import Sweep, chaos_spec, differing
from bench.executors import ExecutorRequest
from bench.measure.reference import load_reference
from bench.plan import expand, group

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


def test_a_driver_that_ends_by_itself_with_an_error_is_no_kill(whole, expected, tmp_path):
    (tmp_path / "driver-0").mkdir()
    (tmp_path / "driver-0" / "strange").touch()  # no sweep is begun among other files
    with pytest.raises(RuntimeError, match=r"(?s)the driver ended with 1: .*other files"):
        kill_drivers(whole.spec, tmp_path, expected, times=1, within=600.0, seed=0)


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


def test_the_command_prints_what_was_tried_and_what_was_lost(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(command, "chaos_spec", lambda: chaos_spec(latent_dims=1))
    app = typer.Typer()
    app.command()(command.main)
    nothing = ["--driver-kills=0", "--worker-kills=0"]
    few = ["--damages=1", "--finished=10", "--specs=20", "--trained=1"]
    printed = CliRunner().invoke(app, [*nothing, *few])
    assert printed.exit_code == 0
    resumed, laid_out, trained, header, row = printed.stdout.splitlines()
    assert resumed.startswith("resume on 10 finished runs: ")
    assert "0 ended in a trace" in laid_out
    assert "0 ended in a trace" in trained
    assert header.split()[:4] == ["fault", "times", "sweeps", "lost"]
    assert row.startswith("store cut short or a page overwritten ")
    assert row.split()[7:10] == ["1", "1", "0"]


def test_nodes_are_timed_on_warm_workers(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed")
    from bench.chaos.nodes import cohorts_per_second

    monkeypatch.setenv("HOME", str(tmp_path))
    spec = chaos_spec(latent_dims=1, epochs=1)
    runs = expand(spec, load_reference(spec.data, spec.metrics).dataset.content_hash)
    assert cohorts_per_second(1, spec, group(runs)) > 0
