"""A cohort's answers, against each member alone, SciPy's densities and the noise's definition."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import expit, logsumexp

from bench.measure import forward
from bench.measure.forward import ask, decode_numpy, prior_draws
from bench.metrics import importance_weighted_log_likelihood
from kernels import philox_normal
from vae_core.streams import EVALUATION, LIKELIHOOD, PRIOR

PIXELS = 64
COUNT = 20
SAMPLES = 64
"""Importance samples, unless said otherwise."""


@pytest.fixture(scope="module", params=["gaussian", "bernoulli"])
def likelihood(request):
    return request.param


@pytest.fixture(scope="module")
def model(train, likelihood):
    return train(likelihood)


@pytest.fixture(scope="module")
def answers(model, small):
    return ask(model, small, prior_samples=COUNT, backend="reference")


@pytest.fixture(scope="module")
def x(small):
    return small.pixels(small.test_images)


def flat(images):
    return images.detach().flatten(1).double().numpy()


def log_p_x_given_z(likelihood, output, x, recon_weight):
    """SciPy's log density of images given what a decoder says, summed over pixels."""
    output, x = flat(output), flat(x)
    if likelihood == "gaussian":
        return stats.norm(output, math.sqrt(1 / (2 * recon_weight))).logpdf(x).sum(1)
    p = expit(output)
    return (x * np.log(p) + (1 - x) * np.log1p(-p)).sum(1)


