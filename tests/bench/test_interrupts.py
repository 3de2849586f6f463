"""A sweep that is interrupted keeps what finished, and ends like one that was not."""

import json
import os
import signal

import pandas as pd
import pytest
import torch

import bench.pipeline as module
from bench.executors import LocalExecutor
from bench.results import Store

torch.set_num_threads(1)


def measured(table):
    """What must be equal however often a sweep was interrupted."""
    return table.drop(columns=["train_seconds", "cohort_size", "executor"])


class Interrupted(LocalExecutor):
    """Ctrl-C while the second cohort is training."""

    def run(self, cohorts, work):
        yield next(super().run(cohorts, work))
        raise KeyboardInterrupt


def test_an_interrupted_sweep_keeps_what_finished_and_ends_like_one_that_was_not(
    sweep, tmp_path, monkeypatch, spec_of, table_of
):
    spec = spec_of(sweep={"seed": [0, 1]}, metrics={"sample_quality": True})
    with monkeypatch.context() as patch:
        patch.setattr(module, "choose_executor", lambda *arguments: Interrupted())
        with pytest.raises(KeyboardInterrupt):
            sweep(spec)
    with Store(tmp_path / "out" / "results.sqlite", read_only=True) as store:
        done = store.statuses()
    assert list(done.values()) == ["ok"] * 4
    for run_id in done:
        assert (tmp_path / "out" / "artifacts" / run_id / "model.safetensors").is_file()

    outcome, said = sweep(spec)
    assert "4 of 8 runs are there already" in said
    assert (outcome.ok, outcome.failed) == (8, 0)
    sweep(spec, out=tmp_path / "whole")
    continued, whole = (table_of(tmp_path / name) for name in ("out", "whole"))
    pd.testing.assert_frame_equal(measured(continued), measured(whole))
    for run_id in whole.index:
        weights = [
            (tmp_path / name / "artifacts" / run_id / "model.safetensors").read_bytes()
            for name in ("out", "whole")
        ]
        assert weights[0] == weights[1]


def test_an_interrupted_sweep_says_where_what_finished_comes_from(sweep, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "choose_executor", lambda *arguments: Interrupted())
        with pytest.raises(KeyboardInterrupt):
            sweep(command="the first part")
    environment = json.loads((tmp_path / "out" / "environment.json").read_text())
    assert (environment["command"], environment["wall_seconds"]) == ("the first part", None)


def test_ctrl_c_once_finishes_the_cohort_in_flight_and_begins_no_other(
    sweep, tmp_path, monkeypatch, capfd, table_of
):
    class Pressed(LocalExecutor):
        def run(self, cohorts, work):
            def press(cohort):
                os.kill(os.getpid(), signal.SIGINT)
                return work(cohort)

            return super().run(cohorts, press)

    monkeypatch.setattr(module, "choose_executor", lambda *arguments: Pressed())
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        sweep()
    assert table_of(tmp_path / "out").status.tolist() == ["ok"] * 2
    assert "Ctrl-C again stops at once" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_twice_stops_at_once(sweep, tmp_path, monkeypatch, capfd):
    class PressedTwice(LocalExecutor):
        def run(self, cohorts, work):
            def press(cohort):
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)
                raise AssertionError("still at work")

            return super().run(cohorts, press)

    monkeypatch.setattr(module, "choose_executor", lambda *arguments: PressedTwice())
    with pytest.raises(KeyboardInterrupt):
        sweep()
    with Store(tmp_path / "out" / "results.sqlite", read_only=True) as store:
        assert store.statuses() == {}


def test_a_cohort_is_on_disk_before_the_next_one_begins(sweep, tmp_path, monkeypatch):
    seen = []

    class Watching(LocalExecutor):
        def run(self, cohorts, work):
            for outcome in super().run(cohorts, work):
                yield outcome
                with Store(tmp_path / "out" / "results.sqlite", read_only=True) as store:
                    seen.append(sorted(store.statuses().values()))

    monkeypatch.setattr(module, "choose_executor", lambda *arguments: Watching())
    sweep()
    assert seen == [["ok"] * 2, ["ok"] * 4]
