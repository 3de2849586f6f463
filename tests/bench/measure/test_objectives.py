"""Every objective, posterior and likelihood gives records that agree with each other."""

import math

import numpy as np
import pytest

from bench.measure.cohort import CohortWork
from bench.measure.reference import load_reference
from bench.plan import OBJECTIVE_FACTS, SweepSpec, expand, group


def results_of(**sections):
    table = {
        "name": "small",
        "data": {"train_size": 128, "test_size": 40},
        "model": {"hidden": [12]},
        "sweep": {"latent_dim": [3], "kl_weight": [0.1]},
        "training": {"epochs": 40, "batch_size": 32},
        "metrics": {"disentanglement": False, "probes": False, "geometry": False},
    }
    for name, values in sections.items():
        table[name] = table[name] | values
    spec = SweepSpec.model_validate(table)
    data_hash = load_reference(spec.data, spec.metrics).dataset.content_hash
    work = CohortWork(spec.data, spec.metrics, "local")
    results = [r for cohort in group(expand(spec, data_hash)) for r in work(cohort)]
    assert {r.record.status for r in results} == {"ok"}
    return {(r.record.config.objective, r.record.config.posterior): r.record.row() for r in results}


@pytest.fixture(scope="module")
def objectives():
    return results_of(sweep={"objective": list(OBJECTIVE_FACTS), "kl_weight": [0.1]})


def test_every_objective_is_trained_and_measured(objectives):
    assert [name for name, _ in objectives] == list(OBJECTIVE_FACTS)
    for (name, posterior), row in objectives.items():
        is_stochastic = OBJECTIVE_FACTS[name].is_stochastic
        assert (posterior == "point") != is_stochastic
        assert (row["test_rate_nats"] is None) != is_stochastic
        assert (row["kl_weight"] is None) == (name in {"ae", "denoising-ae"})
        assert 0 < row["test_mse"] < 0.08
        assert row["decoder_variance"] == 0.5
        if is_stochastic:
            elbo = -(row["test_distortion_nats"] + row["test_rate_nats"])
            assert row["test_elbo_nats"] == pytest.approx(elbo)
            assert row["test_log_likelihood_nats"] > row["test_elbo_nats"]


def test_regularised_codes_are_smaller(objectives):
    assert (
        objectives["rae-l2", "point"]["prior_frechet"] < objectives["ae", "point"]["prior_frechet"]
    )


def test_a_full_posterior_is_measured_as_one():
    rows = results_of(
        sweep={"objective": ["ae", "vae"], "posterior": ["diagonal", "full"]},
        training={"epochs": 150},
    )
    full, diagonal = rows["vae", "full"], rows["vae", "diagonal"]
    parts = ("mutual_information_nats", "total_correlation_nats", "dimensionwise_kl_nats")
    for row in (full, diagonal):
        assert sum(row[name] for name in parts) == pytest.approx(row["test_rate_nats"], abs=0.5)
        assert row["mutual_information_nats"] <= math.log(40) + 1e-9
    assert full["test_mse"] != diagonal["test_mse"]
    assert full["kernel_backend"] == "reference"
    assert rows["ae", "point"]["latent_samples"] is None


def test_a_calibrated_likelihood_measures_with_the_variance_of_its_training_errors():
    (row,) = results_of(
        model={"likelihood": "gaussian-calibrated"},
        sweep={"objective": ["vae"], "kl_weight": [1.0]},
        training={"epochs": 150},
    ).values()
    variance, pixels = row["decoder_variance"], 64
    assert variance == pytest.approx(row["test_mse_sampled"], rel=0.5)
    assert row["effective_decoder_variance"] is None
    expected = pixels / 2 * (row["test_mse_sampled"] / variance + np.log(2 * np.pi * variance))
    assert row["test_distortion_nats"] == pytest.approx(expected, rel=1e-4)
