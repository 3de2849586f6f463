"""Every objective against its definition, written out here for one member at a time."""

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from kernels import philox_normal
from vae_core import (
    LIKELIHOODS,
    OBJECTIVES,
    Gaussian,
    LossSettings,
    Member,
    RateControl,
    StackedAutoencoders,
    Structure,
)
from vae_core.objectives import Terms
from vae_core.streams import CORRUPTION

C, BETA, SEED, STEP, BATCH, D = 1.5, 0.7, 3, 5, 6, 2
SHAPE = (1, 4, 3)


def structure(**changes):
    given = {"likelihood": "gaussian", "posterior": "diagonal"} | changes
    return Structure("mlp", (5,), SHAPE, D, given["likelihood"], given["posterior"])


def cohort(names=tuple(OBJECTIVES), **changes):
    """One member of each objective between two of others, so that slices are more than all."""
    members = [Member(name, SEED + k, BETA, C) for name in names for k in range(2)]
    return StackedAutoencoders(structure(**changes), members).double()


@pytest.fixture
def x():
    images = torch.rand(BATCH, *SHAPE, generator=torch.Generator().manual_seed(0))
    return images.double()


def losses(model, x, **settings):
    return model.losses(
        x.expand(len(model.members), *x.shape),
        step=STEP,
        stream=0,
        backend="reference",
        settings=LossSettings(**settings),
    )


def found_and_alone(name, x, samples=1, **settings):
    """The loss of the second member of an objective in a cohort of all, and its parts alone."""
    model = cohort()
    k = 2 * list(OBJECTIVES).index(name) + 1
    alone = model.member(k).double()
    mu, logvar = alone.encoder(x).chunk(2, dim=1)
    noise = philox_normal((samples, BATCH, D), SEED + 1, STEP, 0).double()
    z = mu + torch.exp(0.5 * logvar) * noise
    return losses(model, x, samples=samples, **settings).loss[k], alone, mu, logvar, z


def error(alone, z, x):
    return (
        (alone.decoder(z.flatten(0, -2)).view(*z.shape[:-1], *SHAPE) - x).square().sum((-3, -2, -1))
    )


def kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()


def test_an_autoencoder_reconstructs(x):
    found, alone, mu, *_ = found_and_alone("ae", x)
    torch.testing.assert_close(found, C * error(alone, mu, x).mean())


def test_a_denoising_autoencoder_reconstructs_the_clean_image_from_a_noisy_one(x):
    found, alone, *_ = found_and_alone("denoising-ae", x, corruption=0.3)
    noise = philox_normal(x.shape, SEED + 1, STEP, CORRUPTION).double()
    mu = alone.encoder(x + 0.3 * noise).chunk(2, dim=1)[0]
    torch.testing.assert_close(found, C * error(alone, mu, x).mean())


def test_a_regularised_autoencoder_pays_for_its_codes_and_its_decoder(x):
    found, alone, mu, *_ = found_and_alone("rae-l2", x, decoder_decay=0.01)
    decay = 0.01 * sum(value.square().sum() for value in alone.decoder.parameters())
    codes = BETA * 0.5 * mu.square().sum(1).mean()
    torch.testing.assert_close(found, C * error(alone, mu, x).mean() + codes + decay)


@pytest.mark.parametrize("samples", [1, 4])
def test_a_vae_pays_the_rate_once_whatever_it_draws(x, samples):
    found, alone, mu, logvar, z = found_and_alone("vae", x, samples)
    expected = C * error(alone, z, x).mean() + BETA * kl(mu, logvar)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("samples", [1, 4])
def test_an_iwae_takes_the_logarithm_of_the_mean_weight(x, samples):
    found, alone, mu, logvar, z = found_and_alone("iwae", x, samples)
    posterior = Independent(Normal(mu, torch.exp(0.5 * logvar)), 1)
    prior = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    ratio = prior.log_prob(z) - posterior.log_prob(z)
    log_weight = BETA * ratio - C * error(alone, z, x)
    bound = torch.logsumexp(log_weight, 0) - math.log(samples)
    torch.testing.assert_close(found, -bound.mean())


