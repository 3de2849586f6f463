"""A linear network must reach the optimum that is known: probabilistic PCA.

Lucas et al. 2019, "Don't blame the ELBO!"; Tipping & Bishop 1999. With eigenvalues λ of the
covariance (1/N), s = β·σ², σ² = 1/(2C), and A the latent dimensions with λ > s: rate =
½ Σ_A ln(λ/s); squared error = |A|·s + Σ_rest λ from draws and Σ_A s²/λ + Σ_rest λ from means;
variance of the means = 1 − s/λ on A and 0 elsewhere. An autoencoder reaches PCA's error.
"""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, ortho_group
from sklearn.decomposition import PCA

from bench.measure import forward
from vae_core import Dataset, Member, StackedAutoencoders, Structure, Trainer, TrainingConfig

IMAGES, LATENT_DIM, C = 256, 2, 0.5
VARIANCES = [0.15, 0.03, 0.002, 0.002, 0.002, 0.002]
WEAK, UNIT = 0.2, 1.0  # β; at C = ½ it equals s: one keeps two dimensions, the other one
LEARNING_RATES = [(2e-2, 400), (2e-3, 200), (2e-4, 200)]  # with steps
TOLERANCE = 0.02


class Centred(Dataset):
    """Images read as centred numbers of about unit variance, which Adam fits in seconds."""

    def pixels(self, images):
        return (images.float() / self.levels - 0.5) * 4.5


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Six correlated pixels; what is trained on is tested on, so that the optimum is exact."""
    axes = ortho_group.rvs(6, random_state=0)
    scores = np.random.default_rng(0).standard_normal((IMAGES, 6)) * np.sqrt(VARIANCES)
    levels = np.rint((0.5 + scores @ axes.T) * 255).clip(0, 255).astype(np.uint8)
    images = torch.from_numpy(levels).view(IMAGES, 1, 2, 3)
    labels = torch.zeros(IMAGES, dtype=torch.int64)
    return Centred("six pixels", 255, images, labels, images, labels)


@pytest.fixture(scope="module")
def x(dataset):
    """The images as a matrix ``[N, P]``."""
    return dataset.pixels(dataset.train_images).flatten(1).double().numpy()


@pytest.fixture(scope="module")
def eigenvalues(x):
    return np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]


@pytest.fixture(scope="module")
def answers(dataset):
    """What an AE and two VAEs say after training, many draws an image."""
    members = [
        Member("ae", 0, None, C),
        Member("vae", 0, WEAK, C),
        Member("vae", 0, UNIT, C),
    ]
    model = StackedAutoencoders(
        Structure("linear", (), dataset.image_shape, LATENT_DIM, "gaussian"), members
    )
    for learning_rate, steps in LEARNING_RATES:
        Trainer(model, dataset, TrainingConfig(steps, IMAGES, learning_rate, "reference")).train()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forward, "POSTERIOR_DRAWS", 64)
        asked = forward.ask(model, dataset, prior_samples=1, backend="reference")
    return dict(zip(("ae", WEAK, UNIT), map(asked.member, range(3)), strict=True))


def rate_of(answer):
    mu, logvar = answer.test_mu.astype(np.float64), answer.test_logvar.astype(np.float64)
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(1).mean()


def kept(eigenvalues, beta):
    """Eigenvalues on the active dimensions, the sum of all others, and s."""
    s = beta / (2 * C)
    active = eigenvalues[:LATENT_DIM][eigenvalues[:LATENT_DIM] > s]
    return active, eigenvalues.sum() - active.sum(), s


@pytest.fixture(params=[WEAK, UNIT])
def beta(request):
    return request.param


def test_the_data_make_one_weight_keep_two_dimensions_and_the_other_one(eigenvalues):
    assert [len(kept(eigenvalues, weight)[0]) for weight in (WEAK, UNIT)] == [2, 1]


def test_the_rate(answers, eigenvalues, beta):
    active, _, s = kept(eigenvalues, beta)
    expected = 0.5 * np.log(active / s).sum()
    assert rate_of(answers[beta]) == pytest.approx(expected, rel=TOLERANCE)


def test_the_error_of_reconstructions_from_draws(answers, eigenvalues, beta):
    active, rest, s = kept(eigenvalues, beta)
    found = answers[beta].squared_error_sampled.mean()
    assert found == pytest.approx(len(active) * s + rest, rel=TOLERANCE)


def test_the_error_of_reconstructions_from_means(answers, eigenvalues, beta):
    active, rest, s = kept(eigenvalues, beta)
    found = answers[beta].squared_error_at_mean.mean()
    assert found == pytest.approx((s**2 / active).sum() + rest, rel=TOLERANCE)


def test_the_active_unit_statistic(answers, eigenvalues, beta):
    active, _, s = kept(eigenvalues, beta)
    expected = np.zeros(LATENT_DIM)
    expected[: len(active)] = 1 - s / active
    variances = np.sort(answers[beta].test_mu.var(axis=0))[::-1]
    np.testing.assert_allclose(variances, expected, rtol=TOLERANCE, atol=1e-3)


def test_at_unit_weight_the_elbo_is_the_likelihood(answers, x):
    variances, axes = np.linalg.eigh(np.cov(x.T, bias=True))
    noise = 1 / (2 * C)
    is_kept = (np.arange(6) >= 6 - LATENT_DIM) & (variances > noise)
    covariance = axes @ np.diag(np.where(is_kept, variances, noise)) @ axes.T
    log_likelihood = multivariate_normal(x.mean(0), covariance).logpdf(x).mean()

    answer = answers[UNIT]
    elbo = -(answer.negative_log_likelihood.mean() + rate_of(answer))
    assert elbo == pytest.approx(log_likelihood, abs=0.02)
    # q(z|x) is the true posterior, so a bound from importance samples has nothing left to gain.
    assert answer.log_likelihood.mean() == pytest.approx(log_likelihood, abs=0.02)


def test_an_autoencoder_reaches_principal_components(answers, x):
    pca = PCA(LATENT_DIM).fit(x)
    expected = ((pca.inverse_transform(pca.transform(x)) - x) ** 2).sum(1).mean()
    assert answers["ae"].squared_error_at_mean.mean() == pytest.approx(expected, rel=1e-3)
