"""Images from a linear Gaussian model, of which everything is known exactly.

What a linear variational autoencoder should find on them follows from ``TRUTH`` and
``vae_core.closed_form``, so the whole chain from noise to metric can be held against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from vae_core.data.dataset import Dataset
from vae_core.data.request import Request

Floats = NDArray[np.float64]

TRAIN_SIZE = 10_000
TEST_SIZE = 2_000
TRAIN_SEED, TEST_SEED = 0, 1
IMAGE_SIDE = 8


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    """The model x = W z + b + σ ε with z and ε standard normal: probabilistic PCA.

    Attributes
    ----------
    weights, bias, noise_scale
        W ``[P, D]``, b ``[P]`` and σ.

    References
    ----------
    Tipping & Bishop 1999, J. Royal Statistical Society B 61; equation numbers below are theirs.
    """

    weights: Floats
    bias: Floats
    noise_scale: float

    @cached_property
    def covariance(self) -> Floats:
        """WWᵀ + σ²I, ``[P, P]`` (eq. 3)."""
        noise = self.noise_scale**2 * np.eye(len(self.weights))
        return self.weights @ self.weights.T + noise

    @cached_property
    def eigenvalues(self) -> Floats:
        """Of the covariance, descending ``[P]``."""
        return np.linalg.eigvalsh(self.covariance)[::-1].astype(np.float64)

    def log_likelihood(self, x: Floats) -> Floats:
        """Exact log p(x) of images ``[N, P]``, in nats ``[N]`` (eq. 3)."""
        density = multivariate_normal(self.bias, self.covariance)
        return np.atleast_1d(density.logpdf(x))

    def posterior(self, x: Floats) -> tuple[Floats, Floats]:
        """Exact p(z|x) of images ``[N, P]``: means ``[N, D]`` and the one covariance ``[D, D]``
        (eq. 6).
        """
        variance = self.noise_scale**2
        precision = np.eye(self.weights.shape[1]) + self.weights.T @ self.weights / variance
        covariance = np.linalg.inv(precision).astype(np.float64)
        return (x - self.bias) @ self.weights @ covariance / variance, covariance

    @property
    def mutual_information_nats(self) -> float:
        """Exact I(x; z) = ½ Σ ln(λ_i / σ²)."""
        return float(0.5 * np.log(self.eigenvalues / self.noise_scale**2).sum())

    def sample(self, count: int, seed: int) -> Floats:
        """Draw images ``[count, P]``; the first rows are the same for every ``count``."""
        pixels, latents = self.weights.shape
        noise = np.random.default_rng(seed).standard_normal((count, latents + pixels))
        x = self.bias + self.noise_scale * noise[:, latents:]
        # One rounding after another in a fixed order, so that every machine draws the same bits.
        for d in range(latents):
            x = x + noise[:, d, None] * self.weights[:, d]
        return x


def _truth() -> LinearGaussian:
    """Four orthogonal patterns of ±1 with variances of 24, 12, 6 and 2 in unit noise.

    The KL weights 1 and 4 then keep four and three latent dimensions, and I(x; z) stays far below
    the logarithm of the number of test images, which caps every estimate of it. Values leave [0, 1]
    because a signal much smaller than 1 trains slowly.
    """
    flat = np.ones(8)
    halves = np.repeat([1, -1], 4)
    quarters = np.repeat([1, -1, 1], [2, 4, 2])
    pairs = ((flat, halves), (halves, flat), (halves, halves), (quarters, flat))
    patterns = np.stack([np.outer(down, across).ravel() for down, across in pairs], axis=1) / 8
    eigenvalues = np.array([24.0, 12.0, 6.0, 2.0])
    return LinearGaussian(
        weights=patterns * np.sqrt(eigenvalues - 1),
        bias=np.full(IMAGE_SIDE**2, 0.5),
        noise_scale=1.0,
    )


TRUTH = _truth()
"""What the images are drawn from. σ² = 1 is a reconstruction weight C = 1/(2σ²) of 0.5."""


def load(request: Request) -> Dataset:
    """Float images ``[N, 1, 8, 8]``, unclamped, without labels.

    Any number of them: a larger data set begins with a smaller one.
    """
    train_size = TRAIN_SIZE if request.train_size is None else request.train_size
    test_size = TEST_SIZE if request.test_size is None else request.test_size
    train, test = TRUTH.sample(train_size, TRAIN_SEED), TRUTH.sample(test_size, TEST_SEED)
    return Dataset(
        name="linear-gaussian",
        levels=1,
        train_images=_images(train),
        train_labels=None,
        test_images=_images(test),
        test_labels=None,
    )


def _images(x: Floats) -> torch.Tensor:
    return torch.from_numpy(x.astype(np.float32)).view(-1, 1, IMAGE_SIDE, IMAGE_SIDE)
