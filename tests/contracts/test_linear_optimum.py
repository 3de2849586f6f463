"""Truth gate: a linear model, trained and measured as any other, meets its closed form.

Evaluated on its own training images, of which the optimum is known without sampling error.
"""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from bench.measure.forward import ask
from bench.measure.quality import measure
from bench.measure.reference import Reference
from bench.measure.subject import Subject
from bench.plan import MetricsSpec
from vae_core import Member, StackedAutoencoders, Structure, Trainer, TrainingConfig, load_dataset
from vae_core.closed_form import LinearOptimum, covariance_eigenvalues, pca_squared_error
from vae_core.data.linear_gaussian import TRUTH

LATENT_DIM = 4
PIXELS = 64
RECON_WEIGHT = 1 / (2 * TRUTH.noise_scale**2)
KL_WEIGHTS = (0.25, 1.0, 4.0)
MEMBERS = [Member("ae", 0, None, RECON_WEIGHT)] + [
    Member("vae", 0, kl_weight, RECON_WEIGHT) for kl_weight in KL_WEIGHTS
]
BATCH_SIZE = 200
LEARNING_RATES = ((2e-2, 1000), (1e-2, 400), (2e-3, 300))
"""And for how many steps: the last make Adam come to rest."""

FAMILIES = MetricsSpec(
    probes=False, geometry=False, sample_quality=False, disentanglement=False, samples=2_000
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset():
    drawn = load_dataset("linear-gaussian", train_size=5_000)
    return replace(drawn, test_images=drawn.train_images)


@pytest.fixture(scope="module")
def eigenvalues(dataset):
    return covariance_eigenvalues(dataset.test_images.flatten(1).double().numpy())


@pytest.fixture(scope="module")
def model(dataset):
    structure = Structure("linear", (), dataset.image_shape, LATENT_DIM, "gaussian")
    model = StackedAutoencoders(structure, MEMBERS)
    trainer = Trainer(model, dataset, TrainingConfig(1, BATCH_SIZE, 1.0, "reference"))
    step = count()
    for learning_rate, steps in LEARNING_RATES:
        trainer.optimizer.set_learning_rate(learning_rate)
        for _ in range(steps):
            trainer.step(next(step))
    return model


@pytest.fixture(scope="module")
def answers(model, dataset):
    return ask(model, dataset, prior_samples=2, backend="reference")


@pytest.fixture(scope="module")
def measured(model, dataset, answers):
    reference = Reference(dataset, FAMILIES)
    return [
        measure(
            Subject(
                structure=model.structure,
                member=member,
                model=model.member(k),
                answers=answers.member(k),
                path_images=np.zeros((0, PIXELS), np.float32),
            ),
            reference,
        )
        for k, member in enumerate(MEMBERS)
    ]


def test_a_linear_autoencoder_reaches_the_error_of_pca(measured, eigenvalues):
    least = pca_squared_error(eigenvalues, LATENT_DIM) / PIXELS
    assert least * (1 - 1e-6) < measured[0]["test_mse"] < 1.005 * least


@pytest.mark.parametrize("k", [1, 2, 3])
def test_error_rate_and_elbo_are_those_of_the_closed_form(measured, eigenvalues, k):
    variance = 1 / (2 * RECON_WEIGHT)
    optimum = LinearOptimum(eigenvalues, LATENT_DIM, MEMBERS[k].kl_weight, variance)
    expected = {
        "test_mse": optimum.squared_error_at_mean / PIXELS,
        "test_mse_sampled": optimum.squared_error_sampled / PIXELS,
        "test_rate_nats": optimum.rate_nats,
        "test_elbo_nats": optimum.elbo_nats,
    }
    assert {name: measured[k][name] for name in expected} == pytest.approx(expected, rel=0.02)
    assert measured[k]["active_units"] == len(optimum.active_eigenvalues)


@pytest.mark.parametrize("k", [2, 3])
def test_each_dimension_is_as_active_as_the_closed_form_says(answers, eigenvalues, k):
    """At a KL weight of 0.25 the loss hardly depends on the scale of the codes."""
    optimum = LinearOptimum(eigenvalues, LATENT_DIM, MEMBERS[k].kl_weight, 1 / (2 * RECON_WEIGHT))
    variances = np.sort(answers.test_mu[k].var(axis=0))[::-1]
    np.testing.assert_allclose(variances, optimum.active_statistics, atol=0.06)


def test_the_posterior_of_the_true_model_is_found(answers, dataset):
    """But for a turn of the latents: what it says of the images, and how much it leaves open."""
    x = dataset.test_images.flatten(1).double().numpy()
    mean, covariance = TRUTH.posterior(x)
    exact = mean @ TRUTH.weights.T
    codes = answers.test_mu[2].astype(np.float64)
    aligned = codes @ np.linalg.lstsq(codes, exact, rcond=None)[0]
    assert 1 - ((aligned - exact) ** 2).sum() / (exact**2).sum() > 0.98
    log_volume = answers.test_logvar[2].sum(axis=-1).mean()
    assert log_volume == pytest.approx(np.linalg.slogdet(covariance)[1], abs=0.1)


def test_the_importance_sampled_likelihood_is_close_to_the_exact_one(measured, dataset):
    exact = TRUTH.log_likelihood(dataset.test_images.flatten(1).double().numpy()).mean()
    assert measured[2]["test_log_likelihood_nats"] == pytest.approx(exact, abs=0.15)


def test_the_mutual_information_is_close_to_the_exact_one(measured):
    exact = TRUTH.mutual_information_nats
    assert measured[2]["mutual_information_nats"] == pytest.approx(exact, rel=0.05)


def test_the_parts_of_the_rate_sum_to_it(measured):
    parts = ("mutual_information_nats", "total_correlation_nats", "dimensionwise_kl_nats")
    for values in measured[1:]:
        total = sum(values[part] for part in parts)
        assert total == pytest.approx(values["test_rate_nats"], rel=0.05)
