import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from bench.metrics import (
    ImportanceSampler,
    MetricError,
    importance_weighted_log_likelihood,
    log_importance_weights,
)

NOISE = 0.4
LOADING = np.array([[1.5, 0.0], [0.0, 0.7], [2.0, 0.0]])  # orthogonal: the posterior is diagonal


@pytest.fixture(scope="module")
def linear_gaussian():
    """Points x = Wz + σε with their exact ln p(x) and exact posterior."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(40, 2)) @ LOADING.T + NOISE * generator.normal(size=(40, 3))
    evidence = multivariate_normal(np.zeros(3), LOADING @ LOADING.T + NOISE**2 * np.eye(3))
    precision = 1.0 + (LOADING**2).sum(axis=0) / NOISE**2
    mu = x @ LOADING / NOISE**2 / precision
    return x, evidence.logpdf(x), mu, np.tile(-np.log(precision), (40, 1))


def _log_weights(x, mu, logvar, samples, seed=1):
    noise = np.random.default_rng(seed).normal(size=(samples, *mu.shape))
    z = mu + np.exp(0.5 * logvar) * noise
    return log_importance_weights(norm.logpdf(x, z @ LOADING.T, NOISE).sum(axis=2), z, mu, logvar)


def test_the_exact_posterior_gives_the_exact_likelihood_from_one_sample(linear_gaussian):
    x, exact, mu, logvar = linear_gaussian
    weights = _log_weights(x, mu, logvar, samples=3)
    np.testing.assert_allclose(weights, np.tile(exact, (3, 1)), rtol=1e-10)
    assert importance_weighted_log_likelihood(weights) == pytest.approx(exact.mean(), rel=1e-10)


def test_a_poor_posterior_gives_a_bound_that_rises_with_the_samples(linear_gaussian):
    x, exact, mu, logvar = linear_gaussian
    weights = _log_weights(x, mu + 0.3, logvar + 0.8, samples=4096)
    bounds = [
        importance_weighted_log_likelihood(
            np.concatenate(np.split(weights, 4096 // samples), axis=1)  # all draws, S at a time
        )
        for samples in (1, 4, 64, 4096)
    ]
    assert bounds == sorted(bounds)
    assert bounds[0] < exact.mean() - 0.5
    assert bounds[-1] == pytest.approx(exact.mean(), abs=0.02)


def test_agrees_with_scipy_where_plain_exponentials_underflow():
    weights = np.random.default_rng(0).normal(-5000.0, 30.0, (50, 7))
    expected = (logsumexp(weights, axis=0) - math.log(50)).mean()
    estimate = importance_weighted_log_likelihood(weights)
    assert estimate == pytest.approx(expected, rel=1e-14)
    assert type(estimate) is float


def test_batches_add_up_to_the_whole():
    weights = np.random.default_rng(0).normal(-500.0, 30.0, (50, 7))
    sampler = ImportanceSampler()
    for batch in np.split(weights, [1, 20, 21]):
        sampler.add(torch.tensor(batch))
    assert sampler.samples == 50
    assert sampler.log_likelihood().shape == (7,)
    whole = importance_weighted_log_likelihood(weights)
    assert sampler.log_likelihood().mean() == pytest.approx(whole, rel=1e-14)


def test_samples_of_no_likelihood_count_as_zero():
    weights = np.array([[0.0, -np.inf], [-np.inf, -np.inf]])
    assert importance_weighted_log_likelihood(weights[:, :1]) == pytest.approx(-math.log(2))
    assert importance_weighted_log_likelihood(weights) == -math.inf


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(3), r"log_weights has shape \(3,\); \[S, N\] is needed"),
        (np.zeros((0, 3)), r"log_weights has shape \(0, 3\); \[S, N\] is needed"),
        (np.array([[np.nan]]), r"log_weights holds NaN or \+inf"),
        (np.array([[np.inf]]), r"log_weights holds NaN or \+inf"),
    ],
)
def test_bad_weights_are_named(weights, message):
    with pytest.raises(MetricError, match=message):
        importance_weighted_log_likelihood(weights)


def test_batches_of_other_points_and_no_batch_are_refused():
    sampler = ImportanceSampler()
    with pytest.raises(MetricError, match="no log_weights were added"):
        sampler.log_likelihood()
    sampler.add(np.zeros((2, 3)))
    with pytest.raises(MetricError, match="log_weights has 4 points; earlier batches had 3"):
        sampler.add(np.zeros((2, 4)))


def test_shapes_that_do_not_match_are_named():
    mu = np.zeros((4, 2))
    with pytest.raises(MetricError, match=r"z has shape \(4, 2\); mu needs \[S, 4, 2\]"):
        log_importance_weights(np.zeros((3, 4)), mu, mu, mu)
    with pytest.raises(MetricError, match=r"log_likelihood has shape \(4, 3\); z needs \(3, 4\)"):
        log_importance_weights(np.zeros((4, 3)), np.zeros((3, 4, 2)), mu, mu)
    with pytest.raises(MetricError, match="mu has shape"):
        log_importance_weights(np.zeros((3, 4)), np.zeros((3, 4, 2)), mu, mu[:, :1])
