from __future__ import annotations

import math

import pandas as pd
import pytest

from reports.metrics import METRICS
from reports.study import Configuration, main_study, select_spread, with_family
from reports.sweep import read_sweep


def study_of(writer):
    return main_study(read_sweep(writer.write()))


def test_only_ok_runs_are_compared(default_sweep):
    study = main_study(read_sweep(default_sweep))
    assert len(study.runs) == 105
    assert study.held == {}
    assert study.latent_dims == [2, 4, 8, 16, 32]
    assert study.kl_weights == [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]


def test_a_second_device_does_not_count_a_seed_twice(sweep_writer):
    sweep_writer.devices, sweep_writer.skipped_devices = ("cpu", "cuda"), ()
    sweep_writer.latent_dims, sweep_writer.pictures = (8,), False
    study = study_of(sweep_writer)
    assert study.held == {"device": "cpu"}
    assert study.summary(METRICS["test_mse"])["n"].tolist() == [3] * 7


def test_the_commonest_level_is_held_and_the_ae_follows(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (8,), False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    more = runs[runs["objective"] == "vae"].assign(recon_weight=2.0)
    more["run_id"] += "-2"
    extra = more[more["seed"] == 0].assign(seed=7)
    pd.concat([runs, more, extra]).to_parquet(directory / "results.parquet")
    study = main_study(read_sweep(directory))
    assert study.held == {"reconstruction weight": "2 (AE: 1)"}
    assert set(study.vae["recon_weight"]) == {2.0}
    assert set(study.ae["recon_weight"]) == {1.0}


def test_of_equally_common_levels_the_plainest_is_held(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (8,), False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet").assign(dtype="float32")
    halves = runs.assign(dtype="bfloat16", run_id=runs["run_id"] + "-h")
    pd.concat([halves, runs]).to_parquet(directory / "results.parquet")
    assert main_study(read_sweep(directory)).held == {"dtype": "float32"}


def test_posteriors_of_one_objective_are_families_of_their_own():
    runs = pd.DataFrame(
        {"objective": ["ae", "vae", "vae"], "posterior": ["point", "diagonal", "full"]}
    )
    assert with_family(runs)["family"].tolist() == ["ae", "vae diagonal", "vae full"]


def test_an_unknown_objective_is_a_family(sweep_writer):
    sweep_writer.objectives, sweep_writer.latent_dims = ("ae", "iwae", "vae"), (2,)
    sweep_writer.pictures = False
    study = study_of(sweep_writer)
    assert study.families == ["vae", "iwae"]
    assert study.contender == "regularised model"
    narrowed = study.of_family("iwae")
    assert narrowed.contender == "iwae"
    assert set(narrowed.runs["family"]) == {"ae", "iwae"}


def test_configuration_runs_find_the_ae_by_its_null_weight(default_sweep):
    study = main_study(read_sweep(default_sweep))
    found = study.configuration_runs(Configuration("ae", 16, math.nan))
    assert found["seed"].tolist() == [0, 1, 2]
    assert Configuration("vae", 16, 0.1).name == "VAE, latent 16, KL weight 0.1"
    assert Configuration("ae", 16, math.nan).name == "AE, latent 16"


@pytest.mark.parametrize("count", [1, 5, 7, 40])
def test_select_spread_keeps_both_ends(count):
    values = list(range(count))
    found = select_spread(values, 7)
    assert len(found) == len(set(found)) == min(count, 7)
    assert (found[0], found[-1]) == (values[0], values[-1])


def test_of_several_autoencoders_the_plain_one_is_compared(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (8,), False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    denoising = runs[runs["objective"] == "ae"].assign(objective="denoising-ae")
    denoising["run_id"] += "-d"
    pd.concat([runs, denoising]).to_parquet(directory / "results.parquet")
    study = main_study(read_sweep(directory))
    assert study.held == {"autoencoder": "AE"}
    assert set(study.runs["objective"]) == {"ae", "vae"}

    without = pd.concat([runs[runs["objective"] == "vae"], denoising])
    without.to_parquet(directory / "results.parquet")
    study = main_study(read_sweep(directory))
    assert study.held == {"autoencoder": "denoising-ae"}
    assert set(study.ae["objective"]) == {"denoising-ae"}
    assert set(study.families) == {"vae"}


def test_draws_of_an_image_are_held(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (8,), False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    is_vae = runs["objective"] == "vae"
    runs["latent_samples"] = [1.0 if vae else None for vae in is_vae]
    more = runs[is_vae].assign(latent_samples=5.0)
    more["run_id"] += "-5"
    pd.concat([runs, more]).to_parquet(directory / "results.parquet")
    study = main_study(read_sweep(directory))
    assert study.held == {"latents drawn of an image": "1"}
    assert len(study.ae) == 3
