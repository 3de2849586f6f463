import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm, ortho_group

from bench.metrics import (
    MetricError,
    active_units,
    full_gaussian_kl,
    gaussian_kl,
    rate,
    rate_decomposition,
    rate_per_dimension,
)

TERMS = ["mutual_information_nats", "total_correlation_nats", "dimensionwise_kl_nats"]


def _posteriors(seed, count=50, width=4, log_variance=-1.0):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, width)), generator.normal(
        log_variance, 0.5, (count, width)
    )


def _cholesky(seed, count=20, width=4):
    factor = np.tril(np.random.default_rng(seed).normal(size=(count, width, width)))
    diagonal = np.arange(width)
    factor[:, diagonal, diagonal] = np.abs(factor[:, diagonal, diagonal]) + 0.1
    return factor


def test_diagonal_kl_agrees_with_torch_distributions():
    mu, logvar = (torch.tensor(array) for array in _posteriors(0))
    posterior = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    prior = torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(posterior, prior).sum(dim=1).numpy()
    np.testing.assert_allclose(gaussian_kl(mu, logvar), expected, rtol=1e-12)


def test_diagonal_kl_keeps_its_digits_next_to_the_prior():
    logvar = np.full((1, 1), 1e-7)  # the KL is logvar²/4 up to its cube
    np.testing.assert_allclose(gaussian_kl(np.zeros((1, 1)), logvar), [0.25e-14], rtol=1e-2)
    assert gaussian_kl(np.zeros((3, 2)), np.zeros((3, 2))).tolist() == [0.0, 0.0, 0.0]


def test_rate_per_dimension_sums_to_the_mean_kl():
    mu, logvar = _posteriors(1)
    per_dimension = rate_per_dimension(mu, logvar)
    assert per_dimension.shape == (4,)
    assert per_dimension.sum() == pytest.approx(gaussian_kl(mu, logvar).mean())
    assert per_dimension[2] == pytest.approx(gaussian_kl(mu[:, [2]], logvar[:, [2]]).mean())


def test_full_kl_agrees_with_torch_distributions():
    mu, factor = np.random.default_rng(0).normal(size=(20, 4)), _cholesky(0)
    posterior = torch.distributions.MultivariateNormal(
        torch.tensor(mu), scale_tril=torch.tensor(factor)
    )
    prior = torch.distributions.MultivariateNormal(
        torch.zeros(4, dtype=torch.float64), torch.eye(4, dtype=torch.float64)
    )
    expected = torch.distributions.kl_divergence(posterior, prior).numpy()
    np.testing.assert_allclose(full_gaussian_kl(mu, factor), expected, rtol=1e-11)


def test_full_kl_of_a_diagonal_factor_is_the_diagonal_kl():
    mu, logvar = _posteriors(2)
    factor = np.exp(0.5 * logvar)[:, :, np.newaxis] * np.eye(4)
    np.testing.assert_allclose(full_gaussian_kl(mu, factor), gaussian_kl(mu, logvar), rtol=1e-12)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_full_kl_does_not_see_a_rotation_of_the_latent_space(seed):
    mu, factor = np.random.default_rng(seed).normal(size=(20, 4)), _cholesky(seed)
    turn = ortho_group.rvs(4, random_state=seed % 1000)
    turned = np.linalg.cholesky(turn.T @ factor @ factor.swapaxes(1, 2) @ turn)
    np.testing.assert_allclose(
        full_gaussian_kl(mu @ turn, turned), full_gaussian_kl(mu, factor), rtol=1e-8
    )


def test_active_units_count_variances_above_a_hundredth():
    spread = np.array([[-1.0], [1.0]])  # variance 1 with 1/N
    mu = spread * [0.0, 0.05, math.sqrt(0.0099), math.sqrt(0.0101), 3.0] + 7.0
    count = active_units(torch.tensor(mu))
    assert count == 2.0
    assert type(count) is float
    assert active_units(mu, threshold=0.001) == 4.0
    assert active_units(np.ones((5, 3))) == 0.0


@pytest.mark.parametrize("samples", [1, 4])
def test_decomposition_sums_to_the_analytic_kl(samples):
    mu, logvar = _posteriors(3, count=400)
    terms = rate_decomposition(mu, logvar, samples=samples)
    assert list(terms) == TERMS
    assert all(type(term) is float for term in terms.values())
    # ln q(z|x) − ln p(z) at a sample: its variance over ε, in closed form, sets the error.
    variance = np.exp(logvar)
    spread = (0.5 * (variance - 1) ** 2 + mu**2 * variance).sum(axis=1)
    standard_error = math.sqrt(spread.mean() / (400 * samples))
    kl = gaussian_kl(mu, logvar).mean()
    assert sum(terms.values()) == pytest.approx(kl, abs=4 * standard_error)
    assert standard_error < 0.1


def test_decomposition_agrees_with_the_definition_written_out_with_scipy():
    mu, logvar = _posteriors(4, count=30, width=3)
    deviation = np.exp(0.5 * logvar)
    z = mu + deviation * np.random.default_rng(7).standard_normal(mu.shape)
    pairs = norm.logpdf(z[:, np.newaxis], mu, deviation)  # [i, n, d] = ln q(z_id|x_n)
    own = norm.logpdf(z, mu, deviation).sum(axis=1)
    joint = logsumexp(pairs.sum(axis=2), axis=1) - math.log(30)
    marginals = (logsumexp(pairs, axis=1) - math.log(30)).sum(axis=1)
    expected = own - joint, joint - marginals, marginals - norm.logpdf(z).sum(axis=1)
    terms = rate_decomposition(mu, logvar, seed=7)
    for name, term in zip(TERMS, expected, strict=True):
        assert terms[name] == pytest.approx(term.mean(), abs=2e-6)


