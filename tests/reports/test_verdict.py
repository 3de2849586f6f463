from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports import verdict
from reports.metrics import METRICS
from reports.study import Configuration, main_study
from reports.sweep import read_sweep

COLUMNS = {"test_mse": min, "probe_linear_accuracy": max, "prior_coverage": max}


@pytest.fixture(scope="module")
def study(default_sweep):
    return main_study(read_sweep(default_sweep))


def tiny_runs(scores: dict[float, list[float]], family: str = "vae") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "family": family,
                "latent_dim": 2.0,
                "kl_weight": kl_weight,
                "seed": float(seed),
                "test_mse": score,
            }
            for kl_weight, values in scores.items()
            for seed, score in enumerate(values)
        ]
    )


@pytest.mark.parametrize("column", list(COLUMNS))
def test_the_best_has_the_best_mean_over_seeds(study, column):
    best = verdict.best_configuration(study.vae, METRICS[column])
    means = study.vae.groupby(["latent_dim", "kl_weight"])[column].mean()
    assert best.score.mean == pytest.approx(COLUMNS[column](means))
    chosen = study.configuration_runs(best.configuration)
    assert chosen[column].mean() == pytest.approx(best.score.mean)


def test_the_difference_pairs_runs_of_one_seed(study):
    generation = verdict.compare(study)[2]
    vae = study.configuration_runs(generation.vae.configuration).set_index("seed")
    ae = study.configuration_runs(generation.ae.configuration).set_index("seed")
    pairs = vae["prior_coverage"] - ae["prior_coverage"]
    assert generation.difference.mean == pytest.approx(pairs.mean())
    assert generation.outcome == "vae"
    assert f"{pairs.mean():.2f}" in verdict.sentence(generation)


def test_choosing_without_the_scored_seed_is_not_flattered():
    runs = tiny_runs({0.1: [0.0, 1.0, 1.0], 0.2: [1.0, 0.0, 1.0], 0.3: [0.7, 0.7, 0.7]})
    best = verdict.best_configuration(runs, METRICS["test_mse"])
    assert best.score.mean == pytest.approx(2 / 3)
    assert best.chosen_blind.mean == pytest.approx((1.0 + 1.0 + 1.0) / 3)


def test_a_configuration_that_lacks_a_seed_does_not_compete():
    runs = tiny_runs({0.1: [0.2, 0.3, 0.25], 0.2: [0.1]})
    best = verdict.best_configuration(runs, METRICS["test_mse"])
    assert best.configuration.kl_weight == 0.1
    assert best.score.n == 3


