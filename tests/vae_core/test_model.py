"""One autoencoder as its user sees it."""

import pytest
import torch
from torch import nn

from kernels import philox_normal
from vae_core import Autoencoder
from vae_core.streams import PRIOR

SHAPE = (1, 2, 3)


@pytest.fixture
def networks():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(6, 4))
    decoder = nn.Sequential(nn.Linear(2, 6), nn.Unflatten(1, SHAPE))
    return encoder, decoder


def model_of(networks, *, is_stochastic=True, likelihood="gaussian"):
    return Autoencoder(
        *networks, latent_dim=2, is_stochastic=is_stochastic, likelihood=likelihood
    ).eval()


@pytest.fixture
def x():
    return torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(0))


def test_the_first_half_of_the_encoder_is_the_mean_the_second_the_log_variance(networks, x):
    parameters = networks[0](x)
    posterior = model_of(networks).encode(x)
    torch.testing.assert_close(posterior.mu, parameters[:, :2])
    torch.testing.assert_close(posterior.logvar, parameters[:, 2:])


def test_the_code_of_an_autoencoder_is_a_point(networks, x):
    posterior = model_of(networks, is_stochastic=False).encode(x)
    torch.testing.assert_close(posterior.mu, networks[0](x)[:, :2])
    assert posterior.logvar.exp().count_nonzero() == 0


def test_a_reconstruction_is_decoded_from_the_mean(networks, x):
    model = model_of(networks)
    torch.testing.assert_close(model(x), networks[1](networks[0](x)[:, :2]))


def test_a_bernoulli_decoder_gives_probabilities(networks, x):
    z = torch.randn(5, 2)
    decoded = model_of(networks, likelihood="bernoulli").decode(z)
    torch.testing.assert_close(decoded, torch.sigmoid(networks[1](z)))


@pytest.mark.parametrize("is_stochastic", [True, False])
def test_samples_are_decoded_prior_draws_of_their_seed(networks, is_stochastic):
    model = model_of(networks, is_stochastic=is_stochastic)
    z = philox_normal((7, 2), 3, 0, PRIOR)
    torch.testing.assert_close(model.sample(7, seed=3), model.decode(z))
    assert model.sample(7, seed=3).shape == (7, *SHAPE)
    assert not torch.equal(model.sample(7, seed=4), model.sample(7, seed=3))


def test_samples_have_the_models_precision(networks):
    assert model_of(networks).double().sample(3).dtype == torch.float64