def test_codes_are_those_of_each_member_alone(model, answers, small, x):
    for k in range(3):
        alone, answer = model.member(k), answers.member(k)
        mu, logvar = alone.encoder(x).detach().chunk(2, dim=1)
        np.testing.assert_allclose(answer.test_mu, mu, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(answer.test_logvar, logvar, rtol=1e-4, atol=1e-5)
        train_mu = alone.encode(small.pixels(small.train_images)).mu.detach()
        np.testing.assert_allclose(answer.train_mu, train_mu, rtol=1e-4, atol=1e-5)


def test_the_error_at_the_mean_is_that_of_each_members_reconstruction(model, answers, x):
    for k in range(3):
        expected = ((flat(model.member(k)(x)) - flat(x)) ** 2).sum(1)
        np.testing.assert_allclose(answers.squared_error_at_mean[k], expected, rtol=1e-4)


def test_expectations_are_means_over_draws_of_the_evaluation_stream(model, answers, x, likelihood):
    for k, member in enumerate(model.members):
        alone, answer = model.member(k), answers.member(k)
        errors, densities = [], []
        for draw in range(forward.POSTERIOR_DRAWS):
            z = torch.from_numpy(answer.test_mu)
            if member.objective == "vae":
                noise = philox_normal(z.shape, member.seed, draw, EVALUATION)
                z = z + torch.exp(torch.from_numpy(answer.test_logvar) / 2) * noise
            errors.append(((flat(alone.decode(z)) - flat(x)) ** 2).sum(1))
            output = alone.decoder(z)
            densities.append(log_p_x_given_z(likelihood, output, x, member.recon_weight))
        np.testing.assert_allclose(answer.squared_error_sampled, np.mean(errors, axis=0), rtol=1e-3)
        np.testing.assert_allclose(
            answer.negative_log_likelihood, -np.mean(densities, axis=0), rtol=1e-3
        )


def test_an_autoencoders_draws_are_its_means(answers):
    np.testing.assert_allclose(
        answers.squared_error_sampled[0], answers.squared_error_at_mean[0], rtol=1e-6
    )


def test_the_likelihood_is_the_logarithm_of_the_mean_ratio_of_densities(
    model, answers, x, likelihood
):
    for k in (1, 2):
        member, answer = model.members[k], answers.member(k)
        mu, std = answer.test_mu, np.exp(answer.test_logvar / 2)
        ratios = []
        for chunk in range(SAMPLES // forward.DRAWS_AT_ONCE):
            shape = (forward.DRAWS_AT_ONCE, *mu.shape)
            for noise in philox_normal(shape, member.seed, chunk, LIKELIHOOD).numpy():
                z = mu + std * noise
                output = model.member(k).decoder(torch.from_numpy(z))
                ratios.append(
                    log_p_x_given_z(likelihood, output, x, member.recon_weight)
                    + stats.norm.logpdf(z).sum(1)
                    - stats.norm(mu, std).logpdf(z).sum(1)
                )
        expected = logsumexp(ratios, axis=0) - math.log(SAMPLES)
        np.testing.assert_allclose(answer.log_likelihood, expected, rtol=1e-4, atol=1e-3)
        assert answer.log_likelihood.mean() == pytest.approx(
            importance_weighted_log_likelihood(np.array(ratios)), rel=1e-4
        )


def test_an_autoencoder_has_no_likelihood(answers):
    assert np.isnan(answers.log_likelihood[0]).all()


def test_the_bound_on_the_likelihood_rises_from_the_elbo_with_the_samples(model, small):
    bounds = []
    for samples in (1, 4, 16, 100):
        found = ask(model, small, prior_samples=1, importance_samples=samples, backend="reference")
        bounds.append(found.log_likelihood[1:].mean())
    elbo = -(found.negative_log_likelihood + found.rate_nats)[1:].mean()
    assert bounds[0] == pytest.approx(elbo, abs=1.5)
    assert bounds == sorted(bounds)


def test_prior_draws_are_a_function_of_the_seed(model):
    z = prior_draws(model, COUNT)
    for k, member in enumerate(model.members):
        assert torch.equal(z[k], philox_normal((COUNT, 3), member.seed, 0, PRIOR))
    assert torch.equal(z[0], z[1])
    assert not torch.equal(z[1], z[2])


def test_prior_images_are_the_decoded_prior_draws(model, answers):
    for k, member in enumerate(model.members):
        expected = flat(model.member(k).sample(COUNT, seed=member.seed))
        np.testing.assert_allclose(answers.prior_images[k], expected, rtol=1e-4, atol=1e-5)


def test_decoding_gives_mean_images_in_blocks(model, monkeypatch):
    z = np.random.default_rng(0).standard_normal((3, 11, 3)).astype(np.float32)
    whole = decode_numpy(model, z)
    for k in range(3):
        expected = flat(model.member(k).decode(torch.from_numpy(z[k])))
        np.testing.assert_allclose(whole[k], expected, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(forward, "IMAGES_AT_ONCE", 12)
    assert [part.shape[1] for part in forward._parts(torch.from_numpy(z))] == [4, 4, 3]
    np.testing.assert_allclose(decode_numpy(model, z), whole, rtol=1e-4, atol=1e-5)


def test_blocks_change_nothing_but_draws(model, answers, small, monkeypatch):
    monkeypatch.setattr(forward, "IMAGES_PER_BLOCK", 13)
    blocks = ask(model, small, prior_samples=COUNT, backend="reference")
    for name in (
        "train_mu",
        "test_mu",
        "test_logvar",
        "squared_error_at_mean",
        "prior_images",
    ):
        np.testing.assert_allclose(
            getattr(blocks, name), getattr(answers, name), rtol=1e-4, atol=1e-5, err_msg=name
        )
    # The first block draws the same noise, the others theirs: equal up to Monte-Carlo error.
    for name in ("squared_error_sampled", "negative_log_likelihood"):
        found, expected = getattr(blocks, name)[1:], getattr(answers, name)[1:]
        np.testing.assert_allclose(found[:, :13], expected[:, :13], rtol=1e-3, err_msg=name)
        assert not np.allclose(found[:, 13:], expected[:, 13:], rtol=1e-3)
        np.testing.assert_allclose(found.mean(1), expected.mean(1), rtol=0.1, err_msg=name)
    found, expected = (a.log_likelihood[1:].mean(1) for a in (blocks, answers))
    np.testing.assert_allclose(found, expected, rtol=0.05)


def test_no_two_blocks_share_their_noise(model, small, monkeypatch):
    asked, draw = [], model.draw

    def spy(posterior, **where):
        asked.append((where["stream"], where["step"]))
        return draw(posterior, **where)

    monkeypatch.setattr(model, "draw", spy)
    monkeypatch.setattr(forward, "IMAGES_PER_BLOCK", 13)
    ask(model, small, prior_samples=COUNT, backend="reference")
    chunks = SAMPLES // forward.DRAWS_AT_ONCE
    assert len(asked) == 4 * (forward.POSTERIOR_DRAWS + chunks)
    assert len(set(asked)) == len(asked)


def test_a_member_without_numbers_is_told_from_its_mates(train, small, answers):
    assert answers.finite_members().tolist() == [True, True, True]
    model = train(epochs=1)
    with torch.no_grad():
        for value in model.decoder.parameters():
            value[1] = torch.nan
    broken = ask(model, small, prior_samples=COUNT, backend="reference")
    assert broken.finite_members().tolist() == [True, False, True]


def test_asking_is_evaluation(train, small):
    model = train(epochs=1)
    assert model.training
    ask(model, small, prior_samples=1, backend="reference")
    assert not model.training