def test_a_seed_that_every_vae_lacks_takes_none_of_them_out(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (2, 8), False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    runs[(runs["objective"] == "ae") | (runs["seed"] < 2)].to_parquet(directory / "results.parquet")
    study = main_study(read_sweep(directory))
    for comparison in verdict.compare(study):
        assert comparison.candidates == 14
        tied = [configuration.name for configuration in comparison.tied]
        assert comparison.recommended.configuration.name in tied
    assert "of 14 configurations" in verdict.all_round(study)


def test_the_outcome_is_that_of_the_paired_difference(study):
    generation = verdict.compare(study)[2]
    # The AE's mean over more seeds may be above the VAE's though the pairs say otherwise.
    lucky = replace(generation.ae, score=replace(generation.ae.score, mean=1.0))
    assert replace(generation, ae=lucky).outcome == "vae"


def test_of_equal_ranks_the_claim_holds():
    scores = {0.1: [0.3, 0.3], 0.2: [0.3, 0.3], 0.3: [0.5, 0.5]}
    found, rank, count = verdict.balanced_configuration(
        tiny_runs(scores).assign(probe_linear_accuracy=np.nan, prior_coverage=np.nan)
    )
    assert (found.kl_weight, rank, count) == (0.1, 2, 3)


def test_one_seed_gives_no_interval_and_says_so(sweep_writer):
    sweep_writer.seeds, sweep_writer.pictures = (0,), False
    study = main_study(read_sweep(sweep_writer.write()))
    first = verdict.compare(study)[0]
    assert math.isnan(first.vae.score.half_width)
    assert first.vae.chosen_blind.n == 0
    assert first.outcome == "one-seed"
    assert "one seed, so noise cannot be told from effect" in verdict.sentence(first)
    assert "One seed: how sure cannot be said." in verdict.recommendation(first)


def test_noise_is_called_a_tie(sweep_writer):
    sweep_writer.pictures = False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    noise = np.random.default_rng(3).normal(size=len(runs))
    runs.assign(test_mse=0.1 + 1e-3 * noise).to_parquet(directory / "results.parquet")
    first = verdict.compare(main_study(read_sweep(directory)))[0]
    assert first.outcome == "tie"
    assert "a tie within seed noise" in verdict.sentence(first)


def test_recommendation_names_how_many_cannot_be_told_apart(study):
    text = verdict.recommendation(verdict.compare(study)[0])
    assert text.startswith("To reconstruct: take VAE, latent 16, KL weight 0.01 (test MSE 0.0113")
    assert "of the other 34 configurations" in text


def test_the_smallest_that_cannot_be_told_apart_may_be_an_ae(sweep_writer):
    sweep_writer.latent_dims, sweep_writer.pictures = (2, 4), False
    directory = sweep_writer.write()
    runs = pd.read_parquet(directory / "results.parquet")
    noise = np.random.default_rng(0).normal(size=len(runs))
    mse = 0.1 + 1e-3 * noise - 1e-4 * (runs["latent_dim"] == 4)
    mse = mse.where((runs["latent_dim"] == 4) | (runs["objective"] == "ae"), 1.0)
    runs.assign(test_mse=mse).to_parquet(directory / "results.parquet")
    first = verdict.compare(main_study(read_sweep(directory)))[0]
    assert first.recommended.configuration.latent_dim == 4
    assert "the smallest of them is AE, latent 2." in verdict.recommendation(first)


def test_tied_configurations_include_the_best_and_no_clearly_worse_one():
    runs = tiny_runs({0.1: [0.10, 0.11, 0.12], 0.2: [0.11, 0.10, 0.13], 1.0: [0.9, 0.91, 0.92]})
    scores = verdict.scores_by_seed(runs, METRICS["test_mse"])
    tied = verdict._tied(scores, METRICS["test_mse"])
    assert [configuration.kl_weight for configuration in tied] == [0.1, 0.2]


def test_the_balanced_configuration_has_the_best_worst_rank(study):
    found, rank, count = verdict.balanced_configuration(study.runs)
    ranks = pd.concat(
        [
            study.runs.groupby(["family", "latent_dim", "kl_weight"], dropna=False)[column]
            .mean()
            .rank(ascending=pick is min)
            for column, pick in COLUMNS.items()
        ],
        axis="columns",
    ).max(axis="columns")
    assert count == 35
    assert rank == ranks.min()
    assert found in [Configuration(*name) for name in ranks.index[ranks == rank]]


@pytest.mark.parametrize("objective", ["ae", "vae"])
def test_one_kind_alone_has_nothing_to_be_compared_with(sweep_writer, objective):
    sweep_writer.objectives, sweep_writer.pictures = (objective,), False
    study = main_study(read_sweep(sweep_writer.write()))
    for comparison in verdict.compare(study):
        assert comparison.outcome == "no-comparison"
        assert "there is nothing to compare it with" in verdict.sentence(comparison)


def test_an_unmeasured_purpose_is_said(sweep_writer):
    sweep_writer.drop, sweep_writer.pictures = ("prior_coverage",), False
    study = main_study(read_sweep(sweep_writer.write()))
    generation = verdict.compare(study)[2]
    assert verdict.sentence(generation) == "Generation: coverage was not measured."
    assert "coverage was not measured" in verdict.recommendation(generation)
    assert "For every purpose at once" in verdict.all_round(study)