def test_an_iwae_of_more_draws_has_a_tighter_bound(x):
    model = cohort(["iwae"])
    wide = x.repeat(500, 1, 1, 1)
    bounds = [losses(model, wide, samples=s).loss[0].item() for s in (1, 5, 50)]
    assert bounds == sorted(bounds, reverse=True)


def test_a_total_correlation_vae_pays_for_dependence(x):
    found, alone, mu, logvar, z = found_and_alone("beta-tcvae", x)
    z = z[0]
    density = Normal(mu, torch.exp(0.5 * logvar))
    pairs = density.log_prob(z[:, None])  # [i, j, D]
    joint = torch.logsumexp(pairs.sum(-1), 1) - math.log(BATCH)
    marginals = (torch.logsumexp(pairs, 1) - math.log(BATCH)).sum(-1)
    correlation = (joint - marginals).mean()
    expected = C * error(alone, z, x).mean() + kl(mu, logvar) + (BETA - 1) * correlation
    torch.testing.assert_close(found, expected)


def total_correlation(codes):
    """What the loss has of it, of codes ``[B, D]`` that are nearly points."""
    codes = codes.double().unsqueeze(0)
    zero, one = torch.zeros(1).double(), torch.ones(1).double()
    terms = Terms(
        error=torch.zeros(1, 1, codes.shape[1]).double(),
        mean_error=zero,
        posterior=Gaussian(codes, torch.full_like(codes, -12.0)),
        z=codes.unsqueeze(1),
        kl=torch.zeros(1, codes.shape[1]).double(),
        rate=zero,
        recon_weight=one,
        kl_weight=2 * one,
        likelihood=LIKELIHOODS["gaussian"],
        pixels=1,
    )
    return float(OBJECTIVES["beta-tcvae"].loss(terms))


def test_independent_codes_have_no_total_correlation_and_equal_ones_have_their_entropy():
    values = torch.linspace(-1, 1, 8)
    assert total_correlation(torch.cartesian_prod(values, values)) == pytest.approx(0, abs=1e-9)
    assert total_correlation(torch.stack([values, values], 1)) == pytest.approx(math.log(8))


@pytest.mark.parametrize("likelihood", ["gaussian", "gaussian-calibrated", "bernoulli"])
@pytest.mark.parametrize("posterior", ["diagonal", "full"])
def test_gradients_are_those_of_finite_differences(likelihood, posterior, x):
    names = [
        name
        for name in OBJECTIVES
        if not (name == "iwae" and likelihood == "gaussian-calibrated")
        and not (name == "beta-tcvae" and posterior == "full")
    ]
    model = cohort(names, likelihood=likelihood, posterior=posterior)
    settings = {"samples": 2, "rate": RateControl(schedule="linear"), "decoder_decay": 0.1}
    assert torch.autograd.gradcheck(
        lambda *parameters: losses(model, x[:3], **settings).loss,
        tuple(model.parameters()),
        fast_mode=True,
    )


def test_a_full_posterior_pays_its_own_kl(x):
    model = cohort(["vae"], posterior="full")
    alone = model.member(0).double()
    posterior = alone.encode(x)
    density = MultivariateNormal(posterior.mu, scale_tril=posterior.cholesky)
    noise = philox_normal((BATCH, D), SEED, STEP, 0).double().unsqueeze(-1)
    z = posterior.mu + (posterior.cholesky @ noise).squeeze(-1)
    prior = MultivariateNormal(torch.zeros(D).double(), torch.eye(D).double())
    rate = torch.distributions.kl_divergence(density, prior).mean()
    torch.testing.assert_close(
        losses(model, x).loss[0], C * error(alone, z, x).mean() + BETA * rate
    )


def test_what_is_paid_of_the_rate_is_a_matter_of_settings(x):
    model = cohort(["ae", "vae"])
    whole = losses(model, x)
    half = losses(model, x, rate=RateControl(schedule="linear", warmup=1.0))
    free = losses(model, x, rate=RateControl(free_nats=100.0))
    assert whole.rate.tolist() == half.rate.tolist() == free.rate.tolist()
    torch.testing.assert_close(whole.loss[:2], free.loss[:2])
    torch.testing.assert_close(free.loss[2:], C * free.error[2:] + BETA * 100.0 * D)
    paid = (half.loss - C * half.error)[2:]
    torch.testing.assert_close(paid, torch.zeros_like(paid), rtol=0, atol=1e-9)
