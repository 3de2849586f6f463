"""A cohort's losses and noise, member by member, against torch.distributions and by hand."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Independent, Normal, kl_divergence

from kernels import philox_normal
from vae_core import Gaussian, Member, StackedAutoencoders, Structure
from vae_core.model import initial_networks

AE = Member("ae", seed=3, kl_weight=None, recon_weight=1.5)
VAE = Member("vae", seed=3, kl_weight=0.25, recon_weight=1.5)
OTHER = Member("vae", seed=4, kl_weight=2.0, recon_weight=0.5)
MEMBERS = [AE, VAE, OTHER]


def structure(architecture="mlp", likelihood="gaussian", image_shape=(1, 4, 3), hidden=(5,), d=2):
    return Structure(architecture, hidden, image_shape, d, likelihood)


@pytest.fixture
def x():
    return torch.rand(3, 6, 1, 4, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("members", [[], [VAE, AE], [AE, VAE, AE]])
def test_members_come_deterministic_first(members):
    message = "^members: one or more are needed, in the order ae, denoising-ae, rae-l2, vae, iwae"
    with pytest.raises(ValueError, match=message):
        StackedAutoencoders(structure(), members)


def test_an_autoencoder_and_a_variational_one_of_one_seed_start_from_the_same_weights():
    model = StackedAutoencoders(structure(), MEMBERS)
    states = [model.member(k).state_dict() for k in range(3)]
    torch.testing.assert_close(states[0], states[1], rtol=0, atol=0)
    assert not torch.equal(states[1]["encoder.1.weight"], states[2]["encoder.1.weight"])
    encoder, _ = initial_networks(structure(), seed=3)
    assert torch.equal(encoder[1].weight, states[0]["encoder.1.weight"])


def test_encoding_gives_each_member_its_own_mean_and_log_variance(x):
    model = StackedAutoencoders(structure(), MEMBERS)
    found = model.encode(x)
    for k in (1, 2):
        alone = model.member(k).encode(x[k])
        torch.testing.assert_close(found.mu[k], alone.mu)
        torch.testing.assert_close(found.logvar[k], alone.logvar)


def test_a_deterministic_latent_is_the_mean_and_costs_nothing():
    model = StackedAutoencoders(structure(), MEMBERS)
    mu, logvar = torch.randn(3, 6, 2), torch.randn(3, 6, 2)
    drawn = model.draw(
        Gaussian(mu, logvar), step=0, stream=0, backend="reference", samples=4, per_dimension=True
    )
    assert torch.equal(drawn.z[0], mu[0].expand(4, 6, 2))
    assert torch.equal(drawn.kl[0], torch.zeros(6))
    assert torch.equal(drawn.kl_per_dimension[0], torch.zeros(2))
    torch.testing.assert_close(drawn.kl_per_dimension.sum(1), drawn.kl.mean(1))


@pytest.mark.parametrize("members", [MEMBERS, [VAE, OTHER]], ids=["with an AE", "VAEs only"])
def test_a_stochastic_latent_is_drawn_with_the_noise_of_its_seed_step_and_stream(members):
    model = StackedAutoencoders(structure(), members)
    mu, logvar = torch.randn(2, len(members), 6, 2)
    drawn = model.draw(Gaussian(mu, logvar), step=11, stream=2, backend="reference")
    z, kl = drawn.z[:, 0], drawn.kl
    for k, member in enumerate(members):
        if member is not AE:
            noise = philox_normal((6, 2), member.seed, 11, 2)
            torch.testing.assert_close(z[k], mu[k] + torch.exp(0.5 * logvar[k]) * noise)
            posterior = Independent(Normal(mu[k], torch.exp(0.5 * logvar[k])), 1)
            prior = Independent(Normal(torch.zeros(6, 2), torch.ones(6, 2)), 1)
            torch.testing.assert_close(kl[k], kl_divergence(posterior, prior))


def test_autoencoders_alone_draw_nothing():
    model = StackedAutoencoders(structure(), [AE, AE])
    mu = torch.randn(2, 6, 2)
    drawn = model.draw(Gaussian(mu, mu), step=0, stream=0, backend="reference")
    assert torch.equal(drawn.z[:, 0], mu)
    assert torch.equal(drawn.kl, torch.zeros(2, 6))


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_the_loss_is_c_times_the_error_plus_beta_times_the_rate(likelihood, x):
    model = StackedAutoencoders(structure(likelihood=likelihood), MEMBERS)
    losses = model.losses(x, step=5, stream=0, backend="reference")
    for k, member in enumerate(MEMBERS):
        alone = model.member(k)
        mu, logvar = alone.encoder(x[k]).chunk(2, dim=1)
        rate = torch.zeros(())
        if member is not AE:
            rate = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1).mean()
            mu = mu + torch.exp(logvar / 2) * philox_normal((6, 2), member.seed, 5, 0)
        output = alone.decoder(mu)
        if likelihood == "gaussian":
            error = F.mse_loss(output, x[k], reduction="sum") / 6
        else:
            error = F.binary_cross_entropy_with_logits(output, x[k], reduction="sum") / 6
        torch.testing.assert_close(losses.error[k], error)
        torch.testing.assert_close(losses.rate[k], rate)
        expected = member.recon_weight * error + (member.kl_weight or 0) * rate
        torch.testing.assert_close(losses.loss[k], expected)


@pytest.mark.parametrize(
    ("architecture", "hidden"), [("linear", ()), ("mlp", (4,)), ("conv", (2,))]
)
@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_gradients_of_the_whole_loss_are_those_of_finite_differences(
    architecture, hidden, likelihood
):
    shape = (1, 3, 2)
    model = StackedAutoencoders(
        structure(architecture, likelihood, shape, hidden), MEMBERS
    ).double()
    x = torch.rand(3, 4, *shape, dtype=torch.float64)

    def loss(*parameters):
        return model.losses(x, step=1, stream=0, backend="reference").loss

    assert torch.autograd.gradcheck(loss, tuple(model.parameters()))


def test_one_members_loss_does_not_pull_at_another(x):
    model = StackedAutoencoders(structure(), MEMBERS)
    losses = model.losses(x, step=0, stream=0, backend="reference")
    losses.loss[1].backward()
    for value in model.parameters():
        assert value.grad[1].abs().sum() > 0
        assert value.grad[[0, 2]].abs().sum() == 0


def test_a_member_leaves_the_stack_as_an_ordinary_model_with_weights_of_its_own(x):
    model = StackedAutoencoders(structure(likelihood="bernoulli"), MEMBERS)
    alone = model.member(2)
    assert (alone.is_stochastic, alone.training, alone.latent_dim) == (True, False, 2)
    assert model.member(0).is_stochastic is False
    assert alone.decode(torch.zeros(1, 2)).min() > 0  # a Bernoulli mean
    before = copy.deepcopy(alone.state_dict())
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
    torch.testing.assert_close(alone.state_dict(), before, rtol=0, atol=0)
