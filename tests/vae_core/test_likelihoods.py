"""Likelihoods against SciPy and scikit-learn, constants included."""

import numpy as np
import pytest
import torch
from scipy import optimize, special, stats
from sklearn.metrics import log_loss

from vae_core import LIKELIHOODS

GAUSSIAN, BERNOULLI = LIKELIHOODS["gaussian"], LIKELIHOODS["bernoulli"]
SHAPE = (2, 4, 3, 5, 2)  # members, batch, channels, height, width
PIXELS = 30


@pytest.fixture
def output() -> torch.Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("recon_weight", [0.25, 1.0, 20.0])
def test_the_gaussian_likelihood_has_variance_one_over_two_c(output, x, recon_weight):
    error = GAUSSIAN.error(output, x)
    found = GAUSSIAN.negative_log_likelihood(error, recon_weight, PIXELS)
    density = stats.norm(output.numpy(), np.sqrt(1 / (2 * recon_weight)))
    expected = -density.logpdf(x.numpy()).sum((-3, -2, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_gaussian_error_is_the_squared_error_summed_over_pixels(output, x):
    expected = ((output - x) ** 2).numpy().sum((-3, -2, -1))
    np.testing.assert_allclose(GAUSSIAN.error(output, x), expected, rtol=1e-12)
    assert GAUSSIAN.mean(output) is output


@pytest.mark.parametrize("recon_weight", [1.0, 20.0])
def test_the_bernoulli_likelihood_of_binary_images(output, x, recon_weight):
    binary = (x > 0.5).double()
    found = BERNOULLI.negative_log_likelihood(BERNOULLI.error(output, binary), recon_weight, PIXELS)
    expected = -stats.bernoulli(special.expit(output.numpy())).logpmf(binary.numpy())
    np.testing.assert_allclose(found, expected.sum((-3, -2, -1)), rtol=1e-12)
    image = (0, 1)
    one = log_loss(binary[image].flatten(), special.expit(output[image].flatten().numpy()))
    assert found[image].item() == pytest.approx(one * PIXELS, rel=1e-12)


def test_the_bernoulli_error_of_grey_images_is_the_cross_entropy(output, x):
    mean, grey = special.expit(output.numpy()), x.numpy()
    expected = -(special.xlogy(grey, mean) + special.xlog1py(1 - grey, -mean))
    np.testing.assert_allclose(BERNOULLI.error(output, x), expected.sum((-3, -2, -1)), rtol=1e-12)


def test_the_bernoulli_error_is_finite_for_extreme_logits():
    logits = torch.tensor([1e4, -1e4]).view(1, 1, 2)
    assert BERNOULLI.error(logits, torch.tensor([0.0, 0.0]).view(1, 1, 2)) == 1e4


def test_the_bernoulli_mean_is_the_logistic_function(output):
    np.testing.assert_allclose(BERNOULLI.mean(output), special.expit(output.numpy()), rtol=1e-12)


@pytest.mark.parametrize(("kl_weight", "recon_weight"), [(0.3, 1.0), (2.0, 5.0)])
def test_the_effective_decoder_makes_the_loss_a_unit_weight_elbo(
    output, x, kl_weight, recon_weight
):
    variance = GAUSSIAN.effective_decoder_variance(kl_weight, recon_weight)
    rate = torch.rand(SHAPE[:2], dtype=torch.float64)
    trained = recon_weight * GAUSSIAN.error(output, x) + kl_weight * rate
    density = stats.norm(output.numpy(), np.sqrt(variance)).logpdf(x.numpy()).sum((-3, -2, -1))
    unit_weight = rate.numpy() - density
    # Equal up to the scale β and a constant: β · (−ELBO) − loss is the same for every image.
    offset = kl_weight * unit_weight - trained.numpy()
    np.testing.assert_allclose(offset, offset[0, 0], rtol=1e-10)


def test_a_bernoulli_decoder_has_no_variance():
    assert BERNOULLI.effective_decoder_variance(1.0, 1.0) is None


CALIBRATED = LIKELIHOODS["gaussian-calibrated"]


def test_a_calibrated_loss_is_the_likelihood_at_the_best_variance_of_the_batch(output, x):
    error = CALIBRATED.error(output, x)
    found = CALIBRATED.reduce(error.mean(1), PIXELS)
    for k in range(SHAPE[0]):
        residual = (output - x)[k].numpy()

        def mean_nll(variance, residual=residual):
            density = stats.norm(0, np.sqrt(variance)).logpdf(residual)
            return -density.sum() / SHAPE[1]

        best = optimize.minimize_scalar(mean_nll, bounds=(1e-3, 10), method="bounded")
        assert found[k].item() == pytest.approx(best.fun, rel=1e-8)
        at_estimate = CALIBRATED.negative_log_likelihood(
            error[k], 1 / (2 * float(np.mean(residual**2))), PIXELS
        )
        assert at_estimate.mean().item() == pytest.approx(best.fun, rel=1e-8)


def test_a_perfect_reconstruction_does_not_make_a_calibrated_loss_infinite(x):
    assert CALIBRATED.reduce(CALIBRATED.error(x, x).mean(1), PIXELS).isfinite().all()


def test_other_losses_are_the_mean_error(output, x):
    error = GAUSSIAN.error(output, x).mean(1)
    for likelihood in (GAUSSIAN, BERNOULLI):
        assert torch.equal(likelihood.reduce(error, PIXELS), error)
