"""The closed form against the likelihood and the integrals it stands for."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

from vae_core.closed_form import LinearOptimum, covariance_eigenvalues, pca_squared_error

EIGENVALUES = np.array([9.0, 4.0, 1.5, 0.6, 0.5])
VARIANCE = 0.5


def optimum(kl_weight=1.0, latent_dim=3) -> LinearOptimum:
    return LinearOptimum(EIGENVALUES, latent_dim, kl_weight, VARIANCE)


def test_eigenvalues_are_those_of_a_covariance_over_n():
    x = np.random.default_rng(0).standard_normal((50, 4)) * [3, 2, 1, 0.5] + 7
    pca = PCA().fit(x)
    np.testing.assert_allclose(covariance_eigenvalues(x), pca.explained_variance_ * 49 / 50)


def test_pca_leaves_what_scikit_learns_leaves():
    x = np.random.default_rng(0).standard_normal((50, 4)) * [3, 2, 1, 0.5]
    pca = PCA(2).fit(x)
    left = ((x - pca.inverse_transform(pca.transform(x))) ** 2).sum() / 50
    assert pca_squared_error(covariance_eigenvalues(x), 2) == pytest.approx(left)


@pytest.mark.parametrize(
    ("kl_weight", "active"), [(0.25, 3), (1.0, 3), (2.9, 3), (3.1, 2), (10.0, 1), (20.0, 0)]
)
def test_a_direction_is_encoded_while_its_variance_exceeds_the_threshold(kl_weight, active):
    assert len(optimum(kl_weight).active_eigenvalues) == active
    assert np.count_nonzero(optimum(kl_weight).active_statistics) == active
    assert optimum(kl_weight).active_statistics.shape == (3,)


def test_nothing_encoded_costs_no_rate_and_all_the_variance():
    collapsed = optimum(20.0)
    assert collapsed.rate_nats == 0
    assert collapsed.squared_error_sampled == collapsed.squared_error_at_mean
    assert collapsed.squared_error_at_mean == pytest.approx(EIGENVALUES.sum())


def test_with_unit_weight_the_elbo_is_the_likelihood_of_probabilistic_pca():
    model = np.diag([9.0, 4.0, 1.5, VARIANCE, VARIANCE])
    x = np.random.default_rng(0).standard_normal((400, 5))
    whitened = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T, ddof=0))).T
    data = whitened * np.sqrt(EIGENVALUES)
    likelihood = multivariate_normal(np.zeros(5), model).logpdf(data).mean()
    assert optimum().elbo_nats == pytest.approx(likelihood)


@pytest.mark.parametrize("kl_weight", [0.25, 1.0, 4.0])
def test_rate_and_errors_are_those_of_the_model_it_describes(kl_weight):
    """Encoder, decoder and posterior written out, and integrated by hand."""
    best = optimum(kl_weight)
    used, s = best.active_eigenvalues, best.threshold
    decoder = np.sqrt(used - s)
    encoder = decoder / used
    posterior = s / used
    codes = encoder**2 * used  # Var(μ)
    np.testing.assert_allclose(codes, best.active_statistics[: len(used)])
    rate = 0.5 * (codes + posterior - 1 - np.log(posterior)).sum()
    assert best.rate_nats == pytest.approx(rate)
    at_mean = ((1 - decoder * encoder) ** 2 * used).sum()
    rest = EIGENVALUES[len(used) :].sum()
    assert best.squared_error_at_mean == pytest.approx(at_mean + rest)
    drawn = at_mean + (decoder**2 * posterior).sum()
    assert best.squared_error_sampled == pytest.approx(drawn + rest)


@pytest.mark.parametrize("kl_weight", [0.25, 1.0, 4.0])
def test_no_other_number_of_dimensions_has_a_smaller_loss(kl_weight):
    def loss(latent_dim):
        best = optimum(kl_weight, latent_dim)
        return best.squared_error_sampled / (2 * VARIANCE) + kl_weight * best.rate_nats

    assert loss(3) <= min(loss(2), loss(1))