def test_decomposition_of_full_covariances_agrees_with_the_definition_written_out_with_scipy():
    mu, factor = np.random.default_rng(4).normal(size=(20, 3)), _cholesky(4, width=3)
    covariance = factor @ factor.swapaxes(1, 2)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    eps = np.random.default_rng(7).standard_normal(mu.shape)
    z = mu + np.einsum("nij,nj->ni", factor, eps)
    posteriors = map(multivariate_normal, mu, covariance)
    pairs = np.stack([posterior.logpdf(z) for posterior in posteriors], axis=1)
    joint = logsumexp(pairs, axis=1) - math.log(20)
    single = norm.logpdf(z[:, np.newaxis], mu, np.sqrt(variance))
    marginals = (logsumexp(single, axis=1) - math.log(20)).sum(axis=1)
    own, prior = np.diagonal(pairs), norm.logpdf(z).sum(axis=1)
    terms = rate_decomposition(mu, np.log(variance), cholesky=torch.tensor(factor), seed=7)
    for name, term in zip(TERMS, (own - joint, joint - marginals, marginals - prior), strict=True):
        assert terms[name] == pytest.approx(term.mean(), abs=2e-6)


def test_no_factors_are_diagonal_covariances():
    mu, logvar = _posteriors(4)
    expected = rate_decomposition(mu, logvar)
    for none in (None, np.empty((50, 0, 0)), torch.empty(50, 0, 0)):
        assert rate_decomposition(mu, logvar, cholesky=none) == expected


def test_decomposition_blocks_change_nothing(monkeypatch):
    mu, logvar = _posteriors(5)
    whole = rate_decomposition(mu, logvar)
    monkeypatch.setattr(rate, "_BLOCK_NUMBERS", 150)
    assert rate_decomposition(mu, logvar) == pytest.approx(whole, abs=1e-6)


def test_a_collapsed_posterior_spends_nothing():
    terms = rate_decomposition(np.zeros((100, 3)), np.zeros((100, 3)))
    assert list(terms.values()) == pytest.approx([0.0, 0.0, 0.0], abs=1e-5)


def test_posteriors_that_never_overlap_tell_which_input_it_was():
    mu = np.arange(64.0)[:, np.newaxis] * [1.0, 2.0]
    terms = rate_decomposition(mu, np.full((64, 2), -12.0))
    assert terms["mutual_information_nats"] == pytest.approx(math.log(64), abs=1e-6)


def test_gaussian_aggregate_has_the_closed_form_information_and_correlation():
    # Means of variance 1 − s² with correlation ρ and posteriors of variance s²: q(z) → N(0, Σ) with
    # unit variances and correlation ρ(1 − s²); the plug-in over N points approaches it.
    noise, correlation = 0.3, 0.8
    covariance = (1 - noise) * np.array([[1.0, correlation], [correlation, 1.0]])
    mu = np.random.default_rng(6).multivariate_normal([0, 0], covariance, 3000)
    terms = rate_decomposition(mu, np.full(mu.shape, math.log(noise)))
    aggregate = covariance + noise * np.eye(2)
    information = 0.5 * math.log(np.linalg.det(aggregate) / noise**2)
    total_correlation = -0.5 * math.log(np.linalg.det(aggregate))
    assert terms["mutual_information_nats"] == pytest.approx(information, abs=0.05)
    assert terms["total_correlation_nats"] == pytest.approx(total_correlation, abs=0.05)
    assert terms["dimensionwise_kl_nats"] == pytest.approx(0.0, abs=0.03)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), log_variance=st.floats(-12.0, 1.0))
def test_mutual_information_never_exceeds_the_log_of_the_points(seed, log_variance):
    terms = rate_decomposition(*_posteriors(seed, 25, 3, log_variance), seed=seed)
    assert terms["mutual_information_nats"] <= math.log(25) + 1e-9


def test_decomposition_is_seeded():
    mu, logvar = _posteriors(8)
    assert rate_decomposition(mu, logvar) == rate_decomposition(mu, logvar, seed=0)
    assert rate_decomposition(mu, logvar) != rate_decomposition(mu, logvar, seed=1)


def test_bad_posteriors_are_named():
    mu, logvar = _posteriors(0)
    for function in (gaussian_kl, rate_per_dimension, rate_decomposition):
        with pytest.raises(MetricError, match=r"mu has shape \(50, 4\) and logvar has shape"):
            function(mu, logvar[:, :2])
        with pytest.raises(MetricError, match="logvar holds NaN"):
            function(mu, logvar * np.nan)
    with pytest.raises(MetricError, match="mu has 1 point; a mixture of at least 2 posteriors"):
        rate_decomposition(mu[:1], logvar[:1])
    with pytest.raises(MetricError, match="samples is 0; at least 1 is needed"):
        rate_decomposition(mu, logvar, samples=0)
    with pytest.raises(MetricError, match="mu has 1 points; at least 2 are needed"):
        active_units(mu[:1])


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (np.ones((20, 4)), r"cholesky has shape \(20, 4\); mu needs \(20, 4, 4\)"),
        (_cholesky(0).swapaxes(1, 2), "cholesky is not lower-triangular with a positive diagonal"),
        (-_cholesky(0), "cholesky is not lower-triangular with a positive diagonal"),
    ],
)
def test_what_is_no_cholesky_factor_is_refused(factor, message):
    with pytest.raises(MetricError, match=message):
        full_gaussian_kl(np.zeros((20, 4)), factor)
