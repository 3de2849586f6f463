"""Truth gate: models that must have the same optimum have it, and too large a weight collapses one.

Linear models on linear-Gaussian data, evaluated on their own training images.
"""

from dataclasses import replace

import numpy as np
import pytest

from bench.measure.forward import ask
from vae_core import (
    Member,
    OptimizerSettings,
    StackedAutoencoders,
    Structure,
    Trainer,
    TrainingConfig,
    load_dataset,
)
from vae_core.closed_form import LinearOptimum, covariance_eigenvalues
from vae_core.data.linear_gaussian import TRUTH

LATENT_DIM = 4
C = 1 / (2 * TRUTH.noise_scale**2)
COLLAPSE = 1e5

SCALED = Member("vae", 0, 1.0, C)
WEIGHTED = Member("vae", 0, 1 / C, 1.0)
IMPORTANCE = Member("iwae", 0, 1.0, C)
COLLAPSED = Member("vae", 0, COLLAPSE, C)
MEMBERS = [SCALED, WEIGHTED, COLLAPSED, IMPORTANCE]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset():
    drawn = load_dataset("linear-gaussian", train_size=4_000)
    return replace(drawn, test_images=drawn.train_images)


def trained(dataset, posterior):
    structure = Structure("linear", (), dataset.image_shape, LATENT_DIM, "gaussian", posterior)
    model = StackedAutoencoders(structure, MEMBERS)
    # 1,600 steps, of which the last hundreds make Adam come to rest.
    settings = OptimizerSettings(milestones=(50, 66), decay=0.2)
    config = TrainingConfig(80, 200, 5e-2, "reference", optimizer=settings)
    Trainer(model, dataset, config).train()
    answers = ask(model, dataset, prior_samples=2, backend="reference")
    return {member: answers.member(k) for k, member in enumerate(MEMBERS)}


@pytest.fixture(scope="module")
def diagonal(dataset):
    return trained(dataset, "diagonal")


@pytest.fixture(scope="module")
def full(dataset):
    return trained(dataset, "full")


def error(answer):
    return answer.squared_error_sampled.mean()


def elbo(answer):
    return -(answer.negative_log_likelihood + answer.rate_nats).mean()


def test_a_reconstruction_weight_of_c_is_a_kl_weight_of_one_over_c(diagonal):
    scaled, weighted = diagonal[SCALED], diagonal[WEIGHTED]
    assert error(weighted) == pytest.approx(error(scaled), rel=0.02)
    assert weighted.rate_nats.mean() == pytest.approx(scaled.rate_nats.mean(), rel=0.02)


def test_a_full_covariance_finds_what_a_diagonal_one_finds_where_that_is_the_truth(diagonal, full):
    """A linear decoder can be turned until the true posterior is diagonal."""
    assert elbo(full[SCALED]) == pytest.approx(elbo(diagonal[SCALED]), abs=0.1)
    assert error(full[SCALED]) == pytest.approx(error(diagonal[SCALED]), rel=0.02)
    assert full[SCALED].rate_nats.mean() == pytest.approx(
        diagonal[SCALED].rate_nats.mean(), rel=0.02
    )


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
def test_both_reach_the_likelihood_of_the_truth(dataset, diagonal, full, posterior):
    answer = {"diagonal": diagonal, "full": full}[posterior][SCALED]
    exact = TRUTH.log_likelihood(dataset.test_images.flatten(1).double().numpy()).mean()
    assert elbo(answer) == pytest.approx(exact, abs=0.15)


def test_one_draw_of_an_iwae_is_a_vae(diagonal):
    assert elbo(diagonal[IMPORTANCE]) == pytest.approx(elbo(diagonal[SCALED]), abs=0.1)


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
def test_too_large_a_weight_leaves_the_prior(dataset, diagonal, full, posterior):
    answer = {"diagonal": diagonal, "full": full}[posterior][COLLAPSED]
    eigenvalues = covariance_eigenvalues(dataset.test_images.flatten(1).double().numpy())
    optimum = LinearOptimum(eigenvalues, LATENT_DIM, COLLAPSE, 1 / (2 * C))
    assert len(optimum.active_eigenvalues) == 0
    assert answer.rate_nats.mean() == pytest.approx(0.0, abs=1e-2)
    assert np.var(answer.test_mu, axis=0).max() < 0.01
    assert error(answer) == pytest.approx(optimum.squared_error_sampled, rel=0.02)
