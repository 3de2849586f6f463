from __future__ import annotations

import pandas as pd
import pytest

from reports.figures.devices import device_agreement
from reports.figures.figure import Missing
from reports.study import main_study
from reports.sweep import read_sweep


def test_differences_are_paired_by_configuration_and_seed(sweep_writer):
    sweep_writer.devices, sweep_writer.skipped_devices = ("cpu", "cuda"), ()
    sweep_writer.latent_dims, sweep_writer.pictures = (8,), False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet").sample(frac=1.0, random_state=0)
    runs.loc[runs["device"] == "cuda", "test_mse"] *= 1.01
    runs.to_parquet(directory / "results.parquet")
    figure = device_agreement(main_study(read_sweep(directory)))
    mse = runs[runs["device"] == "cpu"].set_index("run_id")["test_mse"]
    percent = 100 * 0.01 * mse / mse.mean()
    rows = figure.data[figure.data["metric"] == "test MSE"]
    assert sorted(rows["difference_percent"]) == pytest.approx(sorted(percent))
    assert "coverage 0 % (at most 0 %)" in figure.finding


def test_one_device_has_nothing_to_agree_with(default_sweep):
    answer = device_agreement(main_study(read_sweep(default_sweep)))
    assert answer == Missing(answer.title, "runs finished on one device only")
