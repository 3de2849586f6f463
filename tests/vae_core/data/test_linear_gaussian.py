"""What is said to be exact, against SciPy, integration by hand and the drawn images themselves."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from vae_core import load_dataset
from vae_core.data.linear_gaussian import TRUTH, LinearGaussian

SMALL = LinearGaussian(
    weights=np.array([[2.0, 0.5], [0.0, 1.0], [1.0, -1.0]]),
    bias=np.array([1.0, 2.0, 3.0]),
    noise_scale=0.7,
)


def test_images_are_floats_without_labels_or_factors():
    dataset = load_dataset("linear-gaussian")
    assert dataset.train_images.shape == (10_000, 1, 8, 8)
    assert dataset.test_images.shape == (2_000, 1, 8, 8)
    assert dataset.train_images.dtype == torch.float32
    assert dataset.train_labels is None
    assert dataset.factors is None
    assert torch.equal(dataset.pixels(dataset.test_images), dataset.test_images)


def test_every_machine_draws_the_same():
    first = load_dataset("linear-gaussian").content_hash
    assert first == load_dataset("linear-gaussian").content_hash == "ed7034ac9be05d3c"


def test_a_larger_data_set_begins_with_the_usual_one():
    usual = load_dataset("linear-gaussian", train_size=50, test_size=10)
    larger = load_dataset("linear-gaussian", train_size=60, test_size=20)
    assert torch.equal(larger.train_images[:50], usual.train_images)
    assert torch.equal(larger.test_images[:10], usual.test_images)
    assert not torch.equal(larger.train_images[:20], larger.test_images)


def test_the_eigenvalues_are_the_stated_ones_and_then_the_noise():
    np.testing.assert_allclose(TRUTH.eigenvalues, [24, 12, 6, 2, *[1] * 60])


def test_drawn_images_have_the_mean_and_the_covariance_of_the_model():
    x = SMALL.sample(200_000, seed=0)
    np.testing.assert_allclose(x.mean(axis=0), SMALL.bias, atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), SMALL.covariance, atol=0.05)


def test_the_likelihood_is_that_of_one_latent_integrated_out():
    one = LinearGaussian(np.array([[0.8]]), np.array([0.3]), 0.6)
    z = np.linspace(-9, 9, 20_001)
    joint = np.exp(-0.5 * z**2 - 0.5 * ((1.1 - 0.3 - 0.8 * z) / 0.6) ** 2) / (2 * np.pi * 0.6)
    expected = np.log(np.trapezoid(joint, z))
    np.testing.assert_allclose(one.log_likelihood(np.array([[1.1]])), [expected])


def test_prior_likelihood_and_posterior_obey_bayes():
    x, z = SMALL.sample(4, seed=1), np.array([0.3, -0.8])
    mean, covariance = SMALL.posterior(x)
    noise = multivariate_normal(np.zeros(3), SMALL.noise_scale**2 * np.eye(3))
    given_z = noise.logpdf(x - SMALL.bias - SMALL.weights @ z)
    prior = multivariate_normal(np.zeros(2), np.eye(2)).logpdf(z)
    posterior = [multivariate_normal(m, covariance).logpdf(z) for m in mean]
    np.testing.assert_allclose(SMALL.log_likelihood(x), given_z + prior - posterior)


def test_mutual_information_is_the_mean_divergence_from_prior_to_posterior():
    x = SMALL.sample(100_000, seed=2)
    mean, covariance = SMALL.posterior(x)
    _, log_det = np.linalg.slogdet(covariance)
    kl = 0.5 * ((mean**2).sum(axis=1) + np.trace(covariance) - 2 - log_det)
    assert SMALL.mutual_information_nats == pytest.approx(kl.mean(), rel=0.01)


def test_one_image_has_one_likelihood():
    assert TRUTH.log_likelihood(TRUTH.sample(1, seed=0)).shape == (1,)
