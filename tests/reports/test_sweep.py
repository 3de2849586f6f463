from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.sweep import SamplesError, SweepError, read_sweep


@pytest.fixture
def small(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.kl_weights = (2,), (0.1,)
    return sweep_writer


def test_reads_every_table(small):
    sweep = read_sweep(small.write())
    assert sweep.name == "digits"
    assert sweep.runs["status"].value_counts().to_dict() == {"ok": 6, "skipped": 6}
    assert sweep.environment["cpu_cores"] == 2
    assert set(sweep.curves["run_id"]) == set(sweep.runs.query("status == 'ok'")["run_id"])
    assert sweep.throughput["samples_per_s"].gt(0).all()


def test_nulls_become_nan_in_numbers_and_empty_in_text(small):
    runs = read_sweep(small.write()).runs
    autoencoders = runs[runs["objective"] == "ae"]
    assert autoencoders["kl_weight"].isna().all()
    assert set(runs.loc[runs["status"] == "ok", "reason"]) == {""}


def test_infinite_metrics_count_as_missing(small):
    small.columns = {"test_mse": np.inf}
    assert read_sweep(small.write()).runs["test_mse"].isna().all()


def test_only_the_results_are_required(tmp_path):
    row = {"run_id": "a", "status": "ok", "objective": "vae", "latent_dim": 4, "test_mse": 0.1}
    pd.DataFrame([row]).to_parquet(tmp_path / "results.parquet")
    sweep = read_sweep(tmp_path)
    assert sweep.name == tmp_path.name
    assert sweep.curves.empty
    assert sweep.throughput.empty
    assert sweep.runs["prior_coverage"].isna().all()
    assert sweep.runs["test_mse"].tolist() == [0.1]


def test_refuses_a_directory_without_results(tmp_path):
    with pytest.raises(SweepError, match=r"not a sweep directory: it has no results\.parquet"):
        read_sweep(tmp_path)


def test_refuses_results_that_are_not_parquet(tmp_path):
    (tmp_path / "results.parquet").write_text("torn")
    with pytest.raises(SweepError, match=r"results\.parquet: cannot be read as Parquet"):
        read_sweep(tmp_path)


def test_refuses_an_unknown_status(small):
    small.columns = {"status": "done"}
    with pytest.raises(SweepError, match="status 'done' is unknown; allowed: ok, failed, skipped"):
        read_sweep(small.write())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("spec.toml", "name =", r"spec\.toml: not TOML"),
        ("environment.json", "{", r"environment\.json: not JSON"),
        ("environment.json", "[1]", r"environment\.json: a flat object is wanted, not list"),
    ],
)
def test_refuses_broken_text_files(small, name, text, message):
    directory = small.write()
    (directory / name).write_text(text)
    with pytest.raises(SweepError, match=message):
        read_sweep(directory)


@pytest.mark.parametrize("name", ["spec.toml", "environment.json"])
def test_refuses_files_that_are_no_text(small, name):
    directory = small.write()
    (directory / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SweepError, match=rf"{name}: cannot be read as text"):
        read_sweep(directory)


def test_arrays_come_in_the_order_asked(small):
    sweep = read_sweep(small.write())
    codes, originals = sweep.arrays("vae-2-0.1-0-cpu", "codes", "originals")
    assert codes.shape == (360, 2)
    assert originals.dtype == np.uint8


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "cannot be read"),
        (lambda path: path.write_text("no archive"), "cannot be read"),
        (lambda path: np.savez(path, other=np.zeros(1)), "has no array codes"),
    ],
    ids=["absent", "torn", "no archive", "array absent"],
)
def test_says_what_is_wrong_with_pictures(small, spoil, message):
    sweep = read_sweep(small.write())
    spoil(sweep.directory / "artifacts" / "vae-2-0.1-0-cpu" / "samples.npz")
    with pytest.raises(SamplesError, match=rf"artifacts/vae-2-0\.1-0-cpu/samples\.npz {message}"):
        sweep.arrays("vae-2-0.1-0-cpu", "codes")
