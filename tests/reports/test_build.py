from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from reports import SweepError, build
from reports.freshness import NOTE
from reports.kept import FOLDER
from reports.page import _metric_notes
from reports.sweep import SweepError as FromSweep
from reports.sweep import read_sweep


def test_writes_page_figures_and_tables(default_report):
    report = default_report.parent
    assert default_report.name == "index.html"
    figures = sorted(path.stem for path in (report / "figures").iterdir())
    tables = sorted(path.stem for path in (report / "tables").iterdir())
    assert figures == tables
    assert {"reconstruction", "rate-distortion", "latent-map", "decoded-samples"} <= set(figures)
    assert all(path.suffix == ".png" for path in (report / "figures").iterdir())
    assert sorted(path.name for path in report.rglob(".*")) == [NOTE, FOLDER]


def test_tables_hold_the_numbers_drawn(default_report, default_sweep):
    table = pd.read_csv(default_report.parent / "tables" / "reconstruction.csv")
    runs = pd.read_parquet(default_sweep / "results.parquet").query("status == 'ok'")
    row = table.query("family == 'vae' and latent_dim == 4 and kl_weight == 0.3").iloc[0]
    values = runs.query("objective == 'vae' and latent_dim == 4 and kl_weight == 0.3")["test_mse"]
    assert row["mean"] == pytest.approx(values.mean())
    assert row["n"] == 3
    half = 4.302652729911275 * values.std() / np.sqrt(3)  # t(0.975, 2) of a printed table
    assert row["high"] - row["mean"] == pytest.approx(half)


def test_a_sweep_that_cannot_be_read_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(SweepError, match="not a sweep directory"):
        build(tmp_path)
    assert SweepError is FromSweep
    assert not list(tmp_path.iterdir())


def test_only_skipped_runs_give_a_page_that_says_so(sweep_writer):
    sweep_writer.devices = ()
    page = build(str(sweep_writer.write())).read_text()
    assert "No run finished, so there is nothing to compare." in page
    assert "<figure" not in page
    assert page.count("<td>skipped</td>") == 105


def test_only_failed_runs_give_their_reason(sweep_writer):
    sweep_writer.columns = {"status": "failed", "reason": "loss became NaN at step 17"}
    page = build(sweep_writer.write()).read_text()
    assert "<b>210 failed</b>" not in page
    assert "<b>105 failed</b> on cpu: loss became NaN at step 17" in page


def test_metrics_that_were_left_out_are_said(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (2,), False
    sweep_writer.columns = {"metric_notes": "probes: one class only"}
    sweep = read_sweep(sweep_writer.write())
    notes = _metric_notes(sweep.runs)
    assert notes == ["21 runs: probes: one class only"]


def test_one_run_gives_a_page_without_intervals(sweep_writer):
    sweep_writer.objectives, sweep_writer.latent_dims = ("vae",), (2,)
    sweep_writer.kl_weights, sweep_writer.seeds = (0.1,), (0,)
    sweep_writer.skipped_devices, sweep_writer.pictures = (), False
    page = build(sweep_writer.write()).read_text()
    assert "One seed: no interval." in page
    assert " ± " not in page.replace("mean ± 95", "")
    assert "fewer than two KL weights were run" in page


def test_measurements_of_speed_alone_give_a_page(tmp_path):
    audit = {"arch": "sm_90", "pass": "forward", "dtype": "float32", "latent_dim": 16}
    pd.DataFrame([audit | {"slots_per_element": 35.0}]).to_parquet(
        tmp_path / "kernel_audit.parquet"
    )
    (tmp_path / "kernel_environment.json").write_text('{"command": "python -m bench kernels"}')
    page = build(tmp_path).read_text()
    assert page.count("<figure") == 1
    assert "An element takes at most 35.0 instruction slots." in page
    assert "Time was not yet measured on a GPU." in page
    assert "<dd>python -m bench kernels</dd>" in page
    for of_runs in ('id="verdict"', 'id="runs"', "No run finished", "no environment.json"):
        assert of_runs not in page
    assert (tmp_path / "report" / "tables" / "kernel-slots.csv").is_file()


def test_a_sweep_says_how_to_measure_what_speed_it_lacks(default_report):
    page = default_report.read_text()
    assert "python -m bench kernels --out with this directory measures it" in page
    assert "python -m bench throughput --out with this directory measures it" in page


def test_a_failure_leaves_the_old_page(sweep_writer, monkeypatch):
    sweep_writer.devices = ()
    index = build(sweep_writer.write())
    before = index.read_bytes()

    def fail(*_):
        raise RuntimeError("interrupted")

    monkeypatch.setattr(sys.modules["reports.build"], "render_page", fail)
    with pytest.raises(RuntimeError, match="interrupted"):
        build(sweep_writer.directory)
    assert index.read_bytes() == before


def test_the_package_needs_none_of_the_others():
    program = (
        "import sys, reports.build; "
        "bad = {'torch', 'bench', 'vae_core', 'kernels', 'triton'} & set(sys.modules); "
        "sys.exit(f'imported {bad}' if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
