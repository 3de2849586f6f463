"""Posteriors against torch.distributions."""

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from kernels import philox_normal
from vae_core.posteriors import PARAMETERS, Gaussian, log_density_of_pairs

K, B, D = 2, 5, 3
SEEDS = torch.tensor([7, 8])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian(form, dtype=torch.float64):
    parameters = torch.randn(K, B, PARAMETERS[form](D), generator=generator(), dtype=dtype)
    return Gaussian.of(parameters, D)


def distribution(posterior):
    return MultivariateNormal(posterior.mu, scale_tril=posterior.cholesky)


PRIOR = MultivariateNormal(torch.zeros(D).double(), torch.eye(D).double())
FORMS = pytest.mark.parametrize("form", list(PARAMETERS))


def test_an_encoder_gives_mean_log_variances_and_what_stands_below_the_diagonal():
    row = torch.tensor([[1.0, 2, 3, 0, 0, 0, 4, 5, 6]])
    found = Gaussian.of(row, 3)
    assert found.mu.tolist() == [[1, 2, 3]]
    assert found.cholesky[0].tolist() == [[1, 0, 0], [4, 1, 0], [5, 6, 1]]
    assert Gaussian.of(row[:, :6], 3).lower is None


@FORMS
def test_what_a_network_says_in_bfloat16_is_summed_in_float32(form):
    posterior = gaussian(form, torch.bfloat16)
    noise = {"seeds": SEEDS, "step": 3, "stream": 0, "backend": "reference"}
    with torch.autocast("cpu", torch.bfloat16):
        drawn = posterior.draw(**noise)
        ratio = posterior.log_prior_over_posterior(drawn.z)
    exact = posterior.wide.draw(**noise)
    torch.testing.assert_close(drawn.kl, exact.kl)
    assert torch.equal(drawn.z, exact.z.bfloat16())
    torch.testing.assert_close(ratio, posterior.wide.log_prior_over_posterior(drawn.z.float()))


def test_densities_of_pairs_are_summed_in_float32():
    posterior = gaussian("diagonal", torch.bfloat16)
    z = posterior.mu + 1
    with torch.autocast("cpu", torch.bfloat16):
        found = log_density_of_pairs(posterior, z)
    torch.testing.assert_close(found, log_density_of_pairs(posterior.wide, z.float()))


@FORMS
def test_the_kl_is_that_of_torch(form):
    posterior = gaussian(form)
    drawn = posterior.draw(seeds=SEEDS, step=3, stream=0, backend="reference")
    torch.testing.assert_close(drawn.kl, kl_divergence(distribution(posterior), PRIOR))


@FORMS
@pytest.mark.parametrize("samples", [1, 4])
def test_latents_are_the_mean_and_the_factor_times_the_noise_of_the_seed(form, samples):
    posterior = gaussian(form)
    drawn = posterior.draw(seeds=SEEDS, step=3, stream=1, backend="reference", samples=samples)
    assert drawn.z.shape == (K, samples, B, D)
    for k in range(K):
        noise = philox_normal((B, D), int(SEEDS[k]), 3, 1).double()
        first = posterior.mu[k] + (posterior.cholesky[k] @ noise.unsqueeze(-1)).squeeze(-1)
        torch.testing.assert_close(drawn.z[k, 0], first)
    if samples > 1:
        assert len({tuple(z.flatten().tolist()) for z in drawn.z[0]}) == samples


@FORMS
def test_drawn_latents_have_the_mean_and_covariance(form):
    posterior = gaussian(form)
    z = posterior.draw(seeds=SEEDS, step=0, stream=0, backend="reference", samples=20_000).z[
        0, :, 0
    ]
    covariance = posterior.cholesky[0, 0] @ posterior.cholesky[0, 0].T
    torch.testing.assert_close(torch.cov(z.T), covariance, rtol=0.06, atol=0.06)
    torch.testing.assert_close(z.mean(0), posterior.mu[0, 0], rtol=0, atol=0.06)


@FORMS
def test_the_log_ratio_is_that_of_the_densities(form):
    posterior = gaussian(form)
    z = posterior.draw(seeds=SEEDS, step=0, stream=0, backend="reference", samples=4).z
    density = distribution(posterior)
    expected = torch.stack(
        [PRIOR.log_prob(part) - density.log_prob(part) for part in z.unbind(1)], dim=1
    )
    torch.testing.assert_close(posterior.log_prior_over_posterior(z), expected)


@FORMS
def test_whitening_gives_back_the_noise(form):
    posterior = gaussian(form)
    z = posterior.draw(seeds=SEEDS, step=0, stream=0, backend="reference").z
    noise = torch.stack([philox_normal((B, D), int(seed), 0, 0) for seed in SEEDS]).double()
    torch.testing.assert_close(posterior.whiten(z)[:, 0], noise)


@FORMS
def test_the_marginal_variance_is_the_diagonal_of_the_covariance(form):
    posterior = gaussian(form)
    covariance = posterior.cholesky @ posterior.cholesky.mT
    torch.testing.assert_close(posterior.marginal_logvar.exp(), covariance.diagonal(0, -2, -1))


def test_a_full_covariance_with_nothing_below_the_diagonal_is_a_diagonal_one():
    diagonal = gaussian("diagonal", torch.float32)
    full = Gaussian(diagonal.mu, diagonal.logvar, torch.zeros(K, B, D * (D - 1) // 2))
    # 15 numbers a sample: each sample's noise begins with a Philox block of its own.
    given = {"seeds": SEEDS, "step": 2, "stream": 0, "backend": "reference", "samples": 3}
    ours, theirs = full.draw(**given), diagonal.draw(**given)
    torch.testing.assert_close(ours.z, theirs.z)
    torch.testing.assert_close(ours.kl, theirs.kl)
    torch.testing.assert_close(
        full.log_prior_over_posterior(ours.z), diagonal.log_prior_over_posterior(theirs.z)
    )


@FORMS
def test_some_of_the_stacked_runs(form):
    chosen = gaussian(form).members(slice(1, 2))
    torch.testing.assert_close(chosen.cholesky, gaussian(form).cholesky[1:])
    assert chosen.mu.shape == (1, B, D)


def test_the_density_of_every_latent_under_every_image():
    posterior = gaussian("diagonal")
    z = torch.randn(K, B, D, generator=generator(1), dtype=torch.float64)
    found = log_density_of_pairs(posterior, z)
    for i in range(B):
        for j in range(B):
            alone = Normal(posterior.mu[:, j], torch.exp(0.5 * posterior.logvar[:, j]))
            torch.testing.assert_close(found[:, i, j], alone.log_prob(z[:, i]))
